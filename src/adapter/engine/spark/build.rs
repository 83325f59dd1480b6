//! Filling one table: an attempt that nobody sees, its audits, and then the records that say that it counts.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::attempts::Attempt;
use super::content::Content;
use super::{Database, error};
use crate::adapter::engine::incremental::Loader;
use crate::adapter::engine::records::Ledger;
use crate::adapter::engine::{Ask, Body, Build, BuildError, Restated, Tables, Warehouse, WarehouseError};
use crate::adapter::engine::{audit, cutoff};
use crate::domain::environment::{Column, PhysicalTable};
use crate::domain::name::TableName;
use crate::domain::project::Undeclared;

impl Tables for Database {
    fn build(&self, build: &Build, at: i64) -> Result<PhysicalTable, WarehouseError> {
        can(build)?;
        self.within_limit(|| {
            self.compare_declared(build)?;
            if let Some(loader) = Loader::of(self, build, at) {
                return loader.fill();
            }
            let doing = format!("building `{}`", build.model);
            if build.clone_of.is_some()
                && let Some(built) = Ledger(self).transaction(&doing, |_| self.build_clone(build, at))?
            {
                return Ok(built);
            }
            let Filled { columns, rows, attempt } = self.fill(&doing, build)?;
            let built = Ledger(self).transaction(&doing, |ledger| {
                if let Some(attempt) = &attempt {
                    self.has_rows(&build.table, &Content::of(&attempt.table), true)?;
                }
                let select = query_of(build).map(str::to_owned);
                let built = PhysicalTable { select, rows, ..ledger.made(build, columns, at)? };
                ledger.record(&built)?;
                ledger.stand_for(&build.fingerprint, &build.table)?;
                Ok(built)
            })?;
            cutoff::cut_off(self, build, built)
        })
    }

    fn refill(&self, build: &Build, table: &PhysicalTable, at: i64) -> Result<PhysicalTable, WarehouseError> {
        can(build)?;
        let doing = format!("running `{}`", build.model);
        self.within_limit(|| Ledger(self).transaction(&doing, |_| self.fill_again(table, Some(build), at)))
    }

    fn restate(
        &self,
        tables: &[Restated<'_>],
        dropped: &[TableName],
        told: &mut dyn FnMut(usize, Option<Duration>),
    ) -> Result<(), WarehouseError> {
        Ledger(self).transaction("building again", |ledger| {
            for (index, Restated { table, build, at }) in tables.iter().enumerate() {
                told(index, None);
                let start = Instant::now();
                match build.and_then(|build| Loader::of(self, build, *at)) {
                    Some(loader) => loader.fill_again()?,
                    None => self.fill_again(table, *build, *at).map(|_| ())?,
                }
                told(index, Some(start.elapsed()));
            }
            ledger.forget(dropped)
        })
    }

    fn columns(&self, table: &TableName) -> Result<Vec<Column>, WarehouseError> {
        self.describe("reading columns", &format!("SELECT * FROM {}", table.quoted()))
    }

    fn bytes(&self, _tables: &BTreeSet<TableName>) -> Result<BTreeMap<TableName, u64>, WarehouseError> {
        // what lies in the store is the server's to know
        Ok(BTreeMap::new())
    }

    fn another_session(&self) -> Result<Box<dyn Warehouse>, WarehouseError> {
        self.again().map(|session| Box::new(session) as Box<dyn Warehouse>)
    }
}

/// Rows that are made and audited, and that nobody sees yet.
struct Filled {
    columns: Vec<Column>,
    /// How many there are; none of a view.
    rows: Option<u64>,
    /// What they are; none of a view.
    attempt: Option<Attempt>,
}

/// Refuses what can't be built on Spark so far.
fn can(build: &Build) -> Result<(), WarehouseError> {
    match &build.body {
        _ if build.has_statements() => Err(error::not_yet("statements around a query")),
        _ if !build.files.is_empty() || build.reads_outside => {
            Err(error::not_yet(&format!("`{}` reads files, which", build.model)))
        }
        _ => Ok(()),
    }
}

fn query_of(build: &Build) -> Option<&str> {
    match &build.body {
        Body::Table(select) | Body::View(select) => Some(select),
        Body::Seed { .. } | Body::Loads(_) => None,
    }
}

impl Database {
    /// Does something whose statements may each take as many seconds as the settings say.
    fn within_limit<T>(&self, work: impl FnOnce() -> Result<T, WarehouseError>) -> Result<T, WarehouseError> {
        let seconds = self.location.limits.seconds;
        if seconds == 0 {
            return work();
        }
        self.server()?.limit(seconds);
        let done = work();
        self.server()?.limit(0);
        done
    }

