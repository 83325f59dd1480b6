//! Checking the set-up and every record against what is really there. Changes nothing.

use std::collections::BTreeSet;
use std::path::Path;

use super::error::{BranchError, Error};
use super::place::{self, Chosen};
use super::session::Session;
use super::workspace::Workspace;
use crate::adapter::engine::{self, BACKUP, companion};
use crate::adapter::git::{Head, Repository};
use crate::adapter::hooks::{self, HookState};
use crate::domain::config::{CONFIG_FILES, is_config};
use crate::domain::environment::State;
use crate::domain::external::{External, Externals};
use crate::domain::name::{EnvName, TableName};
use crate::domain::sql::policy;

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// What was looked at, and what was found.
    pub what: String,
    /// How to mend it.
    pub help: Option<String>,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// As it should be.
    Good,
    /// Works, and could be better.
    Warning,
    /// Broken.
    Bad,
}

fn good(what: impl Into<String>) -> Finding {
    Finding { level: Level::Good, what: what.into(), help: None }
}

fn warning(what: impl Into<String>, help: impl Into<String>) -> Finding {
    Finding { level: Level::Warning, what: what.into(), help: Some(help.into()) }
}

fn bad(what: impl Into<String>, help: impl Into<String>) -> Finding {
    Finding { level: Level::Bad, what: what.into(), help: Some(help.into()) }
}

/// Whether Git will really run the hooks, and they will find vmesh.
pub fn check_hooks(repository: &Repository) -> Result<Vec<Finding>, Error> {
    let dir = repository.hooks_dir()?;
    let folder = hooks::folder(&dir).display();
    let states = hooks::status(&dir)?;
    let those = |wanted: &[HookState]| {
        let those = states.iter().filter(|(_, state)| wanted.contains(state)).map(|(hook, _)| *hook);
        let names: Vec<&str> = those.clone().map(|hook| hook.as_str()).collect();
        (!names.is_empty()).then(|| (those.collect::<Vec<_>>(), names.join(", ")))
    };
    let mut findings = Vec::new();
    if let Some((_, names)) = those(&[HookState::Missing, HookState::Foreign]) {
        let mut what = format!("hooks are not installed in {folder}: {names}");
        if hooks::is_dead(&dir)? {
            let configured = dir.configured.as_deref().unwrap_or_default();
            let dead = dir.own.display();
            what.push_str(&format!("; those in {dead} are dead since core.hooksPath is `{configured}`"));
        }
        findings.push(warning(what, "vmesh hooks install"));
    }
    if let Some((_, names)) = those(&[HookState::Outdated]) {
        findings.push(warning(format!("hooks are of another version of vmesh: {names}"), "vmesh hooks install"));
    }
    if let Some((_, names)) = those(&[HookState::NotExecutable]) {
        let what = format!("hooks are not executable, so that Git passes them over: {names}");
        findings.push(warning(what, "vmesh hooks install"));
    }
    if let Some((_, names)) = those(&[HookState::NotRun]) {
        let what = format!("nothing runs the hooks of {folder} in this working tree: {names}");
        findings.push(warning(what, "set the hook manager up here, as with `npx husky` or `pre-commit install`"));
    }
    if let Some((theirs, names)) = those(&[HookState::LeftToLefthook]) {
        let what = format!("lefthook writes these hooks and they do NOT call vmesh yet: {names}");
        let binary = hooks::binary(&dir).unwrap_or_else(|| "vmesh".into());
        let snippet: String = theirs.into_iter().map(|hook| hooks::for_lefthook(hook, &binary)).collect();
        findings.push(warning(what, format!("add this to lefthook-local.yml, then: lefthook install\n\n{snippet}")));
    }
    match hooks::binary(&dir) {
        Some(binary) if !binary.is_file() => {
            let what = format!("the vmesh that the hooks call is gone: {}", binary.display());
            findings.push(warning(what, "vmesh hooks install"));
        }
        // others committed the hooks
        None if findings.is_empty() => {
            let what = format!("the hooks in {folder} wait for your word: they do nothing in this clone yet");
            findings.push(warning(what, "vmesh hooks install"));
        }
        _ => {}
    }
    if findings.is_empty() {
        findings.push(good(format!("hooks are installed in {folder}")));
    }
    Ok(findings)
}

