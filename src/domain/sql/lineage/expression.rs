//! Expressions: what decides the value of one, once each name in it is resolved.

use std::ops::ControlFlow;

use serde::Serialize;
use sqlparser::ast::{Expr, Query, Visit, VisitMut, Visitor};

use super::super::functions::{self, Class, name_of};
use super::formula::{Asked, Formula, Found};
use super::origin::{Node, Traced};
use super::scope::{Relation, Scope, resolve};
use super::select::Ctes;
use super::{Told, Unknown, Walk};

/// What functions in an expression do to the rows of the SELECT that it stands in.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Calls {
    /// Whether there is an aggregate.
    pub(super) aggregates: bool,
    /// Whether there is a function over a window.
    pub(super) windows: bool,
    /// Whether there is a function that gives several rows for one.
    pub(super) multiplies: bool,
    /// Whether a subquery has an aggregate: of columns of the query around alone, that would be an aggregate of it.
    pub(super) aggregates_within: bool,
}

impl Walk<'_> {
    /// What decides the value of an expression.
    pub(super) fn expression(&mut self, expr: &Expr, scopes: &[&Scope], ctes: &Ctes) -> Told<Node> {
        let tree = self.tree;
        match tree.formulas.of(expr) {
            Some((formula, _)) => self.value(formula.as_ref().map_err(Clone::clone)?, scopes, ctes),
            None => self.value(&Formula::of(expr.clone())?, scopes, ctes),
        }
    }

    /// What the functions of an expression do to rows.
    pub(super) fn calls(&self, expr: &Expr) -> Calls {
        self.tree.formulas.of(expr).map_or_else(|| calls(expr), |(_, calls)| *calls)
    }

    /// What decides any part of a tree: its text, and all that it names.
    pub(super) fn part<T: VisitMut + Serialize>(&mut self, tree: T, scopes: &[&Scope], ctes: &Ctes) -> Told<Node> {
        self.value(&Formula::of_part(tree)?, scopes, ctes)
    }

    fn value(&mut self, formula: &Formula, scopes: &[&Scope], ctes: &Ctes) -> Told<Node> {
        let nodes = formula.found.iter().map(|found| self.found(found, scopes, ctes)).collect::<Told<Vec<Node>>>()?;
        Ok(match (&formula.text, nodes.as_slice()) {
            (None, [only]) => only.clone(),
            (text, nodes) => Traced::with("expression", text.as_ref().map_or(&[], |text| text.bytes()), nodes),
        })
    }

    fn found(&mut self, found: &Found, scopes: &[&Scope], ctes: &Ctes) -> Told<Node> {
        match found {
            Found::Name(parts, is_function) => self.name(parts, *is_function, scopes),
            Found::Constant(what, text, is_unstable) => {
                let constant = Traced::constant(what, text);
                Ok(if *is_unstable { Traced::unstable(&constant) } else { constant })
            }
            Found::Subquery(query, asked) => {
                // in the order of the text
                let value = match asked {
                    Asked::In { value, .. } => Some(self.value(value, scopes, ctes)?),
                    _ => None,
                };
                let node = self.subquery(query, scopes, ctes)?;
                Ok(match asked {
                    Asked::Value => node,
                    Asked::Exists { negated } => Traced::of(if *negated { "not exists" } else { "exists" }, [&node]),
                    Asked::In { negated, .. } => {
                        Traced::of(if *negated { "not in" } else { "in" }, value.iter().chain([&node]))
                    }
                    Asked::Argument => Traced::of("argument", [&node]),
                })
            }
        }
    }

    /// What a name in an expression means.
    fn name(&mut self, parts: &[String], is_function: bool, scopes: &[&Scope]) -> Told<Node> {
        match resolve(parts, scopes)? {
            // a column, or a function that is called without parentheses
            resolved if is_function => {
                let function = Traced::unstable(&Traced::constant("function", parts.concat().as_bytes()));
                Ok(Traced::of("either", resolved.iter().chain([&function])))
            }
            Some(node) => {
                self.named.push(node.clone());
                Ok(node)
            }
            None => Err(Unknown("a name that no table has")),
        }
    }

    /// What decides the value of a subquery.
    fn subquery(&mut self, query: &Query, scopes: &[&Scope], ctes: &Ctes) -> Told<Node> {
        let Relation { columns, rows, open, .. } = self.query(query, ctes, scopes)?;
        if open.is_some() {
            return Err(Unknown("a subquery whose columns the files don't tell"));
        }
        Ok(Traced::of("subquery", columns.iter().map(|column| &column.origin).chain([&rows])))
    }
}

/// What the functions of an expression do to rows.
pub(super) fn calls(expr: &Expr) -> Calls {
    struct Search {
        depth: usize,
        calls: Calls,
    }
    impl Visitor for Search {
        type Break = ();

        fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
            self.depth += 1;
            ControlFlow::Continue(())
        }

        fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
            self.depth -= 1;
            ControlFlow::Continue(())
        }

        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            if let Expr::Function(function) = expr {
                self.calls.windows |= self.depth == 0 && function.over.is_some();
                match (functions::class(&name_of(function)), self.depth) {
                    (Some(Class::Aggregate | Class::Ordered), 0) if function.over.is_none() => {
                        self.calls.aggregates = true;
                    }
                    (Some(Class::Aggregate | Class::Ordered), _) => self.calls.aggregates_within |= self.depth > 0,
                    (Some(Class::Rows), 0) => self.calls.multiplies = true,
                    _ => {}
                }
            }
            ControlFlow::Continue(())
        }
    }
    let mut search = Search { depth: 0, calls: Calls::default() };
    let _ = Visit::visit(expr, &mut search);
    search.calls
}
