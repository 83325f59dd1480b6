//! File events, gathered for a moment. The only place that imports `notify`.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use notify_debouncer_full::notify::{EventKind, RecursiveMode};
use notify_debouncer_full::{DebouncedEvent, new_debouncer};

/// Editors write a file in several steps, and git writes thousands: events are gathered this long.
const GATHER: Duration = Duration::from_millis(150);
/// How often to look whether the end was asked for.
const LOOK: Duration = Duration::from_millis(200);

/// Calls `changed` once, and then after files of the project or heads of the repository changed, until `ended` says so. `git` are the
/// folders where Git keeps what is checked out: the worktree's own, and the references.
pub fn run(project: &Path, git: &[PathBuf], ended: &dyn Fn() -> bool, changed: &mut dyn FnMut()) -> Result<(), String> {
    let (sender, receiver) = channel();
    let cannot = |error: notify_debouncer_full::notify::Error| format!("files can't be watched: {error}");
    let mut debouncer = new_debouncer(GATHER, None, sender).map_err(cannot)?;
    debouncer.watch(project, RecursiveMode::Recursive).map_err(cannot)?;
    for (index, folder) in git.iter().enumerate() {
        let mode = if index == 0 { RecursiveMode::NonRecursive } else { RecursiveMode::Recursive };
        if folder.exists() {
            debouncer.watch(folder, mode).map_err(cannot)?;
        }
    }
    // what changed before the watch began is found by looking, too
    changed();
    while !ended() {
        match receiver.recv_timeout(LOOK) {
            Ok(Ok(events)) => {
                if events.iter().any(|event| matters(event, git)) {
                    changed();
                }
            }
            // an overflow or a vanished folder: whatever was missed is found by looking
            Ok(Err(_)) => changed(),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Err("the file watcher ended".to_owned()),
        }
    }
    Ok(())
}

/// Whether an event can change what an environment shows: something other than reading happened to a model, a seed, the
/// settings, or a head.
fn matters(event: &DebouncedEvent, git: &[PathBuf]) -> bool {
    if matches!(event.kind, EventKind::Access(_)) {
        return false;
    }
    event.paths.iter().any(|path| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if let [own, refs] = git {
            let inside = path.components().any(|part| part.as_os_str() == ".git") || path.starts_with(own);
            if inside {
                return name == "HEAD" || name == "packed-refs" || (path.starts_with(refs) && !name.ends_with(".lock"));
            }
        }
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        matches!(extension.to_ascii_lowercase().as_str(), "sql" | "csv" | "tsv" | "toml") || extension.is_empty()
    })
}
