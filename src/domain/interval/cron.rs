//! When a model is due: a cron and its time zone.

use croner::Direction;
use croner::parser::{CronParser, Seconds, Year};
use jiff::civil::{Date, DateTime};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use thiserror::Error;

use super::moment::Moment;
use super::unit::Unit;

/// The words that stand for a cron.
const WORDS: [(&str, &str); 7] = [
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
];

/// The fields of a cron: name, what it may hold, and the letters it may hold.
const FIELDS: [(&str, &str, &[&str]); 5] = [
    ("minute", "0-59", &[]),
    ("hour", "0-23", &[]),
    ("day of the month", "1-31, L", &["L", "W"]),
    ("month", "1-12, JAN-DEC", &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]),
    ("day of the week", "0-7 (0 and 7 are Sunday), SUN-SAT", &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT", "L"]),
];

/// How many dates are looked at to find the shortest gap between two. A monthly cron has gone through five years by
/// then, and so through every length of February.
const DATES_LOOKED_AT: usize = 60;

/// Minutes in a day.
const DAY: i64 = 24 * 60;

/// Why a text is not a cron, or does not fit.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CronError {
    /// The number of fields is wrong.
    #[error(
        "the cron `{text}` has {count} field{}, it needs 5: minute, hour, day of the month, month, day of the week",
        if *count == 1 { "" } else { "s" }
    )]
    FieldCount {
        /// The cron.
        text: String,
        /// How many fields it has.
        count: usize,
    },
    /// A word that stands for no cron.
    #[error(
        "there is no cron `{text}`; there are @hourly, @daily, @midnight, @weekly, @monthly, @yearly, @annually, \
         and crons of 5 fields"
    )]
    UnknownWord {
        /// The word.
        text: String,
    },
    /// A field that makes no sense.
    #[error(
        "in the cron `{text}` the {field} cannot be `{value}`: use {allowed}, lists (1,2), ranges (1-5), steps (*/5)"
    )]
    Field {
        /// The cron.
        text: String,
        /// What the field holds.
        value: String,
        /// The name of the field.
        field: &'static str,
        /// What it may hold.
        allowed: &'static str,
    },
    /// It runs too often for the shortest unit.
    #[error("the cron `{text}` has runs that are less than 5 minutes apart; 5 minutes is the least")]
    TooOften {
        /// The cron.
        text: String,
    },
    /// No date matches.
    #[error("the cron `{text}` never runs: no date matches it")]
    Never {
        /// The cron.
        text: String,
    },
    /// The time zone does not exist.
    #[error("there is no time zone `{zone}`; write its IANA name, such as `Europe/Paris`")]
    UnknownZone {
        /// The name given.
        zone: String,
    },
    /// The unit set by hand is longer than the time between two runs.
    #[error("the interval unit `{unit}` is too long for the cron `{text}`; the longest that fits is `{longest}`")]
    UnitTooLong {
        /// The cron.
        text: String,
        /// The unit set by hand.
        unit: Unit,
        /// The cron's own unit.
        longest: Unit,
    },
}

/// A cron in a time zone. It says when a model is due; the intervals of the model are in UTC all the same.
///
/// If both the day of the month and the day of the week are given, one of them is enough, as in every cron. When clocks
/// go back, a cron for one time of day ticks at the first of the two, a repeating one at both. When clocks go forward,
/// a tick in the lost time comes at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cron {
    text: String,
    pattern: croner::Cron,
    zone: TimeZone,
    unit: Unit,
}

