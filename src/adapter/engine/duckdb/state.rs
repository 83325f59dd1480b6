//! Reading what the warehouse holds: vmesh's records, and the tables and views that are really there.

use std::collections::{BTreeMap, BTreeSet};

use super::Database;
use crate::adapter::engine::{Records, WarehouseError};
use crate::domain::environment::{
    Environment, Moved, PastBuild, PhysicalTable, Pointer, Preview, Promotion, PromotionAction, Scope, State,
};
use crate::domain::fingerprint::Fingerprint;
use crate::domain::model::{Around, Comments, KindWord};
use crate::domain::name::{BranchName, EnvName, ModelName, SNAPSHOTS_SCHEMA, SchemaPattern, TableName, literal};

const DOING: &str = "reading vmesh's records";

impl Records for Database {
    fn state(&self, scope: &Scope) -> Result<State, WarehouseError> {
        self.transaction(DOING, |warehouse| {
            let environments = warehouse.environments(scope)?;
            let views = match scope {
                Scope::All => warehouse.views(None)?,
                Scope::Pointers => BTreeMap::new(),
                Scope::Prod { pattern, .. } => warehouse.views(Some(&schemas(&environments, *pattern)))?,
                Scope::Models { .. } => {
                    let shown = format!("SELECT table_name FROM vmesh_state.pointers WHERE {}", within(scope));
                    let tables = warehouse.tables(&format!("table_name IN ({shown} AND {})", of_models(scope)))?;
                    let physical = tables.keys().map(|table| table.name.clone()).collect();
                    let physical = warehouse.physical(Some(&physical))?;
                    return Ok(State { environments, tables, physical, ..State::default() });
                }
            };
            Ok(State {
                environments,
                elsewhere: warehouse.elsewhere(scope)?,
                views,
                tables: warehouse.tables("true")?,
                snapshots: warehouse.snapshots()?,
                physical: warehouse.physical(None)?,
                promotions: warehouse.promotions()?,
                previews: warehouse.previews()?,
                durations: warehouse.durations()?,
            })
        })
    }

    fn comments(&self, hashes: &BTreeMap<ModelName, String>) -> Result<BTreeMap<ModelName, Comments>, WarehouseError> {
        if hashes.is_empty() {
            return Ok(BTreeMap::new());
        }
        let rows = self.all(DOING, "SELECT hash, content FROM vmesh_state.comments", |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
        })?;
        let known: BTreeMap<String, Comments> =
            rows.into_iter().filter_map(|(hash, content)| Some((hash, serde_json::from_str(&content).ok()?))).collect();
        let found = hashes.iter().filter_map(|(model, hash)| Some((model.clone(), known.get(hash)?.clone())));
        Ok(found.collect())
    }

    fn put_on_record(&self, table: &PhysicalTable) -> Result<(), WarehouseError> {
        self.transaction("recording a table", |warehouse| warehouse.record(table))
    }

    fn remember(&self, builds: &[PastBuild]) -> Result<(), WarehouseError> {
        self.remember_builds(builds)
    }

    fn past_builds(&self) -> Result<Vec<PastBuild>, WarehouseError> {
        self.builds()
    }

    fn stand_for(&self, version: &Fingerprint, table: &TableName) -> Result<(), WarehouseError> {
        let (version, name) = (version.hex(), literal(&table.name));
        let sql = format!("INSERT OR REPLACE INTO vmesh_state.snapshots VALUES ('{version}', {name})");
        self.run("recording a snapshot", &sql)
    }
}

impl Database {
    fn environments(&self, scope: &Scope) -> Result<BTreeMap<EnvName, Environment>, WarehouseError> {
        let sql = "SELECT name, branch, commit_id, dirty, base, tip, generation, created_at, updated_at, owner \
                   FROM vmesh_state.environments";
        let environments = self.all(DOING, sql, |row| {
            let branch: String = row.get(1)?;
            let owner: Option<String> = row.get(9)?;
            Ok(Environment {
                name: EnvName::from_record(row.get(0)?),
                branch: BranchName::from(branch.as_str()),
                commit: row.get(2)?,
                dirty: row.get(3)?,
                base: row.get(4)?,
                tip: row.get(5)?,
                generation: row.get(6)?,
                created_at: row.get(7)?,
                updated_at: row.get(8)?,
                owner: owner.and_then(|owner| serde_json::from_str(&owner).ok()),
                pointers: BTreeMap::new(),
                comments: BTreeMap::new(),
            })
        })?;
        let mut environments: BTreeMap<String, Environment> =
            environments.into_iter().map(|environment| (environment.name.to_string(), environment)).collect();
        // most environments show most of what prod shows: each pointer is read once
        let sql = format!(
            "SELECT model, fingerprint, table_name, comments, string_agg(environment, ' ') \
             FROM vmesh_state.pointers WHERE {} AND {} GROUP BY ALL",
            within(scope),
            of_models(scope)
        );
        let pointers = self.all(DOING, &sql, |row| {
            let model: String = row.get(0)?;
            let shown = ModelName::parse(&model).zip(pointer(row.get(1)?, row.get(2)?));
            let (comments, environments): (Option<String>, String) = (row.get(3)?, row.get(4)?);
            Ok(shown.map(|(model, pointer)| (model, pointer, comments, environments)))
        })?;
        for (model, pointer, comments, shown_by) in pointers.into_iter().flatten() {
            for environment in shown_by.split(' ') {
                let Some(environment) = environments.get_mut(environment) else { continue };
                environment.comments.extend(comments.clone().map(|comments| (model.clone(), comments)));
                environment.pointers.insert(model.clone(), pointer.clone());
            }
        }
        Ok(environments.into_values().map(|environment| (environment.name.clone(), environment)).collect())
    }

