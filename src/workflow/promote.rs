//! Moving prod's pointers: forward to a commit of main, or back to a commit that was promoted before.

use std::collections::BTreeMap;

use super::error::{BranchError, Error, ProdError};
use super::event::Event;
use super::planning::Target;
use super::session::{Session, now};
use super::tree::SourceTree;
use super::workspace::Workspace;
use crate::adapter::engine::{Publication, WarehouseError};
use crate::adapter::git::CommitId;
use crate::domain::environment::{Pointer, Promotion, PromotionAction, State};
use crate::domain::name::{EnvName, ModelName};

/// What a rollback did.
#[derive(Debug)]
pub struct RolledBack {
    /// The commit prod showed.
    pub from: String,
    /// The commit prod shows now.
    pub to: String,
    /// How many pointers differ between the two.
    pub moved: usize,
    /// What kept `before_all` from being run as it was then.
    pub unmade: Option<Error>,
}

/// What a rollback would do.
pub struct Rollback {
    prod_commit: String,
    generation: u64,
    /// Whether prod shows it already, rolled back since main last moved: a rollback that was killed after it was done.
    pub is_done: bool,
    /// The promotion to return to.
    pub to: Promotion,
    /// The models whose pointers move.
    pub moved: Vec<ModelName>,
    /// Those of them that are older than what they were built from, which other promotions show, too.
    pub outdated: Vec<ModelName>,
    pointers: BTreeMap<ModelName, Pointer>,
    /// What the views are commented with then, by the comments' hash.
    comments: BTreeMap<ModelName, String>,
}

