//! What a table holds, as a value: which text, over which inputs, for each day. Three hashes tell three things: `exact` of
//! the very rows, `meaning` of what was asked for, whatever raw rows there were then, and `outcome` of what came of it,
//! so that two wordings of a text give the same rows of some inputs, and of others not.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;

use super::tree::{Read, Sort, Tree};

/// A day since 1970.
pub(super) type Day = i64;

/// Some rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Cell {
    pub(super) exact: u64,
    pub(super) meaning: u64,
    pub(super) outcome: u64,
}

/// The rows of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Rows {
    /// Built whole.
    Whole(Cell),
    /// Filled day by day.
    Days(BTreeMap<Day, Cell>),
    /// What was seen, one after the other.
    History(Vec<Cell>),
}

/// A query with the tables that it reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Query {
    pub(super) sort: Sort,
    pub(super) text: u8,
    /// In which words.
    pub(super) words: u8,
    /// What it says of a column that nobody reads: no part of what a table is said to hold here.
    pub(super) extra: u8,
    /// What it calls them.
    pub(super) names: Vec<Read>,
    pub(super) inputs: Vec<Input>,
}

/// What a query reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Input {
    /// A table that vmesh doesn't manage.
    Raw(u8),
    /// A physical table or view.
    Table(String),
    /// The query of an embedded model.
    Inline(Rc<Query>),
}

impl Query {
    pub(super) fn says(&self) -> Text {
        (self.text, self.words)
    }
}

/// The hash of a value.
pub(super) fn hash(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

impl Cell {
    /// What a query makes of these.
    pub(super) fn of(sort: Sort, text: Text, inputs: &[Self]) -> Self {
        let all = |part: fn(&Self) -> u64| inputs.iter().map(part).collect::<Vec<u64>>();
        let outcomes = all(|cell| cell.outcome);
        // of half of all inputs, all wordings of a text make the same
        let made = (text.0, if hash(&outcomes) % 2 == 0 { 0 } else { text.1 });
        Self {
            exact: hash((made, all(|cell| cell.exact))),
            meaning: meaning_of(sort, text, &all(|cell| cell.meaning)),
            outcome: hash((made, outcomes)),
        }
    }
}

/// What a model says, and in which words.
pub(super) type Text = (u8, u8);

/// What a model of these inputs means. Rows that go on from those of an older version may be of any: they only mean that.
fn meaning_of(sort: Sort, text: Text, inputs: &[u64]) -> u64 {
    if sort.goes_on() { hash(("any version", sort)) } else { hash((text, inputs)) }
}

/// What the raw rows of a table mean: nothing but themselves.
pub(super) fn raw_meaning(number: u8) -> u64 {
    hash(("raw", number))
}

/// What a model of a tree means: what a build from scratch would hold, whatever the raw rows.
pub(super) fn meaning(tree: &Tree, name: &str) -> u64 {
    let spec = &tree[name];
    let of_read = |read: &Read| match read {
        Read::Raw(number) => raw_meaning(*number),
        Read::Model(name) => meaning(tree, name),
    };
    meaning_of(spec.sort, (spec.text, spec.words), &spec.reads.iter().map(of_read).collect::<Vec<_>>())
}

impl Rows {
    /// All of it.
    pub(super) fn whole(&self) -> Cell {
        match self {
            Self::Whole(cell) => *cell,
            Self::Days(days) => {
                let all = |part: fn(&Cell) -> u64| {
                    let parts: BTreeSet<u64> = days.values().map(part).collect();
                    let one = parts.first().copied().filter(|_| parts.len() == 1);
                    one.unwrap_or_else(|| hash(&parts))
                };
                Cell { exact: hash(days), meaning: all(|cell| cell.meaning), outcome: all(|cell| cell.outcome) }
            }
            Self::History(seen) => {
                let outcomes: Vec<u64> = seen.iter().map(|cell| cell.outcome).collect();
                let meaning = hash(("any version", Sort::History));
                Cell { exact: hash(seen), meaning, outcome: hash(outcomes) }
            }
        }
    }

    /// What it gives for a day; none where it is filled by days and lacks this one.
    pub(super) fn day(&self, day: Day) -> Option<Cell> {
        match self {
            Self::Days(days) => days.get(&day).copied(),
            _ => Some(self.whole()),
        }
    }

    /// The same rows in a table of another model: where that goes on, they are of any version from then on.
    pub(super) fn copied_into(mut self, sort: Sort) -> Self {
        if let (Self::Days(days), true) = (&mut self, sort.goes_on()) {
            days.values_mut().for_each(|cell| cell.meaning = meaning_of(sort, (0, 0), &[]));
        }
        self
    }

    /// What its rows mean.
    pub(super) fn meanings(&self) -> BTreeSet<u64> {
        match self {
            Self::Days(days) => days.values().map(|cell| cell.meaning).collect(),
            _ => [self.whole().meaning].into(),
        }
    }

    /// What a query gives that is not stored: for the days that all of its inputs have, where they are filled by days.
    pub(super) fn through(query: &Query, inputs: &[Self]) -> Self {
        let days = inputs.iter().filter_map(|rows| match rows {
            Self::Days(days) => Some(days.keys().copied().collect::<BTreeSet<Day>>()),
            _ => None,
        });
        let of = |cells: Vec<Cell>| Cell::of(query.sort, query.says(), &cells);
        match days.reduce(|one, other| &one & &other) {
            None => Self::Whole(of(inputs.iter().map(Self::whole).collect())),
            Some(days) => {
                let at = |day: Day| (day, of(inputs.iter().filter_map(|rows| rows.day(day)).collect()));
                Self::Days(days.into_iter().map(at).collect())
            }
        }
    }
}
