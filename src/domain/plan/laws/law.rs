//! The laws: what holds after everything that is done. They know tables by name and rows by value, and nothing of how
//! the planner or the records bring it about.

use std::collections::{BTreeMap, BTreeSet};

use super::super::super::name::{EnvName, ModelName, TableName};
use super::freshness;
use super::history::{Event, Outcome};
use super::rows::{Rows, meaning};
use super::tree::{self, Read, Sort, Tree};
use super::world::{DAY, World};

/// What an environment shows.
pub(super) type Shown = BTreeMap<ModelName, TableName>;

/// All laws, after one event.
pub(super) fn all(before: &World, event: &Event, outcome: &Outcome, after: &World) -> Result<(), String> {
    let published = outcome.env.as_ref().filter(|_| outcome.done.published);
    every_environment_is_whole(after)?;
    true_to_their_trees(after)?;
    others_stay(before, event, outcome, after)?;
    prod_is_safe(before, event, outcome, after)?;
    freshness::nothing_is_built_twice(before, (event, outcome), after)?;
    if let Some(env) = published {
        nothing_is_left(env, after)?;
        freshness::built_from_its_own(env, after)?;
        freshness::fresh(env, before, after)?;
        freshness::days_are_filled(env, before, after)?;
        goes_on_from_prod(env, before, after)?;
    }
    match event {
        Event::Plan(0) if outcome.done.published => {
            freshness::never_back(before, after)?;
            a_revert_needs_nobody(before, after)
        }
        Event::Rollback if outcome.rolled_back => a_rollback_gives_pointers_back(before, after),
        Event::Run(_) => freshness::a_run_fills_all_that_is_due(before, outcome, after),
        Event::Restate(..) => freshness::restating_reaches_all(outcome, after),
        Event::Gc => gc_drops_what_nobody_needs(before, after),
        _ => Ok(()),
    }
}

/// Fails with these words where a law does not hold.
pub(super) fn hold(holds: bool, broken: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(broken()) }
}

/// Whatever an environment points at is there.
fn every_environment_is_whole(after: &World) -> Result<(), String> {
    for (env, record) in &after.state.environments {
        let shown = after.shows(env);
        hold(shown.len() == record.pointers.len(), || format!("{env} points at what is not there"))?;
        for (model, table) in shown {
            let view = after.state.views.get(&model.view(env, Default::default()));
            hold(view == Some(&table), || format!("{env} shows {view:?} of {model}, and its record says {table}"))?;
            hold(after.stored.contains_key(&table.name), || format!("{env} shows {table}, which is not there"))?;
            let of = after.stored[&table.name].of.as_ref();
            hold(of.is_none_or(|(of, _)| *of != table.name), || format!("{table} is a clone of itself"))?;
            after.read(&table.name);
        }
    }
    Ok(())
}

/// **Sound reuse.** What an environment shows of a model is what the tree that it was published from says: the same text
/// over the same texts, all the way up, as a build from scratch would have it. Which raw rows there were is not counted:
/// they are read when a table is filled. Nor is it counted which version filled the rows of a model that goes on from
/// those of the version before (forward-only, `SCD_TYPE_2`).
fn true_to_their_trees(after: &World) -> Result<(), String> {
    for (env, tree) in &after.published {
        if !after.state.environments.contains_key(env) {
            continue;
        }
        let stored: BTreeSet<&String> =
            tree.iter().filter(|(_, spec)| spec.sort != Sort::Embedded).map(|(name, _)| name).collect();
        let shown = after.shows(env);
        let names: Vec<String> = shown.keys().map(ToString::to_string).collect();
        hold(names.iter().collect::<BTreeSet<_>>() == stored, || format!("{env} shows {names:?} of {stored:?}"))?;
        let [found, wanted] = after.comments(env, tree);
        hold(found == wanted, || format!("{env} is commented {found:?} and not {wanted:?}"))?;
        for (model, table) in &shown {
            let found = after.contents(env, model).map(|rows| rows.meanings()).unwrap_or_default();
            let wanted = meaning(tree, &model.to_string());
            let is_true = found.iter().all(|found| *found == wanted) && !found.is_empty();
            hold(is_true, || {
                format!("{env} shows {table}, which does not hold what {model} says: {:?}", after.stored[&table.name])
            })?;
        }
    }
    Ok(())
}

