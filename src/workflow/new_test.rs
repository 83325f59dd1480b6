//! A new unit test, from rows that are there: some of each parent, and what the model makes of exactly these.

use std::path::Path;

use super::error::{Error, io};
use super::loader::Loader;
use super::select_models::model_named;
use super::session::Session;
use super::tree::{TESTS, Tree};
use super::unit_tests::is_test;
use super::workspace::Workspace;
use crate::adapter::engine::{Rows, WarehouseError};
use crate::domain::diagnostic::Diagnostic;
use crate::domain::engine_message;
use crate::domain::interval::{Interval, Moment, Times};
use crate::domain::model::Kind;
use crate::domain::name::{ModelName, quote};
use crate::domain::project::Model;
use crate::domain::sql;
use crate::domain::unit_test::{self, NewInput, NewTest, Row, Value, value_of};

/// What the test shall be.
#[derive(Debug, Default)]
pub struct Wish<'a> {
    /// The model, as typed.
    pub model: &'a str,
    /// Queries for the rows of parents, as typed.
    pub queries: Vec<(&'a str, &'a str)>,
    /// Values of variables.
    pub vars: Vec<(&'a str, &'a str)>,
    /// The test's name.
    pub name: Option<&'a str>,
    /// The file, told from the project's folder.
    pub path: Option<&'a str>,
    /// Whether the rows of common table expressions are expected, too.
    pub ctes: bool,
}

/// A test that was written.
#[derive(Debug)]
pub struct Written {
    /// Its name.
    pub name: String,
    /// Its file, told from the project's folder.
    pub path: String,
    /// Whether the file was there before, with other tests.
    pub added: bool,
    /// The parents, and how many rows of each it gives.
    pub inputs: Vec<(String, usize)>,
    /// How many rows it expects.
    pub rows: usize,
}

impl Wish<'_> {
    fn test_name(&self, model: &ModelName) -> String {
        self.name.map_or_else(|| format!("test_{}", model.last()), str::to_owned)
    }
}

/// How many rows of a parent are taken, unless a query says which.
const ROWS: usize = 10;

