//! Git's data read by libgit2: no process is started, which is why hooks are quick.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use git2::{BranchType, Commit, ErrorClass, ErrorCode, ObjectType, Oid, RepositoryOpenFlags, Tree};

use super::backend::{Backend, Ignored, RawHead, RawWorktree, Side, TreeEntry};
use super::command::GitCommand;
use super::error::{Doing, GitError, opening};
use super::files::{is_file, join};
use super::head::BRANCHES;
use super::history::CommitInfo;
use super::id::{BlobId, CommitId, TreeId};
use super::index::Entry;
use super::merge::MergePreview;
use super::open::{FromEnv, Place, canonical};
use crate::domain::name::BranchName;

/// Higher than those of the backends that write to disk, which libgit2 counts from 1.
const FIRST_BACKEND: i32 = 999;
/// libgit2's flag for what a sparse checkout left out.
const SKIP_WORKTREE: u16 = 1 << 14;
const READ_SETTINGS: &str = "read Git's settings";
const READ_INDEX: &str = "read the index";

/// A repository that libgit2 has opened.
pub(super) struct Libgit2 {
    raw: git2::Repository,
    place: Place,
    /// Set once libgit2 writes objects to memory.
    in_memory: OnceCell<()>,
}

/// The repository at or above a directory.
pub(super) fn open(start: &Path) -> Result<(Libgit2, Place), GitError> {
    Ok(Libgit2::new(open_raw(start, RepositoryOpenFlags::empty())?))
}

/// The repository that the environment names. libgit2's own reading of it is not used: it takes a relative
/// `GIT_WORK_TREE` to be below the git directory, and believes `GIT_INDEX_FILE`, a passing index during
/// `git commit <path>`.
pub(super) fn open_told(told: &FromEnv) -> Result<(Libgit2, Place), GitError> {
    let raw = open_raw(&told.here.join(&told.git_dir), RepositoryOpenFlags::NO_SEARCH)?;
    let top = match &told.work_tree {
        Some(work_tree) => Some(canonical(told.here.join(work_tree))),
        // hooks stand at the top of the working tree, but those of a push in the git directory itself
        None => Some(told.here.clone()).filter(|here| !raw.is_bare() && *here != canonical(raw.path().into())),
    };
    if let Some(top) = top {
        raw.set_workdir(&top, false).doing("find the working tree")?;
    }
    Ok(Libgit2::new(raw))
}

fn open_raw(path: &Path, flags: RepositoryOpenFlags) -> Result<git2::Repository, GitError> {
    git2::Repository::open_ext(path, flags, [] as [&OsStr; 0]).map_err(|error| opening(path, &error))
}

impl Libgit2 {
    fn new(raw: git2::Repository) -> (Self, Place) {
        let place = Place {
            top: raw.workdir().map(|top| canonical(top.into())),
            git_dir: canonical(raw.path().into()),
            common_dir: canonical(raw.commondir().into()),
        };
        (Self { raw, place: place.clone(), in_memory: OnceCell::new() }, place)
    }

    /// Whether objects may lie with another repository, from which only `git` can get them.
    pub(super) fn is_partial(&self) -> Result<bool, GitError> {
        let config = self.config()?;
        let mut found = false;
        let mut entries = config.entries(Some(r"^remote\..*\.promisor$")).doing(READ_SETTINGS)?;
        while let Some(entry) = entries.next() {
            let name = entry.doing(READ_SETTINGS)?.name_bytes().to_vec();
            found |= std::str::from_utf8(&name).is_ok_and(|name| config.get_bool(name).unwrap_or(false));
        }
        Ok(found)
    }

    fn config(&self) -> Result<git2::Config, GitError> {
        self.raw.config().and_then(|mut config| config.snapshot()).doing(READ_SETTINGS)
    }

