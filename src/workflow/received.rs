//! What a push brought to a server's repository: main is promoted, other branches are planned. The hook's own lines are
//! not believed: the branches are compared with what they were when a push was last looked at.

use std::collections::BTreeMap;

use super::error::Error;
use super::queue::Request;
use super::session::Session;
use super::settle::Settled;
use crate::adapter::cache;
use crate::adapter::git::CommitId;
use crate::domain::config::HookBuild;
use crate::domain::name::BranchName;

/// What was done about a push.
#[derive(Debug)]
pub struct Received {
    /// The branches that moved, each with what came of it; `None`: it is planned in the background.
    pub moved: Vec<(BranchName, Option<Result<Settled, Error>>)>,
    /// Whether main was deleted: prod stays as it is.
    pub main_deleted: bool,
}

impl Session<'_> {
    /// Brings the environments of all branches that moved in step. `build` says who does it.
    pub fn receive(&mut self, build: HookBuild) -> Result<Received, Error> {
        let file = self.shared_folder().join("received.json");
        let before: BTreeMap<BranchName, CommitId> = cache::load(&file).unwrap_or_default();
        let now: BTreeMap<BranchName, CommitId> = self.repository.branches()?.into_iter().collect();
        let main_deleted = before.contains_key(&self.config.main) && !now.contains_key(&self.config.main);
        let mut moved: Vec<BranchName> = now
            .iter()
            .filter(|(branch, tip)| before.get(*branch) != Some(*tip))
            .map(|(branch, _)| branch.clone())
            .collect();
        // main first: the others are built upon what prod has then
        moved.sort_by_key(|branch| *branch != self.config.main);
        let moved = match build {
            HookBuild::Off => Vec::new(),
            HookBuild::Inline => {
                moved.into_iter().map(|branch| (branch.clone(), Some(self.settle_branch(&branch, build)))).collect()
            }
            HookBuild::Background => {
                for branch in &moved {
                    self.enqueue(&Request::new(self, branch))?;
                }
                moved.into_iter().map(|branch| (branch, None)).collect()
            }
        };
        cache::store(&file, &now);
        Ok(Received { moved, main_deleted })
    }
}
