//! What a plan says so far of the tables above a model: which ones they will be, and which of them it fills. A table that
//! is there is fresh if these are what it was filled from.
//!
//! Whose business a difference is (D12): what prod shows is filled by `run` alone, so that it is never made anew; nor is a
//! branch's table for what `run` fills above it in prod, or a branch would have something to build after every run. Only
//! what prod has shown and no longer does counts all of it, since nobody else would fill it again.
//!
//! A table of another version of the model above is as good, if it was filled from the same rows: its reader would have
//! another fingerprint if the versions differed in what it takes.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use super::super::calendar::Timing;
use super::super::environment::{Contents, PhysicalTable, State};
use super::super::interval::{Interval, Intervals, Moment};
use super::super::model::{Kind, KindWord};
use super::super::name::{EnvName, ModelName, TableName};
use super::super::project::{Model, Project};
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
    /// The rows of the tables above that the plan doesn't fill.
    contents: BTreeMap<TableName, Contents>,
    /// The nearest tables that are filled by loads: a table itself, or those above it.
    roots: BTreeMap<TableName, BTreeSet<String>>,
    /// The embedded models and views through which tables are read that no model makes.
    raw: BTreeSet<ModelName>,
    /// For each table above: those at their revisions, itself included, whose readers have read what they would now.
    as_good: BTreeMap<TableName, BTreeMap<String, AsGood>>,
    /// The tables that are built whole, by model, once someone asks.
    whole: OnceCell<BTreeMap<ModelName, Vec<TableName>>>,
    /// The tables that prod shows, once someone asks.
    shown: OnceCell<BTreeSet<TableName>>,
    /// Those that it shows or has shown.
    promoted: OnceCell<BTreeSet<TableName>>,
}

