//! Incremental tables, filled by loads, in SQL that engines have in common.
//!
//! | file | is about |
//! |---|---|
//! | `fill` | one load after the other, and going on from an earlier version's rows |
//! | `columns` | a table whose columns change with what is loaded |
//! | `replace` | the statements that put new rows in the place of old ones |
//! | `history` | those of the kind SCD_TYPE_2 |
//! | `rewrite` | the same as one query of all rows, where tables are never changed in place |
//!
//! An engine's session is [`Filling`]; the rest of what differs is in `domain::engine_kind`.

mod columns;
mod fill;
mod history;
mod replace;
mod rewrite;

pub(super) use self::columns::record;
pub(super) use self::fill::{Loader, evolve_rows};
pub(super) use self::replace::Put;
use super::records::{FromText, Row, SqlSession};
use super::{Ask, Records, Tables, WarehouseError};
use crate::domain::environment::Column;
use crate::domain::evolution::Fitting;
use crate::domain::model::{Around, Run};
use crate::domain::name::TableName;

/// Where the new rows wait: a temporary table of the session.
const NEW: &str = "vmesh_new";

/// How rows get into a table, and where they wait before.
pub(super) trait Loading: SqlSession {
    /// Runs one statement with text of the user's in it, and no second one.
    fn run_one(&self, doing: &str, sql: &str) -> Result<(), WarehouseError>;

    /// Makes a temporary table of a query's rows, one line before the query.
    fn make_waiting(&self, doing: &str, name: &str, query: &str) -> Result<(), WarehouseError> {
        self.run_one(doing, &format!("CREATE TEMP TABLE {name} AS\n{query}"))
    }

    /// Forgets a temporary table, if there is one.
    fn forget_waiting(&self, doing: &str, name: &str) -> Result<(), WarehouseError> {
        let schema = self.caps().engine.temporary();
        SqlSession::run(self, doing, &format!("DROP TABLE IF EXISTS {schema}.{name}"))
    }

    /// Takes all rows out of a table.
    fn empty(&self, doing: &str, table: &TableName) -> Result<(), WarehouseError> {
        SqlSession::run(self, doing, &format!("DELETE FROM {}", table.quoted()))
    }

    /// Puts the rows that wait into a table, in the place of those that they replace.
    fn put(&self, doing: &str, table: &TableName, put: &Put<'_>) -> Result<(), WarehouseError> {
        let statements = put.statements(self.caps().engine, &table.quoted());
        statements.iter().try_for_each(|statement| self.run_one(doing, statement))
    }
}

/// A session that fills tables by loads.
pub(super) trait Filling: Loading + Tables + Records + Ask + Sized {
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
fn one<T: FromText>(session: &impl Ask, doing: &str, sql: &str) -> Result<T, WarehouseError> {
    match session.rows(doing, sql, None)?.rows.pop() {
        Some(row) => Row(row).get(0),
        None => Err(WarehouseError::Engine { doing: doing.to_owned(), message: "no answer".to_owned() }),
    }
}
