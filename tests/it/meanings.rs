//! What a name means: what vmesh itself shows is no table from outside, and the warehouse's own name may stand in front.

use crate::support::Sandbox;

/// `shop.base`, a table over it and a view over it, shown in prod; then a branch.
fn shop() -> Sandbox {
    let sandbox = Sandbox::promoted(&[
        ("base", "MODEL (name shop.base);\nSELECT 1 AS id"),
        ("child", "MODEL (name shop.child);\nSELECT id FROM shop.base"),
        ("top", "MODEL (name shop.top, kind VIEW);\nSELECT id FROM shop.base"),
        ("other", "SELECT 2 AS id"),
    ]);
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox
}

fn remove(sandbox: &Sandbox, model: &str) {
    std::fs::remove_file(sandbox.path().join(format!("models/{model}.sql"))).unwrap();
}

const REMOVED: &str = "`shop.base` is a model that this tree removes";

#[test]
fn a_removed_model_is_no_table_from_outside() {
    let sandbox = shop();
    remove(&sandbox, "base");
    for command in [&["plan"][..], &["plan", "--yes"], &["lint"], &["test"]] {
        let told = sandbox.vmesh(command).fails(1);
        assert!(told.contains(REMOVED), "{command:?}: {told}");
        assert!(told.contains("models/child.sql:2:16") && told.contains("models/top.sql:2:16"), "{told}");
    }
    assert!(sandbox.vmesh(&["doctor"]).out.contains(REMOVED));
    sandbox.commit_quietly("without base");
    assert!(sandbox.vmesh(&["plan", "--merged"]).fails(1).contains(REMOVED));
    // on main, too
    sandbox.git(&["switch", "--quiet", "main"]).good();
    sandbox.git(&["merge", "--quiet", "alice"]).good();
    assert!(sandbox.vmesh(&["promote", "--yes"]).fails(1).contains(REMOVED));
    assert_eq!(sandbox.value("SELECT count(*) FROM shop.top"), "1", "prod stays whole");
}

#[test]
fn a_renamed_model_is_told_by_its_new_name() {
    let sandbox = shop();
    remove(&sandbox, "base");
    sandbox.model("basis", "MODEL (name shop.basis);\nSELECT 1 AS id");
    let told = sandbox.vmesh(&["plan", "--yes"]).fails(1);
    assert!(told.contains("`shop.base` is a model that this tree calls `shop.basis`"), "{told}");
    assert!(told.contains("read `shop.basis`"), "{told}");
    sandbox.model("child", "MODEL (name shop.child);\nSELECT id FROM shop.basis");
    sandbox.model("top", "MODEL (name shop.top, kind VIEW);\nSELECT id FROM shop.basis");
    sandbox.vmesh(&["plan", "--yes"]).good();
    sandbox.is_sound();
}

#[test]
fn neither_statements_nor_audits_nor_tests_nor_loads_read_it() {
    let sandbox = shop();
    for model in ["base", "child", "top"] {
        remove(&sandbox, model);
    }
    let incremental = "MODEL (name other, kind INCREMENTAL_BY_UNIQUE_KEY (unique_key id));\nSELECT id FROM shop.base";
    for text in [
        "MODEL (name other);\nSELECT 1 AS id;\nINSERT INTO other SELECT id FROM shop.base",
        "MODEL (name other);\nCREATE TEMP TABLE t AS SELECT id FROM warehouse.shop.base;\nSELECT id FROM t",
        "MODEL (name other, audits (equal_row_count(model := shop.base)));\nSELECT 1 AS id",
        "MODEL (name other, audits (low));\nSELECT 1 AS id;\nAUDIT (name low);\nSELECT * FROM @this_model JOIN shop.base USING (id) WHERE id < 0",
        incremental,
    ] {
        sandbox.model("other", text);
        let told = sandbox.vmesh(&["plan", "--yes"]).fails(1);
        assert!(told.contains(REMOVED) || told.contains("which is no model"), "{text}: {told}");
        assert!(told.contains("models/other.sql"), "{told}");
    }
    sandbox.model("other", "SELECT 2 AS id");
    sandbox.write("audits/alone.sql", "AUDIT (name alone, standalone true);\nSELECT * FROM shop.base WHERE id > 0");
    assert!(sandbox.vmesh(&["plan", "--yes"]).fails(1).contains(REMOVED));
    std::fs::remove_file(sandbox.path().join("audits/alone.sql")).unwrap();
    sandbox.vmesh(&["plan", "--yes"]).good();
    let told = sandbox.vmesh(&["query", "SELECT * FROM shop.base"]).fails(1);
    assert!(told.contains("has no model `shop.base`, which prod shows"), "{told}");
    sandbox.vmesh(&["query", "SELECT * FROM shop.base", "--env", "prod"]).good();
}

