//! Changes that end where rows turn out to be the same: nothing below is built, and nobody ever sees rows of another text.

use crate::support::{Sandbox, postgres, spark};

/// A table that nobody manages; `orders` above a table, a view over that, a table below the view, and a table beside.
const SHOP: [(&str, &str); 5] = [
    ("orders", "SELECT id, amount FROM source.orders"),
    ("totals", "SELECT sum(amount) AS total, count(*) AS n FROM orders"),
    ("large", "MODEL (kind VIEW);\nSELECT * FROM totals WHERE total > 0"),
    ("report", "SELECT total + n AS more FROM large"),
    ("bare", "SELECT count(*) AS n FROM source.orders"),
];
/// What says the same of `orders` as long as there are no large amounts.
const SMALL: &str = "SELECT id, amount FROM source.orders WHERE amount < 100";

fn shop() -> Sandbox {
    let sandbox = Sandbox::with_models(&SHOP);
    sandbox.sql("CREATE SCHEMA source; CREATE TABLE source.orders AS SELECT 1 AS id, 10 AS amount");
    sandbox.vmesh(&["promote", "--yes"]).good();
    sandbox
}

/// A branch whose `orders` are the small ones, without a hook.
fn rewritten(sandbox: &Sandbox) -> String {
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.model("orders", SMALL);
    planned(sandbox)
}

/// All that is said when the branch is planned.
fn planned(sandbox: &Sandbox) -> String {
    let told = sandbox.vmesh(&["plan", "--yes"]);
    assert_eq!(told.code, Some(0), "{}", told.err);
    told.err + &told.out
}

/// Which of a schema's views show rows that are stored there, and not those of another table. On a server a clone has a copy
/// of these, or the same, and is one on record.
fn stored(sandbox: &Sandbox, environment: &str) -> Vec<String> {
    let tables = sandbox.rows(match postgres::is_tested() || spark::is_tested() {
        true => "SELECT table_name FROM vmesh_state.tables WHERE kind <> 'VIEW' AND position('\"clone_of\":[' IN inputs) = 0",
        false => "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'vmesh_snapshots'",
    });
    let tables: Vec<String> = tables.into_iter().flatten().collect();
    let views = sandbox.views(environment).into_iter();
    views.filter(|(_, table)| tables.iter().any(|name| table.ends_with(name.as_str()))).map(|(name, _)| name).collect()
}

fn reported(sandbox: &Sandbox, schema: &str) -> Vec<Vec<String>> {
    sandbox.rows(&format!("SELECT o.n, total, more FROM {schema}.totals, {schema}.report, (SELECT count(*) AS n FROM {schema}.orders) AS o"))
}

#[test]
fn what_is_below_the_same_rows_is_not_built() {
    let sandbox = shop();
    let told = rewritten(&sandbox);
    for line in
        ["orders: the same 1 row as before; 2 models below not built", "2 built, 2 models below not: the same rows"]
    {
        assert!(told.contains(line), "{line}: {told}");
    }
    assert_eq!(stored(&sandbox, "dev__alice"), ["bare"], "what was built is not kept beside its like");
    assert_eq!(reported(&sandbox, "dev__alice"), [["1", "10", "11"]]);
    let plan = sandbox.vmesh(&["plan"]).good();
    assert!(plan.contains("nothing to do"), "{plan}");
    // the merge finds it so
    sandbox.commit("small ones");
    sandbox.git(&["switch", "--quiet", "main"]).good();
    sandbox.git(&["merge", "--quiet", "alice"]).good();
    assert_eq!(reported(&sandbox, "prod"), [["1", "10", "11"]]);
    sandbox.is_sound();
}

#[test]
fn other_rows_go_on_downwards_and_end_where_they_no_longer_matter() {
    let sandbox = shop();
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.model("last", "SELECT more FROM report");
    planned(&sandbox);
    sandbox.model("orders", "SELECT id, amount FROM source.orders UNION ALL SELECT 2, -1");
    let told = planned(&sandbox);
    assert!(told.contains("report: the same 1 row as before; 1 model below not built"), "{told}");
    assert_eq!(stored(&sandbox, "dev__alice"), ["bare", "orders", "totals"]);
    sandbox.model("orders", "SELECT id, amount + 1 AS amount FROM source.orders");
    planned(&sandbox);
    assert_eq!(reported(&sandbox, "dev__alice"), [["1", "11", "12"]]);
    assert_eq!(stored(&sandbox, "dev__alice"), ["bare", "last", "orders", "report", "totals"]);
    sandbox.is_sound();
}

