//! Audits: wrong rows reach nobody, and are shown.

use crate::support::Sandbox;

const ORDERS: &str =
    "MODEL (name orders, audits (not_null(columns := (id)), unique_values(columns := (id)), positive(least := 2)));
SELECT id, amount FROM raw.orders";

fn shop(rows: &str) -> Sandbox {
    let sandbox = Sandbox::with_models(&[("orders", ORDERS), ("total", "SELECT sum(amount) AS total FROM orders")]);
    sandbox.write(
        "audits/positive.sql",
        "AUDIT (name positive, defaults (least = 0));\nSELECT * FROM @this_model WHERE amount < @least",
    );
    sandbox.commit_quietly("audit");
    sandbox.sql(&format!("CREATE SCHEMA raw; CREATE TABLE raw.orders AS FROM (VALUES {rows}) AS t(id, amount)"));
    sandbox
}

#[test]
fn wrong_rows_are_shown_and_reach_nobody() {
    let sandbox = shop("(1, 10), (2, 1), (3, 5)");
    let told = sandbox.vmesh(&["promote", "--yes"]).fails(1);
    assert!(told.contains("audit `positive` of `orders`: 1 row is wrong"), "{told}");
    assert!(told.contains("id | amount") && told.contains("2 | 1"), "{told}");
    assert!(told.contains("not tried: total"), "{told}");
    assert_eq!(sandbox.value("SELECT count(*) FROM duckdb_views() WHERE schema_name = 'prod'"), "0");
    sandbox.sql("UPDATE raw.orders SET amount = 2 WHERE id = 2");
    sandbox.vmesh(&["promote", "--yes"]).good();
    assert_eq!(sandbox.value("SELECT total FROM prod.total"), "17");
    let told = sandbox.vmesh(&["audit"]).good();
    assert!(told.contains("3 audits · 0 with wrong rows"), "{told}");
    sandbox.is_sound();
}

#[test]
fn a_new_audit_of_an_old_table_is_run_before_anything_moves_and_builds_nothing() {
    let sandbox = shop("(1, 10), (2, 2), (3, 5)");
    sandbox.vmesh(&["promote", "--yes"]).good();
    let tables = sandbox.snapshots();
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.model("orders", &ORDERS.replace("least := 2", "least := 3"));
    let told = sandbox.vmesh(&["plan", "--yes"]).fails(1);
    assert!(told.contains("audit `positive` of `orders`"), "{told}");
    sandbox.model("orders", &ORDERS.replace("least := 2", "least := 1"));
    assert_eq!(sandbox.vmesh(&["plan", "--exit-code"]).code, Some(1));
    sandbox.vmesh(&["plan", "--yes"]).good();
    assert_eq!(sandbox.vmesh(&["plan", "--exit-code"]).code, Some(0));
    sandbox.model("orders", &ORDERS.replace("least := 2", "least := 5, blocking := false"));
    sandbox.vmesh(&["plan", "--yes"]).good();
    sandbox.model(
        "warned",
        "MODEL (name warned, audits (positive(least := 5, blocking := false)));\nSELECT * FROM orders",
    );
    let told = sandbox.vmesh(&["plan", "--yes"]).err;
    assert!(told.contains("warning: audit `positive` of `warned`: 1 row wrong"), "{told}");
    std::fs::remove_file(sandbox.path().join("models/warned.sql")).unwrap();
    let told = sandbox.vmesh(&["audit", "orders"]).good();
    assert!(told.contains("! orders · positive · 1 wrong row"), "{told}");
    assert_eq!(sandbox.snapshots(), tables + 1);
    sandbox.is_sound();
}