    fn commit(&self, id: &CommitId) -> Result<Commit<'_>, GitError> {
        self.raw.find_commit(id.oid()?).doing("read a commit")
    }

    fn tree(&self, id: Oid) -> Result<Tree<'_>, GitError> {
        self.raw.find_tree(id).doing("read the files of a commit")
    }

    /// The index as it is now; `None` for a sparse or a split one.
    fn raw_index(&self) -> Result<Option<git2::Index>, GitError> {
        // `repo.index()` is read once and kept; `read(false)` looks whether the file is another one by now
        let read = self.raw.index().and_then(|mut index| index.read(false).map(|()| index));
        match read {
            Ok(index) => Ok(Some(index)),
            Err(error) if error.message().starts_with("unsupported mandatory extension") => Ok(None),
            Err(error) => Err(error).doing(READ_INDEX),
        }
    }

    fn collect(
        &self,
        tree: &Tree<'_>,
        within: &str,
        wanted: &dyn Fn(&str) -> bool,
        found: &mut Vec<TreeEntry>,
    ) -> Result<(), GitError> {
        for entry in tree {
            let Ok(name) = std::str::from_utf8(entry.name_bytes()) else { continue };
            let (path, mode) = (join(within, name), mode_of(&entry));
            if entry.kind() == Some(ObjectType::Tree) {
                self.collect(&self.tree(entry.id())?, &path, wanted, found)?;
            } else if !is_file(mode) || wanted(&path) {
                found.push(TreeEntry { path, mode, id: entry.id().into() });
            }
        }
        Ok(())
    }
}

impl Backend for Libgit2 {
    fn head(&self) -> Result<RawHead, GitError> {
        const DOING: &str = "read HEAD";
        let reference = reference_of_head(&self.raw).doing(DOING)?;
        let commit = match self.raw.head().and_then(|target| target.peel_to_commit()) {
            Ok(commit) => Some(commit.id().into()),
            Err(error) if error.code() == ErrorCode::UnbornBranch => None,
            Err(error) => return Err(error).doing(DOING),
        };
        Ok(RawHead { reference, commit })
    }

    fn branch_tip(&self, branch: &BranchName) -> Result<Option<CommitId>, GitError> {
        let bytes = branch.to_bytes();
        let Ok(name) = std::str::from_utf8(&bytes) else {
            // git2 looks names up as text only
            let mut all = self.branches(Side::Local)?.into_iter();
            return Ok(all.find(|(name, _)| name == branch).map(|(_, commit)| commit));
        };
        match self.raw.find_reference(&format!("{BRANCHES}{name}")).and_then(|found| found.peel_to_commit()) {
            Ok(commit) => Ok(Some(commit.id().into())),
            Err(error) if is_unknown(&error) => Ok(None),
            Err(error) => Err(error).doing("read a branch"),
        }
    }

    fn branches(&self, side: Side) -> Result<Vec<(BranchName, CommitId)>, GitError> {
        const DOING: &str = "list the branches";
        let kind = if side == Side::Local { BranchType::Local } else { BranchType::Remote };
        let mut all = Vec::new();
        for branch in self.raw.branches(Some(kind)).doing(DOING)? {
            let reference = branch.doing(DOING)?.0.into_reference();
            // `origin/HEAD` is a pointer to another remote branch, not one of its own
            if side == Side::Remote && reference.symbolic_target_bytes().is_some() {
                continue;
            }
            match reference.peel_to_commit() {
                Ok(commit) => all.push((BranchName::from_bytes(reference.shorthand_bytes()), commit.id().into())),
                Err(error) if is_unknown(&error) => {}
                Err(error) => return Err(error).doing(DOING),
            }
        }
        Ok(all)
    }

    fn commit_named(&self, spec: &str) -> Result<Option<CommitId>, GitError> {
        match self.raw.revparse_single(spec) {
            Ok(object) => Ok(object.peel_to_commit().ok().map(|commit| commit.id().into())),
            Err(error) if error.code() == ErrorCode::Ambiguous => Err(GitError::Ambiguous { rev: spec.to_owned() }),
            Err(error) if is_unknown(&error) => Ok(None),
            Err(error) => Err(error).doing("resolve a revision"),
        }
    }

    fn merge_base(&self, a: &CommitId, b: &CommitId) -> Result<Option<CommitId>, GitError> {
        match self.raw.merge_base(a.oid()?, b.oid()?) {
            Ok(base) => Ok(Some(base.into())),
            Err(error) if error.code() == ErrorCode::NotFound && error.class() == ErrorClass::Merge => Ok(None),
            Err(error) => Err(error).doing("find a merge base"),
        }
    }

