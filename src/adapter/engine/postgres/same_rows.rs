//! Whether two tables have the same rows: as a multiset, in the same columns, text by text. Of PostgreSQL's own types that tells
//! values apart that nobody else could: `1.5` and `1.50`, `0` and `-0`, a month and 30 days.

use std::collections::BTreeSet;

use super::Database;
use crate::adapter::engine::cutoff::{SameRows, chosen};
use crate::adapter::engine::records::SqlSession;
use crate::adapter::engine::{Tables, WarehouseError};
use crate::domain::environment::Column;
use crate::domain::name::{TableName, literal, quote};

const DOING: &str = "comparing rows";

impl SameRows for Database {
    fn have_as_many_rows(&self, one: &TableName, other: &TableName) -> Result<bool, WarehouseError> {
        let count = |table: &TableName| format!("(SELECT count(*) FROM {})", table.quoted());
        self.holds(&format!("SELECT {} = {}", count(one), count(other)))
    }

    fn have_same_rows(
        &self,
        one: &TableName,
        other: &TableName,
        of: Option<&BTreeSet<String>>,
    ) -> Result<bool, WarehouseError> {
        let columns = chosen(self.columns(one)?, of);
        let are_plain = columns.iter().all(|(_, kind)| is_own(kind)) && self.sort_alike(one, other)?;
        if columns != chosen(self.columns(other)?, of) || of.is_some_and(|of| columns.len() != of.len()) || !are_plain {
            return Ok(false);
        }
        // of a table of which no column is taken, the rows count
        let values: Vec<String> = match columns.is_empty() {
            true => vec!["1".to_owned()],
            false => columns.iter().map(text).collect(),
        };
        Ok(self.holds(&have_same_hashes(&values, one, other))? && self.holds(&are_equal(&values, one, other))?)
    }
}

impl Database {
    /// Whether the columns of two tables are in the same order, or none: what is made of them depends on that.
    fn sort_alike(&self, one: &TableName, other: &TableName) -> Result<bool, WarehouseError> {
        let sorts = |table: &TableName| {
            format!(
                "SELECT lower(attname), attcollation FROM pg_attribute WHERE attrelid = to_regclass({}) AND attnum > 0 \
                 AND attcollation <> 0 AND NOT attisdropped",
                literal(&table.quoted())
            )
        };
        self.holds(&format!(
            "SELECT count(*) = 0 FROM (({0} EXCEPT {1}) UNION ALL ({1} EXCEPT {0})) AS odd",
            sorts(one),
            sorts(other)
        ))
    }

    fn holds(&self, query: &str) -> Result<bool, WarehouseError> {
        self.all(DOING, query)?.first().map_or(Ok(false), |row| row.get(0))
    }
}

/// Whether a type is PostgreSQL's own: what others print need not be all of a value; and of `bpchar`, blanks at the end are not.
fn is_own(kind: &str) -> bool {
    !kind.contains(['.', '"']) && !kind.starts_with("bpchar")
}

/// A column's values as text, told apart byte by byte.
fn text((name, _): &Column) -> String {
    format!("CAST({} AS text) COLLATE \"C\"", quote(name))
}

/// A query that finds most differences soon.
fn have_same_hashes(values: &[String], one: &TableName, other: &TableName) -> String {
    let row = format!("CAST(ROW({}) AS text) COLLATE \"C\"", values.join(", "));
    let told = |table: &TableName| {
        format!("(SELECT sum(CAST(hashtextextended({row}, 0) AS numeric)) AS hashes FROM {})", table.quoted())
    };
    format!("SELECT one.hashes IS NOT DISTINCT FROM other.hashes FROM {} AS one, {} AS other", told(one), told(other))
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
