//! Stand-ins for what sqlformat doesn't know: words of the same length that it leaves alone, and for DuckDB's clauses
//! those that it lays out in the same way.

use super::super::sql::{Lexeme, Span, Token};

/// One or several lexemes, and the word that stands for them while sqlformat works.
pub(super) struct Unit {
    /// Where they stand.
    pub(super) span: Span,
    /// What sqlformat sees: always one lexeme.
    pub(super) stand_in: String,
}

/// The units of a text, one or more lexemes each, in order.
pub(super) fn units(text: &str, lexemes: &[Lexeme]) -> Vec<Unit> {
    let mut units = Vec::new();
    let mut at = 0;
    while let Some(first) = lexemes.get(at) {
        let end = end_of_unit(lexemes, at);
        let span = first.span.start..lexemes.get(end - 1).map_or(first.span.end, |last| last.span.end);
        let written = text.get(span.clone()).unwrap_or_default();
        let stand_in = if end - at == 1 { of_one(first, written) } else { of_many(first, written) };
        units.push(Unit { span, stand_in });
        at = end;
    }
    units
}

/// Which neighbouring operators are written as one: `@>` is `@` and `>`, and another operator than `@ >`.
pub(super) fn joined(lexemes: &[Lexeme]) -> Vec<bool> {
    let is_operator = |index: usize| lexemes.get(index).is_some_and(is_operator) && !is_macro(lexemes, index);
    let pairs = (1..lexemes.len()).filter(|index| is_operator(index - 1) && is_operator(*index));
    pairs.map(|index| is_glued(lexemes, index)).collect()
}

fn of_one(lexeme: &Lexeme, written: &str) -> String {
    match &lexeme.token {
        // a clause that is laid out like HAVING, and one whose first line goes on
        Token::Word { text, quoted: false } if text.eq_ignore_ascii_case("qualify") => "HAVING".to_owned(),
        Token::Word { text, quoted: false } if text.eq_ignore_ascii_case("with") => plain(written),
        // sqlformat takes `-1` for a number, whatever stands in front
        Token::Symbol(minus) if minus == "-" => "*".to_owned(),
        Token::Word { quoted: false, .. } | Token::Symbol(_) => written.to_owned(),
        Token::Number(number) if number.bytes().all(|b| b.is_ascii_digit()) => written.to_owned(),
        Token::Word { quoted: true, .. } | Token::String(_) | Token::Number(_) => plain(written),
    }
}

fn of_many(first: &Lexeme, written: &str) -> String {
    if is_operator(first) && !written.contains(|c: char| c.is_alphanumeric()) { "=".to_owned() } else { plain(written) }
}

/// A name that means nothing, as long as what is written.
fn plain(written: &str) -> String {
    "x".repeat(written.chars().count().max(1))
}

/// The end of the unit that begins at a lexeme: what is written in one piece around a macro (`@{name}_total`) or a colon
/// (`1:2`), a value with its sign, operators of several signs, and what stands in braces.
fn end_of_unit(lexemes: &[Lexeme], at: usize) -> usize {
    if is_sign(lexemes, at) {
        return end_of_unit(lexemes, at + 1);
    }
    let mut end = end_of_piece(lexemes, at);
    let needs_glue = |index: usize| is_macro(lexemes, index) || is_colon(lexemes, index);
    let mut is_one = needs_glue(at);
    while is_glued(lexemes, end) && is_glue(lexemes, end - 1) && is_glue(lexemes, end) {
        is_one |= needs_glue(end);
        end = end_of_piece(lexemes, end);
    }
    if is_one {
        return end;
    }
    end = end_of_piece(lexemes, at);
    let is_operator = |index: usize| lexemes.get(index).is_some_and(is_operator) && !is_macro(lexemes, index);
    while is_operator(at) && is_operator(end) && is_glued(lexemes, end) {
        end += 1;
    }
    end
}

/// The end of a lexeme, or of what stands in braces, or of `#1`.
fn end_of_piece(lexemes: &[Lexeme], at: usize) -> usize {
    let Some(first) = lexemes.get(at) else { return at + 1 };
    if first.is_symbol("#") && is_glued(lexemes, at + 1) {
        return at + 2;
    }
    if !first.is_symbol("{") {
        return at + 1;
    }
    let mut depth = 0_usize;
    for (index, lexeme) in lexemes.iter().enumerate().skip(at) {
        depth += usize::from(lexeme.is_symbol("{"));
        depth -= usize::from(lexeme.is_symbol("}"));
        if depth == 0 {
            return index + 1;
        }
    }
    at + 1
}

/// Whether nothing stands in front of a lexeme but the one before it.
fn is_glued(lexemes: &[Lexeme], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|before| lexemes.get(before));
    before.zip(lexemes.get(at)).is_some_and(|(before, lexeme)| before.span.end == lexeme.span.start)
}

/// Whether a lexeme may be part of a name that macros make.
fn is_glue(lexemes: &[Lexeme], at: usize) -> bool {
    lexemes.get(at).is_some_and(|lexeme| match &lexeme.token {
        Token::Symbol(symbol) => matches!(symbol.as_str(), "{" | "}" | ":") || is_macro(lexemes, at),
        _ => true,
    })
}

/// Whether a lexeme is the `@` of a macro, and not of an operator.
fn is_macro(lexemes: &[Lexeme], at: usize) -> bool {
    let follows = |next: &Lexeme| match &next.token {
        Token::Symbol(symbol) => matches!(symbol.as_str(), "@" | "{" | "("),
        Token::Word { .. } | Token::String(_) => true,
        Token::Number(_) => false,
    };
    lexemes.get(at).is_some_and(|lexeme| lexeme.is_symbol("@"))
        && is_glued(lexemes, at + 1)
        && lexemes.get(at + 1).is_some_and(follows)
}

/// Whether a lexeme is the sign of the value behind it.
fn is_sign(lexemes: &[Lexeme], at: usize) -> bool {
    let is_value = |lexeme: &Lexeme| !matches!(lexeme.token, Token::Symbol(_));
    let is_sign = |lexeme: &Lexeme| ["-", "+", "~", "!"].iter().any(|sign| lexeme.is_symbol(sign));
    let opens = |before: &Lexeme| before.is_symbol("(") || before.is_symbol("[") || before.is_symbol(",");
    lexemes.get(at).is_some_and(is_sign)
        && is_glued(lexemes, at + 1)
        && lexemes.get(at + 1).is_some_and(is_value)
        && (!is_glued(lexemes, at) || lexemes.get(at - 1).is_some_and(opens))
}

/// Whether a lexeme is the colon of a slice or a parameter: `[1:2]`, `:name`.
fn is_colon(lexemes: &[Lexeme], at: usize) -> bool {
    lexemes.get(at).is_some_and(|lexeme| lexeme.is_symbol(":"))
}

fn is_operator(lexeme: &Lexeme) -> bool {
    matches!(&lexeme.token, Token::Symbol(symbol) if symbol.bytes().all(|b| b"@<>=!~*+-/%^&|#?:".contains(&b)))
}
