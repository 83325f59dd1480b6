//! The page's data as one JSON document; `docs/page.md` tells its shape.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::super::plan::reason;
use crate::adapter::engine::Rows;
use crate::domain::environment::{Environment, Origin, PastBuild, Pointer};
use crate::domain::fingerprint::Fingerprint;
use crate::domain::name::ModelName;
use crate::domain::plan::{Action, Plan, Step};
use crate::domain::project::{ColumnSource, Model, Project};
use crate::workflow::build::at_a_time;
use crate::workflow::page::{Check, CheckKind, Commit, Cost, Difference, Mark, Merge, Outcome, Page, Verdict};

/// How many of a model's builds are shown.
const BUILDS: usize = 5;

/// All that the page shows.
pub(in crate::cli) fn json(page: &Page, at: i64) -> Value {
    let index = Index::of(page);
    let environments = page.state.environments.values().map(|environment| index.environment(page, environment));
    let branches = page.branches.iter().map(
        |(name, commit, environment)| json!({"name": name, "commit": commit.as_str(), "environment": environment}),
    );
    let promotions = page.state.promotions.iter().zip(page.state.pointers_moved()).map(|(promotion, moved)| {
        json!({
            "generation": promotion.generation,
            "commit": promotion.commit,
            "action": promotion.action.word(),
            "at": promotion.at,
            "moved": moved,
        })
    });
    let source = &page.plan.source;
    json!({
        "vmesh": env!("CARGO_PKG_VERSION"),
        "project": page.project,
        "at": at,
        "main": source.main,
        "branch": source.branch,
        "environment": page.plan.environment,
        "in_step": page.plan.is_done(),
        "problem": page.problem,
        "summary": super::super::plan::summary(&page.plan),
        "commits": page.commits.iter().map(commit).collect::<Vec<_>>(),
        "branches": branches.collect::<Vec<_>>(),
        "promotions": promotions.collect::<Vec<_>>(),
        "models": index.models(page),
        "versions": index.versions(page),
        "texts": index.texts(),
        "environments": environments.collect::<Vec<_>>(),
        "differences": page.differences.iter().map(difference).collect::<Vec<_>>(),
        "merges": page.merges.iter().map(merge).collect::<Vec<_>>(),
    })
}

fn difference(difference: &Difference) -> Value {
    let [before, after] = &difference.columns;
    json!({
        "environment": difference.environment,
        "model": difference.rows.model,
        "rows": super::super::json::table_diff(&difference.rows),
        "columns": {"a": columns(before), "b": columns(after)},
    })
}

/// What is in the columns of a table.
fn columns(rows: &Rows) -> Vec<Value> {
    let value = |row: &[Option<String>], at: usize| row.get(at).cloned().flatten();
    let of = |row: &Vec<Option<String>>| {
        json!({
            "name": value(row, 0),
            "min": value(row, 1),
            "max": value(row, 2),
            "distinct": value(row, 3),
            "nulls": value(row, 4),
        })
    };
    rows.rows.iter().map(of).collect()
}

fn commit(commit: &Commit) -> Value {
    let (builds, expected, broken) = match &commit.cost {
        Cost::Builds { models, expected } => (models.as_slice(), expected.filter(|_| !models.is_empty()), None),
        Cost::Broken(what) => (&[][..], None, Some(what)),
    };
    json!({
        "id": commit.info.id.as_str(),
        "parents": commit.parents.iter().map(|parent| parent.as_str()).collect::<Vec<_>>(),
        "author": commit.info.author,
        "at": commit.info.seconds,
        "subject": commit.info.subject,
        "builds": builds,
        "expected_seconds": expected.map(|expected| expected.as_secs_f64()),
        "broken": broken,
    })
}

fn build(build: &PastBuild) -> Value {
    let Origin { who, branch, commit, dirty } = &build.origin;
    json!({
        "table": build.table.name,
        "at": build.at / 1_000_000,
        "seconds": build.took.as_secs_f64(),
        "loads": build.loads,
        "rows": build.rows,
        "who": who,
        "branch": branch,
        "commit": commit,
        "dirty": dirty,
    })
}

fn check(check: &Check) -> Value {
    let (kind, blocking) = match check.kind {
        CheckKind::Audit { blocking } => ("audit", Some(blocking)),
        CheckKind::Test => ("test", None),
    };
    let (verdict, why) = match &check.verdict {
        None => (None, None),
        Some(Verdict::Passed) => (Some("passed"), None),
        Some(Verdict::Failed(why)) => (Some("failed"), Some(why)),
    };
    json!({"name": check.name, "kind": kind, "blocking": blocking, "verdict": verdict, "why": why})
}

