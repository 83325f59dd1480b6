//! One use of vmesh: the repository, the project in it, and a way to open its warehouse. Nothing is held open.

use std::cell::{Cell, OnceCell, RefCell};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::error::{BranchError, Error, SetupError, io};
use super::event::{Event, Report};
use super::place::Place;
use super::settings::{self, Settings, settings_file};
use crate::adapter::cache::ParsedFiles;
use crate::adapter::engine::{self, Door, Engine, Holder, Interrupt, Location, Referee, Warehouse};
use crate::adapter::git::{CommitId, Head, Repository};
use crate::adapter::local::{Own, Shared};
use crate::domain::calendar::Timing;
use crate::domain::config::Config;
use crate::domain::environment::{Scope, State};
use crate::domain::interval::Moment;
use crate::domain::name::{BranchName, EnvName};

/// How long a command waits for a warehouse that another process has.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Where vmesh stands and what it may use.
pub struct Session<'a> {
    /// The repository.
    pub repository: Repository,
    /// The project's settings.
    pub config: Config,
    /// The project's folder in the repository; empty at the top.
    pub prefix: String,
    /// The project's folder on disk; none in a bare repository.
    pub folder: Option<PathBuf>,
    /// Whether the settings name the warehouse.
    pub(super) names_warehouse: bool,
    /// Where the warehouse lies.
    pub place: Place,
    /// The engine that it is in.
    pub engine: &'a dyn Engine,
    /// The way to it.
    pub location: Location,
    /// Who listens.
    pub report: &'a dyn Report,
    /// The name of the file that the settings are in.
    pub settings_file: &'static str,
    /// Whether the branch has other settings than main, which have no effect until they are merged.
    pub settings_wait: bool,
    /// The time that plans are made for: now, unless someone says otherwise.
    pub timing: Timing,
    /// Whether violated rules of the linter stop nothing: it was said so, or the files were linted already.
    pub skip_linter: bool,
    /// Whether plans run no unit tests.
    pub skip_tests: bool,
    /// Whether git waits for this: what can't be done at once is left to the background.
    pub hurried: bool,
    /// Whether this is the work of the one who builds in the background.
    pub(super) in_background: bool,
    /// What the settings file says.
    pub(super) settings_text: String,
    parsed: OnceCell<RefCell<ParsedFiles>>,
    pub(super) referee: Box<dyn Referee>,
    /// The commit whose `before_all` counts, where that is not main's newest.
    pub(super) main_as_of: RefCell<Option<CommitId>>,
    /// Whether the warehouse stays open once it was read, and if so, what keeps it open.
    keeps: Cell<bool>,
    kept: RefCell<Option<Box<dyn Warehouse>>>,
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
        let Settings { mut config, file, text, wait, is_new_main } = settings::read(&repository, &prefix)?;
        if is_new_main {
            settings::remember_main(&repository, &prefix, &config.main)?;
        }
        let folder = repository.top().map(|top| top.join(&prefix));
        let place = Place::of(&repository, &prefix, &config);
        let names_warehouse = config.warehouse.is_some();
        config.warehouse = Some(place.path.to_string_lossy().into_owned());
        let engine = engine::of_project();
        let shared = Shared::of(repository.common_dir());
        let door = Door::new(&shared, &place.path);
        let mut location = Location::new(place.path.clone(), shared.scratch(), door, PATIENCE, interrupt.clone());
        location.limits.clone_from(&config.limits);
        Ok(Self {
            repository,
            config,
            prefix,
            folder,
            names_warehouse,
            place,
            engine,
            location,
            report,
            settings_file: file,
            settings_wait: wait,
            timing: Timing::at(Moment::from(jiff::Timestamp::now())),
            skip_linter: false,
            skip_tests: false,
            hurried: false,
            in_background: false,
            settings_text: text,
            parsed: OnceCell::new(),
            referee: engine.referee(),
            main_as_of: RefCell::default(),
            keeps: Cell::default(),
            kept: RefCell::default(),
        })
    }

    /// The cache of parsed files, read when it is first needed: a hook with nothing to do never needs it.
    pub(super) fn parsed(&self) -> &RefCell<ParsedFiles> {
        self.parsed.get_or_init(|| RefCell::new(ParsedFiles::load(&self.shared().models())))
    }

    /// vmesh's folder that all worktrees share.
    pub fn shared(&self) -> Shared {
        Shared::of(self.repository.common_dir())
    }

    /// vmesh's folder of this worktree.
    pub(super) fn own(&self) -> Own {
        Own::of(self.repository.git_dir())
    }

    /// The branch that is checked out.
    pub fn branch(&self) -> Result<BranchName, Error> {
        match self.repository.head()? {
            Head::Branch { name, .. } => Ok(name),
            Head::Detached { .. } => Err(BranchError::Detached.into()),
        }
    }

    /// Main's newest commit. A clone that has no main of its own, as automation makes them, has another clone's.
    pub fn main_tip(&self) -> Result<Option<CommitId>, Error> {
        main_tip(&self.repository, &self.config.main)
    }

    /// Everything the warehouse holds; nothing, if there is none yet.
    pub fn state(&self) -> Result<State, Error> {
        self.state_within(&Scope::All)
    }

    /// What the warehouse holds, but for the pointers and views of environments besides this one and prod.
    pub fn state_of(&self, environment: &EnvName) -> Result<State, Error> {
        self.state_within(&self.scope_of(environment))
    }

    /// The part of the warehouse's state that concerns an environment.
    pub(super) fn scope_of(&self, environment: &EnvName) -> Scope {
        self.scope(vec![environment.clone()])
    }

    pub(super) fn scope(&self, and: Vec<EnvName>) -> Scope {
        Scope::Prod { and, pattern: self.config.pattern }
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

    /// Keeps the warehouse open from now on, once it was read: whoever reads it several times waits for it once.
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

    /// Remembers this project for the hooks, which always start at the top of a worktree.
    pub fn register(&self) -> Result<(), Error> {
        self.prepare_place()?;
        let mut known = registered(&self.repository);
        if !known.contains(&self.prefix) {
            known.push(self.prefix.clone());
            let shared = self.shared();
            std::fs::create_dir_all(shared.folder()).map_err(io("create", shared.folder()))?;
            let file = shared.projects();
            std::fs::write(&file, known.join("\n") + "\n").map_err(io("write", file))?;
        }
        // where main is gone, whoever installs the hooks says what is main by the branch they are on
        let main = match (self.main_tip()?, self.branch()) {
            (None, Ok(branch)) => self.main_as_said_on(&branch)?.unwrap_or_else(|| self.config.main.clone()),
            _ => self.config.main.clone(),
        };
        settings::remember_main(&self.repository, &self.prefix, &main)
    }
}

