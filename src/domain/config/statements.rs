//! `before_all` and `after_all`: SQL of the settings that goes with whatever changes an environment; and what it makes,
//! which counts for the models that use it.

use std::collections::BTreeSet;
use std::ops::Range;

use serde::Serialize;

use super::super::macros::Variables;
use super::super::sql::{self, Lexeme, Token};

/// One of them, and where it stands in the settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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

/// Those statements of a text that make macros, or schemas for them, its own macros expanded: what needs no rows.
pub fn making_macros(text: &str) -> Vec<String> {
    let lexemes = sql::lex(text).unwrap_or_default();
    let makes = |statement: &sql::Statement| {
        let words = lexemes[statement.lexemes.clone()].iter().map(|lexeme| word(lexeme).unwrap_or_default());
        let mut words = words.skip_while(|word| matches!(word.as_str(), "create" | "or" | "replace"));
        let begins = lexemes.get(statement.lexemes.start).is_some_and(|first| first.is_keyword("create"));
        begins && matches!(words.next().as_deref(), Some("macro" | "function" | "schema"))
    };
    sql::split(&lexemes)
        .iter()
        .filter(|it| makes(it))
        .filter_map(|it| text.get(it.span.clone()).map(str::to_owned))
        .collect()
}

/// What one of `before_all` leaves behind for models to use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The names of the macros, tables and views that it makes or changes, in lower case; `None` if it may change
    /// anything.
    names: Option<BTreeSet<String>>,
    /// All words in it: what it uses in turn.
    words: BTreeSet<String>,
    /// What it says, layout and comments left out, and the variables that it names.
    meaning: [u8; 32],
}

impl Made {
    /// By a statement as it is written, with the variables of the settings; `expanded` is what its macros make of it.
    pub fn by(written: &str, variables: &Variables, expanded: Option<&str>) -> Self {
        let mut hasher = blake3::Hasher::new();
        let mut hash = |text: &str| {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        };
        let lexemes = sql::lex(written).unwrap_or_default();
        if lexemes.is_empty() {
            hash(written);
        }
        let mut words = words(&lexemes);
        for lexeme in &lexemes {
            hash(&format!("{:?}", lexeme.token));
        }
        for (name, value) in variables.iter().filter(|(name, _)| written.to_lowercase().contains(name)) {
            hash(name);
            hash(&format!("{value:?}"));
        }
        let meaning = *hasher.finalize().as_bytes();
        let run = expanded.and_then(|text| sql::lex(text).ok()).unwrap_or_default();
        words.extend(self::words(&run));
        let statements = sql::split(&run);
        let targets = statements.iter().map(|statement| target(&run[statement.lexemes.clone()]));
        // what macros make of it elsewhere is not known where they make nothing of it here
        let names = if statements.is_empty() { None } else { targets.collect::<Option<Vec<_>>>() };
        Self { names: names.map(|names| names.into_iter().flatten().collect()), words, meaning }
    }

    /// What counts of all of them for a model that uses these names, in lower case: what makes them, and what makes what
    /// that uses.
    pub fn counting(all: &[Self], used: &BTreeSet<String>) -> Vec<[u8; 32]> {
        let (mut used, mut counts) = (used.clone(), vec![false; all.len()]);
        loop {
            let fresh = all
                .iter()
                .enumerate()
                .find(|(at, made)| !counts[*at] && made.names.as_ref().is_none_or(|names| !names.is_disjoint(&used)));
            let Some((at, made)) = fresh else { break };
            counts[at] = true;
            used.extend(made.words.iter().cloned());
        }
        all.iter().zip(counts).filter(|(_, counts)| *counts).map(|(made, _)| made.meaning).collect()
    }
}

fn word(lexeme: &Lexeme) -> Option<String> {
    match &lexeme.token {
        Token::Word { text, .. } => Some(text.to_lowercase()),
        _ => None,
    }
}

fn words(lexemes: &[Lexeme]) -> BTreeSet<String> {
    lexemes.iter().filter_map(word).collect()
}

/// The name of what a statement makes or changes: `Some(None)` for one that changes no rows, `None` where it can't be
/// told.
fn target(statement: &[Lexeme]) -> Option<Option<String>> {
    let words: Vec<String> = statement.iter().map(|lexeme| word(lexeme).unwrap_or_default()).collect();
    let behind = |keywords: &[&str]| words.iter().position(|word| keywords.contains(&word.as_str())).map(|at| at + 1);
    let first = words.first().map_or("", String::as_str);
    let start = match first {
        "select" | "from" | "values" | "table" | "show" | "set" | "reset" | "pragma" | "describe" | "summarize"
        | "explain" | "comment" | "checkpoint" | "analyze" | "vacuum" => return Some(None),
        "create" | "drop" | "alter" => {
            let things = ["macro", "function", "table", "view", "schema", "index", "type", "sequence", "secret"];
            let at = behind(&things)?;
            match words[at - 1].as_str() {
                "schema" | "index" => return Some(None),
                "macro" | "function" | "table" | "view" => {}
                _ => return None,
            }
            // `CREATE MACRO TABLE f() …` there is not, but `CREATE MACRO f() AS TABLE …`
            at
        }
        "insert" | "merge" => behind(&["into"])?,
        "update" => 1,
        "delete" => behind(&["from"])?,
        "truncate" => 1 + usize::from(words.get(1).is_some_and(|word| word == "table")),
        _ => return None,
    };
    let mut at = start;
    while words.get(at).is_some_and(|word| matches!(word.as_str(), "if" | "not" | "exists")) {
        at += 1;
    }
    while statement.get(at + 1).is_some_and(|lexeme| lexeme.is_symbol(".")) {
        at += 2;
    }
    words.get(at).filter(|name| !name.is_empty()).map(|name| Some(name.clone()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn target_of(sql: &str) -> Option<Option<String>> {
        target(&sql::lex(sql).unwrap())
    }

    #[test]
    fn what_a_statement_makes_or_changes() {
        for sql in [
            "CREATE OR REPLACE MACRO ops.f(x) AS x",
            "create table if not exists a.b.\"F\" AS FROM t",
            "INSERT INTO ops.f VALUES (1)",
            "UPDATE f SET x = 1",
            "DELETE FROM ops.f",
            "DROP VIEW IF EXISTS f",
            "TRUNCATE TABLE f",
            "ALTER TABLE ops.f ADD COLUMN x INT",
        ] {
            assert_eq!(target_of(sql), Some(Some("f".to_owned())), "{sql}");
        }
        for sql in ["CREATE SCHEMA IF NOT EXISTS f", "SELECT f()", "COMMENT ON VIEW f IS 'x'"] {
            assert_eq!(target_of(sql), Some(None), "{sql}");
        }
        for sql in ["ATTACH 'x.db' AS f", "CREATE TYPE f AS ENUM ('a')", "WITH f AS (SELECT 1) DELETE FROM g"] {
            assert_eq!(target_of(sql), None, "{sql}");
        }
    }

    #[test]
    fn what_is_used_by_what_is_used_counts() {
        let made = |sql: &str| Made::by(sql, &Variables::default(), Some(sql));
        let all =
            ["CREATE TABLE t AS SELECT 1 AS x", "CREATE MACRO f() AS (SELECT x FROM t)", "CREATE VIEW v AS SELECT 2"];
        let all = all.map(made);
        let count = |name: &str| Made::counting(&all, &[name.to_owned()].into()).len();
        assert_eq!((count("f"), count("t"), count("v"), count("w")), (2, 1, 1, 0));
        assert_eq!(made("SELECT  f() -- x"), made("SELECT f()"));
    }
}
