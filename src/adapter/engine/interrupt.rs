//! Ending a statement before its time: Ctrl-C, `vmesh stop`, and the limit on a build's seconds.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
/// Stops what runs, from another thread.
#[derive(Clone, Default)]
pub struct Interrupt {
    requested: Arc<AtomicBool>,
    running: Arc<Mutex<Vec<Waker>>>,
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
            running.iter().for_each(|end| end());
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

    /// Remembers how to end what runs in a session.
    pub(super) fn watch(&self, end: impl Fn() + Send + 'static) {
        if let Ok(mut running) = self.running.lock() {
            running.push(Box::new(end));
        }
    }

    /// Forgets the sessions of warehouses that were open before.
    pub(super) fn forget(&self) {
        if let Ok(mut running) = self.running.lock() {
            running.clear();
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
