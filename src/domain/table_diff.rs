//! The SQL that compares two tables: the engine does the work, on any number of rows.
//!
//! Values are equal if they are one value: of two types, if each is what the other becomes, cast to its type. So
//! 9007199254740993 differs from the DOUBLE next to it, and a day from its noon. An interval is what it says: a month is
//! no 30 days, though the engine finds them equal. NULL equals NULL, and NaN equals NaN.

use super::engine_kind::EngineKind;
use super::environment::Column;
use super::name::{TableName, quote};
use super::types::Type;

/// The presence mark of a side in a full join.
const MARK: &str = "__vmesh_present";
/// The number of a row among those that are equal to it, or that have its key.
const NUMBER: &str = "__vmesh_number";

/// Two tables, and how their rows are matched.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// The engine that has them.
    pub engine: EngineKind,
    /// The first table, and all of its columns.
    pub a: (TableName, Vec<Column>),
    /// The second table.
    pub b: (TableName, Vec<Column>),
    /// The columns that identify a row; none: rows are compared whole.
    pub key: Vec<String>,
    /// The other columns that both have.
    pub columns: Vec<String>,
    /// The columns of both, as the first table has them, with the types of both.
    pub types: Vec<(String, (String, String))>,
    /// Whether some key occurs more than once: equal rows are matched first, and of those that are left, rows of one key
    /// one to one.
    pub repeated: bool,
}

/// Splits two column lists: those of both (with "types are equal"), those of the first only, those of the second only.
pub fn split(a: &[Column], b: &[Column]) -> (Vec<(String, bool)>, Vec<Column>, Vec<Column>) {
    let only = |these: &[Column], those: &[Column]| {
        these.iter().filter(|(name, _)| find(those, name).is_none()).cloned().collect::<Vec<_>>()
    };
    let common = common(a, b).into_iter().map(|(name, (one, other))| (name, one == other));
    (common.collect(), only(a, b), only(b, a))
}

/// The columns of both, with the types of both.
pub fn common(a: &[Column], b: &[Column]) -> Vec<(String, (String, String))> {
    let both = |(name, kind): &Column| Some((name.clone(), (kind.clone(), find(b, name)?.1.clone())));
    a.iter().filter_map(both).collect()
}

fn find<'c>(columns: &'c [Column], name: &str) -> Option<&'c Column> {
    columns.iter().find(|(other, _)| other.eq_ignore_ascii_case(name))
}

impl Comparison {
    /// One row of counts: only in A, only in B, in both, in both and different, then for each column the matches.
    pub fn counts(&self) -> String {
        let both = format!("__a.{MARK} AND __b.{MARK}");
        let same: Vec<String> = self.columns.iter().map(|name| self.same(name)).collect();
        let all = if same.is_empty() { "true".to_owned() } else { same.join(" AND ") };
        let (with, equal) = match self.repeated {
            true => (
                format!("WITH equal AS {}(SELECT count(*) AS n FROM {}) ", self.engine.once(), self.equal()),
                "(SELECT n FROM equal)",
            ),
            false => (String::new(), "0"),
        };
        let mut counts = vec![
            format!("count(*) FILTER (WHERE __b.{MARK} IS NULL)"),
            format!("count(*) FILTER (WHERE __a.{MARK} IS NULL)"),
            format!("count(*) FILTER (WHERE {both}) + {equal}"),
            format!("count(*) FILTER (WHERE {both} AND NOT ({all}))"),
        ];
        counts.extend(same.iter().map(|same| format!("count(*) FILTER (WHERE {both} AND {same}) + {equal}")));
        let (counts, on) = (counts.join(", "), self.on());
        format!("{with}SELECT {counts} FROM {} __a FULL JOIN {} __b ON {on}", self.side(true), self.side(false))
    }

