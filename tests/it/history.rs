//! Kinds SCD_TYPE_2: what was valid when, however the loads are cut.

use crate::support::Sandbox;
use crate::support::random::Dice;

const BY_TIME: &str = "MODEL (name customers, kind SCD_TYPE_2_BY_TIME (unique_key id));
SELECT id, name, updated_at FROM raw.customers";
const BY_COLUMN: &str = "MODEL (name customers, kind SCD_TYPE_2_BY_COLUMN (unique_key (a, b), columns *));
SELECT a, b, name FROM raw.customers";

/// A project of one model, over a table of the user's that these statements made.
fn shop(model: &str, sql: &str) -> Sandbox {
    let sandbox = Sandbox::with_models(&[("customers", model)]);
    sandbox.sql(&format!("CREATE SCHEMA raw; {sql}"));
    sandbox
}

fn promote(sandbox: &Sandbox, now: &str) {
    sandbox.vmesh(&["promote", "--yes", "--execution-time", now]).good();
}

fn run(sandbox: &Sandbox, now: &str) {
    sandbox.vmesh(&["run", "prod", "--execution-time", now]).good();
}

/// The rows, oldest first, without the time of day where it is midnight.
fn history(sandbox: &Sandbox, columns: &str) -> Vec<String> {
    let rows = sandbox.rows(&format!("SELECT {columns}, valid_from, valid_to FROM prod.customers ORDER BY ALL"));
    rows.into_iter().map(|row| row.join(" ").replace(" 00:00:00", "")).collect()
}

#[test]
fn a_later_time_makes_a_new_version() {
    let sandbox = shop(
        BY_TIME,
        "CREATE TABLE raw.customers AS SELECT * FROM (VALUES (1, 'Ada', TIMESTAMP '2026-01-01'), \
         (2, 'Ben', TIMESTAMP '2026-01-01')) AS t(id, name, updated_at)",
    );
    promote(&sandbox, "2026-01-02");
    assert_eq!(history(&sandbox, "id, name"), ["1 Ada 1970-01-01 NULL", "2 Ben 1970-01-01 NULL"]);
    sandbox.sql(
        "UPDATE raw.customers SET name = 'Ada L.', updated_at = '2026-01-02 09:00:00' WHERE id = 1; \
         UPDATE raw.customers SET name = 'not later' WHERE id = 2; \
         INSERT INTO raw.customers VALUES (3, 'Cy', '2026-01-02 10:00:00')",
    );
    run(&sandbox, "2026-01-03");
    let expected = [
        "1 Ada 1970-01-01 2026-01-02 09:00:00",
        "1 Ada L. 2026-01-02 09:00:00 NULL",
        "2 Ben 1970-01-01 NULL",
        "3 Cy 1970-01-01 NULL",
    ];
    assert_eq!(history(&sandbox, "id, name"), expected);
    run(&sandbox, "2026-01-03");
    run(&sandbox, "2026-01-04");
    assert_eq!(history(&sandbox, "id, name"), expected, "nothing changed, nothing is written");
    sandbox.is_sound();
}

#[test]
fn a_value_that_differs_makes_a_new_version_null_or_not() {
    let sandbox = shop(
        BY_COLUMN,
        "CREATE TABLE raw.customers AS SELECT * FROM (VALUES ('x', NULL, NULL), (NULL, 'x', 'Ben')) AS t(a, b, name)",
    );
    promote(&sandbox, "2026-01-02");
    sandbox.sql("UPDATE raw.customers SET name = 'Ada' WHERE a = 'x'");
    run(&sandbox, "2026-01-03");
    sandbox.sql("UPDATE raw.customers SET name = NULL WHERE a = 'x'");
    run(&sandbox, "2026-01-04");
    let expected = [
        "NULL x Ben 1970-01-01 NULL",
        "x NULL Ada 2026-01-03 2026-01-04",
        "x NULL NULL 1970-01-01 2026-01-03",
        "x NULL NULL 2026-01-04 NULL",
    ];
    let mut rows = history(&sandbox, "a, b, name");
    rows.sort();
    assert_eq!(rows, expected, "keys are told apart, and NULL stays in history when it becomes a value");
}

