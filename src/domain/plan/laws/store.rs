//! The warehouse's half of the world: what builds, loads and drops do to tables and to the records of them.

use std::collections::{BTreeMap, BTreeSet};

use super::super::super::calendar::Filled;
use super::super::super::environment::{Alike, Contents, Inputs, PhysicalTable, State};
use super::super::super::fingerprint::Fingerprint;
use super::super::super::interval::{Interval, Moment};
use super::super::super::model::{Around, By, Kind, Order};
use super::super::super::name::{EnvName, ModelName, TableName};
use super::super::super::project::{Model, Project};
use super::super::super::sql::Print;
use super::super::{Reason, Step};
use super::rows::{Cell, Day, Input, Query, Rows, hash, raw_meaning};
use super::tree::{Read, Sort};
use super::world::{DAY, FIRST, World};

/// What a model's rows are made by, and what the names of its query mean.
pub(super) type Made = (Option<Fingerprint>, Option<Print>);

pub(super) fn made_by(model: &Model) -> Made {
    (model.recipe, model.shape)
}

/// How many loads may be carried out before the process is killed; none: all of them.
pub(super) type Budget = Option<usize>;

/// What is really there under a name of the physical layer.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    /// The rows of a table; none of a view.
    pub(super) rows: Option<Rows>,
    /// The query that it was last filled by, or that the view says.
    pub(super) query: Query,
    /// The tables that the stored rows were read from, each with its count of writes then: for tables built whole.
    pub(super) inputs: BTreeMap<String, Writes>,
    /// The tables and views that its query named, with each load since it was made.
    pub(super) reads: BTreeSet<String>,
    pub(super) writes: Writes,
    /// The days that it began with, as a copy.
    pub(super) copied: Option<Rows>,
    /// The table that they were copied from.
    pub(super) from: Option<(String, Writes)>,
    /// The table that it is a clone of, as that was when it had the very rows: it is a view of it.
    pub(super) of: Option<(String, Writes)>,
    /// What prod showed of the model when it was last written.
    pub(super) beside: Option<(String, Writes)>,
    /// The nearest tables above it that are filled by loads, with each load since it was made.
    pub(super) roots: BTreeSet<String>,
    /// The days that what it reads held when it was made.
    pub(super) held_above: BTreeSet<Day>,
}

/// How often a table was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Writes {
    /// By anyone.
    pub(super) all: u64,
    /// But for runs that filled it whole.
    pub(super) planned: u64,
}

impl World {
    /// The rows of a table or view, as a reader finds them now.
    pub(super) fn read(&self, table: &str) -> Rows {
        let stored = self.stored.get(table).unwrap_or_else(|| panic!("{table} is not there"));
        if let Some((of, writes)) = &stored.of
            && self.stored.get(of).unwrap_or_else(|| panic!("{of} is not there")).writes != *writes
        {
            // what a view shows is what it reads
            return self.read(of);
        }
        stored.rows.clone().unwrap_or_else(|| Rows::through(&stored.query, &self.inputs(&stored.query)))
    }

    /// The rows that a query reads.
    pub(super) fn inputs(&self, query: &Query) -> Vec<Rows> {
        let rows = |input: &Input| match input {
            Input::Raw(number) => {
                let meaning = raw_meaning(*number);
                let cell = |(day, count): (&i64, &u32)| {
                    (*day, Cell { exact: hash((number, day, count)), meaning, outcome: meaning })
                };
                Rows::Days(self.raw[usize::from(*number)].iter().map(cell).collect())
            }
            Input::Table(table) => self.read(table),
            Input::Inline(query) => Rows::through(query, &self.inputs(query)),
        };
        query.inputs.iter().map(rows).collect()
    }

    /// What a build of all of it gives now.
    pub(super) fn whole(&self, query: &Query) -> Cell {
        let inputs: Vec<Cell> = self.inputs(query).iter().map(Rows::whole).collect();
        Cell::of(query.sort, query.says(), &inputs)
    }

    /// What a load of a day gives now. What an input lacks means nothing that a model says.
    pub(super) fn of_day(&self, query: &Query, day: i64) -> Cell {
        let lacking = Cell { exact: 0, meaning: 0, outcome: 0 };
        let inputs: Vec<Cell> = self.inputs(query).iter().map(|rows| rows.day(day).unwrap_or(lacking)).collect();
        Cell::of(query.sort, query.says(), &inputs)
    }

