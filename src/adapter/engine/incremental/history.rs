//! Loading a table of kind SCD_TYPE_2: the versions that are new are added, and those they replace are closed. Rows that
//! did not change are not written.

use super::NEW;
use super::columns::Given;
use crate::domain::engine_kind::EngineKind;
use crate::domain::interval::Moment;
use crate::domain::model::{History, RowChange};
use crate::domain::name::quote;

/// Where the new versions wait: a temporary table of the session.
pub(super) const VERSIONS: &str = "vmesh_versions";

/// The columns that the kind adds to those of its query.
pub(super) fn columns(history: &History) -> String {
    let column = |name: &str| format!("CAST(NULL AS {}) AS {}", history.time_type, quote(name));
    format!("{}, {}", column(&history.valid_from), column(&history.valid_to))
}

/// Asks whether several rows of a table that are valid have the same key.
pub(super) fn is_ambiguous(table: &str, history: &History) -> String {
    let (keys, to) = (history.key.join(", "), quote(&history.valid_to));
    format!(
        "SELECT count(*) > 0 FROM (SELECT 1 FROM {table} WHERE {to} IS NULL GROUP BY {keys} HAVING count(*) > 1) AS vmesh_doubles"
    )
}

/// One load, made at the time `now`.
pub(super) struct Load<'a> {
    /// The engine.
    pub(super) engine: EngineKind,
    /// The table, quoted.
    pub(super) table: &'a str,
    /// What the kind says.
    pub(super) history: &'a History,
    /// The columns that it fills.
    pub(super) given: &'a [Given],
    /// The new rows, as a relation.
    pub(super) rows: &'a str,
    /// The time of the load.
    pub(super) now: Moment,
}

