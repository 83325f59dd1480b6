//! A frozen clock: what the engine would take from the clock is a given moment instead.

use super::super::interval::{Times, variable};
use super::super::sql::{self, Lexeme, Span, Token};

/// Functions of the clock, each with what it gives.
const CALLS: [(&str, Gives); 10] = [
    ("now", Gives::Zoned),
    ("transaction_timestamp", Gives::Zoned),
    ("statement_timestamp", Gives::Zoned),
    ("clock_timestamp", Gives::Zoned),
    ("get_current_timestamp", Gives::Zoned),
    ("today", Gives::Date),
    ("current_date", Gives::Date),
    ("get_current_time", Gives::ZonedTime),
    ("current_localtime", Gives::Time),
    ("current_localtimestamp", Gives::Timestamp),
];
/// Words that are the clock where no column has their name.
const WORDS: [(&str, Gives); 5] = [
    ("current_date", Gives::Date),
    ("current_time", Gives::ZonedTime),
    ("current_timestamp", Gives::Zoned),
    ("localtime", Gives::Time),
    ("localtimestamp", Gives::Timestamp),
];

/// What a function of the clock gives.
#[derive(Clone, Copy)]
enum Gives {
    Date,
    Time,
    ZonedTime,
    Timestamp,
    Zoned,
}

impl Gives {
    fn sql(self, times: &Times) -> Option<String> {
        let timestamp = || variable("execution_dtntz", times);
        match self {
            Self::Date => variable("execution_date", times),
            Self::Time => Some(format!("CAST({} AS TIME)", timestamp()?)),
            Self::ZonedTime => Some(format!("CAST(CAST({} AS TIME) AS TIMETZ)", timestamp()?)),
            Self::Timestamp => timestamp(),
            Self::Zoned => variable("execution_dt", times),
        }
    }
}

/// The text with the moment of execution wherever it asks for the time. `columns` are the names of columns that the
/// query may read, in lower case: a column goes before the clock, as in the engine.
pub fn freeze(text: &str, times: &Times, columns: &[String]) -> String {
    let Ok(lexemes) = sql::lex(text) else { return text.to_owned() };
    let named = given_names(&lexemes);
    let is_column = |word: &str| columns.iter().chain(&named).any(|name| name == word);
    let mut out = String::with_capacity(text.len());
    let mut end = 0;
    for (at, lexeme) in lexemes.iter().enumerate() {
        let Some((span, moment)) = asked(&lexemes, at, lexeme, times, &is_column) else { continue };
        out.push_str(text.get(end..span.start).unwrap_or_default());
        out.push_str(&moment);
        end = span.end;
    }
    out.push_str(text.get(end..).unwrap_or_default());
    out
}

/// Whether a text asks for the time.
pub fn asks_the_time(text: &str) -> bool {
    freeze(text, &Times::LOADING, &[]) != text
}

/// The names that a text gives to columns and tables: in quotes, or behind AS. In lower case.
pub fn names_in(text: &str) -> Vec<String> {
    sql::lex(text).map(|lexemes| given_names(&lexemes)).unwrap_or_default()
}

fn given_names(lexemes: &[Lexeme]) -> Vec<String> {
    let name = |at: usize, lexeme: &Lexeme| match &lexeme.token {
        Token::Word { text, quoted } if *quoted || (at > 0 && lexemes[at - 1].is_keyword("as")) => {
            Some(text.to_lowercase())
        }
        _ => None,
    };
    lexemes.iter().enumerate().filter_map(|(at, lexeme)| name(at, lexeme)).collect()
}

/// If a lexeme asks for the time: what to replace, and by what.
fn asked(
    lexemes: &[Lexeme],
    at: usize,
    lexeme: &Lexeme,
    times: &Times,
    is_column: &dyn Fn(&str) -> bool,
) -> Option<(Span, String)> {
    let Token::Word { text, quoted: false } = &lexeme.token else { return None };
    let word = text.to_ascii_lowercase();
    let is = |at: usize, symbol: &str| lexemes.get(at).is_some_and(|lexeme| lexeme.is_symbol(symbol));
    if at > 0 && (is(at - 1, ".") || lexemes[at - 1].is_keyword("as")) {
        return None;
    }
    let find = |list: &[(&str, Gives)]| list.iter().find(|(name, _)| *name == word).map(|(_, gives)| *gives);
    if !is(at + 1, "(") {
        // a field of a struct, a named argument, a table
        let is_key = [".", ":", ":=", "=>"].iter().any(|symbol| is(at + 1, symbol));
        let gives = find(&WORDS).filter(|_| !is_key && !is_column(&word))?;
        return Some((lexeme.span.clone(), gives.sql(times)?));
    }
    if is(at + 2, ")") {
        return Some((lexeme.span.start..lexemes.get(at + 2)?.span.end, find(&CALLS)?.sql(times)?));
    }
    // the age of one moment is told from today's midnight
    if word == "age" && arguments(&lexemes[at + 1..]) == 1 {
        let open = lexemes.get(at + 1)?.span.end;
        return Some((open..open, format!("CAST({} AS TIMESTAMP), ", Gives::Date.sql(times)?)));
    }
    None
}

/// How many arguments stand in the brackets that open here.
fn arguments(lexemes: &[Lexeme]) -> usize {
    let (mut depth, mut commas) = (0_i32, 0);
    for lexeme in lexemes {
        let Token::Symbol(symbol) = &lexeme.token else { continue };
        match symbol.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            "," if depth == 1 => commas += 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    commas + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_is_replaced_and_nothing_else() {
        let date = "CAST('1970-01-01' AS DATE)";
        let zoned = "CAST('1970-01-01 00:00:00+00:00' AS TIMESTAMPTZ)";
        let cases = [
            ("SELECT current_date", format!("SELECT {date}")),
            ("SELECT CURRENT_DATE - 1, Now ( ), today()", format!("SELECT {date} - 1, {zoned}, {date}")),
            ("SELECT current_timestamp AS now", format!("SELECT {zoned} AS now")),
            ("SELECT 'now()', \"today\", t.current_date -- now()", String::new()),
            ("SELECT now, today(1), main.now(), current_date.x", String::new()),
            ("SELECT d AS current_date FROM t ORDER BY current_date", String::new()),
            ("SELECT {current_date: 1}, f(current_date := 2)", String::new()),
            ("SELECT seen FROM t", String::new()),
            ("SELECT age(born), age(a, b)", format!("SELECT age(CAST({date} AS TIMESTAMP), born), age(a, b)")),
            ("SELECT localtimestamp", "SELECT CAST('1970-01-01 00:00:00' AS TIMESTAMP)".to_owned()),
        ];
        for (text, frozen) in cases {
            let expected = if frozen.is_empty() { text } else { &frozen };
            assert_eq!(freeze(text, &Times::LOADING, &[]), expected, "{text}");
            assert_eq!(asks_the_time(text), expected != text, "{text}");
        }
        let column = ["current_date".to_owned()];
        assert_eq!(freeze("SELECT current_date", &Times::LOADING, &column), "SELECT current_date");
    }
}
