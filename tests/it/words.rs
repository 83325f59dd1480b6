//! What is said fits what is: grammar, hints that help, and questions that are asked.

use std::process::{Command, Stdio};

use crate::background::{builder_of, in_background};
use crate::support::{CHAIN, Sandbox, wait_until};

#[test]
fn one_is_told_as_one() {
    let sandbox = Sandbox::promoted(&[("keyed", "SELECT range // 2 AS id, range AS v FROM range(4)")]);
    sandbox.vmesh(&["hooks", "uninstall"]).good();
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.model("keyed", "SELECT least(range, 2) AS id, range AS v FROM range(4)");
    sandbox.vmesh(&["plan", "--yes"]).good();
    let told = sandbox.vmesh(&["table-diff", "keyed", "prod", "dev__alice", "--on", "id"]).good();
    assert!(told.contains("in A: 2 values occur more than once"), "{told}");
    assert!(told.contains("in B: 1 value occurs more than once"), "{told}");
    sandbox.write("models/s.sql", "MODEL (name s, kind SEED (path 's.csv', csv_settings (delimiter = ',')));");
    for (text, cells, names) in [("id\n1,2\n", "2 cells", "1 column"), ("a,b\n1,2,3\n", "3 cells", "2 columns")] {
        sandbox.write("models/s.csv", text);
        let told = sandbox.vmesh(&["plan", "--yes"]).fails(1);
        assert!(told.contains(&format!("line 2 has {cells}, and the first line names {names}\n")), "{told}");
    }
}

#[test]
fn one_wrong_row_is_no_rows() {
    let model =
        "MODEL (name checked, kind INCREMENTAL_BY_UNIQUE_KEY (unique_key y), audits (few));\nSELECT x, y FROM raw.t";
    let sandbox = Sandbox::with_models(&[("checked", model)]);
    sandbox.write("audits/few.sql", "AUDIT (name few);\nSELECT * FROM @this_model WHERE x > 0");
    sandbox.sql("CREATE SCHEMA raw; CREATE TABLE raw.t AS SELECT 0 AS x, 0 AS y");
    sandbox.commit_quietly("checked");
    sandbox.vmesh(&["promote", "--yes"]).good();
    for (y, told) in [(1, "1 wrong row\n"), (2, "2 wrong rows\n")] {
        sandbox.sql(&format!("INSERT INTO raw.t VALUES (1, {y})"));
        let restated = sandbox.vmesh(&["plan", "prod", "--restate-model", "checked", "--yes"]).fails(1);
        assert!(restated.contains(&format!("audit `few` of `checked`: {told}")), "{restated}");
    }
}

#[test]
fn a_name_that_means_nothing_is_answered_with_what_helps() {
    let sandbox = Sandbox::promoted(&[("marts.orders", "SELECT 1 AS id"), ("staging.raw", "SELECT 1 AS id")]);
    for args in [&["rollback", "nope", "--yes"][..], &["promote", "nope", "--yes"]] {
        let told = sandbox.vmesh(args).fails(1);
        assert!(told.contains("no commit is called `nope`") && !told.contains("switch -c"), "{told}");
    }
    assert!(sandbox.vmesh(&["plan", "nope"]).fails(1).contains("git switch -c nope"));
    for typed in ["marts.order", "orders", "\"marts\".\"order\"", "MARTS.ORDERZ"] {
        let told = sandbox.vmesh(&["query", &format!("SELECT * FROM {typed}")]).fails(1);
        assert!(told.contains("did you mean `marts.orders`?"), "{typed}: {told}");
    }
    let told = sandbox.vmesh(&["query", "SELECT * FROM marts.orders JOIN staging.rwa USING (id)"]).fails(1);
    assert!(told.contains("did you mean `staging.raw`?"), "{told}");
    sandbox
        .write("tests/test_orders.yaml", "test_orders:\n  model: marts.orders\n  outputs:\n    query:\n    - id: 1\n");
    let told = sandbox.vmesh(&["test", "test_order"]).fails(1);
    assert!(told.starts_with("error: no test is called `test_order`"), "{told}");
    assert!(told.contains("did you mean `test_orders`?"), "{told}");
}

