//! Kinds whose tables are filled a span of time, a key or a partition at a time.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use super::super::sql::Lexeme;
use super::header::{self, Property, Value};
use super::problem::Problem;

/// How an incremental model is filled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incremental {
    /// What a load replaces.
    pub by: By,
    /// Units before the first missing one that are loaded again with it: late data.
    pub lookback: u32,
    /// The most units in one load.
    pub batch_size: Option<NonZeroU32>,
}

/// What of an incremental table a load replaces. Keys and partitions compare NULL-safely.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum By {
    /// The rows whose time lies in the span that is loaded.
    TimeRange {
        /// The column that holds the time.
        column: String,
        /// How a time is written where the column holds text or a number.
        format: Option<String>,
    },
    /// The rows whose key is among the new ones.
    UniqueKey(Vec<String>),
    /// The rows whose partition is among the new ones.
    Partition(Vec<String>),
    /// Nothing: rows are added. With `true`, all of it.
    Unmanaged(bool),
}

/// The words of these kinds.
pub(super) const WORDS: [&str; 4] =
    ["INCREMENTAL_BY_TIME_RANGE", "INCREMENTAL_BY_UNIQUE_KEY", "INCREMENTAL_BY_PARTITION", "INCREMENTAL_UNMANAGED"];

impl By {
    /// The kind's word in a header.
    pub fn word(&self) -> &'static str {
        match self {
            Self::TimeRange { .. } => WORDS[0],
            Self::UniqueKey(_) => WORDS[1],
            Self::Partition(_) => WORDS[2],
            Self::Unmanaged(_) => WORDS[3],
        }
    }
}

impl Incremental {
    /// What of it makes different rows: part of the fingerprint.
    pub fn meaning(&self) -> Vec<String> {
        match &self.by {
            By::TimeRange { column, format } => vec![column.clone(), format.clone().unwrap_or_default()],
            By::UniqueKey(parts) | By::Partition(parts) => parts.clone(),
            By::Unmanaged(overwrite) => vec![overwrite.to_string()],
        }
    }

    /// Reads `INCREMENTAL_… (…)`: the kind's word in upper case, its value, and what stands in the parentheses.
    pub(super) fn read(word: &str, value: &Value<'_>, inner: &[Lexeme]) -> Result<Self, Problem> {
        let mut by = match word {
            "INCREMENTAL_BY_TIME_RANGE" => By::TimeRange { column: String::new(), format: None },
            "INCREMENTAL_BY_UNIQUE_KEY" => By::UniqueKey(Vec::new()),
            "INCREMENTAL_BY_PARTITION" => By::Partition(Vec::new()),
            _ => By::Unmanaged(false),
        };
        let (mut lookback, mut batch_size) = (0, None);
        for property in header::items(inner)? {
            match (property.key.as_str(), &mut by) {
                ("time_column", By::TimeRange { column, format }) => time_column(&property, column, format)?,
                ("unique_key", By::UniqueKey(key)) => *key = expressions(&property),
                ("insert_overwrite", By::Unmanaged(overwrite)) => *overwrite = boolean(&property)?,
                ("lookback", By::TimeRange { .. } | By::UniqueKey(_)) => lookback = number(&property)?,
                ("batch_size", By::TimeRange { .. } | By::UniqueKey(_)) => {
                    let none = || expected("a number from 1", &property);
                    batch_size = Some(NonZeroU32::new(number(&property)?).ok_or_else(none)?);
                }
                // batches run one after the other, partitions and statements are the engine's business
                ("batch_concurrency" | "partition_by_time_column" | "disable_restatement", _) => {}
                ("forward_only", _) if property.value.boolean() == Some(false) => {}
                ("on_destructive_change" | "on_additive_change", _) => {}
                (
                    key @ ("forward_only"
                    | "auto_restatement_cron"
                    | "auto_restatement_intervals"
                    | "when_matched"
                    | "merge_filter"),
                    _,
                ) => {
                    let problem = Problem::new(format!("`{key}` is not supported yet"), property.span.clone());
                    return Err(problem.help("leave it out: a changed model gets a table of its own, filled anew"));
                }
                (key, _) => {
                    return Err(Problem::new(
                        format!("unknown property `{key}` of kind {word}"),
                        property.span.clone(),
                    ));
                }
            }
        }
        let lacks = |what: &str, help: &str| {
            Err(Problem::new(format!("kind {word} needs {what}"), value.span()).help(help.to_owned()))
        };
        match &by {
            By::TimeRange { column, .. } if column.is_empty() => {
                lacks("the column that holds the time", "INCREMENTAL_BY_TIME_RANGE (time_column ds)")
            }
            By::UniqueKey(key) if key.is_empty() => {
                lacks("the columns that identify a row", "INCREMENTAL_BY_UNIQUE_KEY (unique_key id)")
            }
            _ => Ok(Self { by, lookback, batch_size }),
        }
    }
}

/// `time_column ds` or `time_column (ds, '%Y%m%d')`.
fn time_column(property: &Property<'_>, column: &mut String, format: &mut Option<String>) -> Result<(), Problem> {
    let elements = property.value.elements();
    let text = |value: &Value<'_>| value.text().map(str::to_owned).ok_or_else(|| expected("a column", property));
    match elements.as_slice() {
        [only] => *column = text(only)?,
        [first, second] => {
            *column = text(first)?;
            *format = Some(text(second)?);
        }
        _ => return Err(expected("a column, or (column, 'format')", property)),
    }
    Ok(())
}

/// Columns or expressions, each as SQL.
pub(super) fn expressions(property: &Property<'_>) -> Vec<String> {
    property.value.elements().iter().map(Value::sql).collect()
}

fn number(property: &Property<'_>) -> Result<u32, Problem> {
    property.value.canonical().parse().map_err(|_| expected("a whole number", property))
}

fn boolean(property: &Property<'_>) -> Result<bool, Problem> {
    property.value.boolean().ok_or_else(|| expected("true or false", property))
}

fn expected(what: &str, property: &Property<'_>) -> Problem {
    Problem::new(format!("`{}` is {what}", property.key), property.value.span())
}
