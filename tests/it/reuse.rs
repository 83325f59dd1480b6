//! What builds and what doesn't: fingerprints, seen from outside.

use crate::support::{CHAIN, Sandbox, postgres};

/// A promoted chain on which branch `alice` has changed `marts.totals`.
fn changed_on_alice() -> (Sandbox, usize) {
    let sandbox = Sandbox::promoted(&CHAIN);
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.model("marts.totals", "SELECT sum(amount) + 1 AS total FROM staging.orders");
    sandbox.commit("one more");
    let snapshots = sandbox.snapshots();
    (sandbox, snapshots)
}

#[test]
fn a_comment_or_layout_edit_builds_nothing() {
    let sandbox = Sandbox::promoted(&CHAIN);
    let before = (sandbox.snapshots(), sandbox.views("marts"));
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    // of PostgreSQL's queries, vmesh leaves no word out
    let named = if postgres::is_tested() { "as total" } else { "total" };
    let text = format!("-- why\r\nselect\r\n  SUM(amount) {named} /* all */\r\nfrom staging.orders;\r\n");
    sandbox.model("marts.totals", &text);
    let said = sandbox.commit("comments");
    assert!(!said.contains("built"), "{said}");
    assert_eq!(sandbox.views("dev__alice__marts"), before.1);
    sandbox.git(&["switch", "--quiet", "main"]).good();
    sandbox.git(&["merge", "--quiet", "alice"]).good();
    assert_eq!((sandbox.snapshots(), sandbox.views("marts")), before);
    sandbox.is_sound();
}

#[test]
fn a_squash_merge_builds_nothing() {
    let (sandbox, snapshots) = changed_on_alice();
    let alice = sandbox.views("dev__alice__marts");
    sandbox.git(&["switch", "--quiet", "main"]).good();
    sandbox.git(&["merge", "--quiet", "--squash", "alice"]).good();
    sandbox.commit("squashed");
    assert_eq!((sandbox.snapshots(), sandbox.views("marts")), (snapshots, alice));
}

#[test]
fn a_cherry_pick_builds_nothing() {
    let (sandbox, snapshots) = changed_on_alice();
    let alice = sandbox.views("dev__alice__marts");
    sandbox.git(&["switch", "--quiet", "main"]).good();
    sandbox.git(&["commit", "--quiet", "--allow-empty", "-m", "main moves"]).good();
    sandbox.git(&["cherry-pick", "alice"]).good();
    assert_eq!((sandbox.snapshots(), sandbox.views("marts")), (snapshots, alice));
}

#[test]
fn a_rebase_builds_nothing() {
    let (sandbox, snapshots) = changed_on_alice();
    let alice = sandbox.views("dev__alice__marts");
    sandbox.git(&["switch", "--quiet", "main"]).good();
    sandbox.write("notes.md", "main moves");
    sandbox.commit("main moves");
    sandbox.git(&["switch", "--quiet", "alice"]).good();
    sandbox.git(&["rebase", "--quiet", "main"]).good();
    assert_eq!((sandbox.snapshots(), sandbox.views("dev__alice__marts")), (snapshots, alice));
    sandbox.is_sound();
}

#[test]
fn the_same_change_on_two_branches_is_built_once() {
    let (sandbox, snapshots) = changed_on_alice();
    sandbox.git(&["switch", "--quiet", "main"]).good();
    sandbox.git(&["switch", "--quiet", "-c", "bob"]).good();
    sandbox.model("marts.totals", "select sum(amount) + 1 as total from staging.orders -- mine");
    sandbox.commit("the same");
    assert_eq!(sandbox.snapshots(), snapshots);
    assert_eq!(sandbox.views("dev__bob__marts"), sandbox.views("dev__alice__marts"));
}

