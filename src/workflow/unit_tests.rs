//! Unit tests of models: read from the project's files, run in memory, several at a time.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::error::Error;
use super::session::Session;
use super::tree::{TESTS, Tree};
use crate::adapter::warehouse::{Check, Difference, Trial, WarehouseError};
use crate::domain::diagnostic::Diagnostic;
use crate::domain::engine_message;
use crate::domain::interval::{Interval, Moment, Times};
use crate::domain::macros;
use crate::domain::model::{Kind, Problem, When};
use crate::domain::name::{ModelName, TableName};
use crate::domain::project::Model;
use crate::domain::sql;
use crate::domain::unit_test::{self, Data, Expected, Row, UnitTest, Value};

/// A test, and what came of it.
#[derive(Debug)]
pub struct Tested {
    /// Its name.
    pub name: String,
    /// Its file.
    pub path: String,
    /// The model.
    pub model: ModelName,
    /// What differs; nothing is a pass.
    pub outcome: Result<Vec<Difference>, String>,
}

impl Tested {
    /// Whether everything was as expected.
    pub fn is_passed(&self) -> bool {
        self.outcome.as_ref().is_ok_and(Vec::is_empty)
    }
}

/// A test that is ready to be run, or why it isn't.
struct Prepared {
    name: String,
    path: String,
    model: ModelName,
    trial: Result<Trial, Diagnostic>,
}

