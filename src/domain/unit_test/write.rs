//! Writes a test as SQLMesh's `create_test` does.

use super::super::yaml::scalar;
use super::{Row, Value, rows};

/// A test to be written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewTest {
    /// The name of the test.
    pub name: String,
    /// The model that is tested.
    pub model: String,
    /// Rows of each parent.
    pub inputs: Vec<NewInput>,
    /// Rows of CTEs.
    pub ctes: Vec<(String, Vec<Row>)>,
    /// Rows of the model's query.
    pub query: Vec<Row>,
    /// Values of variables.
    pub vars: Vec<(String, Value)>,
}

/// The rows of a parent, to be written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewInput {
    /// The parent.
    pub model: String,
    /// The types of those columns whose values don't tell them.
    pub columns: Vec<(String, String)>,
    /// The rows.
    pub rows: Vec<Row>,
}

impl NewInput {
    /// The rows of a parent with columns of these types.
    pub fn new(model: String, types: &[(String, String)], rows: Vec<Row>) -> Self {
        let hidden = |(name, kind): &&(String, String)| !tells(kind, &rows::values(&rows, name));
        let columns = types.iter().filter(hidden).cloned().collect();
        Self { model, columns, rows }
    }
}

/// Whether values written without their type are read back with one that is as good.
fn tells(kind: &str, values: &[&Value]) -> bool {
    let all = |of: fn(&Value) -> bool| {
        values.iter().any(|value| **value != Value::Null)
            && values.iter().all(|value| **value == Value::Null || of(value))
    };
    match kind {
        "BOOLEAN" => all(|value| matches!(value, Value::Bool(_))),
        "INTEGER" | "BIGINT" => all(|value| matches!(value, Value::Int(_))),
        "DOUBLE" => all(|value| matches!(value, Value::Float(_))),
        "VARCHAR" => all(|value| matches!(value, Value::Text(_))),
        "DATE" => all(|value| matches!(value, Value::Time(text) if text.len() == 10)),
        "TIMESTAMP" => all(|value| matches!(value, Value::Time(text) if text.len() > 10)),
        _ => false,
    }
}

/// A value from the text that the engine prints, by its column's type.
pub fn value_of(text: Option<&str>, kind: &str) -> Value {
    let Some(text) = text else { return Value::Null };
    let number = || match (text, scalar::float(text)) {
        ("inf" | "-inf" | "nan", _) => Some(Value::Float(text.to_owned())),
        (_, number) => number.map(Value::Float),
    };
    let read = match kind {
        "BOOLEAN" => text.parse().ok().map(Value::Bool),
        "DOUBLE" | "FLOAT" => number(),
        kind if kind.starts_with("DECIMAL(") => number(),
        kind if kind.ends_with("INT") || kind.ends_with("INTEGER") => scalar::integer(text).map(Value::Int),
        "DATE" | "TIMESTAMP" => scalar::is_time(text).then(|| Value::Time(text.to_owned())),
        _ => None,
    };
    read.unwrap_or_else(|| Value::Text(text.to_owned()))
}

impl NewTest {
    /// The text of the file. Names and strings are quoted where a reader, of YAML 1.1 too, would take them for
    /// something else.
    pub fn to_yaml(&self) -> String {
        let mut out = format!("{}:\n  model: {}\n", string(&self.name), string(&self.model));
        if !self.inputs.is_empty() {
            out.push_str("  inputs:\n");
        }
        self.inputs.iter().for_each(|one| input(&mut out, one));
        out.push_str("  outputs:\n");
        section(&mut out, 4, "ctes", &self.ctes);
        list(&mut out, 4, "query", &self.query);
        if !self.vars.is_empty() {
            out.push_str("  vars:\n");
        }
        for (name, value) in &self.vars {
            out.push_str(&format!("    {}: {}\n", string(name), inline(value)));
        }
        out
    }
}

fn input(out: &mut String, NewInput { model, columns, rows }: &NewInput) {
    if columns.is_empty() {
        return list(out, 4, &string(model), rows);
    }
    out.push_str(&format!("    {}:\n      columns:\n", string(model)));
    for (name, kind) in columns {
        out.push_str(&format!("        {}: {}\n", string(name), string(kind)));
    }
    list(out, 6, "rows", rows);
}

fn section(out: &mut String, indent: usize, key: &str, parts: &[(String, Vec<Row>)]) {
    if !parts.is_empty() {
        out.push_str(&format!("{:indent$}{key}:\n", ""));
    }
    for (name, rows) in parts {
        list(out, indent + 2, &string(name), rows);
    }
}

fn list(out: &mut String, indent: usize, key: &str, rows: &[Row]) {
    let none = if rows.is_empty() { " []" } else { "" };
    out.push_str(&format!("{:indent$}{key}:{none}\n", ""));
    for row in rows {
        if row.is_empty() {
            out.push_str(&format!("{:indent$}- {{}}\n", ""));
        }
        for (at, (column, value)) in row.iter().enumerate() {
            let lead = if at == 0 { "- " } else { "  " };
            out.push_str(&format!("{:indent$}{lead}{}: {}\n", "", string(column), inline(value)));
        }
    }
}

fn inline(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(is) => is.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Float(text) => match text.as_str() {
            "inf" => ".inf".to_owned(),
            "-inf" => "-.inf".to_owned(),
            "nan" => ".nan".to_owned(),
            // would be read as a whole number
            text if scalar::integer(text).is_some() => format!("{text}.0"),
            text => text.to_owned(),
        },
        Value::Time(text) => text.clone(),
        Value::Text(text) => string(text),
        Value::List(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Value::Map(entries) => {
            let entries = entries.iter().map(|(key, value)| format!("{}: {}", inline(key), inline(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
    }
}

/// A string, in quotes unless it is surely read back as it is.
fn string(text: &str) -> String {
    let simple = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | ' ' | '/');
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(simple)
        && !text.ends_with(' ')
        && !is_special(text)
        && scalar::plain(text) == Value::Text(text.to_owned());
    // a quoted string on one line: what is not printable needs escapes
    let printable = |c: char| c == ' ' || c.is_ascii_graphic() || (!c.is_ascii() && c.is_alphanumeric());
    if plain {
        text.to_owned()
    } else if text.chars().all(printable) {
        format!("'{}'", text.replace('\'', "''"))
    } else {
        format!("\"{}\"", text.chars().map(escaped).collect::<String>())
    }
}

fn escaped(c: char) -> String {
    match c {
        '"' => "\\\"".to_owned(),
        '\\' => "\\\\".to_owned(),
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        '\t' => "\\t".to_owned(),
        c if c == ' ' || c.is_ascii_graphic() || (!c.is_ascii() && c.is_alphanumeric()) => c.to_string(),
        c => format!("\\U{:08X}", u32::from(c)),
    }
}

/// What YAML 1.1 takes for a boolean.
fn is_special(text: &str) -> bool {
    ["y", "n", "yes", "no", "on", "off", "true", "false", "null"].iter().any(|word| text.eq_ignore_ascii_case(word))
}
