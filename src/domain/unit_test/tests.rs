//! Tests of unit tests: what is read, what is refused, the SQL, and the way there and back of the writer.

use proptest::prelude::*;

use super::super::engine_kind::EngineKind;
use super::*;

fn one(text: &str) -> UnitTest {
    parse("tests/test_a.yaml", text).unwrap_or_else(|problems| panic!("{text}\n{problems:?}")).remove(0)
}

fn rows(text: &str) -> Vec<Row> {
    yaml_rows(text).unwrap()
}

fn types(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(name, kind)| ((*name).to_owned(), (*kind).to_owned())).collect()
}

#[test]
fn a_whole_test_is_read() {
    let text = "test_a:\n  model: '\"db\".sushi.\"Orders\"'\n  description: why\n  gateway: spark\n  schema: s\n  vars:\n    start: \
                2026-01-01\n    execution_time: '2026-01-02 00:00:00'\n    My_Var: 1\n  inputs:\n    sushi.a:\n      columns: {id: \
                int}\n      rows: &r\n      - id: 1\n    b: *r\n    c: {format: csv, csv_settings: {sep: '#'}, rows: \"id#s\\n1#x\\n\"}\n    \
                d: {query: SELECT 1}\n    e: {path: x.csv, format: csv}\n    f: {path: y.yaml}\n  outputs:\n    partial: true\n    \
                ctes:\n      one: {rows: []}\n    query:\n    - {id: 2, s: [a, {b: null}]}\ntest_b:\n  model: m\n  outputs: {query: \
                {partial: false, rows: []}}\n";
    let tests = parse("t.yaml", text).unwrap();
    let test = &tests[0];
    assert_eq!((test.name.as_str(), test.model.to_string()), ("test_a", "sushi.orders".to_owned()));
    assert_eq!((test.gateway.as_deref(), test.schema.as_deref()), (Some("spark"), Some("s")));
    let vars = &test.vars;
    assert_eq!((vars.start.as_deref(), vars.end.as_deref()), (Some("2026-01-01"), None));
    assert_eq!(vars.execution_time.as_deref(), Some("2026-01-02 00:00:00"));
    assert_eq!(vars.others, [("my_var".to_owned(), Value::Int(1))]);
    let data: Vec<&Data> = test.inputs.iter().map(|input| &input.data).collect();
    let id = vec![vec![("id".to_owned(), Value::Int(1))]];
    assert_eq!((data[0], data[1]), (&Data::Rows(id.clone()), &Data::Rows(id)));
    let csv = vec![vec![("id".to_owned(), Value::Int(1)), ("s".to_owned(), Value::Text("x".to_owned()))]];
    assert_eq!((data[2], data[3]), (&Data::Rows(csv), &Data::Query("SELECT 1".to_owned())));
    assert_eq!(data[4], &Data::CsvFile("x.csv".to_owned(), CsvSettings::default()));
    assert_eq!(data[5], &Data::YamlFile("y.yaml".to_owned()));
    assert_eq!(test.inputs[0].columns, types(&[("id", "int")]));
    assert_eq!((test.ctes.len(), test.ctes[0].1.partial), (1, true));
    assert!(test.query.as_ref().unwrap().partial && !tests[1].query.as_ref().unwrap().partial);
}

#[test]
fn values_keep_their_types() {
    let cases = [
        ("1", Value::Int(1)),
        ("-0x1f", Value::Int(-31)),
        ("007", Value::Int(7)),
        ("1_000", Value::Int(1000)),
        ("1.10", Value::Float("1.10".to_owned())),
        ("1e3", Value::Float("1e3".to_owned())),
        ("-.5", Value::Float("-0.5".to_owned())),
        ("-.inf", Value::Float("-inf".to_owned())),
        ("yes", Value::Text("yes".to_owned())),
        ("True", Value::Bool(true)),
        ("~", Value::Null),
        ("", Value::Null),
        ("''", Value::Text(String::new())),
        ("'1'", Value::Text("1".to_owned())),
        ("!!str 1", Value::Text("1".to_owned())),
        ("2024-01-31", Value::Time("2024-01-31".to_owned())),
        ("2024-01-31T10:00:00.5+02:00", Value::Time("2024-01-31T10:00:00.5+02:00".to_owned())),
        ("2024-01-3x", Value::Text("2024-01-3x".to_owned())),
        ("1.2.3", Value::Text("1.2.3".to_owned())),
        ("{1: a}", Value::Map(vec![(Value::Int(1), Value::Text("a".to_owned()))])),
        ("[]", Value::List(Vec::new())),
        ("|\n    two\n    lines", Value::Text("two\nlines\n".to_owned())),
    ];
    for (text, value) in cases {
        assert_eq!(rows(&format!("- a: {text}\n"))[0][0].1, value, "{text}");
    }
    let merged = rows("- &a {x: 1, y: 2}\n- {<<: *a, y: 3}\n");
    assert_eq!(merged[1], [("y".to_owned(), Value::Int(3)), ("x".to_owned(), Value::Int(1))]);
}

