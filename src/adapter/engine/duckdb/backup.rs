//! A copy of the warehouse from before its records were brought up to date: an earlier vmesh can go on with it.

use std::process::{Command, Stdio};

use super::{Database, companion};
use crate::adapter::engine::WarehouseError;

/// What is added to the warehouse's name.
pub const BACKUP: &str = ".before-7";

impl Database {
    /// Copies the file beside itself, unless that was done before.
    pub(super) fn back_up(&self) -> Result<(), WarehouseError> {
        let (copy, part) = (companion(&self.location.path, BACKUP), companion(&self.location.path, ".part"));
        if copy.exists() {
            return Ok(());
        }
        let failed = |message: String| WarehouseError::NotWritable { path: copy.clone(), message };
        self.run("writing all to the file", "CHECKPOINT")?;
        // by another process: where this one closes the file a second time, the engine's lock on it is gone
        let mut cp = Command::new("cp");
        let done = cp.args(["-p", "--"]).arg(&self.location.path).arg(&part).stdin(Stdio::null()).output();
        let done = done.map_err(|error| failed(format!("cp: {error}")))?;
        if !done.status.success() {
            let _ = std::fs::remove_file(&part);
            return Err(failed(String::from_utf8_lossy(&done.stderr).trim().to_owned()));
        }
        std::fs::rename(&part, &copy).map_err(|error| failed(error.to_string()))
    }
}
