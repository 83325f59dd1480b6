//! The SQL that compares two tables: the engine does the work, on any number of rows.

use super::environment::Column;
use super::name::{TableName, quote};

/// The presence mark of a side in a full join.
const MARK: &str = "__vmesh_present";
/// The number of a row among those of its key.
const NUMBER: &str = "__vmesh_number";

/// Two tables, and how their rows are matched.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// The first table.
    pub a: TableName,
    /// The second table.
    pub b: TableName,
    /// The columns that identify a row.
    pub key: Vec<String>,
    /// The other columns that both have.
    pub columns: Vec<String>,
    /// Columns whose types have nothing in common: their values are compared as text.
    pub as_text: Vec<String>,
    /// Whether some key occurs more than once: rows of one key are then numbered by their other values, and matched one
    /// to one.
    pub numbered: bool,
}

/// Splits two column lists: those of both (with "types are equal"), those of the first only, those of the second only.
pub fn split(a: &[Column], b: &[Column]) -> (Vec<(String, bool)>, Vec<Column>, Vec<Column>) {
    let find =
        |columns: &[Column], name: &str| columns.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).cloned();
    let common = a.iter().filter_map(|(name, kind)| find(b, name).map(|(_, other)| (name.clone(), other == *kind)));
    let only = |these: &[Column], those: &[Column]| {
        these.iter().filter(|(name, _)| find(those, name).is_none()).cloned().collect::<Vec<_>>()
    };
    (common.collect(), only(a, b), only(b, a))
}

/// The columns of both whose types have nothing in common. Numbers can be compared with numbers, and dates with times.
pub fn as_text(a: &[Column], b: &[Column]) -> Vec<String> {
    let other = |name: &str| b.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, kind)| kind);
    let apart = |(name, kind): &&Column| {
        other(name).is_some_and(|other| other != kind && (family(kind).is_none() || family(kind) != family(other)))
    };
    a.iter().filter(apart).map(|(name, _)| name.clone()).collect()
}

/// Types of one family are compared by value.
fn family(kind: &str) -> Option<&'static str> {
    let kind = kind.to_ascii_uppercase();
    let integer = kind.strip_prefix('U').unwrap_or(&kind);
    match integer {
        "TINYINT" | "SMALLINT" | "INTEGER" | "BIGINT" | "HUGEINT" | "DOUBLE" | "FLOAT" => Some("number"),
        _ if kind.starts_with("DECIMAL(") && !kind.ends_with(']') => Some("number"),
        "DATE" | "TIMESTAMP" | "TIMESTAMP_S" | "TIMESTAMP_MS" | "TIMESTAMP_NS" => Some("time"),
        _ => None,
    }
}

impl Comparison {
    /// One row of counts: only in A, only in B, in both, in both and different, then for each column the matches.
    pub fn counts(&self) -> String {
        let both = format!("a.{MARK} AND b.{MARK}");
        let same: Vec<String> = self.columns.iter().map(|name| self.same(name)).collect();
        let all = if same.is_empty() { "true".to_owned() } else { same.join(" AND ") };
        let mut counts = vec![
            format!("count(*) FILTER (WHERE b.{MARK} IS NULL)"),
            format!("count(*) FILTER (WHERE a.{MARK} IS NULL)"),
            format!("count(*) FILTER (WHERE {both})"),
            format!("count(*) FILTER (WHERE {both} AND NOT ({all}))"),
        ];
        counts.extend(same.iter().map(|same| format!("count(*) FILTER (WHERE {both} AND {same})")));
        format!("SELECT {} FROM {}", counts.join(", "), self.join())
    }

    /// Some rows of one side that the other has not.
    pub fn only(&self, first: bool, limit: usize) -> String {
        let (mine, other) = if first { ("a", "b") } else { ("b", "a") };
        let (left, right) = if first { (&self.a, &self.b) } else { (&self.b, &self.a) };
        let (left, right) = (self.side(left), self.side(right));
        let (order, on) = (self.key_columns(mine), self.on());
        format!(
            "SELECT {mine}.* EXCLUDE ({}) FROM {left} {mine} ANTI JOIN {right} {other} ON {on} \
             ORDER BY {order} LIMIT {limit}",
            self.own_columns()
        )
    }

