//! Nothing hangs: limits are told, one Ctrl-C ends anything within a second, and what a terminal would obey is shown.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Done, Sandbox, wait_until};

/// A second, and what a busy computer takes to notice.
const SOON: Duration = Duration::from_millis(2_500);

const ENDLESS: &str = "WITH RECURSIVE r AS (SELECT 1 AS x UNION ALL SELECT x FROM r) SELECT count(*) AS n FROM r";

/// A command at work, with a folder for its temporary files.
struct Running {
    child: Child,
    temporary: tempfile::TempDir,
}

impl Running {
    fn start(mut command: Command) -> Self {
        let temporary = tempfile::tempdir().unwrap();
        command.env("TMPDIR", temporary.path()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self { child: command.spawn().unwrap(), temporary }
    }

    /// Sends the signal that Ctrl-C sends, and insists on an end soon, with nothing left behind.
    #[track_caller]
    fn interrupt(mut self) -> Done {
        assert!(self.child.try_wait().unwrap().is_none(), "it ended by itself");
        let start = Instant::now();
        assert!(Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().unwrap().success());
        while self.child.try_wait().unwrap().is_none() {
            if start.elapsed() > SOON {
                let _ = self.child.kill();
                panic!("it does not end");
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let left: Vec<_> = std::fs::read_dir(self.temporary.path()).unwrap().flatten().map(|e| e.path()).collect();
        assert!(left.is_empty(), "{left:?}");
        let output = self.child.wait_with_output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Done { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }
}

/// A project in which a branch has brought in one more model.
fn with_branch(model: &str) -> Sandbox {
    let sandbox = Sandbox::promoted(&[("a", "SELECT 1 AS x")]);
    sandbox.git(&["switch", "--quiet", "--create", "stranger"]).good();
    sandbox.model("b", model);
    sandbox.commit_quietly("b");
    sandbox
}

#[track_caller]
fn ends_at_ctrl_c(sandbox: &Sandbox, args: &[&str]) {
    let running = Running::start(sandbox.vmesh_command(args));
    std::thread::sleep(Duration::from_millis(1_500));
    let done = running.interrupt();
    assert!(done.fails(130).contains("interrupted"));
    assert_eq!(sandbox.rows("SELECT * FROM prod.a"), [["1"]]);
    assert_eq!(sandbox.snapshots(), 1);
    sandbox.is_sound();
}

#[test]
fn one_ctrl_c_ends_an_endless_build() {
    ends_at_ctrl_c(&with_branch(ENDLESS), &["plan", "--yes"]);
}

#[test]
fn one_ctrl_c_ends_a_single_call_that_does_not_hear_it() {
    ends_at_ctrl_c(
        &with_branch("SELECT length(repeat('x', 4000000000)) + count(*) AS n FROM range(50)"),
        &["plan", "--yes"],
    );
}

#[test]
fn one_ctrl_c_ends_an_endless_unit_test() {
    let sandbox = with_branch(ENDLESS);
    sandbox.write("tests/test_b.yaml", "test_b:\n  model: b\n  inputs: {}\n  outputs:\n    query:\n    - {n: 1}\n");
    sandbox.commit_quietly("test");
    ends_at_ctrl_c(&sandbox, &["plan", "--yes"]);
    ends_at_ctrl_c(&sandbox, &["test"]);
}

#[test]
fn one_ctrl_c_ends_the_wait_for_the_warehouse() {
    let sandbox = with_branch("SELECT 2 AS x");
    let other = duckdb::Connection::open(sandbox.warehouse()).unwrap();
    let running = Running::start(sandbox.vmesh_command(&["plan", "--yes"]));
    std::thread::sleep(Duration::from_millis(1_000));
    running.interrupt().fails(130);
    drop(other);
    sandbox.is_sound();
}

/// The processes of vmesh that stand in a folder.
fn at_work_in(folder: &Path) -> Vec<PathBuf> {
    let folder = folder.canonicalize().unwrap();
    let processes = std::fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    let link = |process: &Path, name: &str| std::fs::read_link(process.join(name)).unwrap_or_default();
    let is_ours = |process: &PathBuf| link(process, "exe").ends_with("vmesh") && link(process, "cwd") == folder;
    processes.filter(is_ours).collect()
}

#[test]
#[cfg(target_os = "linux")]
fn a_hook_ends_when_its_git_is_gone() {
    let sandbox = with_branch(ENDLESS);
    sandbox.git(&["-c", "core.hooksPath=/dev/null", "switch", "--quiet", "main"]).good();
    for signal in ["-TERM", "-KILL"] {
        let mut command = sandbox.command("git", &sandbox.path());
        let mut git = command.args(["switch", "stranger"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        wait_until("the hook", || !at_work_in(&sandbox.path()).is_empty());
        std::thread::sleep(Duration::from_millis(500));
        // git alone, as where its terminal is closed; a suite that runs in the background ignores SIGINT
        assert!(Command::new("kill").args([signal, &git.id().to_string()]).status().unwrap().success());
        let start = Instant::now();
        git.wait().unwrap();
        while !at_work_in(&sandbox.path()).is_empty() {
            assert!(start.elapsed() < SOON, "the hook goes on without git");
            std::thread::sleep(Duration::from_millis(20));
        }
        sandbox.git(&["-c", "core.hooksPath=/dev/null", "switch", "--quiet", "main"]).good();
    }
    assert_eq!(sandbox.snapshots(), 1);
    sandbox.is_sound();
}

#[test]
fn texts_that_would_hang_are_refused_with_their_limit() {
    let nested =
        |open: &str, close: &str, times: usize| format!("SELECT * FROM {}a{}", open.repeat(times), close.repeat(times));
    let cases = [
        (nested("(", ")", 20_000), "at most 100 brackets"),
        (format!("SELECT {}a FROM a", "a.".repeat(50_000)), "50 are the most"),
        (format!("SELECT 1 AS x{}", " UNION ALL SELECT 1".repeat(20_000)), "2000 are the most"),
        (format!("SELECT {}x{} FROM a", "CAST(".repeat(100_000), " AS INT)".repeat(100_000)), "at most 100 brackets"),
        (
            format!("SELECT {}x{} FROM a", "CASE WHEN ".repeat(100_000), " THEN 1 END".repeat(100_000)),
            "at most 100 brackets",
        ),
        (format!("SELECT {}x FROM a", "1 + ".repeat(100_000)), "5000 are the most"),
    ];
    let sandbox = with_branch("SELECT 2 AS x");
    for (text, limit) in cases {
        sandbox.model("b", &text);
        let start = Instant::now();
        for command in [&["plan", "--yes"][..], &["lint"], &["render", "b"]] {
            let err = sandbox.vmesh(command).fails(1);
            assert!(
                err.contains(limit) && err.contains("models/b.sql:1"),
                "{command:?}: {}",
                err.chars().take(600).collect::<String>()
            );
        }
        sandbox.vmesh(&["fmt"]);
        assert_eq!(sandbox.read("models/b.sql"), text, "fmt leaves alone what it can't read");
        assert!(start.elapsed() < Duration::from_secs(20), "{limit}: {:?}", start.elapsed());
    }
    assert_eq!(sandbox.rows("SELECT * FROM prod.a"), [["1"]]);
}

#[test]
fn a_pattern_of_deep_braces_is_no_panic() {
    let braces = format!("SELECT * FROM read_csv('{}a{}')", "{".repeat(250), "}".repeat(250));
    let sandbox = with_branch(&braces);
    for command in [&["plan", "--yes"][..], &["status"], &["lint"]] {
        let done = sandbox.vmesh(command);
        assert!(!done.err.contains("panicked"), "{}", done.err);
    }
    let done = sandbox.git(&["switch", "main"]);
    assert!(done.code == Some(0) && !done.err.contains("panicked"), "{}", done.err);
}

#[test]
fn a_fill_of_too_many_loads_is_refused_at_the_header() {
    let header = "MODEL (name b, kind INCREMENTAL_BY_TIME_RANGE (time_column ds, batch_size 1), cron '*/5 * * * *', start '0001-01-01');";
    let sandbox = with_branch(&format!("{header}\nSELECT @start_dt AS ds, 1 AS x"));
    let start = Instant::now();
    for command in [&["plan", "--yes"][..], &["status"]] {
        let err = sandbox.vmesh(command).fails(1);
        assert!(err.contains("`b` takes too many loads: 100000 are the most"), "{err}");
        assert!(err.contains("models/b.sql:1") && err.contains("batch_size") && err.contains("start"), "{err}");
    }
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}

/// A project whose main limits what may be taken, on a branch with one more model.
fn limited(limits: &str, model: &str) -> Sandbox {
    let sandbox = Sandbox::promoted(&[("a", "SELECT 1 AS x")]);
    sandbox.write("vmesh.toml", &format!("[hooks]\nbuild = \"inline\"\n[limits]\n{limits}\n"));
    sandbox.commit_quietly("limits");
    sandbox.git(&["switch", "--quiet", "--create", "stranger"]).good();
    sandbox.model("b", model);
    sandbox
}

#[test]
fn a_build_that_hits_a_limit_says_which_and_changes_nothing() {
    let large = "SELECT x, count(*) AS n, list(y) AS l FROM (SELECT random() AS x, range AS y FROM range(50000000)) GROUP BY ALL";
    let cases = [
        ("seconds = 1", ENDLESS, "it takes more than 1 s, the most that `seconds` of [limits] allows"),
        ("memory = \"100MB\"\ntemp = \"1MB\"", large, "of [limits] allows"),
    ];
    for (limits, model, sentence) in cases {
        let sandbox = limited(limits, model);
        let err = sandbox.vmesh(&["plan", "--yes"]).fails(1);
        assert!(err.contains(sentence) && err.contains("main's vmesh.toml"), "{err}");
        assert_eq!((sandbox.rows("SELECT * FROM prod.a"), sandbox.snapshots()), (vec![vec!["1".to_owned()]], 1));
        sandbox.is_sound();
    }
}

#[test]
fn a_unit_test_has_the_limits_too_and_a_branch_can_t_raise_them() {
    let sandbox = limited("seconds = 1", ENDLESS);
    sandbox.write("vmesh.toml", "[hooks]\nbuild = \"inline\"\n[limits]\nseconds = 0\n");
    sandbox.write("tests/test_b.yaml", "test_b:\n  model: b\n  inputs: {}\n  outputs:\n    query:\n    - {n: 1}\n");
    let done = sandbox.vmesh(&["test"]);
    assert!((done.out + &done.err).contains("it takes more than 1 s"), "limits are main's to say");
}

#[test]
fn what_a_terminal_would_obey_is_printed_as_its_number() {
    let sandbox = Sandbox::promoted(&[("a", "SELECT 1 AS x")]);
    let branch = "evil\u{202e}txt.\u{9b}31m";
    sandbox.git(&["switch", "--quiet", "--create", branch]).good();
    sandbox.model("b", "SELECT 2 AS x");
    sandbox.commit("b\u{9b}2J");
    let value = "SELECT chr(155) || '31m' || chr(8238) || chr(27) || '[8m' || chr(8203) AS \"v\u{202e}\"";
    let commands: [&[&str]; 7] =
        [&["status"], &["envs"], &["plan"], &["diff"], &["log"], &["query", value], &["plan", "no\u{202e}pe"]];
    for command in commands {
        let done = sandbox.vmesh(command);
        let all = done.out + &done.err;
        assert!(!all.contains(['\u{9b}', '\u{202e}', '\u{200b}', '\u{1b}']), "{command:?}: {all:?}");
    }
    let shown = sandbox.vmesh(&["query", value]).good();
    assert!(shown.contains("\\u{9b}31m\\u{202e}\\u{1b}[8m\\u{200b}"), "{shown}");
    let json = sandbox.vmesh(&["status", "--json"]).json();
    assert_eq!(json["branch"], branch);
    let said = sandbox.git(&["switch", "main"]).err + &sandbox.git(&["switch", branch]).err;
    let ours = said.lines().filter(|line| line.starts_with("vmesh"));
    ours.for_each(|line| assert!(!line.contains(['\u{9b}', '\u{202e}']), "{line:?}"));
}
