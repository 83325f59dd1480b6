//! Building what a plan lacks: the schedule says what is next, a pool of builders does it, and what comes of each build is
//! told and remembered.

mod assemble;
mod cutoff;
mod pool;
mod unshown;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

pub use self::cutoff::Cutoff;
pub use self::pool::at_a_time;
use self::pool::{Done, Pool};
pub(super) use self::unshown::Unshown;
use super::background::failure::{self, Stopped};
use super::error::{BuildError, Error};
use super::event::{Begun, Event};
use super::loader::Loader;
use super::planning::Prepared;
use super::session::Session;
use crate::adapter::engine::{Body, Build, Warehouse, WarehouseError};
use crate::domain::diagnostic::Diagnostic;
use crate::domain::environment::{Origin, PastBuild, PhysicalTable, State};
use crate::domain::name::{ModelName, TableName};
use crate::domain::plan::{Left, Next, Plan, Reason, Schedule, Step, Turn};
use crate::domain::project::Model;

/// What has come of a plan's builds so far: it outlasts the times when others have the warehouse.
#[derive(Debug, Default)]
pub(super) struct Work {
    /// The models that were built.
    pub(super) built: Vec<ModelName>,
    /// Those that could not be built, and why.
    pub(super) failures: Vec<(ModelName, Diagnostic)>,
    /// Those that failed, and what is below them.
    stuck: BTreeSet<ModelName>,
    /// Those that were left out.
    skipped: Vec<ModelName>,
    /// The audits that stopped one.
    pub(super) stopped: Vec<Stopped>,
    /// Those to be audited once all is built.
    late: BTreeSet<ModelName>,
    /// How many were begun.
    begun: usize,
    /// The tables of this turn, how many loads each had, and how long they took: to be put on record.
    past: Vec<(PhysicalTable, usize, Duration)>,
    /// Where the change ended.
    pub(super) cutoff: Cutoff,
    /// What was found since the last plan was made.
    found: Cutoff,
    is_tested: bool,
}

/// A plan to be built, and what it is built in.
#[derive(Clone, Copy)]
pub(super) struct Job<'j> {
    pub(super) prepared: &'j Prepared,
    pub(super) plan: &'j Plan,
    pub(super) warehouse: &'j dyn Warehouse,
    /// What the plan was made from.
    pub(super) state: &'j State,
}

/// A job in its turn.
struct Site<'j> {
    job: Job<'j>,
    /// The table that each model has in the environment.
    tables: BTreeMap<ModelName, TableName>,
    /// The models whose tables are made.
    known: BTreeMap<ModelName, (&'j Step, &'j Model)>,
    /// How many there are, with those of earlier turns.
    total: usize,
    /// Those that have not begun, if it is known of all how long they take.
    left: Option<Left<'j>>,
}

impl<'j> Site<'j> {
    fn of(job: Job<'j>, schedule: &Schedule, begun: usize) -> Self {
        let project = &job.prepared.desired.project;
        let known = job.plan.makes().filter_map(|step| Some((step.model.clone(), (step, project.model(&step.model)?))));
        let waiting = || job.plan.builds().filter(|step| schedule.is_waiting(&step.model));
        let left = Left::of_steps(waiting());
        Self { job, tables: job.plan.tables(), known: known.collect(), total: begun + waiting().count(), left }
    }
}

/// How a turn at the warehouse ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turned {
    /// All is built that can be.
    Out,
    /// Somebody waits for the warehouse.
    Over,
    /// What was built has the very rows of what it replaces: the rest of the plan may be less by that.
    Less,
}

