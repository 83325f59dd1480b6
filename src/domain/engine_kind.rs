//! The engines that a warehouse may be of, and what differs between their SQL in a word or two: statements of vmesh's own are
//! written once, around these words.

use serde::Serialize;

/// Which engine a project's warehouse is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EngineKind {
    /// A file of DuckDB.
    #[default]
    DuckDb,
    /// A database of PostgreSQL.
    Postgres,
    /// Apache Spark, through Spark Connect.
    Spark,
}

impl EngineKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::DuckDb, Self::Postgres, Self::Spark];

    /// The word that settings have for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::DuckDb => "duckdb",
            Self::Postgres => "postgres",
            Self::Spark => "spark",
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::DuckDb => "DuckDB",
            Self::Postgres => "PostgreSQL",
            Self::Spark => "Spark",
        }
    }

    /// How its server is named in settings, for example; none where there is no server.
    pub fn url(self) -> Option<&'static str> {
        match self {
            Self::DuckDb => None,
            Self::Postgres => Some("env:VMESH_POSTGRES_URL"),
            Self::Spark => Some("sc://localhost:15002"),
        }
    }

    /// Whether the rows that a unit test gives lie elsewhere than its queries look for them: it is run in the warehouse, where
    /// what stands there is real.
    pub fn has_given_elsewhere(self) -> bool {
        self != Self::DuckDb
    }

    /// Whether names in quotes are told apart by the case of letters; those without are lower case.
    pub fn names_by_letter(self) -> bool {
        self == Self::Postgres
    }

    /// A text as a literal: to Spark, a backslash is more than itself.
    pub fn literal(self, text: &str) -> String {
        match self {
            Self::DuckDb | Self::Postgres => super::name::literal(text),
            Self::Spark => super::name::literal(&text.replace('\\', "\\\\")),
        }
    }

    /// The type of texts.
    pub fn text(self) -> &'static str {
        match self {
            Self::DuckDb | Self::Postgres => "VARCHAR",
            Self::Spark => "STRING",
        }
    }

    /// The type of numbers in floating point.
    pub fn double(self) -> &'static str {
        match self {
            Self::DuckDb | Self::Spark => "DOUBLE",
            Self::Postgres => "DOUBLE PRECISION",
        }
    }

    /// What has a query of a WITH clause computed once, with a blank behind it.
    pub fn once(self) -> &'static str {
        match self {
            Self::DuckDb | Self::Postgres => "MATERIALIZED ",
            Self::Spark => "",
        }
    }

    /// The types of moments, and of days with times.
    pub fn times(self) -> (&'static str, &'static str) {
        match self {
            Self::DuckDb | Self::Postgres => ("TIMESTAMPTZ", "TIMESTAMP"),
            Self::Spark => ("TIMESTAMP", "TIMESTAMP_NTZ"),
        }
    }

    /// The order of a window whose rows may be numbered in any.
    pub fn any_order(self) -> &'static str {
        match self {
            Self::DuckDb | Self::Postgres => "",
            Self::Spark => " ORDER BY NULL",
        }
    }

    /// The schema of a session's temporary tables.
    pub fn temporary(self) -> &'static str {
        match self {
            Self::DuckDb => "temp",
            Self::Postgres => "pg_temp",
            Self::Spark => "vmesh_tests",
        }
    }

    /// The column that tells the rows of a table apart.
    pub fn row_id(self) -> &'static str {
        match self {
            Self::DuckDb => "rowid",
            Self::Postgres => "ctid",
            // it has none
            Self::Spark => "monotonically_increasing_id()",
        }
    }

    /// What puts the rows of a relation that is called so in an order, whatever its columns are.
    pub fn whole_row(self, relation: &str) -> String {
        match self {
            Self::DuckDb => relation.to_owned(),
            // not every type has an order
            Self::Postgres => format!("CAST({relation} AS text) COLLATE \"C\""),
            // in backticks: it is no type here
            Self::Spark => format!("CAST(`struct`({relation}.*) AS STRING)"),
        }
    }

    /// The rows of a table in an order, whatever its columns are.
    pub fn in_order(self, table: &str, descending: bool) -> String {
        let direction = if descending { " DESC" } else { "" };
        match self {
            Self::DuckDb => format!("SELECT * FROM {table} ORDER BY ALL{direction}"),
            Self::Spark => {
                let row = self.whole_row("vmesh_rows");
                format!(
                    "SELECT * EXCEPT (vmesh_order) FROM (SELECT *, {row} AS vmesh_order FROM {table} AS vmesh_rows) AS ordered \
                     ORDER BY vmesh_order{direction}"
                )
            }
            Self::Postgres => {
                let row = self.whole_row("vmesh_rows");
                format!("SELECT vmesh_rows.* FROM {table} AS vmesh_rows ORDER BY {row}{direction}")
            }
        }
    }

    /// That the values of each pair, of one type, are the same, NULL and NULL among them: fit for joins.
    pub fn are_same(self, pairs: impl IntoIterator<Item = (String, String)>) -> String {
        let (left, right): (Vec<String>, Vec<String>) = pairs.into_iter().unzip();
        match self {
            Self::DuckDb => {
                let each = left.iter().zip(&right);
                let same: Vec<String> = each.map(|(a, b)| format!("{a} IS NOT DISTINCT FROM {b}")).collect();
                same.join(" AND ")
            }
            Self::Spark => {
                let each = left.iter().zip(&right);
                each.map(|(a, b)| format!("{a} <=> {b}")).collect::<Vec<_>>().join(" AND ")
            }
            // rows are the same as these are, and unlike IS NOT DISTINCT FROM can be joined without trying each pair
            Self::Postgres => {
                format!("CAST(ROW({}) AS record) = CAST(ROW({}) AS record)", left.join(", "), right.join(", "))
            }
        }
    }

    /// Text as a time, read by a format of `strptime`'s; none if that has a part that the engine doesn't know.
    pub fn read_time(self, text: &str, format: &str) -> Option<String> {
        match self {
            Self::DuckDb => Some(format!("strptime(CAST({text} AS VARCHAR), {})", super::name::literal(format))),
            // the hour of the zone, so that no hour is one that the session's zone leaves out
            Self::Postgres => Some(format!(
                "to_timestamp(CAST({text} AS text) || ' +00', {}) AT TIME ZONE 'UTC'",
                super::name::literal(&format!("{} TZH", template(format)?))
            )),
            Self::Spark => {
                let format = super::name::literal(&pattern(format)?);
                Some(format!("to_timestamp_ntz(CAST({text} AS STRING), {format})"))
            }
        }
    }
}

