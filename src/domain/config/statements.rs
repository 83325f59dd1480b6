//! `before_all` and `after_all`: SQL of the settings that goes with whatever changes an environment.

use std::ops::Range;

use super::super::model::Problem;
use super::super::name::{SNAPSHOTS_SCHEMA, STATE_SCHEMA};
use super::super::sql::{self, Token};

/// One of them, and where it stands in the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The SQL, with its macros.
    pub text: String,
    /// Its place.
    pub span: Range<usize>,
}

/// Words that begin what would be over before a model is built: each session has its own.
const OF_A_SESSION: [&str; 5] = ["set", "reset", "use", "pragma", "prepare"];

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

/// What speaks against running a text, its macros expanded.
pub fn refused(text: &str) -> Option<String> {
    let lexemes = match sql::lex(text) {
        Ok(lexemes) => lexemes,
        Err(error) => return Some(Problem::from(error).what),
    };
    for lexeme in &lexemes {
        let (Token::Word { text, .. } | Token::String(text)) = &lexeme.token else { continue };
        let own = [SNAPSHOTS_SCHEMA, STATE_SCHEMA].into_iter().find(|own| text.to_lowercase().contains(own));
        if let Some(own) = own {
            return Some(format!("`{own}` is vmesh's own"));
        }
    }
    for statement in sql::split(&lexemes) {
        let mut words = lexemes[statement.lexemes].iter().map_while(|lexeme| match &lexeme.token {
            Token::Word { text, .. } => Some(text.to_lowercase()),
            _ => None,
        });
        let Some(first) = words.next() else { continue };
        if matches!(first.as_str(), "begin" | "start" | "commit" | "end" | "rollback" | "abort") {
            return Some("all of them are one transaction already".to_owned());
        }
        if OF_A_SESSION.contains(&first.as_str()) {
            return Some(format!("{} ends with the session that it is said in", first.to_uppercase()));
        }
        let is_temporary = |word: &String| matches!(word.as_str(), "temp" | "temporary");
        if first == "create" && words.take(3).any(|word| is_temporary(&word)) {
            return Some("what is temporary is gone before a model is built".to_owned());
        }
    }
    None
}
