//! The engine that is DuckDB. The only place that imports `duckdb`.

mod access;
mod backup;
mod build;
mod columns;
mod error;
mod extensions;
mod filling;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod functions;
mod instance;
mod limits;
mod open;
mod query;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails by panicking, and tells")]
mod reach;
mod referee;
mod same_rows;
mod scratch;
mod session;
mod statements;
mod storage;
mod trial;
mod wal;
mod wrong;

use std::sync::Arc;

use duckdb::Connection;

pub use self::access::Absent;
pub use self::backup::BACKUP;
pub use self::extensions::{BuiltIn, Installed, absent, built_in, install};
use self::instance::Instance;
pub(super) use self::open::records;
pub use self::wal::{COMPANIONS, companion};
use super::records::{Caps, FORMAT};
use super::{Location, OpenError, WarehouseError};
use crate::domain::config::Limits;
use crate::domain::name::quote;
use crate::domain::sql;

/// Steps of DuckDB's optimizer that do harm: in 2.0.0, a scan with a filter pushed down from a join writes beyond the
/// memory it has (valgrind: an invalid write in `BloomFilterExecutor::FilterSelection`).
const UNSOUND_OPTIMIZERS: &str = "join_filter_pushdown";

/// Makes time zones, calendars and collations a part of what is opened afterwards, where they are compiled in.
fn with_icu() {
    #[cfg(feature = "icu")]
    vmesh_icu::register();
}

/// The engine.
pub(super) struct DuckDb;

/// An open warehouse: a session in it.
struct Database {
    connection: Connection,
    instance: Arc<Instance>,
    location: Location,
    caps: Caps,
}

impl Database {
    /// A session of an open database, on the terms of a location.
    fn of(instance: Arc<Instance>, location: &Location) -> Result<Self, WarehouseError> {
        let connection = instance
            .session()
            .map_err(|error| OpenError::CannotOpen { path: location.path.clone(), message: error::words(&error) })?;
        let handle = connection.interrupt_handle();
        location.interrupt.watch(move || handle.interrupt());
        let mut database = Self { connection, instance, location: location.clone(), caps: Caps::default() };
        let catalog: String = database.one("asking for the database's name", "SELECT current_database()")?;
        database.caps.catalog = format!("{}.", quote(&catalog));
        Ok(database)
    }

    /// Lets queries read the warehouse, what vmesh puts into their scratch folder and what main's settings allow, and
    /// nothing else: no other file, no other database, no extension, no network. A model comes from a branch, and a branch
    /// may come from anyone.
    fn lock_down(&self) -> Result<(), WarehouseError> {
        let list = |paths: &mut dyn Iterator<Item = &str>| {
            paths.map(crate::domain::name::literal).collect::<Vec<_>>().join(", ")
        };
        let scratch = self.instance.scratch.path().to_string_lossy();
        let access = &self.location.access;
        let folders = list(&mut std::iter::once(&*scratch).chain(access.folders.iter().map(String::as_str)));
        let files = match access.files.as_slice() {
            [] => String::new(),
            files => format!("SET allowed_paths = [{}];", list(&mut files.iter().map(String::as_str))),
        };
        self.limit()?;
        let settings = format!(
            "SET allowed_directories = [{folders}]; {files} \
             SET enable_external_access = false; \
             SET disabled_optimizers = '{UNSOUND_OPTIMIZERS}'; SET lock_configuration = true;"
        );
        self.run("closing the warehouse to the outside", &settings)
    }

    /// Sets what the engine may take of the machine.
    fn limit(&self) -> Result<(), WarehouseError> {
        let Limits { memory, temp, .. } = &self.location.limits;
        for (setting, value) in [("memory_limit", memory), ("max_temp_directory_size", temp)] {
            if let Some(value) = value {
                let value = crate::domain::name::literal(value);
                self.run("setting limits", &format!("SET {setting} = {value}"))?;
            }
        }
        Ok(())
    }

