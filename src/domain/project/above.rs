//! What lies above a model, and what it takes of that.

use std::collections::BTreeSet;

use super::super::model::Kind;
use super::super::name::ModelName;
use super::{Model, Project};

impl Project {
    /// The models whose tables a model's is built from: embedded ones have none of their own, so that those which they
    /// read count.
    pub fn built_from(&self, model: &Model) -> BTreeSet<ModelName> {
        let of_parent = |name: &ModelName| match self.models.get(name) {
            Some(parent) if parent.kind == Kind::Embedded => self.built_from(parent),
            _ => BTreeSet::from([name.clone()]),
        };
        model.parents.keys().flat_map(of_parent).collect()
    }

    /// A model and all that it reads, however far away.
    pub fn above(&self, name: &ModelName) -> BTreeSet<ModelName> {
        let (mut found, mut todo) = (BTreeSet::new(), vec![name]);
        while let Some(name) = todo.pop() {
            let model = self.models.get(name).filter(|model| found.insert(model.name.clone()));
            todo.extend(model.iter().flat_map(|model| model.parents.keys()));
        }
        found
    }

    /// The models whose rows a model's query reads, through embedded ones and views.
    pub fn filled_from(&self, model: &Model) -> BTreeSet<ModelName> {
        let of_parent = |name: &ModelName| match self.models.get(name) {
            Some(parent) if matches!(parent.kind, Kind::Embedded | Kind::View) => self.filled_from(parent),
            _ => BTreeSet::from([name.clone()]),
        };
        model.parents.keys().flat_map(of_parent).collect()
    }

    /// A model and the views and embedded models through which its query reads, each once: what it reads itself.
    pub fn read_through<'p>(&'p self, model: &'p Model) -> Vec<&'p Model> {
        let (mut found, mut seen) = (vec![model], BTreeSet::new());
        let mut next = 0;
        while let Some(model) = found.get(next).copied() {
            let parents = model.parents.keys().filter_map(|name| self.models.get(name));
            let between = parents.filter(|parent| matches!(parent.kind, Kind::Embedded | Kind::View));
            found.extend(between.filter(|parent| seen.insert(&parent.name)));
            next += 1;
        }
        found
    }

    /// Whether a model's query reads files that no commit has, through views and embedded models, too.
    pub fn reads_outside_files(&self, model: &Model) -> bool {
        self.read_through(model).iter().any(|model| !model.outside_files.is_empty())
    }

    /// The columns that a model's query takes of a table above it; none where it takes them through something else as well,
    /// or nobody can say.
    pub fn taken<'m>(&self, model: &'m Model, of: &ModelName) -> Option<&'m BTreeSet<String>> {
        let parents = model.parents.keys().filter_map(|name| self.models.get(name));
        let mut between = parents.filter(|parent| matches!(parent.kind, Kind::Embedded | Kind::View));
        let is_behind = between.any(|between| self.filled_from(between).contains(of));
        model.takes.get(of).filter(|_| !is_behind)
    }
}
