//! Merges planned before they happen.

use crate::support::{CHAIN, Sandbox};

/// Two parents of one model, each changed by a branch of its own.
fn two_sides() -> Sandbox {
    let sandbox = Sandbox::promoted(&[
        ("left", "SELECT 1 AS x"),
        ("right", "SELECT 2 AS y"),
        ("both", "SELECT x + y AS z FROM \"left\", \"right\""),
    ]);
    for (branch, model, sql) in [("alice", "left", "SELECT 10 AS x"), ("bob", "right", "SELECT 20 AS y")] {
        sandbox.git(&["switch", "--quiet", "-c", branch, "main"]).good();
        sandbox.model(model, sql);
        sandbox.commit(branch);
    }
    sandbox.git(&["switch", "--quiet", "main"]).good();
    sandbox
}

#[test]
fn what_only_the_combination_needs_is_built_ahead() {
    let sandbox = two_sides();
    sandbox.git(&["merge", "--quiet", "alice"]).good();
    assert_eq!(sandbox.value("SELECT z FROM prod.both"), "12");
    // neither branch has built what both together say
    sandbox.vmesh(&["plan", "--merged", "bob", "--exit-code", "--no-build"]).fails(1);
    sandbox.vmesh(&["plan", "--merged", "bob", "--no-build"]).fails(1);
    let objects = || sandbox.git(&["count-objects", "-v"]).good();
    let before = (objects(), sandbox.snapshots());
    let out = sandbox.vmesh(&["plan", "--merged", "bob", "--yes"]).good();
    assert!(out.contains("1 model to build ahead; then the merge swaps 2 pointers"), "{out}");
    assert_eq!((objects(), sandbox.snapshots()), (before.0, before.1 + 1), "one table, and nothing in the repository");
    assert_eq!(sandbox.value("SELECT z FROM prod.both"), "12", "no pointer was moved");
    sandbox.vmesh(&["gc", "--yes"]).good();
    let out = sandbox.vmesh(&["plan", "--merged", "bob", "--exit-code", "--no-build"]).good();
    assert!(out.contains("the merge swaps 2 pointers, nothing is to be built"), "{out}");
    let said = sandbox.git(&["merge", "--quiet", "--no-edit", "bob"]).err;
    assert!(said.contains("2 pointers swapped, nothing to build"), "{said}");
    assert_eq!(sandbox.value("SELECT z FROM prod.both"), "30");
    sandbox.is_sound();
}

#[test]
fn what_is_kept_for_a_merge_goes_with_its_branch() {
    let sandbox = two_sides();
    sandbox.git(&["merge", "--quiet", "alice"]).good();
    sandbox.vmesh(&["plan", "--merged", "bob", "--yes"]).good();
    let before = sandbox.snapshots();
    sandbox.git(&["branch", "--quiet", "-D", "bob"]).good();
    sandbox.vmesh(&["gc", "--yes"]).good();
    assert_eq!(sandbox.snapshots(), before - 3, "bob's two tables, and the one of the merge");
    assert_eq!(sandbox.value("SELECT count(*) FROM vmesh_state.previews"), "0");
}

#[test]
fn the_current_branch_is_merged_as_committed() {
    let sandbox = two_sides();
    sandbox.git(&["switch", "--quiet", "alice"]).good();
    sandbox.model("left", "SELECT 11 AS x");
    let plan = sandbox.vmesh(&["plan", "--merged", "--json"]).json();
    assert_eq!(plan["merged"], true);
    assert_eq!(plan["summary"], serde_json::json!({"build": 0, "reuse": 3, "swap": 2, "drop": 0}));
    let out = sandbox.vmesh(&["plan", "--merged"]).good();
    assert!(out.contains("uncommitted changes are not part of it"), "{out}");
}

#[test]
fn conflicts_are_listed_by_model() {
    let sandbox = Sandbox::promoted(&CHAIN);
    for (branch, total) in [("alice", 1), ("carol", 2)] {
        sandbox.git(&["switch", "--quiet", "-c", branch, "main"]).good();
        sandbox.model("marts.totals", &format!("SELECT {total} AS total FROM staging.orders LIMIT 1"));
        sandbox.write("notes.md", branch);
        sandbox.commit(branch);
    }
    sandbox.git(&["switch", "--quiet", "main"]).good();
    sandbox.git(&["merge", "--quiet", "alice"]).good();
    insta::assert_snapshot!(sandbox.vmesh(&["plan", "--merged", "carol"]).fails(1));
    let done = sandbox.vmesh(&["plan", "--merged", "carol", "--format", "markdown"]);
    assert_eq!(done.code, Some(1));
    insta::assert_snapshot!(done.out);
}

