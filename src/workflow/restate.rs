//! Building tables again in place: the same meaning over new rows of the sources. All of them in one transaction, so
//! that no reader sees new rows beside old ones.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::error::{BranchError, Error, ProdError};
use super::event::Event;
use super::planning::Prepared;
use super::run::shown_tables;
use super::select_models::models_named;
use super::session::{Session, now, now_micros};
use super::workspace::Workspace;
use crate::adapter::engine::{Build, BuildError, Restated, Warehouse, WarehouseError};
use crate::domain::calendar::{Filled, Timing};
use crate::domain::environment::{Origin, PastBuild, PhysicalTable, Scope, State};
use crate::domain::graph;
use crate::domain::interval::Interval;
use crate::domain::model::Kind;
use crate::domain::name::{EnvName, ModelName, TableName};
use crate::domain::pattern::{self, is_pattern};
use crate::domain::plan::{self, Step, live};
use crate::domain::project::{Model, meant};
use crate::domain::selector::Selector;

/// What will be built again.
#[derive(Debug)]
pub struct Restatement {
    /// The tables, parents first.
    pub tables: Vec<PhysicalTable>,
    /// The environments that show them.
    pub environments: BTreeSet<EnvName>,
    /// Models below or among them whose headers say that they may not be restated.
    pub kept: BTreeSet<ModelName>,
    /// Tables built from the same old rows that nobody shows: dropped, or a later plan would take them for good.
    pub stale: Vec<TableName>,
}

impl Workspace {
    /// Why tables could not be filled again. Where one failed, `begun` is its model.
    fn not_restated(
        &self,
        environment: &EnvName,
        warehouse: &dyn Warehouse,
        error: WarehouseError,
        begun: Option<ModelName>,
    ) -> Error {
        match (error, begun) {
            (
                WarehouseError::Engine { message, .. } | WarehouseError::Build(BuildError::Statement { message, .. }),
                Some(model),
            ) => Error::Query {
                message: format!("could not build `{model}` again: {message}"),
                help: Some("every table is as it was".to_owned()),
            },
            (WarehouseError::Build(BuildError::Load { changes, .. }), Some(model)) => Error::Query {
                message: format!("could not build `{model}` again: {}", changes.join("; ")),
                help: Some("load all of it, without --start and --end; every table is as it was".to_owned()),
            },
            (WarehouseError::Build(BuildError::Audit { model, mut failure }), _) => {
                // as main's: a restatement has no branch of its own
                let target = (environment, &self.config.main);
                self.keep_wrong(target, warehouse, &model, &mut failure);
                WarehouseError::from(BuildError::Audit { model, failure }).into()
            }
            (other, _) => other.into(),
        }
    }
}

