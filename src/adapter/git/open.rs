//! Finding a repository, creating one, and where its parts lie.

use std::cell::OnceCell;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use git2::RepositoryInitOptions;

use super::backend::Backend;
use super::command::{self, GitCommand};
use super::error::{Doing, GitError};
use super::libgit2;

/// One working tree of a repository (or a bare repository), opened for reading.
pub struct Repository {
    pub(super) backend: Box<dyn Backend>,
    pub(super) place: Place,
    /// The `git` that runs filters, where a file has any.
    pub(super) filtering: OnceCell<GitCommand>,
    /// The attributes that this machine's owner sets for every tree.
    pub(super) attributes: OnceCell<Vec<Vec<u8>>>,
}

/// Where the parts of a repository lie, without symbolic links.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// The top of the working tree; `None` in a bare repository.
    pub(super) top: Option<PathBuf>,
    /// The git directory of this working tree.
    pub(super) git_dir: PathBuf,
    /// The one that all working trees share.
    pub(super) common_dir: PathBuf,
}

/// The repository that the environment names, as Git does for its hooks.
#[derive(Debug, Clone)]
pub(super) struct FromEnv {
    /// The current directory, from which the others are told.
    pub(super) here: PathBuf,
    pub(super) git_dir: OsString,
    pub(super) work_tree: Option<OsString>,
}

impl FromEnv {
    fn from_environment() -> Option<Self> {
        let git_dir = std::env::var_os("GIT_DIR").filter(|dir| !dir.is_empty())?;
        let here = std::env::current_dir().and_then(|here| here.canonicalize()).ok()?;
        Some(Self { here, git_dir, work_tree: std::env::var_os("GIT_WORK_TREE") })
    }
}

impl Repository {
    /// The repository that `start` lies in.
    ///
    /// Looking upwards finds it, from any folder. What Git sets for its hooks counts where that finds nothing, or where a
    /// working tree is named, and `start` lies in it: a hook may have gone into another folder, or another repository.
    pub fn discover(start: &Path) -> Result<Self, GitError> {
        Self::open(start, FromEnv::from_environment())
    }

    /// Creates a repository whose first branch is `main`: as `git` makes them here, or as libgit2 does where there is no
    /// `git`.
    pub fn init(dir: &Path, main: &str) -> Result<Self, GitError> {
        std::fs::create_dir_all(dir).map_err(|source| GitError::Io { doing: "create", path: dir.into(), source })?;
        if !command::init(dir, main)? {
            let mut options = RepositoryInitOptions::new();
            options.initial_head(main).external_template(true);
            git2::Repository::init_opts(dir, &options).doing("create the repository")?;
        }
        Self::open(dir, None)
    }

    /// As [`Self::discover`], with the environment given.
    pub(super) fn open(start: &Path, told: Option<FromEnv>) -> Result<Self, GitError> {
        let Ok(start) = start.canonicalize() else {
            return Err(GitError::NotARepository { start: start.to_owned() });
        };
        let found = Self::choose(&start, None);
        // without a working tree of its own, `GIT_DIR` says where Git stood when it ran the hook, not where we do now
        let Some(told) = told.filter(|told| told.work_tree.is_some() || found.is_err()) else { return found };
        match (Self::choose(&start, Some(&told)), found) {
            (Ok(named), Ok(found)) if named.is_within(&found) => Ok(found),
            (Ok(named), _) if named.holds(&start) => Ok(named),
            (_, found) => found,
        }
    }

    /// Whether it is another, with its working tree told from a folder in it.
    fn is_within(&self, other: &Self) -> bool {
        let tops = self.top().zip(other.top());
        self.git_dir() == other.git_dir() && tops.is_some_and(|(own, others)| own.starts_with(others))
    }

    /// Whether a folder belongs to it.
    fn holds(&self, folder: &Path) -> bool {
        folder.starts_with(self.top().unwrap_or(self.git_dir())) || folder.starts_with(self.git_dir())
    }

    /// Lets libgit2 read the repository if it can, and `git` if not.
    fn choose(start: &Path, told: Option<&FromEnv>) -> Result<Self, GitError> {
        let opened = match told {
            Some(told) => libgit2::open_told(told),
            None => libgit2::open(start),
        };
        let needs_git = match &opened {
            Ok((libgit2, _)) => libgit2.is_partial()?,
            Err(error) => matches!(error, GitError::Unsupported { .. }),
        };
        if needs_git && let Some(place) = command::discover(start, told)? {
            return Ok(Self::new(GitCommand::new(place.clone()), place));
        }
        opened.map(|(libgit2, place)| Self::new(libgit2, place))
    }

    fn new(backend: impl Backend + 'static, place: Place) -> Self {
        let (filtering, attributes) = (OnceCell::new(), OnceCell::new());
        Self { backend: Box::new(backend), place, filtering, attributes }
    }

    /// The top of this working tree; `None` in a bare repository.
    pub fn top(&self) -> Option<&Path> {
        self.place.top.as_deref()
    }

    /// The top of this working tree, or an error in a bare repository.
    pub(super) fn require_top(&self) -> Result<&Path, GitError> {
        self.top().ok_or_else(|| GitError::NoWorkingTree { git_dir: self.place.git_dir.clone() })
    }

    /// The top of the main working tree, which all linked ones share.
    ///
    /// A bare repository has none: there it is the directory that holds `.git` (or `.bare`, as people name it who keep
    /// their worktrees beside it), and for `project.git` the repository itself. Seen from a worktree linked to a
    /// separate git directory, which does not know its main working tree, the same rule applies.
    pub fn main_top(&self) -> PathBuf {
        if let (Some(top), false) = (&self.place.top, self.is_linked_worktree()) {
            return top.clone();
        }
        // a submodule's git directory lies elsewhere and names its working tree
        let named = git2::Config::open(&self.place.common_dir.join("config"))
            .and_then(|config| config.get_path("core.worktree"));
        if let Ok(named) = named {
            return canonical(self.place.common_dir.join(named));
        }
        let hidden = self.place.common_dir.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        match self.place.common_dir.parent() {
            Some(parent) if hidden => parent.to_owned(),
            _ => self.place.common_dir.clone(),
        }
    }

    /// The git directory of this working tree: `.git`, or `.git/worktrees/<name>`.
    pub fn git_dir(&self) -> &Path {
        &self.place.git_dir
    }

    /// The git directory that all working trees share.
    pub fn common_dir(&self) -> &Path {
        &self.place.common_dir
    }

    /// Whether there is no working tree here.
    pub fn is_bare(&self) -> bool {
        self.place.top.is_none()
    }

    /// Whether history is cut off (`git clone --depth`): then a merge base may not be found though there is one.
    pub fn is_shallow(&self) -> bool {
        self.place.common_dir.join("shallow").exists()
    }

    /// Whether this working tree was made by `git worktree add`.
    pub fn is_linked_worktree(&self) -> bool {
        self.place.git_dir != self.place.common_dir
    }
}

/// The path without symbolic links, so that paths can be compared; as it was when it does not exist.
pub(super) fn canonical(path: PathBuf) -> PathBuf {
    path.canonicalize().unwrap_or(path)
}
