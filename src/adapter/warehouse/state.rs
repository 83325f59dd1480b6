//! Reading what the warehouse holds: vmesh's records, and the tables and views that are really there.

use std::collections::{BTreeMap, BTreeSet};

use super::{Warehouse, WarehouseError};
use crate::domain::environment::{Environment, Preview, Promotion, Snapshot, State};
use crate::domain::fingerprint::Fingerprint;
use crate::domain::name::{BranchName, EnvName, ModelName, SNAPSHOTS_SCHEMA, TableName};
use crate::domain::project::Around;

const DOING: &str = "reading vmesh's records";

impl Warehouse {
    /// Everything at one moment.
    pub fn state(&self) -> Result<State, WarehouseError> {
        self.transaction(DOING, |warehouse| {
            Ok(State {
                environments: warehouse.environments()?,
                snapshots: warehouse.snapshots()?,
                physical: warehouse.physical()?,
                views: warehouse.views()?,
                promotions: warehouse.promotions()?,
                previews: warehouse.previews()?,
            })
        })
    }

    fn environments(&self) -> Result<BTreeMap<EnvName, Environment>, WarehouseError> {
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
        let mut environments: BTreeMap<EnvName, Environment> =
            environments.into_iter().map(|environment| (environment.name.clone(), environment)).collect();
        let sql = "SELECT environment, model, fingerprint, comments FROM vmesh_state.pointers";
        let pointers = self.all(DOING, sql, |row| {
            let (environment, model, fingerprint): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let (model, fingerprint) = (ModelName::parse(&model), Fingerprint::from_hex(&fingerprint));
            Ok((EnvName::from_record(environment), model, fingerprint, row.get::<_, Option<String>>(3)?))
        })?;
        for (environment, model, fingerprint, comments) in pointers {
            if let (Some(environment), Some(model), Some(fingerprint)) =
                (environments.get_mut(&environment), model, fingerprint)
            {
                environment.comments.extend(comments.map(|comments| (model.clone(), comments)));
                environment.pointers.insert(model, fingerprint);
            }
        }
        Ok(environments)
    }

    pub(super) fn snapshots(&self) -> Result<BTreeMap<Fingerprint, Snapshot>, WarehouseError> {
        let sql = "SELECT fingerprint, model, own, table_name, kind, parents, query, columns, built_at, filled, audited, \
                   content, revision, continues, around, made_at, archived FROM vmesh_state.snapshots";
        let rows = self.all(DOING, sql, |row| {
            let text = |index| row.get::<_, String>(index);
            let (fingerprint, model, own) = (text(0)?, text(1)?, text(2)?);
            let (table, kind, parents, columns) = (text(3)?, text(4)?, text(5)?, text(7)?);
            let snapshot = || {
                Some(Snapshot {
                    model: ModelName::parse(&model)?,
                    fingerprint: Fingerprint::from_hex(&fingerprint)?,
                    own: Fingerprint::from_hex(&own)?,
                    table: TableName { schema: SNAPSHOTS_SCHEMA.to_owned(), name: table },
                    kind,
                    parents: parents.split_whitespace().filter_map(Fingerprint::from_hex).collect(),
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
                    made_at: row.get(15).ok()?,
                    archived: row.get::<_, Option<String>>(16).ok()?.as_deref().and_then(Fingerprint::from_hex),
                    continues: row.get::<_, Option<String>>(13).ok()?.and_then(|from| serde_json::from_str(&from).ok()),
                })
            };
            Ok(snapshot())
        })?;
        Ok(rows.into_iter().flatten().map(|snapshot| (snapshot.fingerprint, snapshot)).collect())
    }

    /// The tables and views of the physical layer.
    pub(super) fn physical(&self) -> Result<BTreeSet<String>, WarehouseError> {
        let sql = format!(
            "SELECT table_name FROM duckdb_tables() \
             WHERE database_name = current_database() AND schema_name = '{SNAPSHOTS_SCHEMA}' \
             UNION ALL SELECT view_name FROM duckdb_views() \
             WHERE database_name = current_database() AND schema_name = '{SNAPSHOTS_SCHEMA}'"
        );
        Ok(self.all(DOING, &sql, |row| row.get(0))?.into_iter().collect())
    }

    /// The views that vmesh made outside of the physical layer.
    pub(super) fn views(&self) -> Result<BTreeMap<TableName, TableName>, WarehouseError> {
        let sql = format!(
            "SELECT schema_name, view_name, sql FROM duckdb_views() WHERE NOT internal \
             AND database_name = current_database() AND schema_name <> '{SNAPSHOTS_SCHEMA}'"
        );
        let views = self.all(DOING, &sql, |row| {
            let (schema, name, sql): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(target(&sql).map(|table| (TableName { schema, name }, table)))
        })?;
        Ok(views.into_iter().flatten().collect())
    }

    fn previews(&self) -> Result<Vec<Preview>, WarehouseError> {
        let sql =
            "SELECT branch, max(planned_at), string_agg(fingerprint, ' ') FROM vmesh_state.previews GROUP BY branch";
        self.all(DOING, sql, |row| {
            let (branch, at, fingerprints): (String, i64, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let fingerprints = fingerprints.split_whitespace().filter_map(Fingerprint::from_hex).collect();
            Ok(Preview { branch: BranchName::from(branch.as_str()), at, fingerprints })
        })
    }

    fn promotions(&self) -> Result<Vec<Promotion>, WarehouseError> {
        let sql = "SELECT generation, commit_id, action, promoted_at, pointers, comments FROM vmesh_state.promotions ORDER BY generation";
        self.all(DOING, sql, |row| {
            let (pointers, comments): (String, Option<String>) = (row.get(4)?, row.get(5)?);
            Ok(Promotion {
                generation: row.get(0)?,
                commit: row.get(1)?,
                action: row.get(2)?,
                at: row.get(3)?,
                pointers: serde_json::from_str(&pointers).unwrap_or_default(),
                comments: comments.and_then(|comments| serde_json::from_str(&comments).ok()).unwrap_or_default(),
            })
        })
    }
}

/// The physical table that a view's definition shows, if the view is one of vmesh's: `SELECT * FROM` one table of the
/// physical layer, and nothing else.
pub(super) fn target(definition: &str) -> Option<TableName> {
    let (_, name) = definition.split_once(&format!(" AS SELECT * FROM {SNAPSHOTS_SCHEMA}."))?;
    let name = name.trim_end_matches(';').trim();
    let name = name.strip_prefix('"').and_then(|name| name.strip_suffix('"')).unwrap_or(name);
    let plain = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    plain.then(|| TableName { schema: SNAPSHOTS_SCHEMA.to_owned(), name: name.to_owned() })
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
