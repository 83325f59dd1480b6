//! Rewrites that make spellings of one meaning one tree. Only what DuckDB's own parser was seen to read alike.
//!
//! Parentheses need care: sqlparser and DuckDB don't agree on every precedence, so that a pair is dropped only where
//! its content holds together in any case.

use std::mem;
use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, CastKind, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, GroupByExpr,
    JoinConstraint, JoinOperator, LimitClause, ObjectNamePart, OrderBy, OrderByKind, Query, Select, SelectFlavor,
    SelectItem, UnaryOperator, Value, VisitMut, VisitorMut, WindowType,
};

/// Rewrites a query in place.
pub(super) fn normalize(query: &mut Query) {
    let _ = VisitMut::visit(query, &mut Normalize);
}

struct Normalize;

impl VisitorMut for Normalize {
    type Break = ();

    /// Children first, so that a parent sees them already rewritten.
    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        match expr {
            Expr::Nested(inner) => {
                if matches!(inner.as_ref(), Expr::Nested(_)) {
                    unwrap(inner, |_| true);
                }
            }
            Expr::BinaryOp { left, right, op: BinaryOperator::And | BinaryOperator::Or } => {
                unwrap(left, is_comparison);
                unwrap(right, is_comparison);
            }
            // DuckDB reads `->` as lambda or as JSON access, with precedences of its own.
            Expr::BinaryOp { op: BinaryOperator::Arrow | BinaryOperator::LongArrow, .. } => {}
            Expr::BinaryOp { left, right, .. } => {
                unwrap(left, is_atom);
                unwrap(right, is_atom);
            }
            Expr::UnaryOp { op: UnaryOperator::Not, expr } => unwrap(expr, is_comparison),
            // `-` and a large number are one number, of another type than the two
            Expr::UnaryOp { op: UnaryOperator::Minus, expr } => unwrap(expr, |it| is_atom(it) && !is_large(it)),
            Expr::IsNull(inner) | Expr::IsNotNull(inner) => unwrap(inner, is_atom),
            Expr::Like { expr, pattern, .. } | Expr::ILike { expr, pattern, .. } => {
                [expr, pattern].into_iter().for_each(|part| unwrap(part, is_atom));
            }
            Expr::InSubquery { expr, .. } => unwrap(expr, is_atom),
            Expr::InList { expr, list, .. } => {
                unwrap(expr, is_atom);
                list.iter_mut().for_each(unwrap_all);
            }
            Expr::Substring { expr, substring_from, substring_for, .. } => {
                let parts = [Some(expr), substring_from.as_mut(), substring_for.as_mut()];
                parts.into_iter().flatten().for_each(|part| unwrap(part, is_atom));
            }
            Expr::Between { expr, low, high, .. } => {
                [expr, low, high].into_iter().for_each(|part| unwrap(part, is_atom));
            }
            Expr::Case { operand, conditions, else_result, .. } => {
                operand.iter_mut().chain(else_result).for_each(|part| unwrap_all(part));
                for when in conditions {
                    unwrap_all(&mut when.condition);
                    unwrap_all(&mut when.result);
                }
            }
            Expr::Cast { kind: CastKind::Cast, expr, .. } => unwrap_all(expr),
            Expr::Cast { kind: kind @ CastKind::DoubleColon, expr, .. } => {
                unwrap(expr, is_atom);
                if !is_open(expr) {
                    *kind = CastKind::Cast;
                }
            }
            Expr::Function(function) => normalize_call(function),
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        query.order_by.iter_mut().for_each(unwrap_order);
        if let Some(LimitClause::LimitOffset { limit, offset, .. }) = &mut query.limit_clause {
            limit.iter_mut().chain(offset.iter_mut().map(|offset| &mut offset.value)).for_each(unwrap_all);
        }
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        for item in &mut select.projection {
            if let SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } = item {
                unwrap_all(expr);
            }
        }
        [&mut select.selection, &mut select.having, &mut select.qualify].into_iter().flatten().for_each(unwrap_all);
        if let GroupByExpr::Expressions(keys, _) = &mut select.group_by {
            // `((a, b))` is one key, and `(a, b)` two
            keys.iter_mut().for_each(|key| unwrap(key, |inner| !matches!(inner, Expr::Tuple(_))));
        }
        for join in select.from.iter_mut().flat_map(|tree| &mut tree.joins) {
            let operator = mem::replace(&mut join.join_operator, JoinOperator::CrossApply);
            join.join_operator = normalize_join(operator);
        }
        if select.flavor == SelectFlavor::FromFirst {
            select.flavor = SelectFlavor::Standard;
        }
        ControlFlow::Continue(())
    }
}

