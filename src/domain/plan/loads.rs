//! What a model's table begins with, what is loaded into it, and what that means for the models below.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use super::super::calendar::Timing;
use super::super::environment::{PhysicalTable, Pointer, State};
use super::super::interval::{Interval, Intervals, Moment};
use super::super::model::{By, Incremental, Kind};
use super::super::name::{EnvName, ModelName, TableName};
use super::super::project::{Model, Project};
use super::Step;

/// A table that holds just what a model's own would: the model was renamed, or says what another one says. Tables that
/// grow belong to one model each.
pub(super) fn twin<'s>(model: &Model, state: &'s State) -> Option<&'s PhysicalTable> {
    let is_whole = matches!(model.kind, Kind::Full | Kind::View | Kind::Seed(_));
    state.same_content(&model.content, model.kind.word()).filter(|_| is_whole)
}

/// The snapshot that a model's table begins as a copy of: the version that prod shows, where the new one goes on from its
/// rows; or that of the model which was renamed. What a branch made of it is shown by prod only while prod's rows are
/// still those that were copied.
pub(super) fn continued<'s>(
    model: &Model,
    known: Option<&PhysicalTable>,
    desired: &Project,
    state: &'s State,
    env: &EnvName,
) -> Option<&'s PhysicalTable> {
    let Kind::Incremental(incremental) = &model.kind else { return None };
    let prod = state.prod()?;
    let same_name = || prod.pointers.get(&model.name).filter(|_| incremental.goes_on());
    let renamed = || {
        let gone = prod.pointers.iter().filter(|(name, _)| desired.model(name).is_none());
        let content = |shown: &Pointer| state.tables.get(&shown.table).and_then(|table| table.content);
        gone.map(|(_, shown)| shown).find(|shown| content(shown) == Some(model.content))
    };
    let before = state.existing(&same_name().or_else(renamed)?.table)?;
    // however changes are told, a history is a history
    let sort = |word: &str| if word.starts_with("SCD_TYPE_2") { "SCD_TYPE_2".to_owned() } else { word.to_owned() };
    let is_alike = sort(&before.kind) == sort(model.kind.word());
    let is_known = known.is_some_and(|known| known.table == before.table);
    if is_known || before.filled.is_none() || !is_alike {
        return None;
    }
    let copied = Some(before.as_source());
    let is_copy = |known: &PhysicalTable| !incremental.goes_on() || !env.is_prod() || known.continues == copied;
    (!known.is_some_and(is_copy)).then_some(before)
}

/// What to load into an incremental model's table, and what it shall hold then.
///
/// A table that prod shows is filled by `run` alone. One that prod is about to show is filled up to now. Any other is left
/// as it is once it holds what it was made for, or a branch would have something to build with every tick.
pub(super) fn loads(
    model: &Model,
    built: Option<&PhysicalTable>,
    rows: Option<&PhysicalTable>,
    state: &State,
    env: &EnvName,
    timing: &Timing,
    above: &Above,
) -> (Option<Interval>, Vec<Interval>) {
    let Some(calendar) = &model.calendar else { return (None, Vec::new()) };
    let mut filled = built.and_then(|snapshot| snapshot.filled.clone()).unwrap_or_default();
    if let Some(held) = rows.and_then(|rows| rows.filled.as_ref()) {
        filled.intervals.clone_from(&held.intervals);
        if matches!(&model.kind, Kind::Incremental(Incremental { by: By::History(_), .. })) {
            // a history takes in at once what its changed version sees
            calendar.forget_last(&mut filled);
        }
    }
    let shown = is_in_prod(model, state);
    let limited = timing.start.is_some() || timing.end.is_some();
    if shown && built.is_some() || built.is_some() && !env.is_prod() && !limited && filled.is_complete() {
        return (None, Vec::new());
    }
    let wanted = match filled.aim {
        Some(aim) if !env.is_prod() && !limited => Some(aim),
        _ => {
            // a new version of a model that names no start begins where the one that prod shows does
            let shown = state.pointer(&EnvName::prod(), &model.name);
            let before = shown.and_then(|shown| state.existing(&shown.table)?.filled.clone());
            calendar
                .wanted(if filled.intervals.is_empty() { before.as_ref().unwrap_or(&filled) } else { &filled }, timing)
        }
    };
    let goes_on = rows.is_some() || built.is_some_and(|built| built.continues.is_some());
    let wanted = wanted.and_then(|wanted| if goes_on { calendar.onwards(&filled, wanted) } else { Some(wanted) });
    let Some(wanted) = wanted else { return (None, Vec::new()) };
    // nor does a branch fill what prod has shown
    if !env.is_prod() && built.is_some_and(|built| above.was_promoted(built, state)) {
        return (None, Vec::new());
    }
    let held = above.held(model);
    (calendar.up_to_lacking(&filled, wanted, &held), calendar.loads(&filled, wanted, &held))
}

