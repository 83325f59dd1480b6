//! Queries: CTEs, and what each clause of a SELECT does to rows and columns.

use std::rc::Rc;

use sqlparser::ast::{
    self, Distinct, Expr, GroupByExpr, LimitClause, OrderBy, OrderByKind, Select, SelectFlavor, SelectItem,
    SelectItemQualifiedWildcardKind, SetExpr, TableFactor, Value,
};

use super::super::outputs;
use super::expression::{Calls, calls};
use super::from::rename;
use super::origin::{Node, Traced};
use super::scope::{Column, Relation, Scope, within};
use super::set_operations::combined;
use super::stars::{matching, pattern, shown, shown_of};
use super::{Told, Unknown, Walk};

/// CTEs in scope, each with its name in lower case, the innermost last.
pub(super) type Ctes = [Rc<(String, Relation)>];

/// A column of a SELECT.
struct Item {
    column: Column,
    calls: Calls,
}

impl Walk<'_> {
    /// What decides what a query gives.
    pub(super) fn query(&mut self, query: &ast::Query, outer_ctes: &Ctes, outer: &[&Scope]) -> Told<Relation> {
        let is_foreign = query.fetch.is_some()
            || !query.locks.is_empty()
            || query.for_clause.is_some()
            || query.settings.is_some()
            || query.format_clause.is_some()
            || !query.pipe_operators.is_empty();
        if is_foreign {
            return Err(Unknown("a clause of another engine's"));
        }
        let mut ctes = outer_ctes.to_vec();
        for cte in query.with.iter().flat_map(|with| &with.cte_tables) {
            let is_recursive = query.with.as_ref().is_some_and(|with| with.recursive);
            let relation = match is_recursive {
                true => self.recursive(cte, &ctes, outer)?,
                false => {
                    let mut relation = self.query(&cte.query, &ctes, outer)?;
                    rename(&mut relation, &cte.alias)?;
                    relation
                }
            };
            ctes.push(Rc::new((cte.alias.name.value.to_ascii_lowercase(), self.settled(relation)?)));
        }
        let mut relation = self.body(&query.body, &ctes, outer, query.order_by.as_ref())?;
        if let Some(limit) = &query.limit_clause {
            if matches!(limit, LimitClause::LimitOffset { limit_by, .. } if !limit_by.is_empty()) {
                return Err(Unknown("a clause of another engine's"));
            }
            let limit = self.part(limit.clone(), outer, &ctes)?;
            relation.rows = Traced::of("limit", [&relation.rows, &limit]);
            if query.order_by.is_none() {
                relation.rows = Traced::unstable(&relation.rows);
            }
        }
        Ok(relation)
    }

    pub(super) fn body(
        &mut self,
        body: &SetExpr,
        ctes: &Ctes,
        outer: &[&Scope],
        order: Option<&OrderBy>,
    ) -> Told<Relation> {
        let mut relation = match body {
            SetExpr::Select(select) => return self.select(select, ctes, outer, order),
            SetExpr::Query(query) => self.query(query, ctes, outer)?,
            SetExpr::Values(values) => self.values(values, ctes, outer)?,
            SetExpr::SetOperation { op, set_quantifier, left, right } => {
                let left = self.body(left, ctes, outer, None)?;
                let right = self.body(right, ctes, outer, None)?;
                combined((*op, *set_quantifier), left, right)?
            }
            _ => return Err(Unknown("a query of another form")),
        };
        if let Some(order) = order {
            let columns: Vec<Node> = relation.columns.iter().map(|column| column.origin.clone()).collect();
            let scope = Scope { relations: vec![relation.clone()], ..Scope::default() };
            relation.rows = self.ordered(&relation.rows, order, &columns, &within(outer, &scope), ctes)?;
        }
        Ok(relation)
    }

    fn ordered(
        &mut self,
        rows: &Node,
        order: &OrderBy,
        columns: &[Node],
        scopes: &[&Scope],
        ctes: &Ctes,
    ) -> Told<Node> {
        if order.interpolate.is_some() {
            return Err(Unknown("a clause of another engine's"));
        }
        match &order.kind {
            OrderByKind::All(options) => {
                let options = Traced::constant("order", format!("{options}").as_bytes());
                Ok(Traced::of("order by all", [rows, &options].into_iter().chain(columns)))
            }
            OrderByKind::Expressions(all) => {
                let mut keys = Vec::new();
                for by in all {
                    if by.with_fill.is_some() {
                        return Err(Unknown("a clause of another engine's"));
                    }
                    let node = self.column_or_expression(&by.expr, columns, scopes, ctes)?;
                    if calls(&by.expr).windows {
                        return Err(Unknown("a window in ORDER BY"));
                    }
                    keys.push(node);
                    keys.push(Traced::constant("order", format!("{}", by.options).as_bytes()));
                }
                Ok(Traced::of("order by", [rows].into_iter().chain(&keys)))
            }
        }
    }

    /// An expression, or the column that a number stands for.
    fn column_or_expression(&mut self, expr: &Expr, columns: &[Node], scopes: &[&Scope], ctes: &Ctes) -> Told<Node> {
        if let Expr::Nested(inner) = expr {
            return self.column_or_expression(inner, columns, scopes, ctes);
        }
        let Expr::Value(value) = expr else { return self.expression(expr, scopes, ctes) };
        let Value::Number(number, _) = &value.value else { return self.expression(expr, scopes, ctes) };
        let index = number.to_string().parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        index.and_then(|index| columns.get(index)).cloned().ok_or(Unknown("a number that stands for no column"))
    }

    fn select(&mut self, select: &Select, ctes: &Ctes, outer: &[&Scope], order: Option<&OrderBy>) -> Told<Relation> {
        if is_foreign(select) {
            return Err(Unknown("a clause of another engine's"));
        }
        let mut scope = Scope { is_alone: stands_alone(select), ..Scope::default() };
        let mut rows = Traced::constant("one row", &[]);
        for (index, tree) in select.from.iter().enumerate() {
            let of_tree = self.tree(tree, &mut scope, ctes, outer)?;
            // what stands alone adds nothing of its own
            rows = if index == 0 { of_tree } else { Traced::of("cross", [&rows, &of_tree]) };
        }
        // whatever uses a named window, in whichever clause: all readers depend on the rows
        if !select.named_window.is_empty() {
            let windows = self.part(select.named_window.clone(), &within(outer, &scope), ctes)?;
            rows = Traced::of("window", [&rows, &windows]);
        }
        let mut items = self.items(select, &mut scope, ctes, outer)?;
        let scopes = within(outer, &scope);
        if let Some(condition) = &select.selection {
            rows = Traced::of("where", [&rows, &self.expression(condition, &scopes, ctes)?]);
        }
        rows = self.grouped(select, rows, &items, &scopes, ctes)?;
        let deciding = items.iter().filter(|item| item.calls.multiplies || item.calls.aggregates_within);
        let deciding: Vec<&Node> = deciding.map(|item| &item.column.origin).collect();
        if !deciding.is_empty() {
            rows = Traced::of("rows of", [&rows].into_iter().chain(deciding));
        }
        // a window sees the rows that there are here, which is more than are left in the end; and so do columns made of its own
        if items.iter().any(|item| item.calls.windows) {
            items.iter_mut().for_each(|item| item.column.origin = Traced::over(&rows, &item.column.origin));
        }
        if let Some(condition) = &select.qualify {
            let condition = self.expression(condition, &scopes, ctes)?;
            rows = Traced::of("qualify", [&rows, &condition]);
        }
        let columns: Vec<Node> = items.iter().map(|item| item.column.origin.clone()).collect();
        match &select.distinct {
            None | Some(Distinct::All) => {}
            Some(Distinct::Distinct) => rows = Traced::of("distinct", [&rows].into_iter().chain(&columns)),
            Some(Distinct::On(all)) => {
                if all.iter().any(|by| calls(by).windows) {
                    return Err(Unknown("a window in DISTINCT ON"));
                }
                let key = |by| self.column_or_expression(by, &columns, &scopes, ctes);
                let keys = all.iter().map(key).collect::<Told<Vec<Node>>>()?;
                rows = Traced::of("distinct on", [&rows].into_iter().chain(&keys));
                if order.is_none() {
                    rows = Traced::unstable(&rows);
                }
            }
        }
        if let Some(order) = order {
            rows = self.ordered(&rows, order, &columns, &scopes, ctes)?;
        }
        Ok(Relation::new(items.into_iter().map(|item| item.column).collect(), rows))
    }

    /// What GROUP BY and aggregates do to rows.
    fn grouped(
        &mut self,
        select: &Select,
        mut rows: Node,
        items: &[Item],
        scopes: &[&Scope],
        ctes: &Ctes,
    ) -> Told<Node> {
        let columns: Vec<Node> = items.iter().map(|item| item.column.origin.clone()).collect();
        match &select.group_by {
            GroupByExpr::All(modifiers) if modifiers.is_empty() => {
                let keys = items.iter().filter(|item| !item.calls.aggregates).map(|item| &item.column.origin);
                rows = Traced::of("group by all", [&rows].into_iter().chain(keys));
            }
            GroupByExpr::Expressions(keys, modifiers) if modifiers.is_empty() => {
                let node = |key| self.column_or_expression(key, &columns, scopes, ctes);
                let nodes = keys.iter().map(node).collect::<Told<Vec<Node>>>()?;
                if !nodes.is_empty() {
                    rows = Traced::of("group by", [&rows].into_iter().chain(&nodes));
                }
                let in_having = || select.having.as_ref().is_some_and(|having| calls(having).aggregates);
                if keys.is_empty() && (items.iter().any(|item| item.calls.aggregates) || in_having()) {
                    rows = Traced::of("aggregate", [&rows]);
                }
            }
            _ => return Err(Unknown("grouping sets")),
        }
        if let Some(condition) = &select.having {
            rows = Traced::of("having", [&rows, &self.expression(condition, scopes, ctes)?]);
        }
        Ok(rows)
    }

    fn items(&mut self, select: &Select, scope: &mut Scope, ctes: &Ctes, outer: &[&Scope]) -> Told<Vec<Item>> {
        let star = |columns: Vec<Column>| columns.into_iter().map(|column| Item { column, calls: Calls::default() });
        if select.flavor == SelectFlavor::FromFirstNoSelect {
            return Ok(star(shown(scope)?).collect());
        }
        let mut items = Vec::new();
        for item in &select.projection {
            match item {
                SelectItem::UnnamedExpr(expr) if let Some(pattern) = pattern(expr) => {
                    items.extend(star(matching(shown(scope)?, pattern)?));
                }
                SelectItem::UnnamedExpr(expr) => {
                    let name = outputs::implied_name(expr).or_else(|| {
                        let name = outputs::own_name(expr)?;
                        self.tree.labels.contains(&name.to_ascii_lowercase()).then_some(name)
                    });
                    items.push(self.item(expr, name, &within(outer, scope), ctes)?);
                }
                SelectItem::ExprWithAlias { expr, alias } => {
                    let name = Some(alias.value.clone());
                    let item = self.item(expr, name, &within(outer, scope), ctes)?;
                    scope.aliases.push((alias.value.to_ascii_lowercase(), item.column.origin.clone()));
                    items.push(item);
                }
                SelectItem::Wildcard(options) => {
                    let columns = self.replaced(shown(scope)?, options, scope, ctes, outer)?;
                    items.extend(star(columns));
                }
                SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), options) => {
                    let columns = self.replaced(shown_of(name, scope)?, options, scope, ctes, outer)?;
                    items.extend(star(columns));
                }
                _ => return Err(Unknown("the fields of a value")),
            }
        }
        self.counted(items.len())?;
        Ok(items)
    }

    fn item(&mut self, expr: &Expr, name: Option<String>, scopes: &[&Scope], ctes: &Ctes) -> Told<Item> {
        let origin = self.expression(expr, scopes, ctes)?;
        Ok(Item { column: Column::new(name, origin), calls: self.calls(expr) })
    }
}

/// Whether a FROM clause has one relation.
fn stands_alone(select: &Select) -> bool {
    let [tree] = select.from.as_slice() else { return false };
    tree.joins.is_empty() && !matches!(tree.relation, TableFactor::NestedJoin { .. })
}

/// Whether a SELECT has clauses that DuckDB hasn't.
fn is_foreign(select: &Select) -> bool {
    select.into.is_some()
        || !select.optimizer_hints.is_empty()
        || select.select_modifiers.is_some()
        || select.top.is_some()
        || select.exclude.is_some()
        || !select.lateral_views.is_empty()
        || select.prewhere.is_some()
        || !select.connect_by.is_empty()
        || !select.cluster_by.is_empty()
        || !select.distribute_by.is_empty()
        || !select.sort_by.is_empty()
        || select.value_table_mode.is_some()
}
