//! A unit test made ready: tables of the given rows, and the model's query over them, at the test's time.

use std::collections::BTreeMap;

use super::error::Error;
use super::fixture_types::Built;
use super::loader::Loader;
use super::tree::Tree;
use super::unit_tests::beside;
use crate::adapter::engine::{Check, Trial, scratch};
use crate::domain::config;
use crate::domain::diagnostic::{Diagnostic, Problem, nearest};
use crate::domain::engine_kind::EngineKind;
use crate::domain::interval::{Interval, Moment, Times};
use crate::domain::macros;
use crate::domain::model::{Kind, When};
use crate::domain::name::{ModelName, TableName, quote};
use crate::domain::project::Model;
use crate::domain::sql;
use crate::domain::sql::policy::{self, Refusal, Text};
use crate::domain::unit_test::{self, Data, Expected, Input, Row, UnitTest, Vars};

/// The tables of the given rows.
pub(super) type Given = BTreeMap<ModelName, TableName>;

impl Loader {
    /// Makes a test ready. An error without a place is the test's.
    pub(super) fn trial(&self, tree: &Tree, test: &UnitTest, path: &str, built: Built<'_>) -> Result<Trial, Error> {
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
                changed = tree.with_variables(variables(&test.vars)?);
                &changed
            }
        };
        let times = times(&test.vars).map_err(wrong)?;
        // as a run's clock would show it, if the test doesn't say
        let now = if test.vars.execution_time.is_some() { times.execution } else { self.timing.now };
        let clock = Times { execution: now, ..times };
        let mut tables = Vec::new();
        let mut given = Given::new();
        for input in &test.inputs {
            let parent = tree.project.model(&input.model);
            let select = match self.data(tree, &input.data, path)? {
                Data::Query(query) => self.own_query(query, &given, &clock, &[])?,
                Data::Rows(rows) => self.rows_of(tree, (input, parent), &rows, built)?,
                Data::CsvFile(..) | Data::YamlFile(_) => continue,
            };
            let table = place(self.referee.engine(), parent, &input.model);
            given.insert(input.model.clone(), table.clone());
            tables.push((table, select));
        }
        if let Some(lacking) = lacking(tree, model, &given) {
            let what = format!("test `{}` gives no rows of `{lacking}`, which `{}` reads", test.name, model.name);
            let help = format!("inputs:\n  {lacking}:\n  - …   # or [] for none");
            return Err(Error::Project(vec![Diagnostic::new(what).help(help)]));
        }
        let table = |name: &ModelName| given.get(name).cloned();
        let select = self.select_at(tree, model, &times, &table)?;
        let select = redirected(self.referee.engine(), select.unwrap_or_default(), &given);
        let setup = self.around_at(tree, model, &times, &model.table(), &table)?.without_table();
        let columns: Vec<String> = tables.iter().flat_map(|(_, select)| unit_test::names_in(select)).collect();
        let select = unit_test::freeze(&select, &clock, &columns);
        let expected = |expected: &Expected| -> Result<Expected, Error> {
            let data = match self.data(tree, &expected.data, path)? {
                Data::Query(query) => Data::Query(self.own_query(query, &given, &clock, &columns)?),
                data => data,
            };
            Ok(Expected { data, ..expected.clone() })
        };
        let mut checks = Vec::new();
        for (name, rows) in &test.ctes {
            let select = cte_of(model, &select, name)?;
            checks.push(Check { what: name.clone(), select, expected: expected(rows)? });
        }
        if let Some(rows) = &test.query {
            checks.push(Check { what: "query".to_owned(), select, expected: expected(rows)? });
        }
        Ok(Trial { macros: self.macros_before()?, tables, setup, checks })
    }

    /// A test's own query, which reads nothing but the rows that the test gives: where it is run in the warehouse, what else it
    /// named would be real. Its clock stands still.
    fn own_query(&self, query: String, given: &Given, clock: &Times, columns: &[String]) -> Result<String, Error> {
        if !self.referee.engine().has_given_elsewhere() {
            return Ok(unit_test::freeze(&query, clock, columns));
        }
        let reads = sql::analyse_for(self.referee.engine(), &query)
            .by_its_words(self.referee.engine(), &query)
            .reads
            .unwrap_or_default();
        match reads.iter().find(|read| given_as(&read.parts, given).is_none()) {
            Some(read) => Err(wrong(format!(
                "a query of the test reads `{}`, of which the test gives no rows before it",
                read.parts.join(".")
            ))),
            None => Ok(unit_test::freeze(&redirect(self.referee.engine(), &query, given), clock, columns)),
        }
    }

    /// The query that gives the rows of an input.
    fn rows_of(
        &self,
        tree: &Tree,
        (input, parent): (&Input, Option<&Model>),
        rows: &[Row],
        built: Built<'_>,
    ) -> Result<String, Error> {
        if let Some(wrong) = wrong_type(self.referee.engine(), input).or_else(|| unknown(parent, rows)) {
            return Err(wrong);
        }
        let types = self.types_of(tree, (&input.model, parent), &input.columns, rows, built);
        if let Some((column, value, kind)) = unit_test::cut_short(self.referee.engine(), rows, &types) {
            let what = format!("rows of `{}` are given {value} in `{column}`, which is {kind}", input.model);
            let help = format!("give a value that {kind} holds, or another type in `columns`");
            return Err(Error::Project(vec![Diagnostic::new(what).help(help)]));
        }
        let select = unit_test::fixture(self.referee.engine(), rows, &types);
        select.ok_or_else(|| wrong(format!("the input `{}` has no columns", input.model)))
    }

    /// Rows, with files read: their paths count from the project, or from the test.
    fn data(&self, tree: &Tree, data: &Data, test: &str) -> Result<Data, Error> {
        let text = |path: &str| -> Result<String, Error> {
            let file = tree.files.get(path).or_else(|| tree.files.get(&beside(test, path)));
            let file = file.ok_or_else(|| wrong(format!("`{path}` is not there")))?;
            Ok(self.text(file)?.to_string())
        };
        Ok(match data {
            Data::CsvFile(path, settings) => {
                let rows = unit_test::csv_rows(&text(path)?, settings);
                Data::Rows(rows.map_err(|why| wrong(format!("{path}: {why}")))?)
            }
            Data::YamlFile(path) => {
                let read = unit_test::yaml_rows(&text(path)?);
                let why = |problems: Vec<Problem>| problems.first().map(|problem| problem.what.clone());
                Data::Rows(read.map_err(|found| wrong(format!("{path}: {}", why(found).unwrap_or_default())))?)
            }
            Data::Query(query) => {
                self.admit_over(Text::Test, query, tree).map_err(|Refusal { what, help, .. }| {
                    Error::Project(vec![Diagnostic { help, ..Diagnostic::new(what) }])
                })?;
                Data::Query(query.clone())
            }
            Data::Rows(rows) => Data::Rows(rows.clone()),
        })
    }
}

