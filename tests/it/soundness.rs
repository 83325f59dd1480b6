//! Whatever was edited, merged and rolled back in whatever order: each environment shows the rows that the plain engine makes
//! of the files of its branch; and, where rows come from outside, were restated and run in between, of those rows.
//!
//! `VMESH_SOUNDNESS_SEEDS=1..40` and `VMESH_SOUNDNESS_ROUNDS=50` make a longer run of it: 40 projects, 50 steps in each.

use crate::support::random::{Dice, MODELS, changed_along, models, moved, query, query_over_raw, reworded, shown};
use crate::support::truth;
use crate::support::{Done, Sandbox, renamed, spark};

const BRANCHES: [&str; 3] = ["main", "a", "b"];

#[test]
fn every_environment_shows_what_the_engine_makes_of_its_files() {
    for_seeds("1..6", project);
}

#[test]
fn every_environment_shows_the_rows_of_today() {
    for_seeds("1..2", project_over_raw);
}

/// Plays projects, some of them or those that someone asks for.
fn for_seeds(some: &str, play: impl Fn(u64, usize)) {
    let said = |name: &str, else_: &str| std::env::var(name).unwrap_or_else(|_| else_.to_owned());
    let rounds: usize = said("VMESH_SOUNDNESS_ROUNDS", "12").parse().expect("a number of steps");
    let seeds = said("VMESH_SOUNDNESS_SEEDS", some);
    let (first, last) = seeds.split_once("..").unwrap_or((&seeds, &seeds));
    let (first, last): (u64, u64) = (first.parse().expect("1..6"), last.parse().expect("1..6"));
    for seed in first..=last {
        play(seed, rounds);
        // what a long run has come to, also when it is stopped
        if std::env::var_os("VMESH_SOUNDNESS_SEEDS").is_some() {
            eprintln!("seed {seed}: {rounds} steps, no difference");
        }
    }
}

#[test]
fn every_form_of_query_is_one_that_the_engine_takes() {
    // Spark takes a second for a project
    let last = if spark::is_tested() { 1030 } else { 1300 };
    for seed in 1000..last {
        truth::of_texts(models(&mut Dice(seed)));
    }
}

/// One project, edited, merged and rolled back.
fn project(seed: u64, rounds: usize) {
    let mut dice = Dice(seed);
    let first = models(&mut dice);
    let models: Vec<(&str, &str)> = first.iter().map(|(name, sql)| (name.as_str(), sql.as_str())).collect();
    let sandbox = Sandbox::promoted(&models);
    for branch in &BRANCHES[1..] {
        sandbox.git(&["branch", branch]).good();
    }
    // what was done, and what Git and vmesh said
    let mut story = Vec::new();
    for round in 0..rounds {
        let branch = BRANCHES[dice.roll(3)];
        let switched = sandbox.git(&["switch", "--quiet", branch]);
        story.push(format!("{round}: on {branch}: {}", switched.err));
        switched.good();
        let done = match dice.roll(5) {
            0 => {
                let other = BRANCHES[dice.roll(3)];
                story.push(format!("merge {other}"));
                merge(&sandbox, other)
            }
            1 => {
                story.push("rollback".to_owned());
                sandbox.vmesh(&["rollback", "--yes"])
            }
            _ => {
                story.push(edit(&sandbox, &mut dice, query));
                commit(&sandbox, "edit")
            }
        };
        story.push(format!("{:?}: {}{}", done.code, done.out, done.err));
        // what prod shows may have been rolled back
        if branch != "main" {
            agrees(&sandbox, branch, &format!("seed {seed}, step {round}\n{}\n", last(&story)));
        }
    }
    for branch in BRANCHES {
        sandbox.git(&["switch", "--quiet", branch]).good();
        if branch == "main" {
            sandbox.vmesh(&["promote", "--yes"]).good();
        }
        agrees(&sandbox, branch, &format!("seed {seed}, in the end\n{}\n", last(&story)));
    }
    sandbox.vmesh(&["gc", "--yes"]).good();
    sandbox.is_sound();
}

/// Changes one of the models in one of many ways; gives what was done.
fn edit(sandbox: &Sandbox, dice: &mut Dice, query: fn(usize, &mut Dice) -> String) -> String {
    let (folder, number) = (sandbox.path(), dice.roll(MODELS));
    let name = renamed::name(&folder, number);
    if dice.roll(8) == 0 {
        renamed::rename(&folder, number);
        return format!("rename {name}");
    }
    let text = renamed::plain(&sandbox.read(&format!("models/{name}.sql")));
    let edited = match dice.roll(6) {
        0 => reworded(&text, dice),
        1 | 2 => changed_along(number, &text, dice),
        3 | 4 => moved(&text),
        _ => None,
    };
    renamed::write(&folder, number, &edited.unwrap_or_else(|| query(number, dice)));
    format!("edit {name}")
}

/// Commits all there is; gives what Git and the hooks said.
fn commit(sandbox: &Sandbox, message: &str) -> Done {
    sandbox.git(&["add", "--all"]).good();
    sandbox.git(&["commit", "--quiet", "-m", message])
}

