//! One warehouse, many who want it: builders give way, nobody waits for long or in silence, and whatever failed unseen is
//! told.

use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use vmesh::adapter::engine::{self, Door, Interrupt, Location, WarehouseError};
use vmesh::adapter::local::Shared;
use vmesh::domain::engine_kind::EngineKind;

use crate::support::{CHAIN, Sandbox, pairs, wait_until};

/// About a second of work; gives 1.
fn work() -> String {
    pairs(10_000, "least(count(*), 1) AS n")
}

/// More than that: whoever comes in the midst of it waits long enough to be told why.
fn more_work() -> String {
    pairs(17_000, "least(count(*), 1) AS n")
}

/// More work than any test waits for.
fn endless() -> String {
    pairs(9_000_000, "count(*) AS x")
}

/// The chain on main, no hooks, and a branch with some slow models in a row, each of which is one more than the last.
fn slow_branch(branch: &str, models: u64) -> Sandbox {
    branch_of(branch, models, &work())
}

/// The same with other work in each model.
fn branch_of(branch: &str, models: u64, work: &str) -> Sandbox {
    let sandbox = Sandbox::promoted(&CHAIN);
    sandbox.vmesh(&["hooks", "uninstall"]).good();
    sandbox.git(&["switch", "--quiet", "-c", branch]).good();
    models_of(&sandbox, models, work);
    sandbox
}

fn models_of(sandbox: &Sandbox, models: u64, work: &str) {
    sandbox.model("slow.m1", work);
    for number in 2..=models {
        let before = number - 1;
        sandbox.model(&format!("slow.m{number}"), &format!("SELECT b.n + w.n AS n FROM slow.m{before} b, ({work}) w"));
    }
    sandbox.commit("slow");
}

