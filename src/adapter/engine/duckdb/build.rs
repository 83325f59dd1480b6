//! Building one table: complete and on record, or not there at all.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

use super::Database;
use crate::adapter::engine::incremental::Loader;
use crate::adapter::engine::records::Ledger;
use crate::adapter::engine::{Ask, Body, Build, BuildError, Records, Restated, Tables, Warehouse, WarehouseError};
use crate::adapter::engine::{audit, cutoff};
use crate::domain::csv;
use crate::domain::engine_kind::EngineKind;
use crate::domain::environment::{Column, PhysicalTable};
use crate::domain::name::{TableName, literal, quote};
use crate::domain::project::Undeclared;

impl Tables for Database {
    fn build(&self, build: &Build, at: i64) -> Result<PhysicalTable, WarehouseError> {
        let doing = format!("building `{}`", build.model);
        if build.has_statements() {
            // variables outlive a transaction that is rolled back: not even that shall reach another model
            let session = self.session()?;
            return session.within_limit(|| session.build_here(&doing, build, at));
        }
        let built = self.within_limit(|| self.build_here(&doing, build, at))?;
        self.within_limit(|| cutoff::cut_off(self, build, built))
    }

    fn refill(&self, build: &Build, table: &PhysicalTable, at: i64) -> Result<PhysicalTable, WarehouseError> {
        // variables outlive a transaction that is rolled back: not even that shall reach another model
        let session = self.session()?;
        session.transaction(&format!("running `{}`", build.model), |session| {
            session.within_limit(|| {
                session.fits(build)?;
                let table = session.refill_whole(table, Some(build), at)?;
                audit::run(session, build, None)?;
                Ok(table)
            })
        })
    }

    fn restate(
        &self,
        tables: &[Restated<'_>],
        dropped: &[TableName],
        told: &mut dyn FnMut(usize, Option<Duration>),
    ) -> Result<(), WarehouseError> {
        self.transaction("building again", |warehouse| {
            for (index, Restated { table, build, at }) in tables.iter().enumerate() {
                told(index, None);
                let start = Instant::now();
                match (build, &table.filled) {
                    (Some(build), Some(_)) => {
                        Loader::of(warehouse, build, *at).map_or(Ok(()), |loader| loader.fill_again())?;
                    }
                    (build, _) => {
                        warehouse.refill_whole(table, *build, *at)?;
                        build.map_or(Ok(()), |build| audit::run(warehouse, build, None))?;
                    }
                }
                told(index, Some(start.elapsed()));
            }
            Ledger(warehouse).forget(dropped)
        })
    }

    fn columns(&self, table: &TableName) -> Result<Vec<Column>, WarehouseError> {
        let sql = format!("SELECT column_name, column_type FROM (DESCRIBE {})", table.quoted());
        self.all("reading columns", &sql, |row| Ok((row.get(0)?, row.get(1)?)))
    }

    fn bytes(&self, tables: &BTreeSet<TableName>) -> Result<BTreeMap<TableName, u64>, WarehouseError> {
        self.storage(tables)
    }

    fn another_session(&self) -> Result<Box<dyn Warehouse>, WarehouseError> {
        Ok(Box::new(self.session()?))
    }
}

impl Warehouse for Database {}

impl Database {
    fn build_here(&self, doing: &str, build: &Build, at: i64) -> Result<PhysicalTable, WarehouseError> {
        self.fits(build)?;
        if let Some(loader) = Loader::of(self, build, at) {
            return loader.fill();
        }
        self.transaction(doing, |warehouse| {
            let clone_of = Ledger(warehouse).cloned(build)?;
            let select = match (&build.body, clone_of) {
                (Body::Table(select), Some(_)) => Some(select.clone()),
                _ => warehouse.around(&build.around, |warehouse| warehouse.among_files(doing, build))?,
            };
            audit::run(warehouse, build, None)?;
            let rows = warehouse.count(&build.table, &build.body)?;
            let mut built =
                PhysicalTable { select, rows, ..Ledger(warehouse).made(build, warehouse.columns(&build.table)?, at)? };
            if let Some(of) = clone_of {
                built = Ledger(warehouse).record_of_clone(built, build, of)?;
            }
            Ledger(warehouse).record(&built)?;
            warehouse.stand_for(&build.fingerprint, &build.table)?;
            Ok(built)
        })
    }

