//! Problems, drawn as rustc draws them: what, where, why, what is still true, what to do.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use serde_json::json;

use super::visible::{plain, visible};
use crate::domain::diagnostic::{Diagnostic, Excerpt, Note};

/// One problem as text.
pub(in crate::cli) fn render(diagnostic: &Diagnostic, warning: bool) -> String {
    let level = if warning { Level::WARNING } else { Level::ERROR };
    let mut group = level.primary_title(plain(&diagnostic.what)).elements(Vec::<annotate_snippets::Message<'_>>::new());
    if let Some(at) = &diagnostic.at {
        let span = clamp(&at.text, at.span.clone());
        let annotation = AnnotationKind::Primary.span(span);
        let annotation = if at.label.is_empty() { annotation } else { annotation.label(plain(&at.label)) };
        group = group.element(Snippet::source(&*at.text).path(plain(&at.path)).annotation(annotation));
    }
    for note in &diagnostic.notes {
        let (level, note) = match note {
            Note::Cause(cause) => (Level::NOTE.with_name("cause"), plain(&cause.to_string()).into_owned()),
            // rows of a failed test are painted already
            Note::Fact(fact) => (Level::NOTE, visible(fact).into_owned()),
        };
        group = group.element(level.message(note));
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(plain(help)));
    }
    Renderer::styled().decor_style(DecorStyle::Ascii).render(&[group])
}

/// One problem as data.
pub(in crate::cli) fn json(diagnostic: &Diagnostic) -> serde_json::Value {
    let at = diagnostic.at.as_ref();
    let place = at.map(Excerpt::line_and_column);
    let notes: Vec<String> = diagnostic.notes.iter().map(Note::to_string).collect();
    json!({
        "message": diagnostic.what, "notes": notes, "help": diagnostic.help,
        "file": at.map(|at| at.path.as_str()), "line": place.map(|(line, _)| line), "column": place.map(|(_, column)| column),
    })
}

/// A span that lies in the text and between characters, whatever was computed.
fn clamp(text: &str, span: std::ops::Range<usize>) -> std::ops::Range<usize> {
    let fit = |mut at: usize| {
        at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let start = fit(span.start);
    start..fit(span.end).max(start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::diagnostic::Cause;

    #[test]
    fn a_cause_is_a_value_and_no_text_that_looks_like_one() {
        let problem = Diagnostic::new("it failed").note(Cause::engine("no")).note("DuckDB: a model of that name");
        let text = anstream::adapter::strip_str(&render(&problem, false)).to_string();
        assert!(text.contains("= cause: DuckDB: no") && text.contains("= note: DuckDB: a model"), "{text}");
        assert_eq!(json(&problem)["notes"], json!(["DuckDB: no", "DuckDB: a model of that name"]));
    }
}