    /// The tables with rows that a query reads, through views and embedded models.
    pub(super) fn stored_inputs(&self, query: &Query) -> BTreeSet<String> {
        let of = |input: &Input| match input {
            Input::Raw(_) => BTreeSet::new(),
            Input::Inline(query) => self.stored_inputs(query),
            Input::Table(table) => match self.stored.get(table) {
                Some(view) if view.rows.is_none() => self.stored_inputs(&view.query),
                _ => [table.clone()].into(),
            },
        };
        query.inputs.iter().flat_map(of).collect()
    }

    /// What a table is recorded to be filled from, beside what prod shows of the same model.
    fn recorded_inputs(&self, query: &Query, table: &TableName, model: &ModelName, (recipe, shape): Made) -> Inputs {
        let beside = self.state.pointer(&EnvName::prod(), model).map(|shown| &shown.table).filter(|it| *it != table);
        let beside = beside.and_then(|beside| self.state.tables.get(beside));
        let beside = beside.map(|beside| (beside.table.name.clone(), beside.revision));
        let mut inputs = Inputs { beside, recipe, shape, read_as: self.read_as(query), ..Inputs::default() };
        for name in self.stored_inputs(query) {
            let Some(known) = self.state.tables.get(&TableName::physical(name.clone())) else { continue };
            inputs.add(&name, known.revision, known.filled.is_some(), &known.inputs);
        }
        inputs
    }

    /// The tables with rows that a query reads, each by the model that it is read as.
    fn read_as(&self, query: &Query) -> BTreeMap<ModelName, String> {
        let of = |(input, read): (&Input, &Read)| match (input, read) {
            (Input::Inline(query), _) => self.read_as(query),
            (Input::Table(table), Read::Model(name)) => match self.stored.get(table) {
                Some(view) if view.rows.is_none() => self.read_as(&view.query),
                _ => [(ModelName::parse(name).unwrap(), table.clone())].into(),
            },
            _ => BTreeMap::new(),
        };
        query.inputs.iter().zip(&query.names).flat_map(of).collect()
    }

    fn writes_of(&self, query: &Query) -> BTreeMap<String, Writes> {
        let inputs = self.stored_inputs(query).into_iter();
        inputs.map(|table| (table.clone(), self.stored.get(&table).map_or(Writes::default(), |it| it.writes))).collect()
    }

    /// Builds a model's table, or fills it on; `false` where the budget ends.
    pub(super) fn build(
        &mut self,
        model: &Model,
        parents: Vec<TableName>,
        query: Query,
        step: &Step,
        state: &State,
        budget: &mut Budget,
    ) -> bool {
        if !spend(budget) {
            return false;
        }
        let at = self.clock();
        let table = step.table.clone().unwrap();
        let fresh = PhysicalTable {
            model: model.name.clone(),
            fingerprint: model.fingerprint,
            own: model.own,
            table: table.clone(),
            kind: model.kind.word(),
            parents,
            select: None,
            around: Around::default(),
            columns: Vec::new(),
            built_at: at,
            filled: None,
            audited: BTreeSet::new(),
            content: Some(model.content),
            revision: 0,
            inputs: Inputs::default(),
            continues: None,
            rows: None,
        };
        match &model.kind {
            Kind::Incremental(_) => self.fill(model, &query, step, (fresh, state), budget),
            kind => {
                let rows = (*kind != Kind::View).then(|| Rows::Whole(self.whole(&query)));
                let select = (!matches!(kind, Kind::Seed(_))).then(|| select(&query));
                let mut inputs = self.recorded_inputs(&query, &table, &model.name, made_by(model));
                let original = self.cloned(step, rows.as_ref(), &query);
                let alike = self.alike(step, rows.as_ref());
                self.make((&table, &model.name), rows, query);
                let revision = self.state.tables.get(&table).map_or(at.unsigned_abs(), |before| before.revision + 1);
                if let Some((name, revision)) = original {
                    if step.clone_of().is_some() {
                        self.set_beside_of_clone(&table, &mut inputs, &(name.clone(), revision), &model.name);
                    }
                    self.stored.get_mut(&table.name).unwrap().of = Some((name.clone(), self.stored[&name].writes));
                    inputs.clone_of = Some((name, revision));
                } else {
                    inputs.alike = alike;
                }
                self.record(PhysicalTable { select, inputs, revision, ..fresh });
                self.stand_for(model, &table);
                true
            }
        }
    }

