//! What hooks and the watcher do: look at the repository as it is now, and bring the current branch's environment (on
//! main: prod) in step with it, once. Hooks are doorbells; nothing they say is believed.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::workflow::workspace::Workspace;
use serde::{Deserialize, Serialize};

use super::super::apply::Applied;
use super::super::error::{BranchError, Error, ProdError};
use super::super::ownership::OwnedElsewhere;
use super::super::planning::Prepared;
use super::super::session::Session;
use super::failure;
use super::queue::Request;
use super::seal::Known;
use crate::adapter::cache;
use crate::adapter::engine::{Holder, WarehouseError};
use crate::adapter::git::{CommitId, Head, Rest};
use crate::domain::config::HookBuild;
use crate::domain::environment::State;
use crate::domain::name::{BranchName, EnvName, ModelName};
use crate::domain::plan::Plan;

/// How long a hook waits for a warehouse that another process has, in all, where builds are left to the background.
const HOOK_PATIENCE: Duration = Duration::from_millis(300);
/// The same where it builds itself.
const INLINE_PATIENCE: Duration = Duration::from_secs(2);
/// A hook swaps at most this many pointers itself (about half a second); more are left to the background.
const HOOK_SWAPS: usize = 500;

/// What reconciling came to.
#[derive(Debug)]
pub enum Reconciled {
    /// Nothing may be done now.
    NotNow(Rest),
    /// There is nothing that hooks should do.
    Nothing,
    /// The environment was in step already.
    InStep(Standing),
    /// It was published.
    Published {
        /// How it stands now.
        standing: Standing,
        /// What was done.
        applied: Box<Applied>,
    },
    /// It needs builds, or the warehouse is taken: a process in the background does the rest.
    Queued {
        /// The environment.
        environment: EnvName,
        /// What will be built, if that is known.
        builds: Vec<ModelName>,
        /// Who has the warehouse, if that is why.
        locked: Option<Option<Holder>>,
    },
    /// Someone else keeps the environment.
    OwnedElsewhere(Box<OwnedElsewhere>),
    /// Main went back in history: hooks don't follow.
    Rewound {
        /// The commit prod shows.
        shown: String,
        /// Main's tip.
        tip: String,
    },
}

/// How an environment stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The environment.
    pub environment: EnvName,
    /// The commit behind it.
    pub commit: Option<String>,
    /// How many models it shows.
    pub models: usize,
    /// How many of them are not the snapshots that prod shows.
    pub own: usize,
}

/// Each branch's commit that was last tried to bring in step.
type Tried = BTreeMap<String, CommitId>;

impl Standing {
    /// How an environment stands once a plan is carried out.
    pub(in crate::workflow) fn of(plan: &Plan, state: &State) -> Self {
        let pointers = plan.pointers();
        let shared = |model: &ModelName| state.prod().and_then(|prod| prod.pointers.get(model));
        let own = pointers.iter().filter(|(model, pointer)| shared(model) != Some(pointer)).count();
        Self {
            environment: plan.environment.clone(),
            commit: plan.source.commit.clone(),
            models: pointers.len(),
            own: if plan.environment.is_prod() { 0 } else { own },
        }
    }
}

