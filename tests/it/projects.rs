//! Projects of SQLMesh's shape, run as they are: loaded, promoted, tried out on a branch, run, tested, audited. What they
//! hold is compared with what was worked out by hand.

use std::path::Path;

use duckdb::Connection;

use crate::support::{self, Sandbox};

/// A repository with a project of `tests/projects` on main, whose settings are SQLMesh's, and the hooks.
fn project(name: &str, database: &str, raw: &str) -> Sandbox {
    let sandbox = Sandbox::empty();
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/projects").join(name), &sandbox.path());
    let file = sandbox.path().join(database);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    Connection::open(file).unwrap().execute_batch(raw).unwrap();
    sandbox.write(".gitignore", "*.duckdb\n*.db\n*.wal\n");
    sandbox.git(&["init", "--quiet", "--initial-branch", "main"]).good();
    sandbox.vmesh(&["init"]).good();
    // what the hooks would build, these tests do by hand
    sandbox.commit_quietly("first models");
    sandbox
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// The user's own client. To DuckDB, a schema that is called like the file is ambiguous, unless the file is attached by
/// another name.
fn open(sandbox: &Sandbox, database: &str) -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    let file = sandbox.path().join(database);
    connection.execute_batch(&format!("ATTACH '{}' AS file; USE file", file.display())).unwrap();
    connection
}

/// The rows of a query, as one string a row.
#[track_caller]
fn rows(sandbox: &Sandbox, database: &str, sql: &str) -> Vec<String> {
    support::rows(&open(sandbox, database), sql).into_iter().map(|row| row.join(" ")).collect()
}

fn at<'a>(command: &[&'a str], now: &'a str) -> Vec<&'a str> {
    [command, &["--execution-time", now]].concat()
}

#[track_caller]
fn vmesh(sandbox: &Sandbox, command: &[&str], now: &str) -> String {
    let done = sandbox.vmesh(&at(command, now));
    let is_told = |line: &str| line.contains("warning") && !line.contains("has no effect");
    assert!(!done.err.lines().any(is_told), "{}", done.err);
    done.good()
}

/// Its tests and audits pass, and nothing is wrong anywhere.
#[track_caller]
fn is_well(sandbox: &Sandbox, tests: usize) {
    let said = sandbox.vmesh(&["test"]);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{}{}", said.out, said.err);
    assert!(tests == 0 || said.out.contains(&format!("{tests} ")), "{}", said.out);
    let audits = sandbox.vmesh(&["audit"]);
    assert_eq!(audits.code, Some(0), "{}{}", audits.out, audits.err);
    sandbox.is_sound();
}

#[test]
fn what_the_init_of_sqlmesh_makes() {
    let sandbox = project("starter", "lab.db", "");
    let rows = |sql: &str| rows(&sandbox, "lab.db", sql);
    vmesh(&sandbox, &["promote", "--yes"], "2026-01-05 12:00:00");
    assert_eq!(rows("SELECT id, day FROM lab.daily_readings ORDER BY id").len(), 4);
    assert_eq!(rows("FROM lab.sensors ORDER BY sensor_id"), ["1 2", "2 1", "3 1"]);
    sandbox.git(&["-c", "core.hooksPath=/dev/null", "switch", "--quiet", "-c", "alice"]).good();
    let model = sandbox.read("models/sensors.sql").replace("readings,\n", "readings,\n  max(day) AS last_day,\n");
    sandbox.write("models/sensors.sql", &model);
    vmesh(&sandbox, &["plan", "--yes"], "2026-01-05 12:00:00");
    assert_eq!(rows("SELECT * FROM lab__dev__alice.sensors WHERE sensor_id = 1"), ["1 2 2026-01-04"]);
    assert_eq!(rows("SELECT * FROM lab.sensors WHERE sensor_id = 1"), ["1 2"]);
    is_well(&sandbox, 1);
    sandbox.git(&["restore", "."]).good();
    sandbox.git(&["-c", "core.hooksPath=/dev/null", "switch", "--quiet", "main"]).good();
    // what is built whole was built today, after this day
    vmesh(&sandbox, &["run", "prod", "--ignore-cron"], "2026-01-08 12:00:00");
    assert_eq!(rows("SELECT id FROM lab.daily_readings ORDER BY id"), ["1", "2", "3", "4", "5", "6", "7"]);
    assert_eq!(rows("FROM lab.sensors ORDER BY sensor_id"), ["1 5", "2 1", "3 1"]);
    is_well(&sandbox, 1);
}