impl Session<'_> {
    /// What restating the models of `patterns` means, as `environment` shows them: their tables, and every table that
    /// was built from them, in whichever environment. A branch may not do it to what prod shows.
    pub fn restatement(&self, patterns: &[String], environment: &EnvName) -> Result<Restatement, Error> {
        let state = self.state_within(&Scope::Pointers)?;
        self.with_main_as_shown(environment, &state, || self.restatement_in(&state, patterns, environment))
    }

    fn restatement_in(&self, state: &State, patterns: &[String], environment: &EnvName) -> Result<Restatement, Error> {
        let shown = state.environments.get(environment);
        let shown = shown.ok_or_else(|| Error::Branch(BranchError::NotPlanned { environment: environment.clone() }))?;
        let mut named = BTreeSet::new();
        for pattern in patterns {
            let matching = self.restated_by(pattern, environment, state)?;
            named.extend(matching.iter().filter_map(|model| Some(shown.pointers.get(model)?.table.clone())));
        }
        let is_history = |named: &TableName| state.tables.get(named).is_some_and(PhysicalTable::is_history);
        let only_histories = named.iter().all(is_history);
        let restated = plan::Restated::of(state, named, now() - self.config.rollback_seconds);
        if let Some(model) = restated.histories.first().filter(|_| only_histories) {
            return Err(Error::Usage {
                what: format!("`{model}` keeps a history, which can't be computed again"),
                help: "name the others; what is below is built again without it".to_owned(),
            });
        }
        let models = if environment.is_prod() { BTreeSet::new() } else { restated.of_prod(state) };
        if !models.is_empty() {
            return Err(ProdError::SharedWithProd {
                pattern: patterns.join(" "),
                models: models.into_iter().collect(),
            }
            .into());
        }
        let live = live(state);
        let plan::Restated { histories, reached, mut tables, stale } = restated;
        let (mut kept, mut trees) = (histories, BTreeMap::new());
        for snapshot in tables.iter().filter(|table| table.filled.is_some()) {
            let shown = self.shown_model(snapshot, &live, state, &mut trees)?;
            if shown.is_some_and(|(_, model)| matches!(model.kind, Kind::Incremental(it) if it.disable_restatement)) {
                kept.insert(snapshot.model.clone());
            }
        }
        tables.retain(|table| table.filled.is_none() || !kept.contains(&table.model));
        let environments = reached.iter().flat_map(|table| live.get(table).into_iter().flatten().cloned());
        Ok(Restatement { environments: environments.collect(), tables, kept, stale })
    }

    /// Builds them again, all or none: what the patterns mean by then, since others may have published after the
    /// restatement was told.
    pub fn restate(&self, patterns: &[String], environment: &EnvName) -> Result<Vec<ModelName>, Error> {
        let warehouse = self.write_warehouse()?;
        let state = warehouse.state(&Scope::Pointers)?;
        self.with_main_as_shown(environment, &state, || self.restate_in(&*warehouse, &state, patterns, environment))
    }

    fn restate_in(
        &self,
        warehouse: &dyn Warehouse,
        state: &State,
        patterns: &[String],
        environment: &EnvName,
    ) -> Result<Vec<ModelName>, Error> {
        let restatement = self.restatement_in(state, patterns, environment)?;
        let settings = self.committed_settings()?.map(|settings| settings.config);
        let has_statements = settings.is_some_and(|it| !(it.before_all.is_empty() && it.after_all.is_empty()));
        let prepared = has_statements.then(|| self.prepare_as_shown(environment, state, false)).transpose()?;
        if let Some(prepared) = &prepared {
            self.before_all(prepared, warehouse)?;
        }
        let filled: Vec<&PhysicalTable> = restatement.tables.iter().collect();
        let again = self.again(&filled, state, has_statements)?;
        let at = now_micros();
        let restated: Vec<Restated<'_>> =
            filled.iter().map(|table| Restated { table, build: again.get(&table.table), at }).collect();
        let (mut begun, mut ended) = (None, Vec::new());
        let mut told = |index: usize, took: Option<Duration>| {
            let model = filled[index].model.clone();
            match took {
                None => {
                    let loads = again.get(&filled[index].table).map_or(0, Build::loads);
                    self.filling(&self.config.main, state, (&model, loads), (index + 1, filled.len()));
                    begun = Some(model);
                }
                Some(took) => {
                    self.report.report(&Event::Moment(format!("restated:{}", index + 1)));
                    self.report.report(&Event::Built { model, took, rows: None });
                    ended.push((index, took));
                    begun = None;
                }
            }
        };
        let done = self.inside(|| warehouse.restate(&restated, &restatement.stale, &mut told));
        done.map_err(|error| self.not_restated(environment, warehouse, error, begun))?;
        self.remember_restated(warehouse, &ended, &restated, environment)?;
        again.values().for_each(|build| self.warn_of(build));
        self.forget_wrong(environment, warehouse, filled.iter().map(|snapshot| &snapshot.model))?;
        if let Some(prepared) = &prepared {
            self.after_all(prepared, warehouse)?;
        }
        Ok(filled.into_iter().map(|snapshot| snapshot.model.clone()).collect())
    }
}

