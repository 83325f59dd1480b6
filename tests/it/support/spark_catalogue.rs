//! A copy of Spark's catalogue in memory, for tests that begin with the same one again and again.

use std::collections::BTreeMap;

use super::spark::{Server, Session};

/// What the schemas of a catalogue have, but for `default`.
pub(crate) struct Catalogue(BTreeMap<String, Schema>);

struct Schema {
    /// Each table as a query of its rows.
    tables: BTreeMap<String, String>,
    /// Each view's query.
    views: BTreeMap<String, String>,
}

impl Catalogue {
    /// What is there.
    pub(crate) fn of(server: &Server) -> Self {
        let session = Session::new();
        let schema = |name: String| {
            let views = views(server, &name);
            let tables = server.names("TABLES", &name).into_iter().filter(|table| !views.contains_key(table));
            let tables = tables.map(|table| (table.clone(), rows_of(&session, &format!("{name}.{table}")))).collect();
            (name, Schema { tables, views })
        };
        Self(schemas(&session).map(schema).collect())
    }

    /// Makes it what is there.
    pub(crate) fn put(&self, server: &Server) {
        let session = Session::new();
        for schema in schemas(&session).filter(|schema| !self.0.contains_key(schema)) {
            session.rows(&format!("DROP SCHEMA {schema} CASCADE"));
        }
        // what shows the rows comes behind them
        let physical_first = |(name, _): &(&String, &Schema)| (*name != "vmesh_snapshots", (*name).clone());
        let mut wanted: Vec<_> = self.0.iter().collect();
        wanted.sort_by_key(physical_first);
        for (name, schema) in wanted {
            session.rows(&format!("CREATE SCHEMA IF NOT EXISTS {name}"));
            let found = views(server, name);
            let mut tables = server.names("TABLES", name);
            tables.retain(|table| !found.contains_key(table));
            for view in found.keys().filter(|view| !schema.views.contains_key(*view)) {
                session.rows(&format!("DROP VIEW {name}.{view}"));
            }
            for table in tables.iter().filter(|table| !schema.tables.contains_key(*table)) {
                session.rows(&format!("DROP TABLE {name}.{table}"));
            }
            for (table, rows) in schema.tables.iter().filter(|(table, _)| !tables.contains(table)) {
                session.rows(&format!("CREATE TABLE {name}.{table} AS {rows}"));
            }
            for (view, query) in schema.views.iter().filter(|(view, query)| found.get(*view) != Some(query)) {
                session.rows(&format!("CREATE OR REPLACE VIEW {name}.{view} WITH SCHEMA EVOLUTION AS {query}"));
            }
        }
    }
}

fn schemas(session: &Session) -> impl Iterator<Item = String> + use<> {
    session.rows("SHOW SCHEMAS").concat().into_iter().filter(|schema| schema != "default")
}

fn views(server: &Server, schema: &str) -> BTreeMap<String, String> {
    let views = server.names("VIEWS", schema).into_iter();
    views.map(|view| (view.clone(), server.text_of(schema, &view))).collect()
}

/// A query that gives the rows of a table.
fn rows_of(session: &Session, table: &str) -> String {
    let (columns, rows) = session.described(&format!("SELECT * FROM {table}"));
    let value = |value: &String| format!("'{}'", value.replace('\'', "''"));
    let row = |row: &Vec<String>| format!("({})", row.iter().map(value).collect::<Vec<_>>().join(", "));
    let rows: Vec<String> = rows.iter().map(row).collect();
    let column = |(at, column): (usize, &Vec<String>)| format!("CAST(c{at} AS {}) AS {}", column[1], column[0]);
    let columns: Vec<String> = columns.iter().enumerate().map(column).collect();
    let names: Vec<String> = (0..columns.len()).map(|at| format!("c{at}")).collect();
    format!("SELECT {} FROM VALUES {} AS t({})", columns.join(", "), rows.join(", "), names.join(", "))
}
