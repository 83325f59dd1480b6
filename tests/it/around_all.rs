//! `before_all` and `after_all`: when they are run, whose they are, and what happens where they fail.

use crate::support::Sandbox;

const LOG: &str = r#"
before_all = [
    "CREATE SCHEMA IF NOT EXISTS ops",
    "CREATE TABLE IF NOT EXISTS ops.log (at_all VARCHAR, environment VARCHAR, views VARCHAR)",
    "CREATE OR REPLACE TABLE ops.rates AS SELECT @rate AS rate",
    "INSERT INTO ops.log VALUES ('before', @this_env, NULL)",
]
after_all = ["@IF(@this_env = 'prod', INSERT INTO ops.log SELECT @runtime_stage, @this_env, NULL)",
    "@EACH(@views, v -> COMMENT ON VIEW @v IS 'made for all')"]
[hooks]
build = "inline"
[variables]
rate = 2
"#;

fn shop() -> Sandbox {
    let sandbox = Sandbox::bare_project();
    sandbox.write("vmesh.toml", LOG);
    sandbox.model("prices", "SELECT 10 * rate AS price FROM ops.rates");
    sandbox.model("marts.days", "SELECT price FROM prices");
    sandbox.commit("models");
    sandbox.vmesh(&["hooks", "install"]).good();
    sandbox.vmesh(&["promote", "--yes"]).good();
    sandbox
}

fn log(sandbox: &Sandbox) -> Vec<Vec<String>> {
    sandbox.rows("FROM ops.log ORDER BY rowid")
}

#[test]
fn they_go_with_what_changes_an_environment() {
    let sandbox = shop();
    let prod = [["before", "prod", "NULL"], ["after_all", "prod", "NULL"]];
    assert_eq!(log(&sandbox), prod);
    let comments = "SELECT schema_name, view_name FROM duckdb_views() WHERE comment = 'made for all' ORDER BY ALL";
    assert_eq!(sandbox.rows(comments), [["marts", "days"], ["prod", "prices"]]);
    assert_eq!(sandbox.value("SELECT price FROM prod.prices"), "20");
    sandbox.vmesh(&["promote", "--yes"]).good();
    sandbox.vmesh(&["run", "prod"]).good();
    assert_eq!(log(&sandbox), prod, "nothing was to do");
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    assert_eq!(log(&sandbox)[2..], [["before", "dev__alice", "NULL"]], "a new environment");
    sandbox.vmesh(&["plan", "prod", "--restate-model", "prices", "--yes"]).good();
    assert_eq!(log(&sandbox)[3..], prod);
    sandbox.is_sound();
}

#[test]
fn a_branchs_own_have_no_effect_until_they_are_merged() {
    let sandbox = shop();
    sandbox.git(&["switch", "--quiet", "-c", "evil"]).good();
    sandbox.write(
        "vmesh.toml",
        &LOG.replace("'before'", "'mine'").replace("rate = 2", "rate = \"7; DROP TABLE ops.log\""),
    );
    sandbox.model("marts.days", "SELECT price + 1 AS price FROM prices");
    sandbox.commit("mine");
    assert!(log(&sandbox).iter().all(|line| line[0] != "mine"));
    assert_eq!(sandbox.value("SELECT rate FROM ops.rates"), "2");
    sandbox.write("vmesh.toml", &LOG.replace("'before'", "'mine'"));
    sandbox.commit("harmless");
    sandbox.git(&["switch", "--quiet", "main"]).good();
    sandbox.git(&["merge", "--quiet", "evil"]).good();
    assert!(log(&sandbox).iter().any(|line| line[..2] == ["mine", "prod"]));
    sandbox.is_sound();
}

#[test]
fn what_is_not_committed_is_not_run() {
    let sandbox = shop();
    let before = log(&sandbox).len();
    sandbox.write("vmesh.toml", &LOG.replace("'before'", "'mine'"));
    sandbox.model("marts.days", "SELECT price + 1 AS price FROM prices");
    sandbox.git(&["add", "models"]).good();
    sandbox.git(&["commit", "--quiet", "-m", "a model"]).good();
    assert_eq!(log(&sandbox)[before..], [["before", "prod", "NULL"], ["after_all", "prod", "NULL"]]);
    sandbox.is_sound();
}

