//! Files that a query may read where DuckDB can't show what it sees: words decide, and in doubt against the text.

use super::super::{Lexeme, Token};
use super::{calls, reads_files, tables};

/// Words behind which tables stand, and words behind which none do any more.
const OPENING: [&str; 9] =
    ["from", "join", "pivot", "unpivot", "pivot_wider", "pivot_longer", "summarize", "table", "describe"];
const CLOSING: [&str; 6] = ["select", "where", "group", "having", "order", "qualify"];

/// What may be the path of a file, where a table can stand, or a call that reads one.
pub(super) fn file(lexemes: &[Lexeme]) -> Option<&Lexeme> {
    let called = calls(lexemes).find(|(_, name)| reads_files(name)).and_then(|(at, _)| lexemes.get(at));
    let is = |lexeme: &Lexeme, words: &[&str]| words.iter().any(|word| lexeme.is_keyword(word));
    // for each bracket that is open: whether tables are listed in it, and whether one may stand here
    let mut levels = vec![(false, false)];
    let mut found = None;
    for lexeme in lexemes {
        let (lists, may_stand) = levels.last().copied().unwrap_or_default();
        let next = match &lexeme.token {
            Token::String(text) | Token::Word { text, quoted: true } if may_stand && is_path(text) => {
                found = Some(lexeme);
                break;
            }
            Token::Symbol(sign) if sign == "(" => {
                levels.push((may_stand, may_stand));
                continue;
            }
            Token::Symbol(sign) if sign == ")" => {
                levels.pop();
                continue;
            }
            Token::Symbol(sign) => (lists, lists && sign == ","),
            _ if is(lexeme, &OPENING) => (true, true),
            _ if is(lexeme, &CLOSING) => (false, false),
            _ => (lists, false),
        };
        if let Some(level) = levels.last_mut() {
            *level = next;
        }
    }
    called.or(found)
}

/// Whether DuckDB may look for a file where a table of this name is not there.
fn is_path(text: &str) -> bool {
    let ending = text.rsplit_once('.').map(|(_, ending)| ending).unwrap_or_default();
    tables::is_path(text) || (1..=8).contains(&ending.len()) && ending.chars().all(|c| c.is_ascii_alphanumeric())
}
