//! Random projects, the same every time, and what an environment shows of them.

use super::truth::{Shown, described};
use super::{Sandbox, postgres};

/// How many models there are.
pub(crate) const MODELS: usize = 6;

/// Numbers that look random and are the same every time.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }
}

/// A query of model `number` that reads earlier models in one of many ways. It gives `id` and `v`, and what comes along;
/// of some, that is a column which few read.
pub(crate) fn query(number: usize, dice: &mut Dice) -> String {
    let query = plain_query(number, dice);
    let (head, body) = match query.split_once(");\n") {
        Some((head, body)) if query.starts_with("MODEL") => (format!("{head});\n"), body),
        _ => (String::new(), query.as_str()),
    };
    if head.contains("INCREMENTAL") || head.contains("SCD") || dice.roll(2) == 0 {
        return query;
    }
    format!("{head}SELECT *, {} FROM ({body}) AS q", along(number, dice))
}

/// The column that comes along.
fn along(number: usize, dice: &mut Dice) -> String {
    format!("id * {} AS w{number}", dice.roll(10))
}

/// The text of a model with another value of the column that comes along, if it has one.
pub(crate) fn changed_along(number: usize, text: &str, dice: &mut Dice) -> Option<String> {
    let end = text.find(&format!(" AS w{number} FROM ("))?;
    let start = text[..end].rfind("id * ")?;
    let name = format!(" AS w{number}");
    Some(format!("{}{}{}", &text[..start], along(number, dice), &text[end + name.len()..]))
}

/// The text of a model in other words, which give the same rows: nobody can tell without looking at them.
pub(crate) fn reworded(text: &str, dice: &mut Dice) -> Option<String> {
    const SAME: &str = ") AS same WHERE v IS DISTINCT FROM -";
    if text.contains("INCREMENTAL") || text.contains("SCD") {
        return None;
    }
    let number = 1000 + dice.roll(100);
    if let Some(end) = text.rfind(SAME) {
        return Some(format!("{}{number}", &text[..end + SAME.len()]));
    }
    let (head, body) = match text.split_once(");\n").filter(|_| text.starts_with("MODEL")) {
        Some((head, body)) => (format!("{head});\n"), body),
        None => (String::new(), text),
    };
    Some(format!("{head}SELECT * FROM ({body}\n{SAME}{number}"))
}

fn plain_query(number: usize, dice: &mut Dice) -> String {
    let constant = dice.roll(4);
    if number == 0 {
        return format!("SELECT * FROM (VALUES (1, {constant}), (2, 5), (3, {constant} + 1)) AS t(id, v)");
    }
    let (a, b) = (dice.roll(number), dice.roll(number));
    if number == MODELS - 1 && dice.roll(2) == 0 {
        // the last one, since what reads a history sees what was once valid; of types that stay, since it takes no others
        return format!(
            "MODEL (kind SCD_TYPE_2_BY_COLUMN (unique_key id, columns *, invalidate_hard_deletes true));\n\
             SELECT CAST(id AS INT) AS id, CAST(max(v) + {constant} AS BIGINT) AS v FROM m{a} GROUP BY id"
        );
    }
    match (dice.roll(3), postgres::is_tested()) {
        (0, _) => with_kind(a, b, constant, dice.roll(5)),
        (1, false) => plain(a, b, constant, dice.roll(8)),
        (_, false) => modern(a, b, constant, dice.roll(16)),
        (_, true) => in_words_of_postgres(a, b, constant, dice.roll(24)),
    }
}

/// Headers and macros.
fn with_kind(a: usize, b: usize, constant: usize, form: usize) -> String {
    match form {
        0 => format!("MODEL (kind VIEW);\nSELECT id, v FROM \"m{a}\" WHERE id <> {constant}"),
        1 => {
            // those that go on from prod's rows by default would not be what a build from scratch is
            let kind = [
                "BY_UNIQUE_KEY (unique_key id)",
                "BY_PARTITION (forward_only false), partitioned_by id",
                "UNMANAGED (forward_only false)",
                "UNMANAGED (insert_overwrite true, forward_only false)",
            ][constant];
            format!(
                "MODEL (kind INCREMENTAL_{kind}, start '2026-01-01');\n\
                 SELECT id, max(v) + {constant} AS v FROM m{a} WHERE @start_ds <= @end_ds GROUP BY id"
            )
        }
        2 => format!(
            "MODEL (kind INCREMENTAL_BY_TIME_RANGE (time_column day, batch_size 90), start '2026-01-01');\n\
             SELECT id, v, DATE '2026-01-01' + CAST(id AS INT) AS day FROM m{a} WHERE v >= {constant}"
        ),
        3 => {
            format!("SELECT @EACH([id, v], c -> max(@c) AS @c) FROM m{a} WHERE id <> @EVAL({constant} + 1) GROUP BY id")
        }
        _ => format!(
            "MODEL (kind EMBEDDED);\nSELECT id, v AS v FROM m{a} -- {constant}\nWHERE id IN (SELECT id FROM m{b})"
        ),
    }
}

