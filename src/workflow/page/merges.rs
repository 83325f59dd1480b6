//! What merging each branch into main would do.

use crate::adapter::git::CommitId;
use crate::domain::environment::State;
use crate::domain::name::{BranchName, EnvName};
use crate::domain::plan::Plan;
use crate::workflow::error::{BranchError, Error};
use crate::workflow::session::Session;

/// What merging a branch into main would do.
#[derive(Debug)]
pub struct Merge {
    /// The branch.
    pub branch: BranchName,
    /// How many commits it has that main has not.
    pub ahead: usize,
    /// How many main has that it has not.
    pub behind: usize,
    /// What would come of it.
    pub outcome: Outcome,
}

/// What would come of a merge.
#[derive(Debug)]
pub enum Outcome {
    /// Prod would show the merged files.
    Plan(Box<Plan>),
    /// Both sides changed the same lines.
    Conflicts {
        /// Of these models.
        models: Vec<String>,
        /// And of other files.
        others: Vec<String>,
    },
    /// The merged files make no project: what is wrong first.
    Broken(String),
}

impl Session<'_> {
    /// What merging each branch that has commits of its own would do.
    pub(super) fn merges(
        &self,
        branches: &[(BranchName, CommitId, EnvName)],
        state: &State,
    ) -> Result<Vec<Merge>, Error> {
        let Some(tip) = self.main_tip()? else { return Ok(Vec::new()) };
        let mut merges = Vec::new();
        for (branch, commit, _) in branches.iter().filter(|(branch, ..)| *branch != self.config.main) {
            let ahead = self.repository.commits_between(&tip, commit)?;
            if ahead == 0 {
                continue;
            }
            let behind = self.repository.commits_between(commit, &tip)?;
            merges.push(Merge { branch: branch.clone(), ahead, behind, outcome: self.outcome(branch, state)? });
        }
        Ok(merges)
    }

    fn outcome(&self, branch: &BranchName, state: &State) -> Result<Outcome, Error> {
        let planned = self
            .merge_target(Some(branch.as_str()))
            .and_then(|target| self.prepare(target))
            .and_then(|prepared| prepared.plan(self, state));
        match planned {
            Ok(plan) => Ok(Outcome::Plan(Box::new(plan))),
            Err(Error::Branch(BranchError::Conflicts { models, others, .. })) => {
                Ok(Outcome::Conflicts { models, others })
            }
            Err(Error::Project(problems)) => {
                Ok(Outcome::Broken(problems.first().map(|problem| problem.what.clone()).unwrap_or_default()))
            }
            // a branch of another history, as those of some forges' pages
            Err(Error::Git(error)) => Ok(Outcome::Broken(error.to_string())),
            Err(error) => Err(error),
        }
    }
}
