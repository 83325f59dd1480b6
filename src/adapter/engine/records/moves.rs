//! Making an environment's views show what a publication says: each in its place, or, where an engine would keep readers
//! waiting meanwhile, in a schema that is made beside the one that is there and then takes its name.

use std::collections::{BTreeMap, BTreeSet};

use super::{Change, Ledger, Others, Swap};
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
    /// The statements that say who may read it.
    pub(super) readers: Box<dyn Fn(&str) -> String>,
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

impl Moves {
    /// The views that are there now.
    fn there(&self) -> impl Iterator<Item = &TableName> {
        self.shown.iter().filter(|it| it.exists).map(|it| &it.view).chain(&self.gone)
    }
}

/// The schemas whose place another one takes.
#[derive(Default)]
pub(super) struct Swapped {
    schemas: BTreeMap<String, Swap>,
    /// The moment at which they were looked at.
    moment: Vec<String>,
}

impl Swapped {
    fn has(&self, view: &TableName) -> bool {
        self.schemas.contains_key(&view.schema)
    }
}

impl Ledger<'_> {
    /// Makes what nobody sees yet: the schemas that will take the place of others. To be called within the publication's
    /// transaction.
    pub(super) fn prepare(&self, doing: &str, moves: &Moves) -> Result<Swapped, WarehouseError> {
        let swapped = self.swapped(moves)?;
        for (schema, swap) in &swapped.schemas {
            let beside = beside(schema);
            let mut make = format!("CREATE SCHEMA {};\n", self.schema(&beside));
            for it in moves.shown.iter().filter(|it| it.view.schema == *schema) {
                let view = TableName { schema: beside.clone(), name: it.view.name.clone() };
                make.push_str(&format!("CREATE VIEW {} AS SELECT * FROM {};\n", self.full(&view), it.table.quoted()));
                make.push_str(&(it.comments)(&self.full(&view)));
            }
            make.push_str(&self.rights(moves, schema, *swap));
            self.run(doing, &make)?;
        }
        // the engine finds again what it has locked once, in half of the time
        self.keep_off(doing, moves.there().filter(|view| swapped.has(view)), Others::Changing)?;
        Ok(swapped)
    }

    fn keep_off<'m>(
        &self,
        doing: &str,
        views: impl Iterator<Item = &'m TableName>,
        others: Others,
    ) -> Result<(), WarehouseError> {
        let views: Vec<String> = views.map(|view| self.full(view)).collect();
        if views.is_empty() { Ok(()) } else { self.run(doing, &(self.0.caps().lock)(&views, others)) }
    }

    /// Carries out what a publication changes. Readers wait from here on to the end of the transaction: it is the last that is
    /// done in it.
    pub(super) fn finish(&self, doing: &str, moves: &Moves, swapped: &Swapped) -> Result<(), WarehouseError> {
        let changed: Vec<&Move> = moves.shown.iter().filter(|it| !it.stays && !swapped.has(&it.view)).collect();
        let gone: Vec<&TableName> = moves.gone.iter().filter(|view| !swapped.has(view)).collect();
        // of a schema that goes, who has read one view finds the others as they were, until the transaction ends
        let there = changed.iter().filter(|it| it.exists).map(|it| &it.view).chain(gone.iter().copied());
        let of_swapped = moves.there().filter(|view| swapped.has(view));
        self.keep_off(doing, there.chain(of_swapped), Others::Reading)?;
        let mut swaps = self.look_again(moves, swapped)?;
        for schema in swapped.schemas.keys() {
            let (old, next) = (gone_name(schema), beside(schema));
            swaps.push_str(&format!("ALTER SCHEMA {} RENAME TO {};\n", self.schema(schema), quote(&old)));
            swaps.push_str(&format!("ALTER SCHEMA {} RENAME TO {};\n", self.schema(&next), quote(schema)));
        }
        let schemas: BTreeSet<&str> = changed.iter().map(|it| it.view.schema.as_str()).collect();
        let show = |it: &&Move| {
            let name = self.full(&it.view);
            let besides = (it.comments)(&name) + &(it.readers)(&name);
            Change::Show { view: it.view.clone(), table: it.table.clone(), besides }
        };
        let mut changes = vec![Change::Swap(swaps)];
        changes.extend(schemas.into_iter().map(|schema| Change::Schema(schema.to_owned())));
        changes.extend(changed.iter().map(show));
        changes.extend(gone.into_iter().cloned().map(Change::Drop));
        self.0.change_views(doing, &changes)
    }

    /// Fails where a schema is not free to go any more; gives the statements that catch up with what was granted meanwhile.
    /// Readers wait for it: where nobody has written anything since it was looked at, nothing is looked at again.
    fn look_again(&self, moves: &Moves, swapped: &Swapped) -> Result<String, WarehouseError> {
        let mut statements = String::new();
        let Some(swap) = swapped.schemas.values().next() else { return Ok(statements) };
        if self.moment(*swap)? == swapped.moment {
            return Ok(statements);
        }
        for (schema, swap) in &swapped.schemas {
            if !self.is_free(moves, schema, *swap)? {
                // somebody was quicker: the next try leaves the schema where it is
                return Err(WarehouseError::Locked { path: schema.into(), holder: None, waited: 0, reading: false });
            }
            statements.push_str(&self.rights(moves, schema, *swap));
        }
        Ok(statements)
    }

    /// The statements by which what stands beside a schema has its rights, but for those that models say themselves.
    fn rights(&self, moves: &Moves, schema: &str, swap: Swap) -> String {
        let beside = beside(schema);
        let mut statements = (swap.copy)(schema, &beside);
        for it in moves.shown.iter().filter(|it| it.view.schema == schema) {
            let view = TableName { schema: beside.clone(), name: it.view.name.clone() };
            statements.push_str(&(it.readers)(&self.full(&view)));
        }
        statements
    }

    fn moment(&self, swap: Swap) -> Result<Vec<String>, WarehouseError> {
        self.all("looking at the time", swap.moment, |row| row.get::<String>(0))
    }

    /// The schemas of which many views move, and that are free to go.
    fn swapped(&self, moves: &Moves) -> Result<Swapped, WarehouseError> {
        let Some(swap) = self.0.caps().swap else { return Ok(Swapped::default()) };
        let mut moving: BTreeMap<&str, usize> = BTreeMap::new();
        let changed = moves.shown.iter().filter(|it| it.exists && !it.stays).map(|it| &it.view);
        changed.chain(&moves.gone).for_each(|view| *moving.entry(&view.schema).or_default() += 1);
        let many = moving.into_iter().filter(|(_, count)| *count > swap.above).map(|(schema, _)| schema);
        let many: Vec<&str> = many.collect();
        if many.is_empty() {
            return Ok(Swapped::default());
        }
        let mut swapped = Swapped { moment: self.moment(swap)?, schemas: BTreeMap::new() };
        for schema in many {
            if self.is_free(moves, schema, swap)? {
                swapped.schemas.insert(schema.to_owned(), swap);
            }
        }
        Ok(swapped)
    }

    /// Whether there is nothing in a schema, or upon its views, that would not come along.
    fn is_free(&self, moves: &Moves, schema: &str, swap: Swap) -> Result<bool, WarehouseError> {
        let ours = moves.there().filter(|view| view.schema == schema).count();
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