    /// The table that a new one is made as a clone of.
    fn cloned(&self, step: &Step, rows: Option<&Rows>, query: &Query) -> Option<Contents> {
        let of = |table: &String| &self.state.tables[&TableName::physical(table.clone())];
        if let Some((table, revision)) = step.clone_of() {
            assert_eq!(of(table).revision, *revision, "{table} was filled in between");
            let (found, built) = (self.read(table).whole().outcome, self.whole(query).outcome);
            assert_eq!(found, built, "{} is no clone of {table}: {query:?}", step.model);
            return step.clone_of().cloned();
        }
        let replaced = &step.replaces()?.table.name;
        let is_same = Some(self.read(replaced).whole().exact) == rows.map(|rows| rows.whole().exact)
            && self.stored[replaced].query.extra == query.extra;
        is_same.then(|| of(replaced).contents())
    }

    /// The columns as far as which a new table has the rows of the one before: all but that which nobody reads.
    fn alike(&self, step: &Step, rows: Option<&Rows>) -> Vec<Alike> {
        let Some(replaced) = step.replaces() else { return Vec::new() };
        let of = self.state.tables[&replaced.table].contents();
        let are_same = Some(self.read(&replaced.table.name).whole().exact) == rows.map(|rows| rows.whole().exact);
        let taken = replaced.taken.iter().filter(|columns| are_same && !columns.contains("w"));
        taken.map(|columns| Alike { of: of.clone(), columns: columns.clone() }).collect()
    }

    /// The rows of a clone are as old as the original, unless prod shows the very rows.
    fn set_beside_of_clone(&mut self, table: &TableName, inputs: &mut Inputs, of: &Contents, model: &ModelName) {
        let Some(shown) = self.state.pointer(&EnvName::prod(), model).map(|shown| shown.table.clone()) else { return };
        if shown == *table || self.state.tables[&shown].contents() == *of {
            return;
        }
        let original = &self.state.tables[&TableName::physical(of.0.clone())];
        inputs.beside = original.inputs.beside.clone().or(Some((shown.name.clone(), 0)));
        let beside = self.stored[&of.0].beside.clone();
        self.stored.get_mut(&table.name).unwrap().beside = beside.or(Some((shown.name, Writes::default())));
    }

    /// The clones of a table that is about to be filled, or to go, get rows of their own.
    fn detach(&mut self, table: &str) {
        for clone in self.stored.values_mut() {
            clone.of.take_if(|(of, _)| of == table);
        }
        for clone in self.state.tables.values_mut() {
            clone.inputs.clone_of.take_if(|(of, _)| of == table);
        }
    }

    /// Puts a table or view in the place of what is there.
    fn make(&mut self, (table, model): (&TableName, &ModelName), rows: Option<Rows>, query: Query) {
        self.detach(&table.name);
        // a table in a dropped one's place is another
        let start = self.now.unsigned_abs();
        let before = self.stored.get(&table.name).map_or(Writes { all: start, planned: start }, |it| it.writes);
        let writes = Writes { all: before.all + 1, planned: before.planned + 1 };
        let (inputs, reads) = (self.writes_of(&query), direct(&query));
        let (beside, held_above) = (self.beside(table, model), self.held_above(&query));
        let (copied, from, of) = (None, None, None);
        let roots = self.roots(&query);
        let stored = Stored { rows, query, inputs, reads, writes, copied, from, of, beside, roots, held_above };
        self.stored.insert(table.name.clone(), stored);
    }

    /// The nearest tables above a query that are filled by loads, through what is built whole, as far as they are there.
    pub(super) fn roots(&self, query: &Query) -> BTreeSet<String> {
        let of = |table: String| match self.stored.get(&table) {
            Some(Stored { rows: Some(Rows::Whole(_)), query, .. }) => self.roots(query),
            Some(_) => [table].into(),
            None => BTreeSet::new(),
        };
        self.stored_inputs(query).into_iter().flat_map(of).collect()
    }

