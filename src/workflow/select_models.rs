//! The models that a person means.

use std::collections::BTreeSet;

use super::error::Error;
use super::loader::Loader;
use super::planning::Prepared;
use super::session::Session;
use super::tree::{SourceTree, Tree};
use crate::adapter::git::Head;
use crate::domain::diagnostic::nearest;
use crate::domain::model::Kind;
use crate::domain::name::ModelName;
use crate::domain::pattern;
use crate::domain::project::{Model, Project, meant};
use crate::domain::selector::{Lookup, Selector};

/// The model of a name, one of `names`: `orders` means `marts.orders` while no other schema has one.
pub(super) fn model_named<'n>(
    typed: &str,
    catalog: &str,
    names: impl Iterator<Item = &'n ModelName>,
) -> Result<ModelName, Error> {
    let names: BTreeSet<&ModelName> = names.collect();
    let parts: Vec<String> = typed.split('.').map(str::to_owned).collect();
    if let Some(found) = meant(&parts, catalog).into_iter().find(|name| names.contains(name)) {
        return Ok(found);
    }
    let by_last: Vec<&ModelName> =
        names.iter().filter(|name| name.last().eq_ignore_ascii_case(typed)).copied().collect();
    match by_last.as_slice() {
        [only] => Ok((*only).clone()),
        [] => Err(unknown(typed, &names)),
        several => {
            let near = several.iter().map(ToString::to_string).collect::<Vec<_>>().join("` or `");
            Err(Error::Unknown { what: "model", typed: typed.to_owned(), near: Some(near) })
        }
    }
}

/// The column of a model that a person means by `model.column`; none where they mean a model, or nothing that is there.
pub(super) fn column_named<'p>(
    project: &'p Project,
    catalog: &str,
    typed: &str,
) -> Result<Option<(&'p Model, String)>, Error> {
    let named = |typed: &str| model_named(typed, catalog, project.models().map(|model| &model.name));
    let Some((table, column)) = typed.rsplit_once('.').filter(|_| named(typed).is_err()) else { return Ok(None) };
    let Some(model) = named(table).ok().and_then(|name| project.model(&name)) else { return Ok(None) };
    let told = model.lineage.iter().flat_map(|lineage| lineage.columns.iter().map(|(name, _)| name));
    let columns: Vec<&String> = model.columns.iter().flatten().chain(told).collect();
    if let Some(found) = columns.iter().find(|name| name.eq_ignore_ascii_case(column)) {
        return Ok(Some((model, (*found).clone())));
    }
    let message = match columns.is_empty() {
        true => format!("the files don't tell the columns of `{}`", model.name),
        false => format!("`{}` has no column `{column}`", model.name),
    };
    let near = nearest(column, columns.iter().map(|name| name.as_str()));
    let help = near.map(|near| format!("did you mean `{}.{near}`?", model.name));
    Err(Error::Query { message, help })
}

/// The models of a pattern, some of `names`: a name, or one with `*`.
pub(super) fn models_named<'n>(
    pattern: &str,
    catalog: &str,
    names: impl Iterator<Item = &'n ModelName>,
) -> Result<Vec<ModelName>, Error> {
    let names: BTreeSet<&ModelName> = names.collect();
    if !pattern::is_pattern(pattern) {
        return model_named(pattern, catalog, names.into_iter()).map(|name| vec![name]);
    }
    let glob = pattern::compile(&pattern.to_lowercase()).map_err(|error| Error::Usage {
        what: format!("`{pattern}` is no pattern: {error}"),
        help: "all models of a schema: 'staging.*'".to_owned(),
    })?;
    let found: Vec<ModelName> =
        names.iter().filter(|name| glob.is_match(name.to_string())).map(|name| (*name).clone()).collect();
    if found.is_empty() { Err(unknown(pattern, &names)) } else { Ok(found) }
}