    /// A second session on the same open warehouse: sees what the first has committed, and nothing else of it.
    fn session(&self) -> Result<Self, WarehouseError> {
        Self::of(self.instance.clone(), &self.location)
    }

    /// The version of vmesh's records; `None` if there are none, an error if they are of a newer vmesh.
    fn format(&self) -> Result<Option<u32>, WarehouseError> {
        let doing = "looking for vmesh's records";
        let there = "SELECT count(*) FROM duckdb_tables() WHERE database_name = current_database() \
                     AND schema_name = 'vmesh_state' AND table_name = 'format'";
        let there: i64 = self.one(doing, there)?;
        if there == 0 {
            return Ok(None);
        }
        let found: u32 = self.one(doing, "SELECT max(version) FROM vmesh_state.format")?;
        if found > FORMAT {
            return Err(OpenError::Newer { path: self.location.path.clone(), found, known: FORMAT }.into());
        }
        Ok(Some(found))
    }

    /// Runs statements of vmesh's own, or of main's settings, whose rows nobody wants.
    fn run(&self, doing: &str, sql: &str) -> Result<(), WarehouseError> {
        self.go_on()?;
        self.connection.execute_batch(sql).map_err(|error| self.failed(doing, &error))
    }

    /// Runs one statement with text of the user's in it: the gate has let that pass as one query, and a second one would be
    /// none of it.
    fn run_one(&self, doing: &str, sql: &str) -> Result<(), WarehouseError> {
        let several = |message: String| WarehouseError::Engine { doing: doing.to_owned(), message };
        let lexemes = sql::lex(sql).map_err(|error| several(error.message))?;
        if sql::split(&lexemes).len() != 1 {
            return Err(several("more than one statement".to_owned()));
        }
        let mut statement = self.connection.prepare(sql).map_err(|error| self.failed(doing, &error))?;
        statement.execute([]).map(|_| ()).map_err(|error| self.failed(doing, &error))
    }

    /// The one value of a query.
    fn one<T: duckdb::types::FromSql>(&self, doing: &str, sql: &str) -> Result<T, WarehouseError> {
        self.connection.query_row(sql, [], |row| row.get(0)).map_err(|error| self.failed(doing, &error))
    }

    /// Nothing new begins once an end was asked for.
    fn go_on(&self) -> Result<(), WarehouseError> {
        if self.location.interrupt.is_requested() { Err(WarehouseError::Interrupted) } else { Ok(()) }
    }

    /// Every row of a query, mapped.
    fn all<T>(
        &self,
        doing: &str,
        sql: &str,
        map: impl FnMut(&duckdb::Row<'_>) -> Result<T, duckdb::Error>,
    ) -> Result<Vec<T>, WarehouseError> {
        self.go_on()?;
        let failed = |error: duckdb::Error| self.failed(doing, &error);
        let mut statement = self.connection.prepare(sql).map_err(failed)?;
        let rows = statement.query_map([], map).map_err(failed)?;
        rows.collect::<Result<Vec<T>, _>>().map_err(failed)
    }

    fn failed(&self, doing: &str, error: &duckdb::Error) -> WarehouseError {
        match error::sorted(&self.location.path, doing, error) {
            WarehouseError::Engine { doing, message } => {
                WarehouseError::Engine { doing, message: self.instance.told(message) }
            }
            sorted => sorted,
        }
    }

    /// Runs `work` in one transaction: all of it or nothing, and all of it reads one moment.
    fn transaction<T>(
        &self,
        doing: &str,
        work: impl FnOnce(&Self) -> Result<T, WarehouseError>,
    ) -> Result<T, WarehouseError> {
        self.run(doing, "BEGIN TRANSACTION")?;
        match work(self).and_then(|value| self.run(doing, "COMMIT").map(|()| value)) {
            Ok(value) => Ok(value),
            Err(error) => {
                // the first error is the one to tell; a failed rollback means that there is nothing left to roll back
                let _ = self.connection.execute_batch("ROLLBACK");
                Err(error)
            }
        }
    }
}
