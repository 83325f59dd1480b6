//! Where a model's file was edited.

use serde::{Deserialize, Serialize};

/// The first place where a model's file says something else than in base.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edited {
    /// The file.
    pub path: String,
    /// The line in the new text, from 1.
    pub line: usize,
}

/// The first line of a text that another says otherwise, from 1: comments and empty lines say nothing. None if the texts
/// say the same.
pub fn first_edit(before: &str, after: &str) -> Option<usize> {
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
    }
}
