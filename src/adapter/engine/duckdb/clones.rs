//! Shallow clones: a table that turned out to have the very rows of another is a view of it, until one of the two is filled
//! anew or goes. Then it gets rows of its own, in the same transaction, so that no environment ever shows rows of another
//! text.

use std::collections::BTreeSet;

use super::Database;
use crate::adapter::engine::{Build, WarehouseError};
use crate::domain::environment::{Alike, Contents, PhysicalTable};
use crate::domain::name::{TableName, literal};

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
        let Some(known) = self.on_record(&replaced.table)? else { return Ok(built) };
        let found = match self.compare(&built, &known, &replaced.taken) {
            Ok(found) => found,
            Err(WarehouseError::Interrupted) => return Err(WarehouseError::Interrupted),
            Err(_) => return Ok(built),
        };
        if found == Found::default() {
            return Ok(built);
        }
        self.transaction("making a clone", |warehouse| {
            let is_as_then =
                |then: &PhysicalTable| warehouse.on_record(&then.table).map(|now| now.as_ref() == Some(then));
            if !(is_as_then(&built)? && is_as_then(&known)?) {
                return Ok(built);
            }
            let (mut built, contents) = (built, known.contents());
            if found.are_same && warehouse.make_clone(&built.table, &contents)? {
                built.inputs.clone_of = Some(contents);
            } else {
                let alike = found.alike.into_iter().map(|columns| Alike { of: contents.clone(), columns });
                built.inputs.alike = alike.collect();
            }
            warehouse.record(&built)?;
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

    /// Makes a table a clone of another; `false` where that has other rows by now. To be called within a transaction.
    pub(super) fn make_clone(&self, table: &TableName, of: &Contents) -> Result<bool, WarehouseError> {
        let original = TableName::physical(of.0.clone());
        if self.on_record(&original)?.is_none_or(|original| original.contents() != *of) {
            return Ok(false);
        }
        self.make_room(table)?;
        // whoever fills the original at the same time writes its record as well: one of the two fails
        let touch = format!(
            "UPDATE vmesh_state.tables SET revision = revision WHERE table_name = {};\n",
            literal(&original.name)
        );
        let (table, original) = (table.quoted(), original.quoted());
        let make = format!("DROP TABLE IF EXISTS {table};\nCREATE VIEW {table} AS SELECT * FROM {original};\n");
        self.run("making a clone", &(touch + &make)).map(|()| true)
    }

    /// Beside what the rows of a clone were read that nobody builds for it: what the original was filled beside, for all that
    /// can be told long ago. None: what prod shows has the very rows.
    pub(super) fn beside_of_clone(&self, build: &Build, of: &Contents) -> Result<Option<Contents>, WarehouseError> {
        let Some(beside) = &build.beside else { return Ok(None) };
        if self.on_record(beside)?.is_some_and(|shown| shown.contents() == *of) {
            return Ok(None);
        }
        let original = self.on_record(&TableName::physical(of.0.clone()))?;
        Ok(original.and_then(|original| original.inputs.beside).or(Some((beside.name.clone(), 0))))
    }

    /// Makes room for other rows in a table's place: its clones get rows of their own, and if it is a clone itself, its
    /// view goes. To be called within a transaction.
    pub(super) fn make_room(&self, table: &TableName) -> Result<(), WarehouseError> {
        let doing = "detaching a clone";
        let clones = format!("contains(inputs, {})", literal(&format!("\"clone_of\":[\"{}\"", table.name)));
        for mut clone in self.tables(&clones)?.into_values() {
            let (name, rows) = (clone.table.quoted(), table.quoted());
            self.run(doing, &format!("DROP VIEW {name};\nCREATE TABLE {name} AS SELECT * FROM {rows};\n"))?;
            clone.inputs.clone_of = None;
            self.record(&clone)?;
        }
        let is_clone = self.on_record(table)?.is_some_and(|known| known.inputs.clone_of.is_some());
        if is_clone { self.run(doing, &format!("DROP VIEW IF EXISTS {}", table.quoted())) } else { Ok(()) }
    }

    fn on_record(&self, table: &TableName) -> Result<Option<PhysicalTable>, WarehouseError> {
        let condition = format!("table_name = {}", literal(&table.name));
        Ok(self.tables(&condition)?.into_values().next())
    }
}
