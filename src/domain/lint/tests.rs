//! Each rule on small projects: what it finds, and above all what it doesn't.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::*;
use crate::domain::config::Config;
use crate::domain::external::Externals;
use crate::domain::model;
use crate::domain::project::{Lineages, Published, SeedFile, Sources};

/// What a rule finds in model `m`, whose file is `text`, each finding as the text at its place and what is wrong. Beside
/// it there are `a (id, name, total)` and `b (id, price)`, the declared table `known.items (id, pieces)`, and a model of
/// whose columns nothing is known: `dark`.
fn found(rule: Rule, text: &str) -> Vec<(String, String)> {
    let files = [
        ("models/a.sql", "SELECT 1 AS id, 'x' AS name, 2 AS total"),
        ("models/b.sql", "SELECT 1 AS id, 3 AS price"),
        ("models/dark.sql", "SELECT * FROM raw.somewhere"),
        ("models/m.sql", text),
    ];
    let config = Config::parse("vmesh.toml", "", &|_| None).unwrap();
    let mut externals = Externals::default();
    externals.add("- name: known.items\n  columns: {id: INT, pieces: INT}\n").unwrap();
    let project = Project::assemble(&Sources {
        files: files.iter().map(|(path, text)| ((*path).to_owned(), Arc::new(model::parse(text).unwrap()))).collect(),
        text: &|_| "".into(),
        seed: &|path| Some(SeedFile { path: path.to_owned(), hash: [0; 32], header: None }),
        matching: &|_| Vec::new(),
        absent: &|_| None,
        config: &config,
        home: "/home/shop",
        externals: &externals,
        published: &Published::default(),
        before_all: &[],
        lineages: &Lineages::default(),
    })
    .unwrap();
    let model = project.model(&ModelName::from_parts(&["m"]).unwrap()).unwrap();
    if is_ignored(model, rule) {
        return Vec::new();
    }
    let written = &text[model.file.query_span.clone()];
    let survey = model.file.query.as_ref().and_then(|query| query.survey(written));
    let tested = BTreeSet::from([ModelName::from_parts(&["a"]).unwrap()]);
    let findings = rule.check(&Subject { project: &project, model, survey: survey.as_ref(), tested: &tested });
    let place = |place: Place| match place {
        Place::Query(span) => written[span].to_owned(),
        Place::Header => text[model.file.place.clone()].to_owned(),
    };
    findings.into_iter().map(|finding| (place(finding.place), finding.what)).collect()
}

/// Checks a table of queries and the places that a rule finds in them.
fn check(rule: Rule, table: &[(&str, &[&str])]) {
    for (text, expected) in table {
        let places: Vec<String> = found(rule, text).into_iter().map(|(place, _)| place).collect();
        assert_eq!(&places, expected, "{text}");
    }
}

#[test]
fn a_cast_is_called_like_its_column() {
    check(
        Rule::NoAmbiguousProjections,
        &[
            ("SELECT y::INT FROM (SELECT 2 AS y) t", &[]),
            ("SELECT CAST(t.id AS BIGINT), TRY_CAST(name AS INT), (total)::INT::VARCHAR FROM a AS t", &[]),
            ("SELECT (id + 1)::INT, total FROM a", &["id + 1"]),
            ("SELECT id::INT, id FROM a", &["id"]),
        ],
    );
}

#[test]
fn stars_are_found_where_they_decide_the_columns() {
    check(
        Rule::NoSelectStar,
        &[
            ("SELECT * FROM a", &["*"]),
            ("SELECT a.*, 1 AS x FROM a", &["a.*"]),
            ("SELECT * EXCLUDE (id) FROM a", &["* EXCLUDE (id)"]),
            ("FROM a", &["FROM"]),
            ("FROM a SELECT *", &["*"]),
            ("SELECT id FROM a UNION ALL SELECT * FROM b", &["*"]),
            ("SELECT * FROM a UNION ALL (SELECT * FROM b)", &["*", "*"]),
            ("WITH c AS (SELECT * FROM a) SELECT id FROM c", &[]),
            ("SELECT id FROM (SELECT * FROM a)", &[]),
            ("SELECT count(*) AS n, id * 2 AS twice FROM a GROUP BY id", &[]),
            ("MODEL (name m, ignored_rules (noSelectStar));\nSELECT * FROM a", &[]),
            ("MODEL (name m, ignored_rules ALL);\nSELECT * FROM a", &[]),
            ("MODEL (name m, ignored_rules [nomissingaudits]);\nSELECT * FROM a", &["*"]),
        ],
    );
}

