//! Who changed what a model, or a column of it, means: from Git alone, wherever above the edit was.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::error::Error;
use super::loader::Loader;
use super::select_models::{column_named, model_named};
use super::tree::{Files, SourceTree, Tree};
use crate::adapter::git::{CommitId, CommitInfo};
use crate::domain::name::ModelName;
use crate::domain::project::{Model, Project, Trace};
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
#[derive(Debug)]
pub struct Edit {
    /// The model.
    pub model: ModelName,
    /// Its file.
    pub path: String,
    /// Its text before; empty if it was not there.
    pub before: Arc<str>,
    /// Its text from then on.
    pub after: Arc<str>,
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
        let mut found = Vec::new();
        let Some(mut point) = self.point(subject, from.clone(), None)? else { return Ok(found) };
        while found.len() < limit {
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
            if let Some(parent) = same {
                point = parent;
                continue;
            }
            let commit = self.repository.describe(&point.commit)?;
            let before = others.into_iter().find(|parent| parent.meaning.is_some());
            let edits = self.edits(subject, before.as_ref(), &point)?;
            found.push(Changed { commit, is_first: before.is_none(), edits });
            match before {
                Some(before) => point = before,
                None => break,
            }
        }
        Ok(found)
    }

    fn parents(&self, commit: &CommitId) -> Result<Vec<CommitId>, Error> {
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
            match self.tree(&SourceTree::Commit(commit.clone())) {
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

    /// Which files there are; and the contents of those that count, and of all that are no models.
    fn stamp(&self, files: &Files, counting: &BTreeSet<String>) -> BTreeMap<String, Option<String>> {
        let is_model = |path: &str| path.starts_with(&format!("{}/", self.config.models)) && path.ends_with(".sql");
        let all = files.all().map(|file| {
            let counts = counting.contains(&file.path) || !is_model(&file.path);
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
                Some((old, model)) => self.file_text(old, model)?,
                None => Arc::from(""),
            };
            let after = self.file_text(&after.tree, model)?;
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

/// The files of the model and of those above it.
fn counting(project: &Project, subject: &Subject) -> BTreeSet<String> {
    project.above(&subject.model).iter().filter_map(|name| Some(project.model(name)?.path.clone())).collect()
}
