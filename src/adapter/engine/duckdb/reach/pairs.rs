//! Pairs of random queries: where the lineage of both says the same of the rows, the columns of which it says the same are the
//! same. And each rule of lineage, switched off alone, is caught by that.
//!
//! `VMESH_PAIRS=20000 VMESH_REACH_SEED=5 cargo test --lib pairs -- --nocapture` tries more of them.

use std::collections::BTreeSet;

use duckdb::Connection;

use super::queries::Dice;
use super::{assembled, layers, make, projected, table, warehouse, words};
use crate::domain::project::{Lineages, Model};
use crate::domain::sql::rules;

/// What a pair shows.
#[derive(Debug, PartialEq)]
enum Verdict {
    /// No lineage is told of one of them, or there is none.
    Untold,
    /// They are told apart.
    Apart,
    /// They say the same, and it is so.
    Alike,
    /// They say the same, and it is not so.
    Wrong(String),
}

/// The pair of a number.
fn pair(number: u64) -> (String, String) {
    let dice = &mut Dice(number.wrapping_mul(7_919) + 3);
    if number.is_multiple_of(3) { words::pair(dice) } else { layers::pair(dice) }
}

fn model(text: &str) -> Option<Model> {
    assembled(&vec![("m.t0".to_owned(), text.to_owned())], &Lineages::default()).remove("m.t0")
}

/// The columns of which two models say the same, if they do so of the rows; what may be otherwise each time, they say nothing of.
fn same(one: &Model, other: &Model) -> Option<BTreeSet<String>> {
    let (one, other) = (one.lineage.as_ref()?, other.lineage.as_ref()?);
    let print = |name: &str| other.columns.iter().find(|it| it.0 == name).map(|it| it.1.print);
    let columns = one.columns.iter().filter(|(name, origin)| !origin.unstable && print(name) == Some(origin.print));
    (one.rows.print == other.rows.print && !one.rows.unstable).then(|| columns.map(|it| it.0.clone()).collect())
}

fn verdict(connection: &Connection, (text, other): &(String, String)) -> Verdict {
    let (Some(one), Some(two)) = (model(text), model(other)) else { return Verdict::Untold };
    if text == other || one.lineage.is_none() || two.lineage.is_none() {
        return Verdict::Untold;
    }
    let Some(columns) = same(&one, &two) else { return Verdict::Apart };
    if make(connection, "m.one", text).is_none() || make(connection, "m.two", other).is_none() {
        return Verdict::Apart;
    }
    let rows = |table: &str| projected(connection, table, &columns);
    let is_one = one.fingerprint == two.fingerprint;
    match rows("m.one") == rows("m.two") && (!is_one || table(connection, "m.one") == table(connection, "m.two")) {
        true => Verdict::Alike,
        false => Verdict::Wrong(format!("{columns:?} of\n{text}\n{other}")),
    }
}

fn said(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|said| said.parse().ok())
}

#[test]
fn columns_that_say_the_same_are_the_same() {
    let (pairs, first) = (said("VMESH_PAIRS").unwrap_or(1000), said("VMESH_REACH_SEED").unwrap_or(1) * 1_000_000);
    let connection = warehouse();
    let (mut told, mut alike) = (0, 0);
    for number in first..first + pairs {
        match verdict(&connection, &pair(number)) {
            Verdict::Untold => continue,
            Verdict::Apart => {}
            Verdict::Alike => alike += 1,
            Verdict::Wrong(what) => panic!("{number}: {what}"),
        }
        told += 1;
    }
    eprintln!("{told} of {pairs} pairs tell something, {alike} of them say the same of their rows");
    assert!(told * 5 > pairs && alike > 0, "{told} of {pairs} pairs tell something, {alike} say the same");
}

