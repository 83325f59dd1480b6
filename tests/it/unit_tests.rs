//! Unit tests of models: SQLMesh's files, run in memory, before anything is built.

use crate::support::Sandbox;

const ORDERS: &str = "WITH paid AS (SELECT * FROM raw.payments WHERE state = @wanted), sums AS (SELECT customer, sum(amount) AS total FROM paid GROUP BY customer)
SELECT c.id, c.name, coalesce(s.total, 0) AS total FROM customers AS c LEFT JOIN sums AS s ON s.customer = c.id";

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
      columns: {customer: int, amount: 'decimal(10,2)', state: text}
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
    sandbox.write("tests/totals.yaml", TEST);
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
    for pattern in ["test_*", "totals", "totals.yaml", "tests/totals.yaml::test_totals"] {
        assert!(sandbox.vmesh(&["test", pattern]).good().contains("1 test"), "{pattern}");
    }
    sandbox.vmesh(&["promote", "--yes"]).good();
}

#[test]
fn a_failing_test_shows_the_rows_and_nothing_is_built() {
    let sandbox = shop();
    sandbox.vmesh(&["promote", "--yes"]).good();
    let tables = sandbox.snapshots();
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.model("totals", &ORDERS.replace("coalesce(s.total, 0)", "s.total"));
    let told = sandbox.vmesh(&["test"]).fails(1);
    assert!(told.is_empty(), "{told}");
    let told = sandbox.vmesh(&["test"]).out;
    assert!(told.contains("query: 1 missing, 1 unexpected"), "{told}");
    assert!(told.contains("- 2 | it's: Bob | 0") && told.contains("+ 2 | it's: Bob | NULL"), "{told}");
    let told = sandbox.vmesh(&["plan", "--yes"]).fails(1);
    assert!(told.contains("1 unit test failed") && told.contains("+ 2 | it's: Bob | NULL"), "{told}");
    assert_eq!(sandbox.snapshots(), tables);
    sandbox.write("tests/totals.yaml", &TEST.replace("total: 0}", "total: null}"));
    sandbox.vmesh(&["plan", "--yes"]).good();
    sandbox.is_sound();
}

#[test]
fn a_test_that_can_t_be_run_says_why() {
    let sandbox = shop();
    let complaint = |from: &str, to: &str| {
        sandbox.write("tests/totals.yaml", &TEST.replace(from, to));
        sandbox.git(&["switch", "--quiet", "-C", "alice"]).good();
        sandbox.vmesh(&["test"]).fails(1)
    };
    let told = complaint("model: totals", "model: total");
    assert!(told.contains("`total` is no model") && told.contains("tests/totals.yaml:2:1"), "{told}");
    let told = complaint("    customers:\n", "    clients:\n");
    assert!(told.contains("gives no rows of `customers`"), "{told}");
    let told = complaint("inputs:", "imputs:");
    assert!(told.contains("did you mean `inputs`?"), "{told}");
    let told = complaint("sums:", "sum:");
    assert!(!told.contains("panicked"), "{told}");
}
