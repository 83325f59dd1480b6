//! DuckDB's own parser, asked where ours gives up.

use std::cell::OnceCell;

use duckdb::Connection;

use crate::domain::sql::{self, DuckdbReads};

/// An engine in memory that parses and never runs anything of the user's. Opened when first asked.
#[derive(Default)]
pub struct Referee {
    connection: OnceCell<Option<Connection>>,
}

impl Referee {
    /// The tables that a query reads, or DuckDB's message if it can't parse it either.
    pub fn reads(&self, query: &str) -> Result<DuckdbReads, String> {
        let connection = self.connection.get_or_init(|| Connection::open_in_memory().ok());
        let connection = connection.as_ref().ok_or("DuckDB could not be started")?;
        let json: String = connection
            .query_row("SELECT json_serialize_sql(?::VARCHAR)::VARCHAR", [query], |row| row.get(0))
            .map_err(|error| super::error::words(&error))?;
        sql::reads_from_duckdb_json(query, &json)
    }

    /// DuckDB's complaint about a query's syntax, if it has one. Queries that its JSON can't show are none of these.
    pub fn complaint(&self, query: &str) -> Option<String> {
        let connection = self.connection.get_or_init(|| Connection::open_in_memory().ok()).as_ref()?;
        match connection.prepare(query) {
            Err(error) => Some(super::error::words(&error)).filter(|message| message.starts_with("Parser Error")),
            Ok(_) => None,
        }
    }
}
