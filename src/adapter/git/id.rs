//! Object ids as values that outlive the repository. Strings, so that records survive a change of Git's hash.

use std::fmt;

use git2::Oid;
use serde::{Deserialize, Serialize};

use super::error::{Doing, GitError};

/// A commit: 40 hex digits, or 64 where Git hashes with SHA-256.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CommitId(String);

/// A file's content, named as Git names blobs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BlobId(String);

/// A tree in the object database, or in memory only.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TreeId(String);

impl CommitId {
    /// A commit as read back from vmesh's records.
    pub fn from_record(hex: String) -> Self {
        Self(hex)
    }

    /// All of it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first 8 digits, for people.
    pub fn short(&self) -> &str {
        self.0.get(..8).unwrap_or(&self.0)
    }

    pub(super) fn oid(&self) -> Result<Oid, GitError> {
        Oid::from_str(&self.0).doing("read the id of a commit")
    }
}

impl BlobId {
    /// As Git prints it.
    pub(super) fn from_git(hex: String) -> Self {
        Self(hex)
    }

    /// All of it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn oid(&self) -> Result<Oid, GitError> {
        Oid::from_str(&self.0).doing("read the id of a file")
    }
}

impl TreeId {
    /// As Git prints it.
    pub(super) fn from_git(hex: String) -> Self {
        Self(hex)
    }

    /// All of it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn oid(&self) -> Result<Oid, GitError> {
        Oid::from_str(&self.0).doing("read the id of a tree")
    }
}

impl From<Oid> for TreeId {
    fn from(oid: Oid) -> Self {
        Self(oid.to_string())
    }
}

impl From<Oid> for CommitId {
    fn from(oid: Oid) -> Self {
        Self(oid.to_string())
    }
}

impl From<Oid> for BlobId {
    fn from(oid: Oid) -> Self {
        Self(oid.to_string())
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
