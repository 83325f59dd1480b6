//! Every way that Git moves, as a table: what someone does, what the hooks say, what the environment shows after it, and
//! what had to be built. Whatever the hooks can't hear is made good by the next command.
//!
//! Each row begins in the same world: `main` (total 60), `alice` (total 100), `carol` (total 61, in conflict with
//! alice) and `bob` (another model, total 60), all with their environments, and hooks that build inline.

use std::sync::OnceLock;

use crate::support::{CHAIN, Done, Sandbox};

/// One row of the table.
#[derive(Clone, Copy)]
struct Row {
    /// What it is called.
    event: &'static str,
    /// The branch checked out at first, and what else is true before.
    given: &'static str,
    /// What is done.
    run: &'static str,
    /// What the hooks say, without their `vmesh: `; commits are written `#`.
    says: &'static [&'static str],
    /// The environment that is looked at.
    environment: &'static str,
    /// The total that it shows when git is done; empty: the environment does not exist.
    shows: &'static str,
    /// How many tables were built.
    built: usize,
    /// How often the environment was published.
    published: u64,
    /// The total once `vmesh status` was asked, where the hooks could not hear the event.
    next: Option<&'static str>,
}

const ROW: Row = Row {
    event: "",
    given: "git switch -q main",
    run: "",
    says: &[],
    environment: "prod",
    shows: "60",
    built: 0,
    published: 0,
    next: None,
};

/// A row on alice's branch, whose environment shows 100.
const ALICE: Row = Row { given: "git switch -q alice", environment: "dev__alice", shows: "100", ..ROW };

const GREETS_MAIN: &str = "prod · in step · 4 models";
const GREETS_ALICE: &str = "dev__alice · in step · 4 models, 2 its own, 2 shared with prod";

