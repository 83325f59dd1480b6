//! Loading the rows of a CSV file.

use std::io::Write;

use super::Database;
use crate::adapter::engine::{Ask, Build, BuildError, Tables, WarehouseError};
use crate::domain::csv::{self, Dialect, Records};
use crate::domain::engine_kind::EngineKind;
use crate::domain::environment::Column;
use crate::domain::model::Seed;
use crate::domain::name::quote;

/// Whether a cell is of a type.
type Fits = fn(&str) -> bool;

/// Types that a column without a declared one may get, the narrowest first; the last one takes all.
const KINDS: [(&str, Fits); 5] = [
    ("boolean", |cell| matches!(cell, "true" | "false")),
    ("bigint", |cell| cell.parse::<i64>().is_ok() && !cell.starts_with('+')),
    ("numeric", is_decimal),
    ("date", is_date),
    ("timestamp without time zone", is_timestamp),
];

impl Database {
    /// Makes the table of a seed. To be called within a transaction.
    pub(super) fn load_seed(
        &self,
        build: &Build,
        content: &[u8],
        seed: &Seed,
        columns: &[Column],
    ) -> Result<(), WarehouseError> {
        let doing = format!("building `{}`", build.model);
        let unfit = |why| BuildError::Unfit {
            what: format!("`{}` can't be a seed of `{}`: {why}", seed.path, build.model),
            help: "mend the file, or say in `csv_settings` how it is written",
        };
        let text = csv::rewrite(content, seed, columns).map_err(unfit)?;
        let (header, found) = kinds(&text).map_err(unfit)?;
        let kind = |name: &String, found: &'static str| {
            let declared = columns.iter().find(|(declared, _)| declared == name);
            format!("{} {}", quote(name), declared.map_or(found, |(_, kind)| kind.as_str()))
        };
        for (name, kind) in columns {
            // a type alone: what else may stand behind a column's name is none of the file's
            let sql = format!("SELECT CAST(NULL AS {kind})");
            self.describe(&doing, &sql).map_err(|_| unfit(format!("`{kind}`, which `{name}` shall be, is no type")))?;
        }
        let typed: Vec<String> = header.iter().zip(found).map(|(name, found)| kind(name, found)).collect();
        // in the order in which they are declared
        let place = |name: &String| columns.iter().position(|(declared, _)| declared == name).unwrap_or(columns.len());
        let mut ordered: Vec<(usize, String)> = header.iter().map(place).zip(typed).collect();
        ordered.sort_by_key(|(place, _)| *place);
        let typed: Vec<String> = ordered.into_iter().map(|(_, typed)| typed).collect();
        let table = build.table.quoted();
        self.run(&doing, &format!("CREATE TABLE {table} ({})", typed.join(", ")))?;
        let listed: Vec<String> = header.iter().map(|name| quote(name)).collect();
        let sql = format!("COPY {table} ({}) FROM STDIN (FORMAT csv, HEADER, NULL '')", listed.join(", "));
        let failed = |error: &postgres::Error| self.failed(&doing, &sql, error);
        let mut client = self.client.borrow_mut();
        let mut copy = client.copy_in(&sql).map_err(|error| failed(&error))?;
        let lost = |error: std::io::Error| WarehouseError::Engine { doing: doing.clone(), message: error.to_string() };
        copy.write_all(text.as_bytes()).map_err(lost)?;
        copy.finish().map_err(|error| failed(&error))?;
        drop(client);
        let cut = csv::cut_short(EngineKind::Postgres, content, seed, &self.columns(&build.table)?, columns);
        if let Some((column, value, kind)) = cut.map_err(unfit)? {
            return Err(BuildError::Cell { model: build.model.clone(), column, value, kind }.into());
        }
        let declared: Vec<Column> = columns.iter().map(|(name, _)| (name.clone(), String::new())).collect();
        let unwanted = header.iter().filter(|name| !declared.is_empty() && declared.iter().all(|it| it.0 != **name));
        let drops: Vec<String> = unwanted.map(|name| format!("DROP COLUMN {}", quote(name))).collect();
        match drops.is_empty() {
            true => Ok(()),
            false => self.run(&doing, &format!("ALTER TABLE {table} {}", drops.join(", "))),
        }
    }
}

/// The names of a file's columns, and the narrowest type that all cells of each have.
fn kinds(text: &str) -> Result<(Vec<String>, Vec<&'static str>), String> {
    let mut records = Records::new(text, Dialect::default());
    let header = records.next_record()?.unwrap_or_default();
    let mut columns = vec![(KINDS.map(|_| true), false); header.len()];
    while let Some(record) = records.next_record()? {
        for ((fits, is_filled), cell) in columns.iter_mut().zip(&record).filter(|(_, cell)| !cell.is_empty()) {
            *is_filled = true;
            fits.iter_mut().zip(KINDS).for_each(|(fits, (_, fit))| *fits &= fit(cell));
        }
    }
    let kind = |(fits, is_filled): &([bool; KINDS.len()], bool)| {
        let narrowest = fits.iter().zip(KINDS).find(|(fits, _)| **fits).map(|(_, (kind, _))| kind);
        narrowest.filter(|_| *is_filled).unwrap_or("text")
    };
    let found = columns.iter().map(kind).collect();
    Ok((header, found))
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
