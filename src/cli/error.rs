//! The last stop of every error: words, what is still true, what to do, the exit code. A file a family.

mod failed;
mod git;
mod hooks;
mod refused;
mod warehouse;

use std::path::Path;

use super::render::{diagnostic, table, wrap};
use crate::adapter::engine::WarehouseError;
use crate::domain::diagnostic::Diagnostic;
use crate::workflow::error::{Error, SetupError};

/// Everything went wrong as described.
pub(super) const FAILED: u8 = 1;
/// The command was used wrongly.
const WRONG_USAGE: u8 = 2;
/// Ended by Ctrl-C, as shells count it.
pub(super) const INTERRUPTED: u8 = 130;

/// Prints an error; gives the exit code.
pub(super) fn print(error: &Error) -> u8 {
    for problem in describe(error) {
        tell!("{}", wrap::problem(&diagnostic::render(&problem, false), table::width()));
    }
    match error {
        Error::Usage { .. } => WRONG_USAGE,
        Error::Warehouse(WarehouseError::Interrupted) => INTERRUPTED,
        _ => FAILED,
    }
}

/// An error as plain text: for logs.
pub(super) fn text(error: &Error) -> String {
    let drawn: Vec<String> = describe(error).iter().map(|problem| diagnostic::render(problem, false)).collect();
    anstream::adapter::strip_str(&drawn.join("\n")).to_string()
}

/// An error as data: as it is printed, and problem by problem.
pub(super) fn json(error: &Error) -> serde_json::Value {
    let problems: Vec<serde_json::Value> = describe(error).iter().map(diagnostic::json).collect();
    serde_json::json!({"error": text(error), "problems": problems})
}

/// The problems that an error is made of, each with words and help.
fn describe(error: &Error) -> Vec<Diagnostic> {
    vec![match error {
        Error::Project(problems) => return problems.clone(),
        Error::Build(error) => return failed::describe(error),
        Error::Git(error) => git::describe(error),
        Error::Warehouse(error) => warehouse::describe(error),
        Error::Hooks(error) => hooks::describe(error),
        Error::Setup(SetupError::NoProject { start, top, known }) => no_project(start, top, known),
        Error::Setup(SetupError::PythonSettings { path, yaml, why }) => python_settings(path, yaml, why.as_deref()),
        Error::Branch(error) => refused::branch(error),
        Error::Prod(error) => refused::prod(error),
        Error::Unknown { what, typed, near } => unknown(what, typed, near.as_deref()),
        Error::Query { message, help } => query(message, help.as_deref()),
        Error::Usage { what, help } => Diagnostic::new(what).help(help),
        Error::Io { doing, path, source } => io(doing, path, source),
    }]
}

fn no_project(start: &Path, top: &Path, known: &[String]) -> Diagnostic {
    Diagnostic::new(format!("no vmesh.toml or config.yaml in {} or above", start.display()))
        .note(format!("the repository's top is {}", top.display()))
        .help(match known {
            [] => "vmesh init makes a project here".to_owned(),
            known => format!("this repository has projects in: {}", known.join(", ")),
        })
}

fn python_settings(path: &Path, yaml: &str, why: Option<&Diagnostic>) -> Diagnostic {
    let what = format!("{} has this project's settings in Python, which vmesh does not run", path.display());
    let mut told = why.map_or_else(|| Diagnostic::new(what), Diagnostic::clone);
    if why.is_some() {
        told = told
            .note("what is written out is read: `config = Config(…)`, constants, paths beside the file, os.environ");
    }
    told.note("settings are read from vmesh.toml, too, or from SQLMesh's config.yaml or sqlmesh.yaml")
        .help(format!("write a config.yaml beside it:\n\n{yaml}"))
}

/// A name that nothing has.
fn unknown(what: &str, typed: &str, near: Option<&str>) -> Diagnostic {
    Diagnostic::new(format!("no {what} is called `{typed}`")).help(match (near, what) {
        (Some(near), _) => format!("did you mean `{near}`?"),
        (None, "model") => "vmesh ls lists the models".to_owned(),
        (None, "commit") => "vmesh log lists the commits that prod has shown".to_owned(),
        (None, "column") => "vmesh query 'DESCRIBE <model>' lists the columns".to_owned(),
        (None, _) if !is_plain(typed) => {
            "vmesh envs lists the environments, git branch the branches, git log the commits".to_owned()
        }
        (None, _) if is_hex(typed) => {
            "no commit of this clone begins so: git log lists those that are there, vmesh log those that prod has shown"
                .to_owned()
        }
        (None, _) => format!(
            "environments follow branches: git switch -c {typed} makes one; vmesh envs lists those that are there"
        ),
    })
}

/// Whether a branch may have this name, and somebody might give it to one.
fn is_plain(typed: &str) -> bool {
    let is_plain = |c: char| c.is_alphanumeric() || "-_/.".contains(c);
    typed.chars().all(is_plain) && !typed.contains("..") && !typed.starts_with(['-', '.', '/'])
}

/// Whether a name looks like the beginning of a commit's id.
fn is_hex(typed: &str) -> bool {
    (6..=64).contains(&typed.len()) && typed.chars().all(|c| c.is_ascii_hexdigit())
}

/// A query that can't run, in the engine's words: the first line says what, the others where.
fn query(message: &str, help: Option<&str>) -> Diagnostic {
    let (what, rest) = message.split_once('\n').unwrap_or((message, ""));
    let mut problem = Diagnostic::new(what);
    if !rest.trim().is_empty() {
        problem = problem.note(rest.trim_end().trim_start_matches('\n'));
    }
    problem.help = help.map(str::to_owned);
    problem
}

/// A file that can't be read or written.
fn io(doing: &str, path: &Path, source: &std::io::Error) -> Diagnostic {
    Diagnostic::new(format!("could not {doing} {}", path.display())).note(source.to_string())
}