#[test]
fn deleted_rows_are_closed_and_begin_again() {
    let model = BY_TIME.replace("unique_key id", "unique_key id, invalidate_hard_deletes true");
    let sandbox = shop(
        &model,
        "CREATE TABLE raw.customers AS SELECT 1 AS id, 'Ada' AS name, TIMESTAMP '2026-01-01' AS updated_at",
    );
    promote(&sandbox, "2026-01-02");
    sandbox.sql("CREATE TABLE raw.kept AS SELECT * FROM raw.customers; DELETE FROM raw.customers");
    run(&sandbox, "2026-01-03");
    assert_eq!(history(&sandbox, "name"), ["Ada 1970-01-01 2026-01-03"]);
    run(&sandbox, "2026-01-04");
    sandbox.sql("INSERT INTO raw.customers SELECT * FROM raw.kept");
    run(&sandbox, "2026-01-05");
    assert_eq!(history(&sandbox, "name"), ["Ada 1970-01-01 2026-01-03", "Ada 2026-01-03 NULL"]);
    sandbox.sql("DELETE FROM raw.customers");
    run(&sandbox, "2026-01-06");
    sandbox.sql("INSERT INTO raw.customers VALUES (1, 'Ada L.', '2026-01-06 12:00:00')");
    run(&sandbox, "2026-01-07");
    let expected = ["Ada 1970-01-01 2026-01-03", "Ada 2026-01-03 2026-01-06", "Ada L. 2026-01-06 12:00:00 NULL"];
    assert_eq!(history(&sandbox, "name"), expected);
}

#[test]
fn names_types_and_the_first_version_are_the_models_choice() {
    let model = "MODEL (name customers, kind SCD_TYPE_2_BY_COLUMN (unique_key id, columns [name], \
                 valid_from_name since, valid_to_name until, time_data_type TIMESTAMPTZ, execution_time_as_valid_from true));
                 SELECT id, name, 'x' AS note FROM raw.customers";
    let sandbox = shop(model, "CREATE TABLE raw.customers AS SELECT 1 AS id, 'Ada' AS name");
    promote(&sandbox, "2026-01-02 03:00:00");
    sandbox.sql("UPDATE raw.customers SET name = 'Ada L.'");
    run(&sandbox, "2026-01-03 04:00:00");
    let rows = sandbox.rows("SELECT name, since, until FROM prod.customers ORDER BY since");
    let (first, second) = ("2026-01-02 03:00:00+00", "2026-01-03 04:00:00+00");
    assert_eq!(rows, [["Ada", first, second], ["Ada L.", second, "NULL"]]);
    let types = "SELECT string_agg(data_type, ' ' ORDER BY column_index) FROM duckdb_columns() \
                 WHERE schema_name = 'prod' AND table_name = 'customers' AND column_name IN ('since', 'until')";
    assert_eq!(sandbox.value(types).to_uppercase(), "TIMESTAMP WITH TIME ZONE TIMESTAMP WITH TIME ZONE");
}

#[test]
fn a_changed_query_keeps_the_history() {
    let sandbox = shop(
        BY_TIME,
        "CREATE TABLE raw.customers AS SELECT 1 AS id, 'Ada' AS name, 'x@y' AS email, TIMESTAMP '2026-01-01' AS updated_at",
    );
    promote(&sandbox, "2026-01-02");
    sandbox.sql("UPDATE raw.customers SET name = 'Ada L.', updated_at = '2026-01-02 09:00:00'");
    run(&sandbox, "2026-01-03");
    let before = history(&sandbox, "name");
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.model("customers", &BY_TIME.replace("name, updated", "name, email, updated"));
    sandbox.commit_quietly("email");
    sandbox.vmesh(&["plan", "--yes", "--execution-time", "2026-01-03"]).good();
    assert_eq!(sandbox.value("SELECT count(*) FROM dev__alice.customers"), "2");
    assert_eq!(history(&sandbox, "name"), before);
    sandbox.model(
        "customers",
        &BY_TIME
            .replace("name, updated", "name, email, updated")
            .replace("raw.customers", "raw.customers WHERE id > 0"),
    );
    sandbox.sql("UPDATE raw.customers SET name = 'seen by alice', updated_at = '2026-01-03 07:00:00'");
    sandbox.vmesh(&["plan", "--yes", "--execution-time", "2026-01-03"]).good();
    let newest = "SELECT name FROM dev__alice.customers WHERE valid_to IS NULL";
    assert_eq!(sandbox.value(newest), "seen by alice", "a changed version looks at once");
    sandbox.git(&["checkout", "--quiet", "."]).good();
    // prod goes on in the meantime, and what alice copied is no longer all
    sandbox.sql("UPDATE raw.customers SET name = 'Lady L.', updated_at = '2026-01-03 09:00:00'");
    run(&sandbox, "2026-01-04");
    sandbox.git(&["switch", "--quiet", "main"]).good();
    sandbox.git(&["-c", "core.hooksPath=/dev/null", "merge", "--quiet", "alice"]).good();
    promote(&sandbox, "2026-01-04");
    let expected = [
        "Ada NULL 1970-01-01 2026-01-02 09:00:00",
        "Ada L. NULL 2026-01-02 09:00:00 2026-01-03 09:00:00",
        "Lady L. NULL 2026-01-03 09:00:00 NULL",
    ];
    assert_eq!(history(&sandbox, "name, email"), expected);
    let refused = sandbox.vmesh(&["plan", "prod", "--restate-model", "customers", "--yes"]).fails(2);
    assert!(refused.contains("keeps a history"), "{refused}");
    sandbox.is_sound();
}

