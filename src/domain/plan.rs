//! From what an environment shows to what a source tree says: the steps that close the difference. Plain data with two
//! readers: one tells it (cli/render), one does it (workflow/apply).

mod due;
mod edited;
mod expected;
#[cfg(test)]
mod laws;
mod loads;
mod reason;
mod relinked;
mod restated;
mod schedule;
mod step;
mod upstream;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use self::due::{due, is_in_step, not_to_fill};
pub use self::edited::{Edited, first_edit};
pub use self::expected::Left;
pub use self::reason::Reason;
pub use self::restated::{Restated, live};
pub use self::schedule::{Next, Schedule, Turn};
use self::step::Planner;
pub use self::step::{Action, Loads, Replaced, Step, Work};
pub use self::upstream::Upstream;
use super::calendar::Timing;
use super::environment::{Environment, PhysicalTable, Pointer, State};
use super::limits::LOADS;
use super::model::Comments;
use super::name::{BranchName, EnvName, ModelName, SchemaPattern, TableName};
use super::project::{Model, Project};
use super::sql::Print;

/// What happened to a model, told against base.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Change {
    /// Its own text means something else.
    Direct,
    /// Its text is the same; a parent's change reaches it.
    Indirect,
    /// Only its metadata changed.
    Metadata,
    /// Base has no such model.
    Added,
    /// Only base has it.
    Removed,
    /// Nothing that counts.
    Unchanged,
}

impl Change {
    /// The word in messages and JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Indirect => "indirect",
            Self::Metadata => "metadata",
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Unchanged => "unchanged",
        }
    }
}

/// Columns that came, went, or changed their meaning or type.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ColumnChanges {
    /// In the new version only.
    pub added: Vec<String>,
    /// In base only.
    pub removed: Vec<String>,
    /// In both, and different.
    pub changed: Vec<String>,
}

/// What to do so that an environment shows a source tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The environment.
    pub environment: EnvName,
    /// What it is planned from.
    pub source: Source,
    /// The generation it was planned against; `None` while it doesn't exist.
    pub generation: Option<u64>,
    /// Every model of the tree in build order, and the removed ones.
    pub steps: Vec<Step>,
    /// Changed on main since base: the environment shows the older version.
    pub behind: Vec<ModelName>,
    /// How schemas are named.
    pub pattern: SchemaPattern,
    /// How long one view takes to move, where they move one after the other.
    #[serde(default)]
    pub pace: Option<Duration>,
}

/// Where a plan's models come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The branch.
    pub branch: BranchName,
    /// The commit; none while nothing was committed.
    pub commit: Option<String>,
    /// Whether the files differ from that commit.
    pub dirty: bool,
    /// Prod only: whether the branch's working tree has changes, which prod doesn't show.
    pub uncommitted: bool,
    /// Whether the tree is that of a merge of the branch into main, which has not happened yet.
    pub merged: bool,
    /// The branch that changes are told against.
    pub main: BranchName,
    /// The merge base, if there is one.
    pub base: Option<String>,
    /// Main's tip.
    pub tip: Option<String>,
}

/// The projects that a plan compares.
#[derive(Debug, Clone, Copy)]
pub struct Trees<'a> {
    /// What the environment shall show.
    pub desired: &'a Project,
    /// The merge base; none if there is none.
    pub base: Option<&'a Project>,
    /// Main's tip, if it isn't base.
    pub main: Option<&'a Project>,
    /// A hash over the audits of each model that has some.
    pub audits: &'a BTreeMap<ModelName, String>,
    /// Whether rows that turn out to be the same end a change.
    pub cutoff: bool,
    /// The models that get tables of their own, where prod has shown what stands for them.
    pub apart: &'a BTreeSet<ModelName>,
}

impl Plan {
    /// Compares a source tree with an environment as the warehouse has it.
    pub fn new(
        environment: EnvName,
        source: Source,
        trees: Trees<'_>,
        state: &State,
        pattern: SchemaPattern,
        timing: &Timing,
    ) -> Self {
        let shown = state.environments.get(&environment);
        let mut planner = Planner::new(trees, state, &environment, (pattern, timing));
        let mut steps: Vec<Step> = Vec::new();
        let mut loads = 0;
        for model in trees.desired.order().iter().filter_map(|name| trees.desired.model(name)) {
            // no one is going to carry it out
            if loads > LOADS {
                break;
            }
            let step = planner.step(model);
            loads += step.loads().len();
            steps.push(step);
        }
        compare_for_what_is_below(&mut steps, trees.desired);
        let gone = removed(trees, shown, state, &steps);
        steps.extend(gone);
        let behind = trees.main.map_or_else(Vec::new, |main| behind(trees, main));
        let generation = shown.map(|environment| environment.generation);
        Self { environment, source, generation, steps, behind, pattern, pace: state.pace }
    }