impl Session<'_> {
    /// Puts tables that were filled again on record.
    fn remember_restated(
        &self,
        warehouse: &dyn Warehouse,
        ended: &[(usize, Duration)],
        restated: &[Restated<'_>],
        environment: &EnvName,
    ) -> Result<(), Error> {
        let state = warehouse.state(&Scope::Pointers)?;
        let shown = state.environments.get(environment);
        let origin = Origin {
            who: self.owner().who,
            branch: shown.map_or_else(|| self.config.main.clone(), |shown| shown.branch.clone()),
            commit: shown.and_then(|shown| shown.commit.clone()),
            dirty: shown.is_some_and(|shown| shown.dirty),
        };
        let past = ended.iter().filter_map(|(index, took)| {
            let Restated { table, build, .. } = restated.get(*index)?;
            let loads = build.map_or(0, Build::loads);
            Some(PastBuild::of(state.tables.get(&table.table)?, loads, *took, &origin))
        });
        Ok(warehouse.remember(&past.collect::<Vec<_>>())?)
    }

    /// The models that a pattern means in an environment: by their own names, or by those of the tables and files that they
    /// read and that vmesh doesn't manage.
    fn restated_by(&self, pattern: &str, environment: &EnvName, state: &State) -> Result<Vec<ModelName>, Error> {
        if Selector::is_meant(pattern) {
            let prepared = self.prepare_as_shown(environment, state, false)?;
            return self.models_meant(&prepared, &[pattern.to_owned()]);
        }
        let shown = state.environments.get(environment).map(|shown| &shown.pointers);
        let catalog = self.config.catalog();
        let models = models_named(pattern, catalog, shown.into_iter().flat_map(BTreeMap::keys));
        if models.is_ok() && !is_pattern(pattern) {
            return models;
        }
        let prepared = self.prepare_as_shown(environment, state, false)?;
        let project = &prepared.desired.project;
        let mut readers = BTreeSet::new();
        let paths = pattern::compile(pattern).ok();
        let is_meant = |path: &str| path == pattern || paths.as_ref().is_some_and(|paths| paths.is_match(path));
        let named = self.config.outside.allowed(pattern);
        let is_file = |path: &str| {
            is_meant(path)
                || named.as_ref().is_some_and(|named| {
                    let meant = pattern::paths([path]).ok();
                    named.as_str() == path || meant.is_some_and(|meant| meant.is_match(named))
                })
        };
        for model in project.models() {
            let outside = model.outside().into_iter().flat_map(|(read, _)| meant(&read.parts, catalog));
            let outside: BTreeSet<ModelName> = outside.collect();
            let is_read = !outside.is_empty() && models_named(pattern, catalog, outside.iter()).is_ok()
                || model.outside().iter().any(|(read, _)| is_meant(&read.parts.join(".")))
                || model.outside_files.iter().any(|file| is_file(&file.path));
            readers.extend(is_read.then(|| model.name.clone()));
        }
        if readers.is_empty() {
            return models;
        }
        // what only embedded models read is read by those that embed them
        let parents = project.parents();
        let is_embedded = |name: &ModelName| project.model(name).is_some_and(|model| model.kind == Kind::Embedded);
        let embedded = readers.iter().filter(|name| is_embedded(name)).cloned().collect::<Vec<_>>();
        readers.extend(graph::below(&parents, embedded));
        Ok(readers.into_iter().chain(models.unwrap_or_default()).collect())
    }

    /// What fills tables again: of incremental ones, the loads of what they hold, within the times that were asked for; of
    /// others, the audits that their rows have to pass. They are those of the trees that show them.
    fn again(
        &self,
        snapshots: &[&PhysicalTable],
        state: &State,
        has_statements: bool,
    ) -> Result<BTreeMap<TableName, Build>, Error> {
        let live = live(state);
        let mut again = BTreeMap::new();
        let mut trees = BTreeMap::new();
        for snapshot in snapshots {
            let shown = match self.shown_model(snapshot, &live, state, &mut trees)? {
                // by the query on record: nobody can say what audits its files had
                None if snapshot.select.is_some() && !has_statements => continue,
                shown => shown,
            };
            let (environment, model) = shown.ok_or_else(|| Error::Query {
                message: format!("the files that `{}` was filled from are not at hand", snapshot.model),
                help: Some("restate it where its branch is checked out; every table is as it was".to_owned()),
            })?;
            let Some(prepared) = trees.get(&environment) else { continue };
            let spans = snapshot.filled.as_ref().map_or_else(Vec::new, |filled| self.loads_again(&model, filled));
            let step = Step::of_run(&model, snapshot.table.clone(), spans);
            let tables = shown_tables(&environment, state);
            again.insert(snapshot.table.clone(), self.build_of(prepared, &model, &step, &tables, state)?);
        }
        Ok(again)
    }

    /// A snapshot's model, from the tree of an environment that shows it; `trees` keeps what was read.
    fn shown_model(
        &self,
        snapshot: &PhysicalTable,
        live: &BTreeMap<TableName, Vec<EnvName>>,
        state: &State,
        trees: &mut BTreeMap<EnvName, Prepared>,
    ) -> Result<Option<(EnvName, Model)>, Error> {
        let shown = live.get(&snapshot.table).into_iter().flatten();
        // prod's own tables above it, if prod shows it
        let (prod, others): (Vec<&EnvName>, Vec<&EnvName>) = shown.partition(|environment| environment.is_prod());
        for environment in prod.into_iter().chain(others) {
            if !trees.contains_key(environment) {
                trees.insert(environment.clone(), self.prepare_as_shown(environment, state, false)?);
            }
            let pointers = state.environments.get(environment).into_iter().flat_map(|shown| &shown.pointers);
            let shown = pointers.filter(|(_, pointer)| pointer.table == snapshot.table);
            let project = trees.get(environment).map(|tree| &tree.desired.project);
            let mut models = shown.filter_map(|(name, pointer)| {
                project?.model(name).filter(|model| model.fingerprint == pointer.fingerprint)
            });
            if let Some(model) = models.next() {
                return Ok(Some((environment.clone(), model.clone())));
            }
        }
        Ok(None)
    }
}

impl Workspace {
    /// What a table holds, within the times that were asked for; all of it where loads can't be told apart.
    fn loads_again(&self, model: &Model, filled: &Filled) -> Vec<Interval> {
        let Some(calendar) = &model.calendar else { return Vec::new() };
        let timing = if model.kind.is_filled_whole() { Timing::at(self.timing.now) } else { self.timing };
        let held = filled.intervals.iter().filter_map(|held| held.common(calendar.limits(&timing)?));
        held.flat_map(|held| calendar.loads_again(held)).collect()
    }
}
