//! The door of a warehouse: who waits to come in, and what the one inside is doing. DuckDB gives a file to one writing
//! process; whoever waits stands at the door, and a builder gives way to them between two models.
//!
//! | below vmesh's shared folder | says |
//! |---|---|
//! | `door-*.lock` | is locked by the first in line, and holds whom they wait for |
//! | `door-*.json` | what the builder inside is doing |
//!
//! The others in line take that lock when it is free. Both files may be lost at any time: then nobody gives way, and
//! DuckDB's own lock decides as ever.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::{Holder, Location};
use crate::adapter::local::Shared;
use crate::adapter::{cache, process};
use crate::domain::name::BranchName;

/// A builder that gives way leaves the door open at most for so long.
const GAP: Duration = Duration::from_secs(2);
/// A door at which nobody was for so long has no line: whoever is in line looks more often.
const QUIET: Duration = Duration::from_millis(100);
/// How often those in line look.
pub(super) const LOOK: Duration = Duration::from_millis(25);
/// Readers let one who waited before them go first for so long: those inside may stay for hours.
pub(super) const COURTESY: Duration = Duration::from_secs(5);
/// Shorter waits are not worth a word.
const SILENCE: Duration = Duration::from_millis(500);

/// The door of one warehouse; the default is none at all.
#[derive(Debug, Clone, Default)]
pub struct Door(Option<Files>);

/// What is below vmesh's folder of it.
#[derive(Debug, Clone)]
struct Files {
    lock: PathBuf,
    doing: PathBuf,
}

/// What a process does that has the warehouse open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Doing {
    /// The process.
    pub pid: u32,
    /// The branch that it builds for.
    pub branch: BranchName,
    /// The model that it builds.
    pub model: String,
    /// Which build this is, and of how many.
    pub count: (usize, usize),
    /// Whether it is in the background, where `vmesh stop` ends it.
    pub background: bool,
}

/// The place at the head of the line, as long as this is kept.
#[derive(Debug)]
pub(super) struct Turn {
    file: File,
    told: Option<Holder>,
}

/// How long one has waited, in all: what waits again has less time left.
#[derive(Debug, Clone, Default)]
pub(super) struct Waited(Arc<Mutex<(Duration, bool)>>);

impl Door {
    /// The door of a warehouse, in vmesh's shared folder.
    pub fn new(shared: &Shared, warehouse: &Path) -> Self {
        Self(Some(Files { lock: shared.door_lock(warehouse), doing: shared.door(warehouse) }))
    }

    fn lock(&self) -> Option<Result<File, TryLockError>> {
        let path = &self.0.as_ref()?.lock;
        std::fs::create_dir_all(path.parent()?).ok()?;
        let file = File::options().create(true).truncate(false).write(true).open(path).ok()?;
        Some(file.try_lock().map(|()| file))
    }

    /// Whether somebody waits.
    pub fn is_waited_at(&self) -> bool {
        matches!(self.lock(), Some(Err(TryLockError::WouldBlock)))
    }

    /// The head of the line, if it is free.
    pub(super) fn turn(&self) -> Option<Turn> {
        let file = self.lock()?.ok()?;
        file.set_len(0).ok()?;
        Some(Turn { file, told: None })
    }

    /// Whom the first in line waits for.
    pub(super) fn awaited(&self) -> Option<Holder> {
        cache::load(&self.0.as_ref()?.lock)
    }

    /// Says what this process does inside; `None`: nothing that takes long.
    pub fn tell(&self, doing: Option<&Doing>) {
        let Some(Files { doing: file, .. }) = &self.0 else { return };
        match doing {
            Some(doing) => {
                cache::store(file, doing);
            }
            None => {
                // mostly there is none
                let _ = std::fs::remove_file(file);
            }
        }
    }

    /// What a process does inside.
    pub(super) fn doing(&self, pid: u32) -> Option<Doing> {
        self.told().filter(|doing| doing.pid == pid)
    }

