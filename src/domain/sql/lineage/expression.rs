//! Expressions: what is left of one when each name in it is replaced by what decides it.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, LambdaFunction, OneOrManyWithParens, Query,
    Value, Visit, VisitMut, Visitor, VisitorMut,
};

use super::super::encode::encode;
use super::super::functions::name_of;
use super::super::functions::{self, Class};
use super::super::keywords;
use super::origin::{Node, Origin};
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

/// Starts what stands in an expression in place of something that was resolved. No text has such a parameter.
const MARK: char = '\u{1}';

impl Walk<'_> {
    /// What decides the value of an expression.
    pub(super) fn expression(&mut self, expr: &Expr, scopes: &[&Scope], ctes: &Ctes) -> Told<Node> {
        match expr {
            Expr::Nested(inner) => self.expression(inner, scopes, ctes),
            Expr::Identifier(ident) if !keywords::is_bare_function(&ident.value) => {
                self.column(std::slice::from_ref(ident), scopes)
            }
            Expr::CompoundIdentifier(idents) => self.column(idents, scopes),
            _ => self.resolved(expr.clone(), scopes, ctes),
        }
    }

    /// What decides any part of a tree: its text, and all that it names.
    pub(super) fn resolved<T: VisitMut + serde::Serialize>(
        &mut self,
        mut tree: T,
        scopes: &[&Scope],
        ctes: &Ctes,
    ) -> Told<Node> {
        let mut resolver = Resolver { walk: self, scopes, ctes, found: Vec::new(), parameters: Vec::new() };
        if let ControlFlow::Break(unknown) = VisitMut::visit(&mut tree, &mut resolver) {
            return Err(unknown);
        }
        let found = resolver.found;
        let text = encode(&tree).map_err(|_| Unknown("a tree without a canonical form"))?;
        Ok(Origin::with("expression", &text, &found))
    }

    fn column(&mut self, idents: &[Ident], scopes: &[&Scope]) -> Told<Node> {
        let node = resolve(&lower(idents), scopes)?.ok_or(Unknown("a name that no table has"))?;
        self.named.push(node.clone());
        Ok(node)
    }

    /// What decides the value of a subquery.
    fn subquery(&mut self, query: &Query, scopes: &[&Scope], ctes: &Ctes) -> Told<Node> {
        let Relation { columns, rows, open, .. } = self.query(query, ctes, scopes)?;
        if open.is_some() {
            return Err(Unknown("a subquery whose columns the files don't tell"));
        }
        Ok(Origin::of("subquery", columns.iter().map(|column| &column.origin).chain([&rows])))
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

fn lower(idents: &[Ident]) -> Vec<String> {
    idents.iter().map(|ident| ident.value.to_ascii_lowercase()).collect()
}

/// Replaces each name in a tree.
struct Resolver<'r, 'w, 's> {
    walk: &'r mut Walk<'w>,
    scopes: &'r [&'s Scope],
    ctes: &'r Ctes,
    found: Vec<Node>,
    /// The parameters of the lambdas around, in lower case.
    parameters: Vec<Vec<String>>,
}

