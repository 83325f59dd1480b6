//! Tests of audits: what is read, what is refused, and the SQL.

use super::super::engine_kind::EngineKind;
use super::*;
use crate::domain::sql;

fn read(text: &str) -> Result<Vec<Call>, Vec<Problem>> {
    calls(text, &sql::lex(text).unwrap())
}

fn builtin(text: &str) -> Result<Builtin, Vec<Problem>> {
    match resolve(&read(text)?[0], &[])? {
        Resolved::Builtin(builtin) => Ok(builtin),
        Resolved::Custom(_) => unreachable!("there are no own audits"),
    }
}

fn bad_rows(text: &str) -> String {
    builtin(text).unwrap().bad_rows(EngineKind::DuckDb, "t", &|model| format!("<{}>", model.join(".")))
}

#[test]
fn calls_are_read_with_their_arguments() {
    let text = "(not_null(columns := (a, b)), Mine(min := 3 + f(1, 2), blocking := false), bare,)";
    let calls = read(text).unwrap();
    let seen: Vec<_> = calls.iter().map(|call| (call.name.as_str(), call.arguments.len(), call.blocking)).collect();
    assert_eq!(seen, [("not_null", 1, None), ("mine", 1, Some(false)), ("bare", 0, None)]);
    let argument = &calls[1].arguments[0];
    assert_eq!((argument.name.as_str(), argument.text.as_str()), ("min", "3 + f(1, 2)"));
    assert_eq!(&text[argument.value_span.clone()], "3 + f(1, 2)");
    assert_eq!(read("not_null(columns = [a])").unwrap()[0].arguments[0].text, "[a]");
    assert_eq!(read("()").unwrap(), []);
}

#[test]
fn every_audit_has_its_sql() {
    let cases = [
        ("not_null(columns := (a, b))", "SELECT * FROM t WHERE (a IS NULL OR b IS NULL)"),
        ("not_null(columns := a, condition := b > 0)", "SELECT * FROM t WHERE (a IS NULL) AND ((b > 0))"),
        ("unique_values(columns := (a))", "SELECT * FROM t QUALIFY row_number() OVER (PARTITION BY a) > 1"),
        (
            "accepted_values(column := a, is_in := ('x', NULL))",
            "SELECT * FROM t WHERE (a IS NOT NULL AND NOT coalesce(a IN ('x', NULL), false))",
        ),
        ("accepted_range(column := a, min_v := 1, max_v := NULL)", "SELECT * FROM t WHERE (a < 1)"),
        (
            "accepted_range(column := a, min_v := 1, max_v := 2, inclusive := false)",
            "SELECT * FROM t WHERE (a <= 1 OR a >= 2)",
        ),
        ("forall(criteria := (a > 1, b))", "SELECT * FROM t WHERE (NOT (a > 1) OR NOT b)"),
        ("number_of_rows(threshold := 10)", "SELECT count(*) AS row_count FROM t HAVING count(*) <= 10"),
        (
            "equal_row_count(model := Other.M)",
            "SELECT this.n AS row_count, other.n AS other_row_count FROM (SELECT count(*) AS n FROM t) AS this, \
             (SELECT count(*) AS n FROM <Other.M>) AS other WHERE this.n <> other.n",
        ),
        (
            "foreign_key(columns := (a), references := p, to := (id))",
            "SELECT child.* EXCLUDE (__vmesh_key_0) FROM (SELECT *, a AS __vmesh_key_0 FROM t) AS child ANTI JOIN \
             (SELECT id AS __vmesh_key_0 FROM <p>) AS parent ON child.__vmesh_key_0 = parent.__vmesh_key_0 \
             WHERE child.__vmesh_key_0 IS NOT NULL",
        ),
    ];
    for (call, sql) in cases {
        assert_eq!(bad_rows(call), sql, "{call}");
    }
}

