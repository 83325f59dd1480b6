//! What Git does to a file's bytes on checkout and on `git add`, done by Git itself: attributes, filters, encodings.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Seek, Write};
use std::process::{Command, Output, Stdio};

use super::super::error::GitError;
use super::super::filters::{Filtered, NAMES};
use super::super::id::BlobId;
use super::{GitCommand, failed, git_in, line};

const READ: &str = "read Git's attributes";
/// More paths than this are not named one by one.
const MOST_NAMED: usize = 200;

/// Whose attributes hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum Rules {
    /// Those that lie in the working tree.
    OnDisk,
    /// Those of a commit or a merge, by their hash.
    Of(String),
}

/// A filter that this machine's owner has set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Driver {
    pub(in super::super) name: String,
    pub(in super::super) clean: Option<String>,
    pub(in super::super) smudge: Option<String>,
    pub(in super::super) process: Option<String>,
}

impl GitCommand {
    /// Lays attributes out where `git` finds them in place of those on disk. `files` are their texts by path.
    pub(in super::super) fn rules_of(&self, key: &str, files: &BTreeMap<String, Vec<u8>>) -> Result<Rules, GitError> {
        let rules = Rules::Of(key.to_owned());
        if self.rules.borrow().contains_key(key) {
            return Ok(rules);
        }
        let broken = |error: std::io::Error| GitError::Other { doing: READ, message: error.to_string() };
        let folder = tempfile::tempdir().map_err(broken)?;
        for (path, text) in files {
            let file = folder.path().join(path);
            std::fs::create_dir_all(file.parent().unwrap_or(folder.path())).map_err(broken)?;
            std::fs::write(&file, text).map_err(broken)?;
        }
        self.rules.borrow_mut().insert(key.to_owned(), folder);
        Ok(rules)
    }

    /// `git` where these attributes hold. A filter is run where it would be on checkout: its command may be a path.
    fn under(&self, rules: &Rules, driver: Option<&Driver>) -> Command {
        let all = self.rules.borrow();
        let Rules::Of(key) = rules else { return self.git() };
        let Some(folder) = all.get(key).map(tempfile::TempDir::path) else { return self.git() };
        let mut git = git_in(folder);
        git.arg("--literal-pathspecs").arg("--git-dir").arg(&self.place.git_dir).arg("--work-tree").arg(folder);
        git.env("GIT_INDEX_FILE", folder.join(".git-no-index"));
        if let Some(merged) = self.merged.get() {
            git.env("GIT_OBJECT_DIRECTORY", merged.path());
        }
        if let (Some(driver), Some(top)) = (driver, &self.place.top) {
            let top = format!("'{}'", top.to_string_lossy().replace('\'', r"'\''"));
            for (key, command) in [("smudge", &driver.smudge), ("process", &driver.process)] {
                if let Some(command) = command.as_ref().filter(|command| !command.is_empty()) {
                    let there = format!("cd {top} && export GIT_WORK_TREE={top} && unset GIT_INDEX_FILE && {command}");
                    git.arg("-c").arg(format!("filter.{}.{key}={there}", driver.name));
                }
            }
        }
        git
    }

    /// The values of the attributes that change bytes, for each path.
    pub(in super::super) fn attributes(
        &self,
        rules: &Rules,
        paths: &[&str],
    ) -> Result<Vec<[Option<String>; 3]>, GitError> {
        let mut git = self.under(rules, None);
        git.args(["check-attr", "-z", "--stdin"]).args(NAMES);
        let answer =
            fed(READ, git, &paths.iter().flat_map(|path| [path.as_bytes(), b"\0"]).collect::<Vec<_>>().concat())?;
        if !answer.status.success() {
            return Err(failed(READ, &answer));
        }
        // for each path and attribute: the path, the attribute, its value
        let fields: Vec<&[u8]> = answer.stdout.split(|byte| *byte == 0).collect();
        let value = |field: &[u8]| match field {
            b"unspecified" | b"unset" => None,
            value => Some(String::from_utf8_lossy(value).into_owned()),
        };
        let values: Vec<Option<String>> = fields.chunks_exact(3).map(|triple| value(triple[2])).collect();
        if values.len() != paths.len() * NAMES.len() {
            return Err(GitError::Other { doing: READ, message: "git check-attr answers in another form".to_owned() });
        }
        Ok(values.chunks_exact(3).map(|three| [three[0].clone(), three[1].clone(), three[2].clone()]).collect())
    }

    /// Which files of the index lie on disk as others.
    pub(in super::super) fn modified(&self, paths: &[&str]) -> Result<BTreeSet<Vec<u8>>, GitError> {
        let named = if paths.len() > MOST_NAMED { &[] } else { paths };
        let args = [&["ls-files", "--modified", "-z", "--"], named].concat();
        let list = self.tell("compare files with the index", &args)?;
        Ok(list.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect())
    }

