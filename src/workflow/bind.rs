//! What the engine finds wrong with a plan's queries before anything is built: names that its tables don't have.

use std::collections::BTreeSet;

use super::error::Error;
use super::planning::Prepared;
use super::session::Session;
use crate::adapter::engine::{Body, Build, WarehouseError};
use crate::domain::diagnostic::Diagnostic;
use crate::domain::environment::State;
use crate::domain::name::ModelName;
use crate::domain::plan::{Plan, Work};
use crate::domain::project::Model;

/// More models than this are left to their builds: to look at them takes longer than anyone waits for a plan.
const MOST: usize = 200;

impl Session<'_> {
    /// What is wrong with the queries of models to be built that read only what is there: tables that no model makes, or
    /// parents that are built. What else may be wrong, the build tells.
    pub fn unbound(&self, prepared: &Prepared, plan: &Plan, state: &State) -> Result<Vec<Diagnostic>, Error> {
        let (project, tables) = (&prepared.desired.project, plan.tables());
        if self.committed_settings()?.is_some_and(|settings| !settings.config.before_all.is_empty())
            || !self.config.before_all.is_empty()
        {
            // what it makes is there once it has run
            return Ok(Vec::new());
        }
        let changing: BTreeSet<&ModelName> = plan.makes().map(|step| &step.model).collect();
        let makes = plan.steps.iter().filter(|step| matches!(step.work, Work::Make { .. }));
        let is_there = |model: &Model| {
            let mut parents = project.built_from(model).into_iter();
            parents.all(|parent| {
                // one that is filled again may have other columns then
                let is_still = !changing.contains(&parent);
                is_still && tables.get(&parent).is_some_and(|table| state.existing(table).is_some())
            })
        };
        let models = makes.filter_map(|step| Some((step, project.model(&step.model)?)));
        let plain = |model: &Model| model.seed.is_none() && model.files.is_empty() && model.outside_files.is_empty();
        let ready: Vec<_> = models.filter(|(_, model)| plain(model) && is_there(model)).take(MOST).collect();
        if ready.is_empty() {
            return Ok(Vec::new());
        }
        let Some(warehouse) = self.read_warehouse()? else { return Ok(Vec::new()) };
        let mut problems = Vec::new();
        for (step, model) in ready {
            let Ok(build) = self.build_of(prepared, model, step, &tables, state) else { continue };
            let Some(select) = query(&build).filter(|_| !build.has_statements()) else { continue };
            let bound = warehouse.describe("planning", select);
            if let Err(WarehouseError::Engine { doing, message }) = bound
                && message.contains("Binder Error")
            {
                let error = WarehouseError::Engine { doing, message };
                let told = self.build_failed(prepared, model, &build, error, state)?;
                problems.push(Diagnostic { what: format!("`{}` can't be built as it is", model.name), ..told });
            }
        }
        Ok(problems)
    }
}

/// The query of a build.
fn query(build: &Build) -> Option<&str> {
    match &build.body {
        Body::Table(select) | Body::View(select) => Some(select),
        Body::Loads(fill) => Some(&fill.first),
        Body::Seed { .. } => None,
    }
}
