//! Declared columns: names, types and order as the header says, whatever the query's are.

use crate::support::{Sandbox, postgres};

const SOURCE: &str = "CREATE SCHEMA raw; CREATE TABLE raw.rows AS \
    SELECT DATE '2026-01-01' + CAST(n AS INT) AS day, CAST(n AS VARCHAR) AS number, n AS id FROM range(5) AS r(n)";

fn project(models: &[(&str, &str)]) -> Sandbox {
    let sandbox = Sandbox::with_models(models);
    sandbox.vmesh(&["hooks", "uninstall"]).good();
    sandbox.sql(SOURCE);
    sandbox
}

#[test]
fn every_kind_has_the_declared_columns() {
    let kinds = [
        "FULL",
        "VIEW",
        "INCREMENTAL_BY_TIME_RANGE (time_column day)",
        "INCREMENTAL_BY_UNIQUE_KEY (unique_key Id)",
        "INCREMENTAL_BY_PARTITION, partitioned_by day",
        "INCREMENTAL_UNMANAGED",
        "EMBEDDED",
    ];
    for kind in kinds {
        let model = format!(
            "MODEL (name m, kind {kind}, start '2026-01-01', columns (Id INT, number DECIMAL(9, 2), day TIMESTAMP));
             SELECT day, number, id FROM raw.rows -- in another order"
        );
        let sandbox = project(&[("m", &model), ("below", "SELECT * FROM m")]);
        sandbox.vmesh(&["promote", "--yes", "--execution-time", "2026-01-06"]).good();
        let types = |table: &str| {
            sandbox.rows(&format!(
                "SELECT column_name, data_type FROM duckdb_columns() WHERE schema_name = 'prod' AND table_name = '{table}' \
                 ORDER BY column_index"
            ))
        };
        // PostgreSQL takes names without quotes for lower case
        let id = if postgres::is_tested() { "id" } else { "Id" };
        let expected = [[id, "INTEGER"], ["number", "DECIMAL(9,2)"], ["day", "TIMESTAMP"]];
        assert_eq!(types("below"), expected, "{kind}");
        if kind != "EMBEDDED" {
            assert_eq!(types("m"), expected, "{kind}");
        }
        let rows = sandbox.rows("SELECT * FROM prod.below ORDER BY id");
        assert_eq!(
            (rows.len(), &rows[3]),
            (5, &["3", "3.00", "2026-01-04 00:00:00"].map(str::to_owned).to_vec()),
            "{kind}"
        );
    }
}

#[test]
fn columns_that_differ_are_told() {
    let provable = "MODEL (name m, columns (id INT, name TEXT));\nSELECT id, number FROM raw.rows";
    let sandbox = project(&[("m", provable)]);
    let error = sandbox.vmesh(&["promote", "--yes"]).fails(1);
    assert!(error.contains("does not give `name`"), "{error}");
    assert!(error.contains("gives `number`, which `columns` does not declare"), "{error}");
    for kind in ["FULL", "VIEW", "INCREMENTAL_UNMANAGED"] {
        let only_the_engine_knows = format!(
            "MODEL (name m, kind {kind}, start '2026-01-01', columns (id INT, name TEXT, day DATE));\nSELECT * FROM raw.rows"
        );
        let sandbox = project(&[("m", &only_the_engine_knows)]);
        let error = sandbox.vmesh(&["promote", "--yes"]).fails(1);
        assert!(error.contains("the query of `m` does not give `name`"), "{kind}: {error}");
        assert!(error.contains("and gives `number`, which"), "{kind}: {error}");
        assert!(error.contains("models/m.sql:1:"), "{kind}: {error}");
    }
}

#[test]
fn the_engines_words_point_at_the_query_as_it_is_written() {
    let model = "MODEL (name m, columns (id INT));\nSELECT\n  nope AS id\nFROM raw.rows";
    let sandbox = project(&[("m", model)]);
    let error = sandbox.vmesh(&["promote", "--yes"]).fails(1);
    assert!(error.contains("models/m.sql:3:3"), "{error}");
    let wrong = "MODEL (name m, columns (id DATE));\nSELECT id FROM raw.rows";
    let sandbox = project(&[("m", wrong)]);
    let error = sandbox.vmesh(&["promote", "--yes"]).fails(1);
    assert!(error.contains("could not build `m`"), "{error}");
}

#[test]
fn types_count_and_their_spelling_does_not() {
    let model = |columns: &str| format!("MODEL (name m, columns ({columns}));\nSELECT id FROM raw.rows");
    let sandbox = project(&[("m", &model("id INT"))]);
    sandbox.vmesh(&["promote", "--yes"]).good();
    let builds = |columns: &str| {
        sandbox.model("m", &model(columns));
        sandbox.commit_quietly("columns");
        sandbox.vmesh(&["promote", "--yes", "--json"]).json()["summary"]["build"].clone()
    };
    assert_eq!(builds("  id   int "), 0);
    assert_eq!(builds("id BIGINT"), 1);
    for wrong in ["id INT, ID TEXT", "id INT) AS x, (y TEXT", "id + 1", "id (SELECT 1)"] {
        sandbox.model("m", &model(wrong));
        sandbox.vmesh(&["plan", "--yes"]).fails(1);
    }
}
