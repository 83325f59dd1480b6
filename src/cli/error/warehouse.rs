//! What the warehouse refuses, in words.

use std::path::Path;

use crate::adapter::engine::{AuditFailure, BuildError, Holder, Occupied, OpenError, WarehouseError};
use crate::cli::render::{count, event, some};
use crate::domain::diagnostic::{Cause, Diagnostic};
use crate::domain::engine_message;
use crate::domain::name::{EnvName, ModelName};

/// No pointer was moved.
const UNCHANGED: &str = "no pointer was moved";
/// What was built is not lost.
const KEPT: &str = "what was built before is kept; no pointer was moved";

/// An error of the warehouse.
pub(super) fn describe(error: &WarehouseError) -> Diagnostic {
    match error {
        WarehouseError::Open(error) => not_opened(error),
        WarehouseError::Build(error) => not_built(error),
        WarehouseError::Locked { path, holder, waited, reading } => locked(path, holder.as_ref(), *waited, *reading),
        WarehouseError::NotWritable { path, message } => not_writable(path, message),
        WarehouseError::Full { path, message } => full(path, message),
        WarehouseError::TooLong { .. } | WarehouseError::TooLarge { .. } => {
            Diagnostic::new(error.to_string()).note(UNCHANGED).help(WarehouseError::RAISE)
        }
        WarehouseError::Occupied(all) => occupied(all),
        WarehouseError::Moved { environment, expected, found } => moved(environment, *expected, *found),
        WarehouseError::Lost { model, table } => Diagnostic::new(format!("the table of `{model}` is gone: {table}"))
            .note(UNCHANGED)
            .help("vmesh plan builds it again"),
        WarehouseError::Interrupted => Diagnostic::new("interrupted").note(KEPT),
        WarehouseError::Engine { doing, message } => failed(format!("{doing} failed"), message),
    }
}

fn not_opened(error: &OpenError) -> Diagnostic {
    match error {
        OpenError::Reading { .. } => Diagnostic::new(error.to_string()).note("a bug of vmesh: please report it"),
        OpenError::CannotOpen { path, message } => {
            Diagnostic::new(format!("the warehouse {} can't be opened", path.display())).note(cause(message))
        }
        OpenError::Unreachable { place, message } => {
            Diagnostic::new(format!("the warehouse {place} can't be opened")).note(cause(message)).help(way(message))
        }
        OpenError::NotADatabase { path, message } => not_a_database(path, message),
        OpenError::Link { path } => link(path),
        OpenError::ForeignLog { path, database } => foreign_log(path, database),
        OpenError::Tracked { path, tracked, top } => tracked_by_git(path, tracked, top),
        OpenError::Newer { path, found, known } => newer(path, *found, *known),
        OpenError::NotInstalled { name, message } => {
            Diagnostic::new(format!("the extension `{name}` can't be installed"))
                .note(cause(message))
                .help("without a network: put the files of DuckDB's repository into a folder, as v2.0.0/linux_amd64/…, and name it in `extensions_from` of [engine]")
        }
        OpenError::Zone { zone, message } => {
            failed(format!("the time zone `{zone}` of the settings can't be set"), message)
                .help("time zones are part of the extension icu: vmesh --version tells whether it is built in; or name it in `extensions` of [engine]")
        }
    }
}

/// What to look at where a server can't be reached.
fn way(message: &str) -> &'static str {
    match message.contains("the environment has no ") {
        true => "set the variable where git and vmesh run, or name another one in [engine]",
        false => "see that the server runs, that `url` of [engine] leads to it, and that it lets you in",
    }
}

fn not_built(error: &BuildError) -> Diagnostic {
    match error {
        BuildError::Audit { model, failure } => audit(model, failure),
        BuildError::BrokenAudit { name, message, .. } => failed(format!("audit `{name}` can't be run"), message),
        BuildError::Columns { model, changes } => {
            Diagnostic::new(format!("the columns of `{model}` would change: {}", changes.join("; ")))
                .note("it goes on from the rows of the version before; nothing was changed")
        }
        BuildError::Load { changes, .. } => Diagnostic::new(format!("{error}: {}", changes.join("; "))).note(UNCHANGED),
        BuildError::Cell { .. } => Diagnostic::new(error.to_string()).note(UNCHANGED),
        BuildError::Unfit { what, help } => Diagnostic::new(what).note(UNCHANGED).help(*help),
        BuildError::Statement { message, .. } => {
            Diagnostic::new("a statement around a model's query failed").note(Cause::engine(message))
        }
    }
}

/// Something that the engine refused.
fn failed(what: String, message: &str) -> Diagnostic {
    Diagnostic { help: engine_message::advice(message), ..Diagnostic::new(what).note(cause(message)).note(UNCHANGED) }
}

fn cause(message: &str) -> Cause {
    Cause::engine(message.trim())
}

