//! What a branch's environment would be made from, as one value to compare: nothing changed if it is equal.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::super::error::Error;
use super::super::event::Silent;
use super::super::session::Session;
use super::super::tree::SourceTree;
use crate::adapter::engine::Interrupt;
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
    pub(super) fn of(session: &Session<'_>, branch: &BranchName) -> Result<Self, Error> {
        let is_prod = session.config.environment(branch).is_prod();
        let is_here = matches!(session.repository.head()?, Head::Branch { name, .. } if name == *branch);
        let tip = if is_prod { session.main_tip()? } else { session.repository.branch_tip(branch)? };
        let tree = match tip {
            _ if is_here && !is_prod && session.folder.is_some() => SourceTree::Working,
            Some(commit) => SourceTree::Commit(commit),
            None => SourceTree::Empty,
        };
        let files = session.files(&tree)?.signature();
        Ok(Self { branch: branch.clone(), files, settings: session.config.stamp() })
    }

    /// That of a branch as another working tree of its repository, or this one in another thread, has it; none where
    /// that can't be read.
    pub(super) fn seen_from(repository: Repository, prefix: &str, branch: &BranchName) -> Option<Self> {
        let session = Session::of_project(repository, prefix.to_owned(), &Silent, &Interrupt::default()).ok()?;
        Self::of(&session, branch).ok()
    }

    /// That of the branch that is checked out in a folder; none where that can't be read.
    pub(super) fn of_checked_out(folder: &Path, prefix: &str) -> Option<Self> {
        let repository = Repository::discover(folder).ok()?;
        let Ok(Head::Branch { name, .. }) = repository.head() else { return None };
        Self::seen_from(repository, prefix, &name)
    }
}
