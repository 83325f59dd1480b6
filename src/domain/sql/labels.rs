//! Names for columns that are cast and have no alias: DuckDB calls `id::INT` `CAST(id AS INTEGER)`, SQLMesh and its users
//! call it `id`.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::{Lexeme, Token};

/// A name to write behind an expression.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// Where the expression ends.
    pub at: usize,
    /// The name of the column that is cast.
    pub name: String,
}

/// Words that end the list of a SELECT.
const ENDS: [&str; 18] = [
    "select",
    "from",
    "where",
    "group",
    "having",
    "order",
    "limit",
    "offset",
    "qualify",
    "window",
    "union",
    "except",
    "intersect",
    "using",
    "into",
    "sample",
    "tablesample",
    "fetch",
];
/// Words that are values, not columns.
const VALUES: [&str; 9] =
    ["null", "true", "false", "case", "not", "current_date", "current_timestamp", "current_time", "localtimestamp"];
/// Types of several words.
const LONG_TYPES: [&[&str]; 6] = [
    &["timestamp", "with", "time", "zone"],
    &["timestamp", "without", "time", "zone"],
    &["time", "with", "time", "zone"],
    &["time", "without", "time", "zone"],
    &["double", "precision"],
    &["character", "varying"],
];

/// The labels of all lists in a text, in its order. Where two columns of a list would have one name, or a star might
/// have it too, there are none.
pub(super) fn find(lexemes: &[Lexeme]) -> Vec<Label> {
    let mut labels = Vec::new();
    for (index, _) in lexemes.iter().enumerate().filter(|(_, lexeme)| lexeme.is_keyword("select")) {
        // a column may be called `select`, in a text that the parser makes something of
        let is_name = index > 0 && lexemes[index - 1].is_symbol(".");
        if !is_name {
            list(&lexemes[index + 1..], &mut labels);
        }
    }
    labels.sort_by_key(|label| label.at);
    labels
}

fn list(lexemes: &[Lexeme], labels: &mut Vec<Label>) {
    let items = items(without_distinct(lexemes));
    let is_star = |item: &&[Lexeme]| item.iter().any(|lexeme| lexeme.is_symbol("*")) && cast(item).is_none();
    let star = items.iter().any(|item| item.first().is_some_and(|first| first.is_symbol("*")))
        || items.iter().any(|item| is_star(item) && item.get(1).is_some_and(|dot| dot.is_symbol(".")));
    if star {
        return;
    }
    let found = items.iter().map(|item| cast(item).or_else(|| last_word(item)));
    let mut names: HashMap<String, usize> = HashMap::new();
    found.flatten().for_each(|name| *names.entry(name.to_ascii_lowercase()).or_default() += 1);
    for item in &items {
        let (Some(name), Some(last)) = (cast(item), item.last()) else { continue };
        if names.get(&name.to_ascii_lowercase()) == Some(&1) {
            labels.push(Label { at: last.span.end, name: name.to_owned() });
        }
    }
}

fn without_distinct(lexemes: &[Lexeme]) -> &[Lexeme] {
    match lexemes {
        [all, rest @ ..] if all.is_keyword("all") => rest,
        [distinct, on, rest @ ..] if distinct.is_keyword("distinct") && on.is_keyword("on") => {
            let end = bracketed(rest).unwrap_or(0);
            &rest[end..]
        }
        [distinct, rest @ ..] if distinct.is_keyword("distinct") => rest,
        all => all,
    }
}

/// The items of a list, up to its end.
fn items(lexemes: &[Lexeme]) -> Vec<&[Lexeme]> {
    let (mut depth, mut start, mut items) = (0_usize, 0, Vec::new());
    let mut end = lexemes.len();
    for (index, lexeme) in lexemes.iter().enumerate() {
        match &lexeme.token {
            Token::Symbol(symbol) => match symbol.as_str() {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" if depth == 0 => {
                    end = index;
                    break;
                }
                ")" | "]" | "}" => depth -= 1,
                ";" => {
                    end = index;
                    break;
                }
                "," if depth == 0 => {
                    items.push(&lexemes[start..index]);
                    start = index + 1;
                }
                _ => {}
            },
            Token::Word { text, quoted: false } if depth == 0 => {
                let is_field = index > 0 && lexemes[index - 1].is_symbol(".");
                if !is_field && ENDS.iter().any(|end| text.eq_ignore_ascii_case(end)) {
                    end = index;
                    break;
                }
            }
            _ => {}
        }
    }
    items.push(&lexemes[start..end]);
    items
}

/// The column of `a.id::INT` or `CAST(a.id AS INT)`, if an item is that and nothing else.
fn cast(item: &[Lexeme]) -> Option<&str> {
    if let [word, rest @ ..] = item
        && (word.is_keyword("cast") || word.is_keyword("try_cast"))
        && bracketed(rest) == Some(rest.len())
    {
        let inner = &rest[1..rest.len() - 1];
        let (name, length) = column(inner)?;
        return inner.get(length).filter(|next| next.is_keyword("as")).map(|_| name);
    }
    let (name, mut at) = column(item)?;
    if at == item.len() {
        return None;
    }
    while at < item.len() {
        item.get(at).filter(|next| next.is_symbol("::"))?;
        at += 1 + type_length(&item[at + 1..])?;
    }
    Some(name)
}

