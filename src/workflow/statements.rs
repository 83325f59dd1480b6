//! Running `before_all` and `after_all`. They are main's as committed: a branch's own have no effect until they are
//! merged. And so they see main's variables, and no macros but the built-in.

use super::error::Error;
use super::expand::Sight;
use super::loader::Loader;
use super::planning::{Prepared, Target};
use super::settings::Settings;
use super::tree::{Files, SourceTree};
use super::workspace::Workspace;
use crate::adapter::engine::{BuildError, Warehouse, WarehouseError};
use crate::adapter::git::CommitId;
use crate::domain::config::{Config, Made, Statement, made_macros, making_macros};
use crate::domain::diagnostic::{Diagnostic, Note, Problem};
use crate::domain::engine_message;
use crate::domain::environment::State;
use crate::domain::interval::{Interval, Moment, Times};
use crate::domain::macros::{Locals, Value, Variables, other_calls};
use crate::domain::model::{Kind, Run};
use crate::domain::name::{AUDITS_SCHEMA, EnvName, PROD, SNAPSHOTS_SCHEMA, STATE_SCHEMA, TableName};
use crate::domain::sql::policy;

impl Loader {
    /// Before anything of an environment is built or loaded.
    pub(super) fn before_all(&self, prepared: &Prepared, warehouse: &dyn Warehouse) -> Result<(), Error> {
        match self.committed_settings()? {
            Some(settings) => {
                let statements = &settings.config.before_all;
                self.run_all("before_all", &settings, statements, "nothing was built", prepared, warehouse)
            }
            None => Ok(()),
        }
    }

    /// What `before_all` leaves behind for models: that which main has committed, whatever tree they are read from, since
    /// nothing else is run.
    pub(super) fn made_before(&self) -> Result<Vec<Made>, Error> {
        Ok(self.committed_settings()?.map_or_else(Vec::new, |settings| made_by(&settings.config)))
    }

    /// The same for the models of these files: those of a merge are read when its settings are main's.
    pub(super) fn made_for(&self, files: &Files) -> Result<Vec<Made>, Error> {
        match files.tree {
            SourceTree::Merge(_) => Ok(self.settings_once_merged(files)?.map_or_else(Vec::new, |it| made_by(&it))),
            _ => self.made_before(),
        }
    }

    /// The statements of it that make macros: unit tests have these, and no tables from outside.
    pub(super) fn macros_before(&self) -> Result<Vec<String>, Error> {
        let run = self.committed_settings()?.map_or_else(Vec::new, |settings| run_by(&settings.config));
        Ok(run.iter().flatten().flat_map(|text| making_macros(text)).collect())
    }

    /// Whether `before_all` says something else than it did in the commit that prod shows: then it is run, whether or not
    /// a model is built.
    pub(super) fn before_all_moved(&self, environment: &EnvName, state: &State) -> Result<bool, Error> {
        let Some(commit) = state.prod().and_then(|prod| prod.commit.as_deref()).filter(|_| environment.is_prod())
        else {
            return Ok(false);
        };
        // a commit that this clone doesn't have may have said anything
        let Some(commit) = self.repository.resolve(commit)? else { return Ok(!self.made_before()?.is_empty()) };
        // settings that can no longer be read count as other ones
        let before =
            self.settings_at(&commit).ok().flatten().map_or_else(Vec::new, |settings| made_by(&settings.config));
        Ok(before != self.made_before()?)
    }

    /// Does something with main as it was at a commit: its `before_all` counts, and is run.
    pub(super) fn with_main_at<T>(
        &self,
        commit: Option<CommitId>,
        work: impl FnOnce() -> Result<T, Error>,
    ) -> Result<T, Error> {
        let before = self.main_as_of.replace(commit);
        let done = work();
        self.main_as_of.replace(before);
        done
    }

