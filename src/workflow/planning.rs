//! From a name that a person typed (or none) to a plan: which environment, which source tree, told against which base.

use std::collections::BTreeSet;

use super::error::{BranchError, Error};
use super::loader::Loader;
use super::session::Session;
use super::tree::{SourceTree, Tree};
use super::workspace::Workspace;
use crate::adapter::git::{CommitId, Head, Rest};
use crate::domain::calendar::Timing;
use crate::domain::diagnostic::{Diagnostic, nearest};
use crate::domain::environment::State;
use crate::domain::limits::LOADS;
use crate::domain::name::{BranchName, EnvName, ModelName};
use crate::domain::plan::{Plan, Source, Trees};
use crate::domain::project::{Model, Project, Published};

/// An environment, and what it shall show.
#[derive(Debug, Clone)]
pub struct Target {
    /// The environment.
    pub environment: EnvName,
    /// Its branch.
    pub branch: BranchName,
    /// Where the models are read from.
    pub tree: SourceTree,
    /// The commit behind the tree.
    pub commit: Option<CommitId>,
    /// What changes are told against.
    pub base: Option<CommitId>,
    /// Main's tip.
    pub tip: Option<CommitId>,
    /// Whether to publish even where someone else keeps the environment.
    pub take_over: bool,
    /// The time that it is planned for.
    pub timing: Timing,
}

/// A target with its trees loaded: ready to be planned against any state of the warehouse.
pub struct Prepared {
    /// The target.
    pub target: Target,
    /// What the environment shall show.
    pub desired: Tree,
    base: Option<Tree>,
    main: Option<Tree>,
    dirty: bool,
    uncommitted: bool,
    /// The models that get tables of their own, where prod has shown what stands for them.
    pub(super) apart: BTreeSet<ModelName>,
}

/// A tree beside the one that is planned.
enum Other {
    /// There is none, or it can't be read.
    None,
    /// It has the very files of that one.
    Same,
    /// It has others.
    Differs(Box<Tree>),
}

impl Other {
    fn beside(self, planned: &Tree) -> Option<Tree> {
        match self {
            Self::None => None,
            Self::Same => Some(planned.clone()),
            Self::Differs(tree) => Some(*tree),
        }
    }
}

impl Session<'_> {
    /// The target that a name means: an environment, a branch, or, left out, the current branch. Prod's target is main's
    /// tip; `create_from` names the environment whose commit is the base.
    pub fn target(&self, name: Option<&str>, create_from: Option<&str>) -> Result<Target, Error> {
        let branch = match name {
            Some(name) => self.branch_of(name)?,
            None => self.branch()?,
        };
        self.target_of(branch, create_from)
    }

    /// The target of a branch. A name that a person typed may mean another: a branch may be called `prod`.
    pub(super) fn target_of(&self, branch: BranchName, create_from: Option<&str>) -> Result<Target, Error> {
        match self.config.environment(&branch).is_prod() {
            true => self.target_of_prod(&self.state_of(&EnvName::prod())?),
            false => self.target_of_branch(branch, create_from),
        }
    }

    fn target_of_branch(&self, branch: BranchName, create_from: Option<&str>) -> Result<Target, Error> {
        let tip = self.main_tip()?;
        let head = self.repository.head()?;
        let environment = self.config.environment(&branch);
        let (tree, commit) = match &head {
            Head::Branch { name, commit } if *name == branch && self.folder.is_some() => {
                (SourceTree::Working, commit.clone())
            }
            _ => match self.repository.branch_tip(&branch)? {
                Some(commit) => (SourceTree::Commit(commit.clone()), Some(commit)),
                // an environment of one's own on a detached HEAD
                None => match &head {
                    Head::Detached { commit } => (SourceTree::Working, Some(commit.clone())),
                    Head::Branch { .. } => return Err(self.unknown_environment(branch.as_str())?),
                },
            },
        };
        let base = match create_from {
            Some(other) => self.commit_of(other)?,
            None => match (&commit, &tip) {
                (Some(commit), Some(tip)) => self.repository.merge_base(commit, tip)?,
                _ => None,
            },
        };
        Ok(Target { environment, branch, tree, commit, base, tip, take_over: false, timing: self.timing })
    }

    /// The branch that a name means: a branch, the environment of one, or on a detached HEAD a new name.
    pub fn branch_of(&self, name: &str) -> Result<BranchName, Error> {
        let branches = self.repository.branches()?;
        let branch = BranchName::from(name);
        if name == EnvName::prod().as_str() {
            return Ok(self.config.main.clone());
        }
        let known = branches.iter().map(|(branch, _)| branch);
        let of_env = |branch: &&BranchName| self.config.environment(branch).as_str() == name;
        let current = self.branch().ok();
        // an environment first: the branch of that very name has another one
        let found = known.clone().find(of_env).or_else(|| known.clone().find(|known| **known == branch));
        let current = current.as_ref().filter(|current| **current == branch || of_env(current));
        if let Some(found) = found.or(current) {
            return Ok(found.clone());
        }
        match self.repository.head()? {
            Head::Detached { .. } => Ok(branch),
            Head::Branch { .. } => Err(self.unknown_environment(name)?),
        }
    }

    /// The commit of an environment, a branch, or a revision.
    pub(super) fn commit_of(&self, name: &str) -> Result<Option<CommitId>, Error> {
        let state = self.state_of(&EnvName::prod())?;
        let environment = state.environments.values().find(|environment| environment.name.as_str() == name);
        if let Some(commit) = environment.and_then(|environment| environment.commit.clone()) {
            return Ok(self.repository.resolve(&commit)?);
        }
        match self.repository.resolve(name)? {
            Some(commit) => Ok(Some(commit)),
            None => Err(self.unknown_environment(name)?),
        }
    }

    /// The error for a name that is no environment, branch or commit.
    pub(super) fn unknown_environment(&self, typed: &str) -> Result<Error, Error> {
        let mut names: Vec<String> =
            self.state_of(&EnvName::prod())?.environments.keys().map(ToString::to_string).collect();
        names.extend(self.repository.branches()?.into_iter().map(|(branch, _)| branch.to_string()));
        let near = nearest(typed, names.iter().map(String::as_str)).map(str::to_owned);
        Ok(Error::Unknown { what: "environment, branch or commit", typed: typed.to_owned(), near })
    }
}

