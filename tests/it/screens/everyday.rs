//! What a project shows from its first plan to the end of its first branch.

use super::Terminal;
use crate::support::Sandbox;

/// The screens of a project from its first plan to the end of its first branch.
fn screens(columns: u16) -> String {
    let sandbox = Sandbox::nested();
    let mut terminal = Terminal::new(&sandbox, columns);
    terminal.show("vmesh init");
    sandbox.write("vmesh.toml", "[hooks]\nbuild = \"inline\"\n");
    terminal.show("vmesh plan");
    sandbox.git(&["add", "--all"]).good();
    sandbox.git(&["-c", "core.hooksPath=/dev/null", "commit", "--quiet", "-m", "first models"]).good();
    terminal.show("vmesh plan");
    sandbox.vmesh(&["promote", "--yes"]).good();
    terminal.show("vmesh promote");
    terminal.show("vmesh run prod");
    terminal.show("vmesh test");
    terminal.show("vmesh doctor");
    terminal.show("git switch --quiet -c an-empty-branch-with-a-long-name-that-changes-nothing");
    terminal.show("git switch --quiet main");
    sandbox.git(&["switch", "--quiet", "-c", "feature/net-totals-of-orders"]).good();
    let orders = sandbox.read("models/staging/orders.sql");
    sandbox.write("models/staging/orders.sql", &orders.replacen("SELECT", "SELECT\n  1 AS one_more_column,", 1));
    sandbox.write("models/marts/a_model_with_a_rather_long_name.sql", "SELECT order_id FROM marts.orders");
    sandbox.write("tests/test_orders.yaml", "test_orders:\n  model: staging.orders\n  inputs:\n    raw.orders:\n    - {id: 1, status: paid}\n  outputs:\n    query:\n    - {}\n");
    terminal.show("vmesh plan");
    terminal.show("vmesh plan --explain");
    terminal.show("vmesh status");
    terminal.show("vmesh test");
    std::fs::remove_file(sandbox.path().join("tests/test_orders.yaml")).unwrap();
    sandbox.vmesh(&["plan", "--yes"]).good();
    sandbox.commit_quietly("one more column");
    for command in [
        "vmesh plan",
        "vmesh status",
        "vmesh envs",
        "vmesh log",
        "vmesh log marts.orders",
        "vmesh blame marts.orders",
        "vmesh ls",
        "vmesh ls changed+",
        "vmesh diff",
        "vmesh diff --stat",
        "vmesh table-diff staging.orders",
        "vmesh lineage marts.orders",
        "vmesh lineage marts.orders.total",
        "vmesh dag",
        "vmesh audit",
        "vmesh lint",
        "vmesh render marts.top_products",
        "vmesh query 'FROM marts.orders ORDER BY ALL LIMIT 3'",
        "vmesh query 'SELECT * FROM marts.orders, marts.customers, marts.daily_revenue ORDER BY ALL LIMIT 2'",
        "vmesh query 'SELECT nothing FROM marts.orders'",
        "vmesh plan --merged",
        "vmesh check 'FROM marts.orders WHERE total < 0'",
        "vmesh check 'SELECT order_id, total FROM marts.orders WHERE total > 370'",
        "vmesh fmt --check models/staging",
        "vmesh create-external-models",
        "vmesh plan prod --restate-model +marts.daily_revenue --explain",
        "vmesh stop",
        "vmesh page page.html",
        "vmesh rollback",
        "vmesh gc --dry-run",
        "vmesh hooks status",
        "vmesh rollback 12345678",
        "vmesh plan nobody",
        "vmesh table-diff marts.order",
        "vmesh invalidate feature/net-totals-of-orders --yes",
        "vmesh envs",
    ] {
        terminal.show(command);
    }
    terminal.told()
}

at_both_widths!();
