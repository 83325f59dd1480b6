//! `before_all` and `after_all`: SQL of the settings that goes with whatever changes an environment.

use std::ops::Range;

use super::super::sql::{self, Token};

/// One of them, and where it stands in the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The SQL, with its macros.
    pub text: String,
    /// Its place.
    pub span: Range<usize>,
}

/// The macros that a text makes, its own macros expanded.
pub fn made_macros(text: &str) -> Vec<String> {
    let lexemes = sql::lex(text).unwrap_or_default();
    let word = |at: usize| match lexemes.get(at).map(|lexeme| &lexeme.token) {
        Some(Token::Word { text, .. }) => text.to_lowercase(),
        _ => String::new(),
    };
    let made = (0..lexemes.len()).filter(|at| matches!(word(*at).as_str(), "macro" | "function"));
    let named = made.filter_map(|at| {
        // the last word before the parentheses: a schema may stand before it
        let words = lexemes[at + 1..].iter().take_while(|lexeme| !lexeme.is_symbol("("));
        words
            .filter_map(|lexeme| match &lexeme.token {
                Token::Word { text, .. } => Some(text.clone()),
                _ => None,
            })
            .last()
    });
    named.collect()
}
