//! The gate for texts that are no model's: what they do, and which tables they read.

use super::error::Error;
use super::loader::Loader;
use super::tree::Tree;
use super::workspace::Workspace;
use crate::domain::diagnostic::Diagnostic;
use crate::domain::project::Published;
use crate::domain::sql::policy::{Refusal, Text};
use crate::domain::sql::{self, Query};

impl Workspace {
    /// Reads of what vmesh itself shows, by models that take it for a table from outside.
    pub(super) fn strangers(&self, tree: &Tree, published: &Published) -> Result<Vec<Diagnostic>, Error> {
        let mut problems = Vec::new();
        for model in tree.project.models() {
            for (read, span) in model.outside() {
                if let Some((what, help)) = tree.project.stranger(&read.parts, published) {
                    problems.push(Diagnostic::new(what).at(self.excerpt(tree, model, &span)?).help(help));
                }
            }
        }
        problems.extend(self.wrong_calls(tree, published));
        Ok(problems)
    }
}

impl Loader {
    /// Lets a query pass that is no model's: the tables that it reads are models, sources or the given ones.
    pub(super) fn admit_over(&self, kind: Text, text: &str, tree: &Tree) -> Result<Query, Refusal> {
        let query = self.referee.admit(kind, text, sql::analyse(text))?;
        for read in query.reads.iter().flatten() {
            let meaning = tree.project.meaning(&read.parts, &tree.published);
            meaning.map_err(|(what, help)| Refusal { what, span: read.span.clone(), note: None, help: Some(help) })?;
        }
        Ok(query)
    }
}
