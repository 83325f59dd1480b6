//! Files beside the warehouse that DuckDB takes up by itself when it opens: a write-ahead log is replayed, whoever left
//! it there.
//!
//! A log that DuckDB writes for a file of its storage version 1.3 or later names the database it belongs to, and DuckDB
//! refuses another's. Older logs name none and are replayed into any database: that is how rows of a stranger's would
//! come into this one.

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::adapter::engine::OpenError;

/// What DuckDB calls its files beside a database, behind the database's name.
pub const COMPANIONS: [&str; 4] = [".wal", ".wal.checkpoint", ".wal.recovery", SPILL];

/// Of these, the folder for what doesn't fit into memory: all others are logs.
const SPILL: &str = ".tmp";

/// The first storage version whose logs name their database, as the file's header has it: DuckDB 1.3.
const NAMES_ITS_DATABASE: u64 = 66;

/// The kind of entry that begins a log.
const VERSION_ENTRY: u64 = 98;

/// The bytes by which a database is known.
const IDENTIFIER: u64 = 16;

/// Most bytes that the head of a log takes.
const HEAD: u64 = 64;

/// A file of DuckDB's beside a database.
pub fn companion(database: &Path, ending: &str) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(ending);
    path.into()
}

/// Refuses what lies beside a database and would be taken for its log.
pub(super) fn check(database: &Path) -> Result<(), OpenError> {
    for log in COMPANIONS.iter().filter(|ending| **ending != SPILL).map(|ending| companion(database, ending)) {
        let Ok(metadata) = std::fs::symlink_metadata(&log) else { continue };
        if metadata.is_symlink() {
            return Err(OpenError::Link { path: log });
        }
        if metadata.len() > 0 && !names_its_database(&log) && storage_version(database) >= Some(NAMES_ITS_DATABASE) {
            return Err(OpenError::ForeignLog { path: log, database: database.to_owned() });
        }
    }
    Ok(())
}

/// Whether a log says which database it belongs to, and at which of its checkpoints, so that DuckDB compares both; a log
/// that was cut off before it could say so holds nothing to replay.
///
/// The head is DuckDB's binary serialization: a field's number in two bytes, then its value, each number as LEB128.
/// Field 100 is the kind of entry, 101 the log's version, 102 the database's 16 bytes, 103 the checkpoint.
fn names_its_database(log: &Path) -> bool {
    let mut head = Vec::new();
    if std::fs::File::open(log).and_then(|file| file.take(HEAD).read_to_end(&mut head)).is_err() {
        return false;
    }
    let is_cut_off = head.len() < HEAD as usize;
    begins_with_names(&head).unwrap_or(is_cut_off)
}

/// `None` where the bytes end before that can be told.
fn begins_with_names(mut rest: &[u8]) -> Option<bool> {
    for (wanted, value) in [(100, Some(VERSION_ENTRY)), (101, None), (102, Some(IDENTIFIER))] {
        if !field(&mut rest, wanted)? {
            return Some(false);
        }
        let found = number(&mut rest)?;
        if value.is_some_and(|value| value != found) {
            return Some(false);
        }
    }
    for _ in 0..IDENTIFIER {
        number(&mut rest)?;
    }
    field(&mut rest, 103)
}

/// Whether this field comes next; `None` at the end.
fn field(rest: &mut &[u8], wanted: u16) -> Option<bool> {
    let (found, behind) = rest.split_at_checked(2)?;
    *rest = behind;
    Some(found == wanted.to_le_bytes())
}

/// The number that comes next.
fn number(rest: &mut &[u8]) -> Option<u64> {
    let end = rest.iter().position(|byte| byte & 0x80 == 0)?;
    let (digits, behind) = rest.split_at(end + 1);
    *rest = behind;
    Some(digits.iter().rev().fold(0, |number, byte| number << 7 | u64::from(byte & 0x7f)))
}

/// The storage version that the header of a database says; `None` if it is none.
fn storage_version(database: &Path) -> Option<u64> {
    // 8 bytes of checksum, 4 that say what it is, 8 of the version
    let mut head = [0_u8; 20];
    std::fs::File::open(database).and_then(|mut file| file.read_exact(&mut head)).ok()?;
    (&head[8..12] == b"DUCK").then(|| head[12..].iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    /// The head that DuckDB writes: of version 2, with a database's name or without.
    fn head(named: bool) -> Vec<u8> {
        let mut bytes = vec![100, 0, 98, 101, 0, 2];
        if named {
            bytes.extend([102, 0, 16]);
            bytes.extend([0xff, 1].repeat(16));
            bytes.extend([103, 0, 1]);
        }
        bytes.extend([0xff, 0xff]);
        bytes
    }

    #[test]
    fn a_log_names_its_database_or_was_never_begun() {
        let (named, unnamed) = (head(true), head(false));
        assert_eq!(begins_with_names(&named), Some(true));
        assert_eq!(begins_with_names(&unnamed), Some(false));
        assert_eq!(begins_with_names(&named[..20]), None);
        // a log of DuckDB's first version begins with what was done
        assert_eq!(begins_with_names(&[100, 0, 1, 101, 0, 4, b'm', b'a', b'i', b'n']), Some(false));
        // named, but for no checkpoint: DuckDB would not compare the names
        let half: Vec<u8> = [&named[..named.len() - 5], &[0xff, 0xff]].concat();
        assert_eq!(begins_with_names(&half), Some(false));
    }

    #[test]
    fn what_is_no_log_of_this_database_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("w.duckdb");
        let log = companion(&database, ".wal");
        let header = |version: u8| [&[0; 8][..], b"DUCK", &[version, 0, 0, 0, 0, 0, 0, 0]].concat();
        std::fs::write(&database, header(67)).unwrap();
        assert!(check(&database).is_ok());
        std::fs::write(&log, head(false)).unwrap();
        assert!(matches!(check(&database), Err(OpenError::ForeignLog { .. })));
        std::fs::write(&log, head(true)).unwrap();
        assert!(check(&database).is_ok());
        std::fs::remove_file(&log).unwrap();
        std::os::unix::fs::symlink("elsewhere", &log).unwrap();
        assert!(matches!(check(&database), Err(OpenError::Link { .. })));
    }
}
