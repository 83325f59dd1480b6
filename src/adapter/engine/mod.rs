//! The engine: where tables, views and records live. The rest of vmesh speaks to it through the traits here; DuckDB,
//! PostgreSQL and Spark are behind them, and tests put one there that fails.
//!
//! | trait | is |
//! |---|---|
//! | [`Engine`] | the way to a warehouse: opens it, tries models out without it, and knows SQL's grammar |
//! | [`Warehouse`] | an open warehouse: all of the following |
//! | [`Records`] | what vmesh remembers |
//! | [`Publish`] | what environments show |
//! | [`Tables`] | the physical layer |
//! | [`Collect`] | what goes, and what keeps it from going |
//! | [`WrongRows`] | what audits have found |
//! | [`Ask`], [`Statements`] | queries of people and audits · `before_all` and `after_all` |
//! | [`Roles`] | what others may do |
//!
//! A warehouse is opened late and closed early: DuckDB gives a file to one writing process, or to many reading ones.

mod access;
mod access_token;
mod audit;
mod build;
mod cutoff;
mod door;
mod duckdb;
mod error;
mod incremental;
mod interrupt;
mod location;
mod postgres;
mod publication;
mod records;
mod rows;
mod seed_types;
mod spark;
mod trial;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

pub use self::access::{Access, AttachedDatabase, EngineSecret};
pub use self::access_token::AccessToken;
pub use self::audit::{Audit, AuditFailure, Warned, Warning, Wrong, audited};
pub use self::build::{Body, Build, Fill, Load, Restated};
pub use self::door::{Doing, Door};
use self::duckdb::DuckDb;
pub use self::duckdb::{Absent, BACKUP, BuiltIn, COMPANIONS, Installed, absent, built_in, companion, install};
pub use self::error::{BuildError, Holder, Occupied, OpenError, WarehouseError};
pub use self::interrupt::Interrupt;
pub use self::location::Location;
use self::postgres::Postgres;
pub use self::publication::Publication;
pub use self::rows::{ExportFormat, Rows};
use self::spark::Spark;
pub use self::trial::{Check, Difference, Trial, scratch};
use crate::domain::engine_kind::EngineKind;
use crate::domain::environment::{Column, OutOfReach, PastBuild, PhysicalTable, Preview, Scope, State};
use crate::domain::fingerprint::Fingerprint;
use crate::domain::model::{Comments, Run};
use crate::domain::name::{BranchName, EnvName, ModelName, SchemaPattern, TableName};
use crate::domain::sql::Query;
use crate::domain::sql::policy::{Refusal, Text};

/// What most calls give: an answer, or what went wrong.
type Answer<T> = Result<T, WarehouseError>;

/// The engine of a project.
pub fn of_project(kind: EngineKind) -> &'static dyn Engine {
    match kind {
        EngineKind::DuckDb => &DuckDb,
        EngineKind::Postgres => &Postgres,
        EngineKind::Spark => &Spark,
    }
}

/// Who is told once who is in the way of opening a warehouse.
pub type Waiting<'a> = &'a mut dyn FnMut(Option<&Holder>);

/// An engine: the way to its warehouses.
pub trait Engine: Sync {
    /// Whether there is a warehouse yet.
    fn exists(&self, location: &Location) -> bool;

