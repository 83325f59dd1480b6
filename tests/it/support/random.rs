//! Random projects, the same every time, and what an environment shows of them.

mod duckdb;
mod moved;
mod postgres;
mod spark;

pub(crate) use self::moved::moved;
use super::truth::{Shown, described};
use super::{Sandbox, postgres as in_postgres, spark as in_spark};

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
    match dice.roll(4) {
        0 => with_kind(a, b, constant, dice.roll(5)),
        3 => moved::query(a, b, constant, dice.roll(moved::FORMS)),
        _ if in_postgres::is_tested() => postgres::query(a, b, constant, dice.roll(24)),
        _ if in_spark::is_tested() => spark::query(a, b, constant, dice.roll(28)),
        1 => duckdb::plain(a, b, constant, dice.roll(8)),
        _ => duckdb::modern(a, b, constant, dice.roll(16)),
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
            _ if !in_duckdb() => format!("SELECT id, v * {constant} AS v FROM raw.events"),
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

fn in_duckdb() -> bool {
    !in_postgres::is_tested() && !in_spark::is_tested()
}
