//! What a branch's environment would be made from, as one value to compare: nothing changed if it is equal.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::super::error::Error;
use super::super::tree::SourceTree;
use super::super::workspace::Workspace;
use crate::adapter::git::{Head, Repository};
use crate::domain::name::BranchName;

/// A branch's files and the settings that count for them, each as a hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct InputStamp {
    branch: BranchName,
    pub(super) files: String,
    settings: String,
}

impl InputStamp {
    /// That of a branch as it is now: of the working tree where the branch is checked out, of its newest commit
    /// elsewhere. Prod shows what is committed.
    pub(super) fn of(workspace: &Workspace, branch: &BranchName) -> Result<Self, Error> {
        let is_prod = workspace.config.environment(branch).is_prod();
        let is_here = matches!(workspace.repository.head()?, Head::Branch { name, .. } if name == *branch);
        let tip = if is_prod { workspace.main_tip()? } else { workspace.repository.branch_tip(branch)? };
        let tree = match tip {
            _ if is_here && !is_prod && workspace.folder.is_some() => SourceTree::Working,
            Some(commit) => SourceTree::Commit(commit),
            None => SourceTree::Empty,
        };
        let files = workspace.files(&tree)?.signature();
        Ok(Self { branch: branch.clone(), files, settings: workspace.config.stamp() })
    }

    /// That of a branch as another working tree of its repository, or this one in another thread, has it; none where
    /// that can't be read.
    pub(super) fn seen_from(repository: Repository, prefix: &str, branch: &BranchName) -> Option<Self> {
        Self::of(&Workspace::of_project(repository, prefix.to_owned()).ok()?, branch).ok()
    }

    /// That of the branch that is checked out in a folder; none where that can't be read.
    pub(super) fn of_checked_out(folder: &Path, prefix: &str) -> Option<Self> {
        let repository = Repository::discover(folder).ok()?;
        let Ok(Head::Branch { name, .. }) = repository.head() else { return None };
        Self::seen_from(repository, prefix, &name)
    }
}
