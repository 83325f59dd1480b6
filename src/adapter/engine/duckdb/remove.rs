//! Removing environments: their views, the schemas that are empty then, and their records. The tables stay until gc.

use std::collections::{BTreeMap, BTreeSet};

use super::Database;
use super::state::list;
use crate::adapter::engine::{WarehouseError, WrongRows};
use crate::domain::name::{EnvName, ModelName, SchemaPattern, TableName, quote};

const DOING: &str = "removing environments";

impl Database {
    /// Removes those of the environments that are still at the generation given with them; gives them. To be called within
    /// a transaction.
    pub(super) fn remove(
        &self,
        environments: &[(EnvName, u64)],
        pattern: SchemaPattern,
    ) -> Result<Vec<EnvName>, WarehouseError> {
        let there = self.all(DOING, "SELECT name, generation FROM vmesh_state.environments", |row| {
            Ok((EnvName::from_record(row.get(0)?), row.get(1)?))
        })?;
        let removed: Vec<EnvName> =
            environments.iter().filter(|it| there.contains(it)).map(|(name, _)| name.clone()).collect();
        if removed.is_empty() {
            return Ok(removed);
        }
        let names = list(removed.iter().map(EnvName::as_str));
        let sql = format!("SELECT environment, model FROM vmesh_state.pointers WHERE environment IN ({names})");
        let views = self.all(DOING, &sql, |row| {
            let (environment, model): (String, String) = (row.get(0)?, row.get(1)?);
            Ok(ModelName::parse(&model).map(|model| model.view(&EnvName::from_record(environment), pattern)))
        })?;
        let views = self.drop_views(views.into_iter().flatten().collect())?;
        let records = format!(
            "DELETE FROM vmesh_state.pointers WHERE environment IN ({names});\n\
             DELETE FROM vmesh_state.environments WHERE name IN ({names});\n"
        );
        self.run(DOING, &(views + &records))?;
        let wrong = self.wrong()?.into_iter();
        let of_them = wrong.filter(|(_, wrong)| wrong.as_ref().is_some_and(|it| removed.contains(&it.environment)));
        self.forget_wrong(&of_them.map(|(table, _)| table).collect::<Vec<_>>())?;
        Ok(removed)
    }

    /// The statements that drop those of the views that are there, and schemas of branches with nothing else in them. A
    /// schema of prod may be the user's. A schema is dropped whole where that is possible: the engine takes ten times as
    /// long for each of its views.
    fn drop_views(&self, views: BTreeSet<TableName>) -> Result<String, WarehouseError> {
        let schemas: BTreeSet<String> = views.iter().map(|view| view.schema.clone()).collect();
        let there = self.views(Some(&schemas))?;
        let (catalog, contents) = (quote(&self.catalog()?), self.contents(&schemas)?);
        let mut statements = String::new();
        for schema in &schemas {
            let views = views.iter().filter(|view| view.schema == *schema && there.contains_key(view));
            let views: Vec<&TableName> = views.collect();
            if schema.contains("dev__") && views.len() == contents.get(schema).copied().unwrap_or(0) {
                statements.push_str(&format!("DROP SCHEMA IF EXISTS {catalog}.{} CASCADE;\n", quote(schema)));
            } else {
                statements.extend(views.iter().map(|view| format!("DROP VIEW {catalog}.{};\n", view.quoted())));
            }
        }
        Ok(statements)
    }

    /// How much lies in each of these schemas, of whatever kind.
    fn contents(&self, schemas: &BTreeSet<String>) -> Result<BTreeMap<String, usize>, WarehouseError> {
        let schemas = list(schemas.iter().map(String::as_str));
        let of = |kind: &str| {
            let place = "database_name = current_database() AND NOT internal AND schema_name";
            format!("SELECT schema_name FROM duckdb_{kind}() WHERE {place} IN ({schemas})")
        };
        let all = ["tables", "views", "functions", "types"].map(of).join(" UNION ALL ");
        let sequences = format!(
            "SELECT schema_name FROM duckdb_sequences() \
             WHERE database_name = current_database() AND schema_name IN ({schemas})"
        );
        let sql = format!("SELECT schema_name, count(*) FROM ({all} UNION ALL {sequences}) GROUP BY schema_name");
        let rows = self.all(DOING, &sql, |row| Ok((row.get(0)?, row.get::<_, u32>(1)? as usize)))?;
        Ok(rows.into_iter().collect())
    }
}
