//! The grids that intervals lie on.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::moment::Moment;

/// Microseconds in a minute.
const MINUTE: i64 = 60_000_000;

/// The length of one step of a grid. Grids are laid out in UTC, and a longer unit is greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Five minutes, on minutes that 5 divides.
    FiveMinute,
    /// Fifteen minutes, from the full hour.
    QuarterHour,
    /// Thirty minutes, from the full hour.
    HalfHour,
    /// An hour.
    Hour,
    /// A day.
    Day,
    /// A month of the calendar.
    Month,
    /// A year of the calendar.
    Year,
}

impl Unit {
    /// Every unit, the shortest first.
    pub const ALL: [Self; 7] =
        [Self::FiveMinute, Self::QuarterHour, Self::HalfHour, Self::Hour, Self::Day, Self::Month, Self::Year];

    /// The unit that a word names in a model's header.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|unit| unit.word().eq_ignore_ascii_case(word))
    }

    /// Its word in a model's header.
    pub fn word(self) -> &'static str {
        match self {
            Self::FiveMinute => "five_minute",
            Self::QuarterHour => "quarter_hour",
            Self::HalfHour => "half_hour",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Month => "month",
            Self::Year => "year",
        }
    }

    /// The last point of the grid at or before a moment.
    pub fn floor(self, moment: Moment) -> Moment {
        match self.length() {
            Length::Micros(length) => Moment::from_micros(moment.micros().div_euclid(length) * length),
            Length::Months(length) => month_start(month(moment).div_euclid(length) * length),
        }
    }

    /// The first point of the grid at or after a moment.
    pub fn ceil(self, moment: Moment) -> Moment {
        if self.floor(moment) == moment { moment } else { self.next(moment) }
    }

    /// The first point of the grid after a moment.
    pub fn next(self, moment: Moment) -> Moment {
        self.step(self.floor(moment), 1)
    }

    /// From a point of the grid, so many points on, or back if the count is negative.
    pub fn step(self, from: Moment, count: i64) -> Moment {
        match self.length() {
            Length::Micros(length) => Moment::from_micros(from.micros().saturating_add(length.saturating_mul(count))),
            Length::Months(length) => month_start(month(from).saturating_add(length.saturating_mul(count))),
        }
    }

    /// How long one step is.
    fn length(self) -> Length {
        match self {
            Self::FiveMinute => Length::Micros(5 * MINUTE),
            Self::QuarterHour => Length::Micros(15 * MINUTE),
            Self::HalfHour => Length::Micros(30 * MINUTE),
            Self::Hour => Length::Micros(60 * MINUTE),
            Self::Day => Length::Micros(24 * 60 * MINUTE),
            Self::Month => Length::Months(1),
            Self::Year => Length::Months(12),
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A length of time: in UTC a day is always as long as another, a month is not.
enum Length {
    /// Always the same.
    Micros(i64),
    /// As the calendar has it.
    Months(i64),
}

/// The number of the month that a moment lies in, counted from the year 0.
fn month(moment: Moment) -> i64 {
    let date = moment.civil().date();
    i64::from(date.year()) * 12 + i64::from(date.month()) - 1
}

/// The start of a month, by its number.
fn month_start(number: i64) -> Moment {
    let year = i16::try_from(number.div_euclid(12)).ok();
    let month = i8::try_from(number.rem_euclid(12) + 1).ok();
    let date = year.zip(month).and_then(|(year, month)| jiff::civil::Date::new(year, month, 1).ok());
    match date {
        Some(date) => Moment::midnight(date),
        None if number < 0 => Moment::MIN,
        None => Moment::MAX,
    }
}
