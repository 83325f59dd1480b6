//! What DuckDB's own parser sees a text do, as `json_serialize_sql` shows it: one query, and the functions that it calls.

use serde_json::{Map, Value};

use super::super::duckdb_json::{location, qualified_name, string};

/// One query that only reads.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seen {
    /// The functions that it calls.
    pub calls: Vec<Called>,
    /// The dotted names of all tables in it, CTEs too.
    pub tables: Vec<Vec<String>>,
    /// Whether it lists what the warehouse holds, or settings: SHOW.
    pub lists: bool,
}

/// A call of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Called {
    /// The last part of its name.
    pub name: String,
    /// Whether rows are taken from it.
    pub in_from: bool,
    /// The byte where its name begins, schema and all, if DuckDB tells.
    pub at: Option<usize>,
}

/// Why no such query is seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotSeen {
    /// DuckDB can't show it, in its own words: it does not parse, or is another statement.
    Unshown(String),
    /// It writes.
    Writes,
    /// There are several, or none.
    Several,
}

/// The nodes of queries that only read.
const READING: [&str; 4] = ["SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"];

impl Seen {
    /// Reads what `json_serialize_sql` gave.
    pub fn from_duckdb_json(json: &str) -> Result<Self, NotSeen> {
        let json: Value = serde_json::from_str(json).map_err(|error| NotSeen::Unshown(error.to_string()))?;
        if json.get("error") != Some(&Value::Bool(false)) {
            let message = json.get("error_message").and_then(Value::as_str).unwrap_or("it can't be parsed");
            return Err(NotSeen::Unshown(message.to_owned()));
        }
        let Some([statement]) = json.get("statements").and_then(Value::as_array).map(Vec::as_slice) else {
            return Err(NotSeen::Several);
        };
        let mut seen = Self::default();
        seen.value(statement)?;
        Ok(seen)
    }

    fn value(&mut self, value: &Value) -> Result<(), NotSeen> {
        match value {
            Value::Object(object) => self.object(object),
            Value::Array(values) => values.iter().try_for_each(|value| self.value(value)),
            _ => Ok(()),
        }
    }

    fn object(&mut self, object: &Map<String, Value>) -> Result<(), NotSeen> {
        let kind = string(object, "type").unwrap_or_default();
        if kind.ends_with("_NODE") && !READING.contains(&kind) {
            return Err(NotSeen::Writes);
        }
        self.lists |= string(object, "show_type").is_some_and(|show| show.starts_with("SHOW"));
        if kind == "TABLE_FUNCTION"
            && let Some(function) = object.get("function").and_then(Value::as_object)
        {
            self.call(function, true, location(object));
        }
        if kind == "BASE_TABLE" {
            self.tables.extend(qualified_name(object));
        }
        if kind == "FUNCTION" || string(object, "class") == Some("WINDOW") {
            self.call(object, false, location(object));
        }
        object.values().try_for_each(|value| self.value(value))
    }

    fn call(&mut self, function: &Map<String, Value>, in_from: bool, at: Option<usize>) {
        if let Some(name) = qualified_name(function).and_then(|mut parts| parts.pop()) {
            self.calls.push(Called { name, in_from, at });
        }
    }
}