    /// Some rows of one side that the other has not.
    pub fn only(&self, first: bool, limit: usize) -> String {
        let (mine, other) = names(first);
        format!(
            "SELECT {} FROM {} {mine} WHERE NOT EXISTS (SELECT 1 FROM {} {other} WHERE {}) ORDER BY {} LIMIT {limit}",
            self.all(first, mine),
            self.side(first),
            self.side(!first),
            self.on(),
            self.key_columns(mine)
        )
    }

    /// Some rows that differ: the key, then each of the given columns on both sides.
    pub fn changed(&self, columns: &[String], limit: usize) -> String {
        let wanted: Vec<&String> = self.columns.iter().filter(|name| columns.contains(name)).collect();
        let pair = |column: &&String| {
            let name = quote(column);
            let (before, after) = (quote(&format!("{column} (A)")), quote(&format!("{column} (B)")));
            format!("__a.{name} AS {before}, __b.{name} AS {after}")
        };
        let key = self.key.iter().map(|name| format!("__a.{}", quote(name)));
        let shown: Vec<String> = key.chain(wanted.iter().map(pair)).collect();
        let differs: Vec<String> = wanted.iter().map(|name| format!("NOT ({})", self.same(name))).collect();
        format!(
            "SELECT {} FROM {} __a JOIN {} __b ON {} WHERE {} ORDER BY {} LIMIT {limit}",
            shown.join(", "),
            self.side(true),
            self.side(false),
            self.on(),
            if differs.is_empty() { "false".to_owned() } else { differs.join(" OR ") },
            self.key_columns("__a")
        )
    }

    /// How many values of the key occur more than once on a side.
    pub fn duplicates(&self, first: bool) -> String {
        let key = self.listed(&mut self.key.iter());
        let table = self.table(first).quoted();
        format!("SELECT count(*) FROM (SELECT 1 FROM {table} GROUP BY {key} HAVING count(*) > 1) AS repeated")
    }

    /// Rows of one side that the other has not as often: the comparison without a key, over the common columns.
    pub fn surplus(&self, first: bool) -> String {
        let shown: Vec<String> = self.columns.iter().map(|name| quote(name)).collect();
        let shown = if shown.is_empty() { "1".to_owned() } else { shown.join(", ") };
        format!("SELECT {shown} FROM {} surplus", self.unequal(first))
    }

    fn table(&self, first: bool) -> &TableName {
        if first { &self.a.0 } else { &self.b.0 }
    }

    /// All columns of a side, under its name.
    fn all(&self, first: bool, side: &str) -> String {
        let columns = if first { &self.a.1 } else { &self.b.1 };
        columns.iter().map(|(name, _)| format!("{side}.{}", quote(name))).collect::<Vec<_>>().join(", ")
    }

    /// One table, with the columns that only the comparison needs.
    fn side(&self, first: bool) -> String {
        if !self.repeated {
            return format!("(SELECT *, true AS {MARK} FROM {})", self.table(first).quoted());
        }
        let key = self.listed(&mut self.key.iter());
        let order = self.listed(&mut self.key.iter().chain(&self.columns));
        let number = format!("row_number() OVER (PARTITION BY {key} ORDER BY {order}) AS {NUMBER}");
        format!("(SELECT *, true AS {MARK}, {number} FROM {} unequal)", self.unequal(first))
    }

    /// The rows of one side to which none of the other is equal, those that are equal among themselves counted.
    fn unequal(&self, first: bool) -> String {
        let (mine, other) = names(first);
        let (left, right, on) = (self.counted(first), self.counted(!first), self.equals());
        let all = self.all(first, mine);
        format!("(SELECT {all} FROM {left} {mine} WHERE NOT EXISTS (SELECT 1 FROM {right} {other} WHERE {on}))")
    }

    /// The rows of one side to which one of the other is equal.
    fn equal(&self) -> String {
        let (left, right, on) = (self.counted(true), self.counted(false), self.equals());
        format!("{left} __a WHERE EXISTS (SELECT 1 FROM {right} __b WHERE {on})")
    }

