//! Running what is due: new spans of incremental models, and tables whose cron has ticked since they were filled. In
//! place: the pointers stay. Which models that are, `pass` says.

mod pass;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use self::pass::{Due, Pass};
use super::error::{BranchError, BuildError, Error};
use super::event::{Begun, Event};
use super::planning::{Prepared, Target};
use super::session::{Session, now_micros};
use super::tree::SourceTree;
use super::workspace::Workspace;
use crate::adapter::engine::Warehouse;
use crate::adapter::git::CommitId;
use crate::domain::calendar::Timing;
use crate::domain::diagnostic::Diagnostic;
use crate::domain::environment::{PastBuild, PhysicalTable, Pointer, Scope, State};
use crate::domain::interval::{Interval, Intervals};
use crate::domain::model::Kind;
use crate::domain::name::{BranchName, EnvName, ModelName, TableName};
use crate::domain::plan::{Step, Upstream, due, is_in_step, not_to_fill};
use crate::domain::project::Model;

/// What a run did.
#[derive(Debug)]
pub struct Ran {
    /// The environment.
    pub environment: EnvName,
    /// The models, in the order they were run, each with the spans that were loaded; none for tables filled whole.
    pub models: Vec<(ModelName, Vec<Interval>)>,
    /// Where there was none: what would be run if cron were ignored.
    pub early: Vec<ModelName>,
    /// And those that hold all of their time, which only restating fills again.
    pub held: Vec<ModelName>,
    /// What has a table of its own from now on, since a rollback of prod would show the one before as it is.
    pub apart: Vec<ModelName>,
    /// What is due and was left as it is for the same reason.
    pub left: Vec<ModelName>,
    /// Whether it came upon an environment that somebody else had moved meanwhile, and stopped there.
    moved: bool,
}

impl Ran {
    /// Nothing yet.
    fn of(environment: EnvName) -> Self {
        let (models, early, held, apart, left) = Default::default();
        Self { environment, models, early, held, apart, left, moved: false }
    }

    /// What was done before it, and then this.
    fn after(mut self, before: Self) -> Self {
        if !before.models.is_empty() {
            // something was due
            (self.early, self.held) = Default::default();
        }
        self.models.splice(..0, before.models);
        self.apart.splice(..0, before.apart);
        self
    }
}

/// How often a run begins again where others move the environment meanwhile.
const PASSES: usize = 5;

/// What a run could not do.
#[derive(Debug, Default)]
pub struct Failed {
    /// The models that failed, each with the loads of this run that are kept, of how many.
    pub models: Vec<(ModelName, usize, usize)>,
    /// What is wrong with them.
    pub problems: Vec<Diagnostic>,
    /// Models that were due and not tried: they read one of those.
    pub skipped: Vec<ModelName>,
}

