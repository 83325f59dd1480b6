//! The column names in an expression that stand for columns and for nothing else.

use std::collections::HashSet;
use std::ops::ControlFlow;

use sqlparser::ast::{
    AccessExpr, BinaryOperator, Expr, Function, FunctionArg, FunctionArguments, Ident, Query, Visit, Visitor,
};

/// The dotted names. Subqueries are left to their own SELECT; lambdas, JSON arrows, `COLUMNS(…)` and the names of
/// arguments are left out.
pub(super) fn of(expr: &Expr) -> Vec<Vec<Ident>> {
    let mut names = Names::default();
    let _ = Visit::visit(expr, &mut names);
    names.found
}

/// Whether an expression calls a function of this name (in lower case) anywhere, subqueries included.
pub(super) fn calls(expr: &Expr, names: &[&str]) -> bool {
    struct Calls<'a>(&'a [&'a str]);
    impl Visitor for Calls<'_> {
        type Break = ();

        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            match expr {
                Expr::Function(function) if is_call(function, self.0) => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        }
    }
    Visit::visit(expr, &mut Calls(names)).is_break()
}

fn is_call(function: &Function, names: &[&str]) -> bool {
    let last = function.name.0.last().and_then(|part| part.as_ident());
    last.is_some_and(|last| names.iter().any(|name| last.value.eq_ignore_ascii_case(name)))
}

#[derive(Default)]
struct Names {
    found: Vec<Vec<Ident>>,
    /// How many nodes around us hide their names.
    hidden: usize,
    /// Nodes that look like columns and aren't.
    skipped: HashSet<*const Expr>,
}

/// Whether names in this expression may be bound by the expression itself.
fn hides(expr: &Expr) -> bool {
    match expr {
        Expr::Lambda(_) | Expr::BinaryOp { op: BinaryOperator::Arrow | BinaryOperator::LongArrow, .. } => true,
        Expr::Function(function) => is_call(function, &["columns"]),
        _ => false,
    }
}

impl Names {
    /// `f(name := value)`: the name is no column.
    fn skip_argument_names(&mut self, function: &Function) {
        let FunctionArguments::List(list) = &function.args else { return };
        for argument in &list.args {
            if let FunctionArg::ExprNamed { name, .. } = argument {
                self.skipped.insert(name);
            }
        }
    }

    /// `a.b[1].c`: fields are no columns, and what `a` is, is left open.
    fn skip_fields(&mut self, root: &Expr, chain: &[AccessExpr]) {
        if matches!(chain.first(), Some(AccessExpr::Dot(_))) {
            self.skipped.insert(root);
        }
        for access in chain {
            if let AccessExpr::Dot(field) = access {
                self.skipped.insert(field);
            }
        }
    }
}

impl Visitor for Names {
    type Break = ();

    fn pre_visit_query(&mut self, _query: &Query) -> ControlFlow<()> {
        self.hidden += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _query: &Query) -> ControlFlow<()> {
        self.hidden -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        self.hidden += usize::from(hides(expr));
        match expr {
            Expr::Function(function) => self.skip_argument_names(function),
            Expr::CompoundFieldAccess { root, access_chain } => self.skip_fields(root, access_chain),
            _ if self.hidden > 0 || self.skipped.contains(&std::ptr::from_ref(expr)) => {}
            Expr::Identifier(ident) => self.found.push(vec![ident.clone()]),
            Expr::CompoundIdentifier(idents) => self.found.push(idents.clone()),
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        self.hidden -= usize::from(hides(expr));
        ControlFlow::Continue(())
    }
}
