//! Git's data read by running `git`: slower than libgit2 by a few milliseconds a question, but whatever the repository
//! is (reftable, SHA-256, a partial clone, a split or sparse index), Git can read it.
//!
//! | file | holds |
//! |---|---|
//! | `discover.rs` | which repository, where its parts lie |
//! | `answers.rs` | the questions as commands, and their answers read |
//! | `objects.rs` | the bytes of objects, from one process |
//! | `checkout.rs` | attributes and filters |

mod answers;
mod checkout;
mod discover;
mod objects;

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;
use std::process::{Output, Stdio};

use tempfile::TempDir;

use super::error::GitError;
use super::id::CommitId;
use super::open::Place;
use objects::Objects;

pub(super) use checkout::{Driver, Rules};
pub(super) use discover::{discover, init};

/// Variables by which a calling Git (a hook's parent) would bend another Git's view: cleared before one is run.
const LOCAL_VARIABLES: [&str; 17] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_PARAMETERS",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_QUARANTINE_PATH",
    "GIT_REFLOG_ACTION",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
];

/// A repository that `git` reads.
pub(super) struct GitCommand {
    place: Place,
    objects: RefCell<Option<Objects>>,
    /// Where the objects of merges are written: Git can't keep them in memory.
    merged: OnceCell<TempDir>,
    is_sha256: OnceCell<bool>,
    /// Attributes of commits, laid out as files.
    rules: RefCell<BTreeMap<String, TempDir>>,
}

/// `git` in a folder, with no view but its own, no questions asked and no locks taken.
fn git_in(folder: &Path) -> std::process::Command {
    let mut git = std::process::Command::new("git");
    for variable in LOCAL_VARIABLES {
        git.env_remove(variable);
    }
    git.env("LC_ALL", "C").env("GIT_OPTIONAL_LOCKS", "0").env("GIT_TERMINAL_PROMPT", "0");
    git.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    git
}

impl GitCommand {
    pub(super) fn new(place: Place) -> Self {
        let (objects, merged, is_sha256) = (RefCell::default(), OnceCell::new(), OnceCell::new());
        Self { place, objects, merged, is_sha256, rules: RefCell::default() }
    }

    /// `git` on this repository.
    fn git(&self) -> std::process::Command {
        let place = &self.place;
        let mut git = git_in(place.top.as_deref().unwrap_or(&place.git_dir));
        git.arg("--literal-pathspecs").arg("--git-dir").arg(&place.git_dir);
        if let Some(top) = &place.top {
            git.arg("--work-tree").arg(top);
        }
        if let Some(merged) = self.merged.get() {
            git.env("GIT_OBJECT_DIRECTORY", merged.path());
        }
        git
    }

    fn run(&self, doing: &'static str, args: &[&OsStr]) -> Result<Output, GitError> {
        self.git().args(args).output().map_err(|error| GitError::Other { doing, message: format!("git: {error}") })
    }

    /// What `git` prints. `None` where it says no without words: with exit code 1.
    fn ask(&self, doing: &'static str, args: &[impl AsRef<OsStr>]) -> Result<Option<Vec<u8>>, GitError> {
        let args: Vec<&OsStr> = args.iter().map(AsRef::as_ref).collect();
        let output = self.run(doing, &args)?;
        match output.status.code() {
            Some(0) => Ok(Some(output.stdout)),
            Some(1) => Ok(None),
            _ => Err(failed(doing, &output)),
        }
    }

    /// What `git` prints; it has no reason to say no.
    fn tell(&self, doing: &'static str, args: &[impl AsRef<OsStr>]) -> Result<Vec<u8>, GitError> {
        let answer = self.ask(doing, args)?;
        answer.ok_or_else(|| GitError::Other { doing, message: "git says no".to_owned() })
    }
}

/// Why `git` failed, in its words.
fn failed(doing: &'static str, output: &Output) -> GitError {
    let words = String::from_utf8_lossy(&output.stderr);
    let words = words.trim();
    let missing = ["bad object ", "Not a valid commit name ", "not a valid object name: ", "Not a valid object name "];
    let missing = missing.iter().find_map(|mark| words.split_once(mark)).map(|(_, id)| id);
    match missing {
        Some(id) => GitError::Missing { id: id.split_whitespace().next().unwrap_or_default().to_owned() },
        None => {
            let message = words.lines().find_map(|line| line.strip_prefix("fatal: ")).unwrap_or(words);
            GitError::Other { doing, message: message.to_owned() }
        }
    }
}

/// An id as an argument: from vmesh's records anything may come, an option too.
fn argument<'i>(id: &'i CommitId, doing: &'static str) -> Result<&'i str, GitError> {
    let hex = id.as_str();
    let is_hex = !hex.is_empty() && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then_some(hex).ok_or_else(|| GitError::Other { doing, message: format!("{hex:?} is no commit") })
}

/// A line without its end.
fn line(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
    }
    bytes
}
