//! Values in, strings out: plans, diffs, tables and times as text. Styles are ANSI; whoever prints to something other
//! than a terminal strips them.

pub(super) mod dag;
pub(super) mod diagnostic;
pub(super) mod diff;
pub(super) mod event;
pub(super) mod json;
pub(super) mod markdown;
pub(super) mod page;
pub(super) mod plan;
mod plan_tree;
pub(super) mod progress;
pub(super) mod reconciled;
pub(super) mod rows_diff;
pub(super) mod table;
pub(super) mod trace;
pub(super) mod visible;
pub(super) mod wrap;

use anstyle::{AnsiColor, Style};

use crate::domain::plan::ColumnChanges;

/// Names and headings.
pub(super) const BOLD: Style = Style::new().bold();
/// What matters less.
pub(super) const DIM: Style = Style::new().dimmed();
/// New or good.
pub(super) const GREEN: Style = AnsiColor::Green.on_default();
/// Changed.
pub(super) const YELLOW: Style = AnsiColor::Yellow.on_default();
/// Gone or bad.
pub(super) const RED: Style = AnsiColor::Red.on_default();
/// Reached by a change.
pub(super) const CYAN: Style = AnsiColor::Cyan.on_default();

/// Text in a style.
pub(super) fn paint(style: Style, text: impl std::fmt::Display) -> String {
    let text = text.to_string();
    format!("{style}{}{style:#}", visible::plain(&text))
}

/// Text with spaces behind it. (`format!` panics at widths of 65536, which a value may well have.)
pub(super) fn padded(text: &str, width: usize) -> String {
    let lacking = width.saturating_sub(text.chars().count());
    format!("{text}{}", " ".repeat(lacking))
}

/// Columns that came, went or changed, each with its sign.
pub(super) fn signed(columns: &ColumnChanges) -> Vec<String> {
    let lists = [("+", &columns.added, GREEN), ("-", &columns.removed, RED), ("~", &columns.changed, YELLOW)];
    let painted = |(sign, names, style): (&str, &Vec<String>, Style)| {
        names.iter().map(|name| paint(style, format!("{sign}{name}"))).collect::<Vec<_>>()
    };
    lists.into_iter().flat_map(painted).collect()
}

/// `1 model`, `2 models`.
pub(super) fn count(count: usize, noun: &str) -> String {
    let plural = match noun.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{stem}ies"),
        _ => format!("{noun}s"),
    };
    if count == 1 { format!("1 {noun}") } else { format!("{count} {plural}") }
}

/// How long ago, roughly: `just now`, `5 minutes ago`, `3 days ago`.
pub(super) fn ago(at: i64, now: i64) -> String {
    let seconds = usize::try_from(now - at).unwrap_or(0);
    match seconds {
        0..60 => "just now".to_owned(),
        60..3_600 => format!("{} ago", count(seconds / 60, "minute")),
        3_600..86_400 => format!("{} ago", count(seconds / 3_600, "hour")),
        _ => format!("{} ago", count(seconds / 86_400, "day")),
    }
}

/// Bytes for people: `1.2 MB`.
pub(super) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64;
    let mut unit = UNITS[0];
    for next in UNITS {
        value /= 1000.0;
        unit = next;
        if value < 999.5 {
            break;
        }
    }
    format!("{value:.1} {unit}")
}

/// A few names, and how many more there are.
pub(super) fn some(names: &[impl std::fmt::Display], most: usize) -> String {
    let mut shown: Vec<String> = names.iter().take(most).map(ToString::to_string).collect();
    if names.len() > most {
        shown.push(format!("{} more", names.len() - most));
    }
    shown.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_people_say_them() {
        assert_eq!((count(1, "model"), count(2, "query")), ("1 model".to_owned(), "2 queries".to_owned()));
        assert_eq!((count(2, "key"), count(3, "day")), ("2 keys".to_owned(), "3 days".to_owned()));
        assert_eq!((ago(0, 30), ago(0, 61)), ("just now".to_owned(), "1 minute ago".to_owned()));
        assert_eq!(
            (bytes(999), bytes(262_144), bytes(5_000_000_000)),
            ("999 B".into(), "262.1 kB".into(), "5.0 GB".into())
        );
        assert_eq!(some(&["a", "b", "c"], 2), "a, b, 1 more");
        assert_eq!((padded("é", 3), padded("", 70_000).len()), ("é  ".to_owned(), 70_000));
    }
}
