//! Places where models should be shown, and where something stands that vmesh did not make: told before anything is built.

use std::collections::BTreeMap;

use super::error::Error;
use super::planning::Prepared;
use super::session::Session;
use crate::adapter::warehouse::{Occupied, WarehouseError};
use crate::domain::model::Kind;
use crate::domain::name::{EnvName, ModelName, TableName};
use crate::domain::plan::Plan;

impl Session<'_> {
    /// That nothing stands where a plan's views would go.
    pub fn check_places(&self, plan: &Plan) -> Result<(), Error> {
        match self.read_warehouse()? {
            Some(warehouse) => Ok(warehouse.check_free(&plan.views())?),
            None => Ok(()),
        }
    }

    /// What stands where prod would show the models of a branch, once it is merged.
    pub fn taken_in_prod(&self, prepared: &Prepared) -> Result<Vec<Occupied>, Error> {
        let Some(warehouse) = self.read_warehouse()? else { return Ok(Vec::new()) };
        let shown = prepared.desired.project.models().filter(|model| model.kind != Kind::Embedded);
        let place = |name: &ModelName| name.view(&EnvName::prod(), self.config.pattern);
        let places: BTreeMap<ModelName, TableName> =
            shown.map(|model| (model.name.clone(), place(&model.name))).collect();
        match warehouse.check_free(&places) {
            Ok(()) => Ok(Vec::new()),
            Err(WarehouseError::Occupied(taken)) => Ok(taken),
            Err(error) => Err(error.into()),
        }
    }
}
