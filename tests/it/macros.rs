//! Macros, variables and Jinja in models: what they expand to is what is built, and what counts.

use crate::support::Sandbox;

#[test]
fn variables_macros_and_jinja_are_expanded() {
    let sandbox = Sandbox::with_models(&[
        ("numbers", "SELECT * FROM (VALUES (1, 'a'), (2, 'b'), (3, NULL)) AS t(id, word)"),
        (
            "report",
            "MODEL (name report);\n@DEF(least, 2);\nSELECT @EACH([id, word], c -> count(@c) AS @{c}_count), @doubled(max(id)) AS twice\n\
             FROM numbers WHERE id >= @least AND word IS DISTINCT FROM @name",
        ),
        ("headed", "MODEL (name headed);\n\nJINJA_QUERY_BEGIN;\nSELECT {{ 1 + 1 }} AS two\nJINJA_END;"),
        (
            "jinja",
            "JINJA_QUERY_BEGIN;\nSELECT {% for n in [1, 2] %}{{ n }} AS n{{ n }}, {% endfor %}'{{ name }}' AS name\nJINJA_END;",
        ),
    ]);
    sandbox.write("vmesh.toml", "[hooks]\nbuild = \"inline\"\n[variables]\nname = \"b\"\n");
    sandbox.write("macros/doubled.sql", "MACRO doubled(x) AS 2 * (@x);\n");
    sandbox.commit("macros");
    assert_eq!(sandbox.rows("SELECT * FROM prod.report"), [["1", "0", "6"]]);
    assert_eq!(sandbox.rows("SELECT * FROM prod.jinja"), [["1", "2", "b"]]);
    assert_eq!(sandbox.value("SELECT two FROM prod.headed"), "2");
    let tables = sandbox.snapshots();
    // the same after expansion: nothing to build
    sandbox.write("macros/doubled.sql", "MACRO doubled(value) AS 2 * (@value); -- a better name\n");
    sandbox.commit("cosmetics");
    assert_eq!(sandbox.snapshots(), tables);
    sandbox.write("vmesh.toml", "[hooks]\nbuild = \"inline\"\n[variables]\nname = \"c\"\nother = 1\n");
    sandbox.commit("another name");
    assert_eq!(sandbox.rows("SELECT * FROM prod.report"), [["2", "1", "6"]]);
    let rendered = sandbox.vmesh(&["render", "report"]).good();
    assert!(rendered.contains("2 * (max(id)) AS twice"), "{rendered}");
    sandbox.is_sound();
}

#[test]
fn mistakes_are_told_where_they_were_written() {
    let sandbox = Sandbox::promoted(&[("numbers", "SELECT 1 AS id")]);
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    let complaint = |sql: &str| {
        sandbox.model("wrong", sql);
        sandbox.vmesh(&["plan"]).fails(1)
    };
    let told = complaint("SELECT id,\n  @nmae AS name FROM numbers");
    assert!(told.contains("undefined variable `@nmae`") && told.contains("models/wrong.sql:2:3"), "{told}");
    let told = complaint("SELECT @EACH([1, 2], x -> @x AS n_@x),\n  idd FROM numbers");
    assert!(told.contains("unknown column `idd`") && told.contains("models/wrong.sql:2:3"), "{told}");
    let told = complaint("SELECT @mine(id) FROM numbers");
    assert!(told.contains("macros/") && told.contains("MACRO"), "{told}");
}

#[test]
fn star_and_union_know_the_columns_of_models() {
    let sandbox = Sandbox::with_models(&[
        // files that come before those whose columns they take
        ("a_last", "SELECT @STAR(b_middle, m, prefix := 'x_', suffix := '_y') FROM b_middle AS m"),
        ("b_middle", "SELECT @STAR(raw, r, exclude := [secret]), 1 AS one FROM raw AS r"),
        ("all_words", "@UNION('all', raw, more)"),
        ("more", "SELECT 3 AS id, 'c' AS word, TRUE AS odd"),
        ("raw", "SELECT id, word, secret FROM (VALUES (1, 'a', 's'), (2, 'b', 't')) AS t(id, word, secret)"),
    ]);
    sandbox.vmesh(&["promote", "--yes"]).good();
    assert_eq!(sandbox.rows("SELECT * FROM prod.a_last ORDER BY ALL"), [["1", "a", "1"], ["2", "b", "1"]]);
    let names = "SELECT column_name FROM (DESCRIBE prod.a_last)";
    assert_eq!(sandbox.rows(names), [["x_id_y"], ["x_word_y"], ["x_one_y"]]);
    assert_eq!(sandbox.rows("SELECT * FROM prod.all_words ORDER BY ALL"), [["1", "a"], ["2", "b"], ["3", "c"]]);
    let rendered = sandbox.vmesh(&["render", "all_words"]).good();
    assert!(rendered.contains("SELECT \"id\", \"word\" FROM") && rendered.contains("UNION ALL"), "{rendered}");
    assert!(sandbox.is_in_step());
    // a column more in the first reaches the last, on a branch alone
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.model(
        "raw",
        "SELECT id, word, secret, id * 10 AS tens FROM (VALUES (1, 'a', 's'), (2, 'b', 't')) AS t(id, word, secret)",
    );
    sandbox.commit("tens");
    assert_eq!(sandbox.rows("SELECT x_tens_y FROM dev__alice.a_last ORDER BY 1"), [["10"], ["20"]]);
    sandbox.git(&["switch", "--quiet", "main"]).good();
    assert!(sandbox.is_in_step());
    assert_eq!(sandbox.rows(names).len(), 3);
    sandbox.is_sound();
}

