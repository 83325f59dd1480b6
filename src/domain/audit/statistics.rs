//! Audits about the rows as a whole: the bad row is the number that was found.

use super::arguments::Given;
use super::rows::outside;

/// Not more rows than this.
pub(super) fn number_of_rows(given: &Given<'_>) -> String {
    let having = format!("count(*) <= {}", given.one("threshold"));
    found(given, "count(*) AS row_count", &having)
}

/// Rows, and a NULL in each. No rows at all are no offence.
pub(super) fn at_least_one(given: &Given<'_>) -> String {
    let having = format!("count(*) > 0 AND count({}) = 0", given.one("column"));
    found(given, "count(*) AS row_count", &having)
}

/// One value only, or none.
pub(super) fn not_constant(given: &Given<'_>) -> String {
    let distinct = format!("count(DISTINCT {})", given.one("column"));
    found(given, &format!("{distinct} AS distinct_values"), &format!("{distinct} <= 1"))
}

/// A share of values that is not above the threshold. No rows at all fail, as in SQLMesh.
pub(super) fn not_null_proportion(given: &Given<'_>) -> String {
    let (column, threshold) = (given.one("column"), given.one("threshold"));
    found(
        given,
        &format!("count(*) AS row_count, count({column}) AS not_null_count"),
        &format!("count({column}) <= count(*) * {threshold}"),
    )
}

/// A standard deviation out of range.
pub(super) fn stddev_in_range(given: &Given<'_>) -> String {
    let deviation = format!("stddev_samp({})", given.one("column"));
    found(given, &format!("{deviation} AS stddev"), &outside(given, &deviation))
}

/// A mean out of range.
pub(super) fn mean_in_range(given: &Given<'_>) -> String {
    let mean = format!("avg({})", given.one("column"));
    found(given, &format!("{mean} AS mean"), &outside(given, &mean))
}

/// Rows too many standard deviations away from the mean. The rows that the condition leaves out are not judged either.
pub(super) fn z_score(given: &Given<'_>) -> String {
    let column = given.one("column");
    let score = format!("({column} - avg({column}) OVER ()) / nullif(stddev_samp({column}) OVER (), 0)");
    given.qualify(&format!("*, {score} AS z_score"), &format!("abs({score}) > {}", given.one("threshold")))
}

/// How far the target's distribution is from the source's, in nats: `sum(p * ln(p / q))`, infinite when the target
/// never has a value that the source has. NULLs belong to no distribution.
pub(super) fn kl_divergence(given: &Given<'_>) -> String {
    let (source, target) = (given.one("source_column"), given.one("target_column"));
    let shares = |column: &str, share: &str| {
        format!(
            "SELECT {column} AS v, count(*) / sum(count(*)) OVER () AS {share} FROM {}{} GROUP BY 1",
            given.relation,
            given.filter(Some(format!("{column} IS NOT NULL")))
        )
    };
    let double = given.engine.double();
    let divergence = format!("sum(CASE WHEN q IS NULL THEN CAST('inf' AS {double}) ELSE p * ln(p / q) END)");
    format!(
        "SELECT {divergence} AS kl_divergence FROM ({}) AS source LEFT JOIN ({}) AS target USING (v) \
         HAVING {divergence} > {}",
        shares(source, "p"),
        shares(target, "q"),
        given.one("threshold")
    )
}

/// Pearson's test of independence, as `sum(observed² / expected) - total`: combinations that never occur, and so have
/// no row here, add nothing to this form of it.
pub(super) fn chi_square(given: &Given<'_>) -> String {
    let (a, b) = (given.one("column_a"), given.one("column_b"));
    let cells = format!(
        "SELECT {a} AS a, {b} AS b, CAST(count(*) AS {}) AS observed FROM {}{} GROUP BY 1, 2",
        given.engine.double(),
        given.relation,
        given.filter(Some(format!("{a} IS NOT NULL AND {b} IS NOT NULL")))
    );
    let expected = "sum(observed) OVER (PARTITION BY a) * sum(observed) OVER (PARTITION BY b) / sum(observed) OVER ()";
    let statistic = "sum(observed * observed / expected) - sum(observed)";
    let wanted = if given.is_on("dependent") { ">" } else { "<=" };
    format!(
        "SELECT (count(DISTINCT a) - 1) * (count(DISTINCT b) - 1) AS degrees_of_freedom, {statistic} AS chi_square \
         FROM (SELECT *, {expected} AS expected FROM ({cells}) AS cells) AS judged HAVING NOT ({statistic} {wanted} {})",
        given.one("critical_value")
    )
}

/// One row of numbers, if they are bad.
fn found(given: &Given<'_>, numbers: &str, bad: &str) -> String {
    format!("SELECT {numbers} FROM {}{} HAVING {bad}", given.relation, given.filter(None))
}
