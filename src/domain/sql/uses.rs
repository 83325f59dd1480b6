//! The columns that a SELECT surely takes from its tables.
//!
//! Nothing here may raise a false alarm. A column is recorded only where DuckDB has nowhere else to look for it, and
//! where anything stands in scope whose columns we can't know, nothing is recorded.

use sqlparser::ast::{Expr, Ident, JoinConstraint, JoinOperator, Select, SelectItem};

use super::super::limits::IN_SIGHT;
use super::parse::Places;
use super::qualifiers::is_named;
use super::scopes::Scopes;
use super::{ColumnUse, SqlName, keywords, names};

/// The columns in the select list, WHERE and ON of the innermost SELECT. Other clauses may mean aliases.
pub(super) fn of_select(select: &Select, scopes: &Scopes<'_>, places: &Places) -> Vec<ColumnUse> {
    let Some(scope) = plain_reads(scopes) else { return Vec::new() };
    let items = select.projection.iter().filter_map(|item| match item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => Some(expr),
        _ => None,
    });
    let joins = select.from.iter().flat_map(|tree| &tree.joins);
    let conditions = joins.filter_map(|join| condition(&join.join_operator));
    let names = items.chain(&select.selection).chain(conditions).flat_map(names::of);
    names
        .filter_map(|name| match name.as_slice() {
            [column] => unqualified(column, &scope, scopes, places),
            [qualifier, column] => qualified(qualifier, column, &scope, scopes, places),
            _ => None,
        })
        .collect()
}

/// All tables in scope; `None` if anything else is.
fn plain_reads(scopes: &Scopes<'_>) -> Option<Vec<usize>> {
    let reads = scopes.visible().map(|relation| relation.read.filter(|_| relation.plain));
    let mut reads = reads.take(IN_SIGHT + 1).collect::<Option<Vec<usize>>>()?;
    reads.sort_unstable();
    (reads.len() <= IN_SIGHT).then_some(reads)
}

fn unqualified(column: &Ident, scope: &[usize], scopes: &Scopes<'_>, places: &Places) -> Option<ColumnUse> {
    let name = SqlName::new(&column.value);
    // An alias of a select list, or a whole row.
    let means_else =
        scopes.inside_out().any(|scope| scope.aliases.contains(&name) || scope.named(&name).next().is_some());
    if means_else || scope.is_empty() || keywords::is_bare_function(&column.value) {
        return None;
    }
    Some(ColumnUse {
        column: column.value.clone(),
        span: places.span(column.span)?,
        candidates: scope.to_vec(),
        qualifier: None,
        scope: scope.to_vec(),
    })
}

fn qualified(
    qualifier: &Ident,
    column: &Ident,
    scope: &[usize],
    scopes: &Scopes<'_>,
    places: &Places,
) -> Option<ColumnUse> {
    let name = SqlName::new(&qualifier.value);
    // `alias.x` is the select list's x; every table has a rowid.
    if name == SqlName::new("alias") || keywords::is_bare_function(&column.value) {
        return None;
    }
    // Where the innermost relation of this name lacks the column, DuckDB goes on to the next.
    let named = scopes.inside_out().flat_map(|scope| scope.named(&name));
    let candidates: Vec<usize> = named.filter_map(|relation| relation.read).collect();
    // `raw.orders` is a whole row where raw.orders is read.
    let parts = [qualifier.value.clone(), column.value.clone()];
    let mut reads = scope.iter().filter_map(|index| scopes.read(*index));
    if candidates.is_empty() || reads.any(|read| is_named(read, &parts)) {
        return None;
    }
    Some(ColumnUse {
        column: column.value.clone(),
        span: places.span(column.span)?,
        candidates,
        qualifier: Some(qualifier.value.clone()),
        scope: scope.to_vec(),
    })
}

/// What stands behind ON.
pub(super) fn condition(operator: &JoinOperator) -> Option<&Expr> {
    match operator {
        JoinOperator::Join(constraint)
        | JoinOperator::Inner(constraint)
        | JoinOperator::Left(constraint)
        | JoinOperator::LeftOuter(constraint)
        | JoinOperator::Right(constraint)
        | JoinOperator::RightOuter(constraint)
        | JoinOperator::FullOuter(constraint)
        | JoinOperator::Semi(constraint)
        | JoinOperator::Anti(constraint) => match constraint {
            JoinConstraint::On(condition) => Some(condition),
            _ => None,
        },
        _ => None,
    }
}
