//! What is checked out, and whether Git is at rest.

use git2::{ErrorCode, RepositoryState};

use super::error::{Doing, GitError};
use super::id::CommitId;
use super::open::Repository;
use crate::domain::name::BranchName;

/// The prefix of branches among all references.
pub(super) const BRANCHES: &str = "refs/heads/";

/// What HEAD says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Head {
    /// A branch is checked out.
    Branch {
        /// The branch.
        name: BranchName,
        /// Its newest commit; `None` before the first one.
        commit: Option<CommitId>,
    },
    /// No branch is: a commit or a tag was checked out, a rebase or bisect runs, or HEAD points outside the branches
    /// (as other tools leave it).
    Detached {
        /// The commit.
        commit: CommitId,
    },
}

/// Whether an environment may be planned now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// A branch is checked out and nothing is in conflict.
    Ready,
    /// No branch is checked out.
    Detached,
    /// No branch is checked out because Git is in the midst of something.
    Busy {
        /// `rebase`, `bisect`, ….
        what: &'static str,
    },
    /// A merge, rebase, stash or the like left conflicts in the index.
    Conflicts,
}

impl Repository {
    /// What is checked out.
    pub fn head(&self) -> Result<Head, GitError> {
        const DOING: &str = "read HEAD";
        let head = self.raw.find_reference("HEAD").doing(DOING)?;
        let branch = head.symbolic_target_bytes().and_then(|target| target.strip_prefix(BRANCHES.as_bytes()));
        let commit = match self.raw.head().and_then(|target| target.peel_to_commit()) {
            Ok(commit) => Some(CommitId::from(commit.id())),
            Err(error) if error.code() == ErrorCode::UnbornBranch => None,
            Err(error) => return Err(error).doing(DOING),
        };
        match (branch, commit) {
            (Some(name), commit) => Ok(Head::Branch { name: BranchName::from_bytes(name), commit }),
            (None, Some(commit)) => Ok(Head::Detached { commit }),
            (None, None) => Err(GitError::Other { doing: DOING, message: "it points at nothing".to_owned() }),
        }
    }

    /// Whether an environment may be planned now.
    ///
    /// Not told from the state files: when `post-merge` and `post-rewrite` run, `MERGE_HEAD` and `rebase-merge` are
    /// still there though all is done, and a conflict of `merge --squash` or `stash pop` leaves no state file.
    pub fn rest(&self) -> Result<Rest, GitError> {
        if let Head::Branch { .. } = self.head()? {
            let conflicts = self.index_entries()?.iter().any(|entry| entry.stage != 0);
            return Ok(if conflicts { Rest::Conflicts } else { Rest::Ready });
        }
        Ok(match self.raw.state() {
            RepositoryState::Bisect => Rest::Busy { what: "bisect" },
            RepositoryState::Rebase
            | RepositoryState::RebaseInteractive
            | RepositoryState::RebaseMerge
            | RepositoryState::ApplyMailboxOrRebase => Rest::Busy { what: "rebase" },
            RepositoryState::ApplyMailbox => Rest::Busy { what: "am" },
            RepositoryState::Merge => Rest::Busy { what: "merge" },
            RepositoryState::CherryPick | RepositoryState::CherryPickSequence => Rest::Busy { what: "cherry-pick" },
            RepositoryState::Revert | RepositoryState::RevertSequence => Rest::Busy { what: "revert" },
            RepositoryState::Clean => Rest::Detached,
        })
    }
}