/// Changing the branch.
const BRANCHES: &[Row] = &[
    Row {
        event: "switch",
        run: "git switch -q alice",
        says: &[GREETS_ALICE],
        environment: "dev__alice",
        shows: "100",
        ..ROW
    },
    Row {
        event: "checkout",
        run: "git checkout -q alice",
        says: &[GREETS_ALICE],
        environment: "dev__alice",
        shows: "100",
        ..ROW
    },
    Row {
        event: "checkout -b",
        run: "git checkout -q -b new",
        says: &["dev__new · 4 models, all shared with prod · nothing to build"],
        environment: "dev__new",
        published: 1,
        ..ROW
    },
    Row {
        event: "checkout -",
        run: "git checkout -q main; git checkout -q -",
        says: &[GREETS_MAIN, GREETS_ALICE],
        ..ALICE
    },
    Row {
        event: "checkout -b from another branch's commit",
        run: "git checkout -q -b new alice",
        says: &["dev__new · 4 models, 2 its own, 2 shared with prod · nothing to build"],
        environment: "dev__new",
        shows: "100",
        published: 1,
        ..ROW
    },
    Row { event: "checkout of the same branch again", run: "git checkout -q alice", says: &[GREETS_ALICE], ..ALICE },
    Row { event: "checkout of a file", run: "git checkout -q -- models", ..ALICE },
    Row {
        event: "checkout of another branch's file",
        run: "git checkout -q main -- models/marts/totals.sql",
        says: &["dev__alice · 4 models, all shared with prod · nothing to build"],
        shows: "60",
        published: 1,
        ..ALICE
    },
    Row { event: "detached", run: "git checkout -q --detach", ..ALICE },
    Row { event: "detached at another commit", run: "git checkout -q main~0", ..ALICE },
    Row {
        event: "checkout of a tag",
        given: "git switch -q alice; git tag v1 main",
        run: "git checkout -q v1",
        ..ALICE
    },
    Row { event: "a tag", run: "git tag v1; git tag -a v2 -m two", ..ALICE },
    Row { event: "an orphan", run: "git checkout -q --orphan fresh", environment: "dev__fresh", shows: "", ..ROW },
    Row {
        event: "a switch that carries an edit along",
        given: "git switch -q main; sed -i 's/, total/, total + 5 AS total/' models/marts/report.sql",
        run: "git switch -q bob",
        says: &["dev__bob · 4 models, 2 its own, 2 shared with prod · built marts.report"],
        environment: "dev__bob",
        shows: "65",
        built: 1,
        published: 1,
        ..ROW
    },
    Row {
        event: "two branches that differ in case only",
        run: "git checkout -q -b Alice main",
        says: &["dev__alice_x7a0a83f48b0f · 4 models, all shared with prod · nothing to build"],
        ..ALICE
    },
    Row { event: "branch", run: "git branch new", ..ALICE },
    Row { event: "branch -m", run: "git branch -m alicia", next: Some(""), ..ALICE },
    Row {
        event: "branch -m, the new name",
        run: "git branch -m alicia",
        environment: "dev__alicia",
        shows: "",
        next: Some("100"),
        ..ALICE
    },
    Row {
        event: "branch -m of another branch",
        run: "git branch -m alice alicia; git switch -q alicia",
        says: &["dev__alicia · 4 models, 2 its own, 2 shared with prod · nothing to build"],
        environment: "dev__alicia",
        shows: "100",
        published: 1,
        ..ROW
    },
    Row { event: "branch -D", run: "git branch -q -D alice", environment: "dev__alice", shows: "100", ..ROW },
    Row {
        event: "branch -D, then gc",
        run: "git branch -q -D alice; vmesh gc --yes",
        environment: "dev__alice",
        shows: "",
        ..ROW
    },
    Row {
        event: "branch -f, then switch",
        run: "git branch -f alice main; git switch -q alice",
        says: &["dev__alice · 4 models, all shared with prod · nothing to build"],
        environment: "dev__alice",
        published: 1,
        ..ROW
    },
    Row {
        event: "update-ref",
        run: "git update-ref refs/heads/alice main",
        environment: "dev__alice",
        shows: "100",
        ..ROW
    },
    Row { event: "gc", run: "git gc -q --prune=now", ..ALICE },
    Row { event: "pack-refs", run: "git pack-refs --all --prune", ..ALICE },
    Row {
        event: "symbolic-ref",
        run: "git symbolic-ref HEAD refs/heads/bob; git reset -q --hard",
        environment: "dev__bob",
        shows: "60",
        ..ALICE
    },
];

/// Making commits.
const COMMITS: &[Row] = &[
    Row {
        event: "a commit",
        given: "git switch -q alice; sed -i 's/40/41/' models/marts/totals.sql",
        run: "git commit -q -a -m 41",
        says: &["dev__alice · 4 models, 2 its own, 2 shared with prod · built marts.totals, marts.report"],
        shows: "101",
        built: 2,
        published: 1,
        ..ALICE
    },
    Row { event: "a commit of something else", run: "git commit -q --allow-empty -m empty", published: 1, ..ALICE },
    Row {
        event: "a comment",
        given: "git switch -q alice; echo '-- why' >> models/marts/totals.sql",
        run: "git commit -q -a -m comment",
        published: 1,
        ..ALICE
    },
    Row { event: "amend of the message", run: "git commit -q --amend -m again", published: 1, ..ALICE },
    Row {
        event: "amend of a model",
        given: "git switch -q alice; sed -i 's/40/42/' models/marts/totals.sql",
        run: "git commit -q -a --amend --no-edit",
        says: &["dev__alice · 4 models, 2 its own, 2 shared with prod · built marts.totals, marts.report"],
        shows: "102",
        built: 2,
        published: 1,
        ..ALICE
    },
    Row {
        event: "a commit on main",
        given: "git switch -q main; sed -i 's/)/) + 7/' models/marts/totals.sql",
        run: "git commit -q -a -m 67",
        says: &["prod shows # · 2 pointers swapped, built marts.totals, marts.report · back: vmesh rollback"],
        shows: "67",
        built: 2,
        published: 1,
        ..ROW
    },
    Row {
        event: "cherry-pick",
        given: "git switch -q -c new main",
        run: "git cherry-pick alice >/dev/null",
        says: &["dev__new · 4 models, 2 its own, 2 shared with prod · nothing to build"],
        environment: "dev__new",
        shows: "100",
        published: 1,
        ..ROW
    },
    Row { event: "cherry-pick with conflicts", run: "git cherry-pick carol >/dev/null 2>&1 || true", ..ALICE },
    Row {
        event: "cherry-pick with conflicts, aborted",
        given: "git switch -q alice; git cherry-pick carol >/dev/null 2>&1 || true",
        run: "git cherry-pick --abort",
        ..ALICE
    },
    Row {
        event: "revert",
        run: "git revert --no-edit HEAD >/dev/null",
        says: &["dev__alice · 4 models, all shared with prod · nothing to build"],
        shows: "60",
        published: 1,
        ..ALICE
    },
    Row { event: "reset --hard", run: "git reset -q --hard HEAD~1", next: Some("60"), ..ALICE },
    Row { event: "reset --soft", run: "git reset -q --soft HEAD~1", ..ALICE },
    Row { event: "restore --staged", run: "git restore --staged .", ..ALICE },
    Row {
        event: "stash",
        given: "git switch -q alice; sed -i 's/40/41/' models/marts/totals.sql; vmesh plan --yes >/dev/null 2>&1",
        run: "git stash -q",
        shows: "101",
        next: Some("100"),
        ..ALICE
    },
    Row {
        event: "update-ref of the current branch",
        run: "git update-ref refs/heads/alice main; git reset -q --hard",
        next: Some("60"),
        ..ALICE
    },
];

