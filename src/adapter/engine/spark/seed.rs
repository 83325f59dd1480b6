//! Loading the rows of a CSV file: as texts of a query, slice by slice.

use super::Database;
use super::attempts::Attempt;
use crate::adapter::engine::seed_types::Kinds;
use crate::adapter::engine::{Ask, Build, BuildError, Tables, WarehouseError};
use crate::domain::csv::{self, Dialect, Records};
use crate::domain::engine_kind::EngineKind;
use crate::domain::environment::Column;
use crate::domain::model::Seed;
use crate::domain::name::quote;

/// The names of the types that a column without a declared one may get.
const KINDS: Kinds = Kinds { names: ["boolean", "bigint", "double", "date", "timestamp_ntz"], text: "string" };

/// How many cells go at once.
const SLICE: usize = 20_000;

impl Database {
    /// Makes the table of a seed.
    pub(super) fn load_seed(
        &self,
        build: &Build,
        attempt: &Attempt,
        (content, seed, columns): (&[u8], &Seed, &[Column]),
    ) -> Result<(), WarehouseError> {
        let doing = format!("building `{}`", build.model);
        let unfit = |why| BuildError::Unfit {
            what: format!("`{}` can't be a seed of `{}`: {why}", seed.path, build.model),
            help: "mend the file, or say in `csv_settings` how it is written",
        };
        let text = csv::rewrite(content, seed, columns).map_err(unfit)?;
        let (header, found) = KINDS.of(&text).map_err(unfit)?;
        for (name, kind) in columns {
            let sql = format!("SELECT CAST(NULL AS {kind})");
            self.describe(&doing, &sql).map_err(|_| unfit(format!("`{kind}`, which `{name}` shall be, is no type")))?;
        }
        let guessed: Vec<Column> = header.iter().cloned().zip(found.into_iter().map(str::to_owned)).collect();
        let wanted: Vec<Column> = if columns.is_empty() { guessed } else { columns.to_vec() };
        let places: Vec<usize> =
            wanted.iter().filter_map(|(name, _)| header.iter().position(|found| found == name)).collect();
        let mut records = Records::new(&text, Dialect::default());
        records.next_record().map_err(unfit)?;
        let (mut slice, mut is_first) = (Vec::new(), true);
        let size = (SLICE / wanted.len().max(1)).max(1);
        loop {
            let record = records.next_record().map_err(unfit)?;
            let is_last = record.is_none();
            if let Some(record) = record {
                let value = |at: &usize| cell(record.get(*at).filter(|value| !value.is_empty()).map(String::as_str));
                slice.push(places.iter().map(value).collect::<Vec<String>>());
            }
            if slice.len() >= size || is_last && (is_first || !slice.is_empty()) {
                let rows = rows_of(&wanted, &std::mem::take(&mut slice));
                let table = attempt.table.quoted();
                let server = self.server()?;
                match std::mem::replace(&mut is_first, false) {
                    true => server.run_as(&doing, &format!("CREATE TABLE {table} AS\n{rows}"), &attempt.operation)?,
                    false => server.run(&doing, &format!("INSERT INTO {table}\n{rows}"))?,
                }
            }
            if is_last {
                break;
            }
        }
        let cut = csv::cut_short(EngineKind::Spark, content, seed, &self.columns(&attempt.table)?, columns);
        match cut.map_err(unfit)? {
            Some((column, value, kind)) => {
                Err(BuildError::Cell { model: build.model.clone(), column, value, kind }.into())
            }
            None => Ok(()),
        }
    }
}

/// A cell as Spark reads it.
pub(super) fn cell(value: Option<&str>) -> String {
    match value {
        Some(value) => format!("'{}'", value.replace('\\', "\\\\").replace('\'', "''")),
        None => "NULL".to_owned(),
    }
}

/// The query of some rows, whose cells are texts.
pub(super) fn rows_of(columns: &[Column], rows: &[Vec<String>]) -> String {
    let typed = columns.iter().enumerate();
    let typed: Vec<String> =
        typed.map(|(at, (name, kind))| format!("CAST(c{at} AS {kind}) AS {}", quote(name))).collect();
    let names: Vec<String> = (0..columns.len()).map(|at| format!("c{at}")).collect();
    let row = |row: &Vec<String>| format!("({})", row.join(", "));
    let (given, none) = match rows.is_empty() {
        true => (format!("({})", vec!["NULL"; columns.len()].join(", ")), " WHERE false"),
        false => (rows.iter().map(row).collect::<Vec<_>>().join(",\n"), ""),
    };
    format!("SELECT {} FROM VALUES {given} AS given({}){none}", typed.join(", "), names.join(", "))
}
