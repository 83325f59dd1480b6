//! The index: what Git tracks, what is in conflict, and what a sparse checkout left out.

use std::path::Path;
use std::process::Command;

use git2::Oid;

use super::error::{Doing, GitError};
use super::open::Repository;

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
/// libgit2's flag for what a sparse checkout left out.
const SKIP_WORKTREE: u16 = 1 << 14;

/// One line of the index.
pub(super) struct Entry {
    /// From the top of the repository.
    pub(super) path: Vec<u8>,
    pub(super) id: Oid,
    pub(super) mode: u32,
    /// 0, or 1 to 3 for the sides of a conflict.
    pub(super) stage: u16,
    /// Left out of the working tree on purpose: neither there nor deleted.
    pub(super) skipped: bool,
}

impl Repository {
    /// The index as it is on disk now.
    pub(super) fn index_entries(&self) -> Result<Vec<Entry>, GitError> {
        const DOING: &str = "read the index";
        // `repo.index()` is read once and kept; `read(false)` looks whether the file is another one by now
        let read = self.raw.index().and_then(|mut index| index.read(false).map(|()| index));
        match read {
            Ok(index) => Ok(index.iter().map(from_libgit2).collect()),
            Err(error) if error.message().starts_with("unsupported mandatory extension") => {
                let Some(top) = self.top() else { return Ok(Vec::new()) };
                self.list_files(top)
            }
            Err(error) => Err(error).doing(DOING),
        }
    }

    /// The index as Git itself tells it: libgit2 can read neither a sparse nor a split one.
    fn list_files(&self, top: &Path) -> Result<Vec<Entry>, GitError> {
        let failed = |message: String| GitError::Other { doing: "read the index with `git ls-files`", message };
        let mut git = Command::new("git");
        for variable in LOCAL_VARIABLES {
            git.env_remove(variable);
        }
        git.arg("--git-dir").arg(self.git_dir()).arg("--work-tree").arg(top).current_dir(top);
        let output =
            git.args(["ls-files", "--stage", "-t", "-z"]).output().map_err(|error| failed(error.to_string()))?;
        if !output.status.success() {
            return Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
        }
        let lines = output.stdout.split(|byte| *byte == 0).filter(|line| !line.is_empty());
        lines.map(|line| from_git(line).ok_or_else(|| failed("it answers in another form".to_owned()))).collect()
    }
}

fn from_libgit2(entry: git2::IndexEntry) -> Entry {
    Entry {
        id: entry.id,
        mode: entry.mode,
        stage: (entry.flags >> 12) & 3,
        skipped: entry.flags_extended & SKIP_WORKTREE != 0,
        path: entry.path,
    }
}

/// `<tag> <mode> <id> <stage>\t<path>`, the tag being `S` for what a sparse checkout left out.
fn from_git(line: &[u8]) -> Option<Entry> {
    let tab = line.iter().position(|byte| *byte == b'\t')?;
    let mut words = std::str::from_utf8(&line[..tab]).ok()?.split(' ');
    Some(Entry {
        skipped: words.next()? == "S",
        mode: u32::from_str_radix(words.next()?, 8).ok()?,
        id: Oid::from_str(words.next()?).ok()?,
        stage: words.next()?.parse().ok()?,
        path: line[tab + 1..].to_vec(),
    })
}
