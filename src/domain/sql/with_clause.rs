//! The head of a query: its common table expressions, without what reads them.

use super::lex::{Lexeme, lex};

/// `WITH … ` up to where the query itself begins; `None` without one.
pub fn with_clause(text: &str) -> Option<&str> {
    let lexemes = lex(text).ok()?;
    let mut at = 0;
    let mut next = |expected: &dyn Fn(&Lexeme) -> bool| -> bool {
        let is_it = lexemes.get(at).is_some_and(expected);
        at += usize::from(is_it);
        is_it
    };
    if !next(&|lexeme| lexeme.is_keyword("with")) {
        return None;
    }
    next(&|lexeme| lexeme.is_keyword("recursive"));
    loop {
        // up to the bracket that closes the query of this one
        while !next(&|lexeme| lexeme.is_keyword("as")) {
            if !next(&|_| true) {
                return None;
            }
        }
        next(&|lexeme| lexeme.is_keyword("not"));
        next(&|lexeme| lexeme.is_keyword("materialized"));
        let mut depth = 0_usize;
        loop {
            if next(&|lexeme| lexeme.is_symbol("(")) {
                depth += 1;
            } else if next(&|lexeme| lexeme.is_symbol(")")) {
                depth = depth.checked_sub(1)?;
            } else if !next(&|_| true) {
                return None;
            }
            if depth == 0 {
                break;
            }
        }
        if !next(&|lexeme| lexeme.is_symbol(",")) {
            break;
        }
    }
    let end = lexemes.get(at)?.span.start;
    text.get(..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_ends_where_the_query_begins() {
        let head = |text| with_clause(text).map(str::trim_end);
        assert_eq!(
            head("WITH a AS (SELECT (1)), b(x) AS MATERIALIZED (SELECT ')') SELECT * FROM b"),
            Some("WITH a AS (SELECT (1)), b(x) AS MATERIALIZED (SELECT ')')")
        );
        assert_eq!(
            head("with recursive a as not materialized (select 1) from a"),
            Some("with recursive a as not materialized (select 1)")
        );
        assert_eq!(head("SELECT 1"), None);
        assert_eq!(head("WITH a AS (SELECT 1"), None);
    }
}