impl Workspace {
    /// Before the first commit, the files are what prod is going to show. Whether that is so.
    pub fn plans_what_is_not_committed(&self, target: &mut Target) -> bool {
        let is_unborn = target.environment.is_prod() && target.tip.is_none() && self.folder.is_some();
        let is_here = is_unborn && self.branch().ok().as_ref() == Some(&target.branch);
        if is_here {
            target.tree = SourceTree::Working;
        }
        is_here
    }

    /// Prod's target: main's tip, told against what prod shows.
    pub(super) fn target_of_prod(&self, state: &State) -> Result<Target, Error> {
        let (environment, branch, tip) = (EnvName::prod(), self.config.main.clone(), self.main_tip()?);
        let tree = tip.clone().map_or(SourceTree::Empty, SourceTree::Commit);
        let (base, commit) = (self.promoted_commit(state)?, tip.clone());
        Ok(Target { environment, branch, tree, commit, base, tip, take_over: false, timing: self.timing })
    }

    /// The files in conflict, where a branch is checked out: none of its trees is what it will be.
    pub fn refuse_conflicts(&self, branch: &BranchName) -> Result<(), Error> {
        match self.repository.rest()? {
            Rest::Conflicts { files } if self.branch()? == *branch => Err(BranchError::Unmerged { files }.into()),
            _ => Ok(()),
        }
    }

    /// What is said where filling a model takes more loads than can be carried out.
    pub(super) fn overloaded(&self, tree: &Tree, model: &Model) -> Result<Error, Error> {
        let what = format!("filling `{}` takes too many loads: {LOADS} are the most", model.name);
        let help = "a larger batch_size makes fewer loads of it, a later start less time; or let the cron be rarer";
        let problem = Diagnostic::new(what).at(self.excerpt(tree, model, &model.file.place)?);
        Ok(Error::Project(vec![problem.note("each load is a transaction of its own").help(help)]))
    }

    /// The commit that prod shows, if this clone has it.
    fn promoted_commit(&self, state: &State) -> Result<Option<CommitId>, Error> {
        let commit = state.prod().and_then(|prod| prod.commit.clone());
        Ok(match commit {
            Some(commit) => self.repository.resolve(&commit)?,
            None => None,
        })
    }
}

