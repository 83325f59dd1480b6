//! The gate for texts that are no model's: what they do, and which tables they read.

use super::session::Session;
use super::tree::Tree;
use crate::domain::project::past_the_environment;
use crate::domain::sql::policy::{self, Refusal, Text};
use crate::domain::sql::{self, Query, Read};

impl Session<'_> {
    /// Lets a query pass that is no model's: the tables that it reads are models, sources or the given ones.
    pub(super) fn admit_over(&self, kind: Text, text: &str, tree: &Tree) -> Result<Query, Refusal> {
        let query = self.referee.admit(kind, text, sql::analyse(text))?;
        for read in query.reads.iter().flatten() {
            let is_model = tree.project.find(&read.parts).is_some();
            if let Some((what, help)) = barred(read, tree).filter(|_| !is_model) {
                return Err(Refusal { what, span: read.span.clone(), cause: None, help: Some(help) });
            }
        }
        Ok(query)
    }
}

/// Why a text may not read a table that is no model.
fn barred(read: &Read, tree: &Tree) -> Option<(String, String)> {
    if let Some((what, help)) = policy::barred_table(&read.parts) {
        return Some((what, help.to_owned()));
    }
    let past = past_the_environment(&read.parts).filter(|name| tree.project.model(name).is_some())?;
    Some((
        format!("`{}` reads prod's `{past}` past the environment", read.parts.join(".")),
        format!("leave the schema out: {past}"),
    ))
}
