//! Running the statements around a model's query, and taking back what they made in their session.

use super::Database;
use crate::adapter::engine::incremental::Filling;
use crate::adapter::engine::{Statements, WarehouseError};
use crate::domain::model::{Around, Run};

const DOING: &str = "running statements";

impl Statements for Database {
    fn together(&self, statements: &[Run]) -> Result<(), WarehouseError> {
        if statements.is_empty() {
            return Ok(());
        }
        let session = Self::connect(&self.location, self.turn.clone())?;
        session.transaction(DOING, |session| {
            // main's settings mean names as their owner does elsewhere
            session.run(DOING, "SET LOCAL search_path TO DEFAULT")?;
            let run =
                |statement: &Run| session.run(DOING, &statement.sql).map_err(|error| error.of_statement(statement));
            statements.iter().try_for_each(run)
        })
    }

    fn hidden(&self, _macros: &[String]) -> Result<Option<String>, WarehouseError> {
        // what is in another schema hides nothing from vmesh
        Ok(None)
    }
}

impl Database {
    /// Runs `work` between a model's statements. What these made in the session is gone afterwards: neither audits and
    /// records nor other models see it. To be called within a transaction.
    pub(super) fn around<T>(
        &self,
        around: &Around,
        work: impl FnOnce(&Self) -> Result<T, WarehouseError>,
    ) -> Result<T, WarehouseError> {
        self.each(&around.before)?;
        let done = work(self)?;
        self.each(&around.after)?;
        around.undo.iter().try_for_each(|undo| self.run(DOING, undo))?;
        if !around.is_empty() {
            // whatever statements may have done to the session, vmesh's own mean what they say
            self.run(DOING, super::open::MEANING)?;
        }
        Ok(done)
    }

    fn each(&self, statements: &[Run]) -> Result<(), WarehouseError> {
        statements.iter().try_for_each(|statement| self.run_statement(DOING, statement))
    }
}