fn merge(merge: &Merge) -> Value {
    let mut told = json!({"branch": merge.branch, "ahead": merge.ahead, "behind": merge.behind});
    let (verdict, more) = match &merge.outcome {
        Outcome::Plan(plan) => (
            verdict(plan),
            json!({
                "summary": super::super::plan::summary(plan),
                "builds": plan.builds().map(|step| &step.model).collect::<Vec<_>>(),
                "expected_seconds": plan.expected(at_a_time()).map(|expected| expected.as_secs_f64()),
                "swaps": plan.steps.iter().filter(|step| step.swap).map(|step| &step.model).collect::<Vec<_>>(),
            }),
        ),
        Outcome::Conflicts { models, others } => ("conflicts", json!({"models": models, "others": others})),
        Outcome::Broken(what) => ("broken", json!({"broken": what})),
    };
    if let (Value::Object(told), Value::Object(more)) = (&mut told, more) {
        told.insert("verdict".to_owned(), json!(verdict));
        told.extend(more);
    }
    told
}

fn verdict(plan: &Plan) -> &'static str {
    match (plan.count(Action::Build), plan.swaps()) {
        (0, 0) => "nothing",
        (0, _) => "pointers",
        _ => "builds",
    }
}

/// Models and versions by number, so that what fifty environments show is fifty short lists.
struct Index<'p> {
    models: Vec<&'p ModelName>,
    numbers: BTreeMap<&'p ModelName, usize>,
    versions: BTreeMap<(usize, Pointer), usize>,
    texts: BTreeMap<&'p str, usize>,
}

impl<'p> Index<'p> {
    fn of(page: &'p Page) -> Self {
        let project = &page.prepared.desired.project;
        let shown = page.state.environments.values().flat_map(|environment| environment.pointers.iter());
        let shown: Vec<(&ModelName, &Pointer)> = shown.collect();
        let ordered: Vec<&ModelName> = project.order().iter().collect();
        let known: BTreeSet<&ModelName> = ordered.iter().copied().collect();
        let others: BTreeSet<&ModelName> =
            shown.iter().map(|(name, _)| *name).filter(|name| !known.contains(name)).collect();
        let models: Vec<&ModelName> = ordered.into_iter().chain(others).collect();
        let numbers: BTreeMap<&ModelName, usize> = models.iter().enumerate().map(|(at, name)| (*name, at)).collect();
        let mut versions = BTreeMap::new();
        for (name, pointer) in shown {
            let (Some(model), next) = (numbers.get(name), versions.len()) else { continue };
            versions.entry((*model, pointer.clone())).or_insert(next);
        }
        let of_versions = versions.keys().map(|(_, pointer)| pointer.fingerprint);
        let all = of_versions.chain(project.models().map(|model| model.fingerprint));
        let texts: BTreeSet<&str> =
            all.flat_map(|version| text(page, &version).into_iter().chain(expanded(page, &version))).collect();
        let texts = texts.into_iter().enumerate().map(|(at, text)| (text, at)).collect();
        Self { models, numbers, versions, texts }
    }

