//! The process is killed at every named moment; the next run ends in the same state as if nothing had happened.

use std::collections::BTreeMap;

use crate::support::{CHAIN, Sandbox};

const MOMENTS: [&str; 10] = [
    "build:1",
    "built:1",
    "build:2",
    "built:2",
    "built:3",
    "built:4",
    "publish:begin",
    "publish:views",
    "publish:records",
    "publish:done",
];

/// Every model's rows, as prod shows them.
fn shown(sandbox: &Sandbox) -> BTreeMap<&'static str, Vec<Vec<String>>> {
    let rows = |model: &str| sandbox.rows(&format!("SELECT * FROM {model} ORDER BY ALL"));
    CHAIN.iter().map(|(model, _)| (*model, rows(model))).collect()
}

/// What a from-scratch build of the models shows.
fn from_scratch(models: &[(&str, &str)]) -> BTreeMap<&'static str, Vec<Vec<String>>> {
    shown(&Sandbox::promoted(models))
}

fn changed() -> [(&'static str, &'static str); 4] {
    let mut models = CHAIN;
    models[0].1 = "SELECT * FROM (VALUES (1, 11), (2, 22)) AS t(id, amount)";
    models[3].1 = "SELECT 1 AS id, 'Grace' AS name";
    models
}

fn killed(sandbox: &Sandbox, moment: &str, args: &[&str]) {
    let done = sandbox.vmesh_command(args).env("VMESH_TEST_KILL_AT", moment).output().unwrap();
    assert_eq!(done.status.code(), None, "not killed at {moment}: {}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn the_first_promote_survives_every_kill() {
    let expected = from_scratch(&CHAIN);
    for moment in MOMENTS {
        let sandbox = Sandbox::with_models(&CHAIN);
        killed(&sandbox, moment, &["promote", "--yes"]);
        sandbox.vmesh(&["promote", "--yes"]).good();
        assert_eq!(shown(&sandbox), expected, "{moment}");
        sandbox.is_sound();
    }
}

#[test]
fn a_promote_over_another_survives_every_kill_and_shows_no_mixture() {
    let (old, new) = (from_scratch(&CHAIN), from_scratch(&changed()));
    for moment in MOMENTS {
        let sandbox = Sandbox::promoted(&CHAIN);
        sandbox.vmesh(&["hooks", "uninstall"]).good();
        for (model, sql) in changed() {
            sandbox.model(model, sql);
        }
        sandbox.commit("all new");
        killed(&sandbox, moment, &["promote", "--yes"]);
        let between = shown(&sandbox);
        assert!(between == old || between == new, "a mixture after {moment}: {between:?}");
        assert_eq!(between == new, moment == "publish:done", "{moment}");
        sandbox.is_sound();
        sandbox.vmesh(&["promote", "--yes"]).good();
        assert_eq!(shown(&sandbox), new, "{moment}");
        sandbox.is_sound();
        sandbox.vmesh(&["gc", "--yes"]).good();
        sandbox.is_sound();
    }
}

#[test]
fn a_plan_of_a_branch_survives_every_kill() {
    let expected = from_scratch(&changed())["marts.report"].clone();
    for moment in MOMENTS {
        let sandbox = Sandbox::promoted(&CHAIN);
        sandbox.vmesh(&["hooks", "uninstall"]).good();
        sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
        for (model, sql) in changed() {
            sandbox.model(model, sql);
        }
        let prod = shown(&sandbox);
        killed(&sandbox, moment, &["plan", "--yes"]);
        sandbox.vmesh(&["plan", "--yes"]).good();
        assert_eq!(sandbox.rows("SELECT * FROM dev__alice__marts.report"), expected, "{moment}");
        assert_eq!(shown(&sandbox), prod, "prod moved at {moment}");
        sandbox.is_sound();
    }
}

#[test]
fn a_restatement_survives_a_kill_between_tables() {
    let models =
        [("totals", "SELECT sum(n) AS total FROM source.numbers"), ("twice", "SELECT total * 2 AS total FROM totals")];
    let sandbox = Sandbox::with_models(&models);
    sandbox.sql("CREATE SCHEMA source; CREATE TABLE source.numbers AS SELECT 1 AS n");
    sandbox.vmesh(&["promote", "--yes"]).good();
    sandbox.sql("INSERT INTO source.numbers VALUES (10)");
    killed(&sandbox, "restated:1", &["plan", "prod", "--restate-model", "*", "--yes"]);
    sandbox.vmesh(&["plan", "prod", "--restate-model", "*", "--yes"]).good();
    assert_eq!(sandbox.rows("SELECT total FROM prod.totals UNION ALL SELECT total FROM prod.twice"), [["11"], ["22"]]);
    sandbox.is_sound();
}
