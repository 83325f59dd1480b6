//! Files of a project that vmesh writes.

use std::io;
use std::path::Path;

/// Makes a file say this; says whether it said something else before, or was not there.
pub fn write(path: &Path, text: &str) -> io::Result<bool> {
    let is_same = std::fs::read_to_string(path).is_ok_and(|before| before == text);
    if !is_same {
        std::fs::write(path, text)?;
    }
    Ok(!is_same)
}
