//! Environments follow Git by themselves, and Git is never harmed.

use std::time::Instant;

use crate::support::{CHAIN, Sandbox, wait_until};

/// The chain, with hooks that build in the background and one slow model.
fn in_background(slow: &str) -> Sandbox {
    let mut models = CHAIN.to_vec();
    models.push(("slow", slow));
    let sandbox = Sandbox::promoted(&models);
    sandbox.write("vmesh.toml", "[hooks]\nbuild = \"background\"\n");
    sandbox.commit("in the background");
    sandbox
}

#[test]
fn switching_greets_and_a_commit_elsewhere_is_silent() {
    let sandbox = Sandbox::promoted(&CHAIN);
    let said = sandbox.git(&["checkout", "--quiet", "-b", "alice"]).err;
    assert_eq!(said, "vmesh: dev__alice · 4 models, all shared with prod · nothing to build\n");
    sandbox.write("notes.md", "no model");
    assert_eq!(sandbox.commit("notes"), "");
    let said = sandbox.git(&["checkout", "--quiet", "main"]).err;
    assert_eq!(said, "vmesh: prod · in step · 4 models\n");
}

#[test]
fn builds_in_the_background_do_not_hold_git() {
    let sandbox = in_background("SELECT 1 AS x");
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    // some seconds of work
    let slow = "SELECT count(*) AS x FROM range(25000) a, range(25000) b WHERE (a.range * b.range) % 7 = 3";
    sandbox.model("slow", slow);
    let start = Instant::now();
    let said = sandbox.commit("slow");
    let took = start.elapsed();
    assert!(said.contains("building slow in the background"), "{said}");
    wait_until("the build", || sandbox.is_in_step());
    assert!(took < start.elapsed() / 2, "git took {took:?} of {:?}", start.elapsed());
    assert_ne!(sandbox.views("dev__alice")["slow"], sandbox.views("prod")["slow"]);
    sandbox.is_sound();
}

#[test]
fn a_failure_in_the_background_is_told_by_status() {
    let sandbox = in_background("SELECT 1 AS x");
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.model("slow", "SELECT nonsense AS x");
    sandbox.commit("broken");
    wait_until("the failure", || {
        sandbox.vmesh(&["status", "--json"]).json()["failure"].as_str().is_some_and(|text| text.contains("nonsense"))
    });
    sandbox.model("slow", "SELECT 2 AS x");
    sandbox.commit("mended");
    wait_until("the build", || sandbox.is_in_step());
    assert_eq!(sandbox.vmesh(&["status", "--json"]).json()["failure"], serde_json::Value::Null);
}

#[test]
fn a_broken_model_breaks_no_git_command() {
    let sandbox = Sandbox::promoted(&CHAIN);
    let before = sandbox.views("marts");
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.model("marts.totals", "SELECT FROM WHERE");
    let said = sandbox.commit("broken");
    assert!(said.contains("models/marts/totals.sql:1"), "{said}");
    sandbox.git(&["switch", "--quiet", "main"]).good();
    sandbox.git(&["merge", "--quiet", "alice"]).good();
    assert_eq!(sandbox.views("marts"), before, "prod is as it was");
}

#[test]
fn a_locked_warehouse_is_caught_up_later() {
    let sandbox = in_background("SELECT 1 AS x");
    let held = duckdb::Connection::open(sandbox.warehouse()).unwrap();
    let said = sandbox.git(&["switch", "--quiet", "-c", "alice"]).err;
    assert!(said.contains("has the warehouse"), "{said}");
    drop(held);
    wait_until("the plan", || sandbox.vmesh(&["status", "--json"]).json()["in_step"] == true);
    assert_eq!(sandbox.views("dev__alice__marts"), sandbox.views("marts"));
}

