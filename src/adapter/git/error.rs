//! What can go wrong with a repository.

use std::path::{Path, PathBuf};

use git2::{ErrorClass, ErrorCode};

use super::id::CommitId;

/// Why Git's data could not be read.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// No repository at or above a directory.
    #[error("{} is not inside a Git repository", .start.display())]
    NotARepository {
        /// Where the search began.
        start: PathBuf,
    },
    /// A repository that uses what libgit2 does not know, where there is no `git` to ask.
    #[error("the repository {} uses {what}", .path.display())]
    Unsupported {
        /// Its plain name: `reftable`, `SHA-256`, ….
        what: String,
        /// The repository.
        path: PathBuf,
    },
    /// The repository's files belong to another user and it is not in `safe.directory`.
    #[error("the repository {} belongs to another user", .path.display())]
    NotOwned {
        /// The repository.
        path: PathBuf,
    },
    /// A bare repository was asked for files of its working tree.
    #[error("the repository {} has no working tree", .git_dir.display())]
    NoWorkingTree {
        /// The repository.
        git_dir: PathBuf,
    },
    /// An object that this clone does not have: the clone is shallow or partial, or the object was collected.
    #[error("the object {id} is not in this clone")]
    Missing {
        /// The object, as far as it is known.
        id: String,
    },
    /// An abbreviated commit that several objects share.
    #[error("several objects begin with {rev}")]
    Ambiguous {
        /// What was to be resolved.
        rev: String,
    },
    /// Two commits whose histories have nothing in common, or nothing that a shallow clone has.
    #[error("{ours} and {theirs} have no commit in common")]
    Unrelated {
        /// The one to be merged into.
        ours: CommitId,
        /// The one to be merged.
        theirs: CommitId,
    },
    /// A file whose content a filter of Git's should have given.
    #[error("the {by} gives no content of {path}")]
    Filter {
        /// The file, from the top of the repository.
        path: String,
        /// What failed: ``filter `lfs` ``.
        by: String,
        /// Its words, and Git's.
        message: String,
    },
    /// A file whose content is somewhere else, with a few bytes in its place.
    #[error("{path} is a stand-in of {of}")]
    StandIn {
        /// The file, within the project.
        path: String,
        /// Who left them: `Git LFS`.
        of: &'static str,
    },
    /// A file or directory that could not be read.
    #[error("could not {doing} {}", .path.display())]
    Io {
        /// What was being done: `read`, `list`.
        doing: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// Anything else, in Git's words.
    #[error("could not {doing}: {message}")]
    Other {
        /// What was being done: `read HEAD`.
        doing: &'static str,
        /// Git's words.
        message: String,
    },
}

/// Says what was being done when libgit2 failed.
pub(super) trait Doing<T> {
    /// The result, with the error told as "could not `doing`".
    fn doing(self, doing: &'static str) -> Result<T, GitError>;
}

impl<T> Doing<T> for Result<T, git2::Error> {
    fn doing(self, doing: &'static str) -> Result<T, GitError> {
        self.map_err(|error| match (error.class(), error.code()) {
            (ErrorClass::Odb, ErrorCode::NotFound) => GitError::Missing { id: between(error.message(), '(', ')') },
            _ => GitError::Other { doing, message: error.message().to_owned() },
        })
    }
}

/// The error of opening the repository at or above `start`.
pub(super) fn opening(start: &Path, error: &git2::Error) -> GitError {
    const EXTENSION: &str = "unsupported extension name extensions.";
    let message = error.message();
    let path = start.to_owned();
    let unsupported = |what: &str| GitError::Unsupported { what: what.to_owned(), path: path.clone() };
    if let Some(extension) = message.strip_prefix(EXTENSION) {
        return match extension.to_ascii_lowercase().as_str() {
            "refstorage" => unsupported("reftable"),
            "partialclone" => unsupported("a partial clone of an old kind"),
            _ => unsupported(&format!("the extension {extension}")),
        };
    }
    if message.starts_with("unknown object format") {
        return unsupported(if message.contains("sha256") { "SHA-256" } else { "an unknown object format" });
    }
    if message.starts_with("unsupported repository version") {
        return unsupported("a newer repository version");
    }
    match (error.class(), error.code()) {
        (ErrorClass::Repository, ErrorCode::NotFound) => GitError::NotARepository { start: path },
        (_, ErrorCode::Owner) => GitError::NotOwned { path: between(message, '\'', '\'').into() },
        _ => GitError::Other { doing: "open the repository", message: message.to_owned() },
    }
}

/// The part of a message between two marks; all of it when they are not there.
fn between(message: &str, open: char, close: char) -> String {
    let inner = message.split_once(open).and_then(|(_, rest)| rest.split_once(close));
    inner.map_or(message, |(inner, _)| inner).to_owned()
}
