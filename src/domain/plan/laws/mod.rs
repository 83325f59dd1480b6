//! The planner held to its promises: random histories of a repository and a warehouse made of values, with laws after
//! each event.
//!
//! | file | holds |
//! |---|---|
//! | `tree` | source trees: models as values, read by the real domain code |
//! | `rows` | what a table holds, as a value |
//! | `world`, `verbs`, `store` | plan, promote, roll back; run, restate, gc; build and load, over a state in memory |
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
mod verbs;
mod world;

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

use self::history::{Event, act, history, play};
use self::tree::{Edit, Sort};
use self::world::World;
use super::super::name::ModelName;

/// The same histories each time; others, and as many as it says, where `VMESH_LAWS_ROUNDS` is set.
fn runner() -> TestRunner {
    let rounds = std::env::var("VMESH_LAWS_ROUNDS").ok().and_then(|rounds| rounds.parse().ok());
    let config = |cases| Config { cases, failure_persistence: None, max_shrink_iters: 3000, ..Config::default() };
    match rounds {
        Some(rounds) => TestRunner::new(config(rounds)),
        None => TestRunner::new_with_rng(config(120), TestRng::deterministic_rng(RngAlgorithm::ChaCha)),
    }
}

#[test]
fn laws_hold_in_every_history() {
    let outcome = runner().run(&history(), |events| play(&events).map_err(TestCaseError::fail));
    if let Err(broken) = outcome {
        panic!("{broken}");
    }
}

/// Histories in which a law did not hold once.
#[test]
fn a_table_of_two_names_is_filled_for_both() {
    // `run` filled the table by one of its names; by the other it seemed old, was put aside and found again, so that a
    // rollback went to the very tables that prod showed
    let events = [
        Event::Edit(0, 4, Edit::Rename),
        Event::Plan(0),
        Event::Tick(1),
        Event::Rollback,
        Event::Run(0),
        Event::Plan(0),
        Event::Rollback,
    ];
    play(&events).unwrap();
}

#[test]
fn restating_reaches_what_was_loaded_from_a_table_in_another_ones_place() {
    // `i` was made over one table of `e`, and its later days were loaded from the next; the first is gone
    let comment = |text| Event::Edit(0, 0, Edit::Comment(text));
    let events = [
        Event::Edit(0, 8, Edit::Reads(6)),
        Event::Plan(0),
        Event::Edit(0, 4, Edit::Text(1)),
        Event::Plan(0),
        Event::Tick(1),
        Event::Run(0),
        Event::Revert(0),
        Event::Plan(0),
        Event::Tick(7),
        comment(1),
        Event::Plan(0),
        comment(2),
        Event::Plan(0),
        Event::Gc,
        Event::Rows(0, true),
        Event::Restate(0, 0),
    ];
    play(&events).unwrap();
}

#[test]
fn a_renamed_model_begins_with_prod_s_rows_even_where_an_older_table_of_its_name_is_out_of_date() {
    // alice's table of `i` stood over another table than prod's; bob, who calls prod's `ix` so again, made an empty one
    let events = [
        Event::Edit(0, 5, Edit::Text(1)),
        Event::Branch(2),
        Event::Plan(2),
        Event::Edit(0, 8, Edit::Rename),
        Event::Tick(1),
        Event::Run(0),
        Event::Plan(0),
        Event::Branch(1),
        Event::Edit(1, 8, Edit::Rename),
        Event::Plan(1),
    ];
    play(&events).unwrap();
}

#[test]
fn a_table_in_a_dropped_ones_place_is_not_that_table() {
    // gc dropped `f`, and it was made again under its old name, by chance at the revision that `fx` went on from
    let events = [
        Event::Restate(0, 85),
        Event::Edit(0, 5, Edit::Rename),
        Event::Plan(0),
        Event::Branch(2),
        Event::Edit(2, 0, Edit::Text(0)),
        Event::Plan(2),
        Event::Merge(2),
        Event::Plan(0),
        Event::Tick(7),
        Event::Gc,
        Event::Edit(0, 5, Edit::Rename),
        Event::Plan(0),
        Event::Tick(1),
        Event::Run(0),
        Event::Revert(1),
        Event::Plan(0),
    ];
    play(&events).unwrap();
}

#[test]
fn what_is_built_whole_is_built_again_over_another_table() {
    let events = [
        Event::Branch(2),
        Event::Edit(2, 10, Edit::Reads(9)),
        Event::Plan(2),
        Event::Edit(0, 5, Edit::Rename),
        Event::Plan(0),
        Event::Revert(0),
        Event::Plan(0),
        Event::Plan(2),
    ];
    play(&events).unwrap();
}

#[test]
fn a_table_that_grows_is_made_anew_where_a_killed_promotion_replaced_what_lies_above_what_it_reads() {
    // `h` is built whole over `f`, of which prod has another table than alice; the promotion ends between the two
    for loads in 0..8 {
        let events = [
            Event::Edit(0, 7, Edit::Sort(Sort::Full)),
            Event::Plan(0),
            Event::Branch(1),
            Event::Edit(1, 5, Edit::Text(1)),
            Event::Plan(1),
            Event::Tick(1),
            Event::Run(0),
            Event::Merge(1),
            Event::Killed(0, loads),
            Event::Plan(0),
        ];
        play(&events).unwrap();
    }
}

