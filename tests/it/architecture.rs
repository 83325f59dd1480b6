//! The map in `src/lib.rs`, held true.

mod circles;
mod lengths;

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
    let end = text.find("\nmod tests {").unwrap_or(text.len());
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

/// The files of the workflow that still touch the machine by themselves, each with the lines that do: they may only become
/// fewer, and no other file may begin to.
const TOUCHING: &[(&str, usize)] = &[
    ("workflow/background/failure.rs", 2),
    ("workflow/background/progress.rs", 1),
    ("workflow/background/queue.rs", 14),
    ("workflow/background/supervised.rs", 1),
    ("workflow/background/watch.rs", 1),
    ("workflow/background/worker.rs", 2),
    ("workflow/build/pool.rs", 3),
    ("workflow/doctor.rs", 2),
    ("workflow/format.rs", 2),
    ("workflow/give_way.rs", 1),
    ("workflow/move_warehouse.rs", 6),
    ("workflow/new_test.rs", 2),
    ("workflow/ownership.rs", 1),
    ("workflow/place.rs", 4),
    ("workflow/scaffold.rs", 3),
    ("workflow/settings.rs", 11),
    ("workflow/unit_tests.rs", 3),
    ("workflow/whereabouts.rs", 1),
    ("workflow/workspace.rs", 3),
];

#[test]
fn the_workflow_leaves_the_machine_to_adapters() {
    let touches =
        |line: &&str| ["std::fs", "std::env::", "std::process", "std::thread"].iter().any(|it| line.contains(it));
    let is_verb = |name: &str| name.starts_with("workflow/") && !is_test(name);
    for (name, text) in sources().iter().filter(|(name, _)| is_verb(name)) {
        let found = code(text).lines().filter(touches).count();
        let known = TOUCHING.iter().find(|(file, _)| file == name).map_or(0, |(_, lines)| *lines);
        assert_eq!(found, known, "{name} touches the machine in {found} lines; listed are {known}");
    }
}

#[test]
fn each_crate_has_one_room() {
    let homes = [
        ("git2::", "adapter/git/"),
        ("duckdb::", "adapter/engine/"),
        ("use postgres::", "adapter/engine/"),
        ("use rustls::", "adapter/engine/postgres/"),
        ("notify", "adapter/watcher.rs"),
        ("sqlparser::", "domain/sql/"),
        ("regex::", "domain/sql/"),
        ("croner::", "domain/interval/"),
        ("minijinja::", "domain/macros/"),
        ("ruff_", "domain/macros/python/"),
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
fn one_file_knows_the_names_below_vmesh_s_folder() {
    const HOME: &str = "adapter/local.rs";
    let (own, others): (Vec<_>, Vec<_>) = sources().into_iter().partition(|(name, _)| name == HOME);
    // each of its strings is a name or begins with one: `failed-{}.json`
    let strings = code(&own[0].1);
    let begins = strings.split('"').skip(1).step_by(2).map(|string| string.split('{').next().unwrap());
    let names: Vec<&str> = begins.filter(|name| name.len() >= 4).collect();
    assert!(names.contains(&"vmesh") && names.contains(&"door-") && names.contains(&"worker.lock"), "{names:?}");
    for (file, text) in others.iter().filter(|(name, _)| !is_test(name)) {
        let code = code(text);
        assert!(!code.contains("folder().join("), "{file} names a file below vmesh's folder: that is for {HOME}");
        for name in &names {
            let is_special = name.contains(['.', '-']) && code.contains(&format!("\"{name}"));
            let joined = [format!("join(\"{name}\""), format!("join(format!(\"{name}{{")];
            let is_joined = joined.iter().any(|join| code.contains(join));
            assert!(!is_special && !is_joined, "{file} names `{name}`: that is for {HOME}");
        }
    }
}