/// Merging and rebasing.
const MERGES: &[Row] = &[
    Row {
        event: "merge, fast-forward",
        run: "git merge -q alice",
        says: &["prod shows # · 2 pointers swapped, nothing to build · back: vmesh rollback"],
        shows: "100",
        published: 1,
        ..ROW
    },
    Row {
        event: "merge, no fast-forward",
        run: "git merge -q --no-ff --no-edit alice",
        says: &["prod shows # · 2 pointers swapped, nothing to build · back: vmesh rollback"],
        shows: "100",
        published: 1,
        ..ROW
    },
    Row { event: "merge --squash", run: "git merge -q --squash alice >/dev/null", ..ROW },
    Row {
        event: "merge --squash, committed",
        given: "git switch -q main; git merge -q --squash alice >/dev/null",
        run: "git commit -q -m squashed",
        says: &["prod shows # · 2 pointers swapped, nothing to build · back: vmesh rollback"],
        shows: "100",
        published: 1,
        ..ROW
    },
    Row { event: "merge --no-commit", run: "git merge -q --no-commit --no-ff alice", ..ROW },
    Row { event: "merge with nothing new", run: "git merge -q main", ..ALICE },
    Row { event: "merge with conflicts", run: "git merge -q carol >/dev/null 2>&1 || true", ..ALICE },
    Row {
        event: "merge with conflicts, aborted",
        given: "git switch -q alice; git merge -q carol >/dev/null 2>&1 || true",
        run: "git merge --abort",
        ..ALICE
    },
    Row {
        event: "merge with conflicts, resolved",
        given: "git switch -q alice; git merge -q carol >/dev/null 2>&1 || true",
        run: "git checkout -q --theirs models && git commit -q -a --no-edit",
        says: &["dev__alice · 4 models, 2 its own, 2 shared with prod · nothing to build"],
        shows: "61",
        published: 1,
        ..ALICE
    },
    Row {
        event: "an octopus",
        run: "git merge -q --no-edit alice bob",
        says: &["prod shows # · 3 pointers swapped, nothing to build · back: vmesh rollback"],
        shows: "100",
        published: 1,
        ..ROW
    },
    Row {
        event: "rebase",
        given: "git switch -q main; git merge -q --no-ff --no-edit bob 2>/dev/null; git switch -q alice",
        run: "git rebase -q main",
        says: &["dev__alice · 4 models, 2 its own, 2 shared with prod · nothing to build"],
        published: 1,
        ..ALICE
    },
    Row {
        event: "rebase of several commits",
        given: "git switch -q main; git merge -q --no-ff --no-edit bob 2>/dev/null; git switch -q alice; \
                sed -i 's/40/41/' models/marts/totals.sql; git commit -q -a -m 41; \
                sed -i 's/41/42/' models/marts/totals.sql; git commit -q -a -m 42",
        run: "git rebase -q main",
        says: &["dev__alice · 4 models, 2 its own, 2 shared with prod · nothing to build"],
        shows: "102",
        published: 1,
        ..ALICE
    },
    Row {
        event: "rebase --apply",
        given: "git switch -q main; git merge -q --no-ff --no-edit bob 2>/dev/null; git switch -q alice",
        // whatever is left of it when the hook runs is left to the background
        run: "git rebase -q --apply main; \
              while ls .git/vmesh/queue | grep -q -e json -e working; do sleep 0.05; done",
        published: 1,
        ..ALICE
    },
    Row {
        event: "rebase, interactive",
        given: "git switch -q main; git merge -q --no-ff --no-edit bob 2>/dev/null; git switch -q alice",
        run: "GIT_SEQUENCE_EDITOR='sed -i s/^pick/reword/' git rebase -q -i main",
        says: &["dev__alice · 4 models, 2 its own, 2 shared with prod · nothing to build"],
        published: 1,
        ..ALICE
    },
    Row {
        event: "rebase, stopped to edit",
        run: "GIT_SEQUENCE_EDITOR='sed -i s/^pick/edit/' git rebase -q -i HEAD~1 2>/dev/null",
        ..ALICE
    },
    Row { event: "rebase with conflicts", run: "git rebase -q carol >/dev/null 2>&1 || true", ..ALICE },
    Row {
        event: "rebase with conflicts, aborted",
        given: "git switch -q alice; git rebase -q carol >/dev/null 2>&1 || true",
        run: "git rebase --abort",
        ..ALICE
    },
    Row {
        event: "rebase with conflicts, resolved",
        given: "git switch -q alice; git rebase -q carol >/dev/null 2>&1 || true",
        run: "git checkout -q --theirs models && git add models && git rebase --continue >/dev/null",
        published: 1,
        ..ALICE
    },
    Row {
        event: "rebase that skips all",
        given: "git switch -q main; git merge -q --no-ff --no-edit bob 2>/dev/null; git cherry-pick alice >/dev/null 2>&1; git switch -q alice",
        run: "git rebase -q main 2>/dev/null",
        next: Some("100"),
        ..ALICE
    },
];

