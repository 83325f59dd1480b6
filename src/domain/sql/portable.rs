//! Whether a query of a server's means the same by DuckDB's rules, as far as it goes which column each name is and what decides
//! which rows there are: then its lineage can be told by these rules ([`lineage`](super::Query::lineage)).
//!
//! Both parsers have to give one tree, and nothing may stand in it but what all engines resolve alike. What two builds of one
//! query may make differently on a server (LIMIT, windows with an order, DISTINCT ON) is left out as well: a table that is kept
//! beside another build of its parent would not be that build's.

use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, Distinct, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, GroupByExpr, Ident,
    JoinConstraint, JoinOperator, Query, Select, SelectFlavor, SelectItem, SetExpr, SetQuantifier, TableFactor,
    TableWithJoins, UnaryOperator, Value, Visit, Visitor, WildcardAdditionalOptions, WindowType,
};
use sqlparser::dialect::{DatabricksDialect, Dialect, PostgreSqlDialect};

use super::canonical::{self, Hash};
use super::functions::name_of;
use super::{Lexeme, Token, apply, depth, guard, normalize, parse};
use crate::domain::engine_kind::EngineKind;

/// Functions that every engine has, and that make one value of one row or, the first five, of several rows.
const FUNCTIONS: [&str; 33] = [
    "avg",
    "count",
    "max",
    "min",
    "sum",
    "abs",
    "ceil",
    "ceiling",
    "coalesce",
    "concat",
    "date_part",
    "date_trunc",
    "exp",
    "floor",
    "greatest",
    "least",
    "left",
    "length",
    "ln",
    "lower",
    "lpad",
    "ltrim",
    "md5",
    "mod",
    "nullif",
    "power",
    "replace",
    "right",
    "round",
    "rpad",
    "rtrim",
    "sqrt",
    "upper",
];

/// The bytes of a name that all engines keep.
const LONGEST_NAME: usize = 63;

/// Names that are calls without parentheses, or columns of the server's own.
const CALLS: [&str; 13] = [
    "user",
    "current_user",
    "session_user",
    "current_role",
    "current_catalog",
    "current_database",
    "current_schema",
    "current_date",
    "current_time",
    "current_timestamp",
    "localtime",
    "localtimestamp",
    "now",
];

/// The hash of the tree of the query in a text, if it is such a one: letter case counts in texts alone.
pub(super) fn canonical(engine: EngineKind, text: &str, lexemes: &[Lexeme]) -> Option<Hash> {
    let dialect: &(dyn Dialect + Sync) = match engine {
        EngineKind::DuckDb => return None,
        EngineKind::Postgres => &PostgreSqlDialect {},
        EngineKind::Spark => &DatabricksDialect {},
    };
    // in quotes, letter case counts to some; and PostgreSQL cuts long names
    let is_odd = |text: &str, quoted: bool| quoted && !is_lower_case(text) || text.len() > LONGEST_NAME;
    if lexemes.iter().any(|lexeme| matches!(&lexeme.token, Token::Word { text, quoted } if is_odd(text, *quoted))) {
        return None;
    }
    let text = &in_lower_case(text, lexemes);
    depth::with_stack(lexemes, || {
        let mut one = parse::parse(text, lexemes).ok()?;
        let other = parse::parse_in(dialect, text, lexemes).ok()?;
        let mut look = Look { engine, has_star: false, has_using: false, within: 0 };
        let is_portable = one.query == other.query
            && guard::doubt(lexemes, &one).is_none()
            && names_its_columns(&one.query)
            && one.query.visit(&mut look).is_continue()
            // where the columns of USING stand in a star differs
            && !(look.has_star && look.has_using);
        if !is_portable {
            return None;
        }
        normalize::normalize(&mut one.query);
        canonical::of_tree(&one.query)
    })?
}

/// The same text with its words in lower case.
fn in_lower_case(text: &str, lexemes: &[Lexeme]) -> String {
    let words = lexemes.iter().filter(|lexeme| matches!(lexeme.token, Token::Word { .. }));
    let lower = |lexeme: &Lexeme| Some((lexeme.span.clone(), text.get(lexeme.span.clone())?.to_ascii_lowercase()));
    apply(text, words.filter_map(lower).collect())
}

