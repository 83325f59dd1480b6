//! What a run fills: the tables of an environment that are due, and those that are not its to fill.

use std::collections::{BTreeMap, BTreeSet};

use super::super::calendar::{Timing, has_ticked};
use super::super::environment::{PhysicalTable, State};
use super::super::fingerprint::Fingerprint;
use super::super::interval::{Interval, Moment};
use super::super::model::Kind;
use super::super::name::{EnvName, ModelName, TableName};
use super::super::project::{Model, Project};
use super::upstream::Upstream;

/// The table of a model, if it is due there, and what to load into it. What `follows` reads something that was just
/// filled, or files that have changed. Files may be ahead of what the environment shows: what they read that it doesn't show yet has to be planned
/// first.
pub fn due(
    environment: &EnvName,
    (project, model): (&Project, &Model),
    state: &State,
    (upstream, timing): (&Upstream, &Timing),
    follows: bool,
) -> Option<(PhysicalTable, Vec<Interval>)> {
    let shown = state.pointer(environment, &model.name)?;
    let snapshot = state.existing(&shown.table).filter(|_| shown.fingerprint == model.fingerprint)?;
    if project.built_from(model).iter().any(|parent| state.pointer(environment, parent).is_none()) {
        return None;
    }
    match (&model.kind, &model.calendar) {
        (Kind::Incremental(_), Some(calendar)) => {
            let filled = snapshot.filled.clone().unwrap_or_default();
            let wanted = calendar.wanted(&filled, timing)?;
            let goes_on = snapshot.continues.is_some();
            let wanted = if goes_on { calendar.onwards(&filled, wanted)? } else { wanted };
            let loads = calendar.loads(&filled, wanted, &upstream.held(model));
            (!loads.is_empty()).then(|| (snapshot.clone(), loads))
        }
        (Kind::Full, _) => {
            let since = Moment::from_micros(snapshot.built_at);
            let schedule = &model.file.schedule;
            let is_time = timing.ignore_cron || follows || has_ticked(schedule, since, timing.now);
            is_time.then(|| (snapshot.clone(), Vec::new()))
        }
        _ => None,
    }
}

/// Whether an environment shows each model of a project in the very version that the project has.
pub fn is_in_step(environment: &EnvName, project: &Project, state: &State) -> bool {
    let Some(shown) = state.environments.get(environment) else { return false };
    let models: BTreeMap<&ModelName, Fingerprint> =
        project.models().filter(|it| it.kind != Kind::Embedded).map(|it| (&it.name, it.fingerprint)).collect();
    shown.pointers.iter().map(|(name, pointer)| (name, pointer.fingerprint)).eq(models)
}

/// The tables that are not a branch's to fill: what prod shows, or a rollback would.
pub fn not_to_fill(environment: &EnvName, state: &State) -> BTreeSet<TableName> {
    match environment.is_prod() {
        true => BTreeSet::new(),
        false => state.promoted_tables().into_iter().cloned().collect(),
    }
}
