//! Building one table: complete and on record, or not there at all.
//!
//! A table is never replaced where views stand on it: what is made anew stands in its place, and what was there keeps its
//! readers under another name, until the views are published over the new one.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::{Database, error, session, swap};
use crate::adapter::engine::incremental::{self, Filling, Loader};
use crate::adapter::engine::records::{Ledger, PhysicalLayer, SqlSession};
use crate::adapter::engine::{Ask, Body, Build, BuildError, Restated, Tables, Warehouse, WarehouseError};
use crate::adapter::engine::{audit, cutoff};
use crate::domain::environment::{Column, PhysicalTable};
use crate::domain::name::{SNAPSHOTS_SCHEMA, TableName, literal, quote};
use crate::domain::project::Undeclared;

/// How often readers are let go first, each time for a fifth of a second at most: half a minute in all.
const ATTEMPTS: u32 = 125;

impl Tables for Database {
    fn build(&self, build: &Build, at: i64) -> Result<PhysicalTable, WarehouseError> {
        self.can(build)?;
        let doing = format!("building `{}`", build.model);
        self.within_limit(|| {
            self.fits(build)?;
            if let Some(loader) = Loader::of(self, build, at) {
                let built = loader.fill()?;
                self.run(&doing, &format!("ANALYZE {}", build.table.quoted()))?;
                return Ok(built);
            }
            let built = self.transaction(&doing, |warehouse| warehouse.build_whole(&doing, build, at))?;
            cutoff::cut_off(self, build, built)
        })
    }

    fn refill(&self, build: &Build, table: &PhysicalTable, at: i64) -> Result<PhysicalTable, WarehouseError> {
        self.can(build)?;
        self.within_limit(|| {
            self.transaction(&format!("running `{}`", build.model), |warehouse| {
                let table = warehouse.fill_again(table, Some(build), at)?;
                audit::run(warehouse, build, None)?;
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
                match build.and_then(|build| Loader::of(warehouse, build, *at)) {
                    Some(loader) => loader.fill_again()?,
                    None => {
                        warehouse.fill_again(table, *build, *at)?;
                        build.map_or(Ok(()), |build| audit::run(warehouse, build, None))?;
                    }
                }
                told(index, Some(start.elapsed()));
            }
            Ledger(warehouse).forget(dropped)
        })
    }

    fn columns(&self, table: &TableName) -> Result<Vec<Column>, WarehouseError> {
        let sql = format!(
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute \
             WHERE attrelid = to_regclass({}) AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
            literal(&table.quoted())
        );
        self.all("reading columns", &sql)?.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
    }

    fn bytes(&self, tables: &BTreeSet<TableName>) -> Result<BTreeMap<TableName, u64>, WarehouseError> {
        let sql = format!(
            "SELECT relname, pg_total_relation_size(oid) FROM pg_class \
             WHERE relkind = 'r' AND relnamespace = to_regnamespace('{SNAPSHOTS_SCHEMA}')"
        );
        let sizes: Vec<(String, u64)> = self
            .all("measuring tables", &sql)?
            .iter()
            .map(|row| Ok((row.get(0)?, row.get(1)?)))
            .collect::<Result<_, WarehouseError>>()?;
        let sizes = sizes.into_iter().map(|(name, bytes)| (TableName::physical(name), bytes));
        Ok(sizes.filter(|(table, _)| tables.contains(table)).collect())
    }

    fn another_session(&self) -> Result<Box<dyn Warehouse>, WarehouseError> {
        Ok(Box::new(Self::connect(&self.location, self.turn.clone())?))
    }
}

impl Database {
    /// Builds what is made at once. To be called within a transaction.
    fn build_whole(&self, doing: &str, build: &Build, at: i64) -> Result<PhysicalTable, WarehouseError> {
        let ledger = Ledger(self);
        let clone_of = ledger.cloned(build)?;
        let select = match (&build.body, clone_of) {
            (Body::Table(select), Some(_)) => Some(select.clone()),
            _ => self.around(&build.around, |warehouse| warehouse.make(doing, build))?,
        };
        audit::run(self, build, None)?;
        let rows = self.count(&build.table, &build.body)?;
        let mut built = PhysicalTable { select, rows, ..ledger.made(build, self.columns(&build.table)?, at)? };
        if let Some(of) = clone_of {
            built = ledger.record_of_clone(built, build, of)?;
        }
        ledger.record(&built)?;
        ledger.stand_for(&build.fingerprint, &build.table)?;
        Ok(built)
    }

    /// Refuses what this engine can't build so far.
    fn can(&self, build: &Build) -> Result<(), WarehouseError> {
        match build.files.is_empty() && !build.reads_outside {
            true => Ok(()),
            false => Err(error::not_yet(&format!("`{}` reads files, which", build.model))),
        }
    }

    /// Compares a query's columns with the declared ones, where it has what it needs to be run.
    fn fits(&self, build: &Build) -> Result<(), WarehouseError> {
        if build.declared.is_none() {
            return Ok(());
        }
        let setup = match &build.body {
            Body::Loads(fill) => fill.setup.clone(),
            _ => build.around.without_table(),
        };
        let doing = format!("building `{}`", build.model);
        self.transaction(&doing, |warehouse| warehouse.around(&setup, |warehouse| warehouse.compare_declared(build)))
    }

