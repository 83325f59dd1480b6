//! New rows in the sources: tables filled again in place.

use crate::support::Sandbox;

/// Two models over a source table, promoted; alice has changed the second.
fn over_a_source() -> Sandbox {
    let models = [("orders", "SELECT id FROM source.orders"), ("total", "SELECT count(*) AS n FROM orders")];
    let sandbox = Sandbox::with_models(&models);
    sandbox.sql("CREATE SCHEMA source; CREATE TABLE source.orders AS SELECT 1 AS id");
    sandbox.vmesh(&["promote", "--yes"]).good();
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.model("total", "SELECT count(*) * 100 AS n FROM orders");
    sandbox.commit("hundreds");
    sandbox.sql("INSERT INTO source.orders VALUES (2)");
    sandbox
}

#[test]
fn new_rows_change_no_fingerprint() {
    let sandbox = over_a_source();
    assert_eq!(sandbox.vmesh(&["plan", "--exit-code"]).code, Some(0));
    assert_eq!(sandbox.value("SELECT n FROM prod.total"), "1");
}

#[test]
fn restating_for_prod_reaches_every_environment_that_shares_the_table() {
    let sandbox = over_a_source();
    let before = (sandbox.views("prod"), sandbox.views("dev__alice"));
    sandbox.vmesh(&["plan", "prod", "--restate-model", "orders", "--yes"]).good();
    assert_eq!(sandbox.value("SELECT n FROM prod.total"), "2");
    assert_eq!(sandbox.value("SELECT n FROM dev__alice.total"), "200");
    assert_eq!((sandbox.views("prod"), sandbox.views("dev__alice")), before, "no pointer moved");
    sandbox.is_sound();
}

#[test]
fn a_branch_restates_what_is_its_own_and_nothing_of_prods() {
    let sandbox = over_a_source();
    let error = sandbox.vmesh(&["plan", "--restate-model", "orders", "--yes"]).fails(1);
    assert!(error.contains("prod shows these tables too, or has shown them: orders"), "{error}");
    assert_eq!(sandbox.value("SELECT count(*) FROM prod.orders"), "1");
    sandbox.vmesh(&["plan", "--restate-model", "tot*", "--yes"]).good();
    let error = sandbox.vmesh(&["plan", "--restate-model", "totla", "--yes"]).fails(1);
    assert!(error.contains("did you mean `total`"), "{error}");
}

#[test]
fn a_source_that_gained_a_column_renews_the_views() {
    let sandbox = Sandbox::with_models(&[("orders", "SELECT * FROM source.orders")]);
    sandbox.sql("CREATE SCHEMA source; CREATE TABLE source.orders AS SELECT 1 AS id");
    sandbox.vmesh(&["promote", "--yes"]).good();
    sandbox.sql("ALTER TABLE source.orders ADD COLUMN amount INTEGER DEFAULT 5");
    sandbox.vmesh(&["plan", "prod", "--restate-model", "*", "--yes"]).good();
    assert_eq!(sandbox.rows("SELECT id, amount FROM prod.orders"), [["1", "5"]]);
    sandbox.is_sound();
}

#[test]
fn what_nobody_showed_during_a_restatement_is_not_taken_for_new() {
    let sandbox = over_a_source();
    sandbox.model("total", "SELECT count(*) * 1000 AS n FROM orders");
    sandbox.commit("thousands");
    // nobody shows the hundreds now; they were built from the old rows
    sandbox.vmesh(&["plan", "prod", "--restate-model", "orders", "--yes"]).good();
    sandbox.model("total", "SELECT count(*) * 100 AS n FROM orders");
    sandbox.commit("hundreds again");
    assert_eq!(sandbox.value("SELECT n FROM dev__alice.total"), "200");
}

