//! Edits that change no query: layout, letters, brackets and words that may be left out. To DuckDB's own parser the text is what
//! it was; so it should be to the fingerprint. `id AS id` is none of them: of a column that is called `ID`, it changes the name.
//!
//! `VMESH_QUERIES=folder cargo test --lib neutral -- --nocapture` takes each file of a folder for a query, and prints what is
//! told apart.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use duckdb::Connection;
use serde_json::Value;

use super::queries::Dice;
use super::{assembled, project};
use crate::domain::model;
use crate::domain::project::Lineages;
use crate::domain::sql::{Lexeme, Token, analyse, lex};

/// Words that are written in either case, and need no quotes.
#[rustfmt::skip]
const KEYWORDS: [&str; 48] = [
    "all", "and", "as", "asc", "between", "by", "case", "cast", "cross", "desc", "distinct", "else", "end", "except", "exists",
    "from", "full", "group", "having", "in", "inner", "intersect", "interval", "is", "join", "left", "like", "limit", "not",
    "null", "on", "or", "order", "outer", "over", "partition", "range", "recursive", "right", "rows", "select", "then", "union",
    "using", "values", "when", "where", "with",
];

/// What stands before a value, and before no table.
const BEFORE_VALUES: [&str; 19] = [
    "select", "where", "having", "on", "and", "or", "by", "when", "then", "else", "=", "<", ">", "+", "-", "*", "/",
    "(", "||",
];

/// A text in words.
struct Words<'t> {
    text: &'t str,
    lexemes: Vec<Lexeme>,
}

impl Words<'_> {
    /// The text with some of its words written otherwise: for each, what stands in its place, if anything else does.
    fn written(&self, mut other: impl FnMut(usize, &str) -> Option<String>) -> String {
        let (mut out, mut end) = (String::new(), 0);
        for (at, lexeme) in self.lexemes.iter().enumerate() {
            out.push_str(&self.text[end..lexeme.span.start]);
            let word = &self.text[lexeme.span.clone()];
            out.push_str(&other(at, word).unwrap_or_else(|| word.to_owned()));
            end = lexeme.span.end;
        }
        out + &self.text[end..]
    }

    /// The text with more in its gaps.
    fn spaced(&self, dice: &mut Dice) -> String {
        self.written(|at, word| {
            let is_apart = at > 0 && self.lexemes[at - 1].span.end < self.lexemes[at].span.start;
            let more = dice.one(&["/* a word */ ", "\n    ", "-- a line\n"]);
            (is_apart && dice.percent(50)).then(|| format!("{more}{word}"))
        })
    }

    fn is(&self, at: usize, words: &[&str]) -> bool {
        self.lexemes.get(at).is_some_and(|it| words.iter().any(|word| it.is_keyword(word) || it.is_symbol(word)))
    }

    fn is_behind(&self, at: usize, words: &[&str]) -> bool {
        at.checked_sub(1).is_some_and(|before| self.is(before, words))
    }

    fn is_keyword(&self, at: usize) -> bool {
        self.is(at, &KEYWORDS)
    }

    fn is_name(&self, at: usize) -> bool {
        let is_plain = |it: &Lexeme| matches!(it.token, Token::Word { quoted: false, .. });
        self.lexemes.get(at).is_some_and(is_plain) && !self.is_keyword(at)
    }

    /// One of the places that are so.
    fn place(&self, dice: &mut Dice, is: impl Fn(usize) -> bool) -> Option<usize> {
        let places: Vec<usize> = (0..self.lexemes.len()).filter(|at| is(*at)).collect();
        (!places.is_empty()).then(|| places[dice.roll(places.len())])
    }
}