/// Whether each column has a name that stands in the text.
fn names_its_columns(query: &Query) -> bool {
    fn is_named(body: &SetExpr) -> bool {
        match body {
            SetExpr::Select(select) => select.projection.iter().all(|item| match item {
                SelectItem::UnnamedExpr(expr) => matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_)),
                _ => true,
            }),
            SetExpr::Query(query) => names_its_columns(query),
            SetExpr::SetOperation { left, right, .. } => is_named(left) && is_named(right),
            _ => false,
        }
    }
    is_named(&query.body)
}

/// A walk that stops at what is not portable.
struct Look {
    engine: EngineKind,
    has_star: bool,
    has_using: bool,
    /// In how many expressions it is: subqueries there see names of the queries around.
    within: usize,
}

/// Goes on where it holds.
fn so_far(holds: bool) -> ControlFlow<()> {
    if holds { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
}

impl Visitor for Look {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let with = query.with.as_ref();
        let ctes = with.map_or(&[][..], |with| &with.cte_tables);
        // which of the tables beside it a derived table or an ON sees differs, where a name may be that of a table around as well
        if self.within > 0 && !(with.is_none() && reads_one_after_the_other(&query.body)) {
            return ControlFlow::Break(());
        }
        so_far(
            query.limit_clause.is_none()
                && query.fetch.is_none()
                && with.is_none_or(|with| !with.recursive)
                && ctes
                    .iter()
                    .all(|cte| cte.materialized.is_none() && cte.from.is_none() && names_its_columns(&cte.query))
                && self.admits_body(&query.body),
        )
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        so_far(match factor {
            TableFactor::Table { args: None, sample: None, version: None, with_ordinality: false, name, .. } => {
                name.0.iter().all(|part| part.as_ident().is_some())
            }
            TableFactor::Derived { lateral: false, sample: None, subquery, alias } => {
                let names = alias.as_ref().map_or(0, |alias| alias.columns.len());
                names_its_columns(subquery) || values_are_named(subquery, names)
            }
            _ => false,
        })
    }

    fn post_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        self.within -= usize::from(has_subquery(expr));
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        self.within += usize::from(has_subquery(expr));
        so_far(match expr {
            Expr::Identifier(ident) => ident.quote_style.is_some() || !CALLS.contains(&ident.value.as_str()),
            Expr::CompoundIdentifier(idents) => !self.may_call(idents),
            Expr::BinaryOp { op, .. } => is_common(op),
            Expr::UnaryOp { op, .. } => {
                matches!(op, UnaryOperator::Not | UnaryOperator::Minus | UnaryOperator::Plus)
            }
            Expr::Function(function) => is_common_call(function),
            // to PostgreSQL, a text has no type of its own there
            Expr::InSubquery { expr, .. } => !is_constant(expr),
            Expr::Value(_)
            | Expr::TypedString(_)
            | Expr::Nested(_)
            | Expr::Case { .. }
            | Expr::Cast { .. }
            | Expr::Between { .. }
            | Expr::InList { .. }
            | Expr::Exists { .. }
            | Expr::Subquery(_)
            | Expr::Like { .. }
            | Expr::IsNull(_)
            | Expr::IsNotNull(_)
            | Expr::IsTrue(_)
            | Expr::IsNotTrue(_)
            | Expr::IsFalse(_)
            | Expr::IsNotFalse(_)
            | Expr::IsDistinctFrom(..)
            | Expr::IsNotDistinctFrom(..)
            | Expr::Extract { .. }
            | Expr::Ceil { .. }
            | Expr::Floor { .. }
            | Expr::Substring { .. }
            | Expr::Trim { .. } => true,
            _ => false,
        })
    }
}

impl Look {
    fn admits_body(&mut self, body: &SetExpr) -> bool {
        match body {
            SetExpr::Select(select) => self.admits(select),
            // a query within is visited by itself
            SetExpr::Query(_) | SetExpr::Values(_) => true,
            SetExpr::SetOperation { left, right, set_quantifier, .. } => {
                matches!(set_quantifier, SetQuantifier::All | SetQuantifier::Distinct | SetQuantifier::None)
                    && has_types(left)
                    && has_types(right)
                    && self.admits_body(left)
                    && self.admits_body(right)
            }
            _ => false,
        }
    }

    fn admits(&mut self, select: &Select) -> bool {
        let is_common_group = match &select.group_by {
            GroupByExpr::Expressions(_, modifiers) => modifiers.is_empty(),
            GroupByExpr::All(_) => false,
        };
        select.flavor == SelectFlavor::Standard
            && matches!(select.distinct, None | Some(Distinct::Distinct))
            && is_common_group
            && select.qualify.is_none()
            && select.named_window.is_empty()
            && select.lateral_views.is_empty()
            && select.exclude.is_none()
            && select.projection.iter().all(|item| self.admits_item(item))
            && select.from.iter().all(|tree| self.admits_joins(tree))
    }

