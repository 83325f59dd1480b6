//! What a plan says so far of the tables above a model: which ones they will be, and which of them it fills. A table that
//! is there is fresh if these are what it was filled from.
//!
//! Whose business a difference is (D12): what prod shows is filled by `run` alone, so that it is never made anew; nor is a
//! branch's table for what `run` fills above it in prod, or a branch would have something to build after every run. Only
//! what prod has shown and no longer does counts all of it, since nobody else would fill it again.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use super::super::calendar::Timing;
use super::super::environment::{PhysicalTable, State};
use super::super::interval::{Interval, Intervals, Moment};
use super::super::model::Kind;
use super::super::name::{EnvName, ModelName, TableName};
use super::super::project::Model;
use super::{Action, Step};

/// What a plan says so far of the tables above a model.
#[derive(Debug)]
pub struct Upstream {
    now: Moment,
    is_prod: bool,
    /// For models with incremental ancestors: the spans that all of these hold.
    held: BTreeMap<ModelName, Vec<Intervals>>,
    /// What a query names where it reads a model: its table or view; for an embedded one, those that it reads itself.
    named: BTreeMap<ModelName, BTreeSet<TableName>>,
    /// The tables whose rows a query reads there, through views, too.
    rows: BTreeMap<ModelName, BTreeSet<TableName>>,
    /// The nearest tables that are filled by loads: a table itself, or those above it.
    roots: BTreeMap<TableName, BTreeSet<String>>,
    /// The embedded models and views through which tables are read that no model makes.
    raw: BTreeSet<ModelName>,
    /// The tables that the plan fills.
    filled: BTreeSet<TableName>,
    /// The tables that prod shows, once someone asks.
    shown: OnceCell<BTreeSet<TableName>>,
    /// Those that it shows or has shown.
    promoted: OnceCell<BTreeSet<TableName>>,
}

impl Upstream {
    /// Nothing is known yet; in prod, what begins later than its child won't begin earlier.
    pub fn new(timing: &Timing, is_prod: bool) -> Self {
        Self {
            now: timing.now,
            is_prod,
            held: BTreeMap::new(),
            named: BTreeMap::new(),
            rows: BTreeMap::new(),
            roots: BTreeMap::new(),
            raw: BTreeSet::new(),
            filled: BTreeSet::new(),
            shown: OnceCell::new(),
            promoted: OnceCell::new(),
        }
    }

    /// Whether prod shows a table or has shown it.
    pub(super) fn was_promoted(&self, table: &PhysicalTable, state: &State) -> bool {
        self.promoted.get_or_init(|| state.promoted_tables().into_iter().cloned().collect()).contains(&table.table)
    }

    /// The spans that the incremental ancestors of a model hold.
    pub fn held(&self, model: &Model) -> Vec<Intervals> {
        model.parents.keys().filter_map(|parent| self.held.get(parent)).flatten().cloned().collect()
    }

    /// Whether a table was made of other tables than those that stand above it now: it can't be brought up to date.
    pub(super) fn is_remade(&self, model: &Model, known: &PhysicalTable, state: &State) -> bool {
        if is_in_prod(model, state) {
            return false;
        }
        let (inputs, is_read) = (&known.inputs, |table: &TableName| known.inputs.read.contains_key(&table.name));
        match &model.kind {
            Kind::Embedded | Kind::Seed(_) => false,
            Kind::View => !above(&self.named, model).all(|table| known.parents.contains(table)),
            Kind::Full => !above(&self.rows, model).all(is_read),
            // rows of earlier days may come from an earlier table that is filled whole, but not from others' loads
            Kind::Incremental(_) => !self.roots_above(model).all(|root| inputs.roots.contains(root)),
        }
    }

    /// Whether rows were filled above a table that is built whole, since it was.
    pub(super) fn is_stale(&self, model: &Model, built: &PhysicalTable, state: &State) -> bool {
        if model.kind != Kind::Full || is_in_prod(model, state) {
            return false;
        }
        let counts_all = self.is_prod || self.was_promoted(built, state);
        let shown = self.shown.get_or_init(|| {
            state.prod().into_iter().flat_map(|prod| prod.pointers.values()).map(|shown| shown.table.clone()).collect()
        });
        let is_newer = |table: &TableName| {
            let revision = state.tables.get(table).map(|known| known.revision);
            self.filled.contains(table) || revision.as_ref() != built.inputs.read.get(&table.name)
        };
        self.goes_back(model, built, state)
            || above(&self.rows, model).any(|table| is_newer(table) && (counts_all || !shown.contains(table)))
    }

