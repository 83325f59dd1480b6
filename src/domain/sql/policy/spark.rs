//! What a text may do on Spark, told by its words: its parser is the server's. What the server might divide into other words is
//! refused, what may be called is listed, and the rest is refused as well.

use super::super::{Lexeme, Query, Token, lex};
use super::alike::is_read_alike;
use super::on_postgres::check_expression;
use super::{Refusal, Text, WRITES, calls, is_type, shape};
use crate::domain::engine_kind::EngineKind;

/// Spark's own functions that compute, of 4.3: those that read files or classes by their names, or tell of the session, are left
/// out.
const FUNCTIONS: &str = include_str!("spark_functions.txt");

/// Words before a bracket that is no call's.
#[rustfmt::skip]
const WORDS: [&str; 62] = [
    "all", "and", "any", "anti", "as", "asc", "between", "by", "case", "char", "cluster", "cross", "cube", "dec", "desc",
    "distinct", "distribute", "else", "except", "exclude", "exists", "filter", "for", "from", "full", "group", "having", "in",
    "inner", "intersect", "interval", "is", "join", "lateral", "left", "limit", "minus", "not", "numeric", "offset", "on", "or",
    "outer", "over", "partition", "pivot", "qualify", "recursive", "right", "rollup", "rows", "select", "semi", "sets", "sort",
    "then", "union", "unpivot", "using", "values", "varchar", "where",
];

/// Words that stand for the session, and the column that tells where a row's file lies.
const TELLING: [&str; 6] =
    ["current_catalog", "current_database", "current_schema", "current_user", "session_user", "_metadata"];

/// More of them, that only stand where a clause begins or ends.
const CLAUSES: [&str; 6] = ["when", "with", "within", "tablesample", "window", "view"];

/// Checks a query that Spark is going to run: its shape, and by its words what it is and calls.
pub fn check_for_spark(kind: Text, text: &str) -> Result<(), Refusal> {
    let lexemes = shape(kind, text)?;
    is_read_alike(EngineKind::Spark, text, &lexemes)?;
    only_reads(kind, &lexemes)?;
    only_calls(kind, &lexemes)
}

/// Checks an expression in a header that Spark is going to compute.
pub fn check_expression_for_spark(text: &str) -> Result<(), Refusal> {
    check_expression(text, check_for_spark)
}

/// Whether a text is a type that Spark may be told to cast to.
pub fn is_type_for_spark(text: &str) -> bool {
    let is_plain = |lexemes: &[Lexeme]| {
        let odd = |sign: &str| !["(", ")", ",", "<", ">", ">>", ":"].contains(&sign);
        !lexemes.iter().any(|it| matches!(&it.token, Token::Symbol(sign) if odd(sign)))
    };
    // `array<int>`, `struct<a: int>`
    let plain = text.replace('<', "(").replace('>', ")").replace(':', " ");
    lex(text).is_ok_and(|lexemes| is_plain(&lexemes) && is_read_alike(EngineKind::Spark, text, &lexemes).is_ok())
        && lex(&plain).is_ok_and(|lexemes| is_type(&lexemes))
}

/// Checks what a query reads there: tables by plain names, with no catalogue in front. What is no plain name could be a path.
pub fn check_reads_for_spark(query: &Query) -> Result<(), Refusal> {
    for read in query.reads.iter().flatten() {
        if read.parts.len() > 2 {
            let what = "a catalogue's name stands in front of this table";
            return Err(Refusal::new(what, read.span.clone(), "leave it out: the session has one catalogue"));
        }
        let is_plain = |part: &String| part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !read.parts.iter().all(is_plain) {
            let what = "Spark's tables have names of letters, digits and _ alone: this may be a path";
            return Err(Refusal::new(what, read.span.clone(), "make a table or a view of what lies there"));
        }
    }
    Ok(())
}

/// Refuses words by which a query writes, or hands its rows to another program.
fn only_reads(kind: Text, lexemes: &[Lexeme]) -> Result<(), Refusal> {
    for (at, lexeme) in lexemes.iter().enumerate() {
        if WRITES.iter().any(|word| lexeme.is_keyword(word)) {
            let help = "put a name that is called so into backticks";
            let what = format!("{} only reads: this may write", kind.noun());
            return Err(Refusal::new(what, lexeme.span.clone(), help));
        }
        if TELLING.iter().any(|word| lexeme.is_keyword(word)) {
            let what = format!("{} can't ask about the session or the files", kind.noun());
            return Err(Refusal::new(what, lexeme.span.clone(), "put a column that is called so into backticks"));
        }
        let next = lexemes.get(at + 1);
        let is_program = next.is_some_and(|next| matches!(next.token, Token::String(_)));
        let is_format = ["row", "recordreader", "recordwriter"].iter().any(|word| lexeme.is_keyword(word))
            && next.is_some_and(|next| next.is_keyword("format") || matches!(next.token, Token::String(_)));
        if lexeme.is_keyword("using") && is_program || is_format {
            let what = format!("{} can't hand rows to another program", kind.noun());
            return Err(Refusal::new(what, lexeme.span.clone(), "write it in SQL"));
        }
    }
    Ok(())
}

