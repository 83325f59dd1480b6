//! Whatever was edited, merged and rolled back in whatever order: each environment shows the rows that a from-scratch
//! build of its branch shows.

use std::collections::BTreeMap;

use crate::support::Sandbox;

const MODELS: usize = 6;

/// Numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }
}

/// A query of model `number` that reads earlier models in one of many ways.
fn query(number: usize, dice: &mut Dice) -> String {
    let constant = dice.roll(4);
    if number == 0 {
        return format!("SELECT * FROM (VALUES (1, {constant}), (2, 5), (3, {constant} + 1)) AS t(id, v)");
    }
    let (a, b) = (dice.roll(number), dice.roll(number));
    match dice.roll(8) {
        0 => format!("SELECT id, v + {constant} AS v FROM m{a}"),
        1 => format!("SELECT a.id, max(a.v + b.v) AS v FROM m{a} AS a JOIN m{b} AS b USING (id) GROUP BY ALL"),
        2 => format!("FROM m{a} SELECT id, v WHERE v > {constant}"),
        3 => format!("WITH m{a} AS (SELECT id, v * 2 AS v FROM m{b}) SELECT id, v FROM m{a}"),
        4 => format!("SELECT id, v FROM m{a} UNION ALL BY NAME SELECT v, id FROM m{b}"),
        5 => format!("SELECT DISTINCT id, (SELECT count(*) FROM m{b} AS x WHERE x.v >= {constant}) AS v FROM M{a}"),
        6 => format!("MODEL (kind VIEW);\nSELECT id, v FROM \"m{a}\" WHERE id <> {constant}"),
        _ => format!(
            "MODEL (kind EMBEDDED);\nSELECT id, v AS v FROM m{a} -- {constant}\nWHERE id IN (FROM m{b} SELECT id)"
        ),
    }
}

/// The rows of every model that an environment shows.
fn shown(sandbox: &Sandbox, schema: &str) -> BTreeMap<String, Vec<Vec<String>>> {
    let models = sandbox.views(schema).into_keys();
    models
        .map(|model| {
            let rows = sandbox.rows(&format!("SELECT * FROM {schema}.{model} ORDER BY ALL"));
            (model, rows)
        })
        .collect()
}

/// What a from-scratch build of a branch's files shows.
fn from_scratch(sandbox: &Sandbox) -> BTreeMap<String, Vec<Vec<String>>> {
    let names: Vec<String> = (0..MODELS).map(|number| format!("m{number}")).collect();
    let texts: Vec<String> = names.iter().map(|name| sandbox.read(&format!("models/{name}.sql"))).collect();
    let models: Vec<(&str, &str)> = names.iter().map(String::as_str).zip(texts.iter().map(String::as_str)).collect();
    shown(&Sandbox::promoted(&models), "prod")
}

#[test]
fn every_environment_shows_what_a_build_from_scratch_would() {
    for seed in 1..=4 {
        let mut dice = Dice(seed);
        let first: Vec<(String, String)> =
            (0..MODELS).map(|number| (format!("m{number}"), query(number, &mut dice))).collect();
        let models: Vec<(&str, &str)> = first.iter().map(|(name, sql)| (name.as_str(), sql.as_str())).collect();
        let sandbox = Sandbox::promoted(&models);
        let branches = ["main", "a", "b"];
        for branch in &branches[1..] {
            sandbox.git(&["branch", branch]).good();
        }
        for _ in 0..12 {
            let branch = branches[dice.roll(3)];
            sandbox.git(&["switch", "--quiet", branch]).good();
            match dice.roll(5) {
                0 => {
                    // a merge takes the other side where both changed one model
                    sandbox.git(&["merge", "--quiet", "--no-edit", "-X", "theirs", branches[dice.roll(3)]]);
                }
                1 => {
                    sandbox.vmesh(&["rollback", "--yes"]);
                }
                _ => {
                    let number = dice.roll(MODELS);
                    sandbox.model(&format!("m{number}"), &query(number, &mut dice));
                    sandbox.git(&["commit", "--quiet", "--all", "-m", "edit"]);
                }
            }
        }
        for branch in branches {
            sandbox.git(&["switch", "--quiet", branch]).good();
            let schema = if branch == "main" { "prod".to_owned() } else { format!("dev__{branch}") };
            if branch == "main" {
                sandbox.vmesh(&["promote", "--yes"]).good();
            }
            assert_eq!(shown(&sandbox, &schema), from_scratch(&sandbox), "seed {seed}, branch {branch}");
        }
        sandbox.vmesh(&["gc", "--yes"]).good();
        sandbox.is_sound();
    }
}
