//! How far a change of a model reaches: what its children see of it, and what of its parents counts in its own fingerprint.
//!
//! A child whose lineage is understood counts, of each parent, what decides its rows and the columns that it takes. All of
//! a parent counts where that can't be told: in a query that is not understood or is another one at another time, for
//! statements around a query, for parents named by hand, and wherever rows were filled over time by earlier versions
//! (incremental kinds) or come from a file (seeds). A view counts all of its parents, since making it anew is free, and it
//! would show a table otherwise that nobody fills any more; what it shows itself is told by columns.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::super::engine_kind::EngineKind;
use super::super::external::Externals;
use super::super::fingerprint::{self, Fingerprint};
use super::super::model::{Kind, ModelFile};
use super::super::name::ModelName;
use super::super::sql::{Form, Lineage, Origin, Parent, ParentColumns, Print, Query};
use super::{Draft, Model, Sources};

/// So many lineages are kept beside those that the last load needed.
const SPARE: usize = 2_000;

/// The lineages that were worked out, each by what it was worked out from: a query and what it reads.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Lineages {
    /// None: not understood.
    #[serde(with = "shared")]
    known: RefCell<BTreeMap<Print, Option<Arc<Lineage>>>>,
    /// Those that were asked for since it was made.
    #[serde(skip)]
    used: RefCell<BTreeSet<Print>>,
    /// Whether one was added since they were last kept.
    #[serde(skip)]
    changed: Cell<bool>,
}

impl Lineages {
    /// Whether there is anything new to keep since it was last asked.
    pub fn take_changed(&self) -> bool {
        self.changed.take()
    }

    /// Forgets most of those that were not asked for, where there are many.
    pub fn trim(&self) {
        let (mut known, used) = (self.known.borrow_mut(), self.used.borrow());
        if known.len() > used.len() + SPARE {
            known.retain(|key, _| used.contains(key));
        }
    }

    /// What is known of a query over what it reads; `Some(None)`: that it is not understood.
    fn known(&self, key: Print) -> Option<Option<Arc<Lineage>>> {
        self.used.borrow_mut().insert(key);
        self.known.borrow().get(&key).cloned()
    }

    fn keep(&self, key: Print, told: Option<Lineage>) -> Option<Arc<Lineage>> {
        let told = told.map(Arc::new);
        self.known.borrow_mut().insert(key, told.clone());
        self.changed.set(true);
        told
    }
}

/// The lineage of a draft whose parents are finished, if it is understood. Of a query that says something else at another
/// time, it is that of 1970.
pub(super) fn of(sources: &Sources<'_>, draft: &Draft, models: &BTreeMap<ModelName, Model>) -> Option<Arc<Lineage>> {
    let (parents, key) = over(sources, draft, models)?;
    if let Some(known) = sources.lineages.known(key) {
        draft.file.query.iter().for_each(Query::forget_tree);
        return known;
    }
    let parents: Vec<&Parent> = parents.iter().map(Cow::as_ref).collect();
    sources.lineages.keep(key, worked_out(sources, draft, &parents))
}

/// The lineage of a draft's query over what it reads.
fn worked_out(sources: &Sources<'_>, draft: &Draft, parents: &[&Parent]) -> Option<Lineage> {
    let file = &draft.file;
    let text = match &file.expanded {
        Some(expanded) => Arc::from(expanded.text.as_str()),
        None => (sources.text)(&draft.path),
    };
    file.query.as_ref()?.lineage(sources.config.opening.engine, text.get(file.query_span.clone())?, parents).ok()
}

/// What a draft's query reads, and a key of the query over that.
fn over<'m>(
    sources: &Sources<'_>,
    draft: &Draft,
    models: &'m BTreeMap<ModelName, Model>,
) -> Option<(Vec<Cow<'m, Parent>>, Print)> {
    let file = &draft.file;
    let query = file.query.as_ref().filter(|query| query.form == Form::Tree)?;
    let reads = query.reads.as_deref()?;
    let parents = draft.reads.iter().zip(reads).map(|(model, read)| match model {
        Some(name) => models.get(name).map(|model| Cow::Borrowed(&model.as_parent)),
        None => Some(Cow::Owned(outside(&read.parts, sources.externals, sources.config.opening.engine))),
    });
    let parents: Vec<Cow<'m, Parent>> = parents.collect::<Option<_>>()?;
    let keys = parents.iter().map(|parent| parent.key.bytes());
    let key = Print::of("lineage", std::iter::once(&query.canonical[..]).chain(keys));
    Some((parents, key))
}

/// Whether a model's query says all that decides its rows, but for files and `before_all`.
pub(super) fn is_plain(file: &ModelFile) -> bool {
    file.time_is_text && file.statements.is_empty() && file.depends_on.is_empty()
}

/// A table that no model makes. Only its name counts: what is known of its columns tells what names mean.
fn outside(parts: &[String], externals: &Externals, engine: EngineKind) -> Parent {
    let name = parts.join("\0").to_ascii_lowercase();
    let rows = Print::of("outside", [name.as_bytes()]);
    let columns = match externals.columns(parts).filter(|names| are_found_by(engine, names)) {
        Some(columns) => ParentColumns::Known(columns.into_iter().map(|name| beside(rows, name)).collect()),
        None => ParentColumns::Open(rows),
    };
    Parent::new(rows, rows, columns)
}

/// A column of a table that is decided as a whole.
fn beside(whole: Print, name: String) -> (String, Print) {
    let print = Print::of("open column", [whole.bytes(), name.to_ascii_lowercase().as_bytes()]);
    (name, print)
}

/// What decides all of a model that is not taken apart.
pub(super) fn whole(fingerprint: &Fingerprint) -> Print {
    Print::of("whole", [fingerprint.hex().as_bytes()])
}