impl Loader {
    /// The models of a plan that any of these selectors means, parents first; all of them without one.
    pub fn models_meant(&self, prepared: &Prepared, selectors: &[String]) -> Result<Vec<ModelName>, Error> {
        let desired = &prepared.desired.project;
        self.selected(desired, selectors, &|| Ok(changed(desired, prepared.base())))
    }

    /// The models of a source tree that any of these selectors means, parents first; all of them without one.
    pub fn models_of(&self, tree: &Tree, selectors: &[String]) -> Result<Vec<ModelName>, Error> {
        let since_base = || {
            let head = match self.repository.head()? {
                Head::Branch { commit, .. } => commit,
                Head::Detached { commit } => Some(commit),
            };
            let base = match (head, self.main_tip()?) {
                (Some(head), Some(tip)) => self.repository.merge_base(&head, &tip)?,
                _ => None,
            };
            let base = base.map(|base| self.tree(&SourceTree::Commit(base))).transpose()?;
            Ok(changed(&tree.project, base.as_ref().map(|base| &base.project)))
        };
        self.selected(&tree.project, selectors, &since_base)
    }

    fn selected(
        &self,
        project: &Project,
        selectors: &[String],
        changed: &dyn Fn() -> Result<BTreeSet<ModelName>, Error>,
    ) -> Result<Vec<ModelName>, Error> {
        if selectors.is_empty() {
            return Ok(project.order().to_vec());
        }
        let named = |pattern: &str| models_named(pattern, self.config.catalog(), project.order().iter());
        let mut meant = BTreeSet::new();
        for text in selectors.iter().flat_map(|text| words(text)) {
            let selector = Selector::parse(text).map_err(|what| Error::Usage {
                what,
                help: "orders, 'staging.*', +orders+, tag:daily, kind:view, owner:ada, changed; with a comma, both"
                    .to_owned(),
            })?;
            meant.extend(selector.select(&Lookup { project, named: &named, changed })?);
        }
        Ok(project.order().iter().filter(|name| meant.contains(name)).cloned().collect())
    }
}

/// The selectors of an argument; an empty one is told to be none.
fn words(text: &str) -> Vec<&str> {
    if text.trim().is_empty() { vec![text] } else { text.split_whitespace().collect() }
}

/// The models whose own text means something else than in base, or that are new.
fn changed(desired: &Project, base: Option<&Project>) -> BTreeSet<ModelName> {
    let before = |name: &ModelName| Some(base?.model(name)?.own);
    let models = desired.models().filter(|model| before(&model.name) != Some(model.own));
    models.map(|model| model.name.clone()).collect()
}

impl Session<'_> {
    /// The error where a table's model was to be named, told as it is: an embedded model is one, and has no table.
    pub fn meant_embedded(&self, environment: Option<&str>, error: Error) -> Error {
        let Error::Unknown { what: "model", typed, .. } = &error else { return error };
        let Ok(tree) = self.target(environment, None).and_then(|target| self.tree(&target.tree)) else { return error };
        let embedded = || tree.project.models().filter(|model| model.kind == Kind::Embedded);
        let Ok(name) = model_named(typed, self.config.catalog(), embedded().map(|model| &model.name)) else {
            return error;
        };
        let readers = tree.project.models().filter(|model| model.reads.iter().flatten().any(|read| *read == name));
        let readers: Vec<String> = readers.map(|model| model.name.to_string()).collect();
        let what = format!("`{name}` is embedded: it has no table that could be filled again");
        match readers.as_slice() {
            [] => Error::Usage { what, help: "no model reads it: there is nothing to fill again".to_owned() },
            readers => Error::Usage {
                what,
                help: format!("fill again what reads it: --restate-model {}", readers.join(" --restate-model ")),
            },
        }
    }
}

fn unknown(typed: &str, names: &BTreeSet<&ModelName>) -> Error {
    let texts: Vec<String> = names.iter().map(ToString::to_string).collect();
    let near = nearest(typed, texts.iter().map(String::as_str)).map(str::to_owned);
    Error::Unknown { what: "model", typed: typed.to_owned(), near }
}