/// `INNER` and `OUTER` say nothing.
fn normalize_join(operator: JoinOperator) -> JoinOperator {
    let mut operator = match operator {
        JoinOperator::Inner(constraint) => JoinOperator::Join(constraint),
        JoinOperator::LeftOuter(constraint) => JoinOperator::Left(constraint),
        JoinOperator::RightOuter(constraint) => JoinOperator::Right(constraint),
        other => other,
    };
    if let JoinOperator::Join(constraint)
    | JoinOperator::Left(constraint)
    | JoinOperator::Right(constraint)
    | JoinOperator::FullOuter(constraint)
    | JoinOperator::Semi(constraint)
    | JoinOperator::Anti(constraint) = &mut operator
        && let JoinConstraint::On(condition) = constraint
    {
        unwrap_all(condition);
    }
    operator
}

/// DuckDB names functions in lower case, quoted or not, also where the name of a column comes from them.
fn normalize_call(function: &mut Function) {
    if let [ObjectNamePart::Identifier(name)] = function.name.0.as_mut_slice() {
        name.value.make_ascii_lowercase();
    }
    if let FunctionArguments::List(list) = &mut function.args {
        for argument in &mut list.args {
            if let FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) = argument {
                unwrap_all(expr);
            }
        }
    }
    if let Some(WindowType::WindowSpec(window)) = &mut function.over {
        window.partition_by.iter_mut().for_each(unwrap_all);
        window.order_by.iter_mut().for_each(|key| unwrap_all(&mut key.expr));
    }
}

/// The keys of ORDER BY stand alone.
fn unwrap_order(order: &mut OrderBy) {
    if let OrderByKind::Expressions(keys) = &mut order.kind {
        keys.iter_mut().for_each(|key| unwrap_all(&mut key.expr));
    }
}

/// Drops pairs of parentheses as long as what they hold is `safe` without.
fn unwrap(expr: &mut Expr, safe: impl Fn(&Expr) -> bool) {
    while let Expr::Nested(inner) = expr {
        if !safe(inner) {
            return;
        }
        *expr = mem::replace(inner.as_mut(), Expr::Value(Value::Null.into()));
    }
}

/// Drops all parentheses around an expression that stands alone.
fn unwrap_all(expr: &mut Expr) {
    unwrap(expr, |_| true);
}

/// What no operator beside it can tear apart.
fn is_atom(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::Identifier(_)
            | Expr::CompoundIdentifier(_)
            | Expr::Value(_)
            | Expr::Function(_)
            | Expr::Nested(_)
            | Expr::Case { .. }
            | Expr::Subquery(_)
    )
}

/// What has an operand at its end: behind it, `::` casts that alone for DuckDB, and all of it for sqlparser, as in
/// `NOT EXISTS (…)::INT` and `a = ANY (b)::INT[]`.
fn is_open(expr: &Expr) -> bool {
    match expr {
        Expr::Exists { negated, .. } => *negated,
        other => matches!(
            other,
            Expr::AnyOp { .. }
                | Expr::AllOp { .. }
                | Expr::BinaryOp { .. }
                | Expr::UnaryOp { .. }
                | Expr::InList { .. }
                | Expr::InSubquery { .. }
                | Expr::InUnnest { .. }
                | Expr::Between { .. }
                | Expr::Like { .. }
                | Expr::ILike { .. }
                | Expr::SimilarTo { .. }
                | Expr::RLike { .. }
                | Expr::IsDistinctFrom(..)
                | Expr::IsNotDistinctFrom(..)
                | Expr::AtTimeZone { .. }
                | Expr::Collate { .. }
                | Expr::Lambda(_)
        ),
    }
}

/// A number that may not be an INTEGER.
fn is_large(expr: &Expr) -> bool {
    matches!(expr, Expr::Value(value) if matches!(&value.value, Value::Number(digits, _) if digits.len() > 9))
}

/// What `AND`, `OR` and `NOT` beside it can't tear apart.
fn is_comparison(expr: &Expr) -> bool {
    use BinaryOperator::{Eq, Gt, GtEq, Lt, LtEq, NotEq};
    match expr {
        Expr::BinaryOp { op: Eq | NotEq | Lt | LtEq | Gt | GtEq, left, right } => is_side(left) && is_side(right),
        Expr::IsNull(inner) | Expr::IsNotNull(inner) => is_atom(inner),
        Expr::InList { expr, .. } | Expr::InSubquery { expr, .. } => is_atom(expr),
        Expr::Like { expr, pattern, .. } | Expr::ILike { expr, pattern, .. } => is_atom(expr) && is_atom(pattern),
        other => is_atom(other),
    }
}

/// A side of a comparison that binds tighter than the comparison in every grammar.
fn is_side(expr: &Expr) -> bool {
    use BinaryOperator::{Minus, Multiply, Plus};
    match expr {
        Expr::BinaryOp { op: Plus | Minus | Multiply, left, right } => is_atom(left) && is_atom(right),
        Expr::Cast { .. } => true,
        other => is_atom(other),
    }
}