    /// The blobs that `git add` would make of files on disk. They are readable as long as this lives.
    pub(in super::super) fn cleaned(&self, files: &[&Filtered]) -> Result<Vec<BlobId>, GitError> {
        const DOING: &str = "see what git add would make of a file";
        if files.is_empty() {
            return Ok(Vec::new());
        }
        self.scratch().map_err(|error| GitError::Other { doing: DOING, message: error.to_string() })?;
        let mut git = self.git();
        git.args(["hash-object", "-w", "--stdin-paths"]);
        let paths: Vec<String> = files.iter().map(|file| quoted(&file.path) + "\n").collect();
        let output = fed(DOING, git, paths.concat().as_bytes())?;
        let ids: Vec<BlobId> =
            String::from_utf8_lossy(&output.stdout).lines().map(|id| BlobId::from_git(id.to_owned())).collect();
        match files.get(ids.len()) {
            None if output.status.success() => Ok(ids),
            Some(file) => Err(unfiltered(DOING, file, &output)),
            None => Err(failed(DOING, &output)),
        }
    }

    /// The ids of those blobs, of files that are kept as they are but for their line ends.
    pub(in super::super) fn ids_once_added(&self, paths: &[&str]) -> Result<Vec<BlobId>, GitError> {
        const DOING: &str = "see what git add would make of line ends";
        let mut git = self.git();
        git.args(["-c", "core.safecrlf=false", "hash-object", "--stdin-paths"]);
        let lines: Vec<String> = paths.iter().map(|path| quoted(path) + "\n").collect();
        let output = fed(DOING, git, lines.concat().as_bytes())?;
        let ids = String::from_utf8_lossy(&output.stdout);
        let ids: Vec<BlobId> = ids.lines().map(|id| BlobId::from_git(id.to_owned())).collect();
        if output.status.success() && ids.len() == paths.len() { Ok(ids) } else { Err(failed(DOING, &output)) }
    }

    /// A file's bytes as Git would check them out.
    pub(in super::super) fn smudged(&self, file: &Filtered) -> Result<Vec<u8>, GitError> {
        const DOING: &str = "read a file as Git checks it out";
        let mut git = self.under(&file.rules, file.driver.as_ref());
        git.args(["cat-file", "--filters"]).arg(format!("--path={}", file.path)).arg(file.blob.as_str());
        let output =
            git.output().map_err(|error| GitError::Other { doing: DOING, message: format!("git: {error}") })?;
        // Git goes on with the bytes as they are where a filter fails that is not `required`: rows that nobody meant
        match output.status.success() && !String::from_utf8_lossy(&output.stderr).contains("external filter ") {
            true => Ok(output.stdout),
            false => Err(unfiltered(DOING, file, &output)),
        }
    }

    /// Whether it finds an object.
    pub(in super::super) fn has(&self, id: &BlobId) -> Result<bool, GitError> {
        Ok(self.run("look for an object", &["cat-file", "-e", id.as_str()].map(std::ffi::OsStr::new))?.status.success())
    }

    /// Takes bytes in as an object, as long as this lives.
    pub(in super::super) fn keep(&self, bytes: &[u8]) -> Result<(), GitError> {
        const DOING: &str = "keep what a merge gives";
        self.scratch().map_err(|error| GitError::Other { doing: DOING, message: error.to_string() })?;
        let mut git = self.git();
        git.args(["hash-object", "-w", "--stdin"]);
        let output = fed(DOING, git, bytes)?;
        if output.status.success() { Ok(()) } else { Err(failed(DOING, &output)) }
    }
}

/// Runs a command that reads these bytes: from a file, as a pipe could block both ends.
fn fed(doing: &'static str, mut git: Command, bytes: &[u8]) -> Result<Output, GitError> {
    let run = || -> std::io::Result<Output> {
        let mut file = tempfile::tempfile()?;
        file.write_all(bytes)?;
        file.rewind()?;
        git.stdin(Stdio::from(file)).output()
    };
    let mut run = run;
    run().map_err(|error| GitError::Other { doing, message: format!("git: {error}") })
}

/// A path as `--stdin-paths` takes it.
fn quoted(path: &str) -> String {
    match path.starts_with('"') || path.contains('\n') {
        true => format!("\"{}\"", path.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n")),
        false => path.to_owned(),
    }
}

/// Why a file's bytes could not be made, in the words of Git and the filter.
fn unfiltered(doing: &'static str, file: &Filtered, output: &Output) -> GitError {
    let by = match &file.driver {
        Some(driver) => format!("filter `{}`", driver.name),
        None if file.is_encoded => "`working-tree-encoding`".to_owned(),
        None => return failed(doing, output),
    };
    let words = String::from_utf8_lossy(&line(output.stderr.clone())).into_owned();
    let words: Vec<&str> = words.lines().map(str::trim).filter(|line| !line.is_empty()).take(4).collect();
    GitError::Filter { path: file.path.clone(), by, message: words.join("; ") }
}
