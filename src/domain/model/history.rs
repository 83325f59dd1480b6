//! Kinds SCD_TYPE_2: a table that keeps each version of a row, with the time in which it was the valid one.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use super::super::diagnostic::Problem;
use super::super::sql::Lexeme;
use super::header::{self, Property, Value};
use super::incremental::{By, Incremental, OnChange, Policy, boolean, expected, expressions, number, unknown};
use super::kind::KindWord;

/// How versions of a row are told apart. Keys and values compare NULL-safely.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// What identifies a row: columns or expressions.
    pub key: Vec<String>,
    /// The column for the moment from which a version was valid.
    pub valid_from: String,
    /// The column for the moment from which it no longer was; NULL while it is.
    pub valid_to: String,
    /// The type of both.
    pub time_type: String,
    /// What makes a new version.
    pub change: RowChange,
    /// Whether a row that the query no longer gives is closed.
    pub hard_deletes: bool,
}

/// What makes a new version of a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RowChange {
    /// The row's own time is later: it is valid from then on.
    Later {
        /// The column of that time.
        updated_at: String,
        /// Whether the first version is valid from its own time on, or always was.
        first_from_then: bool,
    },
    /// A value differs: the version is valid from the time of the load on, or from the row's own.
    Different {
        /// The columns to compare; none: all that are no key.
        columns: Option<Vec<String>>,
        /// The column of the row's own time.
        updated_at: Option<String>,
        /// Whether the first version is valid from then on, or always was.
        first_from_then: bool,
    },
}

impl History {
    /// The kind's word.
    pub fn word(&self) -> KindWord {
        match self.change {
            RowChange::Later { .. } => KindWord::HistoryByTime,
            RowChange::Different { .. } => KindWord::HistoryByColumn,
        }
    }

    /// The columns that its query must give, each with the property that names it.
    pub(super) fn needed_columns(&self) -> Vec<(&'static str, &str)> {
        let (updated_at, columns) = match &self.change {
            RowChange::Later { updated_at, .. } => (Some(updated_at), None),
            RowChange::Different { updated_at, columns, .. } => (updated_at.as_ref(), columns.as_ref()),
        };
        let columns = columns.into_iter().flatten().map(|column| ("columns", column.as_str()));
        updated_at.into_iter().map(|column| ("updated_at_name", column.as_str())).chain(columns).collect()
    }

    /// What of it makes different rows: part of the fingerprint.
    pub fn meaning(&self) -> Vec<String> {
        let (updated_at, columns, first_from_then) = match &self.change {
            RowChange::Later { updated_at, first_from_then } => (Some(updated_at), None, first_from_then),
            RowChange::Different { columns, updated_at, first_from_then } => {
                (updated_at.as_ref(), columns.as_ref(), first_from_then)
            }
        };
        let mut meaning = vec![self.valid_from.clone(), self.valid_to.clone(), self.time_type.clone()];
        meaning.extend([self.hard_deletes.to_string(), first_from_then.to_string()]);
        meaning.push(updated_at.cloned().unwrap_or_default());
        meaning.push(columns.map_or_else(|| "*".to_owned(), |columns| columns.len().to_string()));
        meaning.extend(columns.into_iter().flatten().chain(&self.key).cloned());
        meaning
    }
}

/// Reads `SCD_TYPE_2… (…)`: its word, its value, and what stands in the parentheses.
pub(super) fn read(word: KindWord, value: &Value<'_>, inner: &[Lexeme]) -> Result<Incremental, Problem> {
    let by_column = word == KindWord::HistoryByColumn;
    let mut history = History {
        key: Vec::new(),
        valid_from: "valid_from".to_owned(),
        valid_to: "valid_to".to_owned(),
        time_type: "TIMESTAMP".to_owned(),
        change: RowChange::Later { updated_at: String::new(), first_from_then: false },
        hard_deletes: false,
    };
    let (mut updated_at, mut columns, mut first_from_then) = (None, None, false);
    let (mut batch_size, mut on_change) = (None, OnChange::default());
    for property in header::items(inner)? {
        if on_change.read(&property)? {
            continue;
        }
        match (property.key.as_str(), by_column) {
            ("unique_key", _) => history.key = expressions(&property)?,
            ("valid_from_name", _) => history.valid_from = column(&property)?,
            ("valid_to_name", _) => history.valid_to = column(&property)?,
            ("time_data_type", _) => history.time_type = property.value.sql(),
            ("invalidate_hard_deletes", _) => history.hard_deletes = boolean(&property)?,
            ("updated_at_name", _) => updated_at = Some(column(&property)?),
            ("updated_at_as_valid_from", false) | ("execution_time_as_valid_from", true) => {
                first_from_then = boolean(&property)?;
            }
            ("columns", true) => columns = compared(&property)?,
            ("batch_size", _) => {
                let none = || expected("a number from 1", &property);
                batch_size = Some(NonZeroU32::new(number(&property)?).ok_or_else(none)?);
            }
            // history is always gone on with
            ("forward_only" | "disable_restatement", _) if property.value.boolean() == Some(true) => {}
            (key @ ("forward_only" | "disable_restatement"), _) => {
                let problem = Problem::new(format!("`{key} false` would lose the history"), property.span.clone());
                return Err(problem.help("leave it out: what was once valid can't be computed again"));
            }
            (key, _) => {
                return Err(unknown(key, word, &property));
            }
        }
    }
    check(&history, on_change, word, value)?;
    history.change = if by_column {
        RowChange::Different { columns, updated_at, first_from_then }
    } else {
        let updated_at = updated_at.unwrap_or_else(|| "updated_at".to_owned());
        RowChange::Later { updated_at, first_from_then }
    };
    Ok(Incremental {
        by: By::History(history),
        lookback: 0,
        batch_size,
        disable_restatement: true,
        forward_only: false,
        on_change,
    })
}

/// The columns whose change makes a new version; none: all of them.
fn compared(property: &Property<'_>) -> Result<Option<Vec<String>>, Problem> {
    if property.value.sql() == "*" {
        return Ok(None);
    }
    let one = |element: &Value<'_>| element.text().map(str::to_owned);
    let named: Option<Vec<String>> = property.value.elements().iter().map(one).collect();
    named.map(Some).ok_or_else(|| expected("a list of columns, or *", property))
}

/// What must hold of the properties together.
fn check(history: &History, on_change: OnChange, word: KindWord, value: &Value<'_>) -> Result<(), Problem> {
    if on_change.destructive == Policy::Ignore || on_change.additive == Policy::Ignore {
        let problem = Problem::new(format!("kind {word} can't leave its columns as they are"), value.span());
        return Err(problem.help("each version has the columns of the query: ERROR or ALLOW"));
    }
    if history.valid_from.eq_ignore_ascii_case(&history.valid_to) {
        return Err(Problem::new("the two times of a version need two columns", value.span()));
    }
    if history.key.is_empty() {
        let problem = Problem::new(format!("kind {word} needs the columns that identify a row"), value.span());
        let columns = if word == KindWord::HistoryByColumn { ", columns *" } else { "" };
        return Err(problem.help(format!("{word} (unique_key id{columns})")));
    }
    Ok(())
}

fn column(property: &Property<'_>) -> Result<String, Problem> {
    property.value.text().map(str::to_owned).ok_or_else(|| expected("a column", property))
}
