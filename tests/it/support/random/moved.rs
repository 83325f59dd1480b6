//! Pairs of queries that have the same parts in other places: a condition within or around a subquery, a key of one
//! GROUP BY or of the next. They are different queries, and no engine's own words stand in them.

use super::MODELS;

/// How many pairs there are.
const PAIRS: usize = 16;
/// Constants are below this.
const CONSTANTS: usize = 4;

/// One of the queries.
pub(super) fn query(a: usize, b: usize, constant: usize, form: usize) -> String {
    let (one, other) = pair(a, b, constant, form / 2 % PAIRS);
    if form.is_multiple_of(2) { one } else { other }
}

/// How many queries there are for `query`.
pub(super) const FORMS: usize = 2 * PAIRS;

/// A text with the other query of its pair, if it holds one.
pub(crate) fn moved(text: &str) -> Option<String> {
    let all = |of: usize| 0..of;
    for (a, b) in all(MODELS).flat_map(|a| all(MODELS).map(move |b| (a, b))) {
        for (constant, form) in all(CONSTANTS).flat_map(|constant| all(PAIRS).map(move |form| (constant, form))) {
            let (one, other) = pair(a, b, constant, form);
            // the longer one first, of which the other may be a part
            let (one, other) = if one.len() < other.len() { (other, one) } else { (one, other) };
            for (from, to) in [(&one, &other), (&other, &one)] {
                if text.contains(from.as_str()) {
                    return Some(text.replacen(from.as_str(), to, 1));
                }
            }
        }
    }
    None
}

fn pair(a: usize, b: usize, constant: usize, form: usize) -> (String, String) {
    let c = constant;
    match form {
        0..8 => pair_of_one(a, c, form),
        8 => (
            format!("SELECT DISTINCT x.id, y.v FROM m{a} AS x LEFT JOIN m{b} AS y ON x.id = y.id AND y.v > {c}"),
            format!("SELECT DISTINCT x.id, y.v FROM m{a} AS x LEFT JOIN m{b} AS y ON x.id = y.id WHERE y.v > {c}"),
        ),
        9 => (
            format!(
                "SELECT o.id, (SELECT max(i.v) FROM m{b} AS i WHERE i.id = o.id) AS v FROM m{a} AS o WHERE o.v > {c}"
            ),
            format!(
                "SELECT o.id, (SELECT max(i.v) FROM m{b} AS i WHERE i.id = o.id AND o.v > {c}) AS v FROM m{a} AS o"
            ),
        ),
        10 => (
            format!(
                "SELECT DISTINCT x.id, x.v FROM m{a} AS x WHERE EXISTS (SELECT 1 FROM m{b} AS y WHERE y.id = \
                 x.id AND y.v > {c})"
            ),
            format!(
                "SELECT DISTINCT x.id, x.v FROM m{a} AS x WHERE x.v > {c} AND EXISTS (SELECT 1 FROM m{b} AS y \
                 WHERE y.id = x.id)"
            ),
        ),
        11 => (
            format!("SELECT id, v FROM m{a} WHERE v > {c} UNION ALL SELECT id, v FROM m{b}"),
            format!("SELECT id, v FROM (SELECT id, v FROM m{a} UNION ALL SELECT id, v FROM m{b}) AS q WHERE v > {c}"),
        ),
        12 => (
            format!(
                "SELECT id, count(*) AS v FROM (SELECT id, v FROM m{a} UNION SELECT id, v FROM m{b}) AS q GROUP BY id"
            ),
            format!(
                "SELECT id, count(*) AS v FROM (SELECT id, v FROM m{a} UNION ALL SELECT id, v FROM m{b}) AS q \
                 GROUP BY id"
            ),
        ),
        13 => (
            format!(
                "WITH f AS (SELECT id, v FROM m{a} WHERE v > {c}) SELECT x.id, max(y.v) AS v FROM f AS x JOIN \
                 m{b} AS y ON x.id = y.id GROUP BY x.id"
            ),
            format!(
                "WITH f AS (SELECT id, v FROM m{b} WHERE v > {c}) SELECT x.id, max(y.v) AS v FROM m{a} AS x \
                 JOIN f AS y ON x.id = y.id GROUP BY x.id"
            ),
        ),
        // columns that are called like tables
        14 => (
            format!(
                "SELECT o.id, (SELECT max(i.v) FROM (SELECT id, v, v + {c} AS i FROM m{b}) AS i WHERE i.id = o.id) AS v \
                 FROM m{a} AS o"
            ),
            format!(
                "SELECT o.id, (SELECT max(i.i) FROM (SELECT id, v, v + {c} AS i FROM m{b}) AS i WHERE i.id = o.id) AS v \
                 FROM m{a} AS o"
            ),
        ),
        _ => (
            format!("SELECT x.id, (SELECT count(*) FROM m{b} AS y WHERE y.v = x.id + {c}) AS v FROM m{a} AS x"),
            format!("SELECT x.id, (SELECT count(*) FROM m{b} AS y WHERE y.v = id + {c}) AS v FROM m{a} AS x"),
        ),
    }
}

/// Those that read one model.
fn pair_of_one(a: usize, c: usize, form: usize) -> (String, String) {
    match form {
        0 => (
            format!("SELECT id, min(v) OVER () AS v FROM m{a} WHERE v > {c}"),
            format!("SELECT id, w AS v FROM (SELECT id, v, min(v) OVER () AS w FROM m{a}) AS q WHERE v > {c}"),
        ),
        1 => (
            format!("SELECT q.id, count(*) AS v FROM (SELECT id, v FROM m{a} GROUP BY id, v) AS q GROUP BY q.id"),
            format!("SELECT id, count(*) AS v FROM m{a} GROUP BY id, v"),
        ),
        2 => (
            format!("SELECT id, v FROM m{a} ORDER BY v, id LIMIT {c} + 1"),
            format!("SELECT id, v FROM (SELECT id, v FROM m{a} ORDER BY v) AS q ORDER BY id, v LIMIT {c} + 1"),
        ),
        3 => (
            format!("SELECT id, count(*) + {c} AS v FROM (SELECT DISTINCT id, v FROM m{a}) AS q GROUP BY id"),
            format!("SELECT DISTINCT id, count(*) + {c} AS v FROM (SELECT id, v FROM m{a}) AS q GROUP BY id"),
        ),
        4 => (
            format!("SELECT id, max(v) AS v FROM m{a} WHERE v > {c} GROUP BY id"),
            format!("SELECT id, max(v) AS v FROM m{a} GROUP BY id HAVING min(v) > {c}"),
        ),
        5 => (
            format!(
                "SELECT id, max(v) OVER (PARTITION BY id) AS v FROM (SELECT DISTINCT id, v FROM m{a} WHERE v <> \
                 {c}) AS q"
            ),
            format!(
                "SELECT DISTINCT id, max(v) OVER (PARTITION BY id) AS v FROM (SELECT id, v FROM m{a}) AS q \
                 WHERE v <> {c}"
            ),
        ),
        // what reads only one of the columns
        6 => (format!("SELECT id, {c} AS v FROM m{a}"), format!("SELECT {c} AS id, v FROM m{a}")),
        _ => (
            format!(
                "SELECT max(id) AS id, count(*) AS v FROM (SELECT id, v FROM m{a} ORDER BY v, id LIMIT 2) AS q \
                 WHERE v > {c}"
            ),
            format!(
                "SELECT max(id) AS id, count(*) AS v FROM (SELECT id, v FROM m{a} WHERE v > {c} ORDER BY v, id \
                 LIMIT 2) AS q"
            ),
        ),
    }
}
