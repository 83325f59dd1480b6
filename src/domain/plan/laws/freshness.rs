//! Laws on what tables were built from: from which tables, and at which of their writes.

use std::collections::{BTreeMap, BTreeSet};

use super::super::super::name::{EnvName, TableName};
use super::history::{Event, Outcome};
use super::law::{Shown, hold, promoted};
use super::rows::{Input, Query, Rows, meaning};
use super::store::{Stored, direct};
use super::tree::Sort;
use super::world::{DAY, FIRST, World, query};

/// **Nothing is built twice.** A plan builds no table twice. It builds a table that is there only for days that it lacks,
/// or since what it was built or copied from was written or replaced. It makes no whole table or view whose twin is there: the very
/// query, word for word, over the very tables, which nobody wrote since; but where that is due and not the branch's to
/// fill.
pub(super) fn nothing_is_built_twice(
    before: &World,
    (event, outcome): (&Event, &Outcome),
    after: &World,
) -> Result<(), String> {
    let others = if matches!(event, Event::Run(_)) { promoted(before) } else { BTreeSet::new() };
    let built: BTreeSet<&String> = outcome.done.built.iter().map(|(_, table)| table).collect();
    hold(built.len() == outcome.done.built.len(), || format!("built twice: {:?}", outcome.done.built))?;
    for (model, table) in &outcome.done.built {
        let Some(now) = after.stored.get(table) else { continue };
        match before.stored.get(table) {
            Some(then) => {
                let differs = now.rows != then.rows || now.inputs != then.inputs || now.query != then.query;
                let differs =
                    differs || now.from != then.from || goes_back(then, &before.shows(&World::prod()), before);
                hold(differs || now.writes == then.writes, || format!("{model} was built as it was: {then:?}"))?;
            }
            None if matches!(now.query.sort, Sort::Full | Sort::View | Sort::Seed) => {
                let mut known = before.stored.iter().filter(|(name, _)| others.iter().all(|it| it.name != **name));
                let twin = known.find(|(name, other)| is_twin(name, other, now, before));
                hold(twin.is_none(), || format!("{model} was built as {table}, and there was {twin:?}"))?;
            }
            None => {}
        }
    }
    Ok(())
}

fn is_twin(name: &str, other: &Stored, new: &Stored, before: &World) -> bool {
    let is_same = other.query == new.query && other.inputs == new.inputs && !is_older(name, before, |_| Counts::All);
    let is_same = is_same && !goes_back(other, &before.shows(&World::prod()), before);
    // a table that was put aside is nobody's twin
    is_same && before.state.snapshots.values().any(|known| known.name == *name)
}

/// Which writes of an input count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counts {
    No,
    /// All but runs that filled it whole.
    Planned,
    All,
}

/// Whether a table that is built whole was read from others that were written since, as far as these writes count.
pub(super) fn is_older(table: &str, world: &World, counts: impl Fn(&str) -> Counts) -> bool {
    let Some(stored) = world.stored.get(table).filter(|stored| stored.query.sort == Sort::Full) else { return false };
    stored.inputs.iter().any(|(input, then)| {
        let now = world.stored.get(input).map(|input| input.writes).unwrap_or_default();
        match counts(input) {
            Counts::No => false,
            Counts::Planned => now.planned != then.planned,
            Counts::All => now != *then,
        }
    })
}

/// Whether prod would go back in time by showing a table: it has filled what it shows of the model since that was, and
/// both read raw tables, which have other rows by now.
pub(super) fn goes_back(stored: &Stored, prod: &Shown, world: &World) -> bool {
    let Some((beside, then)) = stored.beside.as_ref().filter(|_| stored.query.sort == Sort::Full) else { return false };
    let is_shown = prod.values().any(|table| table.name == *beside);
    is_shown && world.stored.get(beside).is_some_and(|now| now.writes != *then) && reads_raw(&stored.query, world)
}

/// Whether a query reads raw tables, through views and embedded models.
fn reads_raw(query: &Query, world: &World) -> bool {
    query.inputs.iter().any(|input| match input {
        Input::Raw(_) => true,
        Input::Inline(query) => reads_raw(query, world),
        Input::Table(table) => {
            let view = world.stored.get(table).filter(|stored| stored.rows.is_none());
            view.is_some_and(|view| reads_raw(&view.query, world))
        }
    })
}

