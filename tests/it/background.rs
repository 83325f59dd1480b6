//! Builds in the background: one at a time, superseded, stoppable, logged, taken up again after a crash.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::{CHAIN, Sandbox, pairs, wait_until};

/// Some seconds of work.
fn slow() -> String {
    pairs(25000, "count(*) AS x")
}
/// More work than any test waits for.
fn endless() -> String {
    pairs(9_000_000, "count(*) AS x")
}

/// The chain on main, hooks that build in the background, and the branch `alice` checked out.
pub(crate) fn in_background() -> Sandbox {
    let sandbox = Sandbox::promoted(&CHAIN);
    sandbox.write("vmesh.toml", "[hooks]\nbuild = \"background\"\n");
    sandbox.commit("in the background");
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    sandbox
}

pub(crate) fn status(sandbox: &Sandbox) -> Value {
    sandbox.vmesh(&["status", "--json"]).json()
}

/// Waits until a model of this name is being built; gives the process that does it.
#[track_caller]
pub(crate) fn builder_of(sandbox: &Sandbox, model: &str) -> String {
    wait_until(&format!("the build of {model}"), || status(sandbox)["building"]["model"] == model);
    status(sandbox)["building"]["pid"].to_string()
}

fn kill(signal: &str, pid: &str) {
    assert!(Command::new("kill").args([signal, pid]).status().unwrap().success());
}

fn shared(sandbox: &Sandbox, name: &str) -> PathBuf {
    sandbox.path().join(".git/vmesh").join(name)
}

fn log(sandbox: &Sandbox) -> String {
    std::fs::read_to_string(shared(sandbox, "worker.log")).unwrap_or_default()
}

/// The files in the queue, without those that are being written.
fn queue(sandbox: &Sandbox) -> Vec<String> {
    let files = std::fs::read_dir(shared(sandbox, "queue")).into_iter().flatten().flatten();
    let names = files.map(|entry| entry.file_name().into_string().unwrap());
    names.filter(|name| !name.starts_with('.')).collect()
}

/// The processes in the background that serve this sandbox.
#[cfg(target_os = "linux")]
pub(crate) fn workers(sandbox: &Sandbox) -> usize {
    let folder = shared(sandbox, "").to_str().unwrap().trim_end_matches('/').to_owned();
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = processes.filter_map(|process| std::fs::read_to_string(process.path().join("cmdline")).ok());
    lines.filter(|line| line.contains(&format!("hook\0worker\0{folder}"))).count()
}

#[test]
fn a_killed_worker_s_request_is_taken_up_again() {
    let sandbox = in_background();
    sandbox.model("slow", &slow());
    sandbox.commit("slow");
    kill("-9", &builder_of(&sandbox, "slow"));
    wait_until("the build", || sandbox.is_in_step());
    assert_eq!(status(&sandbox)["failure"], Value::Null);
    assert_eq!(queue(&sandbox), [""; 0]);
    sandbox.is_sound();
}

#[test]
fn a_request_whose_worker_is_killed_every_time_is_given_up_and_told() {
    let sandbox = in_background();
    sandbox.model("quick", "SELECT 1 AS x");
    sandbox.git(&["add", "--all"]).good();
    let mut commit = sandbox.command("git", &sandbox.path());
    commit.args(["commit", "--quiet", "-m", "quick"]).env("VMESH_TEST_KILL_AT", "build:1");
    assert!(commit.status().unwrap().success());
    let told = || {
        let done = sandbox.vmesh_command(&["status", "--json"]).env("VMESH_TEST_KILL_AT", "build:1").output().unwrap();
        let status: Value = serde_json::from_slice(&done.stdout).unwrap();
        status["failure"].as_str().is_some_and(|failure| failure.contains("killed again and again"))
    };
    wait_until("the end of it", told);
    assert_eq!(queue(&sandbox), [""; 0]);
    assert_eq!(log(&sandbox).matches("building quick").count(), 3, "{}", log(&sandbox));
    sandbox.model("quick", "SELECT 2 AS x");
    sandbox.commit("another");
    wait_until("the build", || sandbox.is_in_step());
}

#[test]
fn a_build_that_is_overtaken_ends_with_the_newest_tree() {
    let sandbox = in_background();
    sandbox.model("slow", &endless());
    sandbox.commit("endless");
    builder_of(&sandbox, "slow");
    sandbox.model("slow", "SELECT 7 AS x");
    sandbox.commit("quick");
    wait_until("the build", || sandbox.is_in_step());
    assert_eq!(sandbox.value("SELECT x FROM dev__alice.slow"), "7");
    assert!(log(&sandbox).contains("alice · it has changed in the meantime"), "{}", log(&sandbox));
    sandbox.is_sound();
}

