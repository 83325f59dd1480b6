//! The types of a query's columns, where its text says them by a cast: `x::INT AS x`, through CTEs and subqueries.

use sqlparser::ast::{self, Expr, Select, SelectItem, SetExpr, TableFactor};

use super::outputs::implied_name;
use super::parse::parse;
use super::{lex, relation};

/// A column and its type.
type Typed = (String, String);

/// The columns of which a query's text says the type. `of_table` gives those of a table that is read.
pub fn typed_columns(text: &str, of_table: &dyn Fn(&[String]) -> Vec<Typed>) -> Vec<Typed> {
    let parsed = lex(text).and_then(|lexemes| parse(text, &lexemes));
    parsed.map(|parsed| Finder { of_table }.query(&parsed.query, &[])).unwrap_or_default()
}

struct Finder<'a> {
    of_table: &'a dyn Fn(&[String]) -> Vec<Typed>,
}

impl Finder<'_> {
    fn query(&self, query: &ast::Query, outer: &[(String, Vec<Typed>)]) -> Vec<Typed> {
        let mut ctes = outer.to_vec();
        for cte in query.with.iter().flat_map(|with| &with.cte_tables) {
            let columns = if cte.alias.columns.is_empty() { self.query(&cte.query, &ctes) } else { Vec::new() };
            ctes.push((cte.alias.name.value.clone(), columns));
        }
        self.body(&query.body, &ctes)
    }

    fn body(&self, body: &SetExpr, ctes: &[(String, Vec<Typed>)]) -> Vec<Typed> {
        match body {
            SetExpr::Select(select) => self.select(select, ctes),
            SetExpr::Query(query) => self.query(query, ctes),
            // of another type on the other side, the engine finds one for both
            _ => Vec::new(),
        }
    }

    fn select(&self, select: &Select, ctes: &[(String, Vec<Typed>)]) -> Vec<Typed> {
        let relations: Vec<(Option<String>, Vec<Typed>)> = relation::of_select(select)
            .into_iter()
            .map(|factor| (relation::visible_name(factor), self.relation(factor, ctes)))
            .collect();
        // of several relations, a name alone may be any one's
        let alone = match relations.as_slice() {
            [(_, columns)] => columns.as_slice(),
            _ => &[],
        };
        let find = |columns: &[Typed], name: &str| {
            columns.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, kind)| kind.clone())
        };
        let of_expr = |expr: &Expr| match expr {
            Expr::Cast { data_type, .. } => Some(data_type.to_string()),
            Expr::Identifier(name) => find(alone, &name.value),
            Expr::CompoundIdentifier(parts) => match parts.as_slice() {
                [qualifier, name] => {
                    let is_it = |name: &Option<String>| {
                        name.as_ref().is_some_and(|name| name.eq_ignore_ascii_case(&qualifier.value))
                    };
                    find(&relations.iter().find(|(name, _)| is_it(name))?.1, &name.value)
                }
                _ => None,
            },
            _ => None,
        };
        if select.projection.is_empty() {
            return alone.to_vec();
        }
        let mut typed = Vec::new();
        for item in &select.projection {
            match item {
                SelectItem::ExprWithAlias { expr, alias } => {
                    typed.extend(of_expr(expr).map(|kind| (alias.value.clone(), kind)));
                }
                SelectItem::UnnamedExpr(expr) => {
                    let inner = if let Expr::Cast { expr, .. } = expr { expr } else { expr };
                    typed.extend(implied_name(inner).zip(of_expr(expr)));
                }
                SelectItem::Wildcard(options) if options.opt_replace.is_none() && options.opt_rename.is_none() => {
                    typed.extend_from_slice(alone);
                }
                _ => {}
            }
        }
        typed
    }

    fn relation(&self, factor: &TableFactor, ctes: &[(String, Vec<Typed>)]) -> Vec<Typed> {
        if relation::alias(factor).is_some_and(|alias| !alias.columns.is_empty()) {
            return Vec::new();
        }
        match factor {
            TableFactor::Table { name, args: None, .. } => {
                let parts = relation::parts(name);
                let cte = match parts.as_slice() {
                    [name] => ctes.iter().rev().find(|(cte, _)| cte.eq_ignore_ascii_case(name)),
                    _ => None,
                };
                cte.map_or_else(|| (self.of_table)(&parts), |(_, columns)| columns.clone())
            }
            TableFactor::Derived { subquery, .. } => self.query(subquery, ctes),
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn casts_are_found_wherever_they_stand() {
        let of_table = |parts: &[String]| match parts {
            [raw, name] if raw == "raw" && name == "t" => vec![("n".to_owned(), "BIGINT".to_owned())],
            _ => Vec::new(),
        };
        let typed = |text: &str| {
            let typed = typed_columns(text, &of_table).into_iter().map(|(name, kind)| format!("{name} {kind}"));
            typed.collect::<Vec<_>>().join("; ")
        };
        let table = [
            (
                "SELECT x::INT AS x, CAST(y AS DECIMAL(9, 2)) AS z, d::DATE, 1 AS one FROM a",
                "x INT; z DECIMAL(9,2); d DATE",
            ),
            ("WITH f AS (SELECT x::INT AS x FROM a), g AS (SELECT x AS y FROM f) SELECT * FROM g", "y INT"),
            ("SELECT s.x FROM (SELECT x::INT AS x FROM a) AS s JOIN b ON true", "x INT"),
            ("SELECT x FROM (SELECT x::INT AS x FROM a) AS s JOIN b ON true", ""),
            ("SELECT n, n + 1 AS m FROM raw.t", "n BIGINT"),
            ("FROM raw.t", "n BIGINT"),
            ("SELECT * REPLACE (n::INT AS n) FROM raw.t", ""),
            ("SELECT x::INT AS x FROM a UNION ALL SELECT y FROM b", ""),
            ("SELECT (", ""),
        ];
        for (text, expected) in table {
            assert_eq!(typed(text), expected, "{text}");
        }
    }
}
