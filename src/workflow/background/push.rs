//! What a push brought to a server's repository: main is promoted, other branches are planned. The hook's own lines are
//! not believed: the branches are compared with what they were when a push was last looked at.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::super::error::{Error, SetupError};
use super::super::event::Report;
use super::super::session::Session;
use super::queue::Request;
use super::reconcile::Reconciled;
use crate::adapter::cache;
use crate::adapter::engine::Interrupt;
use crate::adapter::git::{CommitId, Repository};
use crate::adapter::local::Shared;
use crate::domain::config::HookBuild;
use crate::domain::name::BranchName;

/// What was done about a push.
#[derive(Debug)]
pub struct Received {
    /// The branches that moved, each with what came of it; `None`: it is planned in the background.
    pub moved: Vec<(BranchName, Option<Result<Reconciled, Error>>)>,
    /// Whether main was deleted: prod stays as it is.
    pub main_deleted: bool,
}

/// The branches as they were when a push was last looked at.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Seen {
    main: Option<BranchName>,
    tips: BTreeMap<BranchName, CommitId>,
}

/// Brings the environments of all branches that moved in step.
pub fn receive(
    repository: Repository,
    prefix: String,
    report: &dyn Report,
    interrupt: &Interrupt,
) -> Result<Received, Error> {
    let file = Shared::of(repository.common_dir()).received();
    let before: Seen = cache::load(&file).unwrap_or_default();
    let now: BTreeMap<BranchName, CommitId> = repository.branches()?.into_iter().collect();
    let main_deleted = before.main.as_ref().is_some_and(|main| !now.contains_key(main));
    let mut session = match Session::of_project(repository, prefix, report, interrupt) {
        // the settings went with main
        Err(Error::Setup(SetupError::NoProject { .. })) if main_deleted => {
            return Ok(Received { moved: Vec::new(), main_deleted });
        }
        session => session?,
    };
    session.hurried = true;
    let main = session.config.main.clone();
    let moved = now.iter().filter(|(branch, tip)| before.tips.get(*branch) != Some(*tip));
    let mut moved: Vec<BranchName> = moved.map(|(branch, _)| branch.clone()).collect();
    // main first: the others share what prod has then
    moved.sort_by_key(|branch| *branch != main);
    let build = session.config.hooks.build;
    let moved = match build {
        HookBuild::Off => Vec::new(),
        HookBuild::Inline => {
            moved.into_iter().map(|branch| (branch.clone(), Some(session.reconcile_branch(&branch, build)))).collect()
        }
        HookBuild::Background => {
            for branch in &moved {
                session.enqueue(&Request::new(&session, branch))?;
            }
            moved.into_iter().map(|branch| (branch, None)).collect()
        }
    };
    cache::store(&file, &Seen { main: Some(main), tips: now });
    Ok(Received { moved, main_deleted })
}