    /// The step with the most loads, where the plan has more of them than anyone can carry out: it is cut short then.
    pub fn overloaded(&self) -> Option<&Step> {
        let all: usize = self.steps.iter().map(|step| step.loads().len()).sum();
        self.steps.iter().filter(|_| all > LOADS).max_by_key(|step| step.loads().len())
    }

    /// The models to build, parents first.
    pub fn builds(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.action() == Action::Build)
    }

    /// How long the builds will take, so many at a time; none where there is none, or earlier ones of a model don't tell.
    pub fn expected(&self, at_a_time: usize) -> Option<Duration> {
        Left::of_steps(self.builds()).map(|left| left.time(at_a_time))
    }

    /// The models whose tables are made or filled, be it as clones of others, parents first.
    pub fn makes(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.action() == Action::Build || step.clone_of().is_some())
    }

    /// What the branch itself changed since base: its own doing, not what reaches a model from others or from main.
    pub fn changed(&self) -> Vec<ModelName> {
        let own =
            |step: &&Step| matches!(step.change, Change::Direct | Change::Added | Change::Removed | Change::Metadata);
        self.steps.iter().filter(own).map(|step| step.model.clone()).collect()
    }

    /// How many steps have this action.
    pub fn count(&self, action: Action) -> usize {
        self.steps.iter().filter(|step| step.action() == action).count()
    }

    /// How many models below those that changed take nothing of the change.
    pub fn unaffected(&self) -> usize {
        self.steps.iter().filter(|step| matches!(step.reason, Reason::Unaffected(_))).count()
    }

    /// How many views move or appear.
    pub fn swaps(&self) -> usize {
        self.steps.iter().filter(|step| step.swap).count()
    }

    /// How long readers may see some of the views as they shall be and others as they were; none where they never do.
    pub fn mixed(&self) -> Option<Duration> {
        let views = u32::try_from(self.swaps()).ok().filter(|views| *views > 1)?;
        Some(self.pace?.saturating_mul(views))
    }

    /// Whether the environment already shows the tree.
    pub fn is_done(&self) -> bool {
        self.generation.is_some()
            && self.makes().next().is_none()
            && self.steps.iter().all(|step| !step.swap && !step.is_audited())
    }

    /// The tables that the environment shall show.
    pub fn tables(&self) -> BTreeMap<ModelName, TableName> {
        self.pointers().into_iter().map(|(model, pointer)| (model, pointer.table)).collect()
    }

    /// What the environment shall show.
    pub fn pointers(&self) -> BTreeMap<ModelName, Pointer> {
        let pointer = |step: &Step| {
            let (fingerprint, table) = (step.fingerprint?, step.table.clone()?);
            Some((step.model.clone(), Pointer { fingerprint, table }))
        };
        self.steps.iter().filter_map(pointer).collect()
    }
}

impl Plan {
    /// The views that the environment shall have.
    pub fn views(&self) -> BTreeMap<ModelName, TableName> {
        let shown = self.steps.iter().filter(|step| step.table.is_some());
        shown.map(|step| (step.model.clone(), step.model.view(&self.environment, self.pattern))).collect()
    }

    /// The schemas of its views.
    pub fn schemas(&self) -> BTreeSet<String> {
        self.views().into_values().map(|view| view.schema).collect()
    }

    /// The part of the plan that is about some models.
    pub fn of_models(mut self, models: &BTreeSet<ModelName>) -> Self {
        self.steps.retain(|step| models.contains(&step.model));
        self
    }

    /// The plan without the models that are as in base, where nothing is done about them.
    pub fn brief(&self) -> Self {
        Self {
            environment: self.environment.clone(),
            source: self.source.clone(),
            generation: self.generation,
            steps: self.steps.iter().filter(|step| !step.is_as_before()).cloned().collect(),
            behind: self.behind.clone(),
            pattern: self.pattern,
            pace: self.pace,
        }
    }

    /// What the views shall be commented with.
    pub fn comments(&self) -> BTreeMap<ModelName, Comments> {
        let commented = self.steps.iter().filter(|step| step.table.is_some() && step.comments.hash().is_some());
        commented.map(|step| (step.model.clone(), step.comments.clone())).collect()
    }
}

/// Rows are compared for the sake of what is built of them: in the columns that this takes, or not at all.
fn compare_for_what_is_below(steps: &mut [Step], desired: &Project) {
    let mut taken: BTreeMap<ModelName, BTreeSet<BTreeSet<String>>> = BTreeMap::new();
    let built = steps.iter().filter(|step| step.action() == Action::Build);
    for model in built.filter_map(|step| desired.model(&step.model)) {
        for read in desired.filled_from(model) {
            let columns = desired.taken(model, &read).filter(|_| model.recipe.is_some());
            taken.entry(read).or_default().extend(columns.cloned());
        }
    }
    for step in steps {
        if let Work::Make { replaces, .. } = &mut step.work {
            let below = taken.remove(&step.model);
            *replaces = replaces.take().zip(below).map(|(replaces, taken)| Replaced { taken, ..replaces });
        }
    }
}

