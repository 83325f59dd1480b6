//! Two tables of a model compared: rows, not only text.

use crate::support::Sandbox;

/// A project whose model gives `before` in prod and `after` on branch alice, with a header.
fn two(header: &str, before: &str, after: &str) -> Sandbox {
    let text = |query: &str| format!("MODEL (name orders{header});\n{query}");
    let sandbox = Sandbox::with_models(&[("orders", &text(before)), ("other", "SELECT 1 AS id")]);
    sandbox.vmesh(&["promote", "--yes"]).good();
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.model("orders", &text(after));
    sandbox.vmesh(&["plan", "--yes"]).good();
    sandbox
}

/// Rows of prod only, of alice only, equal, and changed.
#[track_caller]
fn counts(sandbox: &Sandbox, more: &[&str]) -> [u64; 4] {
    let diff = sandbox.vmesh(&[&["table-diff", "orders", "--json"], more].concat()).json();
    ["only_a", "only_b", "same", "changed"].map(|key| diff["rows"][key].as_u64().unwrap())
}

fn rows(values: &str, columns: &str) -> String {
    format!("SELECT * FROM (VALUES {values}) AS t({columns})")
}

#[test]
fn keys_match_null_safely_and_changes_are_counted_by_column() {
    let sandbox = two(
        ", grain (a, b)",
        &rows("('x', NULL, 1, 1), (NULL, 'x', 2, 2), ('y', 'y', 3, 3), ('z', 'z', 4, 4)", "a, b, n, m"),
        &rows("('x', NULL, 1, 1), (NULL, 'x', 20, 2), ('y', 'y', 30, NULL), ('w', 'w', 5, 5)", "a, b, n, m"),
    );
    assert_eq!(counts(&sandbox, &[]), [1, 1, 1, 2]);
    let told = sandbox.vmesh(&["table-diff", "orders"]).good();
    assert!(told.contains("key       a, b"), "{told}");
    assert!(told.contains("33.33 %") && told.contains("66.67 %"), "{told}");
    assert_eq!(sandbox.vmesh(&["table-diff", "orders", "--exit-code"]).code, Some(1));
    assert_eq!(sandbox.vmesh(&["table-diff", "other", "--exit-code"]).code, Some(0));
    let told = sandbox.vmesh(&["table-diff", "orders", "--on", "a,c"]).fails(1);
    assert!(told.contains("no column is called `c`"), "{told}");
}

#[test]
fn columns_whose_type_changed_are_compared_by_value() {
    let sandbox = two(
        "",
        "SELECT 1 AS id, 10::BIGINT AS n, 5 AS code, DATE '2026-01-01' AS day, 1.5::DECIMAL(5,2) AS price",
        "SELECT 1 AS id, 10::DOUBLE AS n, '5' AS code, TIMESTAMP '2026-01-01' AS day, 1.5::DOUBLE AS price",
    );
    for key in [&["--on", "id"][..], &[]] {
        assert_eq!(counts(&sandbox, key), [0, 0, 1, 0]);
    }
    // other types are a difference, even with equal values
    assert_eq!(sandbox.vmesh(&["table-diff", "orders", "--on", "id", "--exit-code"]).code, Some(1));
    sandbox.model("orders", "SELECT '1' AS id, 11::DOUBLE AS n, 'five' AS code, NULL AS day, 1.5 AS price");
    sandbox.vmesh(&["plan", "--yes"]).good();
    assert_eq!(counts(&sandbox, &["--on", "id"]), [0, 0, 0, 1]);
    let told = sandbox.vmesh(&["table-diff", "orders", "--on", "id"]).good();
    for text in ["~ id INTEGER → VARCHAR", "~ n BIGINT → DOUBLE", "code (A)", "five"] {
        assert!(told.contains(text), "{text}\n{told}");
    }
    assert!(!told.contains("price (A)"), "{told}");
}

#[test]
fn without_a_key_rows_are_a_multiset() {
    let sandbox = two(
        "",
        &rows("(1, 'a'), (1, 'a'), (1, 'a'), (NULL, NULL), (2, 'b')", "id, name"),
        &rows("(1, 'a'), (NULL, NULL), (NULL, NULL), (3, 'c')", "id, name"),
    );
    assert_eq!(counts(&sandbox, &[]), [3, 2, 2, 0]);
    let told = sandbox.vmesh(&["table-diff", "orders"]).good();
    assert!(told.contains("compared  whole rows"), "{told}");
    sandbox.model("orders", &rows("(2, 'b'), (1, 'a'), (NULL, NULL), (1, 'a'), (1, 'a')", "id, name"));
    sandbox.vmesh(&["plan", "--yes"]).good();
    let done = sandbox.vmesh(&["table-diff", "orders", "--exit-code"]);
    assert_eq!(done.code, Some(0), "another order is no difference: {}", done.out);
}

