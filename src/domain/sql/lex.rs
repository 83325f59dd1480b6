//! Words, numbers, strings and symbols of a file, each with its byte range, by DuckDB's lexical rules.
//!
//! This is our own lexer rather than sqlparser's for three reasons: it gives byte ranges, it never fails on macros
//! (`@name`) and Jinja (`{{ … }}`), and a second opinion on where words and strings begin tells when sqlparser reads a
//! text differently from DuckDB.

use std::ops::Range;

use super::{Span, SqlError, bounds};
use crate::domain::engine_kind::EngineKind;

/// What a [`Lexeme`] is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    /// A keyword or an identifier.
    Word {
        /// The text without its quotes, doubled quotes undone; letter case as written.
        text: String,
        /// Whether it stood in double quotes or backticks.
        quoted: bool,
    },
    /// A number as written.
    Number(String),
    /// The content of a string: quotes, prefix and dollar tags taken off, doubled quotes undone. Backslash escapes of
    /// `E'…'` are left as written.
    String(String),
    /// Anything else: punctuation, operators (`->>`, `::`), parameters (`$1`). A Jinja block, `{{ … }}`, `{% … %}` or
    /// `{# … #}`, is one symbol.
    Symbol(String),
}

/// A token with its byte range in the text. Whitespace and comments have none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lexeme {
    /// What it is.
    pub token: Token,
    /// Where it stands, quotes and prefix included.
    pub span: Span,
}

impl Lexeme {
    /// Whether this is the given symbol.
    pub fn is_symbol(&self, symbol: &str) -> bool {
        matches!(&self.token, Token::Symbol(text) if text == symbol)
    }

    /// Whether this is the given word, unquoted, in any letter case.
    pub fn is_keyword(&self, word: &str) -> bool {
        matches!(&self.token, Token::Word { text, quoted: false } if text.eq_ignore_ascii_case(word))
    }
}

/// A word as an engine takes it: PostgreSQL takes names without quotes for lower case.
pub fn folded(engine: EngineKind, lexeme: &Lexeme) -> Lexeme {
    match &lexeme.token {
        Token::Word { text, quoted: false } if engine == EngineKind::Postgres => {
            let token = Token::Word { text: text.to_lowercase(), quoted: false };
            Lexeme { token, span: lexeme.span.clone() }
        }
        _ => lexeme.clone(),
    }
}

/// One statement of a file: what stands between two semicolons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// From its first lexeme to its last, the semicolon left out.
    pub span: Span,
    /// Its lexemes, as a range of the slice that was split.
    pub lexemes: Range<usize>,
}

/// Operators of several characters, longest first.
const OPERATORS: &[&str] = &[
    "->>", "!~~", "~~*", "::", ":=", "=>", "->", "<=", ">=", "<>", "!=", "==", "||", "//", "**", "^@", "&&", "<<",
    ">>", "~~", "!~",
];

/// Openings and closings of Jinja blocks.
const JINJA: &[(&str, &str)] = &[("{{", "}}"), ("{%", "%}"), ("{#", "#}")];

/// The lexemes of a text. The only errors are a string, a quoted name or a comment that never ends, which point at its
/// start, and a text that is too long or too deep to be read: whoever has lexemes may recurse into them.
pub fn lex(text: &str) -> Result<Vec<Lexeme>, SqlError> {
    bounds::length(text)?;
    let mut lexer = Lexer { text, at: 0, lacking: Vec::new() };
    let mut lexemes = Vec::new();
    while let Some(lexeme) = lexer.next()? {
        lexemes.push(lexeme);
    }
    bounds::check(&lexemes)?;
    Ok(lexemes)
}

/// LF for CRLF where lines end, and nowhere within a string, a quoted name or a Jinja block: there it is part of a value.
/// In a text that can't be read, everywhere.
pub fn unify_line_ends(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for Lexeme { span, .. } in lex(text).unwrap_or_default() {
        out.push_str(&text[at..span.start].replace("\r\n", "\n"));
        out.push_str(&text[span.clone()]);
        at = span.end;
    }
    out.push_str(&text[at..].replace("\r\n", "\n"));
    out
}