#[test]
fn columns_that_nobody_knows_are_asked_for() {
    let sandbox = Sandbox::promoted(&[("raw", "SELECT * FROM (SELECT 1 AS id) AS t")]);
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    let complaint = |sql: &str| {
        sandbox.model("wrong", sql);
        sandbox.vmesh(&["plan"]).fails(1)
    };
    let told = complaint("SELECT\n  @STAR(lake.events, e) FROM lake.events AS e");
    assert!(told.contains("the columns of `lake.events` are not known") && told.contains("wrong.sql:2:3"), "{told}");
    assert!(told.contains("`lake.events` is no model"), "{told}");
    sandbox.model("blind", "SELECT * FROM lake.events");
    let told = complaint("SELECT @STAR(blind, b) FROM blind AS b");
    assert!(told.contains("let `blind` name its columns"), "{told}");
    sandbox.model("blind", "SELECT @STAR(wrong, w) FROM wrong AS w");
    let told = sandbox.vmesh(&["plan"]).fails(1);
    assert!(told.contains("the columns of `blind` are not known") && told.contains("of `wrong` are not"), "{told}");
}

#[test]
fn what_depends_on_when_it_runs_counts() {
    let sandbox = Sandbox::with_models(&[("clock", "MODEL (name clock, start '2026-01-01'); SELECT @start_ds AS d")]);
    let promote = || sandbox.vmesh(&["promote", "--yes", "--execution-time", "2026-01-05"]).good();
    let now = |sql: &str| {
        sandbox.model("clock", &format!("MODEL (name clock, start '2026-01-01'); SELECT {sql} AS d"));
        sandbox.commit_quietly("another");
        promote();
        sandbox.value("SELECT d FROM prod.clock")
    };
    promote();
    assert_eq!(sandbox.value("SELECT d FROM prod.clock"), "2026-01-01");
    // to a reader of 1970, all of these are the same text
    assert_eq!(now("@execution_ds"), "2026-01-05");
    assert_eq!(now("@end_ds"), "2026-01-04");
    assert_eq!(now("'1970-01-01'"), "1970-01-01");
    assert_eq!(now("@IF(@start_ds = '1970-01-01', '1970-01-01', 'a')"), "a");
    assert_eq!(now("@IF(@start_ds = '1970-01-01', '1970-01-01', 'b')"), "b");
    assert_eq!(now("{{ \"'c'\" if start_ds > '2025' else \"'1970-01-01'\" }}"), "c");
    let tables = sandbox.snapshots();
    assert_eq!(now("@IF(@start_ds = '1970-01-01', '1970-01-01',\n  'b') /* as before */"), "b");
    assert_eq!(sandbox.snapshots(), tables);
    // a model that only some times read
    sandbox.model("other", "SELECT 'x' AS d");
    sandbox.model(
        "clock",
        "MODEL (name clock, start '2026-01-01'); SELECT d FROM @IF(@start_ds = '1970-01-01', (SELECT 'y' AS d), other)",
    );
    sandbox.commit_quietly("sometimes");
    let told = sandbox.vmesh(&["promote", "--yes"]).fails(1);
    assert!(told.contains("reads `other` at some times only") && told.contains("depends_on (other)"), "{told}");
    sandbox.model(
        "clock",
        "MODEL (name clock, start '2026-01-01', depends_on (other)); SELECT d FROM @IF(@start_ds = '1970-01-01', (SELECT 'y' AS d), other)",
    );
    sandbox.commit_quietly("said");
    promote();
    assert_eq!(sandbox.value("SELECT d FROM prod.clock"), "x");
    sandbox.is_sound();
}

