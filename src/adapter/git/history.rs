//! Branches, revisions and ancestry.

use std::path::PathBuf;

use super::backend::Side;
use super::error::GitError;
use super::head::BRANCHES;
use super::id::CommitId;
use super::open::{Repository, canonical};
use crate::domain::name::BranchName;

/// What people want to read of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitInfo {
    /// The commit.
    pub id: CommitId,
    /// Who wrote it.
    pub author: String,
    /// When it was committed, in seconds since 1970.
    pub seconds: i64,
    /// The first line of its message.
    pub subject: String,
}

impl Repository {
    /// The newest commit of a branch; `None` when there is no such branch.
    pub fn branch_tip(&self, branch: &BranchName) -> Result<Option<CommitId>, GitError> {
        self.backend.branch_tip(branch)
    }

    /// All local branches that have a commit, by name.
    pub fn branches(&self) -> Result<Vec<(BranchName, CommitId)>, GitError> {
        self.list(Side::Local)
    }

    /// What is known of the branches of other clones, as `origin/alice`.
    pub fn remote_branches(&self) -> Result<Vec<(BranchName, CommitId)>, GitError> {
        self.list(Side::Remote)
    }

    /// The branch that a clone begins with, as the remote said when it was cloned; none where nobody asked it.
    pub fn default_branch(&self) -> Option<BranchName> {
        let remotes = self.common_dir().join("refs/remotes");
        let mut all: Vec<String> = std::fs::read_dir(&remotes)
            .ok()?
            .filter_map(|remote| remote.ok()?.file_name().into_string().ok())
            .collect();
        // `origin` is what most people call the one that counts
        all.sort_by_key(|remote| (remote != "origin", remote.clone()));
        all.iter().find_map(|remote| {
            let text = std::fs::read_to_string(remotes.join(remote).join("HEAD")).ok()?;
            text.trim_end().strip_prefix(&format!("ref: refs/remotes/{remote}/")).map(BranchName::from)
        })
    }

    fn list(&self, side: Side) -> Result<Vec<(BranchName, CommitId)>, GitError> {
        let mut all = self.backend.branches(side)?;
        all.sort();
        Ok(all)
    }

    /// The commit that a person means by `rev`: a branch (which wins over tags and ids of the same name), a tag, an id,
    /// or anything else that Git understands, such as `alice~2`. `None` when it means nothing.
    pub fn resolve(&self, rev: &str) -> Result<Option<CommitId>, GitError> {
        let end = ["~", "^", "@{"].iter().filter_map(|mark| rev.find(mark)).min().unwrap_or(rev.len());
        let (base, steps) = rev.split_at(end);
        if base.is_empty() && steps.is_empty() || rev.contains('\0') {
            return Ok(None);
        }
        let is_branch = !matches!(base, "" | "@" | "HEAD") && self.branch_tip(&BranchName::from(base))?.is_some();
        self.backend.commit_named(&if is_branch { format!("{BRANCHES}{base}{steps}") } else { rev.to_owned() })
    }

    /// The newest commit that both have; `None` when their histories are unrelated or, in a shallow clone, cut off.
    pub fn merge_base(&self, a: &CommitId, b: &CommitId) -> Result<Option<CommitId>, GitError> {
        self.backend.merge_base(a, b)
    }

    /// Whether `new` is `old` or came after it. In a shallow clone, false where history is cut off between them.
    pub fn is_ancestor(&self, old: &CommitId, new: &CommitId) -> Result<bool, GitError> {
        self.backend.is_ancestor(old, new)
    }

    /// How many commits `b` has that `a` has not.
    pub fn commits_between(&self, a: &CommitId, b: &CommitId) -> Result<usize, GitError> {
        self.backend.commits_between(a, b)
    }

    /// The branch that this one was renamed from, if its reflog's newest entries say so.
    pub fn renamed_from(&self, branch: &BranchName) -> Result<Option<BranchName>, GitError> {
        let ending = [b" to ", BRANCHES.as_bytes(), &branch.to_bytes()].concat();
        let beginning = [b"Branch: renamed ", BRANCHES.as_bytes()].concat();
        let old = |message: &Vec<u8>| Some(message.strip_prefix(&*beginning)?.strip_suffix(&*ending)?.to_vec());
        Ok(self.backend.reflog(branch)?.iter().find_map(old).map(|old| BranchName::from_bytes(&old)))
    }

    /// The branches checked out in any working tree of this repository, with that tree's top. Not those of working
    /// trees whose folder is gone.
    pub fn checked_out(&self) -> Result<Vec<(BranchName, PathBuf)>, GitError> {
        let mut all = Vec::new();
        for tree in self.backend.worktrees()? {
            let branch = tree.reference.as_ref().and_then(|name| name.strip_prefix(BRANCHES.as_bytes()));
            let top = tree.top.map_or_else(|| self.main_top(), canonical);
            all.extend(branch.map(|name| (BranchName::from_bytes(name), top)));
        }
        all.sort();
        Ok(all)
    }

    /// What people want to read of a commit.
    pub fn describe(&self, commit: &CommitId) -> Result<CommitInfo, GitError> {
        self.backend.describe(commit)
    }
}
