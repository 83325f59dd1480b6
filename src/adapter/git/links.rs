//! Symbolic links: followed among the files of their own source tree, and never out of it. What the disk has at the end
//! of a link does not matter: a link that comes with a branch must not show anything that the branch doesn't have.

use std::path::PathBuf;

use super::error::GitError;
use super::id::BlobId;
use super::stat_cache::Stat;

/// More links than this on the way to one file: a circle, as Linux has it.
const MOST: usize = 40;

/// What stands at a path of a source tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    File(Origin),
    /// A symbolic link, and what it says.
    Link(String),
    Folder,
    Submodule,
}

/// Where a regular file's bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// In Git's object database.
    Blob(BlobId),
    /// On disk, and what tells when it was changed.
    Disk(PathBuf, Stat),
}

/// A source tree, as far as links lead through it. All paths are told from the top of the repository.
pub(super) trait Nodes {
    /// What stands at a path; `None` where the tree has nothing, or only what Git ignores.
    fn look(&self, path: &str) -> Result<Option<Node>, GitError>;
    /// What lies below a folder, but the folders: every link and submodule, and the files whose path there is `wanted`.
    fn below(&self, folder: &str, wanted: &dyn Fn(&str) -> bool) -> Result<Vec<(String, Node)>, GitError>;
}

/// A link that is not followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenLink {
    /// Its path within the project.
    pub path: String,
    /// What it says.
    pub target: String,
    /// Why it is not followed.
    pub why: Broken,
}

/// Why a link leads to no file of its tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// It begins at the root of the disk, which is another on every machine.
    Absolute,
    /// It leads out of the repository.
    Outside,
    /// It leads into Git's own folder.
    Git,
    /// There is nothing, or nothing that Git has.
    Missing,
    /// It leads back to itself.
    Circle,
    /// The folders that links lead to, with all their links, are too many.
    TooMany,
}

/// Follows a path through every link on its way: the path of the file or folder that it comes to, and what stands there.
pub(super) fn follow(nodes: &dyn Nodes, path: &str) -> Result<Result<(String, Node), Broken>, GitError> {
    let split = |path: &str| path.split('/').rev().map(str::to_owned).collect::<Vec<_>>();
    let (mut ahead, mut here, mut node, mut links) = (split(path), Vec::new(), Node::Folder, 0);
    while let Some(part) = ahead.pop() {
        match part.as_str() {
            "" | "." => continue,
            ".." => {
                if here.pop().is_none() {
                    return Ok(Err(Broken::Outside));
                }
                node = Node::Folder;
                continue;
            }
            _ if part.eq_ignore_ascii_case(".git") => return Ok(Err(Broken::Git)),
            _ => here.push(part),
        }
        node = match nodes.look(&here.join("/"))? {
            None => return Ok(Err(Broken::Missing)),
            Some(Node::Link(target)) if is_absolute(&target) => return Ok(Err(Broken::Absolute)),
            Some(Node::Link(_)) if links == MOST => return Ok(Err(Broken::Circle)),
            Some(Node::Link(target)) => {
                links += 1;
                here.pop();
                ahead.extend(split(&target));
                Node::Folder
            }
            Some(found) => found,
        };
    }
    Ok(Ok((here.join("/"), node)))
}

/// Whether a path begins at the root of a disk, on any system.
fn is_absolute(path: &str) -> bool {
    path.starts_with(['/', '\\']) || matches!(path.as_bytes(), [drive, b':', ..] if drive.is_ascii_alphabetic())
}
