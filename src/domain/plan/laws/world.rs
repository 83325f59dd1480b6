//! A repository and its warehouse as values; planning, publishing and going back, as the workflow has them, with the same
//! planner. After a redesign of tables and records this file changes, with `verbs.rs` and `store.rs`; the laws don't.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::super::super::calendar::Timing;
use super::super::super::environment::{Environment, Moved, Pointer, Preview, Promotion, PromotionAction, State};
use super::super::super::interval::Moment;
use super::super::super::model::Kind;
use super::super::super::name::{BranchName, EnvName, ModelName, SchemaPattern, TableName};
use super::super::super::project::{Model, Project};
use super::super::{Plan, Source, Step, Trees};
use super::rows::{Input, Query, Rows};
use super::store::{Budget, Stored, select};
use super::tree::{self, Read, Sort, Tree};

pub(super) const PATTERN: SchemaPattern = SchemaPattern::EnvFirst;
pub(super) const SECOND: i64 = 1_000_000;
pub(super) const DAY: i64 = 24 * 60 * 60 * SECOND;
/// How long rollbacks and environments are kept, in seconds.
pub(super) const TTL: i64 = 5 * 24 * 60 * 60;
/// The day on which raw rows and models begin: 2026-01-01.
pub(super) const FIRST: i64 = 20_454;

/// A branch: its files, and the commit of main that it was made from.
#[derive(Debug, Clone)]
pub(super) struct Branch {
    pub(super) tree: Tree,
    pub(super) base: usize,
}

/// All that there is.
#[derive(Debug, Clone)]
pub(super) struct World {
    /// Now, in microseconds since 1970.
    pub(super) now: i64,
    /// The day that plans are limited to begin with.
    pub(super) start: Option<i64>,
    /// How often the rows of each day changed, in the two tables that vmesh doesn't manage.
    pub(super) raw: [BTreeMap<i64, u32>; 2],
    /// Main's commits.
    pub(super) main: Vec<Tree>,
    pub(super) branches: BTreeMap<String, Branch>,
    pub(super) state: State,
    /// What is really in the physical layer, by name.
    pub(super) stored: BTreeMap<String, Stored>,
    /// The tree that each environment was published from.
    pub(super) published: BTreeMap<EnvName, Tree>,
}

/// What a plan says, as far as laws ask.
#[derive(Debug, Clone)]
pub(super) struct Planned {
    pub(super) is_done: bool,
    /// Told in full.
    pub(super) told: String,
}

/// What carrying out a plan came to.
#[derive(Debug, Clone, Default)]
pub(super) struct Done {
    /// The models that were built, each with its table.
    pub(super) built: Vec<(String, String)>,
    /// Whether the pointers moved.
    pub(super) published: bool,
}

impl World {
    /// Main with its first commit, and an empty warehouse.
    pub(super) fn new() -> Self {
        let mut world = Self {
            now: (FIRST + 3) * DAY + DAY / 2,
            start: None,
            raw: [BTreeMap::new(), BTreeMap::new()],
            main: vec![tree::first()],
            branches: BTreeMap::new(),
            state: State::default(),
            stored: BTreeMap::new(),
            published: BTreeMap::new(),
        };
        world.tick(0);
        world
    }

    /// Days go by, and each brings rows.
    pub(super) fn tick(&mut self, days: i64) {
        self.now += days * DAY;
        let today = self.now / DAY;
        self.raw.iter_mut().for_each(|raw| (FIRST..=today).for_each(|day| _ = raw.entry(day).or_default()));
    }

    /// New rows: today's, or late ones of the first day.
    pub(super) fn rows(&mut self, raw: u8, late: bool) {
        self.clock();
        let day = if late { FIRST } else { self.now / DAY };
        *self.raw[usize::from(raw) % 2].entry(day).or_default() += 1;
    }

