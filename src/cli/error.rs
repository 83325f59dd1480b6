//! The last stop of every error: words, what is still true, what to do, the exit code.

use std::path::Path;

use super::checking;
use super::render::plan as told;
use super::render::{ago, count, diagnostic, event, some};
use crate::adapter::git::GitError;
use crate::adapter::hooks::HookError;
use crate::adapter::warehouse::{Holder, Occupied, WarehouseError};
use crate::domain::diagnostic::{Cause, Diagnostic, Note};
use crate::domain::environment::Owner;
use crate::domain::name::ModelName;
use crate::workflow::error::Error;
use crate::workflow::run::{Failed, Ran};
use crate::workflow::session::now;
use crate::workflow::unit_tests::Tested;

/// Everything went wrong as described.
pub(super) const FAILED: u8 = 1;
/// The command was used wrongly.
pub(super) const WRONG_USAGE: u8 = 2;
/// Ended by Ctrl-C, as shells count it.
pub(super) const INTERRUPTED: u8 = 130;

/// So many violated rules are told where they stop a plan.
const MOST_VIOLATIONS: usize = 10;

/// Prints an error; gives the exit code.
pub(super) fn print(error: &Error) -> u8 {
    for problem in describe(error) {
        tell!("{}", diagnostic::render(&problem, false));
    }
    exit_code(error)
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

fn exit_code(error: &Error) -> u8 {
    match error {
        Error::Usage { .. } => WRONG_USAGE,
        Error::Warehouse(WarehouseError::Interrupted) => INTERRUPTED,
        _ => FAILED,
    }
}

/// The problems that an error is made of, each with words and help.
fn describe(error: &Error) -> Vec<Diagnostic> {
    vec![match error {
        Error::Git(error) => git(error),
        Error::Warehouse(error) => warehouse(error),
        Error::Hooks(error) => hooks(error),
        Error::Project(problems) => return problems.clone(),
        Error::NoProject { start, top, known } => no_project(start, top, known),
        Error::PythonSettings { path, yaml } => Diagnostic::new(format!(
            "{} has this project's settings in Python, which vmesh does not run",
            path.display()
        ))
        .note("settings are read from vmesh.toml, or from SQLMesh's config.yaml or sqlmesh.yaml")
        .help(format!("write a config.yaml beside it:\n\n{yaml}")),
        Error::Builds { environment, failures, skipped, built } => {
            let mut problems: Vec<Diagnostic> = failures.iter().map(|(_, problem)| problem.clone()).collect();
            if let Some(last) = problems.last_mut() {
                let mut note = format!("`{environment}` is unchanged; ");
                note.push_str(&match built {
                    0 => "nothing was built".to_owned(),
                    1 => "the table built before is kept and will be reused".to_owned(),
                    built => format!("the {built} tables built before are kept and will be reused"),
                });
                if !skipped.is_empty() {
                    note.push_str(&format!("; not tried: {}", some(skipped, 5)));
                }
                last.notes.push(note.into());
                last.help.get_or_insert_with(|| "mend the query, then run the same command again".to_owned());
            }
            return problems;
        }
        Error::Run { ran, failed } => {
            let mut problems = failed.problems.clone();
            if let Some(last) = problems.last_mut() {
                last.notes.extend(kept(ran, failed).into_iter().map(Note::from));
                last.help.get_or_insert_with(|| "mend the query, then run the same command again".to_owned());
            }
            return problems;
        }
        Error::Tests(tests) => {
            let mut problems = tests.broken.clone();
            let failed: Vec<&Tested> = tests.tested.iter().filter(|tested| !tested.is_passed()).collect();
            if !failed.is_empty() {
                let problem = Diagnostic::new(format!("{} failed", count(failed.len(), "unit test")));
                let told = failed.iter().map(|tested| checking::tested(tested)).collect::<String>();
                problems.push(told.lines().fold(problem, |problem, line| problem.note(line)));
            }
            if let Some(last) = problems.last_mut() {
                last.notes.push("nothing was built, no pointer was moved".into());
                last.help.get_or_insert_with(|| "mend the model or the test: vmesh test".to_owned());
            }
            return problems;
        }
        Error::Lint(violations) => {
            let mut problems: Vec<Diagnostic> =
                violations.iter().take(MOST_VIOLATIONS).map(|violation| violation.problem.clone()).collect();
            let more = violations.len().saturating_sub(MOST_VIOLATIONS);
            if let Some(last) = problems.last_mut() {
                last.notes.extend((more > 0).then(|| format!("{} more: vmesh lint", count(more, "violation")).into()));
                last.notes.push("nothing was built, no pointer was moved; --skip-linter goes on all the same".into());
            }
            return problems;
        }
        Error::BuildsNeeded { environment, models } => {
            Diagnostic::new(format!("{} would have to be built for `{environment}`", some(models, 5)))
                .note("nothing was changed")
                .help("leave out --no-build, or build them on their branch first: vmesh plan --yes")
        }
        Error::Detached => Diagnostic::new("no branch is checked out, so there is no environment")
            .note("HEAD is detached: at a commit or a tag, or in the midst of a rebase or bisect")
            .help("check out a branch, or name an environment, a branch or a commit"),
        Error::Kept(kept) => {
            let commit = kept.commit.as_deref().map(told::short).unwrap_or_default();
            let dirty = if kept.dirty { " with uncommitted changes" } else { "" };
            let Owner { who, host, folder } = &kept.owner;
            Diagnostic::new(format!("`{}` is kept by {who}, who has other files", kept.environment))
                .note(format!("it shows {folder} on {host}, at {commit}{dirty}, since {}", ago(kept.at, now())))
                .note("your files don't contain all of that; nothing was changed")
                .help("pull what they did, or show your files instead: vmesh plan --take-over")
        }
        Error::Conflicts { branch, main, models, others } => {
            let mut problem = Diagnostic::new(format!("merging `{branch}` into `{main}` conflicts"));
            if !models.is_empty() {
                problem = problem.note(format!("models that both changed: {}", some(models, 10)));
            }
            if !others.is_empty() {
                problem = problem.note(format!("other files that both changed: {}", some(others, 10)));
            }
            problem.help(format!("git switch {branch} && git merge {main}, and resolve them there"))
        }
        Error::Unmerged { files } => Diagnostic::new(format!("there are conflicts in {}", some(files, 10)))
            .note("a merge, rebase or stash is not done yet; nothing was changed")
            .help("choose between the sides, then: git add, and go on with what Git was doing: git status tells"),
        Error::NothingCommitted { main } => Diagnostic::new(format!("nothing is committed on `{main}` yet"))
            .note("prod shows what is committed, never what only lies in the working tree")
            .help(
                "git add --all && git commit -m 'first models', then: vmesh promote; where main has got another name: \
                 vmesh hooks install, on it",
            ),
        Error::Unknown { what, typed, near } => unknown(what, typed, near.as_deref()),
        Error::OtherMain { before, now } => Diagnostic::new(format!("prod follows branch `{before}`, not `{now}`"))
            .note(format!("nothing that is committed on `{before}` says that `{now}` is main; prod is unchanged"))
            .help(format!(
                "let `{before}` say so first: [project] main = \"{now}\"; where it is gone for good: vmesh promote \
                 --allow-rewind"
            )),
        Error::ProdIsPromoted => Diagnostic::new("prod is moved by promoting a commit, not by applying a plan")
            .note("nothing was changed")
            .help("vmesh promote"),
        Error::NotPlanned { environment } if environment.is_prod() => {
            Diagnostic::new("nothing was promoted yet, so there is no prod")
                .help("commit the models on the main branch, then: vmesh promote")
        }
        Error::NotPlanned { environment } => Diagnostic::new(format!("environment `{environment}` does not exist yet"))
            .help("vmesh plan makes it; `vmesh status` tells whether it is being built"),
        Error::NotOnMain { commit, main } => Diagnostic::new(format!("{commit} is not on `{main}`"))
            .note("prod shows only commits of the main branch; it is unchanged")
            .help(format!("git switch {main} && git merge <branch>, then: vmesh promote")),
        Error::Rewind { from, to } => Diagnostic::new(format!(
            "prod would go back: it shows {from}, which {to} does not contain"
        ))
        .note("prod is unchanged")
        .help("vmesh rollback goes back without building; vmesh promote --allow-rewind follows main wherever it went"),
        Error::NoRollback { commit: Some(commit) } => Diagnostic::new(format!("{commit} was never promoted"))
            .note("prod is unchanged")
            .help("vmesh log lists what was"),
        Error::NoRollback { commit: None } => {
            Diagnostic::new("there is no earlier promotion to go back to").note("prod is unchanged").help("vmesh log")
        }
        Error::Collected { commit, models } => Diagnostic::new(format!(
            "{commit} can't be shown again: {} of it {} collected",
            count(models.len(), "table"),
            if models.len() == 1 { "was" } else { "were" }
        ))
        .note("prod is unchanged")
        .help(format!("vmesh promote {commit} --allow-rewind builds them again")),
        Error::SharedWithProd { pattern, models } => {
            Diagnostic::new(format!("prod shows these tables too, or has shown them: {}", some(models, 5)))
                .note("a branch never changes what prod shows or a rollback would; nothing was built")
                .help(format!(
                    "to build them again for prod and every branch: vmesh plan prod --restate-model '{pattern}'"
                ))
        }
        Error::Query { message, help } => {
            let mut lines = message.splitn(2, '\n');
            let mut problem = Diagnostic::new(lines.next().unwrap_or_default());
            if let Some(rest) = lines.next().map(str::trim_end).filter(|rest| !rest.trim().is_empty()) {
                problem = problem.note(rest.trim_start_matches('\n'));
            }
            match help {
                Some(help) => problem.help(help),
                None => problem,
            }
        }
        Error::NotYet { what } => Diagnostic::new(format!("{what} is not supported yet")),
        Error::Usage { what, help } => Diagnostic::new(what).help(help),
        Error::Io { doing, path, source } => {
            Diagnostic::new(format!("could not {doing} {}", path.display())).note(source.to_string())
        }
        Error::Contended { environment } => {
            Diagnostic::new(format!("`{environment}` is changed by others faster than it can be planned"))
                .note("what was built is kept; no pointer was moved")
                .help("run the same command again")
        }
    }]
}

/// A name that nothing has.
fn unknown(what: &str, typed: &str, near: Option<&str>) -> Diagnostic {
    let problem = Diagnostic::new(format!("no {what} is called `{typed}`"));
    match (near, what) {
        (Some(near), _) => problem.help(format!("did you mean `{near}`?")),
        (None, "model") => problem.help("vmesh dag lists the models"),
        (None, "commit") => problem.help("vmesh log lists the commits that prod has shown"),
        (None, "column") => problem.help("vmesh query 'DESCRIBE <model>' lists the columns"),
        (None, _) => problem.help(format!(
            "environments follow branches: git switch -c {typed} makes one; vmesh envs lists those that are there"
        )),
    }
}

/// What a run that failed has left behind.
fn kept(ran: &Ran, failed: &Failed) -> Vec<String> {
    let mut notes = Vec::new();
    for (model, kept, loads) in &failed.models {
        notes.push(match kept {
            0 => format!("`{model}` shows the rows that it showed before"),
            kept => format!("`{model}`: {kept} of {loads} loads were done before and are kept; a run goes on there"),
        });
    }
    let models: Vec<&ModelName> = ran.models.iter().map(|(model, _)| model).collect();
    notes.push(match models.as_slice() {
        [] => format!("nothing else was run in `{}`", ran.environment),
        models => format!("run and kept in `{}`: {}", ran.environment, some(models, 5)),
    });
    if !failed.skipped.is_empty() {
        notes.push(format!("not tried: {}", some(&failed.skipped, 5)));
    }
    notes
}

fn no_project(start: &Path, top: &Path, known: &[String]) -> Diagnostic {
    let problem = Diagnostic::new(format!("no vmesh.toml or config.yaml in {} or above", start.display()))
        .note(format!("the repository's top is {}", top.display()));
    match known {
        [] => problem.help("vmesh init makes a project here"),
        known => problem.help(format!("this repository has projects in: {}", known.join(", "))),
    }
}

fn git(error: &GitError) -> Diagnostic {
    match error {
        GitError::NotARepository { start } => {
            Diagnostic::new(format!("{} is not in a Git repository", start.display()))
                .help("vmesh init makes a project, and a repository if there is none")
        }
        GitError::Unsupported { what, path } => {
            Diagnostic::new(format!("the repository {} uses {what}, which only git can read", path.display()))
                .note("vmesh asks `git` then, and found none")
                .help("put git on the PATH")
        }
        GitError::NotOwned { path } => {
            Diagnostic::new(format!("the repository {} belongs to another user", path.display()))
                .note("Git refuses it for the same reason")
                .help(format!("git config --global --add safe.directory {}", path.display()))
        }
        GitError::NoWorkingTree { git_dir } => {
            Diagnostic::new(format!("the repository {} has no working tree", git_dir.display()))
                .help("name a branch: vmesh plan BRANCH; or promote main: vmesh promote")
        }
        GitError::Missing { id } => Diagnostic::new(format!("the object {id} is not in this clone"))
            .note("the clone is shallow or partial, or the object was collected")
            .help("git fetch --unshallow"),
        GitError::Ambiguous { rev } => {
            Diagnostic::new(format!("several objects begin with `{rev}`")).help("type more digits")
        }
        GitError::Unrelated { ours, theirs } => {
            Diagnostic::new(format!("{} and {} have no commit in common", ours.short(), theirs.short()))
                .note("their histories are unrelated, or this shallow clone lacks where they met")
                .help("git fetch --unshallow, if the clone is shallow")
        }
        GitError::Filter { path, by, message } => {
            Diagnostic::new(format!("the content of {path} is not here: its {by} fails")).note(message.clone())
        }
        GitError::StandIn { path, of } => Diagnostic::new(format!("the content of {path} is not here: {of} has it")),
        GitError::Io { doing, path, source } => {
            Diagnostic::new(format!("could not {doing} {}", path.display())).note(source.to_string())
        }
        GitError::Other { doing, message } => Diagnostic::new(format!("could not {doing}"))
            .note(Cause::git(message))
            .help("git fsck checks the repository"),
    }
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

fn warehouse(error: &WarehouseError) -> Diagnostic {
    const UNCHANGED: &str = "no pointer was moved";
    const ONE_WRITER: &str = "DuckDB gives a file to one writer or to many readers, never to both";
    const GIVES_WAY: &str = "a build gives way between two models; this one takes longer";
    match error {
        WarehouseError::Locked { path, holder, waited, reading } => {
            let holder = holder.as_ref();
            let has = event::has(holder, &path.display().to_string());
            let (note, help) = match holder.and_then(|holder| Some(holder.doing.as_ref()?.background)) {
                Some(true) => (GIVES_WAY, "run the same command again, or end that build: vmesh stop"),
                Some(false) => (GIVES_WAY, "run the same command again, or end that build where it was started"),
                None if holder.is_some_and(Holder::is_vmesh) => (ONE_WRITER, "run the same command again"),
                None => (ONE_WRITER, "close that process, then run the same command again"),
            };
            Diagnostic::new(format!("the warehouse is taken: {has}"))
                .note(note)
                .note(if *reading { format!("waited {waited} s") } else { format!("waited {waited} s; {UNCHANGED}") })
                .help(help)
        }
        WarehouseError::CannotOpen { path, message } => {
            Diagnostic::new(format!("the warehouse {} can't be opened", path.display())).note(engine(message))
        }
        WarehouseError::NotADatabase { path, message } => {
            Diagnostic::new(format!("{} is not a DuckDB file", path.display()))
                .note(engine(message))
                .note("the file was not touched")
                .help("set the warehouse in the settings ([engine] path, or the connection's database) to another file, or move this one away")
        }
        WarehouseError::Link { path } => Diagnostic::new(format!("{} is a link", path.display()))
            .note("vmesh follows no link to a warehouse or its files: a branch may have brought it; nothing was opened")
            .help("remove it, and name the real path in the settings ([engine] path)"),
        WarehouseError::ForeignLog { path, database } => {
            Diagnostic::new(format!("{} was not left by this warehouse's engine", path.display()))
                .note(format!("DuckDB would replay it into {}, whatever is in it; nothing was opened", database.display()))
                .help("move it away; if a client of yours left it there, let that client open the warehouse once")
        }
        WarehouseError::Tracked { path, tracked, top } => {
            Diagnostic::new(format!("Git tracks {tracked} in {}", top.display()))
                .note(format!("the warehouse is {}: checking out a branch would replace it; nothing was opened", path.display()))
                .help(format!("git rm --cached '{tracked}', or switch to a branch without it; vmesh doctor --move-warehouse puts the warehouse where Git can't write"))
        }
        WarehouseError::Newer { path, found, known } => {
            Diagnostic::new(format!("{} was written by a newer vmesh", path.display()))
                .note(format!("its records have format {found}, this vmesh knows {known}; nothing was changed"))
                .help("install the newer vmesh")
        }
        WarehouseError::NotWritable { path, message } => {
            Diagnostic::new(format!("the warehouse {} can't be written", path.display()))
                .note(message.as_str())
                .note(UNCHANGED)
                .help("check the permissions of the file and its folder")
        }
        WarehouseError::Full { path, message } => {
            Diagnostic::new(format!("no room is left for the warehouse {}", path.display()))
                .note(message.as_str())
                .note("what was built before is kept; no pointer was moved")
                .help("vmesh gc removes tables that nothing points at")
        }
        WarehouseError::Audit { model, failure } => {
            let rows = count(usize::try_from(failure.count).unwrap_or(usize::MAX), "wrong row");
            let what = format!("audit `{}` of `{model}`: {rows}", failure.name);
            failure.sample().into_iter().chain(failure.told()).fold(Diagnostic::new(what), Diagnostic::note).note(UNCHANGED)
        }
        WarehouseError::Columns { model, changes } => {
            Diagnostic::new(format!("the columns of `{model}` would change: {}", changes.join("; ")))
                .note("it goes on from the rows of the version before; nothing was changed")
        }
        WarehouseError::Load { changes, .. } => {
            Diagnostic::new(format!("{error}: {}", changes.join("; "))).note(UNCHANGED)
        }
        WarehouseError::Cell { .. } => Diagnostic::new(error.to_string()).note(UNCHANGED),
        WarehouseError::Unfit { what, help } => Diagnostic::new(what.clone()).note(UNCHANGED).help(*help),
        WarehouseError::BrokenAudit { name, message, .. } => {
            Diagnostic::new(format!("audit `{name}` can't be run")).note(engine(message)).note(UNCHANGED)
        }
        WarehouseError::Occupied(all) => occupied(all),
        WarehouseError::Moved { environment, expected, found } => {
            let generation =
                |value: &Option<u64>| value.map_or_else(|| "not there".to_owned(), |value| value.to_string());
            Diagnostic::new(format!("`{environment}` was changed by someone else in the meantime"))
                .note(format!("planned against generation {}; it is {} now", generation(expected), generation(found)))
                .help("run the same command again: it plans against what is there now")
        }
        WarehouseError::Lost { model, table } => Diagnostic::new(format!("the table of `{model}` is gone: {table}"))
            .note(UNCHANGED)
            .help("vmesh plan builds it again"),
        WarehouseError::Interrupted => {
            Diagnostic::new("interrupted").note("what was built before is kept; no pointer was moved")
        }
        WarehouseError::TooLong { .. } | WarehouseError::TooLarge { .. } => {
            Diagnostic::new(error.to_string()).note(UNCHANGED).help(WarehouseError::RAISE)
        }
        WarehouseError::Statement { message, .. } => {
            Diagnostic::new("a statement around a model's query failed").note(Cause::duckdb(message))
        }
        WarehouseError::Engine { doing, message } => {
            Diagnostic::new(format!("{doing} failed")).note(engine(message)).note(UNCHANGED)
        }
    }
}

fn engine(message: &str) -> Cause {
    Cause::duckdb(message.trim())
}

fn hooks(error: &HookError) -> Diagnostic {
    match error {
        HookError::Io { doing, path, source } => {
            Diagnostic::new(format!("could not {doing} {}", path.display())).note(source.to_string())
        }
        HookError::InTheWay { path } => Diagnostic::new(format!("{} is in the way", path.display()))
            .note("no hook was changed")
            .help("move it away"),
        HookError::SwitchedOff { path } => {
            Diagnostic::new(format!("hooks are switched off: core.hooksPath is {}", path.display()))
                .note("no hook was changed")
                .help("git config --show-origin core.hooksPath tells who set it; without hooks: vmesh watch")
        }
        HookError::Damaged { path } => {
            Diagnostic::new(format!("vmesh's lines in {} were changed by hand", path.display()))
                .note("the file was not touched")
                .help("take the lines between `>>> vmesh` and `<<< vmesh` out by hand, then: vmesh hooks install")
        }
    }
}
