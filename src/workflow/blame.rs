//! Who changed what a model, or a column of it, means: from Git alone, wherever above the edit was.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::error::Error;
use super::loader::Loader;
use super::select_models::{column_named, model_named};
use super::tree::{Files, SourceTree, Tree};
use crate::adapter::cache;
use crate::adapter::git::{CommitId, CommitInfo};
use crate::domain::name::ModelName;
use crate::domain::project::{Model, Project, Published, Trace};
use crate::domain::sql::Print;

/// What is asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The model.
    pub model: ModelName,
    /// A column of it; none for all of the model.
    pub column: Option<String>,
}

/// A commit that changed what a subject means.
#[derive(Debug)]
pub struct Changed {
    /// The commit.
    pub commit: CommitInfo,
    /// Whether the subject was not there before.
    pub is_first: bool,
    /// The models whose own text made the difference, each with its file and its text before and after; empty for a macro,
    /// a variable or a data file.
    pub edits: Vec<Edit>,
}

/// A model's text, changed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Edit {
    /// The model.
    pub model: ModelName,
    /// Its file.
    pub path: String,
    /// Its text before; empty if it was not there.
    pub before: String,
    /// Its text from then on.
    pub after: String,
}

/// A commit that changed what a subject means, as it is remembered: history stays as it is.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Change {
    commit: String,
    edits: Vec<Edit>,
    /// The commit before it, from which the search goes on; none where the subject was made.
    next: Option<String>,
}

/// What was found out before: for a subject and a commit, the newest change up to there.
#[derive(Debug, Default, Serialize, Deserialize)]
struct History {
    /// The settings that it was found out with.
    settings: String,
    changes: BTreeMap<String, Change>,
    #[serde(skip)]
    is_new: bool,
}

/// More than this, and it starts anew.
const MOST: usize = 20_000;

impl History {
    fn load(loader: &Loader) -> Self {
        let settings = loader.config.stamp();
        let known: Option<Self> = cache::load_versioned(&loader.shared().history());
        let known = known.filter(|known| known.settings == settings && known.changes.len() < MOST);
        known.unwrap_or_else(|| Self { settings, ..Self::default() })
    }

    fn store(&self, loader: &Loader) {
        if self.is_new {
            cache::store_versioned(&loader.shared().history(), self);
        }
    }

    fn get(&self, subject: &Subject, from: &CommitId) -> Option<Change> {
        self.changes.get(&key(subject, from)).cloned()
    }

    fn add(&mut self, subject: &Subject, from: &CommitId, change: &Change) {
        self.is_new |= self.changes.insert(key(subject, from), change.clone()).is_none();
    }
}

fn key(subject: &Subject, from: &CommitId) -> String {
    let column = subject.column.as_deref().unwrap_or_default().to_lowercase();
    format!("{} {column} {}", subject.model, from.as_str())
}

/// A commit's tree, as far as it is needed to tell what the subject means there.
struct Point {
    commit: CommitId,
    files: Files,
    tree: Arc<Tree>,
    meaning: Option<Print>,
}

impl Loader {
    /// The model or the column that a person means, in the newest commit of a history.
    pub fn subject(&self, typed: &str, commit: &CommitId) -> Result<Subject, Error> {
        let tree = self.tree(&SourceTree::Commit(commit.clone()))?;
        match column_named(&tree.project, self.config.catalog(), typed)? {
            Some((model, column)) => Ok(Subject { model: model.name.clone(), column: Some(column) }),
            None => {
                let names = tree.project.models().map(|model| &model.name);
                Ok(Subject { model: model_named(typed, self.config.catalog(), names)?, column: None })
            }
        }
    }

    /// The commits up to one that changed what a subject means, the newest first, at most `limit` of them. Where a merge
    /// took over one side's meaning, that side is followed.
    pub fn changes_of(&self, subject: &Subject, from: &CommitId, limit: usize) -> Result<Vec<Changed>, Error> {
        let mut known = History::load(self);
        let found = self.without_caching(|| self.changes_beside(subject, from, limit, &mut known));
        known.store(self);
        found
    }

