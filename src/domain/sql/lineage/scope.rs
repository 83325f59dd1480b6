//! What names mean: the relations of each SELECT around an expression, and the names that the SELECT itself gives.

use std::collections::HashMap;

use super::origin::{Node, Traced};
use super::{Told, Unknown};

/// One column of a relation.
#[derive(Debug, Clone)]
pub(super) struct Column {
    /// None where DuckDB makes one up.
    pub(super) name: Option<String>,
    /// What it is by a qualified name.
    pub(super) origin: Node,
    /// What its name alone means, where USING has merged it with one to its right.
    pub(super) shared: Option<Node>,
    /// Whether USING has merged it with a column to its left: only a qualified name reaches it.
    pub(super) merged: bool,
}

/// What stands in a FROM clause, or what a query gives.
#[derive(Debug, Clone)]
pub(super) struct Relation {
    /// The name of its columns' qualifier, in lower case, with what may stand in front of it.
    pub(super) path: Vec<String>,
    pub(super) columns: Vec<Column>,
    pub(super) rows: Node,
    /// Where it may have other columns: what decides them, and the read that it is.
    pub(super) open: Option<(Node, Option<usize>)>,
}

/// One SELECT around an expression.
#[derive(Debug, Default)]
pub(super) struct Scope {
    pub(super) relations: Vec<Relation>,
    /// Whether the one relation of its FROM clause stands alone.
    pub(super) is_alone: bool,
    /// The aliases of its columns so far, in lower case.
    pub(super) aliases: Vec<(String, Node)>,
}

/// What one scope makes of a name.
#[derive(Default)]
struct Found {
    nodes: Vec<Node>,
    /// Whether no scope around it has a say.
    surely: bool,
}

impl Column {
    pub(super) fn new(name: Option<String>, origin: Node) -> Self {
        Self { name, origin, shared: None, merged: false }
    }

    /// What its name alone means.
    pub(super) fn by_name(&self) -> &Node {
        self.shared.as_ref().unwrap_or(&self.origin)
    }

    pub(super) fn is(&self, name: &str) -> bool {
        self.name.as_ref().is_some_and(|own| own.eq_ignore_ascii_case(name))
    }
}

impl Relation {
    pub(super) fn new(columns: Vec<Column>, rows: Node) -> Self {
        Self { path: Vec::new(), columns, rows, open: None }
    }

    /// Whether a qualifier means it.
    pub(super) fn is(&self, qualifier: &[String]) -> bool {
        !qualifier.is_empty() && self.path.ends_with(qualifier)
    }

    /// Gives the second of two columns of one name another, as DuckDB does with what a query gives
    /// (`QueryResult::DeduplicateColumns`): `id_1`, `id_2` and so on.
    pub(super) fn rename_repeated(&mut self) -> Told<()> {
        let is_nameless = self.columns.iter().any(|column| column.name.is_none());
        let mut taken: HashMap<String, usize> = HashMap::new();
        for name in self.columns.iter_mut().filter_map(|column| column.name.as_mut()) {
            let key = name.to_ascii_lowercase();
            let Some(mut count) = taken.get(&key).copied() else {
                taken.insert(key, 1);
                continue;
            };
            if is_nameless {
                return Err(Unknown("two columns of one name beside one without a name of its own"));
            }
            while taken.contains_key(&format!("{key}_{count}")) {
                count += 1;
            }
            taken.insert(key.clone(), count + 1);
            taken.insert(format!("{key}_{count}"), 1);
            *name = format!("{name}_{count}");
        }
        Ok(())
    }

    /// A row of it as one value: a struct of all columns.
    fn row(&self) -> Told<Node> {
        if self.open.is_some() || self.columns.iter().any(|column| column.name.is_none()) {
            return Err(Unknown("a row used as a value, of columns that the files don't tell"));
        }
        let names: Vec<&str> = self.columns.iter().filter_map(|column| column.name.as_deref()).collect();
        Ok(Traced::with("row", names.join("\0").as_bytes(), self.columns.iter().map(|column| &column.origin)))
    }

    /// A column that it may have beside those that are known.
    fn may_have(&self, name: &str) -> Option<Node> {
        let (open, read) = self.open.as_ref()?;
        Some(Traced::open_column(open, *read, name))
    }
}