#[test]
fn a_restatement_that_fails_changes_nothing() {
    let models = [
        ("orders", "SELECT id FROM source.orders"),
        (
            "checked",
            "SELECT CASE WHEN max(id) > 1 THEN CAST(concat('too many', max(id)) AS INTEGER) ELSE 1 END AS x FROM orders",
        ),
    ];
    let sandbox = Sandbox::with_models(&models);
    sandbox.sql("CREATE SCHEMA source; CREATE TABLE source.orders AS SELECT 1 AS id");
    sandbox.vmesh(&["promote", "--yes"]).good();
    sandbox.sql("INSERT INTO source.orders VALUES (2)");
    let error = sandbox.vmesh(&["plan", "prod", "--restate-model", "*", "--yes"]).fails(1);
    assert!(error.contains("could not build `checked` again"), "{error}");
    assert_eq!(sandbox.value("SELECT count(*) FROM prod.orders"), "1");
}

#[test]
fn embedded_models_are_seen_through() {
    let sandbox = Sandbox::with_models(&[
        ("base", "SELECT id FROM source.orders"),
        ("inner", "MODEL (name inner_one, kind EMBEDDED);\nSELECT id FROM base"),
        ("outer", "MODEL (name outer_one, kind EMBEDDED);\nSELECT id FROM inner_one"),
        ("near", "SELECT count(*) AS n FROM inner_one"),
        ("far", "SELECT count(*) AS n FROM outer_one"),
        ("said", "SELECT 0 AS n;\nUPDATE said SET n = (SELECT count(*) FROM outer_one)"),
    ]);
    sandbox.sql("CREATE SCHEMA source; CREATE TABLE source.orders AS SELECT 1 AS id");
    sandbox.vmesh(&["promote", "--yes"]).good();
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.model("other", "SELECT n * 10 AS n FROM (SELECT count(*) AS n FROM outer_one) AS t");
    sandbox.vmesh(&["plan", "--yes"]).good();
    sandbox.sql("INSERT INTO source.orders VALUES (2)");
    sandbox.vmesh(&["plan", "prod", "--restate-model", "base", "--yes"]).good();
    let shown = "SELECT near.n, far.n, said.n, other.n FROM prod.near, prod.far, prod.said, dev__alice.other AS other";
    assert_eq!(sandbox.rows(shown), [["2", "2", "2", "20"]]);
    sandbox.is_sound();
}

#[test]
fn a_table_from_outside_means_what_reads_it() {
    let sandbox = Sandbox::with_models(&[
        ("near", "SELECT count(*) AS n FROM source.orders"),
        ("inner", "MODEL (name inner_one, kind EMBEDDED);\nSELECT id FROM source.orders"),
        ("far", "SELECT count(*) AS n FROM inner_one"),
        ("view", "MODEL (name seen, kind VIEW);\nSELECT id FROM warehouse.source.orders"),
        ("below", "SELECT count(*) AS n FROM seen"),
        ("said", "SELECT 0 AS n;\nUPDATE said SET n = (SELECT count(*) FROM source.orders)"),
        ("other", "SELECT count(*) AS n FROM source.others"),
    ]);
    sandbox.sql("CREATE SCHEMA source; CREATE TABLE source.orders AS SELECT 1 AS id; CREATE TABLE source.others AS SELECT 1 AS id");
    sandbox.vmesh(&["promote", "--yes"]).good();
    let shown =
        "SELECT near.n, far.n, below.n, said.n, other.n FROM prod.near, prod.far, prod.below, prod.said, prod.other";
    for (pattern, rows, expected) in
        [("source.orders", 2, "2"), ("source.ord*", 3, "3"), ("warehouse.source.orders", 4, "4")]
    {
        sandbox.sql("INSERT INTO source.orders VALUES (2); INSERT INTO source.others VALUES (2)");
        assert_eq!(sandbox.value("SELECT count(*) FROM source.orders"), rows.to_string());
        sandbox.vmesh(&["plan", "prod", "--restate-model", pattern, "--yes"]).good();
        assert_eq!(sandbox.rows(shown), [[expected, expected, expected, expected, "1"]], "{pattern}");
    }
    sandbox.vmesh(&["plan", "prod", "--restate-model", "source.*", "--yes"]).good();
    assert_eq!(sandbox.rows(shown), [["4", "4", "4", "4", "4"]]);
    let told = sandbox.vmesh(&["plan", "prod", "--restate-model", "nobody.*", "--yes"]).fails(1);
    assert!(told.contains("no model is called `nobody.*`"), "{told}");
    // and a run says how new rows come in
    let told = sandbox.vmesh(&["run", "prod"]).good();
    assert!(
        told.contains("nothing is due in prod")
            && told.contains("vmesh run prod --ignore-cron fills far, near, other, said, below"),
        "{told}"
    );
    sandbox.is_sound();
}

