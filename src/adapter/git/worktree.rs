//! The project's files as they lie on disk: tracked or not yet, but not the ignored ones.

use std::collections::{BTreeMap, HashSet};
use std::fs::DirEntry;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::error::GitError;
use super::files::{Location, SourceFile, folder, is_file, join};
use super::index::Entry;
use super::open::Repository;
use super::stat_cache::{Stat, StatCache};

/// One walk through the project's folder.
struct Scan<'a> {
    repository: &'a Repository,
    /// The project's folder, from the top of the repository.
    project: &'a str,
    wanted: &'a dyn Fn(&str) -> bool,
    /// What Git tracks below the project, by path from the top of the repository.
    tracked: BTreeMap<String, Entry>,
    ignored: &'a dyn Fn(&str) -> Result<bool, GitError>,
    known: &'a StatCache,
    /// The files of this scan that may be remembered.
    seen: StatCache,
    now: SystemTime,
    files: Vec<SourceFile>,
}

impl Repository {
    /// The files of the folder `project` (`""` is the top of the working tree) as they are on disk, by path; only those
    /// whose path in the project is `wanted`. New files count before `git add`, ignored ones don't; what a sparse
    /// checkout left out counts as it is in the index. Symbolic links, submodules and paths that are no UTF-8 are left
    /// out.
    ///
    /// `stats` is what the last such scan left behind, and becomes what this one saw; keep one for each pair of project
    /// and `wanted`.
    pub fn files_in_worktree(
        &self,
        project: &str,
        wanted: &dyn Fn(&str) -> bool,
        stats: &mut StatCache,
    ) -> Result<Vec<SourceFile>, GitError> {
        let top = self.require_top()?;
        let project = folder(project);
        let ignored = self.backend.ignored(project)?;
        let mut scan = Scan {
            repository: self,
            project,
            wanted,
            tracked: self.tracked(project)?,
            ignored: &*ignored,
            known: stats,
            seen: StatCache::default(),
            now: SystemTime::now(),
            files: Vec::new(),
        };
        scan.directory(&top.join(project), project)?;
        scan.left_out();
        let Scan { mut files, seen, .. } = scan;
        *stats = seen;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    fn tracked(&self, project: &str) -> Result<BTreeMap<String, Entry>, GitError> {
        let within = join(project, "");
        let all = self.backend.index()?.into_iter();
        Ok(all
            .filter(|entry| entry.path.starts_with(within.as_bytes()))
            .filter_map(|mut entry| Some((String::from_utf8(std::mem::take(&mut entry.path)).ok()?, entry)))
            .collect())
    }
}

impl Scan<'_> {
    /// `within` is the directory's path from the top of the repository.
    fn directory(&mut self, directory: &Path, within: &str) -> Result<(), GitError> {
        let failed = |source| GitError::Io { doing: "list", path: directory.to_owned(), source };
        let Some(entries) = unless_gone(std::fs::read_dir(directory)).map_err(failed)? else { return Ok(()) };
        for entry in entries {
            self.entry(&entry.map_err(failed)?, within)?;
        }
        Ok(())
    }

    fn entry(&mut self, entry: &DirEntry, within: &str) -> Result<(), GitError> {
        let name = entry.file_name();
        let Some(name) = name.to_str().filter(|name| *name != ".git") else { return Ok(()) };
        let (path, on_disk) = (join(within, name), entry.path());
        let failed = |source| GitError::Io { doing: "read", path: on_disk.clone(), source };
        // of the link itself, where it is one
        let Some(metadata) = unless_gone(entry.metadata()).map_err(failed)? else { return Ok(()) };
        if metadata.is_dir() {
            // with a `.git` of its own it is a submodule or another repository
            if on_disk.join(".git").exists() || self.is_ignored_folder(&path)? {
                return Ok(());
            }
            return self.directory(&on_disk, &path);
        }
        if !metadata.is_file() || !(self.wanted)(self.in_project(&path)) {
            return Ok(());
        }
        if !self.tracked.contains_key(&path) && (self.ignored)(&path)? {
            return Ok(());
        }
        self.file(path, on_disk, Stat::of(&metadata))
    }

    fn file(&mut self, path: String, on_disk: PathBuf, stat: Stat) -> Result<(), GitError> {
        let id = match self.known.get(&path, &stat) {
            Some(id) => id.clone(),
            None => match unless_gone(std::fs::read(&on_disk)) {
                Ok(Some(bytes)) => self.repository.content_id(bytes)?,
                Ok(None) => return Ok(()),
                Err(source) => return Err(GitError::Io { doing: "read", path: on_disk, source }),
            },
        };
        let file =
            SourceFile { path: self.in_project(&path).to_owned(), id: id.clone(), location: Location::Disk(on_disk) };
        self.files.push(file);
        self.seen.put(path, stat, id, self.now);
        Ok(())
    }

    /// Adds what a sparse checkout left out of the working tree, unless it is there all the same.
    fn left_out(&mut self) {
        let there: HashSet<String> = self.files.iter().map(|file| file.path.clone()).collect();
        let project = self.project;
        for (path, entry) in self.tracked.iter().filter(|(_, entry)| entry.skipped && is_file(entry.mode)) {
            let path = in_project(project, path);
            if (self.wanted)(path) && !there.contains(path) {
                self.files.push(SourceFile { path: path.to_owned(), id: entry.id.clone(), location: Location::Blob });
            }
        }
    }

    /// Whether Git would not look into a folder: it is ignored and nothing in it is tracked.
    fn is_ignored_folder(&self, path: &str) -> Result<bool, GitError> {
        let within = format!("{path}/");
        let holds_tracked =
            self.tracked.range(within.clone()..).next().is_some_and(|(first, _)| first.starts_with(&within));
        Ok(!holds_tracked && (self.ignored)(path)?)
    }

    fn in_project<'p>(&self, path: &'p str) -> &'p str {
        in_project(self.project, path)
    }
}

/// A path from the top of the repository, told from the project's folder.
fn in_project<'p>(project: &str, path: &'p str) -> &'p str {
    path.strip_prefix(project).unwrap_or(path).trim_start_matches('/')
}

/// `None` for what vanished between two looks: editors and Git replace files all the time.
fn unless_gone<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(error),
    }
}
