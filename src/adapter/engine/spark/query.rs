//! Running queries for people and audits: rows as text.

use super::connection::Connection;
use super::{Database, error};
use crate::adapter::engine::{Ask, BuildError, ExportFormat, Roles, Rows, Statements, WarehouseError};
use crate::domain::environment::Column;
use crate::domain::model::Run;
use crate::domain::name::{TableName, quote};
use crate::domain::sql::policy::{self, Text};

/// How JSON is written: with what is nothing, and with every digit of times.
const JSON: &str = "map('ignoreNullFields', 'false', 'timestampFormat', 'yyyy-MM-dd''T''HH:mm:ss[.SSSSSS]XXX', \
                    'timestampNTZFormat', 'yyyy-MM-dd''T''HH:mm:ss[.SSSSSS]')";

impl Ask for Database {
    fn describe(&self, doing: &str, query: &str) -> Result<Vec<Column>, WarehouseError> {
        self.server()?.describe(doing, &self.as_it_is(query))
    }

    fn rows(&self, doing: &str, query: &str, limit: Option<usize>) -> Result<Rows, WarehouseError> {
        self.server()?.ask(doing, &self.as_it_is(query), limit)
    }

    fn vet(&self, _doing: &str, query: &str) -> Result<(), WarehouseError> {
        vet(query)
    }

    fn export(&self, query: &str, format: ExportFormat) -> Result<Vec<u8>, WarehouseError> {
        let (doing, query) = ("running the query", plain(query));
        match format {
            ExportFormat::Csv => Ok(csv(&self.rows(doing, query, None)?).into_bytes()),
            ExportFormat::Json | ExportFormat::JsonLines => {
                let columns = self.describe(doing, query)?;
                let fields: Vec<String> =
                    columns.iter().enumerate().map(|(at, (name, _))| format!("c{at} AS {}", quote(name))).collect();
                let object = format!("to_json(struct({}), {JSON})", fields.join(", "));
                let sql = format!("SELECT {object} FROM (\n{query}\n){}", named(&columns, None));
                let rows = self.server()?.rows(doing, &sql)?;
                let rows: Vec<String> = rows.into_iter().filter_map(|row| row.into_iter().next()?).collect();
                Ok(json(&rows, format == ExportFormat::JsonLines).into_bytes())
            }
            ExportFormat::Parquet => Err(error::not_yet("Parquet")),
        }
    }
}

impl Connection {
    /// The columns of a query.
    pub(super) fn describe(&self, doing: &str, query: &str) -> Result<Vec<Column>, WarehouseError> {
        // a line before the query, as in what runs it
        let rows = Connection::rows(self, doing, &format!("DESCRIBE QUERY\n{}", plain(query)))?;
        let column = |row: Vec<Option<String>>| {
            let mut parts = row.into_iter();
            Some((parts.next()??, parts.next()??))
        };
        Ok(rows.into_iter().filter_map(column).collect())
    }

    /// The rows of a query, as text, at most `limit` of them.
    pub(super) fn ask(&self, doing: &str, query: &str, limit: Option<usize>) -> Result<Rows, WarehouseError> {
        let query = plain(query);
        let columns = self.describe(doing, query)?;
        let text = |(at, (_, kind)): (usize, &Column)| match kind.as_str() {
            "binary" => format!("hex(c{at})"),
            _ => format!("CAST(c{at} AS STRING)"),
        };
        let texts: Vec<String> = columns.iter().enumerate().map(text).collect();
        let sql = format!("SELECT {} FROM (\n{query}\n){}", texts.join(", "), named(&columns, limit));
        let mut rows = Connection::rows(self, doing, &sql)?;
        let more = limit.is_some_and(|limit| rows.len() > limit);
        rows.truncate(limit.unwrap_or(usize::MAX));
        Ok(Rows { columns, rows, more })
    }
}

impl Statements for Database {
    fn together(&self, statements: &[Run]) -> Result<(), WarehouseError> {
        let run = |statement: &Run| {
            let done = self.server()?.run("running statements", &statement.sql);
            done.map_err(|error| error.of_statement(statement))
        };
        statements.iter().try_for_each(run)
    }

    fn hidden(&self, _macros: &[String]) -> Result<Option<String>, WarehouseError> {
        Ok(None)
    }
}

impl Roles for Database {
    fn could_write(&self, _role: &str, _views: &[TableName]) -> Result<Vec<String>, WarehouseError> {
        Err(error::not_yet("`doctor --role`"))
    }
}

/// Looks once more at what is sent: the gate has seen its parts.
pub(super) fn vet(query: &str) -> Result<(), WarehouseError> {
    policy::check_for_spark(Text::Audit, plain(query)).map_err(|refusal| {
        BuildError::Unfit { what: refusal.what, help: "leave it out, or write it otherwise: docs/spark.md" }.into()
    })
}

/// A query without its last semicolon.
fn plain(query: &str) -> &str {
    query.trim_end().trim_end_matches(';')
}

/// What names the columns of a query by their places, and takes as many rows as are wanted, and one more.
fn named(columns: &[Column], limit: Option<usize>) -> String {
    let names: Vec<String> = (0..columns.len()).map(|at| format!("c{at}")).collect();
    let cut = limit.map(|limit| format!(" LIMIT {}", limit.saturating_add(1))).unwrap_or_default();
    format!(" AS vmesh_rows({}){cut}", names.join(", "))
}

/// Objects, one a line, in an array or by themselves.
fn json(rows: &[String], lines: bool) -> String {
    match lines {
        true => rows.iter().map(|row| format!("{row}\n")).collect(),
        false if rows.is_empty() => "[]\n".to_owned(),
        false => format!("[\n\t{}\n]\n", rows.join(",\n\t")),
    }
}

/// Rows as CSV, with a header.
fn csv(rows: &Rows) -> String {
    let cell = |value: &str| match value.contains(['"', ',', '\n', '\r']) || value.is_empty() {
        true => format!("\"{}\"", value.replace('"', "\"\"")),
        false => value.to_owned(),
    };
    let header: Vec<String> = rows.columns.iter().map(|(name, _)| cell(name)).collect();
    let line = |row: &Vec<Option<String>>| {
        row.iter().map(|value| value.as_deref().map(cell).unwrap_or_default()).collect::<Vec<_>>().join(",") + "\n"
    };
    header.join(",") + "\n" + &rows.rows.iter().map(line).collect::<String>()
}