    fn changes_beside(
        &self,
        subject: &Subject,
        from: &CommitId,
        limit: usize,
        known: &mut History,
    ) -> Result<Vec<Changed>, Error> {
        let (mut found, mut from, mut point) = (Vec::new(), from.clone(), None);
        while found.len() < limit {
            let (change, before) = match known.get(subject, &from) {
                Some(change) => (Some(change), None),
                None => self.last_change(subject, from.clone(), point.take(), known)?,
            };
            let Some(change) = change else { break };
            known.add(subject, &from, &change);
            let commit = self.repository.describe(&CommitId::from_record(change.commit))?;
            found.push(Changed { commit, is_first: change.next.is_none(), edits: change.edits });
            match (change.next, before) {
                (Some(next), before) => (from, point) = (CommitId::from_record(next), before),
                (None, _) => break,
            }
        }
        Ok(found)
    }

    /// The newest commit up to one that changed what a subject means, with what is known of the commit before it.
    fn last_change(
        &self,
        subject: &Subject,
        from: CommitId,
        point: Option<Point>,
        known: &History,
    ) -> Result<(Option<Change>, Option<Point>), Error> {
        let point = match point {
            Some(point) => Some(point),
            None => self.point(subject, from, None)?,
        };
        let Some(mut point) = point else { return Ok((None, None)) };
        loop {
            let mut others = Vec::new();
            let mut same = None;
            for parent in self.parents(&point.commit)? {
                let Some(parent) = self.point(subject, parent.clone(), Some(&point))? else { continue };
                if parent.meaning == point.meaning {
                    same = Some(parent);
                    break;
                }
                others.push(parent);
            }
            let Some(parent) = same else {
                let before = others.into_iter().find(|parent| parent.meaning.is_some());
                let edits = self.edits(subject, before.as_ref(), &point)?;
                let commit = point.commit.as_str().to_owned();
                let next = before.as_ref().map(|before| before.commit.as_str().to_owned());
                return Ok((Some(Change { commit, edits, next }), before));
            };
            if let Some(change) = known.get(subject, &parent.commit) {
                return Ok((Some(change), None));
            }
            point = parent;
        }
    }

    pub(super) fn parents(&self, commit: &CommitId) -> Result<Vec<CommitId>, Error> {
        let mut parents = Vec::new();
        while let Some(parent) = self.repository.resolve(&format!("{}^{}", commit.as_str(), parents.len() + 1))? {
            parents.push(parent);
        }
        Ok(parents)
    }

    /// What a subject means at a commit, or at the nearest one before it whose files make a project: one that nobody could
    /// plan has changed nothing that anyone saw. None if there is no such commit. Beside its child, a commit's files are
    /// only read if some of them count that differ.
    fn point(&self, subject: &Subject, mut commit: CommitId, child: Option<&Point>) -> Result<Option<Point>, Error> {
        loop {
            let files = self.files(&SourceTree::Commit(commit.clone()))?;
            if let Some(child) = child {
                let counting = counting(&child.tree.project, subject);
                if self.stamp(&files, &counting) == self.stamp(&child.files, &counting) {
                    let (tree, meaning) = (child.tree.clone(), child.meaning);
                    return Ok(Some(Point { commit, files, tree, meaning }));
                }
            }
            match self.tree_for(&files, subject, child) {
                Ok(tree) => {
                    let meaning = tree.project.model(&subject.model).and_then(|model| meaning(model, subject));
                    return Ok(Some(Point { commit, files, tree: Arc::new(tree), meaning }));
                }
                Err(Error::Project(_)) => match self.parents(&commit)?.into_iter().next() {
                    Some(parent) => commit = parent,
                    None => return Ok(None),
                },
                Err(error) => return Err(error),
            }
        }
    }

