//! One use of vmesh: the repository, the project in it, and a way to open its warehouse. Nothing is held open.

use std::cell::{OnceCell, RefCell};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::error::{Error, io};
use super::event::{Event, Report};
use crate::adapter::cache::{self, ParsedFiles};
use crate::adapter::git::{CommitId, Head, Repository};
use crate::adapter::warehouse::{Holder, Interrupt, Location, Referee, Warehouse};
use crate::domain::calendar::Timing;
use crate::domain::config::{CONFIG_FILE, Config};
use crate::domain::environment::State;
use crate::domain::interval::Moment;
use crate::domain::name::BranchName;

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
    /// The way to the warehouse.
    pub location: Location,
    /// Who listens.
    pub report: &'a dyn Report,
    /// Whether the branch has other settings than main, which have no effect until they are merged.
    pub settings_wait: bool,
    /// The time that plans are made for: now, unless someone says otherwise.
    pub timing: Timing,
    parsed: OnceCell<RefCell<ParsedFiles>>,
    pub(super) referee: Referee,
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
        let (config, settings_wait) = read_config(&repository, &prefix)?;
        let folder = repository.top().map(|top| top.join(&prefix));
        // linked worktrees share the main one's warehouse
        let home = repository.main_top().join(&prefix);
        let location =
            Location { path: home.join(&config.warehouse), patience: PATIENCE, interrupt: interrupt.clone() };
        Ok(Self {
            repository,
            config,
            prefix,
            folder,
            location,
            report,
            settings_wait,
            timing: Timing::at(Moment::from(jiff::Timestamp::now())),
            parsed: OnceCell::new(),
            referee: Referee::default(),
        })
    }

    /// The cache of parsed files, read when it is first needed: a hook with nothing to do never needs it.
    pub(super) fn parsed(&self) -> &RefCell<ParsedFiles> {
        self.parsed.get_or_init(|| RefCell::new(ParsedFiles::load(self.repository.common_dir())))
    }

    /// vmesh's folder that all worktrees share.
    pub fn shared_folder(&self) -> PathBuf {
        cache::folder(self.repository.common_dir())
    }

    /// vmesh's folder of this worktree.
    pub fn own_folder(&self) -> PathBuf {
        cache::folder(self.repository.git_dir())
    }

    /// The branch that is checked out.
    pub fn branch(&self) -> Result<BranchName, Error> {
        match self.repository.head()? {
            Head::Branch { name, .. } => Ok(name),
            Head::Detached { .. } => Err(Error::Detached),
        }
    }

    /// Main's newest commit. A clone that has no main of its own, as automation makes them, has another clone's.
    pub fn main_tip(&self) -> Result<Option<CommitId>, Error> {
        main_tip(&self.repository, &self.config.main)
    }

    /// Everything the warehouse holds; nothing, if there is none yet.
    pub fn state(&self) -> Result<State, Error> {
        match self.read_warehouse()? {
            Some(warehouse) => Ok(warehouse.state()?),
            None => Ok(State::default()),
        }
    }

    /// Opens the warehouse for reading, if there is one.
    pub fn read_warehouse(&self) -> Result<Option<Warehouse>, Error> {
        Ok(self.location.read(&mut |holder| self.waiting(holder))?)
    }

    /// Opens the warehouse for writing.
    pub fn write_warehouse(&self) -> Result<Warehouse, Error> {
        Ok(self.location.write(&mut |holder| self.waiting(holder))?)
    }

    fn waiting(&self, holder: Option<&Holder>) {
        self.report.report(&Event::Waiting { holder: holder.cloned() });
    }

    /// Remembers this project for the hooks, which always start at the top of a worktree.
    pub fn register(&self) -> Result<(), Error> {
        let mut known = registered(&self.repository);
        if !known.contains(&self.prefix) {
            known.push(self.prefix.clone());
            let file = projects_file(&self.repository);
            std::fs::create_dir_all(self.shared_folder()).map_err(io("create", self.shared_folder()))?;
            std::fs::write(&file, known.join("\n") + "\n").map_err(io("write", file))?;
        }
        Ok(())
    }
}

