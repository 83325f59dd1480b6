//! Files that the project's files name: seeds, and what queries read. Where one is, or why it is not there.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::error::Error;
use super::loader::Loader;
use super::tree::{AUDITS, Files, MACROS, SourceTree, TESTS, is_below, is_data, is_wanted};
use super::workspace::Workspace;
use crate::adapter::cache;
use crate::adapter::git::{Broken, BrokenLink, GitError, SourceFile};
use crate::domain::csv;
use crate::domain::diagnostic::Diagnostic;
use crate::domain::pattern::{self, is_pattern};
use crate::domain::project::SeedFile;
use crate::domain::sql::policy;

/// The endings of files whose lines are rows.
const LINES: [&str; 5] = [".csv", ".tsv", ".json", ".jsonl", ".ndjson"];
/// More of them than this are not remembered.
const MOST_BESIDE: usize = 1000;

/// The data files of a source tree, found as they are asked for.
pub(super) struct DataFiles<'a> {
    loader: &'a Loader,
    files: &'a Files,
    /// Those that no rule about names finds.
    beside: RefCell<BTreeMap<String, SourceFile>>,
    /// What went wrong first.
    failed: RefCell<Option<Error>>,
}

impl<'a> DataFiles<'a> {
    pub(super) fn new(loader: &'a Loader, files: &'a Files) -> Self {
        Self { loader, files, beside: RefCell::default(), failed: RefCell::default() }
    }

    /// The file of this path, told from the project's folder.
    pub(super) fn one(&self, path: &str) -> Option<SeedFile> {
        let known = self.files.get(path).cloned().or_else(|| self.beside.borrow().get(path).cloned());
        let file = match known {
            Some(file) => file,
            None => {
                let file = self.kept(self.loader.find(&self.files.tree, path))?.ok()?;
                self.beside.borrow_mut().insert(path.to_owned(), file.clone());
                file
            }
        };
        self.kept(self.loader.seed(&file))
    }

    /// Those that a path means within the repository, or a pattern within the project.
    pub(super) fn matching(&self, pattern: &str) -> Vec<SeedFile> {
        if !is_pattern(pattern) {
            return self.one(pattern).into_iter().collect();
        }
        let Ok(meant) = pattern::paths([pattern]) else { return Vec::new() };
        let found = self.files.all().filter(|file| is_data(&file.path) && meant.is_match(&file.path));
        found.filter_map(|file| self.kept(self.loader.seed(file))).collect()
    }

    /// Why a path or a pattern means no file, where there is more to say than that nothing is there.
    pub(super) fn absent(&self, path: &str) -> Option<String> {
        self.kept(self.loader.absent(self.files, path)).flatten()
    }

    /// What was found, and what went wrong.
    pub(super) fn done(self) -> Result<BTreeMap<String, SourceFile>, Error> {
        self.failed.take().map_or_else(|| Ok(self.beside.take()), Err)
    }

    fn kept<T>(&self, result: Result<T, Error>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.failed.borrow_mut().get_or_insert(error);
                None
            }
        }
    }
}

impl Workspace {
    /// The file of a source tree that a path comes to, told from the project's folder: maybe outside of it.
    pub(super) fn find(&self, tree: &SourceTree, path: &str) -> Result<Result<SourceFile, Broken>, Error> {
        if path.starts_with('/') {
            return Ok(Err(Broken::Absolute));
        }
        match plain(&self.in_top(path)) {
            Some(_) => Ok(self.find_all(tree, &BTreeSet::from([path.to_owned()]))?.pop().ok_or(Broken::Missing)),
            None => Ok(Err(Broken::Outside)),
        }
    }

    /// Those files that some paths come to.
    pub(super) fn find_all(&self, tree: &SourceTree, paths: &BTreeSet<String>) -> Result<Vec<SourceFile>, Error> {
        let from_top: Vec<(&String, String)> =
            paths.iter().filter_map(|path| Some((path, plain(&self.in_top(path))?))).collect();
        let named: Vec<&str> = from_top.iter().map(|(_, path)| path.as_str()).collect();
        let found = match tree {
            _ if named.is_empty() => Vec::new(),
            SourceTree::Empty => Vec::new(),
            SourceTree::Commit(commit) => self.repository.named_at(commit, &named)?,
            SourceTree::Merge(tree) => self.repository.named_in_tree(tree, &named)?,
            SourceTree::Working => self.repository.named_in_worktree(&named)?,
        };
        let told = |((path, _), file): ((&String, String), Result<SourceFile, Broken>)| {
            file.ok().map(|file| SourceFile { path: path.clone(), ..file })
        };
        Ok(from_top.into_iter().zip(found).filter_map(told).collect())
    }

    /// The paths that the project's files were seen to name, beside those that its rules about names find.
    pub(super) fn beside(&self) -> BTreeSet<String> {
        cache::load(&self.beside_file()).unwrap_or_default()
    }

    /// Remembers some, so that a change of theirs is seen as one of the project's.
    pub(super) fn remember_beside(&self, paths: &BTreeMap<String, SourceFile>) {
        let known = self.beside();
        let all: BTreeSet<String> = known.iter().chain(paths.keys()).cloned().collect();
        if all.len() > known.len() {
            let all = if all.len() > MOST_BESIDE { paths.keys().cloned().collect() } else { all };
            cache::store(&self.beside_file(), &all);
        }
    }

