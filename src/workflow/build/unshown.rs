//! Building what no environment shows, yet or ever: a merge ahead of time, what a check asks for.

use super::{Job, Turned, Work};
use crate::adapter::engine::Warehouse;
use crate::domain::name::ModelName;
use crate::domain::plan::Plan;
use crate::workflow::error::Error;
use crate::workflow::planning::Prepared;
use crate::workflow::session::Session;

/// Tables that are built and shown nowhere.
pub(in crate::workflow) struct Unshown {
    /// The warehouse, still open.
    pub(in crate::workflow) warehouse: Box<dyn Warehouse>,
    /// The plan, of which nothing is left to be made.
    pub(in crate::workflow) plan: Plan,
    /// The models that were built.
    pub(in crate::workflow) built: Vec<ModelName>,
}

impl Session<'_> {
    /// Builds what a target's plan lacks, as far as `part` keeps it.
    pub(in crate::workflow) fn build_unshown(
        &self,
        prepared: &Prepared,
        mut warehouse: Box<dyn Warehouse>,
        part: &dyn Fn(Plan) -> Plan,
    ) -> Result<Unshown, Error> {
        let scope = self.scope_of(&prepared.target.environment);
        let mut work = Work::default();
        loop {
            let state = warehouse.state(&scope)?;
            let plan = part(prepared.plan(self, &state)?);
            let job = Job { prepared, plan: &plan, warehouse: &*warehouse, state: &state };
            match self.inside(|| self.build_all(job, &mut work))? {
                Turned::Out => return Ok(Unshown { warehouse, plan, built: work.built }),
                Turned::Less => {}
                Turned::Over => warehouse = self.give_way(warehouse)?,
            }
        }
    }
}
