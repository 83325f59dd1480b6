//! Statements around queries: what they do to rows, that nothing of them leaks, and what no statement may do.

use crate::support::Sandbox;

const ORDERS: &str = "MODEL (name marts.orders, kind FULL);
SET VARIABLE factor = (SELECT max(rate) FROM staging.rates);
CREATE TEMP TABLE wanted AS SELECT id FROM staging.orders WHERE amount >= 20;
CREATE OR REPLACE TEMP MACRO scaled(x) AS x * getvariable('factor');
SELECT id, scaled(amount) AS amount FROM staging.orders JOIN wanted USING (id);
DROP TABLE wanted;
UPDATE @this_model SET amount = amount + r.rate FROM staging.rates AS r WHERE r.rate = 3;
INSERT INTO marts.orders SELECT 99, 0;
DELETE FROM @this_model WHERE id = (SELECT min(id) FROM @this_model);
@IF(@runtime_stage = 'evaluating', CREATE INDEX by_id ON @this_model (id));
@IF(@runtime_stage = 'creating', DROP TABLE prod.gone);
COMMENT ON TABLE @this_model IS 'made whole';
";

const SHOP: [(&str, &str); 4] = [
    ("staging.orders", "SELECT * FROM (VALUES (1, 10), (2, 20), (3, 30)) AS t(id, amount)"),
    ("staging.rates", "SELECT 3 AS rate"),
    ("marts.orders", ORDERS),
    ("marts.clean", "SELECT count(*) AS orders, getvariable('factor') IS NULL AS unset FROM marts.orders"),
];

#[test]
fn statements_run_around_the_query_and_leave_nothing_behind() {
    let sandbox = Sandbox::promoted(&SHOP);
    let rows = "SELECT id, amount FROM marts.orders ORDER BY id";
    assert_eq!(sandbox.rows(rows), [["3", "93"], ["99", "0"]]);
    assert_eq!(sandbox.rows("FROM marts.clean"), [["2", "true"]]);
    let table = &sandbox.views("marts")["orders"];
    assert_eq!(sandbox.value("SELECT index_name FROM duckdb_indexes()"), format!("{table}__by_id"));
    let comment = format!("SELECT comment FROM duckdb_tables() WHERE table_name = '{table}'");
    assert_eq!(sandbox.value(&comment), "made whole");
    let shown = sandbox.vmesh(&["render", "marts.orders"]).good();
    assert!(shown.contains("CREATE TEMP TABLE temp.main.\"wanted\" AS SELECT id FROM \"vmesh_snapshots\""), "{shown}");
    sandbox.is_sound();
}

#[test]
fn what_statements_make_is_gone_for_other_models() {
    let sandbox = Sandbox::promoted(&SHOP);
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.model("marts.orders", &ORDERS.replace("SELECT 99, 0", "SELECT 99, 1").replace("DROP TABLE wanted;", ""));
    for leak in ["SELECT id FROM wanted", "SELECT scaled(1) AS id"] {
        sandbox.model("marts.leak", &format!("MODEL (name marts.leak, depends_on (marts.orders));\n{leak}"));
        let told = sandbox.vmesh(&["plan", "--yes"]).fails(1);
        assert!(told.contains("does not exist"), "{told}");
    }
}

#[test]
fn statements_count_by_what_they_say_and_by_what_they_read() {
    let sandbox = Sandbox::promoted(&SHOP);
    let tables = sandbox.snapshots();
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    let comments = ORDERS.replace("UPDATE @this_model SET", "-- why\nupdate  @this_model /* it */ set");
    sandbox.model("marts.orders", &comments);
    sandbox.vmesh(&["plan", "--yes"]).good();
    assert_eq!(sandbox.snapshots(), tables);
    // read by statements alone
    sandbox.model("staging.rates", "SELECT 4 AS rate");
    sandbox.vmesh(&["plan", "--yes"]).good();
    assert_eq!(
        sandbox.rows("SELECT id, amount FROM dev__alice__marts.orders ORDER BY id"),
        [["3", "120"], ["99", "0"]]
    );
    assert_eq!(sandbox.value("SELECT max(amount) FROM marts.orders"), "93");
    sandbox.model("staging.rates", "SELECT 3 AS rate");
    sandbox.model("marts.orders", &ORDERS.replace("SELECT 99, 0", "SELECT 99, 1"));
    let plan = sandbox.vmesh(&["plan", "--yes", "--explain"]).good();
    assert!(plan.contains("its statements changed"), "{plan}");
    assert_eq!(sandbox.value("SELECT amount FROM dev__alice__marts.orders WHERE id = 99"), "1");
    assert_eq!(sandbox.value("SELECT amount FROM marts.orders WHERE id = 99"), "0");
    sandbox.is_sound();
}

