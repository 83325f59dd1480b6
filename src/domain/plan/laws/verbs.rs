//! The verbs over a world whose pointers stay: run, restate, gc. Each does what its workflow does, with the same rules.

use std::collections::BTreeSet;

use super::super::super::environment::{Environment, PhysicalTable, State};
use super::super::super::interval::Interval;
use super::super::super::model::Kind;
use super::super::super::name::{EnvName, ModelName, TableName};
use super::super::super::project::Model;
use super::super::{Restated, Step, Upstream, due, is_in_step, live, not_to_fill};
use super::store::made_by;
use super::tree::{Read, Sort, Tree};
use super::world::{Done, PATTERN, SECOND, TTL, World, query};

impl World {
    /// Runs what is due in an environment. What a rollback of prod would show gets another table, where the environment is
    /// in step with its files.
    pub(super) fn run(&mut self, env: &EnvName) -> Done {
        let mut done = Done::default();
        let mut filled = BTreeSet::new();
        loop {
            let left = self.fill_due(env, &mut filled);
            let tree = self.shown_tree(env).filter(|tree| {
                !left.is_empty() && !env.is_prod() && { is_in_step(env, &self.project(tree), &self.state) }
            });
            if tree.is_none() {
                return done;
            }
            let applied = self.apply_apart(env, &left, None);
            filled.extend(applied.built.iter().map(|(_, table)| TableName::physical(table.clone())));
            done.built.extend(applied.built);
            if !applied.published {
                return done;
            }
            done.published = true;
        }
    }

    /// Fills what is due, but not what this run has filled already; gives what it left for prod's sake.
    fn fill_due(&mut self, env: &EnvName, filled: &mut BTreeSet<TableName>) -> BTreeSet<ModelName> {
        self.clock();
        let (true, Some(tree)) = (self.state.environments.contains_key(env), self.shown_tree(env)) else {
            return BTreeSet::new();
        };
        let project = self.project(&tree);
        let (state, timing) = (self.state.clone(), self.timing());
        let mut upstream = Upstream::new(&timing, env.is_prod());
        let (mut renewed, mut left, mut tried) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let not_to_fill = not_to_fill(env, &state);
        let tables = self.shows(env);
        for model in project.order().iter().filter_map(|name| project.model(name)) {
            let shown = tables.get(&model.name).and_then(|table| state.existing(table)?.filled.as_ref());
            let held = shown.map(|filled| filled.intervals.clone()).unwrap_or_default();
            let follows = !env.is_prod() && model.parents.keys().any(|parent| renewed.contains(parent));
            let found = due(env, (&project, model), &state, (&upstream, &timing), follows);
            let mut loaded = Vec::new();
            let is_left = |table| not_to_fill.contains(table) && !is_prods(&state, table);
            left.extend(found.iter().filter(|(it, _)| is_left(&it.table)).map(|_| model.name.clone()));
            let found = found.filter(|(it, _)| !not_to_fill.contains(&it.table));
            let found = found.filter(|(it, _)| follows || !filled.contains(&it.table));
            // a table that two models share is filled once
            if let Some((snapshot, loads)) = found.filter(|(it, _)| tried.insert(it.table.clone())) {
                let query = query(&tree, &model.name.to_string(), &tables);
                match model.kind {
                    Kind::Incremental(_) => {
                        let step = Step::of_run(model, snapshot.table.clone(), loads.clone());
                        self.build(model, Self::parents(&project, model, &tables), query, &step, &state, &mut None);
                    }
                    _ => self.refill(&snapshot, query, made_by(model), true),
                }
                filled.insert(snapshot.table);
                renewed.insert(model.name.clone());
                loaded = loads;
            }
            if follows && matches!(model.kind, Kind::View | Kind::Embedded) {
                renewed.insert(model.name.clone());
            }
            upstream.add_loaded(model, held, &loaded, &state);
        }
        left
    }

