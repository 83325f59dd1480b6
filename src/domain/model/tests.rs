//! Tests of one model file.

use super::super::csv::Settings;
use super::*;

fn problem(text: &str) -> (String, String) {
    let problem = parse(text).unwrap_err().remove(0);
    (problem.what, text[problem.span].to_owned())
}

#[test]
fn a_file_without_a_header_is_one_query() {
    let file = parse("-- why\nSELECT 1 AS x;\n").unwrap();
    assert_eq!((file.name, file.kind), (None, None));
    assert_eq!(&"-- why\nSELECT 1 AS x;\n"[file.query_span], "SELECT 1 AS x");
}

#[test]
fn the_header_is_sqlmeshs() {
    let text = "-- a comment first\nMODEL (\n  name Analytics.\"Customers\",\n  kind FULL,\n  owner ada,\n  cron '@daily',\n  \
                description 'One row; per customer',\n  tags [a, b],\n  grain (id, day),\n  column_descriptions (id = 'the id'),\n  \
                partitioned_by (day),\n  start '2024-01-01',\n);\n\nSELECT 1 AS id";
    let file = parse(text).unwrap();
    assert_eq!(file.name, ModelName::parse("analytics.customers"));
    assert_eq!(file.kind, Some(Kind::Full));
    assert_eq!(file.about.description.as_deref(), Some("One row; per customer"));
    assert_eq!((file.about.owner.as_deref(), file.about.tags.len()), (Some("ada"), 2));
    assert_eq!(file.about.grain, ["id", "day"]);
    assert_eq!(file.physical, [("partitioned_by".to_owned(), "( day )".to_owned())]);
}

#[test]
fn metadata_counts_by_meaning() {
    let about = |text: &str| parse(text).unwrap().about;
    let one = about("MODEL (name a, owner ada, cron @daily);\nSELECT 1");
    assert_eq!(one, about("model(  NAME a,\n owner ada, -- who\n cron @daily );\nSELECT 1"));
    assert_ne!(one, about("MODEL (name a, owner ben, cron @daily);\nSELECT 1"));
}

#[test]
fn a_seed_has_a_path_and_no_query() {
    let file = parse(
        "MODEL (name a, kind SEED (path '../a.csv', csv_settings (delimiter = ';')), columns (Id INT, n DECIMAL(10, 2)));",
    );
    let file = file.unwrap();
    let seed = Seed { path: "../a.csv".to_owned(), csv: Settings { delimiter: Some(';'), ..Settings::default() } };
    assert_eq!((file.kind, file.query), (Some(Kind::Seed(seed)), None));
    assert_eq!(file.columns[0], ("Id".to_owned(), "int".to_owned()));
    assert_eq!(file.columns[1].1, "decimal ( 10 , 2 )");
}

#[test]
fn what_is_wrong_is_pointed_at() {
    let cases = [
        (
            "MODEL (name a, kind INCREMENTAL_BY_TIME_RANGE (time_column (d, 'YYYY-MM-dd')));\nSELECT 1 AS d",
            "`YYYY-MM-dd` is no time format",
            "'YYYY-MM-dd'",
        ),
        (
            "MODEL (name a, kind INCREMENTAL_BY_TIME_RANGE (time_column (d, '%Y-%Q')));\nSELECT 1 AS d",
            "`%Y-%Q` is no time format",
            "'%Y-%Q'",
        ),
        ("MODEL (name a, graim id);\nSELECT 1", "unknown property `graim`", "graim"),
        ("MODEL (name a, kind FUL);\nSELECT 1", "unknown kind `FUL`", "FUL"),
        ("MODEL (name a, name b);\nSELECT 1", "`name` is given twice", "name"),
        ("MODEL (name a, kind FULL, Kind VIEW);\nSELECT 1", "`kind` is given twice", "Kind"),
        (
            "MODEL (name a, kind INCREMENTAL_BY_TIME_RANGE (time_column d, TIME_COLUMN e));\nSELECT 1",
            "`time_column` is given twice",
            "TIME_COLUMN",
        ),
        (
            "MODEL (name a, kind SCD_TYPE_2_BY_TIME (unique_key d, \"unique_key\" e));\nSELECT 1",
            "`unique_key` is given twice",
            "\"unique_key\"",
        ),
        ("MODEL (name a, columns (x INT, \"X\" INT));\nSELECT 1", "`x` is given twice", "\"X\""),
        ("MODEL (name a, column_descriptions (x = 'a', X = 'b'));\nSELECT 1", "`x` is given twice", "X"),
        ("MODEL (name a\nSELECT 1", "this `(` is never closed", "("),
        ("MODEL (name a) SELECT 1", "expected `;` after the MODEL header", "SELECT"),
        (
            "MODEL (name a.b.c.d);\nSELECT 1",
            "a model's name is `name`, `schema.name` or `catalog.schema.name`",
            "a.b.c.d",
        ),
        ("MODEL (name a, owner);\nSELECT 1", "`owner` has no value", "owner"),
        ("MODEL (name a, dialect snowflake);\nSELECT 1", "only dialect `duckdb` is supported", "snowflake"),
        ("SELECT 1; SELECT 2", "a model has one query; this is a second one", "SELECT 2"),
        (
            "MODEL (name a, kind INCREMENTAL_BY_TIME_RANGE);\nSELECT 1",
            "needs the column that holds the time",
            "INCREMENTAL",
        ),
        ("MODEL (name a, cron '@dayly');\nSELECT 1", "@dayly", "'@dayly'"),
        ("MODEL (name a, start 'soon');\nSELECT 1", "soon", "'soon'"),
        ("ATTACH 'x'; SELECT 1", "this `ATTACH` is no statement that can stand around a query", "ATTACH"),
        ("SELEC 1", "expected a query or a statement around it", "SELEC"),
        ("SELECT 'x", "unterminated", "'"),
    ];
    for (text, what, place) in cases {
        let (found, at) = problem(text);
        assert!(found.contains(what) || what == "unterminated", "{text}: {found}");
        assert!(at.starts_with(place), "{text}: {at}");
    }
}