/// The query of one of a model's common table expressions.
fn cte_of(model: &Model, select: &str, name: &str) -> Result<String, Error> {
    let none = || wrong(format!("`{}` has no common table expressions", model.name));
    let (head, names) = sql::with_clause(select).ok_or_else(none)?;
    if !names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
        let what = format!("`{}` has no common table expression `{name}`", model.name);
        return Err(Error::Project(vec![Diagnostic::new(what).help(format!("it has {}", names.join(", ")))]));
    }
    Ok(format!("{head}\nSELECT * FROM {}", quote(name)))
}

/// The error that the type which a test gives a column is no type.
fn wrong_type(engine: EngineKind, input: &Input) -> Option<Error> {
    let is_type = |kind: &str| match engine {
        EngineKind::DuckDb => sql::lex(kind).is_ok_and(|lexemes| policy::is_type(&lexemes)),
        EngineKind::Postgres => policy::is_type_for_postgres(kind),
        EngineKind::Spark => policy::is_type_for_spark(kind),
    };
    let (column, kind) = input.columns.iter().find(|(_, kind)| !is_type(kind))?;
    let problem = Diagnostic::new(format!("`{kind}` is no type of column `{column}`"));
    Some(Error::Project(vec![problem.help("columns: {id: INT, amount: 'DECIMAL(18, 2)', tags: 'TEXT[]'}")]))
}

