//! What vmesh asks of Git. Two can answer: libgit2, within this process, and the `git` command, for the repositories that
//! libgit2 can't read.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::error::GitError;
use super::history::CommitInfo;
use super::id::{BlobId, CommitId, TreeId};
use super::index::Entry;
use super::merge::MergePreview;
use crate::domain::name::BranchName;

/// Which branches are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// This clone's own.
    Local,
    /// What is known of other clones'.
    Remote,
}

/// What `HEAD` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RawHead {
    /// The reference it names, such as `refs/heads/main`; `None` when it holds a commit.
    pub(super) reference: Option<Vec<u8>>,
    /// The commit that this comes to; `None` before the first one.
    pub(super) commit: Option<CommitId>,
}

/// A working tree of the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RawWorktree {
    /// Its top; `None` for the main one.
    pub(super) top: Option<PathBuf>,
    /// The reference that its HEAD names, if any.
    pub(super) reference: Option<Vec<u8>>,
}

/// One line of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TreeEntry {
    /// Told from the folder that was asked for.
    pub(super) path: String,
    pub(super) mode: u32,
    pub(super) id: BlobId,
}

/// Whether Git ignores an untracked file or folder, by its path from the top of the repository.
pub(super) type Ignored<'a> = Box<dyn Fn(&str) -> Result<bool, GitError> + 'a>;

/// Everything that is asked. Each answer is of now, not of when the repository was opened; commits that are not there
/// are [`GitError::Missing`].
pub(super) trait Backend {
    fn head(&self) -> Result<RawHead, GitError>;
    /// `None` when there is no such branch.
    fn branch_tip(&self, branch: &BranchName) -> Result<Option<CommitId>, GitError>;
    /// In any order.
    fn branches(&self, side: Side) -> Result<Vec<(BranchName, CommitId)>, GitError>;
    /// The commit that a revision means to Git; `None` when it means none.
    fn commit_named(&self, spec: &str) -> Result<Option<CommitId>, GitError>;
    /// `None` when the histories have nothing in common.
    fn merge_base(&self, a: &CommitId, b: &CommitId) -> Result<Option<CommitId>, GitError>;
    fn is_ancestor(&self, old: &CommitId, new: &CommitId) -> Result<bool, GitError>;
    /// How many commits `b` has that `a` has not.
    fn commits_between(&self, a: &CommitId, b: &CommitId) -> Result<usize, GitError>;
    fn describe(&self, commit: &CommitId) -> Result<CommitInfo, GitError>;
    /// The messages of a branch's reflog, newest first; empty without one.
    fn reflog(&self, branch: &BranchName) -> Result<Vec<Vec<u8>>, GitError>;
    /// Those that are there, the main one (unless the repository is bare) among them.
    fn worktrees(&self) -> Result<Vec<RawWorktree>, GitError>;

    fn tree_of(&self, commit: &CommitId) -> Result<TreeId, GitError>;
    /// What lies below a folder of a tree, but the folders: every link and submodule, and the regular files whose path
    /// there is `wanted`. In any order; nothing when it is no folder.
    fn entries(&self, tree: &TreeId, folder: &str, wanted: &dyn Fn(&str) -> bool) -> Result<Vec<TreeEntry>, GitError>;
    /// What stands at a path of a tree.
    fn entry(&self, tree: &TreeId, path: &str) -> Result<Option<TreeEntry>, GitError>;
    fn content(&self, id: &BlobId) -> Result<Vec<u8>, GitError>;
    /// The id that Git gives to bytes.
    fn blob_id(&self, bytes: &[u8]) -> Result<BlobId, GitError>;
    /// Merges without a trace on disk. The tree can be read as long as this lives. The two have a commit in common.
    fn merge(&self, ours: &CommitId, theirs: &CommitId) -> Result<MergePreview, GitError>;

    /// What the index holds; nothing in a bare repository.
    fn index(&self) -> Result<Vec<Entry>, GitError>;
    /// The paths in conflict, sorted, each once.
    fn conflicts(&self) -> Result<Vec<String>, GitError> {
        let all = self.index()?.into_iter().filter(|entry| entry.stage != 0);
        let paths: BTreeSet<String> = all.map(|entry| String::from_utf8_lossy(&entry.path).into_owned()).collect();
        Ok(paths.into_iter().collect())
    }
    /// The ignore rules for what lies below a folder.
    fn ignored<'a>(&'a self, folder: &'a str) -> Result<Ignored<'a>, GitError>;

    /// `None` for what nobody set.
    fn setting(&self, key: &str) -> Result<Option<String>, GitError>;
    /// With `~` written out.
    fn setting_path(&self, key: &str) -> Result<Option<PathBuf>, GitError>;
}
