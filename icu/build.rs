//! Compiles DuckDB's ICU extension out of a source tree of DuckDB that is given: `VMESH_DUCKDB_SOURCE` names it, and
//! `icu/fetch.sh` brings one. The bundled DuckDB has no source of the extension; its headers are those of the crate.

use std::fs;
use std::path::{Path, PathBuf};

/// Where, in the tree, the extension is.
const EXTENSION: &str = "extension/icu";

fn main() {
    println!("cargo:rerun-if-env-changed=VMESH_DUCKDB_SOURCE");
    let Some(given) = std::env::var_os("VMESH_DUCKDB_SOURCE") else {
        panic!(
            "the feature `icu` compiles an extension of DuckDB: run `export VMESH_DUCKDB_SOURCE=$(sh icu/fetch.sh)`"
        );
    };
    let source = PathBuf::from(given);
    let extension = source.join(EXTENSION);
    assert!(extension.is_dir(), "VMESH_DUCKDB_SOURCE has no folder {EXTENSION}: {}", source.display());
    let headers =
        PathBuf::from(std::env::var_os("DEP_DUCKDB_INCLUDE").expect("DuckDB is bundled, and tells its headers"));
    if let Some(other) = differing(&headers, &source.join("src/include")) {
        panic!("VMESH_DUCKDB_SOURCE is of another DuckDB than the bundled one: {} differs", other.display());
    }
    println!("cargo:rerun-if-changed={}", extension.display());
    println!("cargo:rerun-if-changed=describe.cpp");
    let root = headers.parent().and_then(Path::parent).expect("the headers are in src/include of DuckDB's folder");
    let mut build = cc::Build::new();
    build.cpp(true).std("c++17").warnings(false).flag_if_supported("-w").opt_level(2).debug(false);
    // as the bundled DuckDB was compiled, whatever the profile of this crate is
    build.define("NDEBUG", None).define("DUCKDB_STATIC_BUILD", None);
    build.include(&headers);
    for library in ["fmt", "zstd"] {
        build.include(root.join("third_party").join(library).join("include"));
    }
    for part in ["include", "collation/include", "datetime/include"] {
        build.include(extension.join(part));
    }
    for folder in ["", "collation", "collation/generated", "datetime", "datetime/generated"] {
        build.files(files(&extension.join(folder), "cpp"));
    }
    build.file("describe.cpp").compile("vmesh_duckdb_icu");
}

/// The files of a folder with this ending, in the order of their names.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == ending));
    files.sort();
    files
}

/// The first header, in one folder or below, that is another in the other folder.
fn differing(one: &Path, other: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(one).unwrap_or_else(|error| panic!("{}: {error}", one.display()));
    entries.flatten().find_map(|entry| {
        let (path, twin) = (entry.path(), other.join(entry.file_name()));
        match path.is_dir() {
            true => differing(&path, &twin),
            false => (fs::read(&path).ok() != fs::read(&twin).ok()).then_some(path),
        }
    })
}
