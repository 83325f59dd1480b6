//! The repository: branches, history and the project's files. Nothing here ever changes a ref, the index or the working
//! tree.
//!
//! | file | holds |
//! |---|---|
//! | `open.rs` | finding and creating a repository; where its parts lie |
//! | `head.rs` | what is checked out, and whether Git is at rest |
//! | `history.rs` | branches, revisions, ancestry |
//! | `merge.rs` | what a merge would give |
//! | `files.rs` | the project's files as a commit has them; how bytes are read |
//! | `worktree.rs`, `stat_cache.rs`, `index.rs` | the project's files as they lie on disk |
//! | `listing.rs`, `links.rs` | what belongs to a project in either, and where links lead |
//! | `filters.rs` | what Git makes of a file's bytes on checkout |
//! | `config.rs`, `hooks_dir.rs` | Git's settings; where the hooks go |
//! | `exclude.rs` | files that Git shall leave alone |
//! | `backend.rs` | the questions that all of these ask |
//! | `libgit2.rs`, `command/` | who answers: libgit2, or the `git` command where libgit2 can't |

mod backend;
mod checkout;
mod command;
mod config;
mod error;
mod exclude;
mod files;
mod filters;
mod head;
mod history;
mod hooks_dir;
mod id;
mod index;
mod libgit2;
mod links;
mod listing;
mod merge;
mod open;
mod stat_cache;
#[cfg(test)]
pub(crate) mod tests;
mod worktree;

pub use checkout::is_checking_out;
pub use error::GitError;
pub use files::{Location, SourceFile, SourceFiles};
pub use filters::Filtered;
pub use head::{Head, Rest};
pub use history::CommitInfo;
pub use hooks_dir::HooksDir;
pub use id::{BlobId, CommitId, TreeId};
pub use links::{Broken, BrokenLink};
pub use merge::MergePreview;
pub use open::Repository;
pub use stat_cache::StatCache;
