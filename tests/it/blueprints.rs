//! Blueprints and macros in headers: one file that makes several models.

use crate::support::Sandbox;

const ORDERS: &str = "MODEL (
  name @{customer}.orders,
  kind @IF(@big, FULL, VIEW),
  description 'Orders of one customer',
  blueprints (
    (customer := c1, region := 'eu', big := true, least := 1),
    (customer := c2, region := 'us', big := false, least := 3)
  )
);

SELECT id, @region AS region, @BLUEPRINT_VAR('region') || @'-@{customer}' AS tag
FROM raw
WHERE owner = @'@{customer}' AND id >= @least
";

fn project() -> Sandbox {
    let sandbox = Sandbox::with_models(&[
        ("raw", "SELECT * FROM (VALUES (1, 'c1'), (2, 'c1'), (3, 'c2'), (4, 'c3')) AS t(id, owner)"),
        ("orders", ORDERS),
        ("total", "SELECT (SELECT count(*) FROM c1.orders) AS c1, (SELECT count(*) FROM c2.orders) AS c2"),
    ]);
    sandbox.vmesh(&["promote", "--yes"]).good();
    sandbox
}

#[test]
fn one_file_makes_a_model_of_each_tuple() {
    let sandbox = project();
    assert_eq!(sandbox.rows("SELECT * FROM c1.orders ORDER BY id"), [["1", "eu", "eu-c1"], ["2", "eu", "eu-c1"]]);
    assert_eq!(sandbox.rows("SELECT * FROM c2.orders"), [["3", "us", "us-c2"]]);
    assert_eq!(sandbox.rows("SELECT * FROM prod.total"), [["2", "1"]]);
    let tables = sandbox.snapshots();
    // a tuple more: one model more to build, whatever the order and the layout
    let more = ORDERS.replace(
        "  blueprints (\n",
        "  blueprints (\n    (customer := c3, region := 'eu', big := true, least := 0),\n",
    );
    sandbox.model("orders", &more);
    sandbox.commit("a third customer");
    assert_eq!(sandbox.snapshots(), tables + 1);
    assert_eq!(sandbox.rows("SELECT * FROM c3.orders"), [["4", "eu", "eu-c3"]]);
    // another value of one tuple: its model alone, and what reads it
    sandbox.model("orders", &more.replace("big := false, least := 3", "big := false, least := 4"));
    sandbox.commit("the second customer begins later");
    assert_eq!(sandbox.snapshots(), tables + 3);
    assert_eq!(sandbox.rows("SELECT * FROM prod.total"), [["2", "0"]]);
    sandbox.is_sound();
}

#[test]
fn a_blueprint_means_what_the_same_model_written_by_hand_means() {
    let sandbox = project();
    let tables = sandbox.snapshots();
    std::fs::remove_file(sandbox.path().join("models/orders.sql")).unwrap();
    for (customer, region, kind, least) in [("c1", "eu", "FULL", 1), ("c2", "us", "VIEW", 3)] {
        let sql = format!(
            "MODEL (name {customer}.orders, kind {kind});
             SELECT id, '{region}' AS region, '{region}' || '-{customer}' AS tag FROM raw WHERE owner = '{customer}' AND id >= {least}"
        );
        sandbox.model(&format!("by_hand_{customer}"), &sql);
    }
    sandbox.commit("by hand");
    assert_eq!(sandbox.snapshots(), tables);
    assert!(sandbox.is_in_step());
    assert_eq!(sandbox.rows("SELECT * FROM c2.orders"), [["3", "us", "us-c2"]]);
}

#[test]
fn blueprints_may_be_generated_and_used_in_jinja() {
    let sandbox = Sandbox::bare_project();
    sandbox.write("vmesh.toml", "[variables]\ncustomers = [\"a\", \"b\"]\n");
    sandbox.write("macros/tuples.sql", "MACRO tuples(names) AS @EACH(@names, n -> (name := @n, size := 2));");
    sandbox.model(
        "many",
        "MODEL (name many_@{name}.sizes, blueprints @tuples(@customers));\n\
         JINJA_QUERY_BEGIN;\nSELECT {{ blueprint_var('name') }} AS name, {{ blueprint_var('size') * 2 }} AS size\nJINJA_END;",
    );
    sandbox.commit_quietly("many");
    sandbox.vmesh(&["promote", "--yes"]).good();
    assert_eq!(
        sandbox.rows("SELECT * FROM many_a.sizes UNION ALL SELECT * FROM many_b.sizes ORDER BY 1"),
        [["a", "4"], ["b", "4"]]
    );
    // one customer more, in the variables: nothing else is built
    let tables = sandbox.snapshots();
    sandbox.write("vmesh.toml", "[variables]\ncustomers = [\"a\", \"b\", \"c\"]\n");
    sandbox.commit_quietly("one more");
    sandbox.vmesh(&["promote", "--yes"]).good();
    assert_eq!(sandbox.snapshots(), tables + 1);
}

