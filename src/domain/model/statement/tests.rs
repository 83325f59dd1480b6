//! Tests of the list of statements: what goes to the engine, and what never gets there.

use super::super::super::engine_kind::EngineKind;
use super::super::parse;
use super::*;

const HEADER: &str = "MODEL (name marts.orders, kind FULL);\n";

/// The statements of a file as they go to the engine, or why they don't. `raw.items` stands for a model.
fn sent(statements: &str) -> Result<Vec<String>, String> {
    let text = format!("{HEADER}SELECT 1 AS id;\n{statements}");
    let file = parse(&text).map_err(|mut problems| problems.remove(0).what)?;
    let model = ModelName::parse("marts.orders").unwrap();
    let own = TableName { schema: "p".to_owned(), name: "orders_1".to_owned() };
    let replace = |read: &Read| match read.parts.join(".").as_str() {
        "raw.items" => Some("p.items_1".to_owned()),
        _ => is_own(&read.parts, &model).then(|| own.quoted()),
    };
    Ok(file
        .statements
        .iter()
        .map(|statement| statement.sql(&text, &model, &own, EngineKind::DuckDb, &replace).0)
        .collect())
}

#[test]
fn the_beginning_is_ours_and_the_rest_is_the_users() {
    let cases = [
        (
            "SET VARIABLE x = (SELECT max(id) FROM raw.items)",
            "SET VARIABLE \"x\" = ((SELECT max(id) FROM p.items_1 AS \"items\"))",
        ),
        (
            "create or replace temporary table T as select *\nfrom raw.items i",
            "CREATE OR REPLACE TEMP TABLE temp.main.\"T\" AS select *\nfrom p.items_1 i",
        ),
        (
            "CREATE TEMP VIEW v (a, B) AS FROM raw.items",
            "CREATE TEMP VIEW temp.main.\"v\" (\"a\", \"B\") AS FROM p.items_1 AS \"items\"",
        ),
        (
            "CREATE TEMP MACRO half(x, d := -2.5) AS x / d",
            "CREATE TEMP MACRO temp.main.\"half\"(\"x\", \"d\" := -2.5) AS (x / d)",
        ),
        (
            "CREATE TEMP FUNCTION all_of() AS TABLE SELECT * FROM raw.items",
            "CREATE TEMP MACRO temp.main.\"all_of\"() AS TABLE SELECT * FROM p.items_1 AS \"items\"",
        ),
        ("DROP TABLE IF EXISTS t", "DROP TABLE IF EXISTS temp.main.\"t\""),
        ("ANALYZE vmesh_this_model", "ANALYZE \"p\".\"orders_1\""),
        (
            "CREATE UNIQUE INDEX I ON marts.orders (id, lower(name))",
            "CREATE UNIQUE INDEX \"orders_1__I\" ON \"p\".\"orders_1\" (id, lower(name))",
        ),
        (
            "COMMENT ON COLUMN vmesh_this_model.id IS 'it''s; the id'",
            "COMMENT ON COLUMN \"p\".\"orders_1\".\"id\" IS 'it''s; the id'",
        ),
        ("COMMENT ON TABLE \"Marts\".ORDERS IS NULL", "COMMENT ON TABLE \"p\".\"orders_1\" IS NULL"),
        (
            "INSERT INTO vmesh_this_model BY NAME SELECT 2 AS id",
            "INSERT INTO \"p\".\"orders_1\" BY NAME SELECT 2 AS id",
        ),
        ("INSERT INTO vmesh_this_model VALUES (1)", "INSERT INTO \"p\".\"orders_1\" VALUES (1)"),
        (
            "UPDATE vmesh_this_model SET id = i.id, same = id IS DISTINCT FROM 2 FROM raw.items AS i WHERE i.id > 1",
            "UPDATE \"p\".\"orders_1\" AS \"vmesh_this_model\" SET id = i.id, same = id IS DISTINCT FROM 2 FROM p.items_1 AS i WHERE i.id > 1",
        ),
        (
            "DELETE FROM marts.orders AS o USING raw.items i WHERE o.id IN (SELECT id FROM vmesh_this_model)",
            "DELETE FROM \"p\".\"orders_1\" AS \"o\" USING p.items_1 i WHERE o.id IN (SELECT id FROM \"p\".\"orders_1\" AS \"vmesh_this_model\")",
        ),
        // whatever else is named is one of the session's own things, or nothing
        ("DELETE FROM prod.orders", "DELETE FROM temp.main.\"\" AS \"orders\""),
        ("DELETE FROM main.orders", "DELETE FROM temp.main.\"\" AS \"orders\""),
        ("DELETE FROM t", "DELETE FROM temp.main.\"t\" AS \"t\""),
    ];
    for (written, expected) in cases {
        assert_eq!(sent(written), Ok(vec![expected.to_owned()]), "{written}");
    }
}

