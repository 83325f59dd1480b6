//! What a SQLMesh connection asks of the engine: other databases beside the warehouse, extensions, secrets, and settings
//! that change no row.

use super::super::sql::policy::OF_THE_MACHINE;
use super::super::yaml::{Kind, Node};
use super::outside::{Attached, Files, Freshness, Kind as DatabaseKind, Outside};
use super::sqlmesh::{Found, Reader, get, is_nothing, map, problem};
use super::{OnUnsupported, Secret};

/// The variable that lists what models may read beside what is committed: SQLMesh knows no such setting.
const SOURCES: &str = "vmesh_sources";
/// The one that says what becomes of models that vmesh can't run.
const UNSUPPORTED: &str = "vmesh_unsupported";

impl Reader<'_> {
    /// Extensions to be loaded, by name, with or without the repository that they come from.
    pub(super) fn extensions(&mut self, key: &Node, node: &Node) -> Found<()> {
        let items = match &node.kind {
            Kind::List(items) => items.as_slice(),
            _ if is_nothing(node) => &[],
            _ => return Err(problem("`extensions` is a list", key.span.clone())),
        };
        for item in items {
            let of_entry = |key| get(item, key).map(|node| self.string(node)).transpose();
            let (name, from) = match item.map() {
                Some(_) => (of_entry("name")?.unwrap_or_default(), of_entry("repository")?),
                None => (self.string(item)?, None),
            };
            if let Some(from) = from.filter(|from| from != "core") {
                let what =
                    format!("the extension `{name}` comes from the repository `{from}`, which is not DuckDB's own");
                return Err(problem(what, item.span.clone()).help("leave `repository` out, or say: repository: core"));
            }
            self.opening.add_extension(&name).map_err(|what| problem(what, item.span.clone()))?;
        }
        Ok(())
    }

    /// The file of the first catalog, which is the warehouse; the others are databases that models read.
    pub(super) fn catalogs(&mut self, node: &Node) -> Found<String> {
        let mut warehouse = None;
        for (key, value) in map(node, "`catalogs`")? {
            let of_entry = |key| get(value, key).map(|node| self.string(node)).transpose();
            let (kind, path) = match value.map() {
                Some(_) => (of_entry("type")?.unwrap_or_else(|| "duckdb".to_owned()), get(value, "path")),
                None => ("duckdb".to_owned(), Some(value)),
            };
            let Some(path) = path else {
                return Err(problem("this catalog has no `path`", key.span.clone()).help("path: other.duckdb"));
            };
            if warehouse.is_none() {
                if kind != "duckdb" {
                    let what = "the first catalog is the warehouse, which is a file of DuckDB's";
                    return Err(problem(what, value.span.clone()).help("database: warehouse.duckdb"));
                }
                warehouse = Some(self.string(path)?);
                continue;
            }
            let Some(kind) = DatabaseKind::of_word(&kind) else {
                let what = format!("a catalog of type `{kind}` can't be attached");
                return Err(problem(what, value.span.clone()).help("types are duckdb, sqlite, postgres and mysql"));
            };
            let name = self.string(key)?;
            super::outside::check_name(&name).map_err(|(what, help)| problem(what, key.span.clone()).help(help))?;
            self.outside.attached.push(Attached { name, kind, target: self.env_text(path)? });
        }
        warehouse
            .ok_or_else(|| problem("no catalog is the warehouse", node.span.clone()).help("database: warehouse.duckdb"))
    }

    /// With what the engine enters other machines: a list, or by name.
    pub(super) fn secrets(&mut self, node: &Node) -> Found<()> {
        let named = match &node.kind {
            Kind::List(items) => items.iter().zip(1..).map(|(item, at)| (format!("secret_{at}"), item)).collect(),
            _ if is_nothing(node) => Vec::new(),
            _ => {
                let entries = map(node, "`secrets`")?.iter();
                entries.map(|(name, secret)| Ok((self.string(name)?, secret))).collect::<Found<_>>()?
            }
        };
        for (name, secret) in named {
            let options = map(secret, "a secret")?.iter();
            let options = options.map(|(option, value)| Ok((self.string(option)?, self.env_text(value)?)));
            let read = Secret::new(&name, options.collect::<Found<_>>()?);
            self.opening.secrets.push(read.map_err(|(what, help)| problem(what, secret.span.clone()).help(help))?);
        }
        Ok(())
    }

    /// What becomes of models that vmesh can't run.
    pub(super) fn on_unsupported(&self, root: &Node) -> Found<OnUnsupported> {
        let Some(node) = get(root, "variables").and_then(|variables| get(variables, UNSUPPORTED)) else {
            return Ok(OnUnsupported::default());
        };
        match self.string(node)?.as_str() {
            "error" => Ok(OnUnsupported::Error),
            "external" => Ok(OnUnsupported::External),
            _ => Err(problem(format!("`{UNSUPPORTED}` is `error` or `external`"), node.span.clone())),
        }
    }

    /// What models may read besides the warehouse and what is committed.
    pub(super) fn outside(&mut self, root: &Node) -> Found<Outside> {
        let mut outside = std::mem::take(&mut self.outside);
        let Some(variables) = get(root, "variables") else { return Ok(outside) };
        for (path, span) in self.list(variables, SOURCES)? {
            let path = super::outside::allowed(&path).map_err(|(what, help)| problem(what, span).help(help))?;
            outside.files.push(Files { path, freshness: Freshness::default() });
        }
        Ok(outside)
    }

    /// Settings of the engine that change no row, and the time zone.
    pub(super) fn connector_config(&mut self, node: &Node) -> Found<()> {
        for (key, value) in map(node, "`connector_config`")? {
            let name = self.string(key)?;
            if name.eq_ignore_ascii_case("timezone") {
                let zone = self.string(value)?;
                self.opening.set_timezone(&zone).map_err(|what| problem(what, value.span.clone()))?;
                continue;
            }
            if !OF_THE_MACHINE.contains(&name.to_lowercase().as_str()) {
                let what = format!("`{name}` of `connector_config` can't be honoured: it may change what queries mean");
                let help = format!("those that change no row are passed over: {}", OF_THE_MACHINE.join(", "));
                return Err(problem(what, key.span.clone()).help(help));
            }
        }
        Ok(())
    }
}
