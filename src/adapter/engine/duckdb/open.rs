//! Opening a warehouse: waiting for it, in line with others, and making or renewing its records.

use std::sync::Arc;
use std::time::{Duration, Instant, UNIX_EPOCH};

use duckdb::{AccessMode, Config, Connection};

use super::instance::Instance;
use super::{Database, DuckDb, error, scratch, wal};
use crate::adapter::engine::door::{COURTESY, LOOK};
use crate::adapter::engine::records::{FORMAT, RECORDS, SqlSession};
use crate::adapter::engine::{
    Difference, Engine, Holder, Location, OpenError, Referee, Rows, Trial, Waiting, Warehouse, WarehouseError,
};

/// What brings records of each version to the next one's, from version 1 on.
const MIGRATIONS: [&str; FORMAT as usize - 1] = [
    include_str!("records-1-to-2.sql"),
    include_str!("records-2-to-3.sql"),
    include_str!("records-3-to-4.sql"),
    include_str!("records-4-to-5.sql"),
    include_str!("records-5-to-6.sql"),
    include_str!("records-6-to-7.sql"),
];

/// The version of DuckDB that new files are written for: most people's clients are older than the one within vmesh.
const STORAGE: &str = "v1.4.0";

/// The bytes of a database's headers: a file that is shorter is none yet.
const HEADERS: u64 = 3 * 4096;

/// How long making a database may take: the headers are the first that is written.
const MAKING: Duration = Duration::from_secs(3);

impl Engine for DuckDb {
    fn exists(&self, location: &Location) -> bool {
        location.path.exists()
    }

    fn read(&self, location: &Location, waiting: Waiting<'_>) -> Result<Option<Box<dyn Warehouse>>, WarehouseError> {
        Ok(location.read(waiting)?.map(|warehouse| Box::new(warehouse) as Box<dyn Warehouse>))
    }

    fn write(&self, location: &Location, waiting: Waiting<'_>) -> Result<Box<dyn Warehouse>, WarehouseError> {
        Ok(Box::new(location.write(waiting)?))
    }

    fn stamp(&self, location: &Location) -> Vec<(u64, u128)> {
        [location.path.clone(), wal::companion(&location.path, ".wal")].iter().map(|file| stamp(file)).collect()
    }

    fn test(&self, trial: &Trial, location: &Location) -> Result<Vec<Difference>, WarehouseError> {
        trial.run(location)
    }

    fn results(&self, trial: &Trial, location: &Location) -> Result<Vec<Rows>, WarehouseError> {
        trial.results(location)
    }

    fn referee(&self) -> Box<dyn Referee> {
        Box::<super::referee::Parsers>::default()
    }
}

/// The records of a warehouse that lies elsewhere, in a file of their own; none if there are none yet, and they are only to be
/// read.
pub(in super::super) fn records(
    location: &Location,
    is_written: bool,
    waiting: Waiting<'_>,
) -> Result<Option<Box<dyn SqlSession + Send>>, WarehouseError> {
    let opened = if is_written { Some(location.write(waiting)?) } else { location.read(waiting)? };
    Ok(opened.map(|records| Box::new(records) as Box<dyn SqlSession + Send>))
}

impl Location {
    /// Opens for reading; `None` if there is nothing of vmesh's yet.
    fn read(&self, waiting: Waiting<'_>) -> Result<Option<Database>, WarehouseError> {
        if !self.path.exists() {
            return Ok(None);
        }
        let warehouse = self.open(AccessMode::ReadOnly, waiting)?;
        match warehouse.format()? {
            None => Ok(None),
            Some(FORMAT) => Ok(Some(warehouse)),
            Some(_) => {
                // an older vmesh's records: brought up to date by whoever writes, and so by us
                drop(warehouse);
                drop(self.write(waiting)?);
                self.open(AccessMode::ReadOnly, waiting).map(Some)
            }
        }
    }

    /// Opens for writing, and makes the file and the records if they are not there.
    fn write(&self, waiting: Waiting<'_>) -> Result<Database, WarehouseError> {
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| self.not_writable(&error))?;
        }
        // where this process has it open already, closing it once more would give its lock away
        if self.path.exists() && Instance::of(&self.path).is_none() {
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
            None => RECORDS.to_owned(),
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

    fn open(&self, mode: AccessMode, waiting: Waiting<'_>) -> Result<Database, WarehouseError> {
        if let Some(instance) = Instance::of(&self.path) {
            if instance.only_reads && !matches!(mode, AccessMode::ReadOnly) {
                return Err(OpenError::Reading { path: self.path.clone() }.into());
            }
            return Database::of(instance, self);
        }
        let start = Instant::now();
        let mut turn = None;
        let mut pause = Duration::from_millis(20);
        let scratch = scratch::folder(&self.scratch).map_err(|error| OpenError::CannotOpen {
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
                    self.waited.pause(if is_held_back { LOOK } else { pause }, tried);
                    pause = (pause * 2).min(Duration::from_millis(100));
                }
                Err(WarehouseError::Open(OpenError::NotADatabase { .. })) if !is_made && start.elapsed() < MAKING => {
                    std::thread::sleep(pause);
                }
                done => return done,
            }
        }
    }

    /// Whom one waits for who comes later than others, as long as they go first: those inside are of vmesh, and give way.
    fn ahead(&self, mode: &AccessMode, since: Duration) -> Option<Holder> {
        let is_polite = !matches!(mode, AccessMode::ReadOnly) || since < COURTESY;
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

    fn try_open(&self, mode: &AccessMode, scratch: &Arc<tempfile::TempDir>) -> Result<Database, WarehouseError> {
        let cannot = |message: String| OpenError::CannotOpen { path: self.path.clone(), message };
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
        super::with_icu();
        let connection = Connection::open_with_flags(&self.path, settings).map_err(|error| self.sort(&error, mode))?;
        self.interrupt.forget();
        let instance = Instance::new(connection, scratch.clone(), matches!(mode, AccessMode::ReadOnly));
        let warehouse = Database::of(instance.clone(), self)?;
        instance.set_message_filter(warehouse.open_attached()?);
        warehouse.lock_down()?;
        instance.remember(&self.path);
        Ok(warehouse)
    }

    /// Why the engine didn't open the file.
    fn sort(&self, error: &duckdb::Error, mode: &AccessMode) -> WarehouseError {
        let message = error::words(error);
        let path = self.path.clone();
        if message.contains("Could not set lock on file") {
            let holder = error::holder(&message);
            self.locked(holder.map(|holder| Holder { doing: self.door.doing(holder.pid), ..holder }), mode)
        } else if message.contains("not a valid DuckDB database file") {
            OpenError::NotADatabase { path, message }.into()
        } else {
            match error::sorted(&self.path, "opening the warehouse", error) {
                WarehouseError::Engine { message, .. } => OpenError::CannotOpen { path, message }.into(),
                sorted => sorted,
            }
        }
    }
}

/// A file's size and time: whoever writes the warehouse changes one of them.
fn stamp(path: &std::path::Path) -> (u64, u128) {
    let Ok(metadata) = std::fs::metadata(path) else { return (0, 0) };
    let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    (metadata.len(), modified.unwrap_or_default().as_nanos())
}
