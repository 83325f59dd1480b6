//! libgit2 and the `git` command asked at once: every test is one that they agree.

use std::fmt::Debug;
use std::mem::discriminant;
use std::path::PathBuf;

use super::super::backend::{Backend, Ignored, RawHead, RawWorktree, Side, TreeEntry};
use super::super::command::GitCommand;
use super::super::history::CommitInfo;
use super::super::index::Entry;
use super::super::{BlobId, CommitId, GitError, MergePreview, TreeId};
use crate::domain::name::BranchName;

pub(super) struct Both {
    pub(super) first: Box<dyn Backend>,
    pub(super) second: GitCommand,
}

/// What both say.
fn agreed<T: PartialEq + Debug>(first: Result<T, GitError>, second: Result<T, GitError>) -> Result<T, GitError> {
    match (&first, &second) {
        (Ok(one), Ok(two)) => assert_eq!(one, two),
        (Err(one), Err(two)) => assert_eq!(discriminant(one), discriminant(two), "{one} | {two}"),
        _ => panic!("{first:?} | {second:?}"),
    }
    first
}

fn sorted<T, K: Ord>(list: Result<Vec<T>, GitError>, key: impl Fn(&T) -> K) -> Result<Vec<T>, GitError> {
    list.map(|mut list| {
        list.sort_by_key(key);
        list
    })
}

impl Backend for Both {
    fn head(&self) -> Result<RawHead, GitError> {
        agreed(self.first.head(), self.second.head())
    }
    fn branch_tip(&self, branch: &BranchName) -> Result<Option<CommitId>, GitError> {
        agreed(self.first.branch_tip(branch), self.second.branch_tip(branch))
    }
    fn branches(&self, side: Side) -> Result<Vec<(BranchName, CommitId)>, GitError> {
        agreed(sorted(self.first.branches(side), Clone::clone), sorted(self.second.branches(side), Clone::clone))
    }
    fn commit_named(&self, spec: &str) -> Result<Option<CommitId>, GitError> {
        agreed(self.first.commit_named(spec), self.second.commit_named(spec))
    }
    fn merge_base(&self, a: &CommitId, b: &CommitId) -> Result<Option<CommitId>, GitError> {
        agreed(self.first.merge_base(a, b), self.second.merge_base(a, b))
    }
    fn is_ancestor(&self, old: &CommitId, new: &CommitId) -> Result<bool, GitError> {
        agreed(self.first.is_ancestor(old, new), self.second.is_ancestor(old, new))
    }
    fn commits_between(&self, a: &CommitId, b: &CommitId) -> Result<usize, GitError> {
        agreed(self.first.commits_between(a, b), self.second.commits_between(a, b))
    }
    fn describe(&self, commit: &CommitId) -> Result<CommitInfo, GitError> {
        agreed(self.first.describe(commit), self.second.describe(commit))
    }
    fn reflog(&self, branch: &BranchName) -> Result<Vec<Vec<u8>>, GitError> {
        agreed(self.first.reflog(branch), self.second.reflog(branch))
    }
    fn worktrees(&self) -> Result<Vec<RawWorktree>, GitError> {
        let top = |tree: &RawWorktree| tree.top.clone();
        agreed(sorted(self.first.worktrees(), top), sorted(self.second.worktrees(), top))
    }
    fn tree_of(&self, commit: &CommitId) -> Result<TreeId, GitError> {
        agreed(self.first.tree_of(commit), self.second.tree_of(commit))
    }
    fn entries(&self, tree: &TreeId, folder: &str, wanted: &dyn Fn(&str) -> bool) -> Result<Vec<TreeEntry>, GitError> {
        let path = |entry: &TreeEntry| entry.path.clone();
        agreed(
            sorted(self.first.entries(tree, folder, wanted), path),
            sorted(self.second.entries(tree, folder, wanted), path),
        )
    }
    fn entry(&self, tree: &TreeId, path: &str) -> Result<Option<TreeEntry>, GitError> {
        agreed(self.first.entry(tree, path), self.second.entry(tree, path))
    }
    fn content(&self, id: &BlobId) -> Result<Vec<u8>, GitError> {
        agreed(self.first.content(id), self.second.content(id))
    }
    fn blob_id(&self, bytes: &[u8]) -> Result<BlobId, GitError> {
        agreed(self.first.blob_id(bytes), self.second.blob_id(bytes))
    }
    fn merge(&self, ours: &CommitId, theirs: &CommitId) -> Result<MergePreview, GitError> {
        agreed(self.first.merge(ours, theirs), self.second.merge(ours, theirs))
    }
    fn index(&self) -> Result<Vec<Entry>, GitError> {
        let key = |entry: &Entry| (entry.path.clone(), entry.stage);
        agreed(sorted(self.first.index(), key), sorted(self.second.index(), key))
    }
    fn conflicts(&self) -> Result<Vec<String>, GitError> {
        agreed(self.first.conflicts(), self.second.conflicts())
    }
    fn ignored<'a>(&'a self, folder: &'a str) -> Result<Ignored<'a>, GitError> {
        let (first, second) = (self.first.ignored(folder)?, self.second.ignored(folder)?);
        Ok(Box::new(move |path| agreed(first(path), second(path))))
    }
    fn setting(&self, key: &str) -> Result<Option<String>, GitError> {
        agreed(self.first.setting(key), self.second.setting(key))
    }
    fn setting_path(&self, key: &str) -> Result<Option<PathBuf>, GitError> {
        agreed(self.first.setting_path(key), self.second.setting_path(key))
    }
}