#[test]
fn stars_that_nobody_can_expand() {
    check(
        Rule::InvalidSelectStarExpansion,
        &[
            ("SELECT * FROM raw.orders", &["*"]),
            ("SELECT * FROM dark", &["*"]),
            ("SELECT raw.*, a.id FROM a JOIN raw ON raw.id = a.id", &["raw.*"]),
            ("SELECT a.*, raw.x FROM a JOIN raw ON raw.id = a.id", &[]),
            ("SELECT * FROM a", &[]),
            ("SELECT * FROM known.items", &[]),
            ("SELECT * FROM a JOIN b USING (id)", &[]),
            ("SELECT *, count(*) FROM a GROUP BY ALL", &[]),
            ("SELECT * FROM (SELECT id, x FROM raw.orders)", &[]),
            ("WITH c AS (SELECT * FROM raw.orders) SELECT id FROM c", &[]),
            ("WITH c AS (SELECT * FROM raw.orders) SELECT * FROM c", &["*"]),
            ("SELECT id FROM a UNION ALL SELECT * FROM raw.orders", &["*"]),
            // nobody's columns are missing
            ("SELECT * FROM range(3)", &[]),
            ("SELECT * FROM a NATURAL JOIN b", &[]),
            ("PIVOT a ON name USING sum(total)", &[]),
        ],
    );
    let found = found(Rule::InvalidSelectStarExpansion, "SELECT * FROM raw.orders JOIN a ON true JOIN dark ON true");
    assert_eq!(found[0].1, "`*` can't be expanded: the columns of `raw.orders`, `dark` are not known");
}

#[test]
fn columns_without_a_name_of_their_own() {
    check(
        Rule::NoAmbiguousProjections,
        &[
            ("SELECT count(*) FROM a", &["count(*)"]),
            ("SELECT id, id + 1, name FROM a", &["id + 1"]),
            ("SELECT id, a.ID FROM a", &["a.ID"]),
            ("SELECT id, name AS \"Id\" FROM a", &["name AS \"Id\""]),
            ("SELECT id, name FROM a UNION ALL SELECT id, count(*) FROM b GROUP BY id", &[]),
            ("SELECT *, id FROM a", &[]),
            ("SELECT (id), a.name, total AS t FROM a", &[]),
            ("SELECT columns('i.*'), unnest([1]) FROM a", &[]),
            ("WITH c AS (SELECT count(*) FROM a) SELECT 1 AS x FROM c", &[]),
        ],
    );
}

#[test]
fn columns_that_two_tables_have() {
    check(
        Rule::AmbiguousOrInvalidColumn,
        &[
            ("SELECT id FROM a JOIN b ON a.id = b.id", &["id"]),
            ("SELECT name FROM a, b WHERE ID = 1", &["ID"]),
            ("SELECT name FROM a JOIN b ON id = 1", &["id"]),
            ("SELECT x.total FROM a x JOIN a y ON x.id = y.id WHERE total > 1", &["total"]),
            ("WITH c AS (SELECT id FROM b) SELECT name, id + 1 AS next FROM a JOIN c ON c.id = a.id", &["id"]),
            ("SELECT id FROM a JOIN (SELECT id FROM raw.x) AS x ON true", &["id"]),
            ("SELECT id FROM known.items JOIN (SELECT * FROM b) ON true", &["id"]),
            ("SELECT id FROM a, b, raw.x", &["id"]),
            // both are one
            ("SELECT id FROM a JOIN b USING (id)", &[]),
            ("SELECT id FROM a NATURAL JOIN b", &[]),
            ("SELECT id FROM a SEMI JOIN b ON a.id = b.id", &[]),
            ("SELECT id FROM a SEMI JOIN b ON a.id = b.id JOIN (SELECT 1 AS k) ON k = id", &[]),
            // an alias, or a table to come
            ("SELECT a.id AS id, id + 1 AS next FROM a, b", &[]),
            ("SELECT a.name FROM a JOIN (SELECT 1 AS k) ON k = id JOIN b ON true", &[]),
            ("SELECT name FROM a, b ORDER BY name", &[]),
            // who knows
            ("SELECT id FROM a, raw.x", &[]),
            ("SELECT name FROM a WHERE EXISTS (SELECT 1 FROM b, a AS other WHERE id = price)", &[]),
        ],
    );
}

