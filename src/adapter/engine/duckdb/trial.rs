//! Trying a model out: given rows in, expected rows compared, in a database in memory that nobody else sees.

use std::path::PathBuf;
use std::sync::Arc;

use duckdb::{Config, Connection};

use super::instance::Instance;
use super::{Database, scratch};
use crate::adapter::engine::{
    Access, Ask, Check, Difference, Door, Location, OpenError, Rows, Tables, Trial, WarehouseError,
};
use crate::domain::config::Limits;
use crate::domain::name::TableName;
use crate::domain::unit_test::{Comparison, Data, columns_of};

/// How many rows of a difference are shown.
const SHOWN: usize = 10;
const DOING: &str = "running a unit test";

impl Trial {
    /// Runs the test; no difference is a pass. What the engine says of a wrong query is an error. `location` tells how
    /// it is stopped, and its limits.
    pub(super) fn run(&self, location: &Location) -> Result<Vec<Difference>, WarehouseError> {
        let warehouse = in_memory(location)?;
        warehouse.within_limit(|| self.run_in(&warehouse))
    }

    fn run_in(&self, warehouse: &Database) -> Result<Vec<Difference>, WarehouseError> {
        self.given(warehouse)?;
        warehouse.each(&self.setup.before)?;
        let mut differences = Vec::new();
        for (number, check) in self.checks.iter().enumerate() {
            let actual = TableName { schema: "main".to_owned(), name: format!("vmesh_actual_{number}") };
            warehouse.run_one(DOING, &format!("CREATE TABLE {} AS\n{}", actual.quoted(), check.select))?;
            differences.extend(warehouse.difference(check, &actual)?);
        }
        Ok(differences)
    }

    /// The rows that each check's query gives.
    pub(super) fn results(&self, location: &Location) -> Result<Vec<Rows>, WarehouseError> {
        let warehouse = in_memory(location)?;
        warehouse.within_limit(|| {
            self.given(&warehouse)?;
            self.checks.iter().map(|check| warehouse.rows(DOING, &check.select, None)).collect()
        })
    }

    /// Puts the given rows into a database, and the macros that queries may call.
    fn given(&self, warehouse: &Database) -> Result<(), WarehouseError> {
        for statement in &self.macros {
            // one may name tables that only the warehouse has: whoever calls it is told that it is not there
            let _ = warehouse.run(DOING, statement);
        }
        for (table, select) in &self.tables {
            let schema = crate::domain::name::quote(&table.schema);
            warehouse.run(DOING, &format!("CREATE SCHEMA IF NOT EXISTS {schema}"))?;
            warehouse.run_one(DOING, &format!("CREATE TABLE {} AS\n{select}", table.quoted()))?;
        }
        Ok(())
    }
}

/// A database in memory: one of several that run at the same time, which share what one may take.
pub(super) fn in_memory(location: &Location) -> Result<Database, WarehouseError> {
    // a test reads what it is given; the zone, and what extensions compute, are those of the models
    let access = Access { opening: location.access.opening.clone(), ..Access::default() };
    in_memory_with(location, access)
}

/// A database in memory that has this beside it.
pub(super) fn in_memory_with(location: &Location, access: Access) -> Result<Database, WarehouseError> {
    let path = PathBuf::from(":memory:");
    let cannot = |message: String| OpenError::CannotOpen { path: path.clone(), message };
    let scratch = tempfile::tempdir().map_err(|error| cannot(error.to_string()))?;
    let settings = Config::default()
        .with("threads", "1")
        .and_then(|config| config.with("temp_directory", scratch::spill(&scratch)))
        .map_err(|error| cannot(error.to_string()))?;
    super::with_icu();
    let connection = Connection::open_in_memory_with_flags(settings).map_err(|error| cannot(error.to_string()))?;
    location.interrupt.leaves(scratch.path());
    let limits = share(&location.limits);
    let location = Location { limits, access, door: Door::default(), ..location.at(path.clone()) };
    let instance = Instance::new(connection, Arc::new(scratch), false);
    let warehouse = Database::of(instance.clone(), &location)?;
    instance.set_message_filter(warehouse.open_attached()?);
    warehouse.lock_down()?;
    Ok(warehouse)
}

/// The limits of one of as many databases as there are processors.
fn share(limits: &Limits) -> Limits {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    // what the settings name is what one of them may have
    let memory = limits.memory.clone().or_else(|| Some(format!("{}%", (80 / processors).max(5))));
    Limits { memory, ..limits.clone() }
}

impl Database {
    fn difference(&self, check: &Check, actual: &TableName) -> Result<Option<Difference>, WarehouseError> {
        let types = self.columns(actual)?;
        let partial = check.expected.partial;
        let comparison = match &check.expected.data {
            Data::Query(query) => {
                let given = self.rows(DOING, query, Some(0))?.columns;
                Comparison::with_query(&actual.quoted(), &types, query, &given, partial)
            }
            Data::Rows(rows) => Comparison::with_rows(&actual.quoted(), &types, rows, partial),
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
        let counts = self.all(DOING, &comparison.counts(), |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))?;
        let (missing, unexpected) = counts.first().copied().unwrap_or_default();
        if (missing, unexpected) == (0, 0) {
            return Ok(None);
        }
        let rows = |count: i64, query: String| -> Result<(u64, Rows), WarehouseError> {
            Ok((u64::try_from(count).unwrap_or(0), self.rows(DOING, &query, None)?))
        };
        Ok(Some(Difference {
            what: check.what.clone(),
            unknown: Vec::new(),
            missing: rows(missing, comparison.missing(SHOWN))?,
            unexpected: rows(unexpected, comparison.unexpected(SHOWN))?,
        }))
    }
}