#[test]
fn what_is_not_on_the_list_is_refused() {
    for hostile in [
        "COPY prod.orders TO 'x.csv'",
        "ATTACH 'other.duckdb'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "EXPORT DATABASE 'x'",
        "CALL pragma_version()",
        "PRAGMA database_list",
        "SET default_null_order = 'nulls_first'",
        "SET GLOBAL default_order = 'desc'",
        "SET SESSION search_path = 'prod'",
        "RESET default_order",
        "USE prod",
        "PREPARE p AS SELECT 1",
        "EXECUTE p",
        "BEGIN",
        "COMMIT",
        "ROLLBACK",
        "CHECKPOINT",
        "VACUUM",
        "DROP SCHEMA prod",
        "DROP TABLE prod.orders",
        "DROP SEQUENCE s",
        "DROP TABLE a, prod.b",
        "DROP TABLE t CASCADE",
        "TRUNCATE prod.orders",
        "ALTER TABLE vmesh_this_model RENAME TO x",
        "CREATE TABLE t AS SELECT 1",
        "CREATE OR REPLACE VIEW prod.orders AS SELECT 1",
        "CREATE TEMP TABLE prod.t AS SELECT 1",
        "CREATE TEMP TABLE vmesh_new AS SELECT 1",
        "CREATE TEMP TABLE t (id INT DEFAULT nextval('s'))",
        "CREATE TEMP SEQUENCE s",
        "CREATE TYPE t AS ENUM ('a')",
        "CREATE SCHEMA s",
        "CREATE SECRET s (TYPE s3)",
        "CREATE MACRO m() AS 1",
        "CREATE TEMP MACRO m(x := nextval('s')) AS 1",
        "INSERT INTO vmesh_this_model SELECT 1 RETURNING *",
        "INSERT OR REPLACE INTO vmesh_this_model SELECT 1",
        "UPDATE vmesh_this_model SET a = 1 RETURNING a",
        "DELETE FROM vmesh_this_model RETURNING *",
        "DELETE FROM vmesh_this_model, prod.orders",
        "DELETE /* vmesh_this_model */ prod.orders",
        "MERGE INTO vmesh_this_model USING x ON true WHEN MATCHED THEN DELETE",
        "COMMENT ON SCHEMA prod IS 'x'",
        "COMMENT ON VIEW prod.orders IS 'x'",
        "COMMENT ON TABLE vmesh_this_model IS 'x' || 'y'",
        "CREATE INDEX i ON vmesh_this_model USING RTREE (id)",
        "ANALYZE",
        "GRANT ALL ON prod.orders TO mallory",
        "EXPLAIN ANALYZE DELETE FROM prod.orders",
        "\"UPDATE\" vmesh_this_model SET a = 1",
        "WITH x AS (SELECT 1) DELETE FROM prod.orders",
        "SELECT 2",
    ] {
        assert!(sent(hostile).is_err(), "{hostile}: {:?}", sent(hostile));
    }
}

#[test]
fn comments_and_layout_of_a_statement_mean_nothing() {
    let meaning = |text: &str| parse(&format!("SELECT 1;{text}")).unwrap().statements[0].meaning();
    let one = meaning("UPDATE vmesh_this_model SET a = 1 WHERE b = 2");
    assert_eq!(one, meaning("update vmesh_this_model -- why\n set a=1\n where /* x */ b = 2 ;"));
    assert_ne!(one, meaning("UPDATE vmesh_this_model SET a = 1 WHERE b = 3"));
    assert_ne!(one, meaning("UPDATE other SET a = 1 WHERE b = 2"));
    assert_ne!(one, parse("UPDATE vmesh_this_model SET a = 1 WHERE b = 2; SELECT 1").unwrap().statements[0].meaning());
}
