//! Working requests off, in a process of its own that hooks start, or in a running `watch`.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use super::error::Error;
use super::event::{Event, Report};
use super::failure;
use super::queue::{Progress, Queue, Request, Right};
use super::session::{Session, now};
use super::settings::settings_file;
use super::settle::Settled;
use super::tree::SourceTree;
use crate::adapter::git::{Head, Repository, Rest};
use crate::adapter::warehouse::{Interrupt, WarehouseError};
use crate::domain::config::HookBuild;
use crate::domain::name::BranchName;

/// How long the worker waits for a warehouse that another process has.
const WORKER_PATIENCE: Duration = Duration::from_secs(600);
/// How often to look whether a build shall end before its time, and whether git has ended.
const TICK: Duration = Duration::from_millis(100);
/// How long git may take to come to rest after the process that called the hook has ended: `git am` leaves the last
/// step of a rebase to its caller.
const REST_PATIENCE: Duration = Duration::from_secs(2);
/// After a branch was planned anew this often, its build is left to finish: who changes it every minute gets an
/// environment now and then all the same.
pub(super) const MOST_TURNS: usize = 3;

/// What work in the background came to.
#[derive(Debug)]
pub enum Outcome {
    /// It was done, or failed.
    Done(Result<Settled, Error>),
    /// The branch changed in the meantime: it is planned anew.
    Superseded,
    /// `vmesh stop` ended it, or took it back.
    Stopped,
}

/// Why work ends before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Interrupted,
    Stopped,
    Superseded,
}

/// Gets the outcome of each request, and gives it back as it was told.
pub type Told<'a> = dyn FnMut(&Request, &Outcome) -> String + 'a;

/// Tells the queue what is being built, and passes everything on.
pub(super) struct Watched<'a> {
    right: &'a Right,
    next: &'a dyn Report,
    progress: RefCell<Progress>,
}

impl Report for Watched<'_> {
    fn report(&self, event: &Event) {
        if let Event::Building { model, index, total } = event {
            let mut progress = self.progress.borrow_mut();
            progress.model = Some(model.to_string());
            progress.count = (*index, *total);
            self.right.tell(Some(&progress));
        }
        self.next.report(event);
    }
}

impl<'a> Watched<'a> {
    pub(super) fn new(right: &'a Right, branch: &BranchName, next: &'a dyn Report) -> Self {
        let progress =
            Progress { pid: std::process::id(), branch: branch.clone(), model: None, count: (0, 0), since: now() };
        Self { right, next, progress: RefCell::new(progress) }
    }
}

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        self.right.tell(None);
    }
}

/// Works until nothing is waiting. Returns at once if another process is at it.
pub fn work(queue: &Queue, report: &dyn Report, interrupt: &Interrupt, told: &mut Told<'_>) -> Result<(), Error> {
    // a request may come in between the last look and the release of the right: look once more after it
    while queue.has_work() && !interrupt.is_requested() {
        let Some(right) = queue.right(false)? else { return Ok(()) };
        let mut worker = Worker::new(queue, report, interrupt);
        worker.serve(&right, told)?;
        while queue.has_work() && !interrupt.is_requested() {
            // git is still at work where the rest comes from
            std::thread::sleep(TICK / 2);
            worker.serve(&right, told)?;
        }
    }
    Ok(())
}

/// Works requests off, one after the other.
pub(super) struct Worker<'a> {
    queue: &'a Queue,
    report: &'a dyn Report,
    interrupt: &'a Interrupt,
    /// How often a branch was planned anew since it was last done.
    turns: BTreeMap<(String, BranchName), usize>,
}

impl<'a> Worker<'a> {
    pub(super) fn new(queue: &'a Queue, report: &'a dyn Report, interrupt: &'a Interrupt) -> Self {
        Self { queue, report, interrupt, turns: BTreeMap::new() }
    }

