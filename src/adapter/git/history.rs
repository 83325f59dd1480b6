//! Branches, revisions and ancestry.

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use git2::{BranchType, Commit, ErrorClass, ErrorCode};

use super::error::{Doing, GitError};
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
        let bytes = branch.to_bytes();
        let Ok(name) = std::str::from_utf8(&bytes) else {
            // git2 looks names up as text only
            let mut all = self.branches()?.into_iter();
            return Ok(all.find(|(name, _)| name == branch).map(|(_, commit)| commit));
        };
        match self.raw.find_reference(&format!("{BRANCHES}{name}")).and_then(|found| found.peel_to_commit()) {
            Ok(commit) => Ok(Some(commit.id().into())),
            Err(error) if is_unknown(&error) => Ok(None),
            Err(error) => Err(error).doing("read a branch"),
        }
    }

    /// All local branches that have a commit, by name.
    pub fn branches(&self) -> Result<Vec<(BranchName, CommitId)>, GitError> {
        self.list(BranchType::Local)
    }

    /// What is known of the branches of other clones, as `origin/alice`.
    pub fn remote_branches(&self) -> Result<Vec<(BranchName, CommitId)>, GitError> {
        self.list(BranchType::Remote)
    }

    fn list(&self, kind: BranchType) -> Result<Vec<(BranchName, CommitId)>, GitError> {
        const DOING: &str = "list the branches";
        let mut all = Vec::new();
        for branch in self.raw.branches(Some(kind)).doing(DOING)? {
            let reference = branch.doing(DOING)?.0.into_reference();
            // `origin/HEAD` is a pointer to another remote branch, not one of its own
            if kind == BranchType::Remote && reference.symbolic_target_bytes().is_some() {
                continue;
            }
            match reference.peel_to_commit() {
                Ok(commit) => all.push((BranchName::from_bytes(reference.shorthand_bytes()), commit.id().into())),
                Err(error) if is_unknown(&error) => {}
                Err(error) => return Err(error).doing(DOING),
            }
        }
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
        let spec = if is_branch { format!("{BRANCHES}{base}{steps}") } else { rev.to_owned() };
        match self.raw.revparse_single(&spec) {
            Ok(object) => Ok(object.peel_to_commit().ok().map(|commit| commit.id().into())),
            Err(error) if error.code() == ErrorCode::Ambiguous => Err(GitError::Ambiguous { rev: rev.to_owned() }),
            Err(error) if is_unknown(&error) => Ok(None),
            Err(error) => Err(error).doing("resolve a revision"),
        }
    }

    /// The newest commit that both have; `None` when their histories are unrelated or, in a shallow clone, cut off.
    pub fn merge_base(&self, a: &CommitId, b: &CommitId) -> Result<Option<CommitId>, GitError> {
        match self.raw.merge_base(a.oid()?, b.oid()?) {
            Ok(base) => Ok(Some(base.into())),
            Err(error) if error.code() == ErrorCode::NotFound && error.class() == ErrorClass::Merge => Ok(None),
            Err(error) => Err(error).doing("find a merge base"),
        }
    }

    /// Whether `new` is `old` or came after it. In a shallow clone, false where history is cut off between them.
    pub fn is_ancestor(&self, old: &CommitId, new: &CommitId) -> Result<bool, GitError> {
        self.commit(old)?;
        self.commit(new)?;
        Ok(old == new || self.raw.graph_descendant_of(new.oid()?, old.oid()?).doing("compare two commits")?)
    }

    /// How many commits `b` has that `a` has not.
    pub fn commits_between(&self, a: &CommitId, b: &CommitId) -> Result<usize, GitError> {
        self.commit(a)?;
        self.commit(b)?;
        let (ahead, _) = self.raw.graph_ahead_behind(b.oid()?, a.oid()?).doing("count commits")?;
        Ok(ahead)
    }

    /// The branch that this one was renamed from, if its reflog's newest entries say so.
    pub fn renamed_from(&self, branch: &BranchName) -> Result<Option<BranchName>, GitError> {
        let name = branch.to_bytes();
        let path = self.common_dir().join("logs").join(BRANCHES).join(OsStr::from_bytes(&name));
        let log = match std::fs::read(&path) {
            Ok(log) => log,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::IsADirectory) => return Ok(None),
            Err(source) => return Err(GitError::Io { doing: "read", path, source }),
        };
        // the message comes after a tab; the newest entry is the last
        let messages =
            log.rsplit(|byte| *byte == b'\n').filter_map(|line| line.splitn(2, |byte| *byte == b'\t').nth(1));
        let ending = [b" to ", BRANCHES.as_bytes(), &name].concat();
        let beginning = [b"Branch: renamed ", BRANCHES.as_bytes()].concat();
        let old = |message: &[u8]| Some(message.strip_prefix(&*beginning)?.strip_suffix(&*ending)?.to_vec());
        Ok(messages.filter_map(old).next().map(|old| BranchName::from_bytes(&old)))
    }

    /// The branches checked out in any working tree of this repository, with that tree's top. Not those of working
    /// trees whose folder is gone.
    pub fn checked_out(&self) -> Result<Vec<(BranchName, PathBuf)>, GitError> {
        const DOING: &str = "list the working trees";
        let mut all = Vec::new();
        let mut add = |raw: &git2::Repository, top: PathBuf| -> Result<(), GitError> {
            let head = raw.find_reference("HEAD").doing(DOING)?;
            let branch = head.symbolic_target_bytes().and_then(|target| target.strip_prefix(BRANCHES.as_bytes()));
            all.extend(branch.map(|name| (BranchName::from_bytes(name), top)));
            Ok(())
        };
        let main = git2::Repository::open(self.common_dir()).doing(DOING)?;
        if !main.is_bare() {
            add(&main, self.main_top())?;
        }
        for name in main.worktrees().doing(DOING)?.iter().flatten().flatten() {
            let opened = main.find_worktree(name).and_then(|tree| git2::Repository::open_from_worktree(&tree));
            if let Some((raw, top)) = opened.ok().and_then(|raw| raw.workdir().map(Into::into).map(|top| (raw, top))) {
                add(&raw, canonical(top))?;
            }
        }
        all.sort();
        Ok(all)
    }

    /// What people want to read of a commit.
    pub fn describe(&self, commit: &CommitId) -> Result<CommitInfo, GitError> {
        let found = self.commit(commit)?;
        Ok(CommitInfo {
            id: commit.clone(),
            author: String::from_utf8_lossy(found.author().name_bytes()).into_owned(),
            seconds: found.time().seconds(),
            subject: String::from_utf8_lossy(found.summary_bytes().unwrap_or_default()).into_owned(),
        })
    }

    pub(super) fn commit(&self, id: &CommitId) -> Result<Commit<'_>, GitError> {
        self.raw.find_commit(id.oid()?).doing("read a commit")
    }
}

/// Whether a name was no name at all, or one of nothing.
fn is_unknown(error: &git2::Error) -> bool {
    matches!(error.code(), ErrorCode::NotFound | ErrorCode::InvalidSpec | ErrorCode::UnbornBranch)
}
