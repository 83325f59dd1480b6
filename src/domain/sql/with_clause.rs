//! The head of a query: its common table expressions, without what reads them.

use std::cell::Cell;

use super::lex::{Lexeme, Token, lex};

/// `WITH … ` up to where the query itself begins, and the names of the common table expressions; `None` without one.
pub fn with_clause(text: &str) -> Option<(&str, Vec<String>)> {
    let lexemes = lex(text).ok()?;
    let mut names = Vec::new();
    let at = Cell::new(0);
    let next = |expected: &dyn Fn(&Lexeme) -> bool| -> bool {
        let is_it = lexemes.get(at.get()).is_some_and(expected);
        at.set(at.get() + usize::from(is_it));
        is_it
    };
    if !next(&|lexeme| lexeme.is_keyword("with")) {
        return None;
    }
    next(&|lexeme| lexeme.is_keyword("recursive"));
    loop {
        if let Token::Word { text, .. } = &lexemes.get(at.get())?.token {
            names.push(text.clone());
        }
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
    let end = lexemes.get(at.get())?.span.start;
    Some((text.get(..end)?, names))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_ends_where_the_query_begins() {
        let head = |text| with_clause(text).map(|(head, _)| head.trim_end());
        let (_, names) = with_clause("WITH RECURSIVE a AS (SELECT (1)), \"B\"(x) AS (SELECT 2) FROM a").unwrap();
        assert_eq!(names, ["a", "B"]);
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
