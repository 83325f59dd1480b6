//! Macros in Python: what they give, and what they may not do.

use super::*;
use crate::domain::macros::{Locals, MARK, Macros, Scope, Variables, expand, marked};

const FILE: &str = include_str!("sample.py");

fn expanded(text: &str) -> Result<String, Problem> {
    let mut macros = Macros::default();
    macros.add_python(python_macros("macros/all.py", FILE));
    let config: Variables = [("data_path", Value::Text("s3://acme".to_owned()))].into_iter().collect();
    let named: Variables = [("runtime_stage", Value::Text("evaluating".to_owned()))].into_iter().collect();
    let time = |name: &str| (name == "start_ds").then(|| marked(name));
    let (blueprint, locals) = (Variables::default(), Locals::new());
    let scope = Scope {
        config: &config,
        blueprint: &blueprint,
        locals: &locals,
        named: &named,
        time: &time,
        columns_of: &|_| None,
        macros: &macros,
    };
    expand(text, &scope).map(|expanded| expanded.text)
}

#[test]
fn macros_put_sql_together() {
    let cases = [
        ("SELECT @cents(price) AS x", "SELECT (price * 100)::INT AS x"),
        ("SELECT @cents('t.price', scale := 10)", "SELECT (t.price * 10)::INT"),
        ("SELECT @by_region(a, b)", "SELECT a <= 3 AS a_eu, a <= 5 AS a_us, b <= 3 AS b_eu, b <= 5 AS b_us"),
        (
            "SELECT @safe_divide(sum(a), count(*)) AS x",
            "SELECT CASE WHEN count(*) = 0 THEN NULL ELSE sum(a) / count(*) END AS x",
        ),
        ("SELECT @ASSERT(1 = 1, 'no') AS ok", "SELECT CASE WHEN NOT 1 = 1 THEN ERROR('no') END AS ok"),
        ("SELECT @listed([a, skip, b])", "SELECT \"A\", \"B\""),
        ("SELECT @listed([a], 'x')", "SELECT \"X_A\""),
        ("FROM @path()", "FROM 's3://acme/x.csv'"),
        ("SELECT 1, @nothing(), 2", "SELECT 1 , 2"),
        ("SELECT @pattern(f)", "SELECT regexp_extract(f, '/(\\d{4})-[^/]+\\.csv$', 1)"),
        ("SELECT @keyed(x := a + 1, y := 'b')", "SELECT a + 1 AS x, 'b' AS y"),
        ("@table(raw.\"Or ders\")", "CREATE INDEX Or ders_idx ON raw.\"Or ders\""),
    ];
    for (text, made) in cases {
        assert_eq!(expanded(text).map_err(|problem| problem.what).as_deref(), Ok(made), "{text}");
    }
    assert_eq!(expanded("SELECT @passes(@start_ds)"), Ok(format!("SELECT DATE '{MARK}start_ds{MARK}'")));
}

#[test]
fn what_reaches_further_is_refused_with_its_place() {
    let cases = [
        ("SELECT @steal()", "vmesh doesn't know `os`"),
        ("SELECT @spawn()", "vmesh doesn't know `__import__`"),
        ("SELECT @endless()", "it takes more than 100000 steps"),
        ("SELECT @recursive()", "functions call each other more than 50 deep"),
        ("SELECT @decides(@start_ds)", "it decides by a time that is only known when the model is run"),
        ("SELECT @listed([])", "no column is given"),
        ("SELECT @cents()", "`cents` needs a value for `column`"),
        ("SELECT @cents(a, 1, 2)", "`cents` takes fewer arguments"),
        ("SELECT @cents(a, size := 2)", "`cents` has no parameter `size`"),
    ];
    for (text, why) in cases {
        let problem = expanded(text).unwrap_err();
        assert!(problem.what.contains(why) && problem.what.contains("(macros/all.py:"), "{text}: {}", problem.what);
    }
    let told = expanded("SELECT @steal()").unwrap_err();
    assert_eq!(told.what, "in the macro `@steal` (macros/all.py:70:12): vmesh doesn't know `os`");
    assert!(told.help.is_some_and(|help| help.contains("MACRO name(a) AS")));
}

#[test]
fn files_that_are_no_python_say_so_where_they_are_called() {
    let mut macros = Macros::default();
    macros.add_python(python_macros("macros/a.py", "@macro()\ndef broken(evaluator:\n    return 1\n"));
    let found: Vec<_> = macros.in_python().map(|it| (it.name.as_str(), it.line)).collect();
    assert_eq!(found, [("broken", 2)]);
    let found = python_macros("a.py", &"x".repeat(PYTHON + 1));
    assert!(found.is_empty());
}

#[test]
fn python_files_are_told_by_their_decorators() {
    let text = "from sqlmesh import macro\n\n@macro()\ndef twice(evaluator, x):\n    return x\n\ndef helper(x): ...\n\n\
                @macro('thrice', metadata_only=True)\n@cached\ndef _t(evaluator): ...\n";
    let found = python_macros("macros/a.py", text);
    let names: Vec<_> = found.iter().map(|it| (it.name.as_str(), it.line)).collect();
    assert_eq!(names, [("twice", 4), ("thrice", 11)]);
    assert_eq!(python_model("import x\n@model(\"a.b\")\ndef execute(): ..."), Some(9..22));
    assert_eq!(python_model("def util(): ..."), None);
}
