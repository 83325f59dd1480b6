//! The gate before the engine: what a text may do, by its words and by what DuckDB's own parser sees in it.

use std::sync::{Mutex, PoisonError};

use duckdb::{Config, Connection};

use crate::adapter::engine::Referee;
use crate::domain::diagnostic::Cause;
use crate::domain::engine_kind::EngineKind;
use crate::domain::engine_message;
use crate::domain::project::guess_reads;
use crate::domain::sql::policy::{self, NotSeen, Refusal, Seen, Text};
use crate::domain::sql::{self, DuckdbReads, Query};

/// Engines in memory that parse and never run anything of the user's, as many as are asked at once. Opened when first
/// asked, closed to the outside.
#[derive(Default)]
pub(super) struct Parsers {
    idle: Mutex<Vec<Connection>>,
}

/// One of them.
struct Parser<'c>(&'c Connection);

impl Referee for Parsers {
    fn engine(&self) -> EngineKind {
        EngineKind::DuckDb
    }

    fn admit(&self, kind: Text, text: &str, query: Query) -> Result<Query, Refusal> {
        policy::shape(kind, text)?;
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let Some(connection) = idle.or_else(open) else {
            let what = "DuckDB could not be started to look at this text".to_owned();
            return Err(Refusal { what, span: 0..text.len(), note: None, help: None });
        };
        let admitted = Parser(&connection).admit(kind, text, query);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        admitted
    }
}

fn open() -> Option<Connection> {
    // it only parses: other threads would but be woken for each text
    let closed = Config::default().with("enable_external_access", "false").ok()?.with("threads", "1").ok()?;
    Connection::open_in_memory_with_flags(closed.with("lock_configuration", "true").ok()?).ok()
}

impl Parser<'_> {
    fn admit(&self, kind: Text, text: &str, mut query: Query) -> Result<Query, Refusal> {
        let seen = self.seen(text);
        if let Err(NotSeen::Unshown(_)) = &seen
            && matches!(kind, Text::Model | Text::Statement)
            && let Some(message) = self.complaint(text)
        {
            let at = engine_message::place(&message, text);
            return Err(Refusal {
                what: "the query does not parse".to_owned(),
                span: at.map_or(0..text.len(), |at| at..at + 1),
                note: Some(engine_message::cause(&message).into()),
                help: None,
            });
        }
        if query.reads.is_none() {
            match self.reads(text) {
                Ok(reads) => query.adopt(reads),
                Err(cause) if kind == Text::Statement => {
                    let (what, note) = ("its tables can't be told".to_owned(), Some(Cause::engine(cause).into()));
                    return Err(Refusal { what, span: 0..text.len(), note, help: None });
                }
                Err(_) => query.reads = Some(guess_reads(text)),
            }
        }
        policy::check(kind, text, &query, seen.as_ref())?;
        Ok(query)
    }

    fn json(&self, query: &str) -> Result<String, String> {
        self.0
            .prepare_cached("SELECT json_serialize_sql(?::VARCHAR)::VARCHAR")
            .and_then(|mut asked| asked.query_row([query], |row| row.get(0)))
            .map_err(|error| super::error::words(&error))
    }

    /// What a query does.
    fn seen(&self, query: &str) -> Result<Seen, NotSeen> {
        Seen::from_duckdb_json(&self.json(query).map_err(NotSeen::Unshown)?)
    }

    /// The tables that a query reads, or DuckDB's message if it can't parse it either.
    fn reads(&self, query: &str) -> Result<DuckdbReads, String> {
        sql::reads_from_duckdb_json(query, &self.json(query)?)
    }

    /// DuckDB's complaint about a query's syntax, if it has one. Queries that its JSON can't show are none of these.
    fn complaint(&self, query: &str) -> Option<String> {
        match self.0.prepare(query) {
            Err(error) => Some(super::error::words(&error)).filter(|message| message.starts_with("Parser Error")),
            Ok(_) => None,
        }
    }
}
