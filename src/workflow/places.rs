//! Places where models should be shown, and where something stands that vmesh did not make: told before anything is built.

use std::collections::{BTreeMap, BTreeSet};

use super::error::Error;
use super::planning::Prepared;
use super::session::Session;
use crate::adapter::engine::{Occupied, WarehouseError};
use crate::domain::environment::State;
use crate::domain::model::Kind;
use crate::domain::name::{EnvName, ModelName, TableName};
use crate::domain::plan::Plan;
use crate::domain::project::Model;

impl Session<'_> {
    /// That nothing stands where a plan's views would go.
    pub fn check_places(&self, plan: &Plan) -> Result<(), Error> {
        let moves: BTreeSet<&ModelName> = plan.steps.iter().filter(|step| step.swap).map(|step| &step.model).collect();
        let mut places = plan.views();
        // where a view of vmesh's stays, nothing else is
        places.retain(|model, _| moves.contains(model));
        match self.read_warehouse()?.filter(|_| !places.is_empty()) {
            Some(warehouse) => Ok(warehouse.check_free(&places)?),
            None => Ok(()),
        }
    }

    /// What stands where prod would show the models of a branch, once it is merged.
    pub fn taken_in_prod(&self, prepared: &Prepared, state: &State) -> Result<Vec<Occupied>, Error> {
        let is_shown = |name: &ModelName| state.prod().is_some_and(|prod| prod.pointers.contains_key(name));
        let is_new = |model: &&Model| model.kind != Kind::Embedded && !is_shown(&model.name);
        let shown = prepared.desired.project.models().filter(is_new);
        let place = |name: &ModelName| name.view(&EnvName::prod(), self.config.pattern);
        let places: BTreeMap<ModelName, TableName> =
            shown.map(|model| (model.name.clone(), place(&model.name))).collect();
        let Some(warehouse) = self.read_warehouse()?.filter(|_| !places.is_empty()) else { return Ok(Vec::new()) };
        match warehouse.check_free(&places) {
            Ok(()) => Ok(Vec::new()),
            Err(WarehouseError::Occupied(taken)) => Ok(taken),
            Err(error) => Err(error.into()),
        }
    }
}