/// What is done to words wherever they stand.
fn everywhere(dice: &mut Dice, it: &Words) -> Vec<(&'static str, String)> {
    let swapped = |word: &str| if word == word.to_lowercase() { word.to_uppercase() } else { word.to_lowercase() };
    let quoted = it.written(|at, word| {
        let is_free = it.is_name(at) && !it.is(at + 1, &["("]) && !it.is_behind(at, &["::", "as"]);
        (is_free && dice.percent(40)).then(|| format!("\"{word}\""))
    });
    let inner = it.written(|at, word| {
        let is_plain = it.is(at, &["join"]) && at > 0 && (it.is_name(at - 1) || it.is(at - 1, &[")"]));
        is_plain.then(|| format!("INNER {word}"))
    });
    let outer = it.written(|at, word| {
        let is_short = it.is(at, &["left", "right", "full"]) && it.is(at + 1, &["join"]);
        is_short.then(|| format!("{word} OUTER"))
    });
    vec![
        ("blanks and comments", it.spaced(dice)),
        ("letters", it.written(|at, word| it.is_keyword(at).then(|| swapped(word)))),
        ("quotes", quoted),
        ("INNER", inner),
        ("OUTER", outer),
        ("!= for <>", it.written(|at, _| it.is(at, &["<>"]).then(|| "!=".to_owned()))),
        ("ASC left out", it.written(|at, _| it.is(at, &["asc"]).then(String::new))),
        ("a semicolon", format!("{};", it.text.trim_end())),
    ]
}

/// What is done at one place.
fn somewhere(dice: &mut Dice, it: &Words) -> Vec<(&'static str, String)> {
    let is_value = |at: usize| matches!(it.lexemes[at].token, Token::Number(_) | Token::String(_));
    let is_free = |at: usize| it.is_name(at) && !it.is(at + 1, &["(", "."]) && it.is_behind(at, &BEFORE_VALUES);
    let (value, name) = (it.place(dice, is_value), it.place(dice, is_free));
    let places = [
        ("brackets around a value", value, "(", ")"),
        ("two brackets around a value", value, "((", "))"),
        ("brackets around a name", name, "(", ")"),
    ];
    let mut all = Vec::new();
    for (what, place, open, close) in places {
        all.extend(
            place.map(|place| (what, it.written(|at, word| (at == place).then(|| format!("{open}{word}{close}"))))),
        );
    }
    let word = it.place(dice, |at| it.is(at, &["as"]));
    all.extend(word.map(|place| ("AS left out", it.written(|at, _| (at == place).then(String::new)))));
    if let Some(from) = it.place(dice, |at| it.is_behind(at, &["where", "having", "on", "and"])) {
        let to = from + if it.is(from + 1, &["."]) { 4 } else { 2 };
        let bracketed = it.written(|at, word| match at {
            _ if at == from => Some(format!("({word}")),
            _ if at == to => Some(format!("{word})")),
            _ => None,
        });
        all.push(("brackets around a condition", bracketed));
    }
    all
}

/// Texts of the same query, each with what was done to it.
fn neutral(dice: &mut Dice, text: &str) -> Vec<(&'static str, String)> {
    let words = Words { text, lexemes: lex(text).unwrap() };
    let mut all = everywhere(dice, &words);
    all.extend(somewhere(dice, &words));
    all.retain(|(_, other)| other != text);
    all
}

/// What DuckDB's parser makes of a text, without places; none if it refuses it.
fn tree(connection: &Connection, text: &str) -> Option<Value> {
    let parsed: String =
        connection.query_row("SELECT json_serialize_sql(?::VARCHAR)::VARCHAR", [text], |row| row.get(0)).unwrap();
    let mut tree: Value = serde_json::from_str(&parsed).unwrap();
    without_places(&mut tree);
    (tree["error"] == Value::Bool(false)).then_some(tree)
}

fn without_places(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !name.starts_with("query_location"));
            fields.values_mut().for_each(without_places);
        }
        Value::Array(all) => all.iter_mut().for_each(without_places),
        _ => {}
    }
}

fn files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files(&path, into),
            false if path.extension().is_some_and(|end| end == "sql") => into.push(path),
            false => {}
        }
    }
}

