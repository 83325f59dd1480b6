//! The project's files as they lie on disk: tracked or not yet, but not the ignored ones.

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashSet};
use std::fs::{DirEntry, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::backend::Ignored;
use super::error::GitError;
use super::files::{LINK, Location, SUBMODULE, SourceFile, SourceFiles, folder, is_file, join};
use super::index::Entry;
use super::links::{Broken, Node, Nodes, Origin};
use super::listing::{Found, Listing};
use super::open::Repository;
use super::stat_cache::{Stat, StatCache};

/// What Git tracks, by path from the top of the repository.
type Tracked = BTreeMap<String, Entry>;

/// The working tree.
struct OnDisk<'a> {
    repository: &'a Repository,
    top: &'a Path,
    /// The project's folder, from the top of the repository.
    project: &'a str,
    /// Below the project.
    tracked: Tracked,
    ignored: Ignored<'a>,
    /// Everywhere: only a link that leads out of the project needs to know.
    all: OnceCell<(Tracked, Ignored<'a>)>,
}

impl Repository {
    /// The files of the folder `project` (`""` is the top of the working tree) as they are on disk, by path; only those
    /// whose path in the project is `wanted`. New files count before `git add`, ignored ones don't; what a sparse
    /// checkout left out counts as it is in the index. Links are followed within these files. Paths that are no UTF-8
    /// are left out.
    ///
    /// `stats` is what the last such scan left behind, and becomes what this one saw; keep one for each pair of project
    /// and `wanted`.
    pub fn files_in_worktree(
        &self,
        project: &str,
        wanted: &dyn Fn(&str) -> bool,
        stats: &mut StatCache,
    ) -> Result<SourceFiles, GitError> {
        let now = SystemTime::now();
        let nodes = OnDisk::new(self, folder(project))?;
        let listing = Listing::of(&nodes, nodes.project, wanted)?;
        let mut seen = StatCache::default();
        let files = self.on_disk(&nodes, &listing, stats, &mut seen, now)?;
        *stats = seen;
        let Listing { broken, submodules, .. } = listing;
        Ok(SourceFiles { files, broken, submodules })
    }

    /// For each of some paths from the top of the repository, the file of the working tree that it comes to.
    pub fn named_in_worktree(&self, paths: &[&str]) -> Result<Vec<Result<SourceFile, Broken>>, GitError> {
        let nodes = OnDisk::new(self, "")?;
        let named = |path: &&str| match Listing::of_file(&nodes, path)? {
            Ok(listing) => {
                let (none, mut seen) = (StatCache::default(), StatCache::default());
                let mut files = self.on_disk(&nodes, &listing, &none, &mut seen, SystemTime::now())?;
                Ok(files.pop().ok_or(Broken::Missing))
            }
            Err(why) => Ok(Err(why)),
        };
        paths.iter().map(named).collect()
    }

    /// The files of a listing, with their ids.
    fn on_disk(
        &self,
        nodes: &OnDisk<'_>,
        listing: &Listing<'_>,
        known: &StatCache,
        seen: &mut StatCache,
        now: SystemTime,
    ) -> Result<Vec<SourceFile>, GitError> {
        let (mut files, mut unknown) = (Vec::new(), Vec::new());
        for (Found { path, own, origin }, filtered) in listing.found.iter().zip(self.filtered(listing, false)?) {
            let path = path.clone();
            files.push(match (filtered, origin) {
                (Some(filtered), _) => filtered.file(path),
                (None, Origin::Blob(id)) => SourceFile { path, id: id.clone(), location: Location::Blob },
                (None, Origin::Disk(on_disk, stat)) => {
                    let id = match known.get(own, stat) {
                        Some(id) => id.clone(),
                        None => match unless_gone(std::fs::read(on_disk)) {
                            Ok(Some(bytes)) => {
                                match self.id_on_disk(&bytes, nodes.entry(own)?.map(|entry| &entry.id))? {
                                    Some(id) => id,
                                    None => {
                                        unknown.push((path, own, on_disk, stat));
                                        continue;
                                    }
                                }
                            }
                            Ok(None) => continue,
                            Err(source) => return Err(GitError::Io { doing: "read", path: on_disk.clone(), source }),
                        },
                    };
                    seen.put(own.clone(), *stat, id.clone(), now);
                    SourceFile { path, id, location: Location::Disk(on_disk.clone()) }
                }
            });
        }
        let paths: Vec<&str> = unknown.iter().map(|(_, own, ..)| own.as_str()).collect();
        for ((path, own, on_disk, stat), id) in unknown.iter().zip(self.ids_once_added(&paths)?) {
            seen.put((*own).clone(), **stat, id.clone(), now);
            files.push(SourceFile { path: path.clone(), id, location: Location::Disk((*on_disk).clone()) });
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    fn tracked(&self, project: &str) -> Result<Tracked, GitError> {
        let within = if project.is_empty() { String::new() } else { format!("{project}/") };
        let all = self.backend.index()?.into_iter();
        Ok(all
            .filter(|entry| entry.path.starts_with(within.as_bytes()))
            .filter_map(|mut entry| Some((String::from_utf8(std::mem::take(&mut entry.path)).ok()?, entry)))
            .collect())
    }
}

impl<'a> OnDisk<'a> {
    fn new(repository: &'a Repository, project: &'a str) -> Result<Self, GitError> {
        Ok(Self {
            repository,
            top: repository.require_top()?,
            project,
            tracked: repository.tracked(project)?,
            ignored: repository.backend.ignored(project)?,
            all: OnceCell::new(),
        })
    }

    /// What Git tracks and ignores, where a path lies.
    fn around(&self, path: &str) -> Result<(&Tracked, &Ignored<'a>), GitError> {
        let is_in_project =
            self.project.is_empty() || path.strip_prefix(self.project).is_some_and(|rest| rest.starts_with('/'));
        if is_in_project {
            return Ok((&self.tracked, &self.ignored));
        }
        if self.all.get().is_none() {
            let _ = self.all.set((self.repository.tracked("")?, self.repository.backend.ignored("")?));
        }
        let (tracked, ignored) = self.all.get().map_or((&self.tracked, &self.ignored), |(all, ignored)| (all, ignored));
        Ok((tracked, ignored))
    }

    fn entry(&self, path: &str) -> Result<Option<&Entry>, GitError> {
        Ok(self.around(path)?.0.get(path))
    }

    /// `within` is the directory's path from the top of the repository.
    fn directory(&self, within: &str, search: &mut Search<'_>) -> Result<(), GitError> {
        let directory = self.top.join(within);
        let failed = |source| GitError::Io { doing: "list", path: directory.clone(), source };
        let Some(entries) = unless_gone(std::fs::read_dir(&directory)).map_err(failed)? else { return Ok(()) };
        for entry in entries {
            self.dir_entry(&entry.map_err(failed)?, within, search)?;
        }
        Ok(())
    }

    fn dir_entry(&self, entry: &DirEntry, within: &str, search: &mut Search<'_>) -> Result<(), GitError> {
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
            return self.directory(&path, search);
        }
        let below = in_project(search.folder, &path).to_owned();
        if metadata.is_file() && !(search.wanted)(&below) && !self.is_written_link(self.entry(&path)?)? {
            return Ok(());
        }
        if let Some(node) = self.node(&path, on_disk, &metadata)? {
            search.found.push((below, node));
        }
        Ok(())
    }

    /// What stands on disk, unless Git ignores it.
    fn node(&self, path: &str, on_disk: PathBuf, metadata: &Metadata) -> Result<Option<Node>, GitError> {
        let failed = |source| GitError::Io { doing: "read", path: on_disk.clone(), source };
        let (tracked, ignored) = self.around(path)?;
        let entry = tracked.get(path);
        if entry.is_none() && ignored(path)? {
            return Ok(None);
        }
        if metadata.is_symlink() {
            let target = unless_gone(std::fs::read_link(&on_disk)).map_err(failed)?;
            return Ok(target.map(|target| Node::Link(target.to_string_lossy().into_owned())));
        }
        // where the disk has no links, Git writes down what they say
        if metadata.is_file() && self.is_written_link(entry)? {
            let target = unless_gone(std::fs::read(&on_disk)).map_err(failed)?;
            return Ok(target.map(|target| Node::Link(String::from_utf8_lossy(&target).into_owned())));
        }
        Ok(metadata.is_file().then(|| Node::File(Origin::Disk(on_disk, Stat::of(metadata)))))
    }

    /// Whether a regular file is a link to Git.
    fn is_written_link(&self, entry: Option<&Entry>) -> Result<bool, GitError> {
        let is_link = entry.is_some_and(|entry| entry.mode == LINK);
        Ok(is_link && self.repository.backend.setting("core.symlinks")?.is_some_and(|value| value == "false"))
    }

    /// What the index has of a path that the working tree does not: what a sparse checkout left out, and submodules.
    fn node_of(&self, entry: &Entry) -> Result<Option<Node>, GitError> {
        Ok(match entry.mode {
            SUBMODULE => Some(Node::Submodule),
            _ if !entry.skipped => None,
            LINK => Some(Node::Link(self.repository.link(&entry.id)?)),
            mode => is_file(mode).then(|| Node::File(Origin::Blob(entry.id.clone()))),
        })
    }

    /// Whether Git would not look into a folder: it is ignored and nothing in it is tracked.
    fn is_ignored_folder(&self, path: &str) -> Result<bool, GitError> {
        let (tracked, ignored) = self.around(path)?;
        Ok(!holds(tracked, path, |_| true) && ignored(path)?)
    }
}

/// One search below a folder.
struct Search<'s> {
    folder: &'s str,
    wanted: &'s dyn Fn(&str) -> bool,
    found: Vec<(String, Node)>,
}

impl Nodes for OnDisk<'_> {
    fn look(&self, path: &str) -> Result<Option<Node>, GitError> {
        let on_disk = self.top.join(path);
        // a git directory of another name
        if on_disk.starts_with(self.repository.git_dir()) || on_disk.starts_with(self.repository.common_dir()) {
            return Ok(None);
        }
        let entry = self.entry(path)?;
        if entry.is_some_and(|entry| entry.mode == SUBMODULE) {
            return Ok(Some(Node::Submodule));
        }
        let failed = |source| GitError::Io { doing: "read", path: on_disk.clone(), source };
        match unless_gone(std::fs::symlink_metadata(&on_disk)).map_err(failed)? {
            Some(metadata) if metadata.is_dir() => Ok((!on_disk.join(".git").exists()).then_some(Node::Folder)),
            Some(metadata) => self.node(path, on_disk, &metadata),
            None => match entry {
                Some(entry) => self.node_of(entry),
                None => Ok(holds(self.around(path)?.0, path, |entry| entry.skipped).then_some(Node::Folder)),
            },
        }
    }

    fn below(&self, folder: &str, wanted: &dyn Fn(&str) -> bool) -> Result<Vec<(String, Node)>, GitError> {
        let mut search = Search { folder, wanted, found: Vec::new() };
        self.directory(folder, &mut search)?;
        let mut found = search.found;
        let there: HashSet<String> = found.iter().map(|(path, _)| path.clone()).collect();
        for (path, entry) in below(self.around(&join(folder, ""))?.0, folder) {
            let path = in_project(folder, path);
            if (entry.skipped || entry.mode == SUBMODULE)
                && !there.contains(path)
                && (!is_file(entry.mode) || wanted(path))
                && let Some(node) = self.node_of(entry)?
            {
                found.push((path.to_owned(), node));
            }
        }
        Ok(found)
    }
}

/// What Git tracks below a folder.
fn below<'t>(tracked: &'t Tracked, folder: &str) -> impl Iterator<Item = (&'t String, &'t Entry)> {
    let within = if folder.is_empty() { String::new() } else { format!("{folder}/") };
    tracked.range(within.clone()..).take_while(move |(path, _)| path.starts_with(&within))
}

fn holds(tracked: &Tracked, folder: &str, is_meant: impl Fn(&Entry) -> bool) -> bool {
    below(tracked, folder).any(|(_, entry)| is_meant(entry))
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
