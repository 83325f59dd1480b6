//! Writes a test as SQLMesh's `create_test` does.

use super::super::yaml::scalar;
use super::{Row, Value};

/// A test to be written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewTest {
    /// The name of the test.
    pub name: String,
    /// The model that is tested.
    pub model: String,
    /// Rows of each parent.
    pub inputs: Vec<(String, Vec<Row>)>,
    /// Rows of CTEs.
    pub ctes: Vec<(String, Vec<Row>)>,
    /// Rows of the model's query.
    pub query: Vec<Row>,
    /// Values of variables.
    pub vars: Vec<(String, Value)>,
}

impl NewTest {
    /// The text of the file. Names and strings are quoted where a reader, of YAML 1.1 too, would take them for
    /// something else.
    pub fn to_yaml(&self) -> String {
        let mut out = format!("{}:\n  model: {}\n", string(&self.name), string(&self.model));
        section(&mut out, 2, "inputs", &self.inputs);
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
