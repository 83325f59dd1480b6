//! Removing what nobody uses: environments whose branch is gone, snapshots nothing points at.

use super::error::Error;
use super::session::{Session, now};
use super::workspace::Workspace;
use crate::adapter::engine::{Warehouse, WarehouseError};
use crate::domain::environment::{Environment, OutOfReach, Scope};
use crate::domain::name::{BranchName, EnvName, TableName};

/// Why an environment is collected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gone {
    /// Its branch is gone.
    Branch,
    /// It was not used for longer than the project's `ttl`.
    Unused,
}

/// What gc removes.
#[derive(Debug, Default)]
pub struct Garbage {
    /// Environments, with their generation.
    pub environments: Vec<(EnvName, u64, Gone)>,
    /// Tables of the physical layer.
    pub tables: Vec<TableName>,
    /// Branches whose merge need not be kept ready any more.
    pub previews: Vec<BranchName>,
    /// Promotions that no rollback reaches any more.
    pub history: Option<OutOfReach>,
    /// Tables of wrong rows that nobody will look at any more.
    pub wrong: Vec<TableName>,
}

impl Garbage {
    /// Whether there is nothing to remove.
    pub fn is_empty(&self) -> bool {
        let is_kept = self.environments.is_empty() && self.tables.is_empty() && self.previews.is_empty();
        is_kept && self.wrong.is_empty() && self.history.is_none()
    }
}

impl Session<'_> {
    /// What gc would remove now.
    pub fn garbage(&self) -> Result<Garbage, Error> {
        match self.read_warehouse()? {
            Some(warehouse) => self.garbage_in(&*warehouse),
            None => Ok(Garbage::default()),
        }
    }

    /// Removes it. What came into use in the meantime stays.
    pub fn collect(&self, garbage: &Garbage) -> Result<Garbage, Error> {
        if garbage.is_empty() {
            return Ok(Garbage::default());
        }
        self.collect_in(&*self.write_warehouse()?, garbage)
    }

    /// Removes all garbage.
    pub fn collect_all(&self) -> Result<Garbage, Error> {
        if !self.engine.exists(&self.location) {
            return Ok(Garbage::default());
        }
        let warehouse = self.write_warehouse()?;
        let garbage = self.garbage_in(&*warehouse)?;
        self.collect_in(&*warehouse, &garbage)
    }

    /// Removes one environment, even if its branch is there. The tables stay until gc.
    pub fn invalidate(&self, name: &str) -> Result<EnvName, Error> {
        let state = self.state_of(&EnvName::prod())?;
        let by_branch = self.config.environment(&BranchName::from(name));
        let found = state.environments.values().find(|environment| environment.name.as_str() == name);
        let found = found.or_else(|| state.environments.get(&by_branch));
        let Some(environment) = found else { return Err(self.unknown_environment(name)?) };
        if environment.name.is_prod() {
            return Err(Error::Usage {
                what: "prod can't be removed".to_owned(),
                help: "vmesh rollback moves it back".to_owned(),
            });
        }
        let Environment { name, generation, .. } = environment;
        let removed =
            self.write_warehouse()?.remove_environments(&[(name.clone(), *generation)], self.config.pattern)?;
        if removed.is_empty() {
            let (environment, expected) = (name.clone(), Some(*generation));
            return Err(WarehouseError::Moved { environment, expected, found: None }.into());
        }
        Ok(environment.name.clone())
    }
}

impl Workspace {
    fn garbage_in(&self, warehouse: &dyn Warehouse) -> Result<Garbage, Error> {
        let state = warehouse.state(&Scope::Pointers)?;
        let mut environments = Vec::new();
        for environment in state.environments.values() {
            if let Some(gone) = self.is_gone(environment)? {
                environments.push((environment.name.clone(), environment.generation, gone));
            }
        }
        let oldest = now() - self.config.ttl_seconds;
        let mut previews = Vec::new();
        for preview in &state.previews {
            if preview.at < oldest || !self.has_branch(&preview.branch)? {
                previews.push(preview.branch.clone());
            }
        }
        let mut kept = state.clone();
        kept.environments.retain(|name, _| !environments.iter().any(|(removed, ..)| removed == name));
        kept.previews.retain(|preview| !previews.contains(&preview.branch));
        let reached = now() - self.config.rollback_seconds;
        let tables = kept.unused(reached);
        let mut wrong = Vec::new();
        for (table, whose) in warehouse.wrong()? {
            let is_kept = match whose.filter(|whose| whose.at >= oldest) {
                Some(whose) => self.has_branch(&whose.branch)?,
                None => false,
            };
            wrong.extend((!is_kept).then_some(table));
        }
        Ok(Garbage { environments, tables, previews, history: state.out_of_reach(reached), wrong })
    }

    fn collect_in(&self, warehouse: &dyn Warehouse, garbage: &Garbage) -> Result<Garbage, Error> {
        let mut done = Garbage::default();
        let environments = garbage.environments.iter().map(|(name, generation, _)| (name.clone(), *generation));
        let removed = warehouse.remove_environments(&environments.collect::<Vec<_>>(), self.config.pattern)?;
        let environments = garbage.environments.iter().filter(|(name, ..)| removed.contains(name));
        done.environments = environments.cloned().collect();
        warehouse.forget_previews(&garbage.previews)?;
        done.previews.clone_from(&garbage.previews);
        if let Some(history) = &garbage.history {
            warehouse.forget_history(history)?;
        }
        done.history.clone_from(&garbage.history);
        warehouse.forget_wrong(&garbage.wrong)?;
        done.wrong.clone_from(&garbage.wrong);
        done.tables = warehouse.drop_snapshots(&garbage.tables)?;
        Ok(done)
    }

    /// Whether an environment is to be collected. A branch that only another clone has is not gone; nor is one, for all
    /// that this computer can tell, which someone on another computer planned.
    fn is_gone(&self, environment: &Environment) -> Result<Option<Gone>, Error> {
        if environment.name.is_prod() {
            return Ok(None);
        }
        let checked_out = self.branch().is_ok_and(|branch| branch == environment.branch);
        if checked_out {
            return Ok(None);
        }
        let elsewhere = environment.owner.as_ref().filter(|owner| !owner.is_at(&self.owner()));
        let elsewhere = elsewhere.map_or(Some(false), |owner| self.exists_at(owner, &environment.branch));
        if elsewhere == Some(false) && !self.has_branch(&environment.branch)? {
            return Ok(Some(Gone::Branch));
        }
        let unused = environment.updated_at < now() - self.config.ttl_seconds
            && !self.config.is_pinned(&environment.name, &environment.branch);
        Ok(unused.then_some(Gone::Unused))
    }

    /// Whether this clone knows a branch, be it another clone's.
    fn has_branch(&self, branch: &BranchName) -> Result<bool, Error> {
        let remote = format!("/{branch}");
        Ok(self.repository.branch_tip(branch)?.is_some()
            || self.repository.remote_branches()?.iter().any(|(known, _)| known.as_str().ends_with(&remote)))
    }
}
