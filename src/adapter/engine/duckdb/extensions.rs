//! Extensions of DuckDB: what is built in, what is installed on this machine, and installing what main's settings name.
//! Only signed ones are ever loaded: DuckDB checks that itself, and vmesh leaves that setting alone.

use duckdb::Connection;

use super::access::Absent;
use super::{Database, error, with_icu};
use crate::adapter::engine::{Location, OpenError, WarehouseError};
use crate::domain::config::Opening;
use crate::domain::engine_message;
use crate::domain::name::literal;

/// An extension that was installed.
#[derive(Debug, Clone)]
pub struct Installed {
    /// Its name.
    pub name: String,
    /// The size of its file, in bytes.
    pub bytes: u64,
    /// Where it lies.
    pub path: String,
}

/// What is part of this program.
#[derive(Debug, Clone)]
pub struct BuiltIn {
    /// DuckDB's version.
    pub version: String,
    /// Whether time zones, calendars and collations are.
    pub has_icu: bool,
}

/// What is part of this program, as DuckDB tells it.
pub fn built_in() -> Result<BuiltIn, WarehouseError> {
    let connection = in_memory()?;
    let sql = "SELECT version(), (SELECT bool_or(loaded) FROM duckdb_extensions() WHERE extension_name = 'icu')";
    let told = connection.query_row(sql, [], |row| {
        Ok(BuiltIn { version: row.get(0)?, has_icu: row.get::<_, Option<bool>>(1)?.unwrap_or(false) })
    });
    told.map_err(|error| cannot(&error))
}

/// Why what main's settings want beside a warehouse is not there.
pub fn absent(location: &Location) -> Result<Vec<Absent>, WarehouseError> {
    let database: Database = super::trial::in_memory_with(location, location.access.clone())?;
    Ok(database.instance.absent())
}

/// Installs the extensions that are wanted and not there yet.
pub fn install(opening: &Opening) -> Result<Vec<Installed>, WarehouseError> {
    let connection = in_memory()?;
    let mut installed = Vec::new();
    for name in &opening.extensions {
        let loaded = connection.execute_batch(&format!("LOAD {}", literal(name)));
        if loaded.is_ok() {
            continue;
        }
        let from = opening.extensions_from.as_ref().map(|from| format!(" FROM {}", literal(from))).unwrap_or_default();
        let sql = format!("INSTALL {}{from}; LOAD {};", literal(name), literal(name));
        connection.execute_batch(&sql).map_err(|error| OpenError::NotInstalled {
            name: name.clone(),
            message: engine_message::headline(&error::words(&error)),
        })?;
        let asked = format!(
            "SELECT coalesce(max(install_path), '') FROM duckdb_extensions() WHERE extension_name = {}",
            literal(name)
        );
        let path: String = connection.query_row(&asked, [], |row| row.get(0)).map_err(|error| cannot(&error))?;
        let bytes = std::fs::metadata(&path).map_or(0, |file| file.len());
        installed.push(Installed { name: name.clone(), bytes, path });
    }
    Ok(installed)
}

fn in_memory() -> Result<Connection, WarehouseError> {
    with_icu();
    Connection::open_in_memory().map_err(|error| cannot(&error))
}

fn cannot(error: &duckdb::Error) -> WarehouseError {
    OpenError::CannotOpen { path: ":memory:".into(), message: error::words(error) }.into()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn the_program_tells_what_is_in_it() {
        let built_in = built_in().unwrap();
        assert_eq!((built_in.version.as_str(), built_in.has_icu), ("v2.0.0", cfg!(feature = "icu")));
    }
}
