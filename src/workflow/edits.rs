//! Where the models of a plan were edited.

use super::error::Error;
use super::loader::Loader;
use super::planning::Prepared;
use crate::domain::plan::{Change, Edited, Plan, Reason, Step, first_edit};
use crate::domain::project::Model;
use crate::domain::sql;

/// Of more models than this, nobody reads where they were edited.
const MOST: usize = 50;

impl Loader {
    /// Finds the line of each model that changed itself at which its file begins to say something else.
    pub fn locate_edits(&self, prepared: &Prepared, plan: &mut Plan) -> Result<(), Error> {
        let changed = plan.steps.iter_mut().filter(|step| step.change == Change::Direct);
        for step in changed.take(MOST) {
            step.edited = self.edited(prepared, step)?;
        }
        Ok(())
    }

    fn edited(&self, prepared: &Prepared, step: &Step) -> Result<Option<Edited>, Error> {
        let (desired, base) = (&prepared.desired, prepared.base_tree());
        let before = base.and_then(|base| base.project.model(&step.model).map(|model| (base, model)));
        let Some(((base, before), after)) = before.zip(desired.project.model(&step.model)) else { return Ok(None) };
        let (old, new) = (self.file_text(base, before)?, self.file_text(desired, after)?);
        let line = match step.reason {
            // an edit of the header is none of the reason
            Reason::QueryChanged => {
                let (old, new) = (query(&old, before), query(&new, after));
                first_edit(old.1, new.1).map(|line| new.0 + line)
            }
            Reason::KindChanged { .. } => kind(&new),
            Reason::StatementsChanged | Reason::PropertiesChanged | Reason::MacrosChanged => None,
            _ => first_edit(&old, &new),
        };
        Ok(line.map(|line| Edited { path: self.in_top(&after.path), line }))
    }
}

/// A file from its model's query on, and how many lines stand above it.
fn query<'t>(text: &'t str, model: &Model) -> (usize, &'t str) {
    let start = model.file.original(&model.file.query_span).start;
    let (above, query) = text.split_at_checked(start).unwrap_or(("", text));
    (above.matches('\n').count(), query)
}

/// The line of a header's kind, from 1.
fn kind(text: &str) -> Option<usize> {
    let lexemes = sql::lex(text).ok()?;
    let at = lexemes.iter().find(|lexeme| lexeme.is_keyword("kind"))?.span.start;
    Some(text.get(..at)?.matches('\n').count() + 1)
}
