//! Lists and calls among the lexemes of a header.

use super::super::sql::{Lexeme, Span, Token};

/// Where a run of lexemes stands; `None` when it is empty.
pub(super) fn place(lexemes: &[Lexeme]) -> Option<Span> {
    Some(lexemes.first()?.span.start..lexemes.last()?.span.end)
}

/// What stands between the brackets, if one pair of round or square ones holds the whole.
pub(super) fn bracketed(lexemes: &[Lexeme]) -> Option<&[Lexeme]> {
    match lexemes {
        [open, inner @ .., _] if (open.is_symbol("(") || open.is_symbol("[")) && closes_at_end(lexemes) => Some(inner),
        _ => None,
    }
}

/// The index of the bracket that closes the one at the start.
pub(super) fn matching(lexemes: &[Lexeme]) -> Option<usize> {
    let mut depth = 0_usize;
    for (index, lexeme) in lexemes.iter().enumerate() {
        match step(lexeme) {
            1 => depth += 1,
            -1 => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(index);
                }
            }
            _ => {}
        }
    }
    None
}

/// The parts between the commas that stand outside of brackets; empty parts are left out.
pub(super) fn commas(lexemes: &[Lexeme]) -> Vec<&[Lexeme]> {
    let mut depth = 0_i32;
    let parts = lexemes.split(|lexeme| {
        depth += step(lexeme);
        depth == 0 && lexeme.is_symbol(",")
    });
    parts.filter(|part| !part.is_empty()).collect()
}

/// The elements of `(a, b)` or `[a, b]`, or the value itself as the only element.
pub(super) fn elements(lexemes: &[Lexeme]) -> Vec<&[Lexeme]> {
    match bracketed(lexemes) {
        Some(inner) => commas(inner),
        None => vec![lexemes],
    }
}

/// `name := value`, `name = value` or `name => value`: the name's lexeme and the value.
pub(super) fn assignment(lexemes: &[Lexeme]) -> Option<(&Lexeme, &[Lexeme])> {
    match lexemes {
        [name, sign, value @ ..] if matches!(name.token, Token::Word { .. }) => {
            [":=", "=", "=>"].iter().any(|symbol| sign.is_symbol(symbol)).then_some((name, value))
        }
        _ => None,
    }
}

/// A word, quoted or not, or a string.
pub(super) fn text(lexemes: &[Lexeme]) -> Option<&str> {
    match lexemes {
        [Lexeme { token: Token::Word { text, .. } | Token::String(text), .. }] => Some(text),
        _ => None,
    }
}

/// `true` or `false`.
pub(super) fn boolean(lexemes: &[Lexeme]) -> Option<bool> {
    match text(lexemes)?.to_ascii_lowercase().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// A name: words joined by dots.
pub(super) fn dotted(lexemes: &[Lexeme]) -> Option<Vec<&str>> {
    let mut parts = Vec::new();
    for (index, lexeme) in lexemes.iter().enumerate() {
        match (&lexeme.token, index % 2) {
            (Token::Word { text, .. }, 0) => parts.push(text.as_str()),
            (Token::Symbol(dot), 1) if dot == "." => {}
            _ => return None,
        }
    }
    (lexemes.len() % 2 == 1).then_some(parts)
}

fn closes_at_end(lexemes: &[Lexeme]) -> bool {
    matching(lexemes) == lexemes.len().checked_sub(1)
}

/// How a lexeme changes the depth of brackets.
fn step(lexeme: &Lexeme) -> i32 {
    match &lexeme.token {
        Token::Symbol(text) if matches!(text.as_str(), "(" | "[" | "{") => 1,
        Token::Symbol(text) if matches!(text.as_str(), ")" | "]" | "}") => -1,
        _ => 0,
    }
}