#[test]
fn what_is_wrong_is_pointed_at() {
    let head = "t:\n  model: a.b\n";
    let cases = [
        ("- 1\n", "expected tests by name", (1, 1)),
        ("t:\n  modell: a\n  outputs: {query: []}\n", "unknown key `modell` in test `t`", (2, 3)),
        ("t:\n  outputs: {query: []}\n", "test `t` names no model", (1, 1)),
        ("t:\n  model: {{ x }}\n  outputs: {query: []}\n", "expected a model's name", (2, 10)),
        ("t: 1\n", "test `t` is a map of model, description, schema, gateway, vars, inputs, outputs", (1, 4)),
        (head, "test `t` expects nothing", (1, 1)),
        ("é: {model: a, model: b}\n", "`model` is given twice", (1, 15)),
        (&format!("{head}  outputs: {{partial: true}}\n"), "`outputs` needs `query` or `ctes`", (3, 12)),
        (&format!("{head}  outputs: {{query: {{row: []}}}}\n"), "unknown key `row` in `query`", (3, 21)),
        (&format!("{head}  outputs:\n    query:\n    - 1\n"), "a row is a map of columns and values", (5, 7)),
        (&format!("{head}  outputs:\n    query:\n    - {{a: 1, A: 2}}\n"), "`A` is given twice", (5, 14)),
        (&format!("{head}  inputs:\n    x: {{rows: [], query: a}}\n"), "input `x` has a query and other rows", (4, 26)),
        (&format!("{head}  inputs:\n    x: {{rows: 'a,b'}}\n"), "rows are a list", (4, 15)),
        (&format!("{head}  inputs:\n    x: {{format: xls, rows: a}}\n"), "`format` is yaml or csv", (4, 17)),
        (&format!("{head}  inputs:\n    x: {{columns: {{}}}}\n"), "input `x` has no rows", (4, 8)),
        (&format!("{head}  inputs: {{x: [], X: []}}\n"), "`x` is given twice", (3, 19)),
        (&format!("{head}  vars: {{start: [1]}}\n"), "`start` is a time", (3, 17)),
        ("a: &a [*a]\n", "an alias inside of what it stands for", (1, 8)),
        ("a: 1\n---\nb: 1\n", "a second document", (2, 1)),
        ("a: 'x\n", "this is no YAML: ", (1, 4)),
    ];
    for (text, what, place) in cases {
        let problem = parse("t.yaml", text).unwrap_err().remove(0);
        assert!(problem.what.starts_with(what), "{text}\n{}", problem.what);
        assert_eq!(problem.at.unwrap().line_and_column(), place, "{text}");
    }
    let near = parse("t.yaml", "t:\n  modell: a\n").unwrap_err().remove(0);
    assert_eq!(near.help.as_deref(), Some("did you mean `model`?"));
}

#[test]
fn bombs_are_refused() {
    let mut bomb = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n".to_owned();
    for level in 1..10 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
    }
    assert_eq!(parse("t", &bomb).unwrap_err()[0].what, "more than 1000000 values, aliases included");
    let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
    assert_eq!(parse("t", &deep).unwrap_err()[0].what, "nested deeper than 64 levels");
}

#[test]
fn csv_columns_have_one_type() {
    let read = |text: &str| csv_rows(text, &CsvSettings::default()).unwrap();
    let column = |text: &str| read(text).into_iter().map(|row| row[0].1.clone()).collect::<Vec<_>>();
    let text = |text: &str| Value::Text(text.to_owned());
    assert_eq!(column("a\n1\n\n2\n"), [Value::Int(1), Value::Int(2)]);
    assert_eq!(column("a\n1\n2.5\n"), [Value::Float("1".to_owned()), Value::Float("2.5".to_owned())]);
    assert_eq!(column("a\n01\n2\n"), [text("01"), text("2")]);
    assert_eq!(column("a,b\nTrue,1\n,2\n"), [Value::Bool(true), Value::Null]);
    assert_eq!(column("a,b\r\n\"x,\"\"y\"\"\n\",1\r\n"), [text("x,\"y\"\n")]);
    assert_eq!(csv_rows("", &CsvSettings::default()), Err("the CSV has no header line".to_owned()));
    assert!(csv_rows("a\n1,2\n", &CsvSettings::default()).unwrap_err().contains("has 2 cells; the header has 1"));
    assert!(csv_rows("a\n\"x", &CsvSettings::default()).unwrap_err().contains("never closed"));
}

