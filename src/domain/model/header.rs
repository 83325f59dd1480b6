//! The `MODEL (…)` header: a list of `key value` properties, with the place of each.

use super::super::diagnostic::Problem;
use super::super::sql::{Lexeme, Span, Token};

/// One property: its key and the lexemes of its value, uninterpreted.
#[derive(Debug, Clone)]
pub(super) struct Property<'a> {
    /// The key in lower case.
    pub(super) key: String,
    /// Where the key stands.
    pub(super) span: Span,
    /// The value.
    pub(super) value: Value<'a>,
}

/// A property's value: a balanced run of lexemes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Value<'a> {
    lexemes: &'a [Lexeme],
    /// The place to point at when the value is empty.
    fallback: usize,
}

/// Reads `MODEL ( … )` at the start of `lexemes`; gives the properties.
pub(super) fn properties(lexemes: &[Lexeme]) -> Result<Vec<Property<'_>>, Problem> {
    let [_, rest @ ..] = lexemes else { return Ok(Vec::new()) };
    let open = rest.first().filter(|lexeme| is(lexeme, "("));
    let Some(open) = open else {
        let at = rest.first().or(lexemes.first()).map_or(0..0, |lexeme| lexeme.span.clone());
        return Err(Problem::new("expected `(` after MODEL", at));
    };
    let close = matching(rest).ok_or_else(|| Problem::new("this `(` is never closed", open.span.clone()))?;
    if let Some(extra) = rest.get(close + 1) {
        return Err(Problem::new("expected `;` after the MODEL header", extra.span.clone()));
    }
    items(&rest[1..close])
}

/// The `key value` pairs of a comma-separated list, each key once.
pub(super) fn items(lexemes: &[Lexeme]) -> Result<Vec<Property<'_>>, Problem> {
    let mut out: Vec<Property<'_>> = Vec::new();
    for item in commas(lexemes) {
        let [first, value @ ..] = item else { continue };
        let is_sign = |sign: &&Lexeme| is(sign, "=") || is(sign, ":=");
        let text = match &first.token {
            Token::Word { text, .. } => text,
            // `'select' = […]`
            Token::String(text) if value.first().is_some_and(|sign| is_sign(&sign)) => text,
            _ => return Err(Problem::new("expected the name of a property", first.span.clone())),
        };
        let value = match value {
            [sign, rest @ ..] if is_sign(&sign) => rest,
            _ => value,
        };
        if value.is_empty() {
            return Err(Problem::new(format!("`{text}` has no value"), first.span.clone()));
        }
        let key = text.to_ascii_lowercase();
        if out.iter().any(|other| other.key == key) {
            let problem = Problem::new(format!("`{key}` is given twice"), first.span.clone());
            return Err(problem.help("keep the one that is meant; SQLMesh would take the last"));
        }
        let value = Value { lexemes: value, fallback: first.span.end };
        out.push(Property { key, span: first.span.clone(), value });
    }
    Ok(out)
}

impl<'a> Value<'a> {
    /// Where the value stands.
    pub(super) fn span(&self) -> Span {
        match self.lexemes {
            [first, .., last] => first.span.start..last.span.end,
            [only] => only.span.clone(),
            [] => self.fallback..self.fallback,
        }
    }

    /// A name: words joined by dots, quoted or not.
    pub(super) fn name(&self) -> Option<Vec<String>> {
        let mut parts = Vec::new();
        for (index, lexeme) in self.lexemes.iter().enumerate() {
            match (&lexeme.token, index % 2) {
                (Token::Word { text, .. }, 0) => parts.push(text.clone()),
                (Token::Symbol(dot), 1) if dot == "." => {}
                _ => return None,
            }
        }
        (self.lexemes.len() % 2 == 1).then_some(parts)
    }

    /// Whether two words follow each other.
    pub(super) fn is_several_words(&self) -> bool {
        let is_word = |lexeme: &Lexeme| matches!(lexeme.token, Token::Word { .. });
        self.lexemes.windows(2).any(|pair| pair.iter().all(is_word))
    }

