//! Opening a warehouse: its records, wherever they lie, and what others have left undone.

use std::cell::{OnceCell, RefCell};
use std::path::PathBuf;
use std::time::Duration;

use super::journal::{Owner, RECORDS};
use super::scratch::Scratch;
use super::{Database, Spark, attempts, referee};
use crate::adapter::engine::duckdb::{self, DuckDb};
use crate::adapter::engine::postgres::{self, Postgres};
use crate::adapter::engine::records::{Caps, Clones, SqlSession};
use crate::adapter::engine::{
    Access, Difference, Engine, Location, Referee, Rows, Trial, Waiting, Warehouse, WarehouseError,
};
use crate::domain::engine_kind::EngineKind;
use crate::domain::name::SNAPSHOTS_SCHEMA;

/// The bytes that a name may have: 255, of which those of an attempt need ten.
const LONGEST_NAME: usize = 245;

impl Engine for Spark {
    fn exists(&self, location: &Location) -> bool {
        location.state.is_some() || location.path.exists()
    }

    fn read(&self, location: &Location, waiting: Waiting<'_>) -> Result<Option<Box<dyn Warehouse>>, WarehouseError> {
        if let Some(records) = records(location, false, waiting)? {
            let is_whole = has_records(&*records)?;
            let warehouse = Database::new(records, location, false);
            if is_whole && !warehouse.is_behind()? {
                return Ok(Some(Box::new(warehouse)));
            }
        } else {
            return Ok(None);
        }
        // what somebody began is done first, and that writes; who is at work does it himself
        match self.write(&location.with_patience(Duration::ZERO), &mut |_| ()) {
            Err(WarehouseError::Locked { .. }) => {}
            caught_up => drop(caught_up?),
        }
        let records = records(location, false, waiting)?;
        Ok(records.map(|records| Box::new(Database::new(records, location, false)) as Box<dyn Warehouse>))
    }

    fn write(&self, location: &Location, waiting: Waiting<'_>) -> Result<Box<dyn Warehouse>, WarehouseError> {
        Ok(Box::new(Database::open(location, waiting)?))
    }

    fn stamp(&self, location: &Location) -> Vec<(u64, u128)> {
        match &location.state {
            None => DuckDb.stamp(location),
            Some(_) => Postgres.stamp(&of_state(location)),
        }
    }

    fn test(&self, trial: &Trial, location: &Location) -> Result<Vec<Difference>, WarehouseError> {
        trial.run_in(&Scratch::open(location)?)
    }

    fn results(&self, trial: &Trial, location: &Location) -> Result<Vec<Rows>, WarehouseError> {
        trial.results_in(&Scratch::open(location)?)
    }

    fn referee(&self) -> Box<dyn Referee> {
        Box::new(referee::Words)
    }
}

impl Database {
    /// Opens for writing, and catches up with what others have left undone.
    pub(super) fn open(location: &Location, waiting: Waiting<'_>) -> Result<Self, WarehouseError> {
        let doing = "opening vmesh's records";
        let Some(records) = records(location, true, waiting)? else { return Err(super::error::not_yet("no records")) };
        let is_new = !has_records(&*records)?;
        let warehouse = Self::new(records, location, true);
        if is_new {
            // the records say that this was done
            let schema = crate::domain::name::quote(SNAPSHOTS_SCHEMA);
            warehouse.server()?.run(doing, &format!("CREATE SCHEMA IF NOT EXISTS {schema}"))?;
            warehouse.records.run(doing, RECORDS)?;
        }
        if warehouse.is_behind()? {
            warehouse.catch_up()?;
        }
        Ok(warehouse)
    }

    /// Another session of an open warehouse.
    pub(super) fn again(&self) -> Result<Self, WarehouseError> {
        match records(&self.location, self.is_written, &mut |_| ())? {
            Some(records) => Ok(Self::new(records, &self.location, self.is_written)),
            None => Err(WarehouseError::Interrupted),
        }
    }

    /// Another session of the records.
    pub(super) fn aside(&self) -> Result<&(dyn SqlSession + Send), WarehouseError> {
        if self.aside.get().is_none()
            && let Some(records) = records(&self.location, self.is_written, &mut |_| ())?
        {
            let _ = self.aside.set(records);
        }
        match self.aside.get() {
            Some(aside) => Ok(&**aside),
            None => Err(WarehouseError::Interrupted),
        }
    }

    fn new(records: Box<dyn SqlSession + Send>, location: &Location, is_written: bool) -> Self {
        let caps = Caps {
            engine: EngineKind::Spark,
            catalog: String::new(),
            begin_to_read: records.caps().begin_to_read,
            begin_to_publish: records.caps().begin_to_publish,
            show: attempts::show,
            clones: Clones::Shared,
            longest_name: LONGEST_NAME,
            has_plain_names: true,
            ..Caps::default()
        };
        Self {
            records,
            aside: OnceCell::new(),
            server: OnceCell::new(),
            in_flight: RefCell::default(),
            owner: Owner::new(),
            is_written,
            location: location.clone(),
            caps,
        }
    }
}

/// Where the records lie.
fn of_state(location: &Location) -> Location {
    let path =
        if location.state.is_some() { PathBuf::from("the database of the records") } else { location.path.clone() };
    // what models read besides is Spark's to know
    Location { server: location.state.clone(), path, access: Access::default(), ..location.clone() }
}

fn records(
    location: &Location,
    is_written: bool,
    waiting: Waiting<'_>,
) -> Result<Option<Box<dyn SqlSession + Send>>, WarehouseError> {
    match &location.state {
        None => duckdb::records(&of_state(location), is_written, waiting),
        Some(_) => postgres::records(&of_state(location), is_written, waiting),
    }
}

/// Whether the records have what Spark needs.
fn has_records(records: &dyn SqlSession) -> Result<bool, WarehouseError> {
    let sql = "SELECT count(*) > 0 FROM information_schema.tables WHERE table_schema = 'vmesh_state' AND table_name = 'spark_wrong'";
    records.all("looking for vmesh's records", sql)?.first().map_or(Ok(false), |row| row.get(0))
}
