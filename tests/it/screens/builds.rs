//! What is on the screen while something is built, promoted, watched and served.

use super::Then::{Do, Type};
use super::{INTERRUPT, Terminal};
use crate::support::Sandbox;

/// About half a second of work.
const WORK: &str =
    "SELECT least(count(*), 1) AS n FROM range(10000) a, range(10000) b WHERE (a.range * b.range) % 7 = 3";
/// More work than any test waits for.
const ENDLESS: &str = "SELECT count(*) AS n FROM range(9000000) a, range(9000000) b WHERE (a.range * b.range) % 7 = 3";

/// A project with three models in a row that take their time.
fn project() -> Sandbox {
    let sandbox = Sandbox::nested().filled(&[
        ("staging.orders", WORK),
        ("marts.revenue_by_region_and_month", &format!("SELECT o.n + w.n AS n FROM staging.orders o, ({WORK}) w")),
        ("marts.report", &format!("SELECT r.n + w.n AS n FROM marts.revenue_by_region_and_month r, ({WORK}) w")),
    ]);
    sandbox.write("models/marts/daily.sql", DAILY);
    sandbox.commit_quietly("daily totals");
    sandbox
}

/// A model that is filled day by day.
const DAILY: &str = "MODEL (name marts.daily, kind INCREMENTAL_BY_TIME_RANGE (time_column day), start '2026-01-01', \
                     end '2026-01-05');\nSELECT day::DATE AS day, 1 AS n FROM \
                     range(DATE '2026-01-01', DATE '2026-01-10', INTERVAL 1 DAY) d(day) \
                     WHERE day BETWEEN @start_date AND @end_date\n";

/// Builds, with what is on the screen while they run.
fn builds(columns: u16) -> String {
    let sandbox = project();
    let mut terminal = Terminal::new(&sandbox, columns);
    terminal.converse("vmesh promote", &[("promote?", Type("y\n"))]);
    terminal.aside("git switch --quiet -c alice");
    sandbox.model("staging.orders", &WORK.replace("1) AS n", "2) AS n"));
    // how long builds took is not the same on all machines
    let took_25_seconds = || sandbox.sql("UPDATE vmesh_state.builds SET took = 25000000");
    took_25_seconds();
    terminal.show("vmesh plan");
    terminal.show_progress("vmesh plan --yes");
    took_25_seconds();
    sandbox.model("staging.orders", &format!("{} -- the same\nLIMIT 1", WORK.replace("1) AS n", "2) AS n")));
    terminal.show("vmesh plan --yes");
    terminal.show("vmesh plan --restate-model marts.daily --start 2026-01-02 --end 2026-01-03 --yes");
    terminal.show("vmesh run prod --ignore-cron");
    took_25_seconds();
    sandbox.model("staging.orders", ENDLESS);
    terminal.converse("vmesh plan --yes", &[("building staging.orders", Type(INTERRUPT))]);
    terminal.show("vmesh status");
    terminal.told()
}

/// Prod's pointers, forward and back.
fn moves(columns: u16) -> String {
    let sandbox = Sandbox::nested().filled(&crate::support::CHAIN);
    sandbox.vmesh(&["promote", "--yes"]).good();
    let mut terminal = Terminal::new(&sandbox, columns);
    sandbox.model("marts.totals", "SELECT sum(amount) AS total, count(*) AS orders FROM staging.orders");
    sandbox.commit_quietly("orders are counted");
    terminal.show("vmesh promote");
    terminal.show("vmesh promote --yes");
    terminal.converse("vmesh rollback", &[("roll back?", Type("y\n"))]);
    terminal.show("vmesh status");
    terminal.show("vmesh rollback --yes");
    terminal.show("vmesh promote --yes");
    terminal.show("vmesh log");
    terminal.show("git switch --quiet -c a-branch-for-a-while");
    sandbox.model("staging.customers", "SELECT 2 AS id, 'Grace' AS name");
    terminal.show("git commit --quiet --all -m 'another customer'");
    terminal.show("git switch --quiet main");
    terminal.show("git merge --quiet --no-ff --no-edit a-branch-for-a-while");
    terminal.show("git branch --quiet --delete a-branch-for-a-while");
    terminal.show("vmesh gc --dry-run");
    terminal.show("vmesh gc --yes");
    terminal.told()
}

/// What goes on: a watcher, a page that is served.
fn goes_on(columns: u16) -> String {
    let sandbox = Sandbox::nested().filled(&crate::support::CHAIN);
    sandbox.vmesh(&["promote", "--yes"]).good();
    sandbox.git(&["-c", "core.hooksPath=/dev/null", "switch", "--quiet", "-c", "alice"]).good();
    let mut terminal = Terminal::new(&sandbox, columns);
    let count = || sandbox.model("marts.totals", "SELECT count(*) AS total FROM staging.orders");
    let err = || sandbox.model("marts.totals", "SELECT count(*) AS total FROM staging.order");
    let course: &[(&str, _)] = &[("dev__alice", Do(&count)), ("built", Do(&err)), ("staging.order`", Type(INTERRUPT))];
    terminal.converse("vmesh watch", course);
    terminal.converse("vmesh page --serve", &[("http://", Type(INTERRUPT))]);
    terminal.told()
}

/// Builds in the background.
fn in_the_background(columns: u16) -> String {
    let sandbox = Sandbox::nested().filled(&crate::support::CHAIN);
    sandbox.vmesh(&["promote", "--yes"]).good();
    sandbox.write("vmesh.toml", "[hooks]\nbuild = \"background\"\n");
    sandbox.commit_quietly("in the background");
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    let mut terminal = Terminal::new(&sandbox, columns);
    sandbox.model("marts.totals", &ENDLESS.replace("AS n", "AS total"));
    terminal.show("git commit --quiet --all -m endless");
    crate::background::builder_of(&sandbox, "marts.totals");
    terminal.show("vmesh status");
    terminal.show("vmesh stop");
    terminal.show("vmesh status");
    terminal.told()
}

fn screens(columns: u16) -> String {
    [builds, moves, goes_on, in_the_background].map(|of| of(columns)).concat()
}

at_both_widths!();