/// What is done to one environment moves no pointer of another, and none at all where it was killed.
fn others_stay(before: &World, event: &Event, outcome: &Outcome, after: &World) -> Result<(), String> {
    for env in before.environments() {
        let is_moved = outcome.env.as_ref() == Some(&env) && (outcome.done.published || outcome.rolled_back);
        let is_collected = matches!(event, Event::Gc) && !after.state.environments.contains_key(&env);
        if !is_moved && !is_collected {
            let (old, new) = (before.shows(&env), after.shows(&env));
            hold(old == new, || format!("{env} showed {old:?} and shows {new:?}"))?;
        }
    }
    Ok(())
}

/// The tables that prod shows or has shown.
pub(super) fn promoted(world: &World) -> BTreeSet<TableName> {
    let all = world.promotions().into_iter().flat_map(|promotion| promotion.into_values().flatten());
    all.chain(world.shows(&World::prod()).into_values()).collect()
}

/// Whether one table has all rows of another, and maybe those of more time.
fn keeps(now: &Rows, then: &Rows) -> bool {
    match (now, then) {
        (Rows::Days(now), Rows::Days(then)) => then.iter().all(|(day, cell)| now.get(day) == Some(cell)),
        (Rows::History(now), Rows::History(then)) => now.starts_with(then),
        (now, then) => now == then,
    }
}

/// **Prod is safe.** What prod shows is written by `run prod` and by restating prod, and by nothing else: not by a branch,
/// and not by a promotion. What only a rollback would show is written by restating prod; a promotion that shows it again
/// may fill it on, and takes nothing away.
fn prod_is_safe(before: &World, event: &Event, outcome: &Outcome, after: &World) -> Result<(), String> {
    let is_prod = outcome.env.as_ref().is_some_and(EnvName::is_prod);
    if is_prod && matches!(event, Event::Run(_) | Event::Restate(..)) {
        return Ok(());
    }
    let shown: BTreeSet<TableName> = before.shows(&World::prod()).into_values().collect();
    for table in promoted(before) {
        let Some(stored) = after.stored.get(&table.name) else {
            hold(matches!(event, Event::Gc), || format!("{table}, which prod has shown, is gone"))?;
            continue;
        };
        let was = &before.stored[&table.name];
        let is_same = match is_prod && !shown.contains(&table) {
            true => was.rows.iter().all(|then| stored.rows.as_ref().is_some_and(|now| keeps(now, then))),
            false => stored.rows == was.rows && stored.writes == was.writes,
        };
        hold(is_same, || format!("{table}, which prod has shown, was {was:?} and is {stored:?}"))?;
        let is_view = stored.rows.is_some() || stored.query == was.query;
        hold(is_view, || format!("the view {table}, which prod has shown, reads something else"))?;
    }
    Ok(())
}

/// **A plan carried out leaves nothing to plan**, then, after a day on which nothing else was done, and on a branch after
/// prod has run: what is due is for `run`.
fn nothing_is_left(env: &EnvName, after: &World) -> Result<(), String> {
    let plan = after.plan(env).unwrap();
    hold(plan.is_done, || format!("{env} was published, and there is something to do:\n{}", plan.told))?;
    let mut later = after.clone();
    later.tick(1);
    let plan = later.plan(env).unwrap();
    hold(plan.is_done, || format!("a day later, there is something to do in {env}:\n{}", plan.told))?;
    // tables that prod shows no longer are nobody's to fill: what is built whole below them may be out of date
    let prod = World::prod();
    let shown: BTreeSet<TableName> = later.shows(&prod).into_values().collect();
    if env.is_prod()
        || later.shows(env).values().any(|table| promoted(&later).contains(table) && !shown.contains(table))
    {
        return Ok(());
    }
    later.run(&prod);
    let plan = later.plan(env).unwrap();
    hold(plan.is_done, || format!("after a run of prod, there is something to do in {env}:\n{}", plan.told))
}

