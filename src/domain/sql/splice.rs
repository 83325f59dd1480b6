//! A query's text with other tables in the place of those that it names. All else stays as written, byte for byte.

use super::{Query, Read, Span};

/// The text of `query` with each read for which `replace` gives SQL replaced by it.
///
/// A read without an alias of its own gets one, so that columns qualified with its name still resolve; qualifiers of
/// several parts are cut to it. Labels are written behind their columns. Replacements should hold no line end, so that DuckDB's `LINE n` still points at the
/// user's line.
pub fn splice(text: &str, query: &Query, replace: &dyn Fn(&Read) -> Option<String>) -> String {
    splice_with(text, query, replace, [])
}

/// The same, with more edits to the text.
pub fn splice_with(
    text: &str,
    query: &Query,
    replace: &dyn Fn(&Read) -> Option<String>,
    more: impl IntoIterator<Item = (Span, String)>,
) -> String {
    let mut edits = edits(query, replace);
    edits.extend(more);
    edits.extend(query.labels.iter().map(|label| (label.at..label.at, format!(" AS {}", quote(&label.name)))));
    apply(text, edits)
}

/// What [`splice`] puts in the place of which bytes.
pub fn edits(query: &Query, replace: &dyn Fn(&Read) -> Option<String>) -> Vec<(Span, String)> {
    let reads = query.reads.as_deref().unwrap_or(&[]);
    let mut edits: Vec<(Span, String)> = Vec::new();
    let mut replaced = vec![false; reads.len()];
    for (read, done) in reads.iter().zip(&mut replaced) {
        let Some(sql) = replace(read) else { continue };
        *done = true;
        // `TABLE orders` takes a name and nothing else; `FROM orders` means the same.
        edits.extend(read.table_keyword.clone().map(|keyword| (keyword, "FROM".to_owned())));
        let alias = if read.aliased { String::new() } else { format!(" AS {}", quote(&read.alias)) };
        edits.push((read.span.clone(), sql + &alias));
    }
    for qualifier in &query.qualifiers {
        if let (Some(read), Some(true)) = (reads.get(qualifier.read), replaced.get(qualifier.read)) {
            edits.push((qualifier.span.clone(), quote(&read.alias)));
        }
    }
    edits
}

/// A name in double quotes.
fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text with other text in the place of some of its bytes.
pub fn apply(text: &str, mut edits: Vec<(Span, String)>) -> String {
    edits.sort_by_key(|(span, _)| span.start);
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for (span, new) in edits {
        // Ranges come from the same text and never overlap; a stranger's Query must not make us panic.
        let Some(between) = text.get(at..span.start) else { continue };
        out.push_str(between);
        out.push_str(&new);
        at = span.end;
    }
    out.push_str(text.get(at..).unwrap_or(""));
    out
}
