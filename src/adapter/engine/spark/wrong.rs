//! Rows that stopped a build, kept for people to look at: the attempt that they were found in is dropped.

use super::Database;
use super::seed::{cell, rows_of};
use crate::adapter::engine::records::Row;
use crate::adapter::engine::{AuditFailure, WarehouseError, Wrong, WrongRows};
use crate::domain::environment::Column;
use crate::domain::name::{AUDITS_SCHEMA, TableName, literal, quote};

const DOING: &str = "keeping wrong rows";

impl WrongRows for Database {
    fn keep_wrong(&self, wrong: &Wrong, failure: &AuditFailure) -> Result<TableName, WarehouseError> {
        let table = TableName::wrong_rows(&wrong.environment, &wrong.model);
        let mut columns = failure.rows.columns.clone();
        for at in 0..columns.len() {
            while columns[..at].iter().any(|(name, _)| name.eq_ignore_ascii_case(&columns[at].0)) {
                columns[at].0.push('_');
            }
        }
        // what has parts is kept as its text
        let as_text = |(name, kind): Column| (name, if kind.contains('<') { "string".to_owned() } else { kind });
        let columns: Vec<Column> = columns.into_iter().map(as_text).collect();
        let rows: Vec<Vec<String>> =
            failure.rows.rows.iter().map(|row| row.iter().map(|value| cell(value.as_deref())).collect()).collect();
        let server = self.server()?;
        server.run(DOING, &format!("CREATE SCHEMA IF NOT EXISTS {}", quote(AUDITS_SCHEMA)))?;
        server.run(DOING, &format!("DROP TABLE IF EXISTS {}", table.quoted()))?;
        server.run(DOING, &format!("CREATE TABLE {} AS\n{}", table.quoted(), rows_of(&columns, &rows)))?;
        let (name, said) = (literal(&table.name), literal(&serde_json::to_string(wrong).unwrap_or_default()));
        let sql = format!(
            "INSERT INTO vmesh_state.spark_wrong VALUES ({name}, {said}) ON CONFLICT (table_name) DO UPDATE SET wrong = excluded.wrong"
        );
        self.records.run(DOING, &sql)?;
        Ok(table)
    }

    fn wrong(&self) -> Result<Vec<(TableName, Option<Wrong>)>, WarehouseError> {
        let read = |row: &Row| {
            let (name, wrong): (String, String) = (row.get(0)?, row.get(1)?);
            Ok((TableName { schema: AUDITS_SCHEMA.to_owned(), name }, serde_json::from_str(&wrong).ok()))
        };
        self.records.all(DOING, "SELECT table_name, wrong FROM vmesh_state.spark_wrong")?.iter().map(read).collect()
    }

    fn forget_wrong(&self, tables: &[TableName]) -> Result<(), WarehouseError> {
        for table in tables {
            self.server()?.run(DOING, &format!("DROP TABLE IF EXISTS {}", table.quoted()))?;
            let name = literal(&table.name);
            self.records.run(DOING, &format!("DELETE FROM vmesh_state.spark_wrong WHERE table_name = {name}"))?;
        }
        Ok(())
    }
}