/// What a name means, its parts in lower case; the innermost scope is the last. None: nothing around has it.
pub(super) fn resolve(parts: &[String], scopes: &[&Scope]) -> Told<Option<Node>> {
    let mut nodes: Vec<Node> = Vec::new();
    for (distance, scope) in scopes.iter().rev().enumerate() {
        let found = match parts {
            [name] => scope.find(name)?,
            _ => scope.find_qualified(parts)?,
        };
        // a row of the query around is not one of the query within, though both may read one table; which it is counts from
        // the outside, since a query within may pass it on
        let place = (scopes.len() - distance) as u64;
        let outer = |node: Node| match distance {
            0 => node,
            _ => Traced::with("outer", &place.to_le_bytes(), [&node]),
        };
        nodes.extend(found.nodes.into_iter().map(outer));
        if found.surely {
            break;
        }
    }
    Ok(match nodes.as_slice() {
        [] => None,
        [only] => Some(only.clone()),
        // which one it is hangs on what others have: all of them count
        several => Some(Traced::of("either", several)),
    })
}

impl Scope {
    fn column(&self, name: &str) -> Told<Option<&Column>> {
        let columns = self.relations.iter().flat_map(|relation| &relation.columns);
        let mut found = columns.filter(|column| !column.merged && column.is(name));
        match (found.next(), found.next()) {
            (_, Some(_)) => Err(Unknown("a name that two columns have")),
            (found, None) => Ok(found),
        }
    }

    fn find(&self, name: &str) -> Told<Found> {
        let name_of_relation = [name.to_owned()];
        let column = self.column(name)?;
        if let Some(relation) = self.relations.iter().find(|relation| relation.is(&name_of_relation)) {
            return match column {
                None => Ok(Found { nodes: vec![relation.row()?], surely: false }),
                Some(_) => Err(Unknown("a name that a table and a column have")),
            };
        }
        let alias = self.aliases.iter().rev().find(|(alias, _)| alias == name).map(|(_, node)| node.clone());
        let open = || self.relations.iter().filter_map(|relation| relation.may_have(name));
        // a column that two tables have is an error, so that one which is known is it
        // a column whose name DuckDB makes up may have this one
        let all = || self.relations.iter().flat_map(|relation| &relation.columns);
        let nameless = || all().filter(|column| column.name.is_none()).map(|column| column.by_name().clone());
        let column_or_open: Vec<Node> =
            column.map_or_else(|| open().chain(nameless()).collect(), |column| vec![column.by_name().clone()]);
        Ok(Found { nodes: column_or_open.into_iter().chain(alias).collect(), surely: column.is_some() })
    }

    fn find_qualified(&self, parts: &[String]) -> Told<Found> {
        let mut found = Found::default();
        let mut is_lacking = false;
        for cut in (1..parts.len()).rev() {
            let (qualifier, rest) = parts.split_at(cut);
            let mut relations = self.relations.iter().filter(|relation| relation.is(qualifier));
            let relation = relations.next();
            if relations.next().is_some() {
                return Err(Unknown("a name that two tables have"));
            }
            let (Some(relation), Some((name, fields))) = (relation, rest.split_first()) else { continue };
            let mut columns = relation.columns.iter().filter(|column| column.is(name));
            let column = columns.next();
            if columns.next().is_some() {
                return Err(Unknown("a name that two columns have"));
            }
            match column {
                Some(column) => {
                    found.nodes.push(field(&column.origin, fields));
                    found.surely = true;
                }
                None => {
                    is_lacking |= relation.open.is_none();
                    found.nodes.extend(relation.may_have(name).map(|node| field(&node, fields)));
                }
            }
        }
        // the qualifier may be a column, and what follows one of its fields; or a table of a query around, if it has none
        if let Some((name, fields)) = parts.split_first()
            && let Some(column) = self.column(name)?
        {
            found.nodes.push(field(column.by_name(), fields));
        }
        match found.nodes.is_empty() && is_lacking {
            // some engines take it for a call
            true => Err(Unknown("a column that the nearest table of this name has not")),
            false => Ok(found),
        }
    }
}

/// A field of a struct.
fn field(of: &Node, fields: &[String]) -> Node {
    if fields.is_empty() { of.clone() } else { Traced::with("field", fields.join("\0").as_bytes(), [of]) }
}

/// The scopes around something in a scope.
pub(super) fn within<'s>(outer: &[&'s Scope], scope: &'s Scope) -> Vec<&'s Scope> {
    outer.iter().copied().chain([scope]).collect()
}