    /// Fills a table again by a build's query, or without one by that on record: the fingerprint stays, the sources may have
    /// new rows. The views over it are renewed if its columns changed. To be called within a transaction.
    fn refill_whole(
        &self,
        snapshot: &PhysicalTable,
        build: Option<&Build>,
        at: i64,
    ) -> Result<PhysicalTable, WarehouseError> {
        let doing = format!("building `{}` again", snapshot.model);
        let (select, around) = match (build, &snapshot.select) {
            (Some(build), _) if matches!(build.body, Body::Table(_)) => {
                let select = self.around(&build.around, |warehouse| warehouse.among_files(&doing, build))?;
                (select, build.around.clone())
            }
            (_, Some(select)) => {
                let create = format!("CREATE OR REPLACE TABLE {} AS\n{select}", snapshot.table.quoted());
                self.make_room(&snapshot.table)?;
                self.around(&snapshot.around, |warehouse| warehouse.run_one(&doing, &create))?;
                (Some(select.clone()), snapshot.around.clone())
            }
            (_, None) => return Ok(snapshot.clone()),
        };
        let inputs = Ledger(self).inputs_again(snapshot, build)?;
        let mut columns = self.columns(&snapshot.table)?;
        if columns != snapshot.columns {
            columns = self.show_columns(&snapshot.table)?;
        }
        let revision = snapshot.revision + 1;
        let rows = Some(self.rows_of(&snapshot.table)?);
        let snapshot =
            PhysicalTable { columns, built_at: at, inputs, revision, select, around, rows, ..snapshot.clone() };
        Ledger(self).record(&snapshot)?;
        Ok(snapshot)
    }

    /// Compares a query's columns with the declared ones, where it has what it needs to be run.
    fn fits(&self, build: &Build) -> Result<(), WarehouseError> {
        let setup = match &build.body {
            Body::Loads(fill) => fill.setup.clone(),
            _ => build.around.without_table(),
        };
        self.around(&setup, |warehouse| warehouse.compare_declared(build))
    }

    /// Refuses a query whose columns are not the declared ones: which it has, only the engine knows for sure.
    fn compare_declared(&self, build: &Build) -> Result<(), WarehouseError> {
        let Some((columns, select)) = &build.declared else { return Ok(()) };
        let doing = format!("building `{}`", build.model);
        let found = self.rows(&doing, &format!("SELECT * FROM (\n{select}\n) LIMIT 0"), Some(0))?.columns;
        let found: Vec<String> = found.into_iter().map(|(name, _)| name).collect();
        match Undeclared::of(columns, &found) {
            Some(differ) => Err(BuildError::Unfit { what: differ.words(&build.model), help: Undeclared::HELP }.into()),
            None => Ok(()),
        }
    }

    /// Makes the table with the project's files at hand: copies of them, in the one folder that queries may read, so
    /// that a commit is built from its own files, and nothing else of the disk can be reached. A table that read files
    /// can't be filled again without them, nor files from outside without a look at them, so its query is not put on
    /// record.
    fn among_files(&self, doing: &str, build: &Build) -> Result<Option<String>, WarehouseError> {
        if build.files.is_empty() {
            return Ok(self.fill(doing, build)?.filter(|_| !build.reads_outside));
        }
        let failed =
            |error: std::io::Error| WarehouseError::Engine { doing: doing.to_owned(), message: error.to_string() };
        let folder = self.instance.scratch.path().join(&build.table.name);
        for (path, content) in &build.files {
            let file = folder.join(path);
            std::fs::create_dir_all(file.parent().unwrap_or(&folder)).map_err(failed)?;
            std::fs::write(file, content).map_err(failed)?;
        }
        let before = std::env::current_dir().map_err(failed)?;
        std::env::set_current_dir(&folder).map_err(failed)?;
        let filled = self.fill(doing, build);
        std::env::set_current_dir(before).map_err(failed)?;
        let _ = std::fs::remove_dir_all(folder);
        filled.map(|_| None)
    }

