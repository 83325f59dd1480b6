//! Audits that find single bad rows.
//!
//! A comparison with NULL is unknown, and unknown is not bad: a NULL passes every audit but those about NULL itself.

use super::super::engine_kind::EngineKind;
use super::arguments::Given;

/// The number of a row; no column of a model is called so.
const ROW: &str = "__vmesh_row";
const UUID: &str = "'^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$'";
const URL: &str = r"'^(https?|ftp)://[^\s/$.?#].[^\s]*$'";
const EMAIL: &str = r"'^[a-zA-Z0-9_.+-]+@[a-zA-Z0-9-]+\.[a-zA-Z0-9.-]+$'";
const HTTP_METHODS: &str = "'GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS', 'TRACE', 'CONNECT'";

/// Rows with a NULL in one of the columns.
pub(super) fn not_null(given: &Given<'_>) -> String {
    bad(given, each(given.list("columns"), " OR ", |column| format!("{column} IS NULL")))
}

/// Rows whose value another row had before, in one of the columns. NULL counts as a value, as in SQLMesh.
pub(super) fn unique_values(given: &Given<'_>) -> String {
    let (columns, filter, any) = (given.list("columns"), given.filter(None), given.engine.any_order());
    if let [column] = columns {
        return given.qualify("*", &format!("row_number() OVER (PARTITION BY {column}{any}) > 1"));
    }
    // one order of the rows for all columns, or the number of bad rows would depend on chance
    let repeated = |column: &str| format!("row_number() OVER (PARTITION BY {column} ORDER BY {ROW}) > 1");
    let (bad, numbered) = (
        each(columns, " OR ", repeated),
        format!("(SELECT *, row_number() OVER ({}) AS {ROW} FROM {}{filter})", any.trim_start(), given.relation),
    );
    match given.engine {
        EngineKind::DuckDb => format!("SELECT * EXCLUDE ({ROW}) FROM {numbered} QUALIFY {bad}"),
        EngineKind::Postgres | EngineKind::Spark => {
            let judged = format!("SELECT *, ({bad}) AS __vmesh_bad FROM {numbered} AS numbered");
            format!("SELECT * FROM ({judged}) AS judged WHERE __vmesh_bad")
        }
    }
}

/// Keys that occur more than once.
pub(super) fn unique_combination_of_columns(given: &Given<'_>) -> String {
    let (columns, filter) = (given.list("columns").join(", "), given.filter(None));
    format!(
        "SELECT {columns}, count(*) AS row_count FROM {}{filter} GROUP BY {columns} HAVING count(*) > 1",
        given.relation
    )
}

/// Rows with a value that is not listed. A NULL in the list changes nothing: with `NOT IN` it would accept all.
pub(super) fn accepted_values(given: &Given<'_>) -> String {
    let (column, values) = (given.one("column"), given.list("is_in").join(", "));
    bad(given, format!("{column} IS NOT NULL AND NOT coalesce({column} IN ({values}), false)"))
}

/// Rows with a value that is listed.
pub(super) fn not_accepted_values(given: &Given<'_>) -> String {
    bad(given, format!("{} IN ({})", given.one("column"), given.list("is_in").join(", ")))
}

/// Rows for which one of the criteria is false.
pub(super) fn forall(given: &Given<'_>) -> String {
    bad(given, each(given.list("criteria"), " OR ", |criterion| format!("NOT {criterion}")))
}

/// Rows with a value below the least or above the greatest.
pub(super) fn accepted_range(given: &Given<'_>) -> String {
    bad(given, outside(given, given.one("column")))
}

/// Rows with an empty string.
pub(super) fn not_empty_string(given: &Given<'_>) -> String {
    bad(given, format!("{} = ''", given.one("column")))
}

/// Rows whose value is not the next after that of the row before.
pub(super) fn sequential_values(given: &Given<'_>) -> String {
    let (column, interval) = (given.one("column"), given.optional("interval").unwrap_or("1"));
    let next = format!("lag({column}) OVER (ORDER BY {column}) + {interval}");
    given.qualify("*", &format!("NOT ({column} = {next})"))
}

