//! A seed's CSV file: read as its settings say (they are those of pandas, as in SQLMesh), and written again in the one
//! form that the engine is given.

mod encoding;
mod records;
mod settings;

use std::collections::BTreeSet;
use std::ops::Range;

use super::engine_kind::EngineKind;
use super::types::{Number, Type};
pub use encoding::is_known as is_known_encoding;
pub use records::{Dialect, Records};
pub use settings::Settings;

/// What pandas takes for NULL.
pub const NULLS: [&str; 19] = [
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA",
    "NULL", "NaN", "None", "n/a", "nan", "null",
];

/// What may separate cells where nobody says what does.
const SEPARATORS: [char; 4] = [',', ';', '\t', '|'];

/// A file in one form: commas, double quotes where they are needed, an empty cell for NULL and `""` for no letters.
/// `columns` are the declared ones. An error says what is wrong with the file.
pub fn rewrite(bytes: &[u8], settings: &Settings, columns: &[(String, String)]) -> Result<String, String> {
    let text = encoding::decode(bytes, settings.encoding.as_deref())?;
    let mut records = Records::new(&text, dialect(&text, settings));
    let header = records.next_record()?.ok_or("it is empty: the first line names the columns")?;
    let header: Vec<String> = header.into_iter().map(|name| declared(name, columns)).collect();
    let lacking: Vec<&str> = lacking(&header, columns).collect();
    if !lacking.is_empty() {
        return Err(lacks(&lacking, &header));
    }
    let nulls: Vec<BTreeSet<&str>> = header.iter().map(|name| nulls(settings, name)).collect();
    let flags: Vec<bool> = header.iter().map(|name| is_boolean(name, columns)).collect();
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    write_record(&mut out, header.iter().map(|name| Some(name.as_str())));
    while let Some(record) = records.next_record()? {
        if record.len() > header.len() {
            let (line, cells, names) = (records.line(), record.len(), header.len());
            let count = |count: usize, noun: &str| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
            let (cells, names) = (count(cells, "cell"), count(names, "column"));
            return Err(format!("line {line} has {cells}, and the first line names {names}"));
        }
        let cells = (0..header.len()).map(|at| {
            let cell = record.get(at)?.as_str();
            let cell = if nulls.get(at)?.contains(cell) { return None } else { cell };
            Some(if *flags.get(at)? { boolean(cell) } else { cell })
        });
        write_record(&mut out, cells);
    }
    Ok(out)
}

/// LF for CRLF where a row ends, and nowhere within double quotes: there it is part of a value. Binary content, with its
/// NUL bytes, stays as it is.
pub fn unify_line_ends(bytes: Vec<u8>) -> Vec<u8> {
    if !bytes.contains(&b'\r') || bytes.contains(&0) {
        return bytes;
    }
    let (mut is_quoted, mut before) = (false, b'\n');
    let mut rest = bytes.iter().copied().peekable();
    let mut out = Vec::with_capacity(bytes.len());
    while let Some(byte) = rest.next() {
        // behind a letter or a digit, as in 5", it opens nothing
        is_quoted ^= byte == b'"' && (is_quoted || !(before.is_ascii_alphanumeric() || before >= 0x80));
        before = byte;
        if is_quoted || byte != b'\r' || rest.peek() != Some(&b'\n') {
            out.push(byte);
        }
    }
    out
}

/// The first cell that its column's type would cut short: column, cell and type. `types` are those of the table, and
/// `declared` those that the header says. Who declares floating point gets the nearest value of a fraction; where the
/// engine found it, no digit may be lost.
pub fn cut_short(
    engine: EngineKind,
    bytes: &[u8],
    settings: &Settings,
    types: &[(String, String)],
    declared: &[(String, String)],
) -> Result<Option<(String, String, String)>, String> {
    let is = |name: &str, other: &str| name.eq_ignore_ascii_case(other);
    let text = encoding::decode(bytes, settings.encoding.as_deref())?;
    let mut records = Records::new(&text, dialect(&text, settings));
    let header = records.next_record()?.unwrap_or_default();
    let type_of = |name: &String| {
        let (_, written) = types.iter().find(|(other, _)| is(other, name))?;
        let is_declared = declared.iter().any(|(other, _)| is(other, name));
        Some((written, Type::of(engine, written), is_declared, nulls(settings, name)))
    };
    let columns: Vec<_> = header.iter().map(type_of).collect();
    while let Some(record) = records.next_record()? {
        for ((name, cell), column) in header.iter().zip(&record).zip(&columns) {
            let Some((written, kind, is_declared, nulls)) = column else { continue };
            let cell_fits = match kind {
                Type::Float(precision) if !is_declared => {
                    Number::parse(cell.trim()).is_none_or(|number| number.is_float(*precision))
                }
                kind => kind.keeps(cell),
            };
            if !cell_fits && !nulls.contains(cell.as_str()) {
                return Ok(Some((name.clone(), cell.clone(), (*written).clone())));
            }
        }
    }
    Ok(None)
}