#[test]
fn an_embedded_model_has_no_table_to_fill_again() {
    let sandbox = Sandbox::promoted(&[
        ("m.em", "MODEL (name m.em, kind EMBEDDED);\nSELECT 1 AS id"),
        ("m.reads", "SELECT id FROM m.em"),
        ("m.lone", "MODEL (name m.lone, kind EMBEDDED);\nSELECT 1 AS id"),
    ]);
    let restate = |model: &str| sandbox.vmesh(&["plan", "prod", "--restate-model", model, "--yes"]);
    let told = restate("m.em").fails(2);
    assert!(told.contains("`m.em` is embedded: it has no table"), "{told}");
    assert!(told.contains("--restate-model m.reads"), "{told}");
    assert!(restate("em").fails(2).contains("`m.em` is embedded"));
    assert!(restate("m.lone").fails(2).contains("no model reads it"));
    assert!(restate("m.nobody").fails(1).contains("no model is called `m.nobody`"));
    restate("m.reads").good();
}

#[test]
fn a_switch_says_whether_the_environment_is_in_step() {
    let sandbox = Sandbox::promoted(&CHAIN);
    sandbox.model("marts.totals", "SELECT 1 AS total FROM staging.orders");
    sandbox.commit("one");
    let switch = |branch: &str| sandbox.git(&["switch", "--quiet", branch]).err;
    sandbox.git(&["branch", "alice"]).good();
    switch("alice");
    assert_eq!(switch("main"), "vmesh: prod · in step · 4 models\n");
    assert_eq!(switch("alice"), "vmesh: dev__alice · in step · 4 models, all shared with prod\n");
    let before = sandbox.git(&["rev-parse", "main~1"]).good();
    sandbox.vmesh(&["rollback", "--yes"]).good();
    assert_eq!(switch("main"), format!("vmesh: prod · shows {} · 4 models\n", &before[..8]));
}

#[test]
fn gc_asks_as_promote_does() {
    let sandbox = Sandbox::promoted(&CHAIN);
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.model("marts.totals", "SELECT 1 AS total FROM staging.orders");
    sandbox.commit("one");
    sandbox.git(&["switch", "--quiet", "main"]).good();
    sandbox.git(&["branch", "--quiet", "-D", "alice"]).good();
    for args in [&["gc"][..], &["gc", "--json"]] {
        let told = sandbox.vmesh(args).fails(2);
        assert!(told.contains("there is no terminal to ask on") && told.contains("add --yes"), "{told}");
        assert!(sandbox.vmesh(&["envs"]).good().contains("dev__alice"));
    }
    assert!(sandbox.vmesh(&["gc", "--dry-run"]).good().contains("would be removed"));
    assert!(sandbox.vmesh(&["gc", "--yes"]).good().contains("removed"));
    assert!(!sandbox.vmesh(&["envs"]).good().contains("dev__alice"));
    // with nothing to remove there is nothing to ask
    assert!(sandbox.vmesh(&["gc"]).good().contains("nothing to remove"));
}

#[test]
#[cfg(unix)]
fn a_watch_that_is_ended_has_nothing_to_tell() {
    let sandbox = Sandbox::promoted(&CHAIN);
    sandbox.vmesh(&["hooks", "uninstall"]).good();
    for branch in ["main", "alice"] {
        if branch == "alice" {
            sandbox.git(&["switch", "--quiet", "-c", branch]).good();
        }
        let log = sandbox.path().join(".git/watch.log");
        let output = std::fs::File::create(&log).unwrap();
        let mut command = sandbox.vmesh_command(&["watch"]);
        let mut watch = command.stdout(output).stderr(Stdio::piped()).spawn().unwrap();
        wait_until("the first look", || std::fs::read_to_string(&log).unwrap().contains("4 models"));
        assert!(Command::new("kill").args(["-INT", &watch.id().to_string()]).status().unwrap().success());
        let ended = watch.wait().unwrap();
        let mut told = String::new();
        std::io::Read::read_to_string(&mut watch.stderr.take().unwrap(), &mut told).unwrap();
        assert_eq!(told, "", "{branch}");
        assert!(matches!(ended.code(), Some(0 | 130)), "{branch}: {ended}");
    }
}

#[test]
fn a_build_in_the_background_says_when_it_began() {
    let sandbox = in_background();
    let endless = "SELECT count(*) AS x FROM range(9000000) a, range(9000000) b WHERE (a.range * b.range) % 7 = 3";
    sandbox.model("slow", endless);
    sandbox.commit("endless");
    builder_of(&sandbox, "slow");
    let told = sandbox.vmesh(&["status"]).good();
    assert!(
        told.contains("building in the background: slow (1 of 1), for branch alice, begun just now (PID "),
        "{told}"
    );
    sandbox.vmesh(&["stop"]).good();
}
