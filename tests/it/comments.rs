//! Descriptions in the warehouse: comments of views and columns, set with the swap, and nothing built for them.

use crate::support::Sandbox;

const ORDERS: &str = "-- One row per order.
MODEL (name marts.orders, kind FULL);
SELECT
  1 AS id, -- the key
  2 AS amount -- in EUR
";

const TOTAL: &str = "MODEL (
  name total,
  description 'All of it; it''s one row',
  column_descriptions (total = 'in EUR', no_such_column = 'nothing')
);
SELECT sum(amount) AS total FROM marts.orders;
ON_VIRTUAL_UPDATE_BEGIN;
COMMENT ON COLUMN @this_model.total IS 'in EUR, VAT included';
ON_VIRTUAL_UPDATE_END;
";

fn comments(sandbox: &Sandbox, schema: &str) -> Vec<Vec<String>> {
    sandbox.rows(&format!(
        "SELECT view_name AS name, '' AS col, comment FROM duckdb_views() WHERE schema_name = '{schema}' \
         UNION ALL SELECT table_name, column_name, comment FROM duckdb_columns() WHERE schema_name = '{schema}' \
         AND comment IS NOT NULL ORDER BY ALL"
    ))
}

fn shop() -> Sandbox {
    Sandbox::promoted(&[("marts.orders", ORDERS), ("total", TOTAL)])
}

#[test]
fn descriptions_are_comments_of_the_views() {
    let sandbox = shop();
    let orders = [["orders", "", "One row per order."], ["orders", "amount", "in EUR"], ["orders", "id", "the key"]];
    assert_eq!(comments(&sandbox, "marts"), orders);
    let total = [["total", "", "All of it; it's one row"], ["total", "total", "in EUR, VAT included"]];
    assert_eq!(comments(&sandbox, "prod"), total);
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    assert_eq!(comments(&sandbox, "dev__alice__marts"), orders);
    sandbox.is_sound();
}

#[test]
fn a_changed_description_is_published_and_builds_nothing() {
    let sandbox = shop();
    let tables = sandbox.snapshots();
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    assert_eq!(sandbox.vmesh(&["plan", "--exit-code"]).code, Some(0));
    sandbox.model("marts.orders", &ORDERS.replace("the key", "the order's key"));
    let plan = sandbox.vmesh(&["plan", "--json"]).json();
    let orders =
        plan["models"].as_array().unwrap().iter().find(|model| model["name"] == "marts.orders").unwrap().clone();
    assert_eq!((orders["change"].as_str(), orders["action"].as_str()), (Some("metadata"), Some("reuse")));
    assert_eq!((plan["summary"]["build"].as_i64(), plan["summary"]["swap"].as_i64()), (Some(0), Some(1)));
    sandbox.vmesh(&["plan", "--yes"]).good();
    assert_eq!(comments(&sandbox, "dev__alice__marts")[2][2], "the order's key");
    assert_eq!(comments(&sandbox, "marts")[2][2], "the key");
    assert_eq!(sandbox.vmesh(&["plan", "--exit-code"]).code, Some(0));
    sandbox.model("marts.orders", &ORDERS.replace("-- the key", "").replace("-- One row per order.", ""));
    sandbox.vmesh(&["plan", "--yes"]).good();
    assert_eq!(comments(&sandbox, "dev__alice__marts"), [["orders", "", "NULL"], ["orders", "amount", "in EUR"]]);
    assert_eq!(sandbox.snapshots(), tables);
    sandbox.is_sound();
}

#[test]
fn a_rollback_shows_the_comments_of_its_time() {
    let sandbox = shop();
    sandbox.model("marts.orders", &ORDERS.replace("the key", "the order's key").replace("2 AS amount", "3 AS amount"));
    sandbox.commit("another key");
    assert_eq!(comments(&sandbox, "marts")[2][2], "the order's key");
    sandbox.vmesh(&["gc", "--yes"]).good();
    sandbox.vmesh(&["rollback", "--yes"]).good();
    assert_eq!(comments(&sandbox, "marts")[2][2], "the key");
    assert_eq!(sandbox.value("SELECT amount FROM marts.orders"), "2");
    sandbox.is_sound();
}

