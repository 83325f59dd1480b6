//! Patterns for paths and branches, from whoever wrote them: what can't be matched is an error and no panic.

use std::path::Path;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use serde::Serialize;

use super::limits::{PATTERN, PATTERN_NESTING};

/// Patterns, of which one has to match.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Patterns {
    written: Vec<String>,
    by_folder: bool,
    #[serde(skip)]
    set: GlobSet,
}

impl Patterns {
    /// Whether one matches a name or a path.
    pub fn is_match(&self, text: impl AsRef<Path>) -> bool {
        self.set.is_match(text)
    }
}

/// Whether a text is more than a name or a path.
pub fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '[', '{'])
}

/// A pattern in which `*` and `?` pass over slashes: of branches and names.
pub fn compile(pattern: &str) -> Result<Patterns, String> {
    all([pattern], false)
}

/// Patterns of which one has to match, as paths: `*` stays in its folder.
pub fn paths<'p>(patterns: impl IntoIterator<Item = &'p str>) -> Result<Patterns, String> {
    all(patterns, true)
}

fn all<'p>(patterns: impl IntoIterator<Item = &'p str>, by_folder: bool) -> Result<Patterns, String> {
    let (mut set, mut written) = (GlobSetBuilder::new(), Vec::new());
    for pattern in patterns {
        check(pattern)?;
        written.push(pattern.to_owned());
        let glob = GlobBuilder::new(pattern).literal_separator(by_folder).build();
        set.add(glob.map_err(|error| error.kind().to_string())?);
    }
    // a glob that is compiled alone panics where its regular expression gets too large; a set says so
    let set = set.build().map_err(|error| error.kind().to_string())?;
    Ok(Patterns { written, by_folder, set })
}

/// Refuses what would take the compiler of regular expressions beyond its depth.
fn check(pattern: &str) -> Result<(), String> {
    if pattern.chars().count() > PATTERN {
        return Err(format!("a pattern has at most {PATTERN} characters"));
    }
    let mut open = 0_usize;
    for c in pattern.chars() {
        match c {
            '{' => open += 1,
            '}' => open = open.saturating_sub(1),
            _ => {}
        }
        if open > PATTERN_NESTING {
            return Err(format!("at most {PATTERN_NESTING} braces of a pattern stand in each other"));
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_or_say_why_they_cant() {
        assert!(compile("release/*").unwrap().is_match("release/1/2"));
        assert!(!paths(["data/*.csv"]).unwrap().is_match("data/a/b.csv"));
        let deep = "{".repeat(250) + "a" + &"}".repeat(250);
        let wide = "{a*,b*}".repeat(140);
        for hostile in [&deep, &wide, &"*".repeat(100_000), &"{".repeat(100_000)] {
            let _ = compile(hostile).map(|found| found.is_match("a"));
        }
        assert_eq!(compile(&deep).unwrap_err(), "at most 10 braces of a pattern stand in each other");
        assert!(compile("[a").is_err());
    }
}
