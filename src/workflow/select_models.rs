//! The models that a person means.

use std::collections::BTreeSet;

use super::error::Error;
use super::session::Session;
use crate::domain::diagnostic::nearest;
use crate::domain::model::Kind;
use crate::domain::name::ModelName;
use crate::domain::pattern;
use crate::domain::project::{Model, Project, meant};

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