    fn admits_item(&mut self, item: &SelectItem) -> bool {
        match item {
            SelectItem::UnnamedExpr(_) | SelectItem::ExprWithAlias { .. } => true,
            SelectItem::Wildcard(options) | SelectItem::QualifiedWildcard(_, options) => {
                self.has_star = true;
                is_bare(options)
            }
            SelectItem::ExprWithAliases { .. } => false,
        }
    }

    fn admits_joins(&mut self, tree: &TableWithJoins) -> bool {
        tree.joins.iter().all(|join| match &join.join_operator {
            JoinOperator::Join(constraint)
            | JoinOperator::Inner(constraint)
            | JoinOperator::Left(constraint)
            | JoinOperator::LeftOuter(constraint)
            | JoinOperator::Right(constraint)
            | JoinOperator::RightOuter(constraint)
            | JoinOperator::FullOuter(constraint)
            | JoinOperator::CrossJoin(constraint) => {
                self.has_using |= matches!(constraint, JoinConstraint::Using(_));
                !join.global && !matches!(constraint, JoinConstraint::Natural)
            }
            _ => false,
        })
    }

    /// Whether PostgreSQL may take `t.count` for `count(t)`.
    fn may_call(&self, idents: &[Ident]) -> bool {
        let last = idents.last().map_or("", |ident| ident.value.as_str());
        self.engine == EngineKind::Postgres
            && (FUNCTIONS.contains(&last) || last.ends_with("_agg") || last == "any_value")
    }
}

fn has_subquery(expr: &Expr) -> bool {
    matches!(expr, Expr::Subquery(_) | Expr::Exists { .. } | Expr::InSubquery { .. })
}

/// Whether tables and joins follow each other without a comma, and without a query among them.
fn reads_one_after_the_other(body: &SetExpr) -> bool {
    match body {
        SetExpr::Select(select) => {
            select.from.len() <= 1
                && select.from.iter().all(|tree| {
                    let mut factors =
                        std::iter::once(&tree.relation).chain(tree.joins.iter().map(|join| &join.relation));
                    factors.all(|factor| matches!(factor, TableFactor::Table { .. }))
                })
        }
        SetExpr::SetOperation { left, right, .. } => {
            reads_one_after_the_other(left) && reads_one_after_the_other(right)
        }
        _ => false,
    }
}

/// Whether a side of a set operation gives columns whose types are told there: to PostgreSQL, a text and NULL have none, and
/// take that of the other side.
fn has_types(side: &SetExpr) -> bool {
    match side {
        SetExpr::Select(select) => select.projection.iter().all(|item| match item {
            SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => !is_constant(expr),
            _ => true,
        }),
        // parentheses make no query of its own of it
        SetExpr::Query(query) => has_types(&query.body),
        SetExpr::SetOperation { .. } => true,
        _ => false,
    }
}

fn is_constant(expr: &Expr) -> bool {
    match expr {
        Expr::Nested(inner) => is_constant(inner),
        Expr::Value(value) => !matches!(value.value, Value::Number(..) | Value::Boolean(_)),
        _ => false,
    }
}

/// Whether VALUES get a name for each column.
fn values_are_named(query: &Query, names: usize) -> bool {
    match &*query.body {
        SetExpr::Values(values) => values.rows.iter().all(|row| row.len() == names),
        _ => false,
    }
}

fn is_lower_case(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

fn is_bare(options: &WildcardAdditionalOptions) -> bool {
    let WildcardAdditionalOptions { wildcard_token, .. } = options;
    *options == WildcardAdditionalOptions { wildcard_token: wildcard_token.clone(), ..Default::default() }
}

fn is_common(operator: &BinaryOperator) -> bool {
    use BinaryOperator as Op;
    matches!(
        operator,
        Op::Plus
            | Op::Minus
            | Op::Multiply
            | Op::Divide
            | Op::Modulo
            | Op::StringConcat
            | Op::Gt
            | Op::Lt
            | Op::GtEq
            | Op::LtEq
            | Op::Eq
            | Op::NotEq
            | Op::And
            | Op::Or
    )
}

fn is_common_call(function: &Function) -> bool {
    let is_over_all = match &function.over {
        None => true,
        Some(WindowType::WindowSpec(window)) => {
            window.window_name.is_none() && window.order_by.is_empty() && window.window_frame.is_none()
        }
        Some(WindowType::NamedWindow(_)) => false,
    };
    let FunctionArguments::List(list) = &function.args else { return false };
    let name = name_of(function);
    FUNCTIONS.contains(&name.as_str())
        && is_over_all
        && !function.uses_odbc_syntax
        && function.within_group.is_empty()
        && function.null_treatment.is_none()
        && matches!(function.parameters, FunctionArguments::None)
        && list.clauses.is_empty()
        && list.args.iter().all(|argument| match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(_)) => true,
            FunctionArg::Unnamed(FunctionArgExpr::Wildcard) => name == "count",
            _ => false,
        })
}

