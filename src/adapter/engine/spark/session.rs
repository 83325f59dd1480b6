//! The two layers in Spark's catalogue, and the records elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::journal::Statement;
use super::{Database, attempts};
use crate::adapter::engine::WarehouseError;
use crate::adapter::engine::records::{
    Caps, Change, PhysicalLayer, Relation, Row, SqlSession, Value, VirtualLayer, list, values,
};
use crate::domain::name::{SNAPSHOTS_SCHEMA, TableName, literal, quote};

const DOING: &str = "reading what is there";

/// How long a view takes to move, before one did.
const PACE: Duration = Duration::from_millis(150);

impl SqlSession for Database {
    fn caps(&self) -> &Caps {
        &self.caps
    }

    fn run(&self, doing: &str, sql: &str) -> Result<(), WarehouseError> {
        if sql.starts_with("BEGIN") || sql == "ROLLBACK" {
            self.land();
        }
        self.records.run(doing, sql)
    }

    fn all(&self, doing: &str, sql: &str) -> Result<Vec<Row>, WarehouseError> {
        self.records.all(doing, sql)
    }

    fn insert(&self, doing: &str, table: &str, rows: &[Vec<Value>]) -> Result<(), WarehouseError> {
        self.records.insert(doing, table, rows)
    }

    fn relations(
        &self,
        schemas: Option<&BTreeSet<String>>,
        names: Option<&BTreeSet<String>>,
    ) -> Result<Vec<Relation>, WarehouseError> {
        let shown = self.shown()?;
        let known = || shown.keys().map(|view| view.schema.clone()).chain([SNAPSHOTS_SCHEMA.to_owned()]).collect();
        let schemas: BTreeSet<String> = schemas.map_or_else(known, BTreeSet::clone);
        let mut relations = Vec::new();
        for schema in &schemas {
            let all = self.names("TABLES", schema)?;
            let is_ours = |name: &String| {
                *schema != SNAPSHOTS_SCHEMA
                    && shown.contains_key(&TableName { schema: schema.clone(), name: name.clone() })
            };
            // what is ours is known; the rest is asked about
            let views = if all.iter().all(is_ours) { all.clone() } else { self.names("VIEWS", schema)? };
            let attempts = if schema == SNAPSHOTS_SCHEMA { self.attempts()? } else { BTreeSet::new() };
            let wanted = |name: &&String| names.is_none_or(|names| names.contains(*name)) && !attempts.contains(*name);
            relations.extend(all.iter().filter(wanted).map(|name| {
                let place = TableName { schema: schema.clone(), name: name.clone() };
                let shows = shown.get(&place).cloned();
                Relation { is_view: views.contains(name), shows, is_sqlmesh: false, place }
            }));
        }
        Ok(relations)
    }

    fn contents(&self, schemas: &BTreeSet<String>) -> Result<Vec<String>, WarehouseError> {
        let mut contents = Vec::new();
        for schema in schemas {
            contents.extend(self.names("TABLES", schema)?.into_iter().map(|_| schema.clone()));
        }
        Ok(contents)
    }
}