/// **D14.** A changed version of a model that goes on, and a renamed incremental model, begins with the rows that prod
/// shows. Prod's begins with what prod showed until then, not with what a branch made of it.
fn goes_on_from_prod(env: &EnvName, before: &World, after: &World) -> Result<(), String> {
    let (Some(old), tree) = (before.published.get(&World::prod()), &after.published[env]) else { return Ok(()) };
    let (prod, now) = (before.shows(&World::prod()), after.shows(env));
    for (name, spec) in tree {
        let model = ModelName::parse(name).unwrap();
        let alike = |name: &String| old.get(name).is_some_and(|before| before.sort == spec.sort);
        let from = match alike(name) && spec.sort.goes_on() {
            true => Some(name),
            false => renamed(old, tree, name),
        };
        let Some(from) = from.and_then(|from| prod.get(&ModelName::parse(from)?)) else { continue };
        let table = &now[&model];
        let is_new = !before.stored.contains_key(&table.name);
        if table != from && (is_new || env.is_prod() && spec.sort.goes_on()) {
            let (copied, rows) = (&after.stored[&table.name].copied, before.read(&from.name).copied_into(spec.sort));
            hold(copied.as_ref() == Some(&rows), || {
                format!("{env} shows {table} of {model}, which began as {copied:?}, and prod showed {rows:?}")
            })?;
            let stored = &after.stored[&table.name];
            let last = match &stored.rows {
                Some(Rows::History(seen)) if is_new => seen.last().copied(),
                _ => continue,
            };
            // what lacks the last day above has to wait for it
            if !after.held_above(&stored.query).contains(&(after.now / DAY - 1)) {
                continue;
            }
            let now = after.whole(&stored.query);
            hold(last == Some(now), || {
                format!("{env} shows {table} of {model}, which has not seen what {model} says")
            })?;
        }
    }
    Ok(())
}

/// The model of an old tree that has another name now: incremental, and the same but for that.
fn renamed<'t>(old: &'t Tree, tree: &Tree, name: &str) -> Option<&'t String> {
    let spec = tree.get(name).filter(|_| !old.contains_key(name))?;
    let is_filled = matches!(spec.sort, Sort::Range | Sort::Batches | Sort::Forward | Sort::Key | Sort::History);
    let is_same = |before: &tree::Spec| {
        let own = |spec: &tree::Spec| (spec.sort, spec.text, spec.words, spec.extra, spec.reads.clone());
        own(before) == own(spec)
    };
    let reads_same = spec.reads.iter().all(|read| match read {
        Read::Raw(_) => true,
        Read::Model(read) => tree::says_the_same(old, tree, read),
    });
    let mut gone = old.iter().filter(|(name, before)| !tree.contains_key(*name) && is_same(before));
    let found = gone.next().filter(|_| is_filled && reads_same)?;
    // which of two, none can say
    gone.next().is_none().then_some(found.0)
}

/// **A revert needs nobody.** When main gets the files back that prod showed before, prod shows the tables of then, and
/// nothing is built, but for models that go on, those whose table is older than what it was built from (which may be filled
/// on, if days went by) or read a table of two models, and what is below one of these.
fn a_revert_needs_nobody(before: &World, after: &World) -> Result<(), String> {
    let Some(old) = before.published.get(&World::prod()).cloned() else { return Ok(()) };
    let (shown, now) = (before.shows(&World::prod()), after.shows(&World::prod()));
    let mut world = after.clone();
    world.commit(old.clone());
    world.promote(None);
    let again = world.shows(&World::prod());
    for (model, table) in &shown {
        let name = model.to_string();
        // a rollback may have shown a table in whose place there is another
        let wanted = if tree::says_the_same(&old, &after.published[&World::prod()], &name) {
            now.get(model)
        } else {
            Some(table)
        };
        if !is_exempt(&old, &name, (&shown, &now), &world) {
            let found = again.get(model);
            hold(found == wanted, || format!("prod showed {wanted:?} of {model}; after a revert it shows {found:?}"))?;
        }
    }
    Ok(())
}

