//! One warehouse, several people: who planned an environment keeps it until another says otherwise.

use std::path::PathBuf;

use crate::support::{CHAIN, Sandbox, rows};

/// Two clones that share a warehouse, both on `alice`.
fn two_clones() -> (Sandbox, PathBuf) {
    let sandbox = Sandbox::nested().filled(&CHAIN);
    let warehouse = sandbox.path().join("../shared.duckdb");
    let settings = format!("[engine]\npath = {:?}\n[hooks]\nbuild = \"inline\"\n", warehouse.to_str().unwrap());
    sandbox.write("vmesh.toml", &settings);
    sandbox.commit("one warehouse");
    sandbox.vmesh(&["promote", "--yes"]).good();
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    let done = sandbox.shell(
        "set -e; git config user.name Ada; git clone -q --bare . ../origin.git; git remote add origin ../origin.git
         git clone -q -b alice ../origin.git ../bob; cd ../bob; git branch -q main origin/main
         git config user.name Bob; vmesh hooks install",
    );
    assert_eq!(done.code, Some(0), "{}", done.err);
    let bob = sandbox.path().join("../bob");
    (sandbox, bob)
}

fn total(sandbox: &Sandbox) -> String {
    sandbox.vmesh(&["query", "SELECT total FROM marts.report", "--env", "alice", "--format", "csv"]).good()
}

#[test]
fn the_second_is_told_and_must_say_so() {
    let (sandbox, bob) = two_clones();
    sandbox.model("marts.totals", "SELECT 1 AS total FROM staging.orders LIMIT 1");
    sandbox.commit("one");
    std::fs::write(bob.join("models/marts/totals.sql"), "SELECT 2 AS total FROM staging.orders LIMIT 1").unwrap();
    let said = sandbox.git_in(&bob, &["commit", "--quiet", "--all", "-m", "two"]).err;
    assert!(said.contains("dev__alice stays as Ada shows it"), "{said}");
    assert!(said.contains("--take-over"), "{said}");
    let said = sandbox.vmesh_in(&bob, &["plan", "--yes"]).fails(1);
    assert!(said.contains("`dev__alice` is kept by Ada"), "{said}");
    assert_eq!(total(&sandbox), "total\n1\n");
    let envs = sandbox.vmesh_in(&bob, &["envs"]).good();
    assert!(envs.contains("Ada in repo"), "{envs}");
    sandbox.vmesh_in(&bob, &["plan", "--yes", "--take-over"]).good();
    assert_eq!(total(&sandbox), "total\n2\n");
    // and now the first one is told
    sandbox.write("notes.md", "nothing flaps");
    let said = sandbox.commit("notes");
    assert!(said.contains("dev__alice stays as Bob shows it"), "{said}");
    assert_eq!(total(&sandbox), "total\n2\n");
}

#[test]
fn who_builds_upon_the_other_goes_on() {
    let (sandbox, bob) = two_clones();
    sandbox.model("marts.totals", "SELECT 1 AS total FROM staging.orders LIMIT 1");
    sandbox.commit("one");
    sandbox.git(&["push", "--quiet", "origin", "alice"]).good();
    sandbox.git_in(&bob, &["pull", "--quiet", "--ff-only"]).good();
    std::fs::write(bob.join("models/marts/totals.sql"), "SELECT 2 AS total FROM staging.orders LIMIT 1").unwrap();
    let done = sandbox.git_in(&bob, &["commit", "--quiet", "--all", "-m", "two"]);
    assert!(done.err.contains("built marts.totals"), "{}", done.err);
    assert_eq!(total(&sandbox), "total\n2\n");
    // uncommitted work of the other is nobody's base
    sandbox.git(&["pull", "--quiet", "--ff-only", "../bob", "alice"]).good();
    sandbox.model("marts.totals", "SELECT 3 AS total FROM staging.orders LIMIT 1");
    sandbox.vmesh(&["plan", "--yes"]).good();
    let said = sandbox.vmesh_in(&bob, &["plan", "--yes"]).fails(1);
    assert!(said.contains("with uncommitted changes"), "{said}");
}

#[test]
fn a_place_that_was_left_is_free() {
    let (sandbox, bob) = two_clones();
    sandbox.model("marts.totals", "SELECT 1 AS total FROM staging.orders LIMIT 1");
    sandbox.vmesh(&["plan", "--yes"]).good();
    sandbox.vmesh_in(&bob, &["plan", "--yes"]).fails(1);
    sandbox.git(&["stash", "--quiet"]).good();
    sandbox.git(&["switch", "--quiet", "main"]).good();
    sandbox.vmesh_in(&bob, &["plan", "--yes"]).good();
    assert_eq!(total(&sandbox), "total\n60\n");
}