    /// Refuses a query whose columns are not the declared ones: which it has, only the engine knows for sure.
    fn compare_declared(&self, build: &Build) -> Result<(), WarehouseError> {
        let Some((columns, select)) = &build.declared else { return Ok(()) };
        // where the query stands in what is sent is where it stands in what builds the table
        let sent = format!("SELECT * FROM (\n{select}\n) AS declared");
        let found = self.describe(&format!("building `{}`", build.model), &sent)?;
        let found: Vec<String> = found.into_iter().map(|(name, _)| name).collect();
        match Undeclared::of(columns, &found) {
            Some(differ) => Err(BuildError::Unfit { what: differ.words(&build.model), help: Undeclared::HELP }.into()),
            None => Ok(()),
        }
    }

    /// Makes the table; gives the query that did.
    fn make(&self, doing: &str, build: &Build) -> Result<Option<String>, WarehouseError> {
        let table = build.table.quoted();
        if let Body::Table(select) | Body::View(select) = &build.body {
            self.look_at_calls(doing, select)?;
        }
        Ledger(self).detach_clones(&build.table)?;
        self.replace(doing, &build.table, || {
            Ok(match &build.body {
                Body::Table(select) => {
                    self.run_one(doing, &format!("CREATE TABLE {table} AS\n{select}"))?;
                    self.run(doing, &format!("ANALYZE {table}"))?;
                    Some(select.clone())
                }
                Body::View(select) => {
                    self.run_one(doing, &format!("CREATE VIEW {table} AS\n{select}"))?;
                    Some(select.clone())
                }
                Body::Seed { content, seed, columns } => {
                    self.load_seed(build, content, seed, columns)?;
                    None
                }
                Body::Loads(_) => None,
            })
        })
    }

    /// Refuses columns that hold rows of a table: that could never be changed any more.
    fn has_no_rows_of_tables(&self, table: &TableName) -> Result<(), WarehouseError> {
        let sql = format!(
            "SELECT a.attname FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid \
             LEFT JOIN pg_type e ON e.oid IN (t.typelem, t.typbasetype) AND e.oid <> 0 \
             WHERE a.attrelid = to_regclass({}) AND a.attnum > 0 AND 'c' IN (t.typtype, e.typtype)",
            literal(&table.quoted())
        );
        let Some(found) = self.all("looking at a table's columns", &sql)?.into_iter().next() else { return Ok(()) };
        let what = format!(
            "the column `{}` would hold rows of a table, which could not be changed then",
            found.get::<String>(0)?
        );
        Err(BuildError::Unfit { what, help: "select the columns of the rows, or make JSON of them: to_jsonb(t)" }
            .into())
    }

    /// Makes a table, by `make`, in the place of what may be there. That goes, once all that vmesh made upon it stands on the new
    /// one. Readers wait from here to the end of the transaction. To be called within one.
    pub(super) fn replace<T>(
        &self,
        doing: &str,
        table: &TableName,
        make: impl FnOnce() -> Result<T, WarehouseError>,
    ) -> Result<T, WarehouseError> {
        let before = self.set_aside(table)?;
        let made = make()?;
        self.has_no_rows_of_tables(table)?;
        if let Some((before, kind)) = before {
            self.follow(&before, table)?;
            self.drop_physical(doing, kind, &[&before])?;
        }
        Ok(made)
    }

    /// Calls what stands in a table's place otherwise; gives that name, and what it is.
    fn set_aside(&self, table: &TableName) -> Result<Option<(TableName, &'static str)>, WarehouseError> {
        let doing = "making room for a table";
        let Some(is_view) = self.is_view(table)? else { return Ok(None) };
        let kind = if is_view { "VIEW" } else { "TABLE" };
        // who reads a view holds it and then wants what it shows: locked the other way round, each would wait for the other
        self.keep_readers_off(doing, &self.views_above(table)?)?;
        let aside = self.beside(table)?;
        let rename = format!("ALTER {kind} {} RENAME TO {}", table.quoted(), quote(&aside.name));
        self.run(doing, &format!("SET LOCAL lock_timeout = '5s'; {rename}; SET LOCAL lock_timeout = 0"))?;
        Ok(Some((aside, kind)))
    }

    /// A name beside that of a table, which nothing has.
    pub(super) fn beside(&self, table: &TableName) -> Result<TableName, WarehouseError> {
        let sql = "SELECT substr(md5(random()::text || clock_timestamp()::text), 1, 12)";
        let found = self.all("finding a name", sql)?;
        let ending: String = found.first().map(|row| row.get(0)).transpose()?.unwrap_or_default();
        let name: String = table.name.chars().filter(char::is_ascii).take(45).collect();
        Ok(TableName::physical(format!("{name}__{ending}")))
    }

