//! A model's query with the physical tables of its parents spliced in: the text that the engine runs.

use super::super::engine_kind::EngineKind;
use super::super::model::Kind;
use super::super::name::{ModelName, TableName, literal, quote};
use super::super::sql::{Span, policy};
use super::super::{sql, types};
use super::check::staged;
use super::{Model, Project};

impl Project {
    /// The query of a model as it goes to the engine, in the user's own lines; `None` for seeds.
    ///
    /// `text` gives the text of a model's file, `table` the table to read a parent from. Embedded parents become
    /// subqueries in one line, so that the engine's line numbers stay those of the file.
    pub fn select<E>(
        &self,
        model: &Model,
        text: &dyn Fn(&Model) -> Result<std::sync::Arc<str>, E>,
        table: &dyn Fn(&ModelName) -> Option<TableName>,
    ) -> Result<Option<String>, E> {
        let Some(query) = &model.file.query else { return Ok(None) };
        let source = text(model)?;
        let written = source.get(model.file.query_span.clone()).unwrap_or_default();
        let replacements = self.replacements(&model.reads, text, table)?;
        let reads = query.reads.as_deref().unwrap_or_default();
        let replace = |read: &sql::Read| {
            let index = reads.iter().position(|other| other.span == read.span)?;
            replacements.get(index).cloned().flatten()
        };
        let outside = model.outside_files.iter().map(|file| (file.literal.clone(), literal(&self.on_disk(&file.path))));
        let is_outside = |span: &Span| model.outside_files.iter().any(|file| file.literal == *span);
        let above = model.file.files.iter().filter_map(|file| {
            let (span, staged) = (file.literal.clone()?, staged(&file.path));
            (staged != file.path && !is_outside(&span)).then(|| (span, literal(&staged)))
        });
        let files = outside.chain(above);
        Ok(Some(sql::splice_with(written, query, &replace, files)))
    }

    /// The path of a file from outside as the engine finds it wherever it is run.
    pub fn on_disk(&self, path: &str) -> String {
        match policy::from_root(path) || policy::is_remote(path) {
            true => path.to_owned(),
            false => lexical(&format!("{}/{path}", self.home)),
        }
    }

    /// What stands in the place of each read.
    pub(super) fn replacements<E>(
        &self,
        reads: &[Option<ModelName>],
        text: &dyn Fn(&Model) -> Result<std::sync::Arc<str>, E>,
        table: &dyn Fn(&ModelName) -> Option<TableName>,
    ) -> Result<Vec<Option<String>>, E> {
        let mut replacements = Vec::new();
        for parent in reads {
            let parent = parent.as_ref().and_then(|name| self.model(name));
            replacements.push(match parent {
                None => None,
                Some(parent) if parent.kind == Kind::Embedded => {
                    let inner = self.select(parent, text, table)?.unwrap_or_default();
                    let inner = cast(self.engine, &inner, &parent.file.columns);
                    Some(format!("({})", one_line(&inner)))
                }
                Some(parent) => table(&parent.name).map(|table| table.quoted()),
            });
        }
        Ok(replacements)
    }
}

/// A path from the root without `.` and `..`, told from its text alone.
fn lexical(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let end = if path.ends_with('/') { "/" } else { "" };
    format!("/{}{end}", parts.join("/"))
}

/// A query with the columns that its model declares: in this order, of these types, found by name. Without any, it
/// stays as it is. A declared type says what values a column has, and is no cast that someone wrote to round them: a
/// value that it does not hold is an error.
pub fn cast(engine: EngineKind, select: &str, columns: &[(String, String)]) -> String {
    if columns.is_empty() {
        select.to_owned()
    } else {
        format!("{}{select}\n) AS declared", cast_head(engine, columns))
    }
}

/// What [`cast`] puts in front of a query.
pub fn cast_head(engine: EngineKind, columns: &[(String, String)]) -> String {
    head(columns, |name, kind| types::exactly(engine, &quote(name), kind, &format!("`{name}` is declared")))
}

/// [`cast`] for people: without what makes an error of values that don't fit.
pub fn plainly_cast(select: &str, columns: &[(String, String)]) -> String {
    let head = head(columns, |name, kind| format!("CAST({} AS {kind})", quote(name)));
    if columns.is_empty() { select.to_owned() } else { format!("{head}{select}\n) AS declared") }
}

fn head(columns: &[(String, String)], cast: impl Fn(&str, &str) -> String) -> String {
    if columns.is_empty() {
        return String::new();
    }
    let cast = |(name, kind): &(String, String)| format!("{} AS {}", cast(name, kind), quote(name));
    format!("SELECT {} FROM (\n", columns.iter().map(cast).collect::<Vec<_>>().join(", "))
}

/// The same SQL without comments and line breaks (those inside of strings stay).
fn one_line(text: &str) -> String {
    let Ok(lexemes) = sql::lex(text) else { return text.to_owned() };
    let mut out = String::with_capacity(text.len());
    let mut end = 0;
    for lexeme in &lexemes {
        if lexeme.span.start > end && !out.is_empty() {
            out.push(' ');
        }
        out.push_str(text.get(lexeme.span.clone()).unwrap_or_default());
        end = lexeme.span.end;
    }
    out
}
