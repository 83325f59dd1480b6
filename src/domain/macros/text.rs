//! SQL text as a value: what kind of thing it is, and how it goes into other text.

use super::super::sql::{self, Token};
use super::scan::{nesting, with_lexemes};

/// The content of a text that is one string.
pub(super) fn string(text: &str) -> Option<String> {
    with_lexemes(text, |source| match source.lexemes {
        [only] => match &only.token {
            Token::String(content) => Some(content.clone()),
            _ => None,
        },
        _ => None,
    })
}

/// A text without quotes, as it goes into a name or a string: the content of a string, the last part of a name.
pub(super) fn raw(text: &str) -> String {
    let name = with_lexemes(text, |source| {
        let mut name = None;
        for (index, lexeme) in source.lexemes.iter().enumerate() {
            match (&lexeme.token, index % 2) {
                (Token::Word { text, .. }, 0) => name = Some(text.clone()),
                (Token::Symbol(dot), 1) if dot == "." => name = None,
                _ => return None,
            }
        }
        name
    });
    string(text).or(name).unwrap_or_else(|| text.to_owned())
}

/// The dotted name that a text is; a string counts as the name in it.
pub(super) fn dotted(text: &str) -> Option<Vec<String>> {
    let content = string(text);
    with_lexemes(content.as_deref().unwrap_or(text), |source| {
        let mut parts = Vec::new();
        for (index, lexeme) in source.lexemes.iter().enumerate() {
            match (&lexeme.token, index % 2) {
                (Token::Word { text, .. }, 0) => parts.push(text.clone()),
                (Token::Symbol(dot), 1) if dot == "." => {}
                _ => return None,
            }
        }
        (source.lexemes.len() % 2 == 1).then_some(parts)
    })
}

/// The elements of `[a, b]`, `ARRAY[a, b]` or `(a, b)`; `None` if the text is no list.
pub(super) fn elements(text: &str) -> Option<Vec<String>> {
    with_lexemes(text, |source| {
        let open = usize::from(source.word(0, "array") && source.is(1, "["));
        let end = source.lexemes.len();
        if !(source.is(open, "[") || source.is(open, "(")) || source.closing(open, end) != Some(end - 1) {
            return None;
        }
        Some(source.commas(&(open + 1..end - 1)).iter().map(|part| source.of(part).to_owned()).collect())
    })
}

/// A name in double quotes.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A name, in double quotes only if it can't be written without.
pub(super) fn name(text: &str) -> String {
    let plain = with_lexemes(text, |source| match source.lexemes {
        [only] if only.span == (0..text.len()) && matches!(only.token, Token::Word { quoted: false, .. }) => Some(()),
        _ => None,
    });
    if plain.is_some() { text.to_owned() } else { quoted(text) }
}

/// In parentheses, unless it is one name, literal, call or parenthesis.
pub(super) fn operand(text: &str) -> String {
    if is_compound(text, |_| true) { format!("({text})") } else { text.to_owned() }
}

/// In parentheses if it has AND or OR outside of brackets.
pub(super) fn condition(text: &str) -> String {
    let connector = |word: &str| ["and", "or", "xor"].iter().any(|connector| word.eq_ignore_ascii_case(connector));
    if is_compound(text, connector) { format!("({text})") } else { text.to_owned() }
}

/// Whether, outside of brackets, there is a keyword that counts, or, if all do, more than one thing.
fn is_compound(text: &str, counts: impl Fn(&str) -> bool) -> bool {
    let all = counts("");
    let compound = with_lexemes(text, |source| {
        let (mut depth, mut things) = (0i32, 0usize);
        for (at, lexeme) in source.lexemes.iter().enumerate() {
            let outside = depth == 0;
            depth += nesting(lexeme);
            match &lexeme.token {
                Token::Word { text, quoted: false } if outside && !all && counts(text) => return Some(true),
                Token::Symbol(symbol) if symbol == "." || symbol == ")" || symbol == "]" => {}
                // The parenthesis of a call belongs to its name.
                Token::Symbol(symbol) if symbol == "(" && at > 0 && things == 1 && source.adjoins(at) => {}
                _ if outside && !(at > 0 && source.is(at - 1, ".")) => things += 1,
                _ => {}
            }
        }
        Some(all && things > 1)
    });
    compound.unwrap_or(false)
}

/// The same SQL on one line: comments and line ends between lexemes become spaces. Line ends in strings stay.
pub(super) fn one_line(text: &str) -> String {
    if !text.contains(['\n', '\r']) && !text.contains("--") {
        return text.to_owned();
    }
    let Ok(lexemes) = sql::lex(text) else { return text.to_owned() };
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    let ends = lexemes.iter().map(|lexeme| (lexeme.span.start, lexeme.span.end)).chain([(text.len(), text.len())]);
    for (start, end) in ends {
        let gap = text.get(at..start).unwrap_or("");
        out.push_str(if gap.contains(['\n', '\r']) || gap.contains("--") { " " } else { gap });
        out.push_str(text.get(start..end).unwrap_or(""));
        at = end;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_told_apart() {
        assert_eq!(raw("'it''s'"), "it's");
        assert_eq!(raw("a.\"B c\""), "B c");
        assert_eq!(raw("-1"), "-1");
        assert_eq!(elements("[a, f(b, c), 'x, y']"), Some(vec!["a".into(), "f(b, c)".into(), "'x, y'".into()]));
        assert_eq!(elements("(a) + (b)"), None);
        assert_eq!(name("a b"), "\"a b\"");
        assert_eq!(
            (operand("a + b"), operand("f(a + b)"), operand("t.a")),
            ("(a + b)".into(), "f(a + b)".into(), "t.a".into())
        );
        assert_eq!(
            (operand("(a) + (b)"), operand("-1"), operand("(a + b)")),
            ("((a) + (b))".into(), "(-1)".into(), "(a + b)".into())
        );
        assert_eq!(
            (condition("a = 1 OR b"), condition("f(a or b) = 1")),
            ("(a = 1 OR b)".into(), "f(a or b) = 1".into())
        );
        assert_eq!(one_line("a -- why\n + 'x\ny'"), "a + 'x\ny'");
    }
}
