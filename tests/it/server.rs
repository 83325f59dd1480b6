//! A bare repository on a server: a push to main promotes, a pushed branch is planned.

use std::path::PathBuf;

use crate::support::{CHAIN, Sandbox, rows};

/// A project, pushed to a bare repository that has the hook.
fn server() -> (Sandbox, PathBuf) {
    let sandbox = Sandbox::nested().filled(&CHAIN);
    let done = sandbox.shell(
        "set -e; vmesh hooks uninstall; git clone -q --bare . ../origin.git; git remote add origin ../origin.git
         cd ../origin.git; git config receive.denyDeleteCurrent ignore; vmesh hooks install; vmesh promote --yes",
    );
    assert_eq!(done.code, Some(0), "{}{}", done.out, done.err);
    let bare = sandbox.path().join("../origin.git");
    (sandbox, bare)
}

fn value(bare: &std::path::Path, sql: &str) -> String {
    let connection = duckdb::Connection::open(bare.join("vmesh/warehouse/warehouse.duckdb")).unwrap();
    rows(&connection, sql).concat().concat()
}

#[test]
fn a_push_to_main_promotes_and_a_branch_is_planned() {
    let (sandbox, bare) = server();
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.model("marts.totals", "SELECT 1 AS total FROM staging.orders LIMIT 1");
    sandbox.commit("one");
    let said = sandbox.git(&["push", "--quiet", "origin", "alice"]).err;
    assert!(said.contains("remote: vmesh: dev__alice"), "{said}");
    assert_eq!(value(&bare, "SELECT total FROM dev__alice__marts.report"), "1");
    sandbox.git(&["switch", "--quiet", "main"]).good();
    sandbox.git(&["merge", "--quiet", "alice"]).good();
    let said = sandbox.git(&["push", "--quiet", "origin", "main"]).err;
    assert!(said.contains("2 pointers swapped, nothing to build"), "{said}");
    assert_eq!(value(&bare, "SELECT total FROM marts.report"), "1");
}

#[test]
fn main_that_is_forced_back_or_deleted_moves_no_pointer() {
    let (sandbox, bare) = server();
    sandbox.model("marts.totals", "SELECT 1 AS total FROM staging.orders LIMIT 1");
    sandbox.commit("one");
    sandbox.git(&["push", "--quiet", "origin", "main"]).good();
    sandbox.git(&["reset", "--quiet", "--hard", "HEAD~1"]).good();
    let said = sandbox.git(&["push", "--quiet", "--force", "origin", "main"]).err;
    assert!(said.contains("--allow-rewind"), "{said}");
    assert_eq!(value(&bare, "SELECT total FROM marts.report"), "1");
    let said = sandbox.git(&["push", "--quiet", "origin", ":main"]).err;
    assert!(said.contains("main was deleted; prod stays as it is"), "{said}");
    assert_eq!(value(&bare, "SELECT total FROM marts.report"), "1");
}

#[test]
fn a_broken_model_refuses_no_push() {
    let (sandbox, bare) = server();
    sandbox.model("marts.totals", "SELECT FROM WHERE");
    sandbox.commit("broken");
    let done = sandbox.git(&["push", "--quiet", "origin", "main"]);
    assert_eq!(done.code, Some(0), "{}", done.err);
    assert!(done.err.contains("models/marts/totals.sql:1"), "{}", done.err);
    assert_eq!(value(&bare, "SELECT total FROM marts.report"), "60");
}