    /// Whether another process builds here, be it that it gives way just now.
    pub fn is_built_behind(&self) -> bool {
        self.built_behind().is_some()
    }

    /// What another process builds here.
    pub fn built_behind(&self) -> Option<Doing> {
        self.told().filter(|doing| doing.pid != std::process::id() && process::is_running(doing.pid))
    }

    fn told(&self) -> Option<Doing> {
        cache::load(&self.0.as_ref()?.doing)
    }
}

impl Turn {
    /// Tells the others in line whom this waits for.
    pub(super) fn tell(&mut self, holder: Option<&Holder>) {
        if self.told.as_ref() == holder {
            return;
        }
        self.told = holder.cloned();
        let text = serde_json::to_vec(&holder).unwrap_or_default();
        // who can't be told tries for themselves
        let _ = self.file.set_len(0).and_then(|()| write_at_start(&self.file, &text));
    }
}

fn write_at_start(mut file: &File, text: &[u8]) -> std::io::Result<()> {
    use std::io::{Seek, SeekFrom, Write};
    file.seek(SeekFrom::Start(0))?;
    file.write_all(text)
}

impl Waited {
    /// How long.
    pub(super) fn so_far(&self) -> Duration {
        self.0.lock().map_or(Duration::ZERO, |waited| waited.0)
    }

    /// Pauses, and adds the time since a try began that was in vain: on a busy machine tries take long, too.
    pub(super) fn pause(&self, pause: Duration, since: Instant) {
        std::thread::sleep(pause);
        if let Ok(mut waited) = self.0.lock() {
            waited.0 += since.elapsed();
        }
    }

    /// Whether it is time to say so: once.
    pub(super) fn is_worth_a_word(&self) -> bool {
        self.0.lock().is_ok_and(|mut waited| waited.0 >= SILENCE && !std::mem::replace(&mut waited.1, true))
    }
}

impl Location {
    /// Lets those in who wait at the door of a warehouse that was just closed: until nobody is in line, or for two
    /// seconds.
    pub fn give_way(&self) {
        let start = Instant::now();
        let mut quiet_since = start;
        while quiet_since.elapsed() < QUIET && start.elapsed() < GAP && !self.interrupt.is_requested() {
            std::thread::sleep(LOOK);
            if self.door.is_waited_at() {
                quiet_since = Instant::now();
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn one_is_first_in_line_and_the_others_know_whom_it_waits_for() {
        let folder = tempfile::tempdir().unwrap();
        let door = Door::new(&Shared::at(folder.path()), Path::new("/shop/warehouse.duckdb"));
        assert!(!door.is_waited_at());
        let mut first = door.turn().unwrap();
        assert!(door.is_waited_at() && door.turn().is_none());
        assert_eq!(door.awaited(), None);
        for program in ["/usr/bin/vmesh", "/x"] {
            let holder = Holder { program: program.to_owned(), pid: 7, doing: None };
            first.tell(Some(&holder));
            assert_eq!(door.awaited(), Some(holder));
        }
        drop(first);
        let _second = door.turn().unwrap();
        assert_eq!(door.awaited(), None, "what the first waited for is past");
        assert!(!Door::default().is_waited_at() && Door::default().turn().is_none());
    }

    #[test]
    fn what_another_process_did_there_is_not_taken_for_this_one_s() {
        let folder = tempfile::tempdir().unwrap();
        let door = Door::new(&Shared::at(folder.path()), Path::new("/shop/warehouse.duckdb"));
        let branch = BranchName::from("alice");
        let doing = Doing { pid: 7, branch, model: "a".to_owned(), count: (1, 2), background: false };
        door.tell(Some(&doing));
        assert_eq!((door.doing(8), door.doing(7)), (None, Some(doing)));
        door.tell(None);
        assert_eq!(door.doing(7), None);
    }
}
