//! The functions that lineage knows, held against the engine's own list.

use std::collections::BTreeMap;

use crate::domain::sql::known_functions;

#[test]
fn functions_do_what_the_engine_says_that_they_do() {
    let connection = duckdb::Connection::open_in_memory().unwrap();
    let sql = "SELECT function_name, function_type, coalesce(stability, '') FROM duckdb_functions() \
               WHERE function_type IN ('aggregate', 'scalar', 'macro', 'window')";
    let mut statement = connection.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| {
        let (name, kind, stability): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok((name.to_lowercase(), (kind, stability == "VOLATILE" || stability == "CONSISTENT_WITHIN_QUERY")))
    });
    let mut engine: BTreeMap<String, Vec<(String, bool)>> = BTreeMap::new();
    for (name, told) in rows.unwrap().map(Result::unwrap) {
        engine.entry(name).or_default().push(told);
    }
    for (name, class) in known_functions() {
        let Some(told) = engine.get(name) else { continue };
        let is = |wanted: &str| told.iter().any(|(kind, _)| kind == wanted);
        let is_volatile = told.iter().any(|(_, is_volatile)| *is_volatile);
        let holds = match class {
            "scalar" => !is("aggregate") && !is("window") && !is_volatile,
            "window" => is("window") || is("aggregate"),
            "aggregate" => is("aggregate") || is("macro"),
            _ => true,
        };
        assert!(holds, "{name} is {class} here, and {told:?} there");
    }
    // what the engine's grammar reads as calls, and its list doesn't have
    let scalars = known_functions().filter(|(_, class)| *class == "scalar").map(|(name, _)| name);
    let of_grammar: Vec<&str> = scalars.filter(|name| !engine.contains_key(*name)).collect();
    assert_eq!(of_grammar, ["coalesce", "ifnull", "try"]);
}
