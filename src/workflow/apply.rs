//! Carrying out a plan: build what is missing, parents first; then swap all pointers at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::background::failure::{self, Stopped};
use super::background::reconcile::Standing;
use super::crew::Crew;
use super::error::{BranchError, BuildError, Error};
use super::event::Event;
use super::planning::Prepared;
use super::session::{Session, now};
use crate::adapter::engine::{Body, Build, Fill, Load, Publication, Warehouse, WarehouseError};
use crate::domain::diagnostic::Diagnostic;
use crate::domain::environment::{PromotionAction, State};
use crate::domain::interval::{Interval, Times};
use crate::domain::limits::{LOADS, LOADS_TEXT};
use crate::domain::model::{Around, Kind};
use crate::domain::name::{EnvName, ModelName, TableName};
use crate::domain::plan::{Action, Plan, Reason, Step};
use crate::domain::project::{Model, cast};

/// What became of a plan.
#[derive(Debug)]
pub struct Applied {
    /// The plan that was carried out, as it was told before.
    pub plan: Plan,
    /// The models that were built.
    pub built: Vec<ModelName>,
    /// The environment's generation now.
    pub generation: u64,
    /// Whether anything was written.
    pub published: bool,
    /// How the environment stands now.
    pub standing: Standing,
}

/// What has come of a plan's builds so far: it outlasts the times when others have the warehouse.
#[derive(Debug, Default)]
pub(super) struct Work {
    /// The models that were built.
    pub(super) built: Vec<ModelName>,
    pub(super) failures: Vec<(ModelName, Diagnostic)>,
    /// Those that failed, and what is below them.
    stuck: BTreeSet<ModelName>,
    skipped: Vec<ModelName>,
    pub(super) stopped: Vec<Stopped>,
    begun: usize,
    is_tested: bool,
}

/// Plans are made again this often when others move the environment in between.
const ATTEMPTS: usize = 10;