    /// Each text once.
    fn texts(&self) -> Vec<&'p str> {
        self.texts.keys().copied().collect()
    }

    fn text(&self, page: &Page, version: &Fingerprint) -> Option<usize> {
        self.texts.get(text(page, version)?).copied()
    }

    fn expanded(&self, page: &Page, version: &Fingerprint) -> Option<usize> {
        self.texts.get(expanded(page, version)?).copied()
    }

    fn models(&self, page: &Page) -> Vec<Value> {
        let project = &page.prepared.desired.project;
        let steps: BTreeMap<&ModelName, &Step> = page.plan.steps.iter().map(|step| (&step.model, step)).collect();
        let mut builds: BTreeMap<&ModelName, Vec<&PastBuild>> = BTreeMap::new();
        page.builds.iter().for_each(|build| builds.entry(&build.model).or_default().push(build));
        let of = |name: &&ModelName| {
            let builds = builds.get(name).into_iter().flatten().take(BUILDS).map(|it| build(it));
            let mut told = json!({"name": name, "builds": builds.collect::<Vec<_>>()});
            let model = project.model(name).map(|model| self.model(page, project, model));
            let step = steps.get(name).map(|step| step_told(step));
            if let Value::Object(told) = &mut told {
                model.into_iter().chain(step).for_each(|more| told.extend(more));
            }
            told
        };
        self.models.iter().map(of).collect()
    }

    /// A model as the files say it.
    fn model(&self, page: &Page, project: &Project, model: &Model) -> Map<String, Value> {
        let about = &model.file.about;
        let number = |name: &ModelName| self.numbers.get(name);
        let parents: Vec<_> = model.parents.keys().filter_map(number).collect();
        let told = json!({
            "kind": model.kind.word().as_str(),
            "path": model.path,
            "description": about.description,
            "owner": about.owner,
            "tags": about.tags,
            "columns": self.columns(page, project, model),
            "rows": self.told(project, model.sources_of_rows()),
            "parents": parents,
            "sources": model.externals(),
            "checks": page.checks.get(&model.name).into_iter().flatten().map(check).collect::<Vec<_>>(),
            "text": self.text(page, &model.fingerprint),
            "expanded": self.expanded(page, &model.fingerprint),
        });
        object(told)
    }

    /// Its columns: name, type where its table is there, what is said of it, and what its values come from.
    fn columns(&self, page: &Page, project: &Project, model: &Model) -> Vec<Value> {
        let table = page.state.built(&model.fingerprint);
        let typed = table.map(|table| table.columns.iter().map(|(name, kind)| (name, Some(kind))).collect::<Vec<_>>());
        let columns = typed.unwrap_or_else(|| model.columns.iter().flatten().map(|name| (name, None)).collect());
        let of = |(name, kind): (&String, Option<&String>)| {
            let described = model.file.about.comments.columns.iter();
            let described =
                described.filter(|(column, _)| column.eq_ignore_ascii_case(name)).map(|(_, text)| text).next();
            let from = self.told(project, model.sources_of(name));
            json!({"name": name, "type": kind, "description": described, "from": from})
        };
        columns.into_iter().map(of).collect()
    }

    /// Columns that others come from: each a model's number or another table's name, and a column.
    fn told(&self, project: &Project, sources: Option<Vec<ColumnSource<'_>>>) -> Option<Vec<Value>> {
        let of_column = |source: ColumnSource<'_>| match source.model {
            Some(parent) => {
                let columns = project.model(parent).and_then(|parent| parent.columns.as_ref());
                let named = columns.into_iter().flatten().find(|column| column.eq_ignore_ascii_case(&source.column));
                json!([self.numbers.get(parent), named.unwrap_or(&source.column)])
            }
            None => json!([source.table, source.column]),
        };
        Some(sources?.into_iter().map(of_column).collect())
    }

    fn versions(&self, page: &Page) -> Vec<Value> {
        let mut told: Vec<(usize, Value)> =
            self.versions.iter().map(|(key, at)| (*at, self.version(page, key))).collect();
        told.sort_by_key(|(at, _)| *at);
        told.into_iter().map(|(_, value)| value).collect()
    }

    fn version(&self, page: &Page, (model, pointer): &(usize, Pointer)) -> Value {
        let table = page.state.existing(&pointer.table);
        json!({
            "model": model,
            "fingerprint": pointer.fingerprint,
            "table": pointer.table.name,
            "built_at": table.map(|table| table.built_at / 1_000_000),
            "bytes": page.sizes.get(&pointer.table),
            "rows": table.and_then(|table| table.rows),
            "columns": table.map(|table| &table.columns),
            "text": self.text(page, &pointer.fingerprint),
            "expanded": self.expanded(page, &pointer.fingerprint),
        })
    }

    fn environment(&self, page: &Page, environment: &Environment) -> Value {
        let shows = self.models.iter().enumerate().map(|(at, name)| {
            let pointer = environment.pointers.get(name)?;
            self.versions.get(&(at, pointer.clone())).copied()
        });
        let marks = page.marks.get(&environment.name).into_iter().flatten();
        let marks = marks.filter_map(|(name, mark)| Some((self.numbers.get(name)?.to_string(), json!(word(*mark)))));
        json!({
            "name": environment.name,
            "branch": environment.branch,
            "commit": environment.commit,
            "dirty": environment.dirty,
            "updated_at": environment.updated_at,
            "owner": environment.owner.as_ref().map(|owner| &owner.who),
            "shows": shows.collect::<Vec<_>>(),
            "marks": marks.collect::<Map<_, _>>(),
        })
    }
}

/// The text of a version: as a file has it, or else as its table is filled.
fn text<'p>(page: &'p Page, version: &Fingerprint) -> Option<&'p str> {
    let on_record = || page.state.on_record(version)?.select.as_deref();
    page.texts.get(version).map(|text| text.written.as_ref()).or_else(on_record)
}

/// The same with its macros expanded, if it has some.
fn expanded<'p>(page: &'p Page, version: &Fingerprint) -> Option<&'p str> {
    page.texts.get(version)?.expanded.as_deref()
}

fn step_told(step: &Step) -> Map<String, Value> {
    let columns = &step.columns;
    object(json!({
        "change": step.change.word(),
        "action": step.action().word(),
        "reason": reason(&step.reason),
        "edited": step.edited,
        "changed": {"added": columns.added, "removed": columns.removed, "changed": columns.changed},
    }))
}

fn word(mark: Mark) -> &'static str {
    match mark {
        Mark::Own => "own",
        Mark::Behind => "behind",
        Mark::Both => "both",
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
