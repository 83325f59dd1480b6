//! Ending a statement before its time: Ctrl-C, `vmesh stop`, and the limit on a build's seconds.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use duckdb::{Connection, InterruptHandle};

use super::{Warehouse, WarehouseError};

/// How often a statement is told again that it shall end: one that is just about to begin doesn't hear it.
const AGAIN: Duration = Duration::from_millis(50);

/// Stops what runs, from another thread.
#[derive(Clone, Default)]
pub struct Interrupt {
    requested: Arc<AtomicBool>,
    running: Arc<Mutex<Vec<Arc<InterruptHandle>>>>,
    wakers: Arc<Mutex<Vec<Waker>>>,
    /// Folders that nobody needs once this process has ended.
    scratch: Arc<Mutex<Vec<PathBuf>>>,
}

type Waker = Box<dyn Fn() + Send>;

impl std::fmt::Debug for Interrupt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Interrupt({})", self.is_requested())
    }
}

impl Interrupt {
    /// Asks for an end: the running statement fails, and nothing new begins.
    pub fn request(&self) {
        self.requested.store(true, Ordering::SeqCst);
        if let Ok(running) = self.running.lock() {
            running.iter().for_each(|handle| handle.interrupt());
        }
        if let Ok(wakers) = self.wakers.lock() {
            wakers.iter().for_each(|wake| wake());
        }
    }

    /// Calls `wake` when an end is asked for: for those who wait for something other than a statement.
    pub fn on_request(&self, wake: impl Fn() + Send + 'static) {
        if let Ok(mut wakers) = self.wakers.lock() {
            if self.is_requested() {
                wake();
            }
            wakers.push(Box::new(wake));
        }
    }

    /// Whether an end was asked for.
    pub fn is_requested(&self) -> bool {
        self.requested.load(Ordering::SeqCst)
    }

    /// Removes the scratch folders, for a process that ends without looking back.
    pub fn clear_up(&self) {
        let folders = self.scratch.try_lock().map(|mut scratch| std::mem::take(&mut *scratch)).unwrap_or_default();
        for folder in folders {
            // mostly it is gone already
            let _ = std::fs::remove_dir_all(folder);
        }
    }

    /// Remembers a connection; with `only`, those of warehouses that were open before are forgotten.
    pub(super) fn watch(&self, connection: &Connection, only: bool) {
        if let Ok(mut running) = self.running.lock() {
            if only {
                running.clear();
            }
            running.push(connection.interrupt_handle());
        }
    }

    /// Remembers a folder that shall not outlive the process, however it ends.
    pub(super) fn leaves(&self, folder: &Path) {
        if let Ok(mut scratch) = self.scratch.lock() {
            scratch.retain(|folder| folder.exists());
            scratch.push(folder.to_owned());
        }
    }
}

impl Warehouse {
    /// Does something that may take as many seconds as the settings say, and no more.
    pub(super) fn within_limit<T>(
        &self,
        work: impl FnOnce() -> Result<T, WarehouseError>,
    ) -> Result<T, WarehouseError> {
        let seconds = self.limits.seconds;
        if seconds == 0 {
            return work();
        }
        let handle = self.connection.interrupt_handle();
        let (at_work, is_at_work) = channel::<()>();
        let (result, is_late) = std::thread::scope(|scope| {
            let clock = scope.spawn(move || {
                let mut patience = Duration::from_secs(seconds);
                let mut is_late = false;
                while is_at_work.recv_timeout(patience) == Err(RecvTimeoutError::Timeout) {
                    handle.interrupt();
                    (patience, is_late) = (AGAIN, true);
                }
                is_late
            });
            let result = work();
            drop(at_work);
            (result, clock.join().unwrap_or(false))
        });
        match result {
            Err(WarehouseError::Interrupted) if is_late && !self.interrupt.is_requested() => {
                Err(WarehouseError::TooLong { seconds })
            }
            result => result,
        }
    }
}
