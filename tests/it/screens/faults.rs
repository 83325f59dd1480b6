//! What is found wrong: models that don't load, builds that fail, audits, tests, the linter.

use super::Terminal;
use crate::support::{CHAIN, Sandbox};

fn screens(columns: u16) -> String {
    let sandbox = Sandbox::nested().filled(&CHAIN);
    sandbox.vmesh(&["promote", "--yes"]).good();
    sandbox.git(&["-c", "core.hooksPath=/dev/null", "switch", "--quiet", "-c", "alice"]).good();
    let mut terminal = Terminal::new(&sandbox, columns);
    let report = |sql: &str| sandbox.model("marts.report", sql);
    report("SELECT name, total FORM marts.totals");
    terminal.show("vmesh plan");
    terminal.show("git commit --quiet --all -m 'a slip'");
    terminal.show("vmesh status");
    report("SELECT total, nothing AS more FROM marts.totals");
    terminal.show("vmesh plan --yes");
    report("SELECT total FROM marts.total");
    terminal.show("vmesh plan --yes");
    report("SELECT CAST('a word' AS INTEGER) + total AS total FROM marts.totals");
    terminal.show("vmesh plan --yes");
    terminal.show("git commit --quiet --all -m 'fails'");
    report("SELECT total FROM marts.report_of_report");
    sandbox.model("marts.report_of_report", "SELECT total FROM marts.report");
    terminal.show("vmesh plan");
    std::fs::remove_file(sandbox.path().join("models/marts/report_of_report.sql")).unwrap();
    let audited = "MODEL (name marts.report, audits (not_null(columns := (total)), few_orders_of_a_large_amount));\n\
                   SELECT nullif(total, 60) AS total FROM marts.totals;\n\
                   AUDIT (name few_orders_of_a_large_amount, blocking false);\nSELECT * FROM @this_model";
    sandbox.write("models/marts/report.sql", audited);
    terminal.show("vmesh plan --yes");
    sandbox.write("models/marts/report.sql", &audited.replace("not_null(columns := (total)), ", ""));
    terminal.show("vmesh plan --yes");
    terminal.show("vmesh audit");
    sandbox.write(
        "vmesh.toml",
        "[linter]\nrules = [\"ambiguousorinvalidcolumn\", \"noselectstar\", \"nomissingaudits\"]\n",
    );
    sandbox.model("staging.customers", "SELECT * FROM raw.customers");
    terminal.show("vmesh lint");
    sandbox.write("tests/test_totals.yaml", TESTS);
    terminal.show("vmesh test");
    sandbox.write("vmesh.toml", "[hooks]\nbiuld = \"inline\"\n");
    terminal.show("vmesh plan");
    sandbox.write("vmesh.toml", "[hooks\n");
    terminal.show("vmesh status");
    terminal.told()
}

/// One test that passes, one that fails.
const TESTS: &str = "\
test_one_order:
  model: marts.totals
  inputs:
    staging.orders:
    - {id: 1, amount: 10}
  outputs:
    query:
    - {total: 10}
test_two_orders:
  model: marts.totals
  inputs:
    staging.orders:
    - {id: 1, amount: 10}
    - {id: 2, amount: 20}
  outputs:
    query:
    - {total: 31}
";

at_both_widths!();
