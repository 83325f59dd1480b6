//! Running queries for people: rows as text, or written by the server.

use std::io::Read;

use super::{Database, error};
use crate::adapter::engine::records::SqlSession;
use crate::adapter::engine::{Ask, ExportFormat, Rows, WarehouseError};
use crate::domain::environment::Column;

impl Ask for Database {
    fn describe(&self, doing: &str, query: &str) -> Result<Vec<Column>, WarehouseError> {
        self.go_on()?;
        // a line before the query, as in what runs it
        let sent = format!("\n{}", plain(query));
        let statement = self.client.borrow_mut().prepare(&sent).map_err(|error| self.failed(doing, &sent, &error))?;
        let kinds: Vec<String> = statement
            .columns()
            .iter()
            .map(|column| format!("format_type({}, {})", column.type_().oid(), column.type_modifier()))
            .collect();
        if kinds.is_empty() {
            return Ok(Vec::new());
        }
        let row = self.all(doing, &format!("SELECT {}", kinds.join(", ")))?.pop();
        let kinds = row.map(|row| row.0).unwrap_or_default();
        let names = statement.columns().iter().map(|column| column.name().to_owned());
        Ok(names.zip(kinds).map(|(name, kind)| (name, kind.unwrap_or_default())).collect())
    }

    fn rows(&self, doing: &str, query: &str, limit: Option<usize>) -> Result<Rows, WarehouseError> {
        let query = plain(query);
        let columns = self.describe(doing, query)?;
        let cut = limit.map(|limit| format!(" LIMIT {}", limit.saturating_add(1))).unwrap_or_default();
        let mut rows: Vec<_> = match columns.is_empty() {
            true => Vec::new(),
            false => {
                let sql = format!("SELECT * FROM (\n{query}\n) AS vmesh_rows{cut}");
                self.all(doing, &sql)?.into_iter().map(|row| row.0).collect()
            }
        };
        let more = limit.is_some_and(|limit| rows.len() > limit);
        rows.truncate(limit.unwrap_or(usize::MAX));
        Ok(Rows { columns, rows, more })
    }

    fn vet(&self, doing: &str, query: &str) -> Result<(), WarehouseError> {
        self.look_at_calls(doing, plain(query))
    }

    fn export(&self, query: &str, format: ExportFormat) -> Result<Vec<u8>, WarehouseError> {
        let (doing, query) = ("running the query", plain(query));
        self.describe(doing, query)?;
        let lines = |sql: &str| -> Result<Vec<String>, WarehouseError> {
            self.all(doing, sql)?.iter().map(|row| row.get(0)).collect()
        };
        match format {
            ExportFormat::Csv => {
                let sql = format!("COPY (\n{query}\n) TO STDOUT (FORMAT csv, HEADER)");
                let mut bytes = Vec::new();
                let mut client = self.client.borrow_mut();
                let mut copied = client.copy_out(&sql).map_err(|error| self.failed(doing, &sql, &error))?;
                let failed = |error: std::io::Error| WarehouseError::Engine {
                    doing: doing.to_owned(),
                    message: error.to_string(),
                };
                copied.read_to_end(&mut bytes).map_err(failed)?;
                Ok(bytes)
            }
            ExportFormat::JsonLines | ExportFormat::Json => {
                let rows = lines(&format!("SELECT row_to_json(vmesh_rows) FROM (\n{query}\n) AS vmesh_rows"))?;
                Ok(match format {
                    ExportFormat::JsonLines => rows.iter().map(|row| format!("{row}\n")).collect::<String>(),
                    _ if rows.is_empty() => "[]\n".to_owned(),
                    _ => format!("[\n\t{}\n]\n", rows.join(",\n\t")),
                }
                .into_bytes())
            }
            ExportFormat::Parquet => Err(error::not_yet("Parquet")),
        }
    }
}

/// A query without its last semicolon.
fn plain(query: &str) -> &str {
    query.trim_end().trim_end_matches(';')
}
