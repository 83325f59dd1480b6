//! The index: what Git tracks, what is in conflict, and what a sparse checkout left out.

use super::id::BlobId;

/// One line of the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// From the top of the repository.
    pub(super) path: Vec<u8>,
    pub(super) id: BlobId,
    pub(super) mode: u32,
    /// 0, or 1 to 3 for the sides of a conflict.
    pub(super) stage: u16,
    /// Left out of the working tree on purpose: neither there nor deleted.
    pub(super) skipped: bool,
}
