//! The SQL that writes rows as JSON, digit for digit. The engine's own writes NaN, which is no JSON, and decimals as
//! floating point. Numbers are as exact as they are stored; what JSON has no number for is a string: "NaN", "Infinity",
//! "-Infinity". Everything that is neither a number, a list, a struct nor a map is the text that the engine prints.

use super::environment::Column;
use super::name::literal;
use super::types::Type;

/// The query of one text a row, a JSON object, for a query of these columns.
pub fn objects(query: &str, columns: &[Column]) -> String {
    let mut taken: Vec<String> = Vec::new();
    let fields = columns.iter().enumerate().map(|(at, (name, kind))| {
        let name = free(name, &taken);
        taken.push(name.clone());
        field(&name, &format!("c{at}"), &Type::parse(kind), 0)
    });
    let fields = fields.collect::<Vec<_>>().join(" || ',' || ");
    let names: Vec<String> = (0..columns.len()).map(|at| format!("c{at}")).collect();
    format!("SELECT '{{' || {fields} || '}}' FROM (\n{query}\n) AS vmesh_rows({})", names.join(", "))
}

/// A name that no other column has: two columns of one name would be one in JSON.
fn free(name: &str, taken: &[String]) -> String {
    let numbered = (1..).map(|number| format!("{name}_{number}"));
    let is_free = |name: &String| !taken.contains(name);
    std::iter::once(name.to_owned()).chain(numbered).find(is_free).unwrap_or_default()
}

/// `"name":value`; the value of NULL is null.
fn field(name: &str, value: &str, kind: &Type, depth: usize) -> String {
    let name = serde_json::Value::from(name).to_string();
    format!("{} || {}", literal(&format!("{name}:")), or_null(value, kind, depth))
}

fn or_null(value: &str, kind: &Type, depth: usize) -> String {
    format!("coalesce({}, 'null')", json(value, kind, depth))
}

/// The JSON of a value, as text; NULL for NULL.
fn json(value: &str, kind: &Type, depth: usize) -> String {
    let plain = format!("CAST({value} AS VARCHAR)");
    let each = format!("e{depth}");
    let joined =
        |items: &str, item: &str| format!("array_to_string(list_transform({items}, lambda {each}: {item}), ',')");
    let unless_null = |text: String| format!("CASE WHEN {value} IS NULL THEN NULL ELSE {text} END");
    match kind {
        Type::Integer { .. } | Type::Decimal { .. } | Type::Boolean => plain,
        Type::Other(kind) if kind == "JSON" || kind == "BIGNUM" => plain,
        Type::Float(_) => format!(
            "CASE WHEN isnan({value}) THEN '\"NaN\"' WHEN isinf({value}) THEN if({value} > 0, '\"Infinity\"', \
             '\"-Infinity\"') ELSE {plain} END"
        ),
        Type::List(of, _) => unless_null(format!("'[' || {} || ']'", joined(value, &or_null(&each, of, depth + 1)))),
        Type::Struct(fields) if fields.iter().all(|(name, _)| name.is_empty()) => {
            let item = |(at, (_, kind)): (usize, &(String, Type))| {
                or_null(&format!("struct_extract_at({value}, {})", at + 1), kind, depth)
            };
            let items: Vec<String> = fields.iter().enumerate().map(item).collect();
            unless_null(format!("'[' || {} || ']'", items.join(" || ',' || ")))
        }
        Type::Struct(fields) => {
            let part = |(at, (name, kind)): (usize, &(String, Type))| {
                field(name, &format!("struct_extract_at({value}, {})", at + 1), kind, depth)
            };
            let parts: Vec<String> = fields.iter().enumerate().map(part).collect();
            unless_null(format!("'{{' || {} || '}}'", parts.join(" || ',' || ")))
        }
        Type::Map(_, of) => {
            let key = format!("CAST(to_json(CAST({each}.key AS VARCHAR)) AS VARCHAR)");
            let entry = format!("{key} || ':' || {}", or_null(&format!("{each}.value"), of, depth + 1));
            unless_null(format!("'{{' || {} || '}}'", joined(&format!("map_entries({value})"), &entry)))
        }
        _ => format!("CAST(to_json({plain}) AS VARCHAR)"),
    }
}
