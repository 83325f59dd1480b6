//! Reading an engine's error message: which place of the text sent does it complain about?

use super::diagnostic::Cause;

/// What the engine said, for people.
pub fn cause(message: &str) -> Cause {
    Cause::engine(headline(message))
}

/// The message without the part that repeats the query, and without the list of all functions of a name, which are
/// dozens for `sum`: DuckDB's hint stands in front of it.
pub fn headline(message: &str) -> String {
    let message = without_advice(message);
    let ends =
        ["\n\nLINE ", "\nLINE ", "\n\tCandidate functions:", "\n\tCandidate macros:", "\n\nCandidate functions:"];
    let end = ends.iter().filter_map(|end| message.find(end)).min().unwrap_or(message.len());
    message[..end].trim().replace('\n', " ")
}

/// The message with more to know about its first part.
pub fn with_note(message: &str, note: &str) -> String {
    let ends = ["\n\nPlease try installing", "\n\nLINE ", "\nLINE "];
    let end = ends.iter().filter_map(|end| message.find(end)).min().unwrap_or(message.len());
    format!("{} ({note}){}", message[..end].trim_end(), &message[end..])
}

/// The column, the value and the type of a CSV file's cell that is of another type.
pub fn bad_cell(message: &str) -> Option<(&str, &str, &str)> {
    let (_, rest) = message.split_once("Error when converting column \"")?;
    let (column, rest) = rest.split_once("\". Could not convert string \"")?;
    let (value, rest) = rest.split_once("\" to '")?;
    Some((column, value, rest.split('\'').next()?))
}

/// The message with its line number lessened by the lines that vmesh put in front of the user's text.
pub fn renumber(message: &str, lines: usize) -> String {
    let message = without_advice(message);
    let Some((before, rest)) = message.rsplit_once("LINE ") else { return message.to_owned() };
    let Some((number, after)) = rest.split_once(':') else { return message.to_owned() };
    match number.parse::<usize>() {
        Ok(number) if number > lines => format!("{before}LINE {}:{after}", number - lines),
        _ => message.to_owned(),
    }
}

/// The message without advice to install an extension: vmesh lets no query do that.
fn without_advice(message: &str) -> &str {
    message.split("\n\nPlease try installing").next().unwrap_or(message)
}

/// What to do where the engine's own advice can't be followed here.
pub fn advice(message: &str) -> Option<String> {
    let lower = message.to_lowercase();
    if lower.contains("max_locks_per_transaction") {
        let help = "each view that moves is locked, and the tables it showed and shall show: raise max_locks_per_transaction of the \
                    server (64, if nobody did) to 256, and start it anew";
        return Some(help.to_owned());
    }
    if lower.contains("other objects depend on it") {
        let help = "what depends on it, as told above, is somebody's own: drop it, run the same command again, and make it anew";
        return Some(help.to_owned());
    }
    let is_of_zones = lower.contains("timestamp with time zone")
        && ["unimplemented type for cast", "no function matches"].iter().any(|what| lower.contains(what));
    let is_absent = lower.contains("icu") || is_of_zones;
    (is_absent && !cfg!(feature = "icu")).then(|| {
        "this build has no time zones (ICU): for today's date in UTC write `now()::TIMESTAMP::DATE`; or have main's settings \
         load DuckDB's extension: extensions = [\"icu\"] in [engine]"
            .to_owned()
    })
}

/// The byte offset in the text sent that DuckDB's `LINE n: … ^` points at.
pub fn place(message: &str, sent: &str) -> Option<usize> {
    let at = message.rfind("LINE ")?;
    let mut lines = message[at..].lines();
    let (shown, caret) = (lines.next()?, lines.next()?);
    let (number, excerpt) = shown.strip_prefix("LINE ")?.split_once(": ")?;
    let number: usize = number.parse().ok()?;
    let column = caret.chars().position(|c| c == '^')?;
    let column = column.checked_sub("LINE : ".len() + number.to_string().len())?;
    let mut start = 0;
    let line = sent.split_inclusive('\n').nth(number.checked_sub(1)?)?;
    for before in sent.split_inclusive('\n').take(number - 1) {
        start += before.len();
    }
    // long lines are shown from their middle, with dots at both ends
    let (dots, visible) = match excerpt.strip_prefix("...") {
        Some(rest) => (3, rest),
        None => (0, excerpt),
    };
    let visible = visible.strip_suffix("...").unwrap_or(visible);
    let shift = line.find(visible)?;
    let column = column.checked_sub(dots)?;
    let inside: usize = visible.chars().take(column).map(char::len_utf8).sum();
    Some(start + shift + inside)
}

