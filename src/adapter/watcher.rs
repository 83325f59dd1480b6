//! File events, told apart: they ring a bell. The only place that imports `notify`.
//!
//! Each folder is watched by itself and not "with all below": ignored folders and Git's objects can be larger than the
//! project by far, and the system has a limit. Where files can't be watched, a thread looks every few seconds.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use notify::event::{CreateKind, ModifyKind, RemoveKind};
use notify::{Config, ErrorKind, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};

use super::bell::{Bell, Ring};

/// How often to look where files can't be watched, at most; and how much longer than a look the pause is.
const POLL: Duration = Duration::from_secs(2);
const POLL_SHARE: u32 = 20;

/// What there is to listen to, and how events are told apart.
pub struct Places {
    /// The worktree's own git directory and the one that all worktrees share.
    pub git: [PathBuf; 2],
    /// Where requests are left.
    pub queue: PathBuf,
    /// Whether a file of the project can change what an environment shows.
    pub wanted: Box<dyn Fn(&Path) -> bool + Send + Sync>,
    /// All that counts, as it is now: for looking where listening is not possible.
    pub stamp: Box<dyn Fn() -> String + Send + Sync>,
}

/// Listens to folders and rings a bell. Ends when it is dropped.
pub struct Listener {
    bell: Arc<Bell>,
    watcher: Option<RecommendedWatcher>,
    /// The folders that are watched, and which ones they were when that began: one that was removed and made again is
    /// another.
    folders: Arc<BTreeMap<PathBuf, u64>>,
    poll: Option<Sender<()>>,
}

impl Listener {
    /// One that listens to nothing yet.
    pub fn new(bell: Arc<Bell>) -> Self {
        Self { bell, watcher: None, folders: Arc::default(), poll: None }
    }

    /// Listens to these folders from now on, each without those below it; `afresh` if some of them came or went. If it
    /// has just turned out that they can't be watched, says why, and looks every few seconds instead.
    pub fn listen(&mut self, folders: BTreeSet<PathBuf>, afresh: bool, places: &Arc<Places>) -> Option<String> {
        if self.poll.is_some() {
            return None;
        }
        let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
        if let Some(remote) = folders.iter().find_map(|folder| remote_file_system(&mounts, folder)) {
            self.look(places);
            return Some(format!("{remote} does not tell what others change"));
        }
        let folders = folders.into_iter().filter_map(|folder| identity(&folder).map(|identity| (folder, identity)));
        let folders = folders.collect();
        if self.watcher.is_some() && !afresh && *self.folders == folders {
            return None;
        }
        self.folders = Arc::new(folders);
        // a new one each time: what the old one knew of folders that were replaced is of no use
        self.watcher = None;
        match self.watch(places) {
            Ok(watcher) => {
                self.watcher = Some(watcher);
                None
            }
            Err(error) => {
                self.look(places);
                Some(match error.kind {
                    ErrorKind::MaxFilesWatch => "the system watches as many files as it may".to_owned(),
                    _ => error.to_string(),
                })
            }
        }
    }

    fn watch(&self, places: &Arc<Places>) -> notify::Result<RecommendedWatcher> {
        let (bell, places, folders) = (self.bell.clone(), places.clone(), self.folders.clone());
        let hear = move |event: notify::Result<Event>| match event {
            Ok(event) if !event.need_rescan() => {
                for path in &event.paths {
                    match meaning(event.kind, path, &places, &|path| folders.contains_key(path)) {
                        Meaning::Nothing => {}
                        Meaning::GitWorks => bell.hush(),
                        Meaning::Changed(ring) => bell.ring(ring),
                    }
                }
            }
            // more than the system could keep: whatever was missed is found by looking
            _ => bell.ring(Ring::ALL),
        };
        let mut watcher = RecommendedWatcher::new(hear, Config::default().with_follow_symlinks(false))?;
        let mut paths = watcher.paths_mut();
        for folder in self.folders.keys() {
            match paths.add(folder, RecursiveMode::NonRecursive) {
                // gone since: the folder above has told so
                Err(error) if matches!(error.kind, ErrorKind::PathNotFound) => {}
                added => added?,
            }
        }
        paths.commit()?;
        Ok(watcher)
    }

