//! From text to sqlparser's tree of one query, with byte ranges; whatever goes wrong is an error with a place.

use std::collections::HashSet;
use std::panic::{self, AssertUnwindSafe};

use sqlparser::ast::{self, Statement};
use sqlparser::dialect::Dialect;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{self, Location, TokenWithSpan, Tokenizer};

use super::dialect::DuckDb;
use super::{Lexeme, Span, SqlError, Token, labels, materialized};

/// A query that sqlparser could read.
pub(super) struct Parsed {
    pub(super) query: Box<ast::Query>,
    pub(super) places: Places,
    /// Names that casts get, in lower case.
    pub(super) labels: HashSet<String>,
}

/// Byte offsets of sqlparser's locations, which count lines and characters: of the start and the end of each word and sign,
/// in the order of the text.
pub(super) struct Places(Vec<(Location, usize)>);

impl Places {
    /// Walks the text once beside the tokens' boundaries.
    fn new(text: &str, tokens: &[TokenWithSpan]) -> Self {
        let mut wanted = tokens.iter().filter(said).flat_map(|token| [token.span.start, token.span.end]).peekable();
        let (mut line, mut column) = (1, 1);
        let mut places = Vec::with_capacity(tokens.len());
        for (offset, c) in text.char_indices().chain([(text.len(), '\0')]) {
            while let Some(location) = wanted.next_if(|wanted| *wanted <= Location { line, column }) {
                places.push((location, offset));
            }
            if c == '\n' {
                (line, column) = (line + 1, 1);
            } else {
                column += 1;
            }
        }
        Self(places)
    }

    /// The bytes of each word and sign.
    fn spans(&self) -> impl Iterator<Item = Span> {
        self.0.chunks_exact(2).map(|ends| ends[0].1..ends[1].1)
    }

    fn byte(&self, location: Location) -> Option<usize> {
        let index = self.0.binary_search_by_key(&location, |place| place.0).ok()?;
        self.0.get(index).map(|place| place.1)
    }

    /// The bytes of a span of sqlparser's; `None` for nodes that have none.
    pub(super) fn span(&self, span: tokenizer::Span) -> Option<Span> {
        let (start, end) = (self.byte(span.start)?, self.byte(span.end)?);
        (start < end).then_some(start..end)
    }

    /// The bytes from the first of some identifiers to the last.
    pub(super) fn idents<'a>(&self, mut idents: impl Iterator<Item = &'a ast::Ident>) -> Option<Span> {
        let first = idents.next()?;
        let last = idents.last().unwrap_or(first);
        Some(self.span(first.span)?.start..self.span(last.span)?.end)
    }

    /// The bytes of a dotted name.
    pub(super) fn name(&self, name: &ast::ObjectName) -> Option<Span> {
        self.idents(name.0.iter().filter_map(ast::ObjectNamePart::as_ident))
    }
}

/// Whether a token is a word or a sign, and no space or comment.
fn said(token: &&TokenWithSpan) -> bool {
    !matches!(token.token, tokenizer::Token::Whitespace(_))
}

/// Reads the one query in `text`.
pub(super) fn parse(text: &str, lexemes: &[Lexeme]) -> Result<Parsed, SqlError> {
    parse_in(&DuckDb, text, lexemes)
}

/// The same as it is written in another dialect.
pub(super) fn parse_in(dialect: &(dyn Dialect + Sync), text: &str, lexemes: &[Lexeme]) -> Result<Parsed, SqlError> {
    // sqlparser has panicked on odd input; a text that it can't read must not end the program.
    let parsed = panic::catch_unwind(AssertUnwindSafe(|| run_parser(dialect, text, lexemes)));
    parsed.unwrap_or_else(|_| Err(SqlError::new("the parser gave up", 0..text.len())))
}