#[test]
fn a_run_of_prod_parts_what_only_looked_the_same() {
    let sandbox = shop();
    rewritten(&sandbox);
    sandbox.sql("INSERT INTO source.orders VALUES (2, 200)");
    sandbox.vmesh(&["run", "prod", "--ignore-cron"]).good();
    assert_eq!(reported(&sandbox, "prod"), [["2", "210", "212"]]);
    assert_eq!(reported(&sandbox, "dev__alice"), [["1", "10", "11"]], "rows of then, by her own text");
    assert_eq!(stored(&sandbox, "dev__alice"), ["bare", "orders", "report", "totals"]);
    // and hers, filled again, leave prod's alone
    sandbox.vmesh(&["plan", "--restate-model", "orders", "--yes"]).good();
    sandbox.sql("INSERT INTO source.orders VALUES (3, 5)");
    sandbox.vmesh(&["run", "--ignore-cron"]).good();
    assert_eq!(reported(&sandbox, "dev__alice"), [["2", "15", "17"]]);
    assert_eq!(reported(&sandbox, "prod"), [["2", "210", "212"]]);
    sandbox.is_sound();
}

#[test]
fn a_clone_is_filled_and_the_table_that_it_was_made_of_stays() {
    let sandbox = shop();
    rewritten(&sandbox);
    sandbox.sql("INSERT INTO source.orders VALUES (2, 200), (3, 5)");
    sandbox.vmesh(&["run", "--ignore-cron"]).good();
    assert_eq!(reported(&sandbox, "dev__alice"), [["2", "15", "17"]]);
    assert_eq!(reported(&sandbox, "prod"), [["1", "10", "11"]]);
    sandbox.is_sound();
}

#[test]
fn restating_prod_parts_them_and_a_rollback_shows_the_rows_of_then() {
    let sandbox = shop();
    rewritten(&sandbox);
    sandbox.commit("small ones");
    sandbox.git(&["switch", "--quiet", "main"]).good();
    sandbox.git(&["merge", "--quiet", "alice"]).good();
    sandbox.sql("INSERT INTO source.orders VALUES (2, 200), (3, 5)");
    sandbox.vmesh(&["plan", "prod", "--restate-model", "orders", "--yes"]).good();
    assert_eq!(reported(&sandbox, "prod"), [["2", "15", "17"]]);
    sandbox.vmesh(&["rollback", "--yes"]).good();
    assert_eq!(reported(&sandbox, "prod"), [["1", "10", "11"]], "filled by nobody since");
    sandbox.vmesh(&["run", "prod", "--ignore-cron"]).good();
    assert_eq!(reported(&sandbox, "prod"), [["3", "215", "218"]]);
    sandbox.is_sound();
}

#[test]
fn gc_makes_nothing_of_clones_that_go_with_their_originals() {
    let sandbox = Sandbox::promoted(&[
        ("a", "SELECT 1 AS id UNION ALL SELECT 2"),
        ("b", "SELECT count(id) AS n FROM a"),
        ("c", "SELECT n FROM b"),
    ]);
    let kept = sandbox.snapshots();
    sandbox.git(&["switch", "--quiet", "-c", "dev"]).good();
    for also in ["", " AND true"] {
        let rows =
            format!("SELECT id FROM (SELECT 1 AS id UNION ALL SELECT 2 UNION ALL SELECT 3) x WHERE id > 1{also}");
        sandbox.model("a", &rows);
        sandbox.commit("rows");
        sandbox.vmesh(&["plan", "--yes"]).good();
    }
    sandbox.git(&["switch", "--quiet", "main"]).good();
    sandbox.git(&["branch", "--quiet", "-D", "dev"]).good();
    sandbox.vmesh(&["gc", "--yes"]).good();
    assert_eq!(sandbox.snapshots(), kept);
    sandbox.is_sound();
}

