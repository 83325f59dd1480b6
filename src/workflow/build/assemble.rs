//! From a step of a plan to what the engine needs to know to carry it out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::adapter::engine::{Body, Build, Fill, Load};
use crate::domain::engine_kind::EngineKind;
use crate::domain::environment::State;
use crate::domain::interval::{Interval, Times};
use crate::domain::limits::{LOADS, LOADS_TEXT};
use crate::domain::model::{Around, Incremental, Kind};
use crate::domain::name::{EnvName, ModelName, TableName};
use crate::domain::plan::Step;
use crate::domain::project::{Model, SeedFile, cast, staged};
use crate::workflow::error::Error;
use crate::workflow::loader::Loader;
use crate::workflow::planning::Prepared;

/// A model to be built, and what its texts are made with.
struct Assembly<'a> {
    loader: &'a Loader,
    prepared: &'a Prepared,
    model: &'a Model,
    step: &'a Step,
    /// The table that each model has in the environment.
    tables: &'a BTreeMap<ModelName, TableName>,
    state: &'a State,
    /// The table to make or fill.
    own: TableName,
}

impl Loader {
    /// What the warehouse needs to know to build a model.
    pub(in crate::workflow) fn build_of(
        &self,
        prepared: &Prepared,
        model: &Model,
        step: &Step,
        tables: &BTreeMap<ModelName, TableName>,
        state: &State,
    ) -> Result<Build, Error> {
        let text = model.file.query_span.len().max(1);
        if step.loads().len() > LOADS.min(LOADS_TEXT / text) {
            return Err(self.overloaded(&prepared.desired, model)?);
        }
        self.check_outside(&prepared.desired, model)?;
        let own = step.table.clone().unwrap_or_else(|| model.table());
        Assembly { loader: self, prepared, model, step, tables, state, own }.build()
    }
}

impl Assembly<'_> {
    fn build(self) -> Result<Build, Error> {
        let (model, tree) = (self.model, &self.prepared.desired);
        let columns = &model.file.columns;
        let first = self.select(&Times::LOADING)?.unwrap_or_default();
        let body = self.body(&first)?;
        let around = match &model.kind {
            Kind::Incremental(_) => Around::default(),
            _ => self.around(&self.times(None))?,
        };
        let content = |file: &SeedFile| Ok((staged(&file.path), self.loader.seed_content(tree, file)?));
        let files = model.files.iter().map(content).collect::<Result<_, Error>>()?;
        // audits are of each load's rows, and their times of all loads
        let hull = self.step.loads().first().zip(self.step.loads().last());
        let hull = hull.and_then(|(first, last)| Interval::new(first.start(), last.end()));
        let audited = |name: &ModelName| match *name == model.name {
            true => self.step.table.clone(),
            false => self.tables.get(name).cloned(),
        };
        let audits = match self.has_passed() {
            true => Vec::new(),
            false => self.loader.audits_of(tree, model, &self.times(hull), &audited)?,
        };
        let beside = self.state.pointer(&EnvName::prod(), &model.name).map(|shown| shown.table.clone());
        Ok(Build {
            model: model.name.clone(),
            fingerprint: model.fingerprint,
            own: model.own,
            content: model.content,
            kind: model.kind.word(),
            parents: self.tables_of(tree.project.built_from(model)).collect(),
            sources: self.sources(),
            recipe: model.recipe,
            shape: model.shape,
            clone_of: self.step.clone_of().cloned(),
            replaces: self.step.replaces().cloned(),
            beside: beside.filter(|beside| *beside != self.own),
            declared: (!columns.is_empty() && model.seed.is_none()).then(|| (columns.clone(), first)),
            audited: tree.audit_key(model),
            warnings: Arc::default(),
            table: self.own,
            body,
            around,
            files,
            reads_outside: tree.project.reads_outside_files(model),
            source_stamp: self.loader.source_stamp(&tree.project, model),
            audits,
        })
    }

    /// Where the rows come from; `first` is the query at the time at which files are read.
    fn body(&self, first: &str) -> Result<Body, Error> {
        let columns = &self.model.file.columns;
        match (&self.model.kind, &self.model.seed) {
            (Kind::Seed(seed), Some(file)) => Ok(Body::Seed {
                content: self.loader.seed_content(&self.prepared.desired, file)?,
                seed: seed.clone(),
                columns: columns.clone(),
            }),
            (Kind::View, _) => Ok(Body::View(self.cast_select(&self.times(None))?)),
            (Kind::Incremental(incremental), _) => Ok(Body::Loads(Box::new(self.loads(incremental, first)?))),
            _ => Ok(Body::Table(self.cast_select(&self.times(None))?)),
        }
    }

    fn loads(&self, incremental: &Incremental, first: &str) -> Result<Fill, Error> {
        let load = |interval: &Interval| {
            let times = self.times(Some(*interval));
            Ok(Load { interval: *interval, select: self.cast_select(&times)?, around: self.around(&times)? })
        };
        let source = self.step.source().and_then(|before| self.state.existing(before));
        Ok(Fill {
            by: incremental.by.clone(),
            first: cast(self.engine(), first, &self.model.file.columns),
            setup: self.around(&Times::LOADING)?.without_table(),
            loads: self.step.loads().iter().map(load).collect::<Result<_, Error>>()?,
            aim: self.step.aim(),
            known: self.state.existing(&self.own).cloned(),
            before: source.cloned(),
            on_change: incremental.rules(),
            now: self.prepared.target.timing.now,
            gives_way: !self.state.is_shown(&self.own),
        })
    }

    fn engine(&self) -> EngineKind {
        self.loader.referee.engine()
    }

    /// The times of a load, or of all that is due.
    fn times(&self, load: Option<Interval>) -> Times {
        self.loader.times(self.model, load, &self.prepared.target.timing)
    }

    /// The model's query at a time; none of a seed.
    fn select(&self, times: &Times) -> Result<Option<String>, Error> {
        let table = |name: &ModelName| self.tables.get(name).cloned();
        self.loader.select_at(&self.prepared.desired, self.model, times, &table)
    }

    /// The query at a time, its columns in their declared types.
    fn cast_select(&self, times: &Times) -> Result<String, Error> {
        Ok(cast(self.engine(), &self.select(times)?.unwrap_or_default(), &self.model.file.columns))
    }

    /// The statements around the query at a time.
    fn around(&self, times: &Times) -> Result<Around, Error> {
        let table = |name: &ModelName| self.tables.get(name).cloned();
        self.loader.around_at(&self.prepared.desired, self.model, times, &self.own, &table)
    }

    /// Whether the table that this is to be a clone of has passed the audits.
    fn has_passed(&self) -> bool {
        let original = self.step.clone_of().and_then(|(of, _)| self.state.tables.get(&TableName::physical(of.clone())));
        let key = self.prepared.desired.audit_key(self.model);
        original.zip(key).is_some_and(|(original, key)| original.audited.contains(&key))
    }

    /// The tables that the rows come from.
    fn sources(&self) -> BTreeMap<ModelName, TableName> {
        let read = self.prepared.desired.project.filled_from(self.model).into_iter();
        read.filter_map(|model| self.tables.get(&model).cloned().map(|table| (model, table))).collect()
    }

    fn tables_of(&self, models: BTreeSet<ModelName>) -> impl Iterator<Item = TableName> {
        models.into_iter().filter_map(|model| self.tables.get(&model).cloned())
    }
}
