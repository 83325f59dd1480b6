//! The map in `src/lib.rs`, held true.

mod circles;

use std::path::{Path, PathBuf};

fn sources() -> Vec<(String, String)> {
    fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() { walk(&path, files) } else { files.push(path) }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    walk(&root, &mut files);
    files.sort();
    let rust = files.into_iter().filter(|file| file.extension().is_some_and(|extension| extension == "rs"));
    rust.map(|file| {
        let name = file.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/");
        (name, std::fs::read_to_string(&file).unwrap())
    })
    .collect()
}

/// What is told about a file: its code without comments and tests.
fn code(text: &str) -> String {
    let end = text.find("\n#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    text[..end].lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn is_test(name: &str) -> bool {
    name.ends_with("tests.rs") || name.contains("/tests/") || name.contains("/laws/")
}

#[test]
fn rooms_use_only_what_is_to_their_right() {
    let forbidden = [
        (
            "domain/",
            &[
                "crate::adapter",
                "crate::workflow",
                "crate::cli",
                "std::fs",
                "std::env",
                "std::process",
                "std::net",
                "SystemTime",
                "Instant::now",
            ][..],
        ),
        ("adapter/", &["crate::workflow", "crate::cli"]),
        ("workflow/", &["crate::cli", "println!"]),
    ];
    for (name, text) in sources().iter().filter(|(name, _)| !is_test(name)) {
        for (room, words) in forbidden {
            for word in words.iter().filter(|_| name.starts_with(room)) {
                assert!(!code(text).contains(word), "{name} uses {word}");
            }
        }
    }
}

#[test]
fn each_crate_has_one_room() {
    let homes = [
        ("git2::", "adapter/git/"),
        ("duckdb::", "adapter/warehouse/"),
        ("notify", "adapter/watcher.rs"),
        ("sqlparser::", "domain/sql/"),
        ("croner::", "domain/interval/"),
        ("minijinja::", "domain/macros/"),
        ("sqlformat::", "domain/format/"),
        ("saphyr_parser::", "domain/yaml.rs"),
        ("clap::", "cli/"),
        ("anstream::", "cli/"),
    ];
    for (name, text) in sources().iter().filter(|(name, _)| !is_test(name)) {
        for (word, home) in homes {
            let used =
                code(text).lines().any(|line| line.contains(word) && (word.ends_with("::") || line.contains("use ")));
            assert!(!used || name.starts_with(home), "{name} uses {word}");
        }
    }
}

#[test]
fn every_file_says_what_it_is_for() {
    for (name, text) in sources() {
        assert!(text.starts_with("//! "), "{name} has no first line");
    }
}

#[test]
fn what_people_read_passes_one_place() {
    // there it is made visible what a terminal would obey
    let is_face = |name: &str| name.starts_with("cli/") && name != "cli/mod.rs" && !is_test(name);
    for (name, text) in sources().iter().filter(|(name, _)| is_face(name)) {
        for word in ["print!", "println!"] {
            assert!(!code(text).contains(word), "{name} prints by itself");
        }
    }
}

#[test]
fn files_stay_small() {
    for (name, text) in sources().iter().filter(|(name, _)| !is_test(name)) {
        let lines = code(text).lines().count();
        assert!(lines <= 450, "{name} has {lines} lines of code");
    }
}