fn start(sandbox: &Sandbox, args: &[&str]) -> Child {
    let mut command = sandbox.vmesh_command(args);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn words(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

/// Waits until someone builds; gives what they told at the door.
fn builder(sandbox: &Sandbox) -> serde_json::Value {
    let folder = sandbox.path().join(".git/vmesh");
    let told = || {
        let files = std::fs::read_dir(&folder).ok()?.flatten().map(|entry| entry.path());
        let door = |path: &std::path::PathBuf| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name.starts_with("door-") && name.ends_with(".json")
        };
        let told = files.filter(door).find_map(|file| std::fs::read(file).ok())?;
        serde_json::from_slice::<serde_json::Value>(&told).ok()
    };
    wait_until("a build", || told().is_some());
    told().unwrap_or_default()
}

fn end(mut child: Child) {
    // it may have ended
    let _ = child.kill();
    child.wait().unwrap();
}

#[test]
fn who_reads_waits_for_one_model_and_not_for_the_build() {
    let sandbox = branch_of("alice", 9, &more_work());
    let mut plan = start(&sandbox, &["plan", "--yes"]);
    assert_eq!(builder(&sandbox)["pid"], plan.id());
    let commands: [&[&str]; 4] = [
        &["envs"],
        &["query", "SELECT total FROM marts.totals", "--env", "prod"],
        &["diff", "prod", "prod"],
        &["status"],
    ];
    let mut told = String::new();
    let who = format!("waiting for the warehouse: vmesh (process {}) is building slow.m", plan.id());
    // who comes just before the end of a model waits too short a time to be told; the next one will not
    for command in commands.iter().chain([&commands[0]; 4]) {
        if told.contains(&who) && *command == commands[0] {
            break;
        }
        let done = sandbox.vmesh(command);
        assert!(plan.try_wait().unwrap().is_none(), "{command:?} waited for the whole build: {}", done.err);
        told.push_str(&done.err);
        let out = done.good();
        assert!(!out.contains("dev__alice  "), "nothing half-built is shown: {out}");
    }
    assert!(told.contains(&who) && told.contains("of 9, for alice"), "{told}");
    let (out, err) = words(&plan.wait_with_output().unwrap());
    assert!(out.contains("9 built"), "{out}\n{err}");
    assert_eq!(err.matches("built slow.m").count(), 9, "each is built once: {err}");
    assert_eq!(sandbox.value("SELECT n FROM dev__alice__slow.m9"), "9");
    sandbox.is_sound();
}

#[test]
fn two_builders_take_turns_and_build_nothing_twice() {
    let sandbox = slow_branch("alice", 4);
    sandbox.git(&["switch", "--quiet", "-c", "bob"]).good();
    sandbox.model("slow.own", &format!("SELECT a.n + w.n AS n FROM slow.m4 a, ({}) w", work()));
    sandbox.commit("own");
    let plans = ["alice", "bob", "bob"].map(|branch| start(&sandbox, &["plan", branch, "--yes"]));
    let mut all = String::new();
    for plan in plans {
        let done = plan.wait_with_output().unwrap();
        let (out, err) = words(&done);
        assert!(done.status.success(), "{out}\n{err}");
        all.push_str(&err);
    }
    for model in ["slow.m1", "slow.m2", "slow.m3", "slow.m4", "slow.own"] {
        assert_eq!(all.matches(&format!("built {model} ")).count(), 1, "{model}: {all}");
    }
    let shown = |sandbox: &Sandbox| sandbox.value("SELECT n FROM dev__bob__slow.own");
    assert_eq!((shown(&sandbox).as_str(), sandbox.value("SELECT n FROM dev__alice__slow.m4").as_str()), ("5", "4"));
    assert_eq!(sandbox.views("dev__alice__slow")["m4"], sandbox.views("dev__bob__slow")["m4"]);
    sandbox.is_sound();
}

#[test]
fn a_builder_that_is_killed_while_others_have_the_warehouse_leaves_nothing_wrong() {
    let sandbox = slow_branch("alice", 4);
    let prod = sandbox.views("marts");
    let mut plan = sandbox.vmesh_command(&["plan", "--yes"]);
    let mut plan = plan.env("VMESH_TEST_KILL_AT", "gave-way").stderr(Stdio::null()).spawn().unwrap();
    builder(&sandbox);
    assert!(sandbox.vmesh(&["envs"]).good().contains("prod"));
    assert_eq!(plan.wait().unwrap().code(), None, "it was killed in the gap");
    sandbox.is_sound();
    assert_eq!((sandbox.views("marts"), sandbox.views("dev__alice__slow").len()), (prod, 0));
    let again = sandbox.vmesh(&["plan", "--yes"]);
    assert!(again.err.matches("built slow.m").count() < 4, "what was built before is kept: {}", again.err);
    again.good();
    assert_eq!(sandbox.value("SELECT n FROM dev__alice__slow.m4"), "4");
    sandbox.is_sound();
}

#[test]
fn a_promotion_that_was_overtaken_does_not_take_prod_back() {
    let sandbox = slow_branch("work", 5);
    sandbox.git(&["switch", "--quiet", "main"]).good();
    sandbox.git(&["merge", "--quiet", "work"]).good();
    let older = sandbox.git(&["rev-parse", "HEAD"]).good();
    let first = start(&sandbox, &["promote", older.trim(), "--yes"]);
    builder(&sandbox);
    sandbox.git(&["rm", "--quiet", "-r", "models/slow"]).good();
    sandbox.commit("without them");
    sandbox.vmesh(&["promote", "--yes"]).good();
    let first = first.wait_with_output().unwrap();
    let (_, err) = words(&first);
    assert!(!first.status.success() && err.contains("prod would go back"), "{err}");
    let newer = sandbox.git(&["rev-parse", "HEAD"]).good();
    assert_eq!(sandbox.value("SELECT commit_id FROM vmesh_state.environments WHERE name = 'prod'"), newer.trim());
    assert_eq!(sandbox.views("slow").len(), 0);
    sandbox.is_sound();
}

#[test]
fn a_table_of_many_loads_gives_way_between_two_of_them() {
    let sandbox = slow_branch("alice", 1);
    let header = "MODEL (name slow.days, kind INCREMENTAL_BY_TIME_RANGE (time_column day, batch_size 1), \
                  start '2026-01-01');\n";
    sandbox.write("models/slow/m1.sql", "SELECT 1 AS n");
    sandbox.write(
        "models/slow/days.sql",
        &(header.to_owned() + &work().replace("AS n", "AS n, @start_date::DATE AS day")),
    );
    sandbox.commit("days");
    let mut plan = start(&sandbox, &["plan", "--yes", "--execution-time", "2026-01-09"]);
    // the other model is built at once, and may be the one that is told
    builder(&sandbox);
    let envs = sandbox.vmesh(&["envs"]);
    assert!(plan.try_wait().unwrap().is_none(), "it waited for all loads: {}", envs.err);
    assert!(!envs.good().contains("dev__alice"));
    let (out, err) = words(&plan.wait_with_output().unwrap());
    assert_eq!(err.matches("built slow.days").count(), 1, "{out}\n{err}");
    assert_eq!(sandbox.value("SELECT count(DISTINCT day) || ' ' || sum(n) FROM dev__alice__slow.days"), "8 8");
    sandbox.is_sound();
}

#[test]
fn a_run_gives_way_between_two_models() {
    let sandbox = slow_branch("alice", 6);
    sandbox.vmesh(&["plan", "--yes"]).good();
    let mut run = start(&sandbox, &["run", "--ignore-cron"]);
    builder(&sandbox);
    let envs = sandbox.vmesh(&["envs"]);
    assert!(run.try_wait().unwrap().is_none(), "it waited for the whole run: {}", envs.err);
    assert!(envs.good().contains("dev__alice"));
    let (out, err) = words(&run.wait_with_output().unwrap());
    assert_eq!(err.matches("built slow.m").count(), 6, "{out}\n{err}");
    sandbox.is_sound();
}

#[test]
fn a_run_goes_on_in_an_environment_that_was_moved_meanwhile() {
    let sandbox = slow_branch("alice", 6);
    sandbox.git(&["switch", "--quiet", "main"]).good();
    sandbox.git(&["merge", "--quiet", "alice"]).good();
    sandbox.vmesh(&["promote", "--yes"]).good();
    let run = start(&sandbox, &["run", "prod", "--ignore-cron"]);
    builder(&sandbox);
    sandbox.model("slow.own", "SELECT n + 1 AS n FROM slow.m6");
    sandbox.commit("own");
    sandbox.vmesh(&["promote", "--yes"]).good();
    let done = run.wait_with_output().unwrap();
    let (out, err) = words(&done);
    assert!(done.status.success(), "{out}\n{err}");
    for number in 1..=6 {
        let model = format!("slow.m{number}");
        assert_eq!(err.matches(&format!("built {model} ")).count(), 1, "{model}: {err}");
        assert!(out.contains(&model), "{model}: {out}");
    }
    assert_eq!(sandbox.value("SELECT n FROM slow.own"), "7");
    sandbox.is_sound();
}

#[test]
fn what_takes_longer_than_anyone_waits_says_what_it_is_and_never_to_close_vmesh() {
    let sandbox = slow_branch("alice", 1);
    sandbox.model("slow.m1", &endless());
    let plan = start(&sandbox, &["plan", "--yes"]);
    builder(&sandbox);
    let asked = Instant::now();
    let status = sandbox.vmesh(&["status"]);
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    let who = format!("vmesh (process {}) is building slow.m1, 1 of 1, for alice", plan.id());
    assert!(status.err.contains(&format!("waiting for the warehouse: {who}")), "{}", status.err);
    let out = status.good();
    assert!(out.contains("dev__alice · branch alice") && out.contains(&who), "{out}");
    let status = sandbox.vmesh(&["status", "--json"]).json();
    assert_eq!(
        (&status["in_step"], &status["warehouse_taken_by"]["pid"]),
        (&serde_json::Value::Null, &plan.id().into())
    );
    // who reads several times waits once
    let door = Door::new(&Shared::of(&sandbox.path().canonicalize().unwrap().join(".git")), &sandbox.warehouse());
    let scratch = sandbox.path().join(".git/vmesh/scratch");
    let location = Location::new(sandbox.warehouse(), scratch, door, Duration::from_secs(1), Interrupt::default());
    let mut told = 0;
    for _ in 0..3 {
        let refused = engine::of_project(EngineKind::DuckDb).read(&location, &mut |_| told += 1);
        assert!(matches!(refused, Err(WarehouseError::Locked { waited: 1, reading: true, .. })));
    }
    assert_eq!(told, 1);
    let refused = engine::of_project(EngineKind::DuckDb).write(&location, &mut |_| ());
    assert!(matches!(refused, Err(WarehouseError::Locked { reading: false, .. })));
    assert!(asked.elapsed() < Duration::from_secs(12), "{:?}", asked.elapsed());
    end(plan);
    sandbox.is_sound();
}

#[test]
fn a_hook_that_builds_leaves_it_to_others_after_two_seconds() {
    let sandbox = Sandbox::promoted(&CHAIN);
    let held = duckdb::Connection::open(sandbox.warehouse()).unwrap();
    for _ in 0..2 {
        let asked = Instant::now();
        let said = sandbox.git(&["switch", "--quiet", "-c", "alice"]).err;
        let took = asked.elapsed();
        assert!(took < Duration::from_secs(4), "git took {took:?}");
        let queued: Vec<&str> = said.lines().filter(|line| line.contains("planned as soon as it is free")).collect();
        assert_eq!(queued.len(), 1, "{said}");
        assert!(queued[0].contains(&format!("(PID {}) has the warehouse", std::process::id())), "{said}");
        sandbox.git(&["switch", "--quiet", "main"]).good();
        sandbox.git(&["branch", "--quiet", "-D", "alice"]).good();
    }
    sandbox.git(&["switch", "--quiet", "-c", "bob"]).good();
    let asked = Instant::now();
    let status = sandbox.vmesh(&["status"]);
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    assert!(status.good().contains(&format!("(PID {})", std::process::id())));
    drop(held);
    wait_until("the plan", || sandbox.is_in_step());
    assert_eq!(sandbox.views("dev__bob__marts"), sandbox.views("marts"));
    sandbox.is_sound();
}

#[test]
fn what_failed_in_the_background_is_told_until_somebody_has_seen_it() {
    let sandbox = Sandbox::promoted(&CHAIN);
    sandbox.write("vmesh.toml", "[hooks]\nbuild = \"background\"\n");
    sandbox.commit("in the background");
    sandbox.git(&["switch", "--quiet", "-c", "alice"]).good();
    let fail = |model: &str| {
        sandbox.model("wrong", &format!("SELECT {model} AS x"));
        sandbox.commit("wrong");
        wait_until("the failure", || {
            let status = sandbox.vmesh(&["status", "--json"]).json();
            status["failure"].as_str().is_some_and(|failure| failure.contains(model))
        });
        // git asked twice, by the switch and by the commit: a second try would read files that are written after this
        sandbox.vmesh(&["stop"]).good();
    };
    let is_told = |said: &str| said.contains("alice failed in the background") && said.contains("vmesh status");
    fail("nonsense");
    assert!(is_told(&sandbox.vmesh(&["envs"]).err), "by the next command");
    assert!(is_told(&sandbox.vmesh(&["ls"]).err) || is_told(&sandbox.vmesh(&["dag"]).err), "and the one after it");
    let said = sandbox.git(&["switch", "--quiet", "main"]).err;
    assert!(is_told(&said), "by the next hook: {said}");
    assert!(sandbox.vmesh(&["status"]).good().contains("nonsense"), "seen, on whichever branch");
    assert!(!is_told(&sandbox.vmesh(&["envs"]).err));
    assert!(!is_told(&sandbox.git(&["switch", "--quiet", "alice"]).err));
    assert!(sandbox.vmesh(&["status"]).good().contains("nonsense"), "its own branch still says what is wrong");
    fail("twaddle");
    sandbox.model("wrong", "SELECT 1 AS x");
    let plan = sandbox.vmesh(&["plan", "--yes"]);
    assert!(is_told(&plan.err), "{}", plan.err);
    plan.good();
    assert!(!is_told(&sandbox.vmesh(&["envs"]).err), "it was mended");
    assert_eq!(sandbox.vmesh(&["status", "--json"]).json()["failure"], serde_json::Value::Null);
}

#[test]
fn a_stream_of_readers_does_not_keep_a_builder_out() {
    let sandbox = slow_branch("alice", 3);
    let plan = start(&sandbox, &["plan", "--yes"]);
    builder(&sandbox);
    let script = "while [ ! -e enough ]; do vmesh query 'SELECT 1 AS x' --env prod >/dev/null || exit 1; done";
    let readers: Vec<Child> = (0..3)
        .map(|_| {
            let vmesh = crate::support::binary();
            let folder = vmesh.parent().unwrap().display();
            let path = format!("{folder}:{}", std::env::var("PATH").unwrap());
            let mut shell: Command = sandbox.command("sh", &sandbox.path());
            shell.args(["-c", script]).env("PATH", path).stderr(Stdio::null()).spawn().unwrap()
        })
        .collect();
    let done = plan.wait_with_output().unwrap();
    sandbox.write("enough", "");
    for mut reader in readers {
        assert!(reader.wait().unwrap().success(), "every reader was let in");
    }
    let (out, err) = words(&done);
    assert!(done.status.success(), "{out}\n{err}");
    assert_eq!(sandbox.value("SELECT n FROM dev__alice__slow.m3"), "3");
}
