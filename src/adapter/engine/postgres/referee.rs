//! The gate before the engine: without a parser of PostgreSQL's own, words decide, and in doubt against the text.

use crate::adapter::engine::Referee;
use crate::domain::engine_kind::EngineKind;
use crate::domain::sql::policy::{self, Refusal, Text};
use crate::domain::sql::{self, Query};

/// Looks at the words of a text.
pub(super) struct Words;

impl Referee for Words {
    fn engine(&self) -> EngineKind {
        EngineKind::Postgres
    }

    fn admit(&self, kind: Text, text: &str, query: Query) -> Result<Query, Refusal> {
        policy::check_for_postgres(kind, text)?;
        // what is PostgreSQL's alone in a query
        let query = if query.reads.is_some() { query } else { sql::analyse_postgres(text) };
        let query = query.by_its_words(EngineKind::Postgres, text);
        if query.reads.is_none() {
            return Err(policy::unread(EngineKind::Postgres, text, query.parse_error));
        }
        policy::check_reads_for_postgres(text, &query)?;
        Ok(query)
    }
}
