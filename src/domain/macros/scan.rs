//! Finding macros among the lexemes of a text, and taking their calls apart.

use std::ops::Range;

use super::super::diagnostic::Problem;
use super::super::sql::{self, Lexeme, Span, Token};

/// A text and its lexemes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'t> {
    /// The text.
    pub(super) text: &'t str,
    /// Its lexemes.
    pub(super) lexemes: &'t [Lexeme],
}

/// A part of a name: text as it stands, or a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part<'t> {
    /// Text.
    Text(&'t str),
    /// A variable's name, and whether it stood in braces.
    Variable(&'t str, bool),
}

/// One argument of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RawArgument {
    /// The name in lower case, of `name := value`.
    pub(super) name: Option<String>,
    /// Its lexemes.
    pub(super) lexemes: Range<usize>,
}

/// A problem at a place.
pub(super) fn problem(what: impl Into<String>, span: Span) -> Problem {
    Problem { what: what.into(), span, help: None }
}

impl<'t> Source<'t> {
    /// The bytes from the first of some lexemes to the last.
    pub(super) fn span(&self, range: &Range<usize>) -> Span {
        match self.lexemes.get(range.clone()) {
            Some([first, .., last]) => first.span.start..last.span.end,
            Some([only]) => only.span.clone(),
            _ => {
                let at = self.lexemes.get(range.start).map_or(self.text.len(), |next| next.span.start);
                at..at
            }
        }
    }

    /// The text of some bytes.
    pub(super) fn slice(&self, span: &Span) -> &'t str {
        self.text.get(span.clone()).unwrap_or("")
    }

    /// The text of some lexemes.
    pub(super) fn of(&self, range: &Range<usize>) -> &'t str {
        self.slice(&self.span(range))
    }

    /// Whether a lexeme is this symbol.
    pub(super) fn is(&self, at: usize, symbol: &str) -> bool {
        self.lexemes.get(at).is_some_and(|lexeme| lexeme.is_symbol(symbol))
    }

    /// Whether a lexeme is this word.
    pub(super) fn word(&self, at: usize, word: &str) -> bool {
        self.lexemes.get(at).is_some_and(|lexeme| lexeme.is_keyword(word))
    }

    /// The lexeme in front of one, if it is in the range.
    pub(super) fn before(&self, at: usize, range: &Range<usize>) -> Option<usize> {
        at.checked_sub(1).filter(|before| range.contains(before))
    }

    /// Whether a lexeme begins where the one in front of it ends.
    pub(super) fn adjoins(&self, at: usize) -> bool {
        let before = at.checked_sub(1).and_then(|before| self.lexemes.get(before));
        matches!((before, self.lexemes.get(at)), (Some(before), Some(this)) if before.span.end == this.span.start)
    }

    /// Whether the `@` at `at` begins a macro: a word, a string or a brace touches it, and it is no part of an operator.
    pub(super) fn starts_macro(&self, at: usize) -> bool {
        if !self.is(at, "@") || !self.adjoins(at + 1) {
            return false;
        }
        let operator =
            self.adjoins(at) && at.checked_sub(1).is_some_and(|before| self.is(before, "<") || self.is(before, "@"));
        !operator
            && match self.lexemes.get(at + 1).map(|lexeme| &lexeme.token) {
                Some(Token::Word { .. }) => true,
                Some(Token::String(_)) => self.slice(&self.span(&(at + 1..at + 2))).starts_with('\''),
                Some(Token::Symbol(symbol)) => symbol == "{",
                _ => false,
            }
    }

    /// The index of the bracket that closes the one at `open`, before `end`.
    pub(super) fn closing(&self, open: usize, end: usize) -> Option<usize> {
        let mut depth = 0usize;
        for at in open..end {
            match nesting(self.lexemes.get(at)?) {
                1 => depth += 1,
                -1 => {
                    depth = depth.checked_sub(1)?;
                    if depth == 0 {
                        return Some(at);
                    }
                }
                _ => {}
            }
        }
        None
    }

    /// The parts between commas outside of brackets. Empty parts are left out.
    pub(super) fn commas(&self, range: &Range<usize>) -> Vec<Range<usize>> {
        let (mut parts, mut start, mut depth) = (Vec::new(), range.start, 0i32);
        for at in range.clone() {
            let Some(lexeme) = self.lexemes.get(at) else { break };
            depth += nesting(lexeme);
            if depth == 0 && lexeme.is_symbol(",") {
                parts.push(start..at);
                start = at + 1;
            }
        }
        parts.push(start..range.end);
        parts.retain(|part| !part.is_empty());
        parts
    }

    /// The arguments between a call's parentheses.
    pub(super) fn arguments(&self, range: &Range<usize>) -> Vec<RawArgument> {
        let read = |part: Range<usize>| match self.lexemes.get(part.start).map(|lexeme| &lexeme.token) {
            Some(Token::Word { text, .. }) if part.len() > 2 && self.is(part.start + 1, ":=") => {
                RawArgument { name: Some(text.to_lowercase()), lexemes: part.start + 2..part.end }
            }
            _ => RawArgument { name: None, lexemes: part },
        };
        self.commas(range).into_iter().map(read).collect()
    }

    /// `x -> body` or `(x, y) -> body`: the parameters in lower case, and the body.
    pub(super) fn lambda(&self, range: &Range<usize>) -> Option<(Vec<String>, Range<usize>)> {
        let (names, arrow) = if self.is(range.start, "(") {
            let close = self.closing(range.start, range.end)?;
            (self.commas(&(range.start + 1..close)), close + 1)
        } else {
            (self.commas(&(range.start..range.start + 1)), range.start + 1)
        };
        let body = arrow + 1..range.end;
        if !self.is(arrow, "->") || body.is_empty() {
            return None;
        }
        let name = |part: &Range<usize>| match self.lexemes.get(part.clone()) {
            Some([Lexeme { token: Token::Word { text, .. }, .. }]) => Some(text.to_lowercase()),
            _ => None,
        };
        Some((names.iter().map(name).collect::<Option<Vec<_>>>()?, body))
    }

    /// The name that begins at a byte, cut into text and variables: `foo_@{x}`, `@x`. Its end is the last part's.
    pub(super) fn name_parts(&self, start: usize) -> (Vec<Part<'t>>, usize) {
        let (mut parts, mut at) = (Vec::new(), start);
        loop {
            let rest = self.text.get(at..).unwrap_or("");
            let (part, length) = match variable(rest) {
                Some(found) => found,
                None => match rest.find(|c: char| !in_word(c)).unwrap_or(rest.len()) {
                    0 => return (parts, at),
                    length => (Part::Text(&rest[..length]), length),
                },
            };
            parts.push(part);
            at += length;
        }
    }
}

