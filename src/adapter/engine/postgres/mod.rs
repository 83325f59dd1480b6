//! The engine that is PostgreSQL (14 or newer). The only place that imports `postgres`.
//!
//! One vmesh writes at a time, as with a DuckDB file: it holds an advisory lock of the database, which the server takes
//! back when its connection ends, however that is. Readers need none.

mod build;
mod error;
mod filling;
mod limits;
mod open;
mod password;
mod query;
mod referee;
mod roles;
mod same_rows;
mod seed;
mod service;
mod session;
mod statements;
mod swap;
mod tls;
mod vet;
mod wrong;

use std::cell::RefCell;
use std::sync::Arc;

use postgres::Client;

use self::open::Turn;
pub(super) use self::open::records;
use super::records::{Caps, Ledger};
use super::{Location, Warehouse, WarehouseError};

/// The engine.
pub(super) struct Postgres;

/// An open warehouse: a connection to it.
struct Database {
    client: RefCell<Client>,
    /// The right to write, if it was opened for that.
    turn: Option<Arc<Turn>>,
    /// Is there as long as the connection is: what is closed has nothing to be cancelled.
    _open: Arc<()>,
    location: Location,
    caps: Caps,
}

impl Warehouse for Database {}

impl Database {
    /// Nothing new begins once an end was asked for.
    fn go_on(&self) -> Result<(), WarehouseError> {
        if self.location.interrupt.is_requested() { Err(WarehouseError::Interrupted) } else { Ok(()) }
    }

    /// Runs statements of vmesh's own.
    fn run(&self, doing: &str, sql: &str) -> Result<(), WarehouseError> {
        self.go_on()?;
        self.client.borrow_mut().batch_execute(sql).map_err(|error| self.failed(doing, sql, &error))
    }

    /// Runs one statement with text of the user's in it: the server refuses a second one.
    fn run_one(&self, doing: &str, sql: &str) -> Result<u64, WarehouseError> {
        self.go_on()?;
        self.client.borrow_mut().execute(sql, &[]).map_err(|error| self.failed(doing, sql, &error))
    }

    fn transaction<T>(
        &self,
        doing: &str,
        work: impl FnOnce(&Self) -> Result<T, WarehouseError>,
    ) -> Result<T, WarehouseError> {
        Ledger(self).transaction(doing, |_| work(self))
    }
}
