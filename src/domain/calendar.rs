//! Which spans of time a model's table shall hold, and which it lacks.

use serde::{Deserialize, Serialize};

use super::interval::{self, Cron, Interval, Intervals, Moment, Unit};
use super::model::{Incremental, Schedule};

/// When a model is due that doesn't say.
const DAILY: &str = "@daily";

/// When an incremental model is filled, and with what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    cron: Cron,
    unit: Unit,
    allow_partials: bool,
    start: Option<String>,
    end: Option<String>,
    lookback: u32,
    batch_size: Option<std::num::NonZeroU32>,
}

/// How much of its time a table holds.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Filled {
    /// The spans that were loaded.
    pub intervals: Intervals,
    /// What shall be loaded before the table counts as built: a load that was interrupted goes on from here.
    pub aim: Option<Interval>,
}

/// The time that a plan is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// Now.
    pub now: Moment,
    /// Only what is not before this.
    pub start: Option<Moment>,
    /// Only what is before this.
    pub end: Option<Moment>,
    /// Whether what is not yet due may be filled.
    pub ignore_cron: bool,
}

impl Timing {
    /// Everything up to now.
    pub fn at(now: Moment) -> Self {
        Self { now, start: None, end: None, ignore_cron: false }
    }
}

impl Filled {
    /// Whether everything that was aimed at is there.
    pub fn is_complete(&self) -> bool {
        self.aim.is_none_or(|aim| self.intervals.missing(aim).is_empty())
    }
}

impl Calendar {
    /// The calendar of a model, or why there is none. `start` is that of its earliest parent, for a model that has none.
    pub fn new(schedule: &Schedule, incremental: &Incremental, start: Option<String>) -> Result<Self, String> {
        let cron = Cron::parse(schedule.cron.as_deref().unwrap_or(DAILY), schedule.cron_tz.as_deref())
            .map_err(|error| error.to_string())?;
        let unit = schedule.unit.unwrap_or_else(|| cron.unit());
        if !schedule.allow_partials {
            cron.check_unit(unit).map_err(|error| error.to_string())?;
        }
        Ok(Self {
            cron,
            unit,
            allow_partials: schedule.allow_partials,
            start: schedule.start.clone().or(start),
            end: schedule.end.clone(),
            lookback: incremental.lookback,
            batch_size: incremental.batch_size,
        })
    }

    /// The start as it is written.
    pub fn start(&self) -> Option<&str> {
        self.start.as_deref()
    }

    /// What makes different rows: part of the fingerprint.
    pub fn meaning(&self) -> Vec<String> {
        vec![self.unit.word().to_owned(), self.start.clone().unwrap_or_default(), self.end.clone().unwrap_or_default()]
    }

    /// All that the table shall hold; `None` while that is nothing. A model whose start nobody gave begins with the last
    /// tick before it is first filled.
    pub fn span(&self, filled: &Filled, timing: &Timing) -> Option<Interval> {
        let now = timing.now;
        let cron = (!timing.ignore_cron).then_some(&self.cron);
        let due = interval::due(cron, self.unit, now, self.allow_partials);
        let given = self.start.as_ref().and_then(|start| Moment::read(start, now).ok());
        let begun = || filled.intervals.iter().next().map(Interval::start);
        let last = || {
            let tick = self.cron.last_at_or_before(due)?;
            self.cron.last_at_or_before(Moment::from_micros(tick.micros() - 1))
        };
        let start = given.or_else(begun).or_else(last)?;
        let end = self.end.as_ref().and_then(|end| Moment::read_end(end, now).ok());
        interval::span(start, end, due, self.unit, self.allow_partials)
    }

    /// The span, within what the plan is limited to.
    pub fn wanted(&self, filled: &Filled, timing: &Timing) -> Option<Interval> {
        let span = self.span(filled, timing)?;
        let start = timing.start.map_or(span.start(), |start| self.unit.floor(start));
        let end = timing.end.map_or(span.end(), |end| self.unit.ceil(end));
        span.common(Interval::new(start, end)?)
    }

    /// The last unit that is due; all that is wanted, if that is limited.
    pub fn latest(&self, timing: &Timing) -> Option<Interval> {
        let wanted = self.wanted(&Filled::default(), timing)?;
        let last = self.unit.floor(Moment::from_micros(wanted.end().micros() - 1));
        let is_limited = timing.start.is_some() || timing.end.is_some();
        Interval::new(if is_limited { wanted.start() } else { last.max(wanted.start()) }, wanted.end())
    }

