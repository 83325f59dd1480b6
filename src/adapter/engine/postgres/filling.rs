//! Filling incremental tables, as far as PostgreSQL has its own ways.

use super::Database;
use crate::adapter::engine::incremental::{Filling, Loading, evolve_rows, record};
use crate::adapter::engine::{Tables, WarehouseError};
use crate::domain::environment::Column;
use crate::domain::evolution::Fitting;
use crate::domain::model::{Around, Run};
use crate::domain::name::{TableName, quote};

impl Loading for Database {
    fn run_one(&self, doing: &str, sql: &str) -> Result<(), WarehouseError> {
        Self::run_one(self, doing, sql).map(|_| ())
    }
}

impl Filling for Database {
    fn run_statement(&self, doing: &str, statement: &Run) -> Result<(), WarehouseError> {
        let run = || {
            self.look_at_statement(doing, statement)?;
            Self::run_one(self, doing, &statement.sql).map(|_| ())
        };
        run().map_err(|error| error.of_statement(statement))
    }

    fn around<T>(
        &self,
        around: &Around,
        work: impl FnOnce(&Self) -> Result<T, WarehouseError>,
    ) -> Result<T, WarehouseError> {
        Self::around(self, around, work)
    }

    fn remake(&self, doing: &str, table: &TableName, select: &str) -> Result<(), WarehouseError> {
        // readers wait until it has taken its place, but not for its rows
        let beside = self.beside(table)?;
        Self::run_one(self, doing, &format!("CREATE TABLE {} AS\n{select}", beside.quoted()))?;
        let rename = format!("ALTER TABLE {} RENAME TO {}", beside.quoted(), quote(&table.name));
        self.replace(doing, table, || self.run(doing, &rename))
    }

    fn reshape(&self, doing: &str, table: &TableName, fitting: &Fitting) -> Result<(), WarehouseError> {
        if fitting.only_adds {
            fitting.alter.iter().try_for_each(|statement| self.run(doing, statement))?;
            return self.follow(table, table);
        }
        // a column that views show can't be changed under them
        let old = self.columns(table)?;
        self.remake(doing, table, &evolve_rows(&fitting.columns, &old, &table.quoted()))
    }

    fn show_columns(&self, table: &TableName) -> Result<Vec<Column>, WarehouseError> {
        // what shows it was moved to it when it was made
        record(self, table)
    }

    fn is_waited_at(&self) -> bool {
        self.location.door.is_waited_at()
    }
}