#[test]
fn gc_leaves_what_another_clone_has() {
    let (sandbox, bob) = two_clones();
    sandbox.git_in(&bob, &["switch", "--quiet", "-c", "only-bobs"]).good();
    sandbox.git(&["switch", "--quiet", "main"]).good();
    let out = sandbox.vmesh(&["gc", "--yes"]).good();
    assert!(!out.contains("only_bobs"), "{out}");
    sandbox.git_in(&bob, &["switch", "--quiet", "alice"]).good();
    sandbox.git_in(&bob, &["branch", "--quiet", "-D", "only-bobs"]).good();
    let out = sandbox.vmesh(&["gc", "--yes"]).good();
    assert!(out.contains("dev__only_bobs"), "{out}");
}

#[test]
fn a_branch_behind_main_is_not_told_of_mains_changes() {
    let sandbox = Sandbox::promoted(&CHAIN);
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.model("staging.customers", "SELECT 2 AS id, 'Bob' AS name");
    sandbox.commit("customers");
    sandbox.git(&["switch", "--quiet", "main"]).good();
    sandbox.model("marts.totals", "SELECT 1 AS total FROM staging.orders LIMIT 1");
    sandbox.commit("totals");
    sandbox.git(&["switch", "--quiet", "alice"]).good();
    let plan = sandbox.vmesh(&["plan", "--json"]).json();
    let direct = plan["models"].as_array().unwrap().iter().filter(|model| model["change"] == "direct");
    assert_eq!(direct.map(|model| model["name"].as_str().unwrap()).collect::<Vec<_>>(), ["staging.customers"]);
    assert_eq!(plan["behind"], serde_json::json!(["marts.totals"]));
    let status = sandbox.vmesh(&["status"]).good();
    assert!(status.contains("changed on alice: staging.customers"), "{status}");
    assert!(status.contains("behind main: marts.totals"), "{status}");
}

#[test]
fn records_of_the_first_version_are_brought_up_to_date() {
    let sandbox = Sandbox::promoted(&CHAIN);
    sandbox.records_of_version_4();
    sandbox.sql(
        "ALTER TABLE vmesh_state.snapshots DROP COLUMN content; ALTER TABLE vmesh_state.snapshots DROP COLUMN revision; \
         ALTER TABLE vmesh_state.snapshots DROP COLUMN continues; ALTER TABLE vmesh_state.snapshots DROP COLUMN made_at; ALTER TABLE vmesh_state.snapshots DROP COLUMN around; \
         ALTER TABLE vmesh_state.snapshots DROP COLUMN archived; \
         ALTER TABLE vmesh_state.pointers DROP COLUMN comments; ALTER TABLE vmesh_state.promotions DROP COLUMN comments; \
         DROP TABLE vmesh_state.comments; \
         ALTER TABLE vmesh_state.environments DROP COLUMN owner; DROP TABLE vmesh_state.previews; \
         ALTER TABLE vmesh_state.snapshots DROP COLUMN filled; ALTER TABLE vmesh_state.snapshots DROP COLUMN audited; \
         DELETE FROM vmesh_state.format; INSERT INTO vmesh_state.format VALUES (1, 'vmesh 0.1.0')",
    );
    let envs = sandbox.vmesh(&["envs"]).good();
    assert!(envs.contains("prod"), "{envs}");
    let copy = sandbox.warehouse().with_file_name("warehouse.duckdb.before-7");
    let version = |path: &std::path::Path| {
        let config = duckdb::Config::default().access_mode(duckdb::AccessMode::ReadOnly).unwrap();
        rows(&duckdb::Connection::open_with_flags(path, config).unwrap(), "SELECT max(version) FROM vmesh_state.format")
    };
    assert_eq!((version(&copy), version(&sandbox.warehouse())), (vec![vec!["1".into()]], vec![vec!["7".into()]]));
    assert!(sandbox.vmesh(&["doctor"]).out.contains("as an earlier vmesh left it"));
    // who goes back has all that there was
    std::fs::rename(&copy, sandbox.warehouse()).unwrap();
    sandbox.vmesh(&["envs"]).good();
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.is_sound();
}
