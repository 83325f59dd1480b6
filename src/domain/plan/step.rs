//! What a plan does about one model, and how that is found out.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::super::calendar::Timing;
use super::super::environment::{Contents, PhysicalTable, State};
use super::super::fingerprint::Fingerprint;
use super::super::interval::Interval;
use super::super::model::{Comments, Kind, KindWord};
use super::super::name::{EnvName, ModelName, SchemaPattern, TableName};
use super::super::project::Model;
use super::loads::{continued, loads, twin};
use super::reason::{shown, why};
use super::upstream::Upstream;
use super::{Change, ColumnChanges, Edited, Reason, Trees, change, column_changes};

/// One model of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The model.
    pub model: ModelName,
    /// Told against base.
    pub change: Change,
    /// What is done.
    pub work: Work,
    /// Why.
    pub reason: Reason,
    /// The fingerprint to show; none for a removed model.
    pub fingerprint: Option<Fingerprint>,
    /// The physical table to show; none for removed and embedded models.
    pub table: Option<TableName>,
    /// How its columns differ from base's.
    pub columns: ColumnChanges,
    /// What the view is commented with.
    pub comments: Comments,
    /// Whether a view moves, appears or goes, or is commented otherwise.
    pub swap: bool,
    /// How long its build will take, if earlier ones tell.
    #[serde(default)]
    pub expected: Option<Duration>,
    /// The models that the same plan builds before it, since it is built from them.
    #[serde(default)]
    pub after: Vec<ModelName>,
    /// The parents through which a change reaches it.
    #[serde(default)]
    pub through: Vec<ModelName>,
    /// Where its file was edited, once somebody has looked.
    #[serde(default)]
    pub edited: Option<Edited>,
}

/// What is done about a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Work {
    /// It is inlined into its consumers.
    Inline,
    /// A table that is there is shown, once audits that nobody asked for before have passed.
    Reuse {
        /// Whether there are such audits.
        audit: bool,
    },
    /// A table is made as a clone of another: a build would give the very rows of that.
    Clone {
        /// The table, as it was then.
        of: Contents,
    },
    /// A table that is there is filled: by loads, or whole.
    Fill(Loads),
    /// A table is made and filled.
    Make {
        /// The table that it begins as a copy of: an earlier version, whose rows can't be computed again.
        from: Option<TableName>,
        /// What it is compared with once it is built, for the sake of what is below.
        replaces: Option<Replaced>,
        /// What fills it.
        loads: Loads,
    },
    /// Its view goes away.
    Drop,
}

/// The table of the version before a new one. If that turns out to have the same rows, what is below need not be built; nor
/// need what takes only columns that have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replaced {
    /// The table.
    pub table: TableName,
    /// The columns that each of the models below takes, where it doesn't take all.
    pub taken: BTreeSet<BTreeSet<String>>,
}

/// What fills a table of an incremental kind; of other kinds, there is none.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Loads {
    /// The span of each load.
    pub spans: Vec<Interval>,
    /// What the table shall hold after them.
    pub aim: Option<Interval>,
}

/// What is done about a model, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Its table is made or filled.
    Build,
    /// Its table is there.
    Reuse,
    /// Its view goes away.
    Drop,
}

impl Action {
    /// The word in messages and JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Build => "build",
            Self::Reuse => "reuse",
            Self::Drop => "drop",
        }
    }
}

impl Step {
    /// What is done, in a word.
    pub fn action(&self) -> Action {
        match self.work {
            Work::Inline | Work::Reuse { .. } | Work::Clone { .. } => Action::Reuse,
            Work::Fill(_) | Work::Make { .. } => Action::Build,
            Work::Drop => Action::Drop,
        }
    }

    /// The spans that are loaded.
    pub fn loads(&self) -> &[Interval] {
        match &self.work {
            Work::Fill(loads) | Work::Make { loads, .. } => &loads.spans,
            _ => &[],
        }
    }