/// The text of a seed's file, and the place in it of the first cell of a column that holds a value.
pub fn find_cell(bytes: &[u8], settings: &Settings, column: &str, value: &str) -> Option<(String, Range<usize>)> {
    let text = encoding::decode(bytes, settings.encoding.as_deref()).ok()?.into_owned();
    let mut records = Records::new(&text, dialect(&text, settings));
    let at = records.next_record().ok()??.iter().position(|name| name.eq_ignore_ascii_case(column))?;
    let (cells, record) = loop {
        let before = records.clone();
        let cells = records.next_record().ok()??;
        if cells.get(at).is_some_and(|cell| cell == value) {
            break (cells, text.len() - before.left()..text.len() - records.left());
        }
    };
    let earlier = cells.iter().take(at).map(|cell| cell.matches(value).count()).sum();
    let found = text.get(record.clone())?.match_indices(value).nth(earlier).filter(|_| !value.is_empty());
    let place = found.map_or(record.clone(), |(from, _)| record.start + from..record.start + from + value.len());
    Some((text, place))
}

/// How a seed's file is written.
fn dialect(text: &str, settings: &Settings) -> Dialect {
    let first = text.lines().next().unwrap_or_default();
    let found = || SEPARATORS.into_iter().find(|separator| first.contains(*separator));
    Dialect {
        separator: settings.delimiter.or_else(found).unwrap_or(','),
        quote: settings.quote.unwrap_or('"'),
        doubled: settings.doublequote,
        escape: settings.escape,
        end: settings.lineterminator,
        skip_initial_space: settings.skipinitialspace,
        skip_blank_lines: true,
    }
}

/// The declared columns that a file does not have.
pub fn lacking<'c>(header: &[String], columns: &'c [(String, String)]) -> impl Iterator<Item = &'c str> {
    let names: BTreeSet<String> = header.iter().map(|name| name.to_lowercase()).collect();
    columns.iter().map(|(name, _)| name.as_str()).filter(move |name| !names.contains(&name.to_lowercase()))
}

/// The sentence about them.
pub fn lacks(lacking: &[&str], header: &[String]) -> String {
    let names: Vec<String> = lacking.iter().map(|name| format!("`{name}`")).collect();
    let word = if names.len() == 1 { "column" } else { "columns" };
    format!("it has no {word} {}, which `columns` declares; it has: {}", names.join(", "), header.join(", "))
}

/// A name of the first line, spelled as it is declared.
fn declared(name: String, columns: &[(String, String)]) -> String {
    let found = columns.iter().find(|(declared, _)| declared.eq_ignore_ascii_case(&name));
    found.map_or(name, |(declared, _)| declared.clone())
}

/// What stands for NULL in a column.
fn nulls<'s>(settings: &'s Settings, column: &str) -> BTreeSet<&'s str> {
    let own = settings.nulls_of.iter().filter(|(name, _)| name.eq_ignore_ascii_case(column));
    let given = settings.nulls.iter().chain(own.flat_map(|(_, nulls)| nulls)).map(String::as_str);
    let usual = NULLS.into_iter().filter(|_| settings.keep_default_na);
    given.chain(usual).collect()
}

fn is_boolean(name: &str, columns: &[(String, String)]) -> bool {
    let kind = columns.iter().find(|(declared, _)| declared == name).map(|(_, kind)| kind.to_ascii_lowercase());
    kind.is_some_and(|kind| matches!(kind.as_str(), "boolean" | "bool" | "logical"))
}

/// The engine's word for a boolean; what is none stays for it to complain about.
fn boolean(cell: &str) -> &str {
    match cell.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" | "t" | "true" | "on" | "1" => "true",
        "n" | "no" | "f" | "false" | "off" | "0" => "false",
        _ => cell,
    }
}

fn write_record<'c>(out: &mut String, cells: impl Iterator<Item = Option<&'c str>>) {
    for (at, cell) in cells.enumerate() {
        if at > 0 {
            out.push(',');
        }
        let Some(cell) = cell else { continue };
        let edge = |c: Option<char>| c.is_some_and(char::is_whitespace);
        let is_plain = !cell.is_empty()
            && !cell.contains([',', '"', '\n', '\r'])
            && !edge(cell.chars().next())
            && !edge(cell.chars().next_back());
        if is_plain {
            out.push_str(cell);
        } else {
            out.push('"');
            out.push_str(&cell.replace('"', "\"\""));
            out.push('"');
        }
    }
    out.push('\n');
}

#[cfg(test)]
mod tests;