impl Workspace {
    /// Settings files that lie there and don't count.
    fn other_settings(&self) -> Vec<Finding> {
        let is_other = |name: &&str| {
            let text = self.folder.as_ref().and_then(|folder| std::fs::read_to_string(folder.join(name)).ok());
            *name != self.settings_file && text.is_some_and(|text| is_config(name, &text))
        };
        let told = |name| {
            warning(format!("{name} is not read: the settings are in {}", self.settings_file), "keep one of them")
        };
        CONFIG_FILES.into_iter().filter(is_other).map(told).collect()
    }

    /// Git can't write where the warehouse lies.
    fn check_warehouse(&self) -> Option<Finding> {
        let path = self.place.path.display();
        let named = format!("take the warehouse's path out of {}", self.settings_file);
        match self.place.chosen {
            Chosen::ByDefault => None,
            Chosen::ByMove => {
                self.names_warehouse.then(|| warning(format!("the warehouse was moved to {path}"), named))
            }
            Chosen::BySettings | Chosen::ByEarlier => {
                let (_, below) = place::in_working_tree(&self.place.path)?;
                let what = format!("the warehouse lies where a checkout can replace it: {}", below.display());
                Some(warning(what, "vmesh doctor --move-warehouse"))
            }
        }
    }

    fn check_head(&self) -> Result<Finding, Error> {
        Ok(match self.repository.head()? {
            Head::Branch { name, commit: None } => good(format!("on `{name}`, before its first commit")),
            Head::Branch { name, .. } => {
                let environment = self.config.environment(&name);
                good(format!("on `{name}`: environment `{environment}`"))
            }
            Head::Detached { .. } => warning("HEAD is detached: it has no environment", "git switch <branch>"),
        })
    }

    /// Every pointer has its table, every view shows what its pointer says.
    fn check_records(&self, state: &State) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut expected: BTreeSet<TableName> = BTreeSet::new();
        for environment in state.environments.values() {
            let mut wrong = Vec::new();
            for (model, pointer) in &environment.pointers {
                let view = model.view(&environment.name, self.config.pattern);
                let table = state.existing(&pointer.table).map(|known| &known.table);
                if table.is_none() || state.views.get(&view) != table {
                    wrong.push(view.to_string());
                }
                expected.insert(view);
            }
            if !wrong.is_empty() {
                let help = if environment.name.is_prod() { "vmesh promote" } else { "vmesh plan" };
                findings.push(bad(format!("views that don't show their snapshot: {}", wrong.join(", ")), help));
            }
        }
        let stray: Vec<String> =
            state.views.keys().filter(|view| !expected.contains(view)).map(ToString::to_string).collect();
        if !stray.is_empty() {
            findings.push(warning(
                format!("views over snapshots that no environment records: {}", stray.join(", ")),
                "drop them, or leave them: vmesh does not touch them",
            ));
        }
        let prod = EnvName::prod();
        if findings.is_empty() {
            findings.push(good("every view shows its snapshot"));
        }
        if !state.environments.contains_key(&prod) {
            findings.push(warning("nothing was promoted yet: there is no prod", "vmesh promote"));
        }
        findings
    }
}

