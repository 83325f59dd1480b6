//! What a dotted name in a text means: one answer for queries, the statements around them, audits, unit tests, macros and
//! people. A model of this tree; what vmesh itself shows, which is never a table from outside; or a table that it
//! doesn't manage.

use std::collections::{BTreeMap, BTreeSet};

use super::super::environment::State;
use super::super::external::Externals;
use super::super::name::{EnvName, ModelName, PROD, SchemaPattern, TableName};
use super::super::sql::policy;
use super::Project;

/// What a name is looked up in.
pub struct Names<'a> {
    /// Whether the engine tells names apart by the case of letters.
    pub(super) by_letter: bool,
    /// Whether there is a model of this name.
    pub has: &'a dyn Fn(&ModelName) -> bool,
    /// What the warehouse is called in SQL.
    pub catalog: &'a str,
    /// The databases beside it.
    pub externals: &'a Externals,
    /// What vmesh shows, whether or not there is such a model here.
    pub published: &'a Published,
    /// The model whose query means this.
    pub same: &'a dyn Fn(&[u8; 32]) -> Option<ModelName>,
}

/// The names under which vmesh itself shows models, and those of the models that a tree began with.
#[derive(Debug, Clone, Default)]
pub struct Published {
    views: BTreeMap<TableName, Option<EnvName>>,
    /// What their queries mean, where a tree says so.
    models: BTreeMap<ModelName, Option<[u8; 32]>>,
    /// The environments whose views nobody listed, the models that they may have, and how their schemas are called.
    elsewhere: (Vec<EnvName>, BTreeSet<ModelName>, SchemaPattern),
}

/// Why a name may not be read, and what to do.
pub type Barred = (String, String);

impl Names<'_> {
    /// The model that a text calls this, if it is one of this tree.
    pub fn model(&self, parts: &[String]) -> Option<ModelName> {
        // a name in quotes that has capital letters is no model's where letters count
        let is_other = self.by_letter && parts.iter().any(|part| part.bytes().any(|byte| byte.is_ascii_uppercase()));
        meant(parts, self.catalog).into_iter().filter(|_| !is_other).find(self.has)
    }

    /// The model that a text calls this, `None` for a table that vmesh doesn't manage, or why it may not be read.
    pub fn meaning(&self, parts: &[String]) -> Result<Option<ModelName>, Barred> {
        if let Some(model) = self.model(parts) {
            return Ok(Some(model));
        }
        let written = parts.join(".");
        if let [first, rest @ ..] = parts
            && rest.len() == 2
            && self.externals.has_database(first)
        {
            return policy::barred_table(parts).map_or(Ok(None), |(what, help)| Err((what, help.to_owned())));
        }
        if let [_, rest @ ..] = parts
            && rest.len() == 2
            && let Some(model) = ModelName::from_parts(rest).filter(self.has)
        {
            let what = format!("`{written}` reads `{model}` in another database");
            return Err((what, format!("leave the catalog out: {model}")));
        }
        if let Some(plain) = past_the_environment(parts).filter(self.has) {
            let what = format!("`{written}` reads prod's `{plain}` past the environment");
            return Err((what, format!("leave the schema out: {plain}")));
        }
        if let Some((what, help)) = policy::barred_table(parts) {
            return Err((what, help.to_owned()));
        }
        self.shown_by_vmesh(parts).map_or(Ok(None), Err)
    }

    /// Why this is no table from outside, if vmesh itself shows it.
    fn shown_by_vmesh(&self, parts: &[String]) -> Option<Barred> {
        let names = meant(parts, self.catalog);
        let known = names.iter().find_map(|name| self.published.models.get_key_value(name));
        if let Some((name, Some(meaning))) = known {
            return Some(match (self.same)(meaning) {
                Some(new) => (format!("`{name}` is a model that this tree calls `{new}`"), format!("read `{new}`")),
                None => (
                    format!("`{name}` is a model that this tree removes"),
                    "keep it, or read another one here: what vmesh shows is no table from outside".to_owned(),
                ),
            });
        }
        let as_view = |name: &ModelName| TableName {
            schema: name.schema().unwrap_or("main").to_owned(),
            name: name.last().to_owned(),
        };
        let view = names.iter().map(as_view).find_map(|view| Some((self.published.shown_by(&view)?, view)));
        if let (None, Some((Some(environment), view))) = (known, &view)
            && !environment.is_prod()
        {
            let what = format!("`{view}` is a view of the environment `{environment}`");
            return Some((what, "name the model itself: which table that is depends on the environment".to_owned()));
        }
        let name = known.map(|(name, _)| name.to_string()).or_else(|| view.map(|(_, view)| view.to_string()))?;
        let help = "merge main if the model is there, or bring it back: what vmesh shows is no table from outside";
        Some((format!("`{name}` is a model that prod shows and this tree does not have"), help.to_owned()))
    }
}

