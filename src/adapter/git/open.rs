//! Finding a repository, creating one, and where its parts lie.

use std::cell::OnceCell;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use git2::{RepositoryInitOptions, RepositoryOpenFlags};

use super::error::{Doing, GitError, opening};

/// One working tree of a repository (or a bare repository), opened for reading.
pub struct Repository {
    pub(super) raw: git2::Repository,
    top: Option<PathBuf>,
    git_dir: PathBuf,
    common_dir: PathBuf,
    /// Set once libgit2 writes objects to memory; see [`Self::merge_preview`].
    pub(super) in_memory: OnceCell<()>,
}

/// The repository that the environment names, as Git does for its hooks.
pub(super) struct Told {
    /// The current directory, from which the others are told.
    pub(super) here: PathBuf,
    pub(super) git_dir: OsString,
    pub(super) work_tree: Option<OsString>,
}

impl Told {
    fn from_environment() -> Option<Self> {
        let git_dir = std::env::var_os("GIT_DIR").filter(|dir| !dir.is_empty())?;
        let here = std::env::current_dir().and_then(|here| here.canonicalize()).ok()?;
        Some(Self { here, git_dir, work_tree: std::env::var_os("GIT_WORK_TREE") })
    }
}

impl Repository {
    /// The repository that `start` lies in.
    ///
    /// Git sets `GIT_DIR` for hooks where looking upwards would miss the repository: in linked worktrees, submodules
    /// and beside separate git directories. That one is taken, if `start` lies in it.
    pub fn discover(start: &Path) -> Result<Self, GitError> {
        Self::open(start, Told::from_environment())
    }

    /// Creates a repository whose first branch is `main`.
    pub fn init(dir: &Path, main: &str) -> Result<Self, GitError> {
        let mut options = RepositoryInitOptions::new();
        options.initial_head(main).mkpath(true).external_template(true);
        Ok(Self::wrap(git2::Repository::init_opts(dir, &options).doing("create the repository")?))
    }

    /// As [`Self::discover`], with the environment given.
    pub(super) fn open(start: &Path, told: Option<Told>) -> Result<Self, GitError> {
        let Ok(start) = start.canonicalize() else {
            return Err(GitError::NotARepository { start: start.to_owned() });
        };
        if let Some(told) = told {
            let repository = Self::open_told(&told)?;
            if start.starts_with(repository.top().unwrap_or(&repository.git_dir))
                || start.starts_with(&repository.git_dir)
            {
                return Ok(repository);
            }
        }
        Ok(Self::wrap(open_raw(&start, RepositoryOpenFlags::empty())?))
    }

    /// libgit2's own reading of the environment is not used: it takes a relative `GIT_WORK_TREE` to be below the git
    /// directory, and believes `GIT_INDEX_FILE`, a passing index during `git commit <path>`.
    fn open_told(told: &Told) -> Result<Self, GitError> {
        let raw = open_raw(&told.here.join(&told.git_dir), RepositoryOpenFlags::NO_SEARCH)?;
        let top = match &told.work_tree {
            Some(work_tree) => Some(canonical(told.here.join(work_tree))),
            // hooks stand at the top of the working tree, but those of a push in the git directory itself
            None => Some(told.here.clone()).filter(|here| !raw.is_bare() && *here != canonical(raw.path().into())),
        };
        if let Some(top) = top {
            raw.set_workdir(&top, false).doing("find the working tree")?;
        }
        Ok(Self::wrap(raw))
    }

    fn wrap(raw: git2::Repository) -> Self {
        Self {
            top: raw.workdir().map(|top| canonical(top.into())),
            git_dir: canonical(raw.path().into()),
            common_dir: canonical(raw.commondir().into()),
            in_memory: OnceCell::new(),
            raw,
        }
    }

    /// The top of this working tree; `None` in a bare repository.
    pub fn top(&self) -> Option<&Path> {
        self.top.as_deref()
    }

    /// The top of this working tree, or an error in a bare repository.
    pub(super) fn require_top(&self) -> Result<&Path, GitError> {
        self.top().ok_or_else(|| GitError::NoWorkingTree { git_dir: self.git_dir.clone() })
    }

    /// The top of the main working tree, which all linked ones share.
    ///
    /// A bare repository has none: there it is the directory that holds `.git` (or `.bare`, as people name it who keep
    /// their worktrees beside it), and for `project.git` the repository itself. Seen from a worktree linked to a
    /// separate git directory, which does not know its main working tree, the same rule applies.
    pub fn main_top(&self) -> PathBuf {
        if let (Some(top), false) = (&self.top, self.is_linked_worktree()) {
            return top.clone();
        }
        // a submodule's git directory lies elsewhere and names its working tree
        let named =
            git2::Config::open(&self.common_dir.join("config")).and_then(|config| config.get_path("core.worktree"));
        if let Ok(named) = named {
            return canonical(self.common_dir.join(named));
        }
        let hidden = self.common_dir.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        match self.common_dir.parent() {
            Some(parent) if hidden => parent.to_owned(),
            _ => self.common_dir.clone(),
        }
    }

    /// The git directory of this working tree: `.git`, or `.git/worktrees/<name>`.
    pub fn git_dir(&self) -> &Path {
        &self.git_dir
    }

    /// The git directory that all working trees share.
    pub fn common_dir(&self) -> &Path {
        &self.common_dir
    }

    /// Whether there is no working tree here.
    pub fn is_bare(&self) -> bool {
        self.top.is_none()
    }

    /// Whether history is cut off (`git clone --depth`): then a merge base may not be found though there is one.
    pub fn is_shallow(&self) -> bool {
        self.raw.is_shallow()
    }

    /// Whether this working tree was made by `git worktree add`.
    pub fn is_linked_worktree(&self) -> bool {
        self.raw.is_worktree()
    }
}

fn open_raw(path: &Path, flags: RepositoryOpenFlags) -> Result<git2::Repository, GitError> {
    git2::Repository::open_ext(path, flags, [] as [&OsStr; 0]).map_err(|error| opening(path, &error))
}

/// The path without symbolic links, so that paths can be compared; as it was when it does not exist.
pub(super) fn canonical(path: PathBuf) -> PathBuf {
    path.canonicalize().unwrap_or(path)
}