fn is_exempt(tree: &Tree, name: &str, (shown, now): (&Shown, &Shown), world: &World) -> bool {
    let spec = &tree[name];
    let table = ModelName::parse(name).and_then(|model| shown.get(&model));
    let is_older = table.is_some_and(|table| freshness::is_older(&table.name, world, |_| freshness::Counts::All));
    let above = |read: &Read| matches!(read, Read::Model(read) if is_exempt(tree, read, (shown, now), world));
    let goes_back = table.and_then(|table| world.stored.get(&table.name));
    let goes_back = goes_back.is_some_and(|stored| freshness::goes_back(stored, now, world));
    // of a table that two models shared, or one under two names, nobody can say for which of them it was read
    let is_shared = |read: &String| {
        let all = world.promotions().into_iter().flatten();
        let names: BTreeSet<ModelName> =
            all.filter(|(_, table)| table.as_ref().is_some_and(|it| it.name == *read)).map(|(name, _)| name).collect();
        names.len() > 1
    };
    let reads_shared = table.and_then(|table| world.stored.get(&table.name));
    let reads_shared = reads_shared.is_some_and(|stored| stored.inputs.keys().any(is_shared));
    spec.sort.goes_on() || is_older || goes_back || reads_shared || spec.reads.iter().any(above)
}

/// **Rollback gives the pointers back**: to the tables that prod showed before the last promotion; with that, prod's
/// rows are those of then but for what prod has run in tables that it went on to show, since no other may write them.
fn a_rollback_gives_pointers_back(before: &World, after: &World) -> Result<(), String> {
    let shown: BTreeMap<_, _> = after.shows(&World::prod());
    let tables: BTreeMap<_, _> = shown.into_iter().map(|(model, table)| (model, Some(table))).collect();
    let known = before.promotions().contains(&tables);
    hold(known, || format!("prod shows {tables:?}, which it never showed"))?;
    let old: BTreeMap<_, _> =
        before.shows(&World::prod()).into_iter().map(|(model, table)| (model, Some(table))).collect();
    hold(old != tables, || "a rollback went nowhere".to_owned())
}

/// **gc drops nothing that anyone needs**: what environments and previews of merges show, what the two last promotions
/// and younger ones show, and what views among these read; and it leaves nothing else.
fn gc_drops_what_nobody_needs(before: &World, after: &World) -> Result<(), String> {
    let mut needed: BTreeSet<String> = BTreeSet::new();
    let mut need = |table: &TableName| needed.extend(through(before, &table.name));
    after.environments().iter().flat_map(|env| before.shows(env)).for_each(|(_, table)| need(&table));
    after.state.previews.iter().flat_map(|waits| before.previewed(&waits.branch)).for_each(|table| need(&table));
    let recent = before.kept_promotions();
    recent.iter().flat_map(|promotion| promotion.values().flatten()).for_each(need);
    let kept = after.promotions();
    hold(recent.iter().rev().all(|promotion| kept.contains(promotion)), || "gc changed prod's history".to_owned())?;
    let left: BTreeSet<String> = after.stored.keys().cloned().collect();
    hold(left == needed, || {
        let (lost, over) = (needed.difference(&left), left.difference(&needed));
        format!("gc dropped {:?} and left {:?}", lost.collect::<Vec<_>>(), over.collect::<Vec<_>>())
    })
}

/// A table or view, and what it reads whenever it is read.
fn through(world: &World, table: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::from([table.to_owned()]);
    let stored = world.stored.get(table);
    if let Some(view) = stored.filter(|view| view.rows.is_none()) {
        found.extend(super::store::direct(&view.query).iter().flat_map(|read| through(world, read)));
    }
    if let Some((table, _)) = stored.and_then(|clone| clone.of.as_ref()) {
        found.extend(through(world, table));
    }
    found
}
