//! The columns that a query gives, as far as its text proves them.
//!
//! `SELECT *` over a table stays a reference to all of its columns; over a CTE or a subquery it is expanded. DuckDB's
//! generated names are not guessed: one expression without an alias, and nothing is known. Nor is the name that it gives
//! to the second of two columns of one name, once they come out of a subquery.

use std::cell::Cell;
use std::collections::HashMap;
use std::rc::Rc;

use sqlparser::ast::{
    self, ExcludeSelectItem, Expr, JoinConstraint, JoinOperator, ObjectName, Select, SelectFlavor, SelectItem,
    SelectItemQualifiedWildcardKind, SetExpr, SetQuantifier, TableAlias, TableFactor, TableWithJoins,
    WildcardAdditionalOptions,
};

use super::super::limits::WORKED_OUT;
use super::parse::Parsed;
use super::reads::Sources;
use super::{Output, names, relation};

/// Functions that may give more columns than one, whatever their alias.
pub(super) const EXPANDING: &[&str] = &["columns", "unnest", "unlist"];

/// The output columns of a query; `None` when they can't be proven.
pub(super) fn find(parsed: &Parsed, sources: &Sources) -> Option<Vec<Output>> {
    Finder::new(parsed, sources).query(&parsed.query, &[])
}

/// The columns of something that a name refers to; `None` when unknown.
pub(super) type Columns = Option<Vec<Output>>;

/// CTEs in scope, the innermost last.
pub(super) type Ctes = [Rc<(String, Columns)>];

/// A relation of a FROM clause.
pub(super) struct Relation {
    pub(super) name: Option<String>,
    pub(super) columns: Columns,
    /// Whether no two of its columns can have one name: DuckDB renames the second, and EXCLUDE would leave it.
    settled: bool,
    /// Whether `*` leaves its columns out: it is the other side of a SEMI or ANTI join.
    pub(super) hidden: bool,
    /// Columns that USING merged with those of a relation to its left: `*` shows them there.
    pub(super) merged: Vec<String>,
}

impl Relation {
    /// What a star shows of it.
    fn star(&self, options: Option<&WildcardAdditionalOptions>, merged: &[String]) -> Columns {
        let columns = self.columns.clone()?;
        let mut excluded = options.map_or(Some(Vec::new()), excluded)?;
        excluded.extend_from_slice(merged);
        if excluded.is_empty() {
            return Some(columns);
        }
        let shown = columns.into_iter().filter_map(|column| match column {
            Output::Column(name) if excluded.iter().any(|other| other.eq_ignore_ascii_case(&name)) => None,
            Output::All { read, mut except } => {
                except.extend(excluded.iter().cloned());
                Some(Output::All { read, except })
            }
            column => Some(column),
        });
        self.settled.then(|| shown.collect())
    }
}

pub(super) struct Finder<'a> {
    pub(super) parsed: &'a Parsed,
    pub(super) sources: &'a Sources,
    /// How many columns were worked out: stars over stars double them.
    worked_out: Cell<usize>,
}

impl<'a> Finder<'a> {
    pub(super) fn new(parsed: &'a Parsed, sources: &'a Sources) -> Self {
        Self { parsed, sources, worked_out: Cell::new(0) }
    }

    /// The columns, unless there were too many by now.
    fn counted(&self, columns: Vec<Output>) -> Columns {
        self.worked_out.set(self.worked_out.get() + columns.len());
        (self.worked_out.get() <= WORKED_OUT).then_some(columns)
    }

    /// The name of a column without an alias.
    fn name(&self, expr: &Expr) -> Option<String> {
        let labelled = || cast_name(expr).filter(|name| self.parsed.labels.contains(&name.to_ascii_lowercase()));
        implied_name(expr).or_else(labelled)
    }

    pub(super) fn query(&self, query: &ast::Query, outer: &Ctes) -> Columns {
        if !query.pipe_operators.is_empty() {
            return None;
        }
        let ctes = self.ctes(query, outer, &mut |_, _| ());
        self.body(&query.body, &ctes)
    }

    /// The CTEs that a query's body sees; `each` gets every one's query, with those that it sees.
    pub(super) fn ctes(
        &self,
        query: &ast::Query,
        outer: &Ctes,
        each: &mut dyn FnMut(&ast::Query, &Ctes),
    ) -> Vec<Rc<(String, Columns)>> {
        let mut ctes = outer.to_vec();
        let Some(with) = &query.with else { return ctes };
        for cte in &with.cte_tables {
            let name = cte.alias.name.value.to_ascii_lowercase();
            let mut inside = ctes.clone();
            if with.recursive {
                inside.push(Rc::new((name.clone(), None)));
            }
            each(&cte.query, &inside);
            let columns = self.query(&cte.query, &inside);
            ctes.push(Rc::new((name, rename(columns, &cte.alias))));
        }
        ctes
    }

