//! What a terminal shows, at 80 and at 120 columns: every screen that people read, in a pseudo-terminal of that width.

use crate::support::Sandbox;

/// What a command prints on a terminal so wide, but for what differs from day to day.
fn screen(sandbox: &Sandbox, columns: usize, command: &str) -> String {
    let within = format!("stty cols {columns} rows 60; {command}");
    let quoted = within.replace('\'', "'\\''");
    let said = sandbox.shell(&format!("TERM=xterm script -qec '{quoted}' /dev/null </dev/null")).out;
    let said = said.replace('\r', "").replace("^D\u{8}\u{8}", "");
    let root = sandbox.path().parent().unwrap().to_str().unwrap().to_owned();
    let said = said.replace(&root, "/tmp/sandbox");
    said.lines().map(|line| format!("{}\n", timeless(line).trim_end())).collect()
}

/// A line without ids and ages; each is as wide as before.
fn timeless(line: &str) -> String {
    let words = line.split_inclusive(|c: char| !c.is_ascii_alphanumeric());
    let of = |word: &str| {
        let inner = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        let is_hex = inner.len() >= 8 && inner.chars().all(|c| c.is_ascii_hexdigit());
        match is_hex && inner.chars().any(|c| c.is_ascii_digit()) {
            true => word.replacen(inner, &"#".repeat(inner.len()), 1),
            false => word.to_owned(),
        }
    };
    let line: String = words.map(of).collect();
    line.replace("1 minute ago", "just now").replace("2 minutes ago", "just now")
}

/// All screens at a width, each behind its command.
fn screens(columns: usize) -> String {
    let sandbox = Sandbox::nested();
    let mut told = String::new();
    let mut show = |command: &str| {
        told.push_str(&format!("$ {command}\n{}\n", screen(&sandbox, columns, command)));
    };
    show("vmesh init");
    sandbox.write("vmesh.toml", "[hooks]\nbuild = \"inline\"\n");
    show("vmesh plan");
    sandbox.git(&["add", "--all"]).good();
    sandbox.git(&["-c", "core.hooksPath=/dev/null", "commit", "--quiet", "-m", "first models"]).good();
    show("vmesh plan");
    sandbox.vmesh(&["promote", "--yes"]).good();
    show("vmesh promote");
    show("vmesh run prod");
    show("vmesh test");
    show("vmesh doctor");
    show("git switch --quiet -c an-empty-branch-with-a-long-name-that-changes-nothing");
    show("git switch --quiet main");
    sandbox.git(&["switch", "--quiet", "-c", "feature/net-totals-of-orders"]).good();
    let orders = sandbox.read("models/staging/orders.sql");
    sandbox.write("models/staging/orders.sql", &orders.replacen("SELECT", "SELECT\n  1 AS one_more_column,", 1));
    sandbox.write("models/marts/a_model_with_a_rather_long_name.sql", "SELECT order_id FROM marts.orders");
    sandbox.write("tests/test_orders.yaml", "test_orders:\n  model: staging.orders\n  inputs:\n    raw.orders:\n    - {id: 1, status: paid}\n  outputs:\n    query:\n    - {}\n");
    show("vmesh plan");
    show("vmesh plan --explain");
    show("vmesh status");
    show("vmesh test");
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
        "vmesh --help",
        "vmesh plan --help",
    ] {
        show(command);
    }
    told
}

#[test]
fn at_80_columns() {
    insta::assert_snapshot!(screens(80));
}

#[test]
fn at_120_columns() {
    insta::assert_snapshot!(screens(120));
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    for (columns, text) in [
        (80, include_str!("snapshots/it__screens__at_80_columns.snap")),
        (120, include_str!("snapshots/it__screens__at_120_columns.snap")),
    ] {
        let screens = text.split_once("\n---\n").unwrap().1;
        // what people wrote stays as they wrote it
        let is_theirs = |screen: &&str| {
            ["render", "blame", "diff\n", "query 'SELECT nothing", "fmt"]
                .iter()
                .any(|it| screen.starts_with(&format!("vmesh {it}")))
        };
        let ours = screens.split("$ ").filter(|screen| !is_theirs(screen));
        let lines = ours.flat_map(|screen| screen.lines().skip(1));
        let wide = lines.filter(|line| line.chars().count() > columns);
        assert_eq!(wide.collect::<Vec<_>>(), Vec::<&str>::new(), "{columns}");
    }
}
