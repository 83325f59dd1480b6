//! Paths that can be no file of the project, and what each of them is.

/// What a path is that can be no file of the project, and what to do; none of a path that may be one.
pub fn leads_out(path: &str) -> Option<(String, &'static str)> {
    let load = "have main's settings allow it: `files` of [sources], or `vmesh_sources` of a config.yaml's variables; or load \
                it into a table of the warehouse";
    let commit = "commit the file, and tell its path from the project's folder; or have main's settings allow it: `files` of \
                  [sources], or `vmesh_sources` of a config.yaml's variables";
    Some(match () {
        () if is_remote(path) => {
            (format!("`{path}` is on another machine, and main's settings don't let models read there"), load)
        }
        () if from_root(path) => {
            (format!("`{path}` begins at the root of this disk: it would be another file on every machine"), commit)
        }
        () if path.split('/').any(|part| part == "..") => (
            format!("`{path}` lies outside of the project's folder"),
            "commit the file within it, and tell its path from there; or make a seed of it: a seed's file may lie anywhere \
             in the repository; or have main's settings allow it: `files` of [sources], or `vmesh_sources` of a \
             config.yaml's variables",
        ),
        () if path.contains(['\\', ':']) => (format!("`{path}` is no path of a file of the project"), commit),
        () => return None,
    })
}

/// Whether a path names something on another machine: `https://…`, `s3://…`.
pub fn is_remote(path: &str) -> bool {
    path.contains("://") && !is_here(path)
}

/// Whether a path begins at the root of a disk, or in somebody's home.
pub fn from_root(path: &str) -> bool {
    let is_drive = matches!(path.as_bytes(), [letter, b':', b'/' | b'\\', ..] if letter.is_ascii_alphabetic());
    path.starts_with(['/', '~', '\\']) || is_drive || is_here(path)
}

fn is_here(path: &str) -> bool {
    path.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("file:"))
}