    fn body(&self, body: &SetExpr, ctes: &Ctes) -> Columns {
        match body {
            SetExpr::Select(select) => self.select(select, ctes),
            SetExpr::Query(query) => self.query(query, ctes),
            SetExpr::SetOperation { left, set_quantifier, .. } => match set_quantifier {
                SetQuantifier::ByName | SetQuantifier::AllByName | SetQuantifier::DistinctByName => None,
                SetQuantifier::All | SetQuantifier::Distinct | SetQuantifier::None => self.body(left, ctes),
            },
            _ => None,
        }
    }

    fn select(&self, select: &Select, ctes: &Ctes) -> Columns {
        let from = From::of(self, select, ctes);
        if select.flavor == SelectFlavor::FromFirstNoSelect {
            return from.all(None);
        }
        let mut columns = Vec::new();
        for item in &select.projection {
            match item {
                SelectItem::UnnamedExpr(expr) => columns.push(Output::Column(self.name(expr)?)),
                SelectItem::ExprWithAlias { expr, .. } if names::calls(expr, EXPANDING) => return None,
                SelectItem::ExprWithAlias { alias, .. } => columns.push(Output::Column(alias.value.clone())),
                SelectItem::ExprWithAliases { .. } => return None,
                SelectItem::Wildcard(options) => columns.extend(self.counted(from.all(Some(options))?)?),
                SelectItem::QualifiedWildcard(kind, options) => {
                    columns.extend(self.counted(from.all_of(kind, options)?)?);
                }
            }
        }
        self.counted(columns)
    }

    fn relation(&self, factor: &TableFactor, ctes: &Ctes) -> Relation {
        let columns = match factor {
            TableFactor::Table { name, args: None, .. } => match self.sources.read_of(factor) {
                Some(read) => Some(vec![Output::All { read, except: Vec::new() }]),
                None => {
                    find_cte(name, ctes).and_then(|columns| self.counted(columns)).filter(|columns| !repeat(columns))
                }
            },
            TableFactor::Derived { subquery, .. } => self.query(subquery, ctes).filter(|columns| !repeat(columns)),
            _ => None,
        };
        let columns = match relation::alias(factor) {
            Some(alias) => rename(columns, alias),
            None => columns,
        };
        let known = |columns: &Vec<Output>| columns.iter().all(|column| matches!(column, Output::Column(_)));
        let settled = self.sources.read_of(factor).is_some() || columns.as_ref().is_some_and(known);
        let name = relation::visible_name(factor);
        Relation { name, columns, settled, hidden: false, merged: Vec::new() }
    }
}

/// The relations of one SELECT, in the order of the text.
pub(super) struct From {
    pub(super) relations: Vec<Relation>,
    /// A join that merges columns of which we don't know the names, or one we don't know.
    pub(super) murky: bool,
}

impl From {
    pub(super) fn of(finder: &Finder<'_>, select: &Select, ctes: &Ctes) -> Self {
        let mut from = Self { relations: Vec::new(), murky: false };
        for tree in &select.from {
            from.tree(finder, tree, ctes);
        }
        from
    }

    fn tree(&mut self, finder: &Finder<'_>, tree: &TableWithJoins, ctes: &Ctes) {
        self.factor(finder, &tree.relation, ctes);
        for join in &tree.joins {
            let right = self.relations.len();
            self.factor(finder, &join.relation, ctes);
            self.join(&join.join_operator, right);
        }
    }

    fn factor(&mut self, finder: &Finder<'_>, factor: &TableFactor, ctes: &Ctes) {
        match factor {
            TableFactor::NestedJoin { table_with_joins, alias: None } => self.tree(finder, table_with_joins, ctes),
            other => self.relations.push(finder.relation(other, ctes)),
        }
    }

    /// Takes note of what a join does to its right side: the relations from `right` on.
    fn join(&mut self, operator: &JoinOperator, right: usize) {
        let (constraint, semi) = match operator {
            JoinOperator::Join(constraint)
            | JoinOperator::Inner(constraint)
            | JoinOperator::Left(constraint)
            | JoinOperator::LeftOuter(constraint)
            | JoinOperator::Right(constraint)
            | JoinOperator::RightOuter(constraint)
            | JoinOperator::FullOuter(constraint)
            | JoinOperator::CrossJoin(constraint) => (constraint, false),
            JoinOperator::Semi(constraint) | JoinOperator::Anti(constraint) => (constraint, true),
            _ => {
                self.murky = true;
                return;
            }
        };
        let using: Vec<String> = match constraint {
            JoinConstraint::Using(names) => names.iter().filter_map(|name| relation::parts(name).pop()).collect(),
            _ => Vec::new(),
        };
        self.murky |= matches!(constraint, JoinConstraint::Natural) && !semi;
        for relation in self.relations.iter_mut().skip(right) {
            relation.hidden |= semi;
            relation.merged.extend_from_slice(&using);
        }
    }

