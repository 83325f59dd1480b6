//! A model's SQL laid out anew: sqlformat's work, with stand-ins for what it doesn't know, and proof that nothing but
//! the layout changed.
//!
//! The header stays as it is written. What is laid out must come out with the same words in the same order, the same
//! comments between the same words, and must stay as it is when it is laid out again; otherwise the file is kept.

mod stand_in;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;

use std::panic;

use sqlformat::{Dialect, FormatOptions, Indent, QueryParams};

use self::stand_in::Unit;
use super::sql::{Lexeme, Token, lex, split};

/// Why a file is kept as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// A string, a quoted name or a comment never ends.
    Unread,
    /// It has Jinja in it, where layout may be text.
    Jinja,
    /// Words or comments would not come out as they are.
    Changed,
    /// It would look different every time.
    Restless,
}

/// Up to this many characters, a clause or what stands in brackets stays in one line.
const SHORT: usize = 80;

/// So often a layout may take to come to rest.
const PASSES: usize = 4;

/// The text of a model's file with its SQL laid out.
pub fn format(text: &str) -> Result<String, Kept> {
    let mut laid_out = text.replace("\r\n", "\n");
    for _ in 0..PASSES {
        let next = pass(&laid_out)?;
        if next == laid_out {
            return Ok(if text.contains("\r\n") { next.replace('\n', "\r\n") } else { next });
        }
        laid_out = next;
    }
    Err(Kept::Restless)
}

fn pass(text: &str) -> Result<String, Kept> {
    let lexemes = lex(text).map_err(|_| Kept::Unread)?;
    if lexemes.iter().any(is_jinja) {
        return Err(Kept::Jinja);
    }
    let (header, body) = text.split_at(header_end(&lexemes, text));
    let body = lay_out(body)?;
    Ok(match (header.trim_end(), body.as_str()) {
        (header, "") => format!("{header}\n"),
        ("", body) => format!("{body}\n"),
        (header, body) => format!("{header}\n\n{body}\n"),
    })
}

fn is_jinja(lexeme: &Lexeme) -> bool {
    let is_block = matches!(&lexeme.token, Token::Symbol(text) if text.len() > 1 && text.starts_with('{'));
    let words = ["jinja_query_begin", "jinja_statement_begin", "jinja_end"];
    is_block || words.iter().any(|word| lexeme.is_keyword(word))
}

/// Where the header ends, its semicolon included; 0 without one.
fn header_end(lexemes: &[Lexeme], text: &str) -> usize {
    let statements = split(lexemes);
    let begins = |word: &str| {
        let first = statements.first().and_then(|first| lexemes.get(first.lexemes.start));
        first.is_some_and(|first| first.is_keyword(word))
    };
    if !begins("model") && !begins("audit") {
        return 0;
    }
    let semicolon = statements.first().and_then(|first| lexemes.get(first.lexemes.end));
    semicolon.map_or(text.len(), |semicolon| semicolon.span.end)
}

fn lay_out(text: &str) -> Result<String, Kept> {
    let units = stand_in::units(text, &lex(text).map_err(|_| Kept::Unread)?);
    let masked = exchanged(text, units.iter().map(|unit| (unit.span.clone(), unit.stand_in.as_str())));
    let options = FormatOptions {
        indent: Indent::Spaces(2),
        lines_between_queries: 2,
        max_inline_block: SHORT,
        max_inline_arguments: Some(SHORT),
        max_inline_top_level: Some(SHORT),
        joins_as_top_level: true,
        dialect: Dialect::PostgreSql,
        ..FormatOptions::default()
    };
    // text that it doesn't expect must not end the program
    let laid_out = panic::catch_unwind(|| sqlformat::format(&masked, &QueryParams::None, &options));
    let laid_out = laid_out.map_err(|_| Kept::Changed)?;
    put_back(text, &units, &masked, &laid_out)
}

/// The laid out text with the words that stood in it; an error unless it has the same words and comments as before, with
/// the stand-ins and without.
fn put_back(text: &str, units: &[Unit], masked: &str, laid_out: &str) -> Result<String, Kept> {
    let places = lex(laid_out).map_err(|_| Kept::Changed)?;
    let written = units.iter().map(|unit| text.get(unit.span.clone()).unwrap_or_default());
    let restored = exchanged(laid_out, places.iter().map(|lexeme| lexeme.span.clone()).zip(written));
    let restored = comments_in_line(text, &restored).unwrap_or(restored);
    let restored = restored.trim();
    if places.len() == units.len() && is_same(masked, laid_out) && is_same(text, restored) {
        Ok(restored.to_owned())
    } else {
        Err(Kept::Changed)
    }
}

/// Whether two texts have the same words, and the same comments between the same words.
fn is_same(before: &str, after: &str) -> bool {
    let parts = |text: &str| -> Option<(Vec<String>, Vec<String>, Vec<bool>)> {
        let lexemes = lex(text).ok()?;
        let words = lexemes.iter().map(|lexeme| text.get(lexeme.span.clone()).unwrap_or_default().to_owned());
        Some((words.collect(), comments(text, &lexemes), stand_in::joined(&lexemes)))
    };
    parts(before).is_some_and(|before| parts(after) == Some(before))
}

/// The text with other words at some places, which are in order.
fn exchanged<'w>(text: &str, words: impl Iterator<Item = (std::ops::Range<usize>, &'w str)>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut end = 0;
    for (span, word) in words {
        out.push_str(text.get(end..span.start).unwrap_or_default());
        out.push_str(word);
        end = span.end;
    }
    out.push_str(text.get(end..).unwrap_or_default());
    out
}

/// The laid out text with each comment that follows a word in its line, or in one of its own, as it was written: there it
/// may be the column's.
fn comments_in_line(before: &str, after: &str) -> Option<String> {
    let gaps = |text: &str| -> Option<Vec<std::ops::Range<usize>>> {
        let lexemes = lex(text).ok()?;
        let starts = lexemes.iter().skip(1).map(|lexeme| lexeme.span.start).chain([text.len()]);
        let gaps = lexemes.iter().zip(starts).map(|(lexeme, start)| lexeme.span.end..start);
        // up to the comment, if there is one
        Some(gaps.map(|gap| gap.start..gap.end - text.get(gap).unwrap_or_default().trim_start().len()).collect())
    };
    let breaks = |text: &str, gap: &std::ops::Range<usize>| text.get(gap.clone()).is_some_and(|it| it.contains('\n'));
    let is_comment = |end: usize| after.get(end..).is_some_and(|rest| rest.starts_with("--") || rest.starts_with("/*"));
    let (old, new) = (gaps(before)?, gaps(after)?);
    let moved = old.iter().zip(&new).filter(|(_, new)| is_comment(new.end));
    let moved = moved.filter(|(old, new)| breaks(before, old) != breaks(after, new));
    let space = |(old, new): (&std::ops::Range<usize>, &std::ops::Range<usize>)| {
        (new.clone(), if breaks(before, old) { "\n" } else { " " })
    };
    Some(exchanged(after, moved.map(space)))
}

/// What stands between the lexemes but space: comments, whose own lines may be indented differently.
fn comments(text: &str, lexemes: &[Lexeme]) -> Vec<String> {
    let starts = lexemes.iter().map(|lexeme| lexeme.span.start).chain([text.len()]);
    let ends = [0].into_iter().chain(lexemes.iter().map(|lexeme| lexeme.span.end));
    let between = ends.zip(starts).map(|(end, start)| text.get(end..start).unwrap_or_default());
    between.map(|gap| gap.chars().filter(|c| !c.is_whitespace()).collect()).collect()
}
