//! Attempts to fill tables. Each has a name of its own, since two at once under one name leave the rows of both; and is on record
//! before it is sent, since Spark goes on with it when whoever sent it is gone.

use std::collections::BTreeSet;

use super::Database;
use super::connection::{self, operation};
use super::content::Content;
use super::journal::{Owner, Statement};
use crate::adapter::engine::WarehouseError;
use crate::adapter::engine::records::Value;
use crate::domain::name::{TableName, literal};

const DOING: &str = "recording an attempt";

/// The owner of those that are rows of a table.
const KEPT: &str = "kept";

/// Rows that may become a table's.
pub(super) struct Attempt {
    /// The table of them.
    pub(super) table: TableName,
    /// The server's number of the statement that makes it.
    pub(super) operation: String,
}

/// An attempt on record.
struct Made {
    name: String,
    /// The session and the operation that made it, or make it still.
    session: String,
    operation: String,
}

impl Database {
    /// Puts an attempt on record that is about to be made: at once, whatever becomes of the transaction that it is made in.
    pub(super) fn attempt(&self, table: &TableName) -> Result<Attempt, WarehouseError> {
        let operation = operation();
        let ending = &blake3::hash(operation.as_bytes()).to_hex()[..8];
        let attempt = Attempt { table: TableName::physical(format!("{}__{ending}", table.name)), operation };
        let row: [Value; 4] = [
            attempt.table.name.as_str().into(),
            self.owner.name().into(),
            self.server()?.session().into(),
            attempt.operation.as_str().into(),
        ];
        self.aside()?.insert(DOING, "spark_attempts", &[row.to_vec()])?;
        Ok(attempt)
    }

    /// Makes an attempt of a query's rows, one line before the query.
    pub(super) fn make_attempt(&self, doing: &str, table: &TableName, query: &str) -> Result<Attempt, WarehouseError> {
        let attempt = self.attempt(table)?;
        let create = format!("CREATE TABLE {} AS\n{}", attempt.table.quoted(), self.as_it_is(query));
        let made = self.server()?.run_as(doing, &create, &attempt.operation);
        made.inspect_err(|_| self.give_up(&attempt)).map(|()| attempt)
    }

    /// Drops an attempt that came to nothing. What can't be dropped now is dropped by the next vmesh.
    pub(super) fn give_up(&self, attempt: &Attempt) {
        // the first error is the one to tell
        let _ = self.drop_attempt(&attempt.table.name);
    }

    fn drop_attempt(&self, name: &str) -> Result<(), WarehouseError> {
        let drop = format!("DROP TABLE IF EXISTS {}", TableName::physical(name.to_owned()).quoted());
        self.server()?.run("dropping rows that nobody needs", &drop)?;
        let sql = format!("DELETE FROM vmesh_state.spark_attempts WHERE attempt = {}", literal(name));
        self.aside()?.run(DOING, &sql)
    }

    /// From now on, a table has these rows; those that it had are kept for who reads them now, where anyone could. To be called
    /// within a transaction of the records.
    pub(super) fn has_rows(&self, table: &TableName, content: &Content, is_read: bool) -> Result<(), WarehouseError> {
        let (name, rows) = (literal(&table.name), literal(&content.json()));
        let before = if is_read { "spark_tables.content" } else { "NULL" };
        let sql = format!(
            "INSERT INTO vmesh_state.spark_tables VALUES ({name}, {rows}, NULL) ON CONFLICT (table_name) DO UPDATE SET \
             before = CASE WHEN spark_tables.content = excluded.content THEN spark_tables.before ELSE {before} END, \
             content = excluded.content"
        );
        self.records.run(DOING, &sql)?;
        self.takes_off(table, &content.sql())?;
        self.put_off(vec![move_to(&table.quoted(), &content.sql())])
    }