fn locked(path: &Path, holder: Option<&Holder>, waited: u64, reading: bool) -> Diagnostic {
    const ONE_WRITER: &str = "DuckDB gives a file to one writer or to many readers, never to both";
    const GIVES_WAY: &str = "a build gives way between two models; this one takes longer";
    let has = event::has(holder, &path.display().to_string());
    // a server is no path
    let (note, help) = match holder.and_then(|holder| Some(holder.doing.as_ref()?.background)) {
        Some(true) => (GIVES_WAY, "run the same command again, or end that build: vmesh stop"),
        Some(false) => (GIVES_WAY, "run the same command again, or end that build where it was started"),
        _ if !path.is_absolute() => (
            "one vmesh writes at a time there, and what a reader's open transaction has read can't be moved",
            "run the same command again; pg_stat_activity tells who it is",
        ),
        None if holder.is_some_and(Holder::is_vmesh) => (ONE_WRITER, "run the same command again"),
        None => (ONE_WRITER, "close that process, then run the same command again"),
    };
    Diagnostic::new(format!("the warehouse is taken: {has}"))
        .note(note)
        .note(if reading { format!("waited {waited} s") } else { format!("waited {waited} s; {UNCHANGED}") })
        .help(help)
}

fn not_a_database(path: &Path, message: &str) -> Diagnostic {
    Diagnostic::new(format!("{} is not a DuckDB file", path.display()))
        .note(cause(message))
        .note("the file was not touched")
        .help(
            "set the warehouse in the settings ([engine] path, or the connection's database) to another file, or move \
             this one away",
        )
}

fn link(path: &Path) -> Diagnostic {
    Diagnostic::new(format!("{} is a link", path.display()))
        .note("vmesh follows no link to a warehouse or its files: a branch may have brought it; nothing was opened")
        .help("remove it, and name the real path in the settings ([engine] path)")
}

fn foreign_log(path: &Path, database: &Path) -> Diagnostic {
    Diagnostic::new(format!("{} was not left by this warehouse's engine", path.display()))
        .note(format!("DuckDB would replay it into {}, whatever is in it; nothing was opened", database.display()))
        .help("move it away; if a client of yours left it there, let that client open the warehouse once")
}

fn tracked_by_git(path: &Path, tracked: &str, top: &Path) -> Diagnostic {
    let path = path.display();
    Diagnostic::new(format!("Git tracks {tracked} in {}", top.display()))
        .note(format!("the warehouse is {path}: checking out a branch would replace it; nothing was opened"))
        .help(format!(
            "git rm --cached '{tracked}', or switch to a branch without it; vmesh doctor --move-warehouse puts the \
             warehouse where Git can't write"
        ))
}

fn newer(path: &Path, found: u32, known: u32) -> Diagnostic {
    Diagnostic::new(format!("{} was written by a newer vmesh", path.display()))
        .note(format!("its records have format {found}, this vmesh knows {known}; nothing was changed"))
        .help("install the newer vmesh")
}

fn not_writable(path: &Path, message: &str) -> Diagnostic {
    Diagnostic::new(format!("the warehouse {} can't be written", path.display()))
        .note(message)
        .note(UNCHANGED)
        .help("check the permissions of the file and its folder")
}

fn full(path: &Path, message: &str) -> Diagnostic {
    Diagnostic::new(format!("no room is left for the warehouse {}", path.display()))
        .note(message)
        .note(KEPT)
        .help("vmesh gc removes tables that nothing points at")
}

fn audit(model: &ModelName, failure: &AuditFailure) -> Diagnostic {
    let rows = count(usize::try_from(failure.count).unwrap_or(usize::MAX), "wrong row");
    let problem = Diagnostic::new(format!("audit `{}` of `{model}`: {rows}", failure.name));
    failure.sample().into_iter().chain(failure.told()).fold(problem, Diagnostic::note).note(UNCHANGED)
}

fn moved(environment: &EnvName, expected: Option<u64>, found: Option<u64>) -> Diagnostic {
    let generation = |value: Option<u64>| value.map_or_else(|| "not there".to_owned(), |value| value.to_string());
    Diagnostic::new(format!("`{environment}` was changed by someone else in the meantime"))
        .note(format!("planned against generation {}; it is {} now", generation(expected), generation(found)))
        .help("run the same command again: it plans against what is there now")
}

fn occupied(all: &[Occupied]) -> Diagnostic {
    let what = match all {
        [Occupied { model, place, kind, .. }] => {
            format!("`{model}` can't be shown as {place}: a {kind} of that name is there already")
        }
        several => format!(
            "{} can't be shown: tables or views of their names are there already",
            count(several.len(), "model")
        ),
    };
    let mut problem = Diagnostic::new(what);
    if let [_, _, ..] = all {
        let places: Vec<String> = all.iter().map(|one| format!("{} {}", one.kind, one.place)).collect();
        problem = problem.note(some(&places, 10));
    }
    problem = problem.note("vmesh did not make them, and replaces only what it made; nothing was changed");
    if all.iter().any(|one| one.is_sqlmesh) {
        problem = problem.note("views of SQLMesh: its tables are not taken over, all models are built anew");
    }
    let away = |Occupied { place, kind, is_sqlmesh, .. }: &Occupied| match is_sqlmesh {
        true => format!("DROP VIEW {}", place.quoted()),
        false => format!("ALTER {} {} RENAME TO \"{}_old\"", kind.to_uppercase(), place.quoted(), place.name),
    };
    problem.help(format!("move them out of the way: {}", all.iter().map(away).collect::<Vec<_>>().join("; ")))
}
