//! What the gate tells by words alone.

use super::*;
use crate::domain::sql::analyse;

#[test]
fn a_query_is_one_and_closes_its_brackets() {
    let table = [
        ("SELECT 1", None),
        ("(SELECT 1);", None),
        ("SELECT [(1), 2]", None),
        ("", Some("there is no query")),
        ("SELECT 1; SELECT 2", Some("a unit test is one query; this is a second statement")),
        ("UPDATE t SET a = 1", Some("a unit test only reads: this is no SELECT")),
        ("SELECT 1) FROM (SELECT 2", Some("this `)` closes nothing")),
        ("SELECT [1)", Some("this `)` closes nothing")),
        ("SELECT (1", Some("this bracket is never closed")),
        ("SELECT 'a", Some("this string never ends")),
        ("SELECT MAP {{'a': nextval('s')}: {'b': {'c': 1}}}", Some("this reads like a block of Jinja")),
        ("SELECT 1 //* ' */ 1; DROP TABLE t --'", Some("a unit test is one query; this is a second statement")),
    ];
    for (text, expected) in table {
        let told = shape(Text::Test, text).err().map(|refusal| refusal.what);
        assert_eq!(told.as_deref(), expected, "{text}");
    }
}

#[test]
fn where_the_engine_shows_nothing_words_decide() {
    let unshown = NotSeen::Unshown("Only SELECT statements can be serialized".to_owned());
    let refused = |kind, text: &str| check(kind, text, &analyse(text), Err(&unshown)).err().map(|it| it.what);
    for text in [
        "PIVOT t ON a USING sum(b)",
        "PIVOT t ON a USING count(*) GROUP BY c",
        "FROM (PIVOT t ON a) SELECT x",
        "PIVOT (FROM t WHERE a = 'x.csv' AND b IN ('one', 'two.three')) ON a",
        "PIVOT (SELECT coalesce(a, 'n.a') AS a, b FROM t, u) ON a USING sum(b)",
    ] {
        assert_eq!(refused(Text::Model, text), None, "{text}");
    }
    let hostile = [
        "PIVOT (SELECT nextval('s') AS a) ON a",
        "PIVOT (FROM 'warehouse.duckdb') ON a",
        "PIVOT (FROM \"warehouse.DUCKDB\") ON a",
        "WITH d AS (DELETE FROM t) PIVOT t ON a",
        "PIVOT (FROM (SHOW TABLES)) ON a",
        "PIVOT (FROM t, histogram(u, a)) ON a",
        "PIVOT (FROM 'query'('FROM u')) ON a",
        "PIVOT (FROM read_csv(x)) ON a",
        "PIVOT (FROM read_csv('data/c.csv')) ON a",
        "PIVOT 'data/c.csv' ON a",
        "PIVOT \"c.csv\" ON a USING sum(b)",
        "WITH c AS (FROM t, 'c.parquet') PIVOT c ON a",
        "PIVOT (FROM ('c.csv')) ON a",
        "PIVOT (SELECT a FROM t AS x, (SELECT 1), 'c.csv') ON a",
        "PIVOT (SELECT a FROM t JOIN \"c.csv\" USING (a)) ON a",
        "PIVOT (SELECT a FROM t JOIN u ON t.a = u.a, 'c.csv') ON a",
    ];
    for text in hostile {
        assert!(refused(Text::Model, text).is_some(), "{text}");
    }
}

#[test]
fn a_refusal_stands_where_the_call_does() {
    let text = "SELECT setval,\n  main.\"setval\"('s', 1)";
    let called = Called { name: "setval".to_owned(), in_from: false, at: text.find("main") };
    let seen = Seen { calls: vec![called], ..Seen::default() };
    let refusal = check(Text::Audit, text, &analyse(text), Ok(&seen)).unwrap_err();
    assert_eq!(&text[refusal.span], "\"setval\"");
    assert_eq!(refusal.what, "an audit can't call `setval`: it moves a sequence of the warehouse");
    assert!(refusal.help.is_some());
}

#[test]
fn files_are_written_out() {
    let refused = |text: &str| {
        let query = analyse(text);
        // as DuckDB's parser tells it
        let called = || Called { name: "read_csv".to_owned(), in_from: true, at: text.find("read_csv") };
        let calls = text.contains("read_csv").then(called).into_iter().collect();
        let seen = Seen { calls, ..Seen::default() };
        check(Text::Model, text, &query, Ok(&seen)).err().map(|refusal| text[refusal.span].to_owned())
    };
    for text in [
        "FROM read_csv('a.csv', header = true)",
        "FROM read_csv(['a.csv', './b/*.csv'])",
        "FROM 'a b/c.csv'",
        "FROM read_csv('a' || '/b.csv')",
    ] {
        assert_eq!(refused(text), None, "{text}");
    }
    let table = [
        ("FROM read_csv(['a.csv', 'b.duckdb'])", "'b.duckdb'"),
        ("FROM read_csv('a' || b)", "read_csv"),
        ("FROM read_csv('a' || e'b')", "read_csv"),
        ("FROM read_csv('a' || 'b' || )", "read_csv"),
        ("FROM read_csv('b.duck' || 'db')", "'b.duck' || 'db'"),
        ("FROM read_csv(e'a.csv')", "read_csv"),
        ("FROM read_csv(p)", "read_csv"),
        ("FROM read_csv()", "read_csv"),
        ("FROM read_csv('a.csv', rejects_table = 'x')", "rejects_table"),
        ("FROM 'b.db?x'", "'b.db?x'"),
    ];
    for (text, at) in table {
        assert_eq!(refused(text).as_deref(), Some(at), "{text}");
    }
}

#[test]
fn tables_of_others_are_barred() {
    let is_barred = |name: &str| barred_table(&name.split('.').map(str::to_owned).collect::<Vec<_>>()).is_some();
    for name in
        ["VMESH_state.x", "w.vmesh_snapshots.x", "dev__a.x", "a__dev__b.x", "system.main.x", "main.Sqlite_Master"]
    {
        assert!(is_barred(name), "{name}");
    }
    for name in ["a/b", "warehouse.duckdb", "x.db", "temp.duckdb_views"] {
        assert!(is_barred(name), "{name}");
    }
    for name in ["orders", "raw.orders", "raw.pg_tables", "raw.json", "vmesh_given", "development.x", "main.orders"] {
        assert!(!is_barred(name), "{name}");
    }
}
