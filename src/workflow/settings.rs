//! Which file has a project's settings, and which version of it counts.

use std::path::Path;

use super::error::{Error, ProdError, SetupError, io};
use super::loader::Loader;
use super::tree::Files;
use super::workspace::Workspace;
use super::workspace::{main_tip, registered};
use crate::adapter::git::{CommitId, Head, Repository};
use crate::adapter::local::Shared;
use crate::domain::config::{CONFIG_FILES, Config, PYTHON_CONFIG, in_yaml, is_config, is_python_config, unread_python};
use crate::domain::main_branch::{self, Evidence, Verdict, Word};
use crate::domain::name::BranchName;

/// The settings that count, and where they were found.
pub(super) struct Settings {
    pub(super) config: Config,
    /// The file's name.
    pub(super) file: &'static str,
    /// What is in it.
    pub(super) text: String,
    /// Whether the working tree has others, which have no effect until they are merged.
    pub(super) wait: bool,
    /// Whether main is another branch than the one that is remembered.
    pub(super) is_new_main: bool,
}

/// The name of the settings file in a folder, if there is one: what makes the folder a project.
pub fn settings_file(folder: &Path) -> Option<&'static str> {
    CONFIG_FILES.into_iter().find(|name| match std::fs::read_to_string(folder.join(name)) {
        Ok(text) => is_config(name, &text),
        // reading it is tried again where it is used, and the error is told there
        Err(_) => *name == CONFIG_FILES[0] && folder.join(name).is_file(),
    })
}

/// What is said of a folder whose settings are in Python, where there are no others.
pub(super) fn python_settings(folder: &Path) -> Option<Error> {
    let path = folder.join(PYTHON_CONFIG);
    let text = std::fs::read_to_string(&path).ok().filter(|text| is_python_config(text))?;
    let why = unread_python(&path.to_string_lossy(), &text).map(Box::new);
    Some(Error::Setup(SetupError::PythonSettings { path, yaml: in_yaml(&text), why }))
}

/// The settings. On main they are those of the working tree. On every other branch they are main's as committed: a
/// branch that comes from a stranger must not choose the warehouse it is built in.
pub(super) fn read(repository: &Repository, prefix: &str) -> Result<Settings, Error> {
    let parse = |file: &str, text: &str| {
        let path = if prefix.is_empty() { file.to_owned() } else { format!("{prefix}/{file}") };
        let environment = |name: &str| std::env::var(name).ok();
        Config::parse(&path, text, &environment).map_err(|problem| Error::Project(vec![problem]))
    };
    let on_disk = match repository.top().map(|top| top.join(prefix)) {
        Some(folder) => {
            let file = settings_file(&folder).unwrap_or(CONFIG_FILES[0]);
            let path = folder.join(file);
            Some((file, unix(&std::fs::read_to_string(&path).map_err(io("read", path))?)))
        }
        None => None,
    };
    let said = match on_disk.as_ref().map(|(file, text)| parse(file, text)) {
        Some(Ok(config)) => main_of(repository, &config),
        Some(Err(_)) => Ok(BranchName::from("main")),
        None => main_of_bare(repository),
    };
    let (main, is_new_main) = trusted_main(repository, prefix, said, &parse)?;
    let on_main = matches!(repository.head(), Ok(Head::Branch { name, .. }) if name == main);
    let settings = |file, text: String, mut config: Config, wait| {
        config.main = main.clone();
        Settings { config, file, text, wait, is_new_main }
    };
    if on_main && let Some((file, text)) = on_disk {
        return parse(file, &text).map(|config| settings(file, text, config, false));
    }
    if let Some(tip) = main_tip(repository, &main)?
        && let Some((file, text)) = committed(repository, prefix, &tip)?
    {
        let wait = on_disk.is_some_and(|(here, on_disk)| here != file || on_disk != text);
        let config = parse(file, &text)?;
        return Ok(settings(file, text, config, wait));
    }
    match on_disk {
        Some((file, text)) => parse(file, &text).map(|config| settings(file, text, config, false)),
        None => {
            let start = repository.git_dir().to_owned();
            Err(SetupError::NoProject { top: start.clone(), start, known: registered(repository) }.into())
        }
    }
}

