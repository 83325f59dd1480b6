//! Where a model's rows come from, and where they go to; and the same of a column's values.

use std::collections::BTreeSet;

use super::error::Error;
use super::select_models::{column_named, model_named};
use super::workspace::Workspace;
use crate::domain::graph;
use crate::domain::name::ModelName;
use crate::domain::project::{Project, Trace};

/// A model's relatives.
#[derive(Debug)]
pub struct Lineage {
    /// The model.
    pub model: ModelName,
    /// The models it reads, however far away, in build order.
    pub upstream: Vec<ModelName>,
    /// The models that read it, however far away, in build order.
    pub downstream: Vec<ModelName>,
    /// The tables above it that vmesh doesn't manage.
    pub sources: BTreeSet<String>,
}

/// The relatives of a column of a model.
#[derive(Debug)]
pub struct ColumnLineage {
    /// What its values are made of.
    pub above: Trace,
    /// What its values have a say in.
    pub below: Trace,
}

impl Workspace {
    /// The relatives of the column that a person means by `model.column`; none where they mean a model, or nothing that is
    /// there.
    pub fn column_lineage(&self, project: &Project, typed: &str) -> Result<Option<ColumnLineage>, Error> {
        let Some((model, column)) = column_named(project, self.config.catalog(), typed)? else { return Ok(None) };
        let (above, below) = (project.above_column(model, &column), project.below_column(model, &column));
        Ok(Some(ColumnLineage { above, below }))
    }

    /// The relatives of the model that a person means.
    pub fn lineage(&self, project: &Project, typed: &str) -> Result<Lineage, Error> {
        let model = model_named(typed, self.config.catalog(), project.models().map(|model| &model.name))?;
        let parents = project.parents();
        let below = graph::below(&parents, [model.clone()]);
        let above = project.above(&model);
        let ordered = |wanted: &BTreeSet<ModelName>| {
            project.order().iter().filter(|name| **name != model && wanted.contains(name)).cloned().collect()
        };
        let sources = above.iter().filter_map(|name| project.model(name)).flat_map(|model| model.externals());
        Ok(Lineage { upstream: ordered(&above), downstream: ordered(&below), sources: sources.collect(), model })
    }
}
