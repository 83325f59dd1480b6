//! Unit tests of models: SQLMesh's files, run in memory, before anything is built.

use crate::support::{Sandbox, postgres, spark};

const ORDERS: &str = "WITH paid AS (SELECT * FROM raw.payments WHERE state = @wanted), sums AS (SELECT customer, sum(amount) AS total FROM paid GROUP BY customer)
SELECT c.id, c.name, coalesce(s.total, 0.00) AS total FROM customers AS c LEFT JOIN sums AS s ON s.customer = c.id";

const TEST: &str = "
test_totals:
  model: totals
  description: who paid what
  vars: {wanted: ok}
  inputs:
    customers:
      rows:
      - {id: 1, name: Ada}
      - {id: 2, name: \"it's: Bob\"}
    raw.payments:
      columns: {customer: int, amount: 'decimal(10,2)', state: 'varchar(9)'}
      rows:
      - {customer: 1, amount: 1.50, state: ok}
      - {customer: 1, amount: 2.25, state: ok}
      - {customer: 1, amount: 9, state: refused}
  outputs:
    ctes:
      sums:
        rows:
        - {customer: 1, total: 3.75}
    query:
      rows:
      - {id: 2, name: \"it's: Bob\", total: 0}
      - {id: 1, name: Ada, total: 3.75}
";

fn shop() -> Sandbox {
    let sandbox = Sandbox::with_models(&[("customers", "SELECT 1 AS id, 'Ada' AS name"), ("totals", ORDERS)]);
    sandbox.write("vmesh.toml", "[hooks]\nbuild = \"inline\"\n[variables]\nwanted = \"paid\"\n");
    sandbox.write("tests/test_totals.yaml", TEST);
    sandbox.commit_quietly("tests");
    sandbox.sql("CREATE SCHEMA raw; CREATE TABLE raw.payments(customer INT, amount DECIMAL(10, 2), state TEXT)");
    sandbox
}

#[test]
fn given_rows_give_expected_rows() {
    let sandbox = shop();
    let told = sandbox.vmesh(&["test"]).good();
    assert!(told.contains("✓ test_totals") && told.ends_with("1 test · 0 failed\n"), "{told}");
    assert_eq!(sandbox.vmesh(&["test", "nothing_like_it"]).code, Some(1));
    for pattern in ["test_*", "totals", "test_totals.yaml", "tests/test_totals.yaml::test_totals"] {
        assert!(sandbox.vmesh(&["test", pattern]).good().contains("1 test"), "{pattern}");
    }
    sandbox.vmesh(&["promote", "--yes"]).good();
}

/// Rows as they are shown: of a number that is expected, PostgreSQL shows the digits that were given.
fn in_digits(rows: &str) -> String {
    if postgres::is_tested() {
        rows.replace("- 2  | it's: Bob | 0.00", "- 2  | it's: Bob | 0")
    } else {
        rows.to_owned()
    }
}

#[test]
fn a_failing_test_shows_the_rows_and_nothing_is_built() {
    let sandbox = shop();
    sandbox.vmesh(&["promote", "--yes"]).good();
    let tables = sandbox.snapshots();
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.model("totals", &ORDERS.replace("coalesce(s.total, 0.00)", "s.total"));
    let told = sandbox.vmesh(&["test"]).fails(1);
    assert!(told.is_empty(), "{told}");
    let told = sandbox.vmesh(&["test"]).out;
    assert!(told.contains("query: 1 missing (-), 1 unexpected (+)"), "{told}");
    let rows = "      id | name      | total\n    - 2  | it's: Bob | 0.00\n    + 2  | it's: Bob | NULL\n                       ^^^^\n";
    assert!(told.contains(&in_digits(rows)), "{told}");
    let told = sandbox.vmesh(&["plan", "--yes"]).fails(1);
    assert!(told.contains("1 unit test failed") && told.contains("+ 2  | it's: Bob | NULL"), "{told}");
    assert_eq!(sandbox.snapshots(), tables);
    sandbox.write("tests/test_totals.yaml", &TEST.replace("total: 0}", "total: null}"));
    sandbox.vmesh(&["plan", "--yes"]).good();
    sandbox.is_sound();
}

#[test]
fn a_test_that_can_t_be_run_says_why() {
    let on_server = postgres::is_tested() || spark::is_tested();
    let sandbox = shop();
    let complaint = |from: &str, to: &str| {
        sandbox.write("tests/test_totals.yaml", &TEST.replace(from, to));
        sandbox.git(&["switch", "--quiet", "-C", "alice"]).good();
        let done = sandbox.vmesh(&["test"]);
        assert_eq!(done.code, Some(1));
        done.out + &done.err
    };
    let told = complaint("model: totals", "model: total");
    assert!(told.contains("`total` is no model") && told.contains("tests/test_totals.yaml:2:1"), "{told}");
    let told = complaint("    customers:\n", "    clients:\n");
    assert!(told.contains("gives no rows of `customers`"), "{told}");
    let told = complaint("inputs:", "imputs:");
    assert!(told.contains("did you mean `inputs`?"), "{told}");
    let told = complaint("      sums:", "      sum:");
    assert!(told.contains("no common table expression `sum`") && told.contains("it has paid, sums"), "{told}");
    let told = complaint("    raw.payments:", "    raw.payment:");
    assert!(told.contains("gives no rows of `raw.payments`"), "{told}");
    let told = complaint("name: Ada}\n      - {id: 2", "nme: Ada}\n      - {id: 2");
    assert!(told.contains("given a column `nme`") && told.contains("did you mean `name`?"), "{told}");
    sandbox.model("totals", &ORDERS.replace("coalesce(", "coalesc("));
    let told = complaint("id: 1", "id: 1");
    // of a server, what it doesn't have is not asked for
    let is_found = told.contains("found by test `test_totals` in tests/") || on_server;
    assert!(told.contains("models/totals.sql:2:22") && is_found, "{told}");
    sandbox.model("totals", ORDERS);
    let told = complaint("amount: 2.25", "amount: much");
    let complaint = match (postgres::is_tested(), spark::is_tested()) {
        (true, _) => "PostgreSQL: invalid input syntax",
        (_, true) => "Spark: [INVALID_INLINE_TABLE.FAILED_SQL_EXPRESSION_EVALUATION]",
        _ => "DuckDB: Conversion Error",
    };
    assert!(told.contains(complaint), "{told}");
}

#[test]
fn what_is_wrong_with_one_file_hides_no_other() {
    let sandbox = shop();
    sandbox.write("tests/test_broken.yaml", "test_x:\n  model: [\n");
    sandbox.write("tests/more/test_b.yml", &TEST.replace("test_totals", "test_b").replace("total: 0}", "total: 1}"));
    sandbox.write("tests/more/test_lost.yaml", "test_lost:\n  model: lost\n  outputs: {query: []}\n");
    sandbox.write("tests/totals_test.yaml", TEST);
    sandbox.write("tests/rows.yaml", "- {id: 1, name: Ada}\n");
    let by_path = TEST.replace("test_totals", "test_c").replace(
        "      rows:\n      - {id: 1, name: Ada}\n      - {id: 2, name: \"it's: Bob\"}\n",
        "      path: tests/rows.yaml\n",
    );
    let by_path = by_path.replace("      - {id: 2, name: \"it's: Bob\", total: 0}\n", "");
    sandbox.write("tests/test_c.yaml", &by_path);
    let done = sandbox.vmesh(&["test"]);
    assert_eq!(done.code, Some(1), "{}", done.err);
    for line in ["✓ test_totals", "✓ test_c", "✗ test_b", "✗ test_lost", "4 tests · 2 failed · 1 file can't be read"]
    {
        assert!(done.out.contains(line), "{line}\n{}", done.out);
    }
    assert!(
        done.out.contains(&in_digits("+ 2  | it's: Bob | 0.00")) && done.out.contains("`lost` is no model"),
        "{}",
        done.out
    );
    assert!(done.err.contains("tests/test_broken.yaml:"), "{}", done.err);
    let unread: Vec<&str> = done.err.lines().filter(|line| line.contains("is not read")).collect();
    assert_eq!(unread, ["warning: tests/totals_test.yaml is not read: the names of test files begin with `test`"]);
    let told = sandbox.vmesh(&["promote", "--yes"]).good();
    assert!(told.contains("prod shows"), "what is not committed keeps nothing: {told}");
    sandbox.commit_quietly("broken");
    sandbox.model("totals", &ORDERS.replace("coalesce(s.total, 0.00)", "s.total"));
    sandbox.commit_quietly("changed");
    let told = sandbox.vmesh(&["promote", "--yes"]).fails(1);
    assert!(told.contains("test_broken.yaml:") && told.contains("unit tests failed"), "{told}");
}

#[test]
fn a_test_has_its_own_clock() {
    let sandbox = Sandbox::with_models(&[
        ("born", "SELECT 1 AS id, DATE '2000-01-01' AS day"),
        (
            "ages",
            "WITH t AS (SELECT *, current_date AS today FROM born)
             SELECT id, date_part('year', today) - date_part('year', day) AS years, now()::TIMESTAMP AS at, age(day) AS age, 'now()' AS word,
                    '@execution_ds' AS plain, @execution_ds AS ds FROM t WHERE day < CURRENT_TIMESTAMP::TIMESTAMP",
        ),
    ]);
    let test = "test_ages:
  model: ages
  vars: {execution_time: 2020-02-29 12:00:00}
  inputs: {born: [{id: 1, day: 2000-02-29}, {id: 2, day: 2020-03-01}]}
  outputs:
    ctes: {t: {partial: true, rows: [{id: 1, today: 2020-02-29}, {id: 2, today: 2020-02-29}]}}
    query:
    - {id: 1, years: 20, at: 2020-02-29 12:00:00, age: 20 years, word: now(), plain: '@execution_ds', ds: '2020-02-29'}
";
    sandbox.write("tests/test_ages.yaml", test);
    sandbox.vmesh(&["test"]).good();
    // without a time of its own, the test is run now
    sandbox.write("tests/test_ages.yaml", &test.replace("  vars: {execution_time: 2020-02-29 12:00:00}\n", ""));
    let told = sandbox.vmesh(&["test"]).out;
    assert!(told.contains("t: 2 missing (-), 2 unexpected (+)") && !told.contains("DuckDB"), "{told}");
}

#[test]
fn on_main_the_working_tree_is_tested_and_rendered() {
    let sandbox = shop();
    sandbox.model("totals", &ORDERS.replace("coalesce(s.total, 0.00)", "s.total"));
    assert!(sandbox.vmesh(&["test"]).out.contains("1 failed"));
    assert!(!sandbox.vmesh(&["render", "totals"]).good().contains("coalesce"));
    assert!(sandbox.vmesh(&["render", "totals", "--env", "main"]).good().contains("coalesce"));
}

const KINDS: &str = "SELECT 1 AS id, 1.50::DECIMAL(10,2) AS price, 'it''s: [x]' AS name, DATE '2026-01-31' AS day,
    TIMESTAMP '2026-01-31 10:00:00.5' AS seen, [1, NULL] AS list, {'a': 'x, y', 'b': NULL} AS pair, 'nan'::DOUBLE AS rate,
    true AS yes, NULL::INTEGER AS gap, TIMESTAMPTZ '2026-01-31 10:00:00+00' AS zoned, '12:30'::TIME AS clock,
    '\\x00'::BLOB AS bytes, INTERVAL 3 DAY AS span, 170141183460469231731687303715884105727::HUGEINT AS huge,
    uuid '00000000-0000-4000-8000-000000000000' AS uuid, MAP {'k': 1} AS map, ' 007' AS code
    UNION ALL SELECT 2, NULL, E'two\nlines', NULL, NULL, NULL, NULL, 0.1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'null'";

#[test]
fn a_test_is_written_from_rows_that_are_there() {
    let sandbox = Sandbox::with_models(&[
        ("kinds", KINDS),
        ("shown", "MODEL (name shown, kind EMBEDDED);\nSELECT * FROM kinds"),
        ("mart.copy", "WITH a AS (SELECT * FROM shown) SELECT *, now() > seen AS past FROM a JOIN raw.more USING (id)"),
        (
            "daily",
            "MODEL (name daily, kind INCREMENTAL_BY_TIME_RANGE (time_column day), start '2026-01-01');
             SELECT day, id FROM raw.daily WHERE day BETWEEN @start_date AND @end_date",
        ),
    ]);
    sandbox.sql(
        "CREATE SCHEMA raw; CREATE TABLE raw.more AS SELECT i AS id, i % 2 = 0 AS even FROM range(30) AS r(i);
         CREATE TABLE raw.daily AS SELECT DATE '2026-01-01' + i::INTEGER AS day, i AS id FROM range(5) AS r(i)",
    );
    sandbox.vmesh(&["promote", "--yes", "--execution-time", "2026-01-04"]).good();
    let told = sandbox.vmesh(&["test", "--create", "mart.copy", "--ctes"]).good();
    let expected =
        "wrote test_copy in tests/test_copy.yaml · given rows of kinds (2), raw.more (10) · 2 rows expected\n";
    assert_eq!(told, expected);
    let text = sandbox.read("tests/test_copy.yaml");
    assert!(text.contains("execution_time:") && text.contains("price: 'DECIMAL(10,2)'"), "{text}");
    sandbox.vmesh(&["test"]).good();
    // one that is there is not overwritten, another is added
    let told = sandbox.vmesh(&["test", "--create", "mart.copy"]).fails(2);
    assert!(told.contains("has a test `test_copy` already") && told.contains("--name test_copy_2"), "{told}");
    assert_eq!(sandbox.read("tests/test_copy.yaml"), text);
    let query = ["--query", "raw.more", "SELECT 1 AS id, true AS even", "--var", "execution_time", "2026-01-01"];
    let told = sandbox.vmesh(&[&["test", "--create", "mart.copy", "--name", "test_two"], &query[..]].concat()).good();
    assert!(told.starts_with("added test_two in tests/test_copy.yaml") && told.contains("raw.more (1)"), "{told}");
    assert!(sandbox.read("tests/test_copy.yaml").starts_with(text.trim_end()));
    let told = sandbox.vmesh(&["test", "--create", "daily", "--path", "tests/a/test_d.yaml"]).good();
    assert!(told.contains("raw.daily (5) · 3 rows expected"), "{told}");
    assert!(sandbox.read("tests/a/test_d.yaml").contains("start: '2026-01-01 00:00:00'"), "the times it was run for");
    assert!(sandbox.vmesh(&["test"]).good().ends_with("3 tests · 0 failed\n"));
    // a change of the model is found
    sandbox.model(
        "mart.copy",
        "WITH a AS (SELECT * FROM shown) SELECT *, now() < seen AS past FROM a JOIN raw.more USING (id)",
    );
    assert_eq!(sandbox.vmesh(&["test", "mart.copy"]).code, Some(1));
    let refused = [
        (&["--path", "tests/copy.yaml"][..], "would not be read as a test"),
        (&["--path", "../test_copy.yaml"], "would not be read as a test"),
        (&["--query", "nothing", "SELECT 1", "--name", "x"], "does not read `nothing`"),
        (&["--query", "raw.more", "DROP TABLE raw.more", "--name", "x"], "only reads"),
    ];
    for (args, what) in refused {
        let done = sandbox.vmesh(&[&["test", "--create", "mart.copy"], args].concat());
        assert!(done.code != Some(0) && done.err.contains(what), "{}", done.err);
    }
    sandbox.model("chance", "SELECT random() AS x");
    let told = sandbox.vmesh(&["test", "--create", "chance"]).fails(1);
    assert!(told.contains("gives other rows each time"), "{told}");
    assert!(!sandbox.path().join("tests/test_chance.yaml").exists());
}

#[test]
fn a_test_is_written_from_rows_of_the_time_that_is_tested() {
    let model = "MODEL (name daily, kind INCREMENTAL_BY_TIME_RANGE (time_column day), start '2026-01-28');\n\
                 SELECT day, count(*) AS n FROM raw.events WHERE day BETWEEN @start_date AND @end_date GROUP BY day";
    let sandbox = Sandbox::with_models(&[("daily", model)]);
    let days = "SELECT DATE '2026-01-01' + CAST(n AS INT) AS day FROM range(30) AS r(n)";
    sandbox.sql(&format!("CREATE SCHEMA raw; CREATE TABLE raw.events AS {days}"));
    sandbox.vmesh(&["promote", "--yes", "--execution-time", "2026-01-31"]).good();
    let written = sandbox.vmesh(&["test", "--create", "daily"]).good();
    assert!(written.contains("given rows of raw.events (10)") && !written.contains("0 rows expected"), "{written}");
    sandbox.vmesh(&["test"]).good();
}
