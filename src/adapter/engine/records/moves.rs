//! Making an environment's views show what a publication says: each in its place, or, where an engine would keep readers
//! waiting meanwhile, in a schema that is made beside the one that is there and then takes its name.

use std::collections::{BTreeMap, BTreeSet};

use super::{Ledger, Swap};
use crate::adapter::engine::WarehouseError;
use crate::domain::name::{TableName, quote};

/// What schemas are called that others have taken the place of: who reads them still may end.
const GONE: &str = "vmesh_gone__";

/// One view of an environment, as it shall be.
pub(super) struct Move {
    pub(super) view: TableName,
    pub(super) table: TableName,
    /// The statements that comment the view of a name.
    pub(super) comments: Box<dyn Fn(&str) -> String>,
    /// Whether it is as it shall be.
    pub(super) stays: bool,
    /// Whether it is there.
    pub(super) exists: bool,
}

/// What a publication changes.
#[derive(Default)]
pub(super) struct Moves {
    /// All views that there shall be.
    pub(super) shown: Vec<Move>,
    /// Views that go.
    pub(super) gone: Vec<TableName>,
}

impl Ledger<'_> {
    /// Carries out what a publication changes. To be called within its transaction.
    pub(super) fn carry_out(&self, doing: &str, moves: &Moves) -> Result<(), WarehouseError> {
        let swapped = self.swapped(moves)?;
        let is_swapped = |place: &TableName| swapped.contains_key(&place.schema);
        // what nobody sees yet is made first; readers wait from the locks on
        for (schema, swap) in &swapped {
            let beside = beside(schema);
            let mut make = format!("CREATE SCHEMA {};\n", self.schema(&beside));
            for it in moves.shown.iter().filter(|it| it.view.schema == *schema) {
                let view = TableName { schema: beside.clone(), name: it.view.name.clone() };
                make.push_str(&format!("CREATE VIEW {} AS SELECT * FROM {};\n", self.full(&view), it.table.quoted()));
                make.push_str(&(it.comments)(&self.full(&view)));
            }
            self.run(doing, &(make + &(swap.copy)(schema, &beside)))?;
        }
        let changed: Vec<&Move> = moves.shown.iter().filter(|it| !it.stays && !is_swapped(&it.view)).collect();
        let gone: Vec<String> =
            moves.gone.iter().filter(|view| !is_swapped(view)).map(|view| self.full(view)).collect();
        let there = changed.iter().filter(|it| it.exists).map(|it| self.full(&it.view));
        let locked: Vec<String> = there.chain(gone.iter().cloned()).collect();
        let lock = if locked.is_empty() { String::new() } else { (self.0.caps().lock)(&locked) };
        let schemas: BTreeSet<&str> = changed.iter().map(|it| it.view.schema.as_str()).collect();
        let mut statements = lock;
        for schema in schemas {
            statements.push_str(&format!("CREATE SCHEMA IF NOT EXISTS {};\n", self.schema(schema)));
        }
        for it in changed {
            statements.push_str(&self.show(&it.view, &it.table));
            statements.push_str(&(it.comments)(&self.full(&it.view)));
        }
        for view in gone {
            statements.push_str(&format!("DROP VIEW IF EXISTS {view};\n"));
        }
        for schema in swapped.keys() {
            let (old, next) = (gone_name(schema), beside(schema));
            statements.push_str(&format!("ALTER SCHEMA {} RENAME TO {};\n", self.schema(schema), quote(&old)));
            statements.push_str(&format!("ALTER SCHEMA {} RENAME TO {};\n", self.schema(&next), quote(schema)));
        }
        self.run(doing, &statements)
    }

    /// The schemas whose place another one takes: many of their views move, and there is nothing in them or upon them that
    /// would not come along.
    fn swapped(&self, moves: &Moves) -> Result<BTreeMap<String, Swap>, WarehouseError> {
        let Some(swap) = self.0.caps().swap else { return Ok(BTreeMap::new()) };
        let mut moving: BTreeMap<&str, usize> = BTreeMap::new();
        let changed = moves.shown.iter().filter(|it| it.exists && !it.stays).map(|it| &it.view);
        changed.chain(&moves.gone).for_each(|view| *moving.entry(&view.schema).or_default() += 1);
        let many = moving.into_iter().filter(|(_, count)| *count > swap.above).map(|(schema, _)| schema.to_owned());
        let mut swapped = BTreeMap::new();
        for schema in many {
            let ours = moves.shown.iter().filter(|it| it.exists).map(|it| &it.view).chain(&moves.gone);
            let ours = ours.filter(|view| view.schema == schema).count();
            let all = self.0.contents(&BTreeSet::from([schema.clone()]))?.len();
            let is_free = self.all("looking at a schema", &(swap.is_free)(&schema), |row| row.get::<bool>(0))?;
            if all == ours && is_free == [true] {
                swapped.insert(schema, swap);
            }
        }
        Ok(swapped)
    }

    /// Drops schemas that others have taken the place of; those that somebody reads still go with the next one. To be called
    /// outside of transactions.
    pub(super) fn clear_away(&self) -> Result<(), WarehouseError> {
        let Some(swap) = self.0.caps().swap else { return Ok(()) };
        self.run("clearing schemas away", &(swap.clear)(GONE))
    }
}

fn beside(schema: &str) -> String {
    format!("vmesh_next__{}", &blake3::hash(schema.as_bytes()).to_hex()[..12])
}

/// A name that no schema has that is still being cleared away.
fn gone_name(schema: &str) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_nanos();
    format!("{GONE}{}", &blake3::hash(format!("{schema} {now}").as_bytes()).to_hex()[..12])
}
