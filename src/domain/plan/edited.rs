//! Where a model's file was edited.

use serde::{Deserialize, Serialize};

use crate::domain::sql;

/// The first place where a model's file says something else than in base.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edited {
    /// The file.
    pub path: String,
    /// The line in the new text, from 1.
    pub line: usize,
}

/// The first line of a text that another says otherwise, from 1: comments and layout say nothing. None if the texts say
/// the same.
pub fn first_edit(before: &str, after: &str) -> Option<usize> {
    let (Ok(old), Ok(new)) = (sql::lex(before), sql::lex(after)) else { return first_line(before, after) };
    let same = old.iter().zip(&new).take_while(|(old, new)| old.token == new.token).count();
    let at = match (old.get(same), new.get(same)) {
        (None, None) => return None,
        (_, Some(edited)) => edited.span.start,
        // what stood behind the last word is gone
        (Some(_), None) => new.last().map_or(0, |last| last.span.start),
    };
    Some(after.get(..at)?.matches('\n').count() + 1)
}

/// The same of texts that are no SQL, as those with Jinja: by whole lines.
fn first_line(before: &str, after: &str) -> Option<usize> {
    let mut old = says(before);
    let mut new = says(after);
    let mut last = 1;
    loop {
        match (old.next(), new.next()) {
            (None, None) => return None,
            (_, None) => return Some(last),
            (None, Some((line, _))) => return Some(line),
            (Some((_, before)), Some((line, after))) if before != after => return Some(line),
            (Some(_), Some((line, _))) => last = line,
        }
    }
}

/// The lines that say something, each with its number.
fn says(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate().map(|(at, line)| (at + 1, line.trim()));
    lines.filter(|(_, line)| !line.is_empty() && !line.starts_with("--"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_empty_lines_are_no_edits() {
        let before = "SELECT\n  a,\n  b\nFROM t";
        assert_eq!(first_edit(before, before), None);
        assert_eq!(first_edit(before, "-- why\n\nSELECT\n  a,\n  -- or c\n  b\nFROM t\n"), None);
        assert_eq!(first_edit(before, "-- why\nSELECT\n  a,\n  c\nFROM t"), Some(4));
        assert_eq!(first_edit(before, "SELECT\n  a,\n  b"), Some(3));
        assert_eq!(first_edit(before, "SELECT\n  a,\n  b\nFROM t\nLIMIT 1"), Some(5));
        assert_eq!(first_edit("", "SELECT 1"), Some(1));
        assert_eq!(first_edit(before, "SELECT\n  a, -- the first\n  b AS c\nFROM t"), Some(3));
        assert_eq!(first_edit(before, "SELECT a,\n  b FROM t"), None);
        let jinja = "{% set x = 'it' %}\nSELECT {{ x }}";
        assert_eq!(first_edit(jinja, "{% set x = 'it' %}\nSELECT {{ x }} AS x"), Some(2));
    }
}