#[test]
fn gc_keeps_what_a_clone_shows_and_no_longer() {
    let sandbox = shop();
    let before = sandbox.views("prod");
    rewritten(&sandbox);
    sandbox.commit("small ones");
    sandbox.git(&["switch", "--quiet", "main"]).good();
    sandbox.git(&["merge", "--quiet", "alice"]).good();
    // what prod showed before goes once no rollback reaches it
    sandbox.sql("UPDATE vmesh_state.promotions SET promoted_at = 0");
    for text in ["SELECT 1 AS x", "SELECT 2 AS x"] {
        sandbox.model("other", text);
        sandbox.commit("another model");
        sandbox.sql("UPDATE vmesh_state.promotions SET promoted_at = 0");
    }
    sandbox.vmesh(&["gc", "--yes"]).good();
    assert_eq!(reported(&sandbox, "prod"), [["1", "10", "11"]]);
    let is_there = |table: &str| {
        let name = table.rsplit('.').next().unwrap();
        let among = |what: &str| format!("SELECT {what}_name AS name FROM duckdb_{what}s()");
        let all = format!("{} UNION ALL {}", among("table"), among("view"));
        sandbox.value(&format!("SELECT count(*) FROM ({all}) AS found WHERE name = '{name}'"))
    };
    assert_eq!(is_there(&before["orders"]), "1", "the clone shows it");
    sandbox.vmesh(&["run", "prod", "--ignore-cron"]).good();
    sandbox.vmesh(&["gc", "--yes"]).good();
    assert_eq!(is_there(&before["orders"]), "0", "the clone has rows of its own now");
    assert_eq!(reported(&sandbox, "prod"), [["1", "10", "11"]]);
    sandbox.is_sound();
}

#[test]
fn what_may_come_out_differently_or_is_filled_over_time_is_built() {
    let models = [
        ("a", "SELECT 1 AS id, DATE '2026-01-01' AS ds"),
        ("drawn", "SELECT id, random() AS r FROM a"),
        (
            "days",
            "MODEL (kind INCREMENTAL_BY_TIME_RANGE (time_column ds), start '2026-01-01');\nSELECT id, ds FROM a WHERE ds BETWEEN @start_ds AND @end_ds",
        ),
        ("plain", "SELECT id FROM a"),
    ];
    let sandbox = Sandbox::promoted(&models);
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.model("a", "SELECT 2 - 1 AS id, DATE '2026-01-01' AS ds");
    let told = planned(&sandbox);
    assert!(told.contains("a: the same 1 row as before; 1 model below not built"), "{told}");
    assert_eq!(stored(&sandbox, "dev__alice"), ["days", "drawn"]);
    sandbox.is_sound();
}

#[test]
fn a_view_between_that_says_something_else_is_no_reason_to_reuse() {
    let sandbox = shop();
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.model("orders", SMALL);
    sandbox.model("large", "MODEL (kind VIEW);\nSELECT total + 1 AS total, n FROM totals WHERE total > 0");
    sandbox.vmesh(&["plan", "--yes"]).good();
    assert_eq!(reported(&sandbox, "dev__alice"), [["1", "10", "12"]]);
    assert_eq!(stored(&sandbox, "dev__alice"), ["bare", "report"]);
    sandbox.is_sound();
}

#[test]
fn two_models_that_change_places_are_not_taken_for_each_other() {
    let models =
        [("one", "SELECT 1 AS v"), ("two", "SELECT 2 AS v"), ("sum", "SELECT one.v * 10 + two.v AS v FROM one, two")];
    let sandbox = Sandbox::promoted(&models);
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.model("one", "SELECT 2 AS v");
    sandbox.model("two", "SELECT 1 AS v");
    sandbox.vmesh(&["plan", "--yes"]).good();
    assert_eq!(sandbox.value("SELECT v FROM dev__alice.sum"), "21");
    sandbox.is_sound();
}

#[test]
fn a_seed_that_is_written_otherwise_and_the_switch() {
    for cutoff in [true, false] {
        let models = [("s", "MODEL (kind SEED (path 's.csv'));"), ("below", "SELECT count(*) AS n FROM s")];
        let sandbox = Sandbox::with_models(&models);
        sandbox.write("models/s.csv", "id,name\n1,a\n2,b\n");
        sandbox.write("vmesh.toml", &format!("[plan]\ncutoff = {cutoff}\n"));
        sandbox.commit("a seed");
        sandbox.vmesh(&["promote", "--yes"]).good();
        sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
        sandbox.write("models/s.csv", "id,name\n2,\"b\"\n1,\"a\"\n");
        let told = planned(&sandbox);
        match cutoff {
            true => assert!(told.contains("s: the same 2 rows as before; 1 model below not built"), "{told}"),
            false => assert!(told.contains("2 built") && !told.contains("same"), "{told}"),
        }
        sandbox.is_sound();
    }
}