impl Session<'_> {
    /// Builds the plan's missing tables, several at a time where none waits for another. Models below one that failed are
    /// left out; the others are built and kept. Before all is built, it may be time to plan again.
    pub(super) fn build_all(&self, job: Job<'_>, work: &mut Work) -> Result<Turned, Error> {
        work.tell_spared(job, self.report);
        if !std::mem::replace(&mut work.is_tested, true) {
            let to_build: Vec<ModelName> = job.plan.builds().map(|step| step.model.clone()).collect();
            self.test_first(&job.prepared.desired, &to_build, job.state)?;
        }
        let mut schedule = Schedule::new(turns(job), std::mem::take(&mut work.stuck));
        let turned = self.build_in_turn(job, &mut schedule, work);
        work.stuck = schedule.into_stuck();
        let remembered = self.remember_built(job, std::mem::take(&mut work.past));
        let turned = turned?;
        remembered?;
        if turned == Turned::Out {
            self.conclude(job, work)?;
        }
        Ok(turned)
    }

    fn build_in_turn(&self, job: Job<'_>, schedule: &mut Schedule, work: &mut Work) -> Result<Turned, Error> {
        let mut site = Site::of(job, schedule, work.begun);
        let mut pool = Pool::new(job.warehouse, schedule.waiting())?;
        let (mut done, mut is_cut, mut is_less) = (0, false, false);
        let is_interrupted = || self.location.interrupt.is_requested();
        loop {
            // at least one is built in each turn, or those who come and go would keep it from ending
            let gives_way = is_cut || schedule.waiting() > 0 && (is_less || done > 0 && self.is_waited_for());
            if gives_way && pool.is_idle() && !is_interrupted() {
                work.left_to_build(job, schedule);
                return Ok(if is_less { Turned::Less } else { Turned::Over });
            }
            while !gives_way && !is_interrupted() && pool.has_room() {
                match schedule.next(pool.is_idle()) {
                    Next::Wait => break,
                    Next::Skip(model) => work.skipped.push(model),
                    Next::Build { model, audits_late } => {
                        let Some(mut build) = self.next_build(&mut site, &model, schedule, work)? else { continue };
                        if audits_late {
                            build.audits.clear();
                            build.audited = None;
                            work.late.insert(model);
                        }
                        self.report.report(&Event::Moment(format!("build:{}", work.begun)));
                        pool.begin(build);
                    }
                }
            }
            let Some(ended) = pool.next_done() else { break };
            done += 1;
            match self.ended(job, ended, schedule, work)? {
                Turned::Out => {}
                Turned::Over => is_cut = true,
                Turned::Less => is_less = true,
            }
        }
        if is_interrupted() { Err(WarehouseError::Interrupted.into()) } else { Ok(Turned::Out) }
    }

    /// Tells that a model's build begins; none where it turns out that it can't.
    fn next_build(
        &self,
        site: &mut Site<'_>,
        model: &ModelName,
        schedule: &mut Schedule,
        work: &mut Work,
    ) -> Result<Option<Build>, Error> {
        let Job { prepared, state, .. } = site.job;
        let Some((step, of)) = site.known.get(model).copied() else { return Ok(None) };
        if step.clone_of().is_none() {
            work.begun += 1;
            let expected = step.expected;
            let left = site.left.as_ref().map(|left| left.time(at_a_time()));
            let begun = Begun { model: model.clone(), index: work.begun, total: site.total, expected, left };
            self.building(&prepared.target.branch, begun);
            site.left.iter_mut().for_each(|left| left.begin(step));
        }
        match self.build_of(prepared, of, step, &site.tables, state) {
            Err(Error::Project(problems)) => {
                schedule.failed(model);
                self.report.report(&Event::Ended(model.clone()));
                work.failures.extend(problems.into_iter().map(|problem| (model.clone(), problem)));
                Ok(None)
            }
            build => build.map(Some),
        }
    }

    /// Tells what came of a build: over where it gave way before it had carried out all of its loads, and less where what
    /// is below it need not be built.
    fn ended(
        &self,
        job: Job<'_>,
        (build, took, result): Done,
        schedule: &mut Schedule,
        work: &mut Work,
    ) -> Result<Turned, Error> {
        self.report.report(&Event::Ended(build.model.clone()));
        match result {
            Ok(table) if !build.is_whole(&table) => {
                // it goes on in the next turn, and is told once
                work.begun -= 1;
                return Ok(Turned::Over);
            }
            Ok(_) if build.clone_of.is_some() => {
                schedule.built(&build.model);
                self.warn_of(&build);
            }
            Ok(table) => {
                schedule.built(&build.model);
                work.built.push(build.model.clone());
                self.warn_of(&build);
                self.report.report(&Event::Built { model: build.model.clone(), took, rows: table.rows });
                work.past.push((table.clone(), build.loads(), took));
                self.report.report(&Event::Moment(format!("built:{}", work.built.len())));
                if table.inputs.clone_of.is_some() || !table.inputs.alike.is_empty() {
                    work.found_same(&table, job.warehouse);
                    return Ok(Turned::Less);
                }
            }
            Err(mut error) => {
                schedule.failed(&build.model);
                work.stopped.extend(self.keep_what_stopped(job.prepared, job.warehouse, &mut error));
                if let Some(model) = job.prepared.desired.project.model(&build.model) {
                    let failure = self.build_failed(job.prepared, model, &build, error, job.state)?;
                    work.failures.push((build.model.clone(), failure));
                }
            }
        }
        Ok(Turned::Out)
    }

    /// Puts builds on record.
    fn remember_built(&self, job: Job<'_>, built: Vec<(PhysicalTable, usize, Duration)>) -> Result<(), Error> {
        if built.is_empty() {
            return Ok(());
        }
        let origin = self.origin(job.prepared);
        let past = built.iter().map(|(table, loads, took)| PastBuild::of(table, *loads, *took, &origin));
        Ok(job.warehouse.remember(&past.collect::<Vec<_>>())?)
    }

    /// What a target's tables are built from.
    pub(super) fn origin(&self, prepared: &Prepared) -> Origin {
        let target = &prepared.target;
        Origin {
            who: self.owner().who,
            branch: target.branch.clone(),
            commit: target.commit.as_ref().map(|commit| commit.as_str().to_owned()),
            dirty: prepared.is_dirty(),
        }
    }

    /// Tells what audits found that only warn.
    pub(super) fn warn_of(&self, build: &Build) {
        let warnings = build.warnings.lock().map(|mut warnings| std::mem::take(&mut *warnings)).unwrap_or_default();
        for failure in warnings {
            self.report.report(&Event::Warning {
                model: Some(build.model.clone()),
                audit: failure.name,
                count: failure.count,
            });
        }
    }
}