impl Published {
    /// What the warehouse shows.
    pub fn of(state: &State, pattern: SchemaPattern) -> Self {
        let mut published = Self::default();
        published.views.extend(state.views.keys().map(|view| (view.clone(), None)));
        for environment in state.environments.values() {
            if environment.pointers.is_empty() {
                published.elsewhere.0.push(environment.name.clone());
            }
            for model in environment.pointers.keys() {
                if let Some(env) = published.views.get_mut(&model.view(&environment.name, pattern)) {
                    *env = Some(environment.name.clone());
                }
            }
        }
        let prod = state.prod().into_iter().flat_map(|prod| prod.pointers.keys());
        published.models.extend(prod.map(|name| (name.clone(), None)));
        published.elsewhere.1 = state.elsewhere.iter().map(|(model, _)| model.clone()).collect();
        published.elsewhere.2 = pattern;
        published
    }

    /// The environment that a view belongs to, `None` within for one that belongs to none any more; `None` if vmesh has
    /// no such view.
    fn shown_by(&self, view: &TableName) -> Option<Option<&EnvName>> {
        if let Some(environment) = self.views.get(view) {
            return Some(environment.as_ref());
        }
        let (environments, models, pattern) = &self.elsewhere;
        let mut named = models.iter().filter(|model| model.last() == view.name);
        named.find_map(|model| environments.iter().find(|it| model.view(it, *pattern) == *view)).map(Some)
    }

    /// Whether nothing is known of it.
    pub fn is_empty(&self) -> bool {
        self.views.is_empty() && self.models.is_empty()
    }

    /// Adds the models of the tree that changes are told against.
    pub fn add(&mut self, base: &Project) {
        let meaning = |model: &super::Model| model.file.query.as_ref().map(|query| query.canonical);
        self.models.extend(base.models().map(|model| (model.name.clone(), Some(meaning(model).unwrap_or_default()))));
    }

    /// Whether there was a model of this name before.
    pub(super) fn had(&self, name: &ModelName) -> bool {
        self.models.contains_key(name)
    }
}

/// The models that a dotted name may mean, the likelier first: the warehouse's own name may stand in front, and to DuckDB
/// a name without a schema is one of the schema `main`.
pub fn meant(parts: &[String], catalog: &str) -> Vec<ModelName> {
    let is_own = |name: &String| name.eq_ignore_ascii_case(catalog);
    let main = "main".to_owned();
    let all = match parts {
        [first, schema, name] if is_own(first) => vec![ModelName::from_parts(&[schema, name])],
        [first, name] if is_own(first) => {
            vec![ModelName::from_parts(parts), ModelName::from_parts(&[&main, name])]
        }
        [_, _] => vec![ModelName::from_parts(parts)],
        [name] => vec![ModelName::from_parts(parts), ModelName::from_parts(&[&main, name])],
        _ => Vec::new(),
    };
    all.into_iter().flatten().collect()
}

/// The model without a schema that a dotted name would read as prod shows it.
fn past_the_environment(parts: &[String]) -> Option<ModelName> {
    let [.., schema, name] = parts else { return None };
    ModelName::from_parts(&[name]).filter(|_| schema.eq_ignore_ascii_case(PROD))
}

impl Project {
    /// What a name means where this project's models are known.
    pub fn meaning(&self, parts: &[String], published: &Published) -> Result<Option<ModelName>, Barred> {
        self.with_names(published, |names| names.meaning(parts))
    }

    /// Why a name may not be read that is no model here: vmesh itself shows it.
    pub fn stranger(&self, parts: &[String], published: &Published) -> Option<Barred> {
        self.with_names(published, |names| match names.model(parts) {
            Some(_) => None,
            None => names.shown_by_vmesh(parts),
        })
    }

    fn with_names<T>(&self, published: &Published, ask: impl FnOnce(&Names<'_>) -> T) -> T {
        let has = |name: &ModelName| self.model(name).is_some();
        let same = |meaning: &[u8; 32]| {
            let is_it = |model: &&super::Model| model.file.query.as_ref().is_some_and(|it| it.canonical == *meaning);
            self.models().filter(|model| !published.had(&model.name)).find(is_it).map(|model| model.name.clone())
        };
        let (catalog, externals) = (self.catalog.as_str(), &self.externals);
        let by_letter = self.engine.names_by_letter();
        ask(&Names { has: &has, by_letter, catalog, externals, published, same: &same })
    }
}