/// **Prod never goes back in time**: what it shows from now on was read from raw tables after prod last filled what it
/// showed in its place.
pub(super) fn never_back(before: &World, after: &World) -> Result<(), String> {
    let shown = before.shows(&World::prod());
    for (model, table) in after.shows(&World::prod()) {
        let stored = &after.stored[&table.name];
        let place: Shown = shown.get(&model).map(|place| (model.clone(), place.clone())).into_iter().collect();
        hold(!goes_back(stored, &place, after), || {
            format!("prod goes back in time with {table} of {model}: {stored:?}")
        })?;
    }
    Ok(())
}

/// **Days are filled.** A table that is filled by days, and that prod did not show before, holds each day that what it
/// reads holds: in prod now, elsewhere when it was made. Where loads build on each other, the first day that is lacking
/// above ends it.
pub(super) fn days_are_filled(env: &EnvName, before: &World, after: &World) -> Result<(), String> {
    let others: BTreeSet<TableName> = match env.is_prod() {
        true => before.shows(env).into_values().collect(),
        false => promoted(before),
    };
    for (model, table) in after.shows(env).into_iter().filter(|(_, table)| !others.contains(table)) {
        let stored = &after.stored[&table.name];
        let Some(Rows::Days(days)) = &stored.rows else { continue };
        let held = if env.is_prod() { after.held_above(&stored.query) } else { stored.held_above.clone() };
        let is_wanted = |(at, day): &(i64, i64)| stored.query.sort != Sort::Key || FIRST + at == *day;
        let mut wanted = (0..).zip(held).filter(is_wanted).map(|(_, day)| day);
        let lacking = wanted.find(|day| !days.contains_key(day));
        hold(lacking.is_none(), || format!("{env} shows {table} of {model}, which lacks day {lacking:?}: {stored:?}"))?;
    }
    Ok(())
}

/// **An environment's tables are made of its own**: each was filled, load by load, from the very tables that the
/// environment shows of the models above. What is filled by loads may have read a whole table (through views, too) in
/// whose place there is a newer one of the same version: a day's rows are of when it was loaded. But what lies above that
/// and is filled by loads itself, it has to show.
pub(super) fn built_from_its_own(env: &EnvName, after: &World) -> Result<(), String> {
    let (tree, shown) = (&after.published[env], after.shows(env));
    for (model, table) in &shown {
        let stored = &after.stored[&table.name];
        let query = query(tree, &model.to_string(), &shown);
        let (own, below) = (direct(&query), after.stored_inputs(&query));
        let roots = after.roots(&query);
        let is_whole = |table: &String| {
            let whole = &after.stored[table].query;
            whole.sort == Sort::Full && after.roots(whole).is_subset(&roots)
        };
        let is_older = |read: &String| match after.stored.get(read) {
            Some(other) if other.rows.is_some() => is_whole(read),
            Some(view) => {
                let inputs = after.stored_inputs(&view.query);
                // a table may stand now in a view's place, and a view in a table's
                inputs.iter().all(|input| below.contains(input) || is_whole(input))
                    || after.roots(&view.query).is_subset(&roots)
            }
            // gc has dropped it
            None => true,
        };
        let by_loads = !matches!(stored.query.sort, Sort::Full | Sort::View);
        // what another version of a model holds, of whatever kind, is the same but for what nobody reads
        let is_as_good = |read: &String| {
            let Some(other) = after.stored.get(read) else { return true };
            let found = after.read(read).meanings();
            let is_wanted = |name: &String| found.iter().all(|found| *found == meaning(tree, name));
            matches!(other.query.sort, Sort::Full | Sort::View) && tree.keys().any(is_wanted)
        };
        let is_own =
            stored.reads.iter().all(|read| own.contains(read) || by_loads && is_older(read) || is_as_good(read));
        hold(is_own, || format!("{env} shows {table} of {model}, made of {:?}; it shows {own:?} above", stored.reads))?;
        let are_same = !by_loads || stored.roots.is_subset(&roots);
        hold(are_same, || format!("{env} shows {table} of {model}, loaded from {:?}, not {roots:?}", stored.roots))?;
    }
    Ok(())
}

/// **Fresh.** A table that is built whole and that prod does not show yet is not older than the tables that it was built
/// from. In a branch, those that prod shows don't count: their rows are prod's business, and a branch would have something
/// to build with every `run prod`; but they do where prod has shown the table itself and nobody would fill it any more.
/// Of the others, what a `run` filled whole doesn't count: their children are due with the next tick.
pub(super) fn fresh(env: &EnvName, before: &World, after: &World) -> Result<(), String> {
    let prod: BTreeSet<String> = before.shows(&World::prod()).into_values().map(|table| table.name).collect();
    let promoted: BTreeSet<String> = promoted(before).into_iter().map(|table| table.name).collect();
    for (model, table) in after.shows(env).iter().filter(|(_, table)| !prod.contains(&table.name)) {
        let is_prods = env.is_prod() || promoted.contains(&table.name);
        let is_old = is_older(&table.name, after, |input| match prod.contains(input) {
            true if is_prods => Counts::All,
            true => Counts::No,
            false => Counts::Planned,
        });
        hold(!is_old, || {
            let stored = &after.stored[&table.name];
            format!("{env} shows {table} of {model}, older than what it was built from: {stored:?}")
        })?;
    }
    Ok(())
}

