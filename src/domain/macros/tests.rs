//! What each macro comes to, what is wrong, and that nothing breaks it.

use proptest::prelude::*;

use super::*;
use crate::domain::sql;

const MACROS: &str = "MACRO double(a) AS @a + @a;
-- with a default
macro cents(amount, scale := 100) AS\n  CAST(@amount * @scale AS BIGINT) -- whole\n;
MACRO listed(cols, of) AS @EACH(@cols, c -> @of.@{c} AS @{of}_@{c});
MACRO forever(a) AS @forever(@a);
MACRO broken(a) AS @a + @missing;";

const JINJA: &str = "{% macro cents(col, scale=100) -%}\n  ({{ col }} / {{ scale }})\n{%- endmacro %}\n\
                     {% macro twice(c) %}{{ cents(c) }} * 2{% endmacro %}\n{% macro bad() %}{{ missing }}{% endmacro %}";

fn with_scope<T>(run: impl FnOnce(&Scope<'_>) -> T) -> T {
    let config: Variables = [
        ("X", Value::Text("b".into())),
        ("n", Value::Int(5)),
        ("neg", Value::Int(-1)),
        ("rate", Value::Float(0.5)),
        ("list", Value::List(vec![Value::Int(1), Value::Int(2)])),
        ("names", Value::List(vec![Value::Text("a".into()), Value::Text("b".into())])),
        ("quote", Value::Text("it's".into())),
        ("odd", Value::Text("a-b".into())),
        ("on", Value::Bool(true)),
        ("off", Value::Bool(false)),
        ("nothing", Value::Null),
        ("both", Value::Text("config".into())),
    ]
    .into_iter()
    .collect();
    let blueprint: Variables =
        [("customer", Value::Sql("acme".into())), ("both", Value::Text("blueprint".into()))].into_iter().collect();
    let named: Variables = [
        ("this_model", Value::Sql("\"cat\".\"sch\".\"tab\"".into())),
        ("gateway", Value::Text("duckdb".into())),
        ("runtime_stage", Value::Text("evaluating".into())),
    ]
    .into_iter()
    .collect();
    let locals: Locals = [
        ("local".to_owned(), Local::Value("a + b".to_owned())),
        ("plus".to_owned(), Local::Lambda { parameters: vec!["p".into(), "q".into()], body: "p + @q".to_owned() }),
    ]
    .into();
    let mut macros = Macros::default();
    for item in read_macros("macros/m.sql", MACROS).unwrap() {
        macros.add(item);
    }
    for mut item in read_macros("macros/j.sql", JINJA).unwrap() {
        item.name = if item.name == "cents" { "jcents".to_owned() } else { item.name };
        item.body = match item.body {
            Body::Jinja(source) => Body::Jinja(source.replace("cents(", "jcents(")),
            body => body,
        };
        macros.add(item);
    }
    let time = |name: &str| match name {
        "start_ds" => Some("'2024-01-31'".to_owned()),
        "start_date" => Some("CAST('2024-01-31' AS DATE)".to_owned()),
        _ => None,
    };
    let columns_of = |name: &[String]| -> Option<Vec<(String, Option<String>)>> {
        let typed = |columns: &[(&str, &str)]| {
            Some(columns.iter().map(|(name, r#type)| ((*name).to_owned(), Some((*r#type).to_owned()))).collect())
        };
        match name.last()?.as_str() {
            "foo" => typed(&[("a", "INT"), ("b", "TEXT"), ("c", "TEXT")]),
            "bar" => typed(&[("c", "TEXT"), ("a", "INT"), ("b", "INT")]),
            "loose" => Some(vec![("a".to_owned(), None), ("B c".to_owned(), Some("INT".to_owned()))]),
            _ => None,
        }
    };
    run(&Scope {
        config: &config,
        blueprint: &blueprint,
        locals: &locals,
        named: &named,
        time: &time,
        columns_of: &columns_of,
        macros: &macros,
    })
}

fn expanded(text: &str) -> Result<Expanded, Problem> {
    with_scope(|scope| expand(text, scope))
}

fn check(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        let result = expanded(text).map(|expanded| expanded.text);
        assert_eq!(result.as_deref().map_err(|problem| &problem.what), Ok(*expected), "{text}");
    }
}

#[test]
fn text_outside_of_macros_stays() {
    for text in [
        "",
        "SELECT  1 -- @x\n",
        "SELECT '@x', @ -5, a @> b, a <@ b, a <@b, 'x' ^@ 'y', $1",
        "/* @EACH( */ SELECT \"me@home\"",
    ] {
        check(&[(text, text)]);
    }
}

#[test]
fn what_is_dynamic() {
    for (text, expected) in [
        ("SELECT @x", true),
        ("SELECT foo_@{x}", true),
        ("SELECT @'a'", true),
        ("SELECT {{ x }}", true),
        ("{% if a %}", true),
        ("SELECT \"a_@{x}\"", true),
        ("SELECT @ -5, @ x", false),
        ("SELECT a @> b, a <@ b, a <@b, a ^@ b, '@x', 1 -- @x", false),
    ] {
        assert_eq!(is_dynamic(&sql::lex(text).unwrap()), expected, "{text}");
    }
}

#[test]
fn variables() {
    check(&[
        ("SELECT @x, @X, @n, @rate, @on, @nothing", "SELECT 'b', 'b', 5, 0.5, TRUE, NULL"),
        ("SELECT @quote, @list, a IN @list", "SELECT 'it''s', (1, 2), a IN (1, 2)"),
        ("SELECT @{x}, foo_@{x}, @{x}_@{n}_c, pre_@x, @{x}.y, @{x}2.z", "SELECT b, foo_b, b_5_c, pre_b, b.y, b2.z"),
        ("SELECT foo_@{odd}, \"a @{x}\", \"@x\", \"@nope\"", "SELECT \"foo_a-b\", \"a b\", \"b\", \"@nope\""),
        ("SELECT @'t @{x} @n @quote @nope @@x', @\"q @x\"", "SELECT 't b 5 it''s @nope @x', 'q b'"),
        ("SELECT a-@neg, @neg::INT, @neg", "SELECT a-(-1), (-1)::INT, -1"),
        ("SELECT 1 AS @x FROM @x.t", "SELECT 1 AS \"b\" FROM \"b\".t"),
        ("SELECT @both, @customer, @{customer}_t, @local * 2", "SELECT 'blueprint', acme, acme_t, a + b * 2"),
        (
            "SELECT @start_ds, @Start_Date, 'p_@{start_ds}', @'p_@{start_ds}'",
            "SELECT '2024-01-31', CAST('2024-01-31' AS DATE), 'p_@{start_ds}', 'p_2024-01-31'",
        ),
        ("SELECT * FROM @this_model", "SELECT * FROM \"cat\".\"sch\".\"tab\""),
        (
            "SELECT @VAR('x'), @var('zz', 7), @VAR('zz'), @VAR('gateway'), @BLUEPRINT_VAR('customer')",
            "SELECT 'b', 7, NULL, 'duckdb', acme",
        ),
    ]);
    let used = expanded("SELECT @X, @start_ds, foo_@{n}, @VAR('list'), @IF(@off, @rate, 1)").unwrap().variables_used;
    assert_eq!(used.into_iter().collect::<Vec<_>>(), ["list", "n", "off", "start_ds", "x"]);
}

#[test]
fn each_reduce_filter() {
    check(&[
        ("SELECT @EACH([a, b], x -> x)", "SELECT a, b"),
        (
            "SELECT @each(['a', 'b'], x -> @x + @{x}_z + @n + @{n}_@{x})",
            "SELECT 'a' + a_z + 5 + \"5_a\", 'b' + b_z + 5 + \"5_b\"",
        ),
        ("SELECT @EACH(a, b, c, x -> x + 1)", "SELECT a + 1, b + 1, c + 1"),
        ("SELECT @EACH([(a, b), (c, d)], (x, y) -> x AS y)", "SELECT a AS b, c AS d"),
        ("SELECT @EACH([(a, b), (c, d)], x -> x)", "SELECT a, c"),
        ("SELECT @EACH(['a', 'b,c'], x -> x = y AS is_@{x},)", "SELECT 'a' = y AS is_a, 'b,c' = y AS \"is_b,c\""),
        ("SELECT @EACH(@list, x -> x), @EACH([@list], x -> x), @EACH(@names, x -> @{x})", "SELECT 1, 2, 1, a, b"),
        (
            "SELECT @EACH([a], x -> t.x), @EACH([a], x -> x.y), @EACH([f], x -> x(1)), @EACH(['a'], x -> 1 AS x)",
            "SELECT t.a, a.y, x(1), 1 AS \"a\"",
        ),
        ("SELECT 1, @EACH([], x -> x), 2", "SELECT 1 , 2"),
        ("SELECT @EACH([], x -> x), 2", "SELECT  2"),
        ("SELECT 1, @EACH([], x -> x) FROM t", "SELECT 1  FROM t"),
        ("SELECT @EACH([1, 2, 3], x -> @IF(@x > 1, @x))", "SELECT 2, 3"),
        ("SELECT @EACH([a, b], x -> @EACH([c, d], y -> @x + y))", "SELECT a + c, a + d, b + c, b + d"),
        ("SELECT @EACH([a, b], x -> @SAFE_DIV(@x, x))", "SELECT a / NULLIF(x, 0), b / NULLIF(x, 0)"),
        ("SELECT @EACH([a, NULL], x -> x)", "SELECT a, NULL"),
        ("SELECT @EACH([1, 2], i -> 'n @i'), @EACH([1, 2], i -> @'n @i')", "SELECT 'n @i', 'n @i', 'n 1', 'n 2'"),
        ("SELECT @EACH([\"A b\"], x -> @{x}_z), @EACH([\"A b\"], x -> x)", "SELECT \"A b_z\", \"A b\""),
        ("SELECT @EACH([a, /* b, */ c], x -> x), d", "SELECT a, c, d"),
        ("SELECT @EACH(\n  [a, -- the first\n   b],\n  x -> x\n)\nFROM t", "SELECT a, b\n\n\n\n\nFROM t"),
        (
            "SELECT @REDUCE([1, 2, 3], (x, y) -> x + y), @REDUCE([a + 1, b], (x, y) -> x * y)",
            "SELECT 1 + 2 + 3, a + 1 * b",
        ),
        ("SELECT @REDUCE(@EACH([a, b], x -> c LIKE x), (x, y) -> x OR y)", "SELECT c LIKE a OR c LIKE b"),
        ("SELECT @FILTER([1, 2, 3], x -> x > 1), @FILTER(['a', 'b'], x -> x = 'a')", "SELECT 2, 3, 'a'"),
        ("SELECT @SQL(@REDUCE(@FILTER([100, 200, 300], x -> x > 150), (x, y) -> x + y))", "SELECT 500"),
        (
            "SELECT @EACH(['a'], x -> CASE WHEN y = x THEN 1 END AS @SQL('is_@x'))",
            "SELECT CASE WHEN y = 'a' THEN 1 END AS is_a",
        ),
    ]);
}

#[test]
fn conditions() {
    check(&[
        ("SELECT @IF(TRUE, 1, 0), @if(1 > 2, 1, 0), @IF(@gateway = 'duckdb', a, b)", "SELECT 1, 0, a"),
        ("SELECT @IF('a' = 'b', c), d", "SELECT  d"),
        ("SELECT a, @IF(FALSE, b), c", "SELECT a , c"),
        ("SELECT a,\n  @IF(FALSE, b), @IF(FALSE, c)\nFROM t", "SELECT a\n   \nFROM t"),
        ("SELECT @IF(FALSE, a), @IF(FALSE, b), c", "SELECT   c"),
        ("SELECT f(a, @IF(FALSE, b)), g(@IF(FALSE, b))", "SELECT f(a ), g()"),
        ("@IF(@runtime_stage = 'evaluating', CREATE INDEX i ON t (a, b))", "CREATE INDEX i ON t (a, b)"),
        ("@IF(@runtime_stage = 'evaluating', GRANT SELECT, INSERT ON t TO u)", "GRANT SELECT, INSERT ON t TO u"),
        ("@IF(@runtime_stage = 'creating', DROP TABLE t)", ""),
        ("@IF(@off, SELECT a, b FROM t, SELECT c, d FROM u)", "SELECT c, d FROM u"),
        (
            "SELECT @IF(NULL, 1, 2), @IF('', 1, 2), @IF('x' IN @names, 1, 2), @IF(@nothing IS NULL, 1, 2)",
            "SELECT 2, 2, 2, 1",
        ),
        ("SELECT @IF(@on, a, @STAR(nowhere))", "SELECT a"),
        ("SELECT @EVAL(1 + 2 * @n), @EVAL(@rate * 2), @EVAL(NULL)", "SELECT 11, 1.0 "),
        (
            "SELECT @SQL('@x + 1'), @SQL(1 + 2), @SQL(a + b), @SQL('@EACH([1, 2], x -> x)')",
            "SELECT b + 1, 3, a + b, 1, 2",
        ),
        (
            "WHERE @AND(a OR b, NULL, c), @OR(a AND b, c), @AND(), @AND(a OR b), @OR(@IF(FALSE, a), b)",
            "WHERE (a OR b) AND c, (a AND b) OR c, TRUE, a OR b, b",
        ),
        ("WHERE @AND(@EACH([a, b], x -> x = 1))", "WHERE a = 1 AND b = 1"),
    ]);
}

#[test]
fn clauses() {
    check(&[
        ("@WITH(@on) c AS (SELECT 1) SELECT c", "WITH c AS (SELECT 1) SELECT c"),
        ("@WITH(@off) c AS (SELECT 1), d(x) AS MATERIALIZED (SELECT 2) SELECT 1", "  SELECT 1"),
        ("SELECT * FROM a LEFT OUTER @JOIN(@on) b ON a.x = b.x", "SELECT * FROM a LEFT OUTER JOIN b ON a.x = b.x"),
        (
            "SELECT * FROM a LEFT OUTER @JOIN(@off) b ON left(a.x, 1) = b.x\nLEFT JOIN c USING (y)",
            "SELECT * FROM a  \nLEFT JOIN c USING (y)",
        ),
        (
            "SELECT * FROM a @JOIN(FALSE) b ON x @WHERE(1 = 2) c @GROUP_BY(TRUE) a ORDER BY 1",
            "SELECT * FROM a     GROUP BY a ORDER BY 1",
        ),
        ("SELECT a FROM t @WHERE(@n > 5) b\n  AND c\nGROUP BY a", "SELECT a FROM t  \n\nGROUP BY a"),
        ("(SELECT a FROM t @WHERE(@n > 4) b) UNION SELECT 1", "(SELECT a FROM t WHERE b) UNION SELECT 1"),
        ("(SELECT a FROM t @WHERE(@off) b > (SELECT 1 WHERE 2)) UNION SELECT 1", "(SELECT a FROM t  ) UNION SELECT 1"),
        (
            "SELECT a, b FROM t GROUP BY a @HAVING(@on) count(*) > 1 @ORDER_BY(@off) a, b @LIMIT(@on) 10",
            "SELECT a, b FROM t GROUP BY a HAVING count(*) > 1   LIMIT 10",
        ),
    ]);
}

#[test]
fn generated_sql() {
    check(&[
        (
            "SELECT @STAR(foo)",
            "SELECT CAST(\"foo\".\"a\" AS INT) AS \"a\", CAST(\"foo\".\"b\" AS TEXT) AS \"b\", CAST(\"foo\".\"c\" AS TEXT) AS \"c\"",
        ),
        (
            "SELECT @star(s.foo, f, exclude := [A], prefix := 'p_', suffix := '_s', quote_identifiers := FALSE)",
            "SELECT CAST(f.b AS TEXT) AS p_b_s, CAST(f.c AS TEXT) AS p_c_s",
        ),
        ("SELECT 1, @STAR(loose, exclude := (a, \"b c\"))", "SELECT 1 "),
        ("SELECT @STAR(loose)", "SELECT \"loose\".\"a\" AS \"a\", \"loose\".\"B c\" AS \"B c\""),
        (
            "@UNION('distinct', foo, bar)",
            "SELECT CAST(\"a\" AS INT) AS \"a\", CAST(\"c\" AS TEXT) AS \"c\" FROM foo UNION SELECT CAST(\"a\" AS INT) AS \"a\", CAST(\"c\" AS TEXT) AS \"c\" FROM bar",
        ),
        ("@UNION(1 > 2, foo, bar)", "SELECT CAST(\"a\" AS INT) AS \"a\", CAST(\"c\" AS TEXT) AS \"c\" FROM foo"),
        (
            "SELECT @GENERATE_SURROGATE_KEY(a, b, hash_function := 'SHA256')",
            "SELECT SHA256(CONCAT(COALESCE(CAST(a AS TEXT), '_sqlmesh_surrogate_key_null_'), '|', COALESCE(CAST(b AS TEXT), '_sqlmesh_surrogate_key_null_')))",
        ),
        (
            "SELECT @SAFE_ADD(a + 1, b)",
            "SELECT CASE WHEN (a + 1) IS NULL AND b IS NULL THEN NULL ELSE COALESCE(a + 1, 0) + COALESCE(b, 0) END",
        ),
        (
            "SELECT @SAFE_SUB(a, b), @SAFE_DIV(a + b, c + d)",
            "SELECT CASE WHEN a IS NULL AND b IS NULL THEN NULL ELSE COALESCE(a, 0) - COALESCE(b, 0) END, (a + b) / NULLIF(c + d, 0)",
        ),
        (
            "SELECT @HAVERSINE_DISTANCE(a, b + 1, c, d, 'km')",
            "SELECT 7922 * ASIN(SQRT((POWER(SIN(RADIANS((c - a) / 2)), 2)) + (COS(RADIANS(a)) * COS(RADIANS(c)) * POWER(SIN(RADIANS((d - (b + 1)) / 2)), 2)))) * 1.60934",
        ),
        (
            "SELECT @PIVOT(s, ['a', 'b c'])",
            "SELECT SUM(CASE WHEN s = 'a' THEN 1 ELSE 0 END) AS \"a\", SUM(CASE WHEN s = 'b c' THEN 1 ELSE 0 END) AS \"b c\"",
        ),
        (
            "SELECT @PIVOT(s, @names, agg := 'COUNT', prefix := 'p_', then_value := 'y', else_value := NULL, quote := FALSE, distinct := TRUE)",
            "SELECT COUNT(DISTINCT CASE WHEN s = 'a' THEN 'y' ELSE NULL END) AS p_a, COUNT(DISTINCT CASE WHEN s = 'b' THEN 'y' ELSE NULL END) AS p_b",
        ),
        ("SELECT @PIVOT(a + 1, [1], FALSE, cmp := '>')", "SELECT SUM(CASE WHEN a + 1 > 1 THEN 1 ELSE 0 END)"),
        (
            "@DEDUPLICATE(foo, [a, b::date], ['c desc', '@{x}'])",
            "SELECT * FROM foo QUALIFY ROW_NUMBER() OVER (PARTITION BY a, b::date ORDER BY c desc, b) = 1",
        ),
        (
            "@DATE_SPINE('quarter', '2022-01-01', '2022-12-31')",
            "SELECT date_quarter FROM UNNEST(CAST(GENERATE_SERIES(CAST('2022-01-01' AS DATE), CAST('2022-12-31' AS DATE), INTERVAL '1' QUARTER) AS DATE[])) AS _exploded(date_quarter)",
        ),
        (
            "@RESOLVE_TEMPLATE('s3://@{catalog_name}/@{schema_name}/@{table_name}'), @RESOLVE_TEMPLATE('@{schema_name}.x-@{table_name}', mode := 'table')",
            "'s3://cat/sch/tab', sch.\"x-tab\"",
        ),
    ]);
    let asked = expanded("SELECT @STAR(s.foo) FROM s.foo").unwrap().relations_asked;
    assert_eq!(asked.into_iter().collect::<Vec<_>>(), [["s", "foo"]]);
}

#[test]
fn definitions() {
    check(&[
        ("@DEF(y, a + 1); SELECT @y, @Y", "; SELECT a + 1, a + 1"),
        ("@DEF('y', a + 1); @DEF(\"z\", 2); SELECT @y, @z", "; ; SELECT a + 1, 2"),
        ("@DEF(f, x -> x + 1); SELECT @f(2) * 3, @F(a * b)", "; SELECT 2 + 1 * 3, a * b + 1"),
        ("@DEF(y, [a, b]); @DEF(z, @y); SELECT @EACH(@z, x -> x)", "; ; SELECT a, b"),
        ("SELECT @plus(a, b), @plus((1, 2))", "SELECT a + b, 1 + 2"),
        ("SELECT @double(a), @double( a => 1 )", "SELECT a + a, a => 1 + a => 1"),
        ("SELECT @cents(a), @CENTS(a, scale := @n)", "SELECT CAST(a * 100 AS BIGINT), CAST(a * 5 AS BIGINT)"),
        ("SELECT @listed([a, b], t), c", "SELECT t.a AS t_a, t.b AS t_b, c"),
        ("SELECT @listed(@EACH([a, b], x -> x), of := t), c", "SELECT t.a AS t_a, t.b AS t_b, c"),
    ]);
    let expanded = expanded("@DEF(Y, 'q'); @DEF(f, (a, b) -> a || b); SELECT @cents(1)").unwrap();
    assert_eq!(expanded.defined["y"], Local::Value("'q'".to_owned()));
    assert_eq!(
        expanded.defined["f"],
        Local::Lambda { parameters: vec!["a".into(), "b".into()], body: "a || b".into() }
    );
    assert_eq!(expanded.macros_used.into_iter().collect::<Vec<_>>(), ["cents"]);
}

#[test]
fn jinja() {
    check(&[
        (
            "SELECT {{ x }}, '{{ start_ds }}', {{ start_date }}, {{ var('N') }}, {{ var('zz', 3) }} FROM {{ this_model }}",
            "SELECT b, '2024-01-31', 2024-01-31, 5, 3 FROM \"cat\".\"sch\".\"tab\"",
        ),
        ("SELECT {% for i in range(3) %}c{{ i }}{% if not loop.last %}, {% endif %}{% endfor %}", "SELECT c0, c1, c2"),
        ("SELECT 1\n{%- if off %}, 2{% elif on %}, 3{% else %}, 4{% endif %}\nFROM t", "SELECT 1, 3\nFROM t"),
        ("JINJA_QUERY_BEGIN;\nSELECT {{ x }}\nJINJA_END;", "                  \nSELECT b\n         ;"),
        ("SELECT {{ jcents('a') }}, {{ twice('b') }}", "SELECT (a / 100), (b / 100) * 2"),
        ("{% set c = ['a', 'b'] %}SELECT {{ c | join(', ') }}, {{ 'x' ~ c[0] | upper }}{# note #}", "SELECT a, b, xA"),
        ("{% macro m(a, b=[1, 2]) %}f({{ a }}, {{ b | length }}){% endmacro %}SELECT {{ m('q') }}", "SELECT f(q, 2)"),
        ("{% set t %}a{{ n }}{% endset %}SELECT {{ t }}, @x, @EACH([{{ t }}], v -> v + 1)", "SELECT a5, 'b', a5 + 1"),
        ("SELECT {% raw %}'{{ x }}'{% endraw %}", "SELECT '{{ x }}'"),
        ("SELECT '{{ x }}'", "SELECT '{{ x }}'"),
        (
            "{% if x is defined and zz is not defined %}SELECT {{ names | map('upper') | join('-') }}{% endif %}",
            "SELECT A-B",
        ),
    ]);
    let used = expanded("SELECT {{ X }}, {{ var('n') }}, {{ jcents('a') }} -- {{ rate }}").unwrap();
    assert_eq!(used.variables_used.into_iter().collect::<Vec<_>>(), ["n", "rate", "x"]);
    assert_eq!(used.macros_used.into_iter().collect::<Vec<_>>(), ["jcents"]);
}

#[test]
fn lists_and_dicts_of_jinja_change_in_place() {
    check(&[
        (
            "{% set xs = [] %}{% for i in range(3) %}{% do xs.append('c' ~ i) %}{% endfor %}SELECT {{ xs | join(', ') }}",
            "SELECT c0, c1, c2",
        ),
        (
            "{% set xs = ['a'] %}{% set _ = xs.extend(['b', 'c']) %}{% do xs.insert(0, 'z') %}SELECT {{ xs|join(',') }}",
            "SELECT z,a,b,c",
        ),
        (
            "{% set xs = [3, 1, 2] %}{% do xs.sort(reverse=true) %}{{ xs.pop() }} {{ xs[-1] }} {{ xs|length }} {{ xs.index(3) }}",
            "1 2 2 0",
        ),
        (
            "{% set d = {} %}{% do d.update({'b': 1}) %}{% do d.update(a=2) %}{% for k, v in d.items() %}{{ k }}={{ v }} {% endfor %}",
            "b=1 a=2 ",
        ),
        (
            "{% set d = {'x': 1} %}{% do d.setdefault('x', 9) %}{{ d.get('x') }}{{ d.get('y', 7) }}{{ d.pop('x') }}{{ d.keys()|list|length }}",
            "1710",
        ),
        (
            "{% set ns = namespace(n=0, xs=[]) %}{% for i in range(4) %}{% set ns.n = ns.n + i %}{% do ns.xs.append(i) %}{% endfor %}{{ ns.n }}{{ ns.xs|join }}",
            "60123",
        ),
        ("{% set a = [] %}{% set b = a %}{% do b.append(1) %}{{ a|length }}", "1"),
        ("{% set a = [1] %}{% do a.append(a) %}{{ a }}", "[1, [1]]"),
        ("{% macro add(xs) %}{% do xs.append(5) %}{% endmacro %}{% set xs = [] %}{{ add(xs) }}{{ xs[0] }}", "5"),
    ]);
}

#[test]
fn values_of_jinja_have_the_methods_of_python() {
    check(&[
        (
            "{{ 'a_b'.upper() }} {{ 'A'.lower() }} {{ 'a,b'.split(',')[1] }} {{ 'ab'.replace('b', 'c') }} {{ ' x '.strip() }}",
            "A_B a b ac x",
        ),
        (
            "{{ 'ab'.startswith('a') }} {{ 'ab'.endswith('a') }} {{ ', '.join(['a', 'b']) }} {{ 'ab'.count('') }} {{ 'ab'.count('b') }}",
            "True False a, b 3 1",
        ),
        (
            "{{ '{}_{x}'.format('a', x=1) }} {{ '%s_%02d' % ('a', 7) }} {{ '%s' % names[0]|upper }}{{ 'x%s' % 'y' }}",
            "a_1 a_07 Axy",
        ),
        ("{{ '%s-%s'|format('a', 'b') }} {{ 7 % 4 }} {{ '%' }}", "a-b 3 %"),
        ("{{ {'b': [1, 'x'], 'a': none} | tojson }}", "{\"b\": [1, \"x\"], \"a\": null}"),
        ("{{ \"it's <b>\" | tojson }}", "\"it\\u0027s \\u003cb\\u003e\""),
        (
            "{% for i in range(9) %}{% if i == 1 %}{% continue %}{% endif %}{% if i == 4 %}{% break %}{% endif %}{{ i }}{% endfor %}",
            "023",
        ),
        ("{{ dict(a=1).a }}{{ 'aaa'.replace('a', 'b', 2) }}", "1bba"),
    ]);
}

#[test]
fn what_changes_in_place_has_bounds() {
    let nested =
        "{% set ns = namespace() %}".to_owned() + &"{% set ns.a = {'x': ns.a|default(1), 'y': [ns, ns]} %}".repeat(40);
    for (text, what) in [
        (
            "{% set xs = ['aaaaaaaa'] %}{% for i in range(99) %}{% do xs.extend(xs) %}{% endfor %}{{ xs|length }}",
            "too long",
        ),
        ("{% set xs = [1] %}{% for i in range(99) %}{% do xs.append(xs) %}{% endfor %}{{ xs|length }}", "too long"),
        ("{% set d = {'k': 1} %}{% for i in range(99) %}{% do d.update({i: d}) %}{% endfor %}{{ d }}", "too long"),
        (
            "{% set ns = namespace() %}{% set ns.me = ns %}{% set ns.me = ns %}{% for i in range(50) %}{% set ns.me = [ns, ns] %}{% endfor %}{{ ns ~ '' }}",
            "too long",
        ),
        ("{{ '%99999999d' % 1 }}", "too long"),
        ("{{ '%*d' % (99999999, 1) }}", "multiplies only once"),
        ("{{ '{:99999999}'.format(1) }}", "too long"),
        ("{{ '{:{}}'.format(1, 99999999) }}", "too long"),
        ("{% set x = 'a' * 99 %}{% set y = x.replace('a', x) %}{{ y.replace('a', y) }}", "too long"),
        (nested.as_str(), "too long"),
        ("{% set xs = [1] %}{{ xs.push(2) }}", "push"),
        ("{% set xs = [] %}{{ xs.pop() }}", "no such item"),
        ("{% set d = {} %}{% do d.update({[1]: 2}) %}", "a key is a string or a number"),
    ] {
        let problem = expanded(text).unwrap_err();
        assert!(problem.what.contains(what), "{text}\n{}", problem.what);
    }
}

#[test]
fn what_is_wrong_is_pointed_at() {
    let cases = [
        ("SELECT @xx", "undefined variable `@xx`", "@xx", "did you mean `@x`?"),
        ("SELECT a_@{name}", "undefined variable `@name`", "a_@{name}", "did you mean `@names`?"),
        ("SELECT @start_dz", "undefined variable `@start_dz`", "@start_dz", "did you mean `@start_ds`?"),
        (
            "SELECT @unheard_of",
            "undefined variable `@unheard_of`",
            "@unheard_of",
            "define it in the project's variables",
        ),
        ("SELECT @double", "undefined variable `@double`", "@double", "is a macro: call it with parentheses"),
        ("SELECT @eahc([a], x -> x)", "unknown macro `@eahc`", "@eahc", "did you mean `@each`?"),
        (
            "SELECT @my_python(a)",
            "unknown macro `@my_python`",
            "@my_python",
            "write `MACRO my_python(a, b) AS …;` in macros/my_python.sql",
        ),
        ("SELECT @EACH([a], x)", "the last argument of `@EACH` is a function: `x -> …`", "x", ""),
        ("SELECT @EACH([a], x -> @yy)", "undefined variable `@yy`", "@yy", "@DEF(yy, …)"),
        ("SELECT @IF(@x", "this `(` is never closed", "(", ""),
        (
            "SELECT @IF(y = 1, 2)",
            "`y` is a name, not a constant; a string stands in single quotes",
            "@IF(y = 1, 2)",
            "worked out before",
        ),
        (
            "SELECT a WHERE b AND @IF(FALSE, c)",
            "this gives nothing here, and `AND` needs something beside it",
            "@IF(FALSE, c)",
            "give it a value",
        ),
        (
            "SELECT @IF(FALSE, 1) AS x",
            "this gives nothing here, and `AS` needs something beside it",
            "@IF(FALSE, 1)",
            "",
        ),
        ("SELECT @STAR(nowhere)", "the columns of `nowhere` are not known", "@STAR(nowhere)", "columns (…)"),
        (
            "SELECT @STAR(foo, exclud := [a])",
            "`@STAR` has no parameter `exclud`",
            "@STAR(foo, exclud := [a])",
            "exclude",
        ),
        ("SELECT @cents()", "`@cents` needs a value for `amount`", "@cents()", "cents(amount, scale)"),
        ("SELECT @double(1, 2)", "`@double` takes 1 arguments, not 2", "@double(1, 2)", "double(a)"),
        (
            "SELECT @broken(1)",
            "in the macro `broken` (macros/m.sql:8:25): undefined variable `@missing`",
            "@broken(1)",
            "",
        ),
        (
            "SELECT @DATE_SPINE('hour', '2022-01-01', '2022-01-02')",
            "the date part is 'day', 'week', 'month', 'quarter' or 'year', not 'hour'",
            "@DATE_SPINE('hour', '2022-01-01', '2022-01-02')",
            "",
        ),
        ("SELECT 'a", "this string never ends", "'", ""),
        ("SELECT 1,\n {{ xx }}", "undefined variable `xx` in Jinja", "xx", "did you mean `x`?"),
        ("SELECT {% if %}", "Jinja: unexpected end of block", "%}", ""),
        ("SELECT {{ bad() }}", "in the macro `bad`: undefined variable `missing` in Jinja", "{{ bad() }}", ""),
        ("SELECT {{ x", "this Jinja tag never ends", "{{", ""),
        ("{% include 'a' %}", "other templates can't be loaded", "{% include 'a' %}", ""),
        ("SELECT {{ x }}, @yyy", "undefined variable `@yyy`", "@yyy", ""),
        ("SELECT @metric(a)", "`@metric` is not supported", "@metric(a)", ""),
    ];
    for (text, what, place, help) in cases {
        let problem = expanded(text).unwrap_err();
        let found = (problem.what.as_str(), &text[problem.span]);
        assert_eq!(found, (what, place), "{text}");
        let given = problem.help.unwrap_or_default();
        assert!(given.contains(help), "{text}: {given}");
    }
}

#[test]
fn places_lead_back() {
    let text = "SELECT a, @IF(FALSE, b),\n @EACH([c, d], x -> x), {{ n }}, e";
    let expanded = expanded(text).unwrap();
    assert_eq!(expanded.text, "SELECT a ,\n c, d, 5, e");
    let back = |found: &str| {
        let at = expanded.text.find(found).unwrap();
        &text[expanded.map.original(&(at..at + found.len()))]
    };
    assert_eq!(
        (back("SELECT"), back("c, d"), back("5"), back("e")),
        ("SELECT", "@EACH([c, d], x -> x)", "{{ n }}", "e")
    );
    assert_eq!(&text[expanded.map.original(&(expanded.text.len() - 1..expanded.text.len()))], "e");
}

#[test]
fn macros_are_read() {
    let read = |text: &str| read_macros("macros/a.sql", text);
    let one = read("MACRO f(a, b := 1 + 1) AS @a -- c\n + @b;").unwrap().remove(0);
    assert_eq!((one.name.as_str(), one.path.as_str()), ("f", "macros/a.sql"));
    let b = Parameter { name: "b".into(), default: Some("1 + 1".into()) };
    let a = Parameter { name: "a".into(), default: None };
    assert_eq!(one.body, Body::Sql { parameters: vec![a, b], text: "@a -- c\n + @b".into(), place: (1, 27) });
    let second = read("MACRO a() AS 1;\nMACRO f(a) AS\n  @a +\n  é + @b;").unwrap().remove(1);
    let Body::Sql { text, .. } = &second.body else { panic!("SQL") };
    assert_eq!(second.place(text.find("@b").unwrap()), "macros/a.sql:4:7");
    assert_eq!(second.place(0), "macros/a.sql:3:3");
    for (text, what, place) in [
        ("SELECT 1", "expected `MACRO`", "SELECT"),
        ("MACRO f AS 1", "expected `(` after the macro's name", "AS"),
        ("MACRO f(a AS 1", "this `(` is never closed", "("),
        ("MACRO f(a) 1", "expected `AS` after the parameters", "1"),
        ("MACRO f(a) AS;", "the macro has no text", "AS"),
        ("MACRO f(a, A) AS 1;", "the parameter `A` is there twice", "A"),
        ("MACRO f(a := 1, b) AS 1;", "`b` needs a default, as the parameter before it has one", "b"),
        ("MACRO each(a) AS 1;", "`@each` is built in: a macro of the project can't have its name", "each"),
        ("MACRO f() AS 1; MACRO F() AS 2;", "the macro `F` is defined twice", "F"),
        ("{% macro f() %}", "the macro `f` has no `{% endmacro %}`", "f"),
    ] {
        let problem = read(text).unwrap_err();
        assert_eq!((problem.what.as_str(), &text[problem.span]), (what, place), "{text}");
    }
}

#[test]
fn nothing_grows_without_bound() {
    let doubling = format!("SELECT @REDUCE([{}], (x, y) -> x || x)", vec!["aaaa"; 40].join(","));
    let jinja_doubling = format!("{{% set x = 'aaaaaaaa' %}}{}{{{{ x }}}}", "{% set x = x ~ x %}".repeat(40));
    let nested_lists = format!("{{% set x = [1] %}}{}{{{{ x }}}}", "{% set x = [x, x] %}".repeat(40));
    let calls = format!(
        "{{% macro d(x) %}}{{{{ x }}}}{{{{ x }}}}{{% endmacro %}}{{{{ {}'aaaaaaaa'{} }}}}",
        "d(".repeat(40),
        ")".repeat(40)
    );
    let deep_jinja = format!("{{{{ {}1{} }}}}", "[".repeat(5000), "]".repeat(5000));
    let deep_sql = format!("SELECT @IF({}1{}, 1)", "(".repeat(5000), ")".repeat(5000));
    let deep = format!("SELECT {}1{}", "@IF(TRUE, ".repeat(50), ")".repeat(50));
    for (text, what) in [
        ("SELECT @forever(1)", "more than 32 deep"),
        (doubling.as_str(), "expands to more than 10 MB"),
        (deep_jinja.as_str(), "recursion"),
        (deep_sql.as_str(), "at most 100 brackets"),
        (deep.as_str(), "more than 32 deep"),
        ("{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}", "too many steps"),
        ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "recursion limit exceeded"),
        (jinja_doubling.as_str(), "too long"),
        (nested_lists.as_str(), "too long"),
        (calls.as_str(), "too long"),
        ("{% set x = 'a' * 100000000 %}", "below 100"),
        ("{{ '%099999999d' | format(1) }}", "too long"),
        ("{{ 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' | replace('a', 'bbbbbbbbbb') | length }}", ""),
    ] {
        match expanded(text) {
            Err(problem) => assert!(problem.what.contains(what), "{}: {}", &text[..text.len().min(60)], problem.what),
            Ok(_) => assert_eq!(what, "", "{}", &text[..text.len().min(60)]),
        }
    }
}

fn soup() -> impl Strategy<Value = String> {
    let token = prop::sample::select(vec![
        "@",
        "@x",
        "@{x}",
        "@{",
        "}",
        "@'",
        "'",
        "\"",
        "a",
        "SELECT",
        ",",
        "(",
        ")",
        "[",
        "]",
        "@EACH(",
        "@IF(",
        "TRUE",
        "FALSE",
        "x -> ",
        "(x, y) -> ",
        "x",
        "@REDUCE(",
        "@FILTER(",
        "@SQL('",
        "@DEF(",
        "@f(",
        ";",
        "@WHERE(",
        "@WITH(",
        "@JOIN(",
        "JOIN",
        "LEFT ",
        "AS",
        " ",
        "\n",
        "--",
        "/*",
        "*/",
        "{{",
        "}}",
        "{%",
        "%}",
        "{{ x }}",
        "{% if on %}",
        "{% endif %}",
        "{% for i in names %}",
        "{% endfor %}",
        "{% set q = x %}",
        "{% raw %}",
        "{% endraw %}",
        "{%- macro m(a) -%}",
        "{% endmacro %}",
        "{{ m(1) }}",
        "{#",
        "#}",
        "@STAR(foo",
        "@UNION(",
        "@PIVOT(",
        "@double(",
        "1",
        "-",
        "::",
        ".",
        "=",
        ":=",
        "é",
        "\u{f8f0}",
        "\u{f8f1}",
        "0",
        "$$",
        "`",
        "E'\\",
        "@EVAL(",
        "@AND(",
        "@DATE_SPINE('day', ",
        "@DEDUPLICATE(",
        "jinja_query_begin;",
        "<@",
        "@listed(",
        "@plus(",
        "list",
        "\\",
        "~",
        "|",
    ]);
    prop::collection::vec(token, 0..30).prop_map(|tokens| tokens.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn anything_returns(text in soup()) {
        match expanded(&text) {
            Ok(expanded) => {
                for at in 0..=expanded.text.len() {
                    let place = expanded.map.original(&(at..at + 1));
                    prop_assert!(place.end <= text.len().max(1) && place.start <= place.end);
                }
            }
            Err(problem) => prop_assert!(problem.span.end <= text.len() && text.get(problem.span.clone()).is_some(), "{problem:?}"),
        }
        let _ = read_macros("m.sql", &text);
    }
}

fn file(text: &str) -> Result<Vec<String>, Problem> {
    let file = File::read(text).unwrap();
    assert!(file.is_dynamic(), "{text}");
    let defaults = Defaults { name: "from_path", kind: "FULL" };
    with_scope(|scope| {
        let blueprints = match file.blueprints(scope)? {
            None => vec![Variables::default()],
            Some(blueprints) => blueprints.iter().map(Blueprint::variables).collect(),
        };
        let named = scope.named.iter().filter(|(name, _)| *name != "this_model");
        let named: Variables = named.map(|(name, value)| (name, value.clone())).collect();
        let scope = Scope { named: &named, ..*scope };
        let expand = |blueprint: &Variables| Ok(file.expand(&Scope { blueprint, ..scope }, defaults)?.text);
        blueprints.iter().map(expand).collect()
    })
}

#[test]
fn headers_are_expanded_but_for_what_only_a_run_knows() {
    for (text, expected) in [
        (
            "MODEL (name @{x}.m, cron @daily, start @start_ds); SELECT 1",
            "MODEL (name b.m, cron @daily, start @start_ds); SELECT 1",
        ),
        (
            "MODEL (name @x.m, kind @IF(@on, FULL, VIEW)); SELECT @model_kind_name, @this_model",
            "MODEL (name \"b\".m, kind FULL); SELECT 'FULL', \"b\".\"m\"",
        ),
        (
            "MODEL (kind @IF(@off, FULL), tags (@x, y), audits (a(c := @this_model, d := @n))); SELECT @this_model",
            "MODEL (, tags ('b', y), audits (a(c := @this_model, d := 5))); SELECT \"from_path\"",
        ),
        (
            "MODEL (owner 'me@x', enabled @IF(@runtime_stage = 'loading', @on, @off));\nSELECT 1",
            "MODEL (owner 'me@x', enabled TRUE);\nSELECT 1",
        ),
        ("SELECT @model_kind_name", "SELECT 'FULL'"),
        ("SELECT @n; AUDIT (name a); SELECT * FROM @this_model", "SELECT 5; AUDIT (name a); SELECT * FROM @this_model"),
    ] {
        assert_eq!(file(text).map_err(|problem| problem.what).as_deref(), Ok(&[expected.to_owned()][..]), "{text}");
    }
    for text in ["MODEL (name a.b, cron @daily); SELECT 1", "MODEL (owner '@x');\nSELECT 1 AS a"] {
        assert!(!File::read(text).unwrap().is_dynamic(), "{text}");
    }
}

#[test]
fn blueprints_are_read_in_all_their_forms() {
    let models = |blueprints: &str| file(&format!("MODEL (name a, blueprints {blueprints});SELECT @c"));
    let both = Ok(vec!["MODEL (name a, );SELECT c1".to_owned(), "MODEL (name a, );SELECT 'c2'".to_owned()]);
    assert_eq!(models("((c := c1), (C := 'c2'))"), both);
    assert_eq!(models("[(c := c1), (c := 'c2'),]"), both);
    assert_eq!(models("@EACH([c1, 'c2'], x -> (c := @x))"), both);
    assert_eq!(models("(c := c1, d := f(1, 2))").unwrap().len(), 1);
    for (wrong, place) in
        [("()", "()"), ("((c := a), b)", "b"), ("((c := 1, c := 2))", "c := 2"), ("((c = 1))", "c = 1")]
    {
        let text = format!("MODEL (name a, blueprints {wrong});SELECT @c");
        let problem = models(wrong).unwrap_err();
        assert_eq!(&text[problem.span.clone()], place, "{}", problem.what);
    }
}

proptest! {
    #[test]
    fn places_of_a_file_are_led_back(words in proptest::collection::vec("[a-z]{1,5}", 1..6), at in 0..100usize) {
        let list: Vec<String> = words.iter().map(|word| format!("{word}_@{{x}} AS @{{x}}_{word}")).collect();
        let text = format!("MODEL (name @{{x}}.m, blueprints ((c := a)),\n owner @x);\nSELECT {} -- end", list.join(", "));
        let file = File::read(&text).unwrap();
        let defaults = Defaults { name: "m", kind: "FULL" };
        let expanded = with_scope(|scope| file.expand(scope, defaults)).unwrap();
        // lines stay, and what was copied is found where it was written
        prop_assert_eq!(expanded.text.lines().count(), text.lines().count());
        let place = expanded.map.original(&(expanded.text.len() - 3..expanded.text.len()));
        prop_assert_eq!(&text[place], "end");
        let at = at % expanded.text.len();
        let place = expanded.map.original(&(at..at + 1));
        prop_assert!(place.end <= text.len());
    }
}