    /// Does something to what an environment shows, with main as it was when that was made: of prod, the commit that it
    /// shows. What `before_all` says since would give its models another meaning.
    pub(super) fn with_main_as_shown<T>(
        &self,
        environment: &EnvName,
        state: &State,
        work: impl FnOnce() -> Result<T, Error>,
    ) -> Result<T, Error> {
        let shown = state.prod().and_then(|prod| prod.commit.as_deref()).filter(|_| environment.is_prod());
        let commit = shown.map(|commit| self.repository.resolve(commit)).transpose()?.flatten();
        if shown.is_some() && commit.is_none() && self.before_all_moved(environment, state)? {
            let what = "this clone doesn't have the commit that prod shows, whose `before_all` its models need";
            return Err(Error::Usage { what: what.to_owned(), help: "git fetch --unshallow".to_owned() });
        }
        self.with_main_at(commit, work)
    }

    /// Runs the `before_all` that a commit of main's had, if it says something else than another's: views use what it
    /// makes whenever they are read. Gives what kept it from that.
    pub(super) fn before_all_as_at(
        &self,
        commit: &str,
        other: &str,
        warehouse: &dyn Warehouse,
    ) -> Result<Option<Error>, Error> {
        let made = |commit: Option<CommitId>| self.with_main_at(commit, || self.made_before());
        let (then, now) = (self.repository.resolve(commit)?, self.repository.resolve(other)?);
        let Some(commit) = then else { return Ok(None) };
        if now.is_some_and(|now| made(Some(now)).ok() == made(Some(commit.clone())).ok()) {
            return Ok(None);
        }
        let tree = SourceTree::Commit(commit.clone());
        let target = Target {
            tree,
            commit: Some(commit.clone()),
            ..self.target_of_prod(&warehouse.state(&self.scope_of(&EnvName::prod()))?)?
        };
        let run = || self.before_all(&self.prepare(target)?, warehouse);
        Ok(self.with_main_at(Some(commit), run).err())
    }

    /// After an environment shows it.
    pub(super) fn after_all(&self, prepared: &Prepared, warehouse: &dyn Warehouse) -> Result<(), Error> {
        let environment = &prepared.target.environment;
        let so_far =
            format!("environment `{environment}` shows its models all the same; with its next change it runs again");
        match self.committed_settings()? {
            Some(settings) => {
                let statements = &settings.config.after_all;
                self.run_all("after_all", &settings, statements, &so_far, prepared, warehouse)
            }
            None => Ok(()),
        }
    }
}

impl Workspace {
    fn run_all(
        &self,
        key: &str,
        settings: &Settings,
        statements: &[Statement],
        so_far: &str,
        prepared: &Prepared,
        warehouse: &dyn Warehouse,
    ) -> Result<(), Error> {
        if statements.is_empty() {
            return Ok(());
        }
        let (sight, named) = (Sight::of_settings(&settings.config), self.named(key, prepared));
        let now = prepared.target.timing.now;
        let interval = Interval::new(Moment::EPOCH, now).unwrap_or(Times::LOADING.interval);
        let times = Times { interval, execution: now };
        let failed = |statement: &Statement, why: Note| {
            let problem = Problem { what: format!("`{key}` failed"), span: statement.span.clone(), help: None };
            let told = problem.in_file(&self.in_top(settings.file), &settings.text.as_str().into());
            Error::Project(vec![told.note(why).note(so_far.to_owned())])
        };
        let mut all = Vec::new();
        for (number, statement) in statements.iter().enumerate() {
            let expanded = sight.expand_text(&statement.text, &Locals::new(), &named, &times);
            let text = expanded.map_err(|problem| failed(statement, problem.what.into()))?.text;
            if let Some(why) = policy::refused(&text, &[SNAPSHOTS_SCHEMA, STATE_SCHEMA, AUDITS_SCHEMA]) {
                return Err(failed(statement, why.into()));
            }
            if let Some(hidden) = warehouse.hidden(&made_macros(&text))? {
                return Err(failed(
                    statement,
                    format!("a macro called `{hidden}` would hide the engine's own function").into(),
                ));
            }
            // what the machine gives is for `[limits]` to say
            if !policy::only_sets_the_machine(&text) {
                all.push(Run { number, sql: text, on_table: false, query: None });
            }
        }
        warehouse.together(&all).map_err(|error| match error {
            WarehouseError::Build(BuildError::Statement { number, message }) => match statements.get(number) {
                Some(statement) => failed(statement, engine_message::cause(&message).into()),
                None => WarehouseError::from(BuildError::Statement { number, message }).into(),
            },
            error => error.into(),
        })
    }