/// Other clones and other working trees. `origin` has a commit on main (total 66) that this clone has not.
const TEAM: &[Row] = &[
    Row { event: "fetch", run: "git fetch -q origin", ..ROW },
    Row {
        event: "pull, fast-forward",
        run: "git pull -q --ff-only origin main",
        says: &["prod shows # · 2 pointers swapped, built marts.totals, marts.report · back: vmesh rollback"],
        shows: "66",
        built: 2,
        published: 1,
        ..ROW
    },
    Row {
        event: "pull --rebase",
        given: "git switch -q bob",
        run: "git pull -q --rebase origin main",
        says: &["dev__bob · 4 models, 3 its own, 1 shared with prod · built marts.totals, marts.report"],
        environment: "dev__bob",
        shows: "66",
        built: 2,
        published: 1,
        ..ROW
    },
    Row { event: "fetch into main", run: "git fetch -q origin main:main", given: "git switch -q alice", ..ROW },
    Row { event: "push", run: "git push -q origin alice", ..ALICE },
    Row {
        event: "worktree add",
        run: "git worktree add -q ../work alice",
        says: &[GREETS_ALICE],
        environment: "dev__alice",
        shows: "100",
        ..ROW
    },
    Row {
        event: "worktree add -b",
        run: "git worktree add -q -b new ../work alice",
        says: &["dev__new · 4 models, 2 its own, 2 shared with prod · nothing to build"],
        environment: "dev__new",
        shows: "100",
        published: 1,
        ..ROW
    },
    Row {
        event: "a commit in a worktree",
        given: "git switch -q main; git worktree add -q ../work alice 2>/dev/null; sed -i 's/40/43/' ../work/models/marts/totals.sql",
        run: "git -C ../work commit -q -a -m 43",
        says: &["dev__alice · 4 models, 2 its own, 2 shared with prod · built marts.totals, marts.report"],
        environment: "dev__alice",
        shows: "103",
        built: 2,
        published: 1,
        ..ROW
    },
    Row {
        event: "worktree remove",
        given: "git switch -q main; git worktree add -q ../work alice 2>/dev/null",
        run: "git worktree remove ../work",
        environment: "dev__alice",
        shows: "100",
        ..ROW
    },
    Row { event: "clone, which has no hooks", run: "git clone -q . ../clone", ..ROW },
    Row {
        event: "bisect",
        run: "git bisect start HEAD HEAD~1 >/dev/null; git bisect bad >/dev/null 2>&1 || true",
        ..ALICE
    },
    Row {
        event: "bisect reset",
        given: "git switch -q alice; git bisect start HEAD HEAD~1 >/dev/null",
        run: "git bisect reset >/dev/null",
        says: &[GREETS_ALICE],
        ..ALICE
    },
    Row {
        event: "submodule add",
        run: "git -c protocol.file.allow=always submodule --quiet add $PWD/../origin.git vendor 2>/dev/null",
        ..ALICE
    },
    Row { event: "sparse checkout", run: "git sparse-checkout set --cone nothing", ..ALICE },
    Row {
        event: "a switch in a sparse checkout",
        given: "git switch -q main; git sparse-checkout set --cone nothing",
        run: "git switch -q alice",
        says: &[GREETS_ALICE],
        environment: "dev__alice",
        shows: "100",
        ..ROW
    },
    Row {
        event: "switched off",
        run: "VMESH_SKIP=1 git switch -q -c new",
        environment: "dev__new",
        shows: "",
        next: Some("60"),
        ..ROW
    },
];