#[test]
fn records_of_version_5_go_on() {
    let sandbox = shop();
    let inputs = "json_merge_patch(inputs, '{\"recipe\":null,\"read_as\":null,\"clone_of\":null,\"shape\":null,\"alike\":null}')";
    sandbox.sql(&format!("DROP TABLE vmesh_state.builds; ALTER TABLE vmesh_state.tables DROP COLUMN rows; UPDATE vmesh_state.format SET version = 5; UPDATE vmesh_state.tables SET inputs = {inputs}"));
    let told = sandbox.vmesh(&["plan", "prod"]).good();
    assert!(told.contains("nothing to do"), "{told}");
    let told = rewritten(&sandbox);
    assert!(told.contains("4 built"), "what it is made of was not on record: {told}");
    assert_eq!(sandbox.value("SELECT max(version) FROM vmesh_state.format"), "7");
    sandbox.is_sound();
}

#[test]
fn what_takes_only_columns_that_stayed_the_same_is_not_built() {
    // both columns are changed: that the amounts are the same only shows once they are there
    let models = [
        ("orders", "SELECT id, amount, 'x' AS note FROM source.orders"),
        ("totals", "SELECT sum(amount) AS total FROM orders"),
        ("many", "SELECT count(*) AS n FROM orders"),
        ("labels", "SELECT id, note || '!' AS label FROM orders"),
        ("report", "SELECT total + n AS more FROM totals, many"),
    ];
    let sandbox = Sandbox::with_models(&models);
    sandbox.sql("CREATE SCHEMA source; CREATE TABLE source.orders AS SELECT 1 AS id, 10 AS amount");
    sandbox.vmesh(&["promote", "--yes"]).good();
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.model("orders", "SELECT id, amount, 'y' AS note FROM source.orders WHERE amount < 100");
    let told = planned(&sandbox);
    assert!(
        told.contains("orders: the same rows as before in columns that are taken below; 3 models below not built"),
        "{told}"
    );
    assert_eq!(stored(&sandbox, "dev__alice"), ["labels", "orders"]);
    sandbox.is_sound();
    // a run of prod parts them, and a run of the branch reads its own
    sandbox.sql("INSERT INTO source.orders VALUES (2, 200), (3, 5)");
    sandbox.vmesh(&["run", "prod", "--ignore-cron"]).good();
    let report = |schema: &str| sandbox.rows(&format!("SELECT total, more FROM {schema}.totals, {schema}.report"));
    assert_eq!(
        (report("prod"), report("dev__alice")),
        (vec![vec!["215".into(), "218".into()]], vec![vec!["10".into(), "11".into()]])
    );
    sandbox.vmesh(&["run", "--ignore-cron"]).good();
    assert_eq!(report("dev__alice"), [["15", "17"]]);
    // what would mean something else by a new column is built
    sandbox.model("many", "SELECT count(*) AS n, max(extra) AS extra FROM orders, (SELECT 7 AS extra) AS x");
    planned(&sandbox);
    sandbox.model("orders", "SELECT id, amount, 'z' AS note FROM source.orders WHERE amount < 101");
    planned(&sandbox);
    assert_eq!(sandbox.value("SELECT extra FROM dev__alice.many"), "7");
    sandbox.is_sound();
}

#[test]
fn who_has_the_same_words_as_another_is_not_told_of_as_below_a_change() {
    let twin = |number: u64| format!("SELECT count(*) AS n FROM generate_series(1, {number}) x");
    let sandbox = Sandbox::promoted(&[
        ("a1", "SELECT 1 AS a"),
        ("a2", "SELECT a FROM a1"),
        ("p1", &twin(3)),
        ("p2", &twin(3)),
        ("p3", &twin(3)),
        ("p4", &twin(3)),
    ]);
    sandbox.git(&["-c", "core.hooksPath=/dev/null", "switch", "--quiet", "-c", "alice"]).good();
    sandbox.model("a1", "SELECT 2 - 1 AS a");
    ["p1", "p2", "p3", "p4"].iter().for_each(|name| sandbox.model(name, &twin(4)));
    let told = sandbox.vmesh(&["plan", "--yes"]).err;
    assert!(told.contains("a1: the same 1 row as before; 1 model below not built"), "{told}");
    assert_eq!(sandbox.value("SELECT n FROM dev__alice.p4"), "4");
}
