//! Refuses, in one pass over its lexemes, a text that something behind would recurse into too deep or take too long for:
//! our parser, DuckDB's, the formatter.

use super::super::limits::{CHAIN, NESTING, PARTS, RELATIONS, TEXT, TOKENS};
use super::{Lexeme, Span, SqlError, Token, keywords};

/// Refuses a text that is too long to be read at all.
pub(super) fn length(text: &str) -> Result<(), SqlError> {
    match text.len() {
        0..=TEXT => Ok(()),
        bytes => Err(SqlError::new(format!("this is {bytes} bytes long: {TEXT} are the most"), 0..0)),
    }
}

/// Refuses lexemes that are too many, or too deep in each other.
pub(super) fn check(lexemes: &[Lexeme]) -> Result<(), SqlError> {
    let mut counts = Counts { levels: vec![Level::default()], ..Counts::default() };
    let mut before: Option<&Lexeme> = None;
    for lexeme in lexemes {
        counts.add(lexeme, before);
        counts.refuse(&lexeme.span)?;
        before = Some(lexeme);
    }
    match lexemes.get(TOKENS) {
        Some(first) => Err(SqlError::new(format!("more than {TOKENS} words and signs"), first.span.clone())),
        None => Ok(()),
    }
}

/// What is open or was seen on the way.
#[derive(Default)]
struct Counts {
    levels: Vec<Level>,
    /// CASEs of all levels.
    cases: usize,
    relations: usize,
}

/// What stands between two brackets.
#[derive(Default)]
struct Level {
    /// CASEs without their END.
    cases: usize,
    /// Operators since the last comma.
    chain: usize,
    /// Parts of the name that ends here.
    parts: usize,
    /// Whether commas part relations here.
    in_from: bool,
    /// Whether this SELECT was counted, so that its FROM is not.
    counted: bool,
}

impl Counts {
    fn add(&mut self, lexeme: &Lexeme, before: Option<&Lexeme>) {
        let is_part = before.is_some_and(|before| before.is_symbol("."));
        let depth = self.levels.len();
        let Some(level) = self.levels.last_mut() else { return };
        match &lexeme.token {
            Token::Symbol(symbol) => match symbol.as_str() {
                "(" | "[" | "{" => self.levels.push(Level::default()),
                ")" | "]" | "}" if depth > 1 => {
                    let closed = self.levels.pop().map_or(0, |level| level.cases);
                    self.cases -= closed;
                    // a call and a subscript are operators on what stands before them
                    if let Some(level) = self.levels.last_mut() {
                        level.chain += 1;
                    }
                }
                "." => level.parts += 1,
                ";" => {
                    (self.levels, self.cases, self.relations) = (vec![Level::default()], 0, 0);
                }
                "," => {
                    (level.chain, level.parts) = (0, 0);
                    self.relations += usize::from(level.in_from);
                }
                _ => (level.chain, level.parts) = (level.chain + 1, 0),
            },
            Token::Word { text, quoted: false } if !is_part => {
                level.parts = 0;
                let is = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
                level.chain += usize::from(keywords::is_keyword(text));
                let (is_select, is_from) = (
                    is(&["select", "table"]),
                    is(&["from"]) && !before.is_some_and(|before| before.is_keyword("distinct")),
                );
                if is_select || is_from || is(&["join"]) {
                    self.relations += usize::from(!(is_from && level.counted));
                    (level.counted, level.in_from) =
                        (level.counted || is_select, is_from || !is_select && level.in_from);
                    level.chain = 0;
                } else if is(&["union", "except", "intersect", "with"]) {
                    (level.counted, level.in_from, level.chain) = (false, false, 0);
                } else if is(&["where", "group", "having", "qualify", "window", "order", "limit", "values"]) {
                    level.in_from = false;
                } else if is(&["case"]) {
                    (level.cases, self.cases) = (level.cases + 1, self.cases + 1);
                } else if is(&["end"]) && level.cases > 0 {
                    (level.cases, self.cases) = (level.cases - 1, self.cases - 1);
                }
            }
            _ if !is_part => level.parts = 0,
            _ => {}
        }
    }

