//! What a table's rows are: pieces, each an attempt that is never written again, and what of it counts.
//!
//! A table that is filled whole is one piece. One that is filled by spans of time gets a piece for each load, and what it had of
//! the span before counts no more; many pieces are made one.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::adapter::engine::incremental::evolve_rows;
use crate::domain::environment::Column;
use crate::domain::evolution::Evolved;
use crate::domain::interval::Interval;
use crate::domain::name::TableName;

/// Tables of more pieces than this are made one.
const MOST: usize = 48;

/// One piece.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Piece {
    /// The name of the attempt.
    attempt: String,
    /// The span that all of its rows lie in, where that is known.
    span: Option<Interval>,
    /// The query of those of its rows that count.
    sql: String,
    /// Whether these are none: it is there for its columns.
    #[serde(default)]
    is_empty: bool,
}

/// All of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Content(Vec<Piece>);

impl Content {
    /// The rows of one attempt.
    pub(super) fn of(attempt: &TableName) -> Self {
        let mut content = Self::default();
        content.add(attempt, None);
        content
    }

    /// As it is on record.
    pub(super) fn read(json: &str) -> Self {
        serde_json::from_str(json).unwrap_or_default()
    }

    /// To be put on record.
    pub(super) fn json(&self) -> String {
        // texts and numbers always have JSON
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The query of all rows.
    pub(super) fn sql(&self) -> String {
        self.0.iter().map(|piece| piece.sql.as_str()).collect::<Vec<_>>().join(" UNION ALL ")
    }

    /// The attempts that have rows of it.
    pub(super) fn attempts(&self) -> BTreeSet<String> {
        self.0.iter().map(|piece| piece.attempt.clone()).collect()
    }

    /// Adds the rows of an attempt, of a span.
    pub(super) fn add(&mut self, attempt: &TableName, span: Option<Interval>) {
        let sql = format!("SELECT * FROM {}", attempt.quoted());
        self.0.retain(|piece| !piece.is_empty);
        self.0.push(Piece { attempt: attempt.name.clone(), span, sql, is_empty: false });
    }

    /// Takes the rows of a span out, those that meet a condition.
    pub(super) fn take_out(&mut self, span: Interval, within: &str) {
        self.0.retain(|piece| !piece.span.is_some_and(|mine| span.start() <= mine.start() && mine.end() <= span.end()));
        for piece in &mut self.0 {
            let is_apart = piece.span.is_some_and(|mine| mine.end() <= span.start() || span.end() <= mine.start());
            if !is_apart {
                piece.sql = format!("SELECT * FROM ({}) AS vmesh_piece WHERE ({within}) IS NOT TRUE", piece.sql);
            }
        }
    }

    /// Takes all rows out, and leaves the columns.
    pub(super) fn empty(&mut self) {
        self.0.truncate(1);
        for piece in &mut self.0 {
            piece.sql = format!("SELECT * FROM ({}) AS vmesh_piece WHERE false", piece.sql);
            piece.is_empty = true;
        }
    }

    /// Gives it other columns.
    pub(super) fn reshape(&mut self, columns: &[Evolved], old: &[Column]) {
        for piece in &mut self.0 {
            piece.sql = evolve_rows(columns, old, &format!("({}) AS vmesh_piece", piece.sql));
        }
    }

    /// Whether it should be made one piece.
    pub(super) fn is_scattered(&self) -> bool {
        self.0.len() > MOST
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::domain::interval::Moment;

    fn day(number: i64) -> Interval {
        let at = |day: i64| Moment::from_micros(day * 86_400_000_000);
        Interval::new(at(number), at(number + 1)).unwrap()
    }

    #[test]
    fn a_load_replaces_the_piece_of_its_span_and_leaves_others_alone() {
        let table = |name: &str| TableName::physical(name.to_owned());
        let mut content = Content::of(&table("first"));
        content.add(&table("one"), Some(day(1)));
        content.add(&table("two"), Some(day(2)));
        content.take_out(day(2), "c");
        content.add(&table("again"), Some(day(2)));
        let attempts: Vec<String> = content.attempts().into_iter().collect();
        assert_eq!(attempts, ["again", "first", "one"]);
        assert_eq!(
            content.sql(),
            "SELECT * FROM (SELECT * FROM \"vmesh_snapshots\".\"first\") AS vmesh_piece WHERE (c) IS NOT TRUE \
             UNION ALL SELECT * FROM \"vmesh_snapshots\".\"one\" UNION ALL SELECT * FROM \"vmesh_snapshots\".\"again\""
        );
        assert_eq!(Content::read(&content.json()), content);
    }
}
