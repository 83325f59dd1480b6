//! Builds in the background: the requests that hooks leave, and the right to work them off, which one process has at a
//! time.
//!
//! | in `<git common dir>/vmesh` | says |
//! |---|---|
//! | `queue/*.json` | a request that waits |
//! | `queue/*.working` | the request in work; what a killed process leaves here is taken up again |
//! | `queue/stop` | `vmesh stop` was called, and when |
//! | `worker.lock` | is locked by whoever has the right to work |
//! | `worker.json` | who that is, and what it builds |
//!
//! A request says only "this branch may be out of step". Whoever works it off looks at the branch as it is then, so a
//! request that was overtaken costs nothing and one that is worked twice does no harm. No request is lost: whoever leaves
//! one looks for someone at work after that, and whoever stops working looks for requests after that.

use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::workflow::workspace::Workspace;
use serde::{Deserialize, Serialize};

use super::super::error::{Error, io};
pub use super::progress::Progress;
use crate::adapter::git::Repository;
use crate::adapter::local::Shared;
use crate::adapter::{cache, process};
use crate::domain::name::BranchName;

/// The longest wait for the git command whose hook asked: one with an editor open may take hours.
const GIT_PATIENCE: Duration = Duration::from_secs(30);
/// Shorter waits are not worth a word.
const SILENCE: Duration = Duration::from_millis(500);
/// How long `vmesh stop` waits for an answer.
const STOP_PATIENCE: Duration = Duration::from_secs(10);
/// A request in whose work the process was killed this often is not taken up again.
const MOST_CRASHES: u32 = 3;
/// A log that is larger than this makes room for a new one.
const MOST_LOG: u64 = 1_000_000;

/// A branch that may be out of step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The branch; `None` is whatever is checked out at `start` once git is done.
    pub branch: Option<BranchName>,
    /// The project's folder in the repository.
    pub prefix: String,
    /// Where to start: a working tree (or the git directory of a bare repository).
    pub start: PathBuf,
    /// The git directory of `start`.
    git_dir: PathBuf,
    /// The git process whose hook asked.
    git: Option<u32>,
    /// When, in nanoseconds since 1970.
    pub(super) asked: u64,
    /// How often a process was killed while it worked on this.
    crashes: u32,
}

/// Who has the right to work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Duty {
    /// The process.
    pub pid: u32,
    /// Whether it is a `vmesh watch`.
    pub watch: bool,
    /// What it builds, if anything.
    pub progress: Option<Progress>,
}

/// What `vmesh stop` came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stopped {
    /// What was being built.
    pub building: Option<Progress>,
    /// What was waiting.
    pub waiting: Vec<Request>,
}

/// The right to work: one process at a time has it, as long as it keeps this.
#[derive(Debug)]
pub struct Right {
    file: File,
    queue: Queue,
    watch: bool,
}

/// The queue of a repository.
#[derive(Debug, Clone)]
pub struct Queue {
    files: Shared,
}

/// Now, in nanoseconds since 1970.
pub(super) fn moment() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

impl Request {
    /// A request of this project.
    pub fn new(workspace: &Workspace, branch: &BranchName) -> Self {
        Self::of(&workspace.repository, &workspace.prefix, Some(branch.clone()))
    }

    fn of(repository: &Repository, prefix: &str, branch: Option<BranchName>) -> Self {
        // the hook tells who called it
        let git = std::env::var("VMESH_GIT_PID").ok().and_then(|pid| pid.parse().ok());
        let start = repository.top().unwrap_or(repository.git_dir()).to_owned();
        let git_dir = repository.git_dir().to_owned();
        Self { branch, prefix: prefix.to_owned(), start, git_dir, git, asked: moment(), crashes: 0 }
    }

    /// The branch, or the folder whose branch is meant.
    pub fn label(&self) -> String {
        match &self.branch {
            Some(branch) => branch.to_string(),
            None => format!("what is checked out in {}", self.start.display()),
        }
    }

    /// Whether the git command that asked has ended: until then it may go on changing files and branches.
    pub(super) fn git_is_done(&self) -> bool {
        let waited = Duration::from_nanos(moment().saturating_sub(self.asked));
        let busy = || self.git.is_some_and(process::is_running) || self.git_dir.join("index.lock").exists();
        waited > GIT_PATIENCE || !busy()
    }

    /// What it is about: there is one request of each.
    fn about(&self) -> String {
        let what = self.branch.as_ref().map_or_else(|| format!("\0{}", self.start.display()), ToString::to_string);
        format!("{}\0{what}", self.prefix)
    }
}

impl Queue {
    /// The queue in vmesh's shared folder.
    pub fn new(files: Shared) -> Self {
        Self { files }
    }

    /// The queue of a repository.
    pub fn of(repository: &Repository) -> Self {
        Self::new(Shared::of(repository.common_dir()))
    }

