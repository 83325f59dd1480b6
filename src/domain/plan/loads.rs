//! What a model's table begins with, what is loaded into it, and what that means for the models below.

use super::super::calendar::Timing;
use super::super::environment::{PhysicalTable, Pointer, State};
use super::super::model::{By, Incremental, Kind};
use super::super::name::EnvName;
use super::super::project::{Model, Project};
use super::step::Loads;
use super::upstream::{Upstream, is_in_prod};

/// A table that holds just what a model's own would: the model was renamed, or says what another one says. Tables that
/// grow belong to one model each.
pub(super) fn twin<'s>(model: &Model, state: &'s State, upstream: &Upstream) -> Option<&'s PhysicalTable> {
    let is_whole = matches!(model.kind, Kind::Full | Kind::View | Kind::Seed(_));
    let is_fresh =
        |table: &&PhysicalTable| !upstream.is_stale(model, table, state) && !upstream.is_remade(model, table, state);
    state.of_content(&model.content, model.kind.word()).find(is_fresh).filter(|_| is_whole)
}

/// The snapshot that a model's table begins as a copy of: the version that prod shows, where the new one goes on from its
/// rows; or that of the model which was renamed. What a branch made of it is shown by prod only while prod's rows are
/// still those that were copied.
pub(super) fn continued<'s>(
    model: &Model,
    known: Option<&PhysicalTable>,
    desired: &Project,
    state: &'s State,
    env: &EnvName,
) -> Option<&'s PhysicalTable> {
    let Kind::Incremental(incremental) = &model.kind else { return None };
    let prod = state.prod()?;
    let same_name = || prod.pointers.get(&model.name).filter(|_| incremental.goes_on());
    let renamed = || {
        let gone = prod.pointers.iter().filter(|(name, _)| desired.model(name).is_none());
        let content = |shown: &Pointer| state.tables.get(&shown.table).and_then(|table| table.content);
        gone.map(|(_, shown)| shown).find(|shown| content(shown) == Some(model.content))
    };
    let before = state.existing(&same_name().or_else(renamed)?.table)?;
    // however changes are told, a history is a history
    let word = model.kind.word();
    let is_alike = before.kind == word || before.kind.is_history() && word.is_history();
    let is_known = known.is_some_and(|known| known.table == before.table);
    if is_known || before.filled.is_none() || !is_alike {
        return None;
    }
    let copied = Some(before.as_source());
    let is_copy = |known: &PhysicalTable| !incremental.goes_on() || !env.is_prod() || known.continues == copied;
    (!known.is_some_and(is_copy)).then_some(before)
}

/// What to load into an incremental model's table, and what it shall hold then.
///
/// A table that prod shows is filled by `run` alone. One that prod is about to show is filled up to now. Any other is left
/// as it is once it holds what it was made for, or a branch would have something to build with every tick.
pub(super) fn loads(
    model: &Model,
    (built, source): (Option<&PhysicalTable>, Option<&PhysicalTable>),
    state: &State,
    env: &EnvName,
    (timing, upstream): (&Timing, &Upstream),
) -> Loads {
    let Some(calendar) = &model.calendar else { return Loads::default() };
    let mut filled = built.and_then(|snapshot| snapshot.filled.clone()).unwrap_or_default();
    if let Some(held) = source.and_then(|source| source.filled.as_ref()) {
        filled.intervals.clone_from(&held.intervals);
        if matches!(&model.kind, Kind::Incremental(Incremental { by: By::History(_), .. })) {
            // a history takes in at once what its changed version sees
            calendar.forget_last(&mut filled);
        }
    }
    let shown = is_in_prod(model, state);
    let limited = timing.start.is_some() || timing.end.is_some();
    if shown && built.is_some() || built.is_some() && !env.is_prod() && !limited && filled.is_complete() {
        return Loads::default();
    }
    let wanted = match filled.aim {
        Some(aim) if !env.is_prod() && !limited => Some(aim),
        _ => {
            // a new version of a model that names no start begins where the one that prod shows does
            let shown = state.pointer(&EnvName::prod(), &model.name);
            let before = shown.and_then(|shown| state.existing(&shown.table)?.filled.clone());
            calendar
                .wanted(if filled.intervals.is_empty() { before.as_ref().unwrap_or(&filled) } else { &filled }, timing)
        }
    };
    let goes_on = source.is_some() || built.is_some_and(|built| built.continues.is_some());
    let wanted = wanted.and_then(|wanted| if goes_on { calendar.onwards(&filled, wanted) } else { Some(wanted) });
    let Some(wanted) = wanted else { return Loads::default() };
    // nor does a branch fill what prod has shown
    if !env.is_prod() && built.is_some_and(|built| upstream.was_promoted(built, state)) {
        return Loads::default();
    }
    let held = upstream.held(model);
    Loads { aim: calendar.up_to_lacking(&filled, wanted, &held), spans: calendar.loads(&filled, wanted, &held) }
}
