//! The warehouse: where snapshots, views and records live. The only place that imports `duckdb`.
//!
//! A warehouse is opened late and closed early: DuckDB gives a file to one writing process, or to many reading ones.

mod audit;
mod backup;
mod build;
mod collect;
mod comments;
mod door;
mod error;
mod fill;
mod history;
mod interrupt;
mod publish;
mod query;
mod referee;
mod remove;
mod scratch;
mod state;
mod statements;
mod trial;
mod wal;
mod wrong;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use duckdb::{AccessMode, Config, Connection};

use crate::domain::sql;

pub use self::audit::{Audit, AuditFailure, Warned, Warning};
pub use self::backup::BACKUP;
pub use self::build::{Body, Build};
pub use self::door::{Doing, Door};
pub use self::error::{Holder, Occupied, WarehouseError};
pub use self::fill::{Fill, Load};
pub use self::interrupt::Interrupt;
pub use self::publish::Publication;
pub use self::query::{ExportFormat, Rows};
pub use self::referee::Referee;
pub use self::trial::{Check, Difference, Trial};
pub use self::wal::{COMPANIONS, companion};
pub use self::wrong::Wrong;
use crate::domain::config::Limits;

/// Steps of DuckDB's optimizer that do harm: in 2.0.0, a scan with a filter pushed down from a join writes beyond the
/// memory it has (valgrind: an invalid write in `BloomFilterExecutor::FilterSelection`).
const UNSOUND_OPTIMIZERS: &str = "join_filter_pushdown";

/// The version of the records that this vmesh writes.
const FORMAT: u32 = 5;

/// What brings records of each version to the next one's, from version 1 on.
const MIGRATIONS: [&str; FORMAT as usize - 1] = [
    include_str!("records-1-to-2.sql"),
    include_str!("records-2-to-3.sql"),
    include_str!("records-3-to-4.sql"),
    include_str!("records-4-to-5.sql"),
];

/// The version of DuckDB that new files are written for: most people's clients are older than the one within vmesh.
const STORAGE: &str = "v1.4.0";

/// The bytes of a database's headers: a file that is shorter is none yet.
const HEADERS: u64 = 3 * 4096;

/// How long making a database may take: the headers are the first that is written.
const MAKING: Duration = Duration::from_secs(3);

/// A way to open a warehouse: nothing is held by it.
#[derive(Debug, Clone)]
pub struct Location {
    /// The DuckDB file.
    pub path: PathBuf,
    /// Where vmesh and the engine put files for as long as they work: a folder that Git doesn't write.
    pub scratch: PathBuf,
    /// How long to wait for other processes, in all: whoever waited already has less left.
    pub patience: Duration,
    /// Stops what runs.
    pub interrupt: Interrupt,
    /// What may be taken of the machine.
    pub limits: Limits,
    /// Where those are who wait.
    pub door: Door,
    waited: door::Waited,
}

/// An open warehouse.
pub struct Warehouse {
    connection: Connection,
    path: PathBuf,
    /// A folder of its own for files that pass between vmesh and the engine.
    scratch: Arc<tempfile::TempDir>,
    interrupt: Interrupt,
    limits: Limits,
    door: Door,
}

impl Location {
    /// A way to a file.
    pub fn new(path: PathBuf, scratch: PathBuf, door: Door, patience: Duration, interrupt: Interrupt) -> Self {
        Self { path, scratch, patience, interrupt, limits: Limits::default(), door, waited: door::Waited::default() }
    }

    /// The same way to another file.
    pub fn at(&self, path: PathBuf) -> Self {
        Self { path, ..self.clone() }
    }

    /// The same for one who has not waited yet.
    pub fn with_patience(&self, patience: Duration) -> Self {
        Self { patience, waited: door::Waited::default(), ..self.clone() }
    }

    /// Whether there is a warehouse yet.
    pub fn exists(&self) -> bool {
        self.path.exists()
    }

