//! Histories: what people do to a repository and its warehouse, one thing after the other, and the laws after each.

use proptest::prelude::*;

use super::super::super::name::{EnvName, TableName};
use super::law;
use super::tree::{self, Edit, Read, Sort};
use super::world::{Branch, Done, World};

/// The branches that there may be, beside main.
const BRANCHES: [&str; 2] = ["alice", "bob"];

/// Main, or one of the branches.
pub(super) type Who = u8;

/// One thing that is done. Numbers mean what there is then, so that a history stays one when events are left out of it.
#[derive(Debug, Clone)]
pub(super) enum Event {
    /// Files of a branch change; on main, that is a commit.
    Edit(Who, u8, Edit),
    /// A branch begins at main's tip.
    Branch(Who),
    /// A branch is deleted.
    Delete(Who),
    /// An environment is planned, and the plan carried out; prod's: a promotion.
    Plan(Who),
    /// The same, killed after so many loads.
    Killed(Who, u8),
    /// A merge is built ahead.
    Preview(Who),
    /// A branch is merged into main.
    Merge(Who),
    /// Main gets the files of an earlier commit.
    Revert(u8),
    /// Prod goes back to the promotion before.
    Rollback,
    /// What is due is run.
    Run(Who),
    /// A model, or a raw table, is built again.
    Restate(Who, u8),
    /// New raw rows, today's or late ones.
    Rows(u8, bool),
    /// Days go by.
    Tick(u8),
    /// Garbage is collected.
    Gc,
}

/// What an event came to.
#[derive(Debug, Clone, Default)]
pub(super) struct Outcome {
    /// The environment that it was about.
    pub(super) env: Option<EnvName>,
    pub(super) done: Done,
    /// The tables that were built again, where that was not refused.
    pub(super) restated: Option<Vec<TableName>>,
    pub(super) rolled_back: bool,
}

fn branch(who: Who) -> &'static str {
    BRANCHES[usize::from(who) % BRANCHES.len()]
}

/// The environment of main or of a branch.
fn env(who: Who) -> EnvName {
    match who % 3 {
        0 => World::prod(),
        who => World::env(branch(who)),
    }
}

/// Does one thing; gives what it came to.
pub(super) fn act(world: &mut World, event: &Event) -> Outcome {
    let mut outcome = Outcome::default();
    match event {
        Event::Edit(who, model, edit) if who % 3 == 0 => {
            let mut tree = world.main.last().unwrap().clone();
            tree::edit(&mut tree, *model, edit);
            world.commit(tree);
        }
        Event::Edit(who, model, edit) => {
            if let Some(branch) = world.branches.get_mut(branch(*who)) {
                tree::edit(&mut branch.tree, *model, edit);
            }
        }
        Event::Branch(who) => {
            let (tree, base) = (world.main.last().unwrap().clone(), world.main.len() - 1);
            world.branches.entry(branch(*who).to_owned()).or_insert(Branch { tree, base });
        }
        Event::Delete(who) => _ = world.branches.remove(branch(*who)),
        Event::Plan(who) => {
            outcome.done = world.apply(&env(*who), None);
            outcome.env = Some(env(*who));
        }
        Event::Killed(who, loads) => {
            outcome.done = world.apply(&env(*who), Some(usize::from(*loads)));
            outcome.env = Some(env(*who));
        }
        Event::Preview(who) => {
            outcome.done = world.preview(branch(*who));
            outcome.env = Some(World::prod());
        }
        Event::Merge(who) => {
            let merged = world.merged(branch(*who)).filter(|tree| tree::project(tree).is_some());
            if let Some(merged) = merged {
                world.commit(merged.clone());
                let base = world.main.len() - 1;
                world.branches.insert(branch(*who).to_owned(), Branch { tree: merged, base });
            }
        }
        Event::Revert(back) => {
            let at = world.main.len().saturating_sub(2 + usize::from(*back) % 3);
            let tree = world.main[at].clone();
            world.commit(tree);
        }
        Event::Rollback => {
            outcome.rolled_back = world.rollback();
            outcome.env = Some(World::prod());
        }
        Event::Run(who) => {
            outcome.done = world.run(&env(*who));
            outcome.env = Some(env(*who));
        }
        Event::Restate(who, number) => {
            let env = env(*who);
            let names: Vec<String> = world.shown_tree(&env).into_iter().flat_map(|tree| tree.into_keys()).collect();
            let what = match usize::from(*number) % (names.len() + 2) {
                raw @ 0..2 => Read::Raw(u8::try_from(raw).unwrap()),
                at => Read::Model(names[at - 2].clone()),
            };
            outcome.restated = world.restate(&env, &what);
            outcome.env = Some(env);
        }
        Event::Rows(raw, late) => world.rows(*raw, *late),
        Event::Tick(days) => world.tick(i64::from(*days)),
        Event::Gc => world.gc(),
    }
    outcome
}

