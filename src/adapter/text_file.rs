//! Files of a project that vmesh writes.

use std::io;
use std::path::Path;

/// The names of what lies in a folder.
pub fn names(folder: &Path) -> io::Result<Vec<String>> {
    let entries = std::fs::read_dir(folder)?.flatten();
    Ok(entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect())
}

/// Makes a folder, and those that it lies in.
pub fn make_folder(path: &Path) -> io::Result<()> {
    std::fs::create_dir_all(path)
}

/// Removes a file, if it is there, and the folders below `top` that are empty then.
pub fn remove(path: &Path, top: &Path) {
    let _ = std::fs::remove_file(path);
    let above = path.ancestors().skip(1).take_while(|folder| *folder != top);
    let _ = above.take_while(|folder| std::fs::remove_dir(folder).is_ok()).count();
}

/// Removes a folder with all that is in it.
pub fn remove_folder(path: &Path) {
    let _ = std::fs::remove_dir_all(path);
}

/// Makes a file say this; says whether it said something else before, or was not there.
pub fn write(path: &Path, text: &str) -> io::Result<bool> {
    let is_same = std::fs::read_to_string(path).is_ok_and(|before| before == text);
    if !is_same {
        std::fs::write(path, text)?;
    }
    Ok(!is_same)
}
