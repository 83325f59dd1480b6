//! Two worktrees, two people in a hurry, builds in the background, and processes that die: in the end each environment
//! shows what a build from scratch shows, and gc leaves nothing behind.

use std::path::Path;

use crate::support::Sandbox;
use crate::support::random::{Dice, MODELS, models, query, shown};
use crate::support::truth;

/// Moments at which a vmesh process is killed now and then.
const MOMENTS: [&str; 6] = ["publish:begin", "publish:views", "publish:records", "publish:done", "build:1", "built:1"];

/// How much each of the two does; a long run sets `VMESH_STRESS_ROUNDS`.
fn rounds() -> usize {
    std::env::var("VMESH_STRESS_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(25)
}

/// One thing that someone does in a working tree. Most of it may fail: the branch is checked out elsewhere, there is
/// nothing to merge, the warehouse is taken.
fn act(sandbox: &Sandbox, folder: &Path, dice: &mut Dice) {
    let branch = ["main", "a", "b", "c", "d"][dice.roll(5)];
    let script = match dice.roll(14) {
        0..=4 => {
            let number = dice.roll(MODELS);
            std::fs::write(folder.join(format!("models/m{number}.sql")), query(number, dice)).unwrap();
            ["git commit -q -a -m edit", "git stash -q; git stash pop -q", "vmesh plan --yes"][dice.roll(5).min(2)]
                .to_owned()
        }
        5..=7 => format!("git switch -q {branch} || git switch -q -c {branch} main"),
        8 => format!("git merge -q --no-edit -X theirs {branch} || git merge --abort"),
        9 => "git rebase -q -X theirs main || git rebase --abort".to_owned(),
        10 => "git reset -q --hard HEAD~1".to_owned(),
        11 if branch != "main" => format!("git branch -q -D {branch}"),
        12 => {
            ["vmesh promote --yes", "vmesh rollback --yes", "vmesh status", "vmesh gc --yes"][dice.roll(4)].to_owned()
        }
        _ => {
            let progress = sandbox.path().join(".git/vmesh/worker.json");
            let text = std::fs::read_to_string(progress).unwrap_or_default();
            let pid = text.split("\"pid\":").nth(1).and_then(|rest| rest.split([',', '}']).next()).unwrap_or_default();
            format!("kill -9 {pid}")
        }
    };
    let kill = if dice.roll(6) == 0 { MOMENTS[dice.roll(MOMENTS.len())] } else { "" };
    sandbox.shell_in(folder, &format!("export VMESH_TEST_KILL_AT={kill}; {script}"));
}

#[test]
fn two_worktrees_in_a_hurry_end_in_step() {
    let first = models(&mut Dice(99));
    let models: Vec<(&str, &str)> = first.iter().map(|(name, sql)| (name.as_str(), sql.as_str())).collect();
    let sandbox = Sandbox::nested().filled(&models);
    sandbox.vmesh(&["promote", "--yes"]).good();
    sandbox.write("vmesh.toml", "[hooks]\nbuild = \"background\"\n");
    sandbox.commit("in the background");
    let other = sandbox.path().join("../other").to_str().unwrap().to_owned();
    sandbox.git(&["worktree", "add", "--quiet", "-b", "a", &other]).good();
    let folders = [sandbox.path(), sandbox.path().join("../other")];
    std::thread::scope(|scope| {
        for (number, folder) in folders.iter().enumerate() {
            let sandbox = &sandbox;
            scope.spawn(move || {
                let mut dice = Dice(number as u64 + 1);
                (0..rounds()).for_each(|_| act(sandbox, folder, &mut dice));
            });
        }
    });
    let clean =
        "git rebase --abort 2>/dev/null; git merge --abort 2>/dev/null; git reset -q --hard; rm -f .git/index.lock";
    sandbox.shell_in(&folders[1], &format!("{clean}; git checkout -q --detach"));
    sandbox.shell(clean);
    sandbox.rest();
    let branches = sandbox.git(&["for-each-ref", "--format=%(refname:short)", "refs/heads"]).good();
    for branch in branches.lines() {
        sandbox.git(&["switch", "--quiet", branch]).good();
        sandbox.rest();
        let schema = if branch == "main" {
            sandbox.vmesh(&["promote", "--yes", "--allow-rewind"]).good();
            "prod".to_owned()
        } else {
            sandbox.vmesh(&["plan", "--yes"]).good();
            format!("dev__{branch}")
        };
        assert_eq!(shown(&sandbox, &schema), truth::of_files(&sandbox.path()), "{branch}");
    }
    sandbox.vmesh(&["gc", "--yes"]).good();
    sandbox.is_sound();
    let known = sandbox.rows("SELECT branch FROM vmesh_state.environments ORDER BY branch").concat();
    assert_eq!(known, branches.lines().collect::<Vec<_>>());
    let schemas = "SELECT count(*) FROM duckdb_schemas() WHERE schema_name LIKE 'dev__%' \
                   AND schema_name NOT IN (SELECT name FROM vmesh_state.environments)";
    assert_eq!(sandbox.value(schemas), "0");
    let unneeded = "WITH needed AS (SELECT table_name FROM vmesh_state.moved UNION SELECT table_name FROM vmesh_state.pointers \
                    UNION SELECT unnest(string_split(parents, ' ')) FROM vmesh_state.tables WHERE kind = 'VIEW') \
                    SELECT coalesce(string_agg(table_name, ' '), '') FROM duckdb_tables() WHERE schema_name = 'vmesh_snapshots' \
                    AND table_name NOT IN (SELECT table_name FROM needed WHERE table_name IS NOT NULL)";
    assert_eq!(sandbox.value(unneeded), "", "nothing needs these tables");
}
