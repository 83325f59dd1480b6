//! The project's files as a commit has them, and how the bytes of any file are read: as Git would check them out.

use std::path::PathBuf;

use super::backend::TreeEntry;
use super::error::GitError;
use super::filters::Filtered;
use super::id::{BlobId, CommitId, TreeId};
use super::links::{Broken, BrokenLink, Node, Nodes, Origin};
use super::listing::{Found, Listing};
use super::open::Repository;

/// One file of the project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Its path within the project, with `/` between the parts.
    pub path: String,
    /// Its content: two files of the same id read the same. Git's own id, but where filters have a say.
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
    /// In Git's object database, and Git makes others of them on checkout.
    Filtered(Filtered),
}

/// What a source tree has of a project.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceFiles {
    /// The files, by path.
    pub files: Vec<SourceFile>,
    /// Links that lead to none.
    pub broken: Vec<BrokenLink>,
    /// Submodules: other repositories, whose files are not this one's.
    pub submodules: Vec<String>,
}

const FOLDER: u32 = 0o040_000;
pub(super) const LINK: u32 = 0o120_000;
pub(super) const SUBMODULE: u32 = 0o160_000;

/// The modes of regular files, in trees and in the index.
pub(super) fn is_file(mode: u32) -> bool {
    matches!(mode, 0o100_644 | 0o100_755 | 0o100_664)
}

/// What the same file reads like whatever the editor did to it: without a byte order mark.
fn without_mark(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.starts_with(b"\xef\xbb\xbf") {
        bytes.drain(..3);
    }
    bytes
}

/// LF for CRLF, as Git does it.
fn unify_line_ends(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.contains(&b'\r') {
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

/// What stands in a tree.
struct Committed<'a> {
    repository: &'a Repository,
    tree: TreeId,
}

impl Committed<'_> {
    fn node(&self, entry: TreeEntry) -> Result<Option<Node>, GitError> {
        Ok(Some(match entry.mode {
            FOLDER => Node::Folder,
            LINK => Node::Link(self.repository.link(&entry.id)?),
            SUBMODULE => Node::Submodule,
            mode if is_file(mode) => Node::File(Origin::Blob(entry.id)),
            _ => return Ok(None),
        }))
    }
}

impl Nodes for Committed<'_> {
    fn look(&self, path: &str) -> Result<Option<Node>, GitError> {
        self.repository.backend.entry(&self.tree, path)?.map_or(Ok(None), |entry| self.node(entry))
    }

    fn below(&self, folder: &str, wanted: &dyn Fn(&str) -> bool) -> Result<Vec<(String, Node)>, GitError> {
        let mut found = Vec::new();
        for mut entry in self.repository.backend.entries(&self.tree, folder, wanted)? {
            // what `git checkout` refuses as well: a tree can be forged
            if entry.path.split('/').any(|part| matches!(part, "" | "." | "..") || part.eq_ignore_ascii_case(".git")) {
                continue;
            }
            let path = std::mem::take(&mut entry.path);
            found.extend(self.node(entry)?.map(|node| (path, node)));
        }
        Ok(found)
    }
}

impl Repository {
    /// The files of the folder `project` (`""` is the top of the repository) at a commit, by path; only those whose path
    /// in the project is `wanted`. Links are followed within the commit. Paths that are no UTF-8 are left out.
    pub fn files_at(
        &self,
        commit: &CommitId,
        project: &str,
        wanted: &dyn Fn(&str) -> bool,
    ) -> Result<SourceFiles, GitError> {
        self.files_in_tree(&self.backend.tree_of(commit)?, project, wanted)
    }

    /// As [`Self::files_at`], of a tree.
    pub fn files_in_tree(
        &self,
        tree: &TreeId,
        project: &str,
        wanted: &dyn Fn(&str) -> bool,
    ) -> Result<SourceFiles, GitError> {
        let nodes = Committed { repository: self, tree: tree.clone() };
        self.source_files(Listing::of(&nodes, folder(project), wanted)?)
    }

    /// The file of a commit that a path from the top of the repository comes to.
    pub fn file_at(&self, commit: &CommitId, path: &str) -> Result<Result<SourceFile, Broken>, GitError> {
        let mut found = self.named_in_tree(&self.backend.tree_of(commit)?, &[path])?;
        Ok(found.pop().unwrap_or(Err(Broken::Missing)))
    }