impl Session<'_> {
    /// Writes a test of a model from the rows of the current branch's environment. It passes as it is; no test that is
    /// there is changed.
    pub fn create_test(&self, tree: &Tree, wish: &Wish<'_>) -> Result<Written, Error> {
        let project = &tree.project;
        let name = model_named(wish.model, self.config.catalog(), project.models().map(|model| &model.name))?;
        let Some(model) = project.model(&name).filter(|model| model.file.query.is_some()) else {
            return Err(failed(format!("`{name}` is a seed: it has no query to test")));
        };
        let (path, before) = self.place_of_test(tree, wish, &name, &wish.test_name(&name))?;
        let parents = parents(tree, model);
        if let Some((other, _)) = wish.queries.iter().find(|(other, _)| !parents.iter().any(|name| same(name, other))) {
            let help = format!("it reads {}", parents.join(", "));
            return Err(Error::Query { message: format!("`{name}` does not read `{other}`"), help: Some(help) });
        }
        // the first rows; where they give none, as those of another time, the last
        let mut new = self.filled_test(tree, model, wish, false, &path)?;
        if new.query.is_empty() && !parents.is_empty() {
            new = self.filled_test(tree, model, wish, true, &path)?;
        }
        let text = match &before {
            Some(before) => format!("{}\n\n{}", before.trim_end(), new.to_yaml()),
            None => new.to_yaml(),
        };
        self.write_in_project(&path, &text)?;
        Ok(Written {
            path,
            added: before.is_some(),
            inputs: new.inputs.iter().map(|input| (input.model.clone(), input.rows.len())).collect(),
            rows: new.query.len(),
            name: new.name,
        })
    }

    /// A test with rows of the parents, the first or the last ones, and what the model makes of them.
    fn filled_test(
        &self,
        tree: &Tree,
        model: &Model,
        wish: &Wish<'_>,
        is_last: bool,
        path: &str,
    ) -> Result<NewTest, Error> {
        let mut inputs = Vec::new();
        for parent in parents(tree, model) {
            let wished = wish.queries.iter().find(|(other, _)| same(&parent, other)).map(|(_, query)| *query);
            let rows = self.config.opening.engine.in_order(&quoted(&parent), is_last);
            let read = format!("{rows} LIMIT {ROWS}");
            let rows = self.query(wished.unwrap_or(&read), None, None)?;
            inputs.push(NewInput::new(parent, &rows.columns, values(&rows)));
        }
        let mut new = NewTest {
            name: wish.test_name(&model.name),
            model: model.name.to_string(),
            inputs,
            vars: self.vars_of_test(tree, model, wish)?,
            ..NewTest::default()
        };
        if wish.ctes {
            new.ctes = self.ctes_of(tree, model)?.into_iter().map(|cte| (cte, Vec::new())).collect();
        }
        self.expect_results(tree, &mut new, path)?;
        Ok(new)
    }

    /// The variables that a test must set to be true at any time: the times, for models that ask for them.
    fn vars_of_test(&self, tree: &Tree, model: &Model, wish: &Wish<'_>) -> Result<Vec<(String, Value)>, Error> {
        let given = wish.vars.iter().map(|(name, text)| (name.to_lowercase(), unit_test::plain(text)));
        let mut vars: Vec<(String, Value)> = given.collect();
        let state = self.state_shown(&[None])?;
        let shown = self.shown(None, &state)?;
        let filled = shown.table(&state, &model.name).and_then(|snapshot| snapshot.filled.clone());
        let spans = filled.map(|filled| filled.intervals).unwrap_or_default();
        let hull = spans.iter().next().zip(spans.iter().next_back());
        let hull = hull.and_then(|(first, last)| Interval::new(first.start(), last.end()));
        let times = self.times(model, hull, &self.timing);
        let mut add = |name: &str, moment: Moment| {
            if !vars.iter().any(|(other, _)| other == name) {
                vars.push((name.to_owned(), Value::Text(clock(moment))));
            }
        };
        if model.file.timely {
            add("start", times.interval.start());
            add("end", times.interval.end());
        }
        let select = self.select_at(tree, model, &Times::LOADING, &|_| None)?.unwrap_or_default();
        if model.file.timely || unit_test::asks_the_time(&select) {
            // to the second: nobody likes to read more
            let micros = times.execution.micros();
            add("execution_time", Moment::from_micros(micros - micros.rem_euclid(1_000_000)));
        }
        Ok(vars)
    }

    /// Runs the model over the test's rows and expects what comes of it; then runs the test as it is written.
    fn expect_results(&self, tree: &Tree, new: &mut NewTest, path: &str) -> Result<(), Error> {
        let trial = |new: &NewTest| {
            let tests = unit_test::parse(path, &new.to_yaml()).map_err(Error::Project)?;
            let test = tests.first().ok_or_else(|| failed("the test is empty".to_owned()))?;
            self.trial(tree, test, path, &|_| None)
        };
        let engine = |error: WarehouseError| match error {
            WarehouseError::Engine { message, .. } => Error::Query {
                help: engine_message::advice(&message),
                message: format!("`{}` does not run on these rows\n{}", new.model, engine_message::cause(&message)),
            },
            error => error.into(),
        };
        let results = self.engine.results(&trial(new)?, &self.location).map_err(engine)?;
        let mut results = results.iter().map(values);
        for (_, rows) in &mut new.ctes {
            *rows = results.next().unwrap_or_default();
        }
        new.query = results.next().unwrap_or_default();
        let differences = self.engine.test(&trial(new)?, &self.location)?;
        if differences.is_empty() {
            return Ok(());
        }
        let message = format!("`{}` gives other rows each time it is run over the same ones", new.model);
        let help = "make it deterministic, or write a test with `partial: true` by hand".to_owned();
        Err(Error::Query { message, help: Some(help) })
    }
}

