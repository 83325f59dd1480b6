//! The databases that this process has open. When a process closes a file, it loses all of the locks that it has on it,
//! so each file is opened once: who opens it again gets another session.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use duckdb::Connection;
use tempfile::TempDir;

use super::access::{Absent, MessageFilter};

/// An open database. It is closed with its last session.
pub(super) struct Instance {
    connection: Mutex<Connection>,
    /// A folder of its own for files that pass between vmesh and the engine.
    pub(super) scratch: Arc<TempDir>,
    /// Whether it was opened for reading only.
    pub(super) only_reads: bool,
    /// What could not be opened with it.
    filter: OnceLock<MessageFilter>,
}

/// Those that are open, by their files.
static OPEN: Mutex<BTreeMap<PathBuf, Weak<Instance>>> = Mutex::new(BTreeMap::new());

impl Instance {
    pub(super) fn new(connection: Connection, scratch: Arc<TempDir>, only_reads: bool) -> Arc<Self> {
        Arc::new(Self { connection: Mutex::new(connection), scratch, only_reads, filter: OnceLock::new() })
    }

    /// Remembers what could not be opened with it.
    pub(super) fn set_message_filter(&self, filter: MessageFilter) {
        // it is opened once
        let _ = self.filter.set(filter);
    }

    /// What could not be opened with it.
    pub(super) fn absent(&self) -> Vec<Absent> {
        self.filter.get().map(MessageFilter::reasons).unwrap_or_default()
    }

    /// The engine's words as people may see them.
    pub(super) fn told(&self, message: String) -> String {
        match self.filter.get() {
            Some(filter) => filter.tell(message),
            None => message,
        }
    }

    /// The one that is open of a file.
    pub(super) fn of(path: &Path) -> Option<Arc<Self>> {
        OPEN.lock().unwrap_or_else(PoisonError::into_inner).get(&key(path))?.upgrade()
    }

    /// Remembers that it is open, until it is closed.
    pub(super) fn remember(self: &Arc<Self>, path: &Path) {
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, instance| instance.strong_count() > 0);
        open.insert(key(path), Arc::downgrade(self));
    }

    /// Another session.
    pub(super) fn session(&self) -> Result<Connection, duckdb::Error> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner).try_clone()
    }
}

/// The name that a file has, whichever way leads to it.
fn key(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}