/// Whether prod shows this version of a model: then it is filled by `run` alone.
fn is_in_prod(model: &Model, state: &State) -> bool {
    let shown = state.pointer(&EnvName::prod(), &model.name);
    shown.is_some_and(|shown| state.snapshots.get(&model.fingerprint) == Some(&shown.table))
}

/// The latest of what is known of a model's parents.
fn above(known: &BTreeMap<ModelName, i64>, model: &Model) -> Option<i64> {
    model.parents.keys().filter_map(|parent| known.get(parent)).max().copied()
}

/// What is known of the models above another: the time that they will hold, and when they were last filled.
#[derive(Debug)]
pub struct Above {
    now: Moment,
    is_prod: bool,
    /// For models with incremental ancestors: the spans that all of these hold.
    held: BTreeMap<ModelName, Vec<Intervals>>,
    /// When an incremental ancestor that prod doesn't show was last filled; `i64::MAX` if it is about to be.
    filled_at: BTreeMap<ModelName, i64>,
    /// When the table of a model above was made, if that is a copy; `i64::MAX` if it is about to be.
    made_at: BTreeMap<ModelName, i64>,
    /// What a query says where it reads a model: the names of tables; none of one that is about to get another.
    tables: BTreeMap<ModelName, Vec<Option<String>>>,
    /// When prod's tables were last filled, and those below them; in other environments that is prod's business.
    run_at: BTreeMap<ModelName, i64>,
    /// The tables that prod shows or has shown, once someone asks.
    promoted: OnceCell<BTreeSet<TableName>>,
}

impl Above {
    /// Nothing is known yet; in prod, what begins later than its child won't begin earlier.
    pub fn new(timing: &Timing, is_prod: bool) -> Self {
        let (held, filled_at, made_at) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let (tables, run_at) = (BTreeMap::new(), BTreeMap::new());
        Self { now: timing.now, is_prod, held, filled_at, made_at, tables, run_at, promoted: OnceCell::new() }
    }

    /// Whether prod shows or has shown a snapshot's table.
    pub(super) fn was_promoted(&self, snapshot: &PhysicalTable, state: &State) -> bool {
        self.promoted.get_or_init(|| state.promoted_tables().into_iter().cloned().collect()).contains(&snapshot.table)
    }

    /// The spans that the incremental ancestors of a model hold.
    pub fn held(&self, model: &Model) -> Vec<Intervals> {
        model.parents.keys().filter_map(|parent| self.held.get(parent)).flatten().cloned().collect()
    }

    /// Whether a table that is built whole lacks what was filled above it since. What prod shows is `run`'s business.
    pub(super) fn is_stale(&self, model: &Model, built: &PhysicalTable, state: &State) -> bool {
        if model.kind != Kind::Full || is_in_prod(model, state) {
            return false;
        }
        let is_older = |at: Option<i64>| at.is_some_and(|at| at > built.built_at);
        // what prod has shown and no longer does, nobody fills any more
        let is_left = || is_older(above(&self.run_at, model)) && self.was_promoted(built, state);
        is_older(above(&self.filled_at, model)) || is_left()
    }

