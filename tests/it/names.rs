//! Branches of any name that Git takes: each has an environment of its own, and none touches another's.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::Sandbox;
use crate::support::random::Dice;

/// Names that mean something to SQL, to a shell, to vmesh or to nobody.
const ODD: [&str; 30] = [
    "prod",
    "PROD",
    "vmesh_state",
    "vmesh_snapshots",
    "information_schema",
    "dev__a",
    "alice",
    "Alice",
    "ALICE",
    "a/b-c",
    "a/b_c",
    "a__b_c",
    "a-b/c",
    "staging",
    "a'b",
    "a\"b",
    "x;DROP-SCHEMA-prod",
    "$HOME",
    "`id`",
    "50%",
    "a&b|c",
    "(x)",
    "select",
    "1",
    "_",
    "é",
    "e\u{301}",
    "分支",
    "a\u{2028}b",
    "🦆",
];

/// A name put together from pieces that are easily taken for one another.
fn generated(dice: &mut Dice) -> String {
    const PIECES: [&str; 16] =
        ["a", "A", "_", "__", "-", "x", "0", "'", "\"", ";", "é", "ß", "/q", "/Q", "\u{a0}", "="];
    let length = 2 + dice.roll(5);
    (0..length).map(|_| PIECES[dice.roll(PIECES.len())]).collect()
}

#[test]
fn each_has_its_own_environment() {
    let sandbox = Sandbox::promoted(&[("marker", "SELECT -1 AS n")]);
    sandbox.vmesh(&["hooks", "uninstall"]).good();
    let mut dice = Dice(7);
    let mut names: BTreeSet<String> = ODD.iter().map(|name| (*name).to_owned()).collect();
    names.extend([format!("{}y", "long-".repeat(48)), format!("{}z", "long-".repeat(48)), "ü".repeat(120)]);
    names.extend((0..20).map(|_| generated(&mut dice)));
    let mut made = BTreeMap::new();
    for (number, name) in names.into_iter().enumerate() {
        // what Git refuses is no branch, nor is one below another
        if sandbox.git(&["switch", "--quiet", "--create", &name, "main"]).code != Some(0) {
            continue;
        }
        sandbox.model("marker", &format!("SELECT {number} AS n"));
        sandbox.commit("marker");
        sandbox.vmesh(&["plan", "--yes"]).good();
        made.insert(name, number);
    }
    assert!(made.len() > 40, "Git took only {}", made.len());
    let shows_its_own = |made: &BTreeMap<String, usize>| {
        assert_eq!(sandbox.value("SELECT count(*) FROM vmesh_state.environments"), (made.len() + 1).to_string());
        assert_eq!(sandbox.value("SELECT n FROM prod.marker"), "-1");
        let views = "SELECT count(*) FROM duckdb_views() WHERE view_name = 'marker'";
        assert_eq!(sandbox.value(views), (made.len() + 1).to_string());
        let environments = sandbox.rows("SELECT name, branch FROM vmesh_state.environments WHERE name <> 'prod'");
        for [environment, branch] in environments.iter().map(|row| [&row[0], &row[1]]) {
            let out = sandbox.vmesh(&["query", "SELECT n FROM marker", "--env", environment, "--format", "csv"]).good();
            assert_eq!(out, format!("n\n{}\n", made[branch]), "{branch}");
        }
    };
    shows_its_own(&made);
    sandbox.git(&["switch", "--quiet", "main"]).good();
    for name in made.keys().cloned().collect::<Vec<_>>().iter().step_by(2) {
        sandbox.git(&["branch", "--quiet", "-D", "--", name]).good();
        made.remove(name);
    }
    sandbox.vmesh(&["gc", "--yes"]).good();
    shows_its_own(&made);
    sandbox.is_sound();
}
