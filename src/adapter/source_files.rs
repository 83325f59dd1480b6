//! Files from outside that main's settings let models read: what a path or a pattern means on this disk, and what stays the
//! same as long as they do.

use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use crate::domain::config::Freshness;
use crate::domain::pattern;

/// Whether DuckDB takes a path for a pattern.
pub fn is_glob(path: &str) -> bool {
    path.contains(['*', '?', '['])
}

/// The part of a path in which no pattern is.
pub fn fixed_part(path: &str) -> PathBuf {
    let mut fixed: Vec<&str> = path.split('/').take_while(|part| !is_glob(part)).collect();
    if fixed.len() == path.split('/').count() {
        fixed.pop();
    }
    PathBuf::from(match fixed.join("/") {
        root if root.is_empty() => "/".to_owned(),
        fixed => fixed,
    })
}

/// The files and links below a folder that a path or pattern means, or leads through.
pub fn meant(path: &str, fixed: &Path) -> Vec<PathBuf> {
    if !is_glob(path) {
        return vec![PathBuf::from(path)];
    }
    // to DuckDB, braces are letters
    let escaped: String =
        path.chars().map(|c| if matches!(c, '{' | '}') { format!("[{c}]") } else { c.to_string() }).collect();
    let Ok(wanted) = pattern::paths([escaped.as_str()]) else { return Vec::new() };
    let mut found = Vec::new();
    let mut folders = vec![fixed.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            let there = entry.path();
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(there),
                // what a link leads to is as Git's as the link
                Ok(kind) if kind.is_symlink() || wanted.is_match(&there) => found.push(there),
                _ => {}
            }
        }
    }
    found.sort();
    found
}

/// The links on the way to a path, itself among them.
pub fn links_to(path: &Path) -> Vec<PathBuf> {
    let is_link = |path: &&Path| std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink());
    path.ancestors().filter(is_link).map(Path::to_owned).collect()
}

/// What stays the same as long as a file does.
pub fn stamp(path: &Path, freshness: Freshness) -> Vec<u8> {
    let mut stamp = path.to_string_lossy().into_owned().into_bytes();
    match (freshness, std::fs::metadata(path)) {
        (Freshness::Content, Ok(_)) => {
            let mut hasher = blake3::Hasher::new();
            // what can't be read is told when it is read
            let _ = std::fs::File::open(path).map(|file| hasher.update_reader(file).map(|_| ()));
            stamp.extend(hasher.finalize().as_bytes());
        }
        (_, Ok(file)) => {
            let modified = file.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
            stamp.extend(file.len().to_le_bytes());
            stamp.extend(modified.unwrap_or_default().as_nanos().to_le_bytes());
        }
        (_, Err(_)) => stamp.push(0),
    }
    stamp
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_means_what_it_means_to_duckdb() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap().join("x {x}");
        std::fs::create_dir_all(root.join("more")).unwrap();
        for name in ["a.csv", "b{c}.csv", "d.txt", "more/e.csv"] {
            std::fs::write(root.join(name), "").unwrap();
        }
        std::os::unix::fs::symlink("/", root.join("link")).unwrap();
        let found = |pattern: &str| -> Vec<String> {
            let path = root.join(pattern).to_string_lossy().into_owned();
            let names = meant(&path, &fixed_part(&path)).into_iter();
            names.map(|name| name.strip_prefix(&root).unwrap().to_string_lossy().into_owned()).collect()
        };
        // a link is among them, whatever its name: a pattern may lead through it
        assert_eq!(found("*.csv"), ["a.csv", "b{c}.csv", "link"]);
        assert_eq!(found("**/*.csv"), ["a.csv", "b{c}.csv", "link", "more/e.csv"]);
        assert_eq!(found("b{c}.csv"), ["b{c}.csv"]);
        assert_eq!(links_to(&root.join("link/etc")), [root.join("link")]);
    }
}
