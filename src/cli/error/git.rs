//! What Git refuses, in words.

use crate::adapter::git::GitError;
use crate::domain::diagnostic::{Cause, Diagnostic};

/// An error of the repository.
pub(super) fn describe(error: &GitError) -> Diagnostic {
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
        GitError::Io { doing, path, source } => super::io(doing, path, source),
        GitError::Other { doing, message } => Diagnostic::new(format!("could not {doing}"))
            .note(Cause::git(message))
            .help("git fsck checks the repository"),
    }
}
