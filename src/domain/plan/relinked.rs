//! Tables that are shown below others than those which they were filled from.

use super::super::environment::{PhysicalTable, State};
use super::super::name::TableName;
use super::super::project::Project;
use super::{Plan, Step, Work, not_to_fill};

impl Plan {
    /// The records of tables that the plan reuses below others than those which they were filled from, each with the
    /// tables added that stand above it now: it will be filled from these, and restating one of these has to reach it. A
    /// branch leaves alone what prod shows or has shown: that is filled from prod's own.
    pub fn relinked<'p>(&'p self, project: &Project, state: &State) -> Vec<(&'p Step, PhysicalTable)> {
        let (tables, others) = (self.tables(), not_to_fill(&self.environment, state));
        let reused = self.steps.iter().filter(|step| matches!(step.work, Work::Reuse { .. }));
        let relinked = reused.filter_map(|step| {
            let known = state.existing(step.table.as_ref()?).filter(|known| !others.contains(&known.table))?;
            let above = project.built_from(project.model(&step.model)?);
            let above: Vec<TableName> = above.iter().filter_map(|model| tables.get(model).cloned()).collect();
            let names = |table: &TableName| known.select.as_ref().is_none_or(|select| select.contains(&table.quoted()));
            let is_linked = above.iter().all(|table| known.parents.contains(table) && names(table));
            (!is_linked).then(|| {
                let mut linked = known.clone();
                linked.add_parents(&above);
                (step, linked)
            })
        });
        relinked.collect()
    }
}
