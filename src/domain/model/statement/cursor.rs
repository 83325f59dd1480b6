//! Going through the lexemes of one statement.

use super::super::super::sql::{Lexeme, Span, Token};
use super::Target;

/// A place between two lexemes.
pub(super) struct Cursor<'a> {
    rest: &'a [Lexeme],
}

impl<'a> Cursor<'a> {
    pub(super) fn new(lexemes: &'a [Lexeme]) -> Self {
        Self { rest: lexemes }
    }

    /// Passes these keywords, all of them or none.
    pub(super) fn take(&mut self, words: &[&str]) -> bool {
        let found =
            self.rest.len() >= words.len() && self.rest.iter().zip(words).all(|(lexeme, word)| lexeme.is_keyword(word));
        if found {
            self.rest = &self.rest[words.len()..];
        }
        found
    }

    /// Passes one of these keywords.
    pub(super) fn any(&mut self, words: &[&str]) -> bool {
        words.iter().any(|word| self.take(&[word]))
    }

    /// Passes a symbol.
    pub(super) fn symbol(&mut self, symbol: &str) -> bool {
        let found = self.rest.first().is_some_and(|first| first.is_symbol(symbol));
        if found {
            self.rest = &self.rest[1..];
        }
        found
    }

    /// Passes a name without dots.
    pub(super) fn word(&mut self) -> Option<(String, Span)> {
        let [Lexeme { token: Token::Word { text, .. }, span }, rest @ ..] = self.rest else { return None };
        self.rest = rest;
        Some((text.clone(), span.clone()))
    }

    /// Passes a dotted name.
    pub(super) fn name(&mut self) -> Option<Target> {
        let (first, mut span) = self.word()?;
        let mut parts = vec![first];
        while let [dot, Lexeme { token: Token::Word { text, .. }, span: part }, rest @ ..] = self.rest
            && dot.is_symbol(".")
        {
            parts.push(text.clone());
            span.end = part.end;
            self.rest = rest;
        }
        Some(Target { parts, span })
    }

    /// Passes a string.
    pub(super) fn string(&mut self) -> Option<String> {
        let [Lexeme { token: Token::String(text), .. }, rest @ ..] = self.rest else { return None };
        self.rest = rest;
        Some(text.clone())
    }

    /// Passes a number.
    pub(super) fn number(&mut self) -> Option<String> {
        let [Lexeme { token: Token::Number(text), .. }, rest @ ..] = self.rest else { return None };
        self.rest = rest;
        Some(text.clone())
    }

    /// Passes what stands in parentheses; gives what is between them.
    pub(super) fn parentheses(&mut self) -> Option<&'a [Lexeme]> {
        let mut depth = 0_usize;
        for (at, lexeme) in self.rest.iter().enumerate() {
            depth = match &lexeme.token {
                Token::Symbol(symbol) if opens(symbol) => depth + 1,
                Token::Symbol(symbol) if closes(symbol) => depth.checked_sub(1)?,
                _ => depth,
            };
            if depth == 0 {
                let inner = self.rest.get(1..at);
                self.rest = &self.rest[at + 1..];
                return inner.filter(|_| at > 0);
            }
        }
        None
    }

    /// Passes everything up to one of these keywords outside of parentheses. `IS DISTINCT FROM` is no FROM.
    pub(super) fn until(&mut self, stops: &[&str]) -> &'a [Lexeme] {
        let mut depth = 0_i32;
        let mut before: Option<&Lexeme> = None;
        let stop = self.rest.iter().position(|lexeme| {
            if let Token::Symbol(symbol) = &lexeme.token {
                depth += i32::from(opens(symbol)) - i32::from(closes(symbol));
            }
            let distinct = before.is_some_and(|before| before.is_keyword("distinct"));
            before = Some(lexeme);
            depth == 0 && !distinct && stops.iter().any(|stop| lexeme.is_keyword(stop))
        });
        let (passed, rest) = self.rest.split_at(stop.unwrap_or(self.rest.len()));
        self.rest = rest;
        passed
    }

    /// Whether nothing is left.
    pub(super) fn is_done(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next lexeme.
    pub(super) fn peek(&self) -> Option<&'a Lexeme> {
        self.rest.first()
    }
}

fn opens(symbol: &str) -> bool {
    matches!(symbol, "(" | "[" | "{")
}

fn closes(symbol: &str) -> bool {
    matches!(symbol, ")" | "]" | "}")
}

/// Where some lexemes stand.
pub(super) fn span(lexemes: &[Lexeme]) -> Option<Span> {
    Some(lexemes.first()?.span.start..lexemes.last()?.span.end)
}