    /// The days that are over and that all hold which is filled by days above a query, through whatever lies between; of
    /// histories, none can say: their rows are of no day.
    pub(super) fn held_above(&self, query: &Query) -> BTreeSet<Day> {
        let all: BTreeSet<Day> = (FIRST..self.now / DAY).collect();
        let of = |input: &Input| match input {
            Input::Raw(_) => all.clone(),
            Input::Inline(query) => self.held_above(query),
            Input::Table(table) => match &self.stored[table] {
                Stored { rows: Some(Rows::Days(days)), .. } => days.keys().copied().collect(),
                Stored { rows: Some(Rows::History(_)), .. } => BTreeSet::new(),
                other => self.held_above(&other.query),
            },
        };
        query.inputs.iter().map(of).fold(all.clone(), |held, other| &held & &other)
    }

    fn beside(&self, table: &TableName, model: &ModelName) -> Option<(String, Writes)> {
        let shown = self.shows(&EnvName::prod()).remove(model).filter(|shown| shown != table)?;
        Some((shown.name.clone(), self.stored[&shown.name].writes))
    }

    fn record(&mut self, table: PhysicalTable) {
        self.state.physical.insert(table.table.name.clone());
        self.state.tables.insert(table.table.clone(), table);
    }

    /// From now on, a table stands for a model's version.
    fn stand_for(&mut self, model: &Model, table: &TableName) {
        self.state.snapshots.insert(model.fingerprint, table.clone());
    }

    /// Makes an incremental table if it is not there, and carries out its loads.
    fn fill(
        &mut self,
        model: &Model,
        query: &Query,
        step: &Step,
        (fresh, state): (PhysicalTable, &State),
        budget: &mut Budget,
    ) -> bool {
        let (known, at) = (state.existing(&fresh.table).cloned(), fresh.built_at);
        let is_new = known.is_none();
        let mut snapshot = known.unwrap_or_else(|| {
            let before = step.source().and_then(|before| state.existing(before));
            let intervals = before.and_then(|before| before.filled.clone()).unwrap_or_default().intervals;
            let rows = before.map(|before| self.read(&before.table.name).copied_into(query.sort));
            let empty =
                if query.sort == Sort::History { Rows::History(Vec::new()) } else { Rows::Days(BTreeMap::new()) };
            let from = before.map(|it| (it.table.name.clone(), self.stored[&it.table.name].writes));
            self.make((&fresh.table, &model.name), Some(rows.clone().unwrap_or(empty)), query.clone());
            let stored = self.stored.get_mut(&fresh.table.name).unwrap();
            (stored.copied, stored.from) = (rows, from);
            let continues = before.map(PhysicalTable::as_source);
            let filled = Some(Filled { aim: step.aim(), intervals });
            let inputs = self.recorded_inputs(query, &fresh.table, &model.name, (None, None));
            let revision = self.state.tables.get(&fresh.table).map_or(at.unsigned_abs(), |before| before.revision + 1);
            PhysicalTable { filled, continues, inputs, revision, ..fresh }
        });
        self.record(snapshot.clone());
        if is_new {
            self.stand_for(model, &snapshot.table);
        }
        for load in step.loads() {
            if !spend(budget) {
                return false;
            }
            snapshot = self.load(model, query, *load, step.aim(), &snapshot);
        }
        true
    }

    /// One load; gives the snapshot as it is then.
    fn load(
        &mut self,
        model: &Model,
        query: &Query,
        load: Interval,
        aim: Option<Interval>,
        snapshot: &PhysicalTable,
    ) -> PhysicalTable {
        let Kind::Incremental(incremental) = &model.kind else { panic!("{} is not filled by loads", model.name) };
        let at = self.clock();
        let mut filled = snapshot.filled.clone().unwrap_or_default();
        filled.aim = aim.or(filled.aim);
        let mut rows = self.read(&snapshot.table.name);
        if incremental.by.order() == Order::InTurn {
            filled.intervals.remove(Interval::new(load.start(), Moment::MAX).unwrap());
            if filled.intervals.is_empty() && snapshot.continues.is_none() {
                rows = Rows::Days(BTreeMap::new());
            }
        }
        filled.intervals.insert(load);
        match &mut rows {
            Rows::Days(days) => {
                let loaded = load.start().micros() / DAY..load.end().micros() / DAY;
                days.extend(loaded.map(|day| (day, self.of_day(query, day))));
            }
            Rows::History(seen) => {
                let now = self.whole(query);
                if seen.last() != Some(&now) {
                    seen.push(now);
                }
            }
            Rows::Whole(_) => panic!("{} is not built whole", model.name),
        }
        let (reads, roots) = (direct(query), self.roots(query));
        let stored = self.stored.get_mut(&snapshot.table.name).unwrap();
        stored.roots.extend(roots);
        (stored.rows, stored.query) = (Some(rows), query.clone());
        stored.reads.extend(reads);
        stored.writes = Writes { all: stored.writes.all + 1, planned: stored.writes.planned + 1 };
        let revision = snapshot.revision + 1;
        let inputs = self.recorded_inputs(query, &snapshot.table, &model.name, (None, None));
        let mut next = PhysicalTable { filled: Some(filled), built_at: at, revision, inputs, ..snapshot.clone() };
        next.add_parents(&direct(query).into_iter().map(TableName::physical).collect::<Vec<_>>());
        self.record(next.clone());
        next
    }