#[test]
fn plans_say_that_a_macro_or_variable_changed() {
    let sandbox = Sandbox::bare_project();
    let set = |value: i32| sandbox.write("vmesh.toml", &format!("[variables]\nleast = {value}\nunused = {value}\n"));
    set(1);
    sandbox.write("macros/m.sql", "MACRO more(x) AS @x + 1;\n");
    sandbox.model("uses", "SELECT @more(@least) AS n");
    sandbox.model("below", "SELECT n FROM uses");
    sandbox.model("without", "SELECT 1 AS one");
    sandbox.commit_quietly("models");
    sandbox.vmesh(&["promote", "--yes"]).good();
    set(2);
    sandbox.commit_quietly("two");
    let plan = sandbox.vmesh(&["plan", "prod", "--json"]).json();
    let reasons = |plan: &serde_json::Value| -> Vec<(String, String)> {
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        plan["models"].as_array().unwrap().iter().map(|it| (text(&it["name"]), text(&it["reason"]))).collect()
    };
    let told = reasons(&plan);
    assert!(told.contains(&("uses".into(), "a macro or variable that it uses changed".into())), "{told:?}");
    assert!(told.contains(&("without".into(), "already built".into())), "{told:?}");
    sandbox.vmesh(&["promote", "--yes"]).good();
    assert_eq!(sandbox.value("SELECT n FROM prod.below"), "3");
    // a macro that says something else
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.write("macros/m.sql", "MACRO more(x) AS @x + 2;\n");
    let told = reasons(&sandbox.vmesh(&["plan", "--json"]).json());
    assert!(told.contains(&("uses".into(), "a macro or variable that it uses changed".into())), "{told:?}");
    assert!(told.contains(&("below".into(), "uses changed".into())), "{told:?}");
}

#[test]
fn diffs_show_models_as_they_were_written() {
    let sandbox = Sandbox::promoted(&[("numbers", "SELECT @EACH([1, 2], x -> @x AS n_@x) -- two of them")]);
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.model("numbers", "SELECT @EACH([1, 3], x -> @x AS n_@x) -- two of them");
    sandbox.commit("three");
    let diff = sandbox.vmesh(&["diff"]).good();
    assert!(diff.contains("@EACH([1, 3], x -> @x AS n_@x)") && !diff.contains("3 AS n_3"), "{diff}");
    // the engine's complaint points at what was written, and says what came of it
    sandbox.model("numbers", "SELECT 1 AS n_1,\n  @EACH([7], x -> @x + missing_@x AS n) FROM range(2) AS t");
    let told = sandbox.vmesh(&["plan", "--yes"]).fails(1);
    assert!(told.contains("models/numbers.sql:2:") && told.contains("@EACH([7]"), "{told}");
}

#[test]
fn python_is_named_and_never_passed_over() {
    let sandbox = Sandbox::promoted(&[("numbers", "SELECT 1 AS id")]);
    sandbox.write("macros/__init__.py", "");
    sandbox.write(
        "macros/cents.py",
        "from sqlmesh import macro\n\n@macro()\ndef cents(evaluator, x):\n    return x.transform(str)\n",
    );
    sandbox.write("models/__init__.py", "");
    sandbox.write("models/helpers.py", "def helper():\n    return 1\n");
    // those that nobody calls do no harm
    sandbox.commit("python beside the models");
    assert!(sandbox.is_in_step());
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.model("wrong", "SELECT @cents(id) AS c FROM numbers");
    let told = sandbox.vmesh(&["plan"]).fails(1);
    let why = "in the macro `@cents` (macros/cents.py:5:12): vmesh doesn't know `.transform()` of an expression";
    assert!(told.contains(why) && told.contains("models/wrong.sql:1:8") && told.contains("MACRO name(a)"), "{told}");
    sandbox.model("wrong", "SELECT 1 AS c");
    sandbox
        .write("models/ml.py", "from sqlmesh import model\n\n@model(\"db.ml\", kind=\"FULL\")\ndef execute(): ...\n");
    let told = sandbox.vmesh(&["plan"]).fails(1);
    assert!(told.contains("models in Python are not supported") && told.contains("models/ml.py:3:1"), "{told}");
}