#[test]
fn where_one_fails_none_was_run() {
    let sandbox = shop();
    let before = (log(&sandbox), sandbox.snapshots(), sandbox.views("marts"));
    sandbox.write("vmesh.toml", &LOG.replace("'before', @this_env, NULL", "'before', @this_env"));
    sandbox.model("marts.days", "SELECT price + 1 AS price FROM prices");
    sandbox.commit_quietly("one value less");
    let failed = sandbox.vmesh(&["promote", "--yes"]).fails(1);
    insta::assert_snapshot!(failed);
    assert_eq!((log(&sandbox), sandbox.snapshots(), sandbox.views("marts")), before);
    sandbox.write("vmesh.toml", &LOG.replace("INSERT INTO ops.log SELECT", "INSERT INTO ops.lag SELECT"));
    sandbox.commit_quietly("a misspelt table");
    let failed = sandbox.vmesh(&["promote", "--yes"]).fails(1);
    let (built, failed) = failed.split_once('\n').unwrap();
    assert!(built.starts_with("built marts.days"), "{built}");
    insta::assert_snapshot!(failed);
    assert_eq!(sandbox.value("SELECT price FROM marts.days"), "21");
    sandbox.is_sound();
}

#[test]
fn they_touch_nothing_of_vmeshs_and_leave_nothing_half_done() {
    let sandbox = shop();
    let refused = [
        ("DROP TABLE vmesh_snapshots.x", "`vmesh_snapshots` is vmesh's own"),
        ("DELETE FROM \\\"VMESH_STATE\\\".pointers", "`vmesh_state` is vmesh's own"),
        ("CREATE TEMP MACRO f() AS 1", "what is temporary is gone before a model is built"),
        ("CREATE OR REPLACE TEMPORARY TABLE t AS SELECT 1", "what is temporary is gone before a model is built"),
        ("COMMIT", "all of them are one transaction already"),
        ("SET search_path = 'ops'", "SET ends with the session that it is said in"),
        ("COPY ops.log TO 'log.csv'", "disabled"),
        ("SELECT @nope", "nope"),
        ("CREATE OR REPLACE MACRO main.replace(a, b, c) AS '{}'", "a macro called `replace` would hide"),
        ("CREATE FUNCTION duckdb_views() AS TABLE SELECT 1 AS a", "a macro called `duckdb_views` would hide"),
    ];
    sandbox.model("marts.days", "SELECT price + 1 AS price FROM prices");
    for (statement, why) in refused {
        sandbox.write("vmesh.toml", &LOG.replace("CREATE SCHEMA IF NOT EXISTS ops", statement));
        sandbox.commit_quietly("another");
        let failed = sandbox.vmesh(&["promote", "--yes"]).fails(1);
        assert!(failed.contains("`before_all` failed") && failed.contains(why), "{statement}: {failed}");
    }
    assert_eq!(log(&sandbox).len(), 2);
    sandbox.is_sound();
}

/// A project whose models use what `before_all` makes, directly or not; and then its settings are `change`.
fn using(change: &str) -> Sandbox {
    let sandbox = Sandbox::bare_project();
    sandbox.write("vmesh.toml", &settings("1"));
    sandbox.model("by_macro", "SELECT twice(10) AS v");
    sandbox.model("by_table_macro", "SELECT v FROM many()");
    sandbox.model("by_table", "SELECT v FROM ops.rates");
    sandbox.model("by_view", "SELECT v FROM ops.seen");
    sandbox.model("below", "SELECT v FROM by_macro");
    sandbox.model("other", "SELECT 1 AS v");
    sandbox.commit("models");
    sandbox.vmesh(&["hooks", "install"]).good();
    sandbox.vmesh(&["promote", "--yes"]).good();
    assert_eq!(
        all(&sandbox),
        [["below", "10"], ["by_macro", "10"], ["by_table", "1"], ["by_table_macro", "1"], ["by_view", "1"]]
    );
    sandbox.write("vmesh.toml", &settings(change));
    sandbox
}

