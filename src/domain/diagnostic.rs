//! What is wrong with a project, and where: plain data that the face draws with the source line.

mod note;
mod problem;

use std::ops::Range;
use std::sync::Arc;

pub use self::note::{Cause, Note, Speaker};
pub use self::problem::Problem;
use super::limits::LIKENED;

/// One problem in the project's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// What happened: one phrase, lower case, names in backticks.
    pub what: String,
    /// Where, if it has a place in a file.
    pub at: Option<Excerpt>,
    /// Facts that help to understand it.
    pub notes: Vec<Note>,
    /// What to do next.
    pub help: Option<String>,
}

/// A place in a file, with the text that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// The file, relative to the project.
    pub path: String,
    /// The file's whole text, as it was analysed.
    pub text: Arc<str>,
    /// Byte range in `text`.
    pub span: Range<usize>,
    /// What to say at the underlined place; may be empty.
    pub label: String,
}

impl Diagnostic {
    /// A problem without a place.
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), at: None, notes: Vec::new(), help: None }
    }

    /// The same problem at a place.
    #[must_use]
    pub fn at(mut self, excerpt: Excerpt) -> Self {
        self.at = Some(excerpt);
        self
    }

    /// The same problem with a fact more.
    #[must_use]
    pub fn note(mut self, note: impl Into<Note>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// The same problem with advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl Excerpt {
    /// Line and column of the start, both counted from 1; columns are characters.
    pub fn line_and_column(&self) -> (usize, usize) {
        let before = self.text.get(..self.span.start).unwrap_or(&self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        (line, column)
    }
}

/// The candidate nearest to what was typed, if it is near enough to be meant.
pub fn nearest<'a>(typed: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = typed.to_lowercase();
    candidates
        .into_iter()
        .filter(|name| typed.len().max(name.len()) <= LIKENED)
        .map(|name| {
            (
                strsim::damerau_levenshtein(&typed, &name.to_lowercase()),
                typed.chars().next() != name.chars().next(),
                name,
            )
        })
        .filter(|(distance, _, name)| *distance <= (typed.len().max(name.len()) / 3).max(1))
        .min()
        .map(|(.., name)| name)
}