    fn beside_file(&self) -> PathBuf {
        self.shared().beside(&self.prefix)
    }

    /// Why a source tree has no file of this path; none where simply nothing is there.
    fn absent(&self, files: &Files, path: &str) -> Result<Option<String>, Error> {
        let said = |why: &str| Ok(Some(why.to_owned()));
        if policy::is_remote(path) {
            return said("it is on another machine");
        }
        if policy::from_root(path) {
            return said("the path begins at the root of this disk: it would be another file on every machine");
        }
        if let Some(link) = files.broken.iter().find(|link| link.path == path || is_below(&link.path, path)) {
            return said(&format!("`{}` is a symbolic link to `{}`: {}", link.path, link.target, words(link.why)));
        }
        if let Some(module) = files.submodules.iter().find(|module| is_below(module, path)) {
            return said(&format!("`{module}` is a submodule: its files belong to another repository"));
        }
        let Some(from_top) = plain(&self.in_top(path)) else { return said("it lies outside of the repository") };
        if is_pattern(path) {
            return said("no file of the project matches, of those that Git does not ignore");
        }
        if self.find(&files.tree, path)?.is_ok() {
            return said("it lies outside of the project's folder");
        }
        let on_disk = self.repository.top().map(|top| top.join(&from_top));
        match on_disk.and_then(|path| std::fs::metadata(path).ok()) {
            Some(metadata) if metadata.is_dir() => said("it is a folder"),
            Some(_) if files.tree == SourceTree::Working => {
                said("it is on disk, but Git ignores it: no commit will ever have it")
            }
            Some(_) => said("it is on disk, but was not committed"),
            None => Ok(None),
        }
    }

    /// Links in place of models, macros, audits or tests that lead to no file.
    pub(super) fn broken_links(&self, files: &Files) -> Vec<Diagnostic> {
        let models = self.config.models.as_str();
        let folders = [models, MACROS, AUDITS, TESTS];
        let is_meant = |link: &&BrokenLink| {
            let path = link.path.as_str();
            let holds = folders.iter().any(|folder| *folder == path || is_below(path, folder));
            let is_inside = folders.iter().any(|folder| is_below(folder, path));
            let is_named = is_wanted(models, path) || !path.rsplit('/').next().unwrap_or_default().contains('.');
            (holds || is_inside && is_named) && !self.config.ignored.is_match(path)
        };
        let told = |link: &BrokenLink| {
            let what = format!("`{}` is a symbolic link that can't be followed", self.in_top(&link.path));
            let note = format!("it leads to `{}`: {}", link.target, words(link.why));
            Diagnostic::new(what).note(note).help("link to a file of this repository, by a relative path")
        };
        files.broken.iter().filter(is_meant).map(told).collect()
    }

    /// What of the project's folder is not the project's.
    pub(super) fn foreign(&self, files: &Files) -> Vec<String> {
        let models = self.config.models.as_str();
        let is_meant = |path: &&String| {
            let of = |folder: &str| *path == folder || is_below(folder, path) || is_below(path, folder);
            [models, MACROS, AUDITS, TESTS].into_iter().any(of)
        };
        let told = |path: &String| {
            format!(
                "`{}` is a submodule: what lies in it is not read, for no commit of this repository has it",
                self.in_top(path)
            )
        };
        files.submodules.iter().filter(is_meant).map(told).collect()
    }

    /// A file's bytes, and where lines are rows, with one end of a row for all; a filter that gives none is a problem with the project's files.
    pub(super) fn content(&self, file: &SourceFile) -> Result<Vec<u8>, Error> {
        let bytes = self.repository.read(file).map_err(|error| self.told(error))?;
        let is_of_lines = LINES.iter().any(|ending| file.path.to_ascii_lowercase().ends_with(ending));
        Ok(if is_of_lines { csv::unify_line_ends(bytes) } else { bytes })
    }

    pub(super) fn told(&self, error: GitError) -> Error {
        Error::Project(vec![match error {
            GitError::Filter { path, by, message } => {
                Diagnostic::new(format!("the content of `{path}` is not here: its {by} fails"))
                    .note(message)
                    .help("have Git check the file out again: git lfs pull, or whatever the filter needs")
            }
            GitError::StandIn { path, of } => {
                let path = self.in_top(&path);
                let help = match of {
                    "Git LFS" => "git lfs install && git lfs pull",
                    "git-annex" => "git annex get, and keep the file unlocked",
                    _ => "git-crypt unlock",
                };
                Diagnostic::new(format!("the content of `{path}` is not here: {of} has it")).help(help)
            }
            other => return Error::Git(other),
        }])
    }
}

/// A path without `.` and `..`; `None` where it leads out.
pub(super) fn plain(path: &str) -> Option<String> {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

fn words(why: Broken) -> &'static str {
    match why {
        Broken::Absolute => "a path from the root of this disk, which is another on every machine",
        Broken::Outside => "that leads out of the repository",
        Broken::Git => "that is Git's own",
        Broken::Missing => "nothing is there that Git does not ignore",
        Broken::Circle => "that leads back to itself",
        Broken::TooMany => "there are too many links to folders",
    }
}
