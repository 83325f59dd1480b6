//! Kinds whose tables are filled a span of time, a key or a partition at a time.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use super::super::diagnostic::{Problem, nearest};
use super::super::sql::Lexeme;
use super::super::sql::policy::query_in;
use super::header::{self, Property, Value};
use super::history::History;
use super::kind::KindWord;

/// How an incremental model is filled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incremental {
    /// What a load replaces.
    pub by: By,
    /// Units before the first missing one that are loaded again with it: late data.
    pub lookback: u32,
    /// The most units in one load.
    pub batch_size: Option<NonZeroU32>,
    /// Whether its rows may not be computed again.
    pub disable_restatement: bool,
    /// Whether a changed version goes on from the rows of the one before it, rather than be filled anew.
    pub forward_only: bool,
    /// What such a version may do to the columns.
    pub on_change: OnChange,
}

/// What a version that goes on from another's rows may do to their columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnChange {
    /// To drop a column, or to change its type so that values may not fit.
    pub destructive: Policy,
    /// To add one.
    pub additive: Policy,
}

/// What to do about a change of columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Policy {
    /// Refuse it.
    Error,
    /// Make it.
    Allow,
    /// Leave the table's columns as they are.
    Ignore,
}

impl Default for OnChange {
    fn default() -> Self {
        Self { destructive: Policy::Error, additive: Policy::Allow }
    }
}

impl OnChange {
    /// Takes a property of the kind, if it is one of these.
    pub(super) fn read(&mut self, property: &Property<'_>) -> Result<bool, Problem> {
        let policy = match property.key.as_str() {
            "on_destructive_change" => &mut self.destructive,
            "on_additive_change" => &mut self.additive,
            _ => return Ok(false),
        };
        *policy = match property.value.text().map(str::to_ascii_uppercase).as_deref() {
            Some("ERROR") => Policy::Error,
            // the plan tells the columns in any case
            Some("ALLOW" | "WARN") => Policy::Allow,
            Some("IGNORE") => Policy::Ignore,
            _ => return Err(expected("ERROR, WARN, ALLOW or IGNORE", property)),
        };
        Ok(true)
    }
}

/// How the loads of a table bear on each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Each is complete in itself: in any order, and as often as one likes.
    Any,
    /// Each builds on those before it: the earliest first, and no time is left out between them.
    InTurn,
    /// Each adds rows: no time is loaded twice.
    Once,
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
    /// Nothing: rows that changed are closed, and their new versions added.
    History(History),
}

impl By {
    /// The columns that it adds to those of the query.
    pub fn added_columns(&self) -> Vec<&str> {
        match self {
            Self::History(history) => vec![&history.valid_from, &history.valid_to],
            _ => Vec::new(),
        }
    }

    /// The expressions of its key or its partitions.
    pub fn expressions(&self) -> &[String] {
        match self {
            Self::UniqueKey(parts) | Self::Partition(parts) => parts,
            Self::History(history) => &history.key,
            Self::TimeRange { .. } | Self::Unmanaged(_) => &[],
        }
    }

    /// Why a query can't give a column that is called so, or the kind add one: in words behind the model's name, and what
    /// to do.
    pub fn clash(&self, name: &str, is_given: bool) -> Option<(String, &'static str)> {
        let Self::History(_) = self else { return None };
        if is_given && self.added_columns().iter().any(|added| added.eq_ignore_ascii_case(name)) {
            return Some((
                format!("gives a column `{name}`, which its kind adds itself"),
                "leave it out of the query, or call the kind's otherwise: valid_from_name, valid_to_name",
            ));
        }
        name.to_lowercase().starts_with("vmesh_").then(|| {
            (
                format!("has a column `{name}`, and a history's load has one of that name"),
                "call it otherwise: names that begin with `vmesh_` are vmesh's own",
            )
        })
    }
    /// The kind's word.
    pub fn word(&self) -> KindWord {
        match self {
            Self::TimeRange { .. } => KindWord::TimeRange,
            Self::UniqueKey(_) => KindWord::UniqueKey,
            Self::Partition(_) => KindWord::Partition,
            Self::Unmanaged(_) => KindWord::Unmanaged,
            Self::History(history) => history.word(),
        }
    }

