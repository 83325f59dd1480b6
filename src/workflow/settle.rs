//! What hooks and the watcher do: look at the repository as it is now, and bring the current branch's environment (on
//! main: prod) in step with it, once. Hooks are doorbells; nothing they say is believed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::apply::Applied;
use super::error::Error;
use super::failure;
use super::ownership::Kept;
use super::planning::Prepared;
use super::queue::Request;
use super::session::Session;
use super::tree::SourceTree;
use crate::adapter::cache;
use crate::adapter::git::{CommitId, Head, Rest};
use crate::adapter::warehouse::{Holder, WarehouseError};
use crate::domain::config::HookBuild;
use crate::domain::environment::State;
use crate::domain::name::{BranchName, EnvName, ModelName};
use crate::domain::plan::Plan;

/// How long a hook waits for a warehouse that another process has, in all, where builds are left to the background.
const HOOK_PATIENCE: Duration = Duration::from_millis(300);
/// The same where it builds itself.
const INLINE_PATIENCE: Duration = Duration::from_secs(2);
/// A hook swaps at most this many pointers itself (about half a second); more are left to the background.
const HOOK_SWAPS: usize = 500;

/// What settling came to.
#[derive(Debug)]
pub enum Settled {
    /// Nothing may be done now.
    NotNow(Rest),
    /// There is nothing that hooks should do.
    Nothing,
    /// The environment was in step already.
    InStep(Standing),
    /// It was published.
    Published {
        /// How it stands now.
        standing: Standing,
        /// What was done.
        applied: Box<Applied>,
    },
    /// It needs builds, or the warehouse is taken: a process in the background does the rest.
    Queued {
        /// The environment.
        environment: EnvName,
        /// What will be built, if that is known.
        builds: Vec<ModelName>,
        /// Who has the warehouse, if that is why.
        locked: Option<Option<Holder>>,
    },
    /// Someone else keeps the environment.
    Kept(Box<Kept>),
    /// Main went back in history: hooks don't follow.
    Rewound {
        /// The commit prod shows.
        shown: String,
        /// Main's tip.
        tip: String,
    },
}

/// How an environment stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The environment.
    pub environment: EnvName,
    /// The commit behind it.
    pub commit: Option<String>,
    /// How many models it shows.
    pub models: usize,
    /// How many of them are not the snapshots that prod shows.
    pub own: usize,
}

/// What was true when a branch was last found in step: as long as all of it still is, there is nothing to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Seal {
    files: String,
    config: String,
    head: Option<String>,
    tip: Option<String>,
    warehouse: Vec<(u64, u128)>,
    version: String,
}

type Seals = BTreeMap<String, (Seal, Standing)>;

/// Each branch's commit that was last tried to settle.
type Tried = BTreeMap<String, CommitId>;

impl Standing {
    /// How an environment stands once a plan is carried out.
    pub(super) fn of(plan: &Plan, state: &State) -> Self {
        let pointers = plan.pointers();
        let shared = |model: &ModelName| state.prod().and_then(|prod| prod.pointers.get(model));
        let own = pointers.iter().filter(|(model, (fingerprint, _))| shared(model) != Some(fingerprint)).count();
        Self {
            environment: plan.environment.clone(),
            commit: plan.source.commit.clone(),
            models: pointers.len(),
            own: if plan.environment.is_prod() { 0 } else { own },
        }
    }
}

