//! What a linter looks at in a query: the select lists that decide its columns, and for each SELECT the tables that its
//! column names are looked up in.
//!
//! Only SELECTs are looked at whose names can mean nothing further out: not those in expressions, nor those to the right
//! of another relation, which may be lateral.

use std::collections::HashSet;

use sqlparser::ast::{
    self, Expr, Ident, Select, SelectFlavor, SelectItem, SetExpr, Spanned, TableFactor, TableWithJoins,
};

use super::super::limits::IN_SIGHT;
use super::outputs::{self, Ctes, EXPANDING, Finder, From, own_name};
use super::parse::{self, Parsed};
use super::qualifiers::is_named;
use super::reads::{self, Sources};
use super::{Form, Lexeme, Output, Query, Span, SqlName, depth, keywords, lex, names, relation, uses};

/// A query as a linter sees it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Survey {
    /// The select lists of its outermost SELECTs: one, or of a set operation each one's.
    pub lists: Vec<Vec<Projection>>,
    /// Its SELECTs, as far as their names can be looked up.
    pub selected: Vec<Selected>,
}

/// One item of a select list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Projection {
    /// Where it stands.
    pub span: Span,
    /// What it gives.
    pub gives: Gives,
}

/// What an item of a select list gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gives {
    /// A column of this name.
    Column(String),
    /// A column that DuckDB has to make a name for.
    Unnamed,
    /// All columns of tables; which, where the text proves it.
    Star(Option<Vec<Output>>),
    /// Columns that can't be told, each with a name: `COLUMNS(…)`, `unnest(…)`.
    Several,
}

/// One SELECT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selected {
    /// The relations of its FROM clause.
    pub tables: Vec<Table>,
    /// The column names in its select list, WHERE and ON that mean columns of these relations, or nothing.
    pub names: Vec<NameUse>,
}

/// A relation, and the columns it has where the text proves them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// The name that qualifies its columns.
    pub name: Option<String>,
    /// Its columns.
    pub columns: Option<Vec<Output>>,
}

/// A column name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameUse {
    /// The column, letter case as written.
    pub column: String,
    /// The table's name or alias in front of it.
    pub qualifier: Option<String>,
    /// Where the column's name stands, without qualifier.
    pub span: Span,
    /// The tables, by index, of which at most one may have the column; none where that can't be told.
    pub at_most_one_of: Vec<usize>,
}

impl Query {
    /// Looks at the query again, given the text that it was analysed from; `None` where its tree can't be believed.
    pub fn survey(&self, text: &str) -> Option<Survey> {
        if self.form != Form::Tree {
            return None;
        }
        let lexemes = lex(text).ok()?;
        depth::with_stack(&lexemes, || survey(text, &lexemes))?
    }
}

fn survey(text: &str, lexemes: &[Lexeme]) -> Option<Survey> {
    let parsed = parse::parse(text, lexemes).ok()?;
    let sources = reads::find(&parsed, lexemes)?;
    let finder = Finder::new(&parsed, &sources);
    let mut walk = Walk { finder: &finder, parsed: &parsed, sources: &sources, lexemes, survey: Survey::default() };
    walk.query(&parsed.query, &[], Place { outermost: true, alone: true });
    Some(walk.survey)
}

/// Where a SELECT stands.
#[derive(Clone, Copy)]
struct Place {
    /// Whether its columns are the query's.
    outermost: bool,
    /// Whether its names can mean nothing further out.
    alone: bool,
}

struct Walk<'a> {
    finder: &'a Finder<'a>,
    parsed: &'a Parsed,
    sources: &'a Sources,
    lexemes: &'a [Lexeme],
    survey: Survey,
}

