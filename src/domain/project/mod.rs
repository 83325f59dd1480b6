//! All models of one source tree, checked as a whole: names, parents, circles, columns, fingerprints.

mod above;
mod check;
mod columns;
mod names;
mod reach;
mod render;
mod statements;
mod trace;

pub use self::check::{from_path, guess_reads, staged};
pub use self::columns::{Known, Undeclared};
pub use self::names::{Barred, Names, Published, meant};
pub use self::reach::Lineages;
pub use self::render::{cast, cast_head, plainly_cast};
pub use self::trace::{ColumnSource, Part, Trace};

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::calendar::{Calendar, fixed};
use super::config::{Config, Made};
use super::diagnostic::{Diagnostic, Excerpt};
use super::engine_kind::EngineKind;
use super::external::Externals;
use super::fingerprint::{self, Fingerprint, Own};
use super::graph;
use super::interval::Moment;
use super::model::{Kind, ModelFile, Statement, When, is_own, temporary};
use super::name::{ModelName, TableName};
use super::sql::{Lineage, Output, Parent, ParentColumns, Print, Read, Span};

/// A project's models.
#[derive(Debug, Clone)]
pub struct Project {
    models: BTreeMap<ModelName, Model>,
    order: Vec<ModelName>,
    externals: Externals,
    /// What the warehouse is called in SQL.
    catalog: String,
    /// The project's folder in the main worktree; empty where there is none.
    home: String,
    /// The engine that its queries are written for.
    engine: EngineKind,
}

/// One model, with its place in the graph.
#[derive(Debug, Clone)]
pub struct Model {
    /// Its name.
    pub name: ModelName,
    /// Its file, relative to the project.
    pub path: String,
    /// What the file says.
    pub file: Arc<ModelFile>,
    /// How it is materialized.
    pub kind: Kind,
    /// For each read of its query: the model it is, or `None` for a table that vmesh doesn't manage.
    pub reads: Vec<Option<ModelName>>,
    /// The same for the reads of its statements, one list for each.
    pub statement_reads: Vec<Vec<Option<ModelName>>>,
    /// The models it depends on, with their fingerprints.
    pub parents: BTreeMap<ModelName, Fingerprint>,
    /// The hash of its own part.
    pub own: Fingerprint,
    /// Its identity but for its name.
    pub content: Fingerprint,
    /// Its identity.
    pub fingerprint: Fingerprint,
    /// The seed file, for kind SEED.
    pub seed: Option<SeedFile>,
    /// The project's files that its query reads.
    pub files: Vec<SeedFile>,
    /// The files that its query reads and no commit has: main's settings allow it.
    pub outside_files: Vec<OutsideFile>,
    /// Its columns, where the files prove them.
    pub columns: Option<Vec<String>>,
    /// What decides its rows and columns, where that is understood.
    pub lineage: Option<Arc<Lineage>>,
    /// What its children see of it.
    pub as_parent: Parent,
    /// What makes its rows of those of the tables above, where these alone decide them: made again of the same rows, they
    /// are the same.
    pub recipe: Option<Fingerprint>,
    /// What the names of its query mean, whatever the tables hold that it reads.
    pub shape: Option<Print>,
    /// The columns that its query takes of each model that it reads itself.
    pub takes: BTreeMap<ModelName, BTreeSet<String>>,
    /// When it is filled, for incremental kinds.
    pub calendar: Option<Calendar>,
    /// Where its rows begin, as far as it or the models above it say.
    pub start: Option<String>,
}

/// A data file of the project: a seed's CSV, or one that a query names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeedFile {
    /// Relative to the project.
    pub path: String,
    /// The hash of its content, with line endings made `\n`.
    pub hash: [u8; 32],
    /// The names in its first line, where they can be read off.
    pub header: Option<Vec<String>>,
}

/// A file that a query reads, or a pattern of some, and that no commit has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutsideFile {
    /// Its path, without `.` and `..`: relative to the project, from the root, or an address.
    pub path: String,
    /// Where it stands in the query, from its start.
    pub literal: Span,
}