    /// Opens for reading; `None` if there is no warehouse yet, or nothing of vmesh's in it. `waiting` is told once who
    /// is in the way.
    pub fn read(&self, waiting: &mut dyn FnMut(Option<&Holder>)) -> Result<Option<Warehouse>, WarehouseError> {
        if !self.exists() {
            return Ok(None);
        }
        let mut warehouse = self.open(AccessMode::ReadOnly, waiting)?;
        match warehouse.format()? {
            None => return Ok(None),
            Some(FORMAT) => {}
            Some(_) => {
                // an older vmesh's records: brought up to date by whoever writes, and so by us
                drop(warehouse);
                drop(self.write(waiting)?);
                warehouse = self.open(AccessMode::ReadOnly, waiting)?;
            }
        }
        Ok(Some(warehouse))
    }

    /// Opens for writing, and makes the file and the records if they are not there.
    pub fn write(&self, waiting: &mut dyn FnMut(Option<&Holder>)) -> Result<Warehouse, WarehouseError> {
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| self.not_writable(&error))?;
        }
        if self.exists() {
            // DuckDB opens a file it may not write and fails only later, in the middle of things
            let writable = std::fs::OpenOptions::new().append(true).open(&self.path);
            writable.map_err(|error| self.not_writable(&error))?;
        }
        let warehouse = self.open(AccessMode::ReadWrite, waiting)?;
        let records = match warehouse.format()? {
            Some(FORMAT) => return Ok(warehouse),
            Some(found) => {
                warehouse.back_up()?;
                MIGRATIONS.iter().skip(found.saturating_sub(1) as usize).copied().collect()
            }
            None => include_str!("records.sql").to_owned(),
        };
        let row = format!("INSERT INTO vmesh_state.format VALUES ({FORMAT}, 'vmesh {}');", env!("CARGO_PKG_VERSION"));
        warehouse.transaction("making vmesh's records", |warehouse| {
            warehouse.run("making vmesh's records", &format!("{records}\n{row}"))
        })?;
        Ok(warehouse)
    }

    fn not_writable(&self, error: &std::io::Error) -> WarehouseError {
        let message = error.to_string();
        match error.kind() {
            std::io::ErrorKind::StorageFull => WarehouseError::Full { path: self.path.clone(), message },
            _ => WarehouseError::NotWritable { path: self.path.clone(), message },
        }
    }

    fn open(&self, mode: AccessMode, waiting: &mut dyn FnMut(Option<&Holder>)) -> Result<Warehouse, WarehouseError> {
        let start = Instant::now();
        let mut turn = None;
        let mut pause = Duration::from_millis(20);
        let scratch = scratch::folder(&self.scratch).map_err(|error| WarehouseError::CannotOpen {
            path: self.path.clone(),
            message: format!("no temporary folder: {error}"),
        })?;
        self.interrupt.leaves(scratch.path());
        let scratch = Arc::new(scratch);
        loop {
            if self.interrupt.is_requested() {
                return Err(WarehouseError::Interrupted);
            }
            let tried = Instant::now();
            turn = turn.or_else(|| self.door.turn());
            let is_made = self.is_made();
            let ahead = self.ahead(&mode, start.elapsed()).filter(|_| turn.is_none());
            let is_held_back = ahead.is_some();
            let opened = match ahead {
                Some(ahead) => Err(self.locked(Some(ahead), &mode)),
                None => self.try_open(&mode, &scratch),
            };
            match opened {
                Err(WarehouseError::Locked { holder, .. }) => {
                    if let Some(turn) = &mut turn {
                        turn.tell(holder.as_ref());
                    }
                    if self.waited.so_far() >= self.patience {
                        return Err(self.locked(holder, &mode));
                    }
                    // others open it for moments only: tell of those that stay
                    if self.waited.is_worth_a_word() {
                        waiting(holder.as_ref());
                    }
                    self.waited.pause(if is_held_back { door::LOOK } else { pause }, tried);
                    pause = (pause * 2).min(Duration::from_millis(100));
                }
                Err(WarehouseError::NotADatabase { .. }) if !is_made && start.elapsed() < MAKING => {
                    std::thread::sleep(pause);
                }
                done => return done,
            }
        }
    }

    /// Whom one waits for who comes later than others, as long as they go first: those inside are of vmesh, and give way.
    fn ahead(&self, mode: &AccessMode, since: Duration) -> Option<Holder> {
        let is_polite = !matches!(mode, AccessMode::ReadOnly) || since < door::COURTESY;
        self.door.awaited().filter(|ahead| is_polite && ahead.is_vmesh())
    }

    fn locked(&self, holder: Option<Holder>, mode: &AccessMode) -> WarehouseError {
        let reading = matches!(mode, AccessMode::ReadOnly);
        WarehouseError::Locked { path: self.path.clone(), holder, waited: self.waited.so_far().as_secs(), reading }
    }

    /// Whether the file is there with what makes it a database; if not, another process may be about to write that.
    fn is_made(&self) -> bool {
        std::fs::metadata(&self.path).is_ok_and(|file| file.len() >= HEADERS)
    }

    fn try_open(&self, mode: &AccessMode, scratch: &Arc<tempfile::TempDir>) -> Result<Warehouse, WarehouseError> {
        let cannot = |message: String| WarehouseError::CannotOpen { path: self.path.clone(), message };
        wal::check(&self.path)?;
        let access = match mode {
            AccessMode::ReadOnly => AccessMode::ReadOnly,
            _ => AccessMode::ReadWrite,
        };
        let settings = Config::default()
            .access_mode(access)
            .and_then(|config| config.with("autoinstall_known_extensions", "false"))
            .and_then(|config| config.with("autoload_known_extensions", "false"))
            .and_then(|config| config.with("storage_compatibility_version", STORAGE))
            // beside the database, by default, or in the current folder: a branch may have a link there
            .and_then(|config| config.with("temp_directory", scratch::spill(scratch)));
        let settings = settings.map_err(|error| cannot(error.to_string()))?;
        let connection = Connection::open_with_flags(&self.path, settings).map_err(|error| self.sort(&error, mode))?;
        self.interrupt.watch(&connection, true);
        let (interrupt, limits, door) = (self.interrupt.clone(), self.limits.clone(), self.door.clone());
        let (path, scratch) = (self.path.clone(), scratch.clone());
        let warehouse = Warehouse { connection, path, scratch, interrupt, limits, door };
        warehouse.lock_down()?;
        Ok(warehouse)
    }

    /// Why the engine didn't open the file.
    fn sort(&self, error: &duckdb::Error, mode: &AccessMode) -> WarehouseError {
        let message = error::words(error);
        let path = self.path.clone();
        if message.contains("Could not set lock on file") {
            let holder = Holder::from_message(&message);
            self.locked(holder.map(|holder| Holder { doing: self.door.doing(holder.pid), ..holder }), mode)
        } else if message.contains("not a valid DuckDB database file") {
            WarehouseError::NotADatabase { path, message }
        } else {
            match WarehouseError::from_engine(&self.path, "opening the warehouse", error) {
                WarehouseError::Engine { message, .. } => WarehouseError::CannotOpen { path, message },
                sorted => sorted,
            }
        }
    }
}

