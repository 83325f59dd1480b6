//! The commands that set up: init, hooks, doctor.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap_complete::env::Shells;
use serde_json::json;

use super::args;
use super::render::{BOLD, DIM, GREEN, RED, YELLOW, count, paint, some, table, wrap};
use super::{COMPLETE, DONE, Face, Verdict, error, here, other_engine};
use crate::adapter::engine::{self, Installed};
use crate::adapter::git::{HooksDir, Repository};
use crate::adapter::hooks::{self, Done, HookChange, HookName, HookState};
use crate::domain::external::FILE;
use crate::workflow::doctor::{Finding, Level, check_hooks};
use crate::workflow::error::Error;
use crate::workflow::scaffold::{self, Beginning, Scaffold};
use crate::workflow::session::Session;

/// `vmesh init`
pub(super) fn init(face: &Face, args: &args::Init) -> Verdict {
    let folder = args.dir.clone().unwrap_or_else(|| PathBuf::from("."));
    let beginning = match &args.from {
        Some(file) => Beginning::Warehouse(file.clone()),
        None if args.empty => Beginning::Empty,
        None => Beginning::Sample,
    };
    let mut made = scaffold::scaffold(&folder, &beginning)?;
    let begun = begin(face, args, &mut made);
    if begun.is_err() && made.settings.is_none() {
        scaffold::undo(&made);
    }
    begun
}

/// Makes of a scaffold a project that works.
fn begin(face: &Face, args: &args::Init, made: &mut Scaffold) -> Verdict {
    let session = Session::open(&made.folder, &face.teller, &face.interrupt)?;
    let branch = session.branch()?;
    if args.from.is_some() {
        let first = session.write_first_models(&mut made.files)?;
        made.files.extend(session.write_external_models()?.changed.then(|| FILE.to_owned()));
        if first.written == 0 {
            tell!("note: the warehouse has no tables yet");
        }
        if !first.left_out.is_empty() {
            tell!("note: no model was written for {}", some(&first.left_out, 5));
        }
    }
    session.register()?;
    let hooks = session.repository.hooks_dir()?;
    hooks::install(&hooks, &binary()?, false)?;
    face.print(
        || next_steps(made, args.dir.as_deref()),
        || json!({"folder": made.folder, "files": made.files, "repository": made.repository, "branch": branch}),
    );
    for note in &session.config.notes {
        tell!("warning: {}: {note}", session.settings_file);
    }
    for problem in trouble(&session.repository)? {
        tell!("{}", finding(&problem).trim_end());
    }
    shared(&hooks, true);
    Ok(DONE)
}

/// What was made, and what to type now.
fn next_steps(made: &Scaffold, dir: Option<&Path>) -> String {
    let repository = if made.repository { ", a Git repository" } else { "" };
    let enter = dir.map_or_else(String::new, |dir| format!("cd {} && ", typed(&dir.to_string_lossy())));
    let has_models = made.files.len() > 1;
    let what = match made.settings {
        Some(file) => format!("{file} is read as it is; made the hooks{}", repository.replace(", ", " and ")),
        None => format!("made {}{repository}, and the hooks", count(made.files.len(), "file")),
    };
    let mut out = format!("{what}\n");
    if made.settings.is_none() && !has_models {
        out.push_str("no sample was written: a model is a query in a file, models/marts/orders.sql is marts.orders\n");
    }
    let commit = if made.settings.is_none() { "git add --all && git commit -m 'first models'\n  " } else { "" };
    out.push_str(&format!(
        "\nnext:\n  {enter}{commit}vmesh promote            {}\n  git switch -c my-change  {}\n",
        paint(DIM, "# prod shows what main says"),
        paint(DIM, "# its environment follows by itself"),
    ));
    out
}

/// A path as it is typed in a shell.
fn typed(path: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+=,@".contains(c);
    match path.chars().all(is_plain) && !path.starts_with('-') {
        true => path.to_owned(),
        false if path.starts_with('-') => format!("'./{}'", path.replace('\'', "'\\''")),
        false => format!("'{}'", path.replace('\'', "'\\''")),
    }
}

/// `vmesh hooks …`
pub(super) fn hooks(face: &Face, args: &args::Hooks) -> Verdict {
    let repository = Repository::discover(&here()?)?;
    let dir = repository.hooks_dir()?;
    match args {
        args::Hooks::Install(args) => {
            face.session()?.register()?;
            let changes = hooks::install(&dir, &binary()?, args.eager)?;
            report(face, &dir, &words(&changes), &trouble(&repository)?);
            if changes.iter().any(|change| change.done != Done::AlreadyThere) {
                shared(&dir, true);
            }
        }
        args::Hooks::Uninstall => {
            let changes = hooks::uninstall(&dir)?;
            report(face, &dir, &words(&changes), &[]);
            if changes.iter().any(|change| change.done == Done::Removed) {
                shared(&dir, false);
            }
        }
        args::Hooks::Status => {
            let states: Vec<_> = hooks::status(&dir)?.into_iter().map(|(hook, state)| (hook, stands(state))).collect();
            report(face, &dir, &states, &trouble(&repository)?);
        }
    }
    Ok(DONE)
}