    /// The loads that fill a span, the earliest first. Units of which a parent lacks a part have to wait for it.
    pub fn loads(&self, filled: &Filled, within: Interval, held: &[Intervals]) -> Vec<Interval> {
        let mut missing = interval::missing(&filled.intervals, within, self.unit, self.lookback);
        for lacking in self.lacking(within, held) {
            missing.remove(lacking);
        }
        interval::batches(&missing, self.unit, self.batch_size)
    }

    /// A span up to the first unit that a parent lacks; `None` if that is nothing.
    pub fn up_to_lacking(&self, within: Interval, held: &[Intervals]) -> Option<Interval> {
        let first = self.lacking(within, held).into_iter().map(Interval::start).min();
        Interval::new(within.start(), first.unwrap_or(within.end()).min(within.end()))
    }

    /// The units of which a parent lacks a part.
    fn lacking(&self, within: Interval, held: &[Intervals]) -> Vec<Interval> {
        let whole = |lacking: Interval| {
            Interval::new(self.unit.floor(lacking.start()), self.unit.ceil(lacking.end())).unwrap_or(lacking)
        };
        held.iter().flat_map(|held| held.missing(within).iter().map(whole).collect::<Vec<_>>()).collect()
    }

    /// Takes the last unit out of what is filled, so that it is loaded again.
    pub fn forget_last(&self, filled: &mut Filled) {
        let Some(end) = filled.intervals.iter().last().map(Interval::end) else { return };
        let start = self.unit.floor(Moment::from_micros(end.micros() - 1));
        if let Some(last) = Interval::new(start, end) {
            filled.intervals.remove(last);
        }
    }

    /// The loads that a span takes, whatever is there already.
    pub fn loads_again(&self, within: Interval) -> Vec<Interval> {
        self.loads(&Filled::default(), within, &[])
    }
}

/// Whether a model's cron has ticked since a moment.
pub fn has_ticked(schedule: &Schedule, since: Moment, now: Moment) -> bool {
    let cron = Cron::parse(schedule.cron.as_deref().unwrap_or(DAILY), schedule.cron_tz.as_deref()).ok();
    cron.and_then(|cron| cron.last_at_or_before(now)).is_some_and(|tick| tick > since)
}

#[cfg(test)]
mod tests {
    use super::super::model::{By, OnChange};
    use super::*;

    fn calendar(schedule: Schedule, lookback: u32) -> Calendar {
        let by = By::TimeRange { column: "ds".to_owned(), format: None };
        Calendar::new(
            &schedule,
            &Incremental { by, lookback, batch_size: None, forward_only: false, on_change: OnChange::default() },
            None,
        )
        .unwrap()
    }

    fn at(text: &str) -> Moment {
        Moment::read(text, Moment::EPOCH).unwrap()
    }

    fn days(from: &str, to: &str) -> Interval {
        Interval::new(at(from), at(to)).unwrap()
    }

    #[test]
    fn a_model_holds_the_days_that_are_over() {
        let calendar = calendar(Schedule { start: Some("2026-01-01".to_owned()), ..Schedule::default() }, 0);
        let timing = Timing::at(at("2026-01-04 13:00:00"));
        let mut filled = Filled::default();
        let span = calendar.wanted(&filled, &timing).unwrap();
        assert_eq!(span, days("2026-01-01", "2026-01-04"));
        filled.intervals.insert(days("2026-01-01", "2026-01-03"));
        assert_eq!(calendar.loads(&filled, span, &[]), [days("2026-01-03", "2026-01-04")]);
        let limited = Timing { start: Some(at("2026-01-02 07:00:00")), end: Some(at("2026-01-02 08:00:00")), ..timing };
        assert_eq!(calendar.wanted(&filled, &limited), Some(days("2026-01-02", "2026-01-03")));
    }

    #[test]
    fn without_a_start_it_begins_a_tick_ago_and_stays_there() {
        let calendar = calendar(Schedule::default(), 1);
        let mut filled = Filled::default();
        let first = calendar.wanted(&filled, &Timing::at(at("2026-03-01 01:00:00"))).unwrap();
        assert_eq!(first, days("2026-02-28", "2026-03-01"));
        filled.intervals.insert(first);
        let later = calendar.wanted(&filled, &Timing::at(at("2026-03-03 01:00:00"))).unwrap();
        assert_eq!(later, days("2026-02-28", "2026-03-03"));
        assert_eq!(calendar.loads(&filled, later, &[]), [days("2026-02-28", "2026-03-03")], "with the day before");
    }
}
