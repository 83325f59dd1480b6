//! The comments of views: on record by their hash, and put on again whenever a view is made anew.

use std::collections::{BTreeMap, BTreeSet};

use super::Database;
use super::publish::view_statement;
use crate::adapter::engine::{Publication, Tables, WarehouseError};
use crate::domain::environment::{Column, PhysicalTable};
use crate::domain::model::{Comments, KindWord};
use crate::domain::name::{TableName, literal};

const DOING: &str = "commenting views";

/// The columns of tables of the physical layer, in lower case.
pub(super) struct Columns(BTreeMap<String, BTreeSet<String>>);

impl Columns {
    /// Whether a table has a column.
    pub(super) fn has(&self, table: &str, column: &str) -> bool {
        self.0.get(table).is_some_and(|columns| columns.contains(&column.to_lowercase()))
    }
}

impl Database {
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
        self.run(DOING, &format!("INSERT OR IGNORE INTO vmesh_state.comments VALUES {rows}"))
    }

    /// The columns of the tables whose views a publication comments.
    pub(super) fn commented_columns(&self, publication: &Publication<'_>) -> Result<Columns, WarehouseError> {
        if publication.comments.values().all(|comments| comments.columns.is_empty()) {
            return Ok(Columns(BTreeMap::new()));
        }
        let sql = "SELECT table_name, columns FROM vmesh_state.tables";
        let rows = self.all(DOING, sql, |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
        let columns = rows.into_iter().map(|(table, columns)| {
            let columns: Vec<Column> = serde_json::from_str(&columns).unwrap_or_default();
            (table, columns.into_iter().map(|(name, _)| name.to_lowercase()).collect())
        });
        Ok(Columns(columns.collect()))
    }

    /// Makes anew what shows a table whose columns changed, and views of models that read it, and puts the columns on
    /// record; gives them. Older clients of the same file refuse to read a view whose types are not those it was made with.
    pub(super) fn show_columns(&self, table: &TableName) -> Result<Vec<Column>, WarehouseError> {
        let columns = self.columns(table)?;
        let views = self.views(None)?.into_iter().filter(|(_, shown)| shown == table).map(|(view, _)| view);
        self.renew(&views.collect::<Vec<_>>(), table, &columns)?;
        for snapshot in self.tables("true")?.into_values() {
            let reads = snapshot.select.as_ref().filter(|select| select.contains(&table.quoted()));
            if snapshot.table == *table && snapshot.columns != columns {
                self.record(&PhysicalTable { columns: columns.clone(), ..snapshot })?;
            } else if let Some(select) = reads.filter(|_| snapshot.kind == KindWord::View && snapshot.table != *table) {
                let view = snapshot.table.quoted();
                self.run_one(DOING, &format!("CREATE OR REPLACE VIEW {view} AS\n{select}"))?;
                self.show_columns(&snapshot.table)?;
            }
        }
        Ok(columns)
    }

    /// Makes views of a table anew, because its columns changed, with the comments that they have.
    fn renew(&self, views: &[TableName], table: &TableName, columns: &[Column]) -> Result<(), WarehouseError> {
        let catalog = self.catalog()?;
        let mut statements = String::new();
        for view in views {
            let place = format!("database_name = current_database() AND schema_name = {}", literal(&view.schema));
            let name = literal(&view.name);
            let sql = format!(
                "SELECT '', comment FROM duckdb_views() WHERE {place} AND view_name = {name} AND comment IS NOT NULL \
                 UNION ALL SELECT column_name, comment FROM duckdb_columns() \
                 WHERE {place} AND table_name = {name} AND comment IS NOT NULL"
            );
            let found = self.all(DOING, &sql, |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
            let (of_view, of_columns): (Vec<_>, Vec<_>) = found.into_iter().partition(|(column, _)| column.is_empty());
            let comments = Comments {
                view: of_view.into_iter().next().map(|(_, text)| text),
                columns: of_columns.into_iter().collect(),
                required: BTreeSet::new(),
            };
            let has = |column: &str| columns.iter().any(|(name, _)| name.eq_ignore_ascii_case(column));
            statements.push_str(&view_statement(&catalog, view, table));
            statements.push_str(&comments.statements(&catalog, view, &has));
        }
        self.run(DOING, &statements)
    }
}
