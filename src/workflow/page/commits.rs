//! The newest commits of all branches, and what promoting each would cost.

use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::sync::Arc;
use std::time::Duration;

use super::Mark;
use crate::adapter::git::{CommitId, CommitInfo};
use crate::domain::diagnostic::Diagnostic;
use crate::domain::environment::{Environment, State};
use crate::domain::fingerprint::Fingerprint;
use crate::domain::model::KindWord;
use crate::domain::name::{BranchName, EnvName, ModelName};
use crate::domain::plan::Left;
use crate::domain::project::Published;
use crate::workflow::build::at_a_time;
use crate::workflow::error::Error;
use crate::workflow::loader::Loader;
use crate::workflow::tree::{SourceTree, Tree};

/// A commit, and what promoting it would cost.
#[derive(Debug)]
pub struct Commit {
    /// What people read of it.
    pub info: CommitInfo,
    /// The commits before it.
    pub parents: Vec<CommitId>,
    /// What promoting it would cost.
    pub cost: Cost,
}

/// What promoting a commit would cost.
#[derive(Debug)]
pub enum Cost {
    /// Builds, none where every table is there.
    Builds {
        /// The models.
        models: Vec<ModelName>,
        /// How long they take, if earlier builds of each tell.
        expected: Option<Duration>,
    },
    /// Its files make no project, or one without models: what is wrong first.
    Broken(String),
}

/// The projects of commits, each loaded once however many commits have the same files.
pub(super) struct Past<'l> {
    loader: &'l Loader,
    by_files: BTreeMap<String, Arc<Result<Tree, Vec<Diagnostic>>>>,
    by_commit: BTreeMap<CommitId, Arc<Result<Tree, Vec<Diagnostic>>>>,
}

impl<'l> Past<'l> {
    pub(super) fn new(loader: &'l Loader) -> Self {
        Self { loader, by_files: BTreeMap::new(), by_commit: BTreeMap::new() }
    }

    /// The trees that were loaded.
    pub(super) fn trees(&self) -> impl Iterator<Item = &Tree> {
        self.by_files.values().filter_map(|tree| tree.as_ref().as_ref().ok())
    }

    fn tree(&mut self, commit: &CommitId) -> Result<Arc<Result<Tree, Vec<Diagnostic>>>, Error> {
        if let Some(known) = self.by_commit.get(commit) {
            return Ok(known.clone());
        }
        let files = self.loader.files(&SourceTree::Commit(commit.clone()))?;
        let signature = files.signature();
        let tree = match self.by_files.get(&signature) {
            Some(known) => known.clone(),
            None => match self.loader.assemble(files, Published::default()) {
                Ok(tree) => Arc::new(Ok(tree)),
                Err(Error::Project(problems)) => Arc::new(Err(problems)),
                Err(error) => return Err(error),
            },
        };
        self.by_files.insert(signature, tree.clone());
        self.by_commit.insert(commit.clone(), tree.clone());
        Ok(tree)
    }

    /// The newest commits of all branches, at most `limit`, no commit before its children.
    pub(super) fn commits(
        &mut self,
        branches: &[(BranchName, CommitId, EnvName)],
        state: &State,
        limit: usize,
    ) -> Result<Vec<Commit>, Error> {
        let (loader, repository) = (self.loader, &self.loader.repository);
        let mut infos: BTreeMap<CommitId, (CommitInfo, Vec<CommitId>)> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        let mut newest = BinaryHeap::new();
        let mut todo: Vec<CommitId> = branches.iter().map(|(_, commit, _)| commit.clone()).collect();
        while infos.len() < limit {
            for commit in todo.drain(..).filter(|commit| seen.insert(commit.clone())) {
                newest.push((repository.describe(&commit)?.seconds, commit));
            }
            let Some((_, commit)) = newest.pop() else { break };
            let parents = loader.parents(&commit)?;
            todo.clone_from(&parents);
            infos.insert(commit.clone(), (repository.describe(&commit)?, parents));
        }
        let mut commits = Vec::new();
        for id in children_first(&infos) {
            let Some((info, parents)) = infos.remove(&id) else { continue };
            let cost = self.cost(&id, state)?;
            commits.push(Commit { info, parents, cost });
        }
        Ok(commits)
    }

