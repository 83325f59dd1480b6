//! No value is rounded, cut short or dropped by a cast that nobody wrote: loads, histories, copies, declared types,
//! seeds, unit tests, and what is printed.

use crate::support::Sandbox;

/// A model of a kind that is filled by loads, over `raw.events`, and what reads it.
fn events(kind: &str, columns: &str) -> [(&'static str, String); 3] {
    let time = if kind.starts_with("SCD") { "" } else { ", start '2026-01-01'" };
    let wanted = if kind.starts_with("SCD") { "" } else { " WHERE day BETWEEN @start_date AND @end_date" };
    [
        ("events", format!("MODEL (name events, kind {kind}{time});\nSELECT {columns} FROM raw.events{wanted}")),
        ("shown", "MODEL (kind VIEW);\nSELECT * FROM events".to_owned()),
        ("twice", "MODEL (kind VIEW);\nSELECT * FROM shown".to_owned()),
    ]
}

/// Prod shows the first two days of 2026, of an `amount` of this type.
fn loaded(kind: &str, columns: &str, r#type: &str, amount: &str) -> Sandbox {
    let models = events(kind, columns);
    let models: Vec<(&str, &str)> = models.iter().map(|(name, sql)| (*name, sql.as_str())).collect();
    let sandbox = Sandbox::with_models(&models);
    sandbox.sql(&format!(
        "CREATE SCHEMA raw; CREATE TABLE raw.events(id INT, day DATE, amount {type}); \
         INSERT INTO raw.events VALUES (1, '2026-01-01', {amount}), (2, '2026-01-02', {amount})"
    ));
    sandbox.vmesh(&["promote", "--yes", "--execution-time", "2026-01-03"]).good();
    sandbox
}

fn run(sandbox: &Sandbox, now: &str) -> crate::support::Done {
    sandbox.vmesh(&["run", "prod", "--execution-time", now])
}

const KINDS: [&str; 6] = [
    "INCREMENTAL_BY_TIME_RANGE (time_column day)",
    "INCREMENTAL_BY_UNIQUE_KEY (unique_key id)",
    "INCREMENTAL_BY_PARTITION, partitioned_by (day)",
    "INCREMENTAL_UNMANAGED",
    "SCD_TYPE_2_BY_COLUMN (unique_key id, columns *)",
    "INCREMENTAL_BY_TIME_RANGE (time_column day, forward_only true)",
];

const AMOUNTS: &str = "SELECT string_agg(amount::VARCHAR, ' ' ORDER BY id), min(typeof(amount)) FROM prod.";

#[test]
fn a_table_widens_with_the_rows_of_a_load() {
    for kind in KINDS {
        let sandbox = loaded(kind, "*", "DECIMAL(9, 2)", "7.50");
        sandbox.sql(
            "ALTER TABLE raw.events ALTER amount TYPE DECIMAL(12, 4); \
             INSERT INTO raw.events VALUES (3, '2026-01-03', 2.0375)",
        );
        run(&sandbox, "2026-01-04").good();
        for table in ["events", "shown", "twice"] {
            let rows = sandbox.rows(&format!("{AMOUNTS}{table}"));
            assert_eq!(rows, [["7.5000 7.5000 2.0375", "DECIMAL(12,4)"]], "{kind} {table}");
        }
        // and what is narrower goes in as it is
        sandbox.sql(
            "DELETE FROM raw.events WHERE id = 3; ALTER TABLE raw.events ALTER amount TYPE DECIMAL(9, 2); \
             INSERT INTO raw.events VALUES (4, '2026-01-04', 1.25)",
        );
        run(&sandbox, "2026-01-05").good();
        assert_eq!(sandbox.value("SELECT amount FROM prod.twice WHERE id = 4"), "1.2500", "{kind}");
        sandbox.is_sound();
    }
}

#[test]
fn other_types_widen_too() {
    let table = [
        ("INTEGER", "7", "DECIMAL(12, 1)", "7.5", "7.0 7.0 7.5"),
        (
            "DATE",
            "'2026-02-01'",
            "TIMESTAMP",
            "'2026-02-01 13:45'",
            "2026-02-01 00:00:00 2026-02-01 00:00:00 2026-02-01 13:45:00",
        ),
        ("INTEGER[]", "[1]", "BIGINT[]", "[3000000000]", "[1] [1] [3000000000]"),
        (
            "STRUCT(a DATE)",
            "{a: '2026-02-01'}",
            "STRUCT(a TIMESTAMP)",
            "{a: '2026-02-01 13:45'}",
            "{'a': '2026-02-01 00:00:00'} {'a': '2026-02-01 00:00:00'} {'a': '2026-02-01 13:45:00'}",
        ),
    ];
    for (before, amount, after, new, expected) in table {
        let sandbox = loaded(KINDS[0], "*", before, amount);
        sandbox.sql(&format!(
            "ALTER TABLE raw.events ALTER amount TYPE {after}; INSERT INTO raw.events VALUES (3, '2026-01-03', {new})"
        ));
        run(&sandbox, "2026-01-04").good();
        assert_eq!(sandbox.rows(&format!("{AMOUNTS}twice"))[0][0], expected, "{before} to {after}");
    }
}

#[test]
fn a_load_that_would_lose_something_is_refused_and_all_of_it_can_be_loaded_again() {
    let table = [
        ("ALTER amount TYPE DOUBLE", "7.1", "`amount` would change from DECIMAL(9,2) to DOUBLE"),
        ("ALTER amount TYPE VARCHAR", "'x'", "`amount` would change from DECIMAL(9,2) to VARCHAR"),
        ("DROP amount", "", "`amount` would be dropped"),
        ("ADD COLUMN note VARCHAR", "7.1, 'new'", "`note` would be added"),
    ];
    for kind in &KINDS[..2] {
        for (change, new, told) in table {
            let sandbox = loaded(kind, "*", "DECIMAL(9, 2)", "7.50");
            let before = sandbox.rows("FROM prod.twice ORDER BY ALL");
            let new = if new.is_empty() { String::new() } else { format!(", {new}") };
            sandbox
                .sql(&format!("ALTER TABLE raw.events {change}; INSERT INTO raw.events VALUES (3, '2026-01-03'{new})"));
            let refused = run(&sandbox, "2026-01-04").fails(1);
            for text in [told, "models/events.sql:1:1", "vmesh plan prod --yes --restate-model events"] {
                assert!(refused.contains(text), "{kind} {change}: {text}\n{refused}");
            }
            assert_eq!(sandbox.rows("FROM prod.twice ORDER BY ALL"), before, "{kind} {change}");
            sandbox
                .vmesh(&["plan", "prod", "--yes", "--restate-model", "events", "--execution-time", "2026-01-04"])
                .good();
            run(&sandbox, "2026-01-04").good();
            let whole = |table: &str| sandbox.rows(&format!("SELECT * FROM {table} ORDER BY id"));
            assert_eq!(whole("prod.twice"), whole("raw.events"), "{kind} {change}");
            sandbox.is_sound();
        }
    }
}

#[test]
fn tables_that_go_on_change_only_as_their_model_allows() {
    for kind in &KINDS[2..] {
        let sandbox = loaded(kind, "*", "DECIMAL(9, 2)", "7.50");
        sandbox.sql(
            "ALTER TABLE raw.events ADD COLUMN note VARCHAR; INSERT INTO raw.events VALUES (3, '2026-01-03', 1, 'new')",
        );
        run(&sandbox, "2026-01-04").good();
        let notes = "SELECT string_agg(coalesce(note, '-'), ' ' ORDER BY id) FROM prod.twice";
        assert_eq!(sandbox.value(notes), "- - new", "{kind}");
        sandbox.sql("ALTER TABLE raw.events DROP note; INSERT INTO raw.events VALUES (4, '2026-01-04', 1)");
        let refused = run(&sandbox, "2026-01-05").fails(1);
        assert!(
            refused.contains("`note` would be dropped") && refused.contains("on_destructive_change ALLOW"),
            "{refused}"
        );
        assert_eq!(sandbox.value(notes), "- - new", "{kind}");
    }
    let strict = "INCREMENTAL_BY_TIME_RANGE (time_column day, forward_only true, on_additive_change ERROR)";
    let sandbox = loaded(strict, "*", "INTEGER", "7");
    sandbox.sql(
        "ALTER TABLE raw.events ADD COLUMN note VARCHAR; INSERT INTO raw.events VALUES (3, '2026-01-03', 1, 'new')",
    );
    assert!(run(&sandbox, "2026-01-04").fails(1).contains("`note` would be added"));
}

#[test]
fn columns_that_stay_take_no_value_that_they_do_not_hold() {
    let kind = "INCREMENTAL_BY_TIME_RANGE (time_column day, forward_only true, on_destructive_change IGNORE)";
    let sandbox = loaded(kind, "*", "INTEGER", "7");
    sandbox.sql(
        "ALTER TABLE raw.events ALTER amount TYPE DECIMAL(9, 1); INSERT INTO raw.events VALUES (3, '2026-01-03', 8.0)",
    );
    run(&sandbox, "2026-01-04").good();
    assert_eq!(sandbox.rows(&format!("{AMOUNTS}twice")), [["7 7 8", "INTEGER"]]);
    sandbox.sql("INSERT INTO raw.events VALUES (4, '2026-01-04', 7.5)");
    let refused = run(&sandbox, "2026-01-05").fails(1);
    assert!(refused.contains("`amount` stays INTEGER, which does not hold all of the new values"), "{refused}");
    sandbox.sql("ALTER TABLE raw.events DROP amount");
    run(&sandbox, "2026-01-05").good();
    assert_eq!(sandbox.value("SELECT count(*) FILTER (amount IS NULL) FROM prod.events"), "1");
}

#[test]
fn a_declared_type_rounds_nothing() {
    let table = [
        ("DECIMAL(9, 2)", "1.2345", "`x` is declared DECIMAL(9,2), which does not hold the value 1.2345"),
        ("DECIMAL(9, 2)", "'3.333'", "which does not hold the value 3.333"),
        ("INT", "2.6", "INTEGER, which does not hold the value 2.6"),
        ("INT", "'2.6'", "INTEGER, which does not hold the value 2.6"),
        ("DATE", "TIMESTAMP '2026-01-01 13:45:00'", "which does not hold the value 2026-01-01 13:45:00"),
        ("DOUBLE", "9007199254740993", "which does not hold the value 9007199254740993"),
        ("BOOLEAN", "2", "BOOLEAN, which does not hold the value 2"),
        ("DECIMAL(9, 2)[]", "[1.5, 3.333]", "which does not hold the value [1.500, 3.333]"),
        ("DECIMAL(9, 2)", "1.2300", ""),
        ("DECIMAL(9, 2)", "'1.5'", ""),
        ("DOUBLE", "0.1", ""),
        ("TIMESTAMP", "'2026-01-01'", ""),
        ("TEXT", "1.50", ""),
    ];
    let sandbox = Sandbox::with_models(&[("m", "SELECT 1 AS x")]);
    for (declared, value, told) in table {
        for kind in ["FULL", "INCREMENTAL_UNMANAGED"] {
            sandbox.model(
                "m",
                &format!("MODEL (name m, kind {kind}, columns (x {declared}));\nSELECT {value} AS x FROM range(2)"),
            );
            sandbox.commit_quietly("another");
            let done = sandbox.vmesh(&["promote", "--yes"]);
            assert_eq!(done.code, Some(i32::from(!told.is_empty())), "{declared} {value}: {}", done.err);
            assert!(done.err.contains(told), "{declared} {value}: {}", done.err);
            assert!(told.is_empty() || done.err.contains("models/m.sql:1:1"), "{}", done.err);
        }
    }
    assert!(!sandbox.vmesh(&["render", "m"]).good().contains("CASE"));
}

#[test]
fn no_cell_of_a_seed_is_cut_short() {
    let table = [
        ("DECIMAL(9, 2)", "3.333", "DECIMAL(9,2)"),
        ("INT", "2.6", "INTEGER"),
        ("DATE", "2026-01-01 13:45", "DATE"),
        ("TIMESTAMP", "2026-01-01 10:00:00+02:00", "TIMESTAMP"),
        ("TIMESTAMP", "2026-01-01 10:00:00.1234567", "TIMESTAMP"),
        ("DOUBLE", "9007199254740993", "DOUBLE"),
        ("", "12345678901234567.89", "DOUBLE"),
        ("", "2026-01-01 10:00:00.1234567", "TIMESTAMP"),
        ("DECIMAL(9, 2)", "3.330", ""),
        ("DATE", "2026-01-01 00:00:00", ""),
        ("DATE", "31/01/2026", ""),
        ("DOUBLE", "0.12345678901234567890", ""),
        ("", "0.1", ""),
        ("", "9223372036854775808", ""),
    ];
    let sandbox = Sandbox::with_models(&[("other", "SELECT 1 AS x")]);
    for (declared, cell, told) in table {
        let columns = if declared.is_empty() { String::new() } else { format!(", columns (id INT, x {declared})") };
        sandbox.write("models/s.sql", &format!("MODEL (name s, kind SEED (path 's.csv'){columns});"));
        sandbox.write("models/s.csv", &format!("id,x\n1,\n2,{cell}\n"));
        sandbox.commit_quietly("another");
        let done = sandbox.vmesh(&["promote", "--yes"]);
        assert_eq!(done.code, Some(i32::from(!told.is_empty())), "{declared} {cell}: {}", done.err);
        if !told.is_empty() {
            for text in ["models/s.csv:3:3".to_owned(), format!("`x` is {told}"), cell.to_owned()] {
                assert!(done.err.contains(&text), "{declared} {cell}: {text}\n{}", done.err);
            }
        }
    }
}

/// A test of one model that gives `x`, and whether it passes.
fn passes(sandbox: &Sandbox, value: &str, expected: &str) -> bool {
    sandbox.model("m", &format!("SELECT {value} AS x FROM one"));
    sandbox.write(
        "tests/test_m.yaml",
        &format!("test_m:\n  model: m\n  inputs: {{one: [{{id: 1}}]}}\n  outputs:\n    query:\n{expected}\n"),
    );
    let done = sandbox.vmesh(&["test"]);
    assert!(done.out.contains("1 test"), "{value} {expected}: {}{}", done.out, done.err);
    done.code == Some(0)
}

#[test]
fn an_expected_value_is_never_rounded() {
    let sandbox = Sandbox::with_models(&[("one", "SELECT 1 AS id"), ("m", "SELECT 1 AS x FROM one")]);
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    let table = [
        ("3.33::DECIMAL(9, 2)", "3.333", "3.330"),
        ("3.33::DECIMAL(9, 2)", "'3.333'", "'3.33'"),
        ("3", "2.6", "3.0"),
        ("3", "'2.6'", "'3'"),
        ("true", "2", "true"),
        ("true", "0.5", "1"),
        ("DATE '2026-01-01'", "'2026-01-01 13:45'", "'2026-01-01'"),
        ("TIMESTAMP '2026-01-01 10:00:00.123456'", "'2026-01-01 10:00:00.1234567'", "'2026-01-01 10:00:00.123456'"),
        ("TIMESTAMP_S '2026-01-01 10:00:01'", "'2026-01-01 10:00:00.6'", "'2026-01-01 10:00:01'"),
        ("TIME '10:00:00'", "'10:00:00.0000001'", "'10:00:00'"),
        ("[1.5, 3.33]::DECIMAL(9, 2)[]", "[1.5, 3.333]", "[1.5, 3.33]"),
        ("[3]", "'[2.6]'", "'[3]'"),
        ("{a: 3, d: DATE '2026-01-01'}", "{a: 2.6, d: 2026-01-01}", "{a: 3, d: 2026-01-01}"),
        ("MAP {'k': 3}", "{k: 2.6}", "{k: 3}"),
    ];
    for (value, wrong, right) in table {
        let rows = |expected: &str| format!("    - {{x: {expected}}}");
        assert!(!passes(&sandbox, value, &rows(wrong)), "{value} is not {wrong}");
        assert!(passes(&sandbox, value, &rows(right)), "{value} is {right}");
    }
    let table = [
        ("3.33::DECIMAL(9, 2)", "3.333", "3.330"),
        ("3", "2.6", "3.0"),
        ("3", "'2.6'", "'3'"),
        ("DATE '2026-01-01'", "TIMESTAMP '2026-01-01 13:45'", "TIMESTAMP '2026-01-01'"),
        ("[3]", "[2.6]", "[3.0]"),
        ("{a: 3}", "{a: 2.6}", "{a: 3.0}"),
        ("0.3::DOUBLE", "0.4", "0.1::DOUBLE + 0.2"),
    ];
    for (value, wrong, right) in table {
        let query = |expected: &str| format!("      query: \"SELECT {expected} AS x\"");
        assert!(!passes(&sandbox, value, &query(wrong)), "{value} is not {wrong}, by query");
        assert!(passes(&sandbox, value, &query(right)), "{value} is {right}, by query");
    }
}

#[test]
fn given_rows_have_the_types_that_are_known() {
    let models = [
        ("typed", "SELECT id::INT AS id, amount::DECIMAL(9, 2) AS amount, day::DATE AS day FROM raw.t"),
        ("through", "WITH c AS (SELECT * FROM typed) SELECT id, amount, c.day FROM c"),
        ("declared", "MODEL (columns (id INT, amount DECIMAL(9, 2), day DATE));\nSELECT * FROM raw.t"),
        ("outside", "MODEL (kind VIEW);\nSELECT id, amount, day FROM raw.known"),
        ("built", "SELECT id, amount * 1 AS amount, day + 0 AS day FROM raw.t"),
    ];
    let mut models = models.to_vec();
    models.push(("m", "SELECT id, amount + 1 AS more, day + 1 AS next FROM typed"));
    let sandbox = Sandbox::with_models(&models);
    sandbox
        .write("external_models.yaml", "- name: raw.known\n  columns: {id: INT, amount: 'DECIMAL(9,2)', day: DATE}\n");
    sandbox.sql(
        "CREATE SCHEMA raw; CREATE TABLE raw.t(id INT, amount DECIMAL(9, 2), day DATE); \
         CREATE TABLE raw.known AS FROM raw.t",
    );
    sandbox.commit_quietly("known");
    sandbox.vmesh(&["promote", "--yes"]).good();
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    let test = |parent: &str, row: &str| {
        sandbox.model("m", &format!("SELECT id, amount + 1 AS more, day + 1 AS next FROM {parent}"));
        let rows = format!("inputs: {{{parent}: [{row}]}}");
        let expected = "outputs: {query: [{id: 1, more: null, next: null}]}";
        sandbox.write("tests/test_m.yaml", &format!("test_m:\n  model: m\n  {rows}\n  {expected}\n"));
        sandbox.vmesh(&["test"])
    };
    for parent in ["typed", "through", "declared", "outside", "built", "raw.known"] {
        let done = test(parent, "{id: 1}");
        assert_eq!(done.code, Some(0), "{parent}: {}{}", done.out, done.err);
    }
    let done = test("typed", "{id: 1, amount: 3.333}");
    assert_eq!(done.code, Some(1));
    assert!(done.out.contains("rows of `typed` are given 3.333 in `amount`, which is DECIMAL(9,2)"), "{}", done.out);
}

#[test]
fn json_says_every_digit() {
    let sandbox = Sandbox::promoted(&[("m", "SELECT 1 AS x")]);
    let query = "SELECT 'NaN'::DOUBLE AS nan, '-inf'::FLOAT AS low, ['inf'::DOUBLE, 1.5, NULL] AS list, 0.10 AS d, \
                 {'a b': 0.10, n: 'NaN'::DOUBLE} AS s, MAP {'k': 1.50} AS m, 170141183460469231731687303715884105727 AS huge, \
                 9007199254740993 AS big, TIMESTAMP '2026-01-31 10:00:00' AS t, '\\xAB'::BLOB AS b, NULL AS nothing, \
                 'it''s \"so\"\n' AS text, true AS yes, []::INT[] AS none, NULL::STRUCT(a INT) AS gone, row(1, 0.50) AS r, \
                 '{\"j\": 1.10}'::JSON AS j, 1 AS big, 1e20::DOUBLE AS e";
    let line = r#"{"nan":"NaN","low":"-Infinity","list":["Infinity",1.5,null],"d":0.10,"s":{"a b":0.10,"n":"NaN"},"m":{"k":1.50},"huge":170141183460469231731687303715884105727,"big":9007199254740993,"t":"2026-01-31 10:00:00","b":"\\xAB","nothing":null,"text":"it's \"so\"\n","yes":true,"none":[],"gone":null,"r":[1,0.50],"j":{"j": 1.10},"big_1":1,"e":1e+20}"#;
    let lines = sandbox.vmesh(&["query", query, "--format", "jsonl"]).good();
    assert_eq!(lines, format!("{line}\n"));
    assert!(serde_json::from_str::<serde_json::Value>(&lines).is_ok());
    let array = sandbox.vmesh(&["query", &format!("{query} FROM range(2)"), "--format", "json"]).good();
    assert_eq!(array, format!("[\n\t{line},\n\t{line}\n]\n"));
    assert_eq!(
        sandbox.vmesh(&["query", "SELECT 1 AS x WHERE false", "--format", "json"]).json(),
        serde_json::json!([])
    );
    let csv = sandbox.vmesh(&["query", "SELECT 0.10 AS d, 9007199254740993::HUGEINT AS h", "--format", "csv"]).good();
    assert_eq!(csv, "d,h\n0.10,9007199254740993\n");
    // Parquet has no numbers of 128 bits: the engine would round them
    let parquet = sandbox.path().join("out.parquet").to_string_lossy().into_owned();
    let query = "SELECT 9007199254740993::HUGEINT AS h, [9007199254740993::HUGEINT] AS l, {h: 1::UHUGEINT} AS s";
    let vmesh = env!("CARGO_BIN_EXE_vmesh");
    sandbox.shell(&format!("'{vmesh}' query '{query}' --format parquet > '{parquet}'")).good();
    let found = sandbox.rows(&format!("FROM '{parquet}'"));
    assert_eq!(found, [["9007199254740993", "[9007199254740993]", "{'h': 1}"]]);
}