    fn is_ancestor(&self, old: &CommitId, new: &CommitId) -> Result<bool, GitError> {
        self.commit(old)?;
        self.commit(new)?;
        Ok(old == new || self.raw.graph_descendant_of(new.oid()?, old.oid()?).doing("compare two commits")?)
    }

    fn commits_between(&self, a: &CommitId, b: &CommitId) -> Result<usize, GitError> {
        self.commit(a)?;
        self.commit(b)?;
        let (ahead, _) = self.raw.graph_ahead_behind(b.oid()?, a.oid()?).doing("count commits")?;
        Ok(ahead)
    }

    fn describe(&self, commit: &CommitId) -> Result<CommitInfo, GitError> {
        let found = self.commit(commit)?;
        Ok(CommitInfo {
            id: commit.clone(),
            author: String::from_utf8_lossy(found.author().name_bytes()).into_owned(),
            seconds: found.time().seconds(),
            subject: String::from_utf8_lossy(found.summary_bytes().unwrap_or_default()).into_owned(),
        })
    }

    fn reflog(&self, branch: &BranchName) -> Result<Vec<Vec<u8>>, GitError> {
        let name = branch.to_bytes();
        let path = self.place.common_dir.join("logs").join(BRANCHES).join(OsStr::from_bytes(&name));
        let log = match std::fs::read(&path) {
            Ok(log) => log,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::IsADirectory) => {
                return Ok(Vec::new());
            }
            Err(source) => return Err(GitError::Io { doing: "read", path, source }),
        };
        // the message comes after a tab; the newest entry is the last
        let lines = log.rsplit(|byte| *byte == b'\n');
        Ok(lines.filter_map(|line| line.splitn(2, |byte| *byte == b'\t').nth(1)).map(<[u8]>::to_vec).collect())
    }

    fn worktrees(&self) -> Result<Vec<RawWorktree>, GitError> {
        const DOING: &str = "list the working trees";
        let mut all = Vec::new();
        let main = git2::Repository::open(&self.place.common_dir).doing(DOING)?;
        if !main.is_bare() {
            all.push(RawWorktree { top: None, reference: reference_of_head(&main).doing(DOING)? });
        }
        for name in main.worktrees().doing(DOING)?.iter().flatten().flatten() {
            let opened = main.find_worktree(name).and_then(|tree| git2::Repository::open_from_worktree(&tree));
            if let Some((raw, top)) = opened.ok().and_then(|raw| raw.workdir().map(Into::into).map(|top| (raw, top))) {
                all.push(RawWorktree { top: Some(top), reference: reference_of_head(&raw).doing(DOING)? });
            }
        }
        Ok(all)
    }

    fn tree_of(&self, commit: &CommitId) -> Result<TreeId, GitError> {
        Ok(self.commit(commit)?.tree_id().into())
    }

    fn entries(&self, tree: &TreeId, folder: &str, wanted: &dyn Fn(&str) -> bool) -> Result<Vec<TreeEntry>, GitError> {
        let mut tree = self.tree(tree.oid()?)?;
        if !folder.is_empty() {
            tree = match unless_unknown(tree.get_path(Path::new(folder)))? {
                Some(entry) if entry.kind() == Some(ObjectType::Tree) => self.tree(entry.id())?,
                _ => return Ok(Vec::new()),
            };
        }
        let mut found = Vec::new();
        self.collect(&tree, "", wanted, &mut found)?;
        Ok(found)
    }

    fn entry(&self, tree: &TreeId, path: &str) -> Result<Option<TreeEntry>, GitError> {
        let found = unless_unknown(self.tree(tree.oid()?)?.get_path(Path::new(path)))?;
        Ok(found.map(|entry| TreeEntry { path: path.to_owned(), mode: mode_of(&entry), id: entry.id().into() }))
    }

    fn content(&self, id: &BlobId) -> Result<Vec<u8>, GitError> {
        Ok(self.raw.find_blob(id.oid()?).doing("read a file of a commit")?.content().to_vec())
    }

    fn blob_id(&self, bytes: &[u8]) -> Result<BlobId, GitError> {
        Ok(Oid::hash_object(ObjectType::Blob, bytes).doing("hash a file")?.into())
    }

    fn merge(&self, ours: &CommitId, theirs: &CommitId) -> Result<MergePreview, GitError> {
        const DOING: &str = "merge two commits";
        let (our, their) = (self.commit(ours)?, self.commit(theirs)?);
        if self.in_memory.get().is_none() {
            self.raw.odb().and_then(|odb| odb.add_new_mempack_backend(FIRST_BACKEND).map(|_| ())).doing(DOING)?;
            self.in_memory.get_or_init(|| ());
        }
        let mut merged = self.raw.merge_commits(&our, &their, None).doing(DOING)?;
        if !merged.has_conflicts() {
            return Ok(MergePreview::Clean(merged.write_tree_to(&self.raw).doing(DOING)?.into()));
        }
        let mut paths = BTreeSet::new();
        add_conflicts(&merged, &mut paths).doing(DOING)?;
        Ok(MergePreview::Conflicts(paths.into_iter().collect()))
    }

    fn index(&self) -> Result<Vec<Entry>, GitError> {
        match self.raw_index()? {
            Some(index) => Ok(index.iter().map(entry).collect()),
            None => GitCommand::new(self.place.clone()).index(),
        }
    }

    fn conflicts(&self) -> Result<Vec<String>, GitError> {
        let Some(index) = self.raw_index()? else { return GitCommand::new(self.place.clone()).conflicts() };
        if !index.has_conflicts() {
            return Ok(Vec::new());
        }
        let mut paths = BTreeSet::new();
        add_conflicts(&index, &mut paths).doing(READ_INDEX)?;
        Ok(paths.into_iter().collect())
    }

    fn ignored<'a>(&'a self, _: &'a str) -> Result<Ignored<'a>, GitError> {
        Ok(Box::new(|path| self.raw.status_should_ignore(Path::new(path)).doing("read .gitignore")))
    }

    fn setting(&self, key: &str) -> Result<Option<String>, GitError> {
        let config = self.config()?;
        unless_unset(config.get_entry(key).map(|entry| String::from_utf8_lossy(entry.value_bytes()).into_owned()))
    }

    fn setting_path(&self, key: &str) -> Result<Option<PathBuf>, GitError> {
        unless_unset(self.config()?.get_path(key))
    }
}

