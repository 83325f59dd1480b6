//! One pass of a run over the models, parents first: which of them are due, and what became of each.

use std::collections::BTreeSet;

use super::super::planning::{Prepared, Target};
use super::{Failed, Ran};
use crate::domain::diagnostic::Diagnostic;
use crate::domain::environment::{PhysicalTable, Pointer, State};
use crate::domain::interval::{Interval, Intervals};
use crate::domain::model::Kind;
use crate::domain::name::{EnvName, ModelName, TableName};
use crate::domain::plan::{Upstream, due, not_to_fill};
use crate::domain::project::Model;

/// A table that is due, and what to load into it; nothing where it is filled whole.
pub(super) type Due = (PhysicalTable, Vec<Interval>);

/// A pass over the models of an environment.
pub(super) struct Pass<'p> {
    pub(super) prepared: &'p Prepared,
    environment: &'p EnvName,
    pub(super) state: State,
    pub(super) ran: Ran,
    pub(super) failed: Failed,
    /// Whether anything was filled, or begun to be.
    pub(super) has_begun: bool,
    /// The models that read something which failed, and those that did.
    stuck: BTreeSet<ModelName>,
    /// The tables that it has come to.
    tried: BTreeSet<TableName>,
    /// The models that were filled, and the views over them: in a branch, what is built from them follows at once, as it does
    /// with `plan`.
    renewed: BTreeSet<ModelName>,
    upstream: Upstream,
    /// The tables that are not this environment's to fill.
    others: BTreeSet<TableName>,
    /// The models whose files from outside have changed.
    moved: BTreeSet<ModelName>,
    /// The tables that this run has filled, in earlier passes as well.
    all_filled: &'p mut BTreeSet<TableName>,
    /// How many models it is going to fill, as far as that could be told before.
    total: usize,
}

/// A model's turn.
pub(super) struct Turn {
    /// What is to be filled, if it is due.
    pub(super) due: Option<Due>,
    /// The spans that its table holds.
    pub(super) held: Intervals,
    follows: bool,
}

impl<'p> Pass<'p> {
    pub(super) fn new(
        prepared: &'p Prepared,
        environment: &'p EnvName,
        (state, moved): (State, BTreeSet<ModelName>),
        all_filled: &'p mut BTreeSet<TableName>,
    ) -> Self {
        Self {
            upstream: Upstream::new(&prepared.target.timing, environment.is_prod()),
            others: not_to_fill(environment, &state),
            total: to_fill(prepared, &state, &moved),
            ran: Ran::of(environment.clone()),
            failed: Failed::default(),
            has_begun: false,
            stuck: BTreeSet::new(),
            tried: BTreeSet::new(),
            renewed: BTreeSet::new(),
            prepared,
            environment,
            state,
            moved,
            all_filled,
        }
    }

    /// The next model's turn.
    pub(super) fn turn(&mut self, model: &Model) -> Turn {
        let (project, timing) = (&self.prepared.desired.project, &self.prepared.target.timing);
        let shown = self.state.pointer(self.environment, &model.name);
        let filled = shown.and_then(|shown| self.state.existing(&shown.table)?.filled.clone());
        let is_below = !self.environment.is_prod() && model.parents.keys().any(|parent| self.renewed.contains(parent));
        let follows = is_below || self.moved.contains(&model.name);
        let found = due(self.environment, (project, model), &self.state, (&self.upstream, timing), follows);
        let is_left = found.as_ref().is_some_and(|(it, _)| is_left(it, model, &self.others, &self.state));
        self.ran.left.extend(is_left.then(|| model.name.clone()));
        let is_again = |table: &TableName| !is_below && self.all_filled.contains(table);
        let found = found.filter(|(it, _)| !self.others.contains(&it.table) && !is_again(&it.table));
        // a table that two models share is filled once
        let mut found = found.filter(|(it, _)| self.tried.insert(it.table.clone()));
        if !project.built_from(model).is_disjoint(&self.stuck) {
            self.stuck.insert(model.name.clone());
            self.failed.skipped.extend(found.take().map(|_| model.name.clone()));
        }
        Turn { due: found, held: filled.unwrap_or_default().intervals, follows }
    }

    /// Which of the tables to fill this is, and of how many.
    pub(super) fn count(&self) -> (usize, usize) {
        (self.tried.len(), self.total.max(self.tried.len()))
    }

    /// A model's table was filled.
    pub(super) fn filled(&mut self, model: &Model, loads: &[Interval]) {
        self.ran.models.push((model.name.clone(), loads.to_vec()));
        self.renewed.insert(model.name.clone());
    }

    /// A model's table could not be filled; so many of its loads are kept, of so many.
    pub(super) fn failed(&mut self, model: &Model, problem: Diagnostic, (kept, loads): (usize, usize)) {
        self.stuck.insert(model.name.clone());
        self.failed.problems.push(problem);
        self.failed.models.push((model.name.clone(), kept, loads));
    }

    /// A model's turn is over.
    pub(super) fn end(&mut self, model: &Model, turn: Turn, loaded: &[Interval]) {
        self.all_filled.extend(turn.due.map(|(table, _)| table.table));
        if turn.follows && matches!(model.kind, Kind::View | Kind::Embedded) {
            self.renewed.insert(model.name.clone());
        }
        self.upstream.add_loaded(model, turn.held, loaded, &self.state);
    }

    /// Others had the warehouse: this is what it holds now.
    pub(super) fn see(&mut self, state: State) {
        let generation = |state: &State| state.environments.get(self.environment).map(|shown| shown.generation);
        self.ran.moved = generation(&self.state) != generation(&state);
        self.others = not_to_fill(self.environment, &state);
        self.state = state;
    }
}

/// How many models a run is going to fill, as far as that can be told before.
fn to_fill(prepared: &Prepared, state: &State, moved: &BTreeSet<ModelName>) -> usize {
    let (project, Target { environment, timing, .. }) = (&prepared.desired.project, &prepared.target);
    let (upstream, shared) = (Upstream::new(timing, environment.is_prod()), not_to_fill(environment, state));
    let (mut count, mut renewed) = (0, BTreeSet::new());
    for model in project.order().iter().filter_map(|name| project.model(name)) {
        let is_below = !environment.is_prod() && model.parents.keys().any(|parent| renewed.contains(parent));
        let follows = is_below || moved.contains(&model.name);
        let found = due(environment, (project, model), state, (&upstream, timing), follows);
        let is_due = found.is_some_and(|(table, _)| !shared.contains(&table.table));
        count += usize::from(is_due);
        if is_due || is_below && matches!(model.kind, Kind::View | Kind::Embedded) {
            renewed.insert(&model.name);
        }
    }
    count
}

/// Whether a model's table is left, though due: a rollback would show it, and prod doesn't now, be it under another name.
fn is_left(table: &PhysicalTable, model: &Model, shared: &BTreeSet<TableName>, state: &State) -> bool {
    let is_it = |shown: &Pointer| shown.table == table.table;
    let is_prods = || {
        state.pointer(&EnvName::prod(), &model.name).is_some_and(is_it)
            || state.prod().is_some_and(|prod| prod.pointers.values().any(is_it))
    };
    shared.contains(&table.table) && !is_prods()
}
