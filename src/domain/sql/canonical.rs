//! The canonical form of a query, as a hash: of its tree where both parsers surely agree on it, of its tokens otherwise.

use sqlparser::ast::Query;

use super::encode::{encode, put};
use super::{CANON_VERSION, Label, Lexeme, Token, keywords};

/// A BLAKE3 hash.
pub(super) type Hash = [u8; 32];

/// The hash of a normalized tree; `None` if it can't be encoded.
pub(super) fn of_tree(query: &Query) -> Option<Hash> {
    encode(query).ok().map(|bytes| hash("tree", &bytes))
}

/// The hash of the tokens: comments, layout, and letter case of reserved words don't count; nor, where `is_folded` says that
/// the engine takes them all for lower case, that of names without quotes.
pub(super) fn of_tokens(text: &str, lexemes: &[Lexeme], is_folded: bool) -> Hash {
    let mut out = Vec::new();
    let mut before: Option<&Lexeme> = None;
    for lexeme in lexemes.iter().filter(|lexeme| !lexeme.is_symbol(";")) {
        out.push(before.map_or(b' ', |before| joint(text, before, lexeme)));
        let written = text.get(lexeme.span.clone()).unwrap_or("");
        if matches!(lexeme.token, Token::Word { quoted: false, .. }) && (is_folded || keywords::is_reserved(written)) {
            put(&mut out, written.to_ascii_lowercase().as_bytes());
        } else {
            put(&mut out, written.as_bytes());
        }
        before = Some(lexeme);
    }
    hash("tokens", &out)
}

/// The hash of a text that has no tokens: a string or a comment never ends.
pub(super) fn of_text(text: &str) -> Hash {
    hash("text", text.as_bytes())
}

/// The hash of a query some columns of which get names.
pub(super) fn with_labels(query: Hash, labels: &[Label]) -> Hash {
    if labels.is_empty() {
        return query;
    }
    let names: Vec<String> = labels.iter().map(|label| label.name.to_ascii_lowercase()).collect();
    hash("labels", &[&query[..], names.join("\0").as_bytes()].concat())
}

/// How two tokens stand beside each other, where that changes what they mean: `a <- 1` and `a < - 1`, `x'00'` and
/// `x '00'`, strings that are joined when a line ends between them.
fn joint(text: &str, before: &Lexeme, after: &Lexeme) -> u8 {
    let gap = text.get(before.span.end..after.span.start).unwrap_or("");
    match (&before.token, &after.token) {
        (Token::String(_), Token::String(_)) if gap.contains(['\n', '\r']) => b'n',
        (Token::Symbol(left), Token::Symbol(right)) if gap.is_empty() && is_operator(left) && is_operator(right) => {
            b'j'
        }
        (Token::Symbol(_), _) | (_, Token::Symbol(_)) => b' ',
        _ if gap.is_empty() => b'j',
        _ => b' ',
    }
}

/// Whether DuckDB might read this symbol and a neighbour as one operator.
fn is_operator(symbol: &str) -> bool {
    symbol.starts_with(|c: char| "+-*/<>=~!@#%^&|`?:$".contains(c))
}

fn hash(form: &str, bytes: &[u8]) -> Hash {
    let mut hasher = blake3::Hasher::new();
    for part in [CANON_VERSION, form] {
        hasher.update(part.as_bytes());
        hasher.update(b"\0");
    }
    *hasher.update(bytes).finalize().as_bytes()
}