fn settings(v: &str) -> String {
    format!(
        "before_all = [\n\"CREATE SCHEMA IF NOT EXISTS ops\",\n\"CREATE OR REPLACE TABLE ops.base AS SELECT {v} AS v\",\n\
         \"CREATE OR REPLACE VIEW ops.seen AS FROM ops.base\",\n\"CREATE OR REPLACE TABLE ops.rates AS FROM ops.base\",\n\
         \"CREATE OR REPLACE MACRO twice(x) AS x * {v}\",\n\"CREATE OR REPLACE MACRO many() AS TABLE FROM ops.base\",\n]\n\
         [hooks]\nbuild = \"inline\"\n"
    )
}

fn all(sandbox: &Sandbox) -> Vec<Vec<String>> {
    let models = ["below", "by_macro", "by_table", "by_table_macro", "by_view"];
    let each = models.map(|model| format!("SELECT '{model}' AS model, v FROM prod.{model}"));
    sandbox.rows(&format!("{} ORDER BY 1", each.join(" UNION ALL ")))
}

#[test]
fn what_before_all_makes_counts_for_the_models_that_use_it() {
    let sandbox = using("3");
    let said = sandbox.commit("another factor");
    assert_eq!(
        all(&sandbox),
        [["below", "30"], ["by_macro", "30"], ["by_table", "3"], ["by_table_macro", "3"], ["by_view", "3"]],
        "{said}"
    );
    let tables = sandbox.snapshots();
    // what uses nothing of it stays, and layout and comments say nothing
    sandbox.write("vmesh.toml", &settings("3").replace("AS x * 3", "AS  x*3 -- three times"));
    sandbox.commit("layout");
    assert_eq!(sandbox.snapshots(), tables);
    let plan = sandbox.vmesh(&["plan", "prod", "--json"]).json();
    assert_eq!(plan["summary"]["build"], 0, "{plan}");
    sandbox.is_sound();
}

#[test]
fn a_branch_sees_what_main_makes() {
    let sandbox = using("1");
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.write("vmesh.toml", &settings("5"));
    sandbox.commit("mine");
    assert_eq!(sandbox.value("SELECT v FROM dev__alice.by_macro"), "10", "it is not merged");
    assert_eq!(sandbox.views("dev__alice"), sandbox.views("prod"));
    sandbox.git(&["switch", "--quiet", "main"]).good();
    sandbox.git(&["merge", "--quiet", "alice"]).good();
    assert_eq!(sandbox.value("SELECT v FROM prod.by_macro"), "50");
    sandbox.git(&["switch", "--quiet", "alice"]).good();
    assert_eq!(sandbox.views("dev__alice"), sandbox.views("prod"));
    sandbox.is_sound();
}

#[test]
fn a_changed_one_is_run_whoever_uses_it() {
    let sandbox = shop();
    let before = log(&sandbox).len();
    sandbox.write("vmesh.toml", &LOG.replace("'before'", "'later'"));
    sandbox.commit("another word");
    assert_eq!(log(&sandbox)[before..], [["later", "prod", "NULL"], ["after_all", "prod", "NULL"]]);
    sandbox.write("vmesh.toml", &LOG.replace("'before'", "'later'").replace("rate = 2", "rate = 4"));
    sandbox.commit("another rate");
    assert_eq!(sandbox.value("SELECT price FROM prod.prices"), "40");
    let after = log(&sandbox).len();
    sandbox.write("readme.txt", "no model\n");
    sandbox.commit("nothing of it");
    assert_eq!(log(&sandbox).len(), after);
    sandbox.is_sound();
}