impl Session<'_> {
    /// Whether a role could write what prod shows: the server is asked.
    pub fn doctor_of_role(&self, role: &str) -> Result<Vec<Finding>, Error> {
        let prod = EnvName::prod();
        let state = self.state_of(&prod)?;
        let models = state.prod().into_iter().flat_map(|shown| shown.pointers.keys());
        let views: Vec<TableName> = models.map(|model| model.view(&prod, self.config.pattern)).collect();
        let could = match self.read_warehouse()? {
            Some(warehouse) if !views.is_empty() => warehouse.could_write(role, &views)?,
            _ => return Ok(vec![warning("nothing was promoted yet: there is no prod", "vmesh promote")]),
        };
        if could.is_empty() {
            let count = views.len();
            return Ok(vec![good(format!(
                "`{role}` can't write prod: not its {count} views, nor what they show, nor the records of it"
            ))]);
        }
        let help = "docs/postgres.md says which rights a role of developers needs";
        Ok(could.into_iter().map(|what| bad(format!("`{role}` can write prod: {what}"), help)).collect())
    }

    /// Looks at everything.
    pub fn doctor(&self) -> Result<Vec<Finding>, Error> {
        let mut findings = vec![self.check_head()?];
        findings.extend(
            self.config
                .notes
                .iter()
                .map(|note| warning(format!("{}: {note}", self.settings_file), "nothing needs to be done")),
        );
        findings.extend(self.other_settings());
        findings.extend(check_hooks(&self.repository)?);
        let mut externals = Externals::default();
        findings.push(match self.target(None, None).and_then(|target| self.prepare(target)) {
            Ok(prepared) => {
                externals = prepared.desired.project.externals().clone();
                let models = prepared.desired.project.order().len();
                good(format!("{models} {}, no problem in them", if models == 1 { "model" } else { "models" }))
            }
            Err(Error::Branch(BranchError::Detached)) => warning("no branch is checked out", "git switch <branch>"),
            Err(Error::Project(problems)) => {
                let all = match problems.as_slice() {
                    [only] => format!("a problem in the project's files: {}", only.what),
                    [first, rest @ ..] => {
                        format!("{}, and {} more problems in the project's files", first.what, rest.len())
                    }
                    [] => "a problem in the project's files".to_owned(),
                };
                bad(all, "vmesh plan shows where")
            }
            Err(error) => return Err(error),
        });
        findings.extend(self.check_warehouse());
        findings.extend(self.check_sources()?);
        let path = self.shown_warehouse();
        if !self.engine.exists(&self.location) {
            findings.push(good(format!("no warehouse yet; the first plan makes {path}")));
            return Ok(findings);
        }
        let state = self.state()?;
        findings.push(good(format!(
            "{path}: environments: {}, snapshots: {}",
            state.environments.len(),
            state.tables.len()
        )));
        findings.extend(self.backup());
        findings.extend(self.check_records(&state));
        findings.extend(self.check_externals(&externals)?);
        Ok(findings)
    }

    /// What models may read besides the warehouse is there.
    fn check_sources(&self) -> Result<Vec<Finding>, Error> {
        let access = &self.location.access;
        let is_here = |path: &&String| !policy::is_remote(path);
        let paths = access.folders.iter().chain(&access.files).filter(is_here);
        let gone = paths.filter(|path| !Path::new(path).exists()).map(|path| format!("a source is not there: {path}"));
        let help = format!("correct [sources] in main's {}, or bring it there", self.settings_file);
        let mut findings: Vec<Finding> = gone.map(|what| warning(what, help.clone())).collect();
        findings.extend(engine::absent(&self.location)?.into_iter().map(|absent| match absent.is_extension {
            true => warning(absent.why, "vmesh doctor --install"),
            false if absent.why.contains("Extension") => {
                let help = "name the extension in `extensions` of [engine], then: vmesh doctor --install";
                warning(absent.why.lines().next().unwrap_or_default().to_owned(), help)
            }
            false => warning(absent.why, help.clone()),
        }));
        findings.extend(self.check_ignored()?);
        let outside = &self.config.outside;
        let count = outside.files.len() + outside.attached.len() + access.opening.extensions.len();
        if findings.is_empty() && count > 0 {
            findings.push(good(format!("all {count} of [sources] and `extensions` are there")));
        }
        Ok(findings)
    }

    /// Git ignores the folders of sources: what it doesn't, a working tree takes for files of its own.
    fn check_ignored(&self) -> Result<Vec<Finding>, Error> {
        let mut findings = Vec::new();
        for path in self.config.outside.files.iter().map(|files| files.path.as_str()) {
            let is_here = !policy::from_root(path) && !policy::is_remote(path) && !path.starts_with("..");
            let is_folder = self.folder.as_ref().is_some_and(|folder| folder.join(path).is_dir());
            if !is_here
                || !is_folder
                || self.repository.ignores(&self.in_top(&format!("{}/x", path.trim_end_matches('/'))))?
            {
                continue;
            }
            let what = format!("Git doesn't ignore `{path}`: what lies there is taken for files of the working tree");
            findings.push(warning(what, format!("echo '/{}' >> .gitignore", self.in_top(path))));
        }
        Ok(findings)
    }

    /// The warehouse as an earlier vmesh left it.
    fn backup(&self) -> Option<Finding> {
        let backup = companion(&self.location.path, BACKUP);
        let size = std::fs::metadata(&backup).ok()?.len();
        let what = format!("{} ({size} bytes) is the warehouse as an earlier vmesh left it", backup.display());
        Some(warning(what, "rm it once all is well; or move it back before you return to that version"))
    }

    /// The tables that no model makes are as the project says.
    fn check_externals(&self, externals: &Externals) -> Result<Vec<Finding>, Error> {
        let Some(warehouse) = self.read_warehouse()? else { return Ok(Vec::new()) };
        let differs = |external: &External| match warehouse.columns(&external.table()) {
            Ok(columns) => external.differs(&columns),
            Err(_) => Some(format!("`{}` is not in the warehouse", external.name)),
        };
        let help = "correct external_models.yaml, unless the warehouse is wrong";
        Ok(externals.of_warehouse().filter_map(differs).map(|what| warning(what, help)).collect())
    }
}
