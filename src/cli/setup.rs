//! The commands that set up: init, hooks, doctor.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::args;
use super::render::{BOLD, DIM, GREEN, RED, YELLOW, count, paint};
use super::{DONE, Face, Verdict, error, here};
use crate::adapter::git::Repository;
use crate::adapter::hooks::{self, Done, HookState};
use crate::workflow::doctor::Level;
use crate::workflow::error::Error;
use crate::workflow::scaffold;
use crate::workflow::session::Session;

/// `vmesh init`
pub(super) fn init(face: &Face, args: &args::Init) -> Verdict {
    let folder = args.dir.clone().unwrap_or_else(|| PathBuf::from("."));
    let made = scaffold::scaffold(&folder)?;
    let session = Session::open(&made.folder, &face.teller, &face.interrupt)?;
    session.register()?;
    let hooks = session.repository.hooks_dir()?;
    hooks::install(&hooks, &binary()?)?;
    let branch = session.branch()?;
    face.print(
        || {
            let repository = if made.repository { ", a Git repository" } else { "" };
            let enter = if args.dir.is_some() { format!("cd {} && ", folder.display()) } else { String::new() };
            format!(
                "made {}{repository}, and the hooks\n\nnext:\n  {enter}git add --all && git commit -m 'first models'\n  \
                 vmesh promote          {}\n  git switch -c my-change {}\n",
                count(made.files.len(), "file"),
                paint(DIM, "# prod shows what main says"),
                paint(DIM, "# its environment follows by itself"),
            )
        },
        || json!({"folder": made.folder, "files": made.files, "repository": made.repository, "branch": branch}),
    );
    Ok(DONE)
}

/// `vmesh hooks …`
pub(super) fn hooks(face: &Face, args: &args::Hooks) -> Verdict {
    let repository = Repository::discover(&here()?)?;
    let folder = repository.hooks_dir()?;
    match args {
        args::Hooks::Install => {
            face.session()?.register()?;
            let changes = hooks::install(&folder, &binary()?)?;
            if let Some(manager) = folder.manager {
                anstream::eprintln!("warning: {manager} manages these hooks and may overwrite them");
            }
            if folder.global {
                anstream::eprintln!("warning: {} serves other repositories, too", folder.path.display());
            }
            report(face, &folder.path, &changes);
        }
        args::Hooks::Uninstall => report(face, &folder.path, &hooks::uninstall(&folder)?),
        args::Hooks::Status => {
            let states = hooks::status(&folder)?;
            let word = |state: &HookState| match state {
                HookState::Installed => "installed",
                HookState::Missing => "missing",
                HookState::Foreign => "without vmesh's lines",
                HookState::Outdated => "out of date",
                HookState::NotExecutable => "not executable",
            };
            face.print(
                || {
                    let lines = states.iter().map(|(hook, state)| format!("  {:14} {}\n", hook.as_str(), word(state)));
                    format!("{}\n{}", folder.path.display(), lines.collect::<String>())
                },
                || {
                    let states = states.iter().map(|(hook, state)| (hook.as_str().to_owned(), json!(word(state))));
                    json!({"folder": folder.path, "hooks": states.collect::<serde_json::Map<_, _>>()})
                },
            );
        }
    }
    Ok(DONE)
}

fn report(face: &Face, folder: &Path, changes: &[hooks::HookChange]) {
    let word = |done: &Done| match done {
        Done::Installed => "installed",
        Done::Updated => "updated",
        Done::AlreadyThere => "was there already",
        Done::Removed => "removed",
        Done::NotThere => "was not there",
    };
    face.print(
        || {
            let lines = changes.iter().map(|change| format!("  {:14} {}\n", change.hook.as_str(), word(&change.done)));
            format!("{}\n{}", folder.display(), lines.collect::<String>())
        },
        || {
            let done = changes.iter().map(|change| (change.hook.as_str().to_owned(), json!(word(&change.done))));
            json!({"folder": folder, "hooks": done.collect::<serde_json::Map<_, _>>()})
        },
    );
}

/// `vmesh doctor`
pub(super) fn doctor(face: &Face) -> Verdict {
    let session = face.session()?;
    let findings = session.doctor()?;
    let bad = findings.iter().any(|finding| finding.level == Level::Bad);
    face.print(
        || {
            let mut out = String::new();
            for finding in &findings {
                let (sign, style) = match finding.level {
                    Level::Good => ("✓", GREEN),
                    Level::Warning => ("!", YELLOW),
                    Level::Bad => ("✗", RED),
                };
                out.push_str(&format!("{} {}\n", paint(style, sign), finding.what));
                if let Some(help) = &finding.help {
                    out.push_str(&format!("  {} {help}\n", paint(BOLD, "help:")));
                }
            }
            out
        },
        || {
            let findings = findings.iter().map(|finding| {
                let level = match finding.level {
                    Level::Good => "good",
                    Level::Warning => "warning",
                    Level::Bad => "bad",
                };
                json!({"level": level, "what": finding.what, "help": finding.help})
            });
            json!({"findings": findings.collect::<Vec<_>>()})
        },
    );
    Ok(if bad { error::FAILED } else { DONE })
}

/// The path of this program, as hooks shall call it.
pub(super) fn binary() -> Result<PathBuf, Error> {
    std::env::current_exe().map_err(|source| Error::Io { doing: "find", path: "vmesh".into(), source })
}
