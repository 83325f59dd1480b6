//! What is checked out, and whether Git is at rest.

use std::path::Path;

use super::error::GitError;
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
#[derive(Debug, Clone, PartialEq, Eq)]
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
    Conflicts {
        /// The files, from the top of the repository.
        files: Vec<String>,
    },
}

impl Repository {
    /// What is checked out.
    pub fn head(&self) -> Result<Head, GitError> {
        let head = self.backend.head()?;
        let branch = head.reference.as_ref().and_then(|name| name.strip_prefix(BRANCHES.as_bytes()));
        match (branch, head.commit) {
            (Some(name), commit) => Ok(Head::Branch { name: BranchName::from_bytes(name), commit }),
            (None, Some(commit)) => Ok(Head::Detached { commit }),
            (None, None) => Err(GitError::Other { doing: "read HEAD", message: "it points at nothing".to_owned() }),
        }
    }

    /// Whether an environment may be planned now.
    ///
    /// Not told from the state files: when `post-merge` and `post-rewrite` run, `MERGE_HEAD` and `rebase-merge` are
    /// still there though all is done, and a conflict of `merge --squash` or `stash pop` leaves no state file.
    pub fn rest(&self) -> Result<Rest, GitError> {
        if let Head::Branch { .. } = self.head()? {
            let files = self.backend.conflicts()?;
            return Ok(if files.is_empty() { Rest::Ready } else { Rest::Conflicts { files } });
        }
        Ok(operation(self.git_dir()).map_or(Rest::Detached, |what| Rest::Busy { what }))
    }
}

/// What Git is in the midst of, by the files that it leaves meanwhile.
fn operation(git_dir: &Path) -> Option<&'static str> {
    const SIGNS: [(&str, &str); 7] = [
        ("rebase-merge", "rebase"),
        ("rebase-apply/applying", "am"),
        ("rebase-apply", "rebase"),
        ("MERGE_HEAD", "merge"),
        ("REVERT_HEAD", "revert"),
        ("CHERRY_PICK_HEAD", "cherry-pick"),
        ("BISECT_LOG", "bisect"),
    ];
    SIGNS.iter().find(|(file, _)| git_dir.join(file).exists()).map(|(_, what)| *what)
}
