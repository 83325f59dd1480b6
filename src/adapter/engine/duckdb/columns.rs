//! Tables whose columns change: what shows them is made anew.

use super::Database;
use crate::adapter::engine::records::Ledger;
use crate::adapter::engine::{Tables, WarehouseError};
use crate::domain::environment::{Column, PhysicalTable};
use crate::domain::model::{Comments, KindWord};
use crate::domain::name::{TableName, literal};

const DOING: &str = "showing a table's columns";

impl Database {
    /// Makes anew what shows a table whose columns changed, and views of models that read it, and puts the columns on
    /// record; gives them. Older clients of the same file refuse to read a view whose types are not those it was made with.
    pub(super) fn show_columns(&self, table: &TableName) -> Result<Vec<Column>, WarehouseError> {
        let columns = self.columns(table)?;
        let views = Ledger(self).views(None)?.into_iter().filter(|(_, shown)| shown == table).map(|(view, _)| view);
        self.renew(&views.collect::<Vec<_>>(), table, &columns)?;
        for snapshot in Ledger(self).tables("true")?.into_values() {
            let reads = snapshot.select.as_ref().filter(|select| select.contains(&table.quoted()));
            if snapshot.table == *table && snapshot.columns != columns {
                Ledger(self).record(&PhysicalTable { columns: columns.clone(), ..snapshot })?;
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
                ..Comments::default()
            };
            let has = |column: &str| columns.iter().any(|(name, _)| name.eq_ignore_ascii_case(column));
            statements.push_str(&Ledger(self).show(view, table));
            statements.push_str(&comments.statements(&Ledger(self).full(view), &has));
        }
        self.run(DOING, &statements)
    }
}
