//! Which file has a project's settings, and which version of it counts.

use std::path::Path;

use super::error::{Error, io};
use super::session::{main_tip, registered};
use crate::adapter::git::{CommitId, Head, Repository};
use crate::domain::config::{CONFIG_FILES, Config, is_config};
use crate::domain::name::BranchName;

/// The settings that count, and where they were found.
pub(super) struct Settings {
    pub(super) config: Config,
    /// The file's name.
    pub(super) file: &'static str,
    /// Whether the working tree has others, which have no effect until they are merged.
    pub(super) wait: bool,
}

/// The name of the settings file in a folder, if there is one: what makes the folder a project.
pub fn settings_file(folder: &Path) -> Option<&'static str> {
    CONFIG_FILES.into_iter().find(|name| match std::fs::read_to_string(folder.join(name)) {
        Ok(text) => is_config(name, &text),
        // whoever wants to read it is told why that fails
        Err(_) => *name == CONFIG_FILES[0] && folder.join(name).is_file(),
    })
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
            Some((file, std::fs::read_to_string(&path).map_err(io("read", path))?))
        }
        None => None,
    };
    let here = on_disk.as_ref().map(|(file, text)| (*file, parse(file, text)));
    let main = match &here {
        Some((_, Ok(config))) => main_of(repository, config)?,
        Some((_, Err(_))) => BranchName::from("main"),
        None => main_of_bare(repository)?,
    };
    let on_main = matches!(repository.head(), Ok(Head::Branch { name, .. }) if name == main);
    let settings = |file, mut config: Config, wait| {
        if !config.main_is_said {
            config.main = main.clone();
        }
        Settings { config, file, wait }
    };
    if on_main && let Some((file, here)) = here {
        return here.map(|config| settings(file, config, false));
    }
    if let Some(tip) = main_tip(repository, &main)?
        && let Some((file, text)) = committed(repository, prefix, &tip)?
    {
        let same = |(here, on_disk): &(&str, String)| *here == file && on_disk.replace("\r\n", "\n") == text;
        let wait = on_disk.as_ref().is_some_and(|on_disk| !same(on_disk));
        return Ok(settings(file, parse(file, &text)?, wait));
    }
    match here {
        Some((file, config)) => config.map(|config| settings(file, config, false)),
        None => {
            let start = repository.git_dir().to_owned();
            Err(Error::NoProject { top: start.clone(), start, known: registered(repository) })
        }
    }
}

/// The settings file of a commit, and its text.
fn committed(
    repository: &Repository,
    prefix: &str,
    commit: &CommitId,
) -> Result<Option<(&'static str, String)>, Error> {
    let files = repository.files_at(commit, prefix, &|file| CONFIG_FILES.contains(&file))?;
    for name in CONFIG_FILES {
        let Some(file) = files.iter().find(|file| file.path == name) else { continue };
        let text = String::from_utf8_lossy(&repository.read(file)?).into_owned();
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
        return Err(Error::NothingCommitted { main: main.to_string() });
    };
    let split = |path: &str| {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        (folder.to_owned(), name.to_owned())
    };
    let mut folders = Vec::new();
    for file in repository.files_at(&tip, "", &|path| CONFIG_FILES.contains(&split(path).1.as_str()))? {
        let (folder, name) = split(&file.path);
        if !folders.contains(&folder) && is_config(&name, &String::from_utf8_lossy(&repository.read(&file)?)) {
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
            Err(Error::NoProject { start: top.clone(), top, known: folders })
        }
    }
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