    /// Some rows that differ: the key, then each of the given columns on both sides.
    pub fn changed(&self, columns: &[String], limit: usize) -> String {
        let wanted: Vec<&String> = self.columns.iter().filter(|name| columns.contains(name)).collect();
        let pair = |column: &&String| {
            let name = quote(column);
            let (before, after) = (quote(&format!("{column} (A)")), quote(&format!("{column} (B)")));
            format!("a.{name} AS {before}, b.{name} AS {after}")
        };
        let key = self.key.iter().map(|name| format!("a.{}", quote(name)));
        let shown: Vec<String> = key.chain(wanted.iter().map(pair)).collect();
        let differs: Vec<String> = wanted.iter().map(|name| format!("NOT ({})", self.same(name))).collect();
        format!(
            "SELECT {} FROM {} a JOIN {} b ON {} WHERE {} ORDER BY {} LIMIT {limit}",
            shown.join(", "),
            self.side(&self.a),
            self.side(&self.b),
            self.on(),
            if differs.is_empty() { "false".to_owned() } else { differs.join(" OR ") },
            self.key_columns("a")
        )
    }

    /// How many values of the key occur more than once on a side.
    pub fn duplicates(&self, first: bool) -> String {
        let table = if first { &self.a } else { &self.b };
        let key: Vec<String> = self.key.iter().map(|name| quote(name)).collect();
        let key = key.join(", ");
        format!("SELECT count(*) FROM (SELECT 1 FROM {} GROUP BY {key} HAVING count(*) > 1)", table.quoted())
    }

    /// Rows of one side that the other has not as often: the comparison without a key, over the common columns.
    pub fn surplus(&self, first: bool) -> String {
        let columns: Vec<String> = self
            .columns
            .iter()
            .map(|name| match self.as_text.contains(name) {
                true => format!("CAST({0} AS VARCHAR) AS {0}", quote(name)),
                false => quote(name),
            })
            .collect();
        let columns = if columns.is_empty() { "1".to_owned() } else { columns.join(", ") };
        let (left, right) = if first { (&self.a, &self.b) } else { (&self.b, &self.a) };
        format!("SELECT {columns} FROM {} EXCEPT ALL SELECT {columns} FROM {}", left.quoted(), right.quoted())
    }

    fn join(&self) -> String {
        format!("{} a FULL JOIN {} b ON {}", self.side(&self.a), self.side(&self.b), self.on())
    }

    /// One table, with the columns that only the comparison needs.
    fn side(&self, table: &TableName) -> String {
        let number = if self.numbered {
            let names =
                |names: &mut dyn Iterator<Item = &String>| names.map(|name| quote(name)).collect::<Vec<_>>().join(", ");
            let key = names(&mut self.key.iter());
            let order = names(&mut self.key.iter().chain(&self.columns));
            format!(", row_number() OVER (PARTITION BY {key} ORDER BY {order}) AS {NUMBER}")
        } else {
            String::new()
        };
        format!("(SELECT *, true AS {MARK}{number} FROM {})", table.quoted())
    }

    fn own_columns(&self) -> String {
        if self.numbered { format!("{MARK}, {NUMBER}") } else { MARK.to_owned() }
    }

    /// NULL matches NULL, so that a key with gaps still identifies.
    fn on(&self) -> String {
        let number = self.numbered.then(|| format!("a.{NUMBER} = b.{NUMBER}"));
        self.key.iter().map(|name| self.same(name)).chain(number).collect::<Vec<_>>().join(" AND ")
    }

    fn same(&self, name: &str) -> String {
        let text = self.as_text.iter().any(|other| other.eq_ignore_ascii_case(name));
        let name = quote(name);
        if text {
            format!("CAST(a.{name} AS VARCHAR) IS NOT DISTINCT FROM CAST(b.{name} AS VARCHAR)")
        } else {
            format!("a.{name} IS NOT DISTINCT FROM b.{name}")
        }
    }

    fn key_columns(&self, side: &str) -> String {
        self.key.iter().map(|name| format!("{side}.{}", quote(name))).collect::<Vec<_>>().join(", ")
    }
}
