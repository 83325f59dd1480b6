//! Random projects, the same every time: what they show, and what a build from scratch would.

use std::collections::BTreeMap;
use std::path::Path;

use super::Sandbox;

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

/// A query of model `number` that reads earlier models in one of many ways.
pub(crate) fn query(number: usize, dice: &mut Dice) -> String {
    let constant = dice.roll(4);
    if number == 0 {
        return format!("SELECT * FROM (VALUES (1, {constant}), (2, 5), (3, {constant} + 1)) AS t(id, v)");
    }
    let (a, b) = (dice.roll(number), dice.roll(number));
    if number == MODELS - 1 && dice.roll(2) == 0 {
        // the last one, since what reads a history sees what was once valid
        return format!(
            "MODEL (kind SCD_TYPE_2_BY_COLUMN (unique_key id, columns *, invalidate_hard_deletes true));\n\
             SELECT id, v + {constant} AS v FROM m{a}"
        );
    }
    match dice.roll(11) {
        0 => format!("SELECT id, v + {constant} AS v FROM m{a}"),
        1 => format!("SELECT a.id, max(a.v + b.v) AS v FROM m{a} AS a JOIN m{b} AS b USING (id) GROUP BY ALL"),
        2 => format!("FROM m{a} SELECT id, v WHERE v > {constant}"),
        3 => format!("WITH m{a} AS (SELECT id, v * 2 AS v FROM m{b}) SELECT id, v FROM m{a}"),
        4 => format!("SELECT id, v FROM m{a} UNION ALL BY NAME SELECT v, id FROM m{b}"),
        5 => format!("SELECT DISTINCT id, (SELECT count(*) FROM m{b} AS x WHERE x.v >= {constant}) AS v FROM M{a}"),
        6 => format!("MODEL (kind VIEW);\nSELECT id, v FROM \"m{a}\" WHERE id <> {constant}"),
        7 => format!(
            "MODEL (kind INCREMENTAL_{}, start '2026-01-01');\n\
             SELECT id, v + {constant} AS v FROM m{a} WHERE @start_ds <= @end_ds",
            // those that go on from prod's rows by default would not be what a build from scratch is
            [
                "BY_UNIQUE_KEY (unique_key id)",
                "BY_PARTITION (forward_only false), partitioned_by id",
                "UNMANAGED (forward_only false)",
                "UNMANAGED (insert_overwrite true, forward_only false)"
            ][constant]
        ),
        8 => format!(
            "MODEL (kind INCREMENTAL_BY_TIME_RANGE (time_column day, batch_size 90), start '2026-01-01');\n\
             SELECT id, v, DATE '2026-01-01' + CAST(id AS INT) AS day FROM m{a} WHERE v >= {constant}"
        ),
        9 => format!("SELECT @EACH([id, v], c -> max(@c) AS @c) FROM m{a} WHERE id <> @EVAL({constant} + 1)"),
        _ => format!(
            "MODEL (kind EMBEDDED);\nSELECT id, v AS v FROM m{a} -- {constant}\nWHERE id IN (FROM m{b} SELECT id)"
        ),
    }
}

/// The rows of every model that an environment shows.
pub(crate) fn shown(sandbox: &Sandbox, schema: &str) -> BTreeMap<String, Vec<Vec<String>>> {
    let models = sandbox.views(schema).into_keys();
    models
        .map(|model| {
            let history = format!(
                "SELECT count(*) FROM duckdb_columns() \
                 WHERE schema_name = '{schema}' AND table_name = '{model}' AND column_name = 'valid_to'"
            );
            let rows = match sandbox.value(&history).as_str() {
                "0" => sandbox.rows(&format!("SELECT * FROM {schema}.{model} ORDER BY ALL")),
                // of a history, what is valid now
                _ => sandbox.rows(&format!(
                    "SELECT * EXCLUDE (valid_from, valid_to) FROM {schema}.{model} WHERE valid_to IS NULL ORDER BY ALL"
                )),
            };
            (model, rows)
        })
        .collect()
}

/// What a from-scratch build of a branch's files shows.
pub(crate) fn from_scratch(folder: &Path) -> BTreeMap<String, Vec<Vec<String>>> {
    let names: Vec<String> = (0..MODELS).map(|number| format!("m{number}")).collect();
    let texts: Vec<String> =
        names.iter().map(|name| std::fs::read_to_string(folder.join(format!("models/{name}.sql"))).unwrap()).collect();
    let models: Vec<(&str, &str)> = names.iter().map(String::as_str).zip(texts.iter().map(String::as_str)).collect();
    shown(&Sandbox::promoted(&models), "prod")
}

/// The models of a random project.
pub(crate) fn models(dice: &mut Dice) -> Vec<(String, String)> {
    (0..MODELS).map(|number| (format!("m{number}"), query(number, dice))).collect()
}