fn run_parser(dialect: &(dyn Dialect + Sync), text: &str, lexemes: &[Lexeme]) -> Result<Parsed, SqlError> {
    // between two lexemes there is a space, mostly
    let mut tokens = Vec::with_capacity(2 * lexemes.len() + 1);
    Tokenizer::new(dialect, text)
        .tokenize_with_location_into_buf(&mut tokens)
        .map_err(|error| SqlError::new(error.message, 0..text.len()))?;
    let places = Places::new(text, &tokens);
    if !agree(lexemes, &tokens, &places) {
        return Err(SqlError::new("words and strings begin at odd places", 0..text.len()));
    }
    let (tokens, hints) = materialized::take(tokens);
    let mut parser = Parser::new(dialect).with_tokens_with_locations(tokens);
    let statements =
        parser.parse_statements().map_err(|error| describe(&error, parser.peek_token_ref(), &places, text))?;
    let Ok([Statement::Query(mut query)]) = <[Statement; 1]>::try_from(statements) else {
        return Err(SqlError::new("expected one query", 0..text.len()));
    };
    if !materialized::put(&mut query, hints) {
        return Err(SqlError::new("MATERIALIZED at an odd place", 0..text.len()));
    }
    let labels = labels::find(lexemes).into_iter().map(|label| label.name.to_ascii_lowercase()).collect();
    Ok(Parsed { query, places, labels })
}

/// sqlparser appends where it stood as text; we have it as a range.
fn describe(error: &ParserError, stopped_at: &TokenWithSpan, places: &Places, text: &str) -> SqlError {
    let message = match error {
        ParserError::TokenizerError(message) | ParserError::ParserError(message) => message.as_str(),
        ParserError::RecursionLimitExceeded => "too deeply nested",
    };
    let (message, location) = match message.rsplit_once(" at Line: ") {
        Some((message, tail)) => (message, location(tail)),
        None => (message, None),
    };
    let start = location.unwrap_or(stopped_at.span.start);
    let start = places.byte(start).unwrap_or(text.len());
    let word = text.get(start..).and_then(|rest| rest.split_whitespace().next()).map_or(0, str::len);
    SqlError::new(message, start..start + word)
}

/// Reads `3, Column: 14`.
fn location(text: &str) -> Option<Location> {
    let (line, column) = text.split_once(", Column: ")?;
    Some(Location { line: line.parse().ok()?, column: column.parse().ok()? })
}

/// Whether words, numbers and strings begin where our own lexer, which follows DuckDB's, sees them begin.
fn agree(lexemes: &[Lexeme], tokens: &[TokenWithSpan], places: &Places) -> bool {
    use tokenizer::Token as Theirs;
    let ours = lexemes.iter().filter(|lexeme| !matches!(lexeme.token, Token::Symbol(_)));
    let theirs = tokens.iter().filter(said).zip(places.spans()).filter(|(token, _)| {
        matches!(
            token.token,
            Theirs::Word(_)
                | Theirs::Number(..)
                | Theirs::SingleQuotedString(_)
                | Theirs::DoubleQuotedString(_)
                | Theirs::TripleSingleQuotedString(_)
                | Theirs::TripleDoubleQuotedString(_)
                | Theirs::DollarQuotedString(_)
                | Theirs::EscapedStringLiteral(_)
                | Theirs::UnicodeStringLiteral(_)
                | Theirs::NationalStringLiteral(_)
                | Theirs::HexStringLiteral(_)
                | Theirs::SingleQuotedByteStringLiteral(_)
                | Theirs::DoubleQuotedByteStringLiteral(_)
                | Theirs::SingleQuotedRawStringLiteral(_)
                | Theirs::DoubleQuotedRawStringLiteral(_)
        )
    });
    ours.map(|lexeme| lexeme.span.clone()).eq(theirs.map(|(_, span)| span))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::domain::sql::lex;

    fn error(text: &str) -> SqlError {
        match parse(text, &lex(text).unwrap()) {
            Ok(_) => panic!("{text} parsed"),
            Err(error) => error,
        }
    }

    #[test]
    fn errors_point_at_what_stopped_the_parser() {
        let text = "select é,\n  a b c from t";
        let found = error(text);
        assert_eq!(&text[found.span], "c");
        let found = error("select (");
        assert_eq!(found.span, 8..8);
        assert!(!found.message.contains("Line:"), "{}", found.message);
    }

    #[test]
    fn only_one_query_is_one_query() {
        for text in ["", "select 1; select 2", "insert into t values (1)", "create table a as select 1"] {
            error(text);
        }
        assert!(parse("select 1;", &lex("select 1;").unwrap()).is_ok());
    }
}