/// Lives through a history; the laws hold after each event.
pub(super) fn play(events: &[Event]) -> Result<(), String> {
    let mut world = World::new();
    world.promote(None);
    for (at, event) in events.iter().enumerate() {
        let before = world.clone();
        let outcome = act(&mut world, event);
        law::all(&before, event, &outcome, &world).map_err(|broken| format!("after {at}, {event:?}: {broken}"))?;
    }
    Ok(())
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        6 => (0..3u8).prop_map(Edit::Text),
        1 => (0..3u8).prop_map(Edit::Comment),
        6 => (0..3u8).prop_map(Edit::Extra),
        6 => (0..3u8).prop_map(Edit::Words),
        2 => Just(Edit::Rename),
        3 => prop::sample::select(&Sort::ALL[..]).prop_map(Edit::Sort),
        2 => any::<u8>().prop_map(Edit::Reads),
        1 => Just(Edit::Remove),
        2 => (prop::sample::select(&Sort::ALL[..]), any::<u8>(), any::<u8>())
            .prop_map(|(sort, one, other)| Edit::Add(sort, one, other)),
    ]
}

/// A few events that often follow each other, or any one.
fn episode() -> impl Strategy<Value = Vec<Event>> {
    let change = |who: Who| (any::<u8>(), edit()).prop_map(move |(model, edit)| Event::Edit(who, model, edit));
    let feature = (1..3u8)
        .prop_flat_map(move |who| (change(who)).prop_map(move |edit| vec![Event::Branch(who), edit, Event::Plan(who)]));
    prop_oneof![
        4 => feature,
        3 => (1..3u8).prop_map(|who| vec![Event::Merge(who), Event::Plan(0)]),
        3 => change(0).prop_map(|edit| vec![edit, Event::Plan(0)]),
        2 => Just(vec![Event::Tick(1), Event::Run(0)]),
        1 => Just(vec![Event::Tick(7), Event::Gc]),
        1 => (1..3u8, 0..8u8).prop_map(|(who, loads)| vec![Event::Killed(who, loads), Event::Plan(who)]),
        1 => (0..3u8).prop_map(|back| vec![Event::Revert(back), Event::Plan(0)]),
        12 => event().prop_map(|event| vec![event]),
    ]
}

/// Any history.
pub(super) fn history() -> impl Strategy<Value = Vec<Event>> {
    prop::collection::vec(episode(), 1..25).prop_map(|episodes| episodes.concat())
}

/// Any event.
fn event() -> impl Strategy<Value = Event> {
    let who = 0..3u8;
    prop_oneof![
        10 => (who.clone(), any::<u8>(), edit()).prop_map(|(who, model, edit)| Event::Edit(who, model, edit)),
        3 => (1..3u8).prop_map(Event::Branch),
        1 => (1..3u8).prop_map(Event::Delete),
        10 => who.clone().prop_map(Event::Plan),
        2 => (who.clone(), 0..8u8).prop_map(|(who, loads)| Event::Killed(who, loads)),
        1 => (1..3u8).prop_map(Event::Preview),
        3 => (1..3u8).prop_map(Event::Merge),
        2 => (0..3u8).prop_map(Event::Revert),
        2 => Just(Event::Rollback),
        4 => who.clone().prop_map(Event::Run),
        3 => (who, any::<u8>()).prop_map(|(who, what)| Event::Restate(who, what)),
        3 => (0..2u8, any::<bool>()).prop_map(|(raw, late)| Event::Rows(raw, late)),
        3 => (1..3u8).prop_map(Event::Tick),
        2 => Just(Event::Gc),
    ]
}