    /// For each of some paths, as [`Self::file_at`].
    pub fn named_at(&self, commit: &CommitId, paths: &[&str]) -> Result<Vec<Result<SourceFile, Broken>>, GitError> {
        self.named_in_tree(&self.backend.tree_of(commit)?, paths)
    }

    /// As [`Self::named_at`], of a tree.
    pub fn named_in_tree(&self, tree: &TreeId, paths: &[&str]) -> Result<Vec<Result<SourceFile, Broken>>, GitError> {
        let nodes = Committed { repository: self, tree: tree.clone() };
        let named = |path: &&str| match Listing::of_file(&nodes, path)? {
            Ok(listing) => Ok(self.source_files(listing)?.files.pop().ok_or(Broken::Missing)),
            Err(why) => Ok(Err(why)),
        };
        paths.iter().map(named).collect()
    }

    /// The paths of a commit's regular files that are `wanted`, wherever they lie.
    pub fn paths_at(&self, commit: &CommitId, wanted: &dyn Fn(&str) -> bool) -> Result<Vec<String>, GitError> {
        let all = self.backend.entries(&self.backend.tree_of(commit)?, "", wanted)?.into_iter();
        let mut paths: Vec<String> = all.filter(|entry| is_file(entry.mode)).map(|entry| entry.path).collect();
        paths.sort();
        Ok(paths)
    }

    fn source_files(&self, listing: Listing<'_>) -> Result<SourceFiles, GitError> {
        let filtered = self.filtered(&listing, true)?;
        let file = |(found, filtered): (Found, Option<Filtered>)| match (filtered, found.origin) {
            (Some(filtered), _) => Some(filtered.file(found.path)),
            (None, Origin::Blob(id)) => Some(SourceFile { path: found.path, id, location: Location::Blob }),
            (None, Origin::Disk(..)) => None,
        };
        let files = listing.found.into_iter().zip(filtered).filter_map(file).collect();
        Ok(SourceFiles { files, broken: listing.broken, submodules: listing.submodules })
    }

    /// What a link says.
    pub(super) fn link(&self, id: &BlobId) -> Result<String, GitError> {
        Ok(String::from_utf8_lossy(&self.backend.content(id)?).into_owned())
    }

    /// The id of content read from disk, where these bytes alone tell it: those that the index has, or that have no
    /// CRLF, which Git may turn into LF.
    pub(super) fn id_on_disk(&self, bytes: &[u8], index: Option<&BlobId>) -> Result<Option<BlobId>, GitError> {
        let id = self.backend.blob_id(bytes)?;
        Ok(Some(id).filter(|id| index == Some(id) || !bytes.windows(2).any(|pair| pair == b"\r\n")))
    }

    /// A file's bytes as Git keeps them, whatever it does to line ends on checkout; without a byte order mark.
    pub fn read(&self, file: &SourceFile) -> Result<Vec<u8>, GitError> {
        let bytes = match &file.location {
            Location::Blob => self.backend.content(&file.id)?,
            Location::Filtered(filtered) => self.converted(filtered)?,
            Location::Disk(path) => {
                let failed = |source| GitError::Io { doing: "read", path: path.clone(), source };
                let bytes = std::fs::read(path).map_err(failed)?;
                if self.backend.blob_id(&bytes)? == file.id {
                    bytes
                } else {
                    let unified = unify_line_ends(bytes);
                    if self.backend.blob_id(&unified)? != file.id {
                        let other = std::io::Error::other("it was changed in the meantime: run the command again");
                        return Err(failed(other));
                    }
                    unified
                }
            }
        };
        match stand_in(&bytes) {
            Some(of) => Err(GitError::StandIn { path: file.path.clone(), of }),
            None => Ok(without_mark(bytes)),
        }
    }

    /// The bytes of a file that is a text to vmesh: in the encoding that Git keeps it in.
    pub fn read_text(&self, file: &SourceFile) -> Result<Vec<u8>, GitError> {
        match &file.location {
            Location::Filtered(filtered) if filtered.is_only_encoded() => Ok(without_mark(self.kept(filtered)?)),
            _ => self.read(file),
        }
    }
}

/// Who left a few bytes in place of a file's content, which is somewhere else.
fn stand_in(bytes: &[u8]) -> Option<&'static str> {
    const MARKS: [(&[u8], &str); 3] = [
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        (b"\0GITCRYPT\0", "git-crypt"),
        (b"/annex/objects/", "git-annex"),
    ];
    MARKS.iter().find(|(mark, _)| bytes.starts_with(mark)).map(|(_, of)| *of)
}
