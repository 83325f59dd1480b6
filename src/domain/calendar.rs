//! Which spans of time a model's table shall hold, and which it lacks.

use serde::{Deserialize, Serialize};

use super::interval::{self, Cron, Interval, Intervals, Moment, Unit};
use super::model::{Incremental, Order, Schedule};

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
    order: Order,
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
            order: incremental.by.order(),
        })
    }

    /// What makes different rows: part of the fingerprint. Times that are the same whenever they are read count as the
    /// grid has them, however they are spelled; others as they are written.
    pub fn meaning(&self) -> Vec<String> {
        let start = self.start.as_ref().map(|text| match fixed(text, Moment::read) {
            Some(moment) => self.unit.floor(moment).to_string(),
            None => text.to_lowercase(),
        });
        let end = self.end.as_ref().map(|text| match fixed(text, Moment::read_end) {
            Some(moment) => self.until(moment).to_string(),
            None => text.to_lowercase(),
        });
        vec![self.unit.word().to_owned(), start.unwrap_or_default(), end.unwrap_or_default()]
    }

    /// The end of what is loaded for an end that was given.
    fn until(&self, end: Moment) -> Moment {
        if self.allow_partials { end } else { self.unit.ceil(end) }
    }

    /// The time that the table will never hold: before it begins, and after its end. Until a table `is_settled`, it
    /// may begin earlier than what it holds does.
    pub fn never(&self, filled: &Intervals, now: Moment, is_settled: bool) -> Vec<Interval> {
        let given = self.start.as_ref().and_then(|start| Moment::read(start, now).ok());
        let begun = || filled.iter().next().map(Interval::start).filter(|_| is_settled);
        let start = given.map(|start| self.unit.floor(start)).or_else(begun);
        let end = self.end.as_ref().and_then(|end| Moment::read_end(end, now).ok()).map(|end| self.until(end));
        let before = start.and_then(|start| Interval::new(Moment::MIN, start));
        before.into_iter().chain(end.and_then(|end| Interval::new(end, Moment::MAX))).collect()
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
        self.span(filled, timing)?.common(self.limits(timing)?)
    }

    /// What a plan is limited to: whole units.
    pub fn limits(&self, timing: &Timing) -> Option<Interval> {
        let start = timing.start.map_or(Moment::MIN, |start| self.unit.floor(start));
        Interval::new(start, timing.end.map_or(Moment::MAX, |end| self.unit.ceil(end)))
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
        let widened = |within| interval::missing(&filled.intervals, within, self.unit, self.lookback);
        let mut missing = match self.order {
            Order::Any => widened(within),
            Order::Once => filled.intervals.missing(within),
            Order::InTurn => {
                let reach = self.up_to_lacking(filled, within, held);
                let first = reach.and_then(|reach| Some((widened(reach).iter().next()?.start(), reach.end())));
                first.and_then(|(start, end)| Interval::new(start, end)).into_iter().collect()
            }
        };
        for lacking in self.lacking(within, held) {
            missing.remove(lacking);
        }
        interval::batches(&missing, self.unit, self.batch_size)
    }

    /// What the table shall hold after that: up to the first unit that a parent lacks; `None` if that is nothing.
    pub fn up_to_lacking(&self, filled: &Filled, within: Interval, held: &[Intervals]) -> Option<Interval> {
        let within = self.reach(filled, within);
        let first = self.lacking(within, held).into_iter().map(Interval::start).min();
        Interval::new(within.start(), first.unwrap_or(within.end()).min(within.end()))
    }

    /// A span without what lies before the table began, where loads build on each other: of a table that goes on from
    /// other rows, these are no loads that could be carried out again.
    pub fn onwards(&self, filled: &Filled, within: Interval) -> Option<Interval> {
        let first = filled.intervals.iter().next().filter(|_| self.order == Order::InTurn);
        Interval::new(first.map_or(within.start(), |first| within.start().max(first.start())), within.end())
    }

    /// A span, with all that lies between it and what is there where loads build on each other: a load before others
    /// takes these along.
    fn reach(&self, filled: &Filled, within: Interval) -> Interval {
        let last = filled.intervals.iter().next_back().filter(|_| self.order == Order::InTurn);
        let hull = |last: Interval| Interval::new(within.start().min(last.end()), within.end().max(last.end()));
        last.and_then(hull).unwrap_or(within)
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

/// The moment that a text means whenever it is read; `None` if it is told from now.
pub fn fixed<E>(text: &str, read: impl Fn(&str, Moment) -> Result<Moment, E>) -> Option<Moment> {
    // read by two clocks that differ in each digit: equal results mean that the text does not depend on now
    let other = Moment::from_micros(1_234_567_890_123_456);
    let moment = read(text, Moment::EPOCH).ok()?;
    (read(text, other).ok() == Some(moment)).then_some(moment)
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
            &Incremental {
                by,
                lookback,
                batch_size: None,
                disable_restatement: false,
                forward_only: false,
                on_change: OnChange::default(),
            },
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

    fn of(by: By, schedule: Schedule) -> Calendar {
        let on_change = OnChange::default();
        let (batch_size, disable_restatement, forward_only) = (None, false, false);
        let incremental = Incremental { by, lookback: 0, batch_size, disable_restatement, forward_only, on_change };
        Calendar::new(&schedule, &incremental, None).unwrap()
    }

    #[test]
    fn an_earlier_load_takes_what_was_built_on_it_along() {
        let calendar = of(By::UniqueKey(vec!["id".to_owned()]), Schedule::default());
        let filled = Filled { intervals: [days("2026-01-05", "2026-01-08")].into_iter().collect(), aim: None };
        let loads = |from, to| calendar.loads(&filled, days(from, to), &[]);
        assert_eq!(loads("2026-01-02", "2026-01-03"), [days("2026-01-02", "2026-01-08")]);
        assert_eq!(loads("2026-01-10", "2026-01-12"), [days("2026-01-08", "2026-01-12")]);
        assert_eq!(loads("2026-01-06", "2026-01-07"), []);
        let held = [[days("2026-01-01", "2026-01-10")].into_iter().collect()];
        assert_eq!(
            calendar.loads(&filled, days("2026-01-05", "2026-01-15"), &held),
            [days("2026-01-08", "2026-01-10")],
            "up to what the parent lacks"
        );
    }

    #[test]
    fn what_adds_rows_loads_no_time_twice() {
        let calendar = of(By::Unmanaged(false), Schedule { allow_partials: true, ..Schedule::default() });
        let noon = Interval::new(at("2026-01-01"), at("2026-01-02 12:00:00")).unwrap();
        let filled = Filled { intervals: [noon].into_iter().collect(), aim: None };
        let rest = Interval::new(at("2026-01-02 12:00:00"), at("2026-01-03")).unwrap();
        assert_eq!(calendar.loads(&filled, days("2026-01-01", "2026-01-03"), &[]), [rest]);
    }

    #[test]
    fn times_count_by_what_they_mean() {
        let meaning = |start: &str, end: &str| {
            let schedule = Schedule { start: Some(start.to_owned()), end: Some(end.to_owned()), ..Schedule::default() };
            of(By::Unmanaged(false), schedule).meaning()
        };
        let first = meaning("2026-01-01", "2026-01-31");
        assert_eq!(first, meaning("2026-01-01 13:00:00", "2026-02-01 00:00:00"));
        assert_eq!(first, meaning("20260101", "2026-01-31T12:00:00Z"));
        assert_ne!(first, meaning("2026-01-02", "2026-01-31"));
        assert_ne!(first, meaning("2026-01-01", "2026-02-01"));
        assert_ne!(meaning("1 day ago", "now"), meaning("yesterday", "now"));
        assert_eq!(fixed("today", Moment::read), None);
    }
}