/// Queries as they have always been written.
fn plain(a: usize, b: usize, constant: usize, form: usize) -> String {
    match form {
        0 => format!("SELECT id, v + {constant} AS v FROM m{a}"),
        1 => format!("SELECT a.id, max(a.v + b.v) AS v FROM m{a} AS a JOIN m{b} AS b USING (id) GROUP BY ALL"),
        2 => format!("FROM m{a} SELECT id, v WHERE v > {constant}"),
        3 => format!("WITH m{a} AS (SELECT id, v * 2 AS v FROM m{b}) SELECT id, v FROM m{a}"),
        4 => format!("SELECT id, v FROM m{a} UNION ALL BY NAME SELECT v, id FROM m{b}"),
        5 => format!("SELECT DISTINCT id, (SELECT count(*) FROM m{b} AS x WHERE x.v >= {constant}) AS v FROM M{a}"),
        6 => format!("SELECT * FROM m{a} ORDER BY ALL LIMIT 3 OFFSET {constant}"),
        _ => format!(
            "WITH RECURSIVE r AS (SELECT id, v FROM m{a} UNION SELECT id, v + 1 FROM r WHERE v < {constant} + 2) \
             SELECT id, v FROM r"
        ),
    }
}

/// Queries as DuckDB lets one write them. What joins takes each row once: rows would be multiplied from model to model.
fn modern(a: usize, b: usize, constant: usize, form: usize) -> String {
    match form {
        0 => format!(
            "SELECT id, v FROM m{a} QUALIFY row_number() OVER (PARTITION BY id ORDER BY v DESC) <= {constant} + 1"
        ),
        1 => format!(
            "SELECT id, sum(v) OVER by_id AS v FROM m{a} WINDOW by_id AS (PARTITION BY id) \
             QUALIFY count(*) OVER by_id > 0 AND id <> {constant}"
        ),
        2 => format!("SELECT DISTINCT id, v FROM m{a} NATURAL JOIN m{b} AS o WHERE v <> {constant}"),
        3 => format!("SELECT DISTINCT * FROM (SELECT id, v FROM m{a}) NATURAL LEFT JOIN (SELECT id, v AS w FROM m{b})"),
        4 => {
            format!("SELECT DISTINCT id, coalesce(b.v, {constant}) AS v FROM m{a} AS a LEFT JOIN m{b} AS b USING (id)")
        }
        5 => format!("SELECT DISTINCT id, v FROM m{a} FULL JOIN m{b} AS o USING (id, v) WHERE id > {constant} - 2"),
        6 => format!("SELECT * EXCLUDE (v), v + {constant} AS v FROM m{a}"),
        7 => format!("SELECT * REPLACE (v * {constant} AS v) FROM m{a}"),
        8 => format!("SELECT id, renamed + {constant} AS v FROM (SELECT * RENAME (v AS renamed) FROM m{a})"),
        9 => format!("SELECT COLUMNS(lambda c: c IN ('id', 'v')) FROM m{a} WHERE v >= {constant}"),
        10 => format!(
            "SELECT max(COLUMNS(*)) AS '\\0' FROM m{a} WHERE COLUMNS(*) IS NOT NULL GROUP BY id % ({constant} + 1)"
        ),
        11 => format!("SELECT DISTINCT ON (id) id, v FROM m{a} WHERE v <> {constant} ORDER BY id, v DESC NULLS LAST"),
        12 => format!("SELECT * FROM m{a} UNION BY NAME SELECT *, {constant} AS extra FROM (SELECT id, v FROM m{b})"),
        13 => {
            format!("SELECT o.id, (SELECT count(*) FROM m{b} WHERE id = o.id AND v >= {constant}) AS v FROM m{a} AS o")
        }
        14 => format!(
            "SELECT id, v FROM m{a} AS o WHERE EXISTS (FROM m{b} AS x WHERE x.id = o.id AND x.v > o.v - {constant})"
        ),
        _ => format!("SELECT id, v + {constant} AS w, w * 2 AS v FROM m{a} WHERE w > {constant}"),
    }
}