impl Walk<'_> {
    fn query(&mut self, query: &ast::Query, outer: &Ctes, place: Place) {
        if !query.pipe_operators.is_empty() {
            return;
        }
        let (finder, sources) = (self.finder, self.sources);
        let ctes = finder.ctes(query, outer, &mut |cte, inside| {
            // DuckDB doesn't look at the columns of one that nothing reads
            if !sources.is_unused(cte) {
                self.query(cte, inside, Place { outermost: false, ..place });
            }
        });
        self.body(&query.body, &ctes, place);
    }

    fn body(&mut self, body: &SetExpr, ctes: &Ctes, place: Place) {
        match body {
            SetExpr::Select(select) => self.select(select, ctes, place),
            SetExpr::Query(query) => self.query(query, ctes, place),
            SetExpr::SetOperation { left, right, .. } => {
                self.body(left, ctes, place);
                self.body(right, ctes, place);
            }
            _ => {}
        }
    }

    fn select(&mut self, select: &Select, ctes: &Ctes, place: Place) {
        for (index, factor) in relation::of_select(select).into_iter().enumerate() {
            if let TableFactor::Derived { subquery, .. } = factor {
                self.query(subquery, ctes, Place { outermost: false, alone: place.alone && index == 0 });
            }
        }
        let from = From::of(self.finder, select, ctes);
        if place.outermost {
            let list = self.list(select, &from);
            self.survey.lists.push(list);
        }
        if place.alone && !from.relations.is_empty() {
            let names = self.names(select, &from);
            let table = |relation: outputs::Relation| Table { name: relation.name, columns: relation.columns };
            self.survey.selected.push(Selected { tables: from.relations.into_iter().map(table).collect(), names });
        }
    }

    fn list(&self, select: &Select, from: &From) -> Vec<Projection> {
        if select.flavor == SelectFlavor::FromFirstNoSelect {
            let span = self.parsed.places.span(select.select_token.0.span).unwrap_or_default();
            return vec![Projection { span, gives: Gives::Star(from.all(None)) }];
        }
        let item = |item: &SelectItem| {
            let span = self.parsed.places.span(item.span()).or_else(|| {
                // nodes without a place: the whole SELECT
                self.parsed.places.span(select.select_token.0.span)
            });
            Projection { span: self.closed(span.unwrap_or_default()), gives: gives(item, from) }
        };
        select.projection.iter().map(item).collect()
    }

    /// The span up to where its brackets are closed: sqlparser leaves out the last ones, or what `f(*)` has in them.
    fn closed(&self, span: Span) -> Span {
        let (mut depth, mut end) = (0_i32, span.end);
        let first = self.lexemes.partition_point(|lexeme| lexeme.span.start < span.start);
        for lexeme in self.lexemes.iter().skip(first) {
            let opens = lexeme.is_symbol("(") && lexeme.span.start == end;
            if lexeme.span.start >= span.end && depth <= 0 && !opens {
                break;
            }
            depth += i32::from(["(", "[", "{"].iter().any(|open| lexeme.is_symbol(open)));
            depth -= i32::from([")", "]", "}"].iter().any(|close| lexeme.is_symbol(close)));
            end = lexeme.span.end;
        }
        span.start..end
    }

    fn names(&self, select: &Select, from: &From) -> Vec<NameUse> {
        let aliases = select.projection.iter().filter_map(|item| match item {
            SelectItem::ExprWithAlias { alias, .. } => Some(SqlName::new(&alias.value)),
            _ => None,
        });
        let look = Look { walk: self, from, aliases: aliases.collect(), merged: merged(from) };
        let shown = (0..from.relations.len()).filter(|index| !from.relations[*index].hidden).collect::<Vec<_>>();
        let items = select.projection.iter().filter_map(|item| match item {
            SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => Some(expr),
            _ => None,
        });
        let mut found: Vec<NameUse> =
            items.chain(&select.selection).flat_map(|expr| look.names(expr, &shown)).collect();
        let mut first = 0;
        for tree in &select.from {
            first = self.conditions(tree, first, &look, &mut found);
        }
        found.sort_by_key(|name| name.span.start);
        found
    }

    /// The names in ON, of which those in the order of the text see the relations so far. Gives the index of the first
    /// relation behind this part of FROM.
    fn conditions(&self, tree: &TableWithJoins, first: usize, look: &Look<'_, '_>, found: &mut Vec<NameUse>) -> usize {
        let inner = |factor: &TableFactor, first: usize, found: &mut Vec<NameUse>| match factor {
            TableFactor::NestedJoin { table_with_joins, alias: None } => {
                self.conditions(table_with_joins, first, look, found)
            }
            _ => first + 1,
        };
        let mut next = inner(&tree.relation, first, found);
        for join in &tree.joins {
            let right = next;
            next = inner(&join.relation, right, found);
            if let Some(condition) = uses::condition(&join.join_operator) {
                // the other side of an earlier SEMI join is out of sight
                let visible = (first..next).filter(|index| *index >= right || !look.from.relations[*index].hidden);
                found.extend(look.names(condition, &visible.collect::<Vec<_>>()));
            }
        }
        next
    }
}

