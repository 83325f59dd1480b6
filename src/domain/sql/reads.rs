//! Which tables a query reads: every relation of its tree that no WITH clause in scope names.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use sqlparser::ast::{
    self, ObjectName, ObjectNamePart, SetExpr, SetOperator, SetQuantifier, TableFactor, Visit, Visitor,
};
use sqlparser::tokenizer::Location;

use super::parse::{Parsed, Places};
use super::relation::{self, address};
use super::{FunctionKind, FunctionRead, Lexeme, Read, Token};

/// The schema by which a recursive CTE with USING KEY reads its own whole result.
const RECURRING: &str = "recurring";

/// What a query takes its rows from.
pub(super) struct Sources {
    /// Tables, in the order of the text.
    pub(super) reads: Vec<Read>,
    /// Which of them share their last part with another relation.
    pub(super) rivals: Vec<bool>,
    /// Functions and files, in the order of the text.
    pub(super) functions: Vec<FunctionRead>,
    /// Which read starts at a place of the text.
    by_start: HashMap<Location, usize>,
    /// The queries of CTEs that nothing reads, by address.
    unused: HashSet<usize>,
}

impl Sources {
    /// Whether this is the query of a CTE that nothing reads: DuckDB doesn't look at its columns.
    pub(super) fn is_unused(&self, query: &ast::Query) -> bool {
        self.unused.contains(&address(query))
    }

    /// The read that this relation is, if it is one.
    pub(super) fn read_of(&self, factor: &TableFactor) -> Option<usize> {
        let TableFactor::Table { name, args: None, .. } = factor else { return None };
        self.by_start.get(&start(name)?).copied()
    }

    /// How many tables are read.
    pub(super) fn count(&self) -> usize {
        self.by_start.len()
    }
}

/// Where a name starts.
fn start(name: &ObjectName) -> Option<Location> {
    name.0.first().and_then(ObjectNamePart::as_ident).map(|ident| ident.span.start)
}

/// Finds them; `None` if there is something that can't be told.
pub(super) fn find(parsed: &Parsed, lexemes: &[Lexeme]) -> Option<Sources> {
    let mut search = Search::new(&parsed.places, lexemes);
    let _ = Visit::visit(parsed.query.as_ref(), &mut search);
    if search.lost {
        return None;
    }
    let unused = search.unused();
    let (mut placed, mut functions, names) = (search.reads, search.functions, search.names);
    placed.sort_by_key(|(start, _)| *start);
    functions.sort_by_key(|function| function.span.start);
    let by_start = placed.iter().enumerate().map(|(index, (start, _))| (*start, index)).collect();
    let reads: Vec<Read> = placed.into_iter().map(|(_, read)| read).collect();
    let rivals = rivals(&reads, &names);
    Some(Sources { reads, rivals, functions, by_start, unused })
}

/// Which reads have a last part that names another relation of the query too. `aliases` are the names of all relations
/// but tables without alias. Once `raw.orders` and `staging.orders` are replaced, nothing else may tell them apart.
pub(super) fn rivals(reads: &[Read], aliases: &[String]) -> Vec<bool> {
    let lower = |parts: &[String]| parts.iter().map(|part| part.to_ascii_lowercase()).collect::<Vec<_>>();
    let aliases: HashSet<String> = aliases.iter().map(|alias| alias.to_ascii_lowercase()).collect();
    let mut named: HashMap<String, HashSet<Vec<String>>> = HashMap::new();
    for read in reads.iter().filter(|read| !read.aliased) {
        named.entry(read.alias.to_ascii_lowercase()).or_default().insert(lower(&read.parts));
    }
    let rival = |read: &Read| {
        let alias = read.alias.to_ascii_lowercase();
        !read.aliased && (aliases.contains(&alias) || named.get(&alias).is_some_and(|tables| tables.len() > 1))
    };
    reads.iter().map(rival).collect()
}