    /// The waiting requests, oldest first.
    pub fn waiting(&self) -> Vec<Request> {
        requests(self.files.all_waiting())
    }

    /// What killed processes left unfinished, or the request that is in work now.
    fn unfinished(&self) -> Vec<Request> {
        requests(self.files.all_working())
    }

    /// Whether there is something to do for someone who has the right to work.
    pub(super) fn has_work(&self) -> bool {
        !self.waiting().is_empty() || !self.unfinished().is_empty()
    }

    /// Adds a request; it replaces an older one of the same branch.
    fn add(&self, request: &Request) -> Result<(), Error> {
        let path = self.files.waiting(&request.about());
        let written = cache::store(&path, request);
        written.then_some(()).ok_or_else(|| io("write", path)(std::io::ErrorKind::Other.into()))
    }

    /// Adds a request and makes sure that someone works it off.
    pub(super) fn ask(&self, request: &Request) -> Result<(), Error> {
        self.add(request)?;
        self.revive()
    }

    /// Leaves word that whatever is checked out in a working tree may be out of step once git is done. Git may ring a
    /// hundred times in one command: only the first has to do something.
    pub fn ask_later(&self, repository: &Repository, prefix: &str) -> Result<(), Error> {
        let request = Request::of(repository, prefix, None);
        let known = cache::load::<Request>(&self.files.waiting(&request.about()));
        match known {
            Some(known) if known.git.is_some() && known.git == request.git => Ok(()),
            _ => self.ask(&request),
        }
    }

    /// Has requests worked off, if there are any and nobody does.
    pub fn revive(&self) -> Result<(), Error> {
        if self.has_work() && self.duty().is_none() { self.start_worker() } else { Ok(()) }
    }

    /// Takes the oldest request whose git command has ended, for as long as it is worked on.
    pub(super) fn take(&self, _: &Right) -> Result<Option<Request>, Error> {
        let Some(request) = self.waiting().into_iter().find(Request::git_is_done) else { return Ok(None) };
        let (from, to) = (self.files.waiting(&request.about()), self.files.working(&request.about()));
        std::fs::rename(&from, &to).map_err(io("move", from))?;
        // it may have been replaced by a newer one just before
        Ok(Some(cache::load(&to).unwrap_or(request)))
    }

    /// A request is worked off.
    pub(super) fn finish(&self, _: &Right, request: &Request) {
        remove(&self.files.working(&request.about()));
    }

    /// Lets a request that was taken wait again, unless a newer one does.
    pub(super) fn put_back(&self, right: &Right, request: &Request) -> Result<(), Error> {
        if !self.files.waiting(&request.about()).exists() {
            self.add(request)?;
        }
        self.finish(right, request);
        Ok(())
    }

    /// Lets what killed processes left unfinished wait again; gives those requests back that were killed too often.
    pub(super) fn take_up(&self, right: &Right) -> Result<Vec<Request>, Error> {
        let mut hopeless = Vec::new();
        for mut request in self.unfinished() {
            request.crashes += 1;
            if request.crashes >= MOST_CRASHES {
                self.finish(right, &request);
                hopeless.push(request);
            } else {
                self.put_back(right, &request)?;
            }
        }
        Ok(hopeless)
    }

