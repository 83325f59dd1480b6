//! One use of vmesh: the repository, the project in it, and a way to open its warehouse. Nothing is held open.

use std::cell::{Cell, RefCell};
use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::error::Error;
use super::event::{Event, Report};
use super::loader::Loader;
use super::workspace::{Workspace, find_project};
use crate::adapter::engine::{self, Door, Engine, Holder, Interrupt, Location, Warehouse};
use crate::adapter::git::Repository;
use crate::domain::environment::{Scope, State};
use crate::domain::name::EnvName;

/// How long a command waits for a warehouse that another process has.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A loader with a warehouse, and somebody who listens: all that a verb may use.
pub struct Session<'a> {
    loader: Loader,
    /// The engine that the warehouse is in.
    pub engine: &'a dyn Engine,
    /// The way to it.
    pub location: Location,
    /// Who listens.
    pub report: &'a dyn Report,
    /// Whether violated rules of the linter stop nothing: it was said so, or the files were linted already.
    pub skip_linter: bool,
    /// Whether plans run no unit tests.
    pub skip_tests: bool,
    /// Whether git waits for this: what can't be done at once is left to the background.
    pub hurried: bool,
    /// Whether this process is the worker that builds in the background.
    pub(super) in_background: bool,
    /// Whether the warehouse stays open once it was read, and if so, what keeps it open.
    keeps: Cell<bool>,
    kept: RefCell<Option<Box<dyn Warehouse>>>,
}

impl Deref for Session<'_> {
    type Target = Loader;

    fn deref(&self) -> &Loader {
        &self.loader
    }
}

impl DerefMut for Session<'_> {
    fn deref_mut(&mut self) -> &mut Loader {
        &mut self.loader
    }
}

impl<'a> Session<'a> {
    /// The session of the project in or above `start`.
    pub fn open(start: &Path, report: &'a dyn Report, interrupt: &Interrupt) -> Result<Self, Error> {
        let repository = Repository::discover(start)?;
        let prefix = find_project(&repository, start)?;
        Self::of_project(repository, prefix, report, interrupt)
    }

    /// The session of a known project of a repository.
    pub fn of_project(
        repository: Repository,
        prefix: String,
        report: &'a dyn Report,
        interrupt: &Interrupt,
    ) -> Result<Self, Error> {
        let workspace = Workspace::of_project(repository, prefix)?;
        let engine = engine::of_project(workspace.config.opening.engine);
        let shared = workspace.shared();
        let door = Door::new(&shared, &workspace.place.path);
        let path = workspace.place.path.clone();
        let mut location = Location::new(path, shared.scratch(), door, PATIENCE, interrupt.clone());
        location.limits.clone_from(&workspace.config.limits);
        location.access = workspace.access();
        location.server = workspace.server();
        location.token = workspace.token();
        location.state = workspace.state_server();
        Ok(Self {
            loader: Loader::new(workspace, engine.referee()),
            engine,
            location,
            report,
            skip_linter: false,
            skip_tests: false,
            hurried: false,
            in_background: false,
            keeps: Cell::default(),
            kept: RefCell::default(),
        })
    }

    /// Everything the warehouse holds; nothing, if there is none yet.
    pub fn state(&self) -> Result<State, Error> {
        self.state_within(&Scope::All)
    }

    /// What the warehouse holds, but for the pointers and views of environments besides this one and prod.
    pub fn state_of(&self, environment: &EnvName) -> Result<State, Error> {
        self.state_within(&self.scope_of(environment))
    }

    pub(super) fn state_within(&self, scope: &Scope) -> Result<State, Error> {
        match self.read_warehouse()? {
            Some(warehouse) => Ok(warehouse.state(scope)?),
            None => Ok(State::default()),
        }
    }

    /// Opens the warehouse for reading, if there is one.
    pub fn read_warehouse(&self) -> Result<Option<Box<dyn Warehouse>>, Error> {
        if let Some(kept) = &*self.kept.borrow() {
            return Ok(Some(kept.another_session()?));
        }
        if !self.engine.exists(&self.location) {
            return Ok(None);
        }
        self.check_place()?;
        let opened = self.engine.read(&self.location, &mut |holder| self.waiting(holder))?;
        if let Some(opened) = opened.as_ref().filter(|_| self.keeps.get()) {
            *self.kept.borrow_mut() = Some(opened.another_session()?);
        }
        Ok(opened)
    }

    /// Keeps the warehouse open between reads from now on, so that a command which reads several times waits for it once.
    pub fn keep_open(&self) {
        self.keeps.set(true);
    }

    /// Ends that. What is printed may be read for hours.
    pub fn close(&self) {
        self.keeps.set(false);
        self.kept.take();
    }

    /// Opens the warehouse for writing.
    pub fn write_warehouse(&self) -> Result<Box<dyn Warehouse>, Error> {
        self.kept.take();
        self.write_by(&self.location)
    }

    pub(super) fn write_by(&self, location: &Location) -> Result<Box<dyn Warehouse>, Error> {
        self.check_place()?;
        self.prepare_place()?;
        Ok(self.engine.write(location, &mut |holder| self.waiting(holder))?)
    }

    pub(super) fn waiting(&self, holder: Option<&Holder>) {
        self.report.report(&Event::Waiting { holder: holder.cloned() });
    }
}

/// Now, in seconds since 1970.
pub fn now() -> i64 {
    now_micros() / 1_000_000
}

/// Now, in microseconds since 1970.
pub(super) fn now_micros() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
