//! Whether Git is at work on the files.

use std::path::Path;
use std::time::Duration;

/// Git moves HEAD within this time of writing the index.
const HEAD_FOLLOWS: Duration = Duration::from_millis(400);

/// Whether Git may be in the midst of a checkout: it locks the index, writes the files, puts the new index in the old
/// one's place, and moves HEAD last. In between, the files are another branch's than HEAD says.
pub fn is_checking_out(git_dir: &Path) -> bool {
    let written = std::fs::metadata(git_dir.join("index")).and_then(|index| index.modified());
    let is_just_written = written.is_ok_and(|written| written.elapsed().is_ok_and(|since| since < HEAD_FOLLOWS));
    is_just_written || git_dir.join("index.lock").exists()
}
