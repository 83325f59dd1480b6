//! A table that turns out to have the very rows of the one that it replaces becomes a clone of that.

use std::collections::BTreeSet;

use super::Database;
use crate::adapter::engine::records::Ledger;
use crate::adapter::engine::{Build, WarehouseError};
use crate::domain::environment::{Alike, PhysicalTable};

/// What two tables have in common.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    are_same: bool,
    /// Columns as far as which they are.
    alike: Vec<BTreeSet<String>>,
}

impl Database {
    /// Makes a table that was just built a clone of the one that it replaces, if that has the very rows, or takes down in
    /// which columns they are the same; gives its record as it is then. A comparison that fails, for want of memory or time,
    /// finds nothing.
    pub(super) fn cut_off(&self, build: &Build, built: PhysicalTable) -> Result<PhysicalTable, WarehouseError> {
        let Some(replaced) = &build.replaces else { return Ok(built) };
        let Some(known) = Ledger(self).on_record(&replaced.table)? else { return Ok(built) };
        let found = match self.compare(&built, &known, &replaced.taken) {
            Ok(found) => found,
            Err(WarehouseError::Interrupted) => return Err(WarehouseError::Interrupted),
            Err(_) => return Ok(built),
        };
        if found == Found::default() {
            return Ok(built);
        }
        Ledger(self).transaction("making a clone", |ledger| {
            let is_as_then = |then: &PhysicalTable| ledger.on_record(&then.table).map(|now| now.as_ref() == Some(then));
            if !(is_as_then(&built)? && is_as_then(&known)?) {
                return Ok(built);
            }
            let (mut built, contents) = (built, known.contents());
            if found.are_same && ledger.make_clone(&built.table, &contents)? {
                built.inputs.clone_of = Some(contents);
            } else {
                let alike = found.alike.into_iter().map(|columns| Alike { of: contents.clone(), columns });
                built.inputs.alike = alike.collect();
            }
            ledger.record(&built)?;
            Ok(built)
        })
    }

    fn compare(
        &self,
        built: &PhysicalTable,
        known: &PhysicalTable,
        taken: &BTreeSet<BTreeSet<String>>,
    ) -> Result<Found, WarehouseError> {
        let (one, other) = (&built.table, &known.table);
        let mut found = Found::default();
        if !self.have_as_many_rows(one, other)? {
            return Ok(found);
        }
        found.are_same = self.have_same_rows(one, other, None)?;
        for columns in taken.iter().filter(|_| !found.are_same) {
            if self.have_same_rows(one, other, Some(columns))? {
                found.alike.push(columns.clone());
            }
        }
        Ok(found)
    }
}
