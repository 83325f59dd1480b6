//! Which relations a name can mean at one point of a query: the SELECTs around it, each with its FROM clause.

use std::collections::HashSet;

use sqlparser::ast::{self, Select, SelectItem, SetExpr, TableFactor};

use super::reads::Sources;
use super::relation::{self, address};
use super::{Read, SqlName};

/// A relation of a FROM clause.
pub(super) struct Relation {
    /// The name that qualifies its columns.
    pub(super) name: Option<SqlName>,
    /// The read that it is.
    pub(super) read: Option<usize>,
    /// Whether it is a table under its own column names, and nothing else.
    pub(super) plain: bool,
    /// The address of its node.
    node: usize,
}

/// The names that one SELECT can see of its own.
pub(super) struct Scope {
    relations: Vec<Relation>,
    /// How many of the relations are in scope: inside one of them, only those to its left.
    visible: usize,
    /// Aliases of its select list: DuckDB lets expressions refer to them.
    pub(super) aliases: HashSet<SqlName>,
}

impl Scope {
    /// The relations in scope.
    pub(super) fn visible(&self) -> impl Iterator<Item = &Relation> {
        self.relations.iter().take(self.visible)
    }

    /// The relations in scope of this name.
    pub(super) fn named(&self, name: &SqlName) -> impl Iterator<Item = &Relation> {
        self.visible().filter(move |relation| relation.name.as_ref() == Some(name))
    }
}

/// The SELECTs around a point, kept up to date by a walk through the tree.
pub(super) struct Scopes<'a> {
    sources: &'a Sources,
    /// From the outermost SELECT to the innermost.
    stack: Vec<Scope>,
    /// For each query around us: how many scopes were there, and the address of the SELECT that is its body.
    bodies: Vec<(usize, Option<usize>)>,
}

impl<'a> Scopes<'a> {
    pub(super) fn new(sources: &'a Sources) -> Self {
        Self { sources, stack: Vec::new(), bodies: Vec::new() }
    }

    /// From the innermost to the outermost.
    pub(super) fn inside_out(&self) -> impl Iterator<Item = &Scope> {
        self.stack.iter().rev()
    }

    /// The relations in scope, of all SELECTs.
    pub(super) fn visible(&self) -> impl Iterator<Item = &Relation> {
        self.inside_out().flat_map(Scope::visible)
    }

    /// The read of this index.
    pub(super) fn read(&self, index: usize) -> Option<&'a Read> {
        self.sources.reads.get(index)
    }

    pub(super) fn enter_query(&mut self, query: &ast::Query) {
        let body = match query.body.as_ref() {
            SetExpr::Select(select) => Some(address(select.as_ref())),
            _ => None,
        };
        self.bodies.push((self.stack.len(), body));
    }

    pub(super) fn leave_query(&mut self) {
        if let Some((count, _)) = self.bodies.pop() {
            self.stack.truncate(count);
        }
    }

    pub(super) fn enter_select(&mut self, select: &Select) {
        let factors = relation::of_select(select);
        let relations: Vec<Relation> = factors.into_iter().map(|factor| self.relation(factor)).collect();
        let aliases = select.projection.iter().filter_map(|item| match item {
            SelectItem::ExprWithAlias { alias, .. } => Some(SqlName::new(&alias.value)),
            _ => None,
        });
        self.stack.push(Scope { visible: relations.len(), aliases: aliases.collect(), relations });
    }

    /// A SELECT that is the body of its query stays until the query ends, because ORDER BY belongs to the query.
    pub(super) fn leave_select(&mut self, select: &Select) {
        let is_body = self.bodies.last().is_some_and(|(_, body)| *body == Some(address(select)));
        if !is_body {
            self.stack.pop();
        }
    }

    /// Inside a relation, only those to its left are in scope.
    pub(super) fn enter_relation(&mut self, factor: &TableFactor) {
        for scope in &mut self.stack {
            if let Some(index) = scope.relations.iter().position(|relation| relation.node == address(factor)) {
                scope.visible = index;
            }
        }
    }

    pub(super) fn leave_relation(&mut self, factor: &TableFactor) {
        for scope in &mut self.stack {
            if scope.relations.iter().any(|relation| relation.node == address(factor)) {
                scope.visible = scope.relations.len();
            }
        }
    }

    fn relation(&self, factor: &TableFactor) -> Relation {
        let read = self.sources.read_of(factor);
        let renamed = relation::alias(factor).is_some_and(|alias| !alias.columns.is_empty());
        let name = relation::visible_name(factor).map(|name| SqlName::new(&name));
        Relation { name, read, plain: read.is_some() && !renamed, node: address(factor) }
    }
}
