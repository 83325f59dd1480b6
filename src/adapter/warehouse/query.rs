//! Running queries for people: rows as text, or exported by the engine into a format.

use std::path::Path;

use super::{Warehouse, WarehouseError};
use crate::domain::environment::Column;
use crate::domain::name::literal;

/// A query's result, as text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rows {
    /// Names and types.
    pub columns: Vec<Column>,
    /// Each value as the engine prints it; `None` is NULL.
    pub rows: Vec<Vec<Option<String>>>,
    /// Whether there were more rows than asked for.
    pub more: bool,
}

/// A format that the engine writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFormat {
    /// Comma-separated, with a header.
    Csv,
    /// One JSON array.
    Json,
    /// One JSON object a line.
    JsonLines,
    /// Apache Parquet.
    Parquet,
}

impl Warehouse {
    /// The rows of one query, at most `limit` of them.
    pub fn rows(&self, doing: &str, query: &str, limit: Option<usize>) -> Result<Rows, WarehouseError> {
        let query = query.trim_end().trim_end_matches(';');
        let describe = format!("SELECT column_name, column_type FROM (DESCRIBE\n{query}\n)");
        let columns: Vec<Column> = self.all(doing, &describe, |row| Ok((row.get(0)?, row.get(1)?)))?;
        let cut = limit.map(|limit| format!(" LIMIT {}", limit.saturating_add(1))).unwrap_or_default();
        let sql = format!("SELECT CAST(COLUMNS(*) AS VARCHAR) FROM (\n{query}\n){cut}");
        let width = columns.len();
        let mut rows = self.all(doing, &sql, |row| (0..width).map(|index| row.get(index)).collect())?;
        let more = limit.is_some_and(|limit| rows.len() > limit);
        rows.truncate(limit.unwrap_or(usize::MAX));
        Ok(Rows { columns, rows, more })
    }

    /// Has the engine write a query's rows in a format; gives the bytes of the file.
    pub fn export(&self, query: &str, format: ExportFormat) -> Result<Vec<u8>, WarehouseError> {
        let doing = "running the query";
        let query = query.trim_end().trim_end_matches(';');
        let options = match format {
            ExportFormat::Csv => "FORMAT csv, HEADER true",
            ExportFormat::Json => "FORMAT json, ARRAY true",
            ExportFormat::JsonLines => "FORMAT json",
            ExportFormat::Parquet => "FORMAT parquet",
        };
        let file = self.scratch.path().join("export");
        let target = literal(&file.to_string_lossy());
        self.run_one(doing, &format!("COPY (\n{query}\n) TO {target} ({options})"))?;
        read(&file, doing)
    }
}

fn read(file: &Path, doing: &str) -> Result<Vec<u8>, WarehouseError> {
    let failed = |error: std::io::Error| WarehouseError::Engine { doing: doing.to_owned(), message: error.to_string() };
    let bytes = std::fs::read(file).map_err(failed)?;
    std::fs::remove_file(file).map_err(failed)?;
    Ok(bytes)
}