    /// The time of what is done next: no two things are done at once.
    pub(super) fn clock(&mut self) -> i64 {
        self.now += 1000;
        self.now
    }

    pub(super) fn timing(&self) -> Timing {
        Timing {
            start: self.start.map(|day| Moment::from_micros(day * DAY)),
            ..Timing::at(Moment::from_micros(self.now))
        }
    }

    pub(super) fn prod() -> EnvName {
        EnvName::prod()
    }

    pub(super) fn env(branch: &str) -> EnvName {
        EnvName::for_branch(&BranchName::from(branch))
    }

    /// The branches that there are, and prod.
    pub(super) fn environments(&self) -> Vec<EnvName> {
        self.state.environments.keys().cloned().collect()
    }

    fn branch_of(&self, env: &EnvName) -> Option<(&String, &Branch)> {
        self.branches.iter().find(|(name, _)| Self::env(name) == *env)
    }

    /// The commit of main that prod shows.
    fn promoted(&self) -> Option<usize> {
        self.state.prod()?.commit.as_ref()?.parse().ok()
    }

    /// The tree that a plan of an environment is made for.
    pub(super) fn tree(&self, env: &EnvName) -> Option<Tree> {
        match env.is_prod() {
            true => self.main.last().cloned(),
            false => self.branch_of(env).map(|(_, branch)| branch.tree.clone()),
        }
    }

    /// The tree that an environment shows.
    pub(super) fn shown_tree(&self, env: &EnvName) -> Option<Tree> {
        match env.is_prod() {
            true => self.main.get(self.promoted()?).cloned(),
            false => self.tree(env),
        }
    }

    /// The tree of a branch merged into main.
    pub(super) fn merged(&self, branch: &str) -> Option<Tree> {
        let branch = self.branches.get(branch)?;
        Some(tree::merge(&self.main[branch.base], self.main.last()?, &branch.tree))
    }

    /// Another commit on main.
    pub(super) fn commit(&mut self, tree: Tree) {
        self.main.push(tree);
    }

    pub(super) fn project(&self, tree: &Tree) -> Rc<Project> {
        tree::project(tree).unwrap()
    }

    fn plan_of(&self, env: &EnvName, desired: &Tree, merged: bool) -> Plan {
        self.plan_apart(env, desired, merged, &BTreeSet::new())
    }

    /// A plan with which some models get tables of their own.
    fn plan_apart(&self, env: &EnvName, desired: &Tree, merged: bool, apart: &BTreeSet<ModelName>) -> Plan {
        let tip = self.main.len() - 1;
        let branch = self.branch_of(env);
        let base = match branch {
            Some((_, branch)) => Some(branch.base),
            None if merged => Some(tip),
            None => self.promoted(),
        };
        // a branch's changes are not committed: they are in its working tree
        let (commit, dirty) = match branch {
            Some((_, branch)) => (branch.base.to_string(), branch.tree != self.main[branch.base]),
            None => (tip.to_string(), false),
        };
        let source = Source {
            branch: BranchName::from(branch.map_or("main", |(name, _)| name.as_str())),
            commit: Some(commit),
            dirty,
            uncommitted: false,
            merged,
            main: BranchName::from("main"),
            base: base.map(|base| base.to_string()),
            tip: Some(tip.to_string()),
        };
        let desired = self.project(desired);
        let base = base.map(|base| self.project(&self.main[base]));
        let main = (branch.is_some()).then(|| self.project(&self.main[tip]));
        let (base, main, audits) = (base.as_deref(), main.as_deref(), &BTreeMap::new());
        let trees = Trees { desired: &desired, base, main, audits, cutoff: true, apart };
        Plan::new(env.clone(), source, trees, &self.state, PATTERN, &self.timing())
    }

