//! vmesh's own statements in DuckDB: rows as text, rows put in by the appender, and what its catalogue says is there.

use std::collections::BTreeSet;

use duckdb::types::ValueRef;

use super::Database;
use crate::adapter::engine::WarehouseError;
use crate::adapter::engine::records::{
    Caps, Change, Ledger, PhysicalLayer, Relation, Row, SqlSession, Value, VirtualLayer, list,
};
use crate::domain::name::{SNAPSHOTS_SCHEMA, TableName};

impl SqlSession for Database {
    fn caps(&self) -> &Caps {
        &self.caps
    }

    fn run(&self, doing: &str, sql: &str) -> Result<(), WarehouseError> {
        Database::run(self, doing, sql)
    }

    fn all(&self, doing: &str, sql: &str) -> Result<Vec<Row>, WarehouseError> {
        Database::all(self, doing, sql, |row| {
            let count = row.as_ref().column_count();
            (0..count).map(|index| row.get_ref(index).map(text)).collect::<Result<_, _>>().map(Row)
        })
    }

    fn insert(&self, doing: &str, table: &str, rows: &[Vec<Value>]) -> Result<(), WarehouseError> {
        let failed = |error: duckdb::Error| self.failed(doing, &error);
        let mut appender = self.connection.appender_to_db(table, "vmesh_state").map_err(failed)?;
        for row in rows {
            appender.append_row(duckdb::appender_params_from_iter(row.iter().map(owned))).map_err(failed)?;
        }
        appender.flush().map_err(failed)
    }

    fn relations(
        &self,
        schemas: Option<&BTreeSet<String>>,
        names: Option<&BTreeSet<String>>,
    ) -> Result<Vec<Relation>, WarehouseError> {
        let among = |column: &str, texts: Option<&BTreeSet<String>>| match texts {
            Some(texts) => format!(" AND lower({column}) IN ({})", list(texts.iter().map(String::as_str))),
            None => String::new(),
        };
        let of = |kind: &str, sql: &str| {
            format!(
                "SELECT lower(schema_name), lower({kind}_name), {sql} FROM duckdb_{kind}s() \
                 WHERE database_name = current_database() AND NOT internal{}{}",
                among("schema_name", schemas),
                among(&format!("{kind}_name"), names)
            )
        };
        let sql = format!("{} UNION ALL {}", of("table", "NULL"), of("view", "sql"));
        let relations = Database::all(self, "reading what is there", &sql, |row| {
            let (schema, name, sql): (String, String, Option<String>) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(Relation {
                place: TableName { schema, name },
                is_view: sql.is_some(),
                shows: sql.as_deref().and_then(target),
                is_sqlmesh: sql.is_some_and(|sql| sql.contains("sqlmesh__")),
            })
        })?;
        Ok(relations)
    }

    fn contents(&self, schemas: &BTreeSet<String>) -> Result<Vec<String>, WarehouseError> {
        let schemas = list(schemas.iter().map(String::as_str));
        let place = "database_name = current_database()";
        let of = |kind: &str| {
            format!(
                "SELECT schema_name FROM duckdb_{kind}() WHERE {place} AND NOT internal AND schema_name IN ({schemas})"
            )
        };
        let all = ["tables", "views", "functions", "types"].map(of).join(" UNION ALL ");
        let sequences =
            format!("SELECT schema_name FROM duckdb_sequences() WHERE {place} AND schema_name IN ({schemas})");
        Database::all(self, "reading what is there", &format!("{all} UNION ALL {sequences}"), |row| row.get(0))
    }
}

impl VirtualLayer for Database {
    fn change_views(&self, doing: &str, changes: &[Change]) -> Result<(), WarehouseError> {
        Database::run(self, doing, &Ledger(self).at_once(changes))
    }
}

