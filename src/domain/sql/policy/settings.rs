//! `before_all` and `after_all`: main's own, which may act; what can't work there, or would touch vmesh's own.

use super::super::{Token, lex, split};

/// Words that begin what would be over before a model is built: each session has its own.
const OF_A_SESSION: [&str; 5] = ["set", "reset", "use", "pragma", "prepare"];

/// What speaks against running a text of main's settings, its macros expanded. `reserved` are vmesh's own schemas.
pub fn refused(text: &str, reserved: &[&str]) -> Option<String> {
    let lexemes = match lex(text) {
        Ok(lexemes) => lexemes,
        Err(error) => return Some(error.message),
    };
    for lexeme in &lexemes {
        let (Token::Word { text, .. } | Token::String(text)) = &lexeme.token else { continue };
        if let Some(own) = reserved.iter().find(|own| text.to_lowercase().contains(**own)) {
            return Some(format!("`{own}` is vmesh's own"));
        }
    }
    for statement in split(&lexemes) {
        let idle = super::sets_the_machine(&lexemes[statement.lexemes.clone()]);
        let mut words = lexemes[statement.lexemes].iter().map_while(|lexeme| match &lexeme.token {
            Token::Word { text, .. } => Some(text.to_lowercase()),
            _ => None,
        });
        let Some(first) = words.next() else { continue };
        if matches!(first.as_str(), "begin" | "start" | "commit" | "end" | "rollback" | "abort") {
            return Some("all of them are one transaction already".to_owned());
        }
        if OF_A_SESSION.contains(&first.as_str()) && !idle {
            return Some(format!("{} ends with the session that it is said in", first.to_uppercase()));
        }
        let is_temporary = |word: &String| matches!(word.as_str(), "temp" | "temporary");
        if first == "create" && words.take(3).any(|word| is_temporary(&word)) {
            return Some("what is temporary is gone before a model is built".to_owned());
        }
    }
    None
}
