//! The project's files as a commit has them, and how the bytes of any file are read.

use std::path::PathBuf;

use super::error::GitError;
use super::id::{BlobId, CommitId, TreeId};
use super::open::Repository;

/// One file of the project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Its path within the project, with `/` between the parts.
    pub path: String,
    /// Its content: two files of the same id read the same.
    pub id: BlobId,
    /// Where its bytes are.
    pub location: Location,
}

/// Where a file's bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// In Git's object database, under the file's id.
    Blob,
    /// On disk.
    Disk(PathBuf),
}

/// The modes of regular files, in trees and in the index. Not symbolic links (120000), not submodules (160000).
pub(super) fn is_file(mode: u32) -> bool {
    matches!(mode, 0o100_644 | 0o100_755 | 0o100_664)
}

/// What the same file reads like whatever `core.autocrlf` and the editor did to it: LF for CRLF, no byte order mark.
/// Binary content, which Git tells by its NUL bytes, stays as it is.
pub fn normalize(bytes: Vec<u8>) -> Vec<u8> {
    let mut bytes = unify_line_ends(bytes);
    if bytes.starts_with(b"\xef\xbb\xbf") {
        bytes.drain(..3);
    }
    bytes
}

fn unify_line_ends(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.contains(&b'\r') && !bytes.contains(&0) {
        let mut rest = bytes.iter().copied().peekable();
        let mut out = Vec::with_capacity(bytes.len());
        while let Some(byte) = rest.next() {
            if byte != b'\r' || rest.peek() != Some(&b'\n') {
                out.push(byte);
            }
        }
        bytes = out;
    }
    bytes
}

/// A project's folder as Git spells it: no `.` and no slashes around it.
pub(super) fn folder(project: &str) -> &str {
    let project = project.trim_start_matches("./").trim_matches('/');
    if project == "." { "" } else { project }
}

/// `name` within `folder`.
pub(super) fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

impl Repository {
    /// The files of the folder `project` (`""` is the top of the repository) at a commit, by path; only those whose path
    /// in the project is `wanted`. Symbolic links, submodules and paths that are no UTF-8 are left out.
    pub fn files_at(
        &self,
        commit: &CommitId,
        project: &str,
        wanted: &dyn Fn(&str) -> bool,
    ) -> Result<Vec<SourceFile>, GitError> {
        self.files_in_tree(&self.backend.tree_of(commit)?, project, wanted)
    }

    /// As [`Self::files_at`], of a tree.
    pub fn files_in_tree(
        &self,
        tree: &TreeId,
        project: &str,
        wanted: &dyn Fn(&str) -> bool,
    ) -> Result<Vec<SourceFile>, GitError> {
        let mut files = self.backend.files(tree, folder(project), wanted)?;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    /// The id of content read from disk: that of the committed blob, even if Git turned its LF to CRLF on checkout.
    pub(super) fn content_id(&self, bytes: Vec<u8>) -> Result<BlobId, GitError> {
        self.backend.blob_id(&unify_line_ends(bytes))
    }

    /// A file's bytes, [`normalize`]d.
    pub fn read(&self, file: &SourceFile) -> Result<Vec<u8>, GitError> {
        let bytes = match &file.location {
            Location::Blob => self.backend.content(&file.id)?,
            Location::Disk(path) => {
                let failed = |source| GitError::Io { doing: "read", path: path.clone(), source };
                let bytes = std::fs::read(path).map_err(failed)?;
                if self.content_id(bytes.clone())? != file.id {
                    return Err(failed(std::io::Error::other("it was changed in the meantime: run the command again")));
                }
                bytes
            }
        };
        Ok(normalize(bytes))
    }
}
