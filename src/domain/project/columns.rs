//! The columns of models, where the files prove them, and columns that surely don't exist.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use super::super::csv;
use super::super::diagnostic::{Diagnostic, nearest};
use super::super::external::Externals;
use super::super::model::{Kind, ModelFile};
use super::super::name::ModelName;
use super::super::sql::{ColumnUse, Output};
use super::check::{from_path, resolve};
use super::{Draft, Model, SeedFile, Sources, excerpt, meant, written};

/// The columns of the models of a project while it is still being read: macros ask for them before all of it is there.
pub struct Known<'a> {
    /// The folder of the models.
    models: &'a str,
    seed: &'a dyn Fn(&str) -> Option<SeedFile>,
    externals: &'a Externals,
    /// What the warehouse is called in SQL.
    catalog: &'a str,
    files: BTreeMap<ModelName, (String, Arc<ModelFile>)>,
    /// What was found out: it stays true as files are added.
    found: RefCell<BTreeMap<ModelName, Vec<String>>>,
}

impl<'a> Known<'a> {
    /// None yet. `models` is the folder of the models, `seed` finds a CSV file of the project.
    pub fn new(
        models: &'a str,
        seed: &'a dyn Fn(&str) -> Option<SeedFile>,
        externals: &'a Externals,
        catalog: &'a str,
    ) -> Self {
        Self { models, seed, externals, catalog, files: BTreeMap::new(), found: RefCell::default() }
    }

    /// Adds a model.
    pub fn add(&mut self, path: &str, file: &Arc<ModelFile>) {
        let name = file.name.clone().or_else(|| from_path(path, self.models));
        if let Some(name) = name.filter(|_| !file.about.disabled) {
            self.files.insert(name, (path.to_owned(), file.clone()));
        }
    }

    /// Whether the model that a query calls this is there.
    pub fn has(&self, parts: &[String]) -> bool {
        self.named(parts).is_some()
    }

    /// The columns of the model or table that a query calls this, and their types where they are declared.
    pub fn columns_of(&self, parts: &[String]) -> Option<Vec<(String, Option<String>)>> {
        let Some(name) = self.named(parts) else { return self.externals.typed(parts) };
        let columns = self.of(&name, &mut BTreeSet::new())?;
        Some(typed(columns, &self.files.get(&name)?.1))
    }

    /// The model that a query calls this.
    fn named(&self, parts: &[String]) -> Option<ModelName> {
        meant(parts, self.catalog).into_iter().find(|name| self.files.contains_key(name))
    }

    /// `open` are the models whose columns are being looked for.
    fn of(&self, name: &ModelName, open: &mut BTreeSet<ModelName>) -> Option<Vec<String>> {
        if let Some(known) = self.found.borrow().get(name) {
            return Some(known.clone());
        }
        let (path, file) = self.files.get(name).filter(|_| open.insert(name.clone()))?;
        let columns = match &file.kind {
            kind if !file.columns.is_empty() => Some(with_added(&file.columns, kind.as_ref())),
            Some(Kind::Seed(seed)) => (self.seed)(&resolve(path, &seed.path))?.header,
            _ => {
                let reads = file.query.as_ref().and_then(|query| query.reads.as_ref());
                let open = RefCell::new(open);
                of_query(file, |read| {
                    let parts = &reads?.get(read)?.parts;
                    match self.named(parts) {
                        Some(parent) => self.of(&parent, &mut open.borrow_mut()),
                        None => self.externals.columns(parts),
                    }
                })
            }
        }?;
        self.found.borrow_mut().insert(name.clone(), columns.clone());
        Some(columns)
    }
}

