//! What a text may do on PostgreSQL, told by its words: there is no parser of that engine here. What that would divide into
//! other words than vmesh does is refused, what may be called is listed, and the rest is refused as well.

use super::super::{Lexeme, Token};
use super::alike::is_read_alike;
use super::{Refusal, Text, WRITES, calls};
use crate::domain::engine_kind::EngineKind;

/// The functions that only compute, of the catalogues of PostgreSQL 14 to 18: those that are marked immutable or stable
/// there and read neither tables nor the server's state, and those that differ by chance or time alone.
pub(super) const FUNCTIONS: &str = include_str!("postgres_functions.txt");

/// Words before a bracket that is no call's.
#[rustfmt::skip]
const WORDS: [&str; 63] = [
    "all", "and", "any", "array", "as", "asc", "between", "by", "case", "cast", "collate", "cross", "cube", "desc",
    "distinct", "else", "end", "except", "exclude", "exists", "fetch", "filter", "first", "for", "from", "full", "group",
    "groups", "having", "ilike", "in", "inner", "intersect", "is", "join", "lateral", "left", "limit", "materialized",
    "next", "not", "offset", "on", "only", "or", "over", "partition", "range", "recursive", "right", "rollup", "row",
    "rows", "select", "sets", "some", "then", "union", "using", "values", "when", "where", "with",
];

/// Types that values may be cast to: those that compute, and name nothing of the warehouse's.
const TYPES: &str = "bigint bit bool boolean box bpchar bytea char character cidr circle date datemultirange daterange dec \
    decimal double float float4 float8 inet int int2 int4 int4multirange int4range int8 int8multirange int8range integer \
    interval json jsonb jsonpath line lseg macaddr macaddr8 money national nchar numeric nummultirange numrange path point \
    polygon real smallint text time timestamp timestamptz timetz tsmultirange tsquery tsrange tstzmultirange tstzrange \
    tsvector uuid varbit varchar xml";

/// Words that a string may follow, besides types.
#[rustfmt::skip]
const BEFORE_STRINGS: [&str; 38] = [
    "all", "and", "any", "at", "between", "both", "by", "case", "distinct", "else", "escape", "filter", "for", "from", "having",
    "ilike", "in", "is", "leading", "like", "limit", "not", "offset", "on", "or", "order", "passing", "placing", "select",
    "similar", "then", "to", "trailing", "uescape", "values", "when", "where", "zone",
];

fn is_type(name: &str) -> bool {
    TYPES.split_whitespace().any(|known| known == name)
}

/// Refuses casts to types that are not PostgreSQL's own plain ones: a type may name a table, and a value of it then keeps that
/// from being changed, or tell of the catalogue.
pub(super) fn only_plain_types(kind: Text, lexemes: &[Lexeme]) -> Result<(), Refusal> {
    let refuse = |at: usize| {
        let Some(lexeme) = lexemes.get(at) else { return Ok(()) };
        let what = format!("{} can't cast to this type", kind.noun());
        Err(Refusal::new(what, lexeme.span.clone(), "PostgreSQL's own plain types can be cast to"))
    };
    for (at, lexeme) in lexemes.iter().enumerate() {
        let next = lexemes.get(at + 1);
        let is_string = next.is_some_and(|next| matches!(next.token, Token::String(_)));
        match &lexeme.token {
            Token::Symbol(sign) if sign == "::" && !names_type(lexemes, at + 1) => return refuse(at + 1),
            Token::Word { text, quoted } if is_string => {
                let word = text.to_lowercase();
                let is_known = is_type(&word) || BEFORE_STRINGS.contains(&word.as_str());
                // `time with time zone '…'`, `double precision '…'`
                let is_known = is_known || ["precision", "varying"].contains(&word.as_str());
                if *quoted || !is_known || at.checked_sub(1).is_some_and(|before| lexemes[before].is_symbol(".")) {
                    return refuse(at);
                }
            }
            _ => {}
        }
        if lexeme.is_keyword("cast") && next.is_some_and(|next| next.is_symbol("(")) {
            let within = as_within(lexemes, at + 1);
            if !within.is_some_and(|found| names_type(lexemes, found + 1)) {
                return refuse(within.map_or(at, |found| found + 1));
            }
        }
        // `AS t(a int)`, `AS (a int)`: a name alone is a column's
        let is_list = lexeme.is_keyword("as") || names_columns(lexemes, at);
        if is_list
            && next.is_some_and(|next| next.is_symbol("("))
            && let Some(odd) = odd_definition(lexemes, at + 1)
        {
            return refuse(odd);
        }
    }
    Ok(())
}

