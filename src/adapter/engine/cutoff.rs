//! A table that turns out to have the very rows of the one that it replaces becomes a clone of that.

use std::collections::BTreeSet;

use super::records::{Ledger, Row, SqlSession};
use super::{Ask, Build, Tables, WarehouseError};
use crate::domain::environment::{Alike, Column, PhysicalTable};
use crate::domain::name::TableName;

/// What two tables have in common.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    are_same: bool,
    /// Columns as far as which they are.
    alike: Vec<BTreeSet<String>>,
}

/// What an engine knows of its values.
pub(super) trait SameRows: SqlSession + Tables + Ask {
    /// What tells a column's values apart, as anyone could; none where nobody can say.
    fn told_apart_by(column: &Column) -> Option<Vec<String>>;

    /// A whole number made of some values, most often another one for other values.
    fn hash(values: &str) -> String;

    /// Whether the columns of two tables put their values in the same order: what is made of them depends on that.
    fn sort_alike(&self, _one: &TableName, _other: &TableName) -> Result<bool, WarehouseError> {
        Ok(true)
    }
}

/// Makes a table that was just built a clone of the one that it replaces, if that has the very rows, or takes down in
/// which columns they are the same; gives its record as it is then. A comparison that fails, for want of memory or time,
/// finds nothing.
pub(super) fn cut_off(
    session: &impl SameRows,
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
    let count = |table: &TableName| format!("(SELECT count(*) FROM {})", table.quoted());
    if !holds(session, &format!("SELECT {} = {}", count(one), count(other)))? {
        return Ok(found);
    }
    found.are_same = have_same_rows(session, one, other, None)?;
    for columns in taken.iter().filter(|_| !found.are_same) {
        if have_same_rows(session, one, other, Some(columns))? {
            found.alike.push(columns.clone());
        }
    }
    Ok(found)
}

/// Whether two tables have the same columns in the same order, and the same rows in any, as a multiset; or, of some columns in
/// whatever order, as far as these tell.
pub(super) fn have_same_rows<S: SameRows>(
    session: &S,
    one: &TableName,
    other: &TableName,
    of: Option<&BTreeSet<String>>,
) -> Result<bool, WarehouseError> {
    let columns = chosen(session.columns(one)?, of);
    if columns != chosen(session.columns(other)?, of) || of.is_some_and(|of| columns.len() != of.len()) {
        return Ok(false);
    }
    let Some(values) = columns.iter().map(S::told_apart_by).collect::<Option<Vec<_>>>() else { return Ok(false) };
    // of a table of which no column is taken, the rows count
    let values = if values.is_empty() { vec!["1".to_owned()] } else { values.concat() };
    Ok(session.sort_alike(one, other)?
        && holds(session, &have_same_hashes(&S::hash(&values.join(", ")), one, other))?
        && holds(session, &are_equal(&values, one, other))?)
}

fn holds(session: &impl SameRows, query: &str) -> Result<bool, WarehouseError> {
    let found = session.rows("comparing rows", query, None)?.rows.pop();
    found.map_or(Ok(false), |row| Row(row).get(0))
}

/// A query that finds most differences soon.
fn have_same_hashes(hash: &str, one: &TableName, other: &TableName) -> String {
    let told = |table: &TableName| format!("(SELECT count(*) AS n, sum({hash}) AS hashes FROM {})", table.quoted());
    format!(
        "SELECT one.n = other.n AND one.hashes IS NOT DISTINCT FROM other.hashes FROM {} AS one, {} AS other",
        told(one),
        told(other)
    )
}

/// A query that proves that there is none.
fn are_equal(values: &[String], one: &TableName, other: &TableName) -> String {
    let named: Vec<String> = values.iter().enumerate().map(|(at, value)| format!("{value} AS v{at}")).collect();
    let counted = |by: i8, table: &TableName| format!("SELECT {by} AS n, {} FROM {}", named.join(", "), table.quoted());
    let columns: Vec<String> = (0..values.len()).map(|at| format!("v{at}")).collect();
    format!(
        "SELECT NOT EXISTS (SELECT 1 FROM ({} UNION ALL {}) AS vmesh_rows GROUP BY {} HAVING sum(n) <> 0)",
        counted(1, one),
        counted(-1, other),
        columns.join(", ")
    )
}

/// Those of a table's columns that are of interest.
fn chosen(mut columns: Vec<Column>, of: Option<&BTreeSet<String>>) -> Vec<Column> {
    if let Some(of) = of {
        columns.iter_mut().for_each(|(name, _)| *name = name.to_lowercase());
        columns.retain(|(name, _)| of.contains(name));
        columns.sort();
    }
    columns
}
