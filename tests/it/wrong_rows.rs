//! The rows that stop a build: kept for everyone to look at, until the next build.

use crate::support::Sandbox;

const AUDIT: &str = "AUDIT (name low);\nSELECT * FROM @this_model WHERE id < 0";

/// A model whose rows are those of `values`; wrong where the id is below zero.
fn model(query: &str) -> String {
    format!("MODEL (name shop.a, audits (low));\n{query}")
}

/// The query that a message gives for the rows which were kept.
fn query_in(told: &str) -> String {
    let at = told.find("SELECT * FROM vmesh_audits.").unwrap_or_else(|| panic!("{told}"));
    told[at..].lines().next().unwrap().trim_end_matches('"').to_owned()
}

fn kept(sandbox: &Sandbox) -> Vec<String> {
    let tables = "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'vmesh_audits' ORDER BY ALL";
    sandbox.rows(tables).into_iter().flatten().collect()
}

fn branch_of(query: &str) -> Sandbox {
    let sandbox = Sandbox::with_models(&[("a", &model("SELECT 1 AS id")), ("b", "SELECT id FROM shop.a")]);
    sandbox.write("audits/low.sql", AUDIT);
    sandbox.commit_quietly("audit");
    sandbox.vmesh(&["promote", "--yes"]).good();
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.model("a", &model(query));
    sandbox
}

#[test]
fn rows_that_stop_a_build_are_kept_until_the_next_one() {
    let sandbox = branch_of("SELECT n - 3 AS id, 'x' AS x FROM generate_series(0, 4) AS t(n)");
    let tables = sandbox.snapshots();
    let told = sandbox.vmesh(&["plan", "--yes"]).fails(1);
    let query = query_in(&told);
    assert!(told.contains(&format!("kept until the next build: {query}")), "{told}");
    assert_eq!(sandbox.snapshots(), tables, "what was built is taken back");
    let rows = |ids: &[&str]| ids.iter().map(|id| vec![(*id).to_owned(), "x".to_owned()]).collect::<Vec<_>>();
    assert_eq!(sandbox.rows(&format!("{query} ORDER BY id DESC")), rows(&["-1", "-2", "-3"]), "another client");
    let asked = sandbox.vmesh(&["query", &format!("{query} ORDER BY id"), "--format", "csv"]).good();
    assert_eq!(asked, "id,x\n-3,x\n-2,x\n-1,x\n");
    assert_eq!(query_in(&sandbox.vmesh(&["audit"]).out), query);
    assert!(sandbox.vmesh(&["gc", "--yes"]).good().contains("nothing to remove"), "they are in use");
    // the next one fails as well, and has a column less
    sandbox.model("a", &model("SELECT -7 AS id"));
    assert_eq!(query_in(&sandbox.vmesh(&["plan", "--yes"]).fails(1)), query);
    assert_eq!(sandbox.rows(&query), [["-7"]]);
    sandbox.is_sound();
    sandbox.model("a", &model("SELECT 7 AS id"));
    sandbox.vmesh(&["plan", "--yes"]).good();
    assert!(kept(&sandbox).is_empty());
    sandbox.is_sound();
}

#[test]
fn of_many_wrong_rows_the_first_thousand_are_kept() {
    let sandbox = branch_of("SELECT -1 - n AS id FROM generate_series(0, 1000) AS t(n)");
    let told = sandbox.vmesh(&["plan", "--yes"]).fails(1);
    assert!(told.contains("1001 rows are wrong") && told.contains("the first 1000 are kept"), "{told}");
    assert_eq!(sandbox.value(&query_in(&told).replace('*', "count(*)")), "1000");
    sandbox.model("a", &model("SELECT -1 - n AS id FROM generate_series(0, 999) AS t(n)"));
    let told = sandbox.vmesh(&["plan", "--yes"]).fails(1);
    assert!(told.contains("1000 rows are wrong") && !told.contains("the first 1000"), "{told}");
    assert_eq!(sandbox.value(&query_in(&told).replace('*', "count(*)")), "1000");
}

#[test]
fn kept_rows_have_the_values_and_the_types_that_the_audit_saw() {
    let values = "170141183460469231731687303715884105727::HUGEINT AS h, 0.1::DOUBLE AS d, 'NaN'::FLOAT AS f, \
                  1.20::DECIMAL(9,2) AS m, TIMESTAMPTZ '2026-01-02 03:04:05.678+01' AS t, '\\x00a'::BLOB AS bytes, \
                  [NULL, 'NULL', 'it''s, \"x\"'] AS list, {'a': 1, 'b': ['c']} AS struct, MAP {'k': 2} AS map, \
                  'b'::ENUM('a', 'b') AS letter, NULL AS nothing, '' AS empty, INTERVAL 3 DAY AS span, id AS \"ID 2\"";
    let sandbox = branch_of(&format!("SELECT -1 AS id, {values}"));
    let told = sandbox.vmesh(&["plan", "--yes"]).fails(1);
    let expected = values.replace("id AS", "-1 AS").replace("NULL AS nothing", "NULL::INTEGER AS nothing");
    let (query, expected) = (query_in(&told), format!("SELECT -1 AS id, {expected}"));
    assert_eq!(
        sandbox.rows(&format!("({query} EXCEPT ALL ({expected})) UNION ALL (({expected}) EXCEPT ALL {query})")),
        [[""; 0]; 0]
    );
    let types = |query: &str| sandbox.rows(&format!("SELECT column_name, column_type FROM (DESCRIBE {query})"));
    assert_eq!(types(&query), types(&expected));
}

