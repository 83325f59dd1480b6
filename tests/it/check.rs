//! `vmesh check`: a question asked of a commit, and of all commits by `git bisect run`.

use crate::support::Sandbox;

const NEGATIVE: &str = "SELECT * FROM totals WHERE total < 0";

/// A history of `orders` without hooks: the fourth commit makes amounts negative, the second can't be read.
fn history() -> (Sandbox, Vec<String>) {
    let models = [
        ("orders", "SELECT id, 10 AS amount FROM generate_series(0, 2) t(id)"),
        ("totals", "MODEL (kind VIEW);\nSELECT sum(amount) AS total FROM orders"),
        ("other", "SELECT 1 AS x"),
    ];
    let sandbox = Sandbox::promoted(&models);
    sandbox.vmesh(&["hooks", "uninstall"]);
    let mut commits = vec![sandbox.git(&["rev-parse", "HEAD"]).good().trim().to_owned()];
    for (name, text) in [
        ("other", "SELECT 2 AS x FROM (SELECT"),
        ("other", "SELECT 2 AS x"),
        ("orders", "SELECT id, 10 - id * 20 AS amount FROM generate_series(0, 2) t(id)"),
        ("other", "SELECT 3 AS x"),
        ("totals", "MODEL (kind VIEW);\nSELECT sum(amount) AS total, count(*) AS n FROM orders"),
    ] {
        sandbox.model(name, text);
        sandbox.git(&["add", "--all"]).good();
        sandbox.git(&["commit", "--quiet", "--no-verify", "-m", text]).good();
        commits.push(sandbox.git(&["rev-parse", "HEAD"]).good().trim().to_owned());
    }
    (sandbox, commits)
}

#[test]
fn a_commit_is_asked() {
    let (sandbox, commits) = history();
    let told = sandbox.vmesh(&["check", NEGATIVE, "--at", &commits[2]]).good();
    assert!(told.starts_with(&format!("holds at {}: no row", &commits[2][..8])), "{told}");
    let found = sandbox.vmesh(&["check", NEGATIVE, "--at", &commits[3], "--format", "json"]);
    assert_eq!(found.code, Some(1), "{}", found.err);
    let found: serde_json::Value = serde_json::from_str(&found.out).unwrap();
    assert_eq!((&found["holds"], &found["rows"][0][0]), (&false.into(), &"-30".into()));
    assert_eq!(found["built"], serde_json::json!(["orders", "totals"]), "and nothing else");
    let again = sandbox.vmesh(&["check", NEGATIVE, "--at", &commits[3]]);
    assert!(again.code == Some(1) && !again.out.contains("built"), "{}", again.out);
    // the files as they are, whatever is committed
    sandbox.model("orders", "SELECT 1 AS id, 7 AS amount");
    let told = sandbox.vmesh(&["check", NEGATIVE]).good();
    assert!(told.starts_with("holds at the working tree"), "{told}");
    // nothing that anyone sees has moved
    assert_eq!(sandbox.rows("SELECT total FROM prod.totals"), [["30"]]);
    assert_eq!(sandbox.rows("SELECT count(*) FROM vmesh_state.environments"), [["1"]]);
    sandbox.vmesh(&["gc", "--yes"]).good();
    assert_eq!(sandbox.value("SELECT count(*) FROM vmesh_state.tables"), "3");
    sandbox.is_sound();
}

#[test]
fn what_cannot_be_told_is_skipped() {
    let (sandbox, commits) = history();
    for sql in ["SELECT * FROM totals WHERE nonsense < 0", "SELEC", "DROP TABLE totals", "SELECT * FROM nothing"] {
        let told = sandbox.vmesh(&["check", sql]).fails(125);
        assert!(told.contains("git bisect skips it"), "{sql}: {told}");
    }
    let told = sandbox.vmesh(&["check", NEGATIVE, "--at", &commits[1]]).fails(125);
    assert!(told.contains("models/other.sql"), "{told}");
    sandbox.vmesh(&["check", NEGATIVE, "--at", "nowhere"]).fails(125);
    let told = sandbox.vmesh(&["query", "SELECT * FROM totals", "--at", &commits[3]]).fails(1);
    assert!(told.contains("is not built in") && told.contains("vmesh check --at"), "{told}");
    sandbox.vmesh(&["check", NEGATIVE, "--at", &commits[3]]).fails(1);
    assert!(sandbox.vmesh(&["query", "SELECT * FROM totals", "--at", &commits[3]]).good().contains("-30"));
}

#[test]
fn bisect_finds_the_commit() {
    let (sandbox, commits) = history();
    sandbox.git(&["bisect", "start", "HEAD", &commits[0]]).good();
    let vmesh = sandbox.vmesh_command(&[]).get_program().to_str().unwrap().to_owned();
    let found = sandbox.git(&["bisect", "run", &vmesh, "check", NEGATIVE]);
    let text = format!("{}{}", found.out, found.err);
    assert!(text.contains(&format!("{} is the first bad commit", commits[3])), "{text}");
    sandbox.git(&["bisect", "reset"]).good();
    sandbox.is_sound();
}
