//! The commands that read: what they print for machines, and that they tell the truth.

use crate::support::{CHAIN, Sandbox};

#[test]
fn every_reading_command_prints_one_json_document() {
    let sandbox = Sandbox::promoted(&CHAIN);
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.model("marts.totals", "SELECT max(amount) AS total FROM staging.orders");
    sandbox.commit("max");
    for args in [
        &["status"][..],
        &["plan"],
        &["envs"],
        &["log"],
        &["diff"],
        &["table-diff", "marts.totals"],
        &["query", "SELECT * FROM marts.report"],
        &["render", "marts.report"],
        &["lineage", "marts.totals"],
        &["dag"],
        &["doctor"],
        &["gc", "--dry-run"],
        &["hooks", "status"],
    ] {
        let done = sandbox.vmesh(&[args, &["--json"]].concat());
        let parsed: Result<serde_json::Value, _> = serde_json::from_str(&done.out);
        assert!(parsed.is_ok() && done.code == Some(0), "{args:?}: {:?}\n{}\n{}", done.code, done.out, done.err);
    }
}

#[test]
fn a_plan_has_the_contracts_shape() {
    let sandbox = Sandbox::promoted(&CHAIN);
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.model("marts.totals", "SELECT sum(amount) AS total, count(*) AS n FROM staging.orders");
    let mut plan = sandbox.vmesh(&["plan", "--json"]).json();
    for commit in ["/commit", "/base/commit"] {
        *plan.pointer_mut(commit).unwrap() = "<commit>".into();
    }
    for model in plan["models"].as_array_mut().unwrap().iter_mut().filter(|model| model["action"] == "build") {
        assert!(model["expected_seconds"].as_f64().is_some_and(|seconds| seconds > 0.0));
        model["expected_seconds"] = "<seconds>".into();
    }
    insta::assert_snapshot!(serde_json::to_string_pretty(&plan).unwrap());
}

#[test]
fn table_diff_reads_no_row_of_one_snapshot_and_matches_null_keys() {
    let sandbox = Sandbox::promoted(&[("t", "SELECT * FROM (VALUES (1, 'a'), (NULL, 'b'), (3, 'c')) AS t(id, v)")]);
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    assert_eq!(sandbox.vmesh(&["table-diff", "t", "--json"]).json()["same_snapshot"], true);
    sandbox.model("t", "SELECT * FROM (VALUES (1, 'a'), (NULL, 'B'), (4, 'd')) AS t(id, v)");
    sandbox.commit("changed");
    let keyed = sandbox.vmesh(&["table-diff", "t", "--on", "id", "--json"]).json();
    let rows = &keyed["rows"];
    let counts = ["only_a", "only_b", "same", "changed"].map(|name| rows[name].as_u64().unwrap());
    assert_eq!(counts, [1, 1, 1, 1]);
    let whole = sandbox.vmesh(&["table-diff", "t", "--json"]).json();
    assert_eq!((whole["rows"]["only_a"].as_u64(), whole["rows"]["only_b"].as_u64()), (Some(2), Some(2)));
    assert_eq!(sandbox.vmesh(&["table-diff", "t", "--exit-code"]).code, Some(1));
    assert_eq!(sandbox.vmesh(&["table-diff", "t", "prod", "prod", "--exit-code"]).code, Some(0));
}

#[test]
fn table_diff_matches_rows_of_one_key_one_to_one() {
    let sandbox = Sandbox::promoted(&[("t", "SELECT * FROM (VALUES (1, 'a'), (9, 'x'), (9, 'y')) AS t(id, v)")]);
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.model("t", "SELECT * FROM (VALUES (1, 'a'), (9, 'x'), (9, 'z'), (9, 'zz')) AS t(id, v)");
    sandbox.commit("more of nine");
    let diff = sandbox.vmesh(&["table-diff", "t", "--on", "id", "--json"]).json();
    let counts = ["only_a", "only_b", "same", "changed"].map(|name| diff["rows"][name].as_u64().unwrap());
    assert_eq!(counts, [0, 1, 2, 1]);
    assert_eq!(diff["duplicate_keys"], serde_json::json!({"a": 1, "b": 1}));
}