/// The last part of a column's name at the start of some lexemes, and how many of them the name has.
fn column(lexemes: &[Lexeme]) -> Option<(&str, usize)> {
    let mut length = 0;
    let name = loop {
        let Token::Word { text, quoted } = &lexemes.get(length)?.token else { return None };
        if length == 0 && !quoted && VALUES.iter().any(|value| text.eq_ignore_ascii_case(value)) {
            return None;
        }
        length += 1;
        match lexemes.get(length) {
            Some(dot) if dot.is_symbol(".") => length += 1,
            _ => break text,
        }
    };
    Some((name, length))
}

/// How many lexemes a type has: `INT`, `DECIMAL(18, 2)[]`, `DOUBLE PRECISION`.
fn type_length(lexemes: &[Lexeme]) -> Option<usize> {
    let is = |word: &&str, at: usize| lexemes.get(at).is_some_and(|lexeme| lexeme.is_keyword(word));
    let long = LONG_TYPES.iter().find(|words| words.iter().enumerate().all(|(at, word)| is(word, at)));
    let mut length = match (long, &lexemes.first()?.token) {
        (Some(words), _) => words.len(),
        (None, Token::Word { .. }) => 1,
        (None, _) => return None,
    };
    while let Some(end) = bracketed(&lexemes[length..]) {
        length += end;
    }
    Some(length)
}

/// How many lexemes the brackets at the start have, with all that is in them.
fn bracketed(lexemes: &[Lexeme]) -> Option<usize> {
    let mut depth = 0_usize;
    for (index, lexeme) in lexemes.iter().enumerate() {
        match &lexeme.token {
            Token::Symbol(symbol) if matches!(symbol.as_str(), "(" | "[" | "{") => depth += 1,
            Token::Symbol(symbol) if matches!(symbol.as_str(), ")" | "]" | "}") => {
                depth = depth.checked_sub(1)?;
            }
            _ => {}
        }
        if depth == 0 {
            return (index > 0).then_some(index + 1);
        }
    }
    None
}

/// The word that an item ends in: its alias, or the column that it is.
fn last_word(item: &[Lexeme]) -> Option<&str> {
    match &item.last()?.token {
        Token::Word { text, .. } => Some(text),
        Token::Number(_) | Token::String(_) | Token::Symbol(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Output, analyse, splice};

    fn labelled(text: &str) -> String {
        splice(text, &analyse(text), &|_| None)
    }

    #[test]
    fn casts_of_columns_keep_their_names() {
        for (text, labels) in [
            ("SELECT id::INT, b FROM t", "SELECT id::INT AS \"id\", b FROM t"),
            (
                "SELECT DISTINCT t.id::DECIMAL(10, 2)[] FROM t",
                "SELECT DISTINCT t.id::DECIMAL(10, 2)[] AS \"id\" FROM t",
            ),
            (
                "FROM t SELECT CAST(\"Id\" AS INT), try_cast(b AS DATE)",
                "FROM t SELECT CAST(\"Id\" AS INT) AS \"Id\", try_cast(b AS DATE) AS \"b\"",
            ),
            (
                "SELECT a::TIMESTAMP WITH TIME ZONE::DATE, -- the day\n FROM t",
                "SELECT a::TIMESTAMP WITH TIME ZONE::DATE AS \"a\", -- the day\n FROM t",
            ),
            (
                "SELECT x FROM (SELECT x::INT FROM t) WHERE x IN (SELECT y::INT UNION SELECT z)",
                "SELECT x FROM (SELECT x::INT AS \"x\" FROM t) WHERE x IN (SELECT y::INT AS \"y\" UNION SELECT z)",
            ),
            ("SELECT DISTINCT ON (a::INT) a::INT FROM t", "SELECT DISTINCT ON (a::INT) a::INT AS \"a\" FROM t"),
        ] {
            assert_eq!(labelled(text), labels);
        }
    }

    #[test]
    fn everything_else_stays_as_it_is() {
        for text in [
            "SELECT id::INT AS n, id::INT n, id::INT + 1, (id::INT), max(id)::INT, NULL::TEXT, '1'::INT, 1::INT FROM t",
            "SELECT id::INT, id::TEXT FROM t",
            "SELECT id, id::TEXT FROM t",
            "SELECT a AS id, id::TEXT FROM t",
            "SELECT *, id::TEXT FROM t",
            "SELECT t.*, id::TEXT FROM t",
            "SELECT current_date::TEXT, x -> 'a'::TEXT, x[1]::INT, cast(a + 1 AS INT), sum(a) FILTER (b::BOOL) FROM t",
        ] {
            assert_eq!(labelled(text), text);
        }
    }

    #[test]
    fn the_name_is_proven_and_counts() {
        let query = analyse("SELECT t.id::INT, day FROM t");
        let names = ["id", "day"].map(|name| Output::Column(name.to_owned()));
        assert_eq!(query.outputs.as_deref(), Some(&names[..]));
        assert_eq!(analyse("SELECT *, id::INT FROM t").outputs, None);
        assert_eq!(query.canonical, analyse("select t.id :: int , day -- x\nfrom t").canonical);
        assert_ne!(analyse("SELECT id::INT FROM t").canonical, analyse("SELECT id::INT, id::INT FROM t").canonical);
    }
}
