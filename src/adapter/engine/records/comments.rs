//! The comments of views: on record by their hash, and put on again whenever a view is made anew.

use std::collections::{BTreeMap, BTreeSet};

use super::Ledger;
use crate::adapter::engine::{Publication, WarehouseError};
use crate::domain::environment::Column;
use crate::domain::model::Comments;
use crate::domain::name::literal;

const DOING: &str = "commenting views";

/// The columns of tables of the physical layer, in lower case.
pub(super) struct Columns(BTreeMap<String, BTreeSet<String>>);

impl Columns {
    /// Whether a table has a column.
    pub(super) fn has(&self, table: &str, column: &str) -> bool {
        self.0.get(table).is_some_and(|columns| columns.contains(&column.to_lowercase()))
    }
}

impl Ledger<'_> {
    /// Puts a publication's comments on record.
    pub(super) fn write_comments(&self, publication: &Publication<'_>) -> Result<(), WarehouseError> {
        let row = |comments: &Comments| {
            let content = serde_json::to_string(comments).unwrap_or_default();
            Some(format!("({}, {})", literal(&comments.hash()?), literal(&content)))
        };
        let rows: BTreeSet<String> = publication.comments.values().filter_map(row).collect();
        if rows.is_empty() {
            return Ok(());
        }
        let rows = rows.into_iter().collect::<Vec<_>>().join(", ");
        self.run(DOING, &format!("INSERT INTO vmesh_state.comments VALUES {rows} ON CONFLICT DO NOTHING"))
    }

    /// The columns of the tables whose views a publication comments.
    pub(super) fn commented_columns(&self, publication: &Publication<'_>) -> Result<Columns, WarehouseError> {
        if publication.comments.values().all(|comments| comments.columns.is_empty()) {
            return Ok(Columns(BTreeMap::new()));
        }
        let sql = "SELECT table_name, columns FROM vmesh_state.tables";
        let rows = self.all(DOING, sql, |row| Ok((row.get::<String>(0)?, row.get::<String>(1)?)))?;
        let columns = rows.into_iter().map(|(table, columns)| {
            let columns: Vec<Column> = serde_json::from_str(&columns).unwrap_or_default();
            (table, columns.into_iter().map(|(name, _)| name.to_lowercase()).collect())
        });
        Ok(Columns(columns.collect()))
    }
}
