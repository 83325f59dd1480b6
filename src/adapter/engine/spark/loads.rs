//! Filling incremental tables: each load makes its rows an attempt, and says what of the table counts besides.

use super::attempts::Attempt;
use super::content::Content;
use super::{Database, error};
use crate::adapter::engine::incremental::{Filling, Loading, Put, record};
use crate::adapter::engine::records::Ledger;
use crate::adapter::engine::{Tables, WarehouseError};
use crate::domain::engine_kind::EngineKind;
use crate::domain::environment::Column;
use crate::domain::evolution::Fitting;
use crate::domain::model::{Around, By, Run};
use crate::domain::name::TableName;

const ENGINE: EngineKind = EngineKind::Spark;

impl Loading for Database {
    fn run_one(&self, doing: &str, sql: &str) -> Result<(), WarehouseError> {
        self.server()?.run(doing, &self.as_it_is(sql))
    }

    fn make_waiting(&self, doing: &str, name: &str, query: &str) -> Result<(), WarehouseError> {
        let waiting = TableName { schema: ENGINE.temporary().to_owned(), name: name.to_owned() };
        let attempt = self.make_attempt(doing, &TableName::physical(name.to_owned()), query)?;
        let rows = attempt.table.quoted();
        let mut in_flight = self.in_flight.borrow_mut();
        in_flight.insert(waiting.to_string(), rows.clone());
        in_flight.insert(waiting.quoted(), rows);
        Ok(())
    }

    fn forget_waiting(&self, _doing: &str, name: &str) -> Result<(), WarehouseError> {
        // the rows go with those that nobody needs, once the load has ended
        let waiting = TableName { schema: ENGINE.temporary().to_owned(), name: name.to_owned() };
        let mut in_flight = self.in_flight.borrow_mut();
        in_flight.remove(&waiting.to_string());
        in_flight.remove(&waiting.quoted());
        Ok(())
    }

    fn empty(&self, _doing: &str, table: &TableName) -> Result<(), WarehouseError> {
        let Some(mut content) = self.content(table)? else { return Ok(()) };
        content.empty();
        self.has_rows(table, &content, true)
    }

    fn put(&self, doing: &str, table: &TableName, put: &Put<'_>) -> Result<(), WarehouseError> {
        let mut content = self.content(table)?.unwrap_or_default();
        match &put.fill.by {
            By::TimeRange { .. } => {
                let attempt = self.make_attempt(doing, table, &put.new_rows(ENGINE))?;
                content.take_out(put.span, put.within);
                content.add(&attempt.table, Some(put.span));
            }
            By::Unmanaged(false) => {
                let attempt = self.make_attempt(doing, table, &put.new_rows(ENGINE))?;
                content.add(&attempt.table, None);
            }
            By::UniqueKey(_) | By::Partition(_) | By::Unmanaged(true) | By::History(_) => {
                content = Content::of(&self.rewritten(doing, table, put)?.table);
            }
        }
        if content.is_scattered() {
            content = Content::of(&self.make_attempt(doing, table, &content.sql())?.table);
        }
        self.has_rows(table, &content, true)
    }
}

impl Filling for Database {
    fn run_statement(&self, _doing: &str, _statement: &Run) -> Result<(), WarehouseError> {
        Err(error::not_yet("statements around a query"))
    }

    fn around<T>(
        &self,
        _around: &Around,
        work: impl FnOnce(&Self) -> Result<T, WarehouseError>,
    ) -> Result<T, WarehouseError> {
        work(self)
    }

    fn remake(&self, doing: &str, table: &TableName, select: &str) -> Result<(), WarehouseError> {
        let attempt = self.make_attempt(doing, table, select)?;
        self.has_rows(table, &Content::of(&attempt.table), true)
    }

    fn reshape(&self, _doing: &str, table: &TableName, fitting: &Fitting) -> Result<(), WarehouseError> {
        let old = self.columns(table)?;
        let mut content = self.content(table)?.unwrap_or_default();
        content.reshape(&fitting.columns, &old);
        self.has_rows(table, &content, true)
    }

    fn show_columns(&self, table: &TableName) -> Result<Vec<Column>, WarehouseError> {
        // its view follows
        record(self, table)
    }

    fn is_waited_at(&self) -> bool {
        self.location.door.is_waited_at()
    }
}

impl Database {
    /// All rows of a table as they are after a load.
    fn rewritten(&self, doing: &str, table: &TableName, put: &Put<'_>) -> Result<Attempt, WarehouseError> {
        let name = table.quoted();
        let versions = put.versions(ENGINE, &name);
        if let Some((waiting, query)) = &versions {
            self.make_waiting(doing, waiting, query)?;
        }
        let attempt = self.make_attempt(doing, table, &put.all_rows(ENGINE, &name))?;
        if let Some((waiting, _)) = versions {
            self.forget_waiting(doing, waiting)?;
        }
        Ok(attempt)
    }

    /// A text as it is to be sent: a table that the transaction has changed is what it will be, since Spark shows that only
    /// afterwards.
    pub(super) fn as_it_is(&self, sql: &str) -> String {
        let mut sql = sql.to_owned();
        for (name, rows) in self.in_flight.borrow().iter() {
            sql = sql.replace(name.as_str(), rows);
        }
        sql
    }

    /// From now on, to the end of the transaction, a table is what a query gives, and so are the views of models that read it.
    pub(super) fn takes_off(&self, table: &TableName, query: &str) -> Result<(), WarehouseError> {
        let mut changed = vec![(table.quoted(), query.to_owned())];
        while let Some((name, query)) = changed.pop() {
            for known in Ledger(self).tables("kind = 'VIEW'")?.into_values() {
                let reads = known.select.as_ref().filter(|select| select.contains(&name));
                changed
                    .extend(reads.map(|select| (known.table.quoted(), select.replace(&name, &format!("({query})")))));
            }
            self.in_flight.borrow_mut().insert(name, format!("({query})"));
        }
        Ok(())
    }

    /// Forgets what was changed by a transaction that has ended, or begins.
    pub(super) fn land(&self) {
        self.in_flight.borrow_mut().clear();
    }
}