    /// Makes the views that show a table, and those of models that read it, stand on another one, or on the same with other
    /// columns.
    pub(super) fn follow(&self, before: &TableName, table: &TableName) -> Result<(), WarehouseError> {
        let doing = "moving views to a table that was made again";
        let ledger = Ledger(self);
        let views = self.views_of(before)?;
        self.keep_readers_off(doing, &views)?;
        let table_name = table.quoted();
        let shown: String = views.iter().map(|view| session::show_as_said(&ledger.full(view), &table_name)).collect();
        if !shown.is_empty() {
            self.run(doing, &shown)?;
        }
        for known in ledger.tables("kind = 'VIEW'")?.into_values() {
            let reads = known.select.as_ref().filter(|select| select.contains(&table.quoted()));
            let is_there = || Ok::<bool, WarehouseError>(self.is_view(&known.table)? == Some(true));
            if let (Some(select), true) = (reads, known.table != *table && is_there()?) {
                let make = format!("CREATE VIEW {} AS\n{select}", known.table.quoted());
                self.replace(doing, &known.table, || self.run_one(doing, &make))?;
                incremental::record(self, &known.table)?;
            }
        }
        Ok(())
    }

    /// Locks views, all of them at once, as a publication does: who reads one and then another gets what is locked, and what
    /// is in the way for longer than a moment is let go first.
    fn keep_readers_off(&self, doing: &str, views: &[TableName]) -> Result<(), WarehouseError> {
        if views.is_empty() {
            return Ok(());
        }
        let views: Vec<String> = views.iter().map(TableName::quoted).collect();
        let lock = swap::keeping_readers_off(&views);
        let body = format!(
            "DECLARE {} BEGIN FOR attempt IN 1..{ATTEMPTS} LOOP BEGIN \
             PERFORM set_config('lock_timeout', CASE attempt WHEN {ATTEMPTS} THEN '5s' ELSE '100ms' END, true); {lock} \
             PERFORM set_config('lock_timeout', '0', true); RETURN; \
             EXCEPTION WHEN lock_not_available OR deadlock_detected THEN \
             IF attempt = {ATTEMPTS} THEN RAISE; END IF; PERFORM pg_sleep(0.2 * random()); END; END LOOP; END",
            swap::HELD
        );
        self.run(doing, &format!("DO {}", literal(&body)))
    }

    /// Whether what is there of a name is a view; none if nothing is.
    fn is_view(&self, table: &TableName) -> Result<Option<bool>, WarehouseError> {
        let (schemas, names) = (BTreeSet::from([table.schema.clone()]), BTreeSet::from([table.name.clone()]));
        Ok(self.relations(Some(&schemas), Some(&names))?.first().map(|relation| relation.is_view))
    }

    /// How many rows a table has that was made just now; none of a view.
    fn count(&self, table: &TableName, body: &Body) -> Result<Option<u64>, WarehouseError> {
        match body {
            Body::View(_) => Ok(None),
            _ => self.rows_of(table).map(Some),
        }
    }

    fn rows_of(&self, table: &TableName) -> Result<u64, WarehouseError> {
        let rows = self.all("counting rows", &format!("SELECT count(*) FROM {}", table.quoted()))?;
        rows.first().map_or(Ok(0), |row| row.get(0))
    }

    /// Fills a table again by a build's query, or without one by that on record, under the views that show it: those who
    /// read meanwhile find the rows of before. To be called within a transaction.
    fn fill_again(
        &self,
        snapshot: &PhysicalTable,
        build: Option<&Build>,
        at: i64,
    ) -> Result<PhysicalTable, WarehouseError> {
        let doing = format!("building `{}` again", snapshot.model);
        let (select, around) = match (build, &snapshot.select) {
            (Some(Build { body: Body::Table(select), around, .. }), _) => (select.clone(), around.clone()),
            (_, Some(select)) => (select.clone(), snapshot.around.clone()),
            (_, None) => return Ok(snapshot.clone()),
        };
        let mut columns = snapshot.columns.clone();
        let ledger = Ledger(self);
        ledger.detach_clones(&snapshot.table)?;
        self.around(&around, |warehouse| {
            warehouse.look_at_calls(&doing, &select)?;
            let (table, fresh) = (&snapshot.table, warehouse.describe(&doing, &select)?);
            if fresh == warehouse.columns(table)? {
                warehouse.run(&doing, &format!("DELETE FROM {}", table.quoted()))?;
                return warehouse.run_one(&doing, &format!("INSERT INTO {}\n{select}", table.quoted())).map(|_| ());
            }
            // what it reads has other columns by now
            columns = fresh;
            warehouse.remake(&doing, table, &select)
        })?;
        self.run(&doing, &format!("ANALYZE {}", snapshot.table.quoted()))?;
        let inputs = ledger.inputs_again(snapshot, build)?;
        let (revision, rows) = (snapshot.revision + 1, Some(self.rows_of(&snapshot.table)?));
        let filled = PhysicalTable {
            columns,
            built_at: at,
            inputs,
            revision,
            select: Some(select),
            around,
            rows,
            ..snapshot.clone()
        };
        ledger.record(&filled)?;
        Ok(filled)
    }
}