impl Resolver<'_, '_, '_> {
    /// What stands for something that was resolved.
    fn mark(&mut self, node: Node) -> Expr {
        let mark = Expr::Value(Value::Placeholder(format!("{MARK}{}", node.print)).into());
        self.found.push(node);
        mark
    }

    fn replace(&mut self, expr: &mut Expr) -> Told<()> {
        let replaced = match expr {
            Expr::Subquery(query) => self.walk.subquery(query, self.scopes, self.ctes)?,
            Expr::Exists { subquery, negated } => {
                let node = self.walk.subquery(subquery, self.scopes, self.ctes)?;
                Origin::of(if *negated { "not exists" } else { "exists" }, [&node])
            }
            Expr::InSubquery { expr, subquery, negated } => {
                let left = self.walk.expression(expr, self.scopes, self.ctes)?;
                let node = self.walk.subquery(subquery, self.scopes, self.ctes)?;
                Origin::of(if *negated { "not in" } else { "in" }, [&left, &node])
            }
            Expr::Identifier(ident) => {
                let Some(node) = self.name(std::slice::from_ref(ident))? else { return Ok(()) };
                node
            }
            Expr::CompoundIdentifier(idents) => {
                let Some(node) = self.name(idents)? else { return Ok(()) };
                node
            }
            Expr::Function(function) => return self.function(function),
            Expr::Lambda(lambda) => {
                self.parameters.push(parameters(lambda));
                return Ok(());
            }
            Expr::Value(value) => {
                let is_own = |text: &str| text.starts_with(MARK);
                return match &value.value {
                    Value::Placeholder(text) if !is_own(text) => Err(Unknown("a parameter")),
                    _ => Ok(()),
                };
            }
            Expr::Wildcard(_) | Expr::QualifiedWildcard(..) => return Err(Unknown("a star in an expression")),
            Expr::Rollup(_) | Expr::Cube(_) | Expr::GroupingSets(_) => return Err(Unknown("grouping sets")),
            _ => return Ok(()),
        };
        *expr = self.mark(replaced);
        Ok(())
    }

    /// What a name in an expression means; none for a lambda's parameter.
    fn name(&mut self, idents: &[Ident]) -> Told<Option<Node>> {
        let parts = lower(idents);
        if parts.first().is_some_and(|first| self.parameters.iter().flatten().any(|parameter| parameter == first)) {
            return Ok(None);
        }
        let resolved = resolve(&parts, self.scopes)?;
        let is_function = |ident: &Ident| ident.quote_style.is_none() && keywords::is_bare_function(&ident.value);
        match (resolved, idents) {
            // a column, or a function that is called without parentheses
            (resolved, [ident]) if is_function(ident) => {
                let function = Origin::unstable(&Origin::constant("function", parts[0].as_bytes()));
                Ok(Some(Origin::of("either", resolved.iter().chain([&function]))))
            }
            (Some(node), _) => {
                self.walk.named.push(node.clone());
                Ok(Some(node))
            }
            (None, _) => Err(Unknown("a name that no table has")),
        }
    }

    fn function(&mut self, function: &mut Function) -> Told<()> {
        let is_repeatable = functions::is_repeatable(function).ok_or(Unknown("a function that is not known"))?;
        if !is_plain(function) {
            return Err(Unknown("a star in an expression"));
        }
        if NAMED_BY_ARGUMENTS.contains(&name_of(function).as_str()) {
            // its fields are called like the columns that it is given
            self.found.push(Origin::constant("named", format!("{}", function.args).as_bytes()));
        }
        if !is_repeatable {
            self.found.push(Origin::unstable(&Origin::constant("function", &[])));
        }
        if let FunctionArguments::Subquery(query) = &function.args {
            let node = self.walk.subquery(query, self.scopes, self.ctes)?;
            self.found.push(Origin::of("argument", [&node]));
            function.args = FunctionArguments::None;
            let mark = self.found.last().map(|node| node.print.to_string()).unwrap_or_default();
            function.name.0.push(sqlparser::ast::ObjectNamePart::Identifier(Ident::new(mark)));
        }
        Ok(())
    }
}

/// Functions that call what they make after their arguments.
const NAMED_BY_ARGUMENTS: [&str; 3] = ["struct_pack", "struct_insert", "struct_update"];

/// Whether a function's arguments are expressions, or it is `count(*)`.
fn is_plain(function: &Function) -> bool {
    let FunctionArguments::List(list) = &function.args else { return true };
    list.args.iter().all(|argument| match argument {
        FunctionArg::Named { arg, .. } | FunctionArg::ExprNamed { arg, .. } | FunctionArg::Unnamed(arg) => match arg {
            FunctionArgExpr::Expr(_) => true,
            FunctionArgExpr::Wildcard => name_of(function) == "count",
            _ => false,
        },
    })
}

fn parameters(lambda: &LambdaFunction) -> Vec<String> {
    match &lambda.params {
        OneOrManyWithParens::One(one) => vec![one.name.value.to_ascii_lowercase()],
        OneOrManyWithParens::Many(many) => many.iter().map(|one| one.name.value.to_ascii_lowercase()).collect(),
    }
}

impl VisitorMut for Resolver<'_, '_, '_> {
    type Break = Unknown;

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<Unknown> {
        ControlFlow::Break(Unknown("a subquery in an odd place"))
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Unknown> {
        match self.replace(expr) {
            Ok(()) => ControlFlow::Continue(()),
            Err(unknown) => ControlFlow::Break(unknown),
        }
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Unknown> {
        if let Expr::Lambda(_) = expr {
            self.parameters.pop();
        }
        ControlFlow::Continue(())
    }
}
