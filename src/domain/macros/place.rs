//! The text that is being put together: copied stretches and what macros gave, commas kept in order.

use std::ops::Range;

use super::super::diagnostic::Problem;
use super::super::sql::{Span, Token};
use super::map::Map;
use super::scan::{Source, problem};
use super::text;

/// What a macro, a variable or an argument comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Argument {
    /// One piece of SQL.
    One(String),
    /// Several, to stand between commas; none at all removes the place.
    Many(Vec<String>),
}

impl Argument {
    /// As one text.
    pub(super) fn sql(&self) -> String {
        match self {
            Self::One(text) => text.clone(),
            Self::Many(items) => items.join(", "),
        }
    }

    /// Several statements as one text; anything else as it is.
    pub(super) fn statements(self) -> Self {
        match self {
            Self::Many(items) if items.len() > 1 && items.iter().all(|item| is_statement(item)) => {
                Self::One(items.join("; "))
            }
            other => other,
        }
    }

    /// Its elements: of several, these; of a list, what is in it; else the one.
    pub(super) fn items(self) -> Vec<String> {
        match self {
            Self::Many(items) => items,
            Self::One(one) => text::elements(&one).unwrap_or_else(|| vec![one]),
        }
    }
}

/// Whether a text surely is a statement that writes, and no expression.
fn is_statement(text: &str) -> bool {
    let mut words = text.split_whitespace().map(str::to_lowercase);
    let (first, second) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    match first.as_str() {
        "comment" => second == "on",
        "insert" => second == "into",
        "delete" => second == "from",
        "alter" | "create" | "drop" | "grant" | "revoke" | "update" => {
            second != "as" && second.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '"' | '_'))
        }
        _ => false,
    }
}

/// A text under construction.
#[derive(Debug, Default)]
pub(super) struct Output {
    /// The text so far.
    pub(super) text: String,
    /// Where it came from.
    pub(super) map: Map,
    /// Where the comma stands that the text so far ends with, blanks apart.
    comma: Option<usize>,
}

impl Output {
    /// Copies some bytes; `last` is the last lexeme among them.
    pub(super) fn copy(&mut self, source: Source<'_>, bytes: Span, last: Option<usize>) {
        if let Some(lexeme) = last.and_then(|last| source.lexemes.get(last)) {
            let start = lexeme.span.start.checked_sub(bytes.start);
            self.comma = start.filter(|_| lexeme.is_symbol(",")).map(|start| self.text.len() + start);
        }
        self.map.push(bytes.len(), bytes.clone(), true);
        self.text.push_str(source.slice(&bytes));
    }

    /// Adds what stands for `original`.
    pub(super) fn make(&mut self, text: &str, original: &Span) {
        if !text.trim().is_empty() {
            self.comma = None;
        }
        self.map.push(text.len(), original.clone(), false);
        self.text.push_str(text);
    }

    /// Leaves out the item of a list that stands from `at` to `next`, and one comma beside it. Gives the lexeme to go on
    /// with.
    pub(super) fn remove(
        &mut self,
        source: Source<'_>,
        at: usize,
        next: usize,
        range: &Range<usize>,
    ) -> Result<usize, Problem> {
        let missed = |around: usize| {
            let span = source.span(&(at..next));
            let beside = source.of(&(around..around + 1));
            Problem {
                help: Some("give it a value for the other case".to_owned()),
                ..problem(format!("this gives nothing here, and `{beside}` needs something beside it"), span)
            }
        };
        if let Some(before) = source.before(at, range).filter(|before| needs_right(source, *before)) {
            return Err(missed(before));
        }
        if next < range.end && needs_left(source, next) {
            return Err(missed(next));
        }
        if let Some(comma) = self.comma.take() {
            self.text.remove(comma);
            self.map.remove(comma);
            return Ok(next);
        }
        Ok(if next < range.end && source.is(next, ",") { next + 1 } else { next })
    }
}

/// Whether a lexeme can't do without something behind it.
fn needs_right(source: Source<'_>, at: usize) -> bool {
    const WORDS: &[&str] =
        &["and", "or", "not", "where", "having", "qualify", "on", "in", "like", "ilike", "is", "between"];
    match source.lexemes.get(at).map(|lexeme| &lexeme.token) {
        Some(Token::Word { text, quoted: false }) => WORDS.iter().any(|word| text.eq_ignore_ascii_case(word)),
        Some(Token::Symbol(symbol)) => is_operator(symbol),
        _ => false,
    }
}

/// Whether a lexeme can't do without something in front of it.
fn needs_left(source: Source<'_>, at: usize) -> bool {
    const WORDS: &[&str] = &["and", "or", "as", "in", "like", "ilike", "is", "between"];
    match source.lexemes.get(at).map(|lexeme| &lexeme.token) {
        Some(Token::Word { text, quoted: false }) => WORDS.iter().any(|word| text.eq_ignore_ascii_case(word)),
        Some(Token::Symbol(symbol)) => is_operator(symbol) && symbol != "@",
        _ => false,
    }
}

fn is_operator(symbol: &str) -> bool {
    !matches!(symbol, "(" | ")" | "[" | "]" | "{" | "}" | "," | ";" | "*") && !symbol.starts_with(['$', '{', '?'])
}