    /// The plan of an environment; none if its branch is gone.
    pub(super) fn plan(&self, env: &EnvName) -> Option<Planned> {
        let plan = self.plan_of(env, &self.tree(env)?, false);
        let told = |step: &Step| format!("{} {:?} {:?} {:?}", step.model, step.work, step.reason, step.table);
        let told = plan.steps.iter().map(told).collect::<Vec<_>>().join("\n");
        Some(Planned { is_done: plan.is_done(), told })
    }

    /// Carries out an environment's plan, or as much of it as the budget allows.
    pub(super) fn apply(&mut self, env: &EnvName, budget: Budget) -> Done {
        self.apply_apart(env, &BTreeSet::new(), budget)
    }

    /// The same; some models get tables of their own.
    pub(super) fn apply_apart(&mut self, env: &EnvName, apart: &BTreeSet<ModelName>, budget: Budget) -> Done {
        let Some(tree) = self.tree(env) else { return Done::default() };
        self.clock();
        let plan = self.plan_apart(env, &tree, false, apart);
        let recorded = self.state.environments.get(env).is_some_and(|shown| {
            let is_same = shown.commit == plan.source.commit && shown.dirty == plan.source.dirty;
            is_same && (!env.is_prod() || shown.tip == plan.source.tip)
        });
        let published = self.published.clone();
        self.published.insert(env.clone(), tree.clone());
        if recorded && plan.is_done() {
            return Done::default();
        }
        let (plan, built) = self.build_all((env, &tree, false), plan, apart, budget);
        let Some(plan) = plan else {
            self.published = published;
            return Done { built, published: false };
        };
        self.relink(&tree, &plan);
        let commented = plan.comments().into_iter().filter_map(|(model, comments)| Some((model, comments.hash()?)));
        let (pointers, comments) = (plan.pointers(), commented.collect());
        let record = plan.source.clone();
        self.publish(env, record, pointers, comments, PromotionAction::Promote);
        Done { built, published: true }
    }

    /// Prod shows main's tip. A branch of that name has none of this.
    pub(super) fn promote(&mut self, budget: Budget) -> Done {
        self.apply(&Self::prod(), budget)
    }

    /// Builds what a merge of a branch needs, and keeps it.
    pub(super) fn preview(&mut self, branch: &str) -> Done {
        let Some(tree) = self.merged(branch).filter(|tree| tree::project(tree).is_some()) else {
            return Done::default();
        };
        self.clock();
        let plan = self.plan_of(&Self::prod(), &tree, true);
        let (plan, built) = self.build_all((&Self::prod(), &tree, true), plan, &BTreeSet::new(), None);
        let tables = plan.unwrap().tables().into_values().collect();
        let branch = BranchName::from(branch);
        self.state.previews.retain(|preview| preview.branch != branch);
        self.state.previews.push(Preview { branch, at: self.now / SECOND, tables });
        Done { built, published: false }
    }

    /// Builds what a plan says; gives the plan as it is then, none if the budget did not suffice, and what was built.
    fn build_all(
        &mut self,
        (env, tree, merged): (&EnvName, &Tree, bool),
        mut plan: Plan,
        apart: &BTreeSet<ModelName>,
        mut budget: Budget,
    ) -> (Option<Plan>, Vec<(String, String)>) {
        let project = self.project(tree);
        let mut state = self.state.clone();
        let mut built = Vec::new();
        loop {
            let (tables, mut is_same) = (plan.tables(), false);
            for step in plan.makes() {
                let model = project.model(&step.model).unwrap();
                let query = query(tree, &step.model.to_string(), &tables);
                let table = step.table.clone().unwrap();
                if step.clone_of().is_none() {
                    built.push((step.model.to_string(), table.name.clone()));
                }
                if !self.build(model, Self::parents(&project, model, &tables), query, step, &state, &mut budget) {
                    return (None, built);
                }
                let inputs = &self.state.tables[&table].inputs;
                let is_found = inputs.clone_of.is_some() || !inputs.alike.is_empty();
                is_same = step.replaces().is_some() && is_found;
                if is_same {
                    break;
                }
            }
            if !is_same {
                break;
            }
            // the rest of the plan may be less by that
            state = self.state.clone();
            plan = self.plan_apart(env, tree, merged, apart);
        }
        for step in &plan.steps {
            self.share(&project, step);
        }
        (Some(plan), built)
    }

