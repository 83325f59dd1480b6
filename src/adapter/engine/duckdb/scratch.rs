//! Folders for files that pass between vmesh and the engine, and for what the engine's memory has no room for. Each is of
//! one process; those of processes that were killed are removed by the next.

use std::io;
use std::path::Path;

use tempfile::TempDir;

use crate::adapter::process;

/// A new folder below `parent`, or in the system's temporary folder where that can't be written.
pub(super) fn folder(parent: &Path) -> io::Result<TempDir> {
    sweep(parent);
    let prefix = format!("{}-", std::process::id());
    let mine = || {
        std::fs::create_dir_all(parent)?;
        tempfile::Builder::new().prefix(&prefix).tempdir_in(parent)
    };
    mine().or_else(|_| tempfile::tempdir())
}

/// Where the engine puts what its memory has no room for.
pub(super) fn spill(scratch: &TempDir) -> String {
    scratch.path().join("spill").to_string_lossy().into_owned()
}

/// Removes the folders of processes that no longer run.
fn sweep(parent: &Path) {
    let Ok(entries) = std::fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let pid = name.to_str().and_then(|name| name.split_once('-')).and_then(|(pid, _)| pid.parse().ok());
        if pid.is_some_and(|pid| !process::is_running(pid)) {
            // what can't be removed now is removed the next time
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_killed_process_leaves_nothing_for_good() {
        let parent = tempfile::tempdir().unwrap();
        let dead = parent.path().join("4294967295-x");
        std::fs::create_dir(&dead).unwrap();
        std::fs::write(parent.path().join("other"), "").unwrap();
        let mine = folder(parent.path()).unwrap();
        let other = folder(parent.path()).unwrap();
        assert!(mine.path().exists() && other.path().exists() && !dead.exists());
        assert!(parent.path().join("other").exists());
    }
}
