//! Whether two tables have the same rows: as a multiset, in the same columns, value by value as anyone could tell them
//! apart.

use super::Database;
use crate::adapter::engine::cutoff::SameRows;
use crate::domain::environment::Column;
use crate::domain::name::quote;

/// Types, or beginnings of them, whose values are the same if they are equal.
const EXACT: [&str; 20] = [
    "BOOLEAN",
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
    "UHUGEINT",
    "DECIMAL(",
    "DATE",
    "TIME",
    "TIMESTAMP",
    "UUID",
    "BLOB",
    "BIT",
    "ENUM(",
    "NULL",
];

/// Types whose values are the same if their texts are: equality takes `-0.0` for `0.0`, a month for 30 days, and under a
/// collation `a` for `A`.
const BY_TEXT: [&str; 6] = ["VARCHAR", "FLOAT", "DOUBLE", "INTERVAL", "TIME WITH TIME ZONE", "JSON"];

impl SameRows for Database {
    fn told_apart_by((name, kind): &Column) -> Option<Vec<String>> {
        let name = quote(name);
        let text = format!("encode(CAST({name} AS VARCHAR))");
        let is_nested = kind.ends_with(']') || kind.starts_with("STRUCT(") || kind.starts_with("MAP(");
        if is_nested {
            return Some(vec![name, text]);
        }
        if BY_TEXT.contains(&kind.as_str()) {
            return Some(vec![text]);
        }
        let base = kind.split_once('(').map_or(kind.as_str(), |(base, _)| &kind[..=base.len()]);
        let base = if base.starts_with("TIMESTAMP") { "TIMESTAMP" } else { base };
        EXACT.contains(&base).then(|| vec![name])
    }

    fn hash(values: &str) -> String {
        format!("CAST(hash({values}) AS HUGEINT)")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use super::super::trial::in_memory;
    use crate::adapter::engine::cutoff::have_same_rows;
    use crate::adapter::engine::{Door, Interrupt, Location};
    use crate::domain::name::TableName;

    #[test]
    fn two_tables_are_the_same_if_nobody_can_tell_them_apart() {
        let (interrupt, patience) = (Interrupt::default(), Duration::from_secs(1));
        let location = Location::new("x".into(), "x".into(), Door::default(), patience, interrupt);
        let warehouse = in_memory(&location).unwrap();
        warehouse.run("a test", "CREATE SCHEMA vmesh_snapshots").unwrap();
        let table = |name: &str, query: &str| {
            let table = TableName::physical(name.to_owned());
            warehouse.run("a test", &format!("CREATE OR REPLACE TABLE {} AS {query}", table.quoted())).unwrap();
            table
        };
        let same = |one: &str, other: &str| {
            let (one, other) = (table("one", one), table("other", other));
            let found = have_same_rows(&warehouse, &one, &other, None).unwrap();
            assert_eq!(found, have_same_rows(&warehouse, &other, &one, None).unwrap());
            found
        };
        for (one, other) in [
            (
                "SELECT 1 AS a, 'x' AS b UNION ALL SELECT 2, NULL",
                "SELECT 2 AS a, NULL::VARCHAR AS b UNION ALL SELECT 1, 'x'",
            ),
            ("SELECT 1 AS a WHERE false", "SELECT 2 AS a WHERE false"),
            ("SELECT 0.1::DOUBLE + 0.2::DOUBLE AS a", "SELECT 0.30000000000000004::DOUBLE AS a"),
            ("SELECT {'a': [1, NULL]} AS s, MAP {'k': 1.5} AS m", "SELECT {'a': [1, NULL]} AS s, MAP {'k': 1.5} AS m"),
            ("SELECT 'nan'::DOUBLE AS a", "SELECT 'nan'::DOUBLE AS a"),
            (
                "SELECT 'a'::ENUM('a', 'b') AS e, 1.50::DECIMAL(5, 2) AS d",
                "SELECT 'a'::ENUM('a', 'b') AS e, 1.5::DECIMAL(5, 2) AS d",
            ),
        ] {
            assert!(same(one, other), "{one} | {other}");
        }
        for (one, other) in [
            ("SELECT 1 AS a", "SELECT 2 AS a"),
            ("SELECT 1 AS a", "SELECT 1 AS b"),
            ("SELECT 1 AS a", "SELECT 1 AS A"),
            ("SELECT 1 AS a", "SELECT 1::BIGINT AS a"),
            ("SELECT 1 AS a, 2 AS b", "SELECT 2 AS b, 1 AS a"),
            ("SELECT 1 AS a UNION ALL SELECT 1", "SELECT 1 AS a"),
            ("SELECT * FROM (VALUES (1), (1), (2)) t(a)", "SELECT * FROM (VALUES (1), (2), (2)) t(a)"),
            ("SELECT NULL::INTEGER AS a", "SELECT 0 AS a"),
            ("SELECT '' AS a", "SELECT NULL::VARCHAR AS a"),
            ("SELECT 'a' AS a", "SELECT 'A' AS a"),
            ("SELECT 'a' COLLATE NOCASE AS a", "SELECT 'A' COLLATE NOCASE AS a"),
            ("SELECT 0.0::DOUBLE AS a", "SELECT -0.0::DOUBLE AS a"),
            ("SELECT INTERVAL '30 days' AS a", "SELECT INTERVAL '1 month' AS a"),
            ("SELECT [0.0::DOUBLE] AS a", "SELECT [-0.0::DOUBLE] AS a"),
            ("SELECT ['a, b'] AS a", "SELECT ['a', 'b'] AS a"),
            ("SELECT 'b'::ENUM('a', 'b') AS e", "SELECT 'a'::ENUM('a', 'b') AS e"),
        ] {
            assert!(!same(one, other), "{one} | {other}");
        }
        let one = table("one", "SELECT * FROM (VALUES (1, 'x', 0.5), (2, 'x', 1.5)) t(a, b, c)");
        let other = table("other", "SELECT * FROM (VALUES ('x', 2, 9), ('x', 1, 0.5)) t(B, A, d)");
        let alike = |columns: &[&str]| {
            let columns = columns.iter().map(|it| (*it).to_owned()).collect();
            have_same_rows(&warehouse, &one, &other, Some(&columns)).unwrap()
        };
        assert!(alike(&["a", "b"]) && alike(&["b"]) && alike(&[]));
        assert!(!alike(&["c"]) && !alike(&["a", "d"]));
        let other = table("other", "SELECT 1 AS a");
        assert!(!have_same_rows(&warehouse, &one, &other, Some(&BTreeSet::new())).unwrap(), "another count of rows");
    }
}