#[test]
fn mistakes_name_the_file_and_the_tuple() {
    let sandbox = Sandbox::promoted(&[("raw", "SELECT 1 AS id")]);
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    let complaint = |sql: &str| {
        sandbox.model("wrong", sql);
        sandbox.vmesh(&["plan"]).fails(1)
    };
    let told = complaint(
        "MODEL (name @{c}.x, blueprints ((c := a, least := 1), (c := b)));\nSELECT id FROM raw\nWHERE id > @least",
    );
    assert!(told.contains("undefined variable `@least`") && told.contains("models/wrong.sql:3:12"), "{told}");
    assert!(told.contains("with the blueprint (c := b)") && !told.contains("(c := a"), "{told}");
    let told =
        complaint("MODEL (\n  name @{c}.x,\n  blueprints ((c := a), (c := b))\n);\nSELECT @c.idd FROM raw AS @c");
    assert!(told.contains("unknown column `idd`") && told.contains("models/wrong.sql:5:"), "{told}");
    assert!(told.contains("(c := a)"), "{told}");
    let told = complaint("MODEL (name x.y, blueprints ((c := a), (c := b)));\nSELECT 1 AS one");
    assert!(told.contains("two models are called `x.y`") && told.contains("name @{customer}.orders"), "{told}");
    let told = complaint("MODEL (name @{c}.y,\n  blueprints ((c := a), (c = b)));\nSELECT 1 AS one");
    assert!(told.contains("expected a variable and its value") && told.contains("models/wrong.sql:2:26"), "{told}");
    let told = complaint("MODEL (name @{c}.y, kind FUL, blueprints ((c := a)));\nSELECT 1 AS one");
    assert!(told.contains("unknown kind `FUL`") && told.contains("(c := a)"), "{told}");
    // the engine's own complaint, too
    sandbox
        .model("wrong", "MODEL (name @{c}.y, blueprints ((c := a)));\nSELECT id,\n  error(@'no @{c}') AS bad FROM raw");
    let told = sandbox.vmesh(&["plan", "--yes"]).fails(1);
    assert!(told.contains("could not build `a.y`") && told.contains("no a") && told.contains("(c := a)"), "{told}");
}

#[test]
fn headers_have_variables_and_macros() {
    let sandbox = Sandbox::bare_project();
    let settings =
        "[variables]\nlayer = \"marts\"\ncol = \"day\"\nfrom = \"2026-01-01\"\ntick = \"@daily\"\non = true\n";
    sandbox.write("vmesh.toml", settings);
    sandbox.model(
        "daily",
        "MODEL (
           name @{layer}.daily,
           kind INCREMENTAL_BY_TIME_RANGE (time_column @col),
           start @from,
           cron @tick,
           owner @'team of @{layer}',
           audits (forall(criteria := (day BETWEEN @start_date AND @end_date)), not_null(columns := (@{col})))
         );
         SELECT d::DATE AS day, @model_kind_name AS kind, @gateway || @default_catalog AS place
         FROM range(TIMESTAMP '2025-12-30', TIMESTAMP '2026-02-01', INTERVAL 1 DAY) AS t(d)
         WHERE d BETWEEN @start_ts AND @end_ts",
    );
    sandbox.model("off", "MODEL (name off, enabled @IF(@on, false, true)); SELECT nonsense FROM nowhere");
    sandbox.model("due", "MODEL (name due, cron @weekly, enabled @on); SELECT 1 AS one");
    sandbox.commit_quietly("headers");
    sandbox.vmesh(&["promote", "--yes", "--execution-time", "2026-01-11"]).good();
    assert_eq!(
        sandbox.rows("SELECT min(day), max(day), count(*), any_value(kind), any_value(place) FROM marts.daily"),
        [["2026-01-01", "2026-01-10", "10", "INCREMENTAL_BY_TIME_RANGE", "warehouse"]]
    );
    assert_eq!(sandbox.rows("SELECT * FROM prod.due"), [["1"]]);
    // the last day that is due, or the span that was asked for
    let rendered = sandbox.vmesh(&["render", "marts.daily", "--execution-time", "2026-01-11 08:00"]).good();
    assert!(rendered.contains("BETWEEN '2026-01-10 00:00:00' AND '2026-01-10 23:59:59.999999'"), "{rendered}");
    let limits = ["render", "marts.daily", "--start", "2026-01-03", "--end", "2026-01-04"];
    let rendered = sandbox.vmesh(&limits).good();
    assert!(rendered.contains("BETWEEN '2026-01-03 00:00:00' AND '2026-01-04 23:59:59.999999'"), "{rendered}");
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.model("due", "MODEL (name due, kind FULL,\n  start @start_dss); SELECT 1 AS one");
    let told = sandbox.vmesh(&["plan"]).fails(1);
    assert!(told.contains("undefined variable `@start_dss`") && told.contains("models/due.sql:2:9"), "{told}");
}

#[test]
fn a_blueprint_that_is_listed_twice_is_told_so() {
    let sandbox = Sandbox::bare_project();
    let file = "MODEL (name stg.@{b}_orders, kind FULL, blueprints ((b := x), (b := y), (b := x)));\nSELECT 1 AS id";
    sandbox.write("models/orders.sql", file);
    let told = sandbox.vmesh(&["plan"]).fails(1);
    assert!(told.contains("two models are called `stg.x_orders`"), "{told}");
    assert!(told.contains("the other one is the same blueprint") && told.contains("write it once"), "{told}");
}