/// Queries of files, and some random ones.
fn queries() -> Vec<String> {
    let said = std::env::var_os("VMESH_QUERIES").map(PathBuf::from);
    let mut all = Vec::new();
    files(&said.clone().unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("models")), &mut all);
    all.sort();
    let text = |path: &PathBuf| std::fs::read_to_string(path).unwrap_or_default();
    let without_head = |text: String| match text.split_once(");\n") {
        Some((head, query)) if head.trim_start().starts_with("MODEL") => query.trim().to_owned(),
        _ => text.trim().trim_end_matches(';').to_owned(),
    };
    let mut all: Vec<String> = all.iter().map(text).map(without_head).collect();
    if said.is_none() {
        all.extend((0..20).filter_map(|seed| project(&mut Dice(seed * 7_919 + 1))).flat_map(|it| it.0).map(|it| it.1));
    }
    all
}

/// What became of the edits of one kind.
#[derive(Default)]
struct Tally {
    kept: usize,
    /// The texts that were told apart.
    apart: Vec<(String, String)>,
}

#[test]
fn edits_that_change_no_query_keep_its_fingerprint() {
    let (connection, lineages) = (Connection::open_in_memory().unwrap(), Lineages::default());
    let fingerprint = |text: &str| {
        model::parse(text).ok()?;
        let models = assembled(&vec![("m.t0".to_owned(), text.to_owned())], &lineages);
        models.get("m.t0").map(|model| model.fingerprint)
    };
    let (mut kinds, mut dice) = (BTreeMap::<&str, Tally>::new(), Dice(1));
    for query in queries() {
        let (Some(parsed), Some(before)) = (tree(&connection, &query), fingerprint(&query)) else { continue };
        for (kind, other) in neutral(&mut dice, &query) {
            if tree(&connection, &other).is_none_or(|seen| seen != parsed) {
                continue;
            }
            let tally = kinds.entry(kind).or_default();
            match fingerprint(&other) == Some(before) {
                true => tally.kept += 1,
                false => tally.apart.push((query.clone(), other)),
            }
        }
    }
    let is_asked = std::env::var_os("VMESH_QUERIES").is_some();
    for (kind, Tally { kept, apart }) in &kinds {
        eprintln!("{kind}: {kept} kept, {} not", apart.len());
        for (query, other) in apart.iter().filter(|_| is_asked).take(3) {
            eprintln!("--- {query}\n--- became\n{other}\n");
        }
    }
    let kept: usize = kinds.values().map(|tally| tally.kept).sum();
    let all = kept + kinds.values().map(|tally| tally.apart.len()).sum::<usize>();
    eprintln!("{kept} of {all} neutral edits keep the fingerprint");
    assert!(all > 300 && kept * 100 >= all * 97, "{kept} of {all}");
}

/// Ways to group.
const GROUPS: [&str; 26] = [
    "grouping sets ((rollup (a)), b)",
    "((a, b))",
    "a",
    "(a)",
    "a, b",
    "(a, b)",
    "()",
    "rollup (a)",
    "rollup (a, b)",
    "rollup ((a, b))",
    "rollup ((a), b)",
    "rollup (a), b",
    "a, rollup (b)",
    "cube (a)",
    "cube (a, b)",
    "cube ((a, b))",
    "cube (a), cube (b)",
    "grouping sets (a, b)",
    "grouping sets ((a, b))",
    "grouping sets ((a), (b))",
    "grouping sets ((a, b), ())",
    "grouping sets (rollup (a), b)",
    "grouping sets (cube (a), b)",
    "rollup ((a, b), a)",
    "\"rollup\"(a)",
    "all",
];

#[test]
fn groups_are_one_to_the_fingerprint_if_they_are_to_duckdb() {
    let connection = Connection::open_in_memory().unwrap();
    let text = |group: &str| format!("SELECT count(*) AS n FROM t GROUP BY {group}");
    let seen = GROUPS.map(|group| (group, tree(&connection, &text(group)), analyse(&text(group)).canonical));
    for (one, parsed, canonical) in &seen {
        for (other, other_parsed, other_canonical) in &seen {
            let is_one = parsed == other_parsed;
            assert!(canonical != other_canonical || is_one, "{one} | {other}");
        }
    }
}