#[test]
fn what_main_has_since_is_told_and_what_is_gone_for_long_is_a_table_again() {
    let sandbox = shop();
    // a table from outside becomes a model on main; the branch began before
    sandbox.sql("CREATE SCHEMA raw; CREATE TABLE raw.orders AS SELECT 7 AS id");
    sandbox.model("other", "SELECT id FROM raw.orders");
    sandbox.commit_quietly("reads a table");
    sandbox.vmesh(&["plan", "--yes"]).good();
    sandbox.git(&["switch", "--quiet", "main"]).good();
    sandbox.sql("DROP TABLE raw.orders");
    sandbox.model("orders", "MODEL (name raw.orders);\nSELECT 8 AS id");
    sandbox.commit_quietly("orders");
    sandbox.vmesh(&["promote", "--yes"]).good();
    sandbox.git(&["switch", "--quiet", "alice"]).good();
    sandbox.model("other", "SELECT id + 1 AS id FROM raw.orders");
    let told = sandbox.vmesh(&["plan", "--yes"]).fails(1);
    assert!(told.contains("`raw.orders` is a model that prod shows and this tree does not have"), "{told}");
    assert!(told.contains("models/other.sql:1:26"), "{told}");
    // it leaves main again, and the table comes back
    sandbox.git(&["checkout", "--quiet", "models"]).good();
    sandbox.git(&["switch", "--quiet", "main"]).good();
    remove(&sandbox, "orders");
    sandbox.commit_quietly("without orders");
    sandbox.vmesh(&["promote", "--yes"]).good();
    sandbox.sql("CREATE TABLE raw.orders AS SELECT 9 AS id");
    sandbox.git(&["switch", "--quiet", "alice"]).good();
    sandbox.model("other", "SELECT id + 1 AS id FROM raw.orders");
    sandbox.vmesh(&["plan", "--yes"]).good();
    assert_eq!(sandbox.value("SELECT id FROM dev__alice.other"), "10");
    sandbox.is_sound();
}

#[test]
fn the_warehouse_may_be_named_in_front_everywhere() {
    let sandbox = Sandbox::with_models(&[(
        "orders",
        "MODEL (name main.orders, kind FULL, audits (low, equal_row_count(model := warehouse.main.one)));\nSELECT 1 AS id;\n",
    )]);
    sandbox.model(
        "copy",
        "MODEL (name main.copy);\n@DEF(x, 1);\nSELECT @STAR(warehouse.main.orders) FROM warehouse.main.orders",
    );
    sandbox.model("one", "MODEL (name main.one);\nSELECT 1 AS id");
    sandbox.write("audits/low.sql", "AUDIT (name low);\nSELECT * FROM warehouse.main.orders WHERE id < 0");
    sandbox.write(
        "audits/alone.sql",
        "AUDIT (name alone, standalone true);\nSELECT * FROM warehouse.main.orders WHERE id > 1",
    );
    sandbox.write(
        "tests/test_copy.yaml",
        "given:\n  model: main.copy\n  inputs:\n    warehouse.main.orders:\n      - id: 3\n  outputs:\n    query:\n      - id: 3\n",
    );
    sandbox.commit_quietly("all");
    sandbox.vmesh(&["promote", "--yes"]).good();
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.model("orders", &sandbox.read("models/orders.sql").replace("SELECT 1", "SELECT 2"));
    let told = sandbox.vmesh(&["plan", "--yes"]);
    assert!(told.err.contains("`alone`"), "the standalone one is run: {}", told.err);
    assert_eq!(sandbox.value("SELECT id FROM dev__alice__main.copy"), "2");
    let rows = sandbox.vmesh(&["query", "SELECT id FROM warehouse.main.orders", "--format", "csv"]).good();
    assert_eq!(rows, "id\n2\n");
    sandbox.vmesh(&["table-diff", "warehouse.main.orders"]).good();
    sandbox.model("orders", &sandbox.read("models/orders.sql").replace("SELECT 2", "SELECT -2"));
    let told = sandbox.vmesh(&["plan", "--yes"]).fails(1);
    assert!(told.contains("audit `low` of `main.orders`: 1 row is wrong"), "not prod's old rows: {told}");
}