/// Rows whose range ends before it begins, or after the next one begins. A range without an end is bad, as in SQLMesh.
pub(super) fn mutually_exclusive_ranges(given: &Given<'_>) -> String {
    let (lower, upper) = (given.one("lower_bound_column"), given.one("upper_bound_column"));
    let partition = match given.optional("partition_clause") {
        Some(clause) if clause.to_ascii_lowercase().starts_with("partition") => format!("{clause} "),
        Some(columns) => format!("PARTITION BY {columns} "),
        None => String::new(),
    };
    let window = format!("OVER ({partition}ORDER BY {lower}, {upper})");
    let last = format!("lead(true) {window} IS NULL");
    let bad =
        format!("NOT coalesce({lower} <= {upper}, false) OR NOT coalesce({upper} <= lead({lower}) {window}, {last})");
    given.qualify("*", &bad)
}

/// Rows whose value is no UUID of RFC 9562.
pub(super) fn valid_uuid(given: &Given<'_>) -> String {
    let column = given.one("column");
    bad(given, format!("NOT {}", given.matches(&format!("lower(CAST({column} AS {}))", given.engine.text()), UUID)))
}

/// Rows whose value is no address of the web.
pub(super) fn valid_url(given: &Given<'_>) -> String {
    bad(given, format!("NOT {}", regex(given, given.one("column"), URL)))
}

/// Rows whose value is no method of HTTP.
pub(super) fn valid_http_method(given: &Given<'_>) -> String {
    bad(given, format!("{} NOT IN ({HTTP_METHODS})", given.one("column")))
}

/// Rows whose value is no address of a mailbox.
pub(super) fn valid_email(given: &Given<'_>) -> String {
    bad(given, format!("NOT {}", regex(given, given.one("column"), EMAIL)))
}

/// Rows that match none of the regular expressions.
pub(super) fn match_regex(given: &Given<'_>) -> String {
    let column = given.one("column");
    bad(given, each(given.list("patterns"), " AND ", |pattern| format!("NOT {}", regex(given, column, pattern))))
}

/// Rows that match one of the regular expressions.
pub(super) fn not_match_regex(given: &Given<'_>) -> String {
    bad(given, each(given.list("patterns"), " OR ", |pattern| regex(given, given.one("column"), pattern)))
}

/// Rows that match none of the LIKE patterns.
pub(super) fn match_like(given: &Given<'_>) -> String {
    let column = given.one("column");
    bad(given, each(given.list("patterns"), " AND ", |pattern| format!("{column} NOT LIKE {pattern}")))
}

/// Rows that match one of the LIKE patterns.
pub(super) fn not_match_like(given: &Given<'_>) -> String {
    let column = given.one("column");
    bad(given, each(given.list("patterns"), " OR ", |pattern| format!("{column} LIKE {pattern}")))
}

/// Rows whose string is too short or too long.
pub(super) fn string_length_between(given: &Given<'_>) -> String {
    bad(given, outside(given, &length(given)))
}

/// Rows whose string has another length.
pub(super) fn string_length_equal(given: &Given<'_>) -> String {
    bad(given, format!("{} <> {}", length(given), given.one("v")))
}

/// Whether a value is out of the range of `min_v`, `max_v` and `inclusive`.
pub(super) fn outside(given: &Given<'_>, value: &str) -> String {
    let (below, above) = if given.is_on("inclusive") { ("<", ">") } else { ("<=", ">=") };
    let low = given.optional("min_v").map(|least| format!("{value} {below} {least}"));
    let high = given.optional("max_v").map(|greatest| format!("{value} {above} {greatest}"));
    low.into_iter().chain(high).collect::<Vec<_>>().join(" OR ")
}

fn bad(given: &Given<'_>, predicate: String) -> String {
    format!("SELECT * FROM {}{}", given.relation, given.filter(Some(predicate)))
}

fn each(list: &[String], joint: &str, predicate: impl Fn(&str) -> String) -> String {
    list.iter().map(|item| predicate(item)).collect::<Vec<_>>().join(joint)
}

fn regex(given: &Given<'_>, column: &str, pattern: &str) -> String {
    given.matches(&format!("CAST({column} AS {})", given.engine.text()), pattern)
}

fn length(given: &Given<'_>) -> String {
    format!("length(CAST({} AS {}))", given.one("column"), given.engine.text())
}
