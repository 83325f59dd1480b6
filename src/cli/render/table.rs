//! Rows and lists as tables.

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table};

use super::{DIM, count, paint, visible};
use crate::adapter::engine::Rows;

/// A query's rows, with the types that decide the alignment.
pub(in crate::cli) fn rows(rows: &Rows) -> String {
    let mut table = plain(rows.columns.iter().map(|(name, _)| name.as_str()));
    for row in &rows.rows {
        table.add_row(row.iter().map(|value| match value {
            Some(value) => Cell::new(visible::plain(value)),
            None => Cell::new("NULL"),
        }));
    }
    for (index, (_, kind)) in rows.columns.iter().enumerate() {
        if let Some(column) = table.column_mut(index).filter(|_| is_number(kind)) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let total = if rows.more {
        format!("first {}; --limit 0 shows all", count(rows.rows.len(), "row"))
    } else {
        count(rows.rows.len(), "row")
    };
    format!("{table}\n{}\n", paint(DIM, total))
}

/// A list with a heading for each column.
pub(in crate::cli) fn list<'h>(headings: impl IntoIterator<Item = &'h str>, lines: Vec<Vec<String>>) -> String {
    let mut table = plain(headings);
    table.add_rows(lines.iter().map(|line| line.iter().map(|text| visible::visible(text))));
    format!("{table}\n")
}

fn plain<'h>(headings: impl IntoIterator<Item = &'h str>) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(headings.into_iter().map(|heading| Cell::new(visible::plain(heading))));
    table
}

fn is_number(kind: &str) -> bool {
    let numeric = ["INT", "DECIMAL", "DOUBLE", "FLOAT", "REAL"];
    numeric.iter().any(|name| kind.contains(name)) && !kind.ends_with("[]") && !kind.starts_with("INTERVAL")
}