    /// Opens for reading; `None` if there is no warehouse yet, or nothing of vmesh's in it. `waiting` is told once who
    /// is in the way.
    fn read(&self, location: &Location, waiting: Waiting<'_>) -> Answer<Option<Box<dyn Warehouse>>>;

    /// Opens for writing, and makes the warehouse and the records if they are not there.
    fn write(&self, location: &Location, waiting: Waiting<'_>) -> Answer<Box<dyn Warehouse>>;

    /// What stays the same as long as nobody writes.
    fn stamp(&self, location: &Location) -> Vec<(u64, u128)>;

    /// Runs a unit test; no difference is a pass. What the engine says of a wrong query is an error. `location` tells how
    /// it is stopped, and its limits.
    fn test(&self, trial: &Trial, location: &Location) -> Answer<Vec<Difference>>;

    /// The rows that the query of each of a test's checks gives.
    fn results(&self, trial: &Trial, location: &Location) -> Answer<Vec<Rows>>;

    /// What lets texts pass.
    fn referee(&self) -> Box<dyn Referee>;
}

/// The gate before the engine. Several texts may be asked for at once.
pub trait Referee: Sync {
    /// The engine.
    fn engine(&self) -> EngineKind;

    /// Lets a query pass to the engine, with what it reads filled in where our parser gave up: the engine's parser knows,
    /// or the words tell enough. A text that the engine can't parse is refused where it belongs to a model; elsewhere the
    /// engine itself will say so, of a text that by its words can do no harm.
    fn admit(&self, kind: Text, text: &str, query: Query) -> Result<Query, Refusal>;
}

/// An open warehouse.
pub trait Warehouse: Records + Publish + Tables + Collect + WrongRows + Ask + Statements + Roles + Send {}

/// What vmesh remembers, in the warehouse itself.
pub trait Records {
    /// What there is at one moment.
    fn state(&self, scope: &Scope) -> Answer<State>;

    /// The comments behind hashes that are on record.
    fn comments(&self, hashes: &BTreeMap<ModelName, String>) -> Answer<BTreeMap<ModelName, Comments>>;

    /// Changes what is on record of a table.
    fn put_on_record(&self, table: &PhysicalTable) -> Answer<()>;

    /// Remembers builds that have ended. Of each model, the newest are kept.
    fn remember(&self, builds: &[PastBuild]) -> Answer<()>;

    /// The builds that are remembered, the newest first.
    fn past_builds(&self) -> Answer<Vec<PastBuild>>;

    /// From now on, a table stands for a version; that which did so before stays as it is.
    fn stand_for(&self, version: &Fingerprint, table: &TableName) -> Answer<()>;
}

/// What environments show.
pub trait Publish {
    /// Publishes: after it, readers see all of the new pointers; before it, all of the old ones. Gives the new
    /// generation. `mark` is called at the named moments inside the transaction, for tests that stop the process there.
    fn publish(&self, publication: &Publication<'_>, mark: &dyn Fn(&str)) -> Answer<u64>;

    /// That nothing which vmesh did not make stands where the views of models should go.
    fn check_free(&self, places: &BTreeMap<ModelName, TableName>) -> Answer<()>;
}

/// The physical layer.
pub trait Tables {
    /// Builds a snapshot and puts it on record, all or nothing; loads are each a piece by themselves. `at` is the time in
    /// microseconds since 1970.
    fn build(&self, build: &Build, at: i64) -> Answer<PhysicalTable>;

    /// Fills a table again by a build's query, and audits it, all or nothing.
    fn refill(&self, build: &Build, table: &PhysicalTable, at: i64) -> Answer<PhysicalTable>;

    /// Fills tables again and drops others, all or nothing. `told` hears which one begins, and then how long it took.
    fn restate(
        &self,
        tables: &[Restated<'_>],
        dropped: &[TableName],
        told: &mut dyn FnMut(usize, Option<Duration>),
    ) -> Answer<()>;

    /// The columns of a table, in order.
    fn columns(&self, table: &TableName) -> Answer<Vec<Column>>;

    /// Bytes of storage of the given tables: the blocks they lie in. Small tables share blocks, so this is an upper
    /// bound.
    fn bytes(&self, tables: &BTreeSet<TableName>) -> Answer<BTreeMap<TableName, u64>>;

    /// A second session on the same open warehouse: sees what the first has committed, and nothing else of it.
    fn another_session(&self) -> Answer<Box<dyn Warehouse>>;
}

/// What goes, and what keeps it from going.
pub trait Collect {
    /// Removes those of the environments that are still at the generation given with them, all at once: their views, the
    /// schemas that are empty then, and their records. Gives them. The tables stay.
    fn remove_environments(&self, environments: &[(EnvName, u64)], pattern: SchemaPattern) -> Answer<Vec<EnvName>>;

    /// Drops the given tables of the physical layer with their records, but none that an environment points at by now.
    /// Gives those dropped.
    fn drop_snapshots(&self, tables: &[TableName]) -> Answer<Vec<TableName>>;

    /// Remembers what a merge will show, in place of what was remembered of the same branch.
    fn keep_preview(&self, preview: &Preview) -> Answer<()>;

    /// Forgets what merges of these branches would show.
    fn forget_previews(&self, branches: &[BranchName]) -> Answer<()>;

    /// Forgets the part of prod's history that no rollback reaches.
    fn forget_history(&self, history: &OutOfReach) -> Answer<()>;
}

/// Rows that audits have found wrong, kept for people to look at.
pub trait WrongRows {
    /// Keeps rows that an audit found wrong, in place of what was kept of the same model; gives where.
    fn keep_wrong(&self, wrong: &Wrong, failure: &AuditFailure) -> Answer<TableName>;

    /// The tables of wrong rows; none of those that someone else made says whose it is.
    fn wrong(&self) -> Answer<Vec<(TableName, Option<Wrong>)>>;

    /// Drops tables of wrong rows, those that are there.
    fn forget_wrong(&self, tables: &[TableName]) -> Answer<()>;
}

/// Queries, of people and of audits.
pub trait Ask {
    /// The columns of one query, whose rows are not asked for.
    fn describe(&self, doing: &str, query: &str) -> Answer<Vec<Column>>;

    /// The rows of one query, as text, at most `limit` of them.
    fn rows(&self, doing: &str, query: &str, limit: Option<usize>) -> Answer<Rows>;

    /// Refuses a query of a project's that calls what it may not, as the engine itself reads it. The gate has looked at its words
    /// before; where the engine's parser has taken part in that, there is nothing more to be said.
    fn vet(&self, _doing: &str, _query: &str) -> Answer<()> {
        Ok(())
    }

    /// Writes a query's rows in a format; gives the bytes of the file. No digit is lost on the way.
    fn export(&self, query: &str, format: ExportFormat) -> Answer<Vec<u8>>;
}

/// Statements of main's settings.
pub trait Statements {
    /// Runs statements in a session of their own, all or none. Each may be several.
    fn together(&self, statements: &[Run]) -> Answer<()>;

    /// The one of these macros that is called like one of the engine's own functions: it would be called in its place, by
    /// vmesh too.
    fn hidden(&self, macros: &[String]) -> Answer<Option<String>>;
}

/// Roles, where an engine has them.
pub trait Roles {
    /// What a role could do to some views and what they show, or to the records of prod: in words, one a line.
    fn could_write(&self, role: &str, views: &[TableName]) -> Answer<Vec<String>>;
}