/// Merges a branch: the other side is taken where both changed one model. What Git can't merge, as of a model that has two
/// new names, is not merged; where one reads another by the name that it has lost, that is mended.
fn merge(sandbox: &Sandbox, other: &str) -> Done {
    let merged = sandbox.git(&["merge", "--quiet", "--no-edit", "-X", "theirs", other]);
    if merged.code != Some(0) {
        sandbox.git(&["merge", "--abort"]).good();
        return merged;
    }
    renamed::settle(&sandbox.path());
    match sandbox.git(&["status", "--porcelain", "models"]).good().is_empty() {
        true => merged,
        false => commit(sandbox, "called by their names"),
    }
}

/// The rows that come from outside.
struct Raw {
    rows: Vec<(usize, usize)>,
}

impl Raw {
    /// What makes them in a database.
    fn sql(&self) -> String {
        let rows: Vec<String> = self.rows.iter().map(|(id, v)| format!("({id}, {v})")).collect();
        if spark::is_tested() {
            let rows = format!("SELECT * FROM VALUES {} AS t(id, v)", rows.join(", "));
            return format!("CREATE SCHEMA IF NOT EXISTS raw; CREATE OR REPLACE TABLE raw.events AS {rows}");
        }
        format!(
            "CREATE SCHEMA IF NOT EXISTS raw; CREATE TABLE IF NOT EXISTS raw.events (id INT, v INT); \
             DELETE FROM raw.events; INSERT INTO raw.events VALUES {};",
            rows.join(", ")
        )
    }
}

/// One project over rows from outside: edited, merged, restated, and run wherever new rows have come.
fn project_over_raw(seed: u64, rounds: usize) {
    let mut dice = Dice(seed);
    let mut raw = Raw { rows: vec![(1, 1), (2, 5), (3, 2)] };
    let first: Vec<String> = (0..MODELS).map(|number| query_over_raw(number, &mut dice)).collect();
    let names: Vec<String> = (0..MODELS).map(|number| format!("m{number}")).collect();
    let models: Vec<(&str, &str)> = names.iter().zip(&first).map(|(name, sql)| (name.as_str(), sql.as_str())).collect();
    let sandbox = Sandbox::with_models(&models);
    sandbox.sql(&raw.sql());
    sandbox.vmesh(&["promote", "--yes"]).good();
    for branch in &BRANCHES[1..] {
        sandbox.git(&["branch", branch]).good();
    }
    let mut story = Vec::new();
    for round in 0..rounds {
        let branch = BRANCHES[dice.roll(3)];
        let switched = sandbox.git(&["switch", "--quiet", branch]);
        story.push(format!("{round}: on {branch}: {}", switched.err));
        switched.good();
        let done = match dice.roll(7) {
            0 => {
                let other = BRANCHES[dice.roll(3)];
                story.push(format!("merge {other}"));
                merge(&sandbox, other)
            }
            1 => {
                raw.rows.push((1 + dice.roll(4), dice.roll(8)));
                story.push(format!("new rows: {:?}", raw.rows));
                sandbox.sql(&raw.sql());
                sandbox.vmesh(&["run", "prod", "--ignore-cron"])
            }
            2 => {
                let environment = if branch == "main" { "prod" } else { branch };
                let model = renamed::name(&sandbox.path(), dice.roll(MODELS));
                story.push(format!("restate {model} of {environment}"));
                sandbox.vmesh(&["plan", environment, "--yes", "--restate-model", &model])
            }
            _ => {
                story.push(edit(&sandbox, &mut dice, query_over_raw));
                commit(&sandbox, "edit")
            }
        };
        story.push(format!("{:?}: {}{}", done.code, done.out, done.err));
        // rows that have come since a table was built are read when it is run: of prod's tables by prod alone
        for environment in ["prod", branch] {
            let environment = if environment == "main" { "prod" } else { environment };
            let ran = sandbox.vmesh(&["run", environment, "--ignore-cron", "--json"]);
            story.push(format!("run {environment}: {:?}: {}{}", ran.code, ran.out, ran.err));
            let told: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
            assert_eq!(told["left"], serde_json::json!([]), "seed {seed}, step {round}\n{}", last(&story));
        }
        let when = format!("seed {seed}, step {round}\n{}\n", last(&story));
        agrees_over(&sandbox, branch, &raw.sql(), &when);
    }
    sandbox.vmesh(&["gc", "--yes"]).good();
    sandbox.is_sound();
}

/// The end of a story.
fn last(story: &[String]) -> String {
    story[story.len().saturating_sub(30)..].join("\n")
}

/// The environment of the branch that is checked out shows what its files say.
#[track_caller]
fn agrees(sandbox: &Sandbox, branch: &str, when: &str) {
    agrees_over(sandbox, branch, "", when);
}

/// The same over rows from outside.
#[track_caller]
fn agrees_over(sandbox: &Sandbox, branch: &str, raw: &str, when: &str) {
    let schema = if branch == "main" { "prod".to_owned() } else { format!("dev__{branch}") };
    let (shown, truth) = (shown(sandbox, &schema), truth::over_raw(&sandbox.path(), raw));
    let files = renamed::models(&sandbox.path());
    let files = files.into_iter().map(|(name, text)| format!("{name}: {text}"));
    assert_eq!(shown, truth, "{when}, branch {branch}\n{}", files.collect::<Vec<_>>().join("\n\n"));
}
