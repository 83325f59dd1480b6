//! Giving way: between two models a builder closes the warehouse for those who wait at its door, and comes back. What it
//! finds then may have changed, as after a crash, so it plans again.

use std::time::Duration;

use super::error::{Error, ProdError};
use super::event::{Begun, Event};
use super::planning::Prepared;
use super::session::Session;
use super::workspace::Workspace;
use crate::adapter::engine::{Doing, Warehouse};
use crate::adapter::git::CommitId;
use crate::domain::environment::State;
use crate::domain::name::BranchName;

/// How long a builder that gave way waits to come back: another may build a large model meanwhile.
const BACK: Duration = Duration::from_secs(600);

impl Session<'_> {
    /// Tells the listener, and the processes that wait for the warehouse, which model is being built.
    pub(super) fn building(&self, branch: &BranchName, begun: Begun) {
        self.location.door.tell(Some(&Doing {
            pid: std::process::id(),
            branch: branch.clone(),
            model: begun.model.to_string(),
            count: (begun.index, begun.total),
            background: self.in_background,
        }));
        self.report.report(&Event::Building(begun));
    }

    /// Does a piece of work with the warehouse, and takes back what it told at the door.
    pub(super) fn inside<T>(&self, work: impl FnOnce() -> T) -> T {
        let done = work();
        self.location.door.tell(None);
        done
    }

    /// Whether somebody waits for the warehouse.
    pub(super) fn is_waited_for(&self) -> bool {
        self.location.door.is_waited_at()
    }

    /// Closes the warehouse, lets in who waits, and opens it again. Nobody waits for a hook, so it doesn't either.
    pub(super) fn give_way(&self, warehouse: Box<dyn Warehouse>) -> Result<Box<dyn Warehouse>, Error> {
        drop(warehouse);
        self.report.report(&Event::Moment("gave-way".to_owned()));
        self.location.give_way();
        let location = if self.hurried { self.location.clone() } else { self.location.with_patience(BACK) };
        self.write_by(&location)
    }
}

impl Workspace {
    /// That prod is still where it was when a promotion was chosen, or at a commit that this one contains: someone else
    /// may have moved it since.
    pub(super) fn goes_forward(&self, prepared: &Prepared, state: &State) -> Result<(), Error> {
        let target = &prepared.target;
        let shown = state.prod().filter(|_| target.environment.is_prod()).and_then(|prod| prod.commit.clone());
        let shown = shown.filter(|shown| target.base.as_ref().map(CommitId::as_str) != Some(shown.as_str()));
        let (Some(shown), Some(commit)) = (shown, &target.commit) else { return Ok(()) };
        // a commit that this clone doesn't have was judged when the promotion was chosen
        let Some(shown) = self.repository.resolve(&shown)? else { return Ok(()) };
        if shown == *commit || self.repository.is_ancestor(&shown, commit)? {
            return Ok(());
        }
        Err(ProdError::Rewind { from: shown.short().to_owned(), to: commit.short().to_owned() }.into())
    }
}