#[test]
fn environments_can_be_named_by_branch_or_commit() {
    let sandbox = Sandbox::promoted(&CHAIN);
    let first = sandbox.git(&["rev-parse", "HEAD"]).good().trim().to_owned();
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.model("marts.totals", "SELECT max(amount) AS total FROM staging.orders");
    sandbox.commit("max");
    let total = |environment: &str| {
        let args = ["query", "SELECT total FROM marts.totals", "--env", environment, "--format", "csv"];
        sandbox.vmesh(&args).good().lines().nth(1).unwrap().to_owned()
    };
    assert_eq!(["alice", "dev__alice", "prod", "main", &first].map(total), ["30", "30", "60", "60", "60"]);
    let error = sandbox.vmesh(&["query", "SELECT 1", "--env", "alcie"]).fails(1);
    assert!(error.contains("did you mean `alice`"), "{error}");
}

#[test]
fn queries_only_read() {
    let sandbox = Sandbox::promoted(&CHAIN);
    for sql in ["DROP VIEW marts.report", "CREATE TABLE x AS SELECT 1", "SELECT 1; SELECT 2", "COPY (SELECT 1) TO 'x'"]
    {
        sandbox.vmesh(&["query", sql]).fails(1);
    }
    assert_eq!(sandbox.value("SELECT total FROM marts.report"), "60");
}

#[test]
fn a_models_last_name_is_enough_while_it_is_the_only_one() {
    let sandbox =
        Sandbox::promoted(&[("staging.orders", "SELECT 1 AS id"), ("marts.totals", "SELECT id FROM staging.orders")]);
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.model("marts.totals", "SELECT id + 1 AS id FROM staging.orders");
    sandbox.vmesh(&["plan", "--yes"]).good();
    for command in [
        &["table-diff", "totals", "--on", "id"] as &[_],
        &["audit", "totals"],
        &["lint", "totals"],
        &["render", "totals"],
        &["lineage", "totals"],
        &["plan", "--restate-model", "totals", "--yes"],
    ] {
        sandbox.vmesh(command).good();
    }
    sandbox.model("raw.orders", "SELECT 1 AS id");
    let several = sandbox.vmesh(&["render", "orders"]).fails(1);
    assert!(several.contains("did you mean `raw.orders` or `staging.orders`?"), "{several}");
    let none = sandbox.vmesh(&["test", "nosuch"]);
    let none = none.fails(1);
    assert!(none.contains("error: no test is called `nosuch`, nor its file or model"), "{none}");
}

#[test]
fn errors_are_data_too() {
    let sandbox = Sandbox::promoted(&[("a", "SELECT 1 AS id")]);
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.model("b", "SELECT id,\n  nosuch\nFROM a");
    let done = sandbox.vmesh(&["plan", "--json"]);
    let told: serde_json::Value = serde_json::from_str(&done.out).unwrap();
    let problem = &told["problems"][0];
    assert_eq!(
        (&problem["file"], &problem["line"], &problem["column"]),
        (&"models/b.sql".into(), &2.into(), &3.into()),
        "{told}"
    );
    assert!(told["error"].as_str().unwrap().contains("nosuch"), "{told}");
}

#[test]
fn what_an_environment_does_not_show_yet_is_said() {
    let sandbox = Sandbox::promoted(&[("a", "SELECT 1 AS id")]);
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.vmesh(&["plan", "--yes"]).good();
    let note = "note: dev__alice does not show the files of alice";
    let commands: [&[&str]; 4] =
        [&["diff"], &["table-diff", "a"], &["query", "SELECT * FROM a"], &["diff", "prod", "alice"]];
    for command in commands {
        let done = sandbox.vmesh(command);
        assert!(done.code == Some(0) && !done.err.contains(note), "{}", done.err);
    }
    sandbox.model("a", "SELECT 2 AS id");
    for command in commands {
        let done = sandbox.vmesh(command);
        assert!(done.code == Some(0) && done.err.contains(&format!("{note} yet (1 to build")), "{}", done.err);
    }
    assert!(!sandbox.vmesh(&["query", "SELECT * FROM a", "--env", "prod"]).err.contains("note:"));
    sandbox.model("a", "SELECT FROM");
    assert!(sandbox.vmesh(&["diff"]).err.contains("which have a problem: vmesh plan"));
}

#[test]
fn after_a_rollback_main_is_said_to_be_ahead() {
    let sandbox = Sandbox::promoted(&[("a", "SELECT 1 AS id")]);
    sandbox.model("a", "SELECT 2 AS id");
    sandbox.commit("two");
    sandbox.vmesh(&["rollback", "--yes"]).good();
    let status = sandbox.vmesh(&["status"]).good();
    assert!(
        status.contains("rolled back to ") && status.contains(" by ") && status.contains("reverted in Git"),
        "{status}"
    );
    sandbox.vmesh(&["promote", "--yes"]).good();
    assert!(!sandbox.vmesh(&["status"]).good().contains("rolled back"));
}