#[test]
fn nothing_happens_on_a_detached_head_or_with_vmesh_switched_off() {
    let sandbox = Sandbox::promoted(&CHAIN);
    let before = sandbox.value("SELECT count(*) FROM vmesh_state.environments");
    assert_eq!(sandbox.git(&["checkout", "--quiet", "--detach"]).err, "");
    let out = sandbox.vmesh(&["status"]).good();
    assert!(out.contains("detached"), "{out}");
    sandbox.git(&["checkout", "--quiet", "main"]).good();
    let mut git = std::process::Command::new("git");
    git.args(["switch", "--quiet", "-c", "quiet"]).current_dir(sandbox.path()).env("VMESH_SKIP", "1");
    assert!(git.output().unwrap().stderr.is_empty());
    assert_eq!(sandbox.value("SELECT count(*) FROM vmesh_state.environments"), before);
}

#[test]
fn a_rollback_stays_until_main_moves() {
    let sandbox = Sandbox::promoted(&CHAIN);
    let first = sandbox.views("marts");
    sandbox.model("marts.totals", "SELECT 1 AS total FROM staging.orders LIMIT 1");
    sandbox.commit("on main");
    assert_ne!(sandbox.views("marts"), first);
    sandbox.vmesh(&["rollback", "--yes"]).good();
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.git(&["switch", "--quiet", "main"]).good();
    assert_eq!(sandbox.views("marts"), first, "checking main out is no promotion");
    sandbox.write("notes.md", "main moves");
    sandbox.commit("main moves");
    assert_ne!(sandbox.views("marts"), first, "main has moved");
}

#[test]
fn main_that_goes_back_is_not_followed() {
    let sandbox = Sandbox::promoted(&CHAIN);
    sandbox.model("marts.totals", "SELECT 1 AS total FROM staging.orders LIMIT 1");
    sandbox.commit("on main");
    let second = sandbox.views("marts");
    sandbox.git(&["reset", "--quiet", "--hard", "HEAD~1"]).good();
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    let said = sandbox.git(&["switch", "--quiet", "main"]).err;
    assert!(said.contains("--allow-rewind"), "{said}");
    assert_eq!(sandbox.views("marts"), second);
    let error = sandbox.vmesh(&["promote", "--yes"]).fails(1);
    assert!(error.contains("prod would go back"), "{error}");
    sandbox.vmesh(&["promote", "--yes", "--allow-rewind"]).good();
    assert_ne!(sandbox.views("marts"), second);
}

#[test]
fn linked_worktrees_share_the_warehouse() {
    let sandbox = Sandbox::promoted(&CHAIN);
    let linked = sandbox.path().join("linked");
    let said = sandbox.git(&["worktree", "add", "--quiet", "-b", "bob", linked.to_str().unwrap()]);
    assert!(said.err.contains("dev__bob"), "{}", said.err);
    std::fs::write(linked.join("models/marts/totals.sql"), "SELECT 7 AS total FROM staging.orders LIMIT 1").unwrap();
    sandbox.git_in(&linked, &["commit", "--quiet", "--all", "-m", "seven"]).good();
    assert_eq!(sandbox.value("SELECT total FROM dev__bob__marts.report"), "7");
    assert_eq!(
        linked.join("warehouse/warehouse.duckdb").canonicalize().unwrap(),
        sandbox.warehouse().canonicalize().unwrap()
    );
    let status = sandbox.vmesh_in(&linked, &["status", "--json"]).json();
    assert_eq!((status["environment"].as_str(), status["in_step"].as_bool()), (Some("dev__bob"), Some(true)));
}

#[test]
fn a_project_in_a_subfolder_is_served_by_the_hooks() {
    let sandbox = Sandbox::empty();
    sandbox.git(&["init", "--quiet", "--initial-branch", "main"]).good();
    sandbox.write("analytics/vmesh.toml", "[hooks]\nbuild = \"inline\"\n");
    sandbox.write("analytics/models/a.sql", "SELECT 1 AS x");
    let folder = sandbox.path().join("analytics");
    sandbox.vmesh_in(&folder, &["hooks", "install"]).good();
    let said = sandbox.commit("first");
    assert!(said.contains("prod shows"), "{said}");
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.write("analytics/models/a.sql", "SELECT 2 AS x");
    sandbox.commit("two");
    let connection = duckdb::Connection::open(folder.join("warehouse/warehouse.duckdb")).unwrap();
    assert_eq!(crate::support::rows(&connection, "SELECT x FROM dev__alice.a"), [["2"]]);
}