#[test]
fn columns_that_no_table_has() {
    check(
        Rule::AmbiguousOrInvalidColumn,
        &[
            ("WITH c AS (SELECT id FROM a) SELECT c.nam FROM c", &["nam"]),
            ("WITH c AS (SELECT id FROM a) SELECT name FROM c JOIN b ON c.id = b.id", &["name"]),
            ("SELECT id FROM (SELECT id FROM a) WHERE price = 1", &["price"]),
            ("WITH c AS (SELECT nope FROM (SELECT id FROM a)) SELECT * FROM c", &["nope"]),
            ("WITH c AS (SELECT * FROM a) SELECT price FROM c", &["price"]),
            // what DuckDB finds elsewhere
            ("WITH c AS (SELECT id FROM a) SELECT id AS x, x + 1 AS y, current_date AS d, c AS r FROM c", &[]),
            ("WITH c AS (SELECT {'f': 1} AS s FROM a) SELECT s.f FROM c", &[]),
            ("WITH c AS (SELECT id FROM a) SELECT list_transform([1], lambda v: v + id) AS l FROM c", &[]),
            ("WITH c AS (SELECT id, name FROM a) SELECT t.k FROM c AS t(k)", &[]),
            ("WITH c AS (SELECT nope FROM (SELECT id FROM a)) SELECT id FROM b", &[]),
            // beside something whose columns nobody knows, or inside of something lateral
            ("WITH c AS (SELECT id FROM a) SELECT whatever FROM c, raw.x", &[]),
            ("WITH c AS (SELECT id FROM a) SELECT c.id FROM c, (SELECT c.id + k AS x FROM (SELECT 1 AS k))", &[]),
            ("WITH c AS (SELECT a.id, b.id FROM a, b) SELECT id_1 FROM c", &[]),
            ("WITH c AS (SELECT * FROM a, b) SELECT id_1 FROM c", &[]),
            ("SELECT p.x FROM (PIVOT a ON name USING sum(total)) AS p", &[]),
            ("WITH RECURSIVE c AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM c WHERE n < 3) SELECT n FROM c", &[]),
        ],
    );
    let found = found(Rule::AmbiguousOrInvalidColumn, "SELECT x.prce FROM (SELECT price FROM b) AS x");
    assert_eq!(found, [("prce".to_owned(), "unknown column `prce`: `x` has no such column".to_owned())]);
}

#[test]
fn models_that_nothing_checks() {
    check(
        Rule::NoMissingAudits,
        &[
            ("SELECT 1 AS x", &["SELECT"]),
            ("MODEL (name m);\nSELECT 1 AS x", &["m"]),
            ("MODEL (name m, kind SEED (path 'm.csv'))", &["m"]),
            ("MODEL (name m, audits (not_null(columns := (x))));\nSELECT 1 AS x", &[]),
            ("MODEL (name m, kind EMBEDDED);\nSELECT 1 AS x", &[]),
        ],
    );
    check(
        Rule::NoMissingUnitTest,
        &[("MODEL (name m, kind EMBEDDED);\nSELECT 1 AS x", &["m"]), ("MODEL (name m, kind SEED (path 'm.csv'))", &[])],
    );
}

#[test]
fn tables_that_the_project_does_not_know() {
    check(
        Rule::NoMissingExternalModels,
        &[("SELECT a.id FROM a, raw.orders AS o, known.items, raw.orders, range(3)", &["raw.orders", "raw.orders"])],
    );
}

#[test]
fn settings_choose_the_rules() {
    let rules = |text: &str| -> Vec<String> {
        let linter = Config::parse("vmesh.toml", text, &|_| None).unwrap().linter;
        assert_eq!(linter.stops_plans, !text.is_empty());
        linter.rules().map(|(rule, level)| format!("{} {level:?}", rule.name())).collect()
    };
    let defaults = Rule::DEFAULT.map(|rule| format!("{} Error", rule.name()));
    assert_eq!(rules(""), defaults);
    assert_eq!(rules("[linter]\n"), defaults);
    assert_eq!(rules("[linter]\nrules = ['NoSelectStar']\n"), ["noselectstar Error"]);
    assert_eq!(rules("[linter]\nwarn_rules = ['noselectstar']\n"), ["noselectstar Warning"]);
    let all = rules("[linter]\nrules = 'ALL'\nwarn_rules = ['nomissingaudits']\nignored_rules = ['noselectstar']\n");
    assert_eq!(all.len(), Rule::ALL.len() - 1);
    assert!(all.contains(&"nomissingaudits Warning".to_owned()));
}

#[test]
fn a_rule_that_does_not_exist_names_the_nearest() {
    let text = "[linter]\nrules = ['noselectstar', 'nomissingaudit']\n";
    let error = Config::parse("vmesh.toml", text, &|_| None).unwrap_err();
    assert_eq!(error.what, "no rule is called `nomissingaudit`");
    assert_eq!(error.help.as_deref(), Some("did you mean `nomissingaudits`?"));
    assert_eq!(error.at.map(|at| at.line_and_column()), Some((2, 26)));
    let file = model::parse("MODEL (name m, ignored_rules (noselectstars));\nSELECT 1 AS x").unwrap();
    assert_eq!(
        file.warnings,
        ["`ignored_rules` names `noselectstars`, and no rule is called so: did you mean `noselectstar`?"]
    );
}