impl Session<'_> {
    /// Settles the current branch. `build` says who builds what is missing.
    pub fn settle(&mut self, build: HookBuild) -> Result<Settled, Error> {
        if build == HookBuild::Off {
            return Ok(Settled::Nothing);
        }
        let branch = match self.repository.head()? {
            Head::Branch { name, commit: Some(_) } => name,
            Head::Branch { .. } => return Ok(Settled::Nothing),
            Head::Detached { .. } => return Ok(Settled::NotNow(self.repository.rest()?)),
        };
        match self.repository.rest()? {
            Rest::Ready => match self.sealed(&branch)? {
                Some(standing) => Ok(Settled::InStep(standing)),
                None => self.settle_branch(&branch, build),
            },
            rest => Ok(Settled::NotNow(rest)),
        }
    }

    /// How a branch stands, if nothing has changed since it was last found in step.
    pub(super) fn sealed(&self, branch: &BranchName) -> Result<Option<Standing>, Error> {
        let Some((known, standing)) = self.seals().remove(branch.as_str()) else { return Ok(None) };
        Ok((known == self.seal(branch)?).then_some(standing))
    }

    /// What the environment of the branch that is checked out lacks of the branch's files; none, if it shows them.
    pub fn lacking(&self) -> Result<Option<Plan>, Error> {
        if self.sealed(&self.branch()?)?.is_some() {
            return Ok(None);
        }
        let prepared = self.prepare(self.target(None, None)?)?;
        Ok(Some(prepared.plan(self, &self.state()?)?).filter(|plan| !plan.is_done()))
    }

    /// Settles one branch: prod for main, the branch's environment otherwise.
    pub fn settle_branch(&mut self, branch: &BranchName, build: HookBuild) -> Result<Settled, Error> {
        let environment = self.config.environment(branch);
        if environment.is_prod() && !self.config.hooks.promote {
            return Ok(Settled::Nothing);
        }
        let is_hook = self.hurried || build == HookBuild::Background;
        if is_hook {
            let patience = if build == HookBuild::Background { HOOK_PATIENCE } else { INLINE_PATIENCE };
            self.location.patience = self.location.patience.min(patience);
        }
        self.note_tried(branch)?;
        match self.settle_now(branch, build) {
            Err(Error::Warehouse(WarehouseError::Locked { holder, .. })) if is_hook => {
                self.enqueue(&Request::new(self, branch))?;
                Ok(Settled::Queued { environment, builds: Vec::new(), locked: Some(holder) })
            }
            Err(Error::Kept(kept)) => Ok(Settled::Kept(kept)),
            settled => settled,
        }
    }

    fn settle_now(&self, branch: &BranchName, build: HookBuild) -> Result<Settled, Error> {
        let state = self.state()?;
        let prepared = if self.config.environment(branch).is_prod() {
            let tip = self.main_tip()?;
            let tip = tip.as_ref().map(CommitId::as_str);
            if let Some(prod) = state.prod().filter(|prod| prod.tip.as_deref() == tip) {
                // whatever prod shows, main has not moved since it was chosen
                return Ok(Settled::InStep(self.standing(&state, &prod.name)));
            }
            match self.promotion(None, false) {
                Err(Error::Rewind { from, to }) => return Ok(Settled::Rewound { shown: from, tip: to }),
                target => self.prepare(target?)?,
            }
        } else {
            self.prepare(self.target_of(branch.clone(), None)?)?
        };
        let plan = prepared.plan(self, &state)?;
        if plan.is_done() && (!plan.environment.is_prod() || self.is_recorded(&plan, &state)) {
            if !self.is_recorded(&plan, &state) {
                self.put_on_record(&prepared)?;
            }
            let standing = Standing::of(&plan, &state);
            self.remember(branch, &prepared, &standing)?;
            failure::forget(self, branch);
            return Ok(Settled::InStep(standing));
        }
        if let Some(kept) = self.kept_elsewhere(&prepared.target, &plan, &state)? {
            return Ok(Settled::Kept(Box::new(kept)));
        }
        let builds: Vec<ModelName> = plan.builds().map(|step| step.model.clone()).collect();
        let takes_time = !builds.is_empty() || plan.swaps() > HOOK_SWAPS;
        if build == HookBuild::Background && (takes_time || self.before_all_moved(&plan.environment, &state)?) {
            self.enqueue(&Request::new(self, branch))?;
            return Ok(Settled::Queued { environment: plan.environment, builds, locked: None });
        }
        let applied = match self.apply(&prepared, "promote", true, &mut |_| {}) {
            // someone else moved prod in the meantime
            Err(Error::Rewind { .. }) => return self.settle_now(branch, build),
            applied => applied?,
        };
        let standing = applied.standing.clone();
        self.remember(branch, &prepared, &standing)?;
        Ok(Settled::Published { standing, applied: Box::new(applied) })
    }

    /// Writes down the commit of an environment that shows the right rows already. It can wait for the next time if the
    /// warehouse is taken.
    fn put_on_record(&self, prepared: &Prepared) -> Result<(), Error> {
        match self.apply(prepared, "plan", true, &mut |_| {}) {
            Ok(_) | Err(Error::Warehouse(WarehouseError::Locked { .. })) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// How an environment stands against prod.
    pub fn standing(&self, state: &State, environment: &EnvName) -> Standing {
        let shown = state.environments.get(environment);
        let prod = state.prod();
        let own = shown.map_or(0, |shown| {
            let shared = |model: &ModelName| prod.and_then(|prod| prod.pointers.get(model));
            shown.pointers.iter().filter(|(model, fingerprint)| shared(model) != Some(fingerprint)).count()
        });
        Standing {
            environment: environment.clone(),
            commit: shown.and_then(|shown| shown.commit.clone()),
            models: shown.map_or(0, |shown| shown.pointers.len()),
            own,
        }
    }

    /// Remembers that a branch is in step with these files, unless they have changed since they were read.
    fn remember(&self, branch: &BranchName, prepared: &Prepared, standing: &Standing) -> Result<(), Error> {
        let seal = self.seal(branch)?;
        if prepared.desired.files.signature() == seal.files {
            let mut seals = self.seals();
            seals.insert(branch.to_string(), (seal, standing.clone()));
            cache::store(&self.seals_file(), &seals);
        }
        Ok(())
    }

    fn seals(&self) -> Seals {
        cache::load(&self.seals_file()).unwrap_or_default()
    }

    fn seals_file(&self) -> PathBuf {
        self.own_file("settled")
    }

    /// Notes which commit of a branch is being settled, whatever comes of it.
    fn note_tried(&self, branch: &BranchName) -> Result<(), Error> {
        let Some(tip) = self.repository.branch_tip(branch)? else { return Ok(()) };
        let mut tried: Tried = cache::load(&self.own_file("tried")).unwrap_or_default();
        if tried.insert(branch.to_string(), tip.clone()) != Some(tip) {
            cache::store(&self.own_file("tried"), &tried);
        }
        Ok(())
    }

    /// Whether this commit of the branch was tried to settle already: a build that failed or was stopped begins again
    /// when something changes or someone says so, not whenever someone looks.
    pub(super) fn was_tried(&self, branch: &BranchName, commit: &CommitId) -> bool {
        let tried: Tried = cache::load(&self.own_file("tried")).unwrap_or_default();
        tried.get(branch.as_str()) == Some(commit)
    }

    /// A file of vmesh's own about this project in this worktree.
    fn own_file(&self, what: &str) -> PathBuf {
        let project = blake3::hash(self.prefix.as_bytes()).to_hex();
        self.own_folder().join(format!("{what}-{}.json", &project[..8]))
    }

    /// What is true now.
    fn seal(&self, branch: &BranchName) -> Result<Seal, Error> {
        let commit = self.repository.branch_tip(branch)?;
        let on_branch = matches!(self.repository.head()?, Head::Branch { name, .. } if name == *branch);
        let tree = match &commit {
            Some(commit) if self.config.environment(branch).is_prod() || !on_branch => {
                SourceTree::Commit(commit.clone())
            }
            Some(_) => SourceTree::Working,
            None => SourceTree::Empty,
        };
        let path = &self.location.path;
        let mut wal = path.clone().into_os_string();
        wal.push(".wal");
        Ok(Seal {
            files: self.files(&tree)?.signature(),
            config: format!("{:?}", self.config),
            head: commit.map(|commit| commit.as_str().to_owned()),
            tip: self.main_tip()?.map(|tip| tip.as_str().to_owned()),
            warehouse: vec![stamp(path), stamp(Path::new(&wal))],
            version: env!("CARGO_PKG_VERSION").to_owned(),
        })
    }
}

/// A file's size and time: whoever writes the warehouse changes one of them.
fn stamp(path: &Path) -> (u64, u128) {
    let Ok(metadata) = std::fs::metadata(path) else { return (0, 0) };
    let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    (metadata.len(), modified.unwrap_or_default().as_nanos())
}