/// **A run fills all that is due.** What an environment in step with its files shows after its run, and prod doesn't, was
/// filled today where it is built whole, and holds each day that what it reads holds where it is filled by days: be it in
/// a table of its own where a rollback would show the one of before. What goes on from prod's rows goes on with prod.
pub(super) fn a_run_fills_all_that_is_due(before: &World, outcome: &Outcome, after: &World) -> Result<(), String> {
    let Some(env) = outcome.env.as_ref().filter(|env| before.state.environments.contains_key(*env)) else {
        return Ok(());
    };
    let tree = after.shown_tree(env);
    if tree.is_none() || tree.as_ref() != before.published.get(env) {
        return Ok(());
    }
    let prod: BTreeSet<TableName> = match env.is_prod() {
        true => BTreeSet::new(),
        false => after.shows(&World::prod()).into_values().collect(),
    };
    for (model, table) in after.shows(env).into_iter().filter(|(_, table)| !prod.contains(table)) {
        let stored = &after.stored[&table.name];
        let sort = stored.query.sort;
        let is_filled = match &stored.rows {
            Some(Rows::Whole(_)) if sort == Sort::Full => after.state.tables[&table].built_at / DAY == after.now / DAY,
            Some(Rows::Days(days)) if !sort.goes_on() => {
                let held = after.held_above(&stored.query);
                let is_wanted = |(at, day): &(i64, i64)| sort != Sort::Key || FIRST + at == *day;
                (0..).zip(held).filter(is_wanted).all(|(_, day)| days.contains_key(&day))
            }
            _ => true,
        };
        hold(is_filled, || format!("{env} has run, and shows {table} of {model} as it was: {stored:?}"))?;
    }
    Ok(())
}

/// **Restating reaches all that was built from it**, through views and embedded models, in whichever environment: what
/// was built again, and whatever else is there below it, holds what its query gives now. Exceptions: histories, which go
/// on, and what is below only them; and days of a table that only a rollback shows, whose files are not at hand.
pub(super) fn restating_reaches_all(outcome: &Outcome, after: &World) -> Result<(), String> {
    let Some(restated) = &outcome.restated else { return Ok(()) };
    let mut reached: BTreeSet<String> = restated.iter().map(|table| table.name.clone()).collect();
    // what environments show it over, which may be another version's table than that which it was filled from
    let mut shown_over: BTreeMap<String, Vec<Query>> = BTreeMap::new();
    for env in after.environments() {
        let Some(tree) = after.published.get(&env) else { continue };
        let shown = after.shows(&env);
        let others = if env.is_prod() { BTreeSet::new() } else { promoted(after) };
        for (model, table) in shown.iter().filter(|(_, table)| !others.contains(table)) {
            shown_over.entry(table.name.clone()).or_default().push(query(tree, &model.to_string(), &shown));
        }
    }
    loop {
        let below = after.stored.iter().filter(|(name, stored)| {
            let of = |query: &Query| !after.stored_inputs(query).is_disjoint(&reached);
            let is_below = || of(&stored.query) || shown_over.get(*name).into_iter().flatten().any(of);
            stored.rows.is_some() && stored.query.sort != Sort::History && !reached.contains(*name) && is_below()
        });
        let below: Vec<String> = below.map(|(name, _)| name.clone()).collect();
        if below.is_empty() {
            break;
        }
        reached.extend(below);
    }
    for table in reached {
        let stored = &after.stored[&table];
        let is_shown = after.environments().iter().any(|env| after.shows(env).values().any(|it| it.name == table));
        let is_now = match stored.rows.as_ref().unwrap() {
            Rows::Whole(cell) => *cell == after.whole(&stored.query),
            Rows::Days(days) => !is_shown || days.iter().all(|(day, cell)| *cell == after.of_day(&stored.query, *day)),
            Rows::History(_) => true,
        };
        hold(is_now, || format!("{table} was not built again: {stored:?}"))?;
    }
    Ok(())
}