impl Session<'_> {
    /// Applies what a target needs. With `build` false, it fails rather than build. `told` gets the plan before anything is
    /// done.
    pub fn apply(&self, prepared: &Prepared, build: bool, told: &mut dyn FnMut(&Plan)) -> Result<Applied, Error> {
        let applied = self.inside(|| self.apply_in_turns(prepared, build, told));
        if matches!(applied, Ok(_) | Err(Error::Build(BuildError::Builds { .. }))) {
            // this try has been told, whatever the last one in the background came to
            failure::forget(self, &prepared.target.branch);
        }
        applied
    }

    fn apply_in_turns(&self, prepared: &Prepared, build: bool, told: &mut dyn FnMut(&Plan)) -> Result<Applied, Error> {
        let mut work = Work::default();
        let mut told_plan: Option<Plan> = None;
        let mut contended = 0;
        let mut warehouse = self.write_warehouse()?;
        while contended < ATTEMPTS {
            let state = warehouse.state(&self.scope_of(&prepared.target.environment))?;
            let plan = prepared.plan(self, &state)?;
            let is_first = told_plan.is_none();
            if is_first {
                told(&plan);
            }
            let first = told_plan.get_or_insert_with(|| plan.clone()).clone();
            let standing = Standing::of(&plan, &state);
            if self.is_recorded(&plan, &state) {
                let generation = plan.generation.unwrap_or(0);
                return Ok(Applied { plan: first, built: work.built, generation, published: !is_first, standing });
            }
            self.goes_forward(prepared, &state)?;
            if let Some(kept) = self.owned_elsewhere(&prepared.target, &plan, &state)? {
                return Err(BranchError::OwnedElsewhere(Box::new(kept)).into());
            }
            if is_first && !plan.is_done() {
                self.lint_first(&prepared.desired)?;
            }
            if !build && plan.builds().next().is_some() {
                let models = plan.builds().map(|step| step.model.clone()).collect();
                return Err(BuildError::BuildsNeeded { environment: plan.environment, models }.into());
            }
            warehouse.check_free(&plan.views())?;
            let moves = !first.is_done() || self.before_all_moved(&plan.environment, &state)?;
            if is_first && moves {
                self.before_all(prepared, &*warehouse)?;
            }
            if !self.build_all(prepared, &plan, &*warehouse, &state, &mut work)? {
                warehouse = self.give_way(warehouse)?;
                continue;
            }
            match self.publish(&*warehouse, &plan, &state) {
                Err(Error::Warehouse(WarehouseError::Moved { .. } | WarehouseError::Lost { .. })) => {
                    contended += 1;
                    self.report.report(&Event::PlanningAgain);
                }
                Err(error) => return Err(error),
                Ok(generation) => {
                    let changed = |step: &&Step| step.swap || step.action() == Action::Build;
                    let changed: Vec<ModelName> =
                        first.steps.iter().filter(changed).map(|step| step.model.clone()).collect();
                    self.follow_up(prepared, &changed, &*warehouse, &plan.tables())?;
                    if moves {
                        self.after_all(prepared, &*warehouse)?;
                    }
                    let built = work.built;
                    return Ok(Applied { plan: first, built, generation, published: true, standing });
                }
            }
        }
        Err(BranchError::Contended { environment: prepared.target.environment.clone() }.into())
    }

    /// Whether the environment shows the plan's tree, and its record names the commit.
    pub(super) fn is_recorded(&self, plan: &Plan, state: &State) -> bool {
        let source = &plan.source;
        let recorded = state.environments.get(&plan.environment).is_some_and(|shown| {
            let tip = !plan.environment.is_prod() || shown.tip == source.tip;
            shown.commit == source.commit && shown.dirty == source.dirty && tip
        });
        recorded && plan.is_done()
    }

    fn publish(&self, warehouse: &dyn Warehouse, plan: &Plan, state: &State) -> Result<u64, Error> {
        let replaced = self.replaced(plan, state)?;
        let pointers = plan.pointers();
        let source = &plan.source;
        let publication = Publication {
            environment: &plan.environment,
            expected: plan.generation,
            branch: &source.branch,
            commit: source.commit.as_deref(),
            dirty: source.dirty,
            base: source.base.as_deref(),
            tip: source.tip.as_deref().filter(|_| plan.environment.is_prod()),
            pointers: &pointers,
            comments: &plan.comments(),
            owner: &self.owner(),
            replaces: replaced.as_ref().map(|(environment, generation)| (environment, *generation)),
            pattern: plan.pattern,
            action: PromotionAction::Promote,
            at: now(),
        };
        let mark = |moment: &str| self.report.report(&Event::Moment(moment.to_owned()));
        let generation = warehouse.publish(&publication, &mark)?;
        mark("publish:done");
        Ok(generation)
    }

    /// The environment whose place a new one takes: that of the name which the branch had before `git branch -m`.
    fn replaced(&self, plan: &Plan, state: &State) -> Result<Option<(EnvName, u64)>, Error> {
        if plan.generation.is_some() || plan.environment.is_prod() {
            return Ok(None);
        }
        let Some(before) = self.repository.renamed_from(&plan.source.branch)? else { return Ok(None) };
        let name = self.config.environment(&before);
        let old = state.environments.get(&name).filter(|old| old.branch == before && name != plan.environment);
        let is_free = self.repository.branch_tip(&before)?.is_none();
        Ok(old.filter(|_| is_free && !name.is_prod()).map(|old| (old.name.clone(), old.generation)))
    }

    /// Builds the plan's missing snapshots, several at a time where none waits for another. Models below one that failed
    /// are left out; the others are built and kept. `false`: not all of them yet, for somebody waits for the warehouse.
    pub(super) fn build_all(
        &self,
        prepared: &Prepared,
        plan: &Plan,
        warehouse: &dyn Warehouse,
        state: &State,
        work: &mut Work,
    ) -> Result<bool, Error> {
        let tables = plan.tables();
        let to_build: Vec<ModelName> = plan.builds().map(|step| step.model.clone()).collect();
        if !std::mem::replace(&mut work.is_tested, true) {
            self.test_first(&prepared.desired, &to_build, state)?;
        }
        let project = &prepared.desired.project;
        let mut waiting: Vec<&Step> = plan.builds().filter(|step| !work.stuck.contains(&step.model)).collect();
        let mut unfinished: BTreeSet<ModelName> = waiting.iter().map(|step| step.model.clone()).collect();
        let total = work.begun + waiting.len();
        let (mut done, mut is_cut, mut late) = (0, false, BTreeSet::new());
        let reads: BTreeMap<&ModelName, Vec<ModelName>> = waiting
            .iter()
            .filter_map(|step| Some((&step.model, prepared.desired.audit_reads(project.model(&step.model)?))))
            .collect();
        let mut crew = Crew::new(warehouse, waiting.len())?;
        loop {
            // at least one is built in each turn, or those who come and go would keep it from ending
            let gives_way = is_cut || done > 0 && !waiting.is_empty() && self.is_waited_for();
            if gives_way && crew.is_idle() && !self.location.interrupt.is_requested() {
                return Ok(false);
            }
            if !gives_way && !self.location.interrupt.is_requested() {
                while crew.has_room() {
                    let built = |step: &&Step| {
                        project.model(&step.model).filter(|model| !self.hangs_on(prepared, model, &unfinished))
                    };
                    let audited = |step: &&Step| {
                        built(step).filter(|model| {
                            !reads
                                .get(&model.name)
                                .into_iter()
                                .flatten()
                                .any(|name| *name != model.name && unfinished.contains(name))
                        })
                    };
                    let at = waiting.iter().position(|step| audited(step).is_some());
                    // audits may go in circles, where builds can't: those are run when all is built
                    let in_circle = || waiting.iter().position(|step| crew.is_idle() && built(step).is_some());
                    let (Some(at), is_late) = at.map_or_else(|| (in_circle(), true), |at| (Some(at), false)) else {
                        break;
                    };
                    let step = waiting.remove(at);
                    let Some(model) = project.model(&step.model) else { continue };
                    if self.hangs_on(prepared, model, &work.stuck) {
                        unfinished.remove(&step.model);
                        work.stuck.insert(step.model.clone());
                        work.skipped.push(step.model.clone());
                        continue;
                    }
                    work.begun += 1;
                    self.building(&prepared.target.branch, &step.model, work.begun, total);
                    let mut build = self.build_of(prepared, model, step, &tables, state)?;
                    if is_late {
                        build.audits.clear();
                        build.audited = None;
                        late.extend(step.fingerprint);
                    }
                    self.report.report(&Event::Moment(format!("build:{}", work.begun)));
                    crew.begin(build);
                }
            }
            let Some((build, took, result)) = crew.next_done() else { break };
            done += 1;
            if result.as_ref().is_ok_and(|snapshot| !build.is_whole(snapshot)) {
                // it goes on in the next turn, and is told once
                work.begun -= 1;
                is_cut = true;
                continue;
            }
            unfinished.remove(&build.model);
            match result {
                Ok(_) => {
                    work.built.push(build.model.clone());
                    self.warn_of(&build);
                    self.report.report(&Event::Built { model: build.model, took });
                    self.report.report(&Event::Moment(format!("built:{}", work.built.len())));
                }
                Err(mut error) => {
                    work.stuck.insert(build.model.clone());
                    work.stopped.extend(self.keep_what_stopped(prepared, warehouse, &mut error));
                    if let Some(model) = project.model(&build.model) {
                        let failure = self.build_failed(prepared, model, &build, error, state)?;
                        work.failures.push((build.model.clone(), failure));
                    }
                }
            }
        }
        if self.location.interrupt.is_requested() {
            return Err(WarehouseError::Interrupted.into());
        }
        for step in plan.steps.iter().filter(|step| matches!(step.reason, Reason::SameAs(_))) {
            if let Some((version, table)) =
                step.fingerprint.zip(step.table.as_ref()).filter(|_| work.failures.is_empty())
            {
                warehouse.stand_for(&version, table)?;
            }
        }
        if work.failures.is_empty() {
            self.audit_rest(prepared, plan, warehouse, &late, work)?;
        }
        let Work { built, mut failures, skipped, stopped, .. } = std::mem::take(work);
        let before = failure::stopped(self, &prepared.target.branch);
        let mended = before.iter().map(|before| &before.model).chain(&built);
        self.forget_wrong(
            &plan.environment,
            warehouse,
            mended.filter(|model| !stopped.iter().any(|it| it.model == **model)),
        )?;
        failure::record_stopped(self, &prepared.target.branch, &stopped);
        if failures.is_empty() {
            work.built = built;
            return Ok(true);
        }
        failures.sort_by(|a, b| a.0.cmp(&b.0));
        Err(BuildError::Builds { environment: plan.environment.clone(), failures, skipped, built: built.len() }.into())
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

    /// Whether a model reads one that could not be built, directly or through embedded ones.
    pub(super) fn hangs_on(&self, prepared: &Prepared, model: &Model, stuck: &BTreeSet<ModelName>) -> bool {
        model.parents.keys().any(|parent| {
            let embedded = prepared.desired.project.model(parent).filter(|parent| parent.kind == Kind::Embedded);
            stuck.contains(parent) || embedded.is_some_and(|parent| self.hangs_on(prepared, parent, stuck))
        })
    }

    /// What the warehouse needs to know to build a model.
    pub(super) fn build_of(
        &self,
        prepared: &Prepared,
        model: &Model,
        step: &Step,
        tables: &BTreeMap<ModelName, TableName>,
        state: &State,
    ) -> Result<Build, Error> {
        let tree = &prepared.desired;
        let timing = &prepared.target.timing;
        let text = model.file.query_span.len().max(1);
        if step.loads().len() > LOADS.min(LOADS_TEXT / text) {
            return Err(self.overloaded(tree, model)?);
        }
        let select_at = |times: &Times| self.select_at(tree, model, times, &|name| tables.get(name).cloned());
        let own = step.table.clone().unwrap_or_else(|| model.table());
        let around_at = |times: &Times| self.around_at(tree, model, times, &own, &|name| tables.get(name).cloned());
        let of = |models: BTreeSet<ModelName>| models.into_iter().filter_map(|model| tables.get(&model).cloned());
        let (columns, is_seed) = (&model.file.columns, model.seed.is_some());
        let first = select_at(&Times::LOADING)?.unwrap_or_default();
        let select = select_at(&self.times(model, None, timing))?.map(|select| cast(&select, columns));
        let declared = (!columns.is_empty() && !is_seed).then(|| (columns.clone(), first.clone()));
        let around = match &model.kind {
            Kind::Incremental(_) => Around::default(),
            _ => around_at(&self.times(model, None, timing))?,
        };
        let body = match (&model.kind, &model.seed) {
            (Kind::Seed(seed), Some(file)) => Body::Seed {
                content: self.seed_content(tree, file)?,
                seed: seed.clone(),
                columns: model.file.columns.clone(),
            },
            (Kind::View, _) => Body::View(select.unwrap_or_default()),
            (Kind::Incremental(incremental), _) => {
                let load = |interval: &Interval| {
                    let select = select_at(&self.times(model, Some(*interval), timing))?;
                    let around = around_at(&self.times(model, Some(*interval), timing))?;
                    Ok(Load { interval: *interval, select: cast(&select.unwrap_or_default(), columns), around })
                };
                Body::Loads(Box::new(Fill {
                    by: incremental.by.clone(),
                    first: cast(&first, columns),
                    setup: around_at(&Times::LOADING)?.without_table(),
                    loads: step.loads().iter().map(load).collect::<Result<_, Error>>()?,
                    aim: step.aim(),
                    known: state.existing(&own).cloned(),
                    before: step.source().and_then(|before| state.existing(before).cloned()),
                    on_change: incremental.rules(),
                    now: timing.now,
                    gives_way: !state.is_shown(&own),
                }))
            }
            _ => Body::Table(select.unwrap_or_default()),
        };
        // audits are of each load's rows, and their times of all loads
        let hull = step.loads().first().zip(step.loads().last());
        let hull = hull.and_then(|(first, last)| Interval::new(first.start(), last.end()));
        let content = |file: &crate::domain::project::SeedFile| Ok((file.path.clone(), self.seed_content(tree, file)?));
        let files = model.files.iter().map(content).collect::<Result<_, Error>>()?;
        Ok(Build {
            around,
            files,
            model: model.name.clone(),
            fingerprint: model.fingerprint,
            own: model.own,
            content: model.content,
            table: own.clone(),
            kind: model.kind.word(),
            parents: of(tree.project.built_from(model)).collect(),
            sources: of(tree.project.filled_from(model)).collect(),
            beside: state
                .pointer(&EnvName::prod(), &model.name)
                .map(|shown| shown.table.clone())
                .filter(|it| *it != own),
            body,
            declared,
            audits: self.audits_of(
                tree,
                model,
                &self.times(model, hull, timing),
                &|name| match *name == model.name {
                    true => step.table.clone(),
                    false => tables.get(name).cloned(),
                },
            )?,
            audited: tree.audit_key(model),
            warnings: Arc::default(),
        })
    }
}