impl Loader {
    /// The work after the last build: versions that share a table are put on record, audits that had to wait are run, and
    /// audits that stopped a build are remembered.
    fn conclude(&self, job: Job<'_>, work: &mut Work) -> Result<(), Error> {
        let Job { prepared, plan, warehouse, .. } = job;
        if work.failures.is_empty() {
            let shared = plan.steps.iter().filter(|step| matches!(step.reason, Reason::SameAs(_)));
            for (version, table) in shared.filter_map(|step| step.fingerprint.zip(step.table.as_ref())) {
                warehouse.stand_for(&version, table)?;
            }
            let late = std::mem::take(&mut work.late);
            self.audit_rest(prepared, plan, warehouse, &late, work)?;
        }
        let Work { built, mut failures, skipped, stopped, cutoff, .. } = std::mem::take(work);
        let before = failure::stopped(self, &prepared.target.branch);
        let mended = before.iter().map(|before| &before.model).chain(&built);
        let mended = mended.filter(|model| !stopped.iter().any(|it| it.model == **model));
        self.forget_wrong(&plan.environment, warehouse, mended)?;
        failure::record_stopped(self, &prepared.target.branch, &stopped);
        if failures.is_empty() {
            (work.built, work.cutoff) = (built, cutoff);
            return Ok(());
        }
        failures.sort_by(|a, b| a.0.cmp(&b.0));
        Err(BuildError::Builds { environment: plan.environment.clone(), failures, skipped, built: built.len() }.into())
    }
}

impl Loader {
    /// The records of reused tables that stand over others from now on, with the query that fills them again: theirs may
    /// name tables that gc is going to drop.
    pub(super) fn relinked(&self, job: Job<'_>) -> Result<Vec<PhysicalTable>, Error> {
        let (project, tables) = (&job.prepared.desired.project, job.plan.tables());
        let mut relinked = Vec::new();
        if job.plan.relinked(project, job.state).is_empty() {
            return Ok(relinked);
        }
        let state = job.warehouse.state(&self.scope_of(&job.plan.environment))?;
        for (step, mut table) in job.plan.relinked(project, &state) {
            let Some(model) = project.model(&step.model) else { continue };
            if table.select.is_some() {
                let build = self.build_of(job.prepared, model, step, &tables, job.state)?;
                if let Body::Table(select) = build.body {
                    (table.select, table.around) = (Some(select), build.around);
                }
            }
            relinked.push(table);
        }
        Ok(relinked)
    }
}

/// The builds of a plan, and what each waits for.
fn turns(job: Job<'_>) -> impl Iterator<Item = Turn> {
    let tree = &job.prepared.desired;
    let turn = move |step: &Step| {
        let model = tree.project.model(&step.model)?;
        let audited_with = tree.audit_reads(model).into_iter().filter(|name| *name != model.name);
        Some(Turn {
            model: model.name.clone(),
            parents: tree.project.built_from(model),
            audited_with: audited_with.collect(),
        })
    };
    job.plan.makes().filter_map(turn)
}
