//! A problem inside one file, before it is known which file that is.

use std::ops::Range;
use std::sync::Arc;

use super::{Diagnostic, Excerpt};

/// What is wrong, where in the file's text, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What happened.
    pub what: String,
    /// Byte range in the file's text.
    pub span: Range<usize>,
    /// What to do next.
    pub help: Option<String>,
}

impl Problem {
    pub(in super::super) fn new(what: impl Into<String>, span: Range<usize>) -> Self {
        Self { what: what.into(), span, help: None }
    }

    pub(in super::super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The problem, in its file.
    pub fn in_file(self, path: &str, text: &Arc<str>) -> Diagnostic {
        let excerpt = Excerpt { path: path.to_owned(), text: text.clone(), span: self.span, label: String::new() };
        let diagnostic = Diagnostic::new(self.what).at(excerpt);
        match self.help {
            Some(help) => diagnostic.help(help),
            None => diagnostic,
        }
    }
}
