//! Which repository `git` finds, and where its parts lie; a new one.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::super::error::GitError;
use super::super::open::{FromEnv, Place, canonical};
use super::{failed, git_in, line};

const DOING: &str = "open the repository";

/// The repository at or above `start`, or the one that the environment names; `None` where there is no `git` to ask.
pub(in super::super) fn discover(start: &Path, told: Option<&FromEnv>) -> Result<Option<Place>, GitError> {
    let here = told.map_or(start, |told| &told.here);
    let ask = |questions: &[&str]| -> Result<Option<Vec<u8>>, GitError> {
        let mut git = git_in(here);
        if let Some(told) = told {
            git.env("GIT_DIR", &told.git_dir);
            told.work_tree.as_ref().map(|tree| git.env("GIT_WORK_TREE", tree));
        }
        let Ok(output) = git.arg("rev-parse").args(questions).output() else { return Ok(None) };
        if output.status.success() {
            return Ok(Some(line(output.stdout)));
        }
        let words = String::from_utf8_lossy(&output.stderr);
        if words.contains("not a git repository") {
            return Err(GitError::NotARepository { start: start.to_owned() });
        }
        let owned =
            words.split_once("dubious ownership in repository at '").and_then(|(_, rest)| rest.split_once('\''));
        Err(match owned {
            Some((path, _)) => GitError::NotOwned { path: path.into() },
            None => failed(DOING, &output),
        })
    };
    let questions = ["--is-bare-repository", "--is-inside-work-tree", "--absolute-git-dir", "--git-common-dir"];
    let Some(answers) = ask(&questions)? else { return Ok(None) };
    let answers: Vec<&[u8]> = answers.split(|byte| *byte == b'\n').collect();
    let [is_bare, is_inside, git_dir, common_dir] = answers[..] else {
        return Err(GitError::Other { doing: DOING, message: "git answers in another form".to_owned() });
    };
    let path = |bytes: &[u8]| canonical(here.join(OsStr::from_bytes(bytes)));
    let (git_dir, common_dir) = (path(git_dir), path(common_dir));
    let top = if is_bare == b"true" {
        None
    } else if is_inside == b"true" {
        ask(&["--show-toplevel"])?.map(|top| path(&top))
    } else {
        top_of(&git_dir)
    };
    Ok(Some(Place { top, git_dir, common_dir }))
}

/// Creates a repository; `false` where there is no `git` to do it.
pub(in super::super) fn init(dir: &Path, main: &str) -> Result<bool, GitError> {
    match git_in(dir).args(["init", "--quiet", "--initial-branch", main]).output() {
        Ok(output) if output.status.success() => Ok(true),
        Ok(output) => Err(failed("create the repository", &output)),
        Err(_) => Ok(false),
    }
}

/// The top of the working tree that a git directory belongs to, where one stands in the git directory itself.
fn top_of(git_dir: &Path) -> Option<PathBuf> {
    if let Ok(linked) = std::fs::read(git_dir.join("gitdir")) {
        return Path::new(OsStr::from_bytes(&line(linked))).parent().map(|top| canonical(git_dir.join(top)));
    }
    let config = git2::Config::open(&git_dir.join("config"));
    if let Ok(named) = config.and_then(|config| config.get_path("core.worktree")) {
        return Some(canonical(git_dir.join(named)));
    }
    git_dir.parent().map(Into::into)
}
