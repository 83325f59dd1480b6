//! What decides which rows a query gives, and what decides the value of each of its columns: each as one hash, so that
//! what a change can't reach keeps its hash.
//!
//! A relation is its rows (which there are, how often, in what order) and its columns (the value of each, given the rows).
//! Whatever stands in a query is put into the hash of what it can change, in doubt of more than that:
//!
//! | in the query | is in |
//! |---|---|
//! | a column, an expression | the column that it gives |
//! | FROM, joins and their conditions, WHERE, GROUP BY, HAVING, QUALIFY, ORDER BY, LIMIT | the rows |
//! | DISTINCT, UNION, EXCEPT, INTERSECT | the rows, with all columns |
//! | an aggregate, a function that multiplies rows | its column; and the rows, that there is one |
//! | a name that may be one of several things | all of these |
//! | a subquery | the expression that it stands in, with its rows and columns |
//!
//! Every reader of a relation depends on its rows, so that a column's hash need not repeat them. What is not understood
//! ([`Unknown`]) depends on all of everything that is read; the list of it is as long as the `Err`s of this folder.
//!
//! The rules were found by changing random projects and comparing what was reused with plain DuckDB: an added column that
//! takes a name away from another, DISTINCT, ordinals, aggregates that appear, USING and rows used as values are what
//! broke simpler ones.

mod expression;
mod formula;
mod from;
mod origin;
mod scope;
mod select;
mod set_operations;
mod stars;

use std::collections::{BTreeSet, HashSet};
use std::rc::Rc;

use serde::{Deserialize, Serialize};

pub(super) use self::formula::Formulas;
use self::origin::Node;
#[cfg(test)]
pub(crate) use self::origin::rules;
pub use self::origin::{Origin, Print};
use self::scope::Relation;
use super::kept_tree::Tree;
use super::parse::{self, Parsed};
use super::{Lexeme, depth, guard, lex, normalize, reads};
use crate::domain::engine_kind::EngineKind;
use crate::domain::limits::WORKED_OUT;

/// What is known of something that a query reads.
#[derive(Debug, Clone)]
pub struct Parent {
    /// What it is called.
    pub name: Print,
    /// What decides its rows.
    pub rows: Print,
    /// Its columns.
    pub columns: ParentColumns,
    /// All of this.
    pub key: Print,
}

impl Parent {
    /// What is known of something.
    pub fn new(name: Print, rows: Print, columns: ParentColumns) -> Self {
        let own = [name.bytes(), rows.bytes()].into_iter();
        let key = match &columns {
            ParentColumns::Open(print) => Print::of("open", own.chain([print.bytes()])),
            ParentColumns::Known(columns) => {
                let columns = columns.iter().flat_map(|(name, print)| [name.as_bytes(), print.bytes()]);
                Print::of("known", own.chain(columns))
            }
        };
        Self { name, rows, columns, key }
    }
}

/// What is known of the columns of something that a query reads.
#[derive(Debug, Clone)]
pub enum ParentColumns {
    /// These, in this order, and what decides each.
    Known(Vec<(String, Print)>),
    /// It may have any, decided by this.
    Open(Print),
}

/// What decides what a query gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lineage {
    /// Which rows there are.
    pub rows: Origin,
    /// The value of each column, in order.
    pub columns: Vec<(String, Origin)>,
    /// All that it gives, and all columns that the text names, those of unused expressions, too: without one of them the query
    /// fails.
    pub print: Print,
    /// What it makes of its parents, whatever these hold: the meaning of each of its names.
    pub shape: Print,
    /// The columns that it takes, in lower case, each with the table, as an index of [`Query::reads`](super::Query::reads).
    pub taken: Vec<(usize, String)>,
}

impl Lineage {
    /// The columns that have a say in something that it gives.
    pub fn from<'l>(&'l self, origin: &'l Origin) -> impl Iterator<Item = &'l (usize, String)> {
        origin.from.iter().filter_map(|index| self.taken.get(*index))
    }
}

fn all<'n>((rows, named): (Print, Print), columns: impl Iterator<Item = (&'n str, Print)>) -> Print {
    let columns: Vec<(&str, Print)> = columns.collect();
    let columns = columns.iter().flat_map(|(name, print)| [name.as_bytes(), print.bytes()]);
    Print::of("counted", [rows.bytes(), named.bytes()].into_iter().chain(columns))
}

/// Why a query's lineage can't be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown(pub &'static str);

