//! Making good what no hook heard: `git reset`, `git stash`, an aborted merge, a renamed branch. Reading commands do it
//! first, where hooks keep the project in step. None of them waits for a build in the background.

use std::time::Duration;

use super::super::error::Error;
use super::super::session::Session;
use super::super::tree::SourceTree;
use super::super::workspace::registered;
use super::queue::Duty;
use super::reconcile::Reconciled;
use super::seal::Known;
use crate::adapter::engine::{Holder, WarehouseError};
use crate::adapter::git::{CommitId, Head, Rest};
use crate::domain::config::HookBuild;
use crate::domain::environment::State;
use crate::domain::name::BranchName;

/// How long a look waits for a warehouse that another process has, before it asks who that is.
const BRIEFLY: Duration = Duration::from_millis(300);
/// How long `vmesh status` waits, before it says what it knows without the warehouse.
const SOON: Duration = Duration::from_secs(2);

/// What can be seen without waiting for long.
pub struct Look {
    /// The warehouse's state; none while they build in the background, for they have the warehouse, or if it is taken.
    pub state: Option<State>,
    /// Who is at work in the background.
    pub duty: Option<Duty>,
    /// Who has the warehouse, if it is taken.
    pub locked: Option<Option<Holder>>,
}

/// What catching up came to.
pub enum CaughtUp {
    /// No ref has moved without a hook's notice; with what a seal knows of a branch in step.
    Nothing(Option<Known>),
    /// It did, and the branch was reconciled.
    Reconciled(Reconciled),
}

impl Session<'_> {
    /// Brings the current branch in step if Git moved it unheard. Edited files are no events of Git: they wait for a commit,
    /// for `watch` or for `plan`. Prod is never moved from here: that takes a hook that heard main move, or `promote`.
    pub fn catch_up(&mut self) -> Result<CaughtUp, Error> {
        let build = self.config.hooks.build;
        let is_served = build != HookBuild::Off && registered(&self.repository).contains(&self.prefix);
        let is_building = || self.queue().duty().is_some_and(|duty| duty.progress.is_some());
        let Head::Branch { name, commit: Some(commit) } = self.repository.head()? else {
            return Ok(CaughtUp::Nothing(None));
        };
        let known = self.sealed(&name)?;
        let is_free = || self.folder.is_some() && !is_building() && !self.location.door.is_built_behind();
        if known.is_some() || !is_served || !is_free() {
            return Ok(CaughtUp::Nothing(known));
        }
        let patience = std::mem::replace(&mut self.location.patience, BRIEFLY);
        let missed = self.was_missed(&name, commit);
        self.location.patience = patience;
        match missed {
            Ok(true) => {
                // as the hook would have done it that nobody rang
                self.hurried = true;
                let reconciled = self.reconcile(build);
                (self.hurried, self.location.patience) = (false, patience);
                reconciled.map(CaughtUp::Reconciled)
            }
            Ok(false) | Err(Error::Warehouse(WarehouseError::Locked { .. })) => Ok(CaughtUp::Nothing(None)),
            Err(error) => Err(error),
        }
    }

    fn was_missed(&self, branch: &BranchName, commit: CommitId) -> Result<bool, Error> {
        let environment = self.config.environment(branch);
        if environment.is_prod() || self.repository.rest()? != Rest::Ready {
            return Ok(false);
        }
        let state = self.state_of(&environment)?;
        let Some(shown) = state.environments.get(&environment) else {
            // never planned: a branch that Git made or renamed unheard, if there is a prod to share with
            return Ok(state.prod().is_some() && !self.was_tried(branch, &commit));
        };
        if shown.commit.as_deref() != Some(commit.as_str()) {
            return Ok(!self.was_tried(branch, &commit));
        }
        // what was uncommitted is gone: stashed, reset or checked out again
        let signature = |tree: SourceTree| self.files(&tree).map(|files| files.signature());
        Ok(shown.dirty && signature(SourceTree::Working)? == signature(SourceTree::Commit(commit))?)
    }

    /// The warehouse's state, as far as it can be had soon.
    pub fn look(&mut self) -> Result<Look, Error> {
        let duty = self.queue().duty();
        // one that has not begun to build may itself wait for the warehouse
        let is_begun = |duty: &Duty| duty.progress.as_ref().is_some_and(|progress| progress.model.is_some());
        if duty.as_ref().is_some_and(is_begun) {
            return Ok(Look { state: None, duty, locked: None });
        }
        let patience = std::mem::replace(&mut self.location.patience, SOON);
        let state = self.state_shown(&[None]);
        self.location.patience = patience;
        match state {
            // they may have begun meanwhile
            Err(Error::Warehouse(WarehouseError::Locked { holder, .. })) => {
                Ok(Look { state: None, duty: self.queue().duty(), locked: Some(holder) })
            }
            state => Ok(Look { state: Some(state?), duty, locked: None }),
        }
    }
}