    /// The project of a commit. Beside its child, the models are enough that count there, and those which the child has
    /// not; unless they read others.
    fn tree_for(&self, files: &Files, subject: &Subject, child: Option<&Point>) -> Result<Tree, Error> {
        if let Some(child) = child {
            let counting = counting(&child.tree.project, subject);
            let is_wanted =
                |path: &str| counting.contains(path) || !self.is_model(path) || child.files.get(path).is_none();
            let tree = self.assemble(files.part(is_wanted), Published::default())?;
            let (now, then) = (outside(&tree.project, subject), outside(&child.tree.project, subject));
            if now.is_subset(&then) && tree.project.model(&subject.model).is_some() {
                return Ok(tree);
            }
        }
        self.assemble(files.clone(), Published::default())
    }

    fn is_model(&self, path: &str) -> bool {
        path.starts_with(&format!("{}/", self.config.models)) && path.ends_with(".sql")
    }

    /// Which files there are; and the contents of those that count, and of all that are no models.
    fn stamp(&self, files: &Files, counting: &BTreeSet<String>) -> BTreeMap<String, Option<String>> {
        let all = files.all().map(|file| {
            let counts = counting.contains(&file.path) || !self.is_model(&file.path);
            (file.path.clone(), counts.then(|| file.id.as_str().to_owned()))
        });
        all.collect()
    }

    fn edits(&self, subject: &Subject, before: Option<&Point>, after: &Point) -> Result<Vec<Edit>, Error> {
        let (new, old) = (&after.tree.project, before.map(|before| &before.tree));
        let own = |project: &Project, name: &ModelName| project.model(name).map(|model| model.own);
        let changed = |name: &&ModelName| own(new, name) != old.and_then(|old| own(&old.project, name));
        let above = new.above(&subject.model);
        let taken = taken(new, subject);
        let mut names: Vec<&ModelName> = above.iter().filter(|name| taken.contains(*name)).filter(changed).collect();
        if names.is_empty() {
            names = above.iter().filter(changed).collect();
        }
        // what was there from the beginning is told by the subject's own file
        if before.is_none() {
            names = vec![&subject.model];
        }
        let mut edits = Vec::new();
        for name in names {
            let Some(model) = new.model(name) else { continue };
            let text = match old.and_then(|old| Some((old, old.project.model(name)?))) {
                Some((old, model)) => self.file_text(old, model)?.to_string(),
                None => String::new(),
            };
            let after = self.file_text(&after.tree, model)?.to_string();
            edits.push(Edit { model: name.clone(), path: self.in_top(&model.path), before: text, after });
        }
        Ok(edits)
    }
}

/// What a subject means, as a hash; none if the model has no such column.
fn meaning(model: &Model, subject: &Subject) -> Option<Print> {
    let whole = Print::of("model", [model.fingerprint.hex().as_bytes()]);
    let Some(column) = &subject.column else { return Some(whole) };
    let is_there = model.columns.iter().flatten().any(|name| name.eq_ignore_ascii_case(column));
    let of_column = |columns: &[(String, Print)]| {
        columns.iter().find(|(name, _)| name.eq_ignore_ascii_case(column)).map(|(_, print)| *print)
    };
    match model.columns_apart() {
        Some(columns) => of_column(columns),
        None => is_there.then_some(whole),
    }
}

/// The models among those above the subject's whose columns have a say in it.
fn taken(project: &Project, subject: &Subject) -> BTreeSet<ModelName> {
    let (Some(column), Some(model)) = (&subject.column, project.model(&subject.model)) else {
        return project.above(&subject.model);
    };
    let mut names = BTreeSet::new();
    let mut todo: Vec<Trace> = vec![project.above_column(model, column)];
    while let Some(trace) = todo.pop() {
        names.extend(ModelName::parse(&trace.table));
        todo.extend(trace.next);
    }
    names
}

/// What the model and those above it read that no model makes, in lower case.
fn outside(project: &Project, subject: &Subject) -> BTreeSet<String> {
    let above = project.above(&subject.model);
    let read = above.iter().filter_map(|name| project.model(name)).flat_map(Model::externals);
    read.map(|name| name.to_lowercase()).collect()
}

/// The files of the model and of those above it.
fn counting(project: &Project, subject: &Subject) -> BTreeSet<String> {
    project.above(&subject.model).iter().filter_map(|name| Some(project.model(name)?.path.clone())).collect()
}
