//! What a load makes of a table, as one query of all its rows: for engines whose tables are never changed in place.

use super::columns::incoming;
use super::history::{self, VERSIONS};
use super::replace::{Put, one_of_each};
use crate::domain::engine_kind::EngineKind;
use crate::domain::environment::Column;
use crate::domain::model::{By, History};
use crate::domain::name::quote;

impl Put<'_> {
    /// The new rows in all of the table's columns: those that a load by time may put there.
    pub(in super::super) fn new_rows(&self, engine: EngineKind) -> String {
        format!("SELECT {} FROM {} WHERE {}", self.in_columns(), incoming(engine, self.given), self.within)
    }

    /// All of a table's rows as they are afterwards. The versions of a history wait already.
    pub(in super::super) fn all_rows(&self, engine: EngineKind, table: &str) -> String {
        let rows = incoming(engine, self.given);
        let own: Vec<String> = self.columns.iter().map(|(name, _)| format!("vmesh_old.{}", quote(name))).collect();
        let own = own.join(", ");
        let new = |from: &str| format!("SELECT {} FROM {from}", self.in_columns());
        let without_same = |expressions: &[String]| {
            let named: Vec<String> =
                expressions.iter().enumerate().map(|(at, text)| format!("{text} AS vmesh_k{at}")).collect();
            let pair = |at| (format!("vmesh_old.vmesh_k{at}"), format!("vmesh_given.vmesh_k{at}"));
            let (named, same) = (named.join(", "), engine.are_same((0..expressions.len()).map(pair)));
            format!(
                "SELECT {own} FROM (SELECT *, {named} FROM {table}) AS vmesh_old \
                 LEFT ANTI JOIN (SELECT DISTINCT {named} FROM {rows}) AS vmesh_given ON {same}"
            )
        };
        match &self.fill.by {
            By::TimeRange { .. } => {
                let kept = format!("SELECT {own} FROM {table} AS vmesh_old WHERE ({}) IS NOT TRUE", self.within);
                format!("{kept} UNION ALL {}", self.new_rows(engine))
            }
            By::UniqueKey(key) => {
                format!("{} UNION ALL {}", without_same(key), new(&one_of_each(engine, key, &rows)))
            }
            By::Partition(parts) => format!("{} UNION ALL {}", without_same(parts), new(&rows)),
            By::Unmanaged(true) => new(&rows),
            By::Unmanaged(false) => format!("SELECT {own} FROM {table} AS vmesh_old UNION ALL {}", new(&rows)),
            By::History(history) => {
                let load = history::Load { engine, table, history, given: self.given, rows: &rows, now: self.fill.now };
                load.all_rows(self.columns)
            }
        }
    }

    /// The query of a history's new versions, and what they are called while they wait; none of other kinds.
    pub(in super::super) fn versions(&self, engine: EngineKind, table: &str) -> Option<(&'static str, String)> {
        let By::History(history) = &self.fill.by else { return None };
        let rows = incoming(engine, self.given);
        let load = history::Load { engine, table, history, given: self.given, rows: &rows, now: self.fill.now };
        Some((VERSIONS, load.versions()))
    }

    /// The table's columns, of the new rows.
    fn in_columns(&self) -> String {
        let value = |(name, kind): &Column| {
            let is_given = self.given.iter().any(|given| given.column.0 == *name && given.from.is_some());
            if is_given { quote(name) } else { format!("CAST(NULL AS {kind}) AS {}", quote(name)) }
        };
        self.columns.iter().map(value).collect::<Vec<_>>().join(", ")
    }
}

impl history::Load<'_> {
    /// All versions: those that were there, closed where others replace them, and the new ones.
    fn all_rows(&self, columns: &[Column]) -> String {
        let (keys, named, waiting) = (self.keys(), self.named(), self.waiting());
        let History { valid_from, valid_to, hard_deletes, .. } = self.history;
        let is = |name: &str, own: &str| name.eq_ignore_ascii_case(own);
        let to = quote(valid_to);
        let ended = |closed: &str| {
            let value = |(name, _): &Column| match is(name, valid_to) {
                true => format!("CASE WHEN vmesh_old.{to} IS NULL AND {closed} ELSE vmesh_old.{to} END AS {to}"),
                false => format!("vmesh_old.{}", quote(name)),
            };
            columns.iter().map(value).collect::<Vec<_>>().join(", ")
        };
        let listed = self.listed();
        let new = |(name, kind): &Column| match quote(name) {
            _ if is(name, valid_from) => "vmesh_from".to_owned(),
            _ if is(name, valid_to) => "vmesh_to".to_owned(),
            name if listed.contains(&name) => name,
            name => format!("CAST(NULL AS {kind}) AS {name}"),
        };
        let new: Vec<String> = columns.iter().map(new).collect();
        let all = format!(
            "SELECT {} FROM (SELECT *, {named} FROM {}) AS vmesh_old LEFT JOIN \
             (SELECT {keys}, min(vmesh_from) AS vmesh_end, true AS vmesh_hit FROM {waiting} WHERE vmesh_open GROUP BY {keys}) \
             AS vmesh_ends ON {} UNION ALL SELECT {} FROM {waiting}",
            ended("vmesh_ends.vmesh_hit THEN vmesh_ends.vmesh_end"),
            self.table,
            self.same("vmesh_old", "vmesh_ends"),
            new.join(", ")
        );
        if !hard_deletes {
            return all;
        }
        let closed =
            format!("vmesh_given.vmesh_hit IS NULL THEN greatest({}, vmesh_old.{})", self.now(), quote(valid_from));
        format!(
            "SELECT {} FROM (SELECT *, {named} FROM ({all}) AS vmesh_all) AS vmesh_old LEFT JOIN \
             (SELECT DISTINCT {named}, true AS vmesh_hit FROM {}) AS vmesh_given ON {}",
            ended(&closed),
            self.rows,
            self.same("vmesh_old", "vmesh_given")
        )
    }
}