impl PhysicalLayer for Database {
    fn drop_physical(&self, doing: &str, kind: &str, tables: &[&TableName]) -> Result<(), WarehouseError> {
        let drop = |table: &&TableName| format!("DROP {kind} IF EXISTS {};\n", table.quoted());
        Database::run(self, doing, &tables.iter().map(drop).collect::<String>())
    }

    fn put_in_place(
        &self,
        doing: &str,
        kind: &str,
        table: &TableName,
        original: &TableName,
    ) -> Result<(), WarehouseError> {
        let (schemas, names) = (BTreeSet::from([table.schema.clone()]), BTreeSet::from([table.name.clone()]));
        if let Some(there) = self.relations(Some(&schemas), Some(&names))?.first() {
            self.drop_physical(doing, if there.is_view { "VIEW" } else { "TABLE" }, &[table])?;
        }
        let make = format!("CREATE {kind} {} AS SELECT * FROM {}", table.quoted(), original.quoted());
        Database::run(self, doing, &make)
    }
}

/// A value as text: of what vmesh's tables hold, and counts.
fn text(value: ValueRef<'_>) -> Option<String> {
    match value {
        ValueRef::Null => None,
        ValueRef::Text(text) => Some(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Boolean(flag) => Some(flag.to_string()),
        ValueRef::TinyInt(number) => Some(number.to_string()),
        ValueRef::SmallInt(number) => Some(number.to_string()),
        ValueRef::Int(number) => Some(number.to_string()),
        ValueRef::BigInt(number) => Some(number.to_string()),
        ValueRef::HugeInt(number) => Some(number.to_string()),
        ValueRef::UTinyInt(number) => Some(number.to_string()),
        ValueRef::USmallInt(number) => Some(number.to_string()),
        ValueRef::UInt(number) => Some(number.to_string()),
        ValueRef::UBigInt(number) => Some(number.to_string()),
        other => Some(format!("{other:?}")),
    }
}

fn owned(value: &Value) -> duckdb::types::Value {
    match value {
        Value::Text(text) => duckdb::types::Value::Text(text.clone()),
        Value::Number(number) => duckdb::types::Value::BigInt(*number),
        Value::Flag(flag) => duckdb::types::Value::Boolean(*flag),
        Value::Nothing => duckdb::types::Value::Null,
    }
}

/// The physical table that a view's definition shows, if the view is one of vmesh's: `SELECT * FROM` one table of the
/// physical layer, and nothing else.
fn target(definition: &str) -> Option<TableName> {
    let (_, name) = definition.split_once(&format!(" AS SELECT * FROM {SNAPSHOTS_SCHEMA}."))?;
    let name = name.trim_end_matches(';').trim();
    let name = name.strip_prefix('"').and_then(|name| name.strip_suffix('"')).unwrap_or(name);
    let plain = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    plain.then(|| TableName::physical(name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_views_that_show_one_physical_table_are_ours() {
        let name = |definition: &str| target(definition).map(|table| table.name);
        let ours = "CREATE VIEW prod.orders AS SELECT * FROM vmesh_snapshots.orders__0123456789ab;";
        assert_eq!(name(ours).as_deref(), Some("orders__0123456789ab"));
        let digit = "CREATE VIEW prod.\"2024\" AS SELECT * FROM vmesh_snapshots.\"2024__0123456789ab\";";
        assert_eq!(name(digit).as_deref(), Some("2024__0123456789ab"));
        for foreign in [
            "CREATE VIEW prod.orders AS SELECT * FROM raw.orders;",
            "CREATE VIEW prod.orders AS SELECT id FROM vmesh_snapshots.orders__0123456789ab;",
            "CREATE VIEW prod.orders AS SELECT * FROM vmesh_snapshots.orders__0123456789ab WHERE (id > 1);",
            "CREATE VIEW prod.orders AS SELECT * FROM vmesh_snapshots.a , vmesh_snapshots.b;",
        ] {
            assert_eq!(name(foreign), None, "{foreign}");
        }
    }
}
