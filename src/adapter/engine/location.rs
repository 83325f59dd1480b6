//! Where a warehouse lies, and on which terms it is opened.

use std::path::PathBuf;
use std::time::Duration;

use super::door::Waited;
use super::{Access, AccessToken, Door, Interrupt};
use crate::domain::config::Limits;

/// Where a warehouse lies, and on which terms it is opened: nothing is held by it.
#[derive(Debug, Clone)]
pub struct Location {
    /// The DuckDB file, of the warehouse or of the records of one; of a server, where that is, in words.
    pub path: PathBuf,
    /// How a server is reached, or why that can't be told.
    pub server: Option<Result<String, String>>,
    /// With what a server lets one in, besides what its address says.
    pub token: AccessToken,
    /// How the database of the records is reached, where that is another one than the warehouse's, or why that can't be told.
    pub state: Option<Result<String, String>>,
    /// Where vmesh and the engine put files for as long as they work: a folder that Git doesn't write.
    pub scratch: PathBuf,
    /// How long to wait for other processes, in all: whoever waited already has less left.
    pub patience: Duration,
    /// Stops what runs.
    pub interrupt: Interrupt,
    /// What may be taken of the machine.
    pub limits: Limits,
    /// What is opened with it.
    pub access: Access,
    /// Where those are who wait.
    pub door: Door,
    pub(super) waited: Waited,
}

impl Location {
    /// A way to a file.
    pub fn new(path: PathBuf, scratch: PathBuf, door: Door, patience: Duration, interrupt: Interrupt) -> Self {
        Self {
            path,
            server: None,
            token: AccessToken::default(),
            state: None,
            scratch,
            patience,
            interrupt,
            limits: Limits::default(),
            access: Access::default(),
            door,
            waited: Waited::default(),
        }
    }

    /// The same way to another file.
    pub fn at(&self, path: PathBuf) -> Self {
        Self { path, ..self.clone() }
    }

    /// The same for one who has not waited yet.
    pub fn with_patience(&self, patience: Duration) -> Self {
        Self { patience, waited: Waited::default(), ..self.clone() }
    }
}
