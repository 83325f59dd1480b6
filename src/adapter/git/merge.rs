//! What a merge would give: the repository, its index and its working tree stay as they are.

use super::error::GitError;
use super::id::{CommitId, TreeId};
use super::open::Repository;

/// What merging one commit into another would give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MergePreview {
    /// The merged files.
    Clean(TreeId),
    /// The paths (from the top of the repository, sorted, unique) that both changed in ways that don't fit together.
    Conflicts(Vec<String>),
}

impl Repository {
    /// Merges without writing to the repository. The merged files can be read through this `Repository` as long as it
    /// lives.
    pub fn merge_preview(&self, ours: &CommitId, theirs: &CommitId) -> Result<MergePreview, GitError> {
        if self.merge_base(ours, theirs)?.is_none() {
            return Err(GitError::Unrelated { ours: ours.clone(), theirs: theirs.clone() });
        }
        self.backend.merge(ours, theirs)
    }
}