impl Session<'_> {
    /// Runs what is due in an environment, the current branch's if none is named. What a branch shares with prod is
    /// prod's business. With `ignore_cron`, what is not due as well.
    pub fn run(&self, name: Option<&str>, ignore_cron: bool) -> Result<Ran, Error> {
        let environment = self.target(name, None)?.environment;
        let (mut ran, mut filled) = (Ran::of(environment.clone()), BTreeSet::new());
        for _ in 0..PASSES {
            let state = self.state_of(&environment)?;
            let again = self.with_main_as_shown(&environment, &state, || {
                let mut prepared = self.prepare_as_shown(&environment, &state, ignore_cron)?;
                let ran = self.inside(|| self.run_prepared(&environment, &prepared, &mut filled))?;
                self.run_apart(ran, &mut prepared, &mut filled)
            })?;
            ran = again.after(ran);
            if !ran.moved {
                return Ok(ran);
            }
            self.report.report(&Event::PlanningAgain);
        }
        Err(BranchError::Contended { environment }.into())
    }

    /// Fills what a run left in tables of the branch's own, where its environment is in step with its files: a plan makes
    /// them, and whatever is to follow.
    fn run_apart(&self, mut ran: Ran, prepared: &mut Prepared, filled: &mut BTreeSet<TableName>) -> Result<Ran, Error> {
        while !ran.moved && !ran.left.is_empty() && self.is_shown(prepared)? {
            prepared.apart = ran.left.iter().cloned().collect();
            let applied = match self.apply(prepared, true, &mut |_| {}) {
                Err(Error::Branch(BranchError::OwnedElsewhere(_))) => break,
                applied => applied?,
            };
            let built: Vec<&Step> = applied.plan.builds().filter(|it| applied.built.contains(&it.model)).collect();
            filled.extend(built.iter().filter_map(|step| step.table.clone()));
            ran.models.extend(built.iter().map(|step| (step.model.clone(), step.loads().to_vec())));
            ran.apart.extend(ran.left.iter().filter(|model| applied.built.contains(model)).cloned());
            // another branch may have made such a table already, and left it as it is
            let again = self.inside(|| self.run_prepared(&ran.environment, prepared, filled))?;
            ran.models.extend(again.models);
            if std::mem::replace(&mut ran.left, again.left) == ran.left {
                break;
            }
        }
        Ok(ran)
    }

    /// Whether an environment shows just what its files say.
    fn is_shown(&self, prepared: &Prepared) -> Result<bool, Error> {
        let environment = &prepared.target.environment;
        Ok(is_in_step(environment, &prepared.desired.project, &self.state_of(environment)?))
    }

    /// Fills what is due and is this environment's to fill, but not again what is `filled` by this run already.
    fn run_prepared(
        &self,
        environment: &EnvName,
        prepared: &Prepared,
        filled: &mut BTreeSet<TableName>,
    ) -> Result<Ran, Error> {
        let mut warehouse = self.write_warehouse()?;
        let scope = self.scope_of(environment);
        let state = warehouse.state(&scope)?;
        let project = &prepared.desired.project;
        let moved = self.moved(project, environment, &state);
        let mut pass = Pass::new(prepared, environment, (state, moved), filled);
        for model in project.order().iter().filter_map(|name| project.model(name)) {
            let turn = pass.turn(model);
            let is_tried = turn.due.is_some();
            let loaded = match &turn.due {
                Some(due) => self.fill_due(&mut pass, model, (due, &turn.held), &*warehouse, &scope)?,
                None => Vec::new(),
            };
            pass.end(model, turn, &loaded);
            if is_tried && self.is_waited_for() {
                warehouse = self.give_way(warehouse)?;
                pass.see(warehouse.state(&scope)?);
            }
            if pass.ran.moved {
                break;
            }
        }
        let Pass { state, mut ran, failed, has_begun, .. } = pass;
        let changed: Vec<ModelName> = ran.models.iter().map(|(model, _)| model.clone()).collect();
        self.follow_up(prepared, &changed, &*warehouse, &shown_tables(environment, &state))?;
        if has_begun {
            self.after_all(prepared, &*warehouse)?;
        }
        if ran.models.is_empty() && !ran.moved {
            (ran.early, ran.held) = self.not_due(prepared, &state);
        }
        if failed.models.is_empty() { Ok(ran) } else { Err(BuildError::Run { ran: Box::new(ran), failed }.into()) }
    }

    /// Fills a model's table, after main's `before_all` if it is the first one; gives what was loaded, nothing if it failed.
    fn fill_due(
        &self,
        pass: &mut Pass<'_>,
        model: &Model,
        ((snapshot, loads), held): (&Due, &Intervals),
        warehouse: &dyn Warehouse,
        scope: &Scope,
    ) -> Result<Vec<Interval>, Error> {
        if !std::mem::replace(&mut pass.has_begun, true) {
            self.before_all(pass.prepared, warehouse)?;
        }
        self.filling(&pass.prepared.target.branch, &pass.state, (&model.name, loads.len()), pass.count());
        let start = Instant::now();
        let ran = self.run_model(pass.prepared, model, snapshot.clone(), loads, warehouse, &pass.state)?;
        self.report.report(&Event::Ended(model.name.clone()));
        match ran {
            Ok(table) => {
                self.remember_run(pass.prepared, warehouse, (&table, loads.len(), start.elapsed()))?;
                pass.filled(model, loads);
                Ok(loads.clone())
            }
            Err(problem) => {
                let now = warehouse.state(scope)?;
                let kept = kept(loads, held, now.existing(&snapshot.table));
                pass.failed(model, problem, (kept, loads.len()));
                Ok(Vec::new())
            }
        }
    }

    /// The tree that an environment was made from. Main may have moved on: of prod, it is the commit that prod shows.
    pub(super) fn prepare_as_shown(
        &self,
        environment: &EnvName,
        state: &State,
        ignore_cron: bool,
    ) -> Result<Prepared, Error> {
        let not_planned = || Error::Branch(BranchError::NotPlanned { environment: environment.clone() });
        let shown = state.environments.get(environment).ok_or_else(not_planned)?;
        let mut target = match environment.is_prod() {
            true => {
                let commit = shown.commit.clone().map(CommitId::from_record).ok_or_else(not_planned)?;
                let tree = SourceTree::Commit(commit.clone());
                Target { tree, commit: Some(commit), ..self.target_of_prod(state)? }
            }
            false => self.target(Some(environment.as_str()), None)?,
        };
        target.timing.ignore_cron = ignore_cron;
        self.prepare(target)
    }

    /// Tells that a table was filled, and puts it on record.
    fn remember_run(
        &self,
        prepared: &Prepared,
        warehouse: &dyn Warehouse,
        (table, loads, took): (&PhysicalTable, usize, Duration),
    ) -> Result<(), Error> {
        let past = PastBuild::of(table, loads, took, &self.origin(prepared));
        warehouse.remember(std::slice::from_ref(&past))?;
        self.report.report(&Event::Built { model: past.model, took, rows: past.rows });
        Ok(())
    }

    /// Tells that a model's table is going to be filled again, by so many loads.
    pub(super) fn filling(
        &self,
        branch: &BranchName,
        state: &State,
        (model, loads): (&ModelName, usize),
        (index, total): (usize, usize),
    ) {
        let loads = u32::try_from(loads.max(1)).unwrap_or(u32::MAX);
        let expected = state.durations.get(model).map(|one| one.saturating_mul(loads));
        self.building(branch, Begun { model: model.clone(), index, total, expected, left: None });
    }

    /// Runs one model; gives its table, or what is wrong if that failed.
    fn run_model(
        &self,
        prepared: &Prepared,
        model: &Model,
        snapshot: PhysicalTable,
        loads: &[Interval],
        warehouse: &dyn Warehouse,
        state: &State,
    ) -> Result<Result<PhysicalTable, Diagnostic>, Error> {
        let tables = shown_tables(&prepared.target.environment, state);
        let step = Step::of_run(model, snapshot.table.clone(), loads.to_vec());
        let build = match self.build_of(prepared, model, &step, &tables, state) {
            Err(Error::Project(mut problems)) if !problems.is_empty() => return Ok(Err(problems.swap_remove(0))),
            build => build?,
        };
        let done = match model.kind {
            Kind::Incremental(_) => warehouse.build(&build, now_micros()),
            _ => warehouse.refill(&build, &snapshot, now_micros()),
        };
        match done {
            Ok(table) => {
                self.warn_of(&build);
                self.forget_wrong(&prepared.target.environment, warehouse, [&model.name])?;
                Ok(Ok(table))
            }
            Err(mut error) => {
                self.keep_what_stopped(prepared, warehouse, &mut error);
                self.build_failed(prepared, model, &build, error, state).map(Err)
            }
        }
    }
}