impl Load<'_> {
    /// Its statements. Where the query gives several versions of a row, told apart by its own time, each of them is kept; of
    /// rows that are alike in key and time, always the same one.
    pub(super) fn statements(&self) -> Vec<String> {
        let drop = format!("DROP TABLE IF EXISTS {}", self.waiting());
        let mut statements = vec![drop.clone(), self.make_versions(), self.close(), self.insert()];
        statements.extend(self.history.hard_deletes.then(|| self.close_deleted()));
        statements.push(drop);
        statements
    }

    /// The statement that makes the new versions wait.
    fn make_versions(&self) -> String {
        format!("CREATE TEMP TABLE {VERSIONS} AS\n{}", self.versions())
    }

    /// The query of the new versions, each with the time from and to which it is valid.
    ///
    /// A key that was never seen begins with its first version; one that is open goes on with versions that change it;
    /// one that was closed begins again, not before it was closed.
    pub(super) fn versions(&self) -> String {
        let (keys, named, from, to) = (self.keys(), self.named(), self.valid_from(), self.valid_to());
        let (table, rows, at) = (self.table, self.rows, self.at());
        let (one_of, differs) = match &self.history.change {
            RowChange::Later { .. } => {
                let later =
                    "source.vmesh_at > held.vmesh_held OR held.vmesh_held IS NULL AND source.vmesh_at IS NOT NULL";
                (format!("{keys}, vmesh_at ORDER BY vmesh_row DESC"), later.to_owned())
            }
            RowChange::Different { .. } => {
                (format!("{keys} ORDER BY vmesh_at DESC NULLS LAST, vmesh_row DESC"), self.differs())
            }
        };
        let held_at = match &self.history.change {
            RowChange::Later { .. } => format!("max({at}) FILTER (WHERE {to} IS NULL)"),
            RowChange::Different { .. } => "NULL".to_owned(),
        };
        let first =
            if self.first_from_then() { format!("coalesce(vmesh_at, {})", self.always()) } else { self.always() };
        let order = format!("(PARTITION BY {keys} ORDER BY vmesh_at NULLS FIRST)");
        format!(
            "WITH held AS (
    SELECT {named}, bool_or({to} IS NULL) AS vmesh_open, max({from}) AS vmesh_since, max({to}) AS vmesh_closed,
        {held_at} AS vmesh_held
    FROM {table} GROUP BY {numbers}
), old AS (
    SELECT *, {named} FROM {table} WHERE {to} IS NULL
), read AS (
    SELECT *, {named}, {at} AS vmesh_at, {row} AS vmesh_row FROM {rows}
), numbered AS (
    SELECT *, row_number() OVER (PARTITION BY {one_of}) AS vmesh_number FROM read
), source AS (
    SELECT {listed}, {keys}, vmesh_at FROM numbered WHERE vmesh_number = 1
), fresh AS (
    SELECT source.*, vmesh_open, vmesh_since, vmesh_closed,
        NOT vmesh_open AND (vmesh_at IS NULL OR vmesh_at <= vmesh_closed) AS vmesh_again
    FROM source LEFT JOIN held ON {held} LEFT JOIN old ON {old}
    WHERE vmesh_open IS NULL OR NOT vmesh_open OR {differs}
), begun AS (
    SELECT *, CASE WHEN vmesh_open IS NULL AND row_number() OVER {order} = 1 THEN {first}
            ELSE greatest(vmesh_at, vmesh_since, vmesh_closed) END AS vmesh_from,
        row_number() OVER (PARTITION BY {keys}, vmesh_again ORDER BY vmesh_at DESC NULLS LAST) AS vmesh_last
    FROM fresh
), kept AS (
    SELECT * FROM begun WHERE vmesh_again IS NOT TRUE OR vmesh_last = 1
)
SELECT *, lead(vmesh_from) OVER {order} AS vmesh_to FROM kept",
            numbers = (1..=self.history.key.len()).map(|at| at.to_string()).collect::<Vec<_>>().join(", "),
            row = self.engine.whole_row(NEW),
            listed = self.listed().join(", "),
            held = self.same("source", "held"),
            old = self.same("source", "old"),
        )
    }

    /// Closes the versions that are replaced.
    fn close(&self) -> String {
        let (table, keys, to) = (self.table, self.keys(), self.valid_to());
        let parts = self.history.key.iter().enumerate();
        let same = self.engine.are_same(parts.map(|(at, part)| (part.clone(), format!("vmesh_ends.vmesh_k{at}"))));
        format!(
            "UPDATE {table} SET {to} = vmesh_ends.vmesh_end FROM \
             (SELECT {keys}, min(vmesh_from) AS vmesh_end FROM {} WHERE vmesh_open GROUP BY {keys}) AS vmesh_ends \
             WHERE {to} IS NULL AND {same}",
            self.waiting()
        )
    }

    fn insert(&self) -> String {
        let (table, from, to, listed) = (self.table, self.valid_from(), self.valid_to(), self.listed().join(", "));
        format!(
            "INSERT INTO {table} ({listed}, {from}, {to}) SELECT {listed}, vmesh_from, vmesh_to FROM {}",
            self.waiting()
        )
    }

    /// Closes the rows that the query gives no more.
    fn close_deleted(&self) -> String {
        let (table, named, from, to) = (self.table, self.named(), self.valid_from(), self.valid_to());
        let (now, same, id) = (self.now(), self.same("vmesh_old", "vmesh_given"), self.engine.row_id());
        format!(
            "UPDATE {table} SET {to} = greatest({now}, {from}) WHERE {id} IN (SELECT vmesh_row FROM \
             (SELECT {id} AS vmesh_row, {named} FROM {table} WHERE {to} IS NULL) AS vmesh_old \
             WHERE NOT EXISTS (SELECT 1 FROM (SELECT {named} FROM {}) AS vmesh_given WHERE {same}))",
            self.rows
        )
    }

    /// The columns of the query.
    pub(super) fn listed(&self) -> Vec<String> {
        self.given.iter().filter(|given| given.from.is_some()).map(|given| quote(&given.column.0)).collect()
    }

    /// The versions that wait.
    pub(super) fn waiting(&self) -> String {
        format!("{}.{VERSIONS}", self.engine.temporary())
    }

    /// That one of the compared columns differs between a new row and the one that is valid.
    fn differs(&self) -> String {
        let RowChange::Different { columns, updated_at, .. } = &self.history.change else { return "false".to_owned() };
        let own = [Some(&self.history.valid_from), Some(&self.history.valid_to), updated_at.as_ref()];
        let is_value = |name: &str| {
            let is = |other: &String| other.trim_matches('"').eq_ignore_ascii_case(name);
            !own.into_iter().flatten().chain(&self.history.key).any(is)
        };
        let all = || self.given.iter().map(|given| given.column.0.clone()).filter(|name| is_value(name)).collect();
        let columns: Vec<String> = columns.clone().unwrap_or_else(all);
        let is_json = |name: &String| {
            self.given.iter().any(|given| given.column.0 == *name && given.column.1.eq_ignore_ascii_case("json"))
        };
        let differ = |name: &String| match self.engine == EngineKind::Postgres && is_json(name) {
            // JSON as it was written has no equality
            true => format!("CAST(source.{0} AS text) IS DISTINCT FROM CAST(old.{0} AS text)", quote(name)),
            false => format!("source.{0} IS DISTINCT FROM old.{0}", quote(name)),
        };
        let differ: Vec<String> = columns.iter().map(differ).collect();
        if differ.is_empty() { "false".to_owned() } else { differ.join(" OR ") }
    }

    /// A row's own time, or that of the load.
    fn at(&self) -> String {
        match &self.history.change {
            RowChange::Later { updated_at, .. } | RowChange::Different { updated_at: Some(updated_at), .. } => {
                format!("CAST({} AS {})", quote(updated_at), self.history.time_type)
            }
            RowChange::Different { .. } => self.now(),
        }
    }

    /// Whether a row that was never seen is valid from its own time on.
    fn first_from_then(&self) -> bool {
        match &self.history.change {
            RowChange::Later { first_from_then, .. } => *first_from_then,
            RowChange::Different { first_from_then, updated_at, .. } => *first_from_then || updated_at.is_some(),
        }
    }

    pub(super) fn keys(&self) -> String {
        (0..self.history.key.len()).map(|at| format!("vmesh_k{at}")).collect::<Vec<_>>().join(", ")
    }

    pub(super) fn named(&self) -> String {
        let parts = self.history.key.iter().enumerate();
        parts.map(|(at, part)| format!("{part} AS vmesh_k{at}")).collect::<Vec<_>>().join(", ")
    }

    pub(super) fn same(&self, a: &str, b: &str) -> String {
        let parts = 0..self.history.key.len();
        self.engine.are_same(parts.map(|at| (format!("{a}.vmesh_k{at}"), format!("{b}.vmesh_k{at}"))))
    }

    fn valid_from(&self) -> String {
        quote(&self.history.valid_from)
    }

    fn valid_to(&self) -> String {
        quote(&self.history.valid_to)
    }

    pub(super) fn now(&self) -> String {
        self.moment(self.now)
    }

    /// Since before the first row that was seen: `valid_from` is 1970-01-01.
    fn always(&self) -> String {
        self.moment(Moment::EPOCH)
    }

    fn moment(&self, moment: Moment) -> String {
        let text = moment.to_string().replace('T', " ").replace('Z', "");
        format!("CAST(TIMESTAMP '{text}' AS {})", self.history.time_type)
    }
}
