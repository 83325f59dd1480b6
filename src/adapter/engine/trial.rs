//! Unit tests of models, ready to be run, and what they find.

use super::incremental::Filling;
use super::records::{Row, SqlSession};
use super::{Ask, Rows, WarehouseError};
use crate::domain::engine_kind::EngineKind;
use crate::domain::model::{Around, Run};
use crate::domain::name::{TableName, quote};
use crate::domain::unit_test::{Actual, Comparison, Data, Expected, columns_of};

/// How many rows of a difference are shown.
const SHOWN: usize = 10;
const DOING: &str = "running a unit test";

/// A model's unit test, ready to be run.
#[derive(Debug, Clone)]
pub struct Trial {
    /// Statements of main's that make macros.
    pub macros: Vec<String>,
    /// The tables that the queries read, and the query that each is made from.
    pub tables: Vec<(TableName, String)>,
    /// The statements that the model's query needs.
    pub setup: Around,
    /// What is compared.
    pub checks: Vec<Check>,
}

/// A query, and the rows that it must give.
#[derive(Debug, Clone)]
pub struct Check {
    /// What it is: `query`, or the name of a CTE.
    pub what: String,
    /// The query.
    pub select: String,
    /// What it must give: rows or a query, files read already.
    pub expected: Expected,
}

/// How a query's rows differ from those that were expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What was compared.
    pub what: String,
    /// The expected columns that it does not have; if there are any, no rows were compared.
    pub unknown: Vec<String>,
    /// How many expected rows are missing, and some of them, each led by how often.
    pub missing: (u64, Rows),
    /// How many rows nobody expected, and some of them.
    pub unexpected: (u64, Rows),
}

/// A session in which tests make tables that nobody else sees.
pub(super) trait TestBed: Ask {
    /// The engine.
    fn engine(&self) -> EngineKind;

    /// Makes a table of a query's rows, one line before the query.
    fn make(&self, table: &TableName, select: &str) -> Result<(), WarehouseError>;

    /// Runs one of the statements that a model's query needs.
    fn set_up(&self, statement: &Run) -> Result<(), WarehouseError>;
}

impl<S: Filling> TestBed for S {
    fn engine(&self) -> EngineKind {
        self.caps().engine
    }

    fn make(&self, table: &TableName, select: &str) -> Result<(), WarehouseError> {
        let is_temporary = table.schema == self.engine().temporary();
        if !is_temporary {
            SqlSession::run(self, DOING, &format!("CREATE SCHEMA IF NOT EXISTS {}", quote(&table.schema)))?;
        }
        let temporary = if is_temporary { "TEMP " } else { "" };
        self.run_one(DOING, &format!("CREATE {temporary}TABLE {} AS\n{select}", table.quoted()))
    }

    fn set_up(&self, statement: &Run) -> Result<(), WarehouseError> {
        self.run_statement(DOING, statement)
    }
}

impl Trial {
    /// A query whose rows nobody knows before.
    pub fn of_query(select: String, tables: Vec<(TableName, String)>, setup: Around) -> Self {
        let expected = Expected { span: 0..0, partial: false, data: Data::Rows(Vec::new()) };
        let checks = vec![Check { what: "query".to_owned(), select, expected }];
        Self { macros: Vec::new(), tables, setup, checks }
    }

    /// Runs the test in a session that nobody else sees the tables of; no difference is a pass.
    pub(super) fn run_in(&self, session: &impl TestBed) -> Result<Vec<Difference>, WarehouseError> {
        self.prepare(session)?;
        let mut differences = Vec::new();
        for (number, check) in self.checks.iter().enumerate() {
            let actual = scratch(session.engine(), &format!("vmesh_actual_{number}"));
            session.vet(DOING, &check.select)?;
            session.make(&actual, &check.select)?;
            differences.extend(difference(session, check, &actual)?);
        }
        Ok(differences)
    }

    /// The rows that each check's query gives.
    pub(super) fn results_in(&self, session: &impl TestBed) -> Result<Vec<Rows>, WarehouseError> {
        self.prepare(session)?;
        let rows = |check: &Check| {
            session.vet(DOING, &check.select)?;
            session.rows(DOING, &check.select, None)
        };
        self.checks.iter().map(rows).collect()
    }

    /// Makes the given tables, and runs the statements that the query needs.
    fn prepare(&self, session: &impl TestBed) -> Result<(), WarehouseError> {
        for (table, select) in &self.tables {
            session.vet(DOING, select)?;
            session.make(table, select)?;
        }
        self.setup.before.iter().try_for_each(|statement| session.set_up(statement))
    }
}

/// A table of a test's own.
pub fn scratch(engine: EngineKind, name: &str) -> TableName {
    let schema = match engine {
        EngineKind::DuckDb => "main",
        EngineKind::Postgres | EngineKind::Spark => engine.temporary(),
    };
    TableName { schema: schema.to_owned(), name: name.to_owned() }
}

fn difference(session: &impl TestBed, check: &Check, actual: &TableName) -> Result<Option<Difference>, WarehouseError> {
    let (table, partial) = (actual.quoted(), check.expected.partial);
    let types = session.describe(DOING, &format!("SELECT * FROM {table}"))?;
    let actual = Actual { engine: session.engine(), rows: &table, types: &types };
    let comparison = match &check.expected.data {
        Data::Query(query) => {
            session.vet(DOING, query)?;
            let given = session.rows(DOING, query, Some(0))?.columns;
            Comparison::with_query(actual, query, &given, partial)
        }
        Data::Rows(rows) => Comparison::with_rows(actual, rows, partial),
        // read by the caller
        Data::CsvFile(..) | Data::YamlFile(_) => Err(columns_of(&[])),
    };
    let none = || (0, Rows::default());
    let comparison = match comparison {
        Ok(comparison) => comparison,
        Err(unknown) => {
            let what = check.what.clone();
            return Ok(Some(Difference { what, unknown, missing: none(), unexpected: none() }));
        }
    };
    let read = |row: Vec<Option<String>>| {
        let row = Row(row);
        Ok::<_, WarehouseError>((row.get::<u64>(0)?, row.get::<u64>(1)?))
    };
    let counts = session.rows(DOING, &comparison.counts(), None)?.rows.pop().map(read).transpose()?;
    let (missing, unexpected) = counts.unwrap_or_default();
    if (missing, unexpected) == (0, 0) {
        return Ok(None);
    }
    let rows = |count: u64, query: String| -> Result<(u64, Rows), WarehouseError> {
        Ok((count, session.rows(DOING, &query, None)?))
    };
    Ok(Some(Difference {
        what: check.what.clone(),
        unknown: Vec::new(),
        missing: rows(missing, comparison.missing(SHOWN))?,
        unexpected: rows(unexpected, comparison.unexpected(SHOWN))?,
    }))
}