    /// A table with each row's number among those that are equal to it.
    fn counted(&self, first: bool) -> String {
        let all = self.listed(&mut self.key.iter().chain(&self.columns));
        let parts = if all.is_empty() { String::new() } else { format!("PARTITION BY {all}") };
        let parts = format!("{parts}{}", self.engine.any_order());
        format!("(SELECT *, row_number() OVER ({parts}) AS {NUMBER} FROM {})", self.table(first).quoted())
    }

    fn equals(&self) -> String {
        let number = format!("__a.{NUMBER} = __b.{NUMBER}");
        self.key
            .iter()
            .chain(&self.columns)
            .map(|name| self.same(name))
            .chain([number])
            .collect::<Vec<_>>()
            .join(" AND ")
    }

    /// NULL matches NULL, so that a key with gaps still identifies.
    fn on(&self) -> String {
        let number = self.repeated.then(|| format!("__a.{NUMBER} = __b.{NUMBER}"));
        self.key.iter().map(|name| self.same(name)).chain(number).collect::<Vec<_>>().join(" AND ")
    }

    fn same(&self, name: &str) -> String {
        let (a, b) = (self.value("__a.", name), self.value("__b.", name));
        match self.types_of(name) {
            Some((one, other)) if one != other && self.engine == EngineKind::DuckDb => format!(
                "TRY_CAST({b} AS {one}) IS NOT DISTINCT FROM {a} AND TRY_CAST({a} AS {other}) IS NOT DISTINCT FROM {b}"
            ),
            _ => self.engine.are_same([(a, b)]),
        }
    }

    fn types_of(&self, name: &str) -> Option<&(String, String)> {
        self.types.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, types)| types)
    }

    /// What a column is compared by: itself, or the text of an interval.
    fn value(&self, side: &str, name: &str) -> String {
        let column = format!("{side}{}", quote(name));
        let Some((one, other)) = self.types_of(name) else { return column };
        let is_interval = one == other && one.to_uppercase().contains("INTERVAL");
        let common = if is_interval { Some(self.engine.text()) } else { self.common_type(one, other) };
        common.map(|kind| format!("CAST({column} AS {kind})")).unwrap_or(column)
    }

    /// The type in which values of two types are compared; none where that is their own. DuckDB tries the casts both ways.
    fn common_type(&self, one: &str, other: &str) -> Option<&'static str> {
        let is_number = |kind: &Type| matches!(kind, Type::Integer { .. } | Type::Decimal { .. } | Type::Float(_));
        let is_time = |kind: &Type| matches!(kind, Type::Date | Type::Timestamp(_));
        match (self.engine, Type::of(self.engine, one), Type::of(self.engine, other)) {
            (EngineKind::DuckDb, ..) => None,
            // nothing compares these
            (engine, Type::Other(kind), _) if one == other => {
                let is_odd = matches!(&kind[..], "json" | "xml" | "point" | "variant");
                is_odd.then_some(engine.text())
            }
            (EngineKind::Spark, Type::Map(..), _) => Some(EngineKind::Spark.text()),
            _ if one == other => None,
            (EngineKind::Spark, a, b) if is_number(&a) && is_number(&b) => Some("decimal(38, 18)"),
            (_, a, b) if is_number(&a) && is_number(&b) => Some("numeric"),
            (_, a, b) if is_time(&a) && is_time(&b) => Some("timestamp"),
            (engine, ..) => Some(engine.text()),
        }
    }

    fn listed(&self, names: &mut dyn Iterator<Item = &String>) -> String {
        names.map(|name| self.value("", name)).collect::<Vec<_>>().join(", ")
    }

    fn key_columns(&self, side: &str) -> String {
        self.key.iter().map(|name| format!("{side}.{}", quote(name))).collect::<Vec<_>>().join(", ")
    }
}

/// What a side is called, and what the other is.
fn names(first: bool) -> (&'static str, &'static str) {
    if first { ("__a", "__b") } else { ("__b", "__a") }
}