#[test]
fn a_column_that_was_dropped_is_still_there_for_a_rollback() {
    let model =
        BY_TIME.replace("unique_key id", "unique_key id, on_destructive_change ALLOW").replace("name,", "name, city,");
    let sandbox = shop(
        &model,
        "CREATE TABLE raw.customers AS SELECT 1 AS id, 'Ada' AS name, 'Rome' AS city, TIMESTAMP '2026-01-01' AS updated_at",
    );
    promote(&sandbox, "2026-01-02");
    sandbox.model("customers", &model.replace(" city,", ""));
    sandbox.commit_quietly("no city");
    promote(&sandbox, "2026-01-03");
    sandbox.git(&["-c", "core.hooksPath=/dev/null", "revert", "--no-edit", "HEAD"]).good();
    promote(&sandbox, "2026-01-04");
    assert_eq!(sandbox.value("SELECT count(*) FROM prod.customers WHERE city = 'Rome' AND valid_to IS NULL"), "0");
    let first = sandbox.git(&["rev-list", "--max-parents=0", "HEAD"]).good();
    sandbox.vmesh(&["rollback", first.trim(), "--yes"]).good();
    assert_eq!(sandbox.value("SELECT city FROM prod.customers"), "Rome");
    sandbox.is_sound();
}

#[test]
fn another_way_to_tell_changes_keeps_the_history() {
    let sandbox = shop(
        BY_TIME,
        "CREATE TABLE raw.customers AS SELECT 1 AS id, 'Ada' AS name, TIMESTAMP '2026-01-01' AS updated_at",
    );
    promote(&sandbox, "2026-01-02");
    sandbox.sql("UPDATE raw.customers SET name = 'Ada L.', updated_at = '2026-01-02 09:00:00'");
    run(&sandbox, "2026-01-03");
    let kind = "SCD_TYPE_2_BY_COLUMN (unique_key id, columns [name])";
    sandbox.model("customers", &BY_TIME.replace("SCD_TYPE_2_BY_TIME (unique_key id)", kind));
    sandbox.commit_quietly("by column");
    promote(&sandbox, "2026-01-03 12:00:00");
    let expected = ["Ada 1970-01-01 2026-01-02 09:00:00", "Ada L. 2026-01-02 09:00:00 NULL"];
    assert_eq!(history(&sandbox, "name"), expected);
    sandbox.model("other", "SELECT 1 AS n");
    sandbox.commit_quietly("another");
    promote(&sandbox, "2026-01-03 12:00:00");
    let all = sandbox.vmesh(&["plan", "prod", "--restate-model", "*", "--yes"]);
    assert_eq!(all.code, Some(0), "{}", all.err);
    assert_eq!(history(&sandbox, "name"), expected);
}