/// The statements of a text: its lexemes cut at every `;` (SQL has no other use for one), and before the fence behind
/// Jinja. Empty statements are left out.
pub fn split(lexemes: &[Lexeme]) -> Vec<Statement> {
    let mut statements = Vec::new();
    let mut start = 0;
    for part in lexemes.split(|lexeme| lexeme.is_symbol(";")) {
        let fence = part.len() - usize::from(part.last().is_some_and(|last| last.is_keyword("jinja_end")));
        for lexemes in [0..fence, fence..part.len()] {
            if let (Some(first), Some(last)) =
                (part.get(lexemes.start), lexemes.end.checked_sub(1).and_then(|at| part.get(at)))
                && !lexemes.is_empty()
            {
                let span = first.span.start..last.span.end;
                statements.push(Statement { span, lexemes: start + lexemes.start..start + lexemes.end });
            }
        }
        start += part.len() + 1;
    }
    statements
}

/// Whether DuckDB passes over this character: a byte order mark and its like count as space.
fn is_blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200b}')
}

/// Whether an identifier may begin with this character.
pub(super) fn starts_word(c: char) -> bool {
    c.is_alphabetic() || c == '_' || (!c.is_ascii() && !is_blank(c))
}

/// Whether an identifier may go on with this character.
pub(super) fn continues_word(c: char) -> bool {
    starts_word(c) || c.is_numeric() || c == '$'
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
    /// Closings of Jinja blocks that the rest of the text doesn't have: it is searched for each only once.
    lacking: Vec<&'static str>,
}