fn words(changes: &[HookChange]) -> Vec<(HookName, &'static str)> {
    changes.iter().map(|change| (change.hook, done(change.done))).collect()
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

fn report(face: &Face, dir: &HooksDir, hooks: &[(HookName, &str)], trouble: &[Finding]) {
    let folder = hooks::folder(dir);
    face.print(
        || {
            let lines = hooks.iter().map(|(hook, word)| format!("  {:17} {word}\n", hook.as_str()));
            let trouble: String = trouble.iter().map(finding).collect();
            format!("{}\n{}{}", folder.display(), lines.collect::<String>(), wrap::wrap(&trouble, table::width()))
        },
        || {
            let hooks = hooks.iter().map(|(hook, word)| (hook.as_str().to_owned(), json!(word)));
            let problems = trouble.iter().map(|one| json!({"what": one.what, "help": one.help}));
            json!({
                "folder": folder,
                "hooks": hooks.collect::<serde_json::Map<_, _>>(),
                "problems": problems.collect::<Vec<_>>(),
            })
        },
    );
}

/// Says who else runs these hooks.
fn shared(dir: &HooksDir, installed: bool) {
    let folder = hooks::folder(dir).display();
    let todo = match installed {
        true => "commit them, and let everyone run `vmesh hooks install` once",
        false => "commit that vmesh's lines are gone",
    };
    if dir.inside_worktree {
        tell!("note: the hooks in {folder} are shared with the team: {todo}");
    } else if dir.global && installed {
        tell!("note: {folder} serves other repositories, too; nothing happens in those without vmesh");
    } else if dir.global {
        tell!("note: {folder} served other repositories, too: `vmesh hooks install` where vmesh is wanted");
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

/// `vmesh create-external-models`
pub(super) fn create_external_models(face: &Face) -> Verdict {
    let written = face.session()?.write_external_models()?;
    let absent = |name: &String| format!("not in the warehouse yet: {name}\n");
    face.print(
        || {
            let tables = count(written.tables.len(), "table");
            let told = match (written.tables.len(), written.changed) {
                (0, _) if written.absent.is_empty() => "every table that models read is made by one\n".to_owned(),
                (0, _) => "nothing to write\n".to_owned(),
                (_, true) => format!("{FILE}: {tables} · commit it, and columns of these are known to all\n"),
                (_, false) => format!("{FILE} is up to date: {tables}\n"),
            };
            let absent: String = written.absent.iter().map(absent).collect();
            format!("{told}{absent}")
        },
        || json!({"file": FILE, "tables": written.tables, "absent": written.absent, "changed": written.changed}),
    );
    Ok(DONE)
}

/// `vmesh doctor`
pub(super) fn doctor(face: &Face, args: &args::Doctor) -> Verdict {
    if let Some(engine) = &args.engine {
        return other_engine::doctor(face, engine, &args.url);
    }
    let session = face.session()?;
    if args.move_warehouse {
        let path = session.move_warehouse()?;
        face.print(|| format!("the warehouse is now {}\n", path.display()), || json!({"warehouse": path}));
        return Ok(DONE);
    }
    if args.install {
        let installed = engine::install(&session.location.access.opening).map_err(Error::from)?;
        let line = |it: &Installed| format!("installed {} ({:.1} MB) in {}\n", it.name, it.bytes as f64 / 1e6, it.path);
        let all_there = || "every extension that the settings name is installed\n".to_owned();
        face.print(
            || if installed.is_empty() { all_there() } else { installed.iter().map(line).collect() },
            || {
                let told = installed.iter().map(|it| json!({"name": it.name, "bytes": it.bytes, "path": it.path}));
                json!({"installed": told.collect::<Vec<_>>()})
            },
        );
        return Ok(DONE);
    }
    let findings = match &args.role {
        Some(role) => session.doctor_of_role(role)?,
        None => session.doctor()?,
    };
    let bad = findings.iter().any(|finding| finding.level == Level::Bad);
    face.print(
        || wrap::wrap(&findings.iter().map(finding).collect::<String>(), table::width()),
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

/// `vmesh completions`: what has a shell ask vmesh itself, which knows the names of models and branches.
pub(super) fn completions(args: &args::Completions) -> Verdict {
    let failed = |source| Error::Io { doing: "write", path: "standard output".into(), source };
    let shells = Shells::builtins();
    let shell = args.shell.to_string();
    let shell = shells.completer(&shell).ok_or_else(|| Error::Usage {
        what: format!("there are no completions for {shell}"),
        help: format!("those that are there: {}", shells.names().collect::<Vec<_>>().join(", ")),
    })?;
    let mut script = Vec::new();
    shell.write_registration(COMPLETE, "vmesh", "vmesh", "vmesh", &mut script).map_err(failed)?;
    std::io::stdout().write_all(&script).map_err(failed)?;
    Ok(DONE)
}

/// `vmesh man`
pub(super) fn man(face: &Face, args: &args::Man, command: clap::Command) -> Verdict {
    let io = |source| Error::Io { doing: "write", path: args.dir.clone(), source };
    std::fs::create_dir_all(&args.dir).map_err(io)?;
    clap_mangen::generate_to(command, &args.dir).map_err(io)?;
    let dir = args.dir.display();
    face.print(|| format!("wrote the manual pages: man -l {dir}/vmesh.1\n"), || json!({"dir": args.dir}));
    Ok(DONE)
}

/// The path of this program, as hooks shall call it: by its name in `PATH` if it has one, since package managers put
/// each version into a folder of its own.
pub(super) fn binary() -> Result<PathBuf, Error> {
    let this = std::env::current_exe().map_err(|source| Error::Io { doing: "find", path: "vmesh".into(), source })?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let name = this.file_name().unwrap_or_default();
    let mut named = std::env::split_paths(&path).filter(|folder| folder.is_absolute()).map(|folder| folder.join(name));
    let is_this =
        |named: &PathBuf| matches!((named.canonicalize(), this.canonicalize()), (Ok(named), Ok(this)) if named == this);
    Ok(named.find(is_this).unwrap_or(this))
}