fn change(model: &Model, before: Option<&Model>) -> Change {
    match before {
        None => Change::Added,
        Some(before) if before.fingerprint == model.fingerprint => match before.file.about == model.file.about {
            true => Change::Unchanged,
            false => Change::Metadata,
        },
        Some(before) if before.own != model.own => Change::Direct,
        Some(_) => Change::Indirect,
    }
}

/// How the columns differ: by name and meaning from the files, by type where both versions are built.
pub fn column_changes(model: &Model, before: &Model, state: &State) -> ColumnChanges {
    if model.fingerprint == before.fingerprint {
        return ColumnChanges::default();
    }
    let types = |snapshot: Option<&PhysicalTable>| {
        let columns = snapshot.into_iter().flat_map(|snapshot| snapshot.columns.iter().cloned());
        columns.map(|(name, kind)| (name.to_lowercase(), kind)).collect::<BTreeMap<_, _>>()
    };
    let now = types(state.built(&model.fingerprint));
    let then = types(state.built(&before.fingerprint));
    let names = |known: Option<&Vec<String>>, built: &BTreeMap<String, String>| -> Option<BTreeSet<String>> {
        match known {
            Some(known) => Some(known.iter().map(|name| name.to_lowercase()).collect()),
            None => (!built.is_empty()).then(|| built.keys().cloned().collect()),
        }
    };
    let new = names(model.columns.as_ref(), &now);
    let old = names(before.columns.as_ref(), &then);
    let (Some(new), Some(old)) = (new, old) else { return ColumnChanges::default() };
    let apart = model.columns_apart().zip(before.columns_apart());
    let print = |columns: &[(String, Print)], name: &str| {
        columns.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, print)| *print)
    };
    let differs = |name: &&String| {
        now.get(*name).zip(then.get(*name)).is_some_and(|(now, then)| now != then)
            || apart.is_some_and(|(now, then)| print(now, name) != print(then, name))
    };
    ColumnChanges {
        added: new.difference(&old).cloned().collect(),
        removed: old.difference(&new).cloned().collect(),
        changed: new.intersection(&old).filter(differs).cloned().collect(),
    }
}

/// The models that base has or the environment shows, and the tree hasn't.
fn removed(trees: Trees<'_>, shown: Option<&Environment>, state: &State, others: &[Step]) -> Vec<Step> {
    let in_base = trees.base.into_iter().flat_map(|base| base.models().map(|model| model.name.clone()));
    let in_env = shown.into_iter().flat_map(|shown| shown.pointers.keys().cloned());
    let gone: BTreeSet<ModelName> = in_base.chain(in_env).filter(|name| trees.desired.model(name).is_none()).collect();
    let is_shown = |name: &ModelName| shown.is_some_and(|shown| shown.pointers.contains_key(name));
    let reason = |model: &ModelName| {
        let shown = shown.and_then(|shown| state.tables.get(&shown.pointers.get(model)?.table));
        let goes_on = |shown: &PhysicalTable| {
            let is_next = |step: &Step| [step.source(), step.table.as_ref()].contains(&Some(&shown.table));
            others.iter().any(is_next)
        };
        match shown.filter(|shown| shown.is_history() && !goes_on(shown)) {
            Some(_) => Reason::HistoryEnds,
            None => Reason::Gone,
        }
    };
    let steps = gone.into_iter().map(|model| Step {
        swap: is_shown(&model),
        reason: reason(&model),
        model,
        change: Change::Removed,
        work: Work::Drop,
        fingerprint: None,
        table: None,
        columns: ColumnChanges::default(),
        comments: Comments::default(),
        expected: None,
        after: Vec::new(),
        through: Vec::new(),
        edited: None,
    });
    steps.filter(|step| step.swap || trees.base.is_some_and(|base| base.model(&step.model).is_some())).collect()
}

/// What main changed since base and the tree still has as base has it.
fn behind(trees: Trees<'_>, main: &Project) -> Vec<ModelName> {
    let Some(base) = trees.base else { return Vec::new() };
    let own = |project: &Project, name: &ModelName| project.model(name).map(|model| model.own);
    let names: BTreeSet<&ModelName> = base.models().chain(main.models()).map(|model| &model.name).collect();
    let moved = names.into_iter().filter(|name| {
        let before = own(base, name);
        own(main, name) != before && own(trees.desired, name) == before
    });
    moved.cloned().collect()
}