#[test]
fn of_a_load_only_its_rows_are_audited_and_keys_over_all() {
    let model = "MODEL (name daily, kind INCREMENTAL_BY_TIME_RANGE (time_column day), start '2026-01-01',
                        audits (not_null(columns := (amount)), unique_values(columns := (id))));
                 SELECT day, id, amount FROM raw.daily WHERE day BETWEEN @start_date AND @end_date";
    let sandbox = shop("(1, 10)");
    sandbox.model("daily", model);
    sandbox.commit_quietly("daily");
    sandbox.sql("CREATE TABLE raw.daily AS FROM (VALUES (DATE '2026-01-01', 1, 5), ('2026-01-02', 2, 6), ('2026-01-03', 1, 7), ('2026-01-04', 4, NULL)) AS t(day, id, amount); UPDATE raw.orders SET amount = 2");
    sandbox.vmesh(&["promote", "--yes", "--execution-time", "2026-01-03"]).good();
    let told = sandbox.vmesh(&["run", "--execution-time", "2026-01-04"]).fails(1);
    assert!(told.contains("unique_values"), "{told}");
    assert_eq!(sandbox.value("SELECT count(*) FROM prod.daily"), "2", "what failed is not there");
    sandbox.sql("UPDATE raw.daily SET id = 3 WHERE day = '2026-01-03'");
    sandbox.vmesh(&["run", "--execution-time", "2026-01-04"]).good();
    assert_eq!(sandbox.value("SELECT count(*) FROM prod.daily"), "3");
    let told = sandbox.vmesh(&["run", "--execution-time", "2026-01-05"]).fails(1);
    assert!(told.contains("not_null"), "{told}");
    sandbox.is_sound();
}

#[test]
fn audits_across_models() {
    let sandbox = Sandbox::with_models(&[
        ("customers", "SELECT 1 AS id UNION ALL SELECT 2"),
        (
            "orders",
            "MODEL (name orders, audits (foreign_key(columns := (customer), references := customers, to := (id))));\nSELECT 7 AS id, 3 AS customer",
        ),
    ]);
    let told = sandbox.vmesh(&["promote", "--yes"]).fails(1);
    assert!(told.contains("audit `foreign_key` of `orders`: 1 row is wrong"), "{told}");
    sandbox.model("orders", "MODEL (name orders, audits (foreign_key(columns := (customer), references := customers, to := (id))));\nSELECT 7 AS id, 2 AS customer");
    sandbox.commit("mended");
    assert_eq!(sandbox.value("SELECT customer FROM prod.orders"), "2");
    sandbox.model("orders", "MODEL (name orders, audits (not_nul(columns := (id))));\nSELECT 7 AS id");
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    let told = sandbox.vmesh(&["plan"]).fails(1);
    assert!(told.contains("unknown audit `not_nul`") && told.contains("did you mean `not_null`?"), "{told}");
}

#[test]
fn an_audit_is_one_query_whatever_its_macros_make_of_it() {
    let sandbox = shop("(1, 10)");
    sandbox.write("audits/positive.sql", "AUDIT (name positive, defaults (least = 0));\nSELECT * FROM @this_model WHERE @SQL('1=0) AS a; DROP TABLE raw.orders; SELECT * FROM (SELECT 1')");
    sandbox.commit_quietly("hostile");
    let told = sandbox.vmesh(&["promote", "--yes"]).fails(1);
    assert!(told.contains("this `)` closes nothing") && told.contains("audits/positive.sql:2:1"), "{told}");
    assert_eq!(sandbox.value("SELECT count(*) FROM raw.orders"), "1");
    std::fs::remove_file(sandbox.path().join("audits/positive.sql")).unwrap();
    sandbox.model("orders", "SELECT @SQL('1; DROP TABLE raw.orders') AS id");
    sandbox.commit_quietly("hostile model");
    sandbox.vmesh(&["promote", "--yes"]).fails(1);
    assert_eq!(sandbox.value("SELECT count(*) FROM raw.orders"), "1");
}

#[test]
fn queries_in_conditions_read_the_environments_tables() {
    let orders = |customer: u8| {
        format!(
            "MODEL (name orders, audits (forall(criteria := (customer IN (SELECT id FROM customers)))));\nSELECT 7 AS id, {customer} AS customer"
        )
    };
    let sandbox = Sandbox::with_models(&[("customers", "SELECT 1 AS id"), ("orders", &orders(1))]);
    sandbox.vmesh(&["promote", "--yes"]).good();
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.model("customers", "SELECT 2 AS id");
    sandbox.model("orders", &orders(2));
    sandbox.commit("another customer");
    assert_eq!(sandbox.value("SELECT customer FROM dev__alice.orders"), "2");
    // the same table as prod's, with other customers beside it
    sandbox.model("orders", &orders(1));
    let failed = sandbox.vmesh(&["plan", "--yes"]).fails(1);
    assert!(failed.contains("audit `forall` of `orders`: 1 row is wrong"), "{failed}");
    sandbox.model("customers", "SELECT 1 AS id -- as before");
    assert!(sandbox.vmesh(&["plan", "--yes"]).good().contains("0 to build"), "audited with these before");
    sandbox.is_sound();
}
