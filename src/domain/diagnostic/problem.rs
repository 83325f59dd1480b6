//! A problem inside one file, before it is known which file that is.

use std::sync::Arc;

use super::super::sql::policy::Refusal;
use super::super::sql::{Span, SqlError};
use super::{Diagnostic, Excerpt};

/// What is wrong, where in the file's text, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What happened.
    pub what: String,
    /// Byte range in the file's text.
    pub span: Span,
    /// What to do next.
    pub help: Option<String>,
}

impl Problem {
    pub(in super::super) fn new(what: impl Into<String>, span: Span) -> Self {
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

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self { what: refusal.what, span: refusal.span, help: refusal.help }
    }
}

impl From<SqlError> for Problem {
    fn from(error: SqlError) -> Self {
        Self::new(error.message, error.span)
    }
}
