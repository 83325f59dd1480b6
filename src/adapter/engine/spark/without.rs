//! What stands in the place of a session where vmesh was built without Spark's client.

use super::error;
use crate::adapter::engine::{Location, OpenError, WarehouseError};

/// A session that can't be had.
pub(super) struct Connection {
    never: std::convert::Infallible,
}

impl Connection {
    pub(super) fn open(_location: &Location) -> Result<Self, WarehouseError> {
        let message = error::said("this vmesh was built without Spark: cargo install vmesh --features spark");
        Err(OpenError::CannotOpen { path: "Spark".into(), message }.into())
    }

    pub(super) fn session(&self) -> &str {
        match self.never {}
    }

    pub(super) fn limit(&self, _seconds: u64) {
        match self.never {}
    }

    pub(super) fn run(&self, _doing: &str, _sql: &str) -> Result<(), WarehouseError> {
        match self.never {}
    }

    pub(super) fn run_as(&self, _doing: &str, _sql: &str, _operation: &str) -> Result<(), WarehouseError> {
        match self.never {}
    }

    pub(super) fn rows(&self, _doing: &str, _sql: &str) -> Result<Vec<Vec<Option<String>>>, WarehouseError> {
        match self.never {}
    }
}

pub(super) fn interrupt(_url: &str, _session: &str, _operation: Option<&str>) -> Result<(), String> {
    Ok(())
}

pub(super) fn address(_location: &Location) -> Result<String, WarehouseError> {
    Ok(String::new())
}

pub(super) fn operation() -> String {
    String::new()
}