/// Walks the tree with the names of CTEs that are in scope.
///
/// A name comes into scope when the walk leaves a CTE's query, and goes when it leaves the query that the WITH belongs
/// to. In a recursive CTE it is in scope in the right arm of its UNION too, and only there: elsewhere DuckDB looks for
/// a table of that name.
struct Search<'a> {
    places: &'a Places,
    lexemes: &'a [Lexeme],
    /// Each with its start.
    reads: Vec<(Location, Read)>,
    functions: Vec<FunctionRead>,
    /// Names of relations other than unaliased tables.
    names: Vec<String>,
    /// Something can't be told: a name without a place, a relation of another engine's.
    lost: bool,
    /// CTEs in scope, the innermost last.
    scope: Vec<Cte>,
    /// How many were in scope when each node around us was entered.
    marks: Vec<usize>,
    /// CTEs that come into scope on entering a node, by its address.
    on_enter: HashMap<usize, Cte>,
    /// CTEs that come into scope on leaving a node, by its address: that of their query.
    on_leave: HashMap<usize, Cte>,
    /// The CTEs' queries that we are in, by address, the innermost last.
    within: Vec<usize>,
    /// Which CTE's query reads which CTE's; `None` reads for the query itself.
    edges: Vec<(Option<usize>, usize)>,
    /// The queries of all CTEs.
    all: Vec<usize>,
    /// Behind which lexeme each file's next reading stands.
    files: HashMap<String, usize>,
}

/// A CTE in scope.
#[derive(Clone)]
struct Cte {
    /// In lower case.
    name: String,
    /// The address of its query.
    query: usize,
}

impl<'a> Search<'a> {
    fn new(places: &'a Places, lexemes: &'a [Lexeme]) -> Self {
        Self {
            places,
            lexemes,
            reads: Vec::new(),
            functions: Vec::new(),
            names: Vec::new(),
            lost: false,
            scope: Vec::new(),
            marks: Vec::new(),
            on_enter: HashMap::new(),
            on_leave: HashMap::new(),
            within: Vec::new(),
            edges: Vec::new(),
            all: Vec::new(),
            files: HashMap::new(),
        }
    }

    /// The CTEs that can't be reached from the query itself.
    fn unused(&self) -> HashSet<usize> {
        let mut used: HashSet<Option<usize>> = HashSet::from([None]);
        let mut queue = vec![None];
        while let Some(reader) = queue.pop() {
            let read = self.edges.iter().filter(|(from, _)| *from == reader).map(|(_, to)| Some(*to));
            queue.extend(read.filter(|to| used.insert(*to)));
        }
        self.all.iter().copied().filter(|cte| !used.contains(&Some(*cte))).collect()
    }

    fn enter(&mut self, node: usize) {
        self.marks.push(self.scope.len());
        self.scope.extend(self.on_enter.remove(&node));
        if self.on_leave.contains_key(&node) {
            self.within.push(node);
        }
    }

    fn leave(&mut self, node: usize) {
        self.scope.truncate(self.marks.pop().unwrap_or(0));
        if let Some(cte) = self.on_leave.remove(&node) {
            self.scope.push(cte);
            self.within.pop();
        }
    }

    /// The CTE of this name that is in scope.
    fn cte(&self, parts: &[String]) -> Option<&Cte> {
        let name = match parts {
            [name] => name,
            [schema, name] if schema.eq_ignore_ascii_case(RECURRING) => name,
            _ => return None,
        };
        self.scope.iter().rev().find(|cte| cte.name.eq_ignore_ascii_case(name))
    }

    fn table(&mut self, name: &ObjectName, aliased: bool) {
        let parts = relation::parts(name);
        if let Some(query) = self.cte(&parts).map(|cte| cte.query) {
            self.edges.push((self.within.last().copied(), query));
            self.names.extend(parts.last().cloned());
            return;
        }
        // 'x.parquet' in single quotes is a file; in double quotes it may be a table.
        if let [ObjectNamePart::Identifier(ident)] = name.0.as_slice()
            && ident.quote_style == Some('\'')
        {
            self.file(&ident.value);
            return;
        }
        match (start(name), self.places.name(name)) {
            (Some(start), Some(span)) => self.reads.push((start, Read::new(parts, span, aliased))),
            _ => self.lost = true,
        }
    }

