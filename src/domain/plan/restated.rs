//! What restating means: the tables that are built again, and those of the same old rows that nobody shows.

use std::collections::{BTreeMap, BTreeSet};

use super::super::environment::{Snapshot, State};
use super::super::fingerprint::Fingerprint;
use super::super::graph;
use super::super::name::{EnvName, ModelName, TableName};

/// The tables that were built from some versions, in whichever environment.
#[derive(Debug)]
pub struct Restated {
    /// The named models that keep a history, which goes on: what was once valid can't be computed again.
    pub histories: BTreeSet<ModelName>,
    /// The versions among and below the named ones that are shown, or that a rollback may show again.
    pub reached: BTreeSet<Fingerprint>,
    /// What of these can be built again, parents first.
    pub snapshots: Vec<Snapshot>,
    /// Tables built from the same old rows that nobody shows.
    pub stale: Vec<TableName>,
}

impl Restated {
    /// What restating the `named` versions means, where a rollback reaches back to `keep_after` (seconds since 1970).
    pub fn of(state: &State, mut named: BTreeSet<Fingerprint>, keep_after: i64) -> Self {
        // a history goes on: what was once valid can't be computed again, nor what was built from it
        let again = state.snapshots.iter().filter(|(_, snapshot)| !snapshot.is_history());
        let parents: BTreeMap<Fingerprint, Vec<Fingerprint>> =
            again.map(|(fingerprint, snapshot)| (*fingerprint, snapshot.parents.clone())).collect();
        let history = |named: &Fingerprint| state.snapshots.get(named).filter(|snapshot| snapshot.is_history());
        let histories = named.iter().filter_map(|named| Some(history(named)?.model.clone())).collect();
        named.retain(|named| history(named).is_none());
        let live = live(state);
        // what a rollback may show again is kept up to date, too
        let kept = state.kept_for_rollback(keep_after);
        let (reached, unshown): (BTreeSet<Fingerprint>, BTreeSet<Fingerprint>) = below(state, &parents, named)
            .into_iter()
            .partition(|fingerprint| live.contains_key(fingerprint) || kept.contains(fingerprint));
        let table = |fingerprint: &Fingerprint| state.snapshots.get(fingerprint).map(|snapshot| &snapshot.table);
        let shown_tables: BTreeSet<&TableName> = reached.iter().filter_map(table).collect();
        let stale = unshown.iter().filter_map(|fingerprint| state.snapshots.get(fingerprint));
        let stale = stale.filter(|snapshot| is_filled(snapshot) && !shown_tables.contains(&snapshot.table));
        let stale = stale.map(|snapshot| snapshot.table.clone()).collect();
        let order = graph::order(&parents).unwrap_or_default();
        let snapshots = order.iter().filter(|fingerprint| reached.contains(fingerprint));
        let snapshots = snapshots.filter_map(|fingerprint| state.built(fingerprint)).filter(|built| is_filled(built));
        // an incremental table that only a rollback would show again can't be loaded: its files are not at hand
        let can = |snapshot: &&Snapshot| snapshot.filled.is_none() || live.contains_key(&snapshot.fingerprint);
        let snapshots = snapshots.filter(can).cloned().collect();
        Self { histories, reached, snapshots, stale }
    }

    /// The models whose tables prod shows or has shown: a branch may not restate them.
    pub fn of_prod(&self, state: &State) -> BTreeSet<ModelName> {
        let promoted = state.promoted_tables();
        let reached = self.reached.iter().filter_map(|fingerprint| state.snapshots.get(fingerprint));
        let of_prod = reached.filter(|snapshot| promoted.contains(&snapshot.table));
        of_prod.map(|snapshot| snapshot.model.clone()).collect()
    }
}

/// Each snapshot that is shown, with the environments that show it.
pub fn live(state: &State) -> BTreeMap<Fingerprint, Vec<EnvName>> {
    let mut live: BTreeMap<Fingerprint, Vec<EnvName>> = BTreeMap::new();
    for environment in state.environments.values() {
        for fingerprint in environment.pointers.values() {
            live.entry(*fingerprint).or_default().push(environment.name.clone());
        }
    }
    live
}

/// Whether a snapshot holds rows that can be computed again: views hold none, seeds are their file.
fn is_filled(snapshot: &Snapshot) -> bool {
    snapshot.filled.is_some() || snapshot.select.is_some() && snapshot.kind != "VIEW"
}

/// The named snapshots, those that show the same tables under other names, and all that was built from any of them.
fn below(
    state: &State,
    parents: &BTreeMap<Fingerprint, Vec<Fingerprint>>,
    named: BTreeSet<Fingerprint>,
) -> BTreeSet<Fingerprint> {
    let mut found = graph::below(parents, named);
    loop {
        let table = |fingerprint: &Fingerprint| state.snapshots.get(fingerprint).map(|snapshot| &snapshot.table);
        let tables: BTreeSet<&TableName> = found.iter().filter_map(table).collect();
        let shared = parents.keys().filter(|known| table(known).is_some_and(|table| tables.contains(table)));
        let next = graph::below(parents, found.iter().chain(shared).copied().collect::<BTreeSet<_>>());
        if next.len() == found.len() {
            return found;
        }
        found = next;
    }
}