impl Loader {
    /// Loads a target's trees.
    pub fn prepare(&self, target: Target) -> Result<Prepared, Error> {
        let files = self.files(&target.tree)?;
        let signature = files.signature();
        let dirty = match (&target.tree, &target.commit) {
            (SourceTree::Working, Some(commit)) => {
                self.files(&SourceTree::Commit(commit.clone()))?.signature() != signature
            }
            (SourceTree::Working, None) => true,
            _ => false,
        };
        let is_current = self.folder.is_some() && self.branch().ok().as_ref() == Some(&target.branch);
        let head = match self.repository.head()? {
            Head::Branch { commit, .. } => commit.filter(|_| target.environment.is_prod() && is_current),
            Head::Detached { .. } => None,
        };
        let uncommitted = match head {
            Some(head) => {
                let committed = self.files(&SourceTree::Commit(head))?;
                self.files(&SourceTree::Working)?.signature() != committed.signature()
            }
            _ => false,
        };
        let base = self.other_tree(&target.base, &signature)?;
        let mut published = Published::default();
        if let Other::Differs(base) = &base {
            published.add(&base.project);
        }
        let desired = self.assemble(files, published).map_err(|error| match (error, &target.tree) {
            (Error::Project(problems), SourceTree::Commit(commit)) => {
                let note = |problem: Diagnostic| problem.note(format!("as it is in commit {}", commit.short()));
                Error::Project(problems.into_iter().map(note).collect())
            }
            (error, _) => error,
        })?;
        let is_behind = !target.environment.is_prod() && target.tip != target.base;
        let main = if is_behind { self.other_tree(&target.tip, &signature)? } else { Other::None };
        let (base, main) = (base.beside(&desired), main.beside(&desired));
        Ok(Prepared { target, desired, base, main, dirty, uncommitted, apart: BTreeSet::new() })
    }

    /// The tree of a commit that a plan is told against.
    fn other_tree(&self, commit: &Option<CommitId>, signature: &str) -> Result<Other, Error> {
        let Some(commit) = commit else { return Ok(Other::None) };
        let files = self.files(&SourceTree::Commit(commit.clone()))?;
        if files.signature() == signature {
            return Ok(Other::Same);
        }
        match self.assemble(files, Published::default()) {
            // a broken main must not stop the branch that mends it: plan without main's tree
            Err(Error::Project(_)) => Ok(Other::None),
            tree => tree.map(|tree| Other::Differs(Box::new(tree))),
        }
    }
}

impl Prepared {
    /// The project of the commit that changes are told against, if there is one.
    pub(super) fn base(&self) -> Option<&Project> {
        self.base.as_ref().map(|tree| &tree.project)
    }

    /// The tree of that commit.
    pub(super) fn base_tree(&self) -> Option<&Tree> {
        self.base.as_ref()
    }

    /// Whether the files differ from the commit behind them.
    pub fn is_dirty(&self) -> bool {
        self.dirty
    }

    /// The plan that makes the environment show the tree, from the warehouse's state.
    pub fn plan(&self, workspace: &Workspace, state: &State) -> Result<Plan, Error> {
        let target = &self.target;
        let strangers = workspace.strangers(&self.desired, &Published::of(state, workspace.config.pattern))?;
        if !strangers.is_empty() {
            return Err(Error::Project(strangers));
        }
        let id = |commit: &Option<CommitId>| commit.as_ref().map(|commit| commit.as_str().to_owned());
        let source = Source {
            branch: target.branch.clone(),
            commit: id(&target.commit),
            dirty: self.dirty,
            uncommitted: self.uncommitted,
            merged: matches!(target.tree, SourceTree::Merge(_)),
            main: workspace.config.main.clone(),
            base: id(&target.base),
            tip: id(&target.tip),
        };
        let trees = Trees {
            desired: &self.desired.project,
            base: self.base.as_ref().map(|tree| &tree.project),
            main: self.main.as_ref().map(|tree| &tree.project),
            audits: &self.desired.audit_keys(),
            cutoff: workspace.config.cutoff,
            apart: &self.apart,
        };
        let plan =
            Plan::new(target.environment.clone(), source, trees, state, workspace.config.pattern, &target.timing);
        match plan.overloaded().and_then(|step| self.desired.project.model(&step.model)) {
            Some(model) => Err(workspace.overloaded(&self.desired, model)?),
            None => Ok(plan),
        }
    }
}