#[test]
fn what_audits_forbid_is_not_filled_again_either() {
    for (named, reads) in [("child", "raw.t"), ("raw.*", "raw.t"), ("parent", "parent")] {
        let child = format!("MODEL (name child, audits (not_null(columns := (v))));\nSELECT v FROM {reads}");
        let sandbox = Sandbox::with_models(&[("parent", "SELECT v FROM raw.t"), ("child", &child)]);
        sandbox.sql("CREATE SCHEMA raw; CREATE TABLE raw.t AS SELECT 1 AS v");
        sandbox.vmesh(&["promote", "--yes"]).good();
        sandbox.sql("INSERT INTO raw.t VALUES (NULL)");
        let refused = sandbox.vmesh(&["plan", "prod", "--restate-model", named, "--yes"]).fails(1);
        assert!(refused.contains("not_null"), "{refused}");
        assert_eq!(sandbox.rows("SELECT v FROM prod.child"), [["1"]], "{named}");
        assert_eq!(sandbox.rows("SELECT v FROM prod.parent"), [["1"]], "all or none");
        sandbox.is_sound();
    }
}

/// Prod and a branch, each with a version of `a`; both read a table that no model makes. Prod ran since.
fn ran_since(query: &str) -> Sandbox {
    let through = ("through", "MODEL (kind EMBEDDED);\nSELECT v FROM raw.t");
    let sandbox = Sandbox::with_models(&[("a", query), ("b", "SELECT count(*) AS n FROM raw.t"), through]);
    sandbox.sql("CREATE SCHEMA raw; CREATE TABLE raw.t AS SELECT 1 AS v");
    sandbox.vmesh(&["promote", "--yes"]).good();
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.model("a", &query.replace("1 AS x", "2 AS x"));
    sandbox.commit("two");
    sandbox.vmesh(&["plan", "--yes"]).good();
    sandbox.git(&["switch", "--quiet", "main"]).good();
    sandbox.sql("INSERT INTO raw.t SELECT 1 FROM range(9)");
    sandbox.vmesh(&["run", "prod", "--ignore-cron"]).good();
    assert_eq!(sandbox.rows("SELECT a.n, b.n, x FROM prod.a, prod.b"), [["10", "10", "1"]]);
    sandbox
}

#[test]
fn a_merge_takes_prod_not_back_in_time() {
    for reads in ["raw.t", "through"] {
        let sandbox = ran_since(&format!("SELECT count(*) AS n, 1 AS x FROM {reads}"));
        sandbox.git(&["merge", "--quiet", "alice"]).good();
        sandbox.vmesh(&["promote", "--yes"]).good();
        assert_eq!(sandbox.rows("SELECT a.n, b.n, x FROM prod.a, prod.b"), [["10", "10", "2"]], "{reads}");
        sandbox.is_sound();
    }
}

#[test]
fn nor_does_going_forward_again_after_a_rollback() {
    let sandbox = ran_since("SELECT count(*) AS n, 1 AS x FROM raw.t");
    sandbox.git(&["merge", "--quiet", "alice"]).good();
    sandbox.vmesh(&["promote", "--yes"]).good();
    sandbox.vmesh(&["rollback", "--yes"]).good();
    sandbox.sql("INSERT INTO raw.t SELECT 1 FROM range(90)");
    sandbox.vmesh(&["run", "prod", "--ignore-cron"]).good();
    assert_eq!(sandbox.rows("SELECT n, x FROM prod.a"), [["100", "1"]]);
    sandbox.vmesh(&["promote", "--yes"]).good();
    assert_eq!(sandbox.rows("SELECT n, x FROM prod.a"), [["100", "2"]]);
    sandbox.vmesh(&["rollback", "--yes"]).good();
    assert_eq!(sandbox.rows("SELECT n, x FROM prod.a"), [["100", "1"]], "what was filled stays");
    sandbox.is_sound();
}