#[test]
fn changing_the_branch() {
    play(BRANCHES);
}

#[test]
fn making_commits() {
    play(COMMITS);
}

#[test]
fn merging_and_rebasing() {
    play(MERGES);
}

#[test]
fn other_clones_and_worktrees() {
    play(TEAM);
}

/// What Git 3 makes of a new repository, and what libgit2 can't read.
const GIT_3: &[&str] = &["--ref-format=reftable", "--object-format=sha256"];

#[test]
fn changing_the_branch_and_making_commits_with_git_3() {
    static WORLD: OnceLock<Sandbox> = OnceLock::new();
    play_in(|| copy_of_world(&WORLD, GIT_3), &[BRANCHES, COMMITS].concat());
}

#[test]
fn merging_and_working_together_with_git_3() {
    static WORLD: OnceLock<Sandbox> = OnceLock::new();
    play_in(|| copy_of_world(&WORLD, GIT_3), &[MERGES, TEAM].concat());
}

fn play(rows: &[Row]) {
    static WORLD: OnceLock<Sandbox> = OnceLock::new();
    play_in(|| copy_of_world(&WORLD, &[]), rows);
}

/// Plays all rows, and tells of all that went otherwise.
fn play_in(world: impl Fn() -> Sandbox, rows: &[Row]) {
    let wrong: Vec<String> = rows.iter().filter_map(|row| play_one(world(), row).err()).collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

fn play_one(world: Sandbox, row: &Row) -> Result<(), String> {
    let shell = |script: &str| world.shell(script);
    shell(row.given);
    let (tables, generation) = (world.snapshots(), generation(&world, row.environment));
    let done = shell(row.run);
    let mut wrong = Vec::new();
    let mut expect = |what: &str, found: String, wanted: String| {
        if found != wanted {
            wrong.push(format!("  {what}: {found:?}, not {wanted:?}"));
        }
    };
    expect("exit code", format!("{:?}", done.code), "Some(0)".to_owned());
    let says: Vec<String> = row.says.iter().map(|line| format!("vmesh: {line}")).collect();
    expect("says", said(&done), says.join("\n"));
    expect("shows", total(&world, row.environment), row.shows.to_owned());
    if !row.shows.is_empty() {
        expect("built", (world.snapshots() - tables.min(world.snapshots())).to_string(), row.built.to_string());
        let moved = self::generation(&world, row.environment) - generation;
        expect("published", moved.to_string(), row.published.to_string());
    }
    let head = shell("git symbolic-ref -q HEAD || echo detached").out;
    shell("vmesh status");
    let status = world.rest();
    let next = row.next.unwrap_or(row.shows);
    expect("shows next", total(&world, row.environment), next.to_owned());
    let is_on = status["environment"] == row.environment;
    let at_rest = shell("git ls-files --unmerged").out.is_empty() && !head.starts_with("detached");
    if is_on && at_rest && row.next.is_some() {
        expect("in step", status["in_step"].to_string(), "true".to_owned());
    }
    let doctor = shell("vmesh doctor");
    if at_rest {
        expect("doctor", format!("{:?}", doctor.code), "Some(0)".to_owned());
    }
    if wrong.is_empty() { Ok(()) } else { Err(format!("{}:\n{}", row.event, wrong.join("\n"))) }
}

/// What the hooks said, with `#` for commits.
fn said(done: &Done) -> String {
    let word = |word: &str| match word.len() == 8 && word.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        true => "#".to_owned(),
        false => word.to_owned(),
    };
    let is_gits = |line: &&str| {
        ["Already on", "Previous HEAD", "Switched to", "Automatic merge"].iter().any(|start| line.starts_with(start))
    };
    let line = |line: &str| line.split(' ').map(word).collect::<Vec<_>>().join(" ");
    done.err.lines().filter(|line| !is_gits(line)).map(line).collect::<Vec<_>>().join("\n")
}

