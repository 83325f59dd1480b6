//! The text of Jinja templates, taken apart into plain text and tags.

use super::super::diagnostic::Problem;
use super::super::sql::Span;
use super::scan::problem;

/// A stretch of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    /// Which kind.
    pub(super) kind: Kind,
    /// Where it stands; of plain text, what whitespace control leaves of it.
    pub(super) span: Span,
}

/// A kind of [`Piece`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Text that stays.
    Text,
    /// `{{ … }}`.
    Expression,
    /// `{% … %}`.
    Tag,
    /// `{# … #}`.
    Comment,
}

/// Takes a template apart.
pub(super) fn pieces(text: &str) -> Result<Vec<Piece>, Problem> {
    let (mut pieces, mut at) = (Vec::new(), 0);
    // What `-%}` and `{%-` take away from the text between.
    let mut trim_start = false;
    while at < text.len() {
        let rest = text.get(at..).unwrap_or("");
        let opens = |at: &usize| rest[at + 1..].starts_with(['{', '%', '#']);
        let open = rest.match_indices('{').map(|(at, _)| at).find(opens);
        let start = at + open.unwrap_or(rest.len());
        let tag = text.get(start..).unwrap_or("");
        let trim_end = open.is_some() && tag[2..].starts_with('-');
        push_text(text, at..start, trim_start, trim_end, &mut pieces);
        if tag.is_empty() {
            break;
        }
        let kind = match &tag[..2] {
            "{{" => Kind::Expression,
            "{%" => Kind::Tag,
            _ => Kind::Comment,
        };
        let length = closing(tag, kind).ok_or_else(|| problem("this Jinja tag never ends", start..start + 2))?;
        let span = start..start + length;
        at = span.end;
        trim_start = text[..at].ends_with("-%}") || text[..at].ends_with("-}}") || text[..at].ends_with("-#}");
        pieces.push(Piece { kind, span: span.clone() });
        if kind == Kind::Tag && words(&text[span.clone()]).next() == Some("raw") {
            let (inner, after) = raw_block(text, at).ok_or_else(|| problem("this `raw` never ends", span))?;
            let trim_end = text[inner.end..].starts_with("{%-");
            pieces.pop();
            push_text(text, inner, trim_start, trim_end, &mut pieces);
            at = after;
            trim_start = text[..at].ends_with("-%}");
        }
    }
    Ok(pieces)
}

/// Whether all that a template does is to put variables in: no tag, and names only in its expressions.
pub(super) fn has_only_names(text: &str) -> bool {
    let Ok(pieces) = pieces(text) else { return false };
    let is_name = |c: char| c.is_alphanumeric() || c == '_' || c.is_whitespace();
    pieces.iter().all(|piece| match piece.kind {
        Kind::Text | Kind::Comment => true,
        Kind::Tag => false,
        Kind::Expression => {
            text[piece.span.clone()].trim_matches(['{', '}', '-']).split_whitespace().count() == 1
                && text[piece.span.clone()].trim_matches(['{', '}', '-']).chars().all(is_name)
        }
    })
}

fn push_text(text: &str, span: Span, trim_start: bool, trim_end: bool, pieces: &mut Vec<Piece>) {
    let mut span = span;
    if trim_start {
        span.start = span.end - text[span.clone()].trim_start().len();
    }
    if trim_end {
        span.end = span.start + text[span.clone()].trim_end().len();
    }
    if !span.is_empty() {
        pieces.push(Piece { kind: Kind::Text, span });
    }
}

/// The length of the tag at the start of a text. What looks like its end inside of a string is none.
fn closing(tag: &str, kind: Kind) -> Option<usize> {
    let end = match kind {
        Kind::Expression => "}}",
        Kind::Tag => "%}",
        _ => return tag.find("#}").map(|end| end + 2),
    };
    let (mut quote, mut depth, mut escaped) = (None, 0usize, false);
    for (at, c) in tag.char_indices().skip(2) {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if c == '\'' || c == '"' => quote = Some(c),
            None if depth == 0 && tag[at..].starts_with(end) => return Some(at + 2),
            None if c == '{' => depth += 1,
            None if c == '}' => depth = depth.saturating_sub(1),
            None => {}
        }
    }
    None
}

/// The content of a raw block that begins at `at`, and the first byte behind the block.
fn raw_block(text: &str, at: usize) -> Option<(Span, usize)> {
    let mut from = at;
    loop {
        let start = from + text.get(from..)?.find("{%")?;
        let length = text.get(start..)?.find("%}")? + 2;
        if words(&text[start..start + length]).next() == Some("endraw") {
            return Some((at..start, start + length));
        }
        from = start + 2;
    }
}

/// The words of a tag, strings left out.
pub(super) fn words(tag: &str) -> impl Iterator<Item = &str> {
    let in_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut rest = tag;
    std::iter::from_fn(move || {
        loop {
            let start = rest.find(|c: char| in_word(c) || c == '\'' || c == '"')?;
            rest = &rest[start..];
            let first = rest.chars().next()?;
            if in_word(first) {
                let end = rest.find(|c: char| !in_word(c)).unwrap_or(rest.len());
                let (word, after) = rest.split_at(end);
                rest = after;
                return Some(word);
            }
            let mut escaped = false;
            let end = rest.char_indices().skip(1).find(|(_, c)| {
                let ends = !escaped && *c == first;
                escaped = !escaped && *c == '\\';
                ends
            });
            rest = end.map_or("", |(at, c)| &rest[at + c.len_utf8()..]);
        }
    })
}

/// The `{% macro … %}…{% endmacro %}` of a text: names, their places, and texts.
pub(super) fn macros(text: &str) -> Result<Vec<(String, Span, String)>, Problem> {
    let mut found = Vec::new();
    let mut open: Option<(String, Span, usize)> = None;
    for piece in pieces(text)?.into_iter().filter(|piece| piece.kind == Kind::Tag) {
        let tag = &text[piece.span.clone()];
        let mut tag_words = words(tag);
        match (tag_words.next(), tag_words.next()) {
            (Some("macro"), Some(name)) => {
                let start = piece.span.start + tag.find(name).unwrap_or(0);
                open = Some((name.to_owned(), start..start + name.len(), piece.span.start));
            }
            (Some("endmacro"), _) => {
                if let Some((name, span, start)) = open.take() {
                    found.push((name, span, text[start..piece.span.end].to_owned()));
                }
            }
            _ => {}
        }
    }
    match open {
        Some((name, span, _)) => Err(problem(format!("the macro `{name}` has no `{{% endmacro %}}`"), span)),
        None => Ok(found),
    }
}