impl Session<'_> {
    /// Runs the tests of a tree that are `wanted`, by their name, file and model.
    pub fn test(&self, tree: &Tree, wanted: &dyn Fn(&str, &str, &ModelName) -> bool) -> Result<Vec<Tested>, Error> {
        let mut prepared = Vec::new();
        let mut problems = Vec::new();
        for (path, text) in self.test_files(tree)? {
            match unit_test::parse(&path, &text) {
                Err(mut found) => problems.append(&mut found),
                Ok(tests) => {
                    for test in tests.into_iter().filter(|test| wanted(&test.name, &path, &test.model)) {
                        let trial = match self.trial(tree, &test, &path) {
                            Ok(trial) => Ok(trial),
                            Err(Error::Project(mut found)) if !found.is_empty() => Err(found.remove(0)),
                            Err(error) => return Err(error),
                        };
                        let trial = trial.map_err(|problem| match problem.at {
                            Some(_) => problem,
                            None => in_file(problem, &test, &path, &text),
                        });
                        prepared.push(Prepared { name: test.name, path: path.clone(), model: test.model, trial });
                    }
                }
            }
        }
        let mut trials = Vec::new();
        for one in prepared {
            match one.trial {
                Ok(trial) => trials.push((one.name, one.path, one.model, trial)),
                Err(problem) => problems.push(problem),
            }
        }
        if !problems.is_empty() {
            return Err(Error::Project(self.in_repository(problems)));
        }
        Ok(run_all(trials))
    }

    /// Runs the tests of some models; an error if one fails.
    pub(super) fn test_first(&self, tree: &Tree, models: &[ModelName]) -> Result<(), Error> {
        if models.is_empty() || self.test_files(tree)?.is_empty() {
            return Ok(());
        }
        let tested = self.test(tree, &|_, _, model| models.contains(model))?;
        if tested.iter().all(Tested::is_passed) { Ok(()) } else { Err(Error::Tests(tested)) }
    }

    pub(super) fn test_files(&self, tree: &Tree) -> Result<Vec<(String, String)>, Error> {
        let is_test = |path: &str| {
            path.strip_prefix(TESTS).is_some_and(|rest| rest.starts_with('/'))
                && (path.ends_with(".yaml") || path.ends_with(".yml"))
        };
        let paths: Vec<String> = tree.files.paths().filter(|path| is_test(path)).map(str::to_owned).collect();
        let text = |path: String| {
            let text = tree.files.get(&path).map(|file| self.text(file)).transpose()?;
            Ok((path, text.map(|text| text.to_string()).unwrap_or_default()))
        };
        paths.into_iter().map(text).collect()
    }

    fn trial(&self, tree: &Tree, test: &UnitTest, path: &str) -> Result<Trial, Error> {
        let wrong = |what: String| Error::Project(vec![Diagnostic::new(what)]);
        let Some(model) = tree.project.model(&test.model) else {
            return Err(wrong(format!("`{}` is no model", test.model)));
        };
        if model.file.query.is_none() {
            return Err(wrong(format!("`{}` is a seed: it has no query to test", test.model)));
        }
        let changed;
        let tree = match test.vars.others.is_empty() {
            true => tree,
            false => {
                changed = tree.with_variables(
                    test.vars
                        .others
                        .iter()
                        .filter_map(|(name, value)| variable(value).map(|value| (name.as_str(), value))),
                );
                &changed
            }
        };
        let place = |name: &ModelName| TableName { schema: "vmesh_given".to_owned(), name: name.to_string() };
        let mut tables = Vec::new();
        let mut given = BTreeMap::new();
        for input in &test.inputs {
            let parent = tree.project.model(&input.model);
            let types = match (input.columns.is_empty(), parent) {
                (true, Some(parent)) => known_types(parent, &input.columns),
                _ => input.columns.clone(),
            };
            let select = match self.data(tree, &input.data, path)? {
                Data::Query(query) => query,
                Data::Rows(rows) => unit_test::fixture(&rows, &with_all(parent, &rows, types))
                    .ok_or_else(|| wrong(format!("the input `{}` has no columns", input.model)))?,
                Data::CsvFile(..) | Data::YamlFile(_) => continue,
            };
            // a table that vmesh doesn't manage stands where the query names it
            let table = match (parent, input.model.schema()) {
                (None, schema) => {
                    TableName { schema: schema.unwrap_or("main").to_owned(), name: input.model.last().to_owned() }
                }
                (Some(_), _) => place(&input.model),
            };
            given.insert(input.model.clone(), table.clone());
            tables.push((table, select));
        }
        if let Some(lacking) = self.lacking(tree, model, &given) {
            return Err(wrong(format!(
                "test `{}` gives no rows of `{lacking}`, which `{}` reads",
                test.name, model.name
            )));
        }
        let times = times(&test.vars).map_err(wrong)?;
        let table = |name: &ModelName| given.get(name).cloned();
        let select = self.select_at(tree, model, &times, &table)?.unwrap_or_default();
        let setup = self.around_at(tree, model, &times, &model.table(), &table)?.without_table();
        let mut checks = Vec::new();
        for (name, expected) in &test.ctes {
            let head = sql::with_clause(&select)
                .ok_or_else(|| wrong(format!("`{}` has no common table expressions", model.name)))?;
            let select = format!("{head}\nSELECT * FROM {}", crate::domain::name::quote(name));
            checks.push(Check { what: name.clone(), select, expected: self.expected(tree, expected, path)? });
        }
        if let Some(expected) = &test.query {
            checks.push(Check { what: "query".to_owned(), select, expected: self.expected(tree, expected, path)? });
        }
        Ok(Trial { tables, setup, checks })
    }

    fn expected(&self, tree: &Tree, expected: &Expected, path: &str) -> Result<Expected, Error> {
        Ok(Expected { data: self.data(tree, &expected.data, path)?, ..expected.clone() })
    }

    /// Rows, with files read: their paths count from the project, or from the test.
    fn data(&self, tree: &Tree, data: &Data, test: &str) -> Result<Data, Error> {
        let wrong = |what: String| Error::Project(vec![Diagnostic::new(what)]);
        let text = |path: &str| -> Result<String, Error> {
            let folder = test.rsplit_once('/').map_or("", |(folder, _)| folder);
            let beside = format!("{folder}/{path}");
            let file = tree.files.get(path).or_else(|| tree.files.get(&beside));
            let file = file.ok_or_else(|| wrong(format!("`{path}` is not there")))?;
            Ok(self.text(file)?.to_string())
        };
        Ok(match data {
            Data::CsvFile(path, settings) => {
                Data::Rows(unit_test::csv_rows(&text(path)?, settings).map_err(|why| wrong(format!("{path}: {why}")))?)
            }
            Data::YamlFile(path) => {
                let read = unit_test::yaml_rows(&text(path)?);
                let why = |problems: Vec<Problem>| problems.first().map(|problem| problem.what.clone());
                Data::Rows(read.map_err(|found| wrong(format!("{path}: {}", why(found).unwrap_or_default())))?)
            }
            other => other.clone(),
        })
    }

    /// A parent whose rows the test doesn't give; those of embedded models are computed from their own.
    fn lacking(&self, tree: &Tree, model: &Model, given: &BTreeMap<ModelName, TableName>) -> Option<ModelName> {
        let needed = model.file.statements.iter().zip(&model.statement_reads);
        let needed = needed.filter(|(statement, _)| statement.when == When::Before).flat_map(|(_, reads)| reads);
        model.reads.iter().chain(needed).flatten().find_map(|name| {
            if given.contains_key(name) {
                return None;
            }
            let parent = tree.project.model(name)?;
            if parent.kind == Kind::Embedded { self.lacking(tree, parent, given) } else { Some(name.clone()) }
        })
    }
}