    /// What `*` stands for.
    pub(super) fn all(&self, options: Option<&WildcardAdditionalOptions>) -> Columns {
        if self.murky || self.relations.is_empty() {
            return None;
        }
        let shown = self.relations.iter().filter(|relation| !relation.hidden);
        let columns: Option<Vec<Vec<Output>>> =
            shown.map(|relation| relation.star(options, &relation.merged)).collect();
        columns.map(|columns| columns.concat())
    }

    /// What `name.*` stands for.
    pub(super) fn all_of(
        &self,
        kind: &SelectItemQualifiedWildcardKind,
        options: &WildcardAdditionalOptions,
    ) -> Columns {
        let SelectItemQualifiedWildcardKind::ObjectName(name) = kind else { return None };
        let parts = relation::parts(name);
        let [name] = parts.as_slice() else { return None };
        let named = |relation: &&Relation| relation.name.as_ref().is_some_and(|other| other.eq_ignore_ascii_case(name));
        let mut found = self.relations.iter().filter(named);
        match (found.next(), found.next()) {
            (Some(relation), None) => relation.star(Some(options), &[]),
            _ => None,
        }
    }
}

fn find_cte(name: &ObjectName, ctes: &Ctes) -> Columns {
    let parts = relation::parts(name);
    let [name] = parts.as_slice() else { return None };
    let found = ctes.iter().rev().find(|cte| cte.0.eq_ignore_ascii_case(name))?;
    found.1.clone()
}

/// Whether two columns surely have one name.
fn repeat(columns: &[Output]) -> bool {
    repeated(columns).is_some()
}

/// Two columns that have one name, as DuckDB compares names.
pub(super) fn repeated(columns: &[Output]) -> Option<(String, String)> {
    let mut seen: HashMap<String, &String> = HashMap::new();
    columns.iter().find_map(|column| match column {
        Output::Column(name) => seen.insert(name.to_ascii_lowercase(), name).map(|first| (first.clone(), name.clone())),
        Output::All { .. } => None,
    })
}

/// The name that a cast of a column gets, if it is a cast of one.
fn cast_name(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Cast { expr, .. } => implied_name(expr).or_else(|| cast_name(expr)),
        _ => None,
    }
}

/// The name of a column without an alias: a cast is called like what it casts.
pub(super) fn own_name(expr: &Expr) -> Option<String> {
    implied_name(expr).or_else(|| cast_name(expr))
}

/// The name that DuckDB gives a column without an alias, for the expressions where it is the column's own.
pub(super) fn implied_name(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Identifier(ident) => Some(ident.value.clone()),
        Expr::CompoundIdentifier(idents) => idents.last().map(|ident| ident.value.clone()),
        Expr::Nested(inner) => implied_name(inner),
        _ => None,
    }
}

/// Columns renamed by `AS name(a, b)`: the first ones, so only where each of them is known.
fn rename(columns: Columns, alias: &TableAlias) -> Columns {
    let mut columns = columns?;
    for (index, new) in alias.columns.iter().enumerate() {
        match columns.get_mut(index) {
            Some(Output::Column(name)) => name.clone_from(&new.name.value),
            _ => return None,
        }
    }
    Some(columns)
}

/// The names of `* EXCLUDE (…)`; `None` where a star does more than leave out or replace columns, which keeps their
/// names.
fn excluded(options: &WildcardAdditionalOptions) -> Option<Vec<String>> {
    let WildcardAdditionalOptions { opt_ilike, opt_exclude, opt_except, opt_replace, opt_rename, opt_alias, .. } =
        options;
    if opt_ilike.is_some() || opt_except.is_some() || opt_rename.is_some() || opt_alias.is_some() {
        return None;
    }
    if opt_replace.iter().flat_map(|replace| &replace.items).any(|item| names::calls(&item.expr, EXPANDING)) {
        return None;
    }
    let names: Vec<&ObjectName> = match opt_exclude {
        None => Vec::new(),
        Some(ExcludeSelectItem::Single(name)) => vec![name],
        Some(ExcludeSelectItem::Multiple(names)) => names.iter().collect(),
    };
    // `EXCLUDE (t.a)` isn't followed.
    names.into_iter().map(|name| <[String; 1]>::try_from(relation::parts(name)).ok().map(|[name]| name)).collect()
}