fn reference_of_head(raw: &git2::Repository) -> Result<Option<Vec<u8>>, git2::Error> {
    Ok(raw.find_reference("HEAD")?.symbolic_target_bytes().map(<[u8]>::to_vec))
}

fn add_conflicts(index: &git2::Index, paths: &mut BTreeSet<String>) -> Result<(), git2::Error> {
    for conflict in index.conflicts()? {
        let conflict = conflict?;
        let sides = [conflict.ancestor, conflict.our, conflict.their].into_iter().flatten();
        paths.extend(sides.map(|side| String::from_utf8_lossy(&side.path).into_owned()));
    }
    Ok(())
}

fn entry(entry: git2::IndexEntry) -> Entry {
    Entry {
        id: entry.id.into(),
        mode: entry.mode,
        stage: (entry.flags >> 12) & 3,
        skipped: entry.flags_extended & SKIP_WORKTREE != 0,
        path: entry.path,
    }
}

/// Whether a name was no name at all, or one of nothing.
fn is_unknown(error: &git2::Error) -> bool {
    matches!(error.code(), ErrorCode::NotFound | ErrorCode::InvalidSpec | ErrorCode::UnbornBranch)
}

fn mode_of(entry: &git2::TreeEntry<'_>) -> u32 {
    u32::try_from(entry.filemode()).unwrap_or(0)
}

/// `None` for what a tree has not.
fn unless_unknown<T>(found: Result<T, git2::Error>) -> Result<Option<T>, GitError> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.code() == ErrorCode::NotFound && error.class() != ErrorClass::Odb => Ok(None),
        Err(error) => Err(error).doing("read the files of a commit"),
    }
}

/// `None` for what nobody set.
fn unless_unset<T>(value: Result<T, git2::Error>) -> Result<Option<T>, GitError> {
    match value {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
        Err(error) => Err(error).doing(READ_SETTINGS),
    }
}
