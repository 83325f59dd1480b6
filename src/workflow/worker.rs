//! The process in the background that works off what hooks left.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::error::Error;
use super::event::{Event, Report};
use super::queue::{Progress, Queue, Request};
use super::session::{Session, now};
use super::settle::Settled;
use crate::adapter::cache;
use crate::adapter::git::Repository;
use crate::adapter::warehouse::Interrupt;
use crate::domain::config::HookBuild;

/// How long the worker waits for a warehouse that another process has.
const WORKER_PATIENCE: Duration = Duration::from_secs(600);

/// What a request in the background came to, if not well: `vmesh status` tells it until the branch is settled.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Failure {
    /// The request.
    pub request: Request,
    /// The error as it was told.
    pub message: String,
    /// When, in seconds since 1970.
    pub at: i64,
}

/// Tells the queue what is being built, and passes everything on.
struct Watched<'a> {
    queue: &'a Queue,
    request: &'a Request,
    next: &'a dyn Report,
    progress: RefCell<Progress>,
}

impl Report for Watched<'_> {
    fn report(&self, event: &Event) {
        if let Event::Building { model, index, total } = event {
            let mut progress = self.progress.borrow_mut();
            progress.model = Some(model.to_string());
            progress.count = (*index, *total);
            self.queue.tell(Some(&progress));
        }
        self.next.report(event);
    }
}

impl<'a> Watched<'a> {
    fn new(queue: &'a Queue, request: &'a Request, next: &'a dyn Report) -> Self {
        let progress = Progress {
            pid: std::process::id(),
            branch: request.branch.clone(),
            model: None,
            count: (0, 0),
            since: now(),
        };
        queue.tell(Some(&progress));
        Self { queue, request, next, progress: RefCell::new(progress) }
    }
}

/// Works until nothing is waiting. Returns at once if another worker is at it. `told` gets each result.
pub fn work(
    repository: &Repository,
    report: &dyn Report,
    interrupt: &Interrupt,
    told: &mut dyn FnMut(&Request, &Result<Settled, Error>) -> String,
) -> Result<(), Error> {
    let queue = Queue::new(&cache::folder(repository.common_dir()));
    // a request may come in between the last look and the release of the lock: look once more after it
    while !queue.waiting().is_empty() {
        let Some(lock) = queue.lock()? else { return Ok(()) };
        wait_for_git(repository);
        for request in queue.waiting() {
            // taken first: whoever asks again while we work is heard again
            queue.remove(&request);
            let watched = Watched::new(&queue, &request, report);
            let result = work_off(watched.request, &watched, interrupt);
            let message = told(&request, &result);
            let failure = result.err().map(|_| Failure { request: request.clone(), message, at: now() });
            cache::store(&failure_file(&queue, &request), &failure);
        }
        queue.tell(None);
        drop(lock);
        if interrupt.is_requested() {
            return Ok(());
        }
    }
    Ok(())
}

fn work_off(request: &Request, report: &dyn Report, interrupt: &Interrupt) -> Result<Settled, Error> {
    let repository = Repository::discover(&request.start)?;
    let mut session = Session::of_project(repository, request.prefix.clone(), report, interrupt)?;
    session.location.patience = WORKER_PATIENCE;
    session.settle_branch(&request.branch, HookBuild::Inline)
}

/// The last failure of a branch in the background, if it is newer than its environment.
pub fn failure(session: &Session<'_>, request: &Request) -> Option<Failure> {
    cache::load::<Option<Failure>>(&failure_file(&session.queue(), request)).flatten()
}

fn failure_file(queue: &Queue, request: &Request) -> std::path::PathBuf {
    let key = format!("{}\0{}", request.prefix, request.branch);
    queue.log().with_file_name(format!("failed-{}.json", &blake3::hash(key.as_bytes()).to_hex()[..16]))
}

/// Waits until git has let go of its index, a moment at most: the hook that rang is a part of git's own work.
fn wait_for_git(repository: &Repository) {
    let lock = repository.git_dir().join("index.lock");
    let start = Instant::now();
    while lock.exists() && start.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(20));
    }
}