#[test]
fn a_plan_as_markdown() {
    let sandbox = two_sides();
    sandbox.git(&["merge", "--quiet", "alice"]).good();
    let out = sandbox.vmesh(&["plan", "--merged", "bob", "--format", "markdown"]).good();
    let commit = sandbox.git(&["rev-parse", "bob"]).good();
    insta::assert_snapshot!(out.replace(&commit[..8], "<commit>"));
}

#[test]
fn automation_without_a_main_of_its_own_uses_origins() {
    let sandbox = two_sides();
    let clone = sandbox.path().join("clone");
    let (from, to) = (sandbox.path(), clone.to_str().unwrap().to_owned());
    sandbox.git(&["clone", "--quiet", "--branch", "alice", from.to_str().unwrap(), &to]).good();
    sandbox.git_in(&clone, &["checkout", "--quiet", "--detach"]).good();
    sandbox.git_in(&clone, &["branch", "--quiet", "-D", "alice"]).good();
    let out = sandbox.vmesh_in(&clone, &["plan", "--merged", "--format", "markdown"]).good();
    assert!(out.contains("into `main`"), "{out}");
    let out = sandbox.vmesh_in(&clone, &["plan", "--merged", "origin/bob"]).good();
    assert!(out.contains("merge of bob"), "{out}");
}

#[test]
fn a_merge_is_planned_with_the_settings_that_it_leaves_on_main() {
    let settings = |rate: u32, rest: &str| {
        format!(
            "before_all = [\"DROP TABLE IF EXISTS ops.rates\", \"CREATE TABLE ops.rates AS SELECT {rate} AS rate\"]\n{rest}"
        )
    };
    let sandbox = Sandbox::bare_project();
    sandbox.sql("CREATE SCHEMA ops");
    sandbox.write("vmesh.toml", &settings(2, ""));
    sandbox.model("prices", "SELECT 10 * rate AS price FROM ops.rates");
    sandbox.model("other", "SELECT 1 AS n");
    sandbox.commit("models");
    sandbox.vmesh(&["promote", "--yes"]).good();
    let branch = |name: &str, text: &str| {
        sandbox.git(&["switch", "--quiet", "-c", name, "main"]).good();
        sandbox.write("vmesh.toml", text);
        sandbox.commit(name);
        sandbox.git(&["switch", "--quiet", "main"]).good();
    };
    branch("rates", &settings(3, ""));
    branch("after", &settings(2, "after_all = [\"SELECT 1\"]"));
    branch("words", &settings(2, "# a comment"));
    let planned = |name: &str| sandbox.vmesh(&["plan", "--merged", name, "--exit-code", "--no-build"]);
    let told = planned("rates");
    assert_eq!(told.code, Some(1), "{}", told.out);
    assert!(told.out.contains("1 model to build") && told.out.contains("prices"), "{}", told.out);
    assert!(told.err.contains("warning: the merge changes vmesh.toml (before_all)"), "{}", told.err);
    // what it would be built from is not there yet
    let snapshots = sandbox.snapshots();
    let told = sandbox.vmesh(&["plan", "--merged", "rates", "--yes"]).fails(2);
    assert!(told.contains("the merge changes `before_all`, so nothing can be built ahead"), "{told}");
    assert_eq!(sandbox.snapshots(), snapshots);
    sandbox.vmesh(&["plan", "--merged", "after", "--yes"]).good();
    // no model reads it, and yet something is run
    let told = planned("after");
    assert_eq!(told.code, Some(1), "{}", told.out);
    assert!(told.err.contains("(after_all)"), "{}", told.err);
    let told = planned("words");
    assert_eq!((told.code, told.err.contains("warning")), (Some(0), false), "{} {}", told.out, told.err);
    sandbox.git(&["merge", "--quiet", "rates"]).good();
    sandbox.vmesh(&["promote", "--yes"]).good();
    assert_eq!(sandbox.value("SELECT price FROM prod.prices"), "30");
}