    /// The clone that a build's table is to be; none where it is to be none, or the other has other rows by now. To be called
    /// within a transaction.
    fn build_clone(&self, build: &Build, at: i64) -> Result<Option<PhysicalTable>, WarehouseError> {
        let ledger = Ledger(self);
        let Some(of) = ledger.cloned(build)? else { return Ok(None) };
        let original = TableName::physical(of.0.clone());
        let (columns, rows) = ledger.on_record(&original)?.map(|it| (it.columns, it.rows)).unwrap_or_default();
        let select = query_of(build).map(str::to_owned);
        let built = PhysicalTable { select, rows, ..ledger.made(build, columns, at)? };
        let built = ledger.record_of_clone(built, build, of)?;
        ledger.record(&built)?;
        ledger.stand_for(&build.fingerprint, &build.table)?;
        Ok(Some(built))
    }

    /// Makes the rows of a build, and audits them.
    fn fill(&self, doing: &str, build: &Build) -> Result<Filled, WarehouseError> {
        if let Body::View(select) = &build.body {
            self.make_view(doing, &build.table, select)?;
            audit::run(self, build, None)?;
            return Ok(Filled { columns: self.columns(&build.table)?, rows: None, attempt: None });
        }
        let attempt = self.attempt(&build.table)?;
        let filled = || {
            self.fill_attempt(doing, build, &attempt)?;
            let audited = Build { table: attempt.table.clone(), ..build.clone() };
            audit::run(self, &audited, None)?;
            Ok((self.columns(&attempt.table)?, Some(self.count(&attempt.table)?)))
        };
        match filled() {
            Ok((columns, rows)) => Ok(Filled { columns, rows, attempt: Some(attempt) }),
            Err(error) => {
                self.give_up(&attempt);
                Err(error)
            }
        }
    }

    /// Makes a view of a model, or changes it: a line before the query.
    fn make_view(&self, doing: &str, view: &TableName, select: &str) -> Result<(), WarehouseError> {
        let (server, name) = (self.server()?, view.quoted());
        match server.run(doing, &format!("ALTER VIEW {name} AS\n{select}")) {
            Err(WarehouseError::Engine { message, .. })
                if message.contains("NOT_FOUND") && message.contains(&view.name) =>
            {
                server.run(doing, &format!("CREATE VIEW {name} WITH SCHEMA EVOLUTION AS\n{select}"))
            }
            done => done,
        }
    }

    fn fill_attempt(&self, doing: &str, build: &Build, attempt: &Attempt) -> Result<(), WarehouseError> {
        match &build.body {
            Body::Table(select) | Body::View(select) => {
                let create = format!("CREATE TABLE {} AS\n{}", attempt.table.quoted(), self.as_it_is(select));
                self.server()?.run_as(doing, &create, &attempt.operation)
            }
            Body::Seed { content, seed, columns } => self.load_seed(build, attempt, (content, seed, columns)),
            Body::Loads(_) => Ok(()),
        }
    }

    /// Fills a table again by a build's query, or without one by that on record: those who read it find the rows of before until
    /// its view shows the new ones. To be called within a transaction.
    fn fill_again(
        &self,
        snapshot: &PhysicalTable,
        build: Option<&Build>,
        at: i64,
    ) -> Result<PhysicalTable, WarehouseError> {
        let doing = format!("building `{}` again", snapshot.model);
        let (select, attempt, columns, rows) = match (build, &snapshot.select) {
            (Some(build), _) if matches!(build.body, Body::Table(_)) => {
                let Filled { columns, rows, attempt } = self.fill(&doing, build)?;
                (query_of(build).map(str::to_owned), attempt, columns, rows)
            }
            (_, Some(select)) => {
                let attempt = self.make_attempt(&doing, &snapshot.table, select)?;
                let (columns, rows) = (self.columns(&attempt.table)?, Some(self.count(&attempt.table)?));
                (Some(select.clone()), Some(attempt), columns, rows)
            }
            (_, None) => return Ok(snapshot.clone()),
        };
        let ledger = Ledger(self);
        let inputs = ledger.inputs_again(snapshot, build)?;
        ledger.detach_clones(&snapshot.table)?;
        if let Some(attempt) = &attempt {
            self.has_rows(&snapshot.table, &Content::of(&attempt.table), true)?;
        }
        let revision = snapshot.revision + 1;
        let filled = PhysicalTable { columns, built_at: at, inputs, revision, select, rows, ..snapshot.clone() };
        ledger.record(&filled)?;
        Ok(filled)
    }

    /// Refuses a query whose columns are not the declared ones: which it has, only the engine knows for sure.
    fn compare_declared(&self, build: &Build) -> Result<(), WarehouseError> {
        let Some((columns, select)) = &build.declared else { return Ok(()) };
        let found = self.describe(&format!("building `{}`", build.model), select)?;
        let found: Vec<String> = found.into_iter().map(|(name, _)| name).collect();
        match Undeclared::of(columns, &found) {
            Some(differ) => Err(BuildError::Unfit { what: differ.words(&build.model), help: Undeclared::HELP }.into()),
            None => Ok(()),
        }
    }

    fn count(&self, table: &TableName) -> Result<u64, WarehouseError> {
        let rows = self.rows("counting rows", &format!("SELECT count(*) FROM {}", table.quoted()), None)?.rows;
        Ok(rows.first().and_then(|row| row.first()?.as_ref()?.parse().ok()).unwrap_or_default())
    }
}
