//! What a model's views are commented with: its description, those of its columns, and what ON_VIRTUAL_UPDATE says.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::super::diagnostic::Problem;
use super::super::name::{literal, quote};
use super::super::sql::{Lexeme, Token};
use super::statement;

/// The comments of a view and its columns, and who may read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Comments {
    /// The view's.
    pub view: Option<String>,
    /// Those of columns, by name. Columns that aren't there have none.
    pub columns: BTreeMap<String, String>,
    /// Columns that must be there.
    pub required: BTreeSet<String>,
    /// The roles that may read prod's view, and no others; none where nobody says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub readers: Option<BTreeSet<String>>,
}

impl Comments {
    /// What they are found by; none if there are none.
    pub fn hash(&self) -> Option<String> {
        if *self == Self::default() {
            return None;
        }
        let content = serde_json::to_vec(self).unwrap_or_default();
        Some(blake3::hash(&content).to_hex()[..32].to_owned())
    }

    /// The statements that put them on a view which was just made and has the columns for which `has` holds.
    pub fn statements(&self, view: &str, has: &dyn Fn(&str) -> bool) -> String {
        let mut out = String::new();
        if let Some(text) = &self.view {
            out.push_str(&format!("COMMENT ON VIEW {view} IS {};\n", literal(text)));
        }
        for (column, text) in &self.columns {
            if has(column) || self.required.contains(column) {
                out.push_str(&format!("COMMENT ON COLUMN {view}.{} IS {};\n", quote(column), literal(text)));
            }
        }
        out
    }

    /// Adds a statement of ON_VIRTUAL_UPDATE; gives a warning if it has no effect.
    pub(super) fn update(&mut self, lexemes: &[Lexeme]) -> Result<Option<String>, Problem> {
        let (first, place) = (lexemes.first(), super::place(lexemes));
        if first.is_some_and(|first| first.is_keyword("grant") || first.is_keyword("revoke")) {
            return Ok(Some("vmesh grants nothing: GRANT and REVOKE have no effect".to_owned()));
        }
        let problem = || {
            Problem::new("ON_VIRTUAL_UPDATE can comment on the model's view, and nothing else", place.clone())
                .help("COMMENT ON VIEW @this_model IS '…'; COMMENT ON COLUMN @this_model.name IS '…'")
        };
        match statement::comment_on_view(lexemes).ok_or_else(problem)? {
            (None, text) => self.view = text,
            (Some(column), Some(text)) => {
                self.required.insert(column.clone());
                self.columns.insert(column, text);
            }
            (Some(column), None) => {
                self.columns.retain(|name, _| !name.eq_ignore_ascii_case(&column));
                self.required.retain(|name| !name.eq_ignore_ascii_case(&column));
            }
        }
        Ok(None)
    }
}

/// The text of the comments in front of a header: the description of a model that has no other.
pub(super) fn in_front(text: &str) -> Option<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (comment, behind) = if let Some(line) = rest.strip_prefix("--") {
            line.split_once('\n').unwrap_or((line, ""))
        } else if let Some(block) = rest.strip_prefix("/*") {
            block.split_once("*/")?
        } else {
            return None;
        };
        lines.extend(comment.lines().map(|line| line.trim().trim_start_matches('*').trim().to_owned()));
        rest = behind.trim_start();
    }
    let text = lines.join("\n").trim().to_owned();
    (!text.is_empty()).then_some(text)
}