#[test]
fn an_audit_may_give_two_columns_of_one_name() {
    let sandbox = branch_of("SELECT -1 AS id");
    sandbox.write(
        "audits/low.sql",
        "AUDIT (name low);\nSELECT *, id + 1 AS id, id + 2 AS ID FROM @this_model WHERE id < 0",
    );
    let told = sandbox.vmesh(&["plan", "--yes"]).fails(1);
    assert_eq!(sandbox.rows(&query_in(&told)), [["-1", "0", "1"]]);
}

#[test]
fn whatever_stops_keeps_its_rows() {
    let daily =
        "MODEL (name daily, kind INCREMENTAL_BY_TIME_RANGE (time_column day), start '2026-01-01', audits (low));
                 SELECT day, id FROM raw.daily WHERE day BETWEEN @start_date AND @end_date";
    let full = "MODEL (name whole, audits (low));\nSELECT id FROM raw.daily";
    let sandbox = Sandbox::with_models(&[("daily", daily), ("whole", full)]);
    sandbox.write("audits/low.sql", AUDIT);
    sandbox.commit_quietly("audit");
    sandbox.sql("CREATE SCHEMA raw; CREATE TABLE raw.daily AS SELECT DATE '2026-01-01' AS day, 1 AS id");
    sandbox.vmesh(&["promote", "--yes", "--execution-time", "2026-01-02"]).good();
    sandbox.sql("INSERT INTO raw.daily VALUES ('2026-01-02', -2)");
    // loads, and a table that is filled again
    let told = sandbox.vmesh(&["run", "--ignore-cron", "--execution-time", "2026-01-03"]).fails(1);
    assert_eq!(kept(&sandbox).len(), 2, "{told}");
    let tables: Vec<Vec<Vec<String>>> =
        kept(&sandbox).iter().map(|name| sandbox.rows(&format!("SELECT id FROM vmesh_audits.{name}"))).collect();
    assert_eq!(tables, [[["-2"]], [["-2"]]]);
    sandbox.sql("UPDATE raw.daily SET id = 2 WHERE id = -2");
    sandbox.vmesh(&["run", "--ignore-cron", "--execution-time", "2026-01-03"]).good();
    assert!(kept(&sandbox).is_empty());
    // all of it again
    sandbox.sql("UPDATE raw.daily SET id = -1 WHERE id = 1");
    let told = sandbox.vmesh(&["plan", "prod", "--restate-model", "daily", "--yes"]).fails(1);
    assert_eq!(sandbox.rows(&query_in(&told)), [["2026-01-01", "-1"]]);
    sandbox.is_sound();
    // a table that is there, and a new audit of it
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.write("audits/low.sql", &AUDIT.replace("< 0", "> 1"));
    let told = sandbox.vmesh(&["plan", "--yes"]).fails(1);
    assert!(told.contains("audit `low` of `daily`") && told.contains("audit `low` of `whole`"), "{told}");
    let told = sandbox.vmesh(&["audit"]).out;
    assert!(told.contains(&query_in(&told)) && told.contains("FROM vmesh_audits.dev_alice_whole"), "{told}");
}

#[test]
fn kept_rows_go_with_their_environment_and_with_their_branch() {
    let sandbox = branch_of("SELECT -1 AS id");
    sandbox.commit_quietly("wrong");
    sandbox.vmesh(&["plan", "--yes"]).fails(1);
    // never shown, and kept all the same
    let tables = kept(&sandbox);
    assert_eq!(tables.len(), 1);
    sandbox.git(&["switch", "--quiet", "main"]).good();
    sandbox.git(&["branch", "--quiet", "-D", "alice"]).good();
    let told = sandbox.vmesh(&["gc", "--dry-run"]).good();
    assert!(told.contains("wrong rows of builds that audits stopped") && told.contains(&tables[0]), "{told}");
    sandbox.vmesh(&["gc", "--yes"]).good();
    assert!(kept(&sandbox).is_empty());
    assert!(sandbox.vmesh(&["gc", "--dry-run"]).good().contains("nothing to remove"));
    sandbox.git(&["switch", "--quiet", "-c", "bob"]).good();
    sandbox.vmesh(&["plan", "--yes"]).good();
    sandbox.model("a", &model("SELECT -2 AS id"));
    sandbox.vmesh(&["plan", "--yes"]).fails(1);
    assert_eq!(kept(&sandbox).len(), 1);
    sandbox.vmesh(&["invalidate", "bob", "--yes"]).good();
    assert!(kept(&sandbox).is_empty());
    sandbox.is_sound();
}

#[test]
fn kept_rows_are_nobodys_to_read_but_peoples() {
    let sandbox = branch_of("SELECT -1 AS id");
    let query = query_in(&sandbox.vmesh(&["plan", "--yes"]).fails(1));
    sandbox.model("a", &model("SELECT 1 AS id"));
    sandbox.model("c", &query);
    let told = sandbox.vmesh(&["plan", "--yes"]).fails(1);
    assert!(told.contains("reads one of vmesh's own schemas"), "{told}");
    sandbox.model("c", "MODEL (name vmesh_audits.c);\nSELECT 1 AS id");
    let told = sandbox.vmesh(&["plan", "--yes"]).fails(1);
    assert!(told.contains("belong to vmesh"), "{told}");
}
