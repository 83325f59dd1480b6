//! Text as wide as the terminal: lines are broken between words, never within one.

use anstream::adapter::strip_str;

/// A text whose lines are at most as wide as the terminal, where their words allow it; what goes on stands two columns
/// further in than the line. Without a terminal, the text as it is.
pub(in crate::cli) fn wrap(text: &str, width: Option<usize>) -> String {
    let Some(width) = width else { return text.to_owned() };
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let (body, end) = line.strip_suffix('\n').map_or((line, ""), |body| (body, "\n"));
        if width_of(body) <= width {
            out.push_str(line);
            continue;
        }
        let inner = body.trim_start_matches(' ');
        let indent = body.len() - inner.len();
        for (at, part) in lines(inner, width.saturating_sub(indent + 2)).iter().enumerate() {
            let gap = if at == 0 { indent } else { indent + 2 };
            let before = if at == 0 { "" } else { "\n" };
            out.push_str(&format!("{before}{}{part}", " ".repeat(gap)));
        }
        out.push_str(end);
    }
    out
}

/// A drawn problem as wide as the terminal: its title and notes are broken between words, and source lines stay.
pub(in crate::cli) fn problem(drawn: &str, width: Option<usize>) -> String {
    let Some(width) = width else { return drawn.to_owned() };
    let of_line = |line: &str| {
        let plain = strip_str(line).to_string();
        let inner = plain.trim_start();
        let is_note = inner.starts_with("= ");
        let is_title = ["error", "warning", "note"].iter().any(|word| plain.starts_with(word));
        if width_of(line) <= width || !(is_note || is_title) {
            return line.to_owned();
        }
        let hanging = if is_note { plain.find(": ").map_or(4, |at| at + 2).min(width / 2) } else { 2 };
        let indent = plain.len() - inner.len();
        let text = line.trim_start_matches(' ');
        let (first, room) = (width.saturating_sub(indent), width.saturating_sub(hanging));
        let gap = format!("\n{}", " ".repeat(hanging));
        format!("{}{}", " ".repeat(line.len() - text.len()), broken(text, first, room).join(&gap))
    };
    drawn.split('\n').map(of_line).collect::<Vec<_>>().join("\n")
}

/// A text in lines of at most `room` columns, where its words allow it.
pub(in crate::cli) fn lines(text: &str, room: usize) -> Vec<String> {
    broken(text, room, room)
}

/// The same, with another room in the first line.
fn broken(text: &str, first: usize, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in words(text) {
        let room = if lines.len() == 1 { first } else { room };
        match lines.last_mut() {
            Some(last) if last.is_empty() => last.push_str(word),
            Some(last) if width_of(last) + 1 + width_of(word) <= room => {
                last.push(' ');
                last.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// The words of a text, between which lines are broken: a number stays with what it counts.
fn words(text: &str) -> Vec<&str> {
    let is_number = |word: &str| word.chars().all(|c| c.is_ascii_digit()) && !word.is_empty();
    let (mut words, mut begin, mut at) = (Vec::new(), 0, 0);
    for word in text.split(' ') {
        at += word.len() + 1;
        if !is_number(word) || at > text.len() {
            words.push(&text[begin..at - 1]);
            begin = at;
        }
    }
    words
}

/// A text of at most `room` columns: what is too long ends with a mark that says so.
pub(in crate::cli) fn shortened(text: &str, room: usize) -> String {
    match width_of(text) > room {
        true => text.chars().take(room.saturating_sub(1)).chain(['…']).collect(),
        false => text.to_owned(),
    }
}

/// The columns that a text takes; styles take none.
pub(in crate::cli) fn width_of(text: &str) -> usize {
    strip_str(text).to_string().chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_whole() {
        assert_eq!(wrap("  a bb ccc\nd", Some(6)), "  a\n    bb\n    ccc\nd");
        assert_eq!(wrap("  a bb ccc\n", Some(80)), "  a bb ccc\n");
        assert_eq!(wrap("averylongword b", Some(4)), "averylongword\n  b");
        assert_eq!(wrap("a b", None), "a b");
        assert_eq!(wrap("about 7 s and 2", Some(8)), "about\n  7 s\n  and 2");
        assert_eq!(wrap("\u{1b}[1ma b\u{1b}[0m c", Some(5)), "\u{1b}[1ma b\u{1b}[0m c");
        let drawn = "error: a b c d e\n |\n = help: one two\n 1 | SELECT a, b, c, d";
        let told = "error: a b c\n  d e\n |\n = help: one\n      two\n 1 | SELECT a, b, c, d";
        assert_eq!(problem(drawn, Some(12)), told);
        assert_eq!((shortened("abcdef", 4), shortened("abc", 4)), ("abc…".to_owned(), "abc".to_owned()));
    }
}