    fn look(&mut self, places: &Arc<Places>) {
        self.watcher = None;
        let (on, is_on) = channel::<()>();
        let (bell, places) = (self.bell.clone(), places.clone());
        let mut seen = (places.stamp)();
        std::thread::spawn(move || {
            let mut pause = POLL;
            while is_on.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                let start = Instant::now();
                let now = (places.stamp)();
                pause = POLL.max(start.elapsed() * POLL_SHARE);
                if now != seen {
                    seen = now;
                    bell.ring(Ring::ALL);
                }
            }
        });
        self.poll = Some(on);
    }
}

/// What an event says.
#[derive(Debug, PartialEq, Eq)]
enum Meaning {
    Nothing,
    /// Git is at work: no reason to ring, but it is not quiet yet.
    GitWorks,
    Changed(Ring),
}

fn meaning(kind: EventKind, path: &Path, places: &Places, is_watched: &dyn Fn(&Path) -> bool) -> Meaning {
    let renamed = matches!(kind, EventKind::Modify(ModifyKind::Name(_)));
    let is_folder = match kind {
        EventKind::Access(_) | EventKind::Modify(ModifyKind::Metadata(_)) => return Meaning::Nothing,
        EventKind::Create(CreateKind::Folder) | EventKind::Remove(RemoveKind::Folder) => true,
        _ => is_watched(path) || (renamed && path.is_dir()),
    };
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if path.starts_with(&places.queue) {
        // a file under another name until it is whole
        return if name.starts_with(".tmp") { Meaning::Nothing } else { Meaning::Changed(Ring::GIT) };
    }
    let [own, shared] = &places.git;
    if let Ok(inside) = path.strip_prefix(own).or_else(|_| path.strip_prefix(shared)) {
        let is_head = inside == Path::new("HEAD") || inside == Path::new("logs/HEAD");
        return match name {
            "index" => Meaning::GitWorks,
            _ if name.ends_with(".lock") => Meaning::GitWorks,
            _ if is_folder && (inside.starts_with("refs") || is_watched(path)) => Meaning::Changed(Ring::ALL),
            "packed-refs" | "tables.list" => Meaning::Changed(Ring::GIT),
            _ if is_head || inside.starts_with("refs") => Meaning::Changed(Ring::GIT),
            _ => Meaning::Nothing,
        };
    }
    if is_folder {
        // the engine's scratch folder comes and goes with every large build
        let passing = !is_watched(path) && (name.starts_with('.') || name.ends_with(".tmp"));
        return if passing { Meaning::Nothing } else { Meaning::Changed(Ring { folders: true, ..Ring::FILES }) };
    }
    if (places.wanted)(path) { Meaning::Changed(Ring::FILES) } else { Meaning::Nothing }
}

/// Which folder this is: another one at the same path is another.
fn identity(folder: &Path) -> Option<u64> {
    let metadata = std::fs::metadata(folder).ok().filter(std::fs::Metadata::is_dir)?;
    #[cfg(unix)]
    return Some(std::os::unix::fs::MetadataExt::ino(&metadata));
    #[cfg(not(unix))]
    return metadata.created().ok()?.duration_since(std::time::UNIX_EPOCH).ok().map(|since| since.as_secs());
}

/// The file system that a folder is on, if others may change files there without this system being told. `mounts` is
/// what Linux says in `/proc/self/mounts`; elsewhere nobody knows.
fn remote_file_system<'m>(mounts: &'m str, folder: &Path) -> Option<&'m str> {
    const REMOTE: [&str; 17] = [
        "9p",
        "afs",
        "beegfs",
        "ceph",
        "cifs",
        "davfs",
        "drvfs",
        "glusterfs",
        "gpfs",
        "lustre",
        "nfs",
        "nfs4",
        "prl_fs",
        "smb3",
        "smbfs",
        "vboxsf",
        "virtiofs",
    ];
    let mount = |line: &'m str| {
        let mut words = line.split(' ').skip(1);
        // spaces are written as octal numbers
        let place = PathBuf::from(words.next()?.replace("\\040", " "));
        Some((place, words.next()?)).filter(|(place, _)| folder.starts_with(place))
    };
    // of two at one place the later one covers the other, as `max_by_key` has it
    let (_, kind) = mounts.lines().filter_map(mount).max_by_key(|(place, _)| place.components().count())?;
    (REMOTE.contains(&kind) || kind.starts_with("fuse.")).then_some(kind)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;
