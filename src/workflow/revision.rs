//! What an environment, a branch or a commit shows: for everything that reads.

use std::collections::BTreeMap;

use super::error::{BranchError, Error};
use super::loader::Loader;
use super::session::Session;
use super::tree::{SourceTree, Tree};
use super::workspace::Workspace;
use crate::adapter::git::CommitId;
use crate::domain::environment::{PhysicalTable, Pointer, State};
use crate::domain::fingerprint::Fingerprint;
use crate::domain::name::{BranchName, EnvName, ModelName, TableName};
use crate::domain::project::Model;

/// Pointers, and where they come from.
#[derive(Debug, Clone)]
pub struct Revision {
    /// What a person calls it.
    pub label: String,
    /// The branch, if it is an environment's.
    pub branch: Option<BranchName>,
    /// The commit behind it.
    pub commit: Option<CommitId>,
    /// What it shows.
    pub pointers: BTreeMap<ModelName, Pointer>,
}

impl Revision {
    /// The table of a model here.
    pub fn table<'s>(&self, state: &'s State, model: &ModelName) -> Option<&'s PhysicalTable> {
        state.existing(&self.pointers.get(model)?.table)
    }
}

impl Session<'_> {
    /// The state that tells what such names show: of environments and branches.
    pub(super) fn state_shown(&self, names: &[Option<&str>]) -> Result<State, Error> {
        self.state_within(&self.scope(self.environments_named(names)?))
    }

    /// What a name shows; without one, the current branch's environment.
    pub fn shown(&self, name: Option<&str>, state: &State) -> Result<Revision, Error> {
        if let Some(environment) = self.environment_meant(name, state)? {
            return self.environment_shown(&environment, state);
        }
        let name = name.unwrap_or_default();
        let Some(commit) = self.repository.resolve(name)? else {
            let environment = EnvName::from_record(name.to_owned());
            if environment.is_prod() {
                return Err(BranchError::NotPlanned { environment }.into());
            }
            return Err(self.unknown_environment(name)?);
        };
        // what prod showed then, or else would
        let promoted = state.promotions.iter().rev().find(|promotion| promotion.commit == commit.as_str());
        let pointers = match promoted {
            Some(promotion) => state.shown_since(promotion.generation).0,
            None => {
                let tree = self.tree(&SourceTree::Commit(commit.clone()))?;
                tree.project.models().map(|model| (model.name.clone(), pointer(model, state))).collect()
            }
        };
        Ok(Revision { label: name.to_owned(), branch: None, commit: Some(commit), pointers })
    }
}

impl Workspace {
    /// The environments that such names may mean; no name means the current branch's.
    pub(super) fn environments_named(&self, names: &[Option<&str>]) -> Result<Vec<EnvName>, Error> {
        let mut named = Vec::new();
        for name in names {
            let branch = name.map_or_else(|| self.branch(), |name| Ok(BranchName::from(name)))?;
            named.push(self.config.environment(&branch));
            named.extend(name.map(|name| EnvName::from_record(name.to_owned())));
        }
        Ok(named)
    }

    /// The environment that a name means: its own, or its branch's; none: it may mean a commit. Without a name, that of the
    /// branch that is checked out, whether it is there or not.
    pub(super) fn environment_meant(&self, name: Option<&str>, state: &State) -> Result<Option<EnvName>, Error> {
        let Some(name) = name else { return Ok(Some(self.config.environment(&self.branch()?))) };
        if let Some(environment) = state.environments.keys().find(|environment| environment.as_str() == name) {
            return Ok(Some(environment.clone()));
        }
        let branch = BranchName::from(name);
        let environment = self.config.environment(&branch);
        let is_there = state.environments.contains_key(&environment);
        Ok((is_there && self.repository.branch_tip(&branch)?.is_some()).then_some(environment))
    }

    fn environment_shown(&self, environment: &EnvName, state: &State) -> Result<Revision, Error> {
        let shown = state.environments.get(environment);
        let shown = shown.ok_or_else(|| Error::Branch(BranchError::NotPlanned { environment: environment.clone() }))?;
        Ok(Revision {
            label: environment.to_string(),
            branch: Some(shown.branch.clone()),
            commit: shown.commit.clone().map(CommitId::from_record),
            pointers: shown.pointers.clone(),
        })
    }

    /// A model's file as it was when its snapshot was planned; the query that was run, if no tree has it.
    pub(super) fn text_shown(
        &self,
        trees: &[Tree],
        fingerprint: &Fingerprint,
        model: &ModelName,
        state: &State,
    ) -> Option<String> {
        let find = |tree: &Tree| -> Option<String> {
            let found: &Model = tree.project.model(model).filter(|found| found.fingerprint == *fingerprint)?;
            Some(self.file_text(tree, found).ok()?.to_string())
        };
        trees.iter().find_map(find).or_else(|| state.on_record(fingerprint)?.select.clone())
    }
}

impl Loader {
    /// The source trees in which a side's models may be written, the likeliest first.
    pub(super) fn trees_of(&self, shown: &Revision) -> Vec<Tree> {
        let current = self.branch().ok();
        let working =
            (shown.branch.is_some() && shown.branch == current && self.folder.is_some()).then_some(SourceTree::Working);
        let known = shown.commit.as_ref().and_then(|commit| self.repository.resolve(commit.as_str()).ok().flatten());
        let trees = working.into_iter().chain(known.map(SourceTree::Commit));
        // a tree that can't be loaded just can't help to show a text
        trees.filter_map(|tree| self.tree(&tree).ok()).collect()
    }
}

/// What an environment of a tree would show of a model.
fn pointer(model: &Model, state: &State) -> Pointer {
    let fingerprint = model.fingerprint;
    let known = state.snapshots.get(&fingerprint).cloned();
    Pointer { fingerprint, table: known.unwrap_or_else(|| TableName::snapshot(&model.name, &fingerprint.hex())) }
}
