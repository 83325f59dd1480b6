//! What a model has to load now.

use std::num::NonZeroU32;

use super::super::limits::LOADS;
use super::Interval;
use super::cron::Cron;
use super::moment::Moment;
use super::set::Intervals;
use super::unit::Unit;

/// Up to where a model may be filled: the last tick of its cron at or before `now`, cut to whole units.
///
/// Without a cron (a run that ignores it) that is `now`, cut to whole units. With `allow_partials` nothing is cut. So
/// a model that allows partial units still waits for its cron, as in SQLMesh; only without one it is filled to `now`.
pub fn due(cron: Option<&Cron>, unit: Unit, now: Moment, allow_partials: bool) -> Moment {
    // A cron that has never ticked yet lets nothing be filled.
    let tick = cron.map_or(now, |cron| cron.last_at_or_before(now).unwrap_or(Moment::MIN));
    if allow_partials { tick } else { unit.floor(tick) }
}

/// The time that a model should have filled: from its start up to `due`, or up to `end` if that comes first.
///
/// A start or end inside a unit takes the whole unit in, because only whole units can be loaded; `due` is still the
/// limit. With `allow_partials` the end stays as it is. `None` if there is nothing to fill yet.
pub fn span(start: Moment, end: Option<Moment>, due: Moment, unit: Unit, allow_partials: bool) -> Option<Interval> {
    let end = end.map_or(due, |end| if allow_partials { end } else { unit.ceil(end) });
    Interval::new(unit.floor(start), end.min(due))
}

/// What of a span must be loaded, on the grid of the unit. A unit that is filled in part is loaded as a whole. Only the
/// last one can be less than a unit: when the span itself ends inside it (see [`span`]).
///
/// With a lookback, the `lookback` units before each run of missing units are loaded again, as far as the span goes
/// back: rows that came late for those units are picked up. Where nothing is missing nothing is loaded again. For a
/// model that is filled without a hole this is exactly what SQLMesh does. When there is a hole, SQLMesh loads again
/// only the unit that lies `lookback` before each missing one, which leaves units out when the hole is short, and it
/// also loads the newest units of the span, which have nothing to do with the hole. Here a hole is treated as the end
/// of the filled time is.
pub fn missing(filled: &Intervals, span: Interval, unit: Unit, lookback: u32) -> Intervals {
    let first = unit.floor(span.start);
    let gaps = filled.missing(Interval { start: first, end: span.end });
    let widened = gaps.iter().filter_map(|gap| {
        let start = unit.step(unit.floor(gap.start), -i64::from(lookback));
        Interval::new(start.max(first), unit.ceil(gap.end).min(span.end))
    });
    widened.collect()
}

/// The pieces to load one after the other: each is at most `size` units, and none reaches over a gap. Without a size,
/// one piece for each run of units. Of more than [`LOADS`] pieces only one is given that is too many.
pub fn batches(missing: &Intervals, unit: Unit, size: Option<NonZeroU32>) -> Vec<Interval> {
    let Some(size) = size else { return missing.iter().collect() };
    let mut batches = Vec::new();
    for run in missing.iter() {
        let mut rest = Some(run);
        while let Some(Interval { start, end }) = rest.filter(|_| batches.len() <= LOADS) {
            let cut = unit.step(unit.floor(start), size.get().into()).min(end);
            batches.push(Interval { start, end: cut });
            rest = Interval::new(cut, end);
        }
    }
    batches
}
