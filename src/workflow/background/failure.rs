//! What failed in the background: nobody was there to see it, so it is kept until somebody has. And what audits stopped:
//! the tables that they looked at are gone.

use serde::{Deserialize, Serialize};

use super::super::error::Error;
use super::super::session::now;
use super::super::workspace::Workspace;
use super::queue::Queue;
use crate::adapter::cache;
use crate::adapter::engine::AuditFailure;
use crate::domain::name::{BranchName, ModelName};

/// What a request in the background came to, if not well: `vmesh status` tells it until the branch is in step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The branch.
    pub branch: BranchName,
    /// The project's folder in the repository.
    prefix: String,
    /// The error as it was told.
    pub message: String,
    /// When, in seconds since 1970.
    pub at: i64,
    /// Whether somebody has seen all of it.
    pub is_seen: bool,
}

/// The last failure of a branch in the background.
pub fn of(workspace: &Workspace, branch: &BranchName) -> Option<Failure> {
    cache::load(&workspace.shared().failed(&workspace.prefix, branch.as_str()))
}

/// The failures that nobody has seen, of branches that are still there; the latest first.
pub fn unseen(workspace: &Workspace) -> Result<Vec<Failure>, Error> {
    let failures = workspace.shared().all_failed().filter_map(|file| cache::load::<Failure>(&file));
    let mut unseen = Vec::new();
    for failure in failures.filter(|failure| !failure.is_seen && failure.prefix == workspace.prefix) {
        if workspace.repository.branch_tip(&failure.branch)?.is_some() {
            unseen.push(failure);
        }
    }
    unseen.sort_by_key(|failure| std::cmp::Reverse(failure.at));
    Ok(unseen)
}

/// Somebody has seen it.
pub fn see(workspace: &Workspace, failure: Failure) {
    let file = workspace.shared().failed(&failure.prefix, failure.branch.as_str());
    cache::store(&file, &Failure { is_seen: true, ..failure });
}

/// Records what the last try came to.
pub(in crate::workflow) fn record(queue: &Queue, prefix: &str, branch: &BranchName, failed: Option<String>) {
    let file = queue.files().failed(prefix, branch.as_str());
    match failed {
        Some(message) => {
            let (branch, prefix) = (branch.clone(), prefix.to_owned());
            cache::store(&file, &Failure { branch, prefix, message, at: now(), is_seen: false });
        }
        None => {
            // mostly there is none
            let _ = std::fs::remove_file(file);
        }
    }
}

/// It has been mended, or tried again where somebody looks on.
pub(in crate::workflow) fn forget(workspace: &Workspace, branch: &BranchName) {
    record(&workspace.queue(), &workspace.prefix, branch, None);
}

/// A build that an audit stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stopped {
    /// The model.
    pub model: ModelName,
    /// The audit.
    pub audit: String,
    /// How many rows were wrong.
    pub count: u64,
    /// What shows them, where they are kept.
    pub query: Option<String>,
}

impl Stopped {
    /// What an audit found in the rows of a build.
    pub(in crate::workflow) fn of(model: &ModelName, failure: &AuditFailure) -> Self {
        Self { model: model.clone(), audit: failure.name.clone(), count: failure.count, query: failure.query() }
    }
}

/// The builds of a branch that audits stopped when it was last built.
pub fn stopped(workspace: &Workspace, branch: &BranchName) -> Vec<Stopped> {
    cache::load(&workspace.shared().stopped(&workspace.prefix, branch.as_str())).unwrap_or_default()
}

/// Records them; none, once a build went through.
pub(in crate::workflow) fn record_stopped(workspace: &Workspace, branch: &BranchName, stopped: &[Stopped]) {
    let file = workspace.shared().stopped(&workspace.prefix, branch.as_str());
    if stopped.is_empty() {
        // mostly there is none
        let _ = std::fs::remove_file(file);
    } else {
        cache::store(&file, &stopped);
    }
}
