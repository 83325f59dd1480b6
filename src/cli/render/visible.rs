//! The last stop of all text: what a terminal would obey rather than show, or not show at all, is printed as its number,
//! `\u{202e}`. Names, values and messages come from branches and warehouses, which may be anyone's.

use std::borrow::Cow;
use std::fmt::Write;

/// Text for people. The styles that vmesh writes itself stay.
pub(in crate::cli) fn visible(text: &str) -> Cow<'_, str> {
    escaped(text, true)
}

/// Text from elsewhere, before it is laid out or painted: no styles in it are vmesh's.
pub(in crate::cli) fn plain(text: &str) -> Cow<'_, str> {
    escaped(text, false)
}

fn escaped(text: &str, keeps_styles: bool) -> Cow<'_, str> {
    if text.bytes().all(|byte| byte == b'\n' || (b' '..0x7f).contains(&byte)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let style = if keeps_styles && c == '\x1b' { style(rest) } else { 0 };
        let ends_line = rest.starts_with("\r\n");
        let length = if style > 0 { style } else { c.len_utf8() };
        let (piece, after) = rest.split_at(length);
        if style == 0 && is_hidden(c) && !ends_line {
            // writing to a string can't fail
            let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
        } else {
            out.push_str(piece);
        }
        rest = after;
    }
    Cow::Owned(out)
}

/// JSON of the same meaning in which nothing is hidden: what is, stands in strings only, where JSON has a spelling for it.
pub(in crate::cli) fn json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hidden(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// Whether a character steers the terminal, turns the direction of writing around, or takes no place.
fn is_hidden(c: char) -> bool {
    let is_mark = matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'
            | '\u{1160}'
            | '\u{17b4}'
            | '\u{17b5}'
            | '\u{3164}'
            | '\u{ffa0}'
            | '\u{feff}'
    );
    let is_format = matches!(c, '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}');
    let is_other = matches!(c, '\u{fff9}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}');
    (c.is_control() && c != '\n' && c != '\t') || is_mark || is_format || is_other
}

/// The length of the style that a text begins with: colours, bold and dimmed, and back. None hides or moves anything.
fn style(text: &str) -> usize {
    let Some(codes) = text.strip_prefix("\x1b[").and_then(|rest| rest.split_once('m')).map(|(codes, _)| codes) else {
        return 0;
    };
    let is_ours = |code: &str| matches!(code.parse(), Ok(0..=4 | 22 | 24 | 30..=37 | 39 | 90..=97_u8));
    let is_wide = |codes: &str| codes.strip_prefix("38;5;").is_some_and(|number| number.parse::<u8>().is_ok());
    if codes.len() < 20 && (codes.is_empty() || is_wide(codes) || codes.split(';').all(is_ours)) {
        "\x1b[m".len() + codes.len()
    } else {
        0
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::super::{BOLD, paint};
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_shown() {
        let cases = [
            ("plain\ttext\n", "plain\ttext\n"),
            ("a\u{9b}31mb", "a\\u{9b}31mb"),
            ("evil\u{202e}lqs", "evil\\u{202e}lqs"),
            ("\u{1b}]0;title\u{7}", "\\u{1b}]0;title\\u{7}"),
            ("\u{1b}[2J\u{1b}[8mhidden", "\\u{1b}[2J\\u{1b}[8mhidden"),
            ("a\u{200b}b\u{2066}c\u{feff}\u{e0041}", "a\\u{200b}b\\u{2066}c\\u{feff}\\u{e0041}"),
            ("over\rwritten\r\nline", "over\\u{d}written\r\nline"),
            ("né🦆中文", "né🦆中文"),
        ];
        for (text, shown) in cases {
            assert_eq!(visible(text), shown);
        }
    }

    #[test]
    fn only_own_styles_stay() {
        let painted = paint(BOLD, "a\u{1b}[31mb");
        assert_eq!(visible(&painted), format!("{BOLD}a\\u{{1b}}[31mb{BOLD:#}"));
        assert_eq!(plain("\u{1b}[31mred"), "\\u{1b}[31mred");
    }

    #[test]
    fn json_keeps_its_meaning() {
        let value = serde_json::json!({"a\u{202e}": "x\u{9b}\u{7f}\u{e0041}\u{1b}é", "b": [1]});
        let text = json(&serde_json::to_string_pretty(&value).unwrap());
        assert!(!text.contains(is_hidden), "{text}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }
}
