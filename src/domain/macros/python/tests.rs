//! Macros in Python: what they give, and what they may not do.

use super::*;
use crate::domain::macros::{Locals, MARK, Macros, Scope, Variables, expand, marked};

const FILE: &str = include_str!("sample.py");

fn expanded(text: &str) -> Result<String, Problem> {
    expanded_with(FILE, text)
}

fn expanded_with(file: &str, text: &str) -> Result<String, Problem> {
    let mut macros = Macros::default();
    macros.add_python(python_macros("macros/all.py", file));
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
        ("SELECT @keyed(x := a::INT)", "SELECT (a::INT) AS x"),
        ("SELECT 2 ** @summed(a, b), @summed(a, b)[1]", "SELECT 2 ** (a + b), (a + b)[1]"),
        ("SELECT @summed(a * 2, t.b)", "SELECT (a * 2) + t.b"),
        ("SELECT @cents('5')", "SELECT (5 * 100)::INT"),
        (
            "SELECT @by_region(@EACH([a, b], c -> @c))",
            "SELECT a <= 3 AS a_eu, a <= 5 AS a_us, b <= 3 AS b_eu, b <= 5 AS b_us",
        ),
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
        ("SELECT @endless()", "its values get too large"),
        ("SELECT @recursive()", "functions call each other more than 50 deep"),
        ("SELECT @decides(@start_ds)", "it decides by a time that is only known when the model is run"),
        ("SELECT @listed([])", "no column is given"),
        ("SELECT @cents()", "`cents` needs a value for `column`"),
        ("SELECT @cents(a, 1, 2)", "`cents` takes fewer arguments"),
        ("SELECT @cents(a, size := 2)", "`cents` has no parameter `size`"),
        ("SELECT @by_region(a) AS c", "gives several values where one is wanted"),
        ("SELECT NOT @by_region(a)", "gives several values where one is wanted"),
        ("SELECT @hung()", "its values get too large"),
        ("SELECT @circle()", "its values get too large, or stand in themselves"),
        ("SELECT @grown()", "a list of more than 100000 elements"),
        ("SELECT @filled()", "vmesh doesn't know this format"),
        ("SELECT @looked()", "its values get too large"),
        ("SELECT @counted()", "vmesh doesn't know `enumerate` with these arguments"),
        ("SELECT @written(null)", "it decides by how an expression is written"),
        ("SELECT @summed(NOT a, 1)", "vmesh doesn't know this operator between an expression and an expression"),
    ];
    for (text, why) in cases {
        let problem = expanded(text).unwrap_err();
        let has_place = problem.what.contains("(macros/all.py:") || why.starts_with("gives several");
        assert!(problem.what.contains(why) && has_place, "{text}: {}", problem.what);
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

/// What Python or SQLMesh would do otherwise is refused: each body stands in a macro of `x` and `y`, which is called.
#[test]
fn what_would_come_out_otherwise_is_refused() {
    let cases = [
        ("x: exp.Column", "return x", "'a'"),
        ("x: t.Union[int, str]", "return x", "5"),
        ("x: t.Literal['a', 'b']", "return x", "'a'"),
        ("x: t.Tuple[str, int]", "return x", "(a, 5)"),
        ("x: t.List[str]", "return x", "(a)"),
        ("x: 't.List[str]'", "return x", "[a]"),
        ("x", "return exp.convert(['a'])", "1"),
        ("x", "return f'{(1, 2)}'", "1"),
        ("x", "return '1' if (1, 2) == [1, 2] else '2'", "1"),
        ("x", "return 'a.b.c'.split('.', maxsplit=1)", "1"),
        ("x", "return '%s' % ['a']", "1"),
        ("x", "return '%d' % 3.7", "1"),
        ("x", "return f'{True + 1}'", "1"),
        ("x", "return '1' if x.sql() == 'NULL' else '2'", "null"),
        ("x", "return '1' if x == exp.null() else '2'", "NULL"),
        ("x", "return x.name", "a::int"),
        ("x", "return x.name", "foo(a)"),
        ("x", "return x.name", "-1"),
        ("x", "return x.name", "true"),
        ("x", "return x.expressions", "foo(a, b)"),
        ("x", "return exp.column('a.b')", "1"),
        ("x", "return exp.column('a', db='b')", "1"),
        ("x", "return exp.cast(x, 'int8')", "1"),
        ("x", "return exp.func('REGEXP_REPLACE', x, 'a', 'b')", "1"),
        ("x", "return exp.Trim(this=x, position='LEADING')", "1"),
        ("x", "return exp.parse_one('1', dialect='mysql')", "1"),
        ("x", "return f'{int(\"10\", 16)}'", "1"),
        ("x", "return f'{sum([1, 2], start=10)}'", "1"),
        ("x", "return f'{max([9, 10], key=str)}'", "1"),
        ("x", "return f'{x!a}'", "1"),
        ("x", "return f'{1e16}'", "1"),
        ("x", "return f'{sum([9223372036854775807, 1])}'", "1"),
        ("x", "y = zip([1], [2])\n    return list(y)", "1"),
        ("x", "y = (i for i in [])\n    return '1' if y else '2'", "1"),
        ("x", "a = [1]\n    for i in a:\n        a.append(2)\n    return '1'", "1"),
        ("x, acc=[]", "acc.append('1')\n    return acc", "1"),
        ("x", "CONSTANT.append('1')\n    return CONSTANT", "1"),
        ("x", "return helper('a', a='b')", "1"),
        ("x", "return helper(A='b')", "1"),
        ("x", "return twice()", "1"),
        ("x", "return cached()", "1"),
        ("x", "return '1' if '\u{b2}'.isdigit() else '2'", "1"),
        ("x", "return evaluator.locals.get('dd', 'none')", "1"),
    ];
    let helpers = "CONSTANT = ['a']\n\ndef helper(a):\n    return a\n\ndef twice():\n    return '1'\n\ndef twice():\n    return '2'\n\n\
                   @cache\ndef cached():\n    return '1'\n";
    for (parameters, body, argument) in cases {
        let text = format!("{helpers}\n@macro()\ndef m(evaluator, {parameters}):\n    {body}\n");
        let problem = expanded_with(&text, &format!("SELECT @m({argument})")).map(|sql| panic!("{body}: {sql}"));
        let what = problem.unwrap_err().what;
        assert!(what.starts_with("in the macro `@m` (macros/all.py:"), "{body}: {what}");
    }
    let does_more = "X = 1\nX += 1\n\n@macro()\ndef m(evaluator):\n    return f'{X}'\n";
    assert!(expanded_with(does_more, "SELECT @m()").is_err());
}

#[test]
fn many_calls_have_no_more_than_one() {
    let file = "@macro()\ndef m(evaluator):\n    for i in range(5000):\n        x = i\n    return '1'\n";
    let calls = |n: usize| expanded_with(file, &format!("SELECT {}", vec!["@m()"; n].join(", "))).map(|_| ());
    assert_eq!(calls(2), Ok(()));
    assert!(calls(100).is_err_and(|problem| problem.what.contains("it takes more than 100000 steps")));
}