/// A format of `strptime`'s as a pattern of Spark's.
fn pattern(format: &str) -> Option<String> {
    let (mut pattern, mut chars) = (String::new(), format.chars());
    while let Some(c) = chars.next() {
        match c {
            '%' => pattern.push_str(match chars.next()? {
                'Y' => "yyyy",
                'y' => "yy",
                'm' => "MM",
                'd' => "dd",
                'j' => "DDD",
                'H' => "HH",
                'I' => "hh",
                'p' => "a",
                'M' => "mm",
                'S' => "ss",
                'f' => "SSSSSS",
                'b' => "MMM",
                'B' => "MMMM",
                _ => return None,
            }),
            // in quotes, letters mean themselves
            c if c.is_alphanumeric() => pattern.push_str(&format!("'{c}'")),
            '\'' | '\\' => return None,
            c => pattern.push(c),
        }
    }
    Some(pattern)
}

/// A format of `strptime`'s as a template of `to_timestamp`'s.
fn template(format: &str) -> Option<String> {
    let (mut template, mut chars) = (String::new(), format.chars());
    while let Some(c) = chars.next() {
        match c {
            '%' => template.push_str(match chars.next()? {
                'Y' => "YYYY",
                'y' => "YY",
                'm' => "MM",
                'd' => "DD",
                'j' => "DDD",
                'H' => "HH24",
                'I' => "HH12",
                'p' => "AM",
                'M' => "MI",
                'S' => "SS",
                'f' => "US",
                'b' => "Mon",
                'B' => "Month",
                _ => return None,
            }),
            // in quotes, letters mean themselves
            c if c.is_alphanumeric() => template.push_str(&format!("\"{c}\"")),
            '"' | '\\' => return None,
            c => template.push(c),
        }
    }
    Some(template)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn formats_of_times_are_said_in_the_words_of_the_engine() {
        let told = |format: &str| EngineKind::Postgres.read_time("ds", format);
        assert_eq!(
            told("%Y%m%d").unwrap(),
            "to_timestamp(CAST(ds AS text) || ' +00', 'YYYYMMDD TZH') AT TIME ZONE 'UTC'"
        );
        assert!(told("%Y-%m-%dT%H:%M:%S").unwrap().contains("'YYYY-MM-DD\"T\"HH24:MI:SS TZH'"));
        let spark = EngineKind::Spark.read_time("ds", "%Y-%m-%dT%H").unwrap();
        assert_eq!(spark, "to_timestamp_ntz(CAST(ds AS STRING), 'yyyy-MM-dd''T''HH')");
        assert_eq!(told("%Q"), None);
        assert_eq!(told("%"), None);
    }
}
