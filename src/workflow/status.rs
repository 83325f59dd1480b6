//! How the branch that is checked out stands: what its environment shows, what is being built, what failed.

use std::collections::BTreeSet;

use super::background::catch_up::Look;
use super::background::failure::{self, Failure};
use super::background::queue::{Duty, Request};
use super::background::reconcile::Standing;
use super::background::seal::Known;
use super::error::{Error, ProdError};
use super::session::Session;
use crate::adapter::engine::{Doing, Holder};
use crate::adapter::git::{CommitId, Head, Rest};
use crate::domain::environment::{Promotion, State};
use crate::domain::name::{BranchName, EnvName};
use crate::domain::plan::Plan;

/// How a branch stands.
pub struct Status {
    /// The branch.
    pub branch: BranchName,
    /// Its environment.
    pub environment: EnvName,
    /// Its newest commit.
    pub commit: Option<CommitId>,
    /// The files in conflict.
    pub conflicts: Vec<String>,
    /// Its plan, maybe without the models that are as in base; none while that can't be known.
    pub plan: Option<Plan>,
    /// The schemas of the environment's views.
    pub schemas: BTreeSet<String>,
    /// How the environment stands against prod, as far as the warehouse could be read.
    pub standing: Option<Standing>,
    /// Whether main no longer contains what prod shows.
    pub is_rewound: bool,
    /// The rollback that prod shows, and who made it.
    pub rolled_back: Option<(Promotion, String)>,
    /// Who is at work in the background.
    pub duty: Option<Duty>,
    /// What another process builds, in somebody's foreground.
    pub building: Option<Doing>,
    /// Who has the warehouse, if it is taken.
    pub locked: Option<Option<Holder>>,
    /// The branches that wait for their turn in the background.
    pub waiting: Vec<Request>,
    /// What the last try in the background came to, where the environment isn't in step.
    pub failure: Option<Failure>,
    /// What failed for other branches, and nobody has seen.
    pub unseen: Vec<Failure>,
}

impl Status {
    /// Whether the environment shows the branch's files; none while that can't be known.
    pub fn in_step(&self) -> Option<bool> {
        self.plan.as_ref().map(Plan::is_done)
    }
}

impl Session<'_> {
    /// How the current branch stands; none on a detached HEAD. `known` is what its seal says.
    pub fn status(&mut self, known: Option<Known>) -> Result<Option<Status>, Error> {
        let Head::Branch { name: branch, commit } = self.repository.head()? else { return Ok(None) };
        let conflicts = match self.repository.rest()? {
            Rest::Conflicts { files } => files,
            _ => Vec::new(),
        };
        let mut unseen = failure::unseen(self)?;
        unseen.retain(|other| other.branch != branch);
        let mut status = Status {
            environment: self.config.environment(&branch),
            plan: None,
            schemas: BTreeSet::new(),
            standing: None,
            is_rewound: false,
            rolled_back: None,
            duty: self.queue().duty(),
            building: None,
            locked: None,
            waiting: self.queue().waiting(),
            failure: failure::of(self, &branch),
            branch,
            commit,
            conflicts,
            unseen,
        };
        match known.and_then(|known| Some((known.standing, known.told?))).filter(|_| status.conflicts.is_empty()) {
            Some((standing, told)) => {
                (status.plan, status.schemas, status.standing) = (Some(told.plan), told.schemas, Some(standing));
            }
            None => self.look_closer(&mut status)?,
        }
        if status.in_step() == Some(true) {
            status.failure = None;
        }
        Ok(Some(status))
    }

    /// Asks the warehouse.
    fn look_closer(&mut self, status: &mut Status) -> Result<(), Error> {
        let Look { state, duty, locked } = self.look()?;
        (status.duty, status.locked) = (duty, locked);
        status.building = self.location.door.built_behind().filter(|doing| !doing.background);
        let Some(state) = state else { return Ok(()) };
        let standing = self.standing(&state, &status.environment);
        if status.commit.is_some() && status.conflicts.is_empty() {
            self.compare_files(status, &state, &standing)?;
        }
        status.standing = Some(standing);
        Ok(())
    }

    /// Compares the environment with the branch's files.
    fn compare_files(&self, status: &mut Status, state: &State, standing: &Standing) -> Result<(), Error> {
        let prepared = self.prepare(self.target(None, None)?)?;
        let plan = prepared.plan(self, state)?;
        if self.is_recorded(&plan, state) {
            self.remember(&prepared, Known::of(standing, &plan, state))?;
        }
        if plan.environment.is_prod() && !plan.is_done() {
            status.is_rewound = matches!(self.promotion(None, false), Err(Error::Prod(ProdError::Rewind { .. })));
            status.rolled_back = if status.is_rewound { None } else { self.rolled_back(state)? };
        }
        status.schemas = plan.schemas();
        status.plan = Some(plan);
        Ok(())
    }
}