/// What is needed to look a name up in one SELECT.
struct Look<'w, 'a> {
    walk: &'w Walk<'a>,
    from: &'w From,
    aliases: HashSet<SqlName>,
    /// Columns that USING merged: they are several tables' and not ambiguous.
    merged: HashSet<SqlName>,
}

impl Look<'_, '_> {
    fn names(&self, expr: &Expr, visible: &[usize]) -> Vec<NameUse> {
        let name = |name: Vec<Ident>| match name.as_slice() {
            [column] => self.unqualified(column, visible),
            [qualifier, column] => self.qualified(qualifier, column),
            _ => None,
        };
        names::of(expr).into_iter().filter_map(name).collect()
    }

    fn is_table(&self, name: &str) -> usize {
        let same = |other: &String| other.eq_ignore_ascii_case(name);
        self.from.relations.iter().filter(|relation| relation.name.as_ref().is_some_and(same)).count()
    }

    fn unqualified(&self, column: &Ident, visible: &[usize]) -> Option<NameUse> {
        let name = SqlName::new(&column.value);
        // an alias of the select list, a whole row, or a function without parentheses
        let means_else = self.aliases.contains(&name) || self.is_table(&column.value) > 0;
        if means_else || keywords::is_bare_function(&column.value) {
            return None;
        }
        let told = !self.from.murky && !self.merged.contains(&name) && visible.len() <= IN_SIGHT;
        Some(NameUse {
            column: column.value.clone(),
            qualifier: None,
            span: self.walk.parsed.places.span(column.span)?,
            at_most_one_of: if told { visible.to_vec() } else { Vec::new() },
        })
    }

    fn qualified(&self, qualifier: &Ident, column: &Ident) -> Option<NameUse> {
        // `alias.x` is the select list's x; `raw.orders` is a whole row where raw.orders is read
        let parts = [qualifier.value.clone(), column.value.clone()];
        let is_row = self.walk.sources.reads.iter().any(|read| is_named(read, &parts));
        let is_alias = qualifier.value.eq_ignore_ascii_case("alias");
        if is_alias || is_row || self.is_table(&qualifier.value) != 1 || keywords::is_bare_function(&column.value) {
            return None;
        }
        Some(NameUse {
            column: column.value.clone(),
            qualifier: Some(qualifier.value.clone()),
            span: self.walk.parsed.places.span(column.span)?,
            at_most_one_of: Vec::new(),
        })
    }
}

fn merged(from: &From) -> HashSet<SqlName> {
    from.relations.iter().flat_map(|relation| &relation.merged).map(|name| SqlName::new(name)).collect()
}

fn gives(item: &SelectItem, from: &From) -> Gives {
    match item {
        SelectItem::Wildcard(options) => Gives::Star(from.all(Some(options))),
        SelectItem::QualifiedWildcard(kind, options) => Gives::Star(from.all_of(kind, options)),
        SelectItem::ExprWithAliases { .. } => Gives::Several,
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } if names::calls(expr, EXPANDING) => {
            Gives::Several
        }
        SelectItem::ExprWithAlias { alias, .. } => Gives::Column(alias.value.clone()),
        SelectItem::UnnamedExpr(expr) => own_name(expr).map_or(Gives::Unnamed, Gives::Column),
    }
}