/// Where the loader's parts come from: files are read only when they must be.
pub struct Sources<'a> {
    /// Each model file's path and what it says.
    pub files: Vec<(String, Arc<ModelFile>)>,
    /// The text of a model file as it was written, for messages.
    pub text: &'a dyn Fn(&str) -> Arc<str>,
    /// A data file of the project, if it is there.
    pub seed: &'a dyn Fn(&str) -> Option<SeedFile>,
    /// The data files of the project that a path or pattern means, by path.
    pub matching: &'a dyn Fn(&str) -> Vec<SeedFile>,
    /// Why there is no file of a path or pattern, as a sentence; none where simply nothing is there.
    pub absent: &'a dyn Fn(&str) -> Option<String>,
    /// The project's settings.
    pub config: &'a Config,
    /// The project's folder in the main worktree, which relative paths of sources are told from; empty where there is none.
    pub home: &'a str,
    /// What is known of tables that no model makes.
    pub externals: &'a Externals,
    /// What vmesh shows.
    pub published: &'a Published,
    /// What `before_all` makes.
    pub before_all: &'a [Made],
    /// The lineages that were worked out before.
    pub lineages: &'a Lineages,
}

/// A model before its place in the graph is known.
struct Draft {
    name: ModelName,
    path: String,
    file: Arc<ModelFile>,
    kind: Kind,
    reads: Vec<Option<ModelName>>,
    statement_reads: Vec<Vec<Option<ModelName>>>,
    seed: Option<SeedFile>,
    files: Vec<SeedFile>,
    outside_files: Vec<OutsideFile>,
}

impl Project {
    /// Puts the files of a source tree together. All problems found are given, in the order of the files.
    pub fn assemble(sources: &Sources<'_>) -> Result<Self, Vec<Diagnostic>> {
        let mut drafts = check::names(sources)?;
        check::seeds(sources, &mut drafts)?;
        check::files(sources, &mut drafts)?;
        check::reads(sources, &mut drafts)?;
        statements::check(sources, &mut drafts)?;
        let parents: BTreeMap<ModelName, Vec<ModelName>> =
            drafts.iter().map(|(name, draft)| (name.clone(), draft.parents())).collect();
        let told = |circle: &Vec<ModelName>| check::circle(sources, &drafts, circle);
        let order = graph::order(&parents).map_err(|circles| circles.iter().map(told).collect::<Vec<_>>())?;
        let mut models: BTreeMap<ModelName, Model> = BTreeMap::new();
        for name in &order {
            if let Some(draft) = drafts.remove(name) {
                let model = finish(sources, draft, &models).map_err(|problem| vec![problem])?;
                models.insert(name.clone(), model);
            }
        }
        let mut problems = columns::unknown(sources, &models);
        problems.append(&mut columns::lacking(sources, &models));
        if problems.is_empty() {
            let catalog = sources.config.catalog().to_owned();
            let home = sources.home.to_owned();
            let engine = sources.config.opening.engine;
            Ok(Self { models, order, externals: sources.externals.clone(), catalog, home, engine })
        } else {
            Err(problems)
        }
    }

    /// The models by name.
    pub fn models(&self) -> impl Iterator<Item = &Model> {
        self.models.values()
    }

    /// One model.
    pub fn model(&self, name: &ModelName) -> Option<&Model> {
        self.models.get(name)
    }

    /// The names of columns that a model's query takes or gives; `None` where the files don't prove them.
    pub fn columns(&self, model: &Model, outputs: &[Output]) -> Option<Vec<String>> {
        columns::expanded(outputs, |read| match model.reads.get(read)? {
            Some(parent) => self.models.get(parent)?.columns.clone(),
            None => self.externals.columns(&model.file.query.as_ref()?.reads.as_ref()?.get(read)?.parts),
        })
    }

    /// Puts another version of a model in its place: the same meaning at another time.
    pub fn replace(&mut self, model: Model) {
        self.models.insert(model.name.clone(), model);
    }

    /// The model that a query calls this.
    pub fn find(&self, parts: &[String]) -> Option<&Model> {
        meant(parts, &self.catalog).iter().find_map(|name| self.models.get(name))
    }

    /// What is known of tables that no model makes.
    pub fn externals(&self) -> &Externals {
        &self.externals
    }

    /// The columns of the model or table that a query calls this, and their types where they are declared.
    pub fn columns_of(&self, parts: &[String]) -> Option<Vec<(String, Option<String>)>> {
        let Some(model) = self.find(parts) else { return self.externals.typed(parts) };
        Some(columns::typed(model.columns.clone()?, &model.file))
    }

    /// The names, parents first.
    pub fn order(&self) -> &[ModelName] {
        &self.order
    }

    /// Who reads whom.
    pub fn parents(&self) -> BTreeMap<ModelName, Vec<ModelName>> {
        let parents = |model: &Model| model.parents.keys().cloned().collect();
        self.models.values().map(|model| (model.name.clone(), parents(model))).collect()
    }

    /// Who is read by whom.
    pub fn readers(&self) -> BTreeMap<ModelName, Vec<ModelName>> {
        let mut readers: BTreeMap<ModelName, Vec<ModelName>> = BTreeMap::new();
        for model in self.models.values() {
            for parent in model.parents.keys() {
                readers.entry(parent.clone()).or_default().push(model.name.clone());
            }
        }
        readers
    }
}