    /// Puts on record over which tables the reused ones stand from now on.
    fn relink(&mut self, tree: &Tree, plan: &Plan) {
        let (project, tables) = (self.project(tree), plan.tables());
        for (step, mut table) in plan.relinked(&project, &self.state) {
            let stored = self.stored.get_mut(&table.table.name).unwrap();
            if stored.rows.is_some() {
                stored.query = query(tree, &step.model.to_string(), &tables);
                table.select = table.select.map(|_| select(&stored.query));
            }
            self.state.tables.insert(table.table.clone(), table);
        }
    }

    /// The tables that a model's is built from.
    pub(super) fn parents(project: &Project, model: &Model, tables: &BTreeMap<ModelName, TableName>) -> Vec<TableName> {
        project.built_from(model).iter().filter_map(|parent| tables.get(parent).cloned()).collect()
    }

    /// Moves an environment's pointers and views.
    fn publish(
        &mut self,
        env: &EnvName,
        source: Source,
        pointers: BTreeMap<ModelName, Pointer>,
        comments: BTreeMap<ModelName, String>,
        action: PromotionAction,
    ) {
        let before = self.state.environments.get(env).cloned();
        let shown = before.iter().flat_map(|before| before.pointers.keys());
        shown.for_each(|model| _ = self.state.views.remove(&model.view(env, PATTERN)));
        for (model, Pointer { table, .. }) in &pointers {
            assert!(self.state.physical.contains(&table.name), "`{model}` would show {table}, which is not there");
            self.state.views.insert(model.view(env, PATTERN), table.clone());
        }
        let at = self.now / SECOND;
        let generation = before.as_ref().map_or(0, |before| before.generation) + 1;
        let tip = (self.main.len() - 1).to_string();
        if env.is_prod() {
            let (commit, action) = (source.commit.clone().unwrap(), action);
            let moved = moved(before.as_ref(), &pointers, &comments);
            self.state.promotions.push(Promotion { generation, commit, action, at, moved });
        }
        let environment = Environment {
            name: env.clone(),
            branch: source.branch,
            commit: source.commit,
            dirty: source.dirty,
            base: source.base,
            tip: Some(tip).filter(|_| env.is_prod()),
            generation,
            created_at: before.map_or(at, |before| before.created_at),
            updated_at: at,
            owner: None,
            pointers,
            comments,
        };
        self.state.environments.insert(env.clone(), environment);
    }

    /// Prod shows what it showed before the last promotion; `false`: there is no such thing.
    pub(super) fn rollback(&mut self) -> bool {
        self.clock();
        let Some(to) = self.state.promotion_before().cloned() else { return false };
        let (pointers, comments) = self.state.shown_since(to.generation);
        if pointers.values().any(|pointer| self.state.existing(&pointer.table).is_none()) {
            return false;
        }
        let tree = self.main[to.commit.parse::<usize>().unwrap()].clone();
        let source = self.plan_of(&Self::prod(), &tree, false).source;
        let source = Source { commit: Some(to.commit), ..source };
        self.publish(&Self::prod(), source, pointers, comments, PromotionAction::Rollback);
        self.published.insert(Self::prod(), tree);
        true
    }

    /// The tables that an environment shows.
    pub(super) fn shows(&self, env: &EnvName) -> BTreeMap<ModelName, TableName> {
        let pointers = self.state.environments.get(env).into_iter().flat_map(|shown| &shown.pointers);
        pointers.filter_map(|(name, it)| Some((name.clone(), self.state.existing(&it.table)?.table.clone()))).collect()
    }

