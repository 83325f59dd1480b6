//! Reading: a query with model names resolved in an environment, and the SQL that a model would run.

use std::collections::BTreeMap;

use super::error::{BranchError, Error};
use super::planning::Prepared;
use super::revision::Revision;
use super::select_models::model_named;
use super::session::Session;
use super::workspace::Workspace;
use crate::adapter::engine::{ExportFormat, Rows, Warehouse, WarehouseError};
use crate::domain::diagnostic::nearest;
use crate::domain::engine_message;
use crate::domain::environment::{Scope, State};
use crate::domain::interval::Interval;
use crate::domain::model::Run;
use crate::domain::name::ModelName;
use crate::domain::project;
use crate::domain::sql;
use crate::domain::sql::policy::Text;

impl Session<'_> {
    /// Runs a query; rows come as text, at most `limit` of them.
    pub fn query(&self, text: &str, environment: Option<&str>, limit: Option<usize>) -> Result<Rows, Error> {
        self.with_resolved(text, environment, |warehouse, sql| warehouse.rows("running the query", sql, limit))
    }

    /// Runs a query and has the engine write its rows in a format.
    pub fn export(&self, text: &str, environment: Option<&str>, format: ExportFormat) -> Result<Vec<u8>, Error> {
        self.with_resolved(text, environment, |warehouse, sql| warehouse.export(sql, format))
    }

    /// The query that a model of the target's tree runs for the last span that is due, or for the one that the session is
    /// limited to, with the physical tables it reads.
    pub fn render(&self, prepared: &Prepared, typed: &str) -> Result<String, Error> {
        let project = &prepared.desired.project;
        let name = model_named(typed, self.config.catalog(), project.models().map(|model| &model.name))?;
        let state = self.state_of(&prepared.target.environment)?;
        let plan = prepared.plan(self, &state)?;
        let tables = plan.tables();
        let table = |name: &ModelName| tables.get(name).cloned();
        let Some(model) = project.model(&name) else { return Ok(String::new()) };
        let timing = &prepared.target.timing;
        let limits = timing.start.map(|start| (start, timing.end.unwrap_or(timing.now)));
        let span = match &model.calendar {
            Some(calendar) => calendar.latest(timing),
            None => limits.and_then(|(start, end)| Interval::new(start, end)),
        };
        let times = self.times(model, span, timing);
        let query = match self.select_at(&prepared.desired, model, &times, &table)? {
            Some(select) => project::plainly_cast(&select, &model.file.columns),
            None => format!("-- the rows of {}", model.seed.as_ref().map_or("a CSV file", |seed| &seed.path)),
        };
        let own = table(&name).unwrap_or_else(|| model.table());
        let around = self.around_at(&prepared.desired, model, &times, &own, &table)?;
        if around.is_empty() {
            return Ok(query);
        }
        let runs = |runs: Vec<Run>| runs.into_iter().map(|run| run.sql);
        let all: Vec<String> = runs(around.before).chain([query]).chain(runs(around.after)).collect();
        Ok(all.join(";\n\n"))
    }

    fn with_resolved<T>(
        &self,
        text: &str,
        environment: Option<&str>,
        run: impl FnOnce(&dyn Warehouse, &str) -> Result<T, WarehouseError>,
    ) -> Result<T, Error> {
        let query = self
            .referee
            .admit(Text::Person, text, sql::analyse(text))
            .map_err(|refusal| Error::Query { message: refusal.what, help: refusal.help })?;
        let state = self.state_read(environment, &query)?;
        let shown = self.shown(environment, &state)?;
        let resolved = self.resolve_names(text, &query, &shown, &state)?;
        let Some(warehouse) = self.read_warehouse()? else {
            return Err(BranchError::NotPlanned { environment: self.config.environment(&self.config.main) }.into());
        };
        run(&*warehouse, &resolved).map_err(|error| match error {
            WarehouseError::Engine { message, .. } => {
                let help = self.hint(environment, &message, &query).or_else(|| engine_message::advice(&message));
                Error::Query { help, message: engine_message::renumber(&message, 1) }
            }
            other => other.into(),
        })
    }

    /// The state that tells what a query reads: little of it, where it is an environment that is asked.
    fn state_read(&self, environment: Option<&str>, query: &sql::Query) -> Result<State, Error> {
        let reads = query.reads.iter().flatten();
        let models = reads.flat_map(|read| project::meant(&read.parts, self.config.catalog())).collect();
        let and = self.environments_named(&[environment])?;
        let state = self.state_within(&Scope::Models { and, models })?;
        match self.environment_meant(environment, &state)? {
            Some(_) => Ok(state),
            None => self.state_shown(&[environment]),
        }
    }
}

impl Workspace {
    /// The query with models replaced by the tables that the environment shows. What only prod shows is no table of this
    /// environment.
    fn resolve_names(&self, text: &str, query: &sql::Query, shown: &Revision, state: &State) -> Result<String, Error> {
        let known = |names: &BTreeMap<ModelName, _>, read: &sql::Read| {
            let meant = project::meant(&read.parts, self.config.catalog());
            meant.into_iter().find(|name| names.contains_key(name))
        };
        for read in query.reads.iter().flatten() {
            let refused = |message, help: &str| Err(Error::Query { message, help: Some(help.to_owned()) });
            if let Some(name) = known(&shown.pointers, read) {
                if shown.table(state, &name).is_none() {
                    let help = match shown.branch {
                        Some(_) => "vmesh plan",
                        None => "vmesh check --at builds what a commit lacks, and asks it",
                    };
                    return refused(format!("`{name}` is not built in `{}`", shown.label), help);
                }
            } else if let Some(name) = state.prod().and_then(|prod| known(&prod.pointers, read)) {
                let message = format!("`{}` has no model `{name}`, which prod shows", shown.label);
                return refused(message, "--env prod asks for it there");
            }
        }
        let table = |read: &sql::Read| Some(shown.table(state, &known(&shown.pointers, read)?)?.table.quoted());
        Ok(sql::splice(text, query, &table))
    }
}

impl Session<'_> {
    /// For a table that isn't there: the model that may be meant.
    fn hint(&self, environment: Option<&str>, message: &str, query: &sql::Query) -> Option<String> {
        let headline = engine_message::headline(message);
        let (_, rest) = headline.split_once("Table with name ")?;
        let typed = rest.split(" does not exist").next()?.trim();
        // the engine leaves the schema out
        let is_it = |read: &&sql::Read| read.parts.last().is_some_and(|last| last.eq_ignore_ascii_case(typed));
        let read = query.reads.iter().flatten().find(is_it);
        let whole = read.map_or_else(|| typed.to_owned(), |read| read.parts.join("."));
        let shown = self.shown(environment, &self.state_shown(&[environment]).ok()?).ok()?;
        let models: Vec<String> = shown.pointers.keys().map(ToString::to_string).collect();
        let by_last = shown.pointers.keys().find(|model| model.last().eq_ignore_ascii_case(typed));
        let near = by_last.map(ToString::to_string);
        let near = near.or_else(|| nearest(&whole, models.iter().map(String::as_str)).map(str::to_owned))?;
        Some(format!("did you mean `{near}`?"))
    }
}