#[cfg(test)]
mod tests {
    use super::super::{analyse_for, lex};
    use super::*;

    fn is(engine: EngineKind, text: &str) -> bool {
        lex(text).is_ok_and(|lexemes| canonical(engine, text, &lexemes).is_some())
    }

    #[test]
    fn what_all_resolve_alike_is_portable() {
        for text in [
            "SELECT id, amount * 2 AS twice FROM shop.orders WHERE amount > 0 ORDER BY id",
            "WITH a AS (SELECT id, coalesce(v, 0) AS v FROM x) SELECT a.id, sum(b.v) AS v FROM a JOIN y AS b ON a.id = b.id GROUP BY a.id",
            "SELECT * FROM (VALUES (1, 2), (3, 4)) AS t(id, v)",
            "SELECT id, CASE WHEN v IN (SELECT v FROM y) THEN 1 ELSE 0 END AS known FROM x UNION ALL SELECT id, 2 AS known FROM z",
            "SELECT id, sum(v) OVER (PARTITION BY id) AS v FROM x LEFT JOIN y USING (id)",
            "SELECT id, CAST(day AS DATE) AS day FROM x WHERE EXISTS (SELECT 1 FROM y WHERE y.id = x.id)",
        ] {
            for engine in [EngineKind::Postgres, EngineKind::Spark] {
                assert!(is(engine, text), "{text} on {}", engine.name());
            }
        }
    }

    #[test]
    fn what_engines_see_in_different_ways_is_not() {
        for text in [
            "SELECT count(*) FROM x",
            "SELECT id FROM x LIMIT 3",
            "SELECT DISTINCT ON (id) id, v FROM x",
            "SELECT row_number() OVER (ORDER BY v) AS n FROM x",
            "SELECT * FROM x JOIN y USING (id)",
            "SELECT id FROM x NATURAL JOIN y",
            "SELECT \"Id\" FROM x",
            "SELECT q.n FROM (SELECT count(*) FROM x) AS q",
            "SELECT user AS name FROM x",
            "SELECT random() AS r FROM x",
            "SELECT id FROM x, LATERAL (SELECT v FROM y WHERE y.id = x.id) AS l",
            "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 AS n FROM r WHERE n < 3) SELECT n FROM r",
            "SELECT id FROM x TABLESAMPLE (10 PERCENT)",
            "SELECT a.* FROM x AS a, generate_series(1, 3) AS g",
            "SELECT x.* EXCLUDE (id) FROM x",
            "SELECT id, (SELECT max(q.s) FROM y, (SELECT sum(v) AS s FROM z WHERE k = w) AS q) AS n FROM x",
            "SELECT id, (SELECT max(v) FROM y, z JOIN d ON z.k = w) AS n FROM x",
            "SELECT 'a ' AS a FROM x UNION ALL SELECT b AS a FROM y",
            "(SELECT 'a ' AS a FROM x) UNION ALL SELECT b AS a FROM y",
            "SELECT id FROM x WHERE 'a ' IN (SELECT c FROM y)",
            "SELECT a234567890123456789012345678901234567890123456789012345678901234 AS a FROM x",
        ] {
            for engine in [EngineKind::Postgres, EngineKind::Spark] {
                assert!(!is(engine, text), "{text} on {}", engine.name());
            }
        }
        // a factor too few, and no column `from` of no table
        for engine in [EngineKind::Postgres, EngineKind::Spark] {
            assert!(analyse_for(engine, "SELECT total * FROM orders").reads.is_none(), "{}", engine.name());
        }
        assert!(is(EngineKind::Postgres, "SELECT \"left\".id FROM \"left\" JOIN y ON y.id = \"left\".id"));
        assert!(!is(EngineKind::Postgres, "SELECT x.count AS n FROM x"), "this may be count(x)");
    }
}