#[test]
fn kinds_that_the_engine_has_not_are_refused_as_such() {
    for kind in ["MANAGED", "CUSTOM"] {
        let (what, _) = problem(&format!("MODEL (name a, kind {kind});\nSELECT 1"));
        assert_eq!(what, format!("kind `{kind}` is not supported"));
    }
}

#[test]
fn properties_without_effect_are_told_and_those_that_can_t_be_honoured_refused() {
    let header = |properties: &str| parse(&format!("MODEL (name a, {properties});\nSELECT 1 AS id"));
    let plain = header("physical_properties (x = 1), table_format iceberg, storage_format parquet, clustered_by (id)");
    assert!(plain.unwrap().warnings.is_empty());
    for idle in [
        "grants ('select' = ['r'])",
        "grants_target_layer all",
        "virtual_properties (x = 1)",
        "session_properties (x = 1)",
    ] {
        assert_eq!(header(idle).unwrap().warnings.len(), 1, "{idle}");
    }
    assert!(header("virtual_environment_mode full, tags [a], references (id), owner ada").unwrap().warnings.is_empty());
    for refused in
        ["signals (ready())", "physical_version 'x'", "default_catalog c", "virtual_environment_mode dev_only"]
    {
        let problem = header(refused).unwrap_err().remove(0);
        assert!(problem.help.is_some(), "{refused}: {}", problem.what);
    }
}

#[test]
fn views_are_commented_with_descriptions_and_what_a_virtual_update_says() {
    let text = "MODEL (name a, description 'x', column_descriptions (Id = 'the key', b = 'b'));\nSELECT 1 AS Id -- no\n;\n\
                ON_VIRTUAL_UPDATE_BEGIN; COMMENT ON VIEW vmesh_this_model IS 'y'; COMMENT ON COLUMN \
                vmesh_this_model.c IS 'c'; COMMENT ON COLUMN vmesh_this_model.B IS NULL; GRANT SELECT ON x TO y; \
                ON_VIRTUAL_UPDATE_END;";
    let file = parse(text).unwrap();
    let comments = &file.about.comments;
    assert_eq!(comments.view.as_deref(), Some("y"));
    assert_eq!(comments.columns.keys().map(|name| name.as_str()).collect::<Vec<_>>(), ["Id", "c"]);
    assert_eq!((comments.required.len(), file.warnings.len()), (1, 1));
    assert_ne!(comments.hash(), parse("MODEL (name a, description 'x');\nSELECT 1").unwrap().about.comments.hash());
    assert_eq!(parse("MODEL (name a);\nSELECT 1").unwrap().about.comments.hash(), None);
    let (what, place) = problem("SELECT 1; ON_VIRTUAL_UPDATE_BEGIN; DROP TABLE x; ON_VIRTUAL_UPDATE_END");
    assert!(what.contains("can comment on the model's view") && place == "DROP TABLE x", "{what} {place}");
}

#[test]
fn comments_behind_casts_are_of_the_column() {
    let text = "MODEL (name a);\nSELECT id::INT, -- the key\n  t.price::DECIMAL(10, 2), -- in euros\n  x::INT AS y, -- why\n  \
                n::BIGINT z, -- zed\n  CASE WHEN a THEN 1 END -- nobody's\nFROM t";
    let found = parse(text).unwrap().about.comments.columns;
    let found: Vec<(&str, &str)> = found.iter().map(|(name, comment)| (name.as_str(), comment.as_str())).collect();
    let expected = [("END", "nobody's"), ("id", "the key"), ("price", "in euros"), ("y", "why"), ("z", "zed")];
    assert_eq!(found, expected);
}

#[test]
fn an_audit_may_stand_behind_the_fence_of_a_query() {
    for text in [
        "MODEL (name a, audits (x));\nSELECT 1 AS id\nJINJA_END;\nAUDIT (name x);\nSELECT * FROM @this_model WHERE id < 0",
        "MODEL (name a, audits (x));\nSELECT 1 AS id;\nJINJA_END;\nAUDIT (name x);\nSELECT * FROM @this_model WHERE id < 0;",
        "MODEL (name a, audits (x));\nSELECT 1 AS id\nJINJA_END\n;AUDIT (name x);\nSELECT * FROM @this_model\nJINJA_END;",
    ] {
        assert_eq!(parse(text).unwrap().own_audits.len(), 1, "{text}");
    }
}

#[test]
fn grains_are_keys() {
    let grain = |text: &str| parse(&format!("MODEL (name a, {text});\nSELECT 1 AS id")).unwrap().about.grain;
    assert_eq!(grain("grain id"), ["id"]);
    assert_eq!(grain("grain (id, day)"), ["id", "day"]);
    assert_eq!(grain("grains (id, day)"), ["id"]);
    assert_eq!(grain("grains ((id, day), other)"), ["id", "day"]);
    assert_eq!(grain("grains ((id))"), ["id"]);
    assert_eq!(grain("grain (id AS order_id)"), ["id"]);
    assert_eq!(grain("grain (id AS order_id, day)"), ["id", "day"]);
    assert_eq!(grain("grains (id as order_id, day)"), ["id"]);
}