#[test]
fn a_lost_table_is_built_again_and_a_lost_view_comes_back() {
    let sandbox = Sandbox::promoted(&CHAIN);
    let table = sandbox.views("marts")["totals"].clone();
    sandbox.sql(&format!("DROP VIEW marts.report; DROP TABLE vmesh_snapshots.\"{table}\" CASCADE"));
    let out = sandbox.vmesh(&["promote", "--yes"]).good();
    assert!(out.contains("its table is gone"), "{out}");
    assert_eq!(sandbox.value("SELECT total FROM marts.report"), "60");
    sandbox.is_sound();
}

#[test]
fn seeds_count_by_their_rows() {
    let sandbox = Sandbox::bare_project();
    sandbox.write("models/raw/people.sql", "MODEL (name raw.people, kind SEED (path 'people.csv'));");
    sandbox.write("models/raw/people.csv", "id,name\n1,Ada\n2,Ben\n");
    sandbox.model("people", "SELECT count(*) AS n FROM raw.people");
    sandbox.commit("seed");
    sandbox.vmesh(&["hooks", "install"]).good();
    sandbox.vmesh(&["promote", "--yes"]).good();
    assert_eq!(sandbox.value("SELECT n FROM prod.people"), "2");
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.write("models/raw/people.csv", "id,name\r\n1,Ada\r\n2,Ben\r\n");
    let plan = sandbox.vmesh(&["plan", "--json"]).json();
    assert_eq!(plan["summary"]["build"], 0, "line endings are no rows");
    sandbox.write("models/raw/people.csv", "id,name\n1,Ada\n2,Ben\n3,Cy\n");
    let plan = sandbox.vmesh(&["plan", "--yes", "--json"]).json();
    assert_eq!(plan["summary"]["build"], 2);
    assert_eq!(sandbox.value("SELECT n FROM dev__alice.people"), "3");
    assert_eq!(sandbox.value("SELECT n FROM prod.people"), "2");
}

#[test]
fn embedded_models_and_views_reach_their_consumers() {
    let sandbox = Sandbox::promoted(&[
        ("base", "SELECT 1 AS x"),
        ("inner_one", "MODEL (kind EMBEDDED);\nSELECT x + 1 AS x -- one more\nFROM base"),
        ("seen", "MODEL (kind VIEW);\nSELECT x * 10 AS x FROM inner_one"),
        ("top", "SELECT x FROM seen UNION ALL SELECT x FROM inner_one"),
    ]);
    assert_eq!(sandbox.rows("SELECT x FROM prod.top ORDER BY x"), [["2"], ["20"]]);
    assert!(!sandbox.views("prod").contains_key("inner_one"));
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.model("inner_one", "MODEL (kind EMBEDDED);\nSELECT x + 2 AS x FROM base");
    sandbox.commit("two more");
    assert_eq!(sandbox.rows("SELECT x FROM dev__alice.top ORDER BY x"), [["3"], ["30"]]);
    assert_eq!(sandbox.rows("SELECT x FROM prod.top ORDER BY x"), [["2"], ["20"]]);
    sandbox.is_sound();
}

#[test]
fn what_only_duckdb_can_parse_is_built_and_tracked() {
    let sandbox = Sandbox::promoted(&[
        ("raw.sales", "SELECT * FROM (VALUES (1, 'a', 10), (1, 'b', 20), (2, 'a', 5)) AS t(id, kind, n)"),
        ("wide", "PIVOT raw.sales ON kind USING sum(n) GROUP BY id"),
        ("facts", "SUMMARIZE raw.sales"),
        ("first", "FROM raw.sales SELECT max(n) AS n"),
    ]);
    assert_eq!(sandbox.rows("SELECT id, a, b FROM prod.wide ORDER BY id"), [["1", "10", "20"], ["2", "5", "NULL"]]);
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.model("raw.sales", "SELECT * FROM (VALUES (1, 'a', 11)) AS t(id, kind, n)");
    sandbox.commit("one row");
    assert_eq!(sandbox.rows("SELECT id, a FROM dev__alice.wide"), [["1", "11"]]);
    assert_eq!(sandbox.value("SELECT count FROM dev__alice.facts LIMIT 1"), "1");
    assert_eq!(sandbox.value("SELECT n FROM prod.first"), "20");
}

