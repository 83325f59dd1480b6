//! Which wrong rows are kept: those of the last build of a model for an environment, if an audit stopped it.

use super::background::failure::Stopped;
use super::error::Error;
use super::planning::Prepared;
use super::session::now;
use super::workspace::Workspace;
use crate::adapter::engine::{AuditFailure, BuildError, Warehouse, WarehouseError, Wrong};
use crate::domain::name::{BranchName, EnvName, ModelName, TableName};

impl Workspace {
    /// Keeps the rows that stopped a build, if an audit did.
    pub(super) fn keep_what_stopped(
        &self,
        prepared: &Prepared,
        warehouse: &dyn Warehouse,
        error: &mut WarehouseError,
    ) -> Option<Stopped> {
        let WarehouseError::Build(BuildError::Audit { model, failure }) = error else { return None };
        let target = &prepared.target;
        self.keep_wrong((&target.environment, &target.branch), warehouse, model, failure);
        Some(Stopped::of(model, failure))
    }

    /// Keeps wrong rows, and says in the failure where they are.
    pub(super) fn keep_wrong(
        &self,
        (environment, branch): (&EnvName, &BranchName),
        warehouse: &dyn Warehouse,
        model: &ModelName,
        failure: &mut AuditFailure,
    ) {
        let wrong = Wrong {
            environment: environment.clone(),
            branch: branch.clone(),
            model: model.clone(),
            audit: failure.name.clone(),
            at: now(),
        };
        // what the audit found is to be told, whether or not its rows can be kept
        failure.kept = warehouse.keep_wrong(&wrong, failure).ok();
    }

    /// Drops what was kept of models that are built now.
    pub(super) fn forget_wrong<'m>(
        &self,
        environment: &EnvName,
        warehouse: &dyn Warehouse,
        built: impl IntoIterator<Item = &'m ModelName>,
    ) -> Result<(), Error> {
        let table = |model| TableName::wrong_rows(environment, model);
        Ok(warehouse.forget_wrong(&built.into_iter().map(table).collect::<Vec<_>>())?)
    }
}
