//! The gate before the engine: Spark's parser is the server's, so that words decide, and in doubt against the text.

use crate::adapter::engine::Referee;
use crate::domain::diagnostic::Note;
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
            let note = query.parse_error.map(|error| Note::from(format!("vmesh's parser: {}", error.message)));
            let help = "write it in other words: what it reads would not be rebuilt, nor would it see its branch";
            let what = "vmesh can't tell which tables this reads".to_owned();
            return Err(Refusal { what, span: 0..text.len(), note, help: Some(help.to_owned()) });
        }
        policy::check_reads_for_spark(&query)?;
        Ok(query)
    }
}