fn main_tip(repository: &Repository, main: &BranchName) -> Result<Option<CommitId>, Error> {
    if let Some(tip) = repository.branch_tip(main)? {
        return Ok(Some(tip));
    }
    let theirs = format!("origin/{main}");
    let mut remote = repository.remote_branches()?.into_iter();
    Ok(remote.find(|(branch, _)| branch.as_str() == theirs).map(|(_, tip)| tip))
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
    let text = std::fs::read_to_string(projects_file(repository)).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

fn projects_file(repository: &Repository) -> PathBuf {
    cache::folder(repository.common_dir()).join("projects")
}

/// The folder of the project in or above `start`, or the only one that is known.
fn find_project(repository: &Repository, start: &Path) -> Result<String, Error> {
    let known = registered(repository);
    let Some(top) = repository.top() else {
        return known.into_iter().next().map_or_else(|| find_in_bare(repository), Ok);
    };
    let start = start.canonicalize().unwrap_or_else(|_| start.to_owned());
    let folders = start.ancestors().take_while(|folder| folder.starts_with(top));
    for folder in folders {
        if folder.join(CONFIG_FILE).is_file() {
            let prefix = folder.strip_prefix(top).unwrap_or(Path::new(""));
            return Ok(prefix.to_string_lossy().replace('\\', "/"));
        }
    }
    match known.as_slice() {
        [only] if top.join(only).join(CONFIG_FILE).is_file() => Ok(only.clone()),
        _ => Err(Error::NoProject { start, top: top.to_owned(), known }),
    }
}

/// The project in a bare repository that knows none yet: the one at the top of main, or else the only one.
fn find_in_bare(repository: &Repository) -> Result<String, Error> {
    let main = main_of_bare(repository)?;
    let Some(tip) = repository.branch_tip(&main)? else {
        return Err(Error::NothingCommitted { main: main.to_string() });
    };
    let is_config = |path: &str| path.rsplit('/').next() == Some(CONFIG_FILE);
    let files = repository.files_at(&tip, "", &is_config)?;
    let mut folders: Vec<String> =
        files.iter().map(|file| file.path.trim_end_matches(CONFIG_FILE).trim_end_matches('/').to_owned()).collect();
    if folders.iter().any(String::is_empty) {
        return Ok(String::new());
    }
    match folders.as_slice() {
        [_] => Ok(folders.remove(0)),
        _ => {
            let top = repository.git_dir().to_owned();
            Err(Error::NoProject { start: top.clone(), top, known: folders })
        }
    }
}

/// The branch that says which one is main, where no working tree does: `main`, or the one that HEAD names.
fn main_of_bare(repository: &Repository) -> Result<BranchName, Error> {
    let main = BranchName::from("main");
    if repository.branch_tip(&main)?.is_some() {
        return Ok(main);
    }
    Ok(match repository.head()? {
        Head::Branch { name, .. } => name,
        Head::Detached { .. } => main,
    })
}

/// The settings. On main they are those of the working tree. On every other branch they are main's as committed: a
/// branch that comes from a stranger must not choose the warehouse it is built in. Says whether the working tree has
/// others.
fn read_config(repository: &Repository, prefix: &str) -> Result<(Config, bool), Error> {
    let path = if prefix.is_empty() { CONFIG_FILE.to_owned() } else { format!("{prefix}/{CONFIG_FILE}") };
    let parse = |text: &str| Config::parse(&path, text).map_err(|problem| Error::Project(vec![problem]));
    let on_disk = match repository.top() {
        Some(top) => {
            let file = top.join(&path);
            Some(std::fs::read_to_string(&file).map_err(io("read", file))?)
        }
        None => None,
    };
    let here = on_disk.as_deref().map(parse);
    let main = match &here {
        Some(Ok(config)) => config.main.clone(),
        Some(Err(_)) => BranchName::from("main"),
        None => main_of_bare(repository)?,
    };
    let on_main = matches!(repository.head(), Ok(Head::Branch { name, .. }) if name == main);
    if on_main && let Some(here) = here {
        return here.map(|config| (config, false));
    }
    if let Some(tip) = main_tip(repository, &main)? {
        let files = repository.files_at(&tip, prefix, &|file| file == CONFIG_FILE)?;
        if let Some(file) = files.first() {
            let text = String::from_utf8_lossy(&repository.read(file)?).into_owned();
            let differs = on_disk.as_ref().is_some_and(|here| here.replace("\r\n", "\n") != text);
            return Ok((parse(&text)?, differs));
        }
    }
    match here {
        Some(config) => config.map(|config| (config, false)),
        None => {
            let start = repository.git_dir().to_owned();
            Err(Error::NoProject { top: start.clone(), start, known: registered(repository) })
        }
    }
}
