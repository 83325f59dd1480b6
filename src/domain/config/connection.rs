//! What a SQLMesh connection asks of the engine: extensions, and settings that change no row.

use super::super::sql::policy::OF_THE_MACHINE;
use super::super::yaml::{Kind, Node};
use super::sqlmesh::{Found, Reader, get, is_nothing, map, problem};

/// Extensions that are part of the engine.
const BUILT_IN: [&str; 3] = ["parquet", "json", "core_functions"];

impl Reader<'_> {
    /// Extensions that are part of the engine are there anyway.
    pub(super) fn extensions(&self, key: &Node, node: &Node) -> Found<()> {
        let items = match &node.kind {
            Kind::List(items) => items.as_slice(),
            _ if is_nothing(node) => &[],
            _ => return Err(problem("`extensions` is a list", key.span.clone())),
        };
        for item in items {
            let name = match item.map() {
                Some(_) => get(item, "name").map(|name| self.string(name)).transpose()?.unwrap_or_default(),
                None => self.string(item)?,
            };
            if !BUILT_IN.contains(&name.to_lowercase().as_str()) {
                let problem = problem(format!("the extension `{name}` can't be loaded"), item.span.clone());
                return Err(problem
                    .help(format!("vmesh loads no extension: those that are part of it are {}", BUILT_IN.join(", "))));
            }
        }
        Ok(())
    }

    /// Settings of the engine that change no row.
    pub(super) fn of_the_machine(&self, node: &Node) -> Found<()> {
        for (key, _) in map(node, "`connector_config`")? {
            let name = self.string(key)?;
            if !OF_THE_MACHINE.contains(&name.to_lowercase().as_str()) {
                let what = format!("`{name}` of `connector_config` can't be honoured: it may change what queries mean");
                let help = format!("those that change no row are passed over: {}", OF_THE_MACHINE.join(", "));
                return Err(problem(what, key.span.clone()).help(help));
            }
        }
        Ok(())
    }
}
