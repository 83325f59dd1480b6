//! The SQL that yields given rows.

use std::borrow::Cow;
use std::collections::HashSet;

use super::super::engine_kind::EngineKind;
use super::super::name::quote;
use super::super::types::Type;
use super::{Row, Value};

/// The SELECT that yields these rows, with the columns in the order of the types if these know them all, and else as the
/// rows name them. Names are compared without letter case. `None` when there is no column at all.
pub fn fixture(engine: EngineKind, rows: &[Row], types: &[(String, String)]) -> Option<String> {
    let known = |name: &String| types.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
    let named = columns_of(rows);
    let typed: Vec<String> = types.iter().map(|(name, _)| name.clone()).collect();
    let is_in = |names: &[String], name: &String| names.iter().any(|other| other.eq_ignore_ascii_case(name));
    let columns: Vec<String> = match named.iter().all(|name| is_in(&typed, name)) {
        true => typed,
        false => {
            let rest = typed.into_iter().filter(|name| !is_in(&named, name));
            named.iter().cloned().chain(rest.collect::<Vec<_>>()).collect()
        }
    };
    let types: Vec<Option<String>> = columns
        .iter()
        .map(|name| known(name).map(|(_, kind)| kind.clone()).or_else(|| guessed(engine, &values(rows, name))))
        .collect();
    let cast = |value: &Value, at: usize| match types.get(at).and_then(Option::as_ref) {
        Some(kind) => cast(engine, value, kind),
        None => expression(engine, value),
    };
    select(rows, &columns, &cast)
}

/// The first value that its column's type would cut short: column, value and type.
pub fn cut_short(engine: EngineKind, rows: &[Row], types: &[(String, String)]) -> Option<(String, String, String)> {
    types.iter().find_map(|(name, kind)| {
        let parsed = Type::of(engine, kind);
        let cut = values(rows, name).into_iter().find(|value| !keeps(&parsed, &in_utc(value, kind)))?;
        Some((name.clone(), expression(engine, cut), kind.clone()))
    })
}

/// The columns that rows name, in the order of their first appearance.
pub fn columns_of(rows: &[Row]) -> Vec<String> {
    let mut seen = HashSet::new();
    let names = rows.iter().flatten().map(|(name, _)| name);
    names.filter(|name| seen.insert(name.to_ascii_lowercase())).cloned().collect()
}

/// The values of one column.
pub(super) fn values<'a>(rows: &'a [Row], column: &str) -> Vec<&'a Value> {
    let find = |row: &'a Row| row.iter().find(|(name, _)| name.eq_ignore_ascii_case(column)).map(|(_, value)| value);
    rows.iter().map(|row| find(row).unwrap_or(&Value::Null)).collect()
}

/// A value of a type.
pub(super) fn cast(engine: EngineKind, value: &Value, kind: &str) -> String {
    let is_json = || matches!(kind.to_ascii_lowercase().as_str(), "json" | "jsonb");
    match value {
        Value::List(_) if engine == EngineKind::Postgres && is_json() => {
            format!("CAST({} AS {kind})", engine.literal(&json(value).to_string()))
        }
        Value::Map(_) if engine == EngineKind::Spark => {
            format!("from_json({}, {})", engine.literal(&json(value).to_string()), engine.literal(kind))
        }
        value => format!("CAST({} AS {kind})", expression(engine, &in_utc(value, kind))),
    }
}

/// Whether a value, cast to a type, loses nothing.
pub(super) fn is_kept(engine: EngineKind, value: &Value, kind: &str) -> bool {
    keeps(&Type::of(engine, kind), &in_utc(value, kind))
}

fn keeps(kind: &Type, value: &Value) -> bool {
    match (value, kind) {
        (Value::Null | Value::Bool(_), _) => true,
        (Value::Int(number), kind) => kind.keeps(&number.to_string()),
        (Value::Float(text), Type::Integer { .. } | Type::Decimal { .. }) if text.contains('n') => false,
        (Value::Float(text) | Value::Time(text) | Value::Text(text), kind) => kind.keeps(text),
        (Value::List(items), Type::List(of, _)) => items.iter().all(|item| keeps(of, item)),
        (Value::Map(entries), Type::Map(key, of)) => {
            entries.iter().all(|(name, value)| keeps(key, name) && keeps(of, value))
        }
        (Value::Map(entries), Type::Struct(fields)) => entries.iter().all(|(name, value)| {
            let is_it =
                |field: &&(String, Type)| matches!(name, Value::Text(name) if field.0.eq_ignore_ascii_case(name));
            fields.iter().find(is_it).is_none_or(|(_, kind)| keeps(kind, value))
        }),
        (Value::List(_) | Value::Map(_), _) => true,
    }
}

/// A value as a text that says all of it.
pub(super) fn as_text(engine: EngineKind, value: &Value) -> String {
    match value {
        Value::Float(text) | Value::Time(text) | Value::Text(text) => engine.literal(text),
        value => format!("CAST({} AS {})", expression(engine, value), engine.text()),
    }
}

