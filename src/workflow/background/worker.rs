//! Working requests off, in a process of its own that hooks start, or in a running `watch`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::super::error::Error;
use super::super::event::Report;
use super::super::session::Session;
use super::super::settings::settings_file;
use super::failure;
use super::input_stamp::InputStamp;
use super::progress::Announced;
use super::queue::{Queue, Request, Right};
use super::reconcile::Reconciled;
pub use super::supervised::Outcome;
use super::supervised::{Lookout, Supervised, TICK};
use crate::adapter::engine::{Interrupt, WarehouseError};
use crate::adapter::git::{Head, Repository, Rest};
use crate::domain::config::HookBuild;
use crate::domain::name::BranchName;

/// How long the worker waits for a warehouse that another process has.
const WORKER_PATIENCE: Duration = Duration::from_secs(600);
/// How long git may take to come to rest after the process that called the hook has ended: `git am` leaves the last
/// step of a rebase to its caller.
const REST_PATIENCE: Duration = Duration::from_secs(2);

/// Gets the outcome of each request, and gives back the text that people got to read.
pub type OnOutcome<'a> = dyn FnMut(&Request, &Outcome) -> String + 'a;

/// Works until nothing is waiting. Returns at once if another process is at it.
pub fn work(
    queue: &Queue,
    report: &dyn Report,
    interrupt: &Interrupt,
    on_outcome: &mut OnOutcome<'_>,
) -> Result<(), Error> {
    // a request may come in between the last look and the release of the right: look once more after it
    while queue.has_work() && !interrupt.is_requested() {
        let Some(right) = queue.right(false)? else { return Ok(()) };
        let mut worker = Worker::new(queue, report, interrupt);
        worker.serve(&right, on_outcome)?;
        while queue.has_work() && !interrupt.is_requested() {
            // the git command that left the rest is still at work
            std::thread::sleep(TICK / 2);
            worker.serve(&right, on_outcome)?;
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

/// The branch that a request is about, and where it was found.
struct Found {
    start: PathBuf,
    repository: Repository,
    branch: BranchName,
}

impl<'a> Worker<'a> {
    pub(super) fn new(queue: &'a Queue, report: &'a dyn Report, interrupt: &'a Interrupt) -> Self {
        Self { queue, report, interrupt, turns: BTreeMap::new() }
    }

    /// Works off all requests whose git command has ended.
    pub(super) fn serve(&mut self, right: &Right, on_outcome: &mut OnOutcome<'_>) -> Result<(), Error> {
        for request in self.queue.take_up(right)? {
            let what = "vmesh was killed again and again while it built this in the background";
            let help = Some("to build it here and see why: vmesh plan".to_owned());
            let message = on_outcome(&request, &Outcome::Done(Err(Error::Query { message: what.to_owned(), help })));
            if let Some(branch) = &request.branch {
                failure::record(self.queue, &request.prefix, branch, Some(message));
            }
        }
        loop {
            for request in self.queue.take_back() {
                on_outcome(&request, &Outcome::Stopped);
            }
            if self.interrupt.is_requested() {
                return Ok(());
            }
            let Some(request) = self.queue.take(right)? else { return Ok(()) };
            match self.work_off(right, &request) {
                // the next process goes on here
                None => return self.queue.put_back(right, &request),
                // told when it is taken back
                Some((_, Outcome::Stopped)) => {}
                // the warehouse will be free some time: the next command goes on here
                Some((_, Outcome::Done(Err(error @ Error::Warehouse(WarehouseError::Locked { .. }))))) => {
                    self.queue.put_back(right, &request)?;
                    return Err(error);
                }
                Some((branch, outcome)) => {
                    let message = on_outcome(&request, &outcome);
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

    /// Brings the request's branch in step, if there is one; `None` if the process shall end.
    fn work_off(&mut self, right: &Right, request: &Request) -> Option<(Option<BranchName>, Outcome)> {
        let Found { start, repository, branch } = match self.find(request) {
            Ok(Some(found)) => found,
            Ok(None) => return Some((None, Outcome::Done(Ok(Reconciled::Nothing)))),
            Err(error) => return Some((request.branch.clone(), Outcome::Done(Err(error)))),
        };
        let report = Announced::new(right, &branch, self.report);
        let session = Session::of_project(repository, request.prefix.clone(), &report, self.interrupt);
        let mut session = match session {
            Ok(session) => session,
            Err(error) => return Some((Some(branch), Outcome::Done(Err(error)))),
        };
        let mut newer = Newer { queue: self.queue, request, branch: &branch, start: &start, seen: request.asked };
        let supervised = Supervised {
            interrupt: self.interrupt,
            stop: Some(self.queue),
            asked: request.asked,
            before: InputStamp::of(&session, &branch).ok(),
            turns: self.turns.entry((request.prefix.clone(), branch.clone())).or_default(),
        };
        let outcome = supervised.run(&mut newer, |own| {
            session.location.interrupt = own.clone();
            session.location.patience = WORKER_PATIENCE;
            session.in_background = true;
            match (&request.branch, session.config.hooks.build) {
                (Some(branch), _) => session.reconcile_branch(branch, HookBuild::Inline),
                (None, HookBuild::Off) => Ok(Reconciled::Nothing),
                (None, _) => session.reconcile(HookBuild::Inline),
            }
        })?;
        Some((Some(branch), outcome))
    }

    /// The repository and the branch of a request; `None` if there is nothing to keep in step.
    fn find(&self, request: &Request) -> Result<Option<Found>, Error> {
        // a worktree may be gone, and its branch still be there
        let start = if request.start.exists() { &request.start } else { self.queue.files().common_dir() };
        let repository = Repository::discover(start)?;
        if repository.top().is_some_and(|top| settings_file(&top.join(&request.prefix)).is_none()) {
            return Ok(None);
        }
        let since = Instant::now();
        while request.branch.is_none()
            && repository.rest()? != Rest::Ready
            && since.elapsed() < REST_PATIENCE
            && !self.interrupt.is_requested()
        {
            std::thread::sleep(TICK / 2);
        }
        let branch = branch_of_request(&repository, request)?;
        Ok(branch.map(|branch| Found { start: start.to_owned(), repository, branch }))
    }
}

/// The branch that a request is about, if it is there.
fn branch_of_request(repository: &Repository, request: &Request) -> Result<Option<BranchName>, Error> {
    match (&request.branch, repository.head()?) {
        (Some(branch), _) => Ok(repository.branch_tip(branch)?.map(|_| branch.clone())),
        (None, Head::Branch { name, commit: Some(_) }) => Ok(Some(name)),
        (None, _) => Ok(None),
    }
}

/// Newer requests for a branch that is in work. A request alone is no reason to end a build: a branch that is checked
/// out again and again has one each time, which waits its turn and finds the branch in step.
struct Newer<'a> {
    queue: &'a Queue,
    request: &'a Request,
    branch: &'a BranchName,
    start: &'a Path,
    /// When the newest request was asked that was looked at.
    seen: u64,
}

impl Newer<'_> {
    /// The branch as a request finds it; none if the request is about another.
    fn found_by(&self, request: &Request) -> Option<InputStamp> {
        let repository = Repository::discover(&request.start).ok()?;
        branch_of_request(&repository, request).ok().flatten().filter(|branch| branch == self.branch)?;
        InputStamp::seen_from(repository, &request.prefix, self.branch)
    }
}

impl Lookout for Newer<'_> {
    fn hears_other(&mut self, than: &InputStamp) -> bool {
        let of_project = self.queue.waiting().into_iter().filter(|newer| newer.prefix == self.request.prefix);
        let newer: Vec<Request> = of_project.filter(|newer| newer.asked > self.seen && newer.git_is_done()).collect();
        newer.into_iter().any(|newer| {
            self.seen = newer.asked;
            self.found_by(&newer).is_some_and(|found| found != *than)
        })
    }

    fn look(&self) -> Option<InputStamp> {
        let repository = Repository::discover(self.start).ok()?;
        InputStamp::seen_from(repository, &self.request.prefix, self.branch)
    }
}