    /// Works off all requests whose git command has ended.
    pub(super) fn serve(&mut self, right: &Right, told: &mut Told<'_>) -> Result<(), Error> {
        for request in self.queue.take_up(right)? {
            let what = "vmesh was killed again and again while it built this in the background";
            let help = Some("to build it here and see why: vmesh plan".to_owned());
            let message = told(&request, &Outcome::Done(Err(Error::Query { message: what.to_owned(), help })));
            if let Some(branch) = &request.branch {
                failure::record(self.queue, &request.prefix, branch, Some(message));
            }
        }
        loop {
            for request in self.queue.take_back() {
                told(&request, &Outcome::Stopped);
            }
            if self.interrupt.is_requested() {
                return Ok(());
            }
            let Some(request) = self.queue.take(right)? else { return Ok(()) };
            match self.work_off(right, &request) {
                // whoever works next goes on here
                None => return self.queue.put_back(right, &request),
                // told when it is taken back
                Some((_, Outcome::Stopped)) => {}
                // some time it will be free: the next command goes on here
                Some((_, Outcome::Done(Err(error @ Error::Warehouse(WarehouseError::Locked { .. }))))) => {
                    self.queue.put_back(right, &request)?;
                    return Err(error);
                }
                Some((branch, outcome)) => {
                    let message = told(&request, &outcome);
                    match (&outcome, branch) {
                        (Outcome::Superseded, _) => self.queue.put_back(right, &request)?,
                        (Outcome::Done(result), Some(branch)) => {
                            let failed = result.is_err().then_some(message);
                            failure::record(self.queue, &request.prefix, &branch, failed);
                        }
                        _ => {}
                    }
                    self.queue.finish(right, &request);
                }
            }
        }
    }

    /// Settles the request's branch, if there is one; `None` if the process shall end.
    fn work_off(&mut self, right: &Right, request: &Request) -> Option<(Option<BranchName>, Outcome)> {
        let (repository, branch) = match self.find(request) {
            Ok(Some(found)) => found,
            Ok(None) => return Some((None, Outcome::Done(Ok(Settled::Nothing)))),
            Err(error) => return Some((request.branch.clone(), Outcome::Done(Err(error)))),
        };
        let watched = Watched::new(right, &branch, self.report);
        right.tell(Some(&watched.progress.borrow()));
        let session = Session::of_project(repository, request.prefix.clone(), &watched, self.interrupt);
        let mut session = match session {
            Ok(session) => session,
            Err(error) => return Some((Some(branch), Outcome::Done(Err(error)))),
        };
        let before = session.picture(&branch).ok();
        let turns = self.turns.entry((request.prefix.clone(), branch.clone())).or_default();
        let may_turn = *turns < MOST_TURNS;
        let mut seen = request.asked;
        let (queue, interrupt) = (self.queue, self.interrupt);
        let mut ending = || match () {
            () if interrupt.is_requested() => Some(Ending::Interrupted),
            () if queue.is_stopped(request.asked) => Some(Ending::Stopped),
            () if may_turn && is_overtaken(queue, request, &branch, before.as_deref(), &mut seen) => {
                Some(Ending::Superseded)
            }
            () => None,
        };
        let (result, ending) = supervise(&mut ending, |own| {
            session.location.interrupt = own.clone();
            session.location.patience = WORKER_PATIENCE;
            session.in_background = true;
            match (&request.branch, session.config.hooks.build) {
                (Some(branch), _) => session.settle_branch(branch, HookBuild::Inline),
                (None, HookBuild::Off) => Ok(Settled::Nothing),
                (None, _) => session.settle(HookBuild::Inline),
            }
        });
        let outcome = match (result, ending) {
            (Err(_), Some(Ending::Interrupted)) => return None,
            (Err(_), Some(Ending::Stopped)) => Outcome::Stopped,
            (Err(_), Some(Ending::Superseded)) => Outcome::Superseded,
            // what is wrong with files that are no longer there is of no interest
            (Err(_), None) if may_turn && session.picture(&branch).ok() != before => Outcome::Superseded,
            (result, _) => Outcome::Done(result),
        };
        *turns = if matches!(outcome, Outcome::Superseded) { *turns + 1 } else { 0 };
        Some((Some(branch), outcome))
    }