#[test]
fn fixtures_are_typed() {
    let cases = [
        ("[]", &[("a", "DATE")][..], "SELECT CAST(NULL AS DATE) AS \"a\" WHERE false"),
        (
            "[{a: 1, b: it's}, {B: x}]",
            &[],
            "SELECT * FROM (VALUES (1, CAST('it''s' AS VARCHAR)), (NULL, CAST('x' AS VARCHAR))) AS fixture(\"a\", \"b\")",
        ),
        (
            "[{x: 1, A: 1.10}]",
            &[("a", "DECIMAL(5,2)"), ("c", "INT")],
            "SELECT * FROM (VALUES (1, CAST(1.10 AS DECIMAL(5,2)), CAST(NULL AS INT))) AS fixture(\"x\", \"A\", \"c\")",
        ),
        (
            "[{a: {k: [1, x], l: 2024-01-01}, b: {1: .nan}, c: 2024-01-01}]",
            &[],
            "SELECT * FROM (VALUES ({'k': [CAST(1 AS VARCHAR), 'x'], 'l': '2024-01-01'}, \
             MAP {1: CAST('nan' AS DOUBLE)}, CAST('2024-01-01' AS DATE))) AS fixture(\"a\", \"b\", \"c\")",
        ),
        (
            "[{a: 2024-01-01 12:00:00+02:00}]",
            &[],
            "SELECT * FROM (VALUES (CAST('2024-01-01 10:00:00' AS TIMESTAMP))) AS fixture(\"a\")",
        ),
    ];
    for (given, kinds, sql) in cases {
        assert_eq!(fixture(EngineKind::DuckDb, &rows(given), &types(kinds)).unwrap(), sql, "{given}");
    }
    assert_eq!(fixture(EngineKind::DuckDb, &[], &[]), None);
}

#[test]
fn comparisons_know_their_columns() {
    let kinds = types(&[("a", "INTEGER"), ("b", "DOUBLE")]);
    let compare = |given: &str, partial| {
        let actual = Actual { engine: EngineKind::DuckDb, rows: "t", types: &kinds };
        Comparison::with_rows(actual, &rows(given), partial)
    };
    assert_eq!(compare("[{c: 1, A: 2}]", true).unwrap_err(), ["c"]);
    assert_eq!(compare("[{A: 2}]", true).unwrap().columns().collect::<Vec<_>>(), ["a"]);
    assert_eq!(compare("[{A: 2}]", false).unwrap().columns().collect::<Vec<_>>(), ["a", "b"]);
    assert!(compare("[{a: 2}]", true).unwrap().missing(3).contains("CAST(2 AS INTEGER)"));
    assert!(compare("[{a: 1.5}]", true).unwrap().missing(3).contains("('1.5'"));
}

