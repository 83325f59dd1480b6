//! What vmesh remembers, and what environments show, in SQL that engines have in common: it lies in the warehouse itself,
//! so that views and records change in one transaction.
//!
//! | file | is about |
//! |---|---|
//! | `state`, `tables` | reading all of it at one moment · the physical layer's part |
//! | `publish`, `moves` | moving an environment's pointers · and its views |
//! | `comments` | what views are commented with |
//! | `collect`, `remove` | what goes |
//! | `clones` | tables that are views of others, since they have the very rows |
//! | `past_builds` | who built what, and how long it took |
//! | `row` | rows as text, which every engine can give |
//!
//! An engine is a [`SqlSession`]; what differs between engines is in its [`Caps`], or behind its methods.

mod clones;
mod collect;
mod comments;
mod moves;
mod past_builds;
mod publish;
mod remove;
mod row;
mod state;
mod tables;

use std::collections::BTreeSet;
use std::time::Duration;

pub(super) use self::row::{FromText, Row, Value, values};
use super::WarehouseError;
use crate::domain::engine_kind::EngineKind;
use crate::domain::name::{TableName, literal, quote};

/// vmesh's records as an engine makes them that has DuckDB's names for types.
pub(super) const RECORDS: &str = include_str!("records.sql");

/// The version of the records that this vmesh writes.
pub(super) const FORMAT: u32 = 7;

/// How long readers are let go first, each time that they hold a publication up: half a minute in all. Milliseconds.
const PAUSES: [u64; 20] =
    [3, 7, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987, 1597, 2000, 3000, 3000, 4000, 4000, 5000, 5000];

/// The same in one.
pub(super) const HELD: Duration = Duration::from_secs(30);

const BEGIN: &str = "BEGIN TRANSACTION";

/// The physical layer, as far as an engine has its own ways with it.
pub(super) trait PhysicalLayer {
    /// Drops tables, or views, of the physical layer that are there, but for those that somebody else's things stand on.
    fn drop_physical(&self, doing: &str, kind: &str, tables: &[&TableName]) -> Result<(), WarehouseError>;

    /// Makes a table, or a view, with the rows of another one in the place of what may be there: what vmesh made upon that stands
    /// on the new one. To be called within a transaction.
    fn put_in_place(
        &self,
        doing: &str,
        kind: &str,
        table: &TableName,
        original: &TableName,
    ) -> Result<(), WarehouseError>;
}

/// The virtual layer, as far as an engine has its own ways with it.
pub(super) trait VirtualLayer {
    /// Changes schemas and views, in this order. To be called within a transaction: they change when that ends, or, where the
    /// engine has none for them, in [`Self::settle`].
    fn change_views(&self, doing: &str, changes: &[Change]) -> Result<(), WarehouseError>;

    /// How long one view takes to move, where they move one after the other.
    fn pace(&self) -> Result<Option<Duration>, WarehouseError> {
        Ok(None)
    }

    /// Does what could not be done within the transaction that has just ended.
    fn settle(&self) -> Result<(), WarehouseError> {
        Ok(())
    }
}

/// What becomes of a schema or a view.
pub(super) enum Change {
    /// Statements that come first, of an engine that swaps schemas.
    Swap(String),
    /// The schema is there.
    Schema(String),
    /// The view shows a table.
    Show {
        /// The view.
        view: TableName,
        /// The table.
        table: TableName,
        /// The statements that comment it and say who may read it.
        besides: String,
    },
    /// The view goes.
    Drop(TableName),
    /// The schema goes, with all in it.
    DropSchema(String),
}

/// A session of an open warehouse, for vmesh's own statements.
pub(super) trait SqlSession: PhysicalLayer + VirtualLayer {
    /// What the engine can do.
    fn caps(&self) -> &Caps;

    /// Runs statements whose rows nobody wants.
    fn run(&self, doing: &str, sql: &str) -> Result<(), WarehouseError>;

    /// The rows of one query.
    fn all(&self, doing: &str, sql: &str) -> Result<Vec<Row>, WarehouseError>;

    /// Adds rows to one of vmesh's tables: as many values as it has columns.
    fn insert(&self, doing: &str, table: &str, rows: &[Vec<Value>]) -> Result<(), WarehouseError>;