    fn elsewhere(&self, scope: &Scope) -> Result<BTreeSet<(ModelName, TableName)>, WarehouseError> {
        let outside = within(scope);
        let sql = format!("SELECT DISTINCT model, table_name FROM vmesh_state.pointers WHERE NOT ({outside})");
        let rows = self.all(DOING, &sql, |row| {
            let (model, table): (String, String) = (row.get(0)?, row.get(1)?);
            Ok(ModelName::parse(&model).map(|model| (model, TableName::physical(table))))
        })?;
        Ok(rows.into_iter().flatten().collect())
    }

    fn snapshots(&self) -> Result<BTreeMap<Fingerprint, TableName>, WarehouseError> {
        let rows = self.all(DOING, "SELECT fingerprint, table_name FROM vmesh_state.snapshots", |row| {
            let (fingerprint, table): (String, String) = (row.get(0)?, row.get(1)?);
            Ok(Fingerprint::from_hex(&fingerprint).map(|fingerprint| (fingerprint, TableName::physical(table))))
        })?;
        Ok(rows.into_iter().flatten().collect())
    }

    /// The tables on record that meet a condition.
    pub(super) fn tables(&self, condition: &str) -> Result<BTreeMap<TableName, PhysicalTable>, WarehouseError> {
        let sql = format!(
            "SELECT fingerprint, model, own, table_name, kind, parents, query, columns, built_at, filled, audited, \
             content, revision, continues, around, inputs, rows FROM vmesh_state.tables WHERE {condition}"
        );
        let rows = self.all(DOING, &sql, |row| {
            let text = |index| row.get::<_, String>(index);
            let (fingerprint, model, own) = (text(0)?, text(1)?, text(2)?);
            let (name, kind, parents, columns) = (text(3)?, text(4)?, text(5)?, text(7)?);
            let table = || {
                Some(PhysicalTable {
                    model: ModelName::parse(&model)?,
                    fingerprint: Fingerprint::from_hex(&fingerprint)?,
                    own: Fingerprint::from_hex(&own)?,
                    table: TableName::physical(name),
                    kind: KindWord::read(&kind)?,
                    parents: parents.split_whitespace().map(|name| TableName::physical(name.to_owned())).collect(),
                    select: row.get(6).ok()?,
                    around: row
                        .get::<_, Option<String>>(14)
                        .ok()?
                        .map_or(Some(Around::default()), |around| serde_json::from_str(&around).ok())?,
                    columns: serde_json::from_str(&columns).ok()?,
                    built_at: row.get(8).ok()?,
                    filled: row.get::<_, Option<String>>(9).ok()?.and_then(|filled| serde_json::from_str(&filled).ok()),
                    audited: row.get::<_, String>(10).ok()?.split_whitespace().map(str::to_owned).collect(),
                    content: row.get::<_, Option<String>>(11).ok()?.as_deref().and_then(Fingerprint::from_hex),
                    revision: row.get(12).ok()?,
                    inputs: serde_json::from_str(&row.get::<_, String>(15).ok()?).ok()?,
                    continues: row.get::<_, Option<String>>(13).ok()?.and_then(|from| serde_json::from_str(&from).ok()),
                    rows: row.get(16).ok()?,
                })
            };
            Ok(table())
        })?;
        Ok(rows.into_iter().flatten().map(|table| (table.table.clone(), table)).collect())
    }

    /// The tables and views of the physical layer: all of them, or those among some.
    pub(super) fn physical(&self, among: Option<&BTreeSet<String>>) -> Result<BTreeSet<String>, WarehouseError> {
        let among = match among {
            None => "true".to_owned(),
            Some(names) if names.is_empty() => return Ok(BTreeSet::new()),
            Some(names) => format!("name IN ({})", list(names.iter().map(String::as_str))),
        };
        let sql = format!(
            "SELECT name FROM (SELECT table_name AS name, database_name, schema_name FROM duckdb_tables() \
             UNION ALL SELECT view_name, database_name, schema_name FROM duckdb_views()) \
             WHERE database_name = current_database() AND schema_name = '{SNAPSHOTS_SCHEMA}' AND {among}"
        );
        Ok(self.all(DOING, &sql, |row| row.get(0))?.into_iter().collect())
    }

