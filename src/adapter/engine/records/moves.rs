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

/// The schemas whose place another one takes.
pub(super) type Swapped = BTreeMap<String, Swap>;

impl Ledger<'_> {
    /// Makes what nobody sees yet: the schemas that will take the place of others. To be called within the publication's
    /// transaction.
    pub(super) fn prepare(&self, doing: &str, moves: &Moves) -> Result<Swapped, WarehouseError> {
        let swapped = self.swapped(moves)?;
        for schema in swapped.keys() {
            let beside = beside(schema);
            let mut make = format!("CREATE SCHEMA {};\n", self.schema(&beside));
            for it in moves.shown.iter().filter(|it| it.view.schema == *schema) {
                let view = TableName { schema: beside.clone(), name: it.view.name.clone() };
                make.push_str(&format!("CREATE VIEW {} AS SELECT * FROM {};\n", self.full(&view), it.table.quoted()));
                make.push_str(&(it.comments)(&self.full(&view)));
            }
            self.run(doing, &make)?;
        }
        Ok(swapped)
    }

    /// Carries out what a publication changes. Readers wait from here on to the end of the transaction: it is the last that is
    /// done in it.
    pub(super) fn finish(&self, doing: &str, moves: &Moves, swapped: &Swapped) -> Result<(), WarehouseError> {
        let is_swapped = |place: &TableName| swapped.contains_key(&place.schema);
        let changed: Vec<&Move> = moves.shown.iter().filter(|it| !it.stays && !is_swapped(&it.view)).collect();
        let gone: Vec<&TableName> = moves.gone.iter().filter(|view| !is_swapped(view)).collect();
        // of a schema that goes, who has read one view finds the others as they were, until the transaction ends
        let of_swapped = moves.shown.iter().filter(|it| is_swapped(&it.view) && it.exists).map(|it| &it.view);
        let of_swapped = of_swapped.chain(moves.gone.iter().filter(|view| is_swapped(view)));
        let there = changed.iter().filter(|it| it.exists).map(|it| &it.view).chain(gone.iter().copied());
        let locked: Vec<String> = there.chain(of_swapped).map(|view| self.full(view)).collect();
        if !locked.is_empty() {
            self.run(doing, &(self.0.caps().lock)(&locked))?;
        }
        let mut statements = String::new();
        for (schema, swap) in swapped {
            if !self.is_free(moves, schema, *swap)? {
                // somebody was quicker: the next try leaves the schema where it is
                return Err(WarehouseError::Locked { path: schema.into(), holder: None, waited: 0, reading: false });
            }
            let (old, next) = (gone_name(schema), beside(schema));
            statements.push_str(&(swap.copy)(schema, &next));
            statements.push_str(&format!("ALTER SCHEMA {} RENAME TO {};\n", self.schema(schema), quote(&old)));
            statements.push_str(&format!("ALTER SCHEMA {} RENAME TO {};\n", self.schema(&next), quote(schema)));
        }
        let schemas: BTreeSet<&str> = changed.iter().map(|it| it.view.schema.as_str()).collect();
        for schema in schemas {
            statements.push_str(&format!("CREATE SCHEMA IF NOT EXISTS {};\n", self.schema(schema)));
        }
        for it in changed {
            statements.push_str(&self.show(&it.view, &it.table));
            statements.push_str(&(it.comments)(&self.full(&it.view)));
        }
        for view in gone {
            statements.push_str(&format!("DROP VIEW IF EXISTS {};\n", self.full(view)));
        }
        self.run(doing, &statements)
    }

    /// The schemas of which many views move, and that are free to go.
    fn swapped(&self, moves: &Moves) -> Result<Swapped, WarehouseError> {
        let Some(swap) = self.0.caps().swap else { return Ok(Swapped::new()) };
        let mut moving: BTreeMap<&str, usize> = BTreeMap::new();
        let changed = moves.shown.iter().filter(|it| it.exists && !it.stays).map(|it| &it.view);
        changed.chain(&moves.gone).for_each(|view| *moving.entry(&view.schema).or_default() += 1);
        let many = moving.into_iter().filter(|(_, count)| *count > swap.above).map(|(schema, _)| schema);
        let mut swapped = Swapped::new();
        for schema in many {
            if self.is_free(moves, schema, swap)? {
                swapped.insert(schema.to_owned(), swap);
            }
        }
        Ok(swapped)
    }

    /// Whether there is nothing in a schema, or upon its views, that would not come along.
    fn is_free(&self, moves: &Moves, schema: &str, swap: Swap) -> Result<bool, WarehouseError> {
        let ours = moves.shown.iter().filter(|it| it.exists).map(|it| &it.view).chain(&moves.gone);
        let ours = ours.filter(|view| view.schema == schema).count();
        let all = self.0.contents(&BTreeSet::from([schema.to_owned()]))?.len();
        let is_free = self.all("looking at a schema", &(swap.is_free)(schema), |row| row.get::<bool>(0))?;
        Ok(all == ours && is_free == [true])
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
