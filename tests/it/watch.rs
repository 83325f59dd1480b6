//! A watcher that can be left on: it follows saves, branches and what hooks leave, once for each change, and holds nothing
//! in between.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command};

use crate::background::{builder_of, in_background, status};
use crate::support::{CHAIN, Sandbox, pairs, wait_until};

/// More work than any test waits for.
fn endless() -> String {
    pairs(9_000_000, "count(*) AS total")
}

/// A running `vmesh watch`, killed when dropped.
struct Watch {
    process: Child,
    log: PathBuf,
}

impl Watch {
    /// Starts it, and waits until it has looked once.
    fn start(sandbox: &Sandbox) -> Self {
        let log = sandbox.path().join(".git/watch.log");
        let output = || File::options().create(true).append(true).open(&log).unwrap();
        let mut command = sandbox.vmesh_command(&["watch"]);
        let process = command.stdout(output()).stderr(output()).spawn().unwrap();
        let watch = Self { process, log };
        wait_until("the first look", || watch.said().contains("dev__"));
        watch
    }

    fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    fn pid(&self) -> String {
        self.process.id().to_string()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// Whether an environment's report shows this total. The warehouse may be taken for a moment.
fn shows(sandbox: &Sandbox, environment: &str, total: &str) -> bool {
    let sql = format!("SELECT CAST(total AS VARCHAR) FROM {environment}__marts.report");
    sandbox.try_value(&sql).is_some_and(|shown| shown == total)
}

fn totals(sandbox: &Sandbox, total: usize) {
    sandbox.model("marts.totals", &format!("SELECT {total} AS total FROM staging.orders LIMIT 1"));
}

/// The chain, promoted, without hooks, with `alice` checked out and planned.
fn without_hooks() -> Sandbox {
    let sandbox = Sandbox::promoted(&CHAIN);
    sandbox.vmesh(&["hooks", "uninstall"]).good();
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox
}

#[test]
fn it_follows_saves_mistakes_and_branches() {
    let sandbox = without_hooks();
    let watch = Watch::start(&sandbox);
    totals(&sandbox, 1);
    wait_until("one", || shows(&sandbox, "dev__alice", "1"));
    sandbox.model("marts.totals", "SELECT FROM WHERE");
    wait_until("the complaint", || watch.said().contains("models/marts/totals.sql:1"));
    totals(&sandbox, 3);
    wait_until("three", || shows(&sandbox, "dev__alice", "3"));
    sandbox.git(&["switch", "--quiet", "-c", "bob"]).good();
    wait_until("the other branch", || shows(&sandbox, "dev__bob", "3"));
    sandbox.git(&["checkout", "--quiet", "--", "."]).good();
    wait_until("what was committed", || shows(&sandbox, "dev__bob", "60"));
    sandbox.git(&["commit", "--quiet", "--allow-empty", "-m", "empty"]).good();
    sandbox.git(&["branch", "-m", "carol"]).good();
    wait_until("the new name", || shows(&sandbox, "dev__carol", "60"));
    drop(watch);
    sandbox.is_sound();
}

#[test]
fn a_checkout_of_thousands_of_files_is_one_change() {
    let sandbox = without_hooks();
    let write = |version: usize| {
        for number in 0..3000 {
            sandbox.model(&format!("helpers.h{number}"), &format!("MODEL (kind EMBEDDED);\nSELECT {version} AS x"));
        }
        totals(&sandbox, version);
        sandbox.commit(&format!("version {version}"));
    };
    write(1);
    sandbox.git(&["switch", "--quiet", "-c", "bob"]).good();
    write(2);
    sandbox.vmesh(&["plan", "--yes"]).good();
    let generation = |branch: &str| -> u64 {
        sandbox
            .value(&format!("SELECT generation FROM vmesh_state.environments WHERE branch = '{branch}'"))
            .parse()
            .unwrap()
    };
    let watch = Watch::start(&sandbox);
    let bob = generation("bob");
    sandbox.git(&["switch", "--quiet", "alice"]).good();
    wait_until("alice", || shows(&sandbox, "dev__alice", "1"));
    sandbox.git(&["switch", "--quiet", "bob"]).good();
    wait_until("bob", || watch.said().matches("dev__bob").count() == 2);
    let lines = watch.said();
    drop(watch);
    assert_eq!((generation("alice"), generation("bob")), (1, bob), "{lines}");
    // a slow checkout may tell that it plans again, and is still one change
    assert_eq!(lines.matches("vmesh: dev__").count(), 3, "{lines}");
}

#[test]
fn a_slow_checkout_shows_no_branch_the_files_of_another() {
    let sandbox = without_hooks();
    sandbox.git(&["switch", "--quiet", "-c", "bob"]).good();
    totals(&sandbox, 2);
    sandbox.commit("bob's");
    sandbox.vmesh(&["plan", "--yes"]).good();
    sandbox.git(&["switch", "--quiet", "alice"]).good();
    sandbox.vmesh(&["plan", "--yes"]).good();
    let watch = Watch::start(&sandbox);
    let git = |file: &str| sandbox.path().join(".git").join(file);
    let alice = sandbox.value("SELECT generation FROM vmesh_state.environments WHERE branch = 'alice'");
    // a checkout of bob, step by step, over more than the time after which files that are never quiet are looked at
    std::fs::copy(git("index"), git("index.lock")).unwrap();
    totals(&sandbox, 2);
    for number in 0..60 {
        sandbox.model(&format!("helpers.h{number}"), "MODEL (kind EMBEDDED);\nSELECT 1 AS x");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    std::fs::rename(git("index.lock"), git("index")).unwrap();
    std::fs::File::options()
        .append(true)
        .open(git("index"))
        .unwrap()
        .set_modified(std::time::SystemTime::now())
        .unwrap();
    std::thread::sleep(std::time::Duration::from_millis(200));
    std::fs::write(git("HEAD"), "ref: refs/heads/bob\n").unwrap();
    wait_until("bob", || watch.said().contains("vmesh: dev__bob"));
    let watch_log = watch.said();
    drop(watch);
    assert!(shows(&sandbox, "dev__alice", "60"), "{watch_log}");
    assert_eq!(sandbox.value("SELECT generation FROM vmesh_state.environments WHERE branch = 'alice'"), alice);
}

#[test]
fn folders_may_go_and_come_back() {
    let sandbox = without_hooks();
    let watch = Watch::start(&sandbox);
    let (models, aside) = (sandbox.path().join("models"), sandbox.path().join(".git/aside"));
    std::fs::rename(&models, &aside).unwrap();
    wait_until("the loss is told", || watch.said().lines().count() > 1);
    std::fs::rename(&aside, &models).unwrap();
    totals(&sandbox, 5);
    wait_until("five", || shows(&sandbox, "dev__alice", "5"));
    sandbox.write("models/new/deep/other.sql", "SELECT 1 AS x");
    wait_until("a new folder", || sandbox.is_in_step());
    sandbox.write("models/new/deep/other.sql", "SELECT 2 AS x");
    let other = || sandbox.try_value("SELECT CAST(x AS VARCHAR) FROM dev__alice__deep.other");
    wait_until("an edit in it", || other().as_deref() == Some("2"));
}

#[test]
#[cfg(target_os = "linux")]
fn it_takes_the_work_that_hooks_leave() {
    let sandbox = in_background();
    let watch = Watch::start(&sandbox);
    totals(&sandbox, 7);
    sandbox.commit("seven");
    wait_until("seven", || shows(&sandbox, "dev__alice", "7"));
    sandbox.git(&["switch", "--quiet", "main"]).good();
    sandbox.git(&["merge", "--quiet", "alice"]).good();
    wait_until("prod", || sandbox.value("SELECT total FROM marts.report") == "7");
    assert_eq!(crate::background::workers(&sandbox), 0);
    assert_eq!(status(&sandbox)["watch"].to_string(), watch.pid());
    let process = watch.pid();
    sandbox.git(&["switch", "--quiet", "alice"]).good();
    sandbox.model("marts.totals", &endless());
    assert_eq!(builder_of(&sandbox, "marts.totals"), process);
    let stopped = sandbox.vmesh(&["stop"]).good();
    assert!(stopped.contains("stopped the build for branch alice at marts.totals"), "{stopped}");
    // nobody asks for it again until something changes
    wait_until("the end", || status(&sandbox)["building"].is_null());
    totals(&sandbox, 8);
    wait_until("eight", || shows(&sandbox, "dev__alice", "8"));
}

#[test]
fn when_it_is_killed_hooks_start_a_process_of_their_own() {
    let sandbox = in_background();
    let watch = Watch::start(&sandbox);
    sandbox.model("marts.totals", &endless());
    sandbox.commit("endless");
    builder_of(&sandbox, "marts.totals");
    drop(watch);
    totals(&sandbox, 9);
    sandbox.commit("nine");
    wait_until("nine", || shows(&sandbox, "dev__alice", "9"));
    sandbox.is_sound();
}

#[test]
#[cfg(unix)]
fn it_ends_when_it_is_asked_to_and_hands_over_what_waits() {
    let sandbox = in_background();
    let mut watch = Watch::start(&sandbox);
    assert!(Command::new("kill").args(["-TERM", &watch.pid()]).status().unwrap().success());
    let ended = watch.process.wait().unwrap();
    assert!(ended.code().is_some(), "{ended:?}");
    totals(&sandbox, 4);
    sandbox.commit("four");
    wait_until("four", || shows(&sandbox, "dev__alice", "4"));
}
