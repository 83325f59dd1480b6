//! Filling incremental tables, as far as DuckDB has its own ways.

use super::Database;
use crate::adapter::engine::WarehouseError;
use crate::adapter::engine::incremental::{Filling, Loading};
use crate::domain::environment::Column;
use crate::domain::evolution::Fitting;
use crate::domain::model::{Around, Run};
use crate::domain::name::TableName;

impl Loading for Database {
    fn run_one(&self, doing: &str, sql: &str) -> Result<(), WarehouseError> {
        Self::run_one(self, doing, sql)
    }
}

impl Filling for Database {
    fn run_statement(&self, doing: &str, statement: &Run) -> Result<(), WarehouseError> {
        Self::run_one(self, doing, &statement.sql).map_err(|error| error.of_statement(statement))
    }

    fn around<T>(
        &self,
        around: &Around,
        work: impl FnOnce(&Self) -> Result<T, WarehouseError>,
    ) -> Result<T, WarehouseError> {
        Self::around(self, around, work)
    }

    fn remake(&self, doing: &str, table: &TableName, select: &str) -> Result<(), WarehouseError> {
        Self::run_one(self, doing, &format!("CREATE OR REPLACE TABLE {} AS\n{select}", table.quoted()))
    }

    fn reshape(&self, doing: &str, _table: &TableName, fitting: &Fitting) -> Result<(), WarehouseError> {
        fitting.alter.iter().try_for_each(|statement| self.run(doing, statement))
    }

    fn show_columns(&self, table: &TableName) -> Result<Vec<Column>, WarehouseError> {
        Self::show_columns(self, table)
    }

    fn is_waited_at(&self) -> bool {
        self.location.door.is_waited_at()
    }
}
