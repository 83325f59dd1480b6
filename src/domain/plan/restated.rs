//! What restating means: the tables that are built again, and those of the same old rows that nobody shows.

use std::collections::{BTreeMap, BTreeSet};

use super::super::environment::{PhysicalTable, State};
use super::super::graph;
use super::super::model::KindWord;
use super::super::name::{EnvName, ModelName, TableName};

/// The tables that were built from some others, in whichever environment.
#[derive(Debug)]
pub struct Restated {
    /// The named models that keep a history, which goes on: what was once valid can't be computed again.
    pub histories: BTreeSet<ModelName>,
    /// The tables among and below the named ones that are shown, or that a rollback may show again.
    pub reached: BTreeSet<TableName>,
    /// What of these can be built again, parents first.
    pub tables: Vec<PhysicalTable>,
    /// Tables built from the same old rows that nobody shows.
    pub stale: Vec<TableName>,
}

impl Restated {
    /// What restating the `named` tables means, where a rollback reaches back to `keep_after` (seconds since 1970).
    pub fn of(state: &State, mut named: BTreeSet<TableName>, keep_after: i64) -> Self {
        // a history goes on: what was once valid can't be computed again, nor what was built from it
        let again = state.tables.values().filter(|table| !table.is_history());
        let parents: BTreeMap<TableName, Vec<TableName>> =
            again.map(|table| (table.table.clone(), table.parents.clone())).collect();
        let history = |named: &TableName| state.tables.get(named).filter(|table| table.is_history());
        let histories = named.iter().filter_map(|named| Some(history(named)?.model.clone())).collect();
        named.retain(|named| history(named).is_none());
        let live = live(state);
        // what a rollback may show again is kept up to date, too
        let kept = state.kept_for_rollback(keep_after);
        let (reached, unshown): (BTreeSet<TableName>, BTreeSet<TableName>) = graph::below(&parents, named)
            .into_iter()
            .partition(|table| live.contains_key(table) || kept.contains(table));
        let stale = unshown.iter().filter_map(|table| state.tables.get(table)).filter(|table| is_filled(table));
        let stale = stale.map(|table| table.table.clone()).collect();
        let order = graph::order(&parents).unwrap_or_default();
        let tables = order.iter().filter(|table| reached.contains(table));
        let tables = tables.filter_map(|table| state.existing(table)).filter(|table| is_filled(table));
        // without a query on record, what only a rollback would show again can't be filled: its files are not at hand
        let can = |table: &&PhysicalTable| table.select.is_some() || live.contains_key(&table.table);
        let tables = tables.filter(can).cloned().collect();
        Self { histories, reached, tables, stale }
    }

    /// The models whose tables prod shows or has shown: a branch may not restate them.
    pub fn of_prod(&self, state: &State) -> BTreeSet<ModelName> {
        let promoted = state.promoted_tables();
        let of_prod = self.reached.iter().filter(|table| promoted.contains(table));
        of_prod.filter_map(|table| Some(state.tables.get(table)?.model.clone())).collect()
    }
}

/// Each table that is shown, with the environments that show it.
pub fn live(state: &State) -> BTreeMap<TableName, Vec<EnvName>> {
    let mut live: BTreeMap<TableName, Vec<EnvName>> = BTreeMap::new();
    for environment in state.environments.values() {
        for pointer in environment.pointers.values() {
            live.entry(pointer.table.clone()).or_default().push(environment.name.clone());
        }
    }
    live
}

/// Whether a table holds rows that can be computed again: views hold none, seeds are their file.
fn is_filled(table: &PhysicalTable) -> bool {
    table.filled.is_some() || table.kind == KindWord::Full
}