/// A table that is as good to read as another.
#[derive(Debug)]
struct AsGood {
    /// At this revision.
    revision: u64,
    /// Whether it is so with all that prod has filled since.
    is_fresh: bool,
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
            contents: BTreeMap::new(),
            roots: BTreeMap::new(),
            raw: BTreeSet::new(),
            as_good: BTreeMap::new(),
            whole: OnceCell::new(),
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
        let inputs = &known.inputs;
        match &model.kind {
            Kind::Embedded | Kind::Seed(_) => false,
            Kind::View => !above(&self.named, model).all(|table| known.parents.contains(table)),
            Kind::Full => {
                let is_read = |table: &TableName| inputs.read.contains_key(&table.name);
                !above(&self.rows, model).all(|table| is_read(table) || self.has_read(known, table, state))
            }
            // rows of earlier days may come from an earlier table that is filled whole, but not from others' loads
            Kind::Incremental(_) => !self.roots_above(model).all(|root| inputs.roots.contains(root)),
        }
    }

    /// Whether rows were filled above a table that is built whole, since it was.
    pub(super) fn is_stale(&self, model: &Model, built: &PhysicalTable, state: &State) -> bool {
        if model.kind != Kind::Full || is_in_prod(model, state) {
            return false;
        }
        self.goes_back(model, built, state) || above(&self.rows, model).any(|table| !self.has_read(built, table, state))
    }

    /// Whether a table was filled from what a table above holds, or from one that is as good. What prod has filled since
    /// counts in prod, and for what prod has shown.
    fn has_read(&self, reader: &PhysicalTable, table: &TableName, state: &State) -> bool {
        let counts_all = self.is_prod || self.was_promoted(reader, state);
        self.reads(reader, table, counts_all, state)
    }

    fn reads(&self, reader: &PhysicalTable, table: &TableName, counts_all: bool, state: &State) -> bool {
        let mut as_good = self.as_good.get(table).into_iter().flatten();
        as_good.any(|(name, good)| {
            let is_prods = || !counts_all && self.shown(state).contains(&TableName::physical(name.clone()));
            let is_read = |read: &u64| *read == good.revision || is_prods();
            (good.is_fresh || !counts_all) && reader.inputs.read.get(name).is_some_and(is_read)
        })
    }

    /// The tables whose readers have read what they would read of a step's table.
    fn as_good(
        &self,
        model: &Model,
        step: &Step,
        known: Option<&PhysicalTable>,
        state: &State,
    ) -> BTreeMap<String, AsGood> {
        let Some(table) = &step.table else { return BTreeMap::new() };
        let itself = known.map(|it| (it, true));
        let others = self.whole(state).get(&model.name).into_iter().flatten().filter(|_| model.kind == Kind::Full);
        let others = others.filter_map(|other| state.tables.get(other)).filter_map(|other| {
            let is_other = other.table != *table && other.fingerprint != model.fingerprint;
            let reads = |all| above(&self.rows, model).all(|above| self.reads(other, above, all, state));
            (is_other && reads(false)).then(|| (other, reads(true)))
        });
        let good = itself.into_iter().chain(others);
        good.map(|(it, is_fresh)| (it.table.name.clone(), AsGood { revision: it.revision, is_fresh })).collect()
    }

    /// A table that holds just the rows that a build of a model would give: it was made by the same recipe, of the same
    /// rows. Prod doesn't go back to what was read earlier of tables that no model makes.
    pub(super) fn same_rows<'s>(
        &self,
        model: &Model,
        desired: &Project,
        state: &'s State,
    ) -> Option<&'s PhysicalTable> {
        let recipe = model.recipe.filter(|_| model.kind == Kind::Full)?;
        let read = |name: ModelName| {
            let table = self.rows.get(&name)?.first()?;
            Some((name, (table, self.contents.get(table)?)))
        };
        let above = desired.filled_from(model).into_iter().map(read).collect::<Option<BTreeMap<_, _>>>()?;
        let holds = |name: &ModelName, (table, contents): (&TableName, &Contents), read: &Contents, means_same| {
            let taken = desired.taken(model, name).filter(|_| means_same);
            let known = state.tables.get(table).filter(|known| known.contents() == *contents);
            let mut alike = known.into_iter().flat_map(|known| &known.inputs.alike);
            contents == read
                || alike.any(|it| it.of == *read && taken.is_some_and(|taken| taken.is_subset(&it.columns)))
        };
        let is_same = |table: &&PhysicalTable| {
            let inputs = &table.inputs;
            let was_read = |name: &ModelName| {
                let table = inputs.read_as.get(name)?;
                let read = (table.clone(), *inputs.read.get(table)?);
                let known = state.tables.get(&TableName::physical(table.clone()));
                Some(known.filter(|known| known.revision == read.1).map_or(read, PhysicalTable::contents))
            };
            let is_latest = !self.is_prod || !self.reads_raw(model) || self.shown(state).contains(&table.table);
            let means_same = model.shape.is_some() && inputs.shape == model.shape;
            let are_same =
                above.iter().all(|(name, now)| was_read(name).is_some_and(|read| holds(name, *now, &read, means_same)));
            inputs.recipe == Some(recipe) && inputs.read_as.len() == above.len() && are_same && is_latest
        };
        let known = self.whole(state).get(&model.name).into_iter().flatten();
        // of tables that no model makes, the newest have been read latest
        let newest = |table: &&PhysicalTable| (self.shown(state).contains(&table.table), table.built_at);
        known.filter_map(|table| state.existing(table)).filter(is_same).max_by_key(newest)
    }

    /// The tables that prod shows.
    fn shown(&self, state: &State) -> &BTreeSet<TableName> {
        self.shown.get_or_init(|| {
            state.prod().into_iter().flat_map(|prod| prod.pointers.values()).map(|shown| shown.table.clone()).collect()
        })
    }

    fn whole(&self, state: &State) -> &BTreeMap<ModelName, Vec<TableName>> {
        self.whole.get_or_init(|| {
            let mut whole: BTreeMap<ModelName, Vec<TableName>> = BTreeMap::new();
            for table in state.tables.values().filter(|table| table.kind == KindWord::Full) {
                whole.entry(table.model.clone()).or_default().push(table.table.clone());
            }
            whole
        })
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
        model.reads_outside() || model.parents.keys().any(|parent| self.raw.contains(parent))
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
            let is_made = step.action() == Action::Build || step.clone_of().is_some();
            let known = state.tables.get(table).filter(|_| !is_made);
            let roots = match known.map(|known| &known.inputs) {
                _ if model.calendar.is_some() => BTreeSet::from([table.name.clone()]),
                Some(inputs) => inputs.roots.clone(),
                None => self.roots_above(model).cloned().collect(),
            };
            self.roots.insert(table.clone(), roots);
            self.as_good.insert(table.clone(), self.as_good(model, step, known, state));
            let contents = step.clone_of().cloned().or_else(|| known.map(PhysicalTable::contents));
            self.contents.extend(contents.map(|contents| (table.clone(), contents)));
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