impl Session<'_> {
    /// Brings the current branch in step. `build` says who builds what is missing.
    pub fn reconcile(&mut self, build: HookBuild) -> Result<Reconciled, Error> {
        if build == HookBuild::Off {
            return Ok(Reconciled::Nothing);
        }
        let branch = match self.repository.head()? {
            Head::Branch { name, commit: Some(_) } => name,
            Head::Branch { .. } => return Ok(Reconciled::Nothing),
            Head::Detached { .. } => return Ok(Reconciled::NotNow(self.repository.rest()?)),
        };
        match self.repository.rest()? {
            Rest::Ready => match self.sealed(&branch)? {
                Some(known) => Ok(Reconciled::InStep(known.standing)),
                None => self.reconcile_branch(&branch, build),
            },
            rest => Ok(Reconciled::NotNow(rest)),
        }
    }

    /// Brings one branch in step: prod for main, the branch's environment otherwise.
    pub fn reconcile_branch(&mut self, branch: &BranchName, build: HookBuild) -> Result<Reconciled, Error> {
        let environment = self.config.environment(branch);
        if environment.is_prod() && !self.config.hooks.promote {
            return Ok(Reconciled::Nothing);
        }
        let is_hook = self.hurried || build == HookBuild::Background;
        if is_hook {
            let patience = if build == HookBuild::Background { HOOK_PATIENCE } else { INLINE_PATIENCE };
            self.location.patience = self.location.patience.min(patience);
        }
        self.note_tried(branch)?;
        match self.reconcile_now(branch, build) {
            Err(Error::Warehouse(WarehouseError::Locked { holder, .. })) if is_hook => {
                self.enqueue(&Request::new(self, branch))?;
                Ok(Reconciled::Queued { environment, builds: Vec::new(), locked: Some(holder) })
            }
            Err(Error::Branch(BranchError::OwnedElsewhere(kept))) => Ok(Reconciled::OwnedElsewhere(kept)),
            reconciled => reconciled,
        }
    }

    fn reconcile_now(&self, branch: &BranchName, build: HookBuild) -> Result<Reconciled, Error> {
        // so that nobody writes between the look and the seal
        self.keep_open();
        let reconciled = self.look_and_reconcile(branch, build);
        self.close();
        reconciled
    }

    fn look_and_reconcile(&self, branch: &BranchName, build: HookBuild) -> Result<Reconciled, Error> {
        let environment = self.config.environment(branch);
        let state = self.state_of(&environment)?;
        let prepared = if environment.is_prod() {
            let tip = self.main_tip()?;
            let tip = tip.as_ref().map(CommitId::as_str);
            if let Some(prod) = state.prod().filter(|prod| prod.tip.as_deref() == tip) {
                // main has not moved since somebody chose what prod shows: a rollback stays
                return Ok(Reconciled::InStep(self.standing(&state, &prod.name)));
            }
            match self.promotion(None, false) {
                Err(Error::Prod(ProdError::Rewind { from, to })) => {
                    return Ok(Reconciled::Rewound { shown: from, tip: to });
                }
                target => self.prepare(target?)?,
            }
        } else {
            self.prepare(self.target_of(branch.clone(), None)?)?
        };
        let plan = prepared.plan(self, &state)?;
        if plan.is_done() && (!plan.environment.is_prod() || self.is_recorded(&plan, &state)) {
            if !self.is_recorded(&plan, &state) {
                self.close();
                self.put_on_record(&prepared)?;
            }
            let standing = Standing::of(&plan, &state);
            self.remember(&prepared, Known::of(&standing, &plan, &state))?;
            failure::forget(self, branch);
            return Ok(Reconciled::InStep(standing));
        }
        self.close();
        if let Some(kept) = self.owned_elsewhere(&prepared.target, &plan, &state)? {
            return Ok(Reconciled::OwnedElsewhere(Box::new(kept)));
        }
        let builds: Vec<ModelName> = plan.builds().map(|step| step.model.clone()).collect();
        let takes_time = !builds.is_empty() || plan.swaps() > HOOK_SWAPS;
        if build == HookBuild::Background && (takes_time || self.before_all_moved(&plan.environment, &state)?) {
            self.enqueue(&Request::new(self, branch))?;
            return Ok(Reconciled::Queued { environment: plan.environment, builds, locked: None });
        }
        let applied = match self.apply(&prepared, true, &mut |_| {}) {
            // someone else moved prod in the meantime
            Err(Error::Prod(ProdError::Rewind { .. })) => return self.reconcile_now(branch, build),
            applied => applied?,
        };
        let standing = applied.standing.clone();
        self.remember(&prepared, Known { standing: standing.clone(), told: None })?;
        Ok(Reconciled::Published { standing, applied: Box::new(applied) })
    }

    /// Writes down the commit of an environment that shows the right rows already. It can wait for the next time if the
    /// warehouse is taken.
    fn put_on_record(&self, prepared: &Prepared) -> Result<(), Error> {
        match self.apply(prepared, true, &mut |_| {}) {
            Ok(_) | Err(Error::Warehouse(WarehouseError::Locked { .. })) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

impl Workspace {
    /// How an environment stands against prod.
    pub fn standing(&self, state: &State, environment: &EnvName) -> Standing {
        let shown = state.environments.get(environment);
        let prod = state.prod();
        let own = shown.map_or(0, |shown| {
            let shared = |model: &ModelName| prod.and_then(|prod| prod.pointers.get(model));
            shown.pointers.iter().filter(|(model, pointer)| shared(model) != Some(pointer)).count()
        });
        Standing {
            environment: environment.clone(),
            commit: shown.and_then(|shown| shown.commit.clone()),
            models: shown.map_or(0, |shown| shown.pointers.len()),
            own,
        }
    }

    /// Notes which commit of a branch is being reconciled, before it is known how that ends.
    fn note_tried(&self, branch: &BranchName) -> Result<(), Error> {
        let Some(tip) = self.repository.branch_tip(branch)? else { return Ok(()) };
        let mut tried: Tried = cache::load(&self.own().tried(&self.prefix)).unwrap_or_default();
        if tried.insert(branch.to_string(), tip.clone()) != Some(tip) {
            cache::store(&self.own().tried(&self.prefix), &tried);
        }
        Ok(())
    }

    /// Whether this commit of the branch was tried already: a build that failed or was stopped begins again
    /// when something changes or someone says so, not whenever someone looks.
    pub(super) fn was_tried(&self, branch: &BranchName, commit: &CommitId) -> bool {
        let tried: Tried = cache::load(&self.own().tried(&self.prefix)).unwrap_or_default();
        tried.get(branch.as_str()) == Some(commit)
    }
}