/// The rules, by what they call what they make, each with two queries that it tells apart.
const RULES: [(&str, &str, &str); 33] = [
    ("limit", "SELECT id FROM raw.r1 ORDER BY ALL LIMIT 2", "SELECT id FROM raw.r1 ORDER BY ALL LIMIT 3"),
    ("order by", "SELECT k FROM raw.r1 ORDER BY k LIMIT 2", "SELECT k FROM raw.r1 ORDER BY k DESC LIMIT 2"),
    ("order by all", "SELECT k FROM raw.r1 ORDER BY ALL LIMIT 2", "SELECT k FROM raw.r1 ORDER BY ALL DESC LIMIT 2"),
    ("cross", "SELECT r1.id FROM raw.r1, raw.r2", "SELECT r1.id FROM raw.r1"),
    ("where", "SELECT id FROM raw.r1 WHERE a > 0", "SELECT id FROM raw.r1 WHERE a > 3"),
    ("rows of", "SELECT id, unnest([a, b]) AS u FROM raw.r1", "SELECT id, unnest([a]) AS u FROM raw.r1"),
    (
        "window",
        "SELECT sum(a) OVER w AS s FROM raw.r1 WINDOW w AS (PARTITION BY k)",
        "SELECT sum(a) OVER w AS s FROM raw.r1 WINDOW w AS (PARTITION BY id)",
    ),
    (
        "over",
        "SELECT sum(a) OVER () AS s FROM raw.r1 WHERE b > 2",
        "SELECT s FROM (SELECT b, sum(a) OVER () AS s FROM raw.r1) AS q WHERE b > 2",
    ),
    (
        "qualify",
        "SELECT id FROM raw.r1 QUALIFY count(*) OVER () > 0",
        "SELECT id FROM raw.r1 QUALIFY count(*) OVER () > 9",
    ),
    ("distinct", "SELECT DISTINCT k FROM raw.r1", "SELECT k FROM raw.r1"),
    ("distinct on", "SELECT DISTINCT ON (k) id FROM raw.r1 ORDER BY k, id", "SELECT id FROM raw.r1 ORDER BY k, id"),
    ("group by", "SELECT k FROM raw.r1 GROUP BY k", "SELECT k FROM raw.r1"),
    ("group by all", "SELECT k, count(*) AS n FROM raw.r1 GROUP BY ALL", "SELECT k FROM raw.r1"),
    ("aggregate", "SELECT max(a) AS m FROM raw.r1", "SELECT a FROM raw.r1"),
    (
        "having",
        "SELECT k FROM raw.r1 GROUP BY k HAVING count(*) > 0",
        "SELECT k FROM raw.r1 GROUP BY k HAVING count(*) > 9",
    ),
    (
        "join",
        "SELECT p.id FROM raw.r1 AS p JOIN raw.r2 AS q ON p.id = q.id",
        "SELECT p.id FROM raw.r1 AS p JOIN raw.r2 AS q ON p.id < q.id",
    ),
    ("using", "SELECT a FROM raw.r1 JOIN raw.r2 USING (id, k)", "SELECT a FROM raw.r1 JOIN raw.r2 USING (id)"),
    (
        "natural",
        "SELECT a FROM raw.r1 NATURAL JOIN (SELECT id, k FROM raw.r2) AS q",
        "SELECT a FROM raw.r1 NATURAL JOIN (SELECT id FROM raw.r2) AS q",
    ),
    ("merged", "SELECT k FROM raw.r2 FULL JOIN raw.r1 USING (k)", "SELECT r2.k FROM raw.r2 FULL JOIN raw.r1 USING (k)"),
    (
        "place",
        "SELECT p.a FROM raw.r1 AS p JOIN raw.r1 AS q ON p.id < q.id",
        "SELECT q.a FROM raw.r1 AS p JOIN raw.r1 AS q ON p.id < q.id",
    ),
    (
        "outer",
        "SELECT (SELECT count(*) FROM raw.r1 AS q WHERE q.a < p.b) AS n FROM raw.r1 AS p",
        "SELECT (SELECT count(*) FROM raw.r1 AS q WHERE q.a < q.b) AS n FROM raw.r1 AS p",
    ),
    (
        "union",
        "SELECT a FROM raw.r1 UNION ALL SELECT x AS a FROM raw.r2",
        "SELECT a FROM raw.r1 UNION ALL SELECT y AS a FROM raw.r2",
    ),
    (
        "set operation",
        "SELECT a FROM raw.r1 UNION ALL SELECT x FROM raw.r2",
        "SELECT a FROM raw.r1 INTERSECT SELECT x FROM raw.r2",
    ),
    ("values", "SELECT v FROM (VALUES (1), (2)) AS t(v)", "SELECT v FROM (VALUES (1), (3)) AS t(v)"),
    (
        "recursive",
        "WITH RECURSIVE t AS (SELECT k AS n FROM raw.r1 UNION SELECT n + 1 FROM t WHERE n < 3) SELECT n FROM t",
        "WITH RECURSIVE t AS (SELECT k AS n FROM raw.r1 UNION SELECT n + 1 FROM t WHERE n < 9) SELECT n FROM t",
    ),
    ("expression", "SELECT a + 1 AS v FROM raw.r1", "SELECT a + 2 AS v FROM raw.r1"),
    ("row", "SELECT p AS v FROM raw.r1 AS p", "SELECT id AS v FROM raw.r1 AS p"),
    (
        "field",
        "SELECT s.a AS v FROM (SELECT {'a': id, 'b': k} AS s FROM raw.r1) AS q",
        "SELECT s.b AS v FROM (SELECT {'a': id, 'b': k} AS s FROM raw.r1) AS q",
    ),
    (
        "subquery",
        "SELECT (SELECT max(x) FROM raw.r2) AS v FROM raw.r1",
        "SELECT (SELECT max(x) FROM raw.r2 WHERE x < 2) AS v FROM raw.r1",
    ),
    (
        "exists",
        "SELECT id FROM raw.r1 WHERE EXISTS (SELECT max(x) > 9 FROM raw.r2)",
        "SELECT id FROM raw.r1 WHERE (SELECT max(x) > 9 FROM raw.r2)",
    ),
    (
        "not exists",
        "SELECT id FROM raw.r1 WHERE NOT EXISTS (SELECT max(x) < 9 FROM raw.r2)",
        "SELECT id FROM raw.r1 WHERE (SELECT max(x) < 9 FROM raw.r2)",
    ),
    (
        "in",
        "SELECT id FROM raw.r1 WHERE k IN (SELECT x FROM raw.r2)",
        "SELECT id FROM raw.r1 WHERE k IN (SELECT x FROM raw.r2 WHERE x > 9)",
    ),
    (
        "not in",
        "SELECT id FROM raw.r1 WHERE k NOT IN (SELECT x FROM raw.r2)",
        "SELECT id FROM raw.r1 WHERE k NOT IN (SELECT x FROM raw.r2 WHERE x > 9)",
    ),
];

#[test]
fn each_rule_that_is_switched_off_is_caught() {
    let connection = warehouse();
    for (rule, one, other) in RULES {
        let pair = (one.to_owned(), other.to_owned());
        let off = rules::without(rule, || verdict(&connection, &pair));
        assert!(matches!(off, Verdict::Wrong(_)), "{rule} is not missed: {off:?}");
        let on = verdict(&connection, &pair);
        assert!(matches!(on, Verdict::Apart | Verdict::Alike), "{rule}: {on:?}");
    }
}
