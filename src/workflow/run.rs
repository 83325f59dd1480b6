//! Running what is due: new spans of incremental models, and tables whose cron has ticked since they were filled. In
//! place: the pointers stay.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

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
use crate::domain::environment::{PastBuild, PhysicalTable, Pointer, State};
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
}

impl Ran {
    /// Nothing yet.
    fn of(environment: EnvName) -> Self {
        let (models, early, held, apart, left) = Default::default();
        Self { environment, models, early, held, apart, left }
    }
}

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
        let state = self.state_of(&environment)?;
        self.with_main_as_shown(&environment.clone(), &state, || {
            let mut prepared = self.prepare_as_shown(&environment, &state, ignore_cron)?;
            let mut filled = BTreeSet::new();
            let ran = self.inside(|| self.run_prepared(&environment, &prepared, &mut filled))?;
            self.run_apart(ran, &mut prepared, &mut filled)
        })
    }

    /// Fills what a run left in tables of the branch's own, where its environment is in step with its files: a plan makes
    /// them, and whatever is to follow.
    fn run_apart(&self, mut ran: Ran, prepared: &mut Prepared, filled: &mut BTreeSet<TableName>) -> Result<Ran, Error> {
        while !ran.left.is_empty() && self.is_shown(prepared)? {
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
        let mut state = warehouse.state(&scope)?;
        let mut ran = Ran::of(environment.clone());
        let (mut failed, mut has_begun) = (Failed::default(), false);
        let (mut stuck, mut tried) = (BTreeSet::new(), BTreeSet::new());
        // what a branch has built below them follows at once, as it does with `plan`
        let mut renewed = BTreeSet::new();
        let (project, timing) = (&prepared.desired.project, &prepared.target.timing);
        let mut upstream = Upstream::new(timing, environment.is_prod());
        let moved = self.moved(project, environment, &state);
        let total = to_fill(prepared, &state, &moved);
        let mut shared = not_to_fill(environment, &state);
        for model in project.order().iter().filter_map(|name| project.model(name)) {
            let table = state.pointer(environment, &model.name).map(|shown| shown.table.clone());
            let shown = table.as_ref().and_then(|table| state.existing(table)?.filled.clone());
            let held = shown.unwrap_or_default().intervals;
            let mut loaded = Vec::new();
            let is_below = !environment.is_prod() && model.parents.keys().any(|parent| renewed.contains(parent));
            let follows = is_below || moved.contains(&model.name);
            let found = due(environment, (project, model), &state, (&upstream, timing), follows);
            let is_left = found.as_ref().is_some_and(|(it, _)| is_left(it, model, &shared, &state));
            ran.left.extend(is_left.then(|| model.name.clone()));
            // a table that two models share is filled once
            let found =
                found.filter(|(it, _)| !shared.contains(&it.table) && (is_below || !filled.contains(&it.table)));
            let found = found.filter(|(it, _)| tried.insert(it.table.clone()));
            let is_tried = found.is_some();
            if !project.built_from(model).is_disjoint(&stuck) {
                stuck.insert(model.name.clone());
                failed.skipped.extend(found.map(|_| model.name.clone()));
            } else if let Some((snapshot, loads)) = found {
                self.begin_run(prepared, &*warehouse, &mut has_begun)?;
                self.filling(
                    &prepared.target.branch,
                    &state,
                    (&model.name, loads.len()),
                    (tried.len(), total.max(tried.len())),
                );
                filled.insert(snapshot.table.clone());
                let start = Instant::now();
                let ran_model = self.run_model(prepared, model, snapshot, &loads, &*warehouse, &state)?;
                self.report.report(&Event::Ended(model.name.clone()));
                match ran_model {
                    Ok(table) => {
                        self.remember_run(prepared, &*warehouse, (&table, loads.len(), start.elapsed()))?;
                        ran.models.push((model.name.clone(), loads.clone()));
                        renewed.insert(model.name.clone());
                        loaded = loads;
                    }
                    Err(problem) => {
                        stuck.insert(model.name.clone());
                        failed.problems.push(problem);
                        let now = warehouse.state(&scope)?;
                        let kept = kept(&loads, &held, table.and_then(|table| now.existing(&table)));
                        failed.models.push((model.name.clone(), kept, loads.len()));
                    }
                }
            }
            if follows && matches!(model.kind, Kind::View | Kind::Embedded) {
                renewed.insert(model.name.clone());
            }
            upstream.add_loaded(model, held, &loaded, &state);
            if is_tried && self.is_waited_for() {
                warehouse = self.give_way(warehouse)?;
                let planned = std::mem::replace(&mut state, warehouse.state(&scope)?);
                self.is_unmoved(environment, &planned, &state)?;
                shared = not_to_fill(environment, &state);
            }
        }
        let changed: Vec<ModelName> = ran.models.iter().map(|(model, _)| model.clone()).collect();
        self.follow_up(prepared, &changed, &*warehouse, &shown_tables(environment, &state))?;
        if has_begun {
            self.after_all(prepared, &*warehouse)?;
        }
        if ran.models.is_empty() {
            (ran.early, ran.held) = self.not_due(prepared, &state);
        }
        if failed.models.is_empty() { Ok(ran) } else { Err(BuildError::Run { ran: Box::new(ran), failed }.into()) }
    }

    /// Runs main's `before_all` before the first model of a run.
    fn begin_run(&self, prepared: &Prepared, warehouse: &dyn Warehouse, begun: &mut bool) -> Result<(), Error> {
        if std::mem::replace(begun, true) { Ok(()) } else { self.before_all(prepared, warehouse) }
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

    /// Fails if an environment no longer shows what it showed before other processes had the warehouse.
    fn is_unmoved(&self, environment: &EnvName, before: &State, now: &State) -> Result<(), Error> {
        let generation = |state: &State| state.environments.get(environment).map(|shown| shown.generation);
        match generation(before) == generation(now) {
            true => Ok(()),
            false => Err(BranchError::Contended { environment: environment.clone() }.into()),
        }
    }
}

/// How many models a run is going to fill, as far as that can be told before.
fn to_fill(prepared: &Prepared, state: &State, moved: &BTreeSet<ModelName>) -> usize {
    let (project, Target { environment, timing, .. }) = (&prepared.desired.project, &prepared.target);
    let (upstream, shared) = (Upstream::new(timing, environment.is_prod()), not_to_fill(environment, state));
    let (mut count, mut renewed) = (0, BTreeSet::new());
    for model in project.order().iter().filter_map(|name| project.model(name)) {
        let is_below = !environment.is_prod() && model.parents.keys().any(|parent| renewed.contains(parent));
        let follows = is_below || moved.contains(&model.name);
        let found = due(environment, (project, model), state, (&upstream, timing), follows);
        let is_due = found.is_some_and(|(table, _)| !shared.contains(&table.table));
        count += usize::from(is_due);
        if is_due || is_below && matches!(model.kind, Kind::View | Kind::Embedded) {
            renewed.insert(&model.name);
        }
    }
    count
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

/// Whether a model's table is left, though due: a rollback would show it, and prod doesn't now, be it under another name.
fn is_left(table: &PhysicalTable, model: &Model, shared: &BTreeSet<TableName>, state: &State) -> bool {
    let is_it = |shown: &Pointer| shown.table == table.table;
    let is_prods = || {
        state.pointer(&EnvName::prod(), &model.name).is_some_and(is_it)
            || state.prod().is_some_and(|prod| prod.pointers.values().any(is_it))
    };
    shared.contains(&table.table) && !is_prods()
}