#[test]
fn what_an_audit_asks_is_its_text_once_expanded() {
    // each audit belongs to a model of its own, whose file never changes
    let audits = [
        ("by_macro", "by_macro", "SELECT * FROM @this_model WHERE id < @bottom()"),
        ("by_variable", "by_variable", "SELECT * FROM @this_model WHERE id < @least"),
        ("by_branch", "by_branch", "SELECT * FROM @this_model WHERE @IF(@lowest > 1, id < 2, FALSE)"),
        (
            "in_jinja",
            "in_jinja",
            "JINJA_QUERY_BEGIN;\nSELECT * FROM {{ this_model }} WHERE id > {{ top() }};\nJINJA_END;",
        ),
        ("given", "given(bound := @argued())", "SELECT * FROM @this_model WHERE id < @bound"),
    ];
    let model = |name: &str, call: &str| format!("MODEL (name {name}, audits ({call}));\nSELECT 1 AS id");
    let models: Vec<(&str, String)> = audits.iter().map(|(name, call, _)| (*name, model(name, call))).collect();
    let models: Vec<(&str, &str)> = models.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let sandbox = Sandbox::with_models(&models);
    for (name, _, query) in audits {
        sandbox.write(&format!("audits/{name}.sql"), &format!("AUDIT (name {name});\n{query}"));
    }
    let settings = sandbox.read("vmesh.toml");
    let says = |changed: &str| {
        let bound = |name: &str| if name == changed { 2 } else { 0 };
        sandbox.write("macros/bottom.sql", &format!("MACRO bottom() AS {};\n", bound("by_macro")));
        sandbox.write("macros/argued.sql", &format!("MACRO argued() AS {};\n", bound("given")));
        let top = 2 - bound("in_jinja");
        sandbox.write("macros/top.sql", &format!("{{% macro top() %}}{top}{{% endmacro %}}\n"));
        let variables = format!("[variables]\nleast = {}\nlowest = {}\n", bound("by_variable"), bound("by_branch"));
        sandbox.write("vmesh.toml", &format!("{settings}{variables}"));
    };
    says("nothing");
    sandbox.commit_quietly("audits");
    sandbox.vmesh(&["promote", "--yes"]).good();
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    let tables = sandbox.snapshots();
    for (name, ..) in audits {
        says(name);
        assert_eq!(sandbox.vmesh(&["plan", "--exit-code"]).code, Some(1), "{name}: there is something to do");
        let told = sandbox.vmesh(&["plan", "--yes"]).fails(1);
        assert!(told.contains(&format!("audit `{name}` of `{name}`: 1 row is wrong")), "{name}: {told}");
        assert_eq!(told.matches("row is wrong").count(), 1, "{told}");
        says("nothing");
        sandbox.vmesh(&["plan", "--yes"]).good();
        assert_eq!(sandbox.vmesh(&["plan", "--exit-code"]).code, Some(0), "{name}");
    }
    assert_eq!(sandbox.snapshots(), tables, "nothing is built for an audit");
}

#[test]
fn an_audit_waits_for_what_macros_make_it_read() {
    for (name, query) in [
        ("a variable", "SELECT * FROM @this_model WHERE id NOT IN (SELECT id FROM @{schema}.zallowed)"),
        ("a macro", "SELECT * FROM @this_model WHERE id NOT IN (SELECT id FROM @other())"),
        (
            "Jinja",
            "JINJA_QUERY_BEGIN;\nSELECT * FROM {{ this_model }} WHERE id NOT IN (SELECT id FROM {{ var('schema') }}.zallowed);\nJINJA_END;",
        ),
    ] {
        let sandbox = Sandbox::with_models(&[
            ("orders", "MODEL (name shop.orders, audits (known));\nSELECT 1 AS id"),
            ("zallowed", "MODEL (name shop.zallowed);\nSELECT 1 AS id"),
        ]);
        sandbox.write("vmesh.toml", &format!("{}\n[variables]\nschema = 'shop'\n", sandbox.read("vmesh.toml")));
        sandbox.write("macros/m.sql", "MACRO other() AS shop.zallowed;\n");
        sandbox.write("audits/known.sql", &format!("AUDIT (name known);\n{query}"));
        sandbox.commit_quietly("audits");
        let done = sandbox.vmesh(&["promote", "--yes"]);
        assert_eq!(done.code, Some(0), "{name}: {}", done.err);
        sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
        sandbox.model("zallowed", "MODEL (name shop.zallowed);\nSELECT 2 AS id");
        let told = sandbox.vmesh(&["plan", "--yes"]).fails(1);
        assert!(told.contains("audit `known` of `shop.orders`: 1 row is wrong"), "{name}: {told}");
    }
}

