//! Reading what the warehouse holds: vmesh's records, and the tables and views that are really there.

use std::collections::{BTreeMap, BTreeSet};

use super::{Ledger, SqlSession, list};
use crate::adapter::engine::{Records, WarehouseError};
use crate::domain::environment::{
    Environment, Moved, PastBuild, PhysicalTable, Pointer, Preview, Promotion, PromotionAction, Scope, State,
};
use crate::domain::fingerprint::Fingerprint;
use crate::domain::model::Comments;
use crate::domain::name::{BranchName, EnvName, ModelName, SchemaPattern, TableName};

const DOING: &str = "reading vmesh's records";

impl<S: SqlSession> Records for S {
    fn state(&self, scope: &Scope) -> Result<State, WarehouseError> {
        Ledger(self).at_one_moment(DOING, |ledger| {
            let environments = ledger.environments(scope)?;
            let views = match scope {
                Scope::All => ledger.views(None)?,
                Scope::Pointers => BTreeMap::new(),
                Scope::Prod { pattern, .. } => ledger.views(Some(&schemas(&environments, *pattern)))?,
                Scope::Models { .. } => {
                    let shown = format!("SELECT table_name FROM vmesh_state.pointers WHERE {}", within(scope));
                    let tables = ledger.tables(&format!("table_name IN ({shown} AND {})", of_models(scope)))?;
                    let physical = tables.keys().map(|table| table.name.clone()).collect();
                    let physical = ledger.physical(Some(&physical))?;
                    return Ok(State { environments, tables, physical, ..State::default() });
                }
            };
            Ok(State {
                environments,
                elsewhere: ledger.elsewhere(scope)?,
                views,
                tables: ledger.tables("true")?,
                snapshots: ledger.snapshots()?,
                physical: ledger.physical(None)?,
                promotions: ledger.promotions()?,
                previews: ledger.previews()?,
                durations: ledger.durations()?,
                pace: self.pace()?,
            })
        })
    }

    fn comments(&self, hashes: &BTreeMap<ModelName, String>) -> Result<BTreeMap<ModelName, Comments>, WarehouseError> {
        if hashes.is_empty() {
            return Ok(BTreeMap::new());
        }
        let rows = Ledger(self).all(DOING, "SELECT hash, content FROM vmesh_state.comments", |row| {
            Ok((row.get::<String>(0)?, row.get::<String>(1)?))
        })?;
        let known: BTreeMap<String, Comments> =
            rows.into_iter().filter_map(|(hash, content)| Some((hash, serde_json::from_str(&content).ok()?))).collect();
        let found = hashes.iter().filter_map(|(model, hash)| Some((model.clone(), known.get(hash)?.clone())));
        Ok(found.collect())
    }

    fn put_on_record(&self, table: &PhysicalTable) -> Result<(), WarehouseError> {
        Ledger(self).transaction("recording a table", |ledger| ledger.record(table))
    }

    fn remember(&self, builds: &[PastBuild]) -> Result<(), WarehouseError> {
        Ledger(self).remember_builds(builds)
    }

    fn past_builds(&self) -> Result<Vec<PastBuild>, WarehouseError> {
        Ledger(self).builds()
    }

    fn stand_for(&self, version: &Fingerprint, table: &TableName) -> Result<(), WarehouseError> {
        Ledger(self).stand_for(version, table)
    }
}

impl Ledger<'_> {
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
             FROM vmesh_state.pointers WHERE {} AND {} GROUP BY 1, 2, 3, 4",
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
            let action = PromotionAction::read(&row.get::<String>(2)?);
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

pub(super) fn pointer(fingerprint: String, table: String) -> Option<Pointer> {
    Some(Pointer { fingerprint: Fingerprint::from_hex(&fingerprint)?, table: TableName::physical(table) })
}
