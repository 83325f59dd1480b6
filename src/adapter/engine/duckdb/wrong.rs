//! Rows that stopped a build, kept for people to look at: the table that they were found in is taken back.

use super::Database;
use crate::adapter::engine::{AuditFailure, WarehouseError, Wrong, WrongRows};
use crate::domain::environment::Column;
use crate::domain::name::{AUDITS_SCHEMA, TableName, literal, quote};

const DOING: &str = "keeping wrong rows";

impl WrongRows for Database {
    fn keep_wrong(&self, wrong: &Wrong, failure: &AuditFailure) -> Result<TableName, WarehouseError> {
        let table = TableName::wrong_rows(&wrong.environment, &wrong.model);
        let comment = serde_json::to_string(wrong).unwrap_or_default();
        let mut columns = failure.rows.columns.clone();
        for at in 0..columns.len() {
            if columns[at].1 == "\"NULL\"" {
                // as the engine itself does where it makes a table of it
                columns[at].1 = "INTEGER".to_owned();
            }
            while columns[..at].iter().any(|(name, _)| name.eq_ignore_ascii_case(&columns[at].0)) {
                columns[at].0.push('_');
            }
        }
        let as_text: Vec<Column> = columns.iter().map(|(name, _)| (name.clone(), "VARCHAR".to_owned())).collect();
        let keep = |columns: &[Column]| {
            self.transaction(DOING, |warehouse| {
                let list: Vec<String> = columns.iter().map(|(name, kind)| format!("{} {kind}", quote(name))).collect();
                warehouse.run(
                    DOING,
                    &format!(
                        "CREATE SCHEMA IF NOT EXISTS {AUDITS_SCHEMA}; CREATE OR REPLACE TABLE {table} ({}); \
                         COMMENT ON TABLE {table} IS {};",
                        list.join(", "),
                        literal(&comment)
                    ),
                )?;
                let values: Vec<String> = columns.iter().map(|(_, kind)| format!("CAST(? AS {kind})")).collect();
                let insert = format!("INSERT INTO {table} VALUES ({})", values.join(", "));
                let failed = |error: duckdb::Error| warehouse.failed(DOING, &error);
                let mut insert = warehouse.connection.prepare(&insert).map_err(failed)?;
                for row in &failure.rows.rows {
                    insert.execute(duckdb::params_from_iter(row)).map_err(failed)?;
                }
                Ok(())
            })
        };
        // not each type can be said by its name, or be read from a text
        keep(&columns).or_else(|_| keep(&as_text))?;
        Ok(table)
    }

    fn wrong(&self) -> Result<Vec<(TableName, Option<Wrong>)>, WarehouseError> {
        let sql = format!(
            "SELECT table_name, comment FROM duckdb_tables() \
             WHERE database_name = current_database() AND schema_name = '{AUDITS_SCHEMA}'"
        );
        self.all(DOING, &sql, |row| {
            let (name, comment): (String, Option<String>) = (row.get(0)?, row.get(1)?);
            let wrong = comment.and_then(|comment| serde_json::from_str(&comment).ok());
            Ok((TableName { schema: AUDITS_SCHEMA.to_owned(), name }, wrong))
        })
    }

    fn forget_wrong(&self, tables: &[TableName]) -> Result<(), WarehouseError> {
        let drop = |table: &TableName| format!("DROP TABLE IF EXISTS {};\n", table.quoted());
        self.run(DOING, &tables.iter().map(drop).collect::<String>())
    }
}
