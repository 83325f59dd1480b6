//! How a model is materialized.

use serde::{Deserialize, Serialize};

use super::super::diagnostic::{Problem, nearest};
use super::header::{self, Value};
use super::history;
use super::incremental::{self, By, Incremental};
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

/// Kinds of SQLMesh that vmesh will have and doesn't have yet.
const LATER: [&str; 2] = ["MANAGED", "CUSTOM"];
const NOW: [&str; 4] = ["FULL", "VIEW", "SEED", "EMBEDDED"];

impl Kind {
    /// The kind's word in a header.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Full => "FULL",
            Self::View => "VIEW",
            Self::Seed(_) => "SEED",
            Self::Embedded => "EMBEDDED",
            Self::Incremental(incremental) => incremental.by.word(),
        }
    }

    /// Whether old spans can't be loaded again by themselves: the whole table is.
    pub fn is_filled_whole(&self) -> bool {
        !matches!(self, Self::Incremental(Incremental { by: By::TimeRange { .. }, .. }))
    }

    /// The kind of a word alone, as `[defaults] kind` has it.
    pub fn from_word(word: &str) -> Option<Self> {
        match word.to_ascii_uppercase().as_str() {
            "FULL" => Some(Self::Full),
            "VIEW" => Some(Self::View),
            "EMBEDDED" => Some(Self::Embedded),
            _ => None,
        }
    }

    /// Reads `kind FULL`, `kind SEED (path 'a.csv')`, ….
    pub(super) fn read(value: &Value<'_>) -> Result<Self, Problem> {
        let Some((word, inner)) = value.call() else {
            let help = if value.is_several_words() { "a comma ends each property".to_owned() } else { all() };
            return Err(Problem::new("this is no kind", value.span()).help(help));
        };
        let upper = word.to_ascii_uppercase();
        if upper == "SEED" {
            return Seed::read(value, inner).map(Self::Seed);
        }
        if incremental::WORDS.contains(&upper.as_str()) || history::WORDS.contains(&upper.as_str()) {
            return Incremental::read(&upper, value, inner).map(Self::Incremental);
        }
        if let Some(kind) = Self::from_word(&upper) {
            return plain(inner).map(|()| kind);
        }
        if upper == "EXTERNAL" {
            let problem = Problem::new("a model file can't be EXTERNAL", value.span());
            return Err(problem.help("leave the file out: any table that is no model is read as it is"));
        }
        if LATER.contains(&upper.as_str()) {
            let problem = Problem::new(format!("kind `{upper}` is not supported"), value.span());
            return Err(problem.help(match upper.as_str() {
                "MANAGED" => "DuckDB has no tables that the engine keeps up to date; use FULL and a cron, or VIEW",
                _ => "it is filled by Python code; use FULL, or one of the incremental kinds",
            }));
        }
        let problem = Problem::new(format!("unknown kind `{word}`"), value.span());
        let known = NOW.into_iter().chain(incremental::WORDS).chain(history::WORDS).chain(LATER);
        Err(problem.help(match nearest(word, known) {
            Some(near) => format!("did you mean `{near}`?"),
            None => all(),
        }))
    }
}

/// The sentence that lists the kinds.
fn all() -> String {
    let (incremental, histories) = (incremental::WORDS.join(", "), history::WORDS[1..].join(", "));
    format!("kinds are {}, {incremental}, {histories}", NOW.join(", "))
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
