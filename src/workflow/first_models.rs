//! First models over the tables of a warehouse that was there before vmesh.

use std::collections::{BTreeMap, BTreeSet};

use super::error::{Error, io};
use super::external_models::columns;
use super::session::Session;
use crate::adapter::text_file;
use crate::domain::name::{SNAPSHOTS_SCHEMA, STATE_SCHEMA};
use crate::domain::sql;

/// Of more tables, nobody wants a file each.
const MOST: usize = 100;

/// Schemas for the models, the first of which that the warehouse hasn't is theirs.
const SCHEMAS: [&str; 3] = ["staging", "stg", "models"];

impl Session<'_> {
    /// Writes a view over each table of the warehouse that no model makes, with all its columns, and what these tables
    /// are; gives the files. Those that exist stay as they are.
    pub fn write_first_models(&self) -> Result<Vec<String>, Error> {
        let (Some(folder), models) = (self.home(), &self.config.models) else { return Ok(Vec::new()) };
        let warehouse = self.write_warehouse()?;
        let tables = warehouse.rows(
            "reading tables",
            &format!(
                "SELECT schema_name, table_name FROM duckdb_tables() WHERE NOT internal AND NOT temporary \
                 AND database_name = current_database() AND schema_name NOT IN ('{STATE_SCHEMA}', '{SNAPSHOTS_SCHEMA}') \
                 ORDER BY ALL"
            ),
            Some(MOST),
        )?;
        let tables: Vec<(String, String)> =
            tables.rows.into_iter().filter_map(|row| Some((row.first()?.clone()?, row.get(1)?.clone()?))).collect();
        let taken: BTreeSet<&str> = tables.iter().map(|(schema, _)| schema.as_str()).collect();
        let schema = SCHEMAS.iter().find(|schema| !taken.contains(*schema)).unwrap_or(&SCHEMAS[0]);
        let mut named: BTreeMap<String, usize> = BTreeMap::new();
        tables.iter().for_each(|(_, table)| *named.entry(plain(table)).or_default() += 1);
        let mut written = Vec::new();
        for (of, table) in &tables {
            let Some(columns) = columns(&*warehouse, &[of.clone(), table.clone()])? else { continue };
            let name = match named.get(&plain(table)) {
                Some(1) => plain(table),
                _ => format!("{}__{}", plain(of), plain(table)),
            };
            let path = format!("{models}/{schema}/{name}.sql");
            let file = folder.join(&path);
            if file.exists() {
                continue;
            }
            if let Some(parent) = file.parent() {
                text_file::make_folder(parent).map_err(io("create", parent))?;
            }
            let text = model(&format!("{schema}.{name}"), &[of, table], &columns);
            text_file::write(&file, &text).map_err(io("write", &file))?;
            written.push(path);
        }
        Ok(written)
    }
}

/// A model over a table: all its columns, to be renamed and cast.
fn model(name: &str, table: &[&String; 2], columns: &[(String, String)]) -> String {
    let table = table.map(|part| sql::identifier(part)).join(".");
    let listed: Vec<String> = columns.iter().map(|(name, _)| format!("  {}", sql::identifier(name))).collect();
    format!(
        "-- All that {table} has. Rename and cast here, and read this model everywhere else.\n\
         MODEL (\n  name {name},\n  kind VIEW\n);\n\nSELECT\n{}\nFROM {table}\n",
        listed.join(",\n")
    )
}

/// A name for a file and a model: lower case, and what is no letter or digit is an underscore.
fn plain(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    let name: String = name.chars().map(plain).collect();
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("t_{name}") } else { name }
}