impl Workspace {
    /// The settings of a source tree, as far as they say what its models mean: variables and defaults. Where the
    /// warehouse is, and what is main, is main's to say.
    ///
    /// What a tree other than main's takes from the environment could be anyone's secret, so it may take nothing that
    /// its models see.
    pub(super) fn settings_of(&self, files: &Files) -> Result<Config, Error> {
        if let Some((name, text)) = self.settings_in(files)? {
            if name == self.settings_file && text == self.settings_text {
                return Ok(self.config.clone());
            }
            let path = self.in_top(name);
            let parse = |value: &dyn Fn(&str) -> Option<String>| {
                let mut config = Config::parse(&path, &text, value).map_err(|problem| Error::Project(vec![problem]))?;
                config.warehouse.clone_from(&self.config.warehouse);
                Ok(config)
            };
            if self.is_mains(name, &text)? {
                return parse(&|name| std::env::var(name).ok());
            }
            let (one, other) = (parse(&|_| Some("1".to_owned()))?, parse(&|_| Some("2".to_owned()))?);
            let meaning = |config: &Config| (config.variables.clone(), config.defaults.key());
            if meaning(&one) != meaning(&other) {
                return Err(Error::Usage {
                    what: format!("{path} takes a variable or default from the environment, which only main may do"),
                    help: "write the value down, or merge the change into main first".to_owned(),
                });
            }
            return Ok(one);
        }
        Ok(self.config.clone())
    }

    /// The settings that a merge leaves on main.
    pub(super) fn settings_once_merged(&self, files: &Files) -> Result<Option<Config>, Error> {
        self.settings_in(files)?.map(|(name, text)| self.settings_read(name, &text)).transpose()
    }

    /// The settings that a text of main's says.
    pub(super) fn settings_read(&self, name: &str, text: &str) -> Result<Config, Error> {
        Config::parse(&self.in_top(name), text, &|name| std::env::var(name).ok())
            .map_err(|problem| Error::Project(vec![problem]))
    }

    /// Whether a text is that of main's settings, as committed or, on main, as they lie there.
    fn is_mains(&self, name: &str, text: &str) -> Result<bool, Error> {
        let here = self.folder.as_ref().filter(|_| self.branch().is_ok_and(|branch| branch == self.config.main));
        let here = here.and_then(|folder| std::fs::read_to_string(folder.join(name)).ok());
        if here.is_some_and(|here| unix(&here) == text) {
            return Ok(true);
        }
        let Some(tip) = self.main_tip()? else { return Ok(self.folder.is_some()) };
        let committed = committed(&self.repository, &self.prefix, &tip)?;
        Ok(committed.is_some_and(|(file, committed)| file == name && committed == text))
    }

    /// The branch that is main as the settings say that are committed on a branch.
    pub(super) fn main_as_said_on(&self, branch: &BranchName) -> Result<Option<BranchName>, Error> {
        let Some(tip) = main_tip(&self.repository, branch)? else { return Ok(None) };
        let Some((file, text)) = committed(&self.repository, &self.prefix, &tip)? else { return Ok(None) };
        let config = Config::parse(&self.in_top(file), &text, &|name| std::env::var(name).ok());
        Ok(config.ok().map(|config| if config.main_is_said { config.main } else { branch.clone() }))
    }

    /// The settings file of a source tree, with its text; none, if it has none.
    pub(super) fn settings_in(&self, files: &Files) -> Result<Option<(&'static str, String)>, Error> {
        for name in CONFIG_FILES {
            let Some(file) = files.get(name) else { continue };
            let text = unix(&self.text(file)?);
            if is_config(name, &text) {
                return Ok(Some((name, text)));
            }
        }
        Ok(None)
    }

    /// The settings of a commit of main's; none, if it has none.
    pub(super) fn settings_at(&self, commit: &CommitId) -> Result<Option<Settings>, Error> {
        let Some((file, text)) = committed(&self.repository, &self.prefix, commit)? else { return Ok(None) };
        let environment = |name: &str| std::env::var(name).ok();
        let config = match text == self.settings_text {
            true => self.config.clone(),
            false => Config::parse(&self.in_top(file), &text, &environment)
                .map_err(|problem| Error::Project(vec![problem]))?,
        };
        Ok(Some(Settings { config, file, text, wait: false, is_new_main: false }))
    }
}

impl Loader {
    /// Main's settings as they are committed; none, if none are. What they have run in a warehouse counts from then on.
    pub(super) fn committed_settings(&self) -> Result<Option<Settings>, Error> {
        let as_of = self.main_as_of.borrow().clone();
        match as_of.map_or_else(|| self.main_tip(), |commit| Ok(Some(commit)))? {
            Some(commit) => self.settings_at(&commit),
            None => Ok(None),
        }
    }
}

/// A text with the ends of lines that it has in Git, which a checkout may have changed.
fn unix(text: &str) -> String {
    text.replace("\r\n", "\n")
}

/// The settings file of a commit, and its text.
fn committed(
    repository: &Repository,
    prefix: &str,
    commit: &CommitId,
) -> Result<Option<(&'static str, String)>, Error> {
    for name in CONFIG_FILES {
        let path = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}/{name}") };
        let Ok(file) = repository.file_at(commit, &path)? else { continue };
        let text = unix(&String::from_utf8_lossy(&repository.read_text(&file)?));
        if is_config(name, &text) {
            return Ok(Some((name, text)));
        }
    }
    Ok(None)
}

