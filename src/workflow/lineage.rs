//! Where a model's rows come from, and where they go to.

use std::collections::BTreeSet;

use super::error::Error;
use super::select_models::model_named;
use super::workspace::Workspace;
use crate::domain::graph;
use crate::domain::name::ModelName;
use crate::domain::project::Project;

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

impl Workspace {
    /// The relatives of the model that a person means. Columns come with a later version.
    pub fn lineage(&self, project: &Project, typed: &str) -> Result<Lineage, Error> {
        let model = match model_named(typed, self.config.catalog(), project.models().map(|model| &model.name)) {
            Ok(model) => model,
            Err(unknown) => {
                let (table, _) = typed.rsplit_once('.').unwrap_or((typed, ""));
                return Err(
                    match model_named(table, self.config.catalog(), project.models().map(|model| &model.name)) {
                        Ok(_) if table != typed => {
                            Error::Query { message: "lineage of a column is not supported yet".to_owned(), help: None }
                        }
                        _ => unknown,
                    },
                );
            }
        };
        let parents = project.parents();
        let below = graph::below(&parents, [model.clone()]);
        let mut above = BTreeSet::new();
        let mut todo = vec![model.clone()];
        while let Some(name) = todo.pop() {
            if above.insert(name.clone()) {
                todo.extend(parents.get(&name).into_iter().flatten().cloned());
            }
        }
        let ordered = |wanted: &BTreeSet<ModelName>| {
            project.order().iter().filter(|name| **name != model && wanted.contains(name)).cloned().collect()
        };
        let sources = above.iter().filter_map(|name| project.model(name)).flat_map(|model| model.externals());
        Ok(Lineage { upstream: ordered(&above), downstream: ordered(&below), sources: sources.collect(), model })
    }
}
