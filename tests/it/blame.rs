//! Who changed what a column means, told by Git alone.

use crate::support::Sandbox;

fn shop() -> Sandbox {
    Sandbox::with_models(&[
        ("orders", "SELECT id, amount, status FROM source.orders"),
        ("totals", "SELECT id, sum(amount) AS total, max(status) AS status FROM orders GROUP BY id"),
        ("report", "SELECT id, total * 2 AS twice FROM totals"),
    ])
}

fn commit(sandbox: &Sandbox, model: &str, query: &str, message: &str) {
    sandbox.model(model, query);
    sandbox.git(&["commit", "--quiet", "--all", "--no-verify", "-m", message]).good();
}

/// The subjects of the commits that a log tells, the newest first.
fn log(sandbox: &Sandbox, subject: &str) -> Vec<String> {
    let told = sandbox.vmesh(&["log", subject, "--format", "json"]).json();
    told.as_array().unwrap().iter().map(|entry| entry["subject"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_edit_is_found_wherever_above_it_was() {
    let sandbox = shop();
    let first = log(&sandbox, "report");
    assert_eq!(first.len(), 1, "{first:?}");
    commit(&sandbox, "orders", "SELECT id, amount + 1 AS amount, status FROM source.orders", "one more");
    commit(&sandbox, "orders", "SELECT id, amount + 1 AS amount, upper(status) AS status FROM source.orders", "loud");
    commit(&sandbox, "report", "SELECT id, total * 2 AS twice /* why */ FROM totals", "a comment");
    assert_eq!(log(&sandbox, "report.twice"), ["one more", &first[0]]);
    assert_eq!(log(&sandbox, "totals.status"), ["loud", &first[0]]);
    assert_eq!(log(&sandbox, "totals"), ["loud", "one more", &first[0]]);
    let told = sandbox.vmesh(&["blame", "REPORT.Twice"]).good();
    for part in ["one more", "in orders", "+ SELECT id, amount + 1 AS amount, status"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let told = sandbox.vmesh(&["blame", "totals.status", "HEAD~2", "--format", "json"]).json();
    assert_eq!((&told["first"], &told["subject"]), (&true.into(), &first[0].as_str().into()));
    let error = sandbox.vmesh(&["blame", "report.twise"]).fails(1);
    assert!(error.contains("did you mean `report.twice`?"), "{error}");
    let error = sandbox.vmesh(&["blame", "report", "nowhere"]).fails(1);
    assert!(error.contains("`nowhere` is no branch, tag or commit"), "{error}");
}

#[test]
fn merges_reverts_and_broken_commits_are_followed() {
    let sandbox = shop();
    let first = log(&sandbox, "report").remove(0);
    sandbox.git(&["switch", "--quiet", "-c", "side"]).good();
    commit(
        &sandbox,
        "totals",
        "SELECT id, sum(amount) + 5 AS total, max(status) AS status FROM orders GROUP BY id",
        "five",
    );
    sandbox.git(&["switch", "--quiet", "-"]).good();
    commit(&sandbox, "orders", "SELECT id, amount, lower(status) AS status FROM source.orders", "quiet");
    sandbox.git(&["merge", "--quiet", "--no-edit", "side"]).good();
    assert_eq!(log(&sandbox, "report.twice"), ["five", &first], "a merge changes nothing itself");
    commit(&sandbox, "report", "SELECT id, total * 3 AS twice FROM totals", "thrice");
    commit(&sandbox, "report", "SELECT id, total * FROM", "broken");
    commit(&sandbox, "report", "SELECT id, total * 2 AS twice FROM totals", "twice again");
    assert_eq!(log(&sandbox, "report.twice"), ["twice again", "thrice", "five", &first]);
}