#[test]
fn macros_that_they_will_not_see_are_told_when_the_project_is_read() {
    let sandbox = shop();
    sandbox
        .write("macros/m.py", "from sqlmesh import macro\n\n@macro()\ndef my_py(evaluator):\n    return 'SELECT 1'\n");
    sandbox.write("macros/own.sql", "MACRO own(a) AS SELECT @a;");
    sandbox.commit_quietly("macros");
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    let refused = [
        ("@MY_PY()", "`before_all` calls `@my_py`, a macro of macros/m.py:4, which only models, audits and tests see"),
        ("@own(1)", "`before_all` calls `@own`, a macro of macros/own.sql, which only models, audits and tests see"),
        ("@IF(@this_env = 'x', @nope(1))", "`before_all` calls `@nope`, and there is no such macro"),
    ];
    for (call, why) in refused {
        sandbox.write("vmesh.toml", &LOG.replace("CREATE SCHEMA IF NOT EXISTS ops", call));
        for command in [&["lint"][..], &["plan"]] {
            let told = sandbox.vmesh(command).fails(1);
            assert!(
                told.contains(why) && told.contains("vmesh.toml:3:5") && told.contains("help: write out"),
                "{told}"
            );
        }
    }
    let defined = "@DEF(f, x -> SELECT @x); @f(1); SELECT '@my_py()' -- @nope(1)";
    sandbox.write("vmesh.toml", &LOG.replace("CREATE SCHEMA IF NOT EXISTS ops", defined));
    sandbox.vmesh(&["lint"]).good();
    // as SQLMesh's settings have it
    std::fs::remove_file(sandbox.path().join("vmesh.toml")).unwrap();
    let gateways = "gateways:\n  local:\n    connection:\n      type: duckdb\n      database: db.duckdb\nmodel_defaults:\n  dialect: duckdb\n";
    sandbox.write("config.yaml", &format!("{gateways}after_all:\n  - \"@my_py()\"\n"));
    let told = sandbox.vmesh(&["lint"]).fails(1);
    assert!(told.contains("`after_all` calls `@my_py`") && told.contains("config.yaml:"), "{told}");
}

#[test]
fn what_before_all_makes_counts_for_audits() {
    let sandbox = Sandbox::bare_project();
    sandbox.write("vmesh.toml", &settings("10"));
    let audits = [
        (
            "own",
            "MODEL (name own, audits (below));\nSELECT 5 AS v;\nAUDIT (name below);\nSELECT * FROM @this_model WHERE v > twice(1)",
        ),
        ("built_in", "MODEL (name built_in, audits (forall(criteria := (v < twice(1)))));\nSELECT 5 AS v"),
        ("by_table", "MODEL (name by_table, audits (in_file));\nSELECT 5 AS v"),
        (
            "by_view",
            "MODEL (name by_view, audits (forall(criteria := (v < (SELECT max(v) FROM ops.seen)))));\nSELECT 5 AS v",
        ),
        ("other", "MODEL (name other, audits (not_null(columns := v)));\nSELECT 5 AS v"),
    ];
    for (name, model) in audits {
        sandbox.model(name, model);
    }
    sandbox.write(
        "audits/in_file.sql",
        "AUDIT (name in_file);\nSELECT a.* FROM @this_model a, @SQL('many()') m WHERE a.v > m.v",
    );
    sandbox.commit("models");
    sandbox.vmesh(&["promote", "--yes"]).good();
    let tables = sandbox.snapshots();
    sandbox.write("vmesh.toml", &settings("4"));
    sandbox.commit_quietly("another bound");
    let told = sandbox.vmesh(&["promote", "--yes"]).fails(1);
    for name in ["own", "built_in", "by_table", "by_view"] {
        assert!(told.contains(&format!("of `{name}`: 1 row is wrong")), "{name}: {told}");
    }
    assert_eq!(sandbox.snapshots(), tables, "nothing is built for it");
    sandbox.write("vmesh.toml", &settings("10").replace("AS x * 10", "AS  x*10 -- ten times"));
    sandbox.commit_quietly("layout");
    sandbox.vmesh(&["promote", "--yes"]).good();
    sandbox.is_sound();
}

