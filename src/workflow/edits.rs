//! Where the models of a plan were edited.

use super::error::Error;
use super::loader::Loader;
use super::planning::Prepared;
use crate::domain::plan::{Change, Edited, Plan, Reason, Step, first_edit};
use crate::domain::project::Model;

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
        // where the query changed, an edit of the header is none of the reason
        let (above, line) = match step.reason {
            Reason::QueryChanged => {
                let (old, new) = (query(&old, before), query(&new, after));
                (new.0, first_edit(old.1, new.1))
            }
            _ => (0, None),
        };
        let line = line.map(|line| above + line).or_else(|| first_edit(&old, &new));
        Ok(line.map(|line| Edited { path: self.in_top(&after.path), line }))
    }
}

/// A file from its model's query on, and how many lines stand above it.
fn query<'t>(text: &'t str, model: &Model) -> (usize, &'t str) {
    let start = model.file.original(&model.file.query_span).start;
    let (above, query) = text.split_at_checked(start).unwrap_or(("", text));
    (above.matches('\n').count(), query)
}