pub(super) fn main_tip(repository: &Repository, main: &BranchName) -> Result<Option<CommitId>, Error> {
    if let Some(tip) = repository.branch_tip(main)? {
        return Ok(Some(tip));
    }
    let remote = repository.remote_branches()?;
    let of = |is_it: &dyn Fn(&str) -> bool| {
        remote.iter().find(|(branch, _)| is_it(branch.as_str())).map(|(_, tip)| tip.clone())
    };
    let (theirs, anyones) = (format!("origin/{main}"), format!("/{main}"));
    let other = |branch: &str| branch.strip_suffix(&anyones).is_some_and(|remote| !remote.contains('/'));
    Ok(of(&|branch| branch == theirs).or_else(|| of(&other)))
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

/// The projects of a repository that hooks serve, as folders in it.
pub fn registered(repository: &Repository) -> Vec<String> {
    let text = std::fs::read_to_string(Shared::of(repository.common_dir()).projects()).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// The folder of the project in or above `start`, or the only one that is known.
fn find_project(repository: &Repository, start: &Path) -> Result<String, Error> {
    let known = registered(repository);
    let Some(top) = repository.top() else {
        return known.into_iter().next().map_or_else(|| settings::find_in_bare(repository), Ok);
    };
    let start = start.canonicalize().unwrap_or_else(|_| start.to_owned());
    let folders = start.ancestors().take_while(|folder| folder.starts_with(top));
    for folder in folders {
        if settings_file(folder).is_some() {
            let prefix = folder.strip_prefix(top).unwrap_or(Path::new(""));
            return Ok(prefix.to_string_lossy().replace('\\', "/"));
        }
        if let Some(error) = settings::python_settings(folder) {
            return Err(error);
        }
    }
    match known.as_slice() {
        [only] if settings_file(&top.join(only)).is_some() => Ok(only.clone()),
        _ => Err(SetupError::NoProject { start, top: top.to_owned(), known }.into()),
    }
}