impl Warehouse {
    /// Lets queries read the warehouse and what vmesh puts into their scratch folder, and nothing else: no other file,
    /// no other database, no extension, no network. A model comes from a branch, and a branch may come from anyone.
    fn lock_down(&self) -> Result<(), WarehouseError> {
        let folder = crate::domain::name::literal(&self.scratch.path().to_string_lossy());
        self.limit()?;
        let settings = format!(
            "SET allowed_directories = [{folder}]; SET enable_external_access = false; \
             SET disabled_optimizers = '{UNSOUND_OPTIMIZERS}'; SET lock_configuration = true;"
        );
        self.run("closing the warehouse to the outside", &settings)
    }

    /// Sets what the engine may take of the machine.
    fn limit(&self) -> Result<(), WarehouseError> {
        let Limits { memory, temp, .. } = &self.limits;
        for (setting, value) in [("memory_limit", memory), ("max_temp_directory_size", temp)] {
            if let Some(value) = value {
                let value = crate::domain::name::literal(value);
                self.run("setting limits", &format!("SET {setting} = {value}"))?;
            }
        }
        Ok(())
    }

    /// A second session on the same open warehouse: sees what the first has committed, and nothing else of it.
    pub fn another_session(&self) -> Result<Self, WarehouseError> {
        let failed = |message: String| WarehouseError::CannotOpen { path: self.path.clone(), message };
        let connection = self.connection.try_clone().map_err(|error| failed(error::words(&error)))?;
        self.interrupt.watch(&connection, false);
        let (scratch, interrupt, door) = (self.scratch.clone(), self.interrupt.clone(), self.door.clone());
        Ok(Self { connection, path: self.path.clone(), scratch, interrupt, limits: self.limits.clone(), door })
    }

