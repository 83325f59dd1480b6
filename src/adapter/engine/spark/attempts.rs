//! Attempts to fill tables. Each has a name of its own, since two at once under one name leave the rows of both; and is on record
//! before it is sent, since Spark goes on with it when whoever sent it is gone.

use super::Database;
use super::connection::{self, operation};
use super::journal::{Owner, Statement};
use crate::adapter::engine::WarehouseError;
use crate::adapter::engine::records::Value;
use crate::domain::name::{TableName, literal};

const DOING: &str = "recording an attempt";

/// Rows that may become a table's.
pub(super) struct Attempt {
    /// The table of them.
    pub(super) table: TableName,
    /// The server's number of the statement that makes it.
    pub(super) operation: String,
}

impl Database {
    /// Puts an attempt on record that is about to be made.
    pub(super) fn attempt(&self, table: &TableName) -> Result<Attempt, WarehouseError> {
        let operation = operation();
        let ending = &blake3::hash(operation.as_bytes()).to_hex()[..8];
        let attempt = Attempt { table: TableName::physical(format!("{}__{ending}", table.name)), operation };
        let row: [Value; 5] = [
            attempt.table.name.as_str().into(),
            self.owner.name().into(),
            self.server()?.session().into(),
            attempt.operation.as_str().into(),
            false.into(),
        ];
        self.records.insert(DOING, "spark_attempts", &[row.to_vec()])?;
        Ok(attempt)
    }

    /// Drops an attempt that came to nothing. What can't be dropped now is dropped by the next vmesh.
    pub(super) fn give_up(&self, attempt: &Attempt) {
        let drop = format!("DROP TABLE IF EXISTS {}", attempt.table.quoted());
        if self.server().and_then(|server| server.run(DOING, &drop)).is_ok() {
            let _ = self.records.run(DOING, &forget(&attempt.table.name));
        }
    }

    /// From now on, a table has the rows of an attempt; those that it had are kept for who reads them now, where anyone could.
    /// To be called within a transaction of the records.
    pub(super) fn has_rows_of(&self, table: &TableName, attempt: &str, is_read: bool) -> Result<(), WarehouseError> {
        let (name, rows) = (literal(&table.name), literal(attempt));
        let before = if is_read { "spark_tables.attempt" } else { "NULL" };
        let sql = format!(
            "UPDATE vmesh_state.spark_attempts SET is_kept = true WHERE attempt = {rows};\n\
             INSERT INTO vmesh_state.spark_tables VALUES ({name}, {rows}, NULL) ON CONFLICT (table_name) DO UPDATE SET \
             before = CASE WHEN spark_tables.attempt = excluded.attempt THEN spark_tables.before ELSE {before} END, \
             attempt = excluded.attempt;\n"
        );
        self.records.run(DOING, &sql)?;
        self.put_off(vec![move_to(&table.quoted(), &TableName::physical(attempt.to_owned()).quoted())])
    }

    /// The attempt whose rows a table has.
    pub(super) fn rows_of(&self, table: &TableName) -> Result<Option<String>, WarehouseError> {
        let sql = format!("SELECT attempt FROM vmesh_state.spark_tables WHERE table_name = {}", literal(&table.name));
        self.records.all(DOING, &sql)?.first().map(|row| row.get(0)).transpose()
    }

    /// Drops the rows that no table has any more, nor had just before: who reads those may end. Those that can't be dropped now
    /// go the next time.
    pub(super) fn drop_free(&self) -> Result<(), WarehouseError> {
        let sql = "SELECT attempt FROM vmesh_state.spark_attempts WHERE is_kept AND attempt NOT IN \
                   (SELECT attempt FROM vmesh_state.spark_tables UNION SELECT before FROM vmesh_state.spark_tables \
                   WHERE before IS NOT NULL)";
        for row in self.records.all(DOING, sql)? {
            let name: String = row.get(0)?;
            let drop = format!("DROP TABLE IF EXISTS {}", TableName::physical(name.clone()).quoted());
            if self.server()?.run("dropping rows of before", &drop).is_ok() {
                self.records.run(DOING, &forget(&name))?;
            }
        }
        Ok(())
    }

    /// Stops and drops the attempts of those who are gone.
    pub(super) fn stop_orphans(&self) -> Result<(), WarehouseError> {
        let gone = Owner::is_gone();
        let sql =
            format!("SELECT attempt, session, operation FROM vmesh_state.spark_attempts WHERE NOT is_kept AND {gone}");
        for row in self.records.all(DOING, &sql)? {
            let (name, session, operation): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
            // a session that the server has forgotten has nothing that runs
            let _ = connection::interrupt(&connection::address(&self.location)?, &session, Some(&operation));
            let drop = format!("DROP TABLE IF EXISTS {}", TableName::physical(name.clone()).quoted());
            self.server()?.run("dropping what a vmesh left that was stopped", &drop)?;
            self.records.run(DOING, &forget(&name))?;
        }
        Ok(())
    }
}

/// The change by which a view shows another table: at once for its readers, which making it anew would not be.
pub(super) fn move_to(view: &str, table: &str) -> Statement {
    Statement { sql: format!("ALTER VIEW {view} AS SELECT * FROM {table}"), otherwise: Some(show(view, table)) }
}

/// The statement that makes a view that shows a table, and follows it when that gets other columns.
pub(super) fn show(view: &str, table: &str) -> String {
    format!("CREATE OR REPLACE VIEW {view} WITH SCHEMA EVOLUTION AS SELECT * FROM {table}")
}

fn forget(attempt: &str) -> String {
    format!("DELETE FROM vmesh_state.spark_attempts WHERE attempt = {}", literal(attempt))
}
