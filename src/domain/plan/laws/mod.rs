//! The planner held to its promises: random histories of a repository and a warehouse made of values, with laws after
//! each event.
//!
//! | file | holds |
//! |---|---|
//! | `tree` | source trees: models as values, read by the real domain code |
//! | `rows` | what a table holds, as a value |
//! | `world`, `store` | the verbs, as the workflow has them, over a state in memory |
//! | `history` | events, and histories of them |
//! | `law`, `freshness` | the laws |
//!
//! `VMESH_LAWS_ROUNDS=10000 cargo test --lib laws` lives through more of them.

mod freshness;
mod history;
mod law;
mod rows;
mod store;
mod tree;
mod world;

use proptest::prelude::*;

fn rounds() -> u32 {
    std::env::var("VMESH_LAWS_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(200)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: rounds(),
        failure_persistence: None,
        max_shrink_iters: 20_000,
        ..ProptestConfig::default()
    })]
    #[test]
    fn laws_hold_in_every_history(events in prop::collection::vec(history::event(), 1..40)) {
        if let Err(broken) = history::play(&events) {
            return Err(TestCaseError::fail(broken));
        }
    }
}
