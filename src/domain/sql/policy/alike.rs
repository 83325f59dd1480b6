//! Whether a server divides a text into the words that vmesh does: what it may read otherwise is refused, since the gate must
//! see what the server sees.

use super::super::{Lexeme, SqlError, Token};
use super::Refusal;
use crate::domain::engine_kind::EngineKind;

/// What a query is refused by that vmesh's own parser doesn't take, where the server's can't be asked: at the place that it
/// doesn't understand, if it knows one.
pub fn unread(engine: EngineKind, text: &str, why: Option<SqlError>) -> Refusal {
    let what = match &why {
        Some(error) => format!("vmesh can't read this, so that it can't tell which tables it reads: {}", error.message),
        None => "vmesh can't tell which tables this reads".to_owned(),
    };
    let span = why.map_or(0..text.len(), |error| error.span);
    let help = format!("if {} takes it: write it in other words", engine.name());
    Refusal::new(what, span, help)
}

/// Refuses what a server may divide into other words: strings but plain ones, and names but plain and quoted ones; strings
/// that go on in a next line; dollars; letters beyond ASCII outside of quotes; comments within comments; ends of lines that
/// are none to everyone; and, for Spark, backslashes that would take a quote or the end of a line along.
pub(super) fn is_read_alike(engine: EngineKind, text: &str, lexemes: &[Lexeme]) -> Result<(), Refusal> {
    for (at, lexeme) in lexemes.iter().enumerate() {
        let odd = odd_word(text, lexemes, at).or_else(|| odd_quotes(engine, text, lexeme));
        if let Some((what, help)) = odd {
            return Err(Refusal::new(what, lexeme.span.clone(), help));
        }
    }
    gaps(text, lexemes).try_for_each(|(from, gap)| {
        let refuse = |what: &str, (at, len): (usize, usize), help: &str| {
            Err(Refusal::new(what, from + at..from + at + len, help))
        };
        if let Some(at) = odd_end(gap) {
            return refuse("an end of a line that not everyone takes for one", (at, 1), "end lines with a newline");
        }
        if let Some(at) = nested_comment(gap) {
            return refuse("a comment stands in a comment", (at, 2), "write two comments");
        }
        if let Some(at) = gap.find("\\\n").or_else(|| gap.find("\\\r")).filter(|_| engine == EngineKind::Spark) {
            return refuse("a comment that goes on in the next line", (at, 1), "leave the backslash out");
        }
        match blank_beyond_ascii(gap) {
            Some((at, c)) => {
                refuse("a blank that the server may take for a letter", (at, c.len_utf8()), "write a space")
            }
            None => Ok(()),
        }
    })
}

/// What is odd about a word, and what to write instead.
fn odd_word(text: &str, lexemes: &[Lexeme], at: usize) -> Option<(&'static str, &'static str)> {
    const OTHERWISE: &str = "a letter that the server may read otherwise";
    let written = |lexeme: &Lexeme| text.get(lexeme.span.clone()).unwrap_or_default();
    let lexeme = &lexemes[at];
    let (word, next) = (written(lexeme), lexemes.get(at + 1));
    let is_before_quotes =
        next.is_some_and(|next| next.span.start == lexeme.span.end && written(next).starts_with(['\'', '"']));
    match &lexeme.token {
        Token::String(_) if !word.starts_with('\'') => Some(("a string that is not plain", "write it as '…'")),
        Token::String(_) if next.is_some_and(|next| matches!(next.token, Token::String(_))) => {
            Some(("a string that goes on in the next line", "write one, or join two: 'a' || 'b'"))
        }
        Token::Word { quoted: false, .. } if is_before_quotes => {
            Some(("quotes directly behind a word", "put a space between the two"))
        }
        Token::Symbol(sign) if sign.ends_with('&') && is_before_quotes => {
            Some(("quotes directly behind `&`", "put a space between the two"))
        }
        Token::Symbol(sign) if sign.contains("--") || sign.contains("/*") || sign.contains(['$', '\\']) => {
            Some(("a sign that the server may read otherwise", "leave it out"))
        }
        Token::Word { quoted: false, .. } | Token::Number(_) if word.contains('$') || !word.is_ascii() => {
            Some((OTHERWISE, "put the name into double quotes"))
        }
        Token::Symbol(_) if !word.is_ascii() => Some((OTHERWISE, "leave it out")),
        _ => None,
    }
}

/// What is odd about the quotes of a word.
fn odd_quotes(engine: EngineKind, text: &str, lexeme: &Lexeme) -> Option<(&'static str, &'static str)> {
    let word = text.get(lexeme.span.clone()).unwrap_or_default();
    match (&lexeme.token, engine) {
        (Token::String(_), EngineKind::Spark) if has_escaped_quote(word) => {
            Some(("a backslash before a quote", "write '' for a quote in a string, and \\\\ for a backslash"))
        }
        // elsewhere it is a sign like others
        (Token::Word { .. }, EngineKind::Postgres) if word.starts_with('`') => {
            Some(("a name in backticks", "put the name into double quotes"))
        }
        _ => None,
    }
}

/// Whether a quote stands behind an odd number of backslashes: Spark takes it for a part of the text.
fn has_escaped_quote(word: &str) -> bool {
    let mut is_escaped = false;
    word.chars().any(|c| {
        let escaped_quote = is_escaped && c == '\'';
        is_escaped = c == '\\' && !is_escaped;
        escaped_quote
    })
}

/// What lies between words, each with where it begins.
fn gaps<'t>(text: &'t str, lexemes: &[Lexeme]) -> impl Iterator<Item = (usize, &'t str)> {
    let ends: Vec<usize> = std::iter::once(0).chain(lexemes.iter().map(|lexeme| lexeme.span.end)).collect();
    let starts: Vec<usize> = lexemes.iter().map(|lexeme| lexeme.span.start).chain([text.len()]).collect();
    ends.into_iter().zip(starts).filter_map(|(from, to)| Some((from, text.get(from..to)?)))
}

/// A return that no newline follows: it ends a comment for servers alone.
fn odd_end(gap: &str) -> Option<usize> {
    gap.match_indices('\r').map(|(at, _)| at).find(|at| !gap[at + 1..].starts_with('\n'))
}

/// The beginning of a block comment within another one, which end elsewhere than most people think.
fn nested_comment(gap: &str) -> Option<usize> {
    let mut rest = gap;
    let mut base = 0;
    while let Some(first) = rest.find("/*") {
        let inner = &rest[first + 2..];
        let end = inner.find("*/")?;
        if let Some(nested) = inner[..end].find("/*") {
            return Some(base + first + 2 + nested);
        }
        base += first + 2 + end + 2;
        rest = &rest[first + 2 + end + 2..];
    }
    None
}

/// A character beyond ASCII outside of comments.
fn blank_beyond_ascii(gap: &str) -> Option<(usize, char)> {
    let mut at = 0;
    while let Some(rest) = gap.get(at..) {
        let c = rest.chars().next()?;
        at += match (rest.starts_with("--"), rest.starts_with("/*")) {
            (true, _) => rest.find('\n').unwrap_or(rest.len()),
            (_, true) => 2 + rest[2..].find("*/").map_or(rest.len() - 2, |end| end + 2),
            _ if c.is_ascii() => 1,
            _ => return Some((at, c)),
        };
    }
    None
}