    /// Whether a table lies below one that was made anew since, of which it holds old rows.
    pub(super) fn is_remade(&self, model: &Model, known: &PhysicalTable, state: &State) -> bool {
        let is_made = !matches!(model.kind, Kind::Embedded | Kind::Seed(_)) && !is_in_prod(model, state);
        let is_older = |at: Option<i64>| at.is_some_and(|at| at > known.made_at);
        is_made && (is_older(above(&self.made_at, model)) || self.is_misled(model, known))
    }

    /// Whether a view reads a table in whose place there is another.
    fn is_misled(&self, model: &Model, known: &PhysicalTable) -> bool {
        let Some(select) = known.select.as_ref().filter(|_| model.kind == Kind::View) else { return false };
        self.read_by(model).any(|table| table.as_ref().is_none_or(|table| !select.contains(table)))
    }

    /// The tables that a model's query reads, through embedded ones too.
    fn read_by(&self, model: &Model) -> impl Iterator<Item = &Option<String>> {
        model.reads.iter().flatten().filter_map(|read| self.tables.get(read)).flatten()
    }

    pub(super) fn add(&mut self, model: &Model, step: &Step, state: &State) {
        let known = state.built(&model.fingerprint);
        let is_remade = step.continues.is_some() || known.is_some_and(|known| self.is_remade(model, known, state));
        let own = match known.filter(|known| known.continues.is_some()) {
            _ if step.anew && is_remade => Some(i64::MAX),
            Some(copy) => Some(copy.made_at),
            None => None,
        };
        self.made_at.extend(own.max(above(&self.made_at, model)).map(|at| (model.name.clone(), at)));
        let tables = match model.kind {
            Kind::Embedded => self.read_by(model).cloned().collect(),
            _ => vec![step.table.as_ref().map(TableName::quoted)],
        };
        self.tables.insert(model.name.clone(), tables);
        let is_filled = model.calendar.is_some() || model.kind == Kind::Full;
        let run_at = known.filter(|_| is_filled && is_in_prod(model, state)).map(|known| known.built_at);
        self.run_at.extend(run_at.max(above(&self.run_at, model)).map(|at| (model.name.clone(), at)));
        let snapshot = state.built(&model.fingerprint).filter(|_| !step.anew);
        let before = step.continues.as_ref().and_then(|before| state.existing(before));
        let filled = before.or(snapshot).and_then(|snapshot| snapshot.filled.as_ref());
        let filled = filled.map(|filled| filled.intervals.clone());
        self.add_loaded(model, filled.unwrap_or_default(), &step.loads, state);
        let own = match (&model.calendar, snapshot) {
            // what `run` has filled since a child was built on a branch is what prod has to show below it
            (Some(_), snapshot) if is_in_prod(model, state) => self.run_at(snapshot),
            (Some(_), Some(snapshot)) if step.loads.is_empty() => Some(snapshot.built_at),
            (Some(_), _) => Some(i64::MAX),
            (None, snapshot) => {
                let is_run = model.kind == Kind::Full && is_in_prod(model, state);
                above(&self.filled_at, model).max(self.run_at(snapshot.filter(|_| is_run)))
            }
        };
        self.filled_at.extend(own.map(|at| (model.name.clone(), at)));
    }

    /// When `run` last filled a table that prod shows; in other environments that is prod's business.
    fn run_at(&self, snapshot: Option<&PhysicalTable>) -> Option<i64> {
        snapshot.filter(|_| self.is_prod).map(|snapshot| snapshot.built_at)
    }

    /// Adds a model that holds these spans and is about to be loaded with others.
    pub fn add_loaded(&mut self, model: &Model, mut filled: Intervals, loads: &[Interval], state: &State) {
        let held = match &model.calendar {
            Some(calendar) => {
                loads.iter().for_each(|load| filled.insert(*load));
                // nobody waits for what will never be there
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