    /// One word or string.
    pub(super) fn text(&self) -> Option<&'a str> {
        match self.lexemes {
            [Lexeme { token: Token::Word { text, .. } | Token::String(text), .. }] => Some(text),
            _ => None,
        }
    }

    /// `true` or `false`.
    pub(super) fn boolean(&self) -> Option<bool> {
        let text = self.text()?;
        if text.eq_ignore_ascii_case("true") {
            Some(true)
        } else if text.eq_ignore_ascii_case("false") {
            Some(false)
        } else {
            None
        }
    }

    /// The value as `NAME` or `NAME (…)`: the name and what stands between the parentheses.
    pub(super) fn call(&self) -> Option<(&'a str, &'a [Lexeme])> {
        match self.lexemes {
            [Lexeme { token: Token::Word { text, .. }, .. }] => Some((text, &[])),
            [Lexeme { token: Token::Word { text, .. }, .. }, rest @ ..] => match rest {
                [open, inner @ .., _] if is(open, "(") && matching(rest) == Some(rest.len() - 1) => Some((text, inner)),
                _ => None,
            },
            _ => None,
        }
    }

    /// The elements of `(a, b)` or `[a, b]`, or the value itself as the only element.
    pub(super) fn elements(&self) -> Vec<Value<'a>> {
        let inner = match self.lexemes {
            [open, inner @ .., _]
                if (is(open, "(") || is(open, "[")) && matching(self.lexemes) == Some(self.lexemes.len() - 1) =>
            {
                inner
            }
            all => return vec![Value { lexemes: all, fallback: self.fallback }],
        };
        commas(inner).into_iter().map(|lexemes| Value { lexemes, fallback: self.fallback }).collect()
    }

    /// The value's lexemes.
    pub(super) fn lexemes(&self) -> &'a [Lexeme] {
        self.lexemes
    }

    /// The value as SQL, its words as written.
    pub(super) fn sql(&self) -> String {
        let spelled = self.lexemes.iter().map(|lexeme| match &lexeme.token {
            Token::Word { text, quoted: false } => text.clone(),
            Token::Word { text, quoted: true } => format!("\"{}\"", text.replace('"', "\"\"")),
            Token::String(text) => format!("'{}'", text.replace('\'', "''")),
            Token::Number(text) | Token::Symbol(text) => text.clone(),
        });
        spelled.collect::<Vec<_>>().join(" ")
    }

    /// A spelling that doesn't depend on layout, comments or the case of plain words.
    pub(super) fn canonical(&self) -> String {
        let spelled = self.lexemes.iter().map(|lexeme| match &lexeme.token {
            Token::Word { text, quoted: false } => text.to_ascii_lowercase(),
            Token::Word { text, quoted: true } => format!("{text:?}"),
            Token::String(text) => format!("'{}'", text.replace('\'', "''")),
            Token::Number(text) | Token::Symbol(text) => text.clone(),
        });
        spelled.collect::<Vec<_>>().join(" ")
    }
}

/// Whether a lexeme is this symbol.
pub(super) fn is(lexeme: &Lexeme, symbol: &str) -> bool {
    matches!(&lexeme.token, Token::Symbol(text) if text == symbol)
}

/// The index of the bracket that closes the one at the start.
fn matching(lexemes: &[Lexeme]) -> Option<usize> {
    let mut depth = 0_usize;
    for (index, lexeme) in lexemes.iter().enumerate() {
        if let Token::Symbol(text) = &lexeme.token {
            match text.as_str() {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" => {
                    depth = depth.checked_sub(1)?;
                    if depth == 0 {
                        return Some(index);
                    }
                }
                _ => {}
            }
        }
    }
    None
}

/// The parts between the commas that stand outside of brackets; empty parts are left out.
fn commas(lexemes: &[Lexeme]) -> Vec<&[Lexeme]> {
    let mut depth = 0_i32;
    let parts = lexemes.split(|lexeme| {
        if let Token::Symbol(text) = &lexeme.token {
            match text.as_str() {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" => depth -= 1,
                "," => return depth == 0,
                _ => {}
            }
        }
        false
    });
    parts.filter(|part| !part.is_empty()).collect()
}