    /// The repository and the branch that a request means; `None` if there is nothing to keep in step.
    fn find(&self, request: &Request) -> Result<Option<(Repository, BranchName)>, Error> {
        // a worktree may be gone, and its branch still be there
        let start = if request.start.exists() { &request.start } else { self.queue.files().common_dir() };
        let repository = Repository::discover(start)?;
        if repository.top().is_some_and(|top| settings_file(&top.join(&request.prefix)).is_none()) {
            return Ok(None);
        }
        let start = Instant::now();
        while request.branch.is_none()
            && repository.rest()? != Rest::Ready
            && start.elapsed() < REST_PATIENCE
            && !self.interrupt.is_requested()
        {
            std::thread::sleep(TICK / 2);
        }
        Ok(meant(&repository, request)?.map(|branch| (repository, branch)))
    }
}

/// The branch that a request means, if it is there.
fn meant(repository: &Repository, request: &Request) -> Result<Option<BranchName>, Error> {
    let head = match repository.head()? {
        Head::Branch { name, commit: Some(_) } => Some(name),
        Head::Branch { .. } | Head::Detached { .. } => None,
    };
    Ok(match &request.branch {
        Some(branch) => repository.branch_tip(branch)?.map(|_| branch.clone()),
        None => head,
    })
}

/// Whether a newer request finds the branch other than it was before the work on it began. A request alone is no reason
/// to end a build: a branch that is checked out again and again has one each time. It waits its turn and finds the
/// branch in step. `seen` is when the newest request was asked that was looked at.
fn is_overtaken(queue: &Queue, request: &Request, branch: &BranchName, before: Option<&str>, seen: &mut u64) -> bool {
    let is_new = |newer: &Request| newer.asked > *seen && newer.prefix == request.prefix && newer.git_is_done();
    let newer: Vec<Request> = queue.waiting().into_iter().filter(is_new).collect();
    newer.into_iter().any(|newer| {
        *seen = newer.asked;
        let picture = || {
            let repository = Repository::discover(&newer.start).ok()?;
            meant(&repository, &newer).ok().flatten().filter(|meant| meant == branch)?;
            picture(repository, &newer.prefix, branch)
        };
        before.is_some() && picture().is_some_and(|picture| Some(picture.as_str()) != before)
    })
}

/// As [`Session::picture`], in any thread.
fn picture(repository: Repository, prefix: &str, branch: &BranchName) -> Option<String> {
    let session = Session::of_project(repository, prefix.to_owned(), &Silent, &Interrupt::default()).ok()?;
    session.picture(branch).ok()
}

/// Does a piece of work, and ends it early once `ending` says why.
pub(super) fn supervise<T>(
    ending: &mut (dyn FnMut() -> Option<Ending> + Send),
    work: impl FnOnce(&Interrupt) -> T,
) -> (T, Option<Ending>) {
    let own = Interrupt::default();
    std::thread::scope(|scope| {
        let (at_work, is_at_work) = channel::<()>();
        let watching = scope.spawn(|| {
            let is_at_work = is_at_work;
            let mut why = None;
            while is_at_work.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                why = why.or_else(&mut *ending);
                if why.is_some() {
                    // again and again: a statement that is just about to begin doesn't hear it
                    own.request();
                }
            }
            why
        });
        let result = work(&own);
        drop(at_work);
        (result, watching.join().ok().flatten())
    })
}

impl Session<'_> {
    /// What the branch's environment would be made from now.
    pub(super) fn picture(&self, branch: &BranchName) -> Result<String, Error> {
        let is_prod = self.config.environment(branch).is_prod();
        let is_here = matches!(self.repository.head()?, Head::Branch { name, .. } if name == *branch);
        let tree = match self.repository.branch_tip(branch)? {
            _ if is_here && !is_prod && self.folder.is_some() => SourceTree::Working,
            Some(commit) => SourceTree::Commit(commit),
            None => SourceTree::Empty,
        };
        Ok(format!("{branch} {} {:?}", self.files(&tree)?.signature(), self.config))
    }
}

/// Listens to nothing.
pub(super) struct Silent;

impl Report for Silent {
    fn report(&self, _: &Event) {}
}
