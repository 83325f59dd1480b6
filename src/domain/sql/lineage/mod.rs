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
mod from;
mod origin;
mod scope;
mod select;
mod set_operations;
mod stars;

use serde::{Deserialize, Serialize};

use self::origin::Node;
#[cfg(test)]
pub(crate) use self::origin::rules;
pub use self::origin::{Origin, Print};
use self::scope::Relation;
use super::parse::{self, Parsed};
use super::reads::{self, Sources};
use super::{depth, guard, lex, normalize};
use crate::domain::engine_kind::EngineKind;
use crate::domain::limits::WORKED_OUT;

/// What is known of something that a query reads.
#[derive(Debug, Clone)]
pub struct Parent {
    /// What decides its rows.
    pub rows: Print,
    /// Its columns.
    pub columns: ParentColumns,
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
    /// All columns that the text names, those of unused expressions, too: without one of them the query fails.
    pub named: Print,
}

/// Why a query's lineage can't be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown(pub &'static str);

type Told<T> = Result<T, Unknown>;

/// The lineages of the one query in `text` over several things that it may read, each in the order of its reads.
pub fn lineages(engine: EngineKind, text: &str, over: &[&[Parent]]) -> Vec<Result<Lineage, Unknown>> {
    let all = |unknown: Unknown| over.iter().map(|_| Err(unknown.clone())).collect();
    let Ok(lexemes) = lex(text) else { return all(Unknown("a text that can't be read")) };
    let told = depth::with_stack(&lexemes, || {
        let Ok(mut parsed) = parse::parse(text, &lexemes) else { return all(Unknown("a text that can't be read")) };
        if guard::doubt(&lexemes, &parsed).is_some() {
            return all(Unknown("words that have two readings"));
        }
        let Some(sources) = reads::find(&parsed, &lexemes) else { return all(Unknown("tables that can't be told")) };
        normalize::normalize(&mut parsed.query);
        let tell = |parents: &&[Parent]| over_these(engine, &parsed, &sources, parents);
        over.iter().map(tell).collect()
    });
    told.unwrap_or_else(|| all(Unknown("a text that is nested too deeply")))
}

fn over_these(engine: EngineKind, parsed: &Parsed, sources: &Sources, parents: &[Parent]) -> Told<Lineage> {
    if sources.reads.len() != parents.len() {
        return Err(Unknown("tables that can't be told"));
    }
    let mut walk = Walk { engine, parsed, sources, parents, named: Vec::new(), columns: 0 };
    let relation = walk.query(&parsed.query, &[], &[])?;
    walk.concluded(relation)
}

/// A query on its way to its lineage.
struct Walk<'a> {
    engine: EngineKind,
    parsed: &'a Parsed,
    sources: &'a Sources,
    parents: &'a [Parent],
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
        let mut columns: Vec<(String, Origin)> = Vec::with_capacity(relation.columns.len());
        for column in relation.columns {
            let name = column.name.ok_or(Unknown("a column without a name of its own"))?;
            if columns.iter().any(|(other, _)| other.eq_ignore_ascii_case(&name)) {
                return Err(Unknown("two columns of one name"));
            }
            columns.push((name, column.origin.as_ref().clone()));
        }
        let mut named: Vec<Print> = self.named.iter().map(|node| node.print).collect();
        named.sort_unstable();
        named.dedup();
        let named = Print::of("named", named.iter().map(Print::bytes));
        Ok(Lineage { rows: relation.rows.as_ref().clone(), columns, named })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;