    fn refuse(&self, span: &Span) -> Result<(), SqlError> {
        let (chain, parts) = self.levels.last().map_or((0, 0), |level| (level.chain, level.parts));
        let what = if self.levels.len() - 1 + self.cases > NESTING {
            format!("nested too deep: at most {NESTING} brackets and CASEs stand in each other")
        } else if parts >= PARTS {
            format!("a name of too many parts: {PARTS} are the most")
        } else if chain > CHAIN {
            format!("too many operators in a row: {CHAIN} are the most between two commas")
        } else if self.relations > RELATIONS {
            format!("too many SELECTs, joins and set operations: {RELATIONS} are the most of one statement")
        } else {
            return Ok(());
        };
        Err(SqlError::new(what, span.clone()))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::super::lex;

    /// What `lex` says of `before`, `open` and `close` so many times, and `after`.
    fn says(before: &str, open: &str, close: &str, times: usize, after: &str) -> Option<String> {
        let text = format!("{before}{}1{}{after}", open.repeat(times), close.repeat(times));
        lex(&text).err().map(|error| {
            assert!(text.get(error.span.clone()).is_some());
            error.message
        })
    }

    #[test]
    fn what_is_too_deep_or_too_long_is_refused_with_its_limit() {
        let cases = [
            (("SELECT * FROM ", "(", ")", 20_000, ""), "at most 100 brackets and CASEs"),
            (("SELECT ", "[{'a': ", "}]", 20_000, ""), "at most 100 brackets and CASEs"),
            (("SELECT ", "CASE WHEN ", " THEN 1 END", 20_000, ""), "at most 100 brackets and CASEs"),
            (("SELECT ", "(SELECT CASE ", " WHEN 1 THEN 2 END)", 60, ""), "at most 100 brackets and CASEs"),
            (("SELECT ", "CAST(", " AS INT)", 100_000, ""), "at most 100 brackets and CASEs"),
            (("SELECT ", "a.", "", 50_000, " FROM a"), "a name of too many parts: 50"),
            (("SELECT a", ".\"b\"", "", 50_000, " FROM a"), "a name of too many parts: 50"),
            (("SELECT ", "1 + ", "", 50_000, ""), "5000 are the most between two commas"),
            (("SELECT ", "NOT ", "", 50_000, ""), "5000 are the most between two commas"),
            (("SELECT a", "::INT", "", 50_000, ""), "5000 are the most between two commas"),
            (("SELECT a", "[1]", "", 50_000, ""), "5000 are the most between two commas"),
            (("SELECT 1 ", "UNION ALL SELECT ", "", 20_000, ""), "2000 are the most of one statement"),
            (("SELECT * FROM a", ", a", "", 20_000, ""), "2000 are the most of one statement"),
            (("FROM a ", "UNION FROM a ", "", 20_000, ""), "2000 are the most of one statement"),
            (("SELECT * FROM a ", "JOIN a USING (x) ", "", 20_000, ""), "2000 are the most of one statement"),
            (("SELECT ", "1, ", "", 200_000, ""), "more than 300000 words and signs"),
            (("SELECT '", "x", "", 5 << 20, "'"), "bytes long: 4194304 are the most"),
        ];
        for ((before, open, close, times, after), limit) in cases {
            let message = says(before, open, close, times, after);
            assert!(message.as_ref().is_some_and(|message| message.contains(limit)), "{open}: {message:?}");
        }
    }

    #[test]
    fn what_people_write_is_not() {
        let cases = [
            ("SELECT ", "(", ")", 90, ""),
            ("SELECT * FROM t WHERE ", "a = 1 OR ", "", 1_500, "= a"),
            ("SELECT CASE ", "WHEN a = 1 THEN 2 ", "", 800, "END"),
            ("SELECT 1 FROM t ", "UNION ALL SELECT a, b FROM t ", "", 1_900, ""),
            ("VALUES ", "(1, 'a', 2.5), ", "", 30_000, ""),
            ("SELECT ", "a.b.c.d AS x, ", "", 20_000, ""),
            ("SELECT ", "CASE WHEN a THEN b END AS \"end\", ", "", 10_000, ""),
        ];
        for (before, open, close, times, after) in cases {
            assert_eq!(says(before, open, close, times, after), None, "{open}");
        }
    }
}