/// Refuses a text that calls what is not listed.
fn only_calls(kind: Text, lexemes: &[Lexeme]) -> Result<(), Refusal> {
    let is_symbol =
        |at: Option<usize>, sign: &str| at.and_then(|at| lexemes.get(at)).is_some_and(|it| it.is_symbol(sign));
    for (at, name) in calls(lexemes) {
        // unlike other engines, Spark calls what stands in quotes without looking at letter case
        let name = name.to_lowercase();
        let is_quoted = matches!(&lexemes[at].token, Token::Word { quoted: true, .. });
        let is_behind_dot = is_symbol(at.checked_sub(1), ".");
        let is_word = WORDS.contains(&name.as_str()) || CLAUSES.contains(&name.as_str());
        let is_listed = FUNCTIONS.split_whitespace().any(|word| word == name);
        if !(is_word && !is_quoted || is_listed) || is_behind_dot {
            if names_columns(lexemes, at) {
                continue;
            }
            let what = format!("{} can't call `{name}`: vmesh doesn't know that it only computes", kind.noun());
            let help = "Spark's own functions that compute can be called; wrap others in a view outside of the project";
            return Err(Refusal::new(what, lexemes[at].span.clone(), help));
        }
    }
    Ok(())
}

/// Whether a bracket holds the names of a relation's columns, and nothing else: `AS t(a, b)`, `WITH t(a) AS (…)`.
fn names_columns(lexemes: &[Lexeme], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|before| lexemes.get(before));
    let rest = lexemes.get(at + 2..).unwrap_or_default();
    let Some(close) = rest.iter().position(|lexeme| lexeme.is_symbol(")")) else { return false };
    let is_list = rest[..close].iter().all(|it| it.is_symbol(",") || matches!(it.token, Token::Word { .. }));
    let is_behind = |words: &[&str]| before.is_some_and(|before| words.iter().any(|word| before.is_keyword(word)));
    let is_defined = rest.get(close + 1).is_some_and(|next| next.is_keyword("as"))
        && rest.get(close + 2).is_some_and(|next| next.is_symbol("("));
    // `FROM (…) t(a)`, `VALUES (1) t(a)`: nothing is called directly behind a bracket
    let is_relation = before.is_some_and(|before| before.is_symbol(")"));
    is_list
        && (is_behind(&["as", "with", "recursive"])
            || is_relation
            || is_defined && before.is_some_and(|it| it.is_symbol(",")))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn told(text: &str) -> Option<String> {
        check_for_spark(Text::Model, text).err().map(|refusal| refusal.what)
    }

    #[test]
    fn what_only_computes_may_be_called() {
        for text in [
            "SELECT count(*) FILTER (WHERE a > 1), sum(b) OVER (PARTITION BY c) FROM t GROUP BY (d)",
            "WITH a(x, y) AS (SELECT 1, 2), b (z) AS (SELECT x FROM a) SELECT * FROM b WHERE z IN (1, 2)",
            "SELECT * FROM (VALUES (1, 'x')) AS t(id, name) JOIN u USING (id)",
            "SELECT cast(a AS decimal(10, 2)), date_trunc('day', ts), `lower`(n), \"a b\" FROM t",
            "SELECT /*+ BROADCAST(u) */ * FROM t LEFT ANTI JOIN u ON (t.id = u.id)",
            "SELECT id, x FROM t LATERAL VIEW explode(items) e AS x",
            "SELECT transform(a, x -> x + 1), reduce(a, 0, (s, x) -> s + x), map('a', 1) FROM t",
            "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY x), 'it''s', 'a\\d' FROM t QUALIFY (row_number() OVER (ORDER BY x)) = 1",
            "SELECT * FROM t PIVOT (sum(x) FOR y IN ('a', 'b'))",
            "SELECT * FROM range(3) r(id)",
        ] {
            assert_eq!(told(text), None, "{text}");
        }
    }

    #[test]
    fn what_could_do_more_may_not() {
        for text in [
            "SELECT java_method('java.lang.System', 'getenv', 'HOME')",
            "SELECT reflect('java.lang.Runtime', 'getRuntime')",
            "SELECT `reflect`('a', 'b')",
            "SELECT * FROM IDENTIFIER('prod.orders')",
            "SELECT TRANSFORM(a) USING 'cat' AS (b) FROM t",
            "FROM t MAP a USING 'cat' AS b",
            "SELECT from_protobuf(a, 'm', '/etc/passwd') FROM t",
            "SELECT current_user()",
            "SELECT session_user",
            "SELECT _metadata.file_path FROM t",
            "SELECT my.udf(1)",
            "SELECT system.builtin.reflect('a', 'b')",
            // Spark would read these otherwise
            "SELECT 'a\\' || reflect('b') || 'c'",
            "SELECT 1 -- a\\\n, 2",
            "SELECT $$a$$",
            "SELECT r'a\\', reflect('b')",
            "SELECT 1 /* a /* b */ , 2 /* */",
            "INSERT INTO t SELECT 1",
            "FROM t INSERT INTO u SELECT *",
        ] {
            assert!(told(text).is_some(), "{text}");
        }
    }

    #[test]
    fn a_key_computes_and_no_more() {
        for text in ["id", "(a, b)", "date_trunc('day', ts)", "`reflect`", "concat(a, '\\\\', b)"] {
            assert!(check_expression_for_spark(text).is_ok(), "{text}");
        }
        for text in
            ["java_method('java.lang.System', 'getenv', 'HOME')", "id FROM t", "version()", "'a\\', reflect('b') --"]
        {
            assert!(check_expression_for_spark(text).is_err(), "{text}");
        }
    }

    #[test]
    fn types_are_words_and_brackets() {
        for kind in
            ["int", "decimal(10, 2)", "array<struct<a: int, b: map<string, int>>>", "timestamp_ntz", "varchar(3)"]
        {
            assert!(is_type_for_spark(kind), "{kind}");
        }
        for kind in ["int) FROM t --", "(SELECT 1)", "int; DROP TABLE t", "int, (SELECT 1)", "'a'"] {
            assert!(!is_type_for_spark(kind), "{kind}");
        }
    }
}