/// Columns with the types that their model's header declares.
pub(super) fn typed(columns: Vec<String>, file: &ModelFile) -> Vec<(String, Option<String>)> {
    let declared = |name: &str| file.columns.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
    let with_type = |name: String| {
        let r#type = declared(&name).map(|(_, r#type)| r#type.clone());
        (name, r#type)
    };
    columns.into_iter().map(with_type).collect()
}

/// The columns of a model whose parents are finished; `None` where they can't be told without the engine.
pub(super) fn of(draft: &Draft, models: &BTreeMap<ModelName, Model>, externals: &Externals) -> Option<Vec<String>> {
    if let Kind::Seed(_) = draft.kind {
        return draft.seed.as_ref()?.header.clone();
    }
    of_query(&draft.file, |read| match draft.reads.get(read)? {
        Some(parent) => models.get(parent)?.columns.clone(),
        None => externals.columns(&draft.file.query.as_ref()?.reads.as_ref()?.get(read)?.parts),
    })
}

/// The declared columns, and those that the kind adds.
fn with_added(columns: &[(String, String)], kind: Option<&Kind>) -> Vec<String> {
    let declared = columns.iter().map(|(name, _)| name.clone());
    declared.chain(added(kind).into_iter().map(str::to_owned)).collect()
}

/// The columns that a kind adds to those of the query.
fn added(kind: Option<&Kind>) -> Vec<&str> {
    match kind {
        Some(Kind::Incremental(incremental)) => incremental.added_columns(),
        _ => Vec::new(),
    }
}

/// The columns that a query gives; `of_read` tells those of what it reads.
fn of_query(file: &ModelFile, of_read: impl Fn(usize) -> Option<Vec<String>>) -> Option<Vec<String>> {
    let mut columns = expanded(file.query.as_ref()?.outputs.as_ref()?, of_read)?;
    let added = added(file.kind.as_ref());
    if added.is_empty() {
        return Some(columns);
    }
    columns.extend(added.into_iter().map(str::to_owned));
    unique(columns)
}

/// The names of columns; `of_read` tells those of what a query reads.
pub(super) fn expanded(outputs: &[Output], of_read: impl Fn(usize) -> Option<Vec<String>>) -> Option<Vec<String>> {
    let mut columns = Vec::new();
    for output in outputs {
        match output {
            Output::Column(name) => columns.push(name.clone()),
            Output::All { read, except } => {
                let is_left_out = |name: &String| except.iter().any(|other| other.eq_ignore_ascii_case(name));
                columns.extend(of_read(*read)?.into_iter().filter(|name| !is_left_out(name)));
            }
        }
    }
    unique(columns)
}

/// Of columns that share a name, DuckDB renames all but the first: then nothing is known.
fn unique(columns: Vec<String>) -> Option<Vec<String>> {
    let mut seen: HashSet<Cow<'_, str>> = HashSet::with_capacity(columns.len());
    let is_unique = columns.iter().all(|name| seen.insert(in_lower_case(name)));
    is_unique.then_some(columns)
}

fn in_lower_case(name: &str) -> Cow<'_, str> {
    let is_lower = !name.contains(|c: char| c.is_ascii_uppercase() || !c.is_ascii());
    if is_lower { name.into() } else { name.to_lowercase().into() }
}

/// Columns that kinds need and that their queries surely don't give, or give beside the kind's own.
pub(super) fn lacking(sources: &Sources<'_>, models: &BTreeMap<ModelName, Model>) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    for model in models.values() {
        let Kind::Incremental(incremental) = &model.kind else { continue };
        let mut problem = |what: String, help: String| {
            let excerpt = written(sources, &model.path, &model.file, &model.file.place, "");
            problems.push(Diagnostic::new(what).at(excerpt).help(help));
        };
        let outputs = model.file.query.iter().flat_map(|query| query.outputs.iter().flatten());
        let given = outputs.filter_map(|output| match output {
            Output::Column(name) => Some((name.as_str(), true)),
            Output::All { .. } => None,
        });
        let added = incremental.added_columns().into_iter().map(|name| (name, false));
        for (what, help) in given.chain(added).filter_map(|(name, is_given)| incremental.by.clash(name, is_given)) {
            problem(format!("`{}` {what}", model.name), help.to_owned());
        }
        let Some(columns) = &model.columns else { continue };
        let has = |name: &str| columns.iter().any(|column| column.eq_ignore_ascii_case(name));
        for (property, name) in incremental.needed_columns().into_iter().filter(|(_, name)| !has(name)) {
            let what = format!("`{}` gives no column `{name}`, which its kind needs", model.name);
            let help = match nearest(name, columns.iter().map(String::as_str)) {
                Some(near) => format!("in `{property}`, did you mean `{near}`?"),
                None => format!("add it to the query, or name another column: {property} …"),
            };
            problem(what, help);
        }
    }
    problems
}

/// How the columns of a query or a file differ from those that its model declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undeclared {
    /// Declared, and not there.
    pub missing: Vec<String>,
    /// There, and not declared.
    pub extra: Vec<String>,
}

impl Undeclared {
    /// The difference; `None` if there is none.
    pub fn of(declared: &[(String, String)], found: &[String]) -> Option<Self> {
        let names: Vec<&String> = declared.iter().map(|(name, _)| name).collect();
        let is_found = |name: &&&String| found.iter().any(|other| other.eq_ignore_ascii_case(name));
        let is_declared = |name: &&String| names.iter().any(|other| other.eq_ignore_ascii_case(name));
        let missing = names.iter().filter(|name| !is_found(name)).map(|name| (*name).clone()).collect();
        let extra = found.iter().filter(|name| !is_declared(name)).cloned().collect();
        Some(Self { missing, extra }).filter(|all| !(all.missing.is_empty() && all.extra.is_empty()))
    }