#[test]
fn a_build_that_is_only_asked_for_again_goes_on() {
    let sandbox = in_background();
    sandbox.model("slow", &slow());
    sandbox.commit("slow");
    builder_of(&sandbox, "slow");
    sandbox.git(&["commit", "--quiet", "--allow-empty", "-m", "nothing"]).good();
    assert!(queue(&sandbox).len() == 2, "one in work, one waiting: {:?}", queue(&sandbox));
    wait_until("the build", || sandbox.is_in_step() && queue(&sandbox).is_empty());
    assert_eq!(log(&sandbox).matches("building slow").count(), 1, "{}", log(&sandbox));
}

#[test]
#[cfg(target_os = "linux")]
fn another_branch_waits_its_turn_and_needs_no_second_process() {
    let sandbox = in_background();
    sandbox.model("slow", &slow());
    sandbox.commit("slow");
    let builder = builder_of(&sandbox, "slow");
    sandbox.git(&["switch", "--quiet", "-c", "bob", "main"]).good();
    sandbox.model("quick", "SELECT 2 AS x");
    sandbox.commit("quick");
    assert_eq!(workers(&sandbox), 1);
    assert_eq!(status(&sandbox)["building"]["pid"].to_string(), builder);
    assert_eq!(status(&sandbox)["waiting"][0]["branch"], "bob");
    wait_until("both builds", || queue(&sandbox).is_empty() && sandbox.is_in_step());
    assert_eq!(sandbox.value("SELECT x FROM dev__bob.quick"), "2");
    sandbox.git(&["switch", "--quiet", "alice"]).good();
    assert!(sandbox.is_in_step());
    assert_eq!(log(&sandbox).matches("building slow").count(), 1, "{}", log(&sandbox));
}

#[test]
fn stop_ends_the_build_takes_back_what_waits_and_lets_it_rest() {
    let sandbox = in_background();
    let said = sandbox.vmesh(&["stop"]).good();
    assert_eq!(said, "nothing is being built in the background\n");
    let before = sandbox.views("dev__alice__marts");
    sandbox.model("marts.totals", &endless().replace("AS x", "AS total"));
    sandbox.commit("endless");
    builder_of(&sandbox, "marts.totals");
    sandbox.git(&["commit", "--quiet", "--allow-empty", "-m", "asked again"]).good();
    let stopped = sandbox.vmesh(&["stop", "--json"]).json();
    assert_eq!(
        (&stopped["stopped"]["branch"], &stopped["stopped"]["model"]),
        (&"alice".into(), &"marts.totals".into())
    );
    assert_eq!(stopped["taken_back"], serde_json::json!(["alice"]));
    for _ in 0..2 {
        let status = status(&sandbox);
        assert_eq!((&status["building"], &status["waiting"]), (&Value::Null, &serde_json::json!([])));
        assert_eq!(status["in_step"], false);
    }
    assert_eq!(queue(&sandbox), [""; 0]);
    assert!(!shared(&sandbox, "worker.json").exists());
    assert_eq!(sandbox.views("dev__alice__marts"), before);
    sandbox.model("marts.totals", "SELECT 5 AS total FROM staging.orders LIMIT 1");
    sandbox.commit("the next event");
    wait_until("the build", || sandbox.is_in_step());
    sandbox.is_sound();
}

#[test]
fn the_log_is_dated_kept_small_and_named_when_it_matters() {
    let sandbox = in_background();
    assert!(!sandbox.vmesh(&["status"]).good().contains("worker.log"));
    std::fs::write(shared(&sandbox, "worker.log"), "x".repeat(1_100_000)).unwrap();
    sandbox.model("wrong", "SELECT nonsense AS x");
    sandbox.commit("wrong");
    wait_until("the failure", || status(&sandbox)["failure"].is_string());
    assert!(sandbox.vmesh(&["status"]).good().contains("worker.log"));
    let log = log(&sandbox);
    assert!(log.contains("nonsense"), "{log}");
    let is_dated = |line: &str| line.starts_with("20") && line.as_bytes().get(10) == Some(&b' ');
    assert!(log.lines().all(is_dated), "{log}");
    assert!(shared(&sandbox, "worker.log.old").exists());
}

