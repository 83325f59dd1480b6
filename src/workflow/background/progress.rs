//! What the process with the right to work is doing, as others can read it.

use std::cell::RefCell;

use serde::{Deserialize, Serialize};

use super::super::event::{Begun, Event, Report};
use super::super::session::now;
use super::queue::Right;
use crate::domain::name::BranchName;

/// What is being built in the background, for `vmesh status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The process.
    pub pid: u32,
    /// The branch it works on.
    pub branch: BranchName,
    /// The model being built.
    pub model: Option<String>,
    /// Which build this is, and of how many.
    pub count: (usize, usize),
    /// Since when, in seconds since 1970.
    pub since: i64,
}

/// Writes the model that is being built to a file while it lives, and passes all events on.
pub(super) struct Announced<'a> {
    right: &'a Right,
    next: &'a dyn Report,
    progress: RefCell<Progress>,
}

impl<'a> Announced<'a> {
    /// The work on a branch begins.
    pub(super) fn new(right: &'a Right, branch: &BranchName, next: &'a dyn Report) -> Self {
        let (pid, branch) = (std::process::id(), branch.clone());
        let progress = Progress { pid, branch, model: None, count: (0, 0), since: now() };
        right.announce(Some(&progress));
        Self { right, next, progress: RefCell::new(progress) }
    }
}

impl Report for Announced<'_> {
    fn report(&self, event: &Event) {
        if let Event::Building(Begun { model, index, total, .. }) = event {
            let mut progress = self.progress.borrow_mut();
            progress.model = Some(model.to_string());
            progress.count = (*index, *total);
            self.right.announce(Some(&progress));
        }
        self.next.report(event);
    }
}

impl Drop for Announced<'_> {
    fn drop(&mut self) {
        self.right.announce(None);
    }
}