/// The problem, at the test's name.
fn in_file(problem: Diagnostic, test: &UnitTest, path: &str, text: &str) -> Diagnostic {
    let placed = Problem { what: problem.what, span: test.span.clone(), help: problem.help };
    placed.in_file(path, &text.into())
}

/// Runs trials on all processors.
fn run_all(trials: Vec<(String, String, ModelName, Trial)>) -> Vec<Tested> {
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, Tested)>> = Mutex::new(Vec::new());
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..processors.min(trials.len()) {
            scope.spawn(|| {
                while let Some((at, (name, path, model, trial))) =
                    Some(next.fetch_add(1, Ordering::SeqCst)).and_then(|at| Some((at, trials.get(at)?)))
                {
                    let outcome = trial.run().map_err(|error| match error {
                        WarehouseError::Engine { message, .. } => engine_message::headline(&message),
                        other => other.to_string(),
                    });
                    let tested = Tested { name: name.clone(), path: path.clone(), model: model.clone(), outcome };
                    if let Ok(mut done) = done.lock() {
                        done.push((at, tested));
                    }
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_default();
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, tested)| tested).collect()
}

/// The declared types of a model's columns.
fn known_types(parent: &Model, given: &[(String, String)]) -> Vec<(String, String)> {
    if given.is_empty() { parent.file.columns.clone() } else { given.to_vec() }
}

/// The types, with every column of the parent that neither they nor the rows name: those are NULL.
fn with_all(parent: Option<&Model>, rows: &[Row], mut types: Vec<(String, String)>) -> Vec<(String, String)> {
    let named = unit_test::columns_of(rows);
    let columns = parent.and_then(|parent| parent.columns.clone()).unwrap_or_default();
    for column in columns {
        let is_there = |name: &String| name.eq_ignore_ascii_case(&column);
        if !named.iter().any(is_there) && !types.iter().any(|(name, _)| is_there(name)) {
            types.push((column, "VARCHAR".to_owned()));
        }
    }
    types
}

/// The times that a test's variables say; without any, those that files are read with.
fn times(vars: &unit_test::Vars) -> Result<Times, String> {
    let loading = Times::LOADING;
    let read = |text: &Option<String>, end: bool| -> Result<Option<Moment>, String> {
        let read = if end { Moment::read_end } else { Moment::read };
        text.as_ref().map(|text| read(text, Moment::EPOCH)).transpose().map_err(|error| error.to_string())
    };
    let start = read(&vars.start, false)?.unwrap_or_else(|| loading.interval.start());
    let end = read(&vars.end, true)?.unwrap_or_else(|| loading.interval.end());
    let interval = Interval::new(start, end).ok_or_else(|| "the test's start is not before its end".to_owned())?;
    Ok(Times { interval, execution: read(&vars.execution_time, false)?.unwrap_or(loading.execution) })
}

fn variable(value: &Value) -> Option<macros::Value> {
    Some(match value {
        Value::Null => macros::Value::Null,
        Value::Bool(yes) => macros::Value::Bool(*yes),
        Value::Int(number) => macros::Value::Int(i64::try_from(*number).ok()?),
        Value::Float(text) => macros::Value::Float(text.parse().ok()?),
        Value::Time(text) | Value::Text(text) => macros::Value::Text(text.clone()),
        Value::List(values) => macros::Value::List(values.iter().map(variable).collect::<Option<_>>()?),
        Value::Map(_) => return None,
    })
}
