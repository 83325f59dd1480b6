//! A branch that was found in step: plans have nothing to look for until something changes.

use crate::support::{CHAIN, Sandbox};

/// The commands that a seal answers.
const COMMANDS: [&[&str]; 5] = [&["plan"], &["plan", "prod"], &["status"], &["diff"], &["promote"]];

/// What changes, and how.
type Change<'c> = (&'c str, &'c dyn Fn(&Sandbox));

/// Prod, and a branch that shows the same, each looked at once.
fn looked_at() -> Sandbox {
    let sandbox = Sandbox::promoted(&CHAIN);
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    COMMANDS.into_iter().for_each(|command| drop(sandbox.vmesh(command).good()));
    sandbox
}

#[test]
fn nothing_to_do_is_said_while_others_have_the_warehouse() {
    let sandbox = looked_at();
    let before: Vec<String> = COMMANDS.into_iter().map(|command| sandbox.vmesh(command).good()).collect();
    let held = duckdb::Connection::open(sandbox.warehouse()).unwrap();
    let while_held: Vec<String> = COMMANDS.into_iter().map(|command| sandbox.vmesh(command).good()).collect();
    assert_eq!(while_held, before);
    assert!(before[0].contains("dev__alice is in step: nothing to do"), "{}", before[0]);
    assert!(before[1].contains("prod is in step: nothing to do"), "{}", before[1]);
    assert!(before[3].contains("prod and dev__alice show the same: 4 models"), "{}", before[3]);
    drop(held);
}

#[test]
fn whatever_changes_is_seen() {
    let original = looked_at();
    let changes: [Change<'_>; 7] = [
        ("a model's text", &|sandbox| sandbox.model("marts.totals", "SELECT 7 AS total")),
        ("a new file", &|sandbox| sandbox.model("marts.more", "SELECT 1 AS n")),
        ("a file that is gone", &|sandbox| {
            std::fs::remove_file(sandbox.path().join("models/marts/report.sql")).unwrap();
        }),
        ("a view that another client dropped", &|sandbox| sandbox.sql("DROP VIEW dev__alice__marts.totals")),
        ("a table that another client dropped", &|sandbox| {
            let table = &sandbox.views("marts")["totals"];
            sandbox.sql(&format!("DROP TABLE vmesh_snapshots.\"{table}\" CASCADE"));
        }),
        ("an environment that is gone", &|sandbox| {
            sandbox.vmesh(&["invalidate", "dev__alice", "--yes"]);
        }),
        ("a schema that is named otherwise", &|sandbox| {
            let settings = sandbox.read("vmesh.toml");
            sandbox.git(&["switch", "--quiet", "main"]).good();
            sandbox.write("vmesh.toml", &format!("{settings}\n[environments]\nschema = \"{{schema}}__{{env}}\"\n"));
            sandbox.vmesh(&["hooks", "uninstall"]).good();
            sandbox.commit_quietly("named otherwise");
            sandbox.git(&["switch", "--quiet", "alice"]).good();
        }),
    ];
    for (what, change) in changes {
        let sandbox = original.copy();
        assert!(sandbox.is_in_step(), "{what}");
        change(&sandbox);
        assert_eq!(sandbox.vmesh(&["plan", "--exit-code"]).code, Some(1), "{what}");
        assert!(!sandbox.is_in_step(), "{what}");
    }
}

#[test]
fn main_moves_on_and_a_branch_in_step_says_so() {
    let sandbox = looked_at();
    sandbox.git(&["switch", "--quiet", "main"]).good();
    sandbox.model("marts.totals", "SELECT 7 AS total");
    assert!(sandbox.vmesh(&["plan", "prod"]).good().contains("uncommitted changes are not part of it"));
    sandbox.commit("seven");
    sandbox.git(&["switch", "--quiet", "alice"]).good();
    for command in [["plan"], ["status"]] {
        let told = sandbox.vmesh(&command).good();
        assert!(told.contains("behind main: marts.totals"), "{told}");
        assert!(told.contains("in step"), "{told}");
    }
}