#[test]
fn a_table_that_is_filled_again_has_its_statements_run_again() {
    let model = "MODEL (name total, kind FULL);
        SET VARIABLE factor = 2;
        SELECT sum(amount) * getvariable('factor') AS total FROM raw.orders;
        UPDATE @this_model SET total = total + 1;";
    let sandbox =
        Sandbox::with_models(&[("total", model), ("late", "SELECT getvariable('factor') AS f FROM raw.orders")]);
    sandbox.sql("CREATE SCHEMA raw; CREATE TABLE raw.orders AS SELECT 10 AS amount");
    sandbox.vmesh(&["promote", "--yes"]).good();
    assert_eq!(sandbox.value("SELECT total FROM prod.total"), "21");
    sandbox.sql("INSERT INTO raw.orders VALUES (5)");
    sandbox.vmesh(&["plan", "prod", "--restate-model", "*", "--yes"]).good();
    assert_eq!(sandbox.value("SELECT total FROM prod.total"), "31");
    assert_eq!(sandbox.value("SELECT count(*) FROM prod.late WHERE f IS NULL"), "2");
    sandbox.sql("INSERT INTO raw.orders VALUES (5)");
    sandbox.vmesh(&["run", "prod", "--ignore-cron"]).good();
    assert_eq!(sandbox.value("SELECT total FROM prod.total"), "41");
    sandbox.is_sound();
}

const DAILY: &str =
    "MODEL (name daily, kind INCREMENTAL_BY_TIME_RANGE (time_column day, batch_size 1), start '2026-01-01');
DELETE FROM @this_model WHERE day < @start_date - 100;
CREATE TEMP TABLE span AS SELECT @start_date AS day;
SELECT day, amount FROM raw.orders JOIN span USING (day) WHERE day BETWEEN @start_date AND @end_date;
CREATE INDEX IF NOT EXISTS by_day ON @this_model (day);
UPDATE @this_model SET amount = amount * 2 WHERE day = (SELECT day FROM span);
";

#[test]
fn each_load_has_its_own_and_one_that_fails_is_not_half_done() {
    let failing = DAILY.to_owned() + "UPDATE @this_model SET amount = error('no 3rd') WHERE day = '2026-01-03';";
    let sandbox = Sandbox::with_models(&[("daily", &failing)]);
    sandbox.sql(
        "CREATE SCHEMA raw; CREATE TABLE raw.orders AS SELECT d::DATE AS day, 1 AS amount \
         FROM range(TIMESTAMP '2026-01-01', TIMESTAMP '2026-02-01', INTERVAL 1 DAY) AS r(d)",
    );
    let promote = ["promote", "--yes", "--execution-time", "2026-01-06"];
    let told = sandbox.vmesh(&promote).fails(1);
    assert!(told.contains("a statement of `daily` failed") && told.contains("no 3rd"), "{told}");
    assert!(told.contains("models/daily.sql:7:1"), "{told}");
    let table = "SELECT schema_name || '.' || table_name FROM duckdb_tables() WHERE table_name LIKE 'daily%'";
    let table = sandbox.value(table);
    assert_eq!(sandbox.rows(&format!("SELECT amount FROM {table} ORDER BY day")), [["2"], ["2"]]);
    sandbox.model("daily", DAILY);
    sandbox.commit_quietly("mended");
    sandbox.vmesh(&promote).good();
    let all = "SELECT count(*), min(amount), max(amount) FROM prod.daily";
    assert_eq!(sandbox.rows(all), [["5", "2", "2"]]);
    let restate = ["plan", "prod", "--restate-model", "daily", "--yes", "--execution-time", "2026-01-06"];
    sandbox.sql("UPDATE raw.orders SET amount = 3");
    sandbox.vmesh(&restate).good();
    assert_eq!(sandbox.rows(all), [["5", "6", "6"]]);
    sandbox.is_sound();
}

#[test]
fn kinds_that_hold_no_rows_have_no_statements_and_seeds_have_some() {
    let sandbox = Sandbox::promoted(&SHOP);
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    for kind in ["VIEW", "EMBEDDED"] {
        sandbox.write("models/v.sql", &format!("MODEL (name v, kind {kind});\nSET VARIABLE x = 1;\nSELECT 1 AS x"));
        let told = sandbox.vmesh(&["plan", "--yes"]).fails(1);
        assert!(told.contains(&format!("`v` is of kind {kind}, around which no statement runs")), "{told}");
    }
    let seed = "MODEL (name v, kind SEED (path '../v.csv'));\nUPDATE @this_model SET name = upper(name);";
    sandbox.write("models/v.sql", seed);
    sandbox.write("v.csv", "id,name\n1,ada\n");
    sandbox.vmesh(&["plan", "--yes"]).good();
    assert_eq!(sandbox.rows("FROM dev__alice.v"), [["1", "ADA"]]);
}

