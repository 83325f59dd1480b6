//! Audits of a project's own: behind a model's query, standalone, wrong ones; and what a run that fails leaves behind.

use crate::support::Sandbox;

fn shop(models: &[(&str, &str)]) -> Sandbox {
    let sandbox = Sandbox::with_models(models);
    sandbox.sql("CREATE SCHEMA raw; CREATE TABLE raw.orders AS FROM (VALUES (1, 10), (2, -1)) AS t(id, amount)");
    sandbox
}

const ORDERS: &str = "MODEL (name orders, audits (positive(least := 0), not_null(columns := (id))));
@DEF(factor, 2);
SELECT id, amount * @factor AS amount FROM raw.orders;
AUDIT (name positive, defaults (least = 100));
-- this is for one model alone
SELECT * FROM @this_model WHERE amount < @least AND @factor_ IS NOT NULL;
";

#[test]
fn an_audit_behind_a_query_is_that_models() {
    let orders = ORDERS.replace(" AND @factor_ IS NOT NULL", "");
    let sandbox = shop(&[("orders", &orders)]);
    let told = sandbox.vmesh(&["promote", "--yes"]).fails(1);
    assert!(told.contains("audit `positive` of `orders`: 1 row is wrong") && told.contains("2 | -2"), "{told}");
    assert!(told.contains("models/orders.sql:1:29"), "at the call: {told}");
    sandbox.sql("UPDATE raw.orders SET amount = 1 WHERE id = 2");
    sandbox.vmesh(&["promote", "--yes"]).good();
    let tables = sandbox.snapshots();
    // another audit is no other table, and is run before anything moves
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.model("orders", &orders.replace("amount < @least", "amount < 5 + @least"));
    let told = sandbox.vmesh(&["plan", "--yes"]).fails(1);
    assert!(told.contains("audit `positive` of `orders`: 1 row is wrong"), "{told}");
    assert_eq!(sandbox.snapshots(), tables);
    // no other model has it
    sandbox.model("orders", &orders);
    sandbox.model("copy", "MODEL (name copy, audits (positive));\nSELECT * FROM orders");
    assert!(sandbox.vmesh(&["plan"]).fails(1).contains("unknown audit `positive`"));
    // and one that nobody calls is told
    sandbox.model("copy", "SELECT * FROM orders;\nAUDIT (name idle);\nSELECT * FROM @this_model;\n");
    assert!(sandbox.vmesh(&["plan", "--yes"]).err.contains("its audit `idle` never runs"), "told");
    sandbox.model("copy", "SELECT * FROM orders;\nAUDIT (name idle, standalone true);\nSELECT 1");
    let told = sandbox.vmesh(&["plan"]).fails(1);
    assert!(told.contains("a standalone audit belongs to no model") && told.contains("models/copy.sql:2:13"), "{told}");
}

#[test]
fn an_own_audit_goes_before_a_built_in_one() {
    let sandbox =
        shop(&[("orders", "MODEL (name orders, audits (not_null(columns := (id))));\nSELECT * FROM raw.orders")]);
    sandbox.write("audits/own.sql", "AUDIT (name not_null);\nSELECT * FROM @this_model WHERE amount < 0");
    sandbox.commit_quietly("own");
    let told = sandbox.vmesh(&["promote", "--yes"]).fails(1);
    assert!(told.contains("audit `not_null` of `orders`: 1 row is wrong") && told.contains("2 | -1"), "{told}");
    sandbox.write("audits/again.sql", "AUDIT (name not_null);\nSELECT 1");
    sandbox.commit_quietly("two");
    let told = sandbox.vmesh(&["promote", "--yes"]).fails(1);
    assert!(told.contains("two audits are called `not_null`") && told.contains("audits/own.sql:1:13"), "{told}");
}