impl Model {
    /// What decides each of its columns, where that is told apart.
    pub fn columns_apart(&self) -> Option<&[(String, Print)]> {
        match &self.as_parent.columns {
            ParentColumns::Known(columns) if self.as_parent.rows != reach::whole(&self.fingerprint) => Some(columns),
            _ => None,
        }
    }

    /// The table that a build of this version makes.
    pub fn table(&self) -> TableName {
        TableName::snapshot(&self.name, &self.fingerprint.hex())
    }

    /// The tables its query reads that vmesh doesn't manage, as written.
    pub fn externals(&self) -> Vec<String> {
        self.outside_query().map(|read| read.parts.join(".")).collect()
    }

    /// What it and its statements read that no model makes, each with its place in the file.
    pub fn outside(&self) -> Vec<(&Read, Span)> {
        let start = self.file.query_span.start;
        let of_query = self.outside_query().map(|read| (read, start + read.span.start..start + read.span.end));
        let statements = self.file.statements.iter().zip(&self.statement_reads);
        let of_statements = statements.flat_map(|(statement, models)| {
            let temporaries = self.file.temporary(statement.when == When::After);
            let outside = statement.reads().zip(models).filter(move |((read, place), model)| {
                let is_made = temporary(&read.parts).is_some_and(|name| temporaries.contains(&name.to_lowercase()));
                model.is_none() && place.is_some() && !is_made && !is_own(&read.parts, &self.name)
            });
            outside.map(|((read, place), _)| (read, place.unwrap_or_else(|| statement.span.clone())))
        });
        of_query.chain(of_statements).collect()
    }

    /// Whether it reads what no model makes and no commit has: its rows may be others when it is built again.
    pub fn reads_outside(&self) -> bool {
        !self.outside_files.is_empty() || !self.outside().is_empty()
    }

    fn outside_query(&self) -> impl Iterator<Item = &Read> {
        let temporaries = self.file.temporary(false);
        let is_made =
            move |read: &Read| temporary(&read.parts).is_some_and(|name| temporaries.contains(&name.to_lowercase()));
        let reads = self.file.query.iter().flat_map(|query| query.reads.iter().flatten());
        reads.zip(&self.reads).filter(move |(read, model)| model.is_none() && !is_made(read)).map(|(read, _)| read)
    }
}

impl Draft {
    fn parents(&self) -> Vec<ModelName> {
        let of_statements = self.statement_reads.iter().flatten().flatten();
        self.reads.iter().flatten().chain(of_statements).chain(&self.file.depends_on).cloned().collect()
    }

    /// A place in the model's file; `span` counts from the start of its query.
    fn in_query(&self, sources: &Sources<'_>, span: &Span, label: &str) -> Excerpt {
        excerpt(sources, &self.path, &self.file, span, label)
    }

    /// The model's name or header in its file.
    fn place(&self, sources: &Sources<'_>, label: &str) -> Excerpt {
        written(sources, &self.path, &self.file, &self.file.place, label)
    }
}

fn excerpt(sources: &Sources<'_>, path: &str, file: &ModelFile, span: &Span, label: &str) -> Excerpt {
    let start = file.query_span.start;
    written(sources, path, file, &(start + span.start..start + span.end), label)
}

/// A place of a file, as it was written.
fn written(sources: &Sources<'_>, path: &str, file: &ModelFile, span: &Span, label: &str) -> Excerpt {
    let label = match file.blueprint() {
        Some(blueprint) if label.is_empty() => format!("with the blueprint {blueprint}"),
        _ => label.to_owned(),
    };
    Excerpt { path: path.to_owned(), text: (sources.text)(path), span: file.original(span), label }
}

