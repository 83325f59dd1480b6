//! Loading the rows of a CSV file.

use std::io::Write;

use super::Database;
use crate::adapter::engine::seed_types::Kinds;
use crate::adapter::engine::{Ask, Build, BuildError, Tables, WarehouseError};
use crate::domain::csv;
use crate::domain::engine_kind::EngineKind;
use crate::domain::environment::Column;
use crate::domain::model::Seed;
use crate::domain::name::quote;

/// The names of the types that a column without a declared one may get.
const KINDS: Kinds =
    Kinds { names: ["boolean", "bigint", "numeric", "date", "timestamp without time zone"], text: "text" };

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
        let (header, found) = KINDS.of(&text).map_err(unfit)?;
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