type Told<T> = Result<T, Unknown>;

const UNREADABLE: Unknown = Unknown("a text that can't be read");

/// The lineage of the one query in a text over what it reads, in the order of its reads.
pub(super) fn of_text(engine: EngineKind, text: &str, parents: &[&Parent]) -> Told<Lineage> {
    let lexemes = lex(text).map_err(|_| UNREADABLE)?;
    let told = depth::with_stack(&lexemes, || of_tree(engine, &read(text, &lexemes)?, parents));
    told.unwrap_or(Err(Unknown("a text that is nested too deeply")))
}

fn read(text: &str, lexemes: &[Lexeme]) -> Told<Tree> {
    let parsed = parse::parse(text, lexemes).map_err(|_| UNREADABLE)?;
    if guard::doubt(lexemes, &parsed).is_some() {
        return Err(Unknown("words that have two readings"));
    }
    let sources = reads::find(&parsed, lexemes).ok_or(Unknown("tables that can't be told"))?;
    let Parsed { mut query, labels, .. } = parsed;
    normalize::normalize(&mut query);
    Ok(Tree::new(query, sources, labels))
}

/// The same of a tree.
pub(super) fn of_tree(engine: EngineKind, tree: &Tree, parents: &[&Parent]) -> Told<Lineage> {
    if tree.sources.count() != parents.len() {
        return Err(Unknown("tables that can't be told"));
    }
    let mut walk = Walk { engine, tree, parents, named: Vec::new(), columns: 0 };
    let relation = walk.query(&tree.query, &[], &[])?;
    walk.concluded(relation)
}

/// A query on its way to its lineage.
struct Walk<'a> {
    engine: EngineKind,
    tree: &'a Tree,
    parents: &'a [&'a Parent],
    /// The columns that expressions have named.
    named: Vec<Node>,
    /// How many columns were worked out: stars over stars double them.
    columns: usize,
}

impl Walk<'_> {
    fn counted(&mut self, columns: usize) -> Told<()> {
        self.columns += columns;
        if self.columns > WORKED_OUT { Err(Unknown("too many columns")) } else { Ok(()) }
    }

    /// What a query gives, as what reads it finds it: of columns that share a name, DuckDB renames all but the first. On a
    /// server they stay as they are.
    fn settled(&self, mut relation: Relation) -> Told<Relation> {
        if self.engine == EngineKind::DuckDb {
            relation.rename_repeated()?;
        }
        Ok(relation)
    }

    fn concluded(self, relation: Relation) -> Told<Lineage> {
        let relation = self.settled(relation)?;
        if relation.open.is_some() {
            return Err(Unknown("columns that the files don't tell"));
        }
        let mut columns: Vec<(String, Node)> = Vec::with_capacity(relation.columns.len());
        let mut names = HashSet::with_capacity(relation.columns.len());
        for column in relation.columns {
            let name = column.name.ok_or(Unknown("a column without a name of its own"))?;
            if !names.insert(name.to_ascii_lowercase()) {
                return Err(Unknown("two columns of one name"));
            }
            columns.push((name, column.origin));
        }
        let named = |of: fn(&Node) -> Print| {
            let mut named: Vec<Print> = self.named.iter().map(of).collect();
            named.sort_unstable();
            named.dedup();
            Print::of("named", named.iter().map(Print::bytes))
        };
        let shapes = columns.iter().map(|(name, node)| (name.as_str(), node.shape));
        let shape = all((relation.rows.shape, named(|node| node.shape)), shapes);
        let named = named(|node| node.print);
        let prints = columns.iter().map(|(name, node)| (name.as_str(), node.print));
        let print = all((relation.rows.print, named), prints);
        let nodes = columns.iter().map(|(_, node)| node).chain([&relation.rows]);
        let taken: BTreeSet<(usize, Rc<str>)> = nodes.flat_map(|node| node.from.iter().cloned()).collect();
        let taken: Vec<(usize, Rc<str>)> = taken.into_iter().collect();
        let origin = |node: &Node| {
            let from = node.from.iter().filter_map(|column| taken.binary_search(column).ok()).collect();
            Origin { print: node.print, from, unstable: node.unstable }
        };
        let rows = origin(&relation.rows);
        let columns = columns.into_iter().map(|(name, node)| (name, origin(&node))).collect();
        let taken = taken.into_iter().map(|(read, name)| (read, name.to_string())).collect();
        Ok(Lineage { rows, columns, print, shape, taken })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;
