//! Running the statements around a model's query, and taking back what they made in their session.

use super::Database;
use crate::adapter::engine::{BuildError, Roles, Statements, WarehouseError};
use crate::domain::model::{Around, Run};
use crate::domain::name::{TableName, literal};

const DOING: &str = "running statements";

impl Statements for Database {
    fn together(&self, statements: &[Run]) -> Result<(), WarehouseError> {
        self.session()?.transaction(DOING, |warehouse| {
            let run =
                |statement: &Run| warehouse.run(DOING, &statement.sql).map_err(|error| error.of_statement(statement));
            statements.iter().try_for_each(run)
        })
    }

    fn hidden(&self, macros: &[String]) -> Result<Option<String>, WarehouseError> {
        if macros.is_empty() {
            return Ok(None);
        }
        let names = macros.iter().map(|name| literal(&name.to_lowercase())).collect::<Vec<_>>().join(", ");
        let sql = format!(
            "SELECT DISTINCT function_name FROM duckdb_functions() WHERE internal AND lower(function_name) IN ({names})"
        );
        Ok(self.all(DOING, &sql, |row| row.get::<_, String>(0))?.into_iter().next())
    }
}

impl Database {
    /// Runs `load` between a model's statements. What these made in the session is gone afterwards: neither audits and
    /// records nor other models see it. To be called within a transaction.
    pub(super) fn around<T>(
        &self,
        around: &Around,
        load: impl FnOnce(&Self) -> Result<T, WarehouseError>,
    ) -> Result<T, WarehouseError> {
        if around.is_empty() {
            return load(self);
        }
        self.hide_nothing(&around.macros)?;
        self.each(&around.before)?;
        let loaded = load(self)?;
        self.each(&around.after)?;
        around.undo.iter().try_for_each(|undo| self.run(DOING, undo))?;
        Ok(loaded)
    }

    /// Runs a model's statements, and leaves what they make.
    pub(super) fn each(&self, statements: &[Run]) -> Result<(), WarehouseError> {
        let run = |statement: &Run| self.run_one(DOING, &statement.sql).map_err(|error| error.of_statement(statement));
        statements.iter().try_for_each(run)
    }

    fn hide_nothing(&self, macros: &[String]) -> Result<(), WarehouseError> {
        match self.hidden(macros)? {
            Some(name) => {
                let message = format!("a macro called `{name}` would hide the engine's own function of that name");
                Err(WarehouseError::Engine { doing: DOING.to_owned(), message })
            }
            None => Ok(()),
        }
    }
}

impl Roles for Database {
    fn could_write(&self, _role: &str, _views: &[TableName]) -> Result<Vec<String>, WarehouseError> {
        let what = "DuckDB has no roles: who may write the file may do all".to_owned();
        Err(BuildError::Unfit { what, help: "vmesh doctor looks at the rest" }.into())
    }
}