#[test]
fn calls_that_are_wrong_are_pointed_at() {
    let cases = [
        ("not_nul(columns := (a))", "unknown audit `not_nul`", "not_nul", "did you mean `not_null`?"),
        (
            "assert_x(a := 1)",
            "unknown audit `assert_x`",
            "assert_x",
            "write it into audits/: AUDIT (name assert_x); SELECT * FROM @this_model WHERE …",
        ),
        ("not_null", "`not_null` needs `columns`", "not_null", "usage: not_null(columns := (…))"),
        ("not_null(column := a)", "`not_null` has no argument `column`", "column", "did you mean `columns`?"),
        ("not_null(a)", "an argument of an audit has a name", "a", "write not_null(name := value)"),
        ("not_null(columns := ())", "`columns` is a list that is not empty", "()", "for example: (a, b)"),
        ("not_null(columns := )", "`columns` has no value", "columns", ""),
        ("not_null(columns := a, columns := b)", "`columns` is given twice", "columns", ""),
        ("not_null(columns := a, blocking := 1)", "`blocking` is true or false", "1", ""),
        ("not_null(columns := a", "this `(` is never closed", "(", ""),
        ("(not_null(columns := a) other)", "expected `,` between two audits", "other", ""),
        ("('not_null')", "expected the name of an audit", "'not_null'", "for example: not_null(columns := (id))"),
        ("accepted_range(column := NULL, min_v := 1)", "`column` is a value, not NULL", "NULL", ""),
        (
            "accepted_range(column := a)",
            "`accepted_range` needs `min_v` or `max_v`",
            "accepted_range",
            "usage: accepted_range(column := …, [min_v := …], [max_v := …], [inclusive := true])",
        ),
        ("accepted_range(column := a, min_v := 1, inclusive := 2)", "`inclusive` is true or false", "2", ""),
        ("equal_row_count(model := a.b.c.d)", "`model` is a model's name: `name` or `schema.name`", "a.b.c.d", ""),
        (
            "foreign_key(columns := (a, b), references := p, to := (id))",
            "2 columns refer to 1",
            "(id)",
            "give as many in `to` as in `columns`",
        ),
    ];
    for (text, what, at, help) in cases {
        let problem = builtin(text).unwrap_err().remove(0);
        let found = (problem.what.as_str(), &text[problem.span], problem.help.as_deref().unwrap_or(""));
        assert_eq!(found, (what, at, help), "{text}");
    }
}

#[test]
fn variants_and_arguments_say_what_blocks() {
    let cases = [
        ("not_null(columns := a)", true),
        ("not_null_non_blocking(columns := a)", false),
        ("not_null(columns := a, blocking := false)", false),
        ("not_null_non_blocking(columns := a, blocking := true)", true),
    ];
    for (text, blocking) in cases {
        assert_eq!(builtin(text).unwrap().blocking, blocking, "{text}");
    }
    let own = CustomAudit::file("AUDIT (name mine, blocking false); SELECT 1").unwrap();
    let own: Vec<&CustomAudit> = own.iter().collect();
    for (text, blocking) in [("mine", false), ("mine(blocking := true)", true)] {
        let call = &read(text).unwrap()[0];
        assert_eq!(is_blocking(call, &resolve(call, &own).unwrap()), blocking, "{text}");
    }
}

#[test]
fn other_models_are_named() {
    let audit = builtin("foreign_key(columns := a, references := Sales.Customers)").unwrap();
    assert_eq!(audit.reads(), [["Sales", "Customers"]]);
    assert!(builtin("not_null(columns := a)").unwrap().reads().is_empty());
}