/// A string that is easily taken for something else.
fn odd() -> impl Strategy<Value = String> {
    let known = [
        "",
        " x",
        "x ",
        "yes",
        "null",
        "~",
        "1e3",
        "2024-01-01",
        "a: b",
        "a #b",
        "- a",
        "'",
        "\"",
        "\\",
        "<<",
        "{{ x }}",
    ];
    prop_oneof![
        proptest::sample::select(known.to_vec()).prop_map(str::to_owned),
        "[ -~]{0,8}",
        "\\PC{0,6}",
        "[\n\r\t\u{85}\u{2028}\u{feff}\u{7f}\u{1f600}\u{e9}:#,'\"\\[\\]{}&*!|>%@`?-]{0,6}",
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(|number| Value::Int(number.into())),
        proptest::sample::select(vec!["1.10", "-2e3", "inf", "-inf", "nan", "0.5"])
            .prop_map(|text| Value::Float(text.to_owned())),
        proptest::sample::select(vec!["2024-01-01", "2024-01-01 10:00:00"])
            .prop_map(|text| Value::Time(text.to_owned())),
        odd().prop_map(Value::Text),
    ];
    leaf.prop_recursive(2, 12, 3, |inner| {
        let entry = (odd(), inner.clone());
        prop_oneof![
            prop::collection::vec(inner, 0..3).prop_map(Value::List),
            prop::collection::vec(entry, 0..3).prop_map(|mut entries| {
                entries.retain(|(key, _)| key != "<<");
                entries.sort_by(|a, b| a.0.cmp(&b.0));
                entries.dedup_by(|a, b| a.0 == b.0);
                Value::Map(entries.into_iter().map(|(key, value)| (Value::Text(key), value)).collect())
            }),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(names in prop::collection::vec(odd(), 1..4), values in prop::collection::vec(value(), 1..4)) {
        let mut names = names;
        names.retain(|name| name != "<<");
        let mut row: Row = Vec::new();
        for (name, value) in names.iter().zip(&values) {
            if !row.iter().any(|(other, _)| other.eq_ignore_ascii_case(name)) {
                row.push((name.clone(), value.clone()));
            }
        }
        let new = NewTest {
            name: format!("t{}", names.first().cloned().unwrap_or_default()),
            model: "a.b".to_owned(),
            inputs: vec![
                NewInput { model: "p.q".to_owned(), columns: Vec::new(), rows: vec![row.clone(), Vec::new()] },
                NewInput { model: "r".to_owned(), columns: types(&[("a", "DECIMAL(10,2)")]), rows: Vec::new() },
            ],
            ctes: vec![("c".to_owned(), vec![row.clone()])],
            query: vec![row.clone(), row.clone()],
            vars: vec![("start".to_owned(), Value::Time("2024-01-01".to_owned())), ("x".to_owned(), values[0].clone())],
        };
        let text = new.to_yaml();
        let test = one(&text);
        prop_assert_eq!(&test.name, &new.name);
        prop_assert_eq!(&test.inputs[0].data, &Data::Rows(new.inputs[0].rows.clone()), "{}", text);
        prop_assert_eq!(&test.inputs[1].data, &Data::Rows(Vec::new()));
        prop_assert_eq!(&test.inputs[1].columns, &new.inputs[1].columns);
        prop_assert_eq!(&test.ctes[0].1.data, &Data::Rows(new.ctes[0].1.clone()));
        prop_assert_eq!(&test.query.unwrap().data, &Data::Rows(new.query.clone()));
        prop_assert_eq!(test.vars.start.as_deref(), Some("2024-01-01"));
        prop_assert_eq!(&test.vars.others[0].1, &values[0]);
    }

    #[test]
    fn no_text_makes_it_panic(text in "[-a:\\[\\]{}&*<!|>'\"#?, \n\u{e9}1]{0,40}") {
        let _ = parse("t", &text);
    }
}

#[test]
fn a_new_test_looks_like_sqlmeshs() {
    let row =
        |id: i128| vec![("id".to_owned(), Value::Int(id)), ("day".to_owned(), Value::Time("2020-01-01".to_owned()))];
    let new = NewTest {
        name: "test_a".to_owned(),
        model: "s.a".to_owned(),
        inputs: vec![NewInput::new(
            "s.p".to_owned(),
            &types(&[("id", "BIGINT"), ("day", "DATE")]),
            vec![row(1), row(2)],
        )],
        query: vec![vec![("note".to_owned(), Value::Text("yes".to_owned()))]],
        vars: vec![("start".to_owned(), Value::Text("2020-01-01".to_owned()))],
        ..NewTest::default()
    };
    let text = "test_a:\n  model: s.a\n  inputs:\n    s.p:\n    - id: 1\n      day: 2020-01-01\n    - id: 2\n      \
                day: 2020-01-01\n  outputs:\n    query:\n    - note: 'yes'\n  vars:\n    start: '2020-01-01'\n";
    assert_eq!(new.to_yaml(), text);
}

#[test]
fn types_are_written_where_values_do_not_tell_them() {
    let kinds = types(&[("a", "DECIMAL(4,1)"), ("b", "VARCHAR"), ("c", "DATE"), ("d", "DOUBLE"), ("e", "INTEGER[]")]);
    let texts = [Some("1.0"), Some("x"), None, Some("1e+20"), Some("[1, 2]")];
    let row = kinds.iter().zip(texts).map(|((name, kind), text)| (name.clone(), value_of(text, kind))).collect();
    let input = NewInput::new("p".to_owned(), &kinds, vec![row]);
    assert_eq!(input.columns, types(&[("a", "DECIMAL(4,1)"), ("c", "DATE"), ("e", "INTEGER[]")]));
    let new = NewTest { name: "t".to_owned(), model: "m".to_owned(), inputs: vec![input], ..NewTest::default() };
    let text = "t:\n  model: m\n  inputs:\n    p:\n      columns:\n        a: 'DECIMAL(4,1)'\n        c: DATE\n        \
                e: 'INTEGER[]'\n      rows:\n      - a: 1.0\n        b: x\n        c: null\n        d: 1e+20\n        \
                e: '[1, 2]'\n  outputs:\n    query: []\n";
    assert_eq!(new.to_yaml(), text);
    assert_eq!(one(text).inputs[0].columns, new.inputs[0].columns);
}