    /// The sentence about it.
    pub fn words(&self, model: &ModelName) -> String {
        let names = |names: &[String]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let missing = match self.missing.is_empty() {
            true => None,
            false => Some(format!("does not give {}, which `columns` declares", names(&self.missing))),
        };
        let extra = match self.extra.is_empty() {
            true => None,
            false => Some(format!("gives {}, which `columns` does not declare", names(&self.extra))),
        };
        let said: Vec<String> = missing.into_iter().chain(extra).collect();
        format!("the query of `{model}` {}", said.join(", and "))
    }

    /// What to do about it.
    pub const HELP: &'static str = "columns are matched by name: name the same ones in the query and in `columns`";
}

/// The columns that a model shows: those that it declares, if any. What the files prove to be otherwise is a problem.
pub(super) fn declared(
    sources: &Sources<'_>,
    draft: &Draft,
    found: Option<Vec<String>>,
) -> Result<Option<Vec<String>>, Diagnostic> {
    let declared = &draft.file.columns;
    if declared.is_empty() {
        return Ok(found);
    }
    let at = |what: String| Diagnostic::new(what).at(draft.place(sources, ""));
    match (&draft.kind, &found) {
        (Kind::Seed(seed), Some(header)) => {
            let lacking: Vec<&str> = csv::lacking(header, declared).collect();
            if !lacking.is_empty() && seed.csv.delimiter.is_none_or(|c| c == ',') && seed.csv.lineterminator.is_none() {
                let problem = at(format!("`{}` can't be a seed of `{}`", seed.path, draft.name));
                return Err(problem.note(csv::lacks(&lacking, header)).help("name the columns as the file does"));
            }
        }
        (Kind::Seed(_), None) | (_, None) => {}
        (kind, Some(found)) => {
            let added = added(Some(kind));
            let found: Vec<String> = found.iter().filter(|name| !added.contains(&name.as_str())).cloned().collect();
            if let Some(differ) = Undeclared::of(declared, &found) {
                return Err(at(differ.words(&draft.name)).help(Undeclared::HELP));
            }
        }
    }
    Ok(Some(with_added(declared, Some(&draft.kind))))
}

/// So many unknown columns are enough to tell.
const TOLD: usize = 100;

/// Columns that queries use and that no table they read has.
pub(super) fn unknown(sources: &Sources<'_>, models: &BTreeMap<ModelName, Model>) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    for model in models.values() {
        let uses = model.file.query.iter().flat_map(|query| &query.uses);
        for used in uses {
            if problems.len() >= TOLD {
                return problems;
            }
            let Some(known) = missing(used, model, models) else { continue };
            let excerpt = excerpt(sources, &model.path, &model.file, &used.span, "");
            let names: Vec<String> = known.iter().map(|(name, _)| format!("`{name}`")).collect();
            let what = format!("unknown column `{}`: {} no such column", used.column, have(&names));
            let columns = known.iter().flat_map(|(_, columns)| columns.iter().map(String::as_str));
            let columns: Vec<&str> = columns.collect();
            let help = match nearest(&used.column, columns.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("columns there: {}", columns.join(", ")),
            };
            problems.push(Diagnostic::new(what).at(excerpt).help(help));
        }
    }
    problems
}

fn have(names: &[String]) -> String {
    match names {
        [only] => format!("{only} has"),
        [all @ .., last] => format!("{} and {last} have", all.join(", ")),
        [] => "there is".to_owned(),
    }
}

/// The candidates with their columns, if all that matters is known and none of them has the column.
fn missing<'m>(
    used: &ColumnUse,
    model: &Model,
    models: &'m BTreeMap<ModelName, Model>,
) -> Option<Vec<(&'m ModelName, &'m Vec<String>)>> {
    let columns = |read: &usize| -> Option<(&ModelName, &Vec<String>)> {
        let parent = models.get(model.reads.get(*read)?.as_ref()?)?;
        Some((&parent.name, parent.columns.as_ref()?))
    };
    let has = |columns: &[String], name: &str| columns.iter().any(|column| column.eq_ignore_ascii_case(name));
    let mut candidates: Vec<(&ModelName, &Vec<String>)> = used.candidates.iter().map(columns).collect::<Option<_>>()?;
    candidates.sort();
    candidates.dedup();
    let scope: Vec<(&ModelName, &Vec<String>)> = used.scope.iter().map(columns).collect::<Option<_>>()?;
    let hidden = ["rowid", "file_row_number", "filename"];
    if candidates.is_empty() || hidden.contains(&used.column.to_ascii_lowercase().as_str()) {
        return None;
    }
    let found = candidates.iter().any(|(_, columns)| has(columns, &used.column));
    // a qualifier may be a column itself, and the name behind it one of its fields
    let may_be_field =
        used.qualifier.as_ref().is_some_and(|qualifier| scope.iter().any(|(_, columns)| has(columns, qualifier)));
    (!found && !may_be_field).then_some(candidates)
}
