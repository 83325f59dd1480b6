//! Incremental tables, filled by loads, in SQL that engines have in common.
//!
//! | file | is about |
//! |---|---|
//! | `fill` | one load after the other, and going on from an earlier version's rows |
//! | `columns` | a table whose columns change with what is loaded |
//! | `replace` | the statements that put new rows in the place of old ones |
//! | `history` | those of the kind SCD_TYPE_2 |
//!
//! An engine's session is [`Filling`]; the rest of what differs is in `domain::engine_kind`.

mod columns;
mod fill;
mod history;
mod replace;

pub(super) use self::columns::record;
pub(super) use self::fill::{Loader, evolve_rows};
use super::records::{FromText, SqlSession};
use super::{Ask, Records, Tables, WarehouseError};
use crate::domain::environment::Column;
use crate::domain::evolution::Fitting;
use crate::domain::model::{Around, Run};
use crate::domain::name::TableName;

/// Where the new rows wait: a temporary table of the session.
const NEW: &str = "vmesh_new";

/// A session that fills tables by loads.
pub(super) trait Filling: SqlSession + Tables + Records + Ask + Sized {
    /// Runs one statement with text of the user's in it, and no second one.
    fn run_one(&self, doing: &str, sql: &str) -> Result<(), WarehouseError>;

    /// Runs one of the statements around a query.
    fn run_statement(&self, doing: &str, statement: &Run) -> Result<(), WarehouseError>;

    /// Does something between a model's statements. To be called within a transaction.
    fn around<T>(
        &self,
        around: &Around,
        work: impl FnOnce(&Self) -> Result<T, WarehouseError>,
    ) -> Result<T, WarehouseError>;

    /// Makes a table of a query's rows, in place of what is there.
    fn remake(&self, doing: &str, table: &TableName, select: &str) -> Result<(), WarehouseError>;

    /// Changes a table's columns.
    fn reshape(&self, doing: &str, table: &TableName, fitting: &Fitting) -> Result<(), WarehouseError>;

    /// Makes anew what shows a table whose columns changed, and puts the columns on record; gives them.
    fn show_columns(&self, table: &TableName) -> Result<Vec<Column>, WarehouseError>;

    /// Whether somebody waits for the warehouse.
    fn is_waited_at(&self) -> bool;
}

/// The one value of a query.
fn one<T: FromText>(session: &impl SqlSession, doing: &str, sql: &str) -> Result<T, WarehouseError> {
    match session.all(doing, sql)?.first() {
        Some(row) => row.get(0),
        None => Err(WarehouseError::Engine { doing: doing.to_owned(), message: "no answer".to_owned() }),
    }
}