const DINER: &str = "CREATE SCHEMA raw;
    CREATE TABLE raw.guests AS FROM (VALUES (1, 'Ada', '94103'), (2, 'Bob', NULL), (3, 'Cy', '94110')) AS t(guest_id, name, zip);
    CREATE TABLE raw.orders (order_id INTEGER, guest_id INTEGER, waiter_id INTEGER, placed_at TIMESTAMP);
    INSERT INTO raw.orders VALUES (1, 1, 1, '2026-02-01 12:00'), (2, 1, 2, '2026-02-02 12:00'),
        (3, 3, 1, '2026-02-02 18:00'), (4, 3, 3, '2026-02-04 09:00');
    CREATE TABLE raw.order_lines AS FROM (VALUES (1, 1, 2), (1, 3, 1), (2, 2, 1), (3, 1, 1), (3, 2, 2), (4, 3, 4), (5, 2, 1))
        AS t(order_id, item_id, quantity);";

#[test]
fn a_diner_with_macros_jinja_views_and_audits() {
    let sandbox = project("diner", "data/diner.duckdb", DINER);
    let rows = |sql: &str| rows(&sandbox, "data/diner.duckdb", sql);
    vmesh(&sandbox, &["promote", "--yes"], "2026-02-04 06:00:00");
    assert_eq!(
        rows("SELECT order_id, order_day FROM diner.orders ORDER BY 1"),
        ["1 2026-02-01", "2 2026-02-02", "3 2026-02-02"]
    );
    assert_eq!(rows("FROM diner.revenue_by_day ORDER BY 1"), ["2026-02-01 2 0 1 13.50", "2026-02-02 1 3 0 30.60"]);
    assert_eq!(rows("FROM diner.customers ORDER BY 1"), ["1 Ada 94103 2 2026-02-01", "3 Cy 94110 1 2026-02-02"]);
    assert_eq!(rows("FROM diner.top_waiters"), ["1 Ada 29.75", "2 Grace 7.00"]);
    is_well(&sandbox, 2);
    // an order of the day before yesterday comes late; the order's lines are not looked back for
    open(&sandbox, "data/diner.duckdb")
        .execute_batch("INSERT INTO raw.orders VALUES (5, 2, 3, '2026-02-03 20:00')")
        .unwrap();
    vmesh(&sandbox, &["run", "prod", "--ignore-cron"], "2026-02-05 06:00:00");
    assert_eq!(rows("SELECT order_id FROM diner.orders ORDER BY 1"), ["1", "2", "3", "4", "5"]);
    assert_eq!(rows("FROM diner.revenue_by_day WHERE order_day > '2026-02-02'"), ["2026-02-04 0 0 4 10.80"]);
    assert_eq!(rows("FROM diner.top_waiters"), ["1 Ada 29.75", "3 Edsger 9.00"]);
    assert_eq!(rows("SELECT count(*) FROM diner.customers"), ["3"]);
    is_well(&sandbox, 2);
    // a branch looks at it with variables of its own
    sandbox.git(&["-c", "core.hooksPath=/dev/null", "switch", "--quiet", "-c", "cheaper"]).good();
    sandbox.write("config.yaml", &sandbox.read("config.yaml").replace("tax_percent: 20", "tax_percent: 0"));
    sandbox.write("macros/with_tax.sql", "MACRO with_tax(amount) AS (@amount) * (100 + @tax_percent) / 200;\n");
    let done = sandbox.vmesh(&at(&["plan", "--yes"], "2026-02-05 06:00:00"));
    assert!(done.err.contains("config.yaml differs from main's"), "{}", done.err);
    done.good();
    assert_eq!(
        rows("SELECT revenue FROM diner__dev__cheaper.revenue_by_day ORDER BY order_day"),
        ["5.63", "12.75", "4.50"]
    );
}