    /// What `before_all` and `after_all` of a tree's settings call and will not see: told where the tree is read, be it
    /// long before they are run.
    pub(super) fn unseen_calls(
        &self,
        settings: &Config,
        sight: &Sight,
        files: &Files,
    ) -> Result<Vec<Diagnostic>, Error> {
        let Some((path, text)) = self.settings_in(files)? else { return Ok(Vec::new()) };
        let text = text.as_str().into();
        let mut problems = Vec::new();
        let both = [("before_all", &settings.before_all), ("after_all", &settings.after_all)];
        for (key, statement) in both.iter().flat_map(|(key, all)| all.iter().map(move |one| (key, one))) {
            for name in other_calls(&statement.text) {
                let why = match (sight.macros.python(&name), sight.macros.get(&name)) {
                    (Some(python), _) => {
                        format!("a macro of {}:{}, which only models, audits and tests see", python.path, python.line)
                    }
                    (None, Some(own)) => format!("a macro of {}, which only models, audits and tests see", own.path),
                    (None, None) => "and there is no such macro".to_owned(),
                };
                let what = format!("`{key}` calls `@{name}`, {why}");
                let help = "write out what it is to give: here are variables and the built-in macros".to_owned();
                let problem = Problem { what, span: statement.span.clone(), help: Some(help) };
                problems.push(problem.in_file(path, &text));
            }
        }
        Ok(problems)
    }

    /// What the statements can see of an environment.
    fn named(&self, stage: &str, prepared: &Prepared) -> Variables {
        let environment = &prepared.target.environment;
        let shown = prepared.desired.project.models().filter(|model| model.kind != Kind::Embedded);
        let views: Vec<TableName> = shown.map(|model| model.name.view(environment, self.config.pattern)).collect();
        let mut schemas: Vec<&str> = views.iter().map(|view| view.schema.as_str()).collect();
        schemas.sort_unstable();
        schemas.dedup();
        let names = |items: Vec<String>| Value::List(items.into_iter().map(Value::Sql).collect());
        [
            ("runtime_stage", Value::Text(stage.to_owned())),
            ("this_env", Value::Text(environment.to_string())),
            ("schemas", names(schemas.into_iter().map(str::to_owned).collect())),
            ("views", names(views.iter().map(TableName::to_string).collect())),
        ]
        .into_iter()
        .collect()
    }
}

/// What the `before_all` of settings leaves behind for models, as it does it for prod.
fn made_by(config: &Config) -> Vec<Made> {
    let made =
        |(statement, run): (&Statement, Option<String>)| Made::by(&statement.text, &config.variables, run.as_deref());
    config.before_all.iter().zip(run_by(config)).map(made).collect()
}

/// The text of each as it is run for prod; none where its macros can't be expanded.
fn run_by(config: &Config) -> Vec<Option<String>> {
    let sight = Sight::of_settings(config);
    let named = [("runtime_stage", "before_all"), ("this_env", PROD)];
    let mut named: Variables = named.into_iter().map(|(name, value)| (name, Value::Text(value.to_owned()))).collect();
    named.set("schemas", Value::List(Vec::new()));
    named.set("views", Value::List(Vec::new()));
    let expand = |text: &str| sight.expand_text(text, &Locals::new(), &named, &Times::LOADING).ok();
    config.before_all.iter().map(|statement| Some(expand(&statement.text)?.text)).collect()
}