#[test]
fn audits_that_read_each_others_models_are_run_when_both_are_built() {
    let audit = "AUDIT (name known);\nSELECT * FROM @this_model WHERE id NOT IN (SELECT id FROM";
    let sandbox = Sandbox::with_models(&[
        ("a", &format!("MODEL (name a, audits (known));\nSELECT 1 AS id;\n{audit} b)")),
        ("b", &format!("MODEL (name b, audits (known));\nSELECT 1 AS id;\n{audit} a)")),
        // its audit reads what is built from it
        ("c", &format!("MODEL (name c, audits (known));\nSELECT 1 AS id;\n{audit} d)")),
        ("d", "SELECT id FROM c"),
    ]);
    sandbox.vmesh(&["promote", "--yes"]).good();
    assert!(sandbox.vmesh(&["audit"]).good().contains("3 audits · 0 with wrong rows"));
    assert_eq!(sandbox.vmesh(&["plan", "--exit-code"]).code, Some(0), "all are on record as passed");
    // and what they find stops it
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.model("a", &format!("MODEL (name a, audits (known));\nSELECT 2 AS id;\n{audit} b)"));
    sandbox.model("b", &format!("MODEL (name b, audits (known));\nSELECT 3 AS id;\n{audit} a)"));
    let told = sandbox.vmesh(&["plan", "--yes"]).fails(1);
    assert!(told.contains("audit `known` of `b`: 1 row is wrong"), "{told}");
    sandbox.model("b", &format!("MODEL (name b, audits (known));\nSELECT 2 AS id;\n{audit} a)"));
    sandbox.vmesh(&["plan", "--yes"]).good();
    sandbox.is_sound();
}

#[test]
fn audits_tell_of_the_build_that_one_of_them_stopped() {
    let model = |n: i32| {
        format!(
            "MODEL (name a, audits (low));\nSELECT {n} AS id;\nAUDIT (name low);\nSELECT * FROM @this_model WHERE id < 0"
        )
    };
    let sandbox = Sandbox::promoted(&[("a", &model(1)), ("b", "SELECT id FROM a")]);
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.vmesh(&["plan", "--yes"]).good();
    sandbox.model("a", &model(-1));
    let done = sandbox.vmesh(&["audit"]);
    assert!(done.out.contains("`dev__alice` does not show these files: 2 models to build"), "{}", done.out);
    assert_eq!(done.code, Some(0), "nobody tried yet: {}", done.err);
    sandbox.vmesh(&["plan", "--yes"]).fails(1);
    let done = sandbox.vmesh(&["audit"]);
    assert_eq!(done.code, Some(1), "{}", done.out);
    assert!(done.out.contains("the build of `a` was stopped: audit `low` found 1 wrong row"), "{}", done.out);
    let query = done.out.lines().find_map(|line| line.trim().strip_prefix("vmesh query \"")).unwrap();
    let rows = sandbox.vmesh(&["query", query.trim_end_matches('"'), "--format", "csv"]).good();
    assert_eq!(rows, "id\n-1\n");
    let told = sandbox.vmesh(&["audit", "--json"]).out;
    assert!(told.contains("\"stopped\": true") || told.contains("\"stopped\":true"), "{told}");
    // it is mended
    sandbox.model("a", &model(2));
    sandbox.vmesh(&["plan", "--yes"]).good();
    let told = sandbox.vmesh(&["audit"]).good();
    assert!(
        told.contains("0 with wrong rows") && !told.contains("stopped") && !told.contains("does not show"),
        "{told}"
    );
}

#[test]
fn what_stands_in_the_way_is_told_before_anything_is_built() {
    let sandbox = Sandbox::promoted(&[("a", "SELECT 1 AS id")]);
    sandbox.sql("CREATE SCHEMA raw; CREATE TABLE raw.orders AS SELECT 7 AS id; CREATE VIEW raw.seen AS SELECT 8 AS id");
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.model("orders", "MODEL (name raw.orders);\nSELECT 1 AS id");
    let told = sandbox.vmesh(&["plan", "--yes"]).err;
    assert!(
        told.contains("prod can't show `raw.orders`: there is a table raw.orders that vmesh did not make"),
        "{told}"
    );
    sandbox.model("seen", "MODEL (name raw.seen, kind VIEW);\nSELECT 1 AS id");
    assert!(sandbox.vmesh(&["plan"]).err.contains("there is a view raw.seen"));
    sandbox.commit_quietly("orders");
    // the hook builds what the new branch shows
    sandbox.git(&["switch", "--quiet", "-c", "ci"]).good();
    let tables = sandbox.snapshots();
    let told = sandbox.vmesh(&["plan", "--merged", "--exit-code", "--no-build"]).fails(1);
    assert!(told.contains("2 models can't be shown") && told.contains("RENAME TO"), "{told}");
    sandbox.git(&["switch", "--quiet", "main"]).good();
    sandbox.git(&["-c", "core.hooksPath=/dev/null", "merge", "--quiet", "alice"]).good();
    for command in [&["plan", "--exit-code"][..], &["plan"], &["promote", "--yes"]] {
        assert!(sandbox.vmesh(command).fails(1).contains("2 models can't be shown"), "{command:?}");
    }
    assert_eq!(sandbox.snapshots(), tables, "nothing was built");
    assert_eq!(sandbox.value("SELECT id FROM raw.orders"), "7");
}
