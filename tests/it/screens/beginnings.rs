//! How a project begins: the demo, `init` in folders of all kinds, the hooks.

use super::Terminal;
use crate::support::Sandbox;

fn screens(columns: u16) -> String {
    let sandbox = Sandbox::nested();
    let mut terminal = Terminal::new(&sandbox, columns);
    terminal.show("vmesh status");
    terminal.show("vmesh demo");
    terminal.show("vmesh init --empty");
    terminal.show("vmesh plan");
    terminal.show("vmesh status");
    terminal.show("vmesh init");
    terminal.show("vmesh hooks status");
    terminal.show("vmesh hooks uninstall");
    terminal.show("vmesh hooks status");
    terminal.show("vmesh hooks install");
    terminal.show("vmesh hooks install --force");
    terminal.show("vmesh doctor");
    terminal.show("vmesh man pages");
    terminal.show("vmesh completions bash | head -n 3");
    terminal.show("vmesh completions nonsense");
    terminal.show("vmesh promot");
    terminal.told() + &with_a_warehouse(columns) + &among_models_of_dbt(columns)
}

/// A project over a DuckDB file that is there.
fn with_a_warehouse(columns: u16) -> String {
    let sandbox = Sandbox::nested();
    let file = sandbox.path().join("shop.duckdb");
    let shop = duckdb::Connection::open(file).unwrap();
    shop.execute_batch(
        "CREATE SCHEMA sales; CREATE TABLE sales.orders AS SELECT 1 AS id, 2 AS total;
                        CREATE TABLE sales.customers_of_the_northern_region AS SELECT 1 AS id, 'Ada' AS name",
    )
    .unwrap();
    drop(shop);
    let mut terminal = Terminal::new(&sandbox, columns);
    terminal.show("vmesh init --from nowhere.duckdb");
    terminal.show("vmesh init --from shop.duckdb");
    terminal.show("vmesh plan");
    terminal.show("git add --all; git commit --quiet -m 'first models'");
    terminal.told()
}

/// A folder of a project of dbt.
fn among_models_of_dbt(columns: u16) -> String {
    let sandbox = Sandbox::nested();
    sandbox.write("dbt_project.yml", "name: shop\n");
    sandbox.write("models/orders.sql", "SELECT * FROM {{ ref('raw_orders') }}\n");
    let mut terminal = Terminal::new(&sandbox, columns);
    terminal.show("vmesh init");
    terminal.told()
}

at_both_widths!();