/// The same place in the text as written, when `sent` is `written` with names replaced inside of lines.
pub fn in_written(offset: usize, sent: &str, written: &str) -> std::ops::Range<usize> {
    let before = sent.get(..offset).unwrap_or(sent);
    let line = before.matches('\n').count();
    let column = before.len() - before.rfind('\n').map_or(0, |at| at + 1);
    let start: usize = written.split_inclusive('\n').take(line).map(str::len).sum();
    let written_line = written.split_inclusive('\n').nth(line).unwrap_or_default().trim_end();
    let sent_line = sent.split_inclusive('\n').nth(line).unwrap_or_default().trim_end();
    let word: String =
        sent_line.get(column..).unwrap_or_default().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    if written_line == sent_line {
        return start + column..start + column + word.len().max(1);
    }
    let found = written_line.match_indices(&word).filter(|_| !word.is_empty());
    match found.min_by_key(|(at, _)| at.abs_diff(column)) {
        Some((at, _)) => start + at..start + at + word.len(),
        None => {
            let indent = written_line.len() - written_line.trim_start().len();
            start + indent..start + written_line.len()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENT: &str = "SELECT id,\n  sum(amout) AS total\nFROM t";
    const MESSAGE: &str = "Binder Error: Referenced column \"amout\" not found in FROM clause!\nCandidate bindings: \
                           \"amount\"\n\nLINE 2:   sum(amout) AS total\n              ^";

    #[test]
    fn the_caret_is_found_in_the_text() {
        let at = place(MESSAGE, SENT).unwrap();
        assert_eq!(&SENT[at..at + 5], "amout");
        assert_eq!(
            headline(MESSAGE),
            "Binder Error: Referenced column \"amout\" not found in FROM clause! Candidate bindings: \"amount\""
        );
    }

    #[test]
    fn a_list_of_functions_is_cut_and_one_of_columns_is_kept() {
        let message = "Binder Error: No function matches the given name and argument types 'sum(VARCHAR)'. You might \
                       need to add explicit type casts.\n\tCandidate functions:\n\tsum(DECIMAL) -> DECIMAL\n\t\
                       sum(BOOLEAN) -> HUGEINT\n\n\nLINE 1: SELECT sum(name)\n               ^";
        assert_eq!(
            headline(message),
            "Binder Error: No function matches the given name and argument types 'sum(VARCHAR)'. You might need to add \
             explicit type casts."
        );
        assert!(headline(MESSAGE).ends_with("Candidate bindings: \"amount\""));
    }

    #[cfg(not(feature = "icu"))]
    #[test]
    fn the_absence_of_time_zones_is_told() {
        for message in [
            "Catalog Error: Scalar Function with name \"today\" is not in the catalog, but it exists in the icu extension.",
            "Conversion Error: Unimplemented type for cast (TIMESTAMP WITH TIME ZONE -> DATE)",
            "Binder Error: No function matches the given name and argument types '-(TIMESTAMP WITH TIME ZONE, INTERVAL)'.",
        ] {
            assert!(advice(message).is_some(), "{message}");
        }
        assert_eq!(advice("Binder Error: No function matches the given name and argument types 'f(DATE)'."), None);
    }

    #[test]
    fn places_survive_names_that_were_spliced_in() {
        let written = "SELECT nope FROM orders AS o";
        let sent = "SELECT nope FROM \"vmesh_snapshots\".\"orders__0123\" AS o";
        let range = in_written(sent.find("nope").unwrap(), sent, written);
        assert_eq!(&written[range], "nope");
        let far = in_written(sent.len() - 1, sent, written);
        assert_eq!(&written[far], "o");
    }
}
