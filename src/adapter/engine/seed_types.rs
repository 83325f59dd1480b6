//! The types of a CSV file's columns, where the server doesn't look at the file itself.

use crate::domain::csv::{Dialect, Records};

/// Whether a cell is of a type.
type Fits = fn(&str) -> bool;

/// How cells are told of a type, the narrowest first.
const FITS: [Fits; 5] = [
    |cell| matches!(cell, "true" | "false"),
    |cell| cell.parse::<i64>().is_ok() && !cell.starts_with('+'),
    is_decimal,
    is_date,
    is_timestamp,
];

/// An engine's names of the types that a column may get.
pub(super) struct Kinds {
    /// Truth values, whole numbers, numbers, days, and days with times.
    pub(super) names: [&'static str; FITS.len()],
    /// What takes all.
    pub(super) text: &'static str,
}

impl Kinds {
    /// The names of a file's columns, and the narrowest type that all cells of each have.
    pub(super) fn of(&self, text: &str) -> Result<(Vec<String>, Vec<&'static str>), String> {
        let mut records = Records::new(text, Dialect::default());
        let header = records.next_record()?.unwrap_or_default();
        let mut columns = vec![(FITS.map(|_| true), false); header.len()];
        while let Some(record) = records.next_record()? {
            for ((fits, is_filled), cell) in columns.iter_mut().zip(&record).filter(|(_, cell)| !cell.is_empty()) {
                *is_filled = true;
                fits.iter_mut().zip(FITS).for_each(|(fits, fit)| *fits &= fit(cell));
            }
        }
        let kind = |(fits, is_filled): &([bool; FITS.len()], bool)| {
            let narrowest = fits.iter().zip(self.names).find(|(fits, _)| **fits).map(|(_, kind)| kind);
            narrowest.filter(|_| *is_filled).unwrap_or(self.text)
        };
        let found = columns.iter().map(kind).collect();
        Ok((header, found))
    }
}

fn is_decimal(cell: &str) -> bool {
    let digits = cell.strip_prefix('-').unwrap_or(cell);
    let (whole, rest) = digits.split_once('.').unwrap_or((digits, "0"));
    let all = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    all(whole) && all(rest)
}

fn is_date(cell: &str) -> bool {
    let parts: Vec<&str> = cell.split('-').collect();
    let is = |at: usize, digits: usize| {
        parts.get(at).is_some_and(|it| it.len() == digits && it.bytes().all(|byte| byte.is_ascii_digit()))
    };
    parts.len() == 3 && is(0, 4) && is(1, 2) && is(2, 2)
}

fn is_timestamp(cell: &str) -> bool {
    let Some((date, time)) = cell.split_once([' ', 'T']) else { return is_date(cell) };
    let is_time = time.len() >= 5 && time.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b'.'));
    is_date(date) && is_time
}