/// Where given rows lie: a table that vmesh doesn't manage stands where the query names it.
pub(super) fn place(engine: EngineKind, parent: Option<&Model>, name: &ModelName) -> TableName {
    match parent {
        _ if engine.has_given_elsewhere() => scratch(engine, &TableName::snapshot(name, "given").name),
        Some(_) => TableName { schema: "vmesh_given".to_owned(), name: name.to_string() },
        None => TableName { schema: name.schema().unwrap_or("main").to_owned(), name: name.last().to_owned() },
    }
}

/// A model's query, over the given rows wherever these lie.
pub(super) fn redirected(engine: EngineKind, select: String, given: &Given) -> String {
    if engine.has_given_elsewhere() { redirect(engine, &select, given) } else { select }
}

/// A query that reads the given rows in place of tables that vmesh doesn't manage.
fn redirect(engine: EngineKind, select: &str, given: &Given) -> String {
    let table = |read: &sql::Read| given_as(&read.parts, given).map(TableName::quoted);
    sql::splice(select, &sql::analyse_for(engine, select).by_its_words(engine, select), &table)
}

/// The given rows that a query means by a name: one with capital letters in quotes is another there.
fn given_as<'g>(parts: &[String], given: &'g Given) -> Option<&'g TableName> {
    let is_lower = |part: &String| !part.bytes().any(|byte| byte.is_ascii_uppercase());
    given.get(&ModelName::from_parts(parts).filter(|_| parts.iter().all(is_lower))?)
}

fn wrong(what: String) -> Error {
    Error::Project(vec![Diagnostic::new(what)])
}

/// That rows are given of a column which the model surely doesn't have.
fn unknown(parent: Option<&Model>, rows: &[Row]) -> Option<Error> {
    let (parent, columns) = parent.and_then(|parent| Some((parent, parent.columns.as_ref()?)))?;
    let is_unknown = |name: &&String| !columns.iter().any(|known| known.eq_ignore_ascii_case(name));
    let name = rows.iter().flatten().map(|(name, _)| name).find(is_unknown)?;
    let problem =
        Diagnostic::new(format!("rows of `{}` are given a column `{name}`, which it does not have", parent.name));
    let known = || columns.iter().map(String::as_str);
    Some(Error::Project(vec![problem.help(match nearest(name, known()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("it has {}", known().collect::<Vec<_>>().join(", ")),
    })]))
}

/// A parent whose rows the test doesn't give; those of embedded models are computed from their own.
pub(super) fn lacking(tree: &Tree, model: &Model, given: &Given) -> Option<String> {
    let of_model = |name: &ModelName| match tree.project.model(name) {
        _ if given.contains_key(name) => None,
        Some(parent) if parent.kind == Kind::Embedded => lacking(tree, parent, given),
        _ => Some(name.to_string()),
    };
    let statements = model.file.statements.iter().zip(&model.statement_reads);
    let before = statements.filter(|(statement, _)| statement.when == When::Before).flat_map(|(_, reads)| reads);
    if let Some(name) = before.flatten().find_map(of_model) {
        return Some(name);
    }
    let reads = model.file.query.iter().flat_map(|query| query.reads.iter().flatten());
    reads.zip(&model.reads).find_map(|(read, parent)| match parent {
        Some(name) => of_model(name),
        None if model.file.is_temporary(&read.parts) => None,
        None => {
            let parts = &read.parts[read.parts.len().saturating_sub(2)..];
            let is_given = ModelName::from_parts(parts).is_some_and(|name| given.contains_key(&name));
            (!is_given).then(|| read.parts.join("."))
        }
    })
}

/// The times that a test's variables say; without any, those that files are read with.
fn times(vars: &Vars) -> Result<Times, String> {
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

/// A test's other variables.
fn variables(vars: &Vars) -> Result<Vec<(&str, macros::Value)>, Error> {
    let read = vars.others.iter().map(|(name, value)| match config::variable(value) {
        Some(value) => Ok((name.as_str(), value)),
        None => Err(wrong(format!("the variable `{name}` is too large a number"))),
    });
    read.collect()
}
