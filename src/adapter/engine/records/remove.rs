//! Removing environments: their views, the schemas that are empty then, and their records. The tables stay until gc.

use std::collections::{BTreeMap, BTreeSet};

use super::{Change, Ledger, list};
use crate::adapter::engine::{WarehouseError, WrongRows};
use crate::domain::name::{EnvName, ModelName, SchemaPattern, TableName};

const DOING: &str = "removing environments";

impl Ledger<'_> {
    /// Removes those of the environments that are still at the generation given with them, with the wrong rows that are kept of
    /// them; gives them. To be called within a transaction.
    pub(super) fn remove(
        &self,
        kept: &dyn WrongRows,
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
        let views = self.drops(views.into_iter().flatten().collect())?;
        let records = format!(
            "DELETE FROM vmesh_state.pointers WHERE environment IN ({names});\n\
             DELETE FROM vmesh_state.environments WHERE name IN ({names});\n"
        );
        self.0.change_views(DOING, &views)?;
        self.run(DOING, &records)?;
        let wrong = kept.wrong()?.into_iter();
        let of_them = wrong.filter(|(_, wrong)| wrong.as_ref().is_some_and(|it| removed.contains(&it.environment)));
        kept.forget_wrong(&of_them.map(|(table, _)| table).collect::<Vec<_>>())?;
        Ok(removed)
    }

    /// The changes that drop those of the views that are there, and schemas of branches with nothing else in them. A
    /// schema of prod may be the user's. A schema is dropped whole where that is possible: the engine takes ten times as
    /// long for each of its views.
    fn drops(&self, views: BTreeSet<TableName>) -> Result<Vec<Change>, WarehouseError> {
        let schemas: BTreeSet<String> = views.iter().map(|view| view.schema.clone()).collect();
        let there = self.views(Some(&schemas))?;
        let contents = self.contents(&schemas)?;
        let mut changes = Vec::new();
        for schema in &schemas {
            let views = views.iter().filter(|view| view.schema == *schema && there.contains_key(view));
            let views: Vec<&TableName> = views.collect();
            if schema.contains("dev__") && views.len() == contents.get(schema).copied().unwrap_or(0) {
                changes.push(Change::DropSchema(schema.clone()));
            } else {
                changes.extend(views.into_iter().cloned().map(Change::Drop));
            }
        }
        Ok(changes)
    }

    /// How much lies in each of these schemas, of whatever kind.
    fn contents(&self, schemas: &BTreeSet<String>) -> Result<BTreeMap<String, usize>, WarehouseError> {
        let mut contents: BTreeMap<String, usize> = BTreeMap::new();
        if schemas.is_empty() {
            return Ok(contents);
        }
        for schema in self.0.contents(schemas)? {
            *contents.entry(schema).or_default() += 1;
        }
        Ok(contents)
    }
}