#[test]
fn mistakes_in_an_audit_are_told_in_its_own_file() {
    let model = "MODEL (name orders, audits (mine(least := 0)));\n\n\nSELECT * FROM raw.orders";
    let sandbox = shop(&[("orders", model)]);
    let complaint = |audit: &str| {
        sandbox.write("audits/mine.sql", audit);
        sandbox.commit_quietly("audit");
        sandbox.vmesh(&["promote", "--yes"]).fails(1)
    };
    let told = complaint("-- why\nAUDIT (name mine);\nSELECT *\nFROM @this_model\nWHERE amout < @least");
    assert!(told.contains("audits/mine.sql:5:7") && told.contains("audit `mine` of `orders` can't be run"), "{told}");
    assert!(
        told.contains("amout") && (told.contains("DuckDB: Binder Error") || told.contains("PostgreSQL: column")),
        "{told}"
    );
    let told = complaint("AUDIT (name mine);\nSELECT * FROM @this_model\nWHERE amount < @lest");
    assert!(told.contains("audits/mine.sql:3:16") && told.contains("called by `orders`"), "{told}");
    let told = complaint("AUDIT (name mine);\n@DEF(x, @nothing);\nSELECT * FROM @this_model\nWHERE amount < @x");
    assert!(told.contains("audits/mine.sql:2:"), "{told}");
    let told = complaint(
        "AUDIT (name mine);\nJINJA_QUERY_BEGIN;\nSELECT * FROM {{ this_model }} WHERE amount < {{ least }};\nJINJA_END;",
    );
    assert!(told.contains("1 row is wrong"), "{told}");
    // a built-in one is told where it is called
    std::fs::remove_file(sandbox.path().join("audits/mine.sql")).unwrap();
    sandbox.model("orders", "MODEL (name orders, audits (not_null(columns := (idd))));\nSELECT * FROM raw.orders");
    sandbox.commit_quietly("call");
    let told = sandbox.vmesh(&["promote", "--yes"]).fails(1);
    assert!(told.contains("models/orders.sql:1:29") && told.contains("can't be run"), "{told}");
}

#[test]
fn an_audit_that_reads_another_model_waits_for_it() {
    let sandbox =
        shop(&[("a_first", "MODEL (name a_first, audits (known));\nSELECT 1 AS id"), ("z_last", "SELECT 1 AS id")]);
    sandbox.write(
        "audits/known.sql",
        "AUDIT (name known);\nSELECT * FROM @this_model WHERE id NOT IN (SELECT id FROM z_last)",
    );
    sandbox.commit_quietly("audit");
    sandbox.vmesh(&["promote", "--yes"]).good();
}

#[test]
fn standalone_audits_stop_nothing_and_are_run_when_what_they_read_changed() {
    let sandbox = shop(&[("orders", "SELECT * FROM raw.orders"), ("days", "SELECT 1 AS day")]);
    sandbox.write(
        "audits/alone.sql",
        "AUDIT (name negative, standalone true, owner ada, description 'no debts', cron '@daily', defaults (least = 0));
         SELECT o.* FROM orders AS o JOIN days ON true WHERE o.amount < @least;
         AUDIT (name broken, standalone true, depends_on (days));
         SELECT nothing FROM days;
         AUDIT (name off, standalone true, skip true);
         SELECT 1 FROM days",
    );
    sandbox.commit_quietly("audits");
    let told = sandbox.vmesh(&["promote", "--yes"]);
    assert_eq!(told.code, Some(0), "{}", told.err);
    assert!(told.err.contains("warning: audit `negative`: 1 row wrong"), "{}", told.err);
    assert!(
        told.err.contains("audit `broken` can't be run") && told.err.contains("audits/alone.sql:4:"),
        "{}",
        told.err
    );
    assert_eq!(sandbox.value("SELECT count(*) FROM prod.orders"), "2");
    // nothing changed that it reads
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.model("other", "SELECT 1 AS x");
    let told = sandbox.vmesh(&["plan", "--yes"]).err;
    sandbox.model("orders", "SELECT id, amount - 5 AS amount FROM raw.orders WHERE id = 2");
    let changed = sandbox.vmesh(&["plan", "--yes"]).err;
    assert!(changed.contains("`negative`: 1 row wrong") && !changed.contains("`broken`"), "{changed}\n{told}");
    let told = sandbox.vmesh(&["audit"]);
    assert_eq!(told.code, Some(1), "one can't be run");
    assert!(told.out.contains("! negative · 1 wrong row") && told.out.contains("2 | -6"), "{}", told.out);
    assert!(told.out.contains("2 audits · 2 with wrong rows") && !told.out.contains("off"), "{}", told.out);
    let told = sandbox.vmesh(&["audit", "negative"]).good();
    assert!(told.contains("1 audit · 1 with wrong rows"), "{told}");
    let told = sandbox.vmesh(&["audit", "orders", "--env", "prod"]).good();
    assert!(told.contains("2 | -1") && !told.contains("broken"), "{told}");
    sandbox.sql("UPDATE raw.orders SET amount = 7");
    let told = sandbox.vmesh(&["run", "prod", "--ignore-cron"]);
    assert!(told.code == Some(0) && !told.err.contains("negative"), "{}", told.err);
    sandbox.sql("UPDATE raw.orders SET amount = -7");
    let told = sandbox.vmesh(&["run", "prod", "--ignore-cron"]);
    assert!(told.code == Some(0) && told.err.contains("`negative`: 2 rows wrong"), "{}", told.err);
    sandbox.write("audits/alone.sql", "AUDIT (name x, standalone true, depends_on (nothing));\nSELECT 1");
    assert!(sandbox.vmesh(&["plan"]).fails(1).contains("depends on `nothing`, which is no model"));
}