/// Rows of these columns. Every value is cast by itself, by its column's number: VALUES would make all rows follow the
/// first one's types.
pub(super) fn select(rows: &[Row], columns: &[String], cast: &dyn Fn(&Value, usize) -> String) -> Option<String> {
    let names: Vec<String> = columns.iter().map(|name| quote(name)).collect();
    if names.is_empty() {
        return None;
    }
    if rows.is_empty() {
        let empty = names.iter().enumerate().map(|(at, name)| format!("{} AS {name}", cast(&Value::Null, at)));
        return Some(format!("SELECT {} WHERE false", empty.collect::<Vec<_>>().join(", ")));
    }
    let by_column: Vec<Vec<&Value>> = columns.iter().map(|name| values(rows, name)).collect();
    let row = |index: usize| {
        let cells = by_column.iter().enumerate().map(|(at, values)| cast(values[index], at));
        format!("({})", cells.collect::<Vec<_>>().join(", "))
    };
    let rows: Vec<String> = (0..rows.len()).map(row).collect();
    Some(format!("SELECT * FROM (VALUES {}) AS fixture({})", rows.join(", "), names.join(", ")))
}

/// A value as a literal. In DuckDB, a map with string keys is written as a struct: it casts that to either, and a struct's
/// values need not be of one type. PostgreSQL has neither: there it is JSON.
fn expression(engine: EngineKind, value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Bool(is) => is.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Float(text) if text.ends_with("inf") || text == "nan" => {
            format!("CAST('{text}' AS {})", engine.double())
        }
        Value::Float(text) => text.clone(),
        Value::Time(text) | Value::Text(text) => engine.literal(text),
        Value::List(items) if engine == EngineKind::Postgres && items.is_empty() => "'{}'".to_owned(),
        Value::List(items) => {
            let kind = guessed(engine, &items.iter().collect::<Vec<_>>()).filter(|kind| kind != engine.double());
            let item = |item: &Value| match (&kind, item) {
                (Some(kind), item) if !matches!(item, Value::Text(_) | Value::Null) => {
                    format!("CAST({} AS {kind})", expression(engine, item))
                }
                _ => expression(engine, item),
            };
            let (open, close) = match engine {
                EngineKind::DuckDb => ("[", "]"),
                EngineKind::Postgres => ("ARRAY[", "]"),
                EngineKind::Spark => ("array(", ")"),
            };
            format!("{open}{}{close}", items.iter().map(item).collect::<Vec<_>>().join(", "))
        }
        Value::Map(_) if engine != EngineKind::DuckDb => engine.literal(&json(value).to_string()),
        Value::Map(entries) => {
            let is_struct = !entries.is_empty() && entries.iter().all(|(key, _)| matches!(key, Value::Text(_)));
            let entries = entries
                .iter()
                .map(|(key, value)| format!("{}: {}", expression(engine, key), expression(engine, value)));
            format!("{}{{{}}}", if is_struct { "" } else { "MAP " }, entries.collect::<Vec<_>>().join(", "))
        }
    }
}

/// A value in JSON.
fn json(value: &Value) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(is) => (*is).into(),
        Value::Int(number) => serde_json::from_str(&number.to_string()).unwrap_or_default(),
        Value::Float(text) => serde_json::from_str(text).unwrap_or_else(|_| text.as_str().into()),
        Value::Time(text) | Value::Text(text) => text.as_str().into(),
        Value::List(items) => items.iter().map(json).collect(),
        Value::Map(entries) => {
            let key = |key: &Value| match key {
                Value::Text(text) | Value::Time(text) => text.clone(),
                key => json(key).to_string(),
            };
            entries.iter().map(|(name, value)| (key(name), json(value))).collect()
        }
    }
}

/// A time with a zone, for a column without one: DuckDB would drop the zone and keep the hour.
fn in_utc<'a>(value: &'a Value, kind: &str) -> Cow<'a, Value> {
    let kind = kind.to_ascii_uppercase();
    let without_zone = kind.starts_with("TIMESTAMP") && !kind.contains("TZ") && !kind.contains("WITH TIME ZONE");
    match value {
        Value::Time(text) | Value::Text(text) if without_zone => match text.parse::<jiff::Timestamp>() {
            Ok(time) => Cow::Owned(Value::Text(time.to_string().trim_end_matches('Z').replace('T', " "))),
            Err(_) => Cow::Borrowed(value),
        },
        _ => Cow::Borrowed(value),
    }
}

/// The type of values whose column's type is not known; `None`: the engine finds it.
fn guessed(engine: EngineKind, values: &[&Value]) -> Option<String> {
    let mut kinds: Vec<&str> = values.iter().filter_map(|value| kind(value)).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let kind = match kinds.as_slice() {
        [] | ["INTEGER" | "NESTED"] => return None,
        ["DOUBLE"] | ["DOUBLE", "INTEGER"] => engine.double(),
        [one] => one,
        ["DATE", "TIMESTAMP"] => "TIMESTAMP",
        kinds if kinds.contains(&"NESTED") => return None,
        _ => "VARCHAR",
    };
    Some(if kind == "VARCHAR" { engine.text() } else { kind }.to_owned())
}

fn kind(value: &Value) -> Option<&'static str> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(_) => "BOOLEAN",
        Value::Int(_) => "INTEGER",
        Value::Float(_) => "DOUBLE",
        Value::Time(text) if text.len() == 10 => "DATE",
        Value::Time(_) => "TIMESTAMP",
        Value::Text(_) => "VARCHAR",
        Value::List(_) | Value::Map(_) => "NESTED",
    })
}