#[test]
fn unit_tests_have_what_the_query_needs() {
    let sandbox = Sandbox::promoted(&SHOP);
    sandbox.write(
        "tests/test_orders.yaml",
        "test_orders:\n  model: marts.orders\n  inputs:\n    staging.orders: [{id: 1, amount: 5}, {id: 2, amount: 50}]\n    \
         staging.rates: [{rate: 10}]\n  outputs:\n    query: [{id: 2, amount: 500}]\n",
    );
    sandbox.commit_quietly("a test");
    let told = sandbox.vmesh(&["test"]).good();
    assert!(told.contains("1 test") && !told.contains("no tests"), "{told}");
}

#[test]
fn no_statement_reaches_anything_else() {
    let sandbox = Sandbox::promoted(&SHOP);
    sandbox.sql(
        "CREATE SCHEMA raw; CREATE TABLE raw.items AS SELECT 1 AS id; CREATE TABLE main.plain AS SELECT 1 AS id; \
         CREATE SEQUENCE raw.s",
    );
    sandbox.git(&["switch", "--quiet", "-c", "mallory"]).good();
    let everything = || {
        let tables = "SELECT schema_name, table_name, sql, comment, estimated_size FROM duckdb_tables() \
                      WHERE schema_name <> 'vmesh_state' ORDER BY ALL";
        let views = "SELECT schema_name, view_name, sql, comment FROM duckdb_views() WHERE NOT internal ORDER BY ALL";
        let others = "SELECT 'sequence', sequence_name, last_value::VARCHAR FROM duckdb_sequences() UNION ALL \
                      SELECT 'index', index_name, table_name FROM duckdb_indexes() UNION ALL SELECT 'macro', \
                      function_name, '' FROM duckdb_functions() WHERE NOT internal ORDER BY ALL";
        let rows = "SELECT 'orders', count(*), sum(amount) FROM marts.orders UNION ALL \
                    SELECT 'items', count(*), sum(id) FROM raw.items UNION ALL \
                    SELECT 'plain', count(*), sum(id) FROM main.plain ORDER BY ALL";
        [tables, views, others, rows].map(|sql| sandbox.rows(sql))
    };
    let before = everything();
    for hostile in [
        "DELETE FROM prod.orders",
        "DELETE FROM marts.orders",
        "DELETE FROM staging.orders",
        "DELETE FROM raw.items",
        "DELETE FROM main.plain",
        "DELETE FROM plain",
        "DELETE FROM warehouse.raw.items",
        "DELETE FROM \"raw\".\"items\"",
        "DELETE FROM raw/* @this_model */.items",
        "DELETE FROM raw.items -- @this_model",
        "DELETE FROM raw.items AS vmesh_this_model",
        "DELETE FROM vmesh_state.snapshots",
        "DELETE FROM vmesh_snapshots.x",
        "CREATE TEMP TABLE plain AS SELECT 2 AS id; DROP TABLE plain; DELETE FROM plain",
        "CREATE TEMP TABLE plain AS SELECT 2 AS id; DROP TABLE plain; DROP TABLE plain",
        "DROP TABLE IF EXISTS plain; CREATE TEMP TABLE plain AS SELECT 1; SET VARIABLE a = error('end')",
        "UPDATE raw.items SET id = 7",
        "UPDATE @this_model SET id = 7 FROM (DELETE FROM raw.items RETURNING id) AS d",
        "WITH d AS (DELETE FROM raw.items RETURNING id) INSERT INTO @this_model SELECT id FROM d",
        "INSERT INTO @this_model WITH d AS (DELETE FROM raw.items RETURNING id) SELECT id FROM d",
        "INSERT INTO @this_model (DELETE FROM raw.items RETURNING id)",
        "INSERT INTO raw.items SELECT 7",
        "INSERT INTO @this_model SELECT 1; INSERT INTO raw.items SELECT 2",
        "INSERT INTO @this_model SELECT nextval('raw.s')",
        "INSERT INTO @this_model SELECT E'\\'; DELETE FROM raw.items; --'",
        "INSERT INTO @this_model SELECT $x$ $y$ $x$; DELETE FROM raw.items; SELECT $y$ $y$",
        "INSERT INTO @this_model SELECT 1 /* /* */ */; DELETE FROM raw.items; /* */",
        "INSERT INTO @this_model SELECT U&'\\'; DELETE FROM raw.items; --'",
        "SET VARIABLE x = 1); DELETE FROM raw.items; SELECT (1",
        "SET VARIABLE x = (SELECT count(*) FROM query('DELETE FROM raw.items'))",
        "SET VARIABLE x = (SELECT count(*) FROM read_csv('/etc/passwd'))",
        "SET VARIABLE x = (SELECT count(*) FROM '/etc/passwd')",
        "SET VARIABLE x = (SELECT count(*) FROM \"/etc/hosts.csv\")",
        "SET VARIABLE x = (SELECT count(*) FROM glob('/*'))",
        "SET enable_external_access = true",
        "COPY raw.items TO '/tmp/vmesh_hostile.csv'",
        "ATTACH '/tmp/vmesh_hostile.duckdb'",
        "CREATE INDEX i ON raw.items (id)",
        "COMMENT ON TABLE raw.items IS 'x'",
        "COMMENT ON COLUMN raw.items.id IS 'x'",
        "COMMENT ON COLUMN @this_model IS 'x'",
        "CREATE OR REPLACE TABLE raw.items AS SELECT 7 AS id",
        "CREATE TEMP MACRO count(x) AS 42",
        "CREATE TEMP MACRO \"+\"(a, b) AS 42",
        "CREATE TEMP MACRO duckdb_tables() AS TABLE SELECT 1",
        "CREATE TEMP TABLE \"staging.orders\" AS SELECT 1; DELETE FROM \"staging.orders\"; DELETE FROM staging.orders",
        "CREATE TEMP VIEW v AS SELECT * FROM dev__mallory.x",
        "ON_VIRTUAL_UPDATE_BEGIN; DELETE FROM raw.items; ON_VIRTUAL_UPDATE_END",
        "ON_VIRTUAL_UPDATE_BEGIN; COMMENT ON VIEW prod.orders IS 'x'; ON_VIRTUAL_UPDATE_END",
        "ON_VIRTUAL_UPDATE_BEGIN; COMMENT ON TABLE raw.items IS 'x'; ON_VIRTUAL_UPDATE_END",
        "JINJA_STATEMENT_BEGIN; {% for t in ['raw.items'] %} DELETE FROM {{ t }}; {% endfor %} JINJA_END",
        "@IF(true, DELETE FROM raw.items)",
    ] {
        sandbox.write("models/x.sql", &format!("MODEL (name x, kind FULL);\nSELECT 1 AS id;\n{hostile};\n"));
        let done = sandbox.vmesh(&["plan", "--yes"]);
        assert_eq!(everything(), before, "{hostile}\n{}", done.err);
        assert_ne!(done.code, Some(0), "{hostile}\n{}", done.err);
    }
    // DuckDB lets a WITH clause write
    for hostile in [
        "WITH d AS (DELETE FROM raw.items RETURNING id) SELECT id FROM d",
        "WITH d AS MATERIALIZED (WITH e AS (SELECT 1) DELETE FROM raw.items RETURNING id) FROM d",
        "WITH d AS (INSERT INTO raw.items VALUES (2) RETURNING id) SELECT id FROM d",
        "SELECT * FROM json_execute_serialized_sql(json_serialize_sql('WITH d AS (DELETE FROM raw.items) FROM d'))",
        "WITH d AS (TRUNCATE raw.items) SELECT 1 AS id",
        "WITH d AS (UPDATE raw.items SET id = 5 RETURNING id) SELECT id FROM d",
        "WITH d AS (UPDATE raw.items SET id = 5 RETURNING id) PIVOT d ON id USING count(*)",
        "WITH d AS (COPY raw.items TO 'x.csv') SELECT 1 AS id",
        "SELECT nextval('raw.s') AS id",
        "SELECT * FROM add_grammar_extension('x')",
    ] {
        for kind in ["FULL", "VIEW", "INCREMENTAL_UNMANAGED"] {
            sandbox.write("models/x.sql", &format!("MODEL (name x, kind {kind});\n{hostile};\n"));
            let done = sandbox.vmesh(&["plan", "--yes"]);
            assert_eq!(everything(), before, "{kind} {hostile}\n{}", done.err);
            assert_ne!(done.code, Some(0), "{kind} {hostile}\n{}", done.err);
        }
    }
    sandbox.write("models/x.sql", "SELECT 1 AS update, 2 AS \"delete\"");
    sandbox.vmesh(&["plan", "--yes"]).good();
    // a temporary thing may not stand for a model
    for hidden in ["CREATE TEMP TABLE total AS SELECT 1", "CREATE TEMP VIEW Total AS SELECT 1"] {
        sandbox.write("models/total.sql", "SELECT 1 AS id");
        sandbox.write("models/x.sql", &format!("MODEL (name x, kind FULL);\n{hidden};\nSELECT * FROM total"));
        let told = sandbox.vmesh(&["plan", "--yes"]).fails(1);
        assert!(told.contains("would hide the model `total`"), "{told}");
    }
}