/// What a model's children see of it; `beside` is what counts in its rows beside the query.
pub(super) fn seen(
    (name, file, kind): (&ModelName, &ModelFile, &Kind),
    fingerprint: &Fingerprint,
    columns: Option<&[String]>,
    lineage: Option<&Lineage>,
    beside: Print,
) -> Parent {
    let whole = whole(fingerprint);
    let name = Print::of("rows of", [name.to_string().as_bytes()]);
    let all = |names: &[String]| names.iter().map(|name| self::beside(whole, name.clone())).collect();
    let as_a_whole = || {
        let columns = columns.map_or(ParentColumns::Open(whole), |names| ParentColumns::Known(all(names)));
        Parent::new(name, whole, columns)
    };
    let is_built_whole = matches!(kind, Kind::Full | Kind::View | Kind::Embedded);
    let (Some(lineage), Some(names), true) = (lineage, columns, is_built_whole) else { return as_a_whole() };
    // what may come out differently each time is another's with each version that is built
    let version = |unstable: bool| if unstable { whole } else { Print::of("stable", []) };
    let rows = Print::of("rows", [lineage.rows.print.bytes(), beside.bytes(), version(lineage.rows.unstable).bytes()]);
    // they are in one order, mostly
    let column = |(index, name): (usize, &String)| {
        let is_it = |(other, _): &&(String, Origin)| other.eq_ignore_ascii_case(name);
        let beside = lineage.columns.get(index).filter(is_it);
        let (_, origin) = beside.or_else(|| lineage.columns.iter().find(is_it))?;
        let declared = file.columns.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
        let print = match (declared, origin.unstable) {
            (None, false) => origin.print,
            (declared, unstable) => Print::of(
                "column",
                [
                    origin.print.bytes(),
                    declared.map_or(&[][..], |(_, kind)| kind.as_bytes()),
                    version(unstable).bytes(),
                ],
            ),
        };
        Some((name.clone(), print))
    };
    match names.iter().enumerate().map(column).collect::<Option<Vec<_>>>() {
        Some(columns) if columns.len() == lineage.columns.len() => {
            Parent::new(name, rows, ParentColumns::Known(columns))
        }
        _ => as_a_whole(),
    }
}

/// The columns that a lineage tells of a model, where its kind adds none. What a server makes of a query is left to it.
pub(super) fn columns(engine: EngineKind, kind: &Kind, lineage: &Lineage) -> Option<Vec<String>> {
    let is_all = engine == EngineKind::DuckDb && matches!(kind, Kind::Full | Kind::View | Kind::Embedded);
    is_all.then(|| lineage.columns.iter().map(|(name, _)| name.clone()).collect())
}

/// Whether an engine sees these columns of a model: these, in this order. A server has others than DuckDB of a query that is
/// not understood.
pub(super) fn are_sure(engine: EngineKind, file: &ModelFile, names: &[String]) -> bool {
    let is_understood = engine == EngineKind::DuckDb || file.query.as_ref().is_none_or(|it| it.form == Form::Tree);
    is_understood && are_found_by(engine, names)
}

/// Whether letter case is no reason for an engine not to find a column by a name without quotes.
fn are_found_by(engine: EngineKind, names: &[String]) -> bool {
    engine != EngineKind::Postgres || names.iter().all(|name| !name.contains(char::is_uppercase))
}

/// What makes a model's rows of those of the tables above it: none where it may make others each time, or where rows are
/// filled over time.
pub(super) fn recipe<'m>(
    draft: &Draft,
    own: &Fingerprint,
    mut parents: impl Iterator<Item = &'m Model>,
) -> Option<Fingerprint> {
    let is_repeatable = match draft.kind {
        Kind::Seed(_) => true,
        Kind::Incremental(_) => false,
        Kind::Full | Kind::View | Kind::Embedded => {
            is_plain(&draft.file) && draft.file.query.as_ref().is_some_and(|query| query.repeatable)
        }
    };
    let between = parents.try_fold(Vec::new(), |mut between, parent| {
        if matches!(parent.kind, Kind::View | Kind::Embedded) {
            between.push((&parent.name, parent.recipe?));
        }
        Some(between)
    });
    between.filter(|_| is_repeatable).map(|between| fingerprint::recipe(own, between))
}

/// The columns that a draft's query takes of each model that it reads itself.
pub(super) fn takes(draft: &Draft, lineage: Option<&Lineage>) -> BTreeMap<ModelName, BTreeSet<String>> {
    let mut takes: BTreeMap<ModelName, BTreeSet<String>> = BTreeMap::new();
    let Some(lineage) = lineage else { return takes };
    let reads: Vec<&ModelName> = draft.reads.iter().flatten().collect();
    takes.extend(reads.into_iter().map(|model| (model.clone(), BTreeSet::new())));
    for (read, column) in &lineage.taken {
        if let Some(taken) = draft.reads.get(*read).and_then(|model| takes.get_mut(model.as_ref()?)) {
            taken.insert(column.clone());
        }
    }
    takes
}

/// Shared values, stored as plain ones.
mod shared {
    use super::{Arc, BTreeMap, Deserialize, Lineage, Print, RefCell};

    type Known = RefCell<BTreeMap<Print, Option<Arc<Lineage>>>>;

    pub(super) fn serialize<S: serde::Serializer>(known: &Known, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(known.borrow().iter().map(|(key, told)| (key, told.as_deref())))
    }

    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Known, D::Error> {
        let known = BTreeMap::<Print, Option<Lineage>>::deserialize(deserializer)?;
        Ok(RefCell::new(known.into_iter().map(|(key, told)| (key, told.map(Arc::new))).collect()))
    }
}