    /// The tables and views that are there: in some schemas or in all, of some names or of any, compared as the engine compares
    /// names.
    fn relations(
        &self,
        schemas: Option<&BTreeSet<String>>,
        names: Option<&BTreeSet<String>>,
    ) -> Result<Vec<Relation>, WarehouseError>;

    /// The schemas of each thing in some schemas, of whatever kind it is.
    fn contents(&self, schemas: &BTreeSet<String>) -> Result<Vec<String>, WarehouseError>;
}

/// What differs between engines, as far as it can be said in data.
#[derive(Debug, Clone)]
pub(super) struct Caps {
    /// Which engine it is.
    pub(super) engine: EngineKind,
    /// What stands before the name of a schema, with a dot: the database's name, where it could be taken for a schema's.
    pub(super) catalog: String,
    /// Begins a transaction in which every query reads the same moment.
    pub(super) begin_to_read: &'static str,
    /// Begins a transaction that publishes.
    pub(super) begin_to_publish: &'static str,
    /// The statement that makes a view show a table, both quoted: whatever columns it had.
    pub(super) show: fn(view: &str, table: &str) -> String,
    /// The statement that keeps others off some views, all at once, until the transaction ends.
    pub(super) lock: fn(views: &[String], others: Others) -> String,
    /// How a clone comes by its rows.
    pub(super) clones: Clones,
    /// The statements by which some roles may read a view, and no others; none where there are no roles.
    pub(super) readers: Option<fn(view: &str, roles: &BTreeSet<String>) -> String>,
    /// The statements by which tables of the physical layer become this role's, of which another one made them; the other may
    /// read them still. None where there are no roles.
    pub(super) take_over: Option<fn(tables: &BTreeSet<&str>) -> String>,
    /// The query of the tables of the physical layer, among some, that this role may not read.
    pub(super) unreadable: Option<fn(tables: &BTreeSet<&str>) -> String>,
    /// How many views move at once, where readers of the others would wait too long.
    pub(super) swap: Option<Swap>,
    /// How many bytes a name may have.
    pub(super) longest_name: usize,
    /// Whether names are of letters, digits and _ alone.
    pub(super) has_plain_names: bool,
}

impl Default for Caps {
    fn default() -> Self {
        Self {
            engine: EngineKind::default(),
            catalog: String::new(),
            begin_to_read: BEGIN,
            begin_to_publish: BEGIN,
            show: |view, table| format!("CREATE OR REPLACE VIEW {view} AS SELECT * FROM {table};\n"),
            lock: |_, _| String::new(),
            clones: Clones::Views,
            readers: None,
            take_over: None,
            unreadable: None,
            swap: None,
            longest_name: usize::MAX,
            has_plain_names: false,
        }
    }
}

/// How a table comes by the very rows of another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Clones {
    /// It is a view of it.
    Views,
    /// It has rows of its own, as those who read a view that is replaced would wait.
    Copies,
    /// Both are views of the same rows, which nobody ever writes again.
    Shared,
}

/// Whom a lock keeps off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Others {
    /// Those who change a view.
    Changing,
    /// Those who read it, too.
    Reading,
}

/// How a schema takes the place of another one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Swap {
    /// It does so where more views than this move.
    pub(super) above: usize,
    /// The query that says whether nothing stands on a schema's views, and it has no rules that would be lost.
    pub(super) is_free: fn(schema: &str) -> String,
    /// The query whose answer is another one as soon as anybody else's transaction has ended that wrote something.
    pub(super) moment: &'static str,
    /// The statements that give a schema and its views what was granted on another one.
    pub(super) copy: fn(from: &str, to: &str) -> String,
    /// The statements that drop the schemas whose name begins like this, and the views in them.
    pub(super) clear: fn(prefix: &str) -> String,
}

/// A table or view that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Relation {
    /// Where.
    pub(super) place: TableName,
    /// Whether it is a view.
    pub(super) is_view: bool,
    /// The table of the physical layer that a view of vmesh's shows: all of its columns, and nothing else.
    pub(super) shows: Option<TableName>,
    /// Whether it is a view of a SQLMesh environment.
    pub(super) is_sqlmesh: bool,
}

