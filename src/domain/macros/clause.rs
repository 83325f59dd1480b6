//! Macros in place of keywords: `@WHERE(condition) …` keeps its clause or leaves it out.

use std::ops::Range;

use super::super::diagnostic::Problem;
use super::expander::{Context, Expander, Site};
use super::place::Argument;
use super::scan::{Source, nesting, problem};

/// The macros and their keywords.
pub(super) const CLAUSES: &[(&str, &str)] = &[
    ("with", "WITH"),
    ("join", "JOIN"),
    ("where", "WHERE"),
    ("group_by", "GROUP BY"),
    ("having", "HAVING"),
    ("order_by", "ORDER BY"),
    ("limit", "LIMIT"),
];

/// What may stand in front of JOIN.
const JOIN_WORDS: &[&str] =
    &["natural", "asof", "positional", "left", "right", "full", "inner", "outer", "cross", "semi", "anti", "lateral"];

/// Words that begin another clause; some of them only with the word that follows.
const ENDS: &[(&str, &str)] = &[
    ("select", ""),
    ("from", ""),
    ("where", ""),
    ("group", "by"),
    ("having", ""),
    ("window", ""),
    ("qualify", ""),
    ("order", "by"),
    ("limit", ""),
    ("offset", ""),
    ("fetch", ""),
    ("using", "sample"),
    ("union", ""),
    ("except", ""),
    ("intersect", ""),
];

impl Expander<'_> {
    /// The clause macro at an `@`, if it is one.
    pub(super) fn clause(
        &mut self,
        source: Source<'_>,
        at: usize,
        range: &Range<usize>,
        context: Context<'_>,
    ) -> Result<Option<Site>, Problem> {
        let found = CLAUSES.iter().find(|(name, _)| source.word(at + 1, name));
        let Some((name, keyword)) = found.filter(|_| at + 2 < range.end && source.is(at + 2, "(")) else {
            return Ok(None);
        };
        let start = source.span(&(at..at + 1)).start;
        let close = source.closing(at + 2, range.end);
        let close = close.ok_or_else(|| problem("this `(` is never closed", source.span(&(at + 2..at + 3))))?;
        let span = start..source.span(&(close..close + 1)).end;
        self.enter(&span)?;
        let condition = self.argument(source, &(at + 3..close), context.inner())?;
        self.leave();
        if self.constant(&condition.sql(), &span)?.holds() {
            let given = Argument::One((*keyword).to_owned());
            return Ok(Some(Site { start, first: at, next: close + 1, end: span.end, given }));
        }
        let next = end_of(source, name, close + 1, range.end);
        let mut first = at;
        while *name == "join" && first > range.start && JOIN_WORDS.iter().any(|word| source.word(first - 1, word)) {
            first -= 1;
        }
        let whole = source.span(&(first..next));
        // Blank, not gone: the commas around a clause are none of its business.
        let given = Argument::One(" ".to_owned());
        Ok(Some(Site { start: whole.start, first, next, end: whole.end, given }))
    }
}

/// The first lexeme behind a clause whose content begins at `at`.
fn end_of(source: Source<'_>, name: &str, at: usize, end: usize) -> usize {
    if name == "with" {
        return end_of_with(source, at, end);
    }
    let mut depth = 0i32;
    for at in at..end {
        let Some(lexeme) = source.lexemes.get(at) else { break };
        let change = nesting(lexeme);
        depth += change;
        if depth < 0 {
            return at;
        }
        if depth > 0 || change != 0 {
            continue;
        }
        let ends = lexeme.is_symbol(";")
            || ENDS.iter().any(|(word, next)| source.word(at, word) && (next.is_empty() || source.word(at + 1, next)))
            || (source.starts_macro(at) && CLAUSES.iter().any(|(name, _)| source.word(at + 1, name)))
            || (name == "join" && (lexeme.is_symbol(",") || begins_join(source, at)));
        if ends {
            return at;
        }
    }
    end
}

/// Whether a join's words begin here: `LEFT JOIN`, but not the function `left(…)`.
fn begins_join(source: Source<'_>, at: usize) -> bool {
    let words = (at..at + 4).take_while(|at| JOIN_WORDS.iter().any(|word| source.word(*at, word))).count();
    let at = at + words;
    source.word(at, "join") || (source.starts_macro(at) && source.word(at + 1, "join"))
}

/// The first lexeme behind the list of a WITH.
fn end_of_with(source: Source<'_>, mut at: usize, end: usize) -> usize {
    loop {
        // `name (columns) AS [NOT] MATERIALIZED (query)`
        while at < end && !source.word(at, "as") {
            at += 1;
        }
        while at < end && !source.is(at, "(") {
            at += 1;
        }
        let Some(close) = source.closing(at, end) else { return end };
        if !source.is(close + 1, ",") || close + 1 >= end {
            return close + 1;
        }
        at = close + 2;
    }
}
