//! What Spark says, as vmesh passes it on: with the line that it points at.

#![cfg_attr(not(feature = "spark"), allow(dead_code, reason = "nobody speaks to a server then"))]

use crate::adapter::engine::{BuildError, WarehouseError};
use crate::domain::diagnostic::Cause;

/// What vmesh can't do on Spark so far.
pub(super) fn not_yet(what: &str) -> WarehouseError {
    let help = "docs/spark.md says what can";
    BuildError::Unfit { what: format!("{what} can't be used on Spark yet"), help }.into()
}

/// Words of the server's, or of its client's.
pub(super) fn said(words: &str) -> String {
    format!("{}{words}", Cause::SPARK)
}

/// An error of a statement that was sent: the class and the words, without the plan, and the line that they point at.
pub(super) fn message(words: &str, sent: &str) -> String {
    let first = words.split("\n== SQL").next().unwrap_or(words);
    let first = first.split(" SQLSTATE:").next().unwrap_or(first);
    let told = first.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
    let place = place(words).and_then(|(line, column)| excerpt(sent, line, column)).unwrap_or_default();
    said(&format!("{}{place}", told.trim_end_matches(';')))
}

/// The line, from 1, and the characters before the place in it: `line 2 pos 7`, `(line 2, pos 7)`.
fn place(words: &str) -> Option<(usize, usize)> {
    let numbers = |rest: &str| {
        let (line, rest) = rest.split_once([' ', ','])?;
        let column: String = rest.trim_start().strip_prefix("pos ")?.chars().take_while(char::is_ascii_digit).collect();
        Some((line.parse().ok()?, column.parse().ok()?))
    };
    words.match_indices("line ").find_map(|(at, _)| numbers(&words[at + "line ".len()..]))
}

fn excerpt(sent: &str, line: usize, column: usize) -> Option<String> {
    let text = sent.split('\n').nth(line.checked_sub(1)?)?;
    let indent = " ".repeat("LINE : ".len() + line.to_string().len() + column);
    Some(format!("\n\nLINE {line}: {text}\n{indent}^"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_points_at_a_line_of_what_was_sent() {
        let sent = "CREATE TABLE t AS\nSELECT\n  amout\nFROM o";
        let words = "[UNRESOLVED_COLUMN] A column `amout`\ncannot be resolved. SQLSTATE: 42703; line 3 pos 2;\n'Project ['amout]";
        let told = message(words, sent);
        assert_eq!(
            told,
            "Spark: [UNRESOLVED_COLUMN] A column `amout` cannot be resolved.\n\nLINE 3:   amout\n          ^"
        );
        assert_eq!(crate::domain::engine_message::place(&told, sent), sent.find("amout"));
        let parse = "\n[PARSE_SYNTAX_ERROR] Syntax error at or near 'FORM'. SQLSTATE: 42601 (line 1, pos 9)\n\n== SQL ==\nSELECT 1 FORM";
        assert!(message(parse, "SELECT 1 FORM").ends_with("LINE 1: SELECT 1 FORM\n                 ^"));
        assert_eq!(message("no place", "SELECT"), "Spark: no place");
    }
}