/// The records, through a session.
#[derive(Clone, Copy)]
pub(super) struct Ledger<'s>(pub(super) &'s dyn SqlSession);

impl Ledger<'_> {
    fn run(&self, doing: &str, sql: &str) -> Result<(), WarehouseError> {
        if sql.is_empty() { Ok(()) } else { self.0.run(doing, sql) }
    }

    /// Every row of a query, mapped.
    fn all<T>(
        &self,
        doing: &str,
        sql: &str,
        map: impl FnMut(&Row) -> Result<T, WarehouseError>,
    ) -> Result<Vec<T>, WarehouseError> {
        self.0.all(doing, sql)?.iter().map(map).collect()
    }

    /// Runs `work` in one transaction: all of it or nothing.
    pub(super) fn transaction<T>(
        &self,
        doing: &str,
        work: impl FnOnce(&Self) -> Result<T, WarehouseError>,
    ) -> Result<T, WarehouseError> {
        let done = self.between(BEGIN, doing, work)?;
        self.0.settle().map(|()| done)
    }

    /// Runs `work` in one transaction that moves views: where readers are in the way for longer than they may wait in turn, it
    /// lets them go first and tries again.
    fn among_readers<T>(
        &self,
        doing: &str,
        work: impl Fn(&Self) -> Result<T, WarehouseError>,
    ) -> Result<T, WarehouseError> {
        let mut pauses = PAUSES.iter();
        loop {
            match (self.between(self.0.caps().begin_to_publish, doing, &work), pauses.next()) {
                (Err(WarehouseError::Locked { .. }), Some(pause)) => std::thread::sleep(Duration::from_millis(*pause)),
                (done, _) => return done,
            }
        }
    }

    /// Runs `work` in one transaction that reads one moment.
    fn at_one_moment<T>(
        &self,
        doing: &str,
        work: impl FnOnce(&Self) -> Result<T, WarehouseError>,
    ) -> Result<T, WarehouseError> {
        self.between(self.0.caps().begin_to_read, doing, work)
    }

    fn between<T>(
        &self,
        begin: &str,
        doing: &str,
        work: impl FnOnce(&Self) -> Result<T, WarehouseError>,
    ) -> Result<T, WarehouseError> {
        self.run(doing, begin)?;
        match work(self).and_then(|value| self.run(doing, "COMMIT").map(|()| value)) {
            Ok(value) => Ok(value),
            Err(error) => {
                // the first error is the one to tell; a failed rollback means that there is nothing left to roll back
                let _ = self.run(doing, "ROLLBACK");
                Err(error)
            }
        }
    }

    /// A name in SQL that can mean nothing else.
    pub(super) fn full(&self, name: &TableName) -> String {
        format!("{}{}", self.0.caps().catalog, name.quoted())
    }

    /// A schema's name in SQL that can mean nothing else.
    fn schema(&self, schema: &str) -> String {
        format!("{}{}", self.0.caps().catalog, quote(schema))
    }

    /// Changes of views as statements of one transaction.
    pub(super) fn at_once(&self, changes: &[Change]) -> String {
        let sql = |change: &Change| match change {
            Change::Swap(statements) => statements.clone(),
            Change::Schema(schema) => format!("CREATE SCHEMA IF NOT EXISTS {};\n", self.schema(schema)),
            Change::Show { view, table, besides } => self.show(view, table) + besides,
            Change::Drop(view) => format!("DROP VIEW IF EXISTS {};\n", self.full(view)),
            Change::DropSchema(schema) => format!("DROP SCHEMA IF EXISTS {} CASCADE;\n", self.schema(schema)),
        };
        changes.iter().map(sql).collect()
    }

    /// The statements that make a view show a table.
    pub(super) fn show(&self, view: &TableName, table: &TableName) -> String {
        (self.0.caps().show)(&self.full(view), &table.quoted())
    }
}

/// A list of texts for `IN`.
pub(super) fn list<'t>(texts: impl Iterator<Item = &'t str>) -> String {
    texts.map(literal).collect::<Vec<_>>().join(", ")
}
