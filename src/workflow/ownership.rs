//! Who keeps an environment in step. One warehouse may serve many working trees and many people; where two of them have
//! the same branch and different files, the one who came first keeps the environment until the other says so.

use std::path::Path;

use super::error::Error;
use super::planning::Target;
use super::workspace::Workspace;
use crate::adapter::git::{CommitId, Head, Repository};
use crate::domain::environment::{Environment, Owner, State};
use crate::domain::name::{BranchName, EnvName};
use crate::domain::plan::Plan;

/// An environment that someone else keeps.
#[derive(Debug, Clone)]
pub struct OwnedElsewhere {
    /// The environment.
    pub environment: EnvName,
    /// Who.
    pub owner: Owner,
    /// The commit that it shows.
    pub commit: Option<String>,
    /// Whether it shows uncommitted changes as well.
    pub dirty: bool,
    /// When it was published, in seconds since 1970.
    pub at: i64,
}

impl Workspace {
    /// Who works here.
    pub fn owner(&self) -> Owner {
        let name = self.repository.user_name().ok().flatten();
        let name = name.or_else(|| ["GIT_AUTHOR_NAME", "USER"].iter().find_map(|key| std::env::var(key).ok()));
        let folder = self.repository.top().unwrap_or(self.repository.git_dir());
        Owner {
            who: name.unwrap_or_else(|| "someone".to_owned()),
            host: gethostname::gethostname().to_string_lossy().into_owned(),
            folder: folder.to_string_lossy().into_owned(),
        }
    }

    /// Whether carrying out a plan would overwrite what someone else shows there and this tree does not contain.
    pub fn owned_elsewhere(
        &self,
        target: &Target,
        plan: &Plan,
        state: &State,
    ) -> Result<Option<OwnedElsewhere>, Error> {
        let Some(shown) = state.environments.get(&plan.environment) else { return Ok(None) };
        let Some(owner) = shown.owner.as_ref().filter(|owner| !owner.is_at(&self.owner())) else { return Ok(None) };
        if plan.environment.is_prod() || target.take_over || plan.swaps() == 0 {
            return Ok(None);
        }
        if has_left(owner, &self.owner(), &shown.branch) || self.is_contained(shown, target)? {
            return Ok(None);
        }
        Ok(Some(OwnedElsewhere {
            environment: shown.name.clone(),
            owner: owner.clone(),
            commit: shown.commit.clone(),
            dirty: shown.dirty,
            at: shown.updated_at,
        }))
    }

    /// Whether the tree builds upon everything that the environment shows.
    fn is_contained(&self, shown: &Environment, target: &Target) -> Result<bool, Error> {
        let (Some(theirs), Some(ours), false) = (&shown.commit, &target.commit, shown.dirty) else { return Ok(false) };
        // a commit that this clone does not have can't be in its history
        let Some(theirs) = self.repository.resolve(theirs)? else { return Ok(false) };
        Ok(self.repository.is_ancestor(&theirs, ours)?)
    }

    /// Whether a branch exists where an environment is kept. `None` when that can't be told from here.
    pub fn exists_at(&self, owner: &Owner, branch: &BranchName) -> Option<bool> {
        let here = self.owner();
        let folder = Path::new(&owner.folder);
        if owner.host != here.host {
            return None;
        }
        match Repository::discover(folder) {
            Ok(repository) if repository.common_dir() == self.repository.common_dir() => Some(false),
            Ok(repository) => repository.branch_tip(branch).ok().map(|tip: Option<CommitId>| tip.is_some()),
            Err(_) => (!folder.exists()).then_some(false),
        }
    }
}

/// Whether the owner's working tree is gone, or has another branch checked out by now.
fn has_left(owner: &Owner, here: &Owner, branch: &BranchName) -> bool {
    let folder = Path::new(&owner.folder);
    if owner.host != here.host {
        return false;
    }
    match Repository::discover(folder) {
        Ok(repository) => match repository.head() {
            _ if repository.is_bare() => false,
            Ok(Head::Branch { name, .. }) => name != *branch,
            Ok(Head::Detached { .. }) => true,
            Err(_) => false,
        },
        Err(_) => !folder.exists(),
    }
}
