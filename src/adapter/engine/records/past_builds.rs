//! The builds on record.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Ledger, Value, list, row};
use crate::adapter::engine::WarehouseError;
use crate::domain::environment::{Origin, PastBuild};
use crate::domain::name::{BranchName, ModelName, TableName};

impl Ledger<'_> {
    /// Puts builds on record, and forgets older ones of the same models.
    pub(super) fn remember_builds(&self, builds: &[PastBuild]) -> Result<(), WarehouseError> {
        if builds.is_empty() {
            return Ok(());
        }
        let rows: Vec<Vec<Value>> = builds.iter().map(values).collect();
        let models: Vec<String> = builds.iter().map(|build| build.model.to_string()).collect();
        let models = list(models.iter().map(String::as_str));
        let newer = "newer.model = vmesh_state.builds.model AND newer.ended_at > vmesh_state.builds.ended_at";
        let statements = format!(
            "INSERT INTO vmesh_state.builds VALUES {}; \
             DELETE FROM vmesh_state.builds WHERE model IN ({models}) \
             AND (SELECT count(*) FROM vmesh_state.builds AS newer WHERE {newer}) >= {}",
            row::values(&rows),
            PastBuild::KEPT
        );
        let doing = "remembering builds";
        self.transaction(doing, |ledger| ledger.run(doing, &statements))
    }

    /// The builds on record, the newest first.
    pub(super) fn builds(&self) -> Result<Vec<PastBuild>, WarehouseError> {
        let sql = "SELECT model, table_name, ended_at, took, loads, rows, who, branch, commit_id, dirty \
                   FROM vmesh_state.builds ORDER BY ended_at DESC, model";
        let builds = self.all("reading builds", sql, |row| {
            let (model, table, branch): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(7)?);
            let origin = Origin {
                who: row.get(6)?,
                branch: BranchName::from(branch.as_str()),
                commit: row.get(8)?,
                dirty: row.get(9)?,
            };
            let (at, took, loads, rows) = (row.get(2)?, micros(row.get(3)?), row.get::<u64>(4)?, row.get(5)?);
            let loads = usize::try_from(loads).unwrap_or(usize::MAX);
            let table = TableName::physical(table);
            Ok(ModelName::parse(&model).map(|model| PastBuild { model, table, at, took, loads, rows, origin }))
        })?;
        Ok(builds.into_iter().flatten().collect())
    }

    /// How long a build of each model takes by experience: the median of the last ones, of incremental models for a load.
    pub(super) fn durations(&self) -> Result<BTreeMap<ModelName, Duration>, WarehouseError> {
        let sql = format!(
            "SELECT model, CAST(percentile_cont(0.5) WITHIN GROUP (ORDER BY took / loads) AS BIGINT) FROM (SELECT *, \
             row_number() OVER (PARTITION BY model ORDER BY ended_at DESC) AS place FROM vmesh_state.builds) AS placed \
             WHERE place <= {} GROUP BY model",
            PastBuild::MEASURED
        );
        let durations = self.all("reading builds", &sql, |row| {
            Ok(ModelName::parse(&row.get::<String>(0)?).zip(Some(micros(row.get(1)?))))
        })?;
        Ok(durations.into_iter().flatten().collect())
    }
}

fn values(build: &PastBuild) -> Vec<Value> {
    let PastBuild { model, table, at, took, loads, rows, origin } = build;
    vec![
        model.to_string().into(),
        table.name.as_str().into(),
        (*at).into(),
        Value::Number(i64::try_from(took.as_micros()).unwrap_or(i64::MAX)),
        Value::Number(i64::try_from(*loads).unwrap_or(i64::MAX)),
        (*rows).into(),
        origin.who.as_str().into(),
        origin.branch.as_str().into(),
        origin.commit.as_deref().into(),
        origin.dirty.into(),
    ]
}

fn micros(micros: i64) -> Duration {
    Duration::from_micros(u64::try_from(micros).unwrap_or_default())
}