#[test]
fn own_audits_are_read() {
    let text = "-- why\nAUDIT (name Assert_Positive, dialect duckdb, blocking false, defaults (min = 0, what := 'x'));\n\
                @DEF(limit_, 3);\nSELECT * FROM @this_model WHERE amount < @min;\n\nAUDIT (name b, standalone true, \
                depends_on (a.b, c), cron '@daily');\nFROM x WHERE y";
    let audits = CustomAudit::file(text).unwrap();
    let [first, second] = audits.as_slice() else { panic!("two audits") };
    assert_eq!((first.header.name.as_str(), &text[first.header.span.clone()]), ("assert_positive", "Assert_Positive"));
    let defaults = [("min", "0"), ("what", "'x'")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!((first.header.is_blocking(), &first.header.defaults[..]), (false, &defaults[..]));
    assert_eq!(first.query, "SELECT * FROM @this_model WHERE amount < @min");
    assert_eq!(&text[first.query_span.clone()], first.query);
    assert_eq!(&text[first.definitions[0].clone()], "@DEF(limit_, 3)");
    assert_eq!((second.header.is_blocking(), second.header.depends_on.len()), (false, 2));
    assert_eq!(second.header.cron.as_deref(), Some("@daily"));
}

#[test]
fn own_audits_that_are_wrong_are_pointed_at() {
    let cases = [
        ("AUDIT (name a); ", "audit `a` has no query", "a"),
        ("AUDIT (dialect duckdb); SELECT 1", "an audit needs a name", "AUDIT"),
        ("AUDIT (name a, blokking true); SELECT 1", "unknown property `blokking`", "blokking"),
        ("AUDIT (name a, blocking 1); SELECT 1", "`blocking` is true or false", "1"),
        ("AUDIT (name a, name b); SELECT 1", "`name` is given twice", "name"),
        ("AUDIT (name a, skip); SELECT 1", "`skip` has no value", "skip"),
        ("AUDIT (name a, dialect spark); SELECT 1", "only dialect `duckdb` is supported", "spark"),
        ("AUDIT (name a, defaults (x)); SELECT 1", "a default is `name = value`", "x"),
        ("AUDIT (name a, defaults 1); SELECT 1", "`defaults` is (name = value, …)", "1"),
        ("AUDIT (name a; SELECT 1", "this `(` is never closed", "("),
        ("AUDIT (name a) SELECT 1", "expected `;` after the AUDIT header", "SELECT"),
        ("AUDIT name a; SELECT 1", "expected `(` after AUDIT", "name"),
        ("AUDIT (name a); SELECT 1; SELECT 2", "an audit has one query; this is one too many", "SELECT 1"),
        ("AUDIT (name a); DROP TABLE x", "expected a query", "DROP"),
        ("AUDIT (name a); SELECT 1; AUDIT (name A); SELECT 2", "a second audit `a`", "A"),
        ("SELECT 1; AUDIT (name a); SELECT 2", "expected AUDIT (…)", "SELECT"),
    ];
    for (text, what, at) in cases {
        let problem = CustomAudit::file(text).unwrap_err().remove(0);
        assert_eq!((problem.what.as_str(), &text[problem.span]), (what, at), "{text}");
    }
}

#[test]
fn an_audit_of_ones_own_goes_before_a_built_in_one() {
    for end in ["; JINJA_END;", " JINJA_END;", "\nJINJA_END"] {
        let fenced = format!("AUDIT (name j); JINJA_QUERY_BEGIN; SELECT {{{{ 1 }}}}{end}");
        assert_eq!(CustomAudit::file(&fenced).unwrap()[0].query, "SELECT {{ 1 }}");
    }
    let own = CustomAudit::file("AUDIT (name not_null); JINJA_QUERY_BEGIN; SELECT 1; JINJA_END;").unwrap();
    let call = &read("not_null").unwrap()[0];
    assert_eq!(resolve(call, &[&own[0]]).unwrap(), Resolved::Custom(&own[0]));
    assert_eq!(own[0].query, "SELECT 1");
    assert!(resolve(call, &[]).is_err());
}

#[test]
fn a_comment_at_the_end_does_no_harm() {
    assert_eq!(count_query("SELECT 1 -- x"), "SELECT count(*) FROM (\nSELECT 1 -- x\n) AS audit");
    assert_eq!(sample_query("SELECT 1", 3), "SELECT * FROM (\nSELECT 1\n) AS audit LIMIT 3");
}
