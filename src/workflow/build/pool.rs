//! A pool of builders: several builds at a time, each in a thread and a session of its own, all in the one open warehouse.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::adapter::engine::{Build, Warehouse, WarehouseError};
use crate::adapter::process;
use crate::domain::environment::PhysicalTable;
use crate::workflow::session::now_micros;

/// More builds at a time than this gain nothing: DuckDB spreads each large one over all processors itself.
const MOST: usize = 4;

/// How many builds are made at a time.
pub fn at_a_time() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(MOST)
}

/// A build that ended: what it was, how long it took, and how it ended.
pub(super) type Done = (Build, Duration, Result<PhysicalTable, WarehouseError>);

/// Builders that wait for work.
pub(super) struct Pool {
    work: Option<Sender<Build>>,
    done: Receiver<Done>,
    builders: Vec<JoinHandle<()>>,
    busy: usize,
    /// Whether the build at work must be alone: it reads files, and the folder they are in is the process's.
    alone: bool,
    next: Option<Build>,
}

impl Pool {
    /// A pool for `total` builds.
    pub(super) fn new(warehouse: &dyn Warehouse, total: usize) -> Result<Self, WarehouseError> {
        let (work, jobs) = channel::<Build>();
        let (tell, done) = channel::<Done>();
        let jobs = std::sync::Arc::new(std::sync::Mutex::new(jobs));
        let mut builders = Vec::new();
        for _ in 0..at_a_time().min(total) {
            let session = warehouse.another_session()?;
            let (jobs, tell) = (jobs.clone(), tell.clone());
            let builder = std::thread::Builder::new().stack_size(process::STACK).spawn(move || {
                // the lock is held while waiting for a job only, not during the build
                let next = || jobs.lock().ok().and_then(|jobs| jobs.recv().ok());
                while let Some(build) = next() {
                    let start = Instant::now();
                    // a panic is a bug, but a build that never ends would be a worse one
                    let built =
                        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| session.build(&build, now_micros())));
                    let result = built.unwrap_or_else(|_| Err(panicked(&build)));
                    if tell.send((build, start.elapsed(), result)).is_err() {
                        break;
                    }
                }
            });
            builders.push(builder.map_err(no_thread)?);
        }
        Ok(Self { work: Some(work), done, builders, busy: 0, alone: false, next: None })
    }

    /// Whether another build can begin.
    pub(super) fn has_room(&self) -> bool {
        self.busy < self.builders.len() && !self.alone && self.next.is_none()
    }

    /// Whether nobody is at work.
    pub(super) fn is_idle(&self) -> bool {
        self.busy == 0
    }

    /// Begins a build; one that must be alone waits for the others.
    pub(super) fn begin(&mut self, build: Build) {
        if !build.files.is_empty() && self.busy > 0 {
            self.next = Some(build);
            return;
        }
        self.alone = !build.files.is_empty();
        if let Some(work) = &self.work
            && work.send(build).is_ok()
        {
            self.busy += 1;
        }
    }

    /// Waits for the next build to end; `None` when none is at work.
    pub(super) fn next_done(&mut self) -> Option<Done> {
        if self.busy == 0 {
            return None;
        }
        let done = self.done.recv().ok()?;
        self.busy -= 1;
        self.alone = false;
        if self.busy == 0
            && let Some(build) = self.next.take()
        {
            self.begin(build);
        }
        Some(done)
    }
}

fn no_thread(error: std::io::Error) -> WarehouseError {
    WarehouseError::Engine { doing: "starting a thread".to_owned(), message: error.to_string() }
}

fn panicked(build: &Build) -> WarehouseError {
    let message = "vmesh itself panicked; please report it".to_owned();
    WarehouseError::Engine { doing: format!("building `{}`", build.model), message }
}

impl Drop for Pool {
    /// No session may outlive the warehouse: it would keep the file open.
    fn drop(&mut self) {
        self.work = None;
        for builder in self.builders.drain(..) {
            // a builder that panicked has told nothing, and its build was rolled back
            let _ = builder.join();
        }
    }
}