    /// Builds a model, or what reads a raw table, and all below it again; gives the tables, none where it is refused.
    pub(super) fn restate(&mut self, env: &EnvName, what: &Read) -> Option<Vec<TableName>> {
        self.clock();
        let tree = self.shown_tree(env)?;
        let named = match what {
            Read::Raw(_) => readers(&tree, what),
            Read::Model(name) => [name.clone()].into(),
        };
        let shown = &self.state.environments.get(env)?.pointers;
        let table = |name: &String| Some(shown.get(&ModelName::parse(name)?)?.table.clone());
        let named: BTreeSet<TableName> = named.iter().filter_map(table).collect();
        let restated = Restated::of(&self.state, named, self.now / SECOND - TTL);
        if !env.is_prod() && !restated.of_prod(&self.state).is_empty() {
            return None;
        }
        let state = self.state.clone();
        let mut todo = Vec::new();
        for snapshot in &restated.tables {
            match &snapshot.filled {
                None => todo.push((snapshot, None)),
                Some(filled) => todo.push((snapshot, Some((self.shown_by(snapshot, &state)?, filled)))),
            }
        }
        for (snapshot, fill) in todo {
            match fill {
                None => {
                    // by its files, over the tables that its environment shows, where these are at hand
                    let (query, recipe) = match self.shown_by(snapshot, &state) {
                        Some((env, tree, model)) => {
                            (query(&tree, &model.name.to_string(), &self.shows(&env)), made_by(&model))
                        }
                        None => (self.stored[&snapshot.table.name].query.clone(), (None, None)),
                    };
                    self.refill(&state.tables[&snapshot.table], query, recipe, false);
                }
                Some(((env, tree, model), filled)) => {
                    let calendar = model.calendar.as_ref().unwrap();
                    let loads: Vec<Interval> =
                        filled.intervals.iter().flat_map(|held| calendar.loads_again(held)).collect();
                    let query = query(&tree, &model.name.to_string(), &self.shows(&env));
                    self.reload(&model, query, snapshot, &loads);
                }
            }
        }
        restated.stale.iter().for_each(|table| self.drop_table(table));
        Some(restated.tables.into_iter().map(|snapshot| snapshot.table).collect())
    }

    /// The environment, tree and model that show a snapshot; none where the files are not at hand.
    fn shown_by(&self, snapshot: &PhysicalTable, state: &State) -> Option<(EnvName, Tree, Model)> {
        // prod's own tables above it, if prod shows it
        let live = live(state);
        let (prod, others): (Vec<&EnvName>, Vec<_>) = live.get(&snapshot.table)?.iter().partition(|env| env.is_prod());
        prod.into_iter().chain(others).find_map(|env| {
            let tree = self.shown_tree(env)?;
            let project = self.project(&tree);
            let pointers = state.environments.get(env)?.pointers.iter();
            let mut shown = pointers.filter(|(_, pointer)| pointer.table == snapshot.table);
            let model = shown.find_map(|(name, pointer)| {
                project.model(name).filter(|model| model.fingerprint == pointer.fingerprint).cloned()
            })?;
            Some((env.clone(), tree, model))
        })
    }

    /// Removes what nobody uses.
    pub(super) fn gc(&mut self) {
        self.clock();
        let oldest = self.now / SECOND - TTL;
        let gone = |environment: &Environment| {
            let is_gone = !self.branches.contains_key(environment.branch.as_str());
            !environment.name.is_prod() && (is_gone || environment.updated_at < oldest)
        };
        let gone: Vec<EnvName> =
            self.state.environments.values().filter(|it| gone(it)).map(|it| it.name.clone()).collect();
        for env in gone {
            let removed = self.state.environments.remove(&env).unwrap();
            removed.pointers.keys().for_each(|model| _ = self.state.views.remove(&model.view(&env, PATTERN)));
        }
        let branches = &self.branches;
        self.state.previews.retain(|it| it.at >= oldest && branches.contains_key(it.branch.as_str()));
        if let Some(history) = self.state.out_of_reach(oldest) {
            self.state.promotions.retain(|promotion| promotion.generation >= history.before);
            self.state.promotions[0].moved = history.moved;
        }
        for table in self.state.unused(oldest) {
            self.drop_table(&table);
        }
    }
}

/// Whether prod shows a table now.
fn is_prods(state: &State, table: &TableName) -> bool {
    state.prod().is_some_and(|prod| prod.pointers.values().any(|shown| shown.table == *table))
}

/// The models that read something, directly or through embedded ones.
fn readers(tree: &Tree, what: &Read) -> BTreeSet<String> {
    let direct = tree.iter().filter(|(_, spec)| spec.reads.contains(what));
    let mut found = BTreeSet::new();
    for (name, spec) in direct {
        found.insert(name.clone());
        if spec.sort == Sort::Embedded {
            found.extend(readers(tree, &Read::Model(name.clone())));
        }
    }
    found
}
