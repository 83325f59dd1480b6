//! Whatever was edited, merged and rolled back in whatever order: each environment shows the rows that a from-scratch
//! build of its branch shows.

use crate::support::Sandbox;
use crate::support::random::{Dice, MODELS, from_scratch, models, query, shown};

#[test]
fn every_environment_shows_what_a_build_from_scratch_would() {
    for seed in 1..=6 {
        let mut dice = Dice(seed);
        let first = models(&mut dice);
        let models: Vec<(&str, &str)> = first.iter().map(|(name, sql)| (name.as_str(), sql.as_str())).collect();
        let sandbox = Sandbox::promoted(&models);
        let branches = ["main", "a", "b"];
        for branch in &branches[1..] {
            sandbox.git(&["branch", branch]).good();
        }
        for _ in 0..12 {
            let branch = branches[dice.roll(3)];
            sandbox.git(&["switch", "--quiet", branch]).good();
            match dice.roll(5) {
                0 => {
                    // a merge takes the other side where both changed one model
                    sandbox.git(&["merge", "--quiet", "--no-edit", "-X", "theirs", branches[dice.roll(3)]]);
                }
                1 => {
                    sandbox.vmesh(&["rollback", "--yes"]);
                }
                _ => {
                    let number = dice.roll(MODELS);
                    sandbox.model(&format!("m{number}"), &query(number, &mut dice));
                    sandbox.git(&["commit", "--quiet", "--all", "-m", "edit"]);
                }
            }
        }
        for branch in branches {
            sandbox.git(&["switch", "--quiet", branch]).good();
            let schema = if branch == "main" { "prod".to_owned() } else { format!("dev__{branch}") };
            if branch == "main" {
                sandbox.vmesh(&["promote", "--yes"]).good();
            }
            assert_eq!(shown(&sandbox, &schema), from_scratch(&sandbox.path()), "seed {seed}, branch {branch}");
        }
        sandbox.vmesh(&["gc", "--yes"]).good();
        sandbox.is_sound();
    }
}