impl Workspace {
    /// What a run that ignores cron would fill, and the incremental models that hold all of their time.
    fn not_due(&self, prepared: &Prepared, state: &State) -> (Vec<ModelName>, Vec<ModelName>) {
        let environment = &prepared.target.environment;
        let timing = Timing { ignore_cron: true, ..prepared.target.timing };
        let (upstream, shared) = (Upstream::new(&timing, environment.is_prod()), not_to_fill(environment, state));
        let (mut early, mut held) = (Vec::new(), Vec::new());
        let project = &prepared.desired.project;
        for model in project.order().iter().filter_map(|name| project.model(name)) {
            let shown = state.pointer(environment, &model.name);
            let built = shown.and_then(|shown| state.existing(&shown.table)).filter(|it| !shared.contains(&it.table));
            let Some(built) = built else { continue };
            if due(environment, (project, model), state, (&upstream, &timing), false).is_some() {
                early.push(model.name.clone());
            } else if built.filled.is_some() && !built.is_history() {
                held.push(model.name.clone());
            }
        }
        (early, held)
    }
}

/// The tables that an environment shows.
pub(super) fn shown_tables(environment: &EnvName, state: &State) -> BTreeMap<ModelName, TableName> {
    let pointers = state.environments.get(environment).into_iter().flat_map(|shown| &shown.pointers);
    let is_there = |pointer: &Pointer| state.existing(&pointer.table).is_some();
    pointers.filter(|(_, shown)| is_there(shown)).map(|(name, shown)| (name.clone(), shown.table.clone())).collect()
}

/// How many loads a table holds now that it did not hold before.
fn kept(loads: &[Interval], before: &Intervals, now: Option<&PhysicalTable>) -> usize {
    let held = now.and_then(|table| table.filled.as_ref());
    let is_held = |load: &&Interval| held.is_some_and(|held| held.intervals.contains(**load));
    loads.iter().filter(is_held).filter(|load| !before.contains(**load)).count()
}