impl Cron {
    /// Reads a cron: five fields, or a word such as `@daily`. The time zone is an IANA name; without one it is UTC.
    pub fn parse(text: &str, zone: Option<&str>) -> Result<Self, CronError> {
        let text = text.trim();
        let fields = fields(text)?;
        let pattern = pattern(&fields).map_err(|()| blame(text, &fields))?;
        let gap = shortest_gap(&pattern, &fields).ok_or_else(|| CronError::Never { text: text.to_owned() })?;
        let unit = longest_unit(gap).ok_or_else(|| CronError::TooOften { text: text.to_owned() })?;
        Ok(Self { text: text.to_owned(), pattern, zone: zone.map_or(Ok(TimeZone::UTC), time_zone)?, unit })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The name of its time zone.
    pub fn zone(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }

    /// The unit of the intervals of a model that sets none: the longest that fits between any two ticks, by the clock
    /// on the wall.
    ///
    /// As in SQLMesh, ticks need not fall on the grid of the unit: a model that runs at half past six each day has
    /// whole days for its intervals, and a weekly one has days too, since there is no unit of a week.
    pub fn unit(&self) -> Unit {
        self.unit
    }

    /// Refuses a unit set by hand that is longer than the time between two ticks. SQLMesh does not ask this of a model
    /// that allows partial intervals.
    pub fn check_unit(&self, unit: Unit) -> Result<(), CronError> {
        if unit <= self.unit {
            return Ok(());
        }
        Err(CronError::UnitTooLong { text: self.text.clone(), unit, longest: self.unit })
    }

    /// The last tick that is not after a moment. `None` if there is none since the year 1.
    pub fn last_at_or_before(&self, moment: Moment) -> Option<Moment> {
        let from = second(moment).timestamp().to_zoned(self.zone.clone());
        self.pattern.find_previous_occurrence(&from, true).ok().map(|tick| tick.timestamp().into())
    }

    /// The first tick after a moment. `None` if there is none up to the year 5000.
    pub fn next_after(&self, moment: Moment) -> Option<Moment> {
        let from = second(moment).timestamp().to_zoned(self.zone.clone());
        self.pattern.find_next_occurrence(&from, false).ok().map(|tick| tick.timestamp().into())
    }
}

/// The start of the second that a moment lies in. Ticks are on whole seconds, and the search looks at nothing smaller.
fn second(moment: Moment) -> Moment {
    Moment::from_micros(moment.micros().div_euclid(1_000_000) * 1_000_000)
}

/// The five fields of a cron, or of the one that a word stands for.
fn fields(text: &str) -> Result<[&str; 5], CronError> {
    let plain = if text.starts_with('@') {
        let word = WORDS.iter().find(|(word, _)| word.eq_ignore_ascii_case(text));
        word.ok_or_else(|| CronError::UnknownWord { text: text.to_owned() })?.1
    } else {
        text
    };
    let fields: Vec<&str> = plain.split_whitespace().collect();
    let count = fields.len();
    fields.try_into().map_err(|_| CronError::FieldCount { text: text.to_owned(), count })
}

/// The cron that some fields make.
fn pattern(fields: &[&str; 5]) -> Result<croner::Cron, ()> {
    // The parser puts numbers for names in every field, and passes over empty items of a list.
    let names = |(field, (_, _, names)): (&&str, &(_, _, &[&str]))| {
        let mut words = field.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty());
        words.all(|word| names.iter().any(|name| name.eq_ignore_ascii_case(word)))
    };
    let item = |item: &str| !item.is_empty() && !item.starts_with('/');
    if !fields.iter().zip(&FIELDS).all(names) || !fields.iter().all(|field| field.split(',').all(item)) {
        return Err(());
    }
    // Loose ranges are `5/15`, from 5 on in steps of 15: SQLMesh knows them.
    let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).sloppy_ranges(true).build();
    parser.parse(&fields.join(" ")).map_err(drop)
}

/// The error for the field that is wrong: the first that cannot stand alone.
fn blame(text: &str, fields: &[&str; 5]) -> CronError {
    let alone = |index: usize| {
        let mut alone = ["*"; 5];
        alone[index] = fields[index];
        pattern(&alone).is_err()
    };
    let index = (0..fields.len()).find(|index| alone(*index)).unwrap_or_default();
    let (field, allowed, _) = FIELDS[index];
    CronError::Field { text: text.to_owned(), value: fields[index].to_owned(), field, allowed }
}

/// A time zone by its name. The list of zones is the one in the program, so that it is the same on every computer.
/// Whether there is a time zone of this name.
pub fn is_time_zone(name: &str) -> bool {
    TimeZoneDatabase::bundled().get(name).is_ok()
}

fn time_zone(name: &str) -> Result<TimeZone, CronError> {
    TimeZoneDatabase::bundled().get(name).map_err(|_| CronError::UnknownZone { zone: name.to_owned() })
}

/// The fewest minutes between two ticks, by the clock on the wall. `None` if there are no two ticks.
fn shortest_gap(pattern: &croner::Cron, fields: &[&str; 5]) -> Option<i64> {
    let minutes = pattern.pattern.minutes.values();
    let hours = pattern.pattern.hours.values();
    let times: Vec<i64> =
        hours.iter().flat_map(|hour| minutes.iter().map(|minute| i64::from(*hour * 60 + *minute))).collect();
    let within_a_day = times.windows(2).map(|pair| pair[1] - pair[0]).min();
    let days = shortest_gap_in_days(fields)?;
    let over_midnight = days * DAY - times.last()? + times.first()?;
    Some(within_a_day.map_or(over_midnight, |within| within.min(over_midnight)))
}

/// The fewest days between two dates that a cron matches.
fn shortest_gap_in_days(fields: &[&str; 5]) -> Option<i64> {
    let [_, _, day, month, weekday] = *fields;
    let dates = pattern(&["0", "0", day, month, weekday]).ok()?;
    let mut shortest: Option<i64> = None;
    let mut last: Option<DateTime> = None;
    for date in dates.iter_from(Date::constant(2000, 1, 1).at(0, 0, 0, 0), Direction::Forward).take(DATES_LOOKED_AT) {
        if let Some(last) = last {
            let days = last.duration_until(date).as_hours() / 24;
            shortest = Some(shortest.map_or(days, |shortest| shortest.min(days)));
        }
        if shortest == Some(1) {
            break;
        }
        last = Some(date);
    }
    shortest
}

/// The longest unit that is never longer than so many minutes.
fn longest_unit(minutes: i64) -> Option<Unit> {
    let least = |unit: &Unit| match unit {
        Unit::FiveMinute => 5,
        Unit::QuarterHour => 15,
        Unit::HalfHour => 30,
        Unit::Hour => 60,
        Unit::Day => DAY,
        Unit::Month => 28 * DAY,
        Unit::Year => 365 * DAY,
    };
    Unit::ALL.into_iter().rev().find(|unit| least(unit) <= minutes)
}