    /// Fills a whole table again by a query.
    pub(super) fn refill(&mut self, snapshot: &PhysicalTable, query: Query, made_by: Made, is_run: bool) {
        if snapshot.select.is_none() {
            return;
        }
        let at = self.clock();
        let rows = Some(Rows::Whole(self.whole(&query)));
        let before = self.stored[&snapshot.table.name].writes;
        let inputs = self.recorded_inputs(&query, &snapshot.table, &snapshot.model, made_by);
        let select = Some(select(&query));
        self.make((&snapshot.table, &snapshot.model), rows, query);
        if is_run {
            self.stored.get_mut(&snapshot.table.name).unwrap().writes.planned = before.planned;
        }
        let revision = snapshot.revision + 1;
        self.record(PhysicalTable { select, built_at: at, inputs, revision, ..snapshot.clone() });
    }

    /// Carries out loads of an incremental table again, whatever it holds.
    pub(super) fn reload(&mut self, model: &Model, query: Query, known: &PhysicalTable, loads: &[Interval]) {
        let Kind::Incremental(incremental) = &model.kind else { return };
        if matches!(incremental.by, By::History(_)) {
            return;
        }
        let mut snapshot = known.clone();
        let held = known.filled.iter().flat_map(|filled| filled.intervals.iter());
        let loaded: super::super::super::interval::Intervals = loads.iter().copied().collect();
        if incremental.by.order() != Order::Any || held.into_iter().all(|held| loaded.contains(held)) {
            let stored = self.stored.get_mut(&known.table.name).unwrap();
            (stored.rows, stored.roots) = (Some(Rows::Days(BTreeMap::new())), BTreeSet::new());
            snapshot.filled = Some(Filled { aim: known.filled.as_ref().and_then(|it| it.aim), ..Filled::default() });
        }
        for load in loads {
            snapshot = self.load(model, &query, *load, None, &snapshot);
        }
    }

    /// Puts a model on record that shows another one's table.
    pub(super) fn share(&mut self, project: &Project, step: &Step) {
        let Reason::SameAs(_) = &step.reason else { return };
        self.stand_for(project.model(&step.model).unwrap(), step.table.as_ref().unwrap());
    }

    /// Drops a table or view with its records.
    pub(super) fn drop_table(&mut self, table: &TableName) {
        self.detach(&table.name);
        self.stored.remove(&table.name);
        self.state.physical.remove(&table.name);
        self.state.tables.remove(table);
        self.state.snapshots.retain(|_, known| known != table);
    }
}

fn spend(budget: &mut Budget) -> bool {
    let left = budget.map(|left| left.checked_sub(1));
    *budget = left.flatten();
    left != Some(None)
}

/// The query's text, as far as anyone looks into it: the tables that it names.
pub(super) fn select(query: &Query) -> String {
    let quoted = |name: String| TableName::physical(name).quoted();
    direct(query).into_iter().map(quoted).collect::<Vec<_>>().join(", ")
}

/// The tables and views that a query names.
pub(super) fn direct(query: &Query) -> BTreeSet<String> {
    let of = |input: &Input| match input {
        Input::Raw(_) => BTreeSet::new(),
        Input::Table(table) => [table.clone()].into(),
        Input::Inline(query) => direct(query),
    };
    query.inputs.iter().flat_map(of).collect()
}