    /// The version of vmesh's records; `None` if there are none, an error if they are of a newer vmesh.
    fn format(&self) -> Result<Option<u32>, WarehouseError> {
        let doing = "looking for vmesh's records";
        let there = "SELECT count(*) FROM duckdb_tables() WHERE database_name = current_database() \
                     AND schema_name = 'vmesh_state' AND table_name = 'format'";
        let there: i64 = self.one(doing, there)?;
        if there == 0 {
            return Ok(None);
        }
        let found: u32 = self.one(doing, "SELECT max(version) FROM vmesh_state.format")?;
        if found > FORMAT {
            return Err(WarehouseError::Newer { path: self.path.clone(), found, known: FORMAT });
        }
        Ok(Some(found))
    }

    /// Runs statements of vmesh's own, or of main's settings, whose rows nobody wants.
    fn run(&self, doing: &str, sql: &str) -> Result<(), WarehouseError> {
        self.go_on()?;
        self.connection.execute_batch(sql).map_err(|error| self.failed(doing, &error))
    }

    /// Runs one statement with text of the user's in it: the gate has let that pass as one query, and a second one would be
    /// none of it.
    fn run_one(&self, doing: &str, sql: &str) -> Result<(), WarehouseError> {
        let several = |message: String| WarehouseError::Engine { doing: doing.to_owned(), message };
        let lexemes = sql::lex(sql).map_err(|error| several(error.message))?;
        if sql::split(&lexemes).len() != 1 {
            return Err(several("more than one statement".to_owned()));
        }
        let mut statement = self.connection.prepare(sql).map_err(|error| self.failed(doing, &error))?;
        statement.execute([]).map(|_| ()).map_err(|error| self.failed(doing, &error))
    }

    /// The one value of a query.
    fn one<T: duckdb::types::FromSql>(&self, doing: &str, sql: &str) -> Result<T, WarehouseError> {
        self.connection.query_row(sql, [], |row| row.get(0)).map_err(|error| self.failed(doing, &error))
    }

    /// The name that the engine gives the file.
    fn catalog(&self) -> Result<String, WarehouseError> {
        self.one("asking for the database's name", "SELECT current_database()")
    }

    /// Nothing new begins once an end was asked for.
    fn go_on(&self) -> Result<(), WarehouseError> {
        if self.interrupt.is_requested() { Err(WarehouseError::Interrupted) } else { Ok(()) }
    }

    /// Every row of a query, mapped.
    fn all<T>(
        &self,
        doing: &str,
        sql: &str,
        map: impl FnMut(&duckdb::Row<'_>) -> Result<T, duckdb::Error>,
    ) -> Result<Vec<T>, WarehouseError> {
        self.go_on()?;
        let failed = |error: duckdb::Error| self.failed(doing, &error);
        let mut statement = self.connection.prepare(sql).map_err(failed)?;
        let rows = statement.query_map([], map).map_err(failed)?;
        rows.collect::<Result<Vec<T>, _>>().map_err(failed)
    }

    fn failed(&self, doing: &str, error: &duckdb::Error) -> WarehouseError {
        WarehouseError::from_engine(&self.path, doing, error)
    }

    /// Runs `work` in one transaction: all of it or nothing, and all of it reads one moment.
    pub fn transaction<T>(
        &self,
        doing: &str,
        work: impl FnOnce(&Self) -> Result<T, WarehouseError>,
    ) -> Result<T, WarehouseError> {
        self.run(doing, "BEGIN TRANSACTION")?;
        match work(self).and_then(|value| self.run(doing, "COMMIT").map(|()| value)) {
            Ok(value) => Ok(value),
            Err(error) => {
                // the first error is the one to tell; a failed rollback means that there is nothing left to roll back
                let _ = self.connection.execute_batch("ROLLBACK");
                Err(error)
            }
        }
    }
}