#[test]
fn a_run_that_fails_leaves_the_rows_and_says_what_it_kept() {
    let audited = |name: &str, kind: &str, query: &str| {
        format!(
            "MODEL (name {name}, kind {kind}, start '2026-01-01', cron '@daily', audits (not_null(columns := (amount))));\n{query}"
        )
    };
    let by_day = "SELECT day, id, amount FROM raw.days WHERE day BETWEEN @start_date AND @end_date";
    let models = [
        ("a_plain", "SELECT count(*) AS n FROM raw.days".to_owned()),
        ("b_full", audited("b_full", "FULL", "SELECT * FROM raw.days")),
        ("c_child", "SELECT count(*) AS n FROM b_full".to_owned()),
        ("d_range", audited("d_range", "INCREMENTAL_BY_TIME_RANGE (time_column day, batch_size 1)", by_day)),
        ("e_key", audited("e_key", "INCREMENTAL_BY_UNIQUE_KEY (unique_key id)", by_day)),
        ("f_part", audited("f_part", "INCREMENTAL_BY_PARTITION, partitioned_by (id)", by_day)),
        ("g_other", "SELECT sum(id) AS n FROM raw.days".to_owned()),
    ];
    let models: Vec<(&str, &str)> = models.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let sandbox = shop(&models);
    sandbox.sql("CREATE TABLE raw.days AS SELECT DATE '2026-01-01' + i::INTEGER AS day, i % 3 AS id, i AS amount FROM range(2) AS r(i)");
    sandbox.vmesh(&["promote", "--yes", "--execution-time", "2026-01-03"]).good();
    let all = |sandbox: &Sandbox| -> Vec<Vec<Vec<String>>> {
        let tables = ["b_full", "c_child", "e_key", "f_part"];
        tables.iter().map(|table| sandbox.rows(&format!("SELECT * FROM prod.{table} ORDER BY ALL"))).collect()
    };
    let before = all(&sandbox);
    sandbox.sql("INSERT INTO raw.days VALUES ('2026-01-03', 0, 70), ('2026-01-04', 1, NULL), ('2026-01-05', 2, 9)");
    let told = sandbox.vmesh(&["run", "--execution-time", "2026-01-06", "--ignore-cron"]).fails(1);
    assert_eq!(all(&sandbox), before, "what failed shows what it showed\n{told}");
    for note in [
        "`b_full` shows the rows that it showed before",
        "`d_range`: 1 of 3 loads were done before and are kept",
        "run and kept in `prod`: a_plain, g_other",
        "not tried: c_child",
    ] {
        assert!(told.contains(note), "{note}\n{told}");
    }
    assert!(!told.contains("is unchanged"), "{told}");
    assert_eq!(sandbox.rows("SELECT * FROM prod.a_plain"), [["5"]]);
    assert_eq!(sandbox.rows("SELECT day FROM prod.d_range ORDER BY day")[2], ["2026-01-03"]);
    sandbox.sql("UPDATE raw.days SET amount = 0 WHERE amount IS NULL");
    sandbox.vmesh(&["run", "--execution-time", "2026-01-06", "--ignore-cron"]).good();
    assert_eq!(sandbox.value("SELECT count(*) FROM prod.d_range"), "5");
    assert_eq!(
        sandbox.rows("SELECT * FROM prod.b_full ORDER BY ALL"),
        sandbox.rows("SELECT * FROM raw.days ORDER BY ALL")
    );
    sandbox.is_sound();
}
