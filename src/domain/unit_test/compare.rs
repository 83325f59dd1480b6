//! The SQL that compares what a query gives with what a test expects.
//!
//! Rows are compared as a multiset: their order never counts, how often each occurs does, and NULL equals NULL.
//! Floating-point columns are equal when six digits are, as SQLMesh's comparison allows: 0.1 + 0.2 is 0.3. No other
//! expected value is rounded into its column's type: where one would be, the column is compared as text, the values that
//! fit as the type writes them.

use super::super::engine_kind::EngineKind;
use super::super::name::quote;
use super::super::types::{Type, holds, keeps};
use super::{Row, Value, rows};

/// The column that says how many of a row are missing, or are too many.
pub const TIMES: &str = "__vmesh_times";

/// What a query gave.
#[derive(Debug, Clone, Copy)]
pub struct Actual<'a> {
    /// The engine that it lies in.
    pub engine: EngineKind,
    /// A quoted table, or a query in parentheses.
    pub rows: &'a str,
    /// Its columns.
    pub types: &'a [(String, String)],
}

/// Two relations, and the columns to compare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    engine: EngineKind,
    actual: String,
    expected: String,
    columns: Vec<(String, String)>,
}

impl Comparison {
    /// Compares with rows. `Err` names the expected columns that the actual ones lack.
    pub fn with_rows(actual: Actual<'_>, expected: &[Row], partial: bool) -> Result<Self, Vec<String>> {
        let Actual { engine, rows: actual, types } = actual;
        let named = rows::columns_of(expected);
        let mut columns = chosen(types, &named, partial)?;
        let kinds: Vec<String> = columns.iter().map(|(_, kind)| kind.clone()).collect();
        let is_kept = |value: &Value, kind: &str| is_float(engine, kind) || rows::is_kept(engine, value, kind);
        for (name, kind) in &mut columns {
            if !rows::values(expected, name).into_iter().all(|value| is_kept(value, kind)) {
                *kind = engine.text().to_owned();
            }
        }
        let cast = |value: &Value, at: usize| match (columns.get(at), kinds.get(at)) {
            (Some((_, kind)), Some(own)) if kind == own => rows::cast(engine, value, own),
            (_, Some(own)) if is_kept(value, own) => {
                format!("CAST({} AS {})", rows::cast(engine, value, own), engine.text())
            }
            _ => rows::as_text(engine, value),
        };
        let names: Vec<String> = columns.iter().map(|(name, _)| name.clone()).collect();
        let select = rows::select(expected, &names, &cast).unwrap_or_else(|| "SELECT NULL WHERE false".to_owned());
        Ok(Self { engine, actual: actual.to_owned(), expected: select, columns })
    }

    /// Compares with what a query gives, whose columns are `given`. Columns that it doesn't have are NULL.
    pub fn with_query(
        actual: Actual<'_>,
        query: &str,
        given: &[(String, String)],
        partial: bool,
    ) -> Result<Self, Vec<String>> {
        let Actual { engine, rows: actual, types } = actual;
        let named: Vec<String> = given.iter().map(|(name, _)| name.clone()).collect();
        let mut columns = chosen(types, &named, partial)?;
        let cast = |(name, kind): &mut (String, String)| {
            let of_query = given.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
            let own = kind.clone();
            let value = match of_query {
                None => format!("CAST(NULL AS {own})"),
                Some((_, other)) if is_float(engine, &own) || holds(engine, &own, other) => {
                    format!("CAST({} AS {own})", quote(name))
                }
                Some((_, other)) => {
                    let text = engine.text();
                    *kind = text.to_owned();
                    let (value, kept) = (quote(name), keeps(engine, &quote(name), other, &own));
                    format!(
                        "CASE WHEN {kept} THEN CAST(CAST({value} AS {own}) AS {text}) ELSE CAST({value} AS {text}) END"
                    )
                }
            };
            format!("{value} AS {}", quote(name))
        };
        let casts: Vec<String> = columns.iter_mut().map(cast).collect();
        let query = query.trim_end().trim_end_matches(';');
        let expected = format!("SELECT {} FROM (\n{query}\n) AS expected", casts.join(", "));
        Ok(Self { engine, actual: actual.to_owned(), expected, columns })
    }

