//! What can go wrong in a workflow: values with data; the face adds words and help.

use std::path::PathBuf;

use super::lint::Violation;
use super::ownership::OwnedElsewhere;
use super::run::{Failed, Ran};
use super::unit_tests::Tests;
use crate::adapter::engine::WarehouseError;
use crate::adapter::git::GitError;
use crate::adapter::hooks::HookError;
use crate::domain::diagnostic::Diagnostic;
use crate::domain::name::{BranchName, EnvName, ModelName};

/// A workflow that did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The repository.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The warehouse.
    #[error(transparent)]
    Warehouse(#[from] WarehouseError),
    /// The hooks.
    #[error(transparent)]
    Hooks(#[from] HookError),
    /// The project's files.
    #[error("the project has problems")]
    Project(Vec<Diagnostic>),
    /// The settings.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// Builds, runs, tests and checks.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// Branches and their environments.
    #[error(transparent)]
    Branch(#[from] BranchError),
    /// Prod.
    #[error(transparent)]
    Prod(#[from] ProdError),
    /// A name that means nothing here.
    #[error("unknown {what} `{typed}`")]
    Unknown {
        /// `environment, branch or commit`, `model`, ….
        what: &'static str,
        /// What was typed.
        typed: String,
        /// The nearest name that exists.
        near: Option<String>,
    },
    /// A query of the user's that can't run.
    #[error("{message}")]
    Query {
        /// The engine's words.
        message: String,
        /// What may help.
        help: Option<String>,
    },
    /// Wrong use that clap can't see.
    #[error("{what}")]
    Usage {
        /// What is wrong.
        what: String,
        /// What to type.
        help: String,
    },
    /// The file system.
    #[error("could not {doing} {}", .path.display())]
    Io {
        /// `write`, `read`, ….
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// A project that vmesh finds no settings of.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// There is no project here.
    #[error("no vmesh.toml or config.yaml found")]
    NoProject {
        /// Where vmesh looked from.
        start: PathBuf,
        /// The top of the repository: where it stopped.
        top: PathBuf,
        /// Projects of this repository that are known.
        known: Vec<String>,
    },
    /// The settings are in Python, and say more than can be read of them.
    #[error("{} has settings in Python", .path.display())]
    PythonSettings {
        /// Their file.
        path: PathBuf,
        /// The `config.yaml` to write instead.
        yaml: String,
        /// What could not be read.
        why: Option<Box<Diagnostic>>,
    },
}

/// Builds, runs, tests and checks that failed, or that would be needed.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Builds failed; everything else is built and kept, no pointer was moved.
    #[error("{} could not be built", .failures.len())]
    Builds {
        /// The environment that was to be published.
        environment: EnvName,
        /// The models, each with what is wrong.
        failures: Vec<(ModelName, Diagnostic)>,
        /// Models not tried because a parent failed.
        skipped: Vec<ModelName>,
        /// How many were built.
        built: usize,
    },
    /// Some of what was due could not be run; the rest was, and is kept.
    #[error("{} could not be run", .failed.models.len())]
    Run {
        /// What was run.
        ran: Box<Ran>,
        /// What was not.
        failed: Failed,
    },
    /// Unit tests failed, or could not be read; nothing was built.
    #[error("unit tests failed")]
    Tests(Tests),
    /// Rules of the linter are violated; nothing was built.
    #[error("{} of the linter's rules are violated", .0.len())]
    Lint(Vec<Violation>),
    /// Builds would be needed and were forbidden.
    #[error("builds are needed")]
    BuildsNeeded {
        /// The environment.
        environment: EnvName,
        /// The models.
        models: Vec<ModelName>,
    },
}

/// Branches and their environments as they are now.
#[derive(Debug, thiserror::Error)]
pub enum BranchError {
    /// No branch is checked out and no environment was named.
    #[error("HEAD is detached")]
    Detached,
    /// Someone else keeps the environment in step, with changes that this tree does not have.
    #[error("`{}` is kept by {}", .0.environment, .0.owner.who)]
    OwnedElsewhere(Box<OwnedElsewhere>),
    /// A merge that was planned ahead does not go without conflicts.
    #[error("merging `{branch}` conflicts")]
    Conflicts {
        /// The branch to be merged.
        branch: String,
        /// The branch to merge into.
        main: String,
        /// The models that both changed.
        models: Vec<String>,
        /// The other files.
        others: Vec<String>,
    },
    /// A merge, rebase or stash left conflicts that nobody has resolved.
    #[error("{} in conflict", .files.join(", "))]
    Unmerged {
        /// The files, from the top of the repository.
        files: Vec<String>,
    },
    /// The environment was never planned.
    #[error("environment `{environment}` does not exist yet")]
    NotPlanned {
        /// The environment.
        environment: EnvName,
    },
    /// The environment kept moving.
    #[error("`{environment}` kept changing")]
    Contended {
        /// The environment.
        environment: EnvName,
    },
}

/// Prod, which follows main.
#[derive(Debug, thiserror::Error)]
pub enum ProdError {
    /// The main branch has no commit yet.
    #[error("nothing is committed on the main branch")]
    NothingCommitted {
        /// The main branch.
        main: String,
    },
    /// Prod follows another branch, which doesn't say that it has handed over.
    #[error("prod follows `{before}`, not `{now}`")]
    OtherMain {
        /// The branch that prod shows.
        before: BranchName,
        /// The one that would be main now.
        now: BranchName,
    },
    /// Prod is moved by promote, rollback and run only.
    #[error("prod is not planned from a working tree")]
    ProdIsPromoted,
    /// Prod may show only commits of main.
    #[error("{commit} is not on `{main}`")]
    NotOnMain {
        /// The commit.
        commit: String,
        /// The main branch.
        main: String,
    },
    /// Prod would go back in history.
    #[error("prod would go back")]
    Rewind {
        /// What prod shows.
        from: String,
        /// What was asked for.
        to: String,
    },
    /// There is nothing to roll back to.
    #[error("there is nothing to roll back to")]
    NoRollback {
        /// The commit asked for, if one was.
        commit: Option<String>,
    },
    /// A snapshot of that promotion was collected.
    #[error("a table of that promotion was collected")]
    Collected {
        /// The promotion's commit.
        commit: String,
        /// The models whose tables are gone.
        models: Vec<ModelName>,
    },
    /// A restatement from a branch would change what prod shows.
    #[error("prod shows these tables too")]
    SharedWithProd {
        /// The models named.
        pattern: String,
        /// Those that prod shows.
        models: Vec<ModelName>,
    },
}

/// Turns an I/O error into one that says what was done to which file.
pub(super) fn io(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.into();
    move |source| Error::Io { doing, path, source }
}