/// The comments behind the columns of a query's outermost SELECT, by the columns' names: behind the column or its comma,
/// on the same line. The query's lexemes are those of `text`. Queries with set operations have none.
pub(super) fn behind_columns(text: &str, lexemes: &[Lexeme]) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let outer = at_depth_zero(lexemes);
    let is = |at: usize, words: &[&str]| {
        lexemes.get(at).is_some_and(|lexeme| words.iter().any(|word| lexeme.is_keyword(word)))
    };
    if outer.iter().any(|at| is(*at, &["union", "except", "intersect"])) {
        return found;
    }
    let Some(start) = outer.iter().rposition(|at| is(*at, &["select"])) else { return found };
    let (mut last, mut cast): (Option<usize>, Option<usize>) = (None, None);
    for at in outer.iter().skip(start + 1).copied().chain([lexemes.len()]) {
        let comma = lexemes.get(at).is_some_and(|lexeme| lexeme.is_symbol(","));
        let ends = at == lexemes.len() || is(at, &ENDS);
        let is_cast = |last: usize| match lexemes.get(last).map(|lexeme| &lexeme.token) {
            Some(Token::Word { .. }) => last.checked_sub(1) == cast,
            _ => true,
        };
        // `id::INT` is called `id`
        let named = match (last, cast) {
            (Some(last), Some(cast)) if is_cast(last) => cast.checked_sub(1),
            (last, _) => last,
        };
        let name = named.and_then(|at| match &lexemes.get(at)?.token {
            Token::Word { text, .. } => Some(text),
            _ => None,
        });
        if let (true, Some(name), Some(Lexeme { span, .. })) =
            (comma || ends, name, last.and_then(|at| lexemes.get(at)))
        {
            let next = |at: usize| lexemes.get(at).map_or(text.len(), |lexeme| lexeme.span.start);
            let before = text.get(span.end..next(at)).unwrap_or_default();
            let behind = lexemes.get(at).filter(|_| comma).and_then(|it| text.get(it.span.end..next(at + 1)));
            let comment = first_comment(before).or_else(|| first_comment(behind.unwrap_or_default()));
            found.extend(comment.map(|comment| (name.clone(), comment)));
        }
        if ends {
            break;
        }
        last = Some(at);
        cast = match () {
            () if comma => None,
            () if lexemes.get(at).is_some_and(|lexeme| lexeme.is_symbol("::")) => cast.or(Some(at)),
            () => cast,
        };
    }
    found
}

/// What may follow the columns of a SELECT.
const ENDS: [&str; 10] = ["from", "where", "group", "having", "qualify", "window", "order", "limit", "offset", "using"];

/// The lexemes outside of all brackets; of a bracket, the one that closes it.
fn at_depth_zero(lexemes: &[Lexeme]) -> Vec<usize> {
    let mut depth = 0_i32;
    let outside = lexemes.iter().enumerate().filter(|(_, lexeme)| {
        if let Token::Symbol(symbol) = &lexeme.token {
            depth += i32::from(["(", "[", "{"].contains(&symbol.as_str()));
            depth -= i32::from([")", "]", "}"].contains(&symbol.as_str()));
        }
        depth == 0
    });
    outside.map(|(at, _)| at).collect()
}

/// The comment that the first line of a gap between lexemes begins with.
fn first_comment(gap: &str) -> Option<String> {
    let line = gap.lines().next()?.trim();
    let text = match line.strip_prefix("--") {
        Some(text) => text,
        None => line.strip_prefix("/*")?.split_once("*/")?.0,
    };
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::domain::sql::lex;

    #[test]
    fn comments_stand_behind_their_columns() {
        let text = "WITH a AS (SELECT 1 AS x -- inner\n) SELECT\n  x, -- the key\n  sum(y) OVER (ORDER BY x) AS total /* in \
                    EUR */,\n  z -- before the comma\n  , t.Day -- last\nFROM a -- table\n";
        let of = |text: &str| behind_columns(text, &lex(text).unwrap());
        let expected = [("x", "the key"), ("total", "in EUR"), ("z", "before the comma"), ("Day", "last")];
        let expected = expected.map(|(name, text)| (name.to_owned(), text.to_owned()));
        assert_eq!(of(text), BTreeMap::from(expected));
        assert_eq!(of("SELECT 1 AS x -- a\nUNION SELECT 2"), BTreeMap::new());
        assert_eq!(of("FROM a SELECT x -- a"), BTreeMap::from([("x".to_owned(), "a".to_owned())]));
        assert_eq!(of("SELECT x,\n -- own line\n y FROM a"), BTreeMap::new());
    }

    #[test]
    fn a_description_may_stand_in_front() {
        assert_eq!(
            in_front("-- Orders,\n--  by day\n/* all\n * of them */\n").as_deref(),
            Some("Orders,\nby day\nall\nof them")
        );
        assert_eq!(in_front(" \n"), None);
    }
}