#[test]
fn a_branch_fills_nothing_that_prod_has_shown_even_if_it_is_told_to_begin_earlier() {
    let events = [
        Event::Branch(1),
        Event::Edit(0, 8, Edit::Text(1)),
        Event::Plan(0),
        Event::Plan(1),
        Event::Tick(2),
        Event::Run(0),
    ];
    let mut world = World::new();
    world.promote(None);
    events.iter().for_each(|event| _ = act(&mut world, event));
    world.start = Some(world.now / world::DAY - 1);
    let plan = world.plan(&World::env("bob")).unwrap();
    assert!(plan.is_done, "{}", plan.told);
}

#[test]
fn what_was_built_from_restated_rows_and_is_shown_nowhere_goes() {
    let events = [
        Event::Branch(1),
        Event::Edit(1, 4, Edit::Text(1)),
        Event::Plan(1),
        Event::Edit(1, 4, Edit::Text(2)),
        Event::Plan(1),
        Event::Rows(0, true),
        Event::Restate(0, 0),
    ];
    play(&events).unwrap();
}

#[test]
fn prod_never_goes_back_in_time_with_what_reads_raw_tables_through_views() {
    let events = [
        Event::Edit(0, 2, Edit::Reads(0)),
        Event::Edit(0, 10, Edit::Reads(4)),
        Event::Plan(0),
        Event::Branch(1),
        Event::Edit(1, 10, Edit::Text(1)),
        Event::Plan(1),
        Event::Rows(0, false),
        Event::Tick(1),
        Event::Run(0),
        Event::Merge(1),
        Event::Plan(0),
    ];
    play(&events).unwrap();
}

#[test]
fn a_view_moves_where_its_table_has_moved() {
    let events = [
        Event::Branch(1),
        Event::Edit(1, 9, Edit::Sort(Sort::Full)),
        Event::Plan(1),
        Event::Edit(1, 9, Edit::Reads(0)),
        Event::Plan(1),
    ];
    play(&events).unwrap();
}

#[test]
fn rollbacks_in_a_row_go_back_and_never_forward() {
    // to one version, to another, and back to the first
    let mut world = World::new();
    world.promote(None);
    let first = world.shows(&World::prod());
    for event in [Event::Edit(0, 0, Edit::Text(1)), Event::Plan(0), Event::Revert(0), Event::Plan(0)] {
        act(&mut world, &event);
    }
    assert!(world.rollback());
    assert_ne!(world.shows(&World::prod()), first);
    assert!(world.rollback());
    assert_eq!(world.shows(&World::prod()), first);
    assert!(!world.rollback(), "nothing lies before the first");
}

#[test]
fn gc_keeps_what_a_kept_view_reads() {
    let mut world = World::new();
    world.promote(None);
    let [table, view] = ["b", "c"].map(|name| world.shows(&World::prod())[&ModelName::parse(name).unwrap()].clone());
    // prod goes on to show the view, and nothing shows the table itself
    world.state.promotions.clear();
    let prod = world.state.environments.get_mut(&World::prod()).unwrap();
    prod.pointers.retain(|_, pointer| pointer.table == view);
    let unused = world.state.unused(0);
    assert!(!unused.contains(&table) && !unused.contains(&view), "{unused:?}");
    assert_eq!(unused.len() + 2, world.state.tables.len(), "and nothing else");
}

#[test]
fn a_model_that_is_embedded_from_now_on_loses_its_view() {
    // in a working tree that was dirty before, nothing else told that there is something to do
    let events = [
        Event::Branch(1),
        Event::Edit(1, 0, Edit::Text(1)),
        Event::Plan(1),
        Event::Edit(1, 10, Edit::Sort(Sort::Embedded)),
        Event::Plan(1),
    ];
    play(&events).unwrap();
}

#[test]
fn a_view_that_a_branch_shows_is_not_replaced_under_it() {
    // prod's copy of `f` is another table than alice's; her view `h` was made to read it, and a rollback left it unfilled
    let events = [
        Event::Branch(2),
        Event::Edit(2, 5, Edit::Text(2)),
        Event::Plan(2),
        Event::Tick(1),
        Event::Run(0),
        Event::Merge(2),
        Event::Plan(0),
        Event::Rollback,
        Event::Tick(1),
        Event::Run(0),
        Event::Run(2),
    ];
    play(&events).unwrap();
}

#[test]
fn a_run_fills_a_table_that_two_models_share_once() {
    // `a` and `k` shared a table, and `e` was filled between the two times that it was
    let events = [
        Event::Edit(0, 10, Edit::Reads(13)),
        Event::Plan(0),
        Event::Edit(0, 4, Edit::Text(2)),
        Event::Plan(0),
        Event::Tick(1),
        Event::Run(0),
        Event::Rollback,
        Event::Branch(1),
        Event::Plan(1),
    ];
    play(&events).unwrap();
}

#[test]
fn a_run_leaves_out_what_reads_a_model_that_is_not_planned_yet() {
    // `e` reads the renamed `c` through an embedded model: it is the same version, and nothing shows `cx`
    let events = [
        Event::Branch(1),
        Event::Edit(1, 0, Edit::Words(1)),
        Event::Plan(1),
        Event::Edit(1, 2, Edit::Rename),
        Event::Tick(1),
        Event::Run(1),
    ];
    play(&events).unwrap();
}
