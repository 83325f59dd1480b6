//! The linter: what people read, what stops a plan, and what doesn't.

use crate::support::Sandbox;

/// A project on branch alice with these settings and models.
fn project(settings: &str, models: &[(&str, &str)]) -> Sandbox {
    let sandbox = Sandbox::bare_project();
    sandbox.write("vmesh.toml", &format!("[hooks]\nbuild = \"inline\"\n{settings}"));
    sandbox.commit("settings");
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    for (path, text) in models {
        sandbox.write(path, text);
    }
    sandbox
}

const STAR: (&str, &str) = ("models/report.sql", "SELECT\n  *,\n  count(*)\nFROM raw.orders\nGROUP BY ALL\n");
const ITEMS: (&str, &str) = ("models/items.sql", "SELECT 1 AS id, 2 AS price\n");

#[test]
fn the_sample_project_is_clean() {
    let sandbox = Sandbox::empty();
    sandbox.vmesh(&["init", "."]).good();
    assert_eq!(sandbox.vmesh(&["lint"]).good(), "12 models · nothing to complain about\n");
    assert!(!sandbox.warehouse().exists());
}

#[test]
fn findings_are_drawn_at_their_places() {
    let ambiguous = (
        "models/joined.sql",
        "WITH cheap AS (SELECT id FROM items WHERE price < @most)\n\nSELECT id\nFROM items\nJOIN cheap ON cheap.id = items.id\n",
    );
    let sandbox = project("[variables]\nmost = 10\n", &[STAR, ITEMS, ambiguous]);
    let done = sandbox.vmesh(&["lint"]);
    assert_eq!(done.code, Some(1));
    insta::assert_snapshot!(done.out);
    let json = sandbox.vmesh(&["lint", "joined", "--json"]);
    assert_eq!(json.code, Some(1));
    let found: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(found.as_array().unwrap().len(), 1);
    assert_eq!((&found[0]["rule"], &found[0]["level"]), (&"ambiguousorinvalidcolumn".into(), &"error".into()));
    assert_eq!((&found[0]["file"], &found[0]["line"]), (&"models/joined.sql".into(), &3.into()));
    assert_eq!(sandbox.vmesh(&["lint", "items"]).good(), "1 model · nothing to complain about\n");
}

#[test]
fn a_plan_lints_only_where_the_settings_say_so() {
    let sandbox = project("", &[("models/a.sql", "SELECT count(*) FROM (SELECT 1)")]);
    sandbox.vmesh(&["lint"]).fails(1);
    sandbox.vmesh(&["plan", "--yes"]).good();
    assert_eq!(sandbox.snapshots(), 1);
}

#[test]
fn an_error_stops_a_plan_and_a_promotion_before_anything_is_built() {
    let settings = "[linter]\nrules = [\"noselectstar\"]\nwarn_rules = [\"nomissingaudits\"]\n";
    let sandbox = project(settings, &[ITEMS, ("models/everything.sql", "SELECT * FROM items\n")]);
    let refused = sandbox.vmesh(&["plan", "--yes"]).fails(1);
    insta::assert_snapshot!(refused);
    assert!(!sandbox.warehouse().exists() || sandbox.snapshots() == 0);
    sandbox.vmesh(&["plan", "--exit-code"]).fails(1);
    // what a hook may not do either, it says, and git goes on
    sandbox.vmesh(&["hooks", "install"]).good();
    let said = sandbox.commit("all of it");
    assert!(said.contains("rule `noselectstar`"), "{said}");
    assert!(!sandbox.warehouse().exists() || sandbox.snapshots() == 0);
    sandbox.vmesh(&["plan", "--yes", "--skip-linter"]).good();
    assert_eq!(sandbox.snapshots(), 2);
    // what is in step needs no linter
    sandbox.git(&["commit", "--quiet", "--allow-empty", "-m", "nothing"]).good();
    assert!(sandbox.is_in_step());
    sandbox.git(&["switch", "--quiet", "main"]).good();
    sandbox.git(&["merge", "--quiet", "alice"]).good();
    let refused = sandbox.vmesh(&["promote", "--yes"]).fails(1);
    assert!(refused.contains("rule `noselectstar`"), "{refused}");
    sandbox.vmesh(&["promote", "--yes", "--skip-linter"]).good();
    assert_eq!(sandbox.value("SELECT price FROM prod.everything"), "2");
}