#[test]
fn unit_tests_see_the_macros_that_before_all_makes() {
    let sandbox = Sandbox::bare_project();
    let more = |v: &str| {
        let all = settings(v);
        let macros = "\"CREATE MACRO IF NOT EXISTS ops.thrice(x) AS x * 3\",\n\"@IF(TRUE, CREATE OR REPLACE FUNCTION pick(a) AS TABLE SELECT a AS v)\",\n";
        all.replace("]\n[hooks]", &format!("{macros}]\n[hooks]"))
    };
    sandbox.write("vmesh.toml", &more("2"));
    sandbox.model("n", "SELECT 1 AS v");
    sandbox.model("a", "SELECT twice(n.v) AS v, ops.thrice(n.v) AS w, p.v AS x FROM n, pick(7) AS p");
    let test = "test_a:\n  model: a\n  inputs:\n    n:\n      rows: [{v: 3}]\n  outputs:\n    query:\n      rows: [{v: 6, w: 9, x: 7}]\n";
    sandbox.write("tests/test_a.yaml", test);
    sandbox.commit("models");
    sandbox.vmesh(&["test"]).good();
    sandbox.vmesh(&["promote", "--yes"]).good();
    assert_eq!(sandbox.rows("FROM prod.a"), [["2", "3", "7"]]);
    // another macro is another model, which is tested before it is built
    sandbox.write("vmesh.toml", &more("5"));
    sandbox.commit_quietly("another factor");
    let told = sandbox.vmesh(&["promote", "--yes"]).fails(1);
    assert!(told.contains("1 unit test failed") && told.contains("15"), "{told}");
    assert_eq!(sandbox.rows("FROM prod.a"), [["2", "3", "7"]]);
    // what only the warehouse has is not there, and is told where it is called
    sandbox.model("a", "SELECT m.v, 9 AS w, 7 AS x FROM n, many() AS m");
    sandbox.commit_quietly("a table");
    let told = sandbox.vmesh(&["promote", "--yes"]).fails(1);
    assert!(told.contains("test_a · a · models/a.sql:1"), "{told}");
}

/// A macro of main's, a table and a view that use it, and a row of 5; promoted with `* 100`.
fn cents(kind: &str) -> Sandbox {
    let settings = "before_all = [\"CREATE OR REPLACE MACRO main.cents(x) AS x * 100\"]\n[hooks]\nbuild = \"off\"\n";
    let sandbox = Sandbox::bare_project();
    sandbox.write("vmesh.toml", settings);
    sandbox.model("m.a", &format!("MODEL (kind {kind});\nSELECT cents(v) AS c FROM raw.t"));
    sandbox.model("m.f", "SELECT c FROM m.a");
    sandbox.commit_quietly("cents");
    sandbox.sql("CREATE SCHEMA raw; CREATE TABLE raw.t AS SELECT 5 AS v");
    sandbox.vmesh(&["promote", "--yes"]).good();
    sandbox
}

fn by(sandbox: &Sandbox, factor: u32) {
    let settings = sandbox.read("vmesh.toml").replace("x * 100", &format!("x * {factor}"));
    sandbox.write("vmesh.toml", &settings);
    sandbox.commit_quietly("another factor");
}

#[test]
fn what_prod_shows_is_filled_again_by_what_was_said_then() {
    let sandbox = cents("FULL");
    by(&sandbox, 3);
    for command in [&["plan", "prod", "--restate-model", "m.a", "--yes"][..], &["run", "prod", "--ignore-cron"]] {
        sandbox.vmesh(command).good();
        assert_eq!(sandbox.rows("SELECT a.c, f.c FROM m.a, m.f"), [["500", "500"]], "{command:?}");
    }
    sandbox.git(&["revert", "--no-edit", "HEAD"]).good();
    sandbox.vmesh(&["promote", "--yes"]).good();
    assert_eq!(sandbox.rows("SELECT a.c, f.c FROM m.a, m.f"), [["500", "500"]]);
    by(&sandbox, 7);
    sandbox.vmesh(&["promote", "--yes"]).good();
    assert_eq!(sandbox.rows("SELECT a.c, f.c FROM m.a, m.f"), [["35", "35"]]);
    sandbox.vmesh(&["rollback", "--yes"]).good();
    sandbox.vmesh(&["run", "prod", "--ignore-cron"]).good();
    assert_eq!(sandbox.rows("SELECT a.c, f.c FROM m.a, m.f"), [["500", "500"]], "after a rollback, too");
    sandbox.is_sound();
}

#[test]
fn a_rollback_takes_views_back_to_what_was_said_then() {
    let sandbox = cents("VIEW");
    by(&sandbox, 7);
    sandbox.vmesh(&["promote", "--yes"]).good();
    assert_eq!(sandbox.rows("SELECT a.c, f.c FROM m.a, m.f"), [["35", "35"]]);
    sandbox.vmesh(&["rollback", "--yes"]).good();
    assert_eq!(sandbox.rows("SELECT a.c, f.c FROM m.a, m.f"), [["500", "500"]]);
    sandbox.vmesh(&["promote", "--yes"]).good();
    assert_eq!(sandbox.rows("SELECT a.c, f.c FROM m.a, m.f"), [["35", "35"]]);
    sandbox.is_sound();
}