    /// The views that vmesh made outside of the physical layer, in all schemas or in some.
    pub(super) fn views(
        &self,
        schemas: Option<&BTreeSet<String>>,
    ) -> Result<BTreeMap<TableName, TableName>, WarehouseError> {
        let place = match schemas {
            None => format!("schema_name <> '{SNAPSHOTS_SCHEMA}'"),
            Some(schemas) if schemas.is_empty() => return Ok(BTreeMap::new()),
            Some(schemas) => format!("schema_name IN ({})", list(schemas.iter().map(String::as_str))),
        };
        let sql = format!(
            "SELECT schema_name, view_name, sql FROM duckdb_views() WHERE NOT internal \
             AND database_name = current_database() AND {place}"
        );
        let views = self.all(DOING, &sql, |row| {
            let (schema, name, sql): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(target(&sql).map(|table| (TableName { schema, name }, table)))
        })?;
        Ok(views.into_iter().flatten().collect())
    }

    fn previews(&self) -> Result<Vec<Preview>, WarehouseError> {
        let sql =
            "SELECT branch, max(planned_at), string_agg(table_name, ' ') FROM vmesh_state.previews GROUP BY branch";
        self.all(DOING, sql, |row| {
            let (branch, at, tables): (String, i64, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let tables = tables.split_whitespace().map(|name| TableName::physical(name.to_owned())).collect();
            Ok(Preview { branch: BranchName::from(branch.as_str()), at, tables })
        })
    }

    fn promotions(&self) -> Result<Vec<Promotion>, WarehouseError> {
        let sql = "SELECT generation, model, fingerprint, table_name, comments FROM vmesh_state.moved";
        let rows = self.all(DOING, sql, |row| {
            let (generation, model): (u64, String) = (row.get(0)?, row.get(1)?);
            let (fingerprint, table): (Option<String>, Option<String>) = (row.get(2)?, row.get(3)?);
            let comments: Option<String> = row.get(4)?;
            let pointer = fingerprint.zip(table).and_then(|(fingerprint, table)| pointer(fingerprint, table));
            Ok((generation, ModelName::parse(&model), pointer.map(|pointer| (pointer, comments))))
        })?;
        let mut moved: BTreeMap<u64, BTreeMap<ModelName, Moved>> = BTreeMap::new();
        for (generation, model, pointer) in rows {
            moved.entry(generation).or_default().extend(model.map(|model| (model, pointer)));
        }
        let sql = "SELECT generation, commit_id, action, promoted_at FROM vmesh_state.promotions ORDER BY generation";
        self.all(DOING, sql, |row| {
            let generation = row.get(0)?;
            let moved = moved.remove(&generation).unwrap_or_default();
            let action = PromotionAction::read(&row.get::<_, String>(2)?);
            Ok(Promotion { generation, commit: row.get(1)?, action, at: row.get(3)?, moved })
        })
    }
}

/// The schemas that environments have views in.
fn schemas(environments: &BTreeMap<EnvName, Environment>, pattern: SchemaPattern) -> BTreeSet<String> {
    let models = environments.values().flat_map(|it| it.pointers.keys().map(|model| (model.schema(), &it.name)));
    let distinct: BTreeSet<_> = models.collect();
    distinct.into_iter().map(|(schema, environment)| environment.schema(schema, pattern)).collect()
}

/// The condition that a row of `pointers` is in a scope.
fn within(scope: &Scope) -> String {
    match scope {
        Scope::All | Scope::Pointers => "true".to_owned(),
        Scope::Prod { and, .. } | Scope::Models { and, .. } => {
            format!("environment IN ({})", list(and.iter().chain([&EnvName::prod()]).map(EnvName::as_str)))
        }
    }
}

/// The condition that a row of `pointers` is of a model in a scope.
fn of_models(scope: &Scope) -> String {
    match scope {
        Scope::Models { models, .. } if models.is_empty() => "false".to_owned(),
        Scope::Models { models, .. } => {
            let models: Vec<String> = models.iter().map(ToString::to_string).collect();
            format!("model IN ({})", list(models.iter().map(String::as_str)))
        }
        _ => "true".to_owned(),
    }
}

/// A list of texts for `IN`.
pub(super) fn list<'t>(texts: impl Iterator<Item = &'t str>) -> String {
    texts.map(literal).collect::<Vec<_>>().join(", ")
}

pub(super) fn pointer(fingerprint: String, table: String) -> Option<Pointer> {
    Some(Pointer { fingerprint: Fingerprint::from_hex(&fingerprint)?, table: TableName::physical(table) })
}

/// The physical table that a view's definition shows, if the view is one of vmesh's: `SELECT * FROM` one table of the
/// physical layer, and nothing else.
pub(super) fn target(definition: &str) -> Option<TableName> {
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