/// The project of a bare repository that knows none yet: the one at the top of main, or else the only one.
pub(super) fn find_in_bare(repository: &Repository) -> Result<String, Error> {
    let main = main_of_bare(repository)?;
    let Some(tip) = repository.branch_tip(&main)? else {
        return Err(ProdError::NothingCommitted { main: main.to_string() }.into());
    };
    let split = |path: &str| {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        (folder.to_owned(), name.to_owned())
    };
    let mut folders = Vec::new();
    for path in repository.paths_at(&tip, &|path| CONFIG_FILES.contains(&split(path).1.as_str()))? {
        let (folder, name) = split(&path);
        if let (false, Ok(file)) = (folders.contains(&folder), repository.file_at(&tip, &path)?)
            && is_config(&name, &String::from_utf8_lossy(&repository.read_text(&file)?))
        {
            folders.push(folder);
        }
    }
    if folders.iter().any(String::is_empty) {
        return Ok(String::new());
    }
    match folders.as_slice() {
        [_] => Ok(folders.remove(0)),
        _ => {
            let top = repository.git_dir().to_owned();
            Err(SetupError::NoProject { start: top.clone(), top, known: folders }.into())
        }
    }
}

/// The branch that is main, and whether that is to be remembered. Git and the settings are asked for what
/// [`main_branch::decide`] wants to know.
fn trusted_main(
    repository: &Repository,
    prefix: &str,
    said: Result<BranchName, Error>,
    parse: &dyn Fn(&str, &str) -> Result<Config, Error>,
) -> Result<(BranchName, bool), Error> {
    let said_here = said.as_ref().ok().cloned();
    let mut evidence = Evidence { remembered: remembered_main(repository, prefix), said_here, ..Evidence::default() };
    loop {
        match main_branch::decide(&evidence) {
            Verdict::Main(main) => return Ok((main, false)),
            Verdict::NewMain(main) => return Ok((main, true)),
            Verdict::Unsaid => return said.map(|said| (said, false)),
            Verdict::AskDefault => evidence.default = Some(repository.default_branch()),
            Verdict::Ask(branch) => {
                let word = word_of(repository, prefix, &branch, parse)?;
                evidence.words.insert(branch, word);
            }
        }
    }
}

/// Which branch is main by the settings that are committed on a branch.
fn word_of(
    repository: &Repository,
    prefix: &str,
    branch: &BranchName,
    parse: &dyn Fn(&str, &str) -> Result<Config, Error>,
) -> Result<Word, Error> {
    let Some(tip) = main_tip(repository, branch)? else {
        return Ok(Word { main: None, exists: false, main_exists: false });
    };
    let settings = committed(repository, prefix, &tip)?.map(|(file, text)| parse(file, &text));
    let main = settings.map(|config| match config {
        Ok(config) if config.main_is_said => config.main,
        _ => branch.clone(),
    });
    let main_exists = match &main {
        Some(main) => main == branch || main_tip(repository, main)?.is_some(),
        None => false,
    };
    Ok(Word { main, exists: true, main_exists })
}

/// Writes down which branch is main, so that the next command asks the settings of that branch.
pub(super) fn remember_main(repository: &Repository, prefix: &str, main: &BranchName) -> Result<(), Error> {
    let file = Shared::of(repository.common_dir()).main(prefix);
    std::fs::write(&file, main.as_str()).map_err(io("write", file))
}

/// The branch that is remembered as main: since the hooks were installed, or since another handed over to it.
fn remembered_main(repository: &Repository, prefix: &str) -> Option<BranchName> {
    let known = std::fs::read_to_string(Shared::of(repository.common_dir()).main(prefix)).ok()?;
    Some(BranchName::from(known.trim_end())).filter(|known| !known.as_str().is_empty())
}

/// The branch that drives prod. Where the settings can't say it, that is `main`, or `master` where there is no `main`;
/// which of the two is not for us to guess: a stranger's branch may be called like the other.
fn main_of(repository: &Repository, config: &Config) -> Result<BranchName, Error> {
    let master = BranchName::from("master");
    if config.main_is_said || repository.branch_tip(&master)?.is_none() {
        return Ok(config.main.clone());
    }
    if repository.branch_tip(&config.main)?.is_none() {
        return Ok(master);
    }
    Err(Error::Usage {
        what: "there are two branches, `main` and `master`, and config.yaml doesn't say which one drives prod"
            .to_owned(),
        help: "add to config.yaml:\n\ncicd_bot:\n  type: github\n  main_branch_name: main".to_owned(),
    })
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