    /// sqlparser keeps no place of a file's name: it is the next string of that text.
    fn file(&mut self, path: &str) {
        let taken = self.files.entry(path.to_owned()).or_default();
        let is_path = |lexeme: &Lexeme| matches!(&lexeme.token, Token::String(text) if text == path);
        let found = self.lexemes.get(*taken..).into_iter().flatten().position(is_path);
        match found.and_then(|found| self.lexemes.get(*taken + found).map(|lexeme| (found, lexeme.span.clone()))) {
            Some((found, span)) => {
                *taken += found + 1;
                let kind = FunctionKind::File(path.to_owned());
                self.functions.push(FunctionRead { name: path.to_owned(), span, kind });
            }
            None => self.lost = true,
        }
    }

    fn function(&mut self, name: &ObjectName) {
        let Some(function) = relation::parts(name).pop() else { return };
        match self.places.name(name) {
            Some(span) => self.functions.push(FunctionRead { name: function, span, kind: FunctionKind::Function }),
            None => self.lost = true,
        }
    }
}

/// The nodes that make up the right arm of a recursive CTE's UNION. BY NAME is not recursive; nor are other bodies.
fn recursive_arm(body: &SetExpr) -> Vec<usize> {
    match body {
        SetExpr::SetOperation {
            op: SetOperator::Union,
            set_quantifier: SetQuantifier::All | SetQuantifier::Distinct | SetQuantifier::None,
            right,
            ..
        } => leaves(right),
        SetExpr::Query(query) => recursive_arm(&query.body),
        _ => Vec::new(),
    }
}

fn leaves(body: &SetExpr) -> Vec<usize> {
    match body {
        SetExpr::Select(select) => vec![address(select.as_ref())],
        SetExpr::Query(query) => vec![address(query.as_ref())],
        SetExpr::SetOperation { left, right, .. } => [leaves(left), leaves(right)].concat(),
        _ => Vec::new(),
    }
}

impl Visitor for Search<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &ast::Query) -> ControlFlow<()> {
        self.enter(address(query));
        for cte in query.with.iter().flat_map(|with| &with.cte_tables) {
            let node = address(cte.query.as_ref());
            let named = Cte { name: cte.alias.name.value.to_ascii_lowercase(), query: node };
            if query.with.as_ref().is_some_and(|with| with.recursive) {
                self.on_enter.extend(recursive_arm(&cte.query.body).into_iter().map(|arm| (arm, named.clone())));
            }
            self.all.push(node);
            self.on_leave.insert(node, named);
        }
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &ast::Query) -> ControlFlow<()> {
        self.leave(address(query));
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &ast::Select) -> ControlFlow<()> {
        self.enter(address(select));
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, select: &ast::Select) -> ControlFlow<()> {
        self.leave(address(select));
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        let alias = relation::alias(factor);
        match factor {
            TableFactor::Table { name, args: None, .. } => self.table(name, alias.is_some()),
            TableFactor::Table { name, .. } | TableFactor::Function { name, .. } => {
                self.function(name);
                self.names.extend(relation::parts(name).pop());
            }
            TableFactor::Derived { .. }
            | TableFactor::NestedJoin { .. }
            | TableFactor::Pivot { .. }
            | TableFactor::Unpivot { .. } => {}
            // Takes its rows from no table, and sqlparser keeps no place of its name.
            TableFactor::UNNEST { .. } => self.names.push("unnest".to_owned()),
            // Other engines' relations, which DuckDB reads as functions if at all.
            _ => self.lost = true,
        }
        self.names.extend(alias.map(|alias| alias.name.value.clone()));
        ControlFlow::Continue(())
    }
}
