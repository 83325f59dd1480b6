//! Rows of vmesh's own tables, as text: every engine can give that, and says the same of texts and whole numbers.

use crate::adapter::engine::WarehouseError;
use crate::domain::name::literal;

/// A row of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Row(pub(in super::super) Vec<Option<String>>);

/// A value to put into a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum Value {
    /// A text.
    Text(String),
    /// A whole number.
    Number(i64),
    /// Whether something holds.
    Flag(bool),
    /// NULL.
    Nothing,
}

/// What can be read from a row.
pub(in super::super) trait FromText: Sized {
    /// Reads a value; none if it is not of this sort.
    fn from_text(text: Option<&str>) -> Option<Self>;
}

impl Row {
    /// The value of a column, counted from 0.
    pub(in super::super) fn get<T: FromText>(&self, index: usize) -> Result<T, WarehouseError> {
        let value = self.0.get(index).and_then(|value| T::from_text(value.as_deref()));
        value.ok_or_else(|| WarehouseError::Engine {
            doing: "reading vmesh's records".to_owned(),
            message: format!("column {} is {:?}, which vmesh never writes", index + 1, self.0.get(index)),
        })
    }
}

impl FromText for String {
    fn from_text(text: Option<&str>) -> Option<Self> {
        text.map(str::to_owned)
    }
}

impl FromText for i64 {
    fn from_text(text: Option<&str>) -> Option<Self> {
        text?.parse().ok()
    }
}

impl FromText for u64 {
    fn from_text(text: Option<&str>) -> Option<Self> {
        text?.parse().ok()
    }
}

impl FromText for bool {
    fn from_text(text: Option<&str>) -> Option<Self> {
        match text? {
            "true" | "t" => Some(true),
            "false" | "f" => Some(false),
            _ => None,
        }
    }
}

impl<T: FromText> FromText for Option<T> {
    fn from_text(text: Option<&str>) -> Option<Self> {
        match text {
            None => Some(None),
            some => T::from_text(some).map(Some),
        }
    }
}

impl Value {
    /// In SQL.
    pub(in super::super) fn sql(&self) -> String {
        match self {
            Self::Text(text) => literal(text),
            Self::Number(number) => number.to_string(),
            Self::Flag(flag) => flag.to_string(),
            Self::Nothing => "NULL".to_owned(),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<u64> for Value {
    /// vmesh counts and tells time with these: none reaches the last bit.
    fn from(number: u64) -> Self {
        Self::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Nothing, Into::into)
    }
}

/// Rows as they stand behind VALUES.
pub(in super::super) fn values(rows: &[Vec<Value>]) -> String {
    let row = |row: &Vec<Value>| format!("({})", row.iter().map(Value::sql).collect::<Vec<_>>().join(", "));
    rows.iter().map(row).collect::<Vec<_>>().join(", ")
}