    /// What the table shall hold after them.
    pub fn aim(&self) -> Option<Interval> {
        match &self.work {
            Work::Fill(loads) | Work::Make { loads, .. } => loads.aim,
            _ => None,
        }
    }

    /// The table that this one begins as a copy of.
    pub fn source(&self) -> Option<&TableName> {
        match &self.work {
            Work::Make { from, .. } => from.as_ref(),
            _ => None,
        }
    }

    /// The table whose rows this one may turn out to have.
    pub fn replaces(&self) -> Option<&Replaced> {
        match &self.work {
            Work::Make { replaces, .. } => replaces.as_ref(),
            _ => None,
        }
    }

    /// The table that this one is made as a clone of.
    pub fn clone_of(&self) -> Option<&Contents> {
        match &self.work {
            Work::Clone { of } => Some(of),
            _ => None,
        }
    }

    /// Whether a table that is there has to be audited first.
    pub fn is_audited(&self) -> bool {
        matches!(self.work, Work::Reuse { audit: true })
    }

    /// Whether the model is as in base, and nothing is done about it.
    pub fn is_as_before(&self) -> bool {
        self.action() == Action::Reuse && self.change == Change::Unchanged
    }

    /// What a run does about a model: the table stays, and is filled on.
    pub fn of_run(model: &Model, table: TableName, spans: Vec<Interval>) -> Self {
        Self {
            model: model.name.clone(),
            change: Change::Unchanged,
            work: Work::Fill(Loads { spans, aim: None }),
            reason: Reason::Missing,
            fingerprint: Some(model.fingerprint),
            table: Some(table),
            columns: ColumnChanges::default(),
            comments: Comments::default(),
            swap: false,
            expected: None,
            after: Vec::new(),
            through: Vec::new(),
            edited: None,
        }
    }
}

/// Plans an environment's models, parents first.
pub(super) struct Planner<'a> {
    trees: Trees<'a>,
    state: &'a State,
    env: &'a EnvName,
    pattern: SchemaPattern,
    timing: &'a Timing,
    upstream: Upstream,
    /// The models that changed themselves, among each model and those above it.
    changed: BTreeMap<ModelName, Rc<BTreeSet<ModelName>>>,
    /// The models to build.
    building: BTreeSet<ModelName>,
}