/// The total that an environment shows; empty if there is none.
fn total(world: &Sandbox, environment: &str) -> String {
    let schema = if environment == "prod" { "marts".to_owned() } else { format!("{environment}__marts") };
    match world.views(&schema).contains_key("report") {
        true => world.value(&format!("SELECT total FROM {schema}.report")),
        false => String::new(),
    }
}

fn generation(world: &Sandbox, environment: &str) -> u64 {
    let sql = format!("SELECT coalesce(max(generation), 0) FROM vmesh_state.environments WHERE name = '{environment}'");
    world.value(&sql).parse().unwrap()
}

/// A copy of the world that all rows begin in, in a repository of this format.
fn copy_of_world(first: &OnceLock<Sandbox>, format: &[&str]) -> Sandbox {
    let first = first.get_or_init(|| {
        let world = Sandbox::nested();
        world.git(&[&["init", "--quiet", "--initial-branch", "main"], format].concat()).good();
        let world = world.filled(&CHAIN);
        let script = "set -e; vmesh promote --yes
            git switch -q -c alice; sed -i 's/)/) + 40/' models/marts/totals.sql; git commit -q -a -m alice
            git switch -q -c carol main; sed -i 's/)/) + 1/' models/marts/totals.sql; git commit -q -a -m carol
            git switch -q -c bob main; sed -i 's/Ada/Bob/' models/staging/customers.sql; git commit -q -a -m bob
            git switch -q main; git clone -q --bare . ../origin.git; git remote add origin ../origin.git
            git clone -q ../origin.git ../other; cd ../other
            sed -i 's/)/) + 6/' models/marts/totals.sql; git commit -q -a -m 66; git push -q origin main";
        let done = world.shell(script);
        assert_eq!(done.code, Some(0), "{}{}", done.out, done.err);
        // elsewhere than it was planned: no row finds another one's owner there
        world.copy()
    });
    first.copy()
}