    /// How its loads bear on each other.
    pub fn order(&self) -> Order {
        match self {
            Self::TimeRange { .. } | Self::History(_) => Order::Any,
            Self::UniqueKey(_) | Self::Partition(_) | Self::Unmanaged(true) => Order::InTurn,
            Self::Unmanaged(false) => Order::Once,
        }
    }
}

impl Incremental {
    /// What of it makes different rows: part of the fingerprint.
    pub fn meaning(&self) -> Vec<String> {
        let mut meaning = match &self.by {
            By::TimeRange { column, format } => vec![column.clone(), format.clone().unwrap_or_default()],
            By::UniqueKey(parts) | By::Partition(parts) => parts.clone(),
            By::Unmanaged(overwrite) => vec![overwrite.to_string()],
            By::History(history) => history.meaning(),
        };
        // a table that went on from another's rows is not one that was filled anew
        let parts = [
            ("forward only", self.forward_only),
            ("keep columns", self.goes_on() && self.on_change.destructive == Policy::Ignore),
            ("add no columns", self.goes_on() && self.on_change.additive == Policy::Ignore),
        ];
        meaning.extend(parts.iter().filter(|(_, is_so)| *is_so).map(|(part, _)| (*part).to_owned()));
        meaning
    }

    /// The columns that its query must give, each with the property that names it.
    pub fn needed_columns(&self) -> Vec<(&'static str, &str)> {
        match &self.by {
            By::TimeRange { column, .. } => vec![("time_column", column)],
            By::History(history) => history.needed_columns(),
            By::UniqueKey(parts) => columns("unique_key", parts),
            By::Partition(parts) => columns("partitioned_by", parts),
            By::Unmanaged(_) => Vec::new(),
        }
    }

    /// The columns that it adds to those of its query.
    pub fn added_columns(&self) -> Vec<&str> {
        self.by.added_columns()
    }

    /// Whether a changed version goes on from the rows of the one before it.
    pub fn goes_on(&self) -> bool {
        self.forward_only || matches!(self.by, By::History(_))
    }

    /// What new rows may do to the table's columns. Where a table is that of one full load, nothing that a full load
    /// would do otherwise.
    pub fn rules(&self) -> OnChange {
        match self.goes_on() {
            true => self.on_change,
            false => OnChange { destructive: Policy::Error, additive: Policy::Error },
        }
    }

