//! First models over the tables of a warehouse that was there before vmesh.

use std::collections::BTreeSet;

use super::error::{Error, io};
use super::external_models::columns;
use super::session::Session;
use crate::adapter::engine::Warehouse;
use crate::adapter::text_file;
use crate::domain::environment::Scope;
use crate::domain::name::reserved_schema;
use crate::domain::sql;

/// Of more tables, nobody wants a file each.
const MOST: usize = 1_000;

/// Schemas for the models, the first of which that the warehouse hasn't is theirs.
const SCHEMAS: [&str; 4] = ["staging", "stg", "models", "first"];

/// What was written.
#[derive(Debug, Default)]
pub struct FirstModels {
    /// How many models.
    pub written: usize,
    /// Tables that a model's query can't name, or that are too many.
    pub left_out: Vec<String>,
}

impl Session<'_> {
    /// Writes a view over each table of the warehouse that is the user's, with all its columns, and adds the files' paths to
    /// `files`. Those that exist stay as they are.
    pub fn write_first_models(&self, files: &mut Vec<String>) -> Result<FirstModels, Error> {
        let (Some(folder), models) = (&self.folder, &self.config.models) else { return Ok(FirstModels::default()) };
        let warehouse = self.write_warehouse()?;
        if !warehouse.state(&Scope::Pointers)?.environments.is_empty() {
            return Err(Error::Usage {
                what: format!("{} is the warehouse of another vmesh project", self.location.path.display()),
                help: "clone that project, or let this one read the file: [sources.attach] in vmesh.toml".to_owned(),
            });
        }
        let (tables, schemas) = of_user(&*warehouse)?;
        let schema = SCHEMAS.iter().find(|schema| !schemas.contains(**schema)).unwrap_or(&SCHEMAS[0]);
        let (mut first, mut names) = (FirstModels::default(), BTreeSet::new());
        for table in tables {
            let told = table.join(".").replace(char::is_control, "?");
            let found = match is_named(&table) && first.written < MOST {
                true => columns(&*warehouse, &table)?,
                false => None,
            };
            let Some(columns) = found else {
                first.left_out.push(told);
                continue;
            };
            let name = free_name(&mut names, &table);
            let path = format!("{models}/{schema}/{name}.sql");
            let file = folder.join(&path);
            if file.exists() {
                continue;
            }
            if let Some(parent) = file.parent() {
                text_file::make_folder(parent).map_err(io("create", parent))?;
            }
            files.push(path);
            let text = model(&format!("{schema}.{name}"), &table, &columns);
            text_file::write(&file, &text).map_err(io("write", &file))?;
            first.written += 1;
        }
        Ok(first)
    }
}

/// The tables that are the user's, by schema and name, and all schemas.
fn of_user(warehouse: &dyn Warehouse) -> Result<(Vec<Vec<String>>, BTreeSet<String>), Error> {
    let cells = |sql: &str| -> Result<Vec<Vec<String>>, Error> {
        let rows = warehouse.rows("reading tables", sql, None)?.rows;
        Ok(rows.into_iter().map(|row| row.into_iter().flatten().collect()).collect())
    };
    let here = "NOT internal AND database_name = current_database()";
    let schemas = cells(&format!("SELECT schema_name FROM duckdb_schemas() WHERE {here}"))?;
    let sql =
        format!("SELECT schema_name, table_name FROM duckdb_tables() WHERE NOT temporary AND {here} ORDER BY ALL");
    let mut tables = cells(&sql)?;
    tables.retain(|table| table.first().is_some_and(|schema| reserved_schema(&schema.to_lowercase(), &[]).is_none()));
    Ok((tables, schemas.into_iter().flatten().map(|schema| schema.to_lowercase()).collect()))
}

/// Whether a query can name a table: some names are taken for those of files.
fn is_named(table: &[String]) -> bool {
    table.iter().all(|part| !part.contains(['/', '\\', '.', '*', '?', '[']) && !part.contains(char::is_control))
}

/// A name for a model and its file that no other has.
fn free_name(names: &mut BTreeSet<String>, table: &[String]) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    let name: String = table.last().map(|name| name.chars().map(plain).collect()).unwrap_or_default();
    let name = match name.starts_with(|c: char| c.is_ascii_lowercase()) {
        true => name,
        false => format!("t_{}", name.trim_start_matches('_')),
    };
    let numbered = (2..).map(|number| format!("{name}_{number}"));
    let free = std::iter::once(name.clone()).chain(numbered).find(|name| !names.contains(name));
    let free = free.unwrap_or(name);
    names.insert(free.clone());
    free
}

/// A model over a table: all its columns, to be renamed and cast.
fn model(name: &str, table: &[String], columns: &[(String, String)]) -> String {
    let table = table.iter().map(|part| sql::identifier(part)).collect::<Vec<_>>().join(".");
    let listed: Vec<String> = columns.iter().map(|(name, _)| format!("  {}", sql::identifier(name))).collect();
    format!(
        "-- All that {table} has. Rename and cast here, and read this model everywhere else.\n\
         MODEL (\n  name {name},\n  kind VIEW\n);\n\nSELECT\n{}\nFROM {table}\n",
        listed.join(",\n")
    )
}