impl Session<'_> {
    /// Prod's target for a commit of main; the default is main's tip.
    pub fn promotion(&self, rev: Option<&str>, allow_rewind: bool) -> Result<Target, Error> {
        let main = &self.config.main;
        let tip =
            self.main_tip()?.ok_or_else(|| Error::Prod(ProdError::NothingCommitted { main: main.to_string() }))?;
        let commit = match rev {
            None => tip.clone(),
            Some(rev) => self.repository.resolve(rev)?.ok_or_else(|| Error::Unknown {
                what: "commit",
                typed: rev.to_owned(),
                near: None,
            })?,
        };
        if !self.repository.is_ancestor(&commit, &tip)? {
            let short = commit.short().to_owned();
            return Err(ProdError::NotOnMain { commit: short, main: main.to_string() }.into());
        }
        let state = self.state_of(&EnvName::prod())?;
        if let Some(before) = state.prod().map(|prod| &prod.branch)
            && !allow_rewind
            && before != main
            && self.main_as_said_on(before)?.as_ref() != Some(main)
        {
            return Err(ProdError::OtherMain { before: before.clone(), now: main.clone() }.into());
        }
        let shown = state.prod().and_then(|prod| prod.commit.clone());
        let base = match &shown {
            Some(shown) => self.repository.resolve(shown)?,
            None => None,
        };
        if let Some(shown) = shown
            && !allow_rewind
        {
            let forward = match &base {
                Some(base) => self.repository.is_ancestor(base, &commit)?,
                // prod shows a commit that this repository doesn't have (a shallow clone, or history was rewritten)
                None => self.repository.is_shallow(),
            };
            if !forward {
                let to = commit.short().to_owned();
                return Err(ProdError::Rewind { from: short(&shown), to }.into());
            }
        }
        Ok(Target {
            environment: EnvName::prod(),
            branch: main.clone(),
            tree: SourceTree::Commit(commit.clone()),
            commit: Some(commit),
            base,
            tip: Some(tip),
            take_over: false,
            timing: self.timing,
        })
    }

    /// What a rollback to `rev`, or to the promotion before, would do.
    pub fn plan_rollback(&self, rev: Option<&str>) -> Result<Rollback, Error> {
        let state = self.state_of(&EnvName::prod())?;
        let prod =
            state.prod().ok_or_else(|| Error::Branch(BranchError::NotPlanned { environment: EnvName::prod() }))?;
        let commit = match rev {
            Some(rev) => Some(match self.repository.resolve(rev)? {
                Some(commit) => commit,
                None => self.promoted_as(&state, rev)?,
            }),
            None => None,
        };
        let to = match &commit {
            Some(commit) => state.promotions.iter().rev().find(|promotion| promotion.commit == commit.as_str()),
            None => state.promotion_before(),
        };
        let typed = commit.map(|commit| commit.short().to_owned());
        let to = to.ok_or(Error::Prod(ProdError::NoRollback { commit: typed }))?.clone();
        let (pointers, comments) = state.shown_since(to.generation);
        let lost = pointers.iter().filter(|(_, pointer)| state.existing(&pointer.table).is_none());
        let lost: Vec<ModelName> = lost.map(|(model, _)| model.clone()).collect();
        if !lost.is_empty() {
            return Err(ProdError::Collected { commit: short(&to.commit), models: lost }.into());
        }
        let names = prod.pointers.keys().chain(pointers.keys());
        let mut moved: Vec<ModelName> =
            names.filter(|name| prod.pointers.get(name) != pointers.get(name)).cloned().collect();
        moved.sort();
        moved.dedup();
        let prod_commit = prod.commit.clone().unwrap_or_default();
        let is_outdated = |model: &&ModelName| pointers.get(model).is_some_and(|shown| state.is_outdated(&shown.table));
        let outdated = moved.iter().filter(is_outdated).cloned().collect();
        let is_shown = moved.is_empty() && prod_commit == to.commit && prod.comments == comments;
        let is_done = is_shown && prod.tip.as_deref() == self.main_tip()?.as_ref().map(CommitId::as_str);
        Ok(Rollback { is_done, outdated, prod_commit, generation: prod.generation, to, moved, pointers, comments })
    }

    /// Rolls back. Main's tip is put on record, so that hooks leave prod alone until main moves again.
    pub fn rollback(&self, rollback: &Rollback) -> Result<RolledBack, Error> {
        let from = short(&rollback.prod_commit);
        if rollback.is_done {
            return Ok(RolledBack { to: from.clone(), from, moved: 0, unmade: None });
        }
        let tip = self.main_tip()?;
        let prod = EnvName::prod();
        let warehouse = self.write_warehouse()?;
        let mark = |moment: &str| self.report.report(&Event::Moment(moment.to_owned()));
        let comments = warehouse.comments(&rollback.comments)?;
        // a `before_all` that fails keeps nobody from going back
        let unmade = self.before_all_as_at(&rollback.to.commit, &rollback.prod_commit, &*warehouse)?;
        let publication = Publication {
            relinked: &[],
            environment: &prod,
            expected: Some(rollback.generation),
            branch: &self.config.main,
            commit: Some(&rollback.to.commit),
            dirty: false,
            base: None,
            tip: tip.as_ref().map(CommitId::as_str),
            pointers: &rollback.pointers,
            comments: &comments,
            owner: &self.owner(),
            replaces: None,
            pattern: self.config.pattern,
            action: PromotionAction::Rollback,
            at: now(),
        };
        warehouse.publish(&publication, &mark).map_err(|error| match error {
            WarehouseError::Moved { environment, .. } => Error::Branch(BranchError::Contended { environment }),
            other => other.into(),
        })?;
        Ok(RolledBack { from, to: short(&rollback.to.commit), moved: rollback.moved.len(), unmade })
    }
}

impl Workspace {
    /// The rollback that prod shows and who made it, while main has not moved since.
    pub fn rolled_back(&self, state: &State) -> Result<Option<(Promotion, String)>, Error> {
        let Some(prod) = state.prod() else { return Ok(None) };
        let last = state.promotions.last().filter(|last| last.action == PromotionAction::Rollback);
        let stays = self.main_tip()?.is_some_and(|tip| prod.tip.as_deref() == Some(tip.as_str()));
        let who = prod.owner.as_ref().map_or("somebody", |owner| owner.who.as_str());
        Ok(last.filter(|_| stays).map(|last| (last.clone(), who.to_owned())))
    }

    /// A promoted commit by the start of its id, even if this clone doesn't have it.
    fn promoted_as(&self, state: &State, rev: &str) -> Result<CommitId, Error> {
        let found = state.promotions.iter().rev().find(|promotion| rev.len() >= 4 && promotion.commit.starts_with(rev));
        match found {
            Some(promotion) => Ok(CommitId::from_record(promotion.commit.clone())),
            None => Err(Error::Unknown { what: "commit", typed: rev.to_owned(), near: None }),
        }
    }
}

/// The first digits of a commit on record.
pub fn short(commit: &str) -> String {
    commit.chars().take(8).collect()
}