#[test]
fn a_comment_that_fails_leaves_every_view_as_it_was() {
    let sandbox = shop();
    let before = (sandbox.views("prod"), sandbox.views("marts"), comments(&sandbox, "prod"));
    sandbox.model("marts.orders", &ORDERS.replace("2 AS amount", "3 AS amount"));
    sandbox.model("total", &TOTAL.replace("@this_model.total", "@this_model.totall"));
    sandbox.commit_quietly("a wrong column");
    let told = sandbox.vmesh(&["promote", "--yes"]).fails(1);
    assert!(told.contains("totall"), "{told}");
    assert_eq!((sandbox.views("prod"), sandbox.views("marts"), comments(&sandbox, "prod")), before);
    sandbox.model("total", TOTAL);
    sandbox.commit_quietly("mended");
    sandbox.vmesh(&["promote", "--yes"]).good();
    assert_eq!(sandbox.value("SELECT total FROM prod.total"), "3");
    sandbox.is_sound();
}

#[test]
fn a_view_that_is_made_anew_keeps_its_comments() {
    let model = "MODEL (name wide, description 'wide', column_descriptions (id = 'the key'));\nSELECT * FROM raw.wide";
    let sandbox = Sandbox::with_models(&[("wide", model)]);
    sandbox.sql("CREATE SCHEMA raw; CREATE TABLE raw.wide AS SELECT 1 AS id");
    sandbox.vmesh(&["promote", "--yes"]).good();
    sandbox.sql("ALTER TABLE raw.wide ADD COLUMN name VARCHAR DEFAULT 'x'");
    sandbox.vmesh(&["plan", "prod", "--restate-model", "wide", "--yes"]).good();
    assert_eq!(sandbox.rows("FROM prod.wide"), [["1", "x"]]);
    assert_eq!(comments(&sandbox, "prod"), [["wide", "", "wide"], ["wide", "id", "the key"]]);
    sandbox.is_sound();
}

#[test]
fn records_of_the_version_before_are_brought_up_to_date() {
    let sandbox = shop();
    let before = (sandbox.snapshots(), sandbox.views("marts"));
    sandbox.records_of_version_4();
    sandbox.sql(
        "ALTER TABLE vmesh_state.pointers DROP COLUMN comments; ALTER TABLE vmesh_state.promotions DROP COLUMN comments;
         CREATE TABLE vmesh_state.old AS SELECT * EXCLUDE (around, content, revision, continues, made_at, archived) FROM vmesh_state.snapshots;
         DROP TABLE vmesh_state.snapshots; DROP TABLE vmesh_state.comments;
         CREATE TABLE vmesh_state.snapshots (fingerprint VARCHAR PRIMARY KEY, model VARCHAR NOT NULL, own VARCHAR NOT NULL,
             table_name VARCHAR NOT NULL, kind VARCHAR NOT NULL, parents VARCHAR NOT NULL, query VARCHAR,
             columns VARCHAR NOT NULL, built_at BIGINT NOT NULL, filled VARCHAR, audited VARCHAR NOT NULL);
         INSERT INTO vmesh_state.snapshots FROM vmesh_state.old; DROP TABLE vmesh_state.old;
         UPDATE vmesh_state.format SET version = 2;
         COMMENT ON VIEW marts.orders IS NULL",
    );
    sandbox.vmesh(&["envs"]).good();
    assert_eq!(sandbox.value("SELECT max(version) FROM vmesh_state.format"), "7");
    sandbox.vmesh(&["promote", "--yes"]).good();
    assert_eq!((sandbox.snapshots(), sandbox.views("marts")), before);
    assert_eq!(comments(&sandbox, "marts").len(), 3);
    sandbox.vmesh(&["rollback"]);
    sandbox.is_sound();
}