    /// The rows that a table has; none of what is no table.
    pub(super) fn content(&self, table: &TableName) -> Result<Option<Content>, WarehouseError> {
        let sql = format!("SELECT content FROM vmesh_state.spark_tables WHERE table_name = {}", literal(&table.name));
        let found = self.records.all(DOING, &sql)?;
        found.first().map(|row| row.get::<String>(0).map(|json| Content::read(&json))).transpose()
    }

    /// Drops the rows that no table has any more, nor had just before: who reads those may end. Those that can't be dropped now
    /// go the next time.
    pub(super) fn drop_free(&self) -> Result<(), WarehouseError> {
        let condition = format!("owner IN ('{KEPT}', {})", literal(self.owner.name()));
        let (used, free) = self.sorted_attempts(&condition)?;
        self.keep(&used)?;
        for Made { name, .. } in free {
            if self.drop_attempt(&name).is_err() {
                break;
            }
        }
        Ok(())
    }

    /// Stops and drops the attempts of those who are gone.
    pub(super) fn stop_orphans(&self) -> Result<(), WarehouseError> {
        let (used, orphans) = self.sorted_attempts(&orphaned())?;
        self.keep(&used)?;
        for Made { name, session, operation } in orphans {
            // a session that the server has forgotten has nothing that runs
            let _ = connection::interrupt(&connection::address(&self.location)?, &session, Some(&operation));
            self.drop_attempt(&name)?;
        }
        Ok(())
    }

    /// Those of some attempts that are rows of a table, and the others.
    fn sorted_attempts(&self, condition: &str) -> Result<(Vec<String>, Vec<Made>), WarehouseError> {
        let mut used: BTreeSet<String> = BTreeSet::new();
        for row in self.records.all(DOING, "SELECT content, before FROM vmesh_state.spark_tables")? {
            let (now, before): (String, Option<String>) = (row.get(0)?, row.get(1)?);
            [Some(now), before].into_iter().flatten().for_each(|json| used.extend(Content::read(&json).attempts()));
        }
        let sql =
            format!("SELECT attempt, session, operation, owner FROM vmesh_state.spark_attempts WHERE {condition}");
        let (mut kept, mut free) = (Vec::new(), Vec::new());
        for row in self.records.all(DOING, &sql)? {
            let (name, owner): (String, String) = (row.get(0)?, row.get(3)?);
            match used.contains(&name) {
                true if owner == KEPT => {}
                true => kept.push(name),
                false => free.push(Made { name, session: row.get(1)?, operation: row.get(2)? }),
            }
        }
        Ok((kept, free))
    }

    /// Puts on record that some attempts are rows of a table.
    fn keep(&self, attempts: &[String]) -> Result<(), WarehouseError> {
        if attempts.is_empty() {
            return Ok(());
        }
        let names: Vec<String> = attempts.iter().map(|name| literal(name)).collect();
        let sql =
            format!("UPDATE vmesh_state.spark_attempts SET owner = '{KEPT}' WHERE attempt IN ({})", names.join(", "));
        self.aside()?.run(DOING, &sql)
    }
}

/// The condition that an attempt is of nobody any more.
pub(super) fn orphaned() -> String {
    format!("owner <> '{KEPT}' AND {}", Owner::is_gone())
}

/// The change by which a view shows a query's rows: at once for its readers, which making it anew would not be.
pub(super) fn move_to(view: &str, query: &str) -> Statement {
    let (sql, otherwise) = (format!("ALTER VIEW {view} AS {query}"), Some(show_query(view, query)));
    Statement { target: view.to_owned(), sql, otherwise }
}

/// The statement that makes a view that shows a table, and follows it when that gets other columns.
pub(super) fn show(view: &str, table: &str) -> String {
    show_query(view, &format!("SELECT * FROM {table}"))
}

fn show_query(view: &str, query: &str) -> String {
    format!("CREATE OR REPLACE VIEW {view} WITH SCHEMA EVOLUTION AS {query}")
}
