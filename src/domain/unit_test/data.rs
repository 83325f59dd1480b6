//! Where the rows of an input or an output come from.

use std::collections::HashSet;

use super::super::diagnostic::Problem;
use super::super::limits::COLUMNS;
use super::super::yaml::{self, Kind, Node};
use super::outline::{Fields, collect, entries, fields, text};
use super::{CsvSettings, Data, Row, Value, csv, csv_rows, helped, problem};

const INPUT: [&str; 6] = ["columns", "rows", "query", "format", "path", "csv_settings"];
const OUTPUT: [&str; 6] = ["rows", "partial", "query", "format", "path", "csv_settings"];

/// Rows and what is said about them.
#[derive(Debug)]
pub(super) struct Part {
    /// The types of columns.
    pub(super) columns: Vec<(String, String)>,
    /// Whether only the named columns count.
    pub(super) partial: bool,
    /// The rows.
    pub(super) data: Data,
}

/// Reads rows: a bare list, or a map that says more.
pub(super) fn part(node: &Node, what: &str, is_input: bool) -> Result<Part, Vec<Problem>> {
    if let Kind::List(items) = &node.kind {
        return Ok(Part { columns: Vec::new(), partial: false, data: Data::Rows(rows(items)?) });
    }
    let fields = fields(node, what, if is_input { &INPUT } else { &OUTPUT })?;
    let partial = fields.get("partial").map(boolean).transpose().map_err(|problem| vec![problem])?.unwrap_or(false);
    let columns = match fields.get("columns") {
        Some(node) => collect(entries(node, "`columns`", "a map of names and types")?.iter().map(|(key, value)| {
            let column = text(key, "a column's name").map_err(|problem| vec![problem])?;
            Ok((column, text(value, "a type").map_err(|problem| vec![problem])?))
        }))?,
        None => Vec::new(),
    };
    Ok(Part { columns, partial, data: source(&fields, node, what)? })
}

/// `true` or `false`.
pub(super) fn boolean(node: &Node) -> Result<bool, Problem> {
    match node.value() {
        Value::Bool(is) => Ok(is),
        _ => Err(problem("expected true or false", node.span.clone())),
    }
}

/// Reads a YAML file of rows: a list of them, or a map with `rows`. `Err` says what is wrong and where in its text.
pub fn yaml_rows(text: &str) -> Result<Vec<Row>, Vec<Problem>> {
    let Some(root) = yaml::load(text).map_err(|problem| vec![problem])? else { return Ok(Vec::new()) };
    let of_map = root.map().and_then(|entries| entries.iter().find(|(key, _)| key.text() == Some("rows")));
    let node = of_map.map_or(&root, |(_, rows)| rows);
    list(node)
}

fn source(fields: &Fields<'_>, node: &Node, what: &str) -> Result<Data, Vec<Problem>> {
    let one = |problem: Problem| vec![problem];
    let settings = fields.get("csv_settings").filter(|node| !node.is_null());
    let format = fields.get("format").filter(|node| !node.is_null());
    let is_csv = match format.map(|node| (node.text(), node)) {
        None | Some((Some("yaml"), _)) => false,
        Some((Some("csv"), _)) => true,
        Some((_, node)) => return Err(one(problem("`format` is yaml or csv", node.span.clone()))),
    };
    let settings = match settings {
        Some(node) if !is_csv => {
            return Err(one(helped("`csv_settings` without `format: csv`", node.span.clone(), "add format: csv")));
        }
        Some(node) => csv::settings(node)?,
        None => CsvSettings::default(),
    };
    match (fields.get("query"), fields.get("rows"), fields.get("path")) {
        (Some(query), Some(_), _) | (Some(query), None, Some(_)) => {
            let what = format!("{what} has a query and other rows");
            Err(one(helped(what, query.span.clone(), "leave one of them out")))
        }
        (Some(query), None, None) => Ok(Data::Query(text(query, "`query`").map_err(one)?)),
        (None, _, Some(path)) => {
            let path = text(path, "`path`").map_err(one)?;
            Ok(if is_csv { Data::CsvFile(path, settings) } else { Data::YamlFile(path) })
        }
        (None, Some(rows), None) if is_csv => {
            let wrong = |what| one(problem(what, rows.span.clone()));
            Ok(Data::Rows(csv_rows(&text(rows, "`rows`, as CSV,").map_err(one)?, &settings).map_err(wrong)?))
        }
        (None, Some(rows), None) => Ok(Data::Rows(list(rows)?)),
        (None, None, None) => {
            Err(one(helped(format!("{what} has no rows"), node.span.clone(), "rows: [] says that there are none")))
        }
    }
}

fn list(node: &Node) -> Result<Vec<Row>, Vec<Problem>> {
    match &node.kind {
        Kind::List(items) => rows(items),
        Kind::Leaf(Value::Text(_), _) => {
            Err(vec![helped("rows are a list", node.span.clone(), "CSV needs format: csv")])
        }
        Kind::Leaf(..) | Kind::Map(_) => {
            Err(vec![helped("rows are a list", node.span.clone(), "begin each row with `- `")])
        }
    }
}

fn rows(items: &[Node]) -> Result<Vec<Row>, Vec<Problem>> {
    let mut columns = HashSet::new();
    collect(items.iter().map(|item| {
        let mut row: Row = Vec::new();
        let mut seen = HashSet::new();
        for (key, value) in entries(item, "a row", "a map of columns and values")? {
            let column = text(key, "a column's name").map_err(|problem| vec![problem])?;
            columns.insert(column.to_ascii_lowercase());
            if columns.len() > COLUMNS {
                return Err(vec![problem(format!("more than {COLUMNS} columns"), key.span.clone())]);
            }
            if !seen.insert(column.to_ascii_lowercase()) {
                return Err(vec![problem(format!("`{column}` is given twice"), key.span.clone())]);
            }
            row.push((column, value.value()));
        }
        Ok(row)
    }))
}
