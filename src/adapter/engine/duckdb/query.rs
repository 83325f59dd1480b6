//! Running queries for people: rows as text, or exported by the engine into a format.

use std::path::Path;

use super::Database;
use crate::adapter::engine::{Ask, ExportFormat, Rows, WarehouseError};
use crate::domain::environment::Column;
use crate::domain::name::{literal, quote};
use crate::domain::{json_text, sql};

impl Ask for Database {
    fn describe(&self, doing: &str, query: &str) -> Result<Vec<Column>, WarehouseError> {
        let sql = format!("SELECT column_name, column_type FROM (DESCRIBE\n{query}\n)");
        self.all(doing, &sql, |row| Ok((row.get(0)?, row.get(1)?)))
    }

    fn rows(&self, doing: &str, query: &str, limit: Option<usize>) -> Result<Rows, WarehouseError> {
        let query = query.trim_end().trim_end_matches(';');
        let columns = self.describe(doing, query)?;
        let cut = limit.map(|limit| format!(" LIMIT {}", limit.saturating_add(1))).unwrap_or_default();
        let sql = format!("SELECT CAST(COLUMNS(*) AS VARCHAR) FROM (\n{query}\n){cut}");
        let width = columns.len();
        let mut rows = self.all(doing, &sql, |row| (0..width).map(|index| row.get(index)).collect())?;
        let more = limit.is_some_and(|limit| rows.len() > limit);
        rows.truncate(limit.unwrap_or(usize::MAX));
        Ok(Rows { columns, rows, more })
    }

    fn export(&self, query: &str, format: ExportFormat) -> Result<Vec<u8>, WarehouseError> {
        let doing = "running the query";
        let query = query.trim_end().trim_end_matches(';');
        let (query, options) = match format {
            ExportFormat::Csv => (query.to_owned(), "FORMAT csv, HEADER true"),
            ExportFormat::Parquet => (in_parquet(query, &self.describe(doing, query)?), "FORMAT parquet"),
            ExportFormat::Json | ExportFormat::JsonLines => {
                let query = json_text::objects(query, &self.describe(doing, query)?);
                let rows: Vec<String> = self.all(doing, &query, |row| row.get(0))?;
                return Ok(json(&rows, format == ExportFormat::JsonLines).into_bytes());
            }
        };
        let file = self.instance.scratch.path().join("export");
        let target = literal(&file.to_string_lossy());
        self.run_one(doing, &format!("COPY (\n{query}\n) TO {target} ({options})"))?;
        read(&file, doing)
    }
}

/// Objects, one a line, in an array or by themselves.
fn json(rows: &[String], lines: bool) -> String {
    match lines {
        true => rows.iter().map(|row| format!("{row}\n")).collect(),
        false if rows.is_empty() => "[]\n".to_owned(),
        false => format!("[\n\t{}\n]\n", rows.join(",\n\t")),
    }
}

/// The query of rows that Parquet can hold: it has no numbers of 128 bits, and the engine would write them as DOUBLE.
fn in_parquet(query: &str, columns: &[Column]) -> String {
    let changed = |kind: &str| {
        let edit = |word: &sql::Lexeme| (word.span.clone(), "DECIMAL(38,0)".to_owned());
        let is_huge = |word: &&sql::Lexeme| word.is_keyword("hugeint") || word.is_keyword("uhugeint");
        sql::apply(kind, sql::lex(kind).unwrap_or_default().iter().filter(is_huge).map(edit).collect())
    };
    if columns.iter().all(|(_, kind)| changed(kind) == *kind) {
        return query.to_owned();
    }
    let names: Vec<String> = (0..columns.len()).map(|at| format!("c{at}")).collect();
    let cast = |(at, (name, kind)): (usize, &Column)| match changed(kind) {
        same if same == *kind => format!("c{at} AS {}", quote(name)),
        other => format!("CAST(c{at} AS {other}) AS {}", quote(name)),
    };
    let casts: Vec<String> = columns.iter().enumerate().map(cast).collect();
    format!("SELECT {} FROM (\n{query}\n) AS vmesh_rows({})", casts.join(", "), names.join(", "))
}

fn read(file: &Path, doing: &str) -> Result<Vec<u8>, WarehouseError> {
    let failed = |error: std::io::Error| WarehouseError::Engine { doing: doing.to_owned(), message: error.to_string() };
    let bytes = std::fs::read(file).map_err(failed)?;
    std::fs::remove_file(file).map_err(failed)?;
    Ok(bytes)
}
