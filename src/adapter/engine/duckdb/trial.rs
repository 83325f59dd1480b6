//! Trying a model out: given rows in, expected rows compared, in a database in memory that nobody else sees.

use std::path::PathBuf;
use std::sync::Arc;

use duckdb::{Config, Connection};

use super::instance::Instance;
use super::{Database, scratch};
use crate::adapter::engine::{Access, Difference, Door, Location, OpenError, Rows, Trial, WarehouseError};
use crate::domain::config::Limits;

const DOING: &str = "running a unit test";

impl Trial {
    /// Runs the test; no difference is a pass. What the engine says of a wrong query is an error. `location` tells how
    /// it is stopped, and its limits.
    pub(super) fn run(&self, location: &Location) -> Result<Vec<Difference>, WarehouseError> {
        let warehouse = in_memory(location)?;
        warehouse.within_limit(|| {
            self.make_macros(&warehouse);
            self.run_in(&warehouse)
        })
    }

    /// The rows that each check's query gives.
    pub(super) fn results(&self, location: &Location) -> Result<Vec<Rows>, WarehouseError> {
        let warehouse = in_memory(location)?;
        warehouse.within_limit(|| {
            self.make_macros(&warehouse);
            self.results_in(&warehouse)
        })
    }

    /// Makes the macros that queries may call.
    fn make_macros(&self, warehouse: &Database) {
        for statement in &self.macros {
            // one may name tables that only the warehouse has: whoever calls it is told that it is not there
            let _ = warehouse.run(DOING, statement);
        }
    }
}

/// A database in memory: one of several that run at the same time, which share what one may take.
pub(super) fn in_memory(location: &Location) -> Result<Database, WarehouseError> {
    // a test reads what it is given; the zone, and what extensions compute, are those of the models
    let access = Access { opening: location.access.opening.clone(), ..Access::default() };
    in_memory_with(location, access)
}

/// A database in memory that has this beside it.
pub(super) fn in_memory_with(location: &Location, access: Access) -> Result<Database, WarehouseError> {
    let path = PathBuf::from(":memory:");
    let cannot = |message: String| OpenError::CannotOpen { path: path.clone(), message };
    let scratch = tempfile::tempdir().map_err(|error| cannot(error.to_string()))?;
    let settings = Config::default()
        .with("threads", "1")
        .and_then(|config| config.with("temp_directory", scratch::spill(&scratch)))
        .map_err(|error| cannot(error.to_string()))?;
    super::with_icu();
    let connection = Connection::open_in_memory_with_flags(settings).map_err(|error| cannot(error.to_string()))?;
    location.interrupt.leaves(scratch.path());
    let limits = share(&location.limits);
    let location = Location { limits, access, door: Door::default(), ..location.at(path.clone()) };
    let instance = Instance::new(connection, Arc::new(scratch), false);
    let warehouse = Database::of(instance.clone(), &location)?;
    instance.set_message_filter(warehouse.open_attached()?);
    warehouse.lock_down()?;
    Ok(warehouse)
}

/// The limits of one of as many databases as there are processors.
fn share(limits: &Limits) -> Limits {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    // what the settings name is what one of them may have
    let memory = limits.memory.clone().or_else(|| Some(format!("{}%", (80 / processors).max(5))));
    Limits { memory, ..limits.clone() }
}