impl<'a> Planner<'a> {
    pub(super) fn new(
        trees: Trees<'a>,
        state: &'a State,
        env: &'a EnvName,
        (pattern, timing): (SchemaPattern, &'a Timing),
    ) -> Self {
        let upstream = Upstream::new(timing, env.is_prod());
        Self { trees, state, env, pattern, timing, upstream, changed: BTreeMap::new(), building: BTreeSet::new() }
    }

    /// The step of the next model.
    pub(super) fn step(&mut self, model: &Model) -> Step {
        let (work, mut reason, table) = self.work(model);
        let before = self.trees.base.and_then(|base| base.model(&model.name));
        let change = change(model, before);
        let mut changed = self.changed_above(model);
        if reason == Reason::Built && change == Change::Unchanged && !changed.is_empty() {
            reason = Reason::Unaffected(changed.iter().cloned().collect());
        }
        // without a base, nothing below is as it was, and nobody asks
        if self.trees.base.is_some() && matches!(change, Change::Direct | Change::Added) {
            Rc::make_mut(&mut changed).insert(model.name.clone());
        }
        self.changed.insert(model.name.clone(), changed);
        let step = Step {
            model: model.name.clone(),
            change,
            expected: self.expected(model, &work),
            after: self.after(model, &work),
            through: self.through(model, change),
            edited: None,
            work,
            reason,
            fingerprint: Some(model.fingerprint),
            swap: self.moves(model, table.as_ref()),
            table,
            columns: before.map(|before| column_changes(model, before, self.state)).unwrap_or_default(),
            comments: model.file.about.comments.clone(),
        };
        if step.action() == Action::Build {
            self.building.insert(model.name.clone());
        }
        self.upstream.add(model, &step, self.state);
        step
    }

    /// How long the work will take, as earlier builds tell.
    fn expected(&self, model: &Model, work: &Work) -> Option<Duration> {
        let (Work::Fill(loads) | Work::Make { loads, .. }) = work else { return None };
        let one = self.state.durations.get(&model.name)?;
        Some(one.saturating_mul(u32::try_from(loads.spans.len().max(1)).unwrap_or(u32::MAX)))
    }

    /// What this plan builds of what a model is built from.
    fn after(&self, model: &Model, work: &Work) -> Vec<ModelName> {
        let (Work::Fill(_) | Work::Make { .. }) = work else { return Vec::new() };
        self.trees.desired.built_from(model).into_iter().filter(|parent| self.building.contains(parent)).collect()
    }

    /// The parents through which a change reaches a model.
    fn through(&self, model: &Model, change: Change) -> Vec<ModelName> {
        let Some(base) = self.trees.base.filter(|_| change == Change::Indirect) else { return Vec::new() };
        let moved = |(name, version): &(&ModelName, &Fingerprint)| {
            base.model(name).is_none_or(|before| before.fingerprint != **version)
        };
        model.parents.iter().filter(moved).map(|(name, _)| name.clone()).collect()
    }

    /// The models above that changed themselves: most have just those of one parent.
    fn changed_above(&self, model: &Model) -> Rc<BTreeSet<ModelName>> {
        let mut above =
            model.parents.keys().filter_map(|parent| self.changed.get(parent)).filter(|set| !set.is_empty());
        let mut changed = above.next().cloned().unwrap_or_default();
        for other in above.filter(|other| !Rc::ptr_eq(other, &changed)).cloned().collect::<Vec<_>>() {
            Rc::make_mut(&mut changed).extend(other.iter().cloned());
        }
        changed
    }

    /// What is done, why, and the table to show.
    fn work(&self, model: &Model) -> (Work, Reason, Option<TableName>) {
        let (state, upstream) = (self.state, &self.upstream);
        if model.kind == Kind::Embedded {
            return (Work::Inline, Reason::Inlined, None);
        }
        let known = state.built(&model.fingerprint);
        let parted = known.filter(|known| self.parts(model, known));
        let current = known.filter(|known| parted.is_none() && !self.is_outdated(model, known));
        let begun = parted.filter(|known| known.filled.is_some() && !self.is_outdated(model, known));
        let source = begun.or_else(|| continued(model, current, self.trees.desired, state, self.env));
        let fresh = current.filter(|_| source.is_none());
        let loads = loads(model, (fresh, source), state, self.env, (self.timing, upstream));
        if let Some(built) = fresh {
            let table = Some(built.table.clone());
            return match !loads.spans.is_empty() || upstream.is_stale(model, built, state) {
                true => (Work::Fill(loads), Reason::Missing, table),
                false => (self.reuse(model, built), Reason::Built, table),
            };
        }
        if let Some(twin) = twin(model, state, upstream).filter(|_| parted.is_none()) {
            let reason = Reason::SameAs(self.same_as(model).unwrap_or_else(|| twin.model.clone()));
            return (self.reuse(model, twin), reason, Some(twin.table.clone()));
        }
        let reason = match known {
            Some(_) if parted.is_some() => Reason::Apart,
            Some(_) => Reason::Outdated,
            None if state.lost(&model.fingerprint) => Reason::TableLost,
            None => {
                let base = self.trees.base;
                why(model, base.and_then(|base| base.model(&model.name)), base, shown(model, state, self.env))
            }
        };
        // what prod has shown stays as it was, and so do what children loaded their rows from and what other branches read
        let stays = |known: &PhysicalTable| {
            let is_others = known.kind == KindWord::View && self.is_shown_elsewhere(known);
            known.filled.is_some() || upstream.was_promoted(known, state) || state.is_shared(known) || is_others
        };
        let free = || state.free_table(&model.name, &model.fingerprint);
        let table = known.filter(|known| !stays(known)).map_or_else(free, |known| known.table.clone());
        let same = || upstream.same_rows(model, self.trees.desired, state);
        if let Some(same) = (self.trees.cutoff && parted.is_none()).then(same).flatten() {
            if same.table == table {
                return (self.reuse(model, same), Reason::SameRows, Some(table));
            }
            return (Work::Clone { of: same.contents() }, Reason::SameRows, Some(table));
        }
        let replaces = self.replaced(model).filter(|replaced| self.trees.cutoff && *replaced != table);
        let replaces = replaces.map(|table| Replaced { table, taken: BTreeSet::new() });
        (Work::Make { from: source.map(|source| source.table.clone()), replaces, loads }, reason, Some(table))
    }

    /// The model that says just what this one says: under its name of before, or beside it.
    fn same_as(&self, model: &Model) -> Option<ModelName> {
        let is_same = |other: &&Model| other.content == model.content && other.name != model.name;
        let gone = |other: &&Model| self.trees.desired.model(&other.name).is_none();
        let before = self.trees.base.and_then(|base| base.models().filter(gone).find(is_same));
        before.or_else(|| self.trees.desired.models().find(is_same)).map(|other| other.name.clone())
    }

    /// The table of the version that a model's new one takes the place of, where their rows can be compared.
    fn replaced(&self, model: &Model) -> Option<TableName> {
        model.recipe?;
        let prod = EnvName::prod();
        let shown = |env| self.state.pointer(env, &model.name).and_then(|shown| self.state.existing(&shown.table));
        let before = || self.state.built(&self.trees.base?.model(&model.name)?.fingerprint);
        let found = shown(self.env).or_else(before).or_else(|| shown(&prod))?;
        let is_whole = matches!(found.kind, KindWord::Full | KindWord::Seed);
        (is_whole && matches!(model.kind, Kind::Full | Kind::Seed(_))).then(|| found.table.clone())
    }

    fn is_shown_elsewhere(&self, known: &PhysicalTable) -> bool {
        let others = self.state.environments.iter().filter(|(environment, _)| *environment != self.env);
        let mut shown = others.flat_map(|(_, other)| other.pointers.values());
        shown.any(|pointer| pointer.table == known.table)
            || self.state.elsewhere.iter().any(|(_, table)| *table == known.table)
    }

    /// Whether a model gets a table of its own, since a rollback would show the one that stands for it. A version that
    /// goes on from prod's rows follows prod's.
    fn parts(&self, model: &Model, known: &PhysicalTable) -> bool {
        let goes_on = matches!(&model.kind, Kind::Incremental(incremental) if incremental.goes_on());
        self.trees.apart.contains(&model.name) && !goes_on && self.upstream.was_promoted(known, self.state)
    }

    /// Whether a table has to be made anew.
    fn is_outdated(&self, model: &Model, known: &PhysicalTable) -> bool {
        let (upstream, state) = (&self.upstream, self.state);
        upstream.is_remade(model, known, state)
            || upstream.is_stale(model, known, state) && upstream.was_promoted(known, state)
    }

    fn reuse(&self, model: &Model, table: &PhysicalTable) -> Work {
        Work::Reuse { audit: self.trees.audits.get(&model.name).is_some_and(|key| !table.audited.contains(key)) }
    }

    /// Whether a model's view moves, appears or goes, or is commented otherwise.
    fn moves(&self, model: &Model, table: Option<&TableName>) -> bool {
        let shown = self.state.environments.get(self.env);
        let Some(table) = table else {
            // it was another kind: its view goes
            return shown.is_some_and(|shown| shown.pointers.contains_key(&model.name));
        };
        let commented = shown.and_then(|shown| shown.comments.get(&model.name));
        self.state.views.get(&model.name.view(self.env, self.pattern)) != Some(table)
            || commented != model.file.about.comments.hash().as_ref()
    }
}