#[test]
fn macros_in_python_put_sql_together() {
    let python = "from sqlmesh import macro\nfrom sqlglot import exp\n\n@macro()\ndef cents(evaluator, column: str, scale: int = 100) -> str:\n    \
                  return f'({column} * {scale})::INT'\n\n@macro()\ndef at_least(evaluator, a, b):\n    return exp.Case().when(a < b, b).else_(a)\n\n\
                  @macro()\ndef day(evaluator, at):\n    return f'CAST({at} AS DATE)'\n";
    let python = python.replace("a < b", "exp.LT(this=a, expression=b)");
    let sandbox = Sandbox::with_models(&[
        ("prices", "SELECT 1.5 AS price"),
        ("report", "SELECT @cents(price) AS cents, @AT_LEAST(price, 2) AS price FROM prices"),
        (
            "daily",
            "MODEL (name daily, kind INCREMENTAL_BY_TIME_RANGE (time_column day), start '2026-01-01', end '2026-01-03');\n\
             SELECT @day(@start_ds) AS first, d::DATE AS day FROM range(DATE '2026-01-01', DATE '2026-01-04', INTERVAL 1 DAY) AS t(d) \
             WHERE d BETWEEN @start_ds AND @end_ds",
        ),
    ]);
    sandbox.write("vmesh.toml", "[hooks]\nbuild = \"inline\"\n");
    sandbox.write("macros/money.py", &python);
    sandbox.commit("macros");
    assert_eq!(sandbox.rows("FROM prod.report"), [["150", "2.0"]]);
    assert_eq!(sandbox.value("SELECT count(*) FROM prod.daily WHERE first = DATE '2026-01-01'"), "3");
    let tables = sandbox.snapshots();
    // other words for the same SQL build nothing; other SQL does
    sandbox.write("macros/money.py", &python.replace("column: str", "name: str").replace("{column}", "{name}"));
    sandbox.commit("a better name");
    assert_eq!(sandbox.snapshots(), tables);
    sandbox.write("macros/money.py", &python.replace("= 100", "= 1000"));
    sandbox.commit("another scale");
    assert_eq!(sandbox.rows("FROM prod.report"), [["1500", "2.0"]]);
    // what a stranger's macro wants besides is not there
    sandbox.git(&["switch", "--quiet", "-c", "stranger"]).good();
    let canary = sandbox.path().join("canary");
    let bodies = [
        format!("open('{}', 'w').write('x')", canary.display()),
        format!("__import__('os').system('touch {}')", canary.display()),
        format!("exec(\"open('{}', 'w')\")", canary.display()),
        format!("().__class__.__base__.__subclasses__()[0]('{}')", canary.display()),
        "evaluator.engine_adapter.execute('DROP SCHEMA prod')".to_owned(),
    ];
    for body in bodies {
        sandbox.write("macros/money.py", &python.replace("    return f'(", &format!("    {body}\n    return f'(")));
        let told = sandbox.vmesh(&["plan", "--yes"]).fails(1);
        assert!(told.contains("in the macro `@cents` (macros/money.py:6:"), "{told}");
        assert!(told.contains("vmesh doesn't know") && told.contains("models/report.sql:1:8"), "{told}");
        assert!(!canary.exists());
    }
}

#[test]
fn audits_stand_behind_queries_in_jinja() {
    let query = "JINJA_QUERY_BEGIN;\nSELECT {{ 1 - 2 }} AS id\nJINJA_END;";
    let bodies = [
        "SELECT * FROM @this_model WHERE id < 0",
        "JINJA_QUERY_BEGIN;\nSELECT * FROM {{ this_model }} WHERE id < 0\nJINJA_END;",
        "JINJA_QUERY_BEGIN;\nSELECT * FROM {{ this_model }} WHERE id < 0;\nJINJA_END;\n\nAUDIT (name other);\nSELECT 1 WHERE 1 = 0",
    ];
    for end in ["", ";"] {
        for body in bodies {
            let query = query.replace("\nJINJA_END", &format!("{end}\nJINJA_END"));
            let audits = if body.contains("other") { "low, other" } else { "low" };
            let model = format!("MODEL (name a, audits ({audits}));\n{query}\n\nAUDIT (name low);\n{body}");
            let sandbox = Sandbox::with_models(&[("a", &model)]);
            let told = sandbox.vmesh(&["promote", "--yes"]).fails(1);
            assert!(told.contains("audit `low` of `a`: 1 row is wrong"), "{model}\n{told}");
            sandbox.model("a", &model.replace("1 - 2", "2 - 1"));
            sandbox.commit_quietly("mended");
            sandbox.vmesh(&["promote", "--yes"]).good();
            assert_eq!(sandbox.value("SELECT id FROM prod.a"), "1", "{model}");
        }
    }
}