#[test]
fn a_key_that_is_not_unique_is_told_and_its_rows_are_matched_one_to_one() {
    let sandbox = two(
        ", grain id",
        &rows("(1, 'a'), (1, 'b'), (2, 'c')", "id, name"),
        &rows("(1, 'b'), (1, 'a'), (1, 'z'), (2, 'c')", "id, name"),
    );
    let told = sandbox.vmesh(&["table-diff", "orders"]).good();
    assert!(told.contains("the key is not unique in A") && told.contains("the key is not unique in B"), "{told}");
    assert_eq!(counts(&sandbox, &[]), [0, 1, 3, 0]);
}

#[test]
fn one_snapshot_is_not_read() {
    let sandbox = two("", "SELECT 1 AS id", "SELECT 2 AS id");
    let table = sandbox.views("prod")["other"].clone();
    // with no rows to read, there is nothing to be read
    sandbox.sql(&format!("DELETE FROM vmesh_snapshots.{table}"));
    let told = sandbox.vmesh(&["table-diff", "other", "--exit-code"]).good();
    assert!(told.contains("same snapshot: both show one table, no row was read"), "{told}");
}

#[test]
fn equal_rows_of_one_key_are_matched_first() {
    let before = rows("('ada', 0), ('ada', 1), ('ada', 2), ('ada', 3), ('ben', 0), ('ben', 0)", "visitor, page");
    let sandbox = two(
        ", grain visitor",
        &before,
        &rows("('ada', 0), ('ada', 2), ('ada', 3), ('ben', 0), ('ben', 0), ('ben', 0)", "visitor, page"),
    );
    let gone = |sandbox: &Sandbox| sandbox.vmesh(&["table-diff", "orders", "--json"]).json()["samples"].clone();
    assert_eq!(counts(&sandbox, &[]), [1, 1, 5, 0]);
    assert_eq!(gone(&sandbox)["only_a"], serde_json::json!([{"visitor": "ada", "page": "1"}]));
    assert_eq!(gone(&sandbox)["only_b"], serde_json::json!([{"visitor": "ben", "page": "0"}]));
    // what is left is matched one to one: 1 became 9, and 3 is gone
    let after = rows("('ada', 0), ('ada', 2), ('ada', 9), ('ben', 0), ('ben', 0)", "visitor, page");
    sandbox.model("orders", &format!("MODEL (name orders, grain visitor);\n{after}"));
    sandbox.vmesh(&["plan", "--yes"]).good();
    assert_eq!(counts(&sandbox, &[]), [1, 0, 4, 1]);
    assert_eq!(gone(&sandbox)["only_a"], serde_json::json!([{"visitor": "ada", "page": "3"}]));
    let keyless = counts(&sandbox, &["--on", "visitor,page"]);
    assert_eq!(keyless, [2, 1, 4, 0]);
}