#[test]
fn an_external_model_rebuilds_nothing() {
    let sandbox = project("diner", "data/diner.duckdb", DINER);
    let now = "2026-02-04 06:00:00";
    vmesh(&sandbox, &["promote", "--yes"], now);
    sandbox.git(&["-c", "core.hooksPath=/dev/null", "switch", "--quiet", "-c", "alice"]).good();
    let external = sandbox.read("external_models.yaml");
    sandbox.write("external_models.yaml", &external.replace("    zip: TEXT\n", "    zip: TEXT\n    phone: TEXT\n"));
    sandbox.write("external_models/more.yaml", "- name: raw.nowhere\n  columns: {a: INT}\n");
    let plan = sandbox.vmesh(&at(&["plan", "--json"], now)).json();
    assert_eq!(plan["summary"]["build"], 0, "{plan}");
    let doctor = sandbox.vmesh(&["doctor"]).out;
    assert!(doctor.contains("`raw.guests` no longer has phone"), "{doctor}");
    assert!(doctor.contains("`raw.nowhere` is not in the warehouse"), "{doctor}");
}

const PAYMENTS: &str = "CREATE SCHEMA raw; CREATE TABLE raw.payments AS FROM (VALUES
    (1, 1, 10.5, '2026-01-01'), (2, 1, 20, '2026-01-02'), (3, 2, 200, '2026-01-02'), (4, 3, 5, '2026-01-02'))
    AS t(payment_id, account_id, amount, paid_on);";

#[test]
fn marts_of_several_schemas_with_keys_and_partitions() {
    let sandbox = project("marts", "marts.duckdb", PAYMENTS);
    let rows = |sql: &str| rows(&sandbox, "marts.duckdb", sql);
    let balances = "SELECT account_id, country, balance, last_paid FROM core.balances ORDER BY 1";
    vmesh(&sandbox, &["promote", "--yes"], "2026-01-03 06:00:00");
    assert_eq!(rows(balances), ["1 DE 30.50 2026-01-02", "2 FR 200.00 2026-01-02", "3 NULL 5.00 2026-01-02"]);
    assert_eq!(rows("FROM core.by_country ORDER BY 1"), ["DE 1 30.50", "FR 1 200.00", "NULL 1 5.00"]);
    assert_eq!(rows("FROM marts.report ORDER BY 1"), ["1 DE 30.50 1", "3 NULL 5.00 1"]);
    assert_eq!(rows("SELECT count(*) FROM duckdb_views() WHERE view_name IN ('small', 'retired')"), ["0"]);
    is_well(&sandbox, 0);
    open(&sandbox, "marts.duckdb")
        .execute_batch("INSERT INTO raw.payments VALUES (5, 3, 1, '2026-01-03'), (6, 2, 1, '2026-01-03')")
        .unwrap();
    vmesh(&sandbox, &["run", "prod"], "2026-01-04 06:00:00");
    assert_eq!(rows(balances), ["1 DE 30.50 2026-01-02", "2 FR 201.00 2026-01-03", "3 NULL 6.00 2026-01-03"]);
    assert_eq!(rows("FROM core.by_country ORDER BY 1"), ["DE 1 30.50", "FR 1 201.00", "NULL 1 6.00"]);
    let history = "SELECT account_id, balance, valid_to IS NULL FROM core.account_history ORDER BY ALL";
    let versions = ["1 30.50 true", "2 200.00 false", "2 201.00 true", "3 5.00 false", "3 6.00 true"];
    assert_eq!(rows(history), versions);
    assert_eq!(rows("FROM core.log ORDER BY 1"), ["2026-01-01 1", "2026-01-02 3", "2026-01-03 2"]);
    is_well(&sandbox, 0);
}

