//! What a merge would give, found out in memory: nothing is written to the repository.

use std::collections::BTreeSet;

use super::error::{Doing, GitError};
use super::id::{CommitId, TreeId};
use super::open::Repository;

/// Higher than those of the backends that write to disk, which libgit2 counts from 1.
const FIRST: i32 = 999;

/// What merging one commit into another would give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MergePreview {
    /// The merged files.
    Clean(TreeId),
    /// The paths (from the top of the repository, sorted, unique) that both changed in ways that don't fit together.
    Conflicts(Vec<String>),
}

impl Repository {
    /// Merges in memory; nothing is written to the repository. The merged files can be read through this `Repository`
    /// as long as it lives.
    pub fn merge_preview(&self, ours: &CommitId, theirs: &CommitId) -> Result<MergePreview, GitError> {
        const DOING: &str = "merge two commits";
        let (our, their) = (self.commit(ours)?, self.commit(theirs)?);
        if self.merge_base(ours, theirs)?.is_none() {
            return Err(GitError::Unrelated { ours: ours.clone(), theirs: theirs.clone() });
        }
        if self.in_memory.get().is_none() {
            self.raw.odb().and_then(|odb| odb.add_new_mempack_backend(FIRST).map(|_| ())).doing(DOING)?;
            self.in_memory.get_or_init(|| ());
        }
        let mut merged = self.raw.merge_commits(&our, &their, None).doing(DOING)?;
        if !merged.has_conflicts() {
            return Ok(MergePreview::Clean(merged.write_tree_to(&self.raw).doing(DOING)?.into()));
        }
        let mut paths = BTreeSet::new();
        for conflict in merged.conflicts().doing(DOING)? {
            let conflict = conflict.doing(DOING)?;
            let sides = [conflict.ancestor, conflict.our, conflict.their].into_iter().flatten();
            paths.extend(sides.map(|side| String::from_utf8_lossy(&side.path).into_owned()));
        }
        Ok(MergePreview::Conflicts(paths.into_iter().collect()))
    }
}
