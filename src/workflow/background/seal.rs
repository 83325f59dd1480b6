//! What is known of a branch that was found in step. As long as its seal holds, hooks, `plan`, `promote`, `status` and
//! `diff` have their answer without the warehouse being opened.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::workflow::workspace::Workspace;
use serde::{Deserialize, Serialize};

use super::super::error::Error;
use super::super::planning::Prepared;
use super::super::session::Session;
use super::super::tree::SourceTree;
use super::input_stamp::InputStamp;
use super::reconcile::Standing;
use crate::adapter::cache;
use crate::domain::environment::State;
use crate::domain::name::BranchName;
use crate::domain::plan::Plan;

/// All that a plan depends on: as long as each of these is the same, there is nothing to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Seal {
    inputs: InputStamp,
    head: Option<String>,
    tip: Option<String>,
    warehouse: Vec<(u64, u128)>,
    version: String,
}

/// A branch that is in step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// How its environment stands.
    pub standing: Standing,
    /// What its plan says; none where the environment was brought in step, and not planned again since.
    pub told: Option<SealedPlan>,
}

/// What the plan of a branch in step says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedPlan {
    /// The plan, without the models that are as in base.
    pub plan: Plan,
    /// The schemas of the environment's views.
    pub schemas: BTreeSet<String>,
    /// Whether it shows just what prod shows.
    pub is_prods: bool,
    /// Whether nothing is told beside the plan: no warning, no note.
    pub is_all: bool,
}

type Seals = BTreeMap<String, (Seal, Known)>;

impl Known {
    /// What is known once a plan has found nothing to do. What may be told beside it was not looked for.
    pub fn of(standing: &Standing, plan: &Plan, state: &State) -> Self {
        let pointers = |environment| state.environments.get(environment).map(|shown| &shown.pointers);
        let is_prods = pointers(&plan.environment) == state.prod().map(|prod| &prod.pointers);
        let told = SealedPlan { plan: plan.brief(), schemas: plan.schemas(), is_prods, is_all: false };
        Self { standing: standing.clone(), told: Some(told) }
    }
}

impl Session<'_> {
    /// What is known of a branch, if nothing has changed since it was last found in step.
    pub fn sealed(&self, branch: &BranchName) -> Result<Option<Known>, Error> {
        let Some((sealed, mut known)) = self.seals().remove(branch.as_str()) else { return Ok(None) };
        let seal = self.seal(branch)?;
        if seal != sealed {
            return Ok(None);
        }
        if let Some(told) = known.told.as_mut().filter(|told| told.plan.environment.is_prod()) {
            // prod shows a commit: its seal leaves the working tree out
            let is_here = self.folder.is_some() && self.branch().ok().as_ref() == Some(branch);
            told.plan.source.uncommitted =
                is_here && self.files(&SourceTree::Working)?.signature() != seal.inputs.files;
        }
        Ok(Some(known))
    }

    /// What the environment of the branch that is checked out lacks of the branch's files; none, if it shows them.
    pub fn lacking(&self) -> Result<Option<Plan>, Error> {
        let prepared = self.prepare(self.target(None, None)?)?;
        Ok(Some(prepared.plan(self, &self.state_of(&prepared.target.environment)?)?).filter(|plan| !plan.is_done()))
    }

    /// Remembers a plan that found nothing to do. `is_all` says whether nothing was told beside it.
    pub fn note_in_step(&self, prepared: &Prepared, plan: &Plan, state: &State, is_all: bool) -> Result<(), Error> {
        if self.is_recorded(plan, state) {
            let mut known = Known::of(&Standing::of(plan, state), plan, state);
            known.told.iter_mut().for_each(|told| told.is_all = is_all);
            self.remember(prepared, known)?;
        }
        Ok(())
    }

    /// Remembers that a branch is in step with these files, unless they have changed since they were read. The warehouse
    /// is open still, or was closed just now: nobody else has written to it since it was found in step.
    pub(in crate::workflow) fn remember(&self, prepared: &Prepared, known: Known) -> Result<(), Error> {
        let branch = &prepared.target.branch;
        let seal = self.seal(branch)?;
        if prepared.desired.files.signature() == seal.inputs.files {
            let mut seals = self.seals();
            seals.insert(branch.to_string(), (seal, known));
            cache::store(&self.seals_file(), &seals);
        }
        Ok(())
    }

    /// What is true now.
    fn seal(&self, branch: &BranchName) -> Result<Seal, Error> {
        let warehouse = self.engine.stamp(&self.location);
        let tip = self.main_tip()?;
        let commit = if *branch == self.config.main { tip.clone() } else { self.repository.branch_tip(branch)? };
        Ok(Seal {
            inputs: InputStamp::of(self, branch)?,
            head: commit.map(|commit| commit.as_str().to_owned()),
            tip: tip.map(|tip| tip.as_str().to_owned()),
            warehouse,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        })
    }
}

impl Workspace {
    fn seals(&self) -> Seals {
        cache::load(&self.seals_file()).unwrap_or_default()
    }

    fn seals_file(&self) -> PathBuf {
        self.own().settled(&self.prefix)
    }
}