#[test]
fn settings_of_every_kind() {
    let sandbox = project("settings", "settings.duckdb", "");
    let rows = |sql: &str| rows(&sandbox, "settings.duckdb", sql);
    vmesh(&sandbox, &["promote", "--yes"], "2026-03-02 12:00:00");
    assert_eq!(rows("FROM shop.prices ORDER BY id"), ["0 CHF 0 0 here", "1 CHF 3 1 here", "2 CHF 6 2 here"]);
    assert_eq!(rows("FROM shop.big ORDER BY id"), ["1 3", "2 6"]);
    let audits = sandbox.vmesh(&["audit"]).good();
    assert_eq!(audits.matches("not_null").count(), 2, "of both models, by default: {audits}");
    let doctor = sandbox.vmesh(&["doctor"]).good();
    assert!(doctor.contains("config.yaml: `default_target_environment` has no effect"), "{doctor}");
    // the warehouse may be elsewhere, by the environment
    let mut elsewhere = sandbox.vmesh_command(&["promote", "--yes"]);
    assert!(elsewhere.env("SETTINGS_DB", "other.duckdb").output().unwrap().status.success());
    assert_eq!(
        support::rows(&Connection::open(sandbox.path().join("other.duckdb")).unwrap(), "FROM shop.big").len(),
        2
    );
}

#[test]
fn init_leaves_a_project_of_sqlmesh_as_it_is() {
    let sandbox = Sandbox::empty();
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/projects/starter"), &sandbox.path());
    let said = sandbox.vmesh(&["init"]).good();
    insta::assert_snapshot!(said);
    assert!(!sandbox.path().join("vmesh.toml").exists());
    assert!(sandbox.read(".git/hooks/post-checkout").contains("vmesh"));
    sandbox.write("server/config.yaml", "port: 80\n");
    let server = sandbox.path().join("server");
    assert!(sandbox.vmesh_in(&server, &["status"]).good().contains("main"), "another program's config.yaml is none");
}

#[test]
fn hooks_follow_a_project_of_sqlmesh() {
    let sandbox = project("starter", "lab.db", "");
    sandbox.vmesh(&at(&["promote", "--yes"], "2026-01-05 12:00:00")).good();
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox.rest();
    assert_eq!(rows(&sandbox, "lab.db", "SELECT count(*) FROM lab__dev__alice.sensors"), ["3"]);
    // a stranger's settings choose no warehouse
    sandbox.write("config.yaml", &sandbox.read("config.yaml").replace("lab.db", "stranger.db"));
    sandbox.commit("mine");
    sandbox.rest();
    assert!(!sandbox.path().join("stranger.db").exists());
}

#[test]
fn master_drives_prod_where_there_is_no_main() {
    let sandbox = project("starter", "lab.db", "");
    sandbox.git(&["branch", "--quiet", "-m", "main", "master"]).good();
    assert!(vmesh(&sandbox, &["promote", "--yes"], "2026-01-05 12:00:00").contains("prod"));
    sandbox.git(&["branch", "main"]).good();
    assert!(sandbox.vmesh(&["status"]).good().contains("prod · branch master"), "it was main before");
    std::fs::remove_file(sandbox.path().join(".git/vmesh/main")).unwrap();
    let error = sandbox.vmesh(&["status"]).fails(2);
    insta::assert_snapshot!(error);
    sandbox
        .write("config.yaml", &(sandbox.read("config.yaml") + "cicd_bot: {type: github, main_branch_name: master}\n"));
    assert!(sandbox.vmesh(&["status"]).good().contains("master"));
}