#[test]
fn a_branch_that_is_gone_when_its_turn_comes_is_no_failure() {
    let sandbox = in_background();
    sandbox.git(&["switch", "--quiet", "-c", "bob", "main"]).good();
    sandbox.model("slow", &slow());
    sandbox.commit("slow");
    builder_of(&sandbox, "slow");
    sandbox.git(&["switch", "--quiet", "-c", "carol", "main"]).good();
    sandbox.model("quick", "SELECT 1 AS x");
    sandbox.commit("quick");
    sandbox.git(&["switch", "--quiet", "bob"]).good();
    sandbox.git(&["branch", "--quiet", "-D", "carol"]).good();
    wait_until("the end", || queue(&sandbox).is_empty() && sandbox.is_in_step());
    assert!(log(&sandbox).contains("carol · there is nothing to do"), "{}", log(&sandbox));
}

#[test]
fn what_a_rebase_puts_back_at_its_end_is_seen() {
    for backend in ["--merge", "--apply"] {
        let sandbox = in_background();
        sandbox.write("notes.md", "on alice");
        sandbox.commit("notes");
        sandbox.git(&["switch", "--quiet", "main"]).good();
        sandbox.model("staging.customers", "SELECT 2 AS id, 'Grace' AS name");
        sandbox.commit("grace");
        wait_until("prod", || queue(&sandbox).is_empty() && sandbox.is_in_step());
        sandbox.git(&["switch", "--quiet", "alice"]).good();
        sandbox.model("marts.totals", "SELECT 9 AS total FROM staging.orders LIMIT 1");
        sandbox.git(&["rebase", "--quiet", "--autostash", backend, "main"]).good();
        wait_until("the plan", || sandbox.is_in_step());
        assert_eq!(sandbox.value("SELECT total FROM dev__alice__marts.report"), "9", "{backend}");
        assert_eq!(sandbox.value("SELECT name FROM dev__alice__staging.customers"), "Grace", "{backend}");
        assert!(log(&sandbox).contains("what is checked out in"), "left for later: {}", log(&sandbox));
    }
}

#[test]
fn an_index_that_changes_is_looked_at_once_when_git_is_done() {
    let sandbox = in_background();
    sandbox.model("marts.totals", "SELECT 4 AS total FROM staging.orders LIMIT 1");
    // stands for a git command that goes on for a while
    let mut git = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let ring = |arg: &str, index: &str| {
        let mut command = sandbox.vmesh_command(&["hook", "post-index-change", arg, "0"]);
        command.env("VMESH_GIT_PID", git.id().to_string()).env("GIT_INDEX_FILE", index);
        let done = command.output().unwrap();
        assert_eq!((done.status.code(), done.stderr.len()), (Some(0), 0));
    };
    ring("0", ".git/index");
    ring("1", ".git/index.stash.123");
    assert_eq!(queue(&sandbox), [""; 0]);
    for _ in 0..20 {
        ring("1", ".git/index");
    }
    assert_eq!(queue(&sandbox).len(), 1);
    #[cfg(target_os = "linux")]
    wait_until("one process", || workers(&sandbox) == 1);
    assert!(!sandbox.is_in_step());
    drop(git.stdin.take());
    wait_until("the plan", || queue(&sandbox).is_empty() && sandbox.is_in_step());
    git.wait().unwrap();
    assert_eq!(log(&sandbox).matches("what is checked out in").count(), 1, "{}", log(&sandbox));
}

#[test]
#[cfg(unix)]
fn with_the_index_hook_reset_and_stash_are_followed() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = in_background();
    let hook = sandbox.path().join(".git/hooks/post-index-change");
    let binary = env!("CARGO_BIN_EXE_vmesh");
    let script = format!("#!/bin/sh\nVMESH_GIT_PID=$PPID \"{binary}\" hook post-index-change \"$@\" </dev/null || :\n");
    std::fs::write(&hook, script).unwrap();
    std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).unwrap();
    let totals =
        |total: &str| sandbox.is_in_step() && sandbox.value("SELECT total FROM dev__alice__marts.report") == total;
    sandbox.model("marts.totals", "SELECT 4 AS total FROM staging.orders LIMIT 1");
    sandbox.commit("four");
    wait_until("four", || totals("4"));
    sandbox.model("marts.totals", "SELECT 5 AS total FROM staging.orders LIMIT 1");
    sandbox.vmesh(&["plan", "--yes"]).good();
    sandbox.git(&["stash", "--quiet"]).good();
    wait_until("four again", || totals("4"));
    sandbox.git(&["stash", "pop", "--quiet"]).good();
    wait_until("five", || totals("5"));
    sandbox.git(&["reset", "--quiet", "--hard", "main"]).good();
    wait_until("sixty", || totals("60"));
}
