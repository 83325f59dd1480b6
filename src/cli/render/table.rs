//! Rows and lists as tables.

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table};

use super::{DIM, count, paint, some, visible, wrap};
use crate::adapter::engine::Rows;

/// A query's rows, with the types that decide the alignment. On a terminal, the columns that have no room are named below.
pub(in crate::cli) fn rows(rows: &Rows) -> String {
    let value = |value: &Option<String>| match value {
        Some(value) => visible::plain(value).into_owned(),
        None => "NULL".to_owned(),
    };
    let headings: Vec<String> = rows.columns.iter().map(|(name, _)| visible::plain(name).into_owned()).collect();
    let mut cells: Vec<Vec<String>> = rows.rows.iter().map(|row| row.iter().map(value).collect()).collect();
    let mut shown = headings.len();
    let mut is_cut = false;
    if let Some(width) = width() {
        // long values make room for other columns
        is_cut = fitting(&widths(&headings, &cells), width) < shown && shorten(&mut cells, width / 3);
        shown = fitting(&widths(&headings, &cells), width);
    }
    let mut table = plain(headings.iter().take(shown).map(String::as_str));
    table.add_rows(cells.iter().map(|row| row.iter().take(shown)));
    for (index, (_, kind)) in rows.columns.iter().take(shown).enumerate() {
        if let Some(column) = table.column_mut(index).filter(|_| is_number(kind)) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let total = if rows.more {
        format!("first {}; --limit 0 shows all", count(rows.rows.len(), "row"))
    } else {
        count(rows.rows.len(), "row")
    };
    let mut out = format!("{table}\n");
    let hidden = &headings[shown..];
    let told = match (hidden.is_empty(), is_cut) {
        (true, false) => None,
        (true, true) => Some("long values are shortened · --json has all".to_owned()),
        (false, _) => Some(format!("without room here: {} · --json has all", some(hidden, 12))),
    };
    if let Some(told) = told {
        out.push_str(&wrap::wrap(&format!("{}\n", paint(DIM, told)), width()));
    }
    out.push_str(&format!("{}\n", paint(DIM, total)));
    out
}

/// Shortens values of more columns than these; whether there were some.
fn shorten(cells: &mut [Vec<String>], room: usize) -> bool {
    let room = room.max(16);
    let long = cells.iter_mut().flatten().filter(|cell| cell.chars().count() > room);
    long.map(|cell| *cell = wrap::shortened(&cell.replace('\n', " "), room)).count() > 0
}

/// How many of the first columns have room in a terminal; one at least, which is broken if it has to be.
fn fitting(widths: &[usize], width: usize) -> usize {
    let mut taken = 1;
    let fits = widths.iter().take_while(|column| {
        taken += *column + 3;
        taken <= width
    });
    fits.count().max(1)
}

/// The natural width of each column.
fn widths(headings: &[String], lines: &[Vec<String>]) -> Vec<usize> {
    let widest = |text: &String| text.lines().map(|line| line.chars().count()).max().unwrap_or(0);
    let of = |(at, heading): (usize, &String)| {
        let cells = lines.iter().filter_map(|line| line.get(at)).map(widest);
        cells.chain([widest(heading)]).max().unwrap_or(0)
    };
    headings.iter().enumerate().map(of).collect()
}

/// A list with a heading for each column. Where a terminal has no room for all, those named in `spare` are left out, the
/// first of them first; what is still too long is shortened.
pub(in crate::cli) fn list(headings: &[&str], spare: &[&str], lines: Vec<Vec<String>>) -> String {
    let mut headings: Vec<String> = headings.iter().map(|heading| (*heading).to_owned()).collect();
    let mut lines: Vec<Vec<String>> =
        lines.iter().map(|line| line.iter().map(|text| visible::visible(text).into_owned()).collect()).collect();
    if let Some(width) = width() {
        let needs = |widths: &[usize]| widths.iter().map(|column| column + 3).sum::<usize>() + 1;
        for name in spare {
            let Some(at) = headings.iter().position(|heading| heading == name) else { continue };
            if needs(&widths(&headings, &lines)) > width {
                headings.remove(at);
                lines.iter_mut().for_each(|line| drop(line.remove(at)));
            }
        }
        let natural = widths(&headings, &lines);
        let excess = needs(&natural).saturating_sub(width);
        if let Some((at, widest)) = natural.iter().enumerate().max_by_key(|(_, width)| **width).filter(|_| excess > 0) {
            let room = widest.saturating_sub(excess).max(8);
            lines.iter_mut().for_each(|line| line[at] = wrap::shortened(&line[at], room));
        }
    }
    let mut table = plain(headings.iter().map(String::as_str));
    table.add_rows(lines);
    format!("{table}\n")
}

/// The columns of the terminal that is written to; none if it is none.
pub(in crate::cli) fn width() -> Option<usize> {
    Table::new().width().map(usize::from)
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
