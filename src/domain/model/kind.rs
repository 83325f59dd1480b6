//! How a model is materialized.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::super::diagnostic::{Problem, nearest};
use super::header::{self, Value};
use super::history;
use super::incremental::Incremental;
use super::seed::Seed;

/// A model's kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// A table, built whole.
    Full,
    /// A view in the physical layer: stores nothing, reads its parents' snapshots.
    View,
    /// A table loaded from a CSV file of the project.
    Seed(Seed),
    /// No object at all: consumers read its query as a subquery.
    Embedded,
    /// A table that grows.
    Incremental(Incremental),
}

/// A kind's word in a header, and in the records of the warehouse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum KindWord {
    /// `FULL`
    Full,
    /// `VIEW`
    View,
    /// `SEED`
    Seed,
    /// `EMBEDDED`
    Embedded,
    /// `INCREMENTAL_BY_TIME_RANGE`
    TimeRange,
    /// `INCREMENTAL_BY_UNIQUE_KEY`
    UniqueKey,
    /// `INCREMENTAL_BY_PARTITION`
    Partition,
    /// `INCREMENTAL_UNMANAGED`
    Unmanaged,
    /// `SCD_TYPE_2_BY_TIME`
    HistoryByTime,
    /// `SCD_TYPE_2_BY_COLUMN`
    HistoryByColumn,
}

const WORDS: [(&str, KindWord); 10] = [
    ("FULL", KindWord::Full),
    ("VIEW", KindWord::View),
    ("SEED", KindWord::Seed),
    ("EMBEDDED", KindWord::Embedded),
    ("INCREMENTAL_BY_TIME_RANGE", KindWord::TimeRange),
    ("INCREMENTAL_BY_UNIQUE_KEY", KindWord::UniqueKey),
    ("INCREMENTAL_BY_PARTITION", KindWord::Partition),
    ("INCREMENTAL_UNMANAGED", KindWord::Unmanaged),
    ("SCD_TYPE_2_BY_TIME", KindWord::HistoryByTime),
    ("SCD_TYPE_2_BY_COLUMN", KindWord::HistoryByColumn),
];

/// What SQLMesh takes for SCD_TYPE_2_BY_TIME.
const BY_TIME: &str = "SCD_TYPE_2";
/// Kinds of SQLMesh that vmesh doesn't have.
const LATER: [&str; 2] = ["MANAGED", "CUSTOM"];

impl KindWord {
    /// The kind of a word, in whatever case.
    pub fn read(word: &str) -> Option<Self> {
        let word = if word.eq_ignore_ascii_case(BY_TIME) { WORDS[8].0 } else { word };
        WORDS.iter().find(|(known, _)| known.eq_ignore_ascii_case(word)).map(|(_, kind)| *kind)
    }

    /// The word.
    pub fn as_str(self) -> &'static str {
        WORDS.iter().find(|(_, kind)| *kind == self).map_or("", |(word, _)| word)
    }

    /// Whether its tables keep what was once valid.
    pub fn is_history(self) -> bool {
        matches!(self, Self::HistoryByTime | Self::HistoryByColumn)
    }
}

impl fmt::Display for KindWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Kind {
    /// The kind's word.
    pub fn word(&self) -> KindWord {
        match self {
            Self::Full => KindWord::Full,
            Self::View => KindWord::View,
            Self::Seed(_) => KindWord::Seed,
            Self::Embedded => KindWord::Embedded,
            Self::Incremental(incremental) => incremental.by.word(),
        }
    }

    /// Whether old spans can't be loaded again by themselves: the whole table is.
    pub fn is_filled_whole(&self) -> bool {
        self.word() != KindWord::TimeRange
    }

    /// Reads `kind FULL`, `kind SEED (path 'a.csv')`, ….
    pub(super) fn read(value: &Value<'_>) -> Result<Self, Problem> {
        let Some((word, inner)) = value.call() else {
            let help = if value.is_several_words() { "a comma ends each property".to_owned() } else { all() };
            return Err(Problem::new("this is no kind", value.span()).help(help));
        };
        match KindWord::read(word) {
            Some(KindWord::Full) => plain(inner).map(|()| Self::Full),
            Some(KindWord::View) => plain(inner).map(|()| Self::View),
            Some(KindWord::Embedded) => plain(inner).map(|()| Self::Embedded),
            Some(KindWord::Seed) => Seed::read(value, inner).map(Self::Seed),
            Some(kind) if kind.is_history() => history::read(kind, value, inner).map(Self::Incremental),
            Some(kind) => Incremental::read(kind, value, inner).map(Self::Incremental),
            None => Err(unknown(word, value)),
        }
    }
}

fn unknown(word: &str, value: &Value<'_>) -> Problem {
    let upper = word.to_ascii_uppercase();
    let (message, help) = match upper.as_str() {
        "EXTERNAL" => (
            "a model file can't be EXTERNAL".to_owned(),
            "leave the file out: any table that is no model is read as it is".to_owned(),
        ),
        "MANAGED" => (
            format!("kind `{upper}` is not supported"),
            "DuckDB has no tables that the engine keeps up to date; use FULL and a cron, or VIEW; in the settings, \
             `unsupported = \"external\"` takes such models for tables"
                .to_owned(),
        ),
        "CUSTOM" => (
            format!("kind `{upper}` is not supported"),
            "it is filled by Python code; use FULL, or one of the incremental kinds; in the settings, `unsupported = \
             \"external\"` takes such models for tables"
                .to_owned(),
        ),
        _ => {
            let known = WORDS.iter().map(|(known, _)| *known).chain([BY_TIME]).chain(LATER);
            let help = nearest(word, known).map_or_else(all, |near| format!("did you mean `{near}`?"));
            (format!("unknown kind `{word}`"), help)
        }
    };
    Problem::new(message, value.span()).help(help)
}

/// The sentence that lists the kinds.
fn all() -> String {
    format!("kinds are {}", WORDS.map(|(word, _)| word).join(", "))
}

/// FULL, VIEW and EMBEDDED have one property, which changes nothing here.
fn plain(inner: &[super::super::sql::Lexeme]) -> Result<(), Problem> {
    for property in header::items(inner)? {
        match (property.key.as_str(), property.value.boolean()) {
            ("materialized", Some(false)) => {}
            ("materialized", _) => return Err(Problem::new("materialized views are not supported", property.span)),
            (key, _) => return Err(Problem::new(format!("unknown property `{key}` of this kind"), property.span)),
        }
    }
    Ok(())
}
