//! Rows that stopped a build, kept for people to look at: the table that they were found in is taken back.

use super::Database;
use crate::adapter::engine::records::{Row, SqlSession};
use crate::adapter::engine::{AuditFailure, WarehouseError, Wrong, WrongRows};
use crate::domain::name::{AUDITS_SCHEMA, TableName, literal, quote};

const DOING: &str = "keeping wrong rows";

impl WrongRows for Database {
    fn keep_wrong(&self, wrong: &Wrong, failure: &AuditFailure) -> Result<TableName, WarehouseError> {
        let table = TableName::wrong_rows(&wrong.environment, &wrong.model);
        let comment = serde_json::to_string(wrong).unwrap_or_default();
        let mut columns = failure.rows.columns.clone();
        for at in 0..columns.len() {
            while columns[..at].iter().any(|(name, _)| *name == columns[at].0) {
                columns[at].0.push('_');
            }
        }
        let list: Vec<String> = columns.iter().map(|(name, kind)| format!("{} {kind}", quote(name))).collect();
        let cell = |(value, (_, kind)): (&Option<String>, &(String, String))| match value {
            Some(value) => format!("CAST({} AS {kind})", literal(value)),
            None => "NULL".to_owned(),
        };
        let row = |row: &Vec<Option<String>>| {
            format!("({})", row.iter().zip(&columns).map(cell).collect::<Vec<_>>().join(", "))
        };
        let rows: Vec<String> = failure.rows.rows.iter().map(row).collect();
        let insert =
            if rows.is_empty() { String::new() } else { format!("INSERT INTO {table} VALUES {};", rows.join(", ")) };
        let sql = format!(
            "CREATE SCHEMA IF NOT EXISTS {AUDITS_SCHEMA}; DROP TABLE IF EXISTS {table}; CREATE TABLE {table} ({}); \
             COMMENT ON TABLE {table} IS {}; {insert}",
            list.join(", "),
            literal(&comment)
        );
        self.transaction(DOING, |warehouse| warehouse.run(DOING, &sql))?;
        Ok(table)
    }

    fn wrong(&self) -> Result<Vec<(TableName, Option<Wrong>)>, WarehouseError> {
        let sql = format!(
            "SELECT relname, obj_description(oid, 'pg_class') FROM pg_class \
             WHERE relkind = 'r' AND relnamespace = to_regnamespace('{AUDITS_SCHEMA}')"
        );
        let read = |row: &Row| {
            let (name, comment): (String, Option<String>) = (row.get(0)?, row.get(1)?);
            let wrong = comment.and_then(|comment| serde_json::from_str(&comment).ok());
            Ok((TableName { schema: AUDITS_SCHEMA.to_owned(), name }, wrong))
        };
        self.all(DOING, &sql)?.iter().map(read).collect()
    }

    fn forget_wrong(&self, tables: &[TableName]) -> Result<(), WarehouseError> {
        let drop = |table: &TableName| format!("DROP TABLE IF EXISTS {};\n", table.quoted());
        let drops: String = tables.iter().map(drop).collect();
        if drops.is_empty() { Ok(()) } else { self.run(DOING, &drops) }
    }
}
