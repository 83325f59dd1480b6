//! What vmesh refuses to do with branches, environments and prod, and which way leads there.

use crate::cli::render::plan::short;
use crate::cli::render::{ago, count, some};
use crate::domain::diagnostic::Diagnostic;
use crate::domain::environment::Owner;
use crate::domain::name::{BranchName, EnvName, ModelName};
use crate::workflow::error::{BranchError, ProdError};
use crate::workflow::ownership::OwnedElsewhere;
use crate::workflow::session::now;

const PROD_IS_UNCHANGED: &str = "prod is unchanged";

/// What stands in the way of a branch.
pub(super) fn branch(error: &BranchError) -> Diagnostic {
    match error {
        BranchError::Detached => detached(),
        BranchError::OwnedElsewhere(kept) => owned_elsewhere(kept),
        BranchError::Conflicts { branch, main, models, others } => merge(branch, main, models, others),
        BranchError::Unmerged { files } => unmerged(files),
        BranchError::NotPlanned { environment } => not_planned(environment),
        BranchError::Contended { environment } => contended(environment),
    }
}

/// What prod does not do.
pub(super) fn prod(error: &ProdError) -> Diagnostic {
    match error {
        ProdError::NothingCommitted { main } => nothing_committed(main),
        ProdError::OtherMain { before, now } => other_main(before, now),
        ProdError::ProdIsPromoted => plan_of_prod(),
        ProdError::NotOnMain { commit, main } => not_on_main(commit, main),
        ProdError::Rewind { from, to } => rewind(from, to),
        ProdError::NoRollback { commit } => rollback(commit.as_deref()),
        ProdError::Collected { commit, models } => collected(commit, models),
        ProdError::SharedWithProd { pattern, models } => shared_with_prod(pattern, models),
    }
}

/// Builds that `--no-build` forbids.
pub(super) fn builds(environment: &EnvName, models: &[ModelName]) -> Diagnostic {
    Diagnostic::new(format!("{} would have to be built for `{environment}`", some(models, 5)))
        .note("nothing was changed")
        .help("leave out --no-build, or build them on their branch first: vmesh plan --yes")
}

fn detached() -> Diagnostic {
    Diagnostic::new("no branch is checked out, so there is no environment")
        .note("HEAD is detached: at a commit or a tag, or in the midst of a rebase or bisect")
        .help("check out a branch, or name an environment, a branch or a commit")
}

fn owned_elsewhere(kept: &OwnedElsewhere) -> Diagnostic {
    let commit = kept.commit.as_deref().map(short).unwrap_or_default();
    let dirty = if kept.dirty { " with uncommitted changes" } else { "" };
    let Owner { who, host, folder } = &kept.owner;
    Diagnostic::new(format!("`{}` is kept by {who}, who has other files", kept.environment))
        .note(format!("it shows {folder} on {host}, at {commit}{dirty}, since {}", ago(kept.at, now())))
        .note("your files don't contain all of that; nothing was changed")
        .help("pull what they did, or show your files instead: vmesh plan --take-over")
}

/// A merge that was to be planned ahead.
fn merge(branch: &str, main: &str, models: &[String], others: &[String]) -> Diagnostic {
    let mut problem = Diagnostic::new(format!("merging `{branch}` into `{main}` conflicts"));
    if !models.is_empty() {
        problem = problem.note(format!("models that both changed: {}", some(models, 10)));
    }
    if !others.is_empty() {
        problem = problem.note(format!("other files that both changed: {}", some(others, 10)));
    }
    problem.help(format!("git switch {branch} && git merge {main}, and resolve them there"))
}

/// Conflicts in the working tree.
fn unmerged(files: &[String]) -> Diagnostic {
    Diagnostic::new(format!("there are conflicts in {}", some(files, 10)))
        .note("a merge, rebase or stash is not done yet; nothing was changed")
        .help("choose between the sides, then: git add, and go on with what Git was doing: git status tells")
}

fn nothing_committed(main: &str) -> Diagnostic {
    Diagnostic::new(format!("nothing is committed on `{main}` yet"))
        .note("prod shows what is committed, never what only lies in the working tree")
        .help(
            "git add --all && git commit -m 'first models', then: vmesh promote; where main has got another name: \
             vmesh hooks install, on it",
        )
}

fn other_main(before: &BranchName, now: &BranchName) -> Diagnostic {
    Diagnostic::new(format!("prod follows branch `{before}`, not `{now}`"))
        .note(format!("nothing that is committed on `{before}` says that `{now}` is main; {PROD_IS_UNCHANGED}"))
        .help(format!(
            "let `{before}` say so first: [project] main = \"{now}\"; where it is gone for good: vmesh promote \
             --allow-rewind"
        ))
}

fn plan_of_prod() -> Diagnostic {
    Diagnostic::new("prod is moved by promoting a commit, not by applying a plan")
        .note("nothing was changed")
        .help("vmesh promote")
}

fn not_planned(environment: &EnvName) -> Diagnostic {
    if environment.is_prod() {
        return Diagnostic::new("nothing was promoted yet, so there is no prod")
            .help("commit the models on the main branch, then: vmesh promote");
    }
    Diagnostic::new(format!("environment `{environment}` does not exist yet"))
        .help("vmesh plan makes it; `vmesh status` tells whether it is being built")
}

fn not_on_main(commit: &str, main: &str) -> Diagnostic {
    Diagnostic::new(format!("{commit} is not on `{main}`"))
        .note("prod shows only commits of the main branch; it is unchanged")
        .help(format!("git switch {main} && git merge <branch>, then: vmesh promote"))
}

fn rewind(from: &str, to: &str) -> Diagnostic {
    Diagnostic::new(format!("prod would go back: it shows {from}, which {to} does not contain"))
        .note(PROD_IS_UNCHANGED)
        .help("vmesh rollback goes back without building; vmesh promote --allow-rewind follows main wherever it went")
}

/// A rollback to what prod has never shown.
fn rollback(commit: Option<&str>) -> Diagnostic {
    let (what, help) = match commit {
        Some(commit) => (format!("{commit} was never promoted"), "vmesh log lists what was"),
        None => ("there is no earlier promotion to go back to".to_owned(), "vmesh log"),
    };
    Diagnostic::new(what).note(PROD_IS_UNCHANGED).help(help)
}

/// A rollback to tables that gc has dropped.
fn collected(commit: &str, models: &[ModelName]) -> Diagnostic {
    let was = if models.len() == 1 { "was" } else { "were" };
    let tables = count(models.len(), "table");
    Diagnostic::new(format!("{commit} can't be shown again: {tables} of it {was} collected"))
        .note(PROD_IS_UNCHANGED)
        .help(format!("vmesh promote {commit} --allow-rewind builds them again"))
}

/// A restatement from a branch.
fn shared_with_prod(pattern: &str, models: &[ModelName]) -> Diagnostic {
    Diagnostic::new(format!("prod shows these tables too, or has shown them: {}", some(models, 5)))
        .note("a branch never changes what prod shows or a rollback would; nothing was built")
        .help(format!("to build them again for prod and every branch: vmesh plan prod --restate-model '{pattern}'"))
}

fn contended(environment: &EnvName) -> Diagnostic {
    Diagnostic::new(format!("`{environment}` is changed by others faster than it can be planned"))
        .note("what was built is kept; no pointer was moved")
        .help("run the same command again")
}
