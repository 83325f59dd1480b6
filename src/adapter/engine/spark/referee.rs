//! The gate before the engine: Spark's parser is the server's, so that words decide, and in doubt against the text.

use crate::adapter::engine::Referee;
use crate::domain::engine_kind::EngineKind;
use crate::domain::sql::policy::{self, Refusal, Text};
use crate::domain::sql::{self, Query};

/// Looks at the words of a text.
pub(super) struct Words;

impl Referee for Words {
    fn engine(&self) -> EngineKind {
        EngineKind::Spark
    }

    fn admit(&self, kind: Text, text: &str, _query: Query) -> Result<Query, Refusal> {
        policy::check_for_spark(kind, text)?;
        let query = sql::analyse_spark(text).by_its_words(EngineKind::Spark, text);
        if query.reads.is_none() {
            return Err(policy::unread(EngineKind::Spark, text, query.parse_error));
        }
        policy::check_reads_for_spark(&query)?;
        Ok(query)
    }
}