#[test]
fn a_removed_model_leaves_its_environment_only() {
    let sandbox = Sandbox::promoted(&CHAIN);
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    std::fs::remove_file(sandbox.path().join("models/marts/report.sql")).unwrap();
    sandbox.commit("no report");
    assert!(!sandbox.views("dev__alice__marts").contains_key("report"));
    assert!(sandbox.views("marts").contains_key("report"));
    sandbox.git(&["switch", "--quiet", "main"]).good();
    sandbox.git(&["merge", "--quiet", "alice"]).good();
    assert!(!sandbox.views("marts").contains_key("report"));
    sandbox.is_sound();
}

#[test]
fn fingerprints_are_the_same_on_every_machine() {
    let plan = |sandbox: &Sandbox| -> Vec<String> {
        let plan = sandbox.vmesh(&["promote", "--yes", "--json"]).json();
        let models = plan["models"].as_array().unwrap().iter();
        models.map(|model| model["fingerprint"].as_str().unwrap().to_owned()).collect()
    };
    // written down once: a change here builds every user's tables again, and needs a new recipe version
    insta::assert_debug_snapshot!(plan(&Sandbox::with_models(&CHAIN)));
}

#[test]
fn what_stands_for_null_in_a_seed_counts() {
    let header = |nulls: &str| {
        format!("MODEL (name words, kind SEED (path '../data/words.csv', csv_settings (delimiter = ';'{nulls})));")
    };
    let sandbox = Sandbox::with_models(&[("words", &header(""))]);
    sandbox.write("data/words.csv", "id;word\n1;NA\n2;-\n3;\n4;yes\n");
    sandbox.commit("words");
    let nulls = || sandbox.value("SELECT count(*) FROM prod.words WHERE word IS NULL");
    // as in SQLMesh, `NA` is one of several words for it
    assert_eq!(nulls(), "2");
    sandbox.model("words", &header(", keep_default_na = false"));
    sandbox.commit("letters");
    assert_eq!(nulls(), "0");
    sandbox.model("words", &header(", na_values = ('NA', '-')"));
    sandbox.commit("nulls");
    assert_eq!(nulls(), "3");
    let tables = sandbox.snapshots();
    sandbox.git(&["mv", "data/words.csv", "data/terms.csv"]).good();
    sandbox.model("words", &header(", na_values = ('NA', '-')").replace("words.csv", "terms.csv"));
    sandbox.commit("another name, the same rows");
    assert_eq!(sandbox.snapshots(), tables);
}

#[test]
fn gc_forgets_the_history_that_no_rollback_reaches() {
    let sandbox = Sandbox::promoted(&CHAIN);
    for number in 1..=4 {
        sandbox.model("marts.totals", &format!("SELECT sum(amount) + {number} AS total FROM staging.orders"));
        sandbox.commit(&format!("{number} more"));
    }
    let log = || sandbox.vmesh(&["log", "--json"]).json().as_array().unwrap().len();
    assert_eq!(log(), 5);
    assert!(sandbox.vmesh(&["gc", "--yes"]).good().contains("nothing to remove"));
    sandbox.sql("UPDATE vmesh_state.promotions SET promoted_at = promoted_at - 40 * 86400");
    let told = sandbox.vmesh(&["gc", "--yes"]).good();
    assert!(told.contains("3 promotions that no rollback reaches any more"), "{told}");
    assert_eq!(log(), 2);
    assert_eq!(sandbox.value("SELECT count(*) FROM vmesh_state.moved WHERE model = 'staging.orders'"), "1");
    sandbox.vmesh(&["rollback", "--yes"]).good();
    assert_eq!(sandbox.value("SELECT total FROM marts.totals"), "63");
    assert_eq!(sandbox.views("marts").len(), 2, "what the forgotten promotions moved is shown still");
    sandbox.is_sound();
}
