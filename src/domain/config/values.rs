//! What a setting's value means: a variable, or the value of a header's property.

use super::super::macros;
use super::super::yaml::Value;

/// Properties whose text is SQL or a keyword, not a string.
const SQL: [&str; 5] = ["kind", "audits", "assertions", "partitioned_by", "clustered_by"];

/// A variable's value; `None` for a number that is too large.
pub fn variable(value: &Value) -> Option<macros::Value> {
    Some(match value {
        Value::Null => macros::Value::Null,
        Value::Bool(yes) => macros::Value::Bool(*yes),
        Value::Int(number) => macros::Value::Int(i64::try_from(*number).ok()?),
        Value::Float(number) => macros::Value::Float(number.parse().ok()?),
        Value::Time(text) | Value::Text(text) => macros::Value::Text(text.clone()),
        Value::List(values) => macros::Value::List(values.iter().map(variable).collect::<Option<_>>()?),
        Value::Map(entries) => {
            let entry = |(key, value): &(Value, Value)| Some((spelled(key, true)?, variable(value)?));
            macros::Value::Map(entries.iter().map(entry).collect::<Option<_>>()?)
        }
    })
}

/// The value of a property as a header spells it; `None` for nothing.
pub(super) fn property(key: &str, value: &Value) -> Option<String> {
    let is_sql = SQL.contains(&key);
    match value {
        Value::Null => None,
        Value::Map(entries) if key == "kind" => kind(entries),
        Value::List(values) => {
            let parts: Vec<String> = values.iter().filter_map(|value| spelled(value, is_sql)).collect();
            Some(format!("({})", parts.join(", ")))
        }
        value => spelled(value, is_sql),
    }
}

/// `{name: SCD_TYPE_2, unique_key: id}` → `SCD_TYPE_2 (unique_key id)`.
fn kind(entries: &[(Value, Value)]) -> Option<String> {
    let is_name = |key: &Value| matches!(key, Value::Text(text) if text == "name");
    let name = entries.iter().find(|(key, _)| is_name(key)).and_then(|(_, name)| spelled(name, true))?;
    let rest = entries.iter().filter(|(key, _)| !is_name(key));
    let rest = rest.filter_map(|(key, value)| Some(format!("{} {}", spelled(key, true)?, of_kind(key, value)?)));
    let rest: Vec<String> = rest.collect();
    Some(if rest.is_empty() { name } else { format!("{name} ({})", rest.join(", ")) })
}

fn of_kind(key: &Value, value: &Value) -> Option<String> {
    let format = |entries: &[(Value, Value)]| -> Option<String> {
        let get = |wanted: &str| {
            let found = entries.iter().find(|(key, _)| matches!(key, Value::Text(text) if text == wanted));
            found.map(|(_, value)| value)
        };
        Some(format!("({}, {})", spelled(get("column")?, true)?, spelled(get("format")?, false)?))
    };
    match (key, value) {
        (Value::Text(key), Value::Map(entries)) if key == "time_column" => format(entries),
        _ => spelled(value, true),
    }
}

fn spelled(value: &Value, is_sql: bool) -> Option<String> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(yes) => yes.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => number.clone(),
        Value::Time(text) | Value::Text(text) if is_sql => text.clone(),
        Value::Time(text) | Value::Text(text) => format!("'{}'", text.replace('\'', "''")),
        Value::List(values) => {
            let parts: Vec<String> = values.iter().filter_map(|value| spelled(value, is_sql)).collect();
            format!("({})", parts.join(", "))
        }
        Value::Map(entries) => {
            let entry =
                |(key, value): &(Value, Value)| Some(format!("{} = {}", spelled(key, true)?, spelled(value, is_sql)?));
            format!("({})", entries.iter().filter_map(entry).collect::<Vec<_>>().join(", "))
        }
    })
}