    /// The columns that are compared.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|(name, _)| name.as_str())
    }

    /// One row: how many expected rows are missing, and how many rows are not expected.
    pub fn counts(&self) -> String {
        let sum = |(mine, other)| {
            format!("(SELECT coalesce(sum({TIMES}), 0) FROM ({}) AS surplus)", self.surplus(mine, other))
        };
        let counts = [("expected", "actual"), ("actual", "expected")].map(sum);
        format!(
            "{} SELECT CAST({} AS BIGINT) AS missing, CAST({} AS BIGINT) AS unexpected",
            self.sides(),
            counts[0],
            counts[1]
        )
    }

    /// Expected rows that are missing: [`TIMES`], then the columns.
    pub fn missing(&self, limit: usize) -> String {
        format!("{} {}{} LIMIT {limit}", self.sides(), self.surplus("expected", "actual"), self.order("expected"))
    }

    /// Rows that are not expected: [`TIMES`], then the columns.
    pub fn unexpected(&self, limit: usize) -> String {
        format!("{} {}{} LIMIT {limit}", self.sides(), self.surplus("actual", "expected"), self.order("actual"))
    }

    /// The order in which rows are shown.
    fn order(&self, side: &str) -> String {
        match self.engine {
            EngineKind::DuckDb => " ORDER BY ALL".to_owned(),
            EngineKind::Postgres | EngineKind::Spark => {
                let keys =
                    self.columns().map(|name| format!(", CAST({side}.{} AS {})", quote(name), self.engine.text()));
                format!(" ORDER BY 1{}", keys.collect::<String>())
            }
        }
    }

    /// Both sides with equal rows made one: the keys they are compared by, the values to show, and how many there are.
    fn sides(&self) -> String {
        let cast = |(name, kind): &(String, String)| format!("CAST({0} AS {kind}) AS {0}", quote(name));
        let casts: Vec<String> = self.columns.iter().map(cast).collect();
        let keys = self
            .columns
            .iter()
            .enumerate()
            .map(|(at, (name, kind))| format!("{} AS {}", self.key(name, kind), alias(at)));
        let first = |name: &String| match self.engine {
            EngineKind::DuckDb => format!("first({0}) AS {0}", quote(name)),
            EngineKind::Spark => format!("first({0}) AS {0}", quote(name)),
            EngineKind::Postgres => format!("(array_agg({0}))[1] AS {0}", quote(name)),
        };
        let shown = self.columns.iter().map(|(name, _)| first(name));
        let shown: Vec<String> = keys.chain(shown).chain(["count(*) AS __vmesh_count".to_owned()]).collect();
        let side = |rows: &str| {
            let groups: Vec<String> = (1..=self.columns.len()).map(|at| at.to_string()).collect();
            format!("SELECT {} FROM ({rows}) AS side GROUP BY {}", shown.join(", "), groups.join(", "))
        };
        let actual = format!("SELECT {} FROM {}", casts.join(", "), self.actual);
        format!("WITH expected AS ({}), actual AS ({})", side(&self.expected), side(&actual))
    }

    /// What a column is compared by. Twelve digits first, so that 2.5 and 2.4999999999999996 are rounded the same way.
    fn key(&self, name: &str, kind: &str) -> String {
        let (name, double) = (quote(name), self.engine.double());
        match (self.engine, is_float(self.engine, kind)) {
            (EngineKind::DuckDb, false) => name,
            // not every type can be compared
            (EngineKind::Postgres, false) if kind.starts_with("json") || kind == "xml" => {
                format!("CAST({name} AS text)")
            }
            (EngineKind::Spark, false) if kind.contains("map<") => format!("CAST({name} AS STRING)"),
            (EngineKind::Postgres | EngineKind::Spark, false) => name,
            (engine, true) => {
                let digits = |value: &str, count: usize| {
                    let value = format!("CAST({value} AS {double})");
                    match engine {
                        EngineKind::DuckDb => format!("CAST(format('{{:.{count}e}}', {value}) AS {double})"),
                        EngineKind::Spark => format!("CAST(format_string('%.{count}e', {value}) AS {double})"),
                        EngineKind::Postgres => format!(
                            "CASE WHEN abs({value}) < 'Infinity' THEN CAST(to_char({value}, '9.{}EEEE') AS {double}) \
                             ELSE {value} END",
                            "9".repeat(count)
                        ),
                    }
                };
                digits(&digits(&name, 11), 5)
            }
        }
    }

    fn surplus(&self, mine: &str, other: &str) -> String {
        let shown: Vec<String> = self.columns().map(|name| format!("{mine}.{}", quote(name))).collect();
        let same = |at| format!("{mine}.{0} IS NOT DISTINCT FROM {other}.{0}", alias(at));
        let same: Vec<String> = (0..self.columns.len()).map(same).collect();
        let times = format!("{mine}.__vmesh_count - coalesce({other}.__vmesh_count, 0)");
        format!(
            "SELECT {times} AS {TIMES}, {} FROM {mine} LEFT JOIN {other} ON {} WHERE {times} > 0",
            shown.join(", "),
            same.join(" AND ")
        )
    }
}

fn alias(at: usize) -> String {
    format!("__vmesh_key_{at}")
}

fn is_float(engine: EngineKind, kind: &str) -> bool {
    matches!(Type::of(engine, kind), Type::Float(_))
}

/// The columns to compare: all, or those that are named.
fn chosen(types: &[(String, String)], named: &[String], partial: bool) -> Result<Vec<(String, String)>, Vec<String>> {
    let is = |a: &str, b: &str| a.eq_ignore_ascii_case(b);
    let unknown = named.iter().filter(|name| !types.iter().any(|(other, _)| is(other, name)));
    let unknown: Vec<String> = unknown.cloned().collect();
    if !unknown.is_empty() {
        return Err(unknown);
    }
    let all = !partial || named.is_empty();
    let wanted = |column: &&(String, String)| all || named.iter().any(|name| is(name, &column.0));
    Ok(types.iter().filter(wanted).cloned().collect())
}
