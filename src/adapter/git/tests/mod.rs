//! Tests on real repositories, made by the real `git` in scratch folders.

#![allow(clippy::unwrap_used)]

mod both;
mod files;
mod head;
mod history;
mod hooks_dir;
mod merge;
mod open;
mod worktree;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::command::{self, GitCommand};
use super::open::FromEnv;
use super::{CommitId, GitError, Repository};
use both::Both;

/// A scratch folder with a repository `repo` in it, on branch `main`, with one commit.
pub(crate) struct Sandbox {
    scratch: tempfile::TempDir,
    pub(crate) top: PathBuf,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        let sandbox = Self::unborn(&[]);
        sandbox.write("models/a.sql", "select 1\n");
        sandbox.write("models/deep/b.sql", "select 2\n");
        sandbox.commit("first");
        sandbox
    }

    pub(crate) fn unborn(options: &[&str]) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let top = scratch.path().canonicalize().unwrap().join("repo");
        std::fs::create_dir(&top).unwrap();
        let sandbox = Self { scratch, top };
        sandbox.git(&[&["init", "-q", "-b", "main"], options].concat());
        sandbox
    }

    /// A path beside the repository.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.scratch.path().canonicalize().unwrap().join(name)
    }

    pub(crate) fn open(&self) -> Repository {
        open(&self.top)
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.top.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Commits everything there is.
    pub(crate) fn commit(&self, message: &str) -> CommitId {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", message]);
        self.id("HEAD")
    }

    pub(crate) fn id(&self, rev: &str) -> CommitId {
        CommitId::from_record(self.git(&["rev-parse", rev]))
    }

    /// Runs git, which must succeed; what it printed, trimmed.
    pub(crate) fn git(&self, args: &[&str]) -> String {
        let output = self.try_git(args);
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    pub(crate) fn try_git(&self, args: &[&str]) -> Output {
        git_in(&self.top).args(args).output().unwrap()
    }

    /// Two branches, `main` and `other`, whose merge is in conflict; `other` is checked out.
    pub(crate) fn diverge(&self) {
        self.git(&["switch", "-qc", "other"]);
        self.write("models/a.sql", "select 'other'\n");
        self.commit("other");
        self.git(&["switch", "-q", "main"]);
        self.write("models/a.sql", "select 'main'\n");
        self.commit("main");
        self.git(&["switch", "-q", "other"]);
    }
}

/// `git` as every machine has it: no settings but the ones given here.
pub(crate) fn git_in(dir: &Path) -> Command {
    let mut git = Command::new("git");
    git.current_dir(dir).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    git.env("HOME", "/nonexistent").env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    for (name, value) in [("NAME", "Ada"), ("EMAIL", "ada@example.org"), ("DATE", "@1700000000 +0000")] {
        git.env(format!("GIT_AUTHOR_{name}"), value).env(format!("GIT_COMMITTER_{name}"), value);
    }
    git.env("GIT_EDITOR", "true").args(["-c", "protocol.file.allow=always"]);
    git
}

/// The repository at `dir`, whatever the environment of the tests says.
pub(crate) fn open(dir: &Path) -> Repository {
    open_as(dir, None).unwrap()
}

/// The repository that both libgit2 and `git` find, and that both are asked about.
fn open_as(dir: &Path, told: Option<FromEnv>) -> Result<Repository, GitError> {
    let Repository { backend: first, place, .. } = Repository::open(dir, told.clone())?;
    // as in `Repository::open`: told of another repository, Git looks for itself
    let found = |told: Option<&FromEnv>| command::discover(&dir.canonicalize().unwrap(), told);
    let second = found(told.as_ref()).ok().flatten().filter(|second| *second == place);
    let second = second.unwrap_or_else(|| found(None).unwrap().unwrap());
    assert_eq!(second, place);
    let both = Both { first, second: GitCommand::new(second) };
    Ok(Repository { backend: Box::new(both), place, filtering: Default::default(), attributes: Default::default() })
}