/// Whether a text is one of the plain types, with what stands behind its name: `numeric(9, 2)[]`.
pub(super) fn is_plain_type(text: &str, lexemes: &[Lexeme]) -> bool {
    is_read_alike(EngineKind::Postgres, text, lexemes).is_ok() && names_type(lexemes, 0)
}

/// Whether a plain type begins here, with no schema in front.
fn names_type(lexemes: &[Lexeme], at: usize) -> bool {
    let is_plain =
        |lexeme: &Lexeme| matches!(&lexeme.token, Token::Word { text, quoted: false } if is_type(&text.to_lowercase()));
    lexemes.get(at).is_some_and(is_plain) && !lexemes.get(at + 1).is_some_and(|next| next.is_symbol("."))
}

/// The AS of a cast whose bracket opens here.
fn as_within(lexemes: &[Lexeme], open: usize) -> Option<usize> {
    let mut depth = 0_i32;
    for (at, lexeme) in lexemes.iter().enumerate().skip(open) {
        match &lexeme.token {
            Token::Symbol(sign) if sign == "(" || sign == "[" => depth += 1,
            Token::Symbol(sign) if sign == ")" || sign == "]" => depth -= 1,
            _ if depth == 1 && lexeme.is_keyword("as") => return Some(at),
            _ => {}
        }
        if depth == 0 {
            return None;
        }
    }
    None
}

