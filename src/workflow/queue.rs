//! Builds in the background: requests that hooks leave, and the one process per repository that works them off.
//!
//! A request says only "this branch may be out of step". The worker looks at the branch as it is then, so a request
//! that was overtaken costs nothing and one that is worked twice does no harm.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};

use super::error::{Error, io};
use super::session::Session;
use crate::adapter::cache;
use crate::domain::name::BranchName;

/// A branch that may be out of step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The branch.
    pub branch: BranchName,
    /// The project's folder in the repository.
    pub prefix: String,
    /// Where to start: a working tree (or the git directory of a bare repository).
    pub start: PathBuf,
}

/// What the worker is doing, for `vmesh status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The worker's process.
    pub pid: u32,
    /// The branch it works on.
    pub branch: BranchName,
    /// The model being built.
    pub model: Option<String>,
    /// Which build this is, and of how many.
    pub count: (usize, usize),
    /// Since when, in seconds since 1970.
    pub since: i64,
}

impl Request {
    /// A request of this session's project.
    pub fn new(session: &Session<'_>, branch: &BranchName) -> Self {
        let start = session.repository.top().unwrap_or(session.repository.git_dir()).to_owned();
        Self { branch: branch.clone(), prefix: session.prefix.clone(), start }
    }

    fn file(&self) -> String {
        let key = format!("{}\0{}", self.prefix, self.branch);
        format!("{}.json", &blake3::hash(key.as_bytes()).to_hex()[..16])
    }
}

/// The queue of a repository.
#[derive(Debug, Clone)]
pub struct Queue {
    folder: PathBuf,
}

impl Queue {
    /// The queue in vmesh's shared folder.
    pub fn new(shared: &Path) -> Self {
        Self { folder: shared.to_owned() }
    }

    /// The waiting requests.
    pub fn waiting(&self) -> Vec<Request> {
        let Ok(entries) = std::fs::read_dir(self.requests()) else { return Vec::new() };
        let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
        files.sort();
        files.iter().filter_map(|file| cache::load(file)).collect()
    }

    /// Adds a request; it replaces an older one of the same branch.
    pub fn add(&self, request: &Request) -> bool {
        cache::store(&self.requests().join(request.file()), request)
    }

    /// Takes a request back.
    pub fn remove(&self, request: &Request) {
        // it may be gone already: another process worked it off
        let _ = std::fs::remove_file(self.requests().join(request.file()));
    }

    /// The right to work: one process at a time has it, as long as it keeps the file. `None` while another has it.
    pub fn lock(&self) -> Result<Option<File>, Error> {
        let path = self.folder.join("worker.lock");
        std::fs::create_dir_all(&self.folder).map_err(io("create", &self.folder))?;
        let file = File::create(&path).map_err(io("create", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(io("lock", path)(error)),
        }
    }

    /// What the worker does now; `None` while none is at work.
    pub fn progress(&self) -> Option<Progress> {
        match self.lock() {
            Ok(None) => cache::load(&self.progress_file()),
            _ => None,
        }
    }

    /// Tells what the worker does.
    pub fn tell(&self, progress: Option<&Progress>) {
        match progress {
            Some(progress) => {
                cache::store(&self.progress_file(), progress);
            }
            None => {
                let _ = std::fs::remove_file(self.progress_file());
            }
        }
    }

    /// Where the worker writes what it did.
    pub fn log(&self) -> PathBuf {
        self.folder.join("worker.log")
    }

    fn requests(&self) -> PathBuf {
        self.folder.join("queue")
    }

    fn progress_file(&self) -> PathBuf {
        self.folder.join("worker.json")
    }
}

impl Session<'_> {
    /// The repository's queue.
    pub fn queue(&self) -> Queue {
        Queue::new(&self.shared_folder())
    }

    /// Leaves a request and makes sure that someone works it off.
    pub(super) fn enqueue(&self, request: &Request) -> Result<(), Error> {
        let queue = self.queue();
        if !queue.add(request) {
            let folder = self.shared_folder();
            return Err(Error::Io { doing: "write to", path: folder, source: std::io::ErrorKind::Other.into() });
        }
        start_worker(&queue, &request.start)
    }

    /// Has waiting requests worked off, if nobody does: what hooks left behind is made good by the next command.
    pub fn revive_worker(&self) -> Result<(), Error> {
        let queue = self.queue();
        match queue.waiting().first() {
            Some(request) if queue.lock()?.is_some() => start_worker(&queue, &request.start),
            _ => Ok(()),
        }
    }
}

/// Starts a process that works the queue off and outlives this one. It keeps none of git's pipes, or whoever waits for
/// git's output would wait for the build.
fn start_worker(queue: &Queue, start: &Path) -> Result<(), Error> {
    let program = std::env::current_exe().map_err(io("find", "vmesh"))?;
    let log = queue.log();
    let file = File::options().create(true).append(true).open(&log).map_err(io("open", &log))?;
    let errors = file.try_clone().map_err(io("open", &log))?;
    let mut command = Command::new(program);
    command.args(["hook", "worker"]).current_dir(start).stdin(Stdio::null()).stdout(file).stderr(errors);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("GIT_")) {
        command.env_remove(name);
    }
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command.spawn().map(drop).map_err(io("start", "vmesh"))
}