/// Cuts any text into parts: variables are `@x` and `@{x}`, and `@@` is an `@`.
pub(super) fn template(text: &str) -> Vec<Part<'_>> {
    let (mut parts, mut rest) = (Vec::new(), text);
    while let Some(found) = rest.find('@') {
        let (before, sign) = rest.split_at(found);
        parts.push(Part::Text(before));
        if let Some(after) = sign.strip_prefix("@@") {
            parts.push(Part::Text("@"));
            rest = after;
        } else if let Some((part, length)) = variable(sign) {
            parts.push(part);
            rest = &sign[length..];
        } else {
            parts.push(Part::Text("@"));
            rest = &sign[1..];
        }
    }
    parts.push(Part::Text(rest));
    parts
}

/// The variable at the start of a text, and its length.
fn variable(text: &str) -> Option<(Part<'_>, usize)> {
    let rest = text.strip_prefix('@')?;
    let (rest, braced) = rest.strip_prefix('{').map_or((rest, false), |rest| (rest, true));
    if !rest.starts_with(|c: char| c.is_alphabetic() || c == '_') {
        return None;
    }
    let end = rest.find(|c: char| !in_name(c)).unwrap_or(rest.len());
    if braced && !rest[end..].starts_with('}') {
        return None;
    }
    Some((Part::Variable(&rest[..end], braced), end + if braced { 3 } else { 1 }))
}

fn in_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Whether the lexer takes this character for a part of a word.
fn in_word(c: char) -> bool {
    in_name(c) || c == '$' || (!c.is_ascii() && !c.is_whitespace() && !matches!(c, '\u{feff}' | '\u{200b}'))
}

/// 1 for an opening bracket, -1 for a closing one.
pub(super) fn nesting(lexeme: &Lexeme) -> i32 {
    match &lexeme.token {
        Token::Symbol(symbol) => match symbol.as_str() {
            "(" | "[" | "{" => 1,
            ")" | "]" | "}" => -1,
            _ => 0,
        },
        _ => 0,
    }
}

/// Lexes a text and gives it to `read`; `None` if it has no lexemes or can't be lexed.
pub(super) fn with_lexemes<T>(text: &str, read: impl FnOnce(Source<'_>) -> Option<T>) -> Option<T> {
    let lexemes = sql::lex(text).ok()?;
    if lexemes.is_empty() { None } else { read(Source { text, lexemes: &lexemes }) }
}