    fn cost(&mut self, commit: &CommitId, state: &State) -> Result<Cost, Error> {
        Ok(match self.tree(commit)?.as_ref() {
            Ok(tree) if tree.project.order().is_empty() => Cost::Broken("it has no models".to_owned()),
            Ok(tree) => {
                let models = tree.project.order().iter().filter_map(|name| tree.project.model(name));
                let is_missing = |model: &&crate::domain::project::Model| {
                    model.kind.word() != KindWord::Embedded && state.built(&model.fingerprint).is_none()
                };
                let missing: Vec<_> = models.filter(is_missing).collect();
                let models: Vec<ModelName> = missing.iter().map(|model| model.name.clone()).collect();
                let time = |model: &ModelName| state.durations.get(model).copied();
                let timed = missing.iter().map(|model| (&model.name, time(&model.name), model.parents.keys()));
                let expected = Left::of(timed).map(|left| left.time(at_a_time()));
                Cost::Builds { models, expected }
            }
            Err(problems) => Cost::Broken(problems.first().map(|problem| problem.what.clone()).unwrap_or_default()),
        })
    }

    /// Where environments differ from prod, and why: told against the commit that each branched off from.
    pub(super) fn marks(&mut self, state: &State) -> Result<BTreeMap<EnvName, BTreeMap<ModelName, Mark>>, Error> {
        let mut all = BTreeMap::new();
        let Some(prod) = state.prod() else { return Ok(all) };
        for environment in state.environments.values().filter(|environment| !environment.name.is_prod()) {
            let base = match &environment.base {
                Some(base) => self.loader.repository.resolve(base)?,
                None => None,
            };
            // its own texts are wanted, too
            if let Some(commit) = &environment.commit
                && let Some(commit) = self.loader.repository.resolve(commit)?
            {
                self.tree(&commit)?;
            }
            let tree = base.map(|base| self.tree(&base)).transpose()?;
            let base = |model: &ModelName| {
                let tree = tree.as_ref()?.as_ref().as_ref().ok()?;
                tree.project.model(model).map(|model| model.fingerprint)
            };
            all.insert(environment.name.clone(), marks(environment, prod, &base));
        }
        Ok(all)
    }
}

/// Where an environment differs from prod, and which of the two has moved away from their base.
fn marks(
    environment: &Environment,
    prod: &Environment,
    base: &dyn Fn(&ModelName) -> Option<Fingerprint>,
) -> BTreeMap<ModelName, Mark> {
    let names: BTreeSet<&ModelName> = environment.pointers.keys().chain(prod.pointers.keys()).collect();
    let version = |of: &Environment, model: &ModelName| of.pointers.get(model).map(|pointer| pointer.fingerprint);
    let mark = |model: &ModelName| {
        let (own, theirs, base) = (version(environment, model), version(prod, model), base(model));
        match (own == theirs, own == base, theirs == base) {
            (true, ..) => None,
            (_, true, _) => Some(Mark::Behind),
            (_, _, true) => Some(Mark::Own),
            _ => Some(Mark::Both),
        }
    };
    names.into_iter().filter_map(|model| Some((model.clone(), mark(model)?))).collect()
}

/// Commits in an order in which none comes before its children; of several, the newest first.
fn children_first(infos: &BTreeMap<CommitId, (CommitInfo, Vec<CommitId>)>) -> Vec<CommitId> {
    let mut children: BTreeMap<&CommitId, usize> = BTreeMap::new();
    for (_, parents) in infos.values() {
        parents.iter().for_each(|parent| *children.entry(parent).or_default() += 1);
    }
    let of = |id: &CommitId| infos.get(id).map(|(info, _)| (info.seconds, id.clone()));
    let mut ready: BinaryHeap<(i64, CommitId)> =
        infos.keys().filter(|id| !children.contains_key(id)).filter_map(of).collect();
    let mut order = Vec::new();
    while let Some((_, id)) = ready.pop() {
        for parent in infos.get(&id).into_iter().flat_map(|(_, parents)| parents) {
            let Some(left) = children.get_mut(parent) else { continue };
            *left -= 1;
            if *left == 0 {
                ready.extend(of(parent));
            }
        }
        order.push(id);
    }
    order
}
