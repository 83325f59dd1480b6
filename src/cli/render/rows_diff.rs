//! The rows in which a unit test differs: `-` was expected, `+` is there instead, the most alike one below the other.

use super::{BOLD, DIM, GREEN, RED, padded, paint};
use crate::adapter::engine::{Difference, Rows};

/// A row to be shown: how often, and its values.
struct Shown<'r> {
    times: &'r str,
    cells: Vec<&'r str>,
}

/// A difference as lines, indented by four.
pub(in crate::cli) fn difference(difference: &Difference) -> String {
    let Difference { what, unknown, missing, unexpected } = difference;
    if !unknown.is_empty() {
        return format!("    {what}: there is no column {}\n", unknown.join(", "));
    }
    let sample = if missing.1.columns.is_empty() { &unexpected.1 } else { &missing.1 };
    let names: Vec<&str> = sample.columns.iter().skip(1).map(|(name, _)| name.as_str()).collect();
    let (expected, mut actual) = (shown(&missing.1), shown(&unexpected.1).into_iter().map(Some).collect::<Vec<_>>());
    let widths: Vec<usize> = (0..names.len())
        .map(|at| {
            let cells = expected.iter().chain(actual.iter().flatten()).filter_map(|row| row.cells.get(at));
            cells.chain(names.get(at)).map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    let mut out = format!("    {what}: {} missing (-), {} unexpected (+)\n", missing.0, unexpected.0);
    out.push_str(&format!("      {}\n", paint(DIM, line(&names, &widths))));
    for row in &expected {
        let twin = most_alike(row, &actual).and_then(|at| actual[at].take());
        out.push_str(&signed("-", row, twin.as_ref(), &widths));
        if let Some(twin) = &twin {
            out.push_str(&signed("+", twin, Some(row), &widths));
            out.push_str(&marks(row, twin, &widths));
        }
    }
    for row in actual.iter().flatten() {
        out.push_str(&signed("+", row, None, &widths));
    }
    let counted = |rows: &[Shown<'_>]| rows.iter().map(|row| row.times.parse().unwrap_or(1)).sum::<u64>();
    let hidden = [
        (missing.0 - counted(&expected).min(missing.0), "missing"),
        (unexpected.0 - counted(&shown(&unexpected.1)).min(unexpected.0), "unexpected"),
    ];
    for (count, which) in hidden.iter().filter(|(count, _)| *count > 0) {
        out.push_str(&format!("    {}\n", paint(DIM, format!("… and {count} more {which}"))));
    }
    out
}

fn shown(rows: &Rows) -> Vec<Shown<'_>> {
    let row = |row| {
        let mut values = <[Option<String>]>::iter(row).map(|value| value.as_deref().unwrap_or("NULL"));
        Shown { times: values.next().unwrap_or("1"), cells: values.collect() }
    };
    rows.rows.iter().map(|values| row(values)).collect()
}

/// The row that has the most values in common with this one.
fn most_alike(row: &Shown<'_>, others: &[Option<Shown<'_>>]) -> Option<usize> {
    let alike = |other: &Shown<'_>| row.cells.iter().zip(&other.cells).filter(|(a, b)| a == b).count();
    let others = others.iter().enumerate().filter_map(|(at, other)| Some((at, alike(other.as_ref()?))));
    let (at, alike) = others.rev().max_by_key(|(_, alike)| *alike)?;
    (alike > 0 || row.cells.len() == 1).then_some(at)
}

fn signed(sign: &str, row: &Shown<'_>, twin: Option<&Shown<'_>>, widths: &[usize]) -> String {
    let style = if sign == "-" { RED } else { GREEN };
    let cell = |(at, cell): (usize, &&str)| {
        let space = " ".repeat(widths.get(at).map_or(0, |width| width.saturating_sub(cell.chars().count())));
        let differs = twin.is_some_and(|twin| twin.cells.get(at) != Some(cell));
        let cell = if differs { paint(style.bold(), cell) } else { paint(style, cell) };
        format!("{cell}{space}")
    };
    let cells: Vec<String> = row.cells.iter().enumerate().map(cell).collect();
    let times = if row.times == "1" { String::new() } else { format!("  ({} times)", row.times) };
    let text = format!("    {} {}", paint(style, sign), cells.join(&paint(DIM, " | ")));
    format!("{}{times}\n", text.trim_end())
}

/// `^` below the values that differ.
fn marks(a: &Shown<'_>, b: &Shown<'_>, widths: &[usize]) -> String {
    let mark = |(at, width): (usize, &usize)| {
        let (a, b) = (a.cells.get(at), b.cells.get(at));
        let long = [a, b].into_iter().flatten().map(|cell| cell.chars().count()).max().unwrap_or(0);
        padded(&if a == b { String::new() } else { "^".repeat(long.max(1)) }, *width)
    };
    let marks: Vec<String> = widths.iter().enumerate().map(mark).collect();
    format!("      {}\n", paint(BOLD, marks.join("   ").trim_end()))
}

fn line(cells: &[&str], widths: &[usize]) -> String {
    let cells: Vec<String> = cells.iter().zip(widths).map(|(cell, width)| padded(cell, *width)).collect();
    cells.join(" | ").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(rows: &[&[&str]]) -> Rows {
        let columns = ["__vmesh_times", "id", "name", "total"].map(|name| (name.to_owned(), "VARCHAR".to_owned()));
        let value = |text: &&str| (*text != "NULL").then(|| (*text).to_owned());
        let rows = rows.iter().map(|row| row.iter().map(value).collect()).collect();
        Rows { columns: columns.to_vec(), rows, more: false }
    }

    #[test]
    fn rows_that_are_alike_stand_together() {
        let found = Difference {
            what: "query".to_owned(),
            unknown: Vec::new(),
            missing: (14, rows(&[&["1", "1", "Ada", "0"], &["2", "2", "Bob", "10"], &["1", "9", "Eve", "7"]])),
            unexpected: (2, rows(&[&["1", "2", "Bob", "NULL"], &["1", "1", "Ada Lovelace", "0"]])),
        };
        let told = anstream::adapter::strip_str(&difference(&found)).to_string();
        insta::assert_snapshot!(told, @r"
            query: 14 missing (-), 2 unexpected (+)
              id | name         | total
            - 1  | Ada          | 0
            + 1  | Ada Lovelace | 0
                   ^^^^^^^^^^^^
            - 2  | Bob          | 10  (2 times)
            + 2  | Bob          | NULL
                                  ^^^^
            - 9  | Eve          | 7
            … and 10 more missing
        ");
    }
}
