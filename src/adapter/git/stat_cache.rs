//! Our own cached stat data, so that unchanged files are not read again to learn their id.
//!
//! Not Git's index: its forms vary, it knows no untracked files, and its ids are those before filters.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::id::BlobId;

/// File systems keep times as coarse as two seconds. A file younger than that when it was read may change again within
/// the same tick, keeping its size: such a file is never remembered ("racily clean").
const COARSEST_TICK: Duration = Duration::from_secs(2);

/// What the files of one working tree were when they were last read. The caller keeps it between two scans.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StatCache(BTreeMap<String, Known>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    stat: Stat,
    id: BlobId,
}

/// What tells that a file was changed, without reading it. Times are in nanoseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stat {
    size: u64,
    modified: i64,
    /// When the file's record last changed: notices the tools that set the modification time back.
    recorded: i64,
    inode: u64,
}

impl StatCache {
    /// The id of a file, if it still is what it was.
    pub(super) fn get(&self, path: &str, stat: &Stat) -> Option<&BlobId> {
        self.0.get(path).filter(|known| known.stat == *stat).map(|known| &known.id)
    }

    /// Remembers a file, unless it was changed so shortly before `now` that it might yet change unseen.
    pub(super) fn put(&mut self, path: String, stat: Stat, id: BlobId, now: SystemTime) {
        let limit = now.checked_sub(COARSEST_TICK).map_or(i64::MIN, nanoseconds);
        if stat.modified.max(stat.recorded) < limit {
            self.0.insert(path, Known { stat, id });
        }
    }
}

impl Stat {
    #[cfg(unix)]
    pub(super) fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        let time = |seconds: i64, nanoseconds: i64| seconds.saturating_mul(1_000_000_000).saturating_add(nanoseconds);
        Self {
            size: metadata.size(),
            modified: time(metadata.mtime(), metadata.mtime_nsec()),
            recorded: time(metadata.ctime(), metadata.ctime_nsec()),
            inode: metadata.ino(),
        }
    }

    #[cfg(not(unix))]
    pub(super) fn of(metadata: &Metadata) -> Self {
        // a file without a time is never older than anything, hence never remembered
        let modified = metadata.modified().map_or(i64::MAX, nanoseconds);
        Self { size: metadata.len(), modified, recorded: modified, inode: 0 }
    }
}

fn nanoseconds(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}