impl VirtualLayer for Database {
    fn change_views(&self, doing: &str, changes: &[Change]) -> Result<(), WarehouseError> {
        let known = self.shown()?;
        let (mut statements, mut records, mut shown): (Vec<Statement>, _, _) = (Vec::new(), String::new(), Vec::new());
        let mut forget = |condition: String| {
            records.push_str(&format!("DELETE FROM vmesh_state.spark_views WHERE {condition};\n"));
        };
        let of = |schema: &str| format!("schema_name = {}", literal(schema));
        let is = |view: &TableName| format!("{} AND view_name = {}", of(&view.schema), literal(&view.name));
        for change in changes {
            match change {
                Change::Swap(_) => {}
                Change::Schema(schema) => {
                    let name = quote(schema);
                    let create = format!("CREATE SCHEMA IF NOT EXISTS {name}");
                    statements.push(Statement::plain(name, create));
                }
                Change::Show { view, table, .. } => {
                    let (name, table_name) = (view.quoted(), table.quoted());
                    statements.push(match known.contains_key(view) {
                        true => attempts::move_to(&name, &format!("SELECT * FROM {table_name}")),
                        false => Statement::plain(name.clone(), attempts::show(&name, &table_name)),
                    });
                    forget(is(view));
                    let row: [Value; 3] =
                        [view.schema.as_str().into(), view.name.as_str().into(), table.name.as_str().into()];
                    shown.push(row.to_vec());
                }
                Change::Drop(view) => {
                    let drop = format!("DROP VIEW IF EXISTS {}", view.quoted());
                    statements.push(Statement::plain(view.quoted(), drop));
                    forget(is(view));
                }
                Change::DropSchema(schema) => {
                    let drop = format!("DROP SCHEMA IF EXISTS {} CASCADE", quote(schema));
                    statements.push(Statement::plain(quote(schema), drop));
                    forget(of(schema));
                }
            }
        }
        if !shown.is_empty() {
            records.push_str(&format!("INSERT INTO vmesh_state.spark_views VALUES {};\n", values(&shown)));
        }
        if !records.is_empty() {
            self.records.run(doing, &records)?;
        }
        self.put_off(statements)
    }

    fn pace(&self) -> Result<Option<Duration>, WarehouseError> {
        let known = self.records.all(DOING, "SELECT max(milliseconds) FROM vmesh_state.spark_pace")?;
        let known: Option<u64> = known.first().map_or(Ok(None), |row| row.get(0))?;
        Ok(Some(known.map_or(PACE, Duration::from_millis)))
    }

    fn settle(&self) -> Result<(), WarehouseError> {
        self.land();
        self.carry_out()?;
        self.drop_free()
    }
}

impl PhysicalLayer for Database {
    fn drop_physical(&self, doing: &str, kind: &str, tables: &[&TableName]) -> Result<(), WarehouseError> {
        if tables.is_empty() {
            return Ok(());
        }
        let names = list(tables.iter().map(|table| table.name.as_str()));
        // their rows go with the last table that has them
        self.records.run(doing, &format!("DELETE FROM vmesh_state.spark_tables WHERE table_name IN ({names})"))?;
        let drop =
            |table: &&TableName| Statement::plain(table.quoted(), format!("DROP {kind} IF EXISTS {}", table.quoted()));
        self.put_off(tables.iter().map(drop).collect())
    }

    fn put_in_place(
        &self,
        doing: &str,
        _kind: &str,
        table: &TableName,
        original: &TableName,
    ) -> Result<(), WarehouseError> {
        match self.content(original)? {
            Some(content) => self.has_rows(table, &content, false),
            None => Err(WarehouseError::Engine {
                doing: doing.to_owned(),
                message: super::error::said(&format!("the rows of {original} are not on record")),
            }),
        }
    }
}

impl Database {
    /// The tables that environments' views show, as they shall be.
    fn shown(&self) -> Result<BTreeMap<TableName, TableName>, WarehouseError> {
        let rows = self.records.all(DOING, "SELECT schema_name, view_name, table_name FROM vmesh_state.spark_views")?;
        let read =
            |row: &Row| Ok((TableName { schema: row.get(0)?, name: row.get(1)? }, TableName::physical(row.get(2)?)));
        rows.iter().map(read).collect()
    }

    /// The names of all attempts.
    fn attempts(&self) -> Result<BTreeSet<String>, WarehouseError> {
        self.records
            .all(DOING, "SELECT attempt FROM vmesh_state.spark_attempts")?
            .iter()
            .map(|row| row.get(0))
            .collect()
    }

    /// The names of the tables and views of a schema, or of its views alone; none where there is no such schema.
    fn names(&self, what: &str, schema: &str) -> Result<BTreeSet<String>, WarehouseError> {
        let rows = match self.server()?.rows(DOING, &format!("SHOW {what} IN {}", quote(schema))) {
            Err(WarehouseError::Engine { message, .. }) if message.contains("SCHEMA_NOT_FOUND") => Vec::new(),
            rows => rows?,
        };
        // the schema, the name, and whether it is of the session alone
        Ok(rows.into_iter().filter_map(|row| row.into_iter().nth(1)?).collect())
    }
}