/// The same, as PostgreSQL lets one write them.
fn in_words_of_postgres(a: usize, b: usize, constant: usize, form: usize) -> String {
    match form {
        0 => format!("SELECT id, v + {constant} AS v FROM m{a}"),
        1 => format!("SELECT a.id, max(a.v + b.v) AS v FROM m{a} AS a JOIN m{b} AS b USING (id) GROUP BY a.id"),
        2 => format!("SELECT id, v FROM m{a} WHERE v > {constant}"),
        3 => format!("WITH m{a} AS (SELECT id, v * 2 AS v FROM m{b}) SELECT id, v FROM m{a}"),
        4 => format!("SELECT id, v FROM m{a} UNION ALL SELECT id, v + 1 FROM m{b}"),
        5 => format!("SELECT DISTINCT id, (SELECT count(*) FROM m{b} AS x WHERE x.v >= {constant}) AS v FROM M{a}"),
        6 => format!("SELECT id, v FROM m{a} ORDER BY 1, 2 LIMIT 3 OFFSET {constant}"),
        7 => format!(
            "WITH RECURSIVE r AS (SELECT id, v FROM m{a} UNION SELECT id, v + 1 FROM r WHERE v < {constant} + 2) \
             SELECT id, v FROM r"
        ),
        8 => format!(
            "SELECT id, v FROM (SELECT id, v, row_number() OVER (PARTITION BY id ORDER BY v DESC) AS n FROM m{a}) AS x \
             WHERE n <= {constant} + 1"
        ),
        9 => format!(
            "SELECT id, v FROM (SELECT id, sum(v) OVER by_id AS v FROM m{a} WINDOW by_id AS (PARTITION BY id)) AS x \
             WHERE id <> {constant}"
        ),
        10 => format!("SELECT DISTINCT id, v FROM m{a} NATURAL JOIN m{b} AS o WHERE v <> {constant}"),
        11 => format!(
            "SELECT DISTINCT * FROM (SELECT id, v FROM m{a}) AS x NATURAL LEFT JOIN (SELECT id, v AS w FROM m{b}) AS y"
        ),
        12 => {
            format!("SELECT DISTINCT id, coalesce(b.v, {constant}) AS v FROM m{a} AS a LEFT JOIN m{b} AS b USING (id)")
        }
        13 => format!("SELECT DISTINCT id, v FROM m{a} FULL JOIN m{b} AS o USING (id, v) WHERE id > {constant} - 2"),
        14 => format!("SELECT x.*, v + {constant} AS extra FROM m{a} AS x"),
        15 => format!("SELECT id, renamed + {constant} AS v FROM (SELECT id, v AS renamed FROM m{a}) AS x"),
        16 => format!("SELECT max(id) AS id, max(v) AS v FROM m{a} GROUP BY id % ({constant} + 1)"),
        17 => format!("SELECT DISTINCT ON (id) id, v FROM m{a} WHERE v <> {constant} ORDER BY id, v DESC NULLS LAST"),
        18 => format!("SELECT id, v FROM m{a} UNION SELECT id, {constant} FROM m{b}"),
        19 => {
            format!("SELECT o.id, (SELECT count(*) FROM m{b} WHERE id = o.id AND v >= {constant}) AS v FROM m{a} AS o")
        }
        20 => format!(
            "SELECT id, v FROM m{a} AS o WHERE EXISTS (SELECT 1 FROM m{b} AS x WHERE x.id = o.id AND x.v > o.v - {constant})"
        ),
        21 => {
            format!("SELECT id, w * 2 AS v FROM (SELECT id, v + {constant} AS w FROM m{a}) AS x WHERE w > {constant}")
        }
        22 => format!(
            "SELECT id, v FROM m{a} AS o, LATERAL (SELECT count(*) AS n FROM m{b} AS x WHERE x.id = o.id) AS l \
             WHERE l.n > {constant} - 2"
        ),
        _ => format!(
            "SELECT coalesce(id, 0) AS id, CAST(sum(v) FILTER (WHERE v > {constant}) AS BIGINT) AS v FROM m{a} \
             GROUP BY GROUPING SETS ((id), ())"
        ),
    }
}

/// What an environment shows of every model.
pub(crate) fn shown(sandbox: &Sandbox, schema: &str) -> Shown {
    if let Some(server) = &sandbox.server {
        return server.shown(schema);
    }
    let warehouse = sandbox.open();
    let history = |model: &str| {
        let sql = format!(
            "SELECT count(*) FROM duckdb_columns() \
             WHERE schema_name = '{schema}' AND table_name = '{model}' AND column_name = 'valid_to'"
        );
        super::rows(&warehouse, &sql)[0][0] != "0"
    };
    let views = sandbox.views(schema).into_keys();
    views
        .map(|model| {
            let table = format!("{schema}.{model}");
            let told = match history(&model) {
                false => described(&warehouse, &table, "*"),
                // of a history, what is valid now
                true => {
                    let valid = format!("(FROM {table} WHERE valid_to IS NULL)");
                    described(&warehouse, &valid, "* EXCLUDE (valid_from, valid_to)")
                }
            };
            (model, told)
        })
        .collect()
}

/// A query that reads rows from outside, and keeps nothing over time: what it gives depends on these rows of today alone.
pub(crate) fn query_over_raw(number: usize, dice: &mut Dice) -> String {
    if number < 2 {
        let (constant, form) = (dice.roll(4), dice.roll(4));
        return match form {
            0 => format!("SELECT id, v + {constant} AS v FROM raw.events"),
            1 => format!("MODEL (kind VIEW);\nSELECT id, v FROM raw.events WHERE v <> {constant}"),
            2 => format!("SELECT id, max(v) + {constant} AS v, count(*) AS n FROM raw.events GROUP BY id"),
            _ if postgres::is_tested() => format!("SELECT id, v * {constant} AS v FROM raw.events"),
            _ => format!("SELECT * REPLACE (v * {constant} AS v) FROM raw.events"),
        };
    }
    loop {
        let query = query(number, dice);
        if !query.contains("INCREMENTAL") && !query.contains("SCD") {
            return query;
        }
    }
}

/// The models of a random project.
pub(crate) fn models(dice: &mut Dice) -> Vec<(String, String)> {
    (0..MODELS).map(|number| (format!("m{number}"), query(number, dice))).collect()
}
