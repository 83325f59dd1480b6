//! The commands that set up: init, hooks, doctor.

use std::path::PathBuf;

use serde_json::json;

use super::args;
use super::render::{BOLD, DIM, GREEN, RED, YELLOW, count, paint};
use super::{DONE, Face, Verdict, error, here};
use crate::adapter::git::{HooksDir, Repository};
use crate::adapter::hooks::{self, Done, HookName, HookState};
use crate::workflow::doctor::{Finding, Level, check_hooks};
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
    hooks::install(&hooks, &binary()?, false)?;
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
    let dir = repository.hooks_dir()?;
    match args {
        args::Hooks::Install(args) => {
            face.session()?.register()?;
            let changes = hooks::install(&dir, &binary()?, args.eager)?;
            let findings = trouble(&repository)?;
            report(face, &dir, changes.iter().map(|change| (change.hook, done(change.done))), &findings);
            shared(&dir, "commit them, and let everyone run `vmesh hooks install` once");
        }
        args::Hooks::Uninstall => {
            let changes = hooks::uninstall(&dir)?;
            report(face, &dir, changes.iter().map(|change| (change.hook, done(change.done))), &[]);
            if changes.iter().any(|change| change.done == Done::Removed) {
                shared(&dir, "commit that they are gone");
            }
        }
        args::Hooks::Status => {
            let states = hooks::status(&dir)?;
            report(face, &dir, states.iter().map(|(hook, state)| (*hook, stands(*state))), &trouble(&repository)?);
        }
    }
    Ok(DONE)
}

fn done(done: Done) -> &'static str {
    match done {
        Done::Installed => "installed",
        Done::Updated => "updated",
        Done::AlreadyThere => "was there already",
        Done::Removed => "removed",
        Done::NotThere => "was not there",
        Done::LeftToLefthook => "left to lefthook",
    }
}

fn stands(state: HookState) -> &'static str {
    match state {
        HookState::Installed => "installed",
        HookState::Missing => "missing",
        HookState::Foreign => "without vmesh's lines",
        HookState::Outdated => "out of date",
        HookState::NotExecutable => "not executable",
        HookState::NotRun => "not run in this working tree",
        HookState::LeftToLefthook => "left to lefthook",
    }
}

/// What keeps Git from running the hooks.
fn trouble(repository: &Repository) -> Result<Vec<Finding>, Error> {
    let findings = check_hooks(repository)?;
    Ok(findings.into_iter().filter(|finding| finding.level != Level::Good).collect())
}

fn report<'a>(
    face: &Face,
    dir: &HooksDir,
    hooks: impl Iterator<Item = (HookName, &'a str)> + Clone,
    trouble: &[Finding],
) {
    let folder = hooks::folder(dir);
    face.print(
        || {
            let lines = hooks.clone().map(|(hook, word)| format!("  {:17} {word}\n", hook.as_str()));
            let trouble = trouble.iter().map(finding);
            format!("{}\n{}", folder.display(), lines.chain(trouble).collect::<String>())
        },
        || {
            let hooks = hooks.clone().map(|(hook, word)| (hook.as_str().to_owned(), json!(word)));
            let hooks = hooks.collect::<serde_json::Map<_, _>>();
            json!({"folder": folder, "hooks": hooks, "problems": trouble.iter().map(|one| &one.what).collect::<Vec<_>>()})
        },
    );
}

/// Says who else runs these hooks.
fn shared(dir: &HooksDir, todo: &str) {
    let folder = hooks::folder(dir).display();
    if dir.inside_worktree {
        anstream::eprintln!("note: the hooks in {folder} are shared with the team: {todo}");
    } else if dir.global {
        anstream::eprintln!(
            "note: {folder} serves other repositories, too; its lines act only where `vmesh hooks install` was run"
        );
    }
}

/// A finding as `doctor` shows it.
fn finding(finding: &Finding) -> String {
    let (sign, style) = match finding.level {
        Level::Good => ("✓", GREEN),
        Level::Warning => ("!", YELLOW),
        Level::Bad => ("✗", RED),
    };
    let help = finding.help.as_ref().map(|help| format!("  {} {help}\n", paint(BOLD, "help:")));
    format!("{} {}\n{}", paint(style, sign), finding.what, help.unwrap_or_default())
}

/// `vmesh doctor`
pub(super) fn doctor(face: &Face) -> Verdict {
    let session = face.session()?;
    let findings = session.doctor()?;
    let bad = findings.iter().any(|finding| finding.level == Level::Bad);
    face.print(
        || findings.iter().map(finding).collect(),
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
