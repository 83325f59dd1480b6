//! Whether a query of a server's gives the same rows each time, of the same tables, told by its words: nothing in it depends
//! on the clock, on chance, or on an order that nobody asked for. In doubt it doesn't.

use super::super::{Lexeme, Token};
use super::calls;
use crate::domain::engine_kind::EngineKind;

/// Words that stand for the clock or the session, and those that take some of the rows.
#[rustfmt::skip]
const WORDS: [&str; 17] = [
    "current_catalog", "current_date", "current_role", "current_schema", "current_time", "current_timestamp",
    "current_user", "fetch", "groups", "limit", "localtime", "localtimestamp", "offset", "rows", "session_user",
    "tablesample", "user",
];

/// Functions whose value is another one each time: by the clock, by chance, or by the order of rows that nobody can tell.
const UNSTABLE: &str = "age any_value array_sample array_shuffle clock_timestamp gen_random_uuid mode now random random_normal \
    statement_timestamp timeofday transaction_timestamp uuidv4 uuidv7";

/// The same of Spark's: also those that tell where a row lies, or that only come near to a value.
const UNSTABLE_ON_SPARK: &str = "any_value approx_percentile approx_top_k approx_top_k_accumulate approx_top_k_combine collect_list \
    collect_set collect_union curdate current_date current_time current_timestamp first histogram_numeric last listagg localtime \
    localtimestamp max_by min_by mode monotonically_increasing_id now percentile_approx rand randn random randstr shuffle \
    spark_partition_id uniform unix_timestamp uuid";

/// Functions that take rows in their order.
const ORDERED: &str =
    "array_agg json_agg json_arrayagg json_object_agg json_objectagg jsonb_agg jsonb_object_agg string_agg xmlagg";

/// Functions that tell a row's place among others.
const PLACES: &str =
    "cume_dist dense_rank first_value lag last_value lead nth_value ntile percent_rank rank row_number";

/// Times that are said by the clock: `date 'today'`.
const TIMES: [&str; 5] = ["now", "today", "tomorrow", "yesterday", "allballs"];

fn is_in(list: &str, name: &str) -> bool {
    list.split_whitespace().any(|word| word == name)
}

/// Whether all of a query is known to be so.
pub(in super::super) fn is_repeatable_on_a_server(engine: EngineKind, lexemes: &[Lexeme]) -> bool {
    let is_plain = |(at, lexeme): (usize, &Lexeme)| match &lexeme.token {
        Token::Word { text, quoted: false } => {
            let word = text.to_lowercase();
            let is_first_of = word == "distinct" && lexemes.get(at + 1).is_some_and(|next| next.is_keyword("on"));
            !is_first_of && !WORDS.contains(&word.as_str())
        }
        Token::String(text) => !TIMES.iter().any(|time| text.to_lowercase().contains(time)),
        _ => true,
    };
    lexemes.iter().enumerate().all(is_plain)
        && calls(lexemes).all(|(at, name)| is_stable(engine, lexemes, at, &name.to_lowercase()))
}

/// Whether what is called here gives the same for the same rows.
fn is_stable(engine: EngineKind, lexemes: &[Lexeme], at: usize, name: &str) -> bool {
    if engine == EngineKind::Spark && is_in(UNSTABLE_ON_SPARK, name) {
        return false;
    }
    // `ARRAY(SELECT …)` has its rows in an order as well
    if name == "array" && engine == EngineKind::Postgres || is_in(ORDERED, name) {
        return is_ordered(lexemes, at + 1);
    }
    if is_in(PLACES, name) {
        let Some(end) = closing(lexemes, at + 1) else { return false };
        let over = lexemes.iter().enumerate().skip(end).find(|(_, lexeme)| lexeme.is_keyword("over"));
        // `FILTER (…)` may come between
        return over.is_some_and(|(over, _)| is_ordered(lexemes, over + 1));
    }
    !is_in(UNSTABLE, name)
}

/// Where the bracket is closed that opens here.
fn closing(lexemes: &[Lexeme], open: usize) -> Option<usize> {
    let mut depth = 0_i32;
    for (at, lexeme) in lexemes.iter().enumerate().skip(open) {
        depth += i32::from(lexeme.is_symbol("(")) - i32::from(lexeme.is_symbol(")"));
        if depth <= 0 {
            return (at > open).then_some(at);
        }
    }
    None
}

/// Whether the brackets that open here say an order themselves.
fn is_ordered(lexemes: &[Lexeme], open: usize) -> bool {
    let Some(close) = closing(lexemes, open) else { return false };
    let mut depth = 0_i32;
    lexemes[open..close].iter().any(|lexeme| {
        depth += i32::from(lexeme.is_symbol("(")) - i32::from(lexeme.is_symbol(")"));
        depth == 1 && lexeme.is_keyword("order")
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::lex;
    use super::*;

    #[test]
    fn what_spark_makes_of_chance_or_of_the_order_of_rows_is_not_repeatable() {
        let told = |text: &str| lex(text).is_ok_and(|lexemes| is_repeatable_on_a_server(EngineKind::Spark, &lexemes));
        assert!(told("SELECT a, sum(b), array(a) FROM t GROUP BY a"));
        for text in
            ["collect_list(a)", "uuid()", "rand()", "unix_timestamp()", "first(a)", "array_agg(a)", "current_date"]
        {
            assert!(!told(&format!("SELECT {text} FROM t")), "{text}");
        }
    }

    #[test]
    fn a_query_gives_the_same_rows_or_may_give_others() {
        let told =
            |text: &str| lex(text).is_ok_and(|lexemes| is_repeatable_on_a_server(EngineKind::Postgres, &lexemes));
        for text in [
            "SELECT a, sum(b) FROM t GROUP BY a",
            "WITH s(a) AS (SELECT a FROM t) SELECT upper(a) FROM s AS x(y)",
            "SELECT row_number() OVER (PARTITION BY a ORDER BY b) FROM t",
            "SELECT string_agg(a, ',' ORDER BY (b)) FILTER (WHERE a > 'x') FROM t",
            "SELECT sum(a) OVER (ORDER BY b RANGE UNBOUNDED PRECEDING) FROM t",
            "SELECT a::date - DATE '2026-01-01' FROM t",
            "SELECT \"limit\", \"current_date\", ARRAY[a] FROM t",
            "SELECT ARRAY(SELECT a FROM t ORDER BY a)",
        ] {
            assert!(told(text), "{text}");
        }
        for text in [
            "SELECT random() FROM t",
            "SELECT \"now\"() FROM t",
            "SELECT current_date FROM t",
            "SELECT DATE 'Today' FROM t",
            "SELECT a FROM t LIMIT 3",
            "SELECT a FROM t FETCH FIRST ROW ONLY",
            "SELECT DISTINCT ON (a) a, b FROM t",
            "SELECT age(a) FROM t",
            "SELECT array_agg(a) FROM t",
            "SELECT array_agg((SELECT 1 ORDER BY 1)) FROM t",
            "SELECT row_number() OVER () FROM t",
            "SELECT rank() OVER w FROM t WINDOW w AS (ORDER BY a)",
            "SELECT row_number() OVER (PARTITION BY (SELECT 1 ORDER BY 1)) FROM t",
            "SELECT sum(a) OVER (ORDER BY b ROWS 3 PRECEDING) FROM t",
            "SELECT a FROM t TABLESAMPLE SYSTEM (10)",
            "SELECT ARRAY(SELECT a FROM t)",
        ] {
            assert!(!told(text), "{text}");
        }
    }
}