/// The model of a draft whose parents are finished.
fn finish(sources: &Sources<'_>, draft: Draft, models: &BTreeMap<ModelName, Model>) -> Result<Model, Diagnostic> {
    let start = draft.file.schedule.start.clone().or_else(|| earliest(&draft, models));
    let calendar = calendar(&draft, start.clone()).map_err(|why| Diagnostic::new(why).at(draft.place(sources, "")))?;
    let is_timely = is_timely(&draft.file, &draft.reads, models);
    let part = Own {
        name: &draft.name,
        kind: kind_meaning(&draft, calendar.as_ref(), is_timely),
        physical: &draft.file.physical,
        columns: &draft.file.columns,
        query: draft.file.query.as_ref().map(|query| query.canonical),
        seed: draft.seed.as_ref().map(|seed| seed.hash),
        statements: draft.file.statements.iter().map(Statement::meaning).collect(),
        files: draft.files.iter().map(|file| (file.path.as_str(), file.hash)).collect(),
        before_all: statements::made_for(sources, &draft),
        zone: sources.config.opening.zone(),
    };
    let engine = sources.config.opening.engine;
    let (own, nameless) = (fingerprint::own(&part), fingerprint::nameless(&part));
    let beside = fingerprint::beside(&part, is_timely);
    let fingerprint_of = |name: ModelName| models.get(&name).map(|parent| (name, parent.fingerprint));
    let parents: BTreeMap<ModelName, Fingerprint> = draft.parents().into_iter().filter_map(fingerprint_of).collect();
    let lineage = reach::of(sources, &draft, models);
    let columns = columns::of(&draft, models, sources.externals);
    let columns = columns.or_else(|| reach::columns(engine, &draft.kind, lineage.as_deref()?));
    let columns = columns::declared(sources, &draft, columns)?;
    let told = lineage.as_deref().filter(|_| reach::is_plain(&draft.file));
    let counted = told.filter(|_| draft.kind != Kind::View).map(|lineage| lineage.print);
    let whole = |part| match &counted {
        Some(counted) => fingerprint::by_columns(part, counted),
        None => fingerprint::whole(part, parents.iter().map(|(name, fingerprint)| (name, *fingerprint))),
    };
    let fingerprint = whole(&own);
    let sure = columns.as_deref().filter(|names| reach::are_sure(engine, &draft.file, names));
    let as_parent = reach::seen((&draft.name, &draft.file, &draft.kind), &fingerprint, sure, told, beside);
    let recipe = reach::recipe(&draft, &own, parents.keys().filter_map(|name| models.get(name)));
    let takes = reach::takes(&draft, lineage.as_deref());
    Ok(Model {
        fingerprint,
        content: whole(&nameless),
        as_parent,
        recipe,
        shape: lineage.as_ref().map(|lineage| lineage.shape),
        lineage,
        takes,
        name: draft.name,
        path: draft.path,
        file: draft.file,
        kind: draft.kind,
        reads: draft.reads,
        statement_reads: draft.statement_reads,
        parents,
        own,
        seed: draft.seed,
        files: draft.files,
        outside_files: draft.outside_files,
        columns,
        calendar,
        start,
    })
}

/// What a model's kind says: its word and its settings.
fn kind_meaning(draft: &Draft, calendar: Option<&Calendar>, is_timely: bool) -> Vec<String> {
    let mut kind = vec![draft.kind.word().to_string()];
    if let Kind::Seed(seed) = &draft.kind {
        kind.extend(seed.csv.meaning());
    }
    if let (Kind::Incremental(incremental), Some(calendar)) = (&draft.kind, calendar) {
        kind.extend(incremental.meaning().into_iter().chain(calendar.meaning()));
    }
    if calendar.is_none() && is_timely {
        // `@start_ds` and its like are the model's start
        let start = draft.file.schedule.start.as_ref().or(draft.file.schedule.default_start.as_ref());
        kind.extend(
            start.map(|start| fixed(start, Moment::read).map_or_else(|| start.to_lowercase(), |at| at.to_string())),
        );
    }
    kind
}

/// Whether a query, with the embedded ones that it reads, says something else at another time.
fn is_timely(file: &ModelFile, reads: &[Option<ModelName>], models: &BTreeMap<ModelName, Model>) -> bool {
    let mut embedded = reads.iter().flatten().filter_map(|name| models.get(name));
    file.timely
        || embedded.any(|parent| parent.kind == Kind::Embedded && is_timely(&parent.file, &parent.reads, models))
}

/// The earliest start of a model's parents, as far as they say; times that are told from now can't be compared, and
/// the first one is taken where there is no other.
fn earliest(draft: &Draft, models: &BTreeMap<ModelName, Model>) -> Option<String> {
    let starts = draft.parents().into_iter().filter_map(|name| models.get(&name)?.start.as_ref());
    starts.min_by_key(|start| (fixed(start, Moment::read).unwrap_or(Moment::MAX), *start)).cloned()
}

/// When an incremental model is filled, from a start of its own or of its parents, or the project's.
fn calendar(draft: &Draft, start: Option<String>) -> Result<Option<Calendar>, String> {
    let Kind::Incremental(incremental) = &draft.kind else { return Ok(None) };
    let schedule = &draft.file.schedule;
    Calendar::new(schedule, incremental, start.or_else(|| schedule.default_start.clone())).map(Some)
}

#[cfg(test)]
mod tests;
