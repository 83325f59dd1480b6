//! Carrying out a plan: build what is missing, parents first; then swap all pointers at once.

use std::collections::BTreeMap;

use super::background::failure;
use super::background::reconcile::Standing;
use super::build::{Cutoff, Job, Turned, Work};
use super::error::{BranchError, BuildError, Error};
use super::event::Event;
use super::planning::Prepared;
use super::session::{Session, now};
use super::workspace::Workspace;
use crate::adapter::engine::{Publication, WarehouseError};
use crate::domain::environment::{PromotionAction, State};
use crate::domain::name::{EnvName, ModelName};
use crate::domain::plan::{Action, Plan, Step};

/// What became of a plan.
#[derive(Debug)]
pub struct Applied {
    /// The plan that was carried out, as it was told before.
    pub plan: Plan,
    /// The models that were built.
    pub built: Vec<ModelName>,
    /// Where the change ended: what has the same rows as before, and what was not built because of that.
    pub cutoff: Cutoff,
    /// The environment's generation now.
    pub generation: u64,
    /// Whether anything was written.
    pub published: bool,
    /// How the environment stands now.
    pub standing: Standing,
}

/// Plans are made again this often when others move the environment in between.
const ATTEMPTS: usize = 10;

impl Session<'_> {
    /// Applies what a target needs. With `build` false, it fails rather than build. `told` gets the plan before anything is
    /// done.
    pub fn apply(&self, prepared: &Prepared, build: bool, told: &mut dyn FnMut(&Plan)) -> Result<Applied, Error> {
        let applied = self.inside(|| self.apply_in_turns(prepared, build, told));
        if matches!(applied, Ok(_) | Err(Error::Build(BuildError::Builds { .. }))) {
            // this outcome has been told: the last failure in the background is out of date
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
                let Work { built, cutoff, .. } = work;
                let built = in_order(built, &first);
                return Ok(Applied { plan: first, built, cutoff, generation, published: !is_first, standing });
            }
            self.check_allowed(prepared, &plan, &state, build)?;
            if is_first && !plan.is_done() {
                self.lint_first(&prepared.desired)?;
            }
            warehouse.check_free(&plan.views())?;
            let moves = !first.is_done() || self.before_all_moved(&plan.environment, &state)?;
            if is_first && moves {
                self.before_all(prepared, &*warehouse)?;
            }
            let job = Job { prepared, plan: &plan, warehouse: &*warehouse, state: &state };
            match self.build_all(job, &mut work)? {
                Turned::Out => {}
                Turned::Less => continue,
                Turned::Over => {
                    warehouse = self.give_way(warehouse)?;
                    continue;
                }
            }
            match self.publish(job) {
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
                    let Work { built, cutoff, .. } = work;
                    let built = in_order(built, &first);
                    return Ok(Applied { plan: first, built, cutoff, generation, published: true, standing });
                }
            }
        }
        Err(BranchError::Contended { environment: prepared.target.environment.clone() }.into())
    }

    /// Fails where a plan may not be carried out: prod would go back, someone else keeps the environment, or something would
    /// have to be built that shall not be.
    fn check_allowed(&self, prepared: &Prepared, plan: &Plan, state: &State, build: bool) -> Result<(), Error> {
        self.goes_forward(prepared, state)?;
        if let Some(kept) = self.owned_elsewhere(&prepared.target, plan, state)? {
            return Err(BranchError::OwnedElsewhere(Box::new(kept)).into());
        }
        if build || plan.builds().next().is_none() {
            return Ok(());
        }
        let models = plan.builds().map(|step| step.model.clone()).collect();
        Err(BuildError::BuildsNeeded { environment: plan.environment.clone(), models }.into())
    }

    fn publish(&self, job: Job<'_>) -> Result<u64, Error> {
        let Job { plan, warehouse, state, .. } = job;
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
            relinked: &self.relinked(job)?,
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
}

impl Workspace {
    /// Whether the environment shows the plan's tree, and its record names the commit.
    pub(super) fn is_recorded(&self, plan: &Plan, state: &State) -> bool {
        let source = &plan.source;
        let recorded = state.environments.get(&plan.environment).is_some_and(|shown| {
            let tip = !plan.environment.is_prod() || shown.tip == source.tip;
            shown.commit == source.commit && shown.dirty == source.dirty && tip
        });
        recorded && plan.is_done()
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
}

/// Models that were built, in the order of the plan: with several at a time, which one ends first is chance.
fn in_order(mut built: Vec<ModelName>, plan: &Plan) -> Vec<ModelName> {
    let places: BTreeMap<&ModelName, usize> = plan.steps.iter().map(|step| &step.model).zip(0..).collect();
    built.sort_by_key(|model| places.get(model).copied());
    built
}