    /// The right to work; `None` while another has it.
    pub fn right(&self, watch: bool) -> Result<Option<Right>, Error> {
        // someone may hold it for a moment only to see that nobody does
        for _ in 0..10 {
            if let Some(file) = self.lock()? {
                let right = Right { file, queue: self.clone(), watch };
                right.announce(None);
                return Ok(Some(right));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(None)
    }

    fn lock(&self) -> Result<Option<File>, Error> {
        let path = self.files.worker_lock();
        std::fs::create_dir_all(self.files.queue()).map_err(io("create", self.files.queue()))?;
        let file = File::create(&path).map_err(io("create", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(io("lock", path)(error)),
        }
    }

    /// Who is at work. The lock is tried only where somebody says so: trying it takes the right away for a moment.
    pub fn duty(&self) -> Option<Duty> {
        let duty = cache::load(&self.files.worker())?;
        match self.lock() {
            Ok(Some(_lock)) => {
                // it was killed
                remove(&self.files.worker());
                None
            }
            _ => Some(duty),
        }
    }

    /// Ends the build that is at work, in any process, and takes back the requests that wait; `None` if no process
    /// answers. `waiting_for` is told once who takes their time.
    pub fn stop(&self, waiting_for: &mut dyn FnMut(Option<Duty>)) -> Result<Option<Stopped>, Error> {
        let building = self.duty().and_then(|duty| duty.progress);
        let mut waiting = self.waiting();
        if building.is_none() {
            waiting.extend(self.unfinished());
        }
        if !cache::store(&self.files.stop(), &moment()) {
            return Err(io("write", self.files.stop())(std::io::ErrorKind::Other.into()));
        }
        let stopped = Stopped { building, waiting };
        let start = Instant::now();
        let mut is_told = false;
        while start.elapsed() < STOP_PATIENCE {
            if start.elapsed() > SILENCE && !std::mem::replace(&mut is_told, true) {
                waiting_for(self.duty());
            }
            // by a file and not by a signal: the process of that number may be another's by now
            if !self.files.stop().exists() {
                return Ok(Some(stopped));
            }
            if let Some(lock) = self.lock()? {
                self.take_back();
                drop(lock);
                self.revive()?;
                return Ok(Some(stopped));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(None)
    }

    /// Whether `vmesh stop` was called after this moment.
    pub(super) fn is_stopped(&self, since: u64) -> bool {
        cache::load::<u64>(&self.files.stop()).is_some_and(|at| since <= at)
    }

    /// Takes back what was asked before `vmesh stop` was called, and answers it. For those who have the right to work.
    pub(super) fn take_back(&self) -> Vec<Request> {
        let Some(at) = cache::load::<u64>(&self.files.stop()) else { return Vec::new() };
        let mut taken = Vec::new();
        for request in self.waiting().into_iter().filter(|request| request.asked <= at) {
            remove(&self.files.waiting(&request.about()));
            taken.push(request);
        }
        for request in self.unfinished().into_iter().filter(|request| request.asked <= at) {
            remove(&self.files.working(&request.about()));
            taken.push(request);
        }
        remove(&self.files.stop());
        taken
    }

    /// The folder that it lies in.
    pub fn files(&self) -> &Shared {
        &self.files
    }

    /// Starts a process that works the queue off and outlives this one. It keeps none of git's pipes, or whoever waits
    /// for git's output would wait for the build.
    fn start_worker(&self) -> Result<(), Error> {
        let program = std::env::current_exe().map_err(io("find", "vmesh"))?;
        let log = self.files.worker_log();
        if std::fs::metadata(&log).is_ok_and(|metadata| metadata.len() > MOST_LOG) {
            // a log that can't be moved goes on growing, which is no reason not to build
            let _ = std::fs::rename(&log, self.files.old_worker_log());
        }
        let file = File::options().create(true).append(true).open(&log).map_err(io("open", &log))?;
        let errors = file.try_clone().map_err(io("open", &log))?;
        let mut command = Command::new(program);
        command.args(["hook", "worker"]).arg(self.files.folder()).current_dir(self.files.folder());
        command.stdin(Stdio::null()).stdout(file).stderr(errors).env_remove("VMESH_GIT_PID");
        // where git is at work is none of its business; who works is
        let is_gits = |name: &OsString| name.to_string_lossy().starts_with("GIT_") && name != "GIT_AUTHOR_NAME";
        for (name, _) in std::env::vars_os().filter(|(name, _)| is_gits(name)) {
            command.env_remove(name);
        }
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        command.spawn().map(drop).map_err(io("start", "vmesh"))
    }
}

impl Right {
    /// Tells what is being built.
    pub(super) fn announce(&self, progress: Option<&Progress>) {
        let duty = Duty { pid: std::process::id(), watch: self.watch, progress: progress.cloned() };
        cache::store(&self.queue.files.worker(), &duty);
    }

    /// Whether the lock is still the one that others try: the repository may have been replaced.
    pub(super) fn is_valid(&self) -> bool {
        use std::os::unix::fs::MetadataExt;
        let there = std::fs::metadata(self.queue.files.worker_lock()).map(|metadata| (metadata.dev(), metadata.ino()));
        let mine = self.file.metadata().map(|metadata| (metadata.dev(), metadata.ino()));
        matches!((there, mine), (Ok(there), Ok(mine)) if there == mine)
    }
}

impl Drop for Right {
    /// The lock goes after this, with the file: nobody is named who has it no more.
    fn drop(&mut self) {
        if self.is_valid() {
            remove(&self.queue.files.worker());
        }
    }
}

/// The requests in these files, oldest first.
fn requests(files: impl Iterator<Item = PathBuf>) -> Vec<Request> {
    let mut requests: Vec<Request> = files.filter_map(|file| cache::load(&file)).collect();
    requests.sort_by_key(|request| request.asked);
    requests
}

/// Removes a file that may be gone already.
fn remove(path: &Path) {
    let _ = std::fs::remove_file(path);
}

impl Workspace {
    /// The repository's queue.
    pub fn queue(&self) -> Queue {
        Queue::new(self.shared())
    }

    /// Leaves a request and makes sure that someone works it off.
    pub(in crate::workflow) fn enqueue(&self, request: &Request) -> Result<(), Error> {
        self.queue().ask(request)
    }

    /// Has waiting requests worked off, if nobody does: what hooks left behind is made good by the next command.
    pub fn revive_worker(&self) -> Result<(), Error> {
        self.queue().revive()
    }
}