    /// Whether prod would go back in time: it has filled what it shows of the model since a table was, and both read
    /// tables that no model makes. These have no revision of their own.
    fn goes_back(&self, model: &Model, built: &PhysicalTable, state: &State) -> bool {
        let shown = state.pointer(&EnvName::prod(), &model.name).filter(|_| self.is_prod);
        let Some((shown, (table, revision))) = shown.zip(built.inputs.beside.as_ref()) else { return false };
        let is_filled = state.tables.get(&shown.table).is_some_and(|shown| shown.revision != *revision);
        shown.table.name == *table && is_filled && self.reads_raw(model)
    }

    fn reads_raw(&self, model: &Model) -> bool {
        !model.outside().is_empty() || model.parents.keys().any(|parent| self.raw.contains(parent))
    }

    fn roots_above(&self, model: &Model) -> impl Iterator<Item = &String> {
        above(&self.rows, model).filter_map(|table| self.roots.get(table)).flatten()
    }

    pub(super) fn add(&mut self, model: &Model, step: &Step, state: &State) {
        let through = |known: &BTreeMap<ModelName, BTreeSet<TableName>>| above(known, model).cloned().collect();
        let own: BTreeSet<TableName> = step.table.iter().cloned().collect();
        let (named, rows) = match model.kind {
            Kind::Embedded => (through(&self.named), through(&self.rows)),
            Kind::View => (own, through(&self.rows)),
            _ => (own.clone(), own),
        };
        if let Some(table) = step.table.as_ref().filter(|table| rows.contains(*table)) {
            let is_built = step.action() == Action::Build;
            let known = state.tables.get(table).filter(|_| !is_built);
            let roots = match known.map(|known| &known.inputs) {
                _ if model.calendar.is_some() => BTreeSet::from([table.name.clone()]),
                Some(inputs) => inputs.roots.clone(),
                None => self.roots_above(model).cloned().collect(),
            };
            self.roots.insert(table.clone(), roots);
            self.filled.extend(is_built.then(|| table.clone()));
        }
        if self.is_prod && matches!(model.kind, Kind::Embedded | Kind::View) && self.reads_raw(model) {
            self.raw.insert(model.name.clone());
        }
        self.named.insert(model.name.clone(), named);
        self.rows.insert(model.name.clone(), rows);
        let begins_with = step.source().or(step.table.as_ref()).and_then(|table| state.existing(table));
        let filled = begins_with.and_then(|table| table.filled.as_ref()).map(|filled| filled.intervals.clone());
        self.add_loaded(model, filled.unwrap_or_default(), step.loads(), state);
    }

    /// Adds a model that holds these spans and is about to be loaded with others.
    pub fn add_loaded(&mut self, model: &Model, mut filled: Intervals, loads: &[Interval], state: &State) {
        let held = match &model.calendar {
            Some(calendar) => {
                loads.iter().for_each(|load| filled.insert(*load));
                // time before the model's start, or after its end, counts as held
                let is_settled = self.is_prod || is_in_prod(model, state);
                calendar.never(&filled, self.now, is_settled).into_iter().for_each(|never| filled.insert(never));
                vec![filled]
            }
            None => self.held(model),
        };
        if !held.is_empty() {
            self.held.insert(model.name.clone(), held);
        }
    }
}

/// Whether prod shows the table that stands for a model's version: then it is filled by `run` alone.
pub(super) fn is_in_prod(model: &Model, state: &State) -> bool {
    let shown = state.pointer(&EnvName::prod(), &model.name);
    shown.is_some_and(|shown| state.snapshots.get(&model.fingerprint) == Some(&shown.table))
}

/// What is known of a model's parents.
fn above<'k>(
    known: &'k BTreeMap<ModelName, BTreeSet<TableName>>,
    model: &Model,
) -> impl Iterator<Item = &'k TableName> {
    model.parents.keys().filter_map(|parent| known.get(parent)).flatten()
}