    /// What the views of an environment are commented with, and what a tree says that they shall be.
    pub(super) fn comments(&self, env: &EnvName, tree: &Tree) -> [BTreeMap<ModelName, String>; 2] {
        let comment = |model: &Model| Some((model.name.clone(), model.file.about.comments.hash()?));
        let wanted = self.project(tree);
        let wanted = wanted.models().filter(|model| model.kind != Kind::Embedded).filter_map(comment).collect();
        [self.state.environments.get(env).map(|shown| shown.comments.clone()).unwrap_or_default(), wanted]
    }

    /// What an environment shows of a model.
    pub(super) fn contents(&self, env: &EnvName, model: &ModelName) -> Option<Rows> {
        Some(self.read(&self.shows(env).get(model)?.name))
    }

    /// What prod has shown, the latest last: the tables of each promotion, as far as they are there.
    pub(super) fn promotions(&self) -> Vec<BTreeMap<ModelName, Option<TableName>>> {
        self.state.promotions.iter().map(|promotion| self.tables(promotion)).collect()
    }

    /// Those of them that a rollback may still return to: the two last ones, and younger ones.
    pub(super) fn kept_promotions(&self) -> Vec<BTreeMap<ModelName, Option<TableName>>> {
        let oldest = self.now / SECOND - TTL;
        let recent = self.state.promotions.iter().rev().enumerate();
        recent.filter(|(index, it)| *index < 2 || it.at >= oldest).map(|(_, it)| self.tables(it)).collect()
    }

    fn tables(&self, promotion: &Promotion) -> BTreeMap<ModelName, Option<TableName>> {
        let (pointers, _) = self.state.shown_since(promotion.generation);
        let there = |pointer: &Pointer| self.state.existing(&pointer.table).map(|known| known.table.clone());
        pointers.iter().map(|(model, pointer)| (model.clone(), there(pointer))).collect()
    }

    /// The tables that a merge of this branch was built ahead in.
    pub(super) fn previewed(&self, branch: &BranchName) -> BTreeSet<TableName> {
        let previews = self.state.previews.iter().filter(|preview| preview.branch == *branch);
        let all = previews.flat_map(|preview| &preview.tables);
        all.filter(|table| self.state.existing(table).is_some()).cloned().collect()
    }
}

/// What a publication moves.
fn moved(
    before: Option<&Environment>,
    pointers: &BTreeMap<ModelName, Pointer>,
    comments: &BTreeMap<ModelName, String>,
) -> BTreeMap<ModelName, Moved> {
    let shown = |pointers: &BTreeMap<ModelName, Pointer>, comments: &BTreeMap<ModelName, String>, name: &ModelName| {
        pointers.get(name).map(|pointer| (pointer.clone(), comments.get(name).cloned()))
    };
    let names: BTreeSet<&ModelName> =
        pointers.keys().chain(before.into_iter().flat_map(|before| before.pointers.keys())).collect();
    let was = |name: &ModelName| before.and_then(|before| shown(&before.pointers, &before.comments, name));
    let now = names.into_iter().map(|name| (name.clone(), shown(pointers, comments, name)));
    now.filter(|(name, now)| was(name) != *now).collect()
}

/// A model's query, over these tables.
pub(super) fn query(tree: &Tree, name: &str, tables: &BTreeMap<ModelName, TableName>) -> Query {
    let spec = &tree[name];
    let input = |read: &Read| match read {
        Read::Raw(number) => Input::Raw(*number),
        Read::Model(name) if tree[name].sort == Sort::Embedded => Input::Inline(Rc::new(query(tree, name, tables))),
        Read::Model(name) => Input::Table(tables[&ModelName::parse(name).unwrap()].name.clone()),
    };
    let inputs = spec.reads.iter().map(input).collect();
    Query { sort: spec.sort, text: spec.text, words: spec.words, extra: spec.extra, names: spec.reads.clone(), inputs }
}