/// Whatever the loads are cut into, and however often one fails, the table is that of a single load.
#[test]
fn any_cut_of_a_log_gives_the_same_history() {
    let model = "MODEL (name customers, kind SCD_TYPE_2_BY_TIME (unique_key (id, part), updated_at_as_valid_from true, batch_size 3), \
                 start '2026-01-01');
                 SELECT id, part, CAST(CASE WHEN n < 0 THEN 'broken' ELSE CAST(n AS TEXT) END AS INTEGER) AS n, updated_at FROM raw.customers \
                 WHERE updated_at BETWEEN @start_dtntz AND @end_dtntz";
    for seed in 1..=4 {
        let mut dice = Dice(seed);
        let rows: Vec<String> = (0..60)
            .map(|n| {
                let part = ["'a'", "'b'", "NULL"][dice.roll(3)];
                let hour = dice.roll(20 * 24);
                format!("({}, {part}, {n}, TIMESTAMP '2026-01-01' + INTERVAL '{hour} hours')", dice.roll(4))
            })
            .collect();
        let log = format!(
            "CREATE TABLE raw.customers AS SELECT DISTINCT ON (id, part, updated_at) * FROM (VALUES {}) AS t(id, part, n, updated_at)",
            rows.join(", ")
        );
        let whole = shop(model, &log);
        promote(&whole, "2026-01-25");
        let cut = shop(model, &log);
        let mut day = 2;
        promote(&cut, "2026-01-02");
        while day < 25 {
            day += dice.roll(6);
            let now = format!("2026-01-{:02}", day.min(25));
            if dice.roll(3) == 0 {
                // a load that fails in the middle: what was loaded before stays, the rest comes with the next one
                cut.sql("CREATE TABLE raw.fine AS SELECT * FROM raw.customers; UPDATE raw.customers SET n = -1 WHERE n % 7 = 3");
                cut.vmesh(&["run", "prod", "--execution-time", &now]);
                cut.sql("DROP TABLE raw.customers; ALTER TABLE raw.fine RENAME TO customers");
            }
            run(&cut, &now);
        }
        assert_eq!(history(&cut, "id, part, n"), history(&whole, "id, part, n"), "seed {seed}");
    }
}

#[test]
fn a_key_that_would_be_that_of_several_rows_is_refused() {
    let rows = "CREATE TABLE raw.customers AS SELECT * FROM (VALUES (1, 'x'), (1, 'y')) AS t(id, part)";
    let with = |key: &str| {
        format!(
            "MODEL (name customers, kind SCD_TYPE_2_BY_COLUMN (unique_key {key}, columns [part]), start '2026-01-01'); \
             SELECT id, part FROM raw.customers"
        )
    };
    let sandbox = shop(&with("(id, part)"), rows);
    promote(&sandbox, "2026-01-02");
    let before = history(&sandbox, "id, part");
    sandbox.model("customers", &with("id"));
    sandbox.commit_quietly("a coarser key");
    let refused = sandbox.vmesh(&["promote", "--yes", "--execution-time", "2026-01-03"]).fails(1);
    assert!(refused.contains("would have the same `unique_key`"), "{refused}");
    assert_eq!(history(&sandbox, "id, part"), before);
    sandbox.model("customers", &with("(part, id)"));
    sandbox.commit_quietly("another order");
    promote(&sandbox, "2026-01-03");
    assert_eq!(history(&sandbox, "id, part"), before);
    sandbox.is_sound();
}

#[test]
fn a_history_that_ends_is_told() {
    let model = |name: &str, more: &str| {
        format!(
            "MODEL (name {name}, kind SCD_TYPE_2_BY_COLUMN (unique_key id, columns [part])); SELECT id, part{more} FROM raw.customers"
        )
    };
    let sandbox = shop(&model("customers", ""), "CREATE TABLE raw.customers AS SELECT 1 AS id, 'x' AS part");
    promote(&sandbox, "2026-01-02");
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    let renamed = |more: &str| {
        sandbox.git(&["rm", "--quiet", "--cached", "models/customers.sql"]);
        std::fs::remove_file(sandbox.path().join("models/customers.sql")).ok();
        sandbox.model("people", &model("people", more));
        sandbox.vmesh(&["plan"]).good()
    };
    let ends = "no such model any more: its history ends";
    let plan = renamed("");
    assert!(!plan.contains(ends), "only renamed:\n{plan}");
    let plan = renamed(", 1 AS n");
    assert!(plan.contains(ends), "renamed and changed:\n{plan}");
}

#[test]
fn names_of_vmeshs_own_columns_are_refused() {
    let model = "MODEL (name customers, kind SCD_TYPE_2_BY_COLUMN (unique_key id, columns [part])); \
                 SELECT id, part, 1 AS vmesh_at FROM raw.customers";
    let sandbox = shop(model, "CREATE TABLE raw.customers AS SELECT 1 AS id, 'x' AS part");
    let refused = sandbox.vmesh(&["promote", "--yes"]).fails(1);
    assert!(refused.contains("`customers` has a column `vmesh_at`"), "{refused}");
}