impl<'t> Lexer<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn slice(&self, start: usize, end: usize) -> &'t str {
        self.text.get(start..end).unwrap_or("")
    }

    /// Moves on while `accept` does.
    fn skip_while(&mut self, accept: impl Fn(char) -> bool) {
        let rest = self.rest();
        self.at += rest.find(|c| !accept(c)).unwrap_or(rest.len());
    }

    /// Moves on to behind `end`; says whether there was one.
    fn skip_past(&mut self, end: &str) -> bool {
        match self.rest().find(end) {
            Some(found) => self.at += found + end.len(),
            None => return false,
        }
        true
    }

    fn next(&mut self) -> Result<Option<Lexeme>, SqlError> {
        self.skip_blanks()?;
        let start = self.at;
        let mut chars = self.rest().chars();
        let Some(first) = chars.next() else { return Ok(None) };
        let second = chars.next().unwrap_or(' ');
        let token = match first {
            '\'' => self.string(start, 0)?,
            '"' | '`' => self.quoted_word(start, first)?,
            'e' | 'E' | 'x' | 'X' | 'b' | 'B' if second == '\'' => self.string(start, 1)?,
            '$' => self.dollar(start)?,
            '0'..='9' => self.number(start),
            '.' if second.is_ascii_digit() => self.number(start),
            '{' if matches!(second, '{' | '%' | '#') => self.jinja(start),
            c if starts_word(c) => {
                self.skip_while(continues_word);
                Token::Word { text: self.slice(start, self.at).to_owned(), quoted: false }
            }
            c => self.symbol(start, c),
        };
        Ok(Some(Lexeme { token, span: start..self.at }))
    }

    /// Passes whitespace and comments.
    fn skip_blanks(&mut self) -> Result<(), SqlError> {
        loop {
            self.skip_while(is_blank);
            if self.rest().starts_with("--") {
                self.skip_while(|c| c != '\n' && c != '\r');
            } else if self.rest().starts_with("/*") {
                self.block_comment()?;
            } else {
                return Ok(());
            }
        }
    }

    /// Passes a `/* … */` comment; DuckDB lets them nest.
    fn block_comment(&mut self) -> Result<(), SqlError> {
        let start = self.at;
        let mut depth = 0usize;
        loop {
            let rest = self.rest();
            if rest.starts_with("/*") {
                depth += 1;
                self.at += 2;
            } else if rest.starts_with("*/") {
                depth -= 1;
                self.at += 2;
                if depth == 0 {
                    return Ok(());
                }
            } else if let Some(c) = rest.chars().next() {
                self.at += c.len_utf8();
            } else {
                return Err(SqlError::new("this comment never ends", start..start + 2));
            }
        }
    }

    /// A string whose quote stands `prefix` bytes behind `start`.
    fn string(&mut self, start: usize, prefix: usize) -> Result<Token, SqlError> {
        let escapes = matches!(self.slice(start, start + prefix), "e" | "E");
        self.at = start + prefix + 1;
        let body = self
            .quoted('\'', escapes)
            .ok_or_else(|| SqlError::new("this string never ends", start..start + prefix + 1))?;
        Ok(Token::String(body))
    }

    /// A name in quotes; DuckDB takes backticks too.
    fn quoted_word(&mut self, start: usize, quote: char) -> Result<Token, SqlError> {
        self.at = start + 1;
        let text =
            self.quoted(quote, false).ok_or_else(|| SqlError::new("this quoted name never ends", start..start + 1))?;
        Ok(Token::Word { text, quoted: true })
    }

    /// What stands up to the closing quote, doubled quotes undone; `None` when nothing closes it.
    fn quoted(&mut self, quote: char, escapes: bool) -> Option<String> {
        let mut out = String::new();
        let mut chars = self.rest().char_indices().peekable();
        while let Some((offset, c)) = chars.next() {
            if c == quote {
                if chars.next_if(|next| next.1 == quote).is_none() {
                    self.at += offset + c.len_utf8();
                    return Some(out);
                }
            } else if c == '\\' && escapes {
                out.push(c);
                out.push(chars.next()?.1);
                continue;
            }
            out.push(c);
        }
        None
    }

    /// `$$…$$`, `$tag$…$tag$`, or a parameter: `$1`, `$name`.
    fn dollar(&mut self, start: usize) -> Result<Token, SqlError> {
        self.at += 1;
        self.skip_while(|c| c != '$' && continues_word(c));
        let tag = self.slice(start + 1, self.at);
        if self.rest().starts_with('$') && !tag.starts_with(char::is_numeric) {
            self.at += 1;
            let fence = self.slice(start, self.at);
            let body = self.at;
            if !self.skip_past(fence) {
                return Err(SqlError::new("this string never ends", start..body));
            }
            return Ok(Token::String(self.slice(body, self.at - fence.len()).to_owned()));
        }
        Ok(Token::Symbol(self.slice(start, self.at).to_owned()))
    }

    fn number(&mut self, start: usize) -> Token {
        let digit = |c: char| c.is_ascii_digit() || c == '_';
        self.skip_while(digit);
        if self.rest().starts_with('.') {
            self.at += 1;
            self.skip_while(digit);
        }
        let exponent = self.rest().strip_prefix(['e', 'E']).map(|rest| rest.strip_prefix(['+', '-']).unwrap_or(rest));
        if let Some(rest) = exponent.filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit())) {
            self.at = self.text.len() - rest.len();
            self.skip_while(digit);
        }
        Token::Number(self.slice(start, self.at).to_owned())
    }

    /// A Jinja block as one symbol, so that what stands in it need not be SQL. Without its end, only the opening.
    fn jinja(&mut self, start: usize) -> Token {
        self.at += 2;
        let opening = self.slice(start, self.at);
        let closing = JINJA.iter().find(|(open, _)| *open == opening).map(|(_, closing)| *closing);
        if let Some(closing) = closing.filter(|closing| !self.lacking.contains(closing))
            && !self.skip_past(closing)
        {
            self.lacking.push(closing);
        }
        Token::Symbol(self.slice(start, self.at).to_owned())
    }

    fn symbol(&mut self, start: usize, first: char) -> Token {
        let rest = self.rest();
        // a comment begins within an operator too: `//*` is `/` and `/*`
        let is_long = |operator: &&&str| {
            rest.starts_with(**operator) && !rest.get(1..).is_some_and(|rest| rest.starts_with("/*"))
        };
        let long = OPERATORS.iter().find(is_long);
        self.at = start + long.map_or(first.len_utf8(), |operator| operator.len());
        Token::Symbol(self.slice(start, self.at).to_owned())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(text: &str) -> Vec<&str> {
        lex(text).unwrap().into_iter().map(|lexeme| &text[lexeme.span]).collect()
    }

    #[test]
    fn splits_into_words() {
        let table: &[(&str, &[&str])] = &[
            ("select a.b, 1.5e3", &["select", "a", ".", "b", ",", "1.5e3"]),
            ("x->>'a'::int", &["x", "->>", "'a'", "::", "int"]),
            ("a -- c\n+ /* d /* e */ f */ b", &["a", "+", "b"]),
            ("'it''s' \"a\"\"b\" e'\\'' x'00'", &["'it''s'", "\"a\"\"b\"", "e'\\''", "x'00'"]),
            ("$$a'b$$ $t$ $$ $t$ $1 $name", &["$$a'b$$", "$t$ $$ $t$", "$1", "$name"]),
            ("@start_ds {{ it's }} {% if x %}", &["@", "start_ds", "{{ it's }}", "{% if x %}"]),
            ("{'a': {'b': 1}}", &["{", "'a'", ":", "{", "'b'", ":", "1", "}", "}"]),
            ("\u{feff}é_1.ÿ\u{a0}x", &["é_1", ".", "ÿ", "x"]),
            (".5 1. 1_000", &[".5", "1.", "1_000"]),
        ];
        for (text, expected) in table {
            assert_eq!(&words(text), expected, "{text}");
        }
    }

    #[test]
    fn unquotes() {
        let tokens: Vec<Token> = lex("'it''s' \"a\"\"b\" $q$x$q$").unwrap().into_iter().map(|l| l.token).collect();
        let name = Token::Word { text: "a\"b".into(), quoted: true };
        assert_eq!(tokens, [Token::String("it's".into()), name, Token::String("x".into())]);
    }

    #[test]
    fn lines_end_alike_and_values_stay() {
        for (text, unified) in [
            ("a\r\n-- it's\r\nb\r\n", "a\n-- it's\nb\n"),
            ("'x\r\ny'\r\n\"p\r\nq\" $$r\r\ns$$\r\n", "'x\r\ny'\n\"p\r\nq\" $$r\r\ns$$\n"),
            ("/* 'a\r\n */ b\r\n", "/* 'a\n */ b\n"),
            ("{{ 'a\r\nb' }}\r\nc\rd", "{{ 'a\r\nb' }}\nc\rd"),
            ("it's\r\nnever closed", "it's\nnever closed"),
        ] {
            assert_eq!(unify_line_ends(text), unified);
        }
    }

    #[test]
    fn what_never_ends_points_at_its_start() {
        for (text, start) in [("a 'b", 2), ("a /* b /* c */", 2), ("é \"b", 3), ("$$ a $ $", 0), ("e'\\'", 0)] {
            assert_eq!(lex(text).unwrap_err().span.start, start, "{text}");
        }
    }

    #[test]
    fn splits_at_semicolons() {
        let text = "MODEL (name a); select ';' ;; select 2";
        let lexemes = lex(text).unwrap();
        let parts: Vec<&str> = split(&lexemes).into_iter().map(|s| &text[s.span]).collect();
        assert_eq!(parts, ["MODEL (name a)", "select ';'", "select 2"]);
        for statement in split(&lexemes) {
            assert_eq!(lexemes[statement.lexemes.start].span.start, statement.span.start);
        }
    }

    proptest! {
        #[test]
        fn never_panics_and_spans_are_in_order(text in "(?s).{0,60}") {
            if let Ok(lexemes) = lex(&text) {
                let mut end = 0;
                for lexeme in lexemes {
                    prop_assert!(end <= lexeme.span.start && lexeme.span.start < lexeme.span.end);
                    prop_assert!(text.get(lexeme.span.clone()).is_some());
                    end = lexeme.span.end;
                }
            }
        }

        #[test]
        fn never_panics_on_what_looks_like_sql(text in "[-a$e'\"/*{}%#@0.1;\\\\ \n\u{e9}]{0,30}") {
            let _ = lex(&text);
        }
    }
}
