//! Whether a query gives the same rows each time, of the same tables: nothing in it depends on the clock, on chance, or on an
//! order that nobody asked for. It may be a query whose lineage is not understood.

use std::ops::ControlFlow;

use sqlparser::ast::{Distinct, Expr, LimitClause, Query, SetExpr, TableFactor, Visit, Visitor};

use super::{functions, keywords, policy, relation};

/// Whether all of a query is known to be so.
pub(super) fn is_repeatable(query: &Query) -> bool {
    query.visit(&mut Search).is_continue()
}

/// Stops at what may come out differently.
struct Search;

fn go_on_if(holds: bool) -> ControlFlow<()> {
    if holds { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
}

impl Visitor for Search {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let takes_some = query.limit_clause.is_some() || query.fetch.is_some() || takes_first(&query.body);
        let is_strange = matches!(&query.limit_clause, Some(LimitClause::OffsetCommaLimit { .. }));
        go_on_if(!is_strange && (!takes_some || query.order_by.is_some()))
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        go_on_if(match expr {
            // a star, or a choice of columns by their names
            Expr::Function(function) if functions::name_of(function) == "columns" => true,
            Expr::Function(function) => functions::is_repeatable(function) == Some(true),
            Expr::Identifier(ident) => ident.quote_style.is_some() || !keywords::is_bare_function(&ident.value),
            _ => true,
        })
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        go_on_if(match factor {
            TableFactor::Table { args: None, sample: None, .. } => true,
            TableFactor::Table { name, sample: None, .. } => gives_rows(&relation::parts(name)),
            TableFactor::Function { name, .. } => gives_rows(&relation::parts(name)),
            TableFactor::Derived { sample: None, .. } => true,
            TableFactor::UNNEST { .. } | TableFactor::NestedJoin { .. } => true,
            TableFactor::Pivot { .. } | TableFactor::Unpivot { .. } => true,
            _ => false,
        })
    }
}

/// Whether a function in FROM gives the same rows each time.
fn gives_rows(parts: &[String]) -> bool {
    let [name] = parts else { return false };
    let name = name.to_ascii_lowercase();
    matches!(name.as_str(), "range" | "generate_series" | "unnest") || policy::reads_files(&name)
}

/// Whether a query takes the first row of some.
fn takes_first(body: &SetExpr) -> bool {
    match body {
        SetExpr::Select(select) => matches!(select.distinct, Some(Distinct::On(_))) || select.top.is_some(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::analyse;

    #[test]
    fn a_query_gives_the_same_rows_or_may_give_others() {
        for text in [
            "SELECT a, sum(b) FROM t GROUP BY ALL",
            "SELECT COLUMNS('a|b') FROM t",
            "SELECT t FROM t",
            "SELECT * FROM t ORDER BY a LIMIT 3",
            "SELECT row_number() OVER (ORDER BY a) FROM t",
            "SELECT list(a ORDER BY a) FROM range(3) r(a)",
            "WITH s AS (FROM t) SELECT DISTINCT ON (a) * FROM s ORDER BY a, b",
            "SELECT \"current_date\" FROM t",
        ] {
            assert!(analyse(text).repeatable, "{text}");
        }
        for text in [
            "SELECT random() FROM t",
            "SELECT current_date FROM t",
            "SELECT a FROM t LIMIT 3",
            "SELECT a FROM (SELECT a FROM t LIMIT 3) ORDER BY a",
            "SELECT first(a) FROM t",
            "SELECT row_number() OVER () FROM t",
            "SELECT DISTINCT ON (a) * FROM t",
            "SELECT * FROM t USING SAMPLE 3",
            "SELECT * FROM t TABLESAMPLE 10%",
            "SELECT my_macro(a) FROM t",
            "SELECT * FROM duckdb_tables()",
            "SELECT a FROM t WHERE EXISTS (SELECT 1 FROM t WHERE now() > b)",
        ] {
            assert!(!analyse(text).repeatable, "{text}");
        }
    }
}