#[test]
fn what_only_warns_is_told_and_goes_on() {
    let sandbox =
        project("[linter]\nwarn_rules = \"ALL\"\n", &[ITEMS, ("models/everything.sql", "SELECT * FROM items\n")]);
    let done = sandbox.vmesh(&["lint"]);
    assert_eq!(done.code, Some(0), "{}", done.err);
    assert!(done.out.ends_with("2 models · 5 warnings\n"), "{}", done.out);
    let done = sandbox.vmesh(&["plan", "--yes"]);
    assert_eq!(done.code, Some(0), "{}", done.err);
    assert!(done.err.contains("warning: 5 violated rules in 2 models: vmesh lint shows them\n"), "{}", done.err);
    sandbox.write("models/everything.sql", "MODEL (name everything, ignored_rules ALL);\nSELECT * FROM items\n");
    assert!(sandbox.vmesh(&["lint"]).good().ends_with("2 models · 2 warnings\n"));
}

#[test]
fn a_branch_can_not_switch_the_rules_off() {
    let sandbox =
        project("[linter]\nrules = [\"noselectstar\"]\n", &[ITEMS, ("models/everything.sql", "SELECT * FROM items\n")]);
    sandbox.write("vmesh.toml", "[hooks]\nbuild = \"inline\"\n");
    sandbox.vmesh(&["plan", "--yes"]).fails(1);
}

/// What the linter says of columns, DuckDB says too.
#[test]
fn duckdb_agrees_about_columns() {
    let table = [
        "SELECT id FROM a JOIN b ON a.id = b.id",
        "SELECT name FROM a, b WHERE ID = 1",
        "SELECT name FROM a JOIN b ON id = 1",
        "SELECT id FROM a, b, (SELECT 1 AS k) AS k",
        "WITH c AS (SELECT id FROM b) SELECT name, id + 1 AS next FROM a JOIN c ON c.id = a.id",
        "WITH c AS (SELECT id FROM a) SELECT c.nam FROM c",
        "SELECT id FROM (SELECT id FROM a) WHERE price = 1",
        "WITH c AS (SELECT * FROM a JOIN b USING (id)) SELECT c.id_1 FROM c",
    ];
    let agreed = [
        "SELECT id FROM a JOIN b USING (id)",
        "SELECT id FROM a NATURAL JOIN b",
        "SELECT id FROM a SEMI JOIN b ON a.id = b.id",
        "SELECT a.id + 1 AS key, key + 1 AS next FROM a, b",
        "SELECT a.name FROM a JOIN (SELECT 1 AS k) ON k = id JOIN b ON true",
        "WITH c AS (SELECT id FROM a) SELECT id AS x, x + 1 AS y, c AS r FROM c",
        "WITH c AS (SELECT {'f': 1} AS s FROM a) SELECT s.f FROM c",
        "WITH c AS (SELECT nope FROM (SELECT id FROM a)) SELECT id FROM b",
        "WITH c AS (SELECT * FROM a JOIN b USING (id)) SELECT id, name, price FROM c",
        "WITH c AS (SELECT id FROM a) SELECT c.id FROM c, (SELECT c.id + k AS x FROM (SELECT 1 AS k))",
    ];
    let all = table.iter().map(|sql| (sql, true)).chain(agreed.iter().map(|sql| (sql, false)));
    for (index, (sql, is_wrong)) in all.enumerate() {
        let m = format!("m{index}");
        let models = [("models/a.sql", "SELECT 1 AS id, 'x' AS name"), ("models/b.sql", "SELECT 1 AS id, 3 AS price")];
        let file = format!("models/{m}.sql");
        let sandbox = project("", &[models[0], models[1], (&file, sql)]);
        let linted = sandbox.vmesh(&["lint", &m]);
        assert_eq!(linted.code, Some(i32::from(is_wrong)), "{sql}\n{}{}", linted.out, linted.err);
        let planned = sandbox.vmesh(&["plan", "--yes"]);
        assert_eq!(planned.code, Some(i32::from(is_wrong)), "{sql}\n{}", planned.err);
    }
}
