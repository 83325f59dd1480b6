//! What the page shows: Git's graph and the environments on one sheet, gathered from the repository and the warehouse.

mod checks;
mod commits;
mod differences;
mod merges;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use self::checks::{Check, CheckKind, Verdict};
use self::commits::Past;
pub use self::commits::{Commit, Cost};
pub use self::differences::Difference;
pub use self::merges::{Merge, Outcome};
use super::error::Error;
use super::planning::{Prepared, Target};
use super::session::Session;
use super::tree::Tree;
use crate::adapter::git::CommitId;
use crate::domain::environment::{PastBuild, Scope, State};
use crate::domain::fingerprint::Fingerprint;
use crate::domain::name::{BranchName, EnvName, ModelName, TableName};
use crate::domain::plan::Plan;

/// What the page shows.
pub struct Page {
    /// What the project is called: its folder.
    pub project: String,
    /// The current branch's target, with its models.
    pub prepared: Prepared,
    /// What its environment lacks.
    pub plan: Plan,
    /// What the warehouse holds.
    pub state: State,
    /// Bytes of the tables that environments show.
    pub sizes: BTreeMap<TableName, u64>,
    /// The newest commits of all branches, children first.
    pub commits: Vec<Commit>,
    /// The branches, each with its newest commit and its environment.
    pub branches: Vec<(BranchName, CommitId, EnvName)>,
    /// Where environments differ from prod, and why.
    pub marks: BTreeMap<EnvName, BTreeMap<ModelName, Mark>>,
    /// Why the models are not those of the files at hand, if they are not: what is wrong with these.
    pub problem: Option<String>,
    /// What merging each branch would do.
    pub merges: Vec<Merge>,
    /// How the rows of the current branch's environment differ from prod's, if that was asked for.
    pub differences: Vec<Difference>,
    /// The last builds of each model, the newest first.
    pub builds: Vec<PastBuild>,
    /// The audits and unit tests of each model.
    pub checks: BTreeMap<ModelName, Vec<Check>>,
    /// The files' texts of the versions that are shown, as far as a tree that is at hand has them.
    pub texts: BTreeMap<Fingerprint, Text>,
}

/// What a model's file says.
#[derive(Debug)]
pub struct Text {
    /// As it was written.
    pub written: Arc<str>,
    /// Its macros expanded, where it has some.
    pub expanded: Option<Arc<str>>,
}

/// How much the page shows.
#[derive(Debug, Clone, Copy)]
pub struct Extent<'e> {
    /// How many commits at most.
    pub commits: usize,
    /// The environments or branches whose rows are compared with prod's; an empty name means the target's own.
    pub rows: &'e [String],
    /// Whether unit tests are run.
    pub tests: bool,
}

/// Why an environment shows another version than prod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// The branch changed it.
    Own,
    /// Main changed it since.
    Behind,
    /// Both did.
    Both,
}

impl Session<'_> {
    /// Gathers what the page shows of a target.
    pub fn page(&self, target: Target, extent: Extent<'_>) -> Result<Page, Error> {
        let prepared = self.prepare(target)?;
        let warehouse = self.read_warehouse()?;
        let (state, sizes, builds) = match &warehouse {
            Some(warehouse) => {
                let state = warehouse.state(&Scope::All)?;
                let shown = state.environments.values().flat_map(|environment| environment.pointers.values());
                let sizes = warehouse.bytes(&shown.map(|pointer| pointer.table.clone()).collect())?;
                (state, sizes, warehouse.past_builds()?)
            }
            None => (State::default(), BTreeMap::new(), Vec::new()),
        };
        drop(warehouse);
        self.close();
        let mut plan = prepared.plan(self, &state)?;
        self.locate_edits(&prepared, &mut plan)?;
        let environment = |(branch, commit): (BranchName, CommitId)| {
            let environment = self.config.environment(&branch);
            (branch, commit, environment)
        };
        let branches: Vec<_> = self.branches_known()?.into_iter().map(environment).collect();
        let mut past = Past::new(self);
        let commits = self.without_caching(|| past.commits(&branches, &state, extent.commits))?;
        let marks = self.without_caching(|| past.marks(&state))?;
        let merges = self.merges(&branches, &state)?;
        let own = &prepared.target.environment;
        let differences = self.all_differences(extent.rows, own, &marks, &state)?;
        let mut texts = BTreeMap::new();
        self.add_texts(&prepared.desired, &|_| true, &mut texts)?;
        for tree in past.trees() {
            self.add_texts(tree, &|version| state.snapshots.contains_key(version), &mut texts)?;
        }
        let checks = self.checks(&prepared, &state, extent.tests)?;
        let project = self.project_name();
        Ok(Page {
            project,
            prepared,
            plan,
            state,
            sizes,
            commits,
            branches,
            marks,
            problem: None,
            merges,
            differences,
            checks,
            builds,
            texts,
        })
    }

    /// The branches; where there is none, as on a forge's runner, those of the clone that it was made from.
    fn branches_known(&self) -> Result<Vec<(BranchName, CommitId)>, Error> {
        let own = self.repository.branches()?;
        if !own.is_empty() {
            return Ok(own);
        }
        let of_remote = |(branch, commit): (BranchName, CommitId)| {
            let (_, name) = branch.as_str().split_once('/').filter(|(_, name)| *name != "HEAD")?;
            Some((BranchName::from(name), commit))
        };
        Ok(self.repository.remote_branches()?.into_iter().filter_map(of_remote).collect())
    }

    /// What is another value once the page would show something else: environments, branches, or what is checked out.
    pub fn page_stamp(&self) -> u64 {
        let branches = self.repository.branches().unwrap_or_default();
        let here = self.branch().map(|branch| branch.to_string()).unwrap_or_default();
        let seen = format!("{:?} {branches:?} {here}", self.engine.stamp(&self.location));
        let hash = blake3::hash(seen.as_bytes());
        hash.as_bytes().iter().take(8).fold(0, |stamp, byte| stamp << 8 | u64::from(*byte))
    }

    /// Adds the texts of a tree's models, of those versions that are wanted.
    fn add_texts(
        &self,
        tree: &Tree,
        is_wanted: &dyn Fn(&Fingerprint) -> bool,
        texts: &mut BTreeMap<Fingerprint, Text>,
    ) -> Result<(), Error> {
        for model in tree.project.models() {
            if is_wanted(&model.fingerprint) && !texts.contains_key(&model.fingerprint) {
                let (written, expanded) = (self.file_text(tree, model)?, self.model_text(tree, model)?);
                let expanded = Some(expanded).filter(|expanded| *expanded != written);
                texts.insert(model.fingerprint, Text { written, expanded });
            }
        }
        Ok(())
    }

    fn project_name(&self) -> String {
        let folder = self.home().unwrap_or_else(|| self.repository.common_dir().to_path_buf());
        folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }
}
