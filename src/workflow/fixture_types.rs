//! The types of the columns that a unit test gives rows of: what the test says, then the header, then casts in the
//! query, up to the tables that nobody manages; last, what the engine made of the model when it was built.

use super::session::Session;
use super::tree::Tree;
use super::workspace::Workspace;
use crate::domain::environment::{Column, State};
use crate::domain::fingerprint::Fingerprint;
use crate::domain::name::{EnvName, ModelName};
use crate::domain::project::Model;
use crate::domain::sql;
use crate::domain::unit_test::{self, Row};

/// The columns of what was built, if that is on record.
pub(super) type Built<'b> = &'b dyn Fn(&Fingerprint) -> Option<Vec<Column>>;

/// How far up types are looked for.
const DEPTH: usize = 20;

/// The names of a model's columns, where only the engine knows them.
fn names_built(model: &Model, built: Built<'_>) -> Option<Vec<String>> {
    Some(built(&model.fingerprint)?.into_iter().map(|(name, _)| name).collect())
}

impl Session<'_> {
    /// What is on record of tables that were built, without waiting for a warehouse that another process has.
    pub(super) fn state_at_hand(&self) -> State {
        if self.check_place().is_err() {
            return State::default();
        }
        let location = self.location.with_patience(std::time::Duration::ZERO);
        let read = || self.engine.read(&location, &mut |_| ()).ok()??.state(&self.scope_of(&EnvName::prod())).ok();
        read().unwrap_or_default()
    }
}

impl Workspace {
    /// The columns of a parent with their types, of which `said` are the test's: those that files say, and of columns
    /// that no row names, those that the engine found. Where nothing is known of these, they are text.
    pub(super) fn types_of(
        &self,
        tree: &Tree,
        (name, parent): (&ModelName, Option<&Model>),
        said: &[Column],
        rows: &[Row],
        built: Built<'_>,
    ) -> Vec<Column> {
        let is_in = |columns: &[Column], name: &str| columns.iter().any(|(other, _)| other.eq_ignore_ascii_case(name));
        let mut types = said.to_vec();
        let known = match parent {
            Some(parent) => self.written_types(tree, parent, DEPTH),
            None => external_types(tree, &parts(name)),
        };
        types.extend(known.into_iter().filter(|(name, _)| !is_in(said, name)));
        let named = unit_test::columns_of(rows);
        let is_named = |name: &str| named.iter().any(|other| other.eq_ignore_ascii_case(name));
        let columns = parent.and_then(|parent| parent.columns.clone().or_else(|| names_built(parent, built)));
        let columns = columns.unwrap_or_default();
        let lacking = |types: &[Column], name: &str| !is_named(name) && !is_in(types, name);
        if let Some(parent) = parent.filter(|_| columns.iter().any(|name| lacking(&types, name))) {
            let found = built(&parent.fingerprint).unwrap_or_default();
            types.extend(found.into_iter().filter(|(name, _)| lacking(&types, name)).collect::<Vec<_>>());
        }
        for name in columns {
            if lacking(&types, &name) {
                types.push((name, self.config.opening.engine.text().to_owned()));
            }
        }
        types
    }

    /// The types that a model's header declares, or that its query says.
    fn written_types(&self, tree: &Tree, model: &Model, depth: usize) -> Vec<Column> {
        if !model.file.columns.is_empty() || depth == 0 {
            return model.file.columns.clone();
        }
        let Ok(text) = self.model_text(tree, model) else { return Vec::new() };
        let query = text.get(model.file.query_span.clone()).unwrap_or_default();
        let of_table = |parts: &[String]| {
            let parent = ModelName::from_parts(parts)
                .and_then(|name| tree.project.model(&name).or_else(|| tree.project.model(&name.in_main()?)));
            match parent {
                Some(parent) => self.written_types(tree, parent, depth - 1),
                None => external_types(tree, parts),
            }
        };
        sql::typed_columns(query, &of_table)
    }
}

fn external_types(tree: &Tree, parts: &[String]) -> Vec<Column> {
    let external = tree.project.externals().get(parts);
    external.map(|external| external.columns.clone()).unwrap_or_default()
}

fn parts(name: &ModelName) -> Vec<String> {
    name.schema().into_iter().chain([name.last()]).map(str::to_owned).collect()
}