/// In a list of columns whose bracket opens here: where a column has a type that is not plain. A query in the bracket is none.
fn odd_definition(lexemes: &[Lexeme], open: usize) -> Option<usize> {
    let first = lexemes.get(open + 1)?;
    // a column may be called `values`, but no row follows that
    let begins_query = ["select", "with"].iter().any(|query| first.is_keyword(query))
        || first.is_keyword("values") && lexemes.get(open + 2).is_some_and(|next| next.is_symbol("("));
    if begins_query || first.is_symbol("(") || is_window(first, lexemes.get(open + 2)?) {
        return None;
    }
    let (mut depth, mut is_name) = (0_i32, true);
    for (at, lexeme) in lexemes.iter().enumerate().skip(open) {
        match &lexeme.token {
            Token::Symbol(sign) if sign == "(" || sign == "[" => depth += 1,
            Token::Symbol(sign) if sign == ")" || sign == "]" => depth -= 1,
            Token::Symbol(sign) if sign == "," && depth == 1 => is_name = true,
            Token::Word { .. } if depth == 1 && is_name => {
                is_name = false;
                let is_typed = lexemes.get(at + 1).is_some_and(|next| matches!(next.token, Token::Word { .. }));
                if is_typed && !names_type(lexemes, at + 1) {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
        if depth == 0 {
            return None;
        }
    }
    None
}

/// Whether a bracket defines a window: no type is called like these second words.
fn is_window(first: &Lexeme, second: &Lexeme) -> bool {
    let is = |word: &Lexeme, words: &[&str]| words.iter().any(|known| word.is_keyword(known));
    match () {
        () if is(first, &["partition", "order"]) => is(second, &["by"]),
        () if is(first, &["rows", "range", "groups"]) => is(second, &["between", "unbounded", "current"]),
        () => is(second, &["order"]),
    }
}

/// Refuses words by which a query writes, locks, or says what becomes of it; and those before a table's name that vmesh
/// would take for the name.
pub(super) fn only_reads(kind: Text, lexemes: &[Lexeme]) -> Result<(), Refusal> {
    let is = |at: usize, words: &[&str]| {
        lexemes.get(at).is_some_and(|lexeme| words.iter().any(|word| lexeme.is_keyword(word)))
    };
    for (at, lexeme) in lexemes.iter().enumerate() {
        let before = at.checked_sub(1);
        let help = "put a name that is called so into double quotes";
        if WRITES.iter().chain(&["into"]).any(|word| lexeme.is_keyword(word)) {
            let what = format!("{} only reads: this may write", kind.noun());
            return Err(Refusal::new(what, lexeme.span.clone(), help));
        }
        if is(at, &["for"]) && is(at + 1, &["share", "key", "no", "update"]) {
            return Err(Refusal::new("this locks rows of others", lexeme.span.clone(), "leave it out"));
        }
        if is(at, &["with"]) && is(at + 1, &["data", "no"]) {
            return Err(Refusal::new("this says what is done with the rows", lexeme.span.clone(), "leave it out"));
        }
        if is(at, &["recurring"]) && lexemes.get(at + 1).is_some_and(|next| next.is_symbol(".")) {
            return Err(Refusal::new("vmesh would not see the table behind this", lexeme.span.clone(), help));
        }
        // `(a).f` may call f of a
        let is_of_value = before.is_some_and(|at| [")", "]"].iter().any(|end| lexemes[at].is_symbol(end)));
        if lexeme.is_symbol(".") && is_of_value {
            let help =
                "PostgreSQL may call a function by this: give the value a name of its own in a subquery, or use `->>`";
            return Err(Refusal::new("a field is taken of a value", lexeme.span.clone(), help));
        }
        if is(at, &["operator"]) && lexemes.get(at + 1).is_some_and(|next| next.is_symbol("(")) {
            return Err(Refusal::new("an operator may be anyone's", lexeme.span.clone(), "write the operator alone"));
        }
        let of_fetch = before.is_some_and(|before| is(before, &["row", "rows"]));
        if is(at, &["only"]) && !of_fetch || is(at, &["rows"]) && is(at + 1, &["from"]) {
            let help = "leave ONLY out, and call functions in FROM by themselves";
            return Err(Refusal::new("vmesh would not see the table behind this", lexeme.span.clone(), help));
        }
    }
    Ok(())
}

/// The columns that each table of PostgreSQL's has besides its own: they tell where a row lies, and who wrote it when. A table
/// that is built once more has others, with the same rows.
const SYSTEM_COLUMNS: [&str; 6] = ["ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"];

/// Refuses a text that reads them.
pub(super) fn no_system_columns(kind: Text, lexemes: &[Lexeme]) -> Result<(), Refusal> {
    let is_system = |lexeme: &Lexeme| match &lexeme.token {
        Token::Word { text, quoted: false } => SYSTEM_COLUMNS.contains(&text.to_lowercase().as_str()),
        Token::Word { text, quoted: true } => SYSTEM_COLUMNS.contains(&text.as_str()),
        _ => false,
    };
    match lexemes.iter().find(|lexeme| kind != Text::Person && is_system(lexeme)) {
        Some(lexeme) => {
            let what = format!("{} can't read a system column: its value is another one with each build", kind.noun());
            Err(Refusal::new(what, lexeme.span.clone(), "take a column of the table's own"))
        }
        None => Ok(()),
    }
}

/// Refuses a text that calls what is not listed, or names what is the server's own.
pub(super) fn only_calls(kind: Text, lexemes: &[Lexeme]) -> Result<(), Refusal> {
    for (at, name) in calls(lexemes) {
        let is_quoted = matches!(&lexemes[at].token, Token::Word { quoted: true, .. });
        let name = if is_quoted { name.to_owned() } else { name.to_lowercase() };
        let is_listed = |words: &str| words.split_whitespace().any(|word| word == name);
        let is_behind_dot = at.checked_sub(1).is_some_and(|before| lexemes[before].is_symbol("."));
        // `character varying(5)`
        let is_varying = name == "varying"
            && at
                .checked_sub(1)
                .is_some_and(|at| ["character", "char", "bit"].iter().any(|kind| lexemes[at].is_keyword(kind)));
        let is_word = !is_quoted && !is_behind_dot && (is_varying || WORDS.contains(&name.as_str()) || is_type(&name));
        if !(is_word || is_listed(FUNCTIONS) && is_plain(lexemes, at) || names_columns(lexemes, at)) {
            let what = format!("{} can't call `{name}`: vmesh doesn't know that it only computes", kind.noun());
            let help = "PostgreSQL's own functions that compute can be called; the owner of the database may wrap others in a view";
            return Err(Refusal::new(what, lexemes[at].span.clone(), help));
        }
    }
    let allowed = ["pg_typeof", "pg_catalog"];
    let is_own = |text: &str| {
        let lower = text.to_lowercase();
        lower.starts_with("pg_") && !allowed.contains(&lower.as_str())
    };
    let own = lexemes.iter().find(|lexeme| matches!(&lexeme.token, Token::Word { text, .. } if is_own(text)));
    match own.filter(|_| kind != Text::Person) {
        Some(own) => {
            let what = format!("{} can't read what is the server's own", kind.noun());
            Err(Refusal::new(what, own.span.clone(), "`vmesh query` may ask it"))
        }
        None => Ok(()),
    }
}

/// The names that a text with WITH RECURSIVE defines: words before `AS (`, with or without names of columns.
pub(super) fn defined_with_recursive(lexemes: &[Lexeme]) -> Vec<String> {
    if !lexemes.iter().any(|lexeme| lexeme.is_keyword("recursive")) {
        return Vec::new();
    }
    let is_before_as = |at: usize| {
        let next = lexemes.get(at + 1);
        next.is_some_and(|next| next.is_keyword("as"))
            || next.is_some_and(|next| next.is_symbol("(")) && names_columns(lexemes, at)
    };
    let words = lexemes.iter().enumerate().filter_map(|(at, lexeme)| match &lexeme.token {
        Token::Word { text, .. } if is_before_as(at) => Some(text.clone()),
        _ => None,
    });
    words.collect()
}

/// Whether a name stands alone, or behind the engine's own schema.
fn is_plain(lexemes: &[Lexeme], at: usize) -> bool {
    let before = |steps: usize| at.checked_sub(steps).and_then(|at| lexemes.get(at));
    let is_catalogue = |lexeme: &Lexeme| matches!(&lexeme.token, Token::Word { text, .. } if text == "pg_catalog");
    !before(1).is_some_and(|dot| dot.is_symbol(".")) || before(2).is_some_and(is_catalogue)
}

/// Whether a word stands directly behind a bracket, where nothing is called but behind that of DISTINCT ON: `f(x) t(a, b)`.
fn is_behind_relation(lexemes: &[Lexeme], at: usize) -> bool {
    if WORDS.iter().any(|word| lexemes[at].is_keyword(word)) {
        return false;
    }
    let mut depth = 0_i32;
    for (back, lexeme) in lexemes.iter().enumerate().take(at).rev() {
        depth += i32::from(lexeme.is_symbol(")")) - i32::from(lexeme.is_symbol("("));
        if depth <= 0 {
            let is_on = |word: &Lexeme| word.is_keyword("on");
            return depth == 0 && lexeme.is_symbol("(") && !back.checked_sub(1).is_some_and(|at| is_on(&lexemes[at]));
        }
    }
    false
}

/// Whether a bracket holds the names of a relation's columns: `AS t(a, b)`, `WITH t(a) AS (…)`.
fn names_columns(lexemes: &[Lexeme], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|before| lexemes.get(before));
    let is_behind = |words: &[&str]| before.is_some_and(|before| words.iter().any(|word| before.is_keyword(word)));
    if is_behind_relation(lexemes, at) || is_behind(&["as", "with", "recursive"]) {
        return true;
    }
    // a later one of several: `), name (a, b) AS (`
    let rest = lexemes.get(at + 1..).unwrap_or_default();
    if !rest.first().is_some_and(|open| open.is_symbol("(")) {
        return false;
    }
    let close = rest.iter().position(|lexeme| lexeme.is_symbol(")"));
    let behind = close.and_then(|close| Some((rest.get(close + 1)?, rest.get(close + 2)?, rest.get(close + 3)?)));
    let is_list = close.is_some_and(|close| {
        rest[1..close].iter().all(|it| it.is_symbol(",") || matches!(it.token, Token::Word { .. }))
    });
    is_list
        && before.is_some_and(|before| before.is_symbol(","))
        && behind.is_some_and(|(word, open, first)| {
            let begins = ["select", "with", "values"].iter().any(|query| first.is_keyword(query));
            word.is_keyword("as") && open.is_symbol("(") && begins
        })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn what_only_computes_may_be_called_and_nothing_else() {
        let told = |text: &str| super::super::check_for_postgres(Text::Model, text).err().map(|refusal| refusal.what);
        for text in [
            "SELECT count(*) FILTER (WHERE a > 1), sum(b) OVER (PARTITION BY c) FROM t GROUP BY (d)",
            "WITH a(x, y) AS (SELECT 1, 2), b (z) AS (SELECT x FROM a) SELECT * FROM b WHERE z IN (1, 2)",
            "SELECT * FROM (VALUES (1, 'x')) AS t(id, name) JOIN u USING (id)",
            "SELECT cast(a AS numeric(10, 2)), date_trunc('day', ts), pg_catalog.lower(n) FROM t",
            "SELECT 'é /* -- */' AS \"é$\" /* é -- */ FROM t -- é\nFETCH FIRST 3 ROWS ONLY",
            "SELECT date '2026-01-01' + interval '1 day', a::numeric(10, 2)[], b::double precision FROM t WHERE n LIKE 'x'",
            "SELECT * FROM json_to_recordset('[]') AS t(a int, b timestamp with time zone, c numeric(3, 1))",
            "SELECT CAST(sum(CAST(a AS int)) AS text), ts AT TIME ZONE 'UTC' FROM t",
            "SELECT sum(a), (b), count(*) FROM (SELECT 1 AS a, 2 AS b) AS q",
            "SELECT a::character varying(5), substring(b FROM 'x' FOR '#') FROM (VALUES (1, '2')) AS t(a, b)",
            "SELECT a FROM generate_series(1, 3) t(a), (SELECT 1) u(b), json_to_recordset('[]') v(c int)",
            "SELECT sum(a) OVER w, max(a) OVER v FROM t WINDOW w AS (PARTITION BY b), v AS (w ORDER BY c), u AS (ORDER BY d)",
            "SELECT sum(a) OVER w FROM t WINDOW w AS (ROWS BETWEEN 1 PRECEDING AND CURRENT ROW), v AS ()",
            "SELECT generate_series(1, 3), coalesce(a, 0), \"lower\"(b) FROM t WHERE EXISTS (SELECT 1)",
            "SELECT \"XMIN\" FROM a",
        ] {
            assert_eq!(told(text), None, "{text}");
        }
        for text in [
            "SELECT pg_read_file('/etc/passwd')",
            "SELECT set_config('a.b', '1', false)",
            "SELECT nextval('s')",
            "SELECT \"pg_sleep\"(10)",
            "SELECT public.lower('x')",
            "SELECT query_to_xml('SELECT 1', true, true, '')",
            "SELECT my_function(1)",
            "SELECT dblink_exec('host=x', 'DROP TABLE t')",
            "SELECT * FROM pg_shadow",
            "SELECT \"in\"(1)",
            "WITH a AS (SELECT 1), lo_import ('/etc/passwd') AS (SELECT 1) SELECT 1",
            // PostgreSQL would read these otherwise
            "SELECT E'a'\n'\\' || ' AS a, current_setting($$x$$) AS b --'",
            "SELECT 'a'\n'b'",
            "SELECT 1 AS \u{a0}$$, pg_read_file('/etc/hostname') AS b$$",
            "SELECT $\u{a0}$ ' $\u{a0}$ AS a, lo_get(1) AS b, $\u{a0}$ ' $\u{a0}$ AS c",
            "SELECT 1\u{3000}AS a",
            "SELECT usename FROM U&\"\\0070g_shadow\"",
            "SELECT x FROM u&\"orders\"",
            "SELECT 1 -- a\r, lo_get(1)",
            "SELECT 1 /* a /* b */ , lo_get(1) /* */",
            "SELECT srec.* FROM (SELECT 'DELETE FROM t' AS q) s, srec(q) AS (x int)",
            "SELECT * FROM ONLY orders",
            "SELECT * FROM ROWS FROM (generate_series(1, 2)) g",
            "SELECT * FROM orders FOR SHARE",
            "SELECT 1 AS a WITH NO DATA",
            "WITH /*/ -- */\u{a0}orders AS (SELECT 5 AS id) SELECT * FROM orders",
            "SELECT NULL::prod.orders AS o",
            "SELECT 'prod.orders'::regclass AS o",
            "SELECT regclass 'prod.orders' AS o",
            "SELECT CAST('prod.orders' AS regclass) AS o",
            "SELECT CAST(NULL AS prod.orders) AS o",
            "SELECT * FROM json_to_recordset('[]') AS t(a prod.orders)",
            "SELECT * FROM json_to_recordset('[]') AS (partition prod.orders)",
            "SELECT * FROM json_to_recordset('[]') t(a prod.orders)",
            "SELECT * FROM json_to_recordset('[]') AS t(values regclass)",
            "SELECT * FROM generate_series(1, 2) t(lo_get(1))",
            "SELECT DISTINCT ON (a) lo_get(1) FROM t",
            "SELECT ('public.seq').nextval AS a",
            "SELECT (t.n) . \"nextval\" FROM t",
            "SELECT (ARRAY['public.seq'])[1].nextval FROM t ORDER BY (SELECT 'x').current_setting",
            "SELECT (('SELECT 1').ts_stat).*",
            "SELECT (1) OPERATOR(public.@@@) (2)",
            "SELECT json_populate_record(w, '{}') FROM w",
            "SELECT DISTINCT ON ((a), (b)) lo_get(1) FROM t",
            "SELECT u.next(1)",
            "SELECT u.select(1)",
            "SELECT \"LOWER\"('x')",
            "SELECT format_type(1, NULL)",
            "WITH t AS (SELECT 5 AS id) SELECT * FROM recurring.t",
            "SELECT a.CTID FROM a",
            "SELECT \"xmin\" FROM a",
        ] {
            assert!(told(text).is_some(), "{text}");
        }
    }
}