    /// Reads `INCREMENTAL_… (…)`: its word, its value, and what stands in the parentheses.
    pub(super) fn read(word: KindWord, value: &Value<'_>, inner: &[Lexeme]) -> Result<Self, Problem> {
        let mut by = match word {
            KindWord::TimeRange => By::TimeRange { column: String::new(), format: None },
            KindWord::UniqueKey => By::UniqueKey(Vec::new()),
            KindWord::Partition => By::Partition(Vec::new()),
            _ => By::Unmanaged(false),
        };
        let (mut lookback, mut batch_size) = (0, None);
        // as in SQLMesh: what was added can't be told from what would be, nor can a partition's old rows
        let mut forward_only = matches!(by, By::Partition(_) | By::Unmanaged(_));
        let mut on_change = OnChange::default();
        // what was added can't be told from what is added again
        let mut disable_restatement = matches!(by, By::Unmanaged(_));
        for property in header::items(inner)? {
            if on_change.read(&property)? {
                continue;
            }
            match (property.key.as_str(), &mut by) {
                ("time_column", By::TimeRange { column, format }) => time_column(&property, column, format)?,
                ("unique_key", By::UniqueKey(key)) => *key = expressions(&property)?,
                ("insert_overwrite", By::Unmanaged(overwrite)) => *overwrite = boolean(&property)?,
                ("lookback", By::TimeRange { .. } | By::UniqueKey(_)) => lookback = number(&property)?,
                ("batch_size", By::TimeRange { .. } | By::UniqueKey(_)) => {
                    let none = || expected("a number from 1", &property);
                    batch_size = Some(NonZeroU32::new(number(&property)?).ok_or_else(none)?);
                }
                ("forward_only", _) => forward_only = boolean(&property)?,
                // batches run one after the other, partitions and statements are the engine's business
                ("batch_concurrency" | "partition_by_time_column", _) => {}
                ("disable_restatement", _) => disable_restatement = boolean(&property)?,
                (key @ ("auto_restatement_cron" | "auto_restatement_intervals"), _) => {
                    let problem = Problem::new(format!("`{key}` is not supported"), property.span.clone());
                    let command = "vmesh plan prod --yes --restate-model NAME --start '2 days ago'";
                    return Err(problem.help(format!("let your scheduler do it: {command}; or use `lookback`")));
                }
                (key @ ("when_matched" | "merge_filter"), _) => {
                    return Err(Problem::new(format!("`{key}` is not supported yet"), property.span.clone()));
                }
                (key, _) => {
                    return Err(unknown(key, word, &property));
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
            _ => Ok(Self { by, lookback, batch_size, disable_restatement, forward_only, on_change }),
        }
    }
}

/// Whether DuckDB's `strftime` knows all that stands behind a `%`, and there is something.
fn is_time_format(format: &str) -> bool {
    let mut parts = format.split('%').skip(1).peekable();
    let mut any = false;
    while let Some(part) = parts.next() {
        // `%%` is a `%`
        if part.is_empty() && parts.next().is_some() {
            continue;
        }
        let known = part.trim_start_matches('-').starts_with(|c: char| "aAwudbBmyYGHIpMSfgnzZjUWVcxX".contains(c));
        if !known {
            return false;
        }
        any = true;
    }
    any
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
            if let Some(format) = format.as_deref().filter(|format| !is_time_format(format)) {
                let problem = Problem::new(format!("`{format}` is no time format"), second.span());
                return Err(problem.help("formats are those of strftime: '%Y-%m-%d', '%Y%m%d', '%Y-%m-%d %H:%M:%S'"));
            }
        }
        _ => return Err(expected("a column, or (column, 'format')", property)),
    }
    Ok(())
}

/// Columns or expressions, each as SQL.
pub(super) fn expressions(property: &Property<'_>) -> Result<Vec<String>, Problem> {
    if let Some(query) = query_in(property.value.lexemes()) {
        let problem = Problem::new(format!("`{}` can't hold a query", property.key), query.span.clone());
        return Err(problem.help("name a column, or an expression over the model's columns"));
    }
    Ok(property.value.elements().iter().map(Value::sql).collect())
}

/// Those expressions of a property that surely are columns.
fn columns<'p>(property: &'static str, parts: &'p [String]) -> Vec<(&'static str, &'p str)> {
    let is_name = |part: &&String| {
        part.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && part.chars().all(|one| one.is_ascii_alphanumeric() || one == '_')
    };
    parts.iter().filter(is_name).map(|part| (property, part.as_str())).collect()
}

pub(super) fn number(property: &Property<'_>) -> Result<u32, Problem> {
    property.value.canonical().parse().map_err(|_| expected("a whole number", property))
}

pub(super) fn boolean(property: &Property<'_>) -> Result<bool, Problem> {
    property.value.boolean().ok_or_else(|| expected("true or false", property))
}

pub(super) fn expected(what: &str, property: &Property<'_>) -> Problem {
    Problem::new(format!("`{}` is {what}", property.key), property.value.span())
}

/// Properties of these kinds and of histories, for those who mistype one.
const PROPERTIES: [&str; 17] = [
    "time_column",
    "unique_key",
    "insert_overwrite",
    "lookback",
    "batch_size",
    "batch_concurrency",
    "disable_restatement",
    "forward_only",
    "on_destructive_change",
    "on_additive_change",
    "updated_at_name",
    "updated_at_as_valid_from",
    "execution_time_as_valid_from",
    "valid_from_name",
    "valid_to_name",
    "invalidate_hard_deletes",
    "time_data_type",
];

/// A property that a kind doesn't have.
pub(super) fn unknown(key: &str, word: KindWord, property: &Property<'_>) -> Problem {
    let problem = Problem::new(format!("unknown property `{key}` of kind {word}"), property.span.clone());
    match nearest(key, PROPERTIES) {
        Some(near) if near != key => problem.help(format!("did you mean `{near}`?")),
        _ => problem,
    }
}