impl Workspace {
    /// The file for a test, and the text that it has so far.
    fn place_of_test(
        &self,
        tree: &Tree,
        wish: &Wish<'_>,
        model: &ModelName,
        name: &str,
    ) -> Result<(String, Option<String>), Error> {
        let path = wish.path.map_or_else(|| format!("{TESTS}/test_{}.yaml", model.last()), str::to_owned);
        let is_below = path.strip_prefix(TESTS).is_some_and(|rest| rest.starts_with('/')) && !path.contains("..");
        if !is_below || !is_test(&path) || !(path.ends_with(".yaml") || path.ends_with(".yml")) {
            return Err(Error::Usage {
                what: format!("{path} would not be read as a test"),
                help: format!("--path {TESTS}/test_{}.yaml", model.last()),
            });
        }
        let Some(text) = tree.files.get(&path).map(|file| self.text(file)).transpose()? else {
            return Ok((path, None));
        };
        let known = unit_test::parse(&path, &text).map_err(|problems| Error::Project(self.in_repository(problems)))?;
        match known.iter().find(|test| test.name == name) {
            Some(_) => Err(Error::Usage {
                what: format!("{path} has a test `{name}` already"),
                help: format!("give the new one another name: --name {name}_2"),
            }),
            None => Ok((path, Some(text.to_string()))),
        }
    }

    fn write_in_project(&self, path: &str, text: &str) -> Result<(), Error> {
        let Some(folder) = &self.folder else {
            return Err(failed("there is no working tree to write to".to_owned()));
        };
        let file = folder.join(path);
        std::fs::create_dir_all(file.parent().unwrap_or(Path::new("."))).map_err(io("create", file.clone()))?;
        std::fs::write(&file, text).map_err(io("write", file))
    }
}

impl Loader {
    fn ctes_of(&self, tree: &Tree, model: &Model) -> Result<Vec<String>, Error> {
        let select = self.select_at(tree, model, &Times::LOADING, &|_| None)?.unwrap_or_default();
        match sql::with_clause(&select) {
            Some((_, names)) => Ok(names),
            None => Err(failed(format!("`{}` has no common table expressions", model.name))),
        }
    }
}

fn failed(what: String) -> Error {
    Error::Project(vec![Diagnostic::new(what)])
}

/// What a model reads, through embedded ones: models, and tables that vmesh doesn't manage.
fn parents(tree: &Tree, model: &Model) -> Vec<String> {
    let mut found = Vec::new();
    let reads = model.file.query.iter().flat_map(|query| query.reads.iter().flatten());
    for (read, parent) in reads.zip(&model.reads) {
        let names = match parent.as_ref().and_then(|name| tree.project.model(name)) {
            Some(parent) if parent.kind == Kind::Embedded => parents(tree, parent),
            Some(parent) => vec![parent.name.to_string()],
            None if model.file.is_temporary(&read.parts) => continue,
            None => vec![read.parts.join(".")],
        };
        for name in names {
            if !found.contains(&name) {
                found.push(name);
            }
        }
    }
    found
}

fn same(name: &str, typed: &str) -> bool {
    name.eq_ignore_ascii_case(typed)
}

fn quoted(name: &str) -> String {
    name.split('.').map(quote).collect::<Vec<_>>().join(".")
}

fn values(rows: &Rows) -> Vec<Row> {
    let row = |row: &Vec<Option<String>>| {
        let cells = rows.columns.iter().zip(row);
        cells.map(|((name, kind), text)| (name.clone(), value_of(text.as_deref(), kind))).collect()
    };
    rows.rows.iter().map(row).collect()
}

/// `2026-01-31 10:00:00`: a time, so that an end is not taken for a whole day.
fn clock(moment: Moment) -> String {
    moment.to_string().replace('T', " ").trim_end_matches('Z').to_owned()
}
