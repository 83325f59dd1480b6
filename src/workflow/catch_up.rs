//! Making good what no hook heard: `git reset`, `git stash`, an aborted merge, a renamed branch. Reading commands do it
//! first, where hooks keep the project in step.

use super::error::Error;
use super::session::{Session, registered};
use super::settle::Settled;
use super::tree::SourceTree;
use crate::adapter::git::{Head, Rest};
use crate::adapter::warehouse::WarehouseError;
use crate::domain::config::HookBuild;

impl Session<'_> {
    /// Settles the current branch if Git moved it unheard. Edited files are no events of Git: they wait for a commit,
    /// for `watch` or for `plan`. Prod is never moved from here: that takes a hook that heard main move, or `promote`.
    pub fn catch_up(&mut self) -> Result<Option<Settled>, Error> {
        let build = self.config.hooks.build;
        let is_served = build != HookBuild::Off && registered(&self.repository).contains(&self.prefix);
        if !is_served || self.folder.is_none() || self.queue().duty().is_some_and(|duty| duty.progress.is_some()) {
            return Ok(None);
        }
        match self.was_missed() {
            Ok(true) => self.settle(build).map(Some),
            Ok(false) | Err(Error::Warehouse(WarehouseError::Locked { .. })) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn was_missed(&self) -> Result<bool, Error> {
        let Head::Branch { name, commit: Some(commit) } = self.repository.head()? else { return Ok(false) };
        let environment = self.config.environment(&name);
        if environment.is_prod() || self.sealed(&name)?.is_some() || self.repository.rest()? != Rest::Ready {
            return Ok(false);
        }
        let state = self.state()?;
        let Some(shown) = state.environments.get(&environment) else {
            // never planned: a branch that Git made or renamed unheard, if there is a prod to share with
            return Ok(state.prod().is_some());
        };
        if shown.commit.as_deref() != Some(commit.as_str()) {
            return Ok(true);
        }
        // what was uncommitted is gone: stashed, reset or checked out again
        Ok(shown.dirty
            && self.files(&SourceTree::Working)?.signature() == self.files(&SourceTree::Commit(commit))?.signature())
    }
}