#[test]
fn one_value_is_no_change_and_lost_digits_are() {
    let table = [
        ("9007199254740993::BIGINT", "9007199254740993::DOUBLE", 1),
        ("9007199254740992::BIGINT", "9007199254740992::DOUBLE", 0),
        ("16777217::DECIMAL(9, 0)", "16777217::FLOAT", 1),
        ("0.10::DECIMAL(9, 2)", "0.1::DOUBLE", 0),
        ("1.2345::DECIMAL(9, 4)", "1.2345::DECIMAL(9, 2)", 1),
        ("2", "2.5", 1),
        ("TIMESTAMP '2026-01-01 10:00:00'", "TIMESTAMPTZ '2026-01-01 10:00:00+00'", 0),
        ("TIMESTAMP '2026-01-01 10:00:00'", "TIMESTAMPTZ '2026-01-01 11:00:00+00'", 1),
        ("DATE '2026-01-01'", "TIMESTAMP '2026-01-01 00:00:00'", 0),
        ("DATE '2026-01-01'", "TIMESTAMP '2026-01-01 13:45:00'", 1),
        ("TIMESTAMP '2026-01-01 10:00:00.5'", "TIMESTAMP_S '2026-01-01 10:00:00'", 1),
        ("'5'", "5", 0),
        ("'05'", "5", 1),
        ("'x'", "5", 1),
        ("'NaN'::DOUBLE", "'NaN'::FLOAT", 0),
        ("'NaN'::DOUBLE", "NULL::DOUBLE", 1),
        // one value to SQL, whatever its sign
        ("'-0.0'::DOUBLE", "0.0::DOUBLE", 0),
        ("[1, 2]", "[1::BIGINT, 2]", 0),
        ("[9007199254740993]", "[9007199254740993::DOUBLE]", 1),
        ("{a: 1}", "{a: 1.5}", 1),
        ("INTERVAL 1 MONTH", "INTERVAL 30 DAYS", 1),
        ("[INTERVAL 24 HOURS]", "[INTERVAL 1 DAY]", 1),
        ("INTERVAL 1 DAY", "INTERVAL 1 DAY", 0),
        ("1", "[1]", 1),
        ("NULL", "0", 1),
    ];
    let columns = |side: usize| {
        let column =
            |(at, row): (usize, &(&str, &str, i32))| format!("{} AS c{at}", if side == 0 { row.0 } else { row.1 });
        table.iter().enumerate().map(column).collect::<Vec<_>>().join(", ")
    };
    let sandbox = two("", &format!("SELECT 1 AS id, {}", columns(0)), &format!("SELECT 1 AS id, {}", columns(1)));
    let diff = sandbox.vmesh(&["table-diff", "orders", "--on", "id", "--json"]).json();
    for (at, (one, other, changed)) in table.iter().enumerate() {
        assert_eq!(diff["matches"][format!("c{at}")], 1 - changed, "{one} and {other}");
    }
    // the same as a key, and without one
    for (at, (one, other, changed)) in table.iter().enumerate() {
        let changed = u64::try_from(*changed).unwrap();
        let expected = [changed, changed, 1 - changed, 0];
        assert_eq!(counts(&sandbox, &["--on", &format!("c{at}")])[..2], expected[..2], "{one} and {other} as keys");
    }
    sandbox.git(&["config", "core.hooksPath", "/dev/null"]).good();
    for (one, other, changed) in [table[0], table[3], table[6], table[20]] {
        sandbox.commit_quietly("other");
        sandbox.git(&["switch", "--quiet", "main"]).good();
        sandbox.model("orders", &format!("MODEL (name orders);\nSELECT {one} AS x FROM range(2)"));
        sandbox.commit_quietly("one");
        sandbox.vmesh(&["promote", "--yes"]).good();
        sandbox.git(&["switch", "--quiet", "alice"]).good();
        sandbox.model("orders", &format!("MODEL (name orders);\nSELECT {other} AS x FROM range(2)"));
        sandbox.vmesh(&["plan", "--yes"]).good();
        let changed = 2 * u64::try_from(changed).unwrap();
        assert_eq!(counts(&sandbox, &[]), [changed, changed, 2 - changed, 0], "{one} and {other}");
    }
}

#[test]
fn differences_as_markdown() {
    let sandbox = two(
        ", grain id",
        &rows("(1, 'a|b', 1), (2, '`x`', 2), (3, NULL, 3)", "id, name, n"),
        &rows("(1, 'a|b', 10), (3, NULL, 3), (4, '</details>', 4)", "id, name, n"),
    );
    insta::assert_snapshot!(sandbox.vmesh(&["table-diff", "orders", "--format", "markdown"]).good());
    // on a server, the columns of VALUES are not known
    let diff = sandbox.vmesh(&["diff", "--format", "markdown"]).good().replace(" · ~`id` ~`n` ~`name`", "");
    insta::assert_snapshot!(diff);
    let same = sandbox.vmesh(&["table-diff", "other", "--format", "markdown"]).good();
    assert!(same.ends_with("**both show one table**: no row was read\n"), "{same}");
    sandbox.vmesh(&["envs", "--format", "markdown"]).fails(2);
}

#[test]
fn a_query_comes_from_standard_input_and_a_diff_without_texts() {
    let sandbox = two("", "SELECT 1 AS id", "SELECT 1 AS id, 2 AS n");
    let told = sandbox.shell("echo 'SELECT id + 1 AS next FROM orders' | vmesh query - --format csv").good();
    assert_eq!(told, "next\n2\n");
    let told = sandbox.vmesh(&["diff", "--stat"]).good();
    assert!(told.contains("orders  direct  columns: +n") && !told.contains("SELECT"), "{told}");
}
