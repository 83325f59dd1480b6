//! What DuckDB's messages mean.

use std::path::Path;

use crate::adapter::engine::{Holder, WarehouseError};

/// Reads the holder off DuckDB's message: `… Conflicting lock is held in /path/program (PID 123).`
pub(super) fn holder(message: &str) -> Option<Holder> {
    let (_, rest) = message.split_once("lock is held in ")?;
    let (program, rest) = rest.split_once(" (PID ")?;
    let pid = rest.split(')').next()?.parse().ok()?;
    Some(Holder { program: program.to_owned(), pid, doing: None })
}

/// Sorts an engine's error by what can be done about it.
pub(super) fn sorted(path: &Path, doing: &str, error: &duckdb::Error) -> WarehouseError {
    let message = words(error);
    let path = path.to_owned();
    let lower = message.to_lowercase();
    if message.starts_with("INTERRUPT") {
        WarehouseError::Interrupted
    } else if message.starts_with("Out of Memory Error") {
        let limit = if message.contains("max_temp_directory_size") { "temp" } else { "memory" };
        WarehouseError::TooLarge { limit, message: message.lines().next().unwrap_or_default().to_owned() }
    } else if lower.contains("no space left on device") || lower.contains("disk quota exceeded") {
        WarehouseError::Full { path, message }
    } else if lower.contains("read-only file system")
        || lower.contains("permission denied")
            && (!message.contains("open file") || message.contains(&*path.to_string_lossy()))
        || lower.contains("attached in read-only mode")
    {
        WarehouseError::NotWritable { path, message }
    } else {
        WarehouseError::Engine { doing: doing.to_owned(), message }
    }
}

/// The engine's own words, without the wrapper's.
pub(super) fn words(error: &duckdb::Error) -> String {
    match error {
        duckdb::Error::DuckDBFailure(_, Some(message)) => message.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_holder_is_read_off_the_message() {
        let message = "IO Error: Could not set lock on file \"/x/f.duckdb\": Conflicting lock is held in \
                       /usr/bin/python3.11 (PID 8494). See also https://duckdb.org";
        let expected = Holder { program: "/usr/bin/python3.11".to_owned(), pid: 8494, doing: None };
        assert!(!expected.is_vmesh());
        assert_eq!(holder(message), Some(expected));
        let vmesh = holder("Conflicting lock is held in /home/ada/bin/vmesh (deleted) (PID 7).");
        assert!(vmesh.is_some_and(|holder| holder.is_vmesh() && holder.pid == 7));
        assert_eq!(holder("IO Error: Could not set lock on file"), None);
    }
}
