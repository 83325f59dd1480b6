//! Removing what nobody uses: environments whose branch is gone, snapshots nothing points at.

use std::collections::BTreeSet;

use super::error::Error;
use super::session::{Session, now};
use crate::adapter::warehouse::WarehouseError;
use crate::domain::environment::{Environment, State};
use crate::domain::fingerprint::Fingerprint;
use crate::domain::name::{BranchName, EnvName, SNAPSHOTS_SCHEMA, TableName};

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
}

impl Session<'_> {
    /// What gc would remove now.
    pub fn garbage(&self) -> Result<Garbage, Error> {
        let state = self.state()?;
        let mut environments = Vec::new();
        for environment in state.environments.values() {
            if let Some(gone) = self.is_gone(environment)? {
                environments.push((environment.name.clone(), environment.generation, gone));
            }
        }
        let removed: BTreeSet<&EnvName> = environments.iter().map(|(name, ..)| name).collect();
        let tables = unused(&state, &removed, now() - self.config.ttl_seconds);
        Ok(Garbage { environments, tables })
    }

    /// Removes it. What came into use in the meantime stays.
    pub fn collect(&self, garbage: &Garbage) -> Result<Garbage, Error> {
        if garbage.environments.is_empty() && garbage.tables.is_empty() {
            return Ok(Garbage::default());
        }
        let warehouse = self.write_warehouse()?;
        let mut done = Garbage::default();
        for (environment, generation, gone) in &garbage.environments {
            match warehouse.remove_environment(environment, *generation, self.config.pattern) {
                Ok(()) => done.environments.push((environment.clone(), *generation, *gone)),
                Err(WarehouseError::Moved { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        done.tables = warehouse.drop_snapshots(&garbage.tables)?;
        Ok(done)
    }

    /// Removes one environment, whatever its branch does. The snapshots stay until gc.
    pub fn invalidate(&self, name: &str) -> Result<EnvName, Error> {
        let state = self.state()?;
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
        let warehouse = self.write_warehouse()?;
        warehouse.remove_environment(&environment.name, environment.generation, self.config.pattern)?;
        Ok(environment.name.clone())
    }

    /// Whether an environment is to be collected. A branch that only another clone has is not gone.
    fn is_gone(&self, environment: &Environment) -> Result<Option<Gone>, Error> {
        if environment.name.is_prod() {
            return Ok(None);
        }
        let checked_out = self.branch().is_ok_and(|branch| branch == environment.branch);
        if checked_out {
            return Ok(None);
        }
        let remote = format!("/{}", environment.branch);
        let exists = self.repository.branch_tip(&environment.branch)?.is_some()
            || self.repository.remote_branches()?.iter().any(|(branch, _)| branch.as_str().ends_with(&remote));
        if !exists {
            return Ok(Some(Gone::Branch));
        }
        Ok((environment.updated_at < now() - self.config.ttl_seconds).then_some(Gone::Unused))
    }
}

/// The tables that no remaining environment shows, none of these was built from, and no rollback needs; and tables
/// that are on no record.
fn unused(state: &State, removed: &BTreeSet<&EnvName>, keep_after: i64) -> Vec<TableName> {
    let shown = state.environments.values().filter(|environment| !removed.contains(&environment.name));
    let mut used: BTreeSet<Fingerprint> = shown.flat_map(|shown| shown.pointers.values().copied()).collect();
    used.extend(state.kept_for_rollback(keep_after));
    // a physical view reads its parents' tables whenever it is read
    let mut todo: Vec<Fingerprint> = used.iter().copied().collect();
    while let Some(fingerprint) = todo.pop() {
        let snapshot = state.snapshots.get(&fingerprint).filter(|snapshot| snapshot.kind == "VIEW");
        for parent in snapshot.into_iter().flat_map(|snapshot| &snapshot.parents) {
            if used.insert(*parent) {
                todo.push(*parent);
            }
        }
    }
    let keep: BTreeSet<&str> =
        used.iter().filter_map(|used| state.snapshots.get(used)).map(|snapshot| snapshot.table.name.as_str()).collect();
    let recorded = state.snapshots.values().map(|snapshot| snapshot.table.name.as_str());
    let names: BTreeSet<&str> = state.physical.iter().map(String::as_str).chain(recorded).collect();
    let table = |name: &str| TableName { schema: SNAPSHOTS_SCHEMA.to_owned(), name: name.to_owned() };
    names.into_iter().filter(|name| !keep.contains(name)).map(table).collect()
}
