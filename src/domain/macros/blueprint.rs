//! Blueprints: `((customer := c1, region := 'eu'), (customer := c2, …))` makes a model of each tuple.

use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::super::diagnostic::Problem;
use super::super::sql::Token;
use super::scan::{Source, problem};
use super::{Value, Variables, lexed};

/// The most models that one file may make.
const MOST: usize = 5_000;

/// The values of one model: each variable's name and its value as SQL.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Blueprint(pub Vec<(String, String)>);

impl Blueprint {
    /// As variables.
    pub fn variables(&self) -> Variables {
        self.0.iter().map(|(name, sql)| (name, value(sql))).collect()
    }
}

impl fmt::Display for Blueprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values: Vec<String> = self.0.iter().map(|(name, sql)| format!("{name} := {sql}")).collect();
        write!(f, "({})", values.join(", "))
    }
}

/// What a value in a tuple is: a literal, or else SQL as it is.
fn value(sql: &str) -> Value {
    if let Some(content) = super::text::string(sql) {
        return Value::Text(content);
    }
    match (sql.to_lowercase().as_str(), sql.parse()) {
        ("null", _) => Value::Null,
        ("true", _) => Value::Bool(true),
        ("false", _) => Value::Bool(false),
        (_, Ok(number)) => Value::Int(number),
        _ => Value::Sql(sql.to_owned()),
    }
}

/// Reads the value of `blueprints`, macros expanded.
pub(super) fn read(text: &str) -> Result<Vec<Blueprint>, Problem> {
    let lexemes = lexed(text)?;
    let source = Source { text, lexemes: &lexemes };
    let all = 0..lexemes.len();
    let inside = |range: &Range<usize>| {
        let opens = source.is(range.start, "(") || source.is(range.start, "[");
        let close = if opens { source.closing(range.start, range.end) } else { None };
        close.filter(|close| close + 1 == range.end).map(|close| range.start + 1..close)
    };
    // one tuple alone needs no list around it, and a macro gives the tuples without one
    let list = inside(&all).filter(|list| source.commas(list).first().is_none_or(|first| inside(first).is_some()));
    let tuples = source.commas(&list.unwrap_or(all.clone()));
    if tuples.is_empty() {
        return Err(wrong("there is no blueprint here", source, &all));
    }
    if tuples.len() > MOST {
        return Err(wrong(format!("these are more than {MOST} blueprints"), source, &all));
    }
    let tuple = |range: &Range<usize>| {
        let inside = inside(range).ok_or_else(|| wrong("this is no blueprint", source, range))?;
        let mut values: Vec<(String, String)> = Vec::new();
        for part in source.commas(&inside) {
            let name = source.lexemes.get(part.start).map(|lexeme| &lexeme.token);
            let (Some(Token::Word { text, .. }), true, true) = (name, source.is(part.start + 1, ":="), part.len() > 2)
            else {
                return Err(wrong("expected a variable and its value", source, &part));
            };
            let name = text.to_lowercase();
            if values.iter().any(|(other, _)| *other == name) {
                return Err(wrong(format!("`{text}` is given twice"), source, &part));
            }
            values.push((name, source.of(&(part.start + 2..part.end)).to_owned()));
        }
        if values.is_empty() { Err(wrong("this blueprint is empty", source, range)) } else { Ok(Blueprint(values)) }
    };
    tuples.iter().map(tuple).collect()
}

fn wrong(what: impl Into<String>, source: Source<'_>, range: &Range<usize>) -> Problem {
    Problem {
        help: Some(
            "blueprints are written ((customer := c1, region := 'eu'), (customer := c2, region := 'us'))".into(),
        ),
        ..problem(what, source.span(range))
    }
}
