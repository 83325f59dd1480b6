//! A table that turns out to have the very rows of the one that it replaces becomes a clone of that.

use std::collections::BTreeSet;

use super::records::{Ledger, SqlSession};
use super::{Build, WarehouseError};
use crate::domain::environment::{Alike, Column, PhysicalTable};
use crate::domain::name::TableName;

/// What two tables have in common.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    are_same: bool,
    /// Columns as far as which they are.
    alike: Vec<BTreeSet<String>>,
}

/// Whether tables have the same rows, as an engine can tell.
pub(super) trait SameRows {
    /// Whether two tables have the same count of rows.
    fn have_as_many_rows(&self, one: &TableName, other: &TableName) -> Result<bool, WarehouseError>;

    /// Whether two tables have the same columns in the same order, and the same rows in any; or, of some columns in
    /// whatever order, as far as these tell.
    fn have_same_rows(
        &self,
        one: &TableName,
        other: &TableName,
        of: Option<&BTreeSet<String>>,
    ) -> Result<bool, WarehouseError>;
}

/// Makes a table that was just built a clone of the one that it replaces, if that has the very rows, or takes down in
/// which columns they are the same; gives its record as it is then. A comparison that fails, for want of memory or time,
/// finds nothing.
pub(super) fn cut_off(
    session: &(impl SqlSession + SameRows),
    build: &Build,
    built: PhysicalTable,
) -> Result<PhysicalTable, WarehouseError> {
    let Some(replaced) = &build.replaces else { return Ok(built) };
    let Some(known) = Ledger(session).on_record(&replaced.table)? else { return Ok(built) };
    let found = match compare(session, &built, &known, &replaced.taken) {
        Ok(found) => found,
        Err(WarehouseError::Interrupted) => return Err(WarehouseError::Interrupted),
        Err(_) => return Ok(built),
    };
    if found == Found::default() {
        return Ok(built);
    }
    Ledger(session).transaction("making a clone", |ledger| {
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
    session: &impl SameRows,
    built: &PhysicalTable,
    known: &PhysicalTable,
    taken: &BTreeSet<BTreeSet<String>>,
) -> Result<Found, WarehouseError> {
    let (one, other) = (&built.table, &known.table);
    let mut found = Found::default();
    if !session.have_as_many_rows(one, other)? {
        return Ok(found);
    }
    found.are_same = session.have_same_rows(one, other, None)?;
    for columns in taken.iter().filter(|_| !found.are_same) {
        if session.have_same_rows(one, other, Some(columns))? {
            found.alike.push(columns.clone());
        }
    }
    Ok(found)
}

/// Those of a table's columns that are of interest.
pub(super) fn chosen(mut columns: Vec<Column>, of: Option<&BTreeSet<String>>) -> Vec<Column> {
    if let Some(of) = of {
        columns.iter_mut().for_each(|(name, _)| *name = name.to_lowercase());
        columns.retain(|(name, _)| of.contains(name));
        columns.sort();
    }
    columns
}
