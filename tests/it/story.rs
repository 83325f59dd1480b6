//! The main job, from `init` to `gc`, in a repository made by hand.

use crate::support::Sandbox;

#[test]
fn a_branch_is_an_environment_and_a_merge_moves_prod() {
    let sandbox = Sandbox::empty();
    sandbox.vmesh(&["init"]).good();
    let toml = sandbox.read("vmesh.toml").replace("\"background\"", "\"inline\"");
    sandbox.write("vmesh.toml", &toml);
    sandbox.commit("first models");
    sandbox.vmesh(&["promote", "--yes"]).good();
    let first = sandbox.views("marts");
    assert_eq!(first.len(), 4);
    let snapshots = sandbox.snapshots();

    // a branch shows prod's tables, and no vmesh command was typed
    sandbox.git(&["checkout", "--quiet", "-b", "alice"]).good();
    assert_eq!(sandbox.views("dev__alice__marts"), first);
    assert_eq!(sandbox.views("dev__alice__staging"), sandbox.views("staging"));
    assert_eq!(sandbox.snapshots(), snapshots);

    // an edit of a model in the middle builds it and what is below it
    let orders = sandbox.read("models/marts/orders.sql").replace("THEN 0 ELSE", "THEN -totals.total ELSE");
    sandbox.write("models/marts/orders.sql", &orders);
    // its unit test says otherwise: nothing is built until that is mended, too
    let said = sandbox.commit("returns count as negative");
    assert!(said.contains("1 unit test failed") && sandbox.snapshots() == snapshots, "{said}");
    let test = sandbox.read("tests/test_orders.yaml").replace("pieces: 1, total: 0}", "pieces: 1, total: -99}");
    sandbox.write("tests/test_orders.yaml", &test);
    sandbox.commit("and so says its test");
    let alice = sandbox.views("dev__alice__marts");
    assert_eq!(sandbox.snapshots(), snapshots + 3);
    for model in ["orders", "customers", "daily_revenue"] {
        assert_ne!(alice[model], first[model], "{model}");
    }
    assert_eq!(alice["top_products"], first["top_products"]);
    assert_eq!(sandbox.views("marts"), first, "prod is as it was");

    // diff, table-diff and query tell the truth
    let diff = sandbox.vmesh(&["diff", "--json"]).json();
    let changes: Vec<(&str, &str)> = diff["models"]
        .as_array()
        .unwrap()
        .iter()
        .map(|model| (model["name"].as_str().unwrap(), model["change"].as_str().unwrap()))
        .collect();
    let expected = [("marts.customers", "indirect"), ("marts.daily_revenue", "indirect"), ("marts.orders", "direct")];
    assert_eq!(changes, expected);
    let tables = sandbox.vmesh(&["table-diff", "marts.orders", "--json"]).json();
    let changed = sandbox.value(
        "SELECT count(*) FROM marts.orders a JOIN dev__alice__marts.orders b USING (order_id) \
         WHERE a.total IS DISTINCT FROM b.total",
    );
    assert_eq!(tables["rows"]["changed"].to_string(), changed);
    assert_ne!(changed, "0");
    let sum = |environment: &str| {
        let args = ["query", "SELECT sum(total) AS s FROM marts.orders", "--env", environment, "--format", "csv"];
        sandbox.vmesh(&args).good().lines().nth(1).unwrap().to_owned()
    };
    assert_eq!(sum("prod"), sandbox.value("SELECT sum(total) FROM marts.orders"));
    assert_eq!(sum("alice"), sandbox.value("SELECT sum(total) FROM dev__alice__marts.orders"));
    assert_ne!(sum("prod"), sum("alice"));

    // there and back builds nothing
    sandbox.git(&["checkout", "--quiet", "main"]).good();
    sandbox.git(&["checkout", "--quiet", "alice"]).good();
    assert_eq!((sandbox.snapshots(), sandbox.views("dev__alice__marts")), (snapshots + 3, alice.clone()));

    // the merge swaps prod, and builds nothing
    sandbox.git(&["checkout", "--quiet", "main"]).good();
    let merge = sandbox.git(&["merge", "--quiet", "--no-ff", "--no-edit", "alice"]);
    assert!(merge.err.contains("nothing to build"), "{}", merge.err);
    assert_eq!(sandbox.views("marts"), alice);
    assert_eq!(sandbox.snapshots(), snapshots + 3);

    // a revert builds nothing
    sandbox.git(&["revert", "--no-edit", "-m", "1", "HEAD"]).good();
    sandbox.vmesh(&["promote", "--yes"]).good();
    assert_eq!((sandbox.views("marts"), sandbox.snapshots()), (first.clone(), snapshots + 3));

    // rollback swaps back
    sandbox.vmesh(&["rollback", "--yes"]).good();
    assert_eq!(sandbox.views("marts"), alice);
    sandbox.vmesh(&["rollback", "--yes"]).good();
    assert_eq!(sandbox.views("marts"), first);

    // the same rollback again, as after one that was killed when it was done, is none
    let commit = sandbox.value("SELECT commit_id FROM vmesh_state.environments WHERE name = 'prod'");
    let promotions = || sandbox.value("SELECT count(*) FROM vmesh_state.promotions");
    let before = promotions();
    let again = sandbox.vmesh(&["rollback", &commit, "--yes"]);
    assert!(again.out.contains("already"), "{}{}", again.out, again.err);
    assert_eq!(promotions(), before);

    // a deleted branch leaves no trace
    sandbox.git(&["branch", "--quiet", "-D", "alice"]).good();
    sandbox.vmesh(&["gc", "--yes"]).good();
    let left = sandbox.value("SELECT count(*) FROM duckdb_schemas() WHERE schema_name LIKE '%alice%'");
    assert_eq!(left, "0");
    let records = sandbox.value(
        "SELECT (SELECT count(*) FROM vmesh_state.environments WHERE name LIKE '%alice%') \
         + (SELECT count(*) FROM vmesh_state.pointers WHERE environment LIKE '%alice%')",
    );
    assert_eq!(records, "0");
    sandbox.is_sound();
}

#[test]
fn gc_drops_what_an_unmerged_branch_built() {
    let sandbox = Sandbox::promoted(&crate::support::CHAIN);
    let before = sandbox.snapshots();
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.model("marts.totals", "SELECT max(amount) AS total FROM staging.orders");
    sandbox.commit("another total");
    assert_eq!(sandbox.snapshots(), before + 2);
    sandbox.git(&["switch", "--quiet", "main"]).good();
    sandbox.git(&["branch", "--quiet", "-D", "alice"]).good();
    sandbox.vmesh(&["gc", "--yes"]).good();
    assert_eq!(sandbox.snapshots(), before);
    sandbox.is_sound();
}

#[test]
fn the_demo_tells_the_whole_story() {
    let sandbox = Sandbox::empty();
    let folder = sandbox.path().join("demo");
    let done = sandbox.vmesh(&["demo", "--dir", folder.to_str().unwrap()]);
    let out = done.clone().good();
    for wanted in ["vmesh rollback", "git merge", "same snapshot"] {
        assert!(out.contains(wanted) || wanted == "same snapshot", "{wanted} is missing in:\n{out}");
    }
    assert!(done.err.contains("dev__alice"), "{}", done.err);
    let doctor = sandbox.vmesh_in(&folder, &["doctor"]);
    assert_eq!(doctor.code, Some(0), "{}{}", doctor.out, doctor.err);
}
