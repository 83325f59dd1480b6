//! Where vmesh stands: a repository, the project in it, and its settings. It reads files and history; it opens no
//! warehouse, and no model is parsed here.

use std::path::{Path, PathBuf};

use super::error::{BranchError, Error, SetupError, io};
use super::place::Place;
use super::settings::{self, Settings, settings_file};
use crate::adapter::git::{CommitId, Head, Repository};
use crate::adapter::local::{Own, Shared};
use crate::domain::calendar::Timing;
use crate::domain::config::Config;
use crate::domain::diagnostic::Diagnostic;
use crate::domain::environment::Scope;
use crate::domain::interval::Moment;
use crate::domain::name::{BranchName, EnvName};

/// A repository, the project in it, and its settings.
pub struct Workspace {
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
    /// The name of the file that the settings are in.
    pub settings_file: &'static str,
    /// Whether the branch has other settings than main, which have no effect until they are merged.
    pub settings_wait: bool,
    /// What the settings file says.
    pub(super) settings_text: String,
    /// The time that plans are made for: now, unless someone says otherwise.
    pub timing: Timing,
}

impl Workspace {
    /// The known project of a repository, as its settings have it.
    pub(super) fn of_project(repository: Repository, prefix: String) -> Result<Self, Error> {
        let Settings { mut config, file, text, wait, is_new_main } = settings::read(&repository, &prefix)?;
        if is_new_main {
            settings::remember_main(&repository, &prefix, &config.main)?;
        }
        let folder = repository.top().map(|top| top.join(&prefix));
        let place = Place::of(&repository, &prefix, &config);
        let names_warehouse = config.warehouse.is_some();
        config.warehouse = Some(place.path.to_string_lossy().into_owned());
        Ok(Self {
            repository,
            config,
            prefix,
            folder,
            names_warehouse,
            place,
            settings_file: file,
            settings_wait: wait,
            settings_text: text,
            timing: Timing::at(Moment::from(jiff::Timestamp::now())),
        })
    }
}

impl Workspace {
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

    /// The part of the warehouse's state that concerns an environment.
    pub(super) fn scope_of(&self, environment: &EnvName) -> Scope {
        self.scope(vec![environment.clone()])
    }

    pub(super) fn scope(&self, and: Vec<EnvName>) -> Scope {
        Scope::Prod { and, pattern: self.config.pattern }
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
        // no branch is called as main was: the branch on which the hooks are installed says what is main
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

/// The projects of a repository that hooks serve, as folders in it.
pub fn registered(repository: &Repository) -> Vec<String> {
    let text = std::fs::read_to_string(Shared::of(repository.common_dir()).projects()).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// The folder of the project in or above `start`, or the only one that is known.
pub(super) fn find_project(repository: &Repository, start: &Path) -> Result<String, Error> {
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

/// A path of the project, told from the top of the repository.
pub(super) fn from_top(prefix: &str, path: &str) -> String {
    if prefix.is_empty() { path.to_owned() } else { format!("{prefix}/{path}") }
}

/// Problems whose places are told from the top of the repository, where a terminal can open them.
pub(super) fn told_from_top(prefix: &str, mut problems: Vec<Diagnostic>) -> Vec<Diagnostic> {
    for problem in &mut problems {
        if let Some(at) = &mut problem.at {
            at.path = from_top(prefix, &at.path);
        }
    }
    problems
}