    /// Makes the table; gives the query that did.
    fn fill(&self, doing: &str, build: &Build) -> Result<Option<String>, WarehouseError> {
        let table = build.table.quoted();
        self.make_room(&build.table)?;
        match &build.body {
            Body::Table(select) => {
                self.run_one(doing, &format!("CREATE OR REPLACE TABLE {table} AS\n{select}"))?;
                Ok(Some(select.clone()))
            }
            Body::View(select) => {
                self.run_one(doing, &format!("CREATE OR REPLACE VIEW {table} AS\n{select}"))?;
                Ok(Some(select.clone()))
            }
            Body::Loads(_) => Ok(None),
            Body::Seed { content, seed, columns } => {
                let file = self.instance.scratch.path().join(format!("{}.csv", build.table.name));
                let unfit = |why| BuildError::Unfit {
                    what: format!("`{}` can't be a seed of `{}`: {why}", seed.path, build.model),
                    help: "mend the file, or say in `csv_settings` how it is written",
                };
                let text = csv::rewrite(content, seed, columns).map_err(unfit)?;
                std::fs::write(&file, text).map_err(|error| WarehouseError::Engine {
                    doing: doing.to_owned(),
                    message: format!("{}: {error}", file.display()),
                })?;
                let made = self.run_one(doing, &load_seed(&table, &file, columns));
                // the folder goes with the warehouse anyway; a large seed should not wait for that
                let _ = std::fs::remove_file(&file);
                made?;
                let cut = csv::cut_short(EngineKind::DuckDb, content, seed, &self.columns(&build.table)?, columns);
                let cut = cut.map_err(unfit)?;
                match cut {
                    Some((column, value, kind)) => {
                        Err(BuildError::Cell { model: build.model.clone(), column, value, kind }.into())
                    }
                    None => Ok(None),
                }
            }
        }
    }

    /// Makes room for other rows in a table's place: its clones get rows of their own, and if it is a clone itself, its view
    /// goes. To be called within a transaction.
    fn make_room(&self, table: &TableName) -> Result<(), WarehouseError> {
        let ledger = Ledger(self);
        ledger.detach_clones(table)?;
        let is_clone = ledger.on_record(table)?.is_some_and(|known| known.inputs.clone_of.is_some());
        let drop = format!("DROP VIEW IF EXISTS {}", table.quoted());
        if is_clone { self.run("detaching a clone", &drop) } else { Ok(()) }
    }

    /// How many rows a table has that was made just now; none of a view.
    fn count(&self, table: &TableName, body: &Body) -> Result<Option<u64>, WarehouseError> {
        match body {
            Body::View(_) => Ok(None),
            _ => self.rows_of(table).map(Some),
        }
    }

    /// How many rows a table has.
    fn rows_of(&self, table: &TableName) -> Result<u64, WarehouseError> {
        self.one("counting rows", &format!("SELECT count(*) FROM {}", table.quoted()))
    }
}

/// The statement that loads a CSV file as [`csv::rewrite`] writes it. Columns without a declared type get the one that
/// DuckDB finds over the whole file, so that the same content always gives the same types.
fn load_seed(table: &str, file: &Path, columns: &[Column]) -> String {
    let written = "header = true, delim = ',', quote = '\"', escape = '\"', nullstr = '', allow_quoted_nulls = false";
    let mut options = format!("{written}, sample_size = -1");
    if !columns.is_empty() {
        let types: Vec<String> =
            columns.iter().map(|(name, kind)| format!("{}: {}", literal(name), literal(kind))).collect();
        options.push_str(&format!(", types = {{{}}}", types.join(", ")));
    }
    let wanted: Vec<String> = columns.iter().map(|(name, _)| quote(name)).collect();
    let wanted = if wanted.is_empty() { "*".to_owned() } else { wanted.join(", ") };
    let file = literal(&file.to_string_lossy());
    format!("CREATE OR REPLACE TABLE {table} AS SELECT {wanted} FROM read_csv({file}, {options})")
}
