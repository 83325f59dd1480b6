//! Times as people write them.

use jiff::civil::{Date, DateTime, Time};
use jiff::{Span, Timestamp};
use thiserror::Error;

use super::moment::Moment;

/// The fewest digits that are taken for milliseconds. Fewer would be a time in the first hours of 1970: a year or a
/// month was meant.
const MILLIS_DIGITS: usize = 9;
/// The milliseconds since 1970 that are moments.
const RANGE_OF_MILLIS: std::ops::RangeInclusive<i64> = Moment::MIN.micros() / 1000..=Moment::MAX.micros() / 1000;

/// Why a text is not a time.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TimeError {
    /// It has no form that is known.
    #[error(
        "`{text}` is not a time: write a date (2026-01-31), a date with a time (2026-01-31 10:00:00), \
         `now`, `today`, `yesterday`, or an age (`2 weeks ago`)"
    )]
    Unreadable {
        /// What was written.
        text: String,
    },
    /// It looks like a date, but no calendar or clock shows it.
    #[error("`{text}` is not a date or time of the calendar; they look like 2026-01-31 or 2026-01-31 10:00:00")]
    NoSuchTime {
        /// What was written.
        text: String,
    },
    /// It is a number that stands for nothing.
    #[error("`{text}` is only a number; write a date as 2026-01-31, or a time as milliseconds since 1970")]
    BareNumber {
        /// What was written.
        text: String,
    },
    /// An age in a unit that does not exist.
    #[error(
        "`{unit}` in `{text}` is not a unit of time; there are seconds, minutes, hours, days, weeks, months, years"
    )]
    UnknownUnit {
        /// What was written.
        text: String,
        /// The word that should be a unit.
        unit: String,
    },
    /// It lies too far away.
    #[error("`{text}` is outside the years 1 to 9998")]
    OutOfRange {
        /// What was written.
        text: String,
    },
}

impl Moment {
    /// Reads a time. What names a day means its midnight in UTC.
    ///
    /// Known are `2026-01-31`, `20260131`, `2026-01-31 10:00:00` (UTC, unless an offset or `Z` follows), milliseconds
    /// since 1970, `now`, `today`, `yesterday`, `tomorrow`, `2 weeks ago`, `in 3 hours`. An age in days or longer units
    /// is counted from today's midnight, an age that has hours, minutes or seconds is counted from `now`.
    pub fn read(text: &str, now: Self) -> Result<Self, TimeError> {
        match reading(text, now)? {
            Reading::Day(day) => Ok(Self::midnight(day)),
            Reading::Moment(moment) => Ok(moment),
        }
    }

    /// Reads an end, which is itself not part of what it ends. What names a day means all of that day, so `2026-01-31`
    /// is the midnight after it.
    pub fn read_end(text: &str, now: Self) -> Result<Self, TimeError> {
        match reading(text, now)? {
            Reading::Day(day) => Ok(day.tomorrow().map_or(Self::MAX, Self::midnight)),
            Reading::Moment(moment) => Ok(moment),
        }
    }
}

/// What a text names.
enum Reading {
    /// A whole day.
    Day(Date),
    /// A point in time.
    Moment(Moment),
}

/// What a text names.
fn reading(text: &str, now: Moment) -> Result<Reading, TimeError> {
    let text = text.trim();
    let far = |_| TimeError::OutOfRange { text: text.to_owned() };
    let today = now.civil().date();
    match text.to_ascii_lowercase().as_str() {
        "now" => return Ok(Reading::Moment(now)),
        "today" => return Ok(Reading::Day(today)),
        "yesterday" => return today.yesterday().map(Reading::Day).map_err(far),
        "tomorrow" => return today.tomorrow().map(Reading::Day).map_err(far),
        _ => {}
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return number(text, digits);
    }
    match age(text)? {
        Some(steps) => shift(&steps, now).ok_or_else(|| TimeError::OutOfRange { text: text.to_owned() }),
        None => written(text),
    }
}

/// A day without dashes, or milliseconds since 1970.
fn number(text: &str, digits: &str) -> Result<Reading, TimeError> {
    let bare = || TimeError::BareNumber { text: text.to_owned() };
    if text.len() == 8 && text == digits {
        return Date::strptime("%Y%m%d", text).map(Reading::Day).map_err(|_| bare());
    }
    if digits.len() < MILLIS_DIGITS && digits != "0" {
        return Err(bare());
    }
    // A number outside the range is more likely one of microseconds than a time that is meant.
    let millis = text.parse().ok().filter(|millis| RANGE_OF_MILLIS.contains(millis));
    let moment = millis.map(|millis| Reading::Moment(Moment::from_millis(millis)));
    moment.ok_or_else(|| TimeError::OutOfRange { text: text.to_owned() })
}

/// The steps of an age, such as `1 month, 2 days ago`, and whether each of them is a day or longer. `None` if the text
/// is something else.
fn age(text: &str) -> Result<Option<Vec<(Span, bool)>>, TimeError> {
    let lower = text.to_ascii_lowercase().replace(',', " ");
    let mut words: Vec<&str> = lower.split_whitespace().filter(|word| *word != "and").collect();
    let sign = if words.last() == Some(&"ago") {
        words.pop();
        -1
    } else if words.first() == Some(&"in") {
        words.remove(0);
        1
    } else {
        return Ok(None);
    };
    if words.is_empty() || words.len() % 2 == 1 {
        return Err(TimeError::Unreadable { text: text.to_owned() });
    }
    let step = |pair: &[&str]| {
        let count = match pair[0] {
            "a" | "an" | "one" => 1,
            digits => i64::from(digits.parse::<u32>().map_err(|_| TimeError::Unreadable { text: text.to_owned() })?),
        };
        let (none, count) = (Span::new(), sign * count);
        let (span, days) = match pair[1].strip_suffix('s').unwrap_or(pair[1]) {
            "second" => (none.try_seconds(count), false),
            "minute" => (none.try_minutes(count), false),
            "hour" => (none.try_hours(count), false),
            "day" => (none.try_days(count), true),
            "week" => (none.try_weeks(count), true),
            "month" => (none.try_months(count), true),
            "year" => (none.try_years(count), true),
            _ => return Err(TimeError::UnknownUnit { text: text.to_owned(), unit: pair[1].to_owned() }),
        };
        Ok((span.map_err(|_| TimeError::OutOfRange { text: text.to_owned() })?, days))
    };
    words.chunks_exact(2).map(step).collect::<Result<_, _>>().map(Some)
}

/// Goes an age away from now; `None` if that leaves the range of moments. The calendar decides how long a month is: a
/// month before 31 March is the end of February.
fn shift(steps: &[(Span, bool)], now: Moment) -> Option<Reading> {
    let clock = now.civil();
    let days = steps.iter().all(|(_, days)| *days);
    let from = if days { clock.date().to_datetime(Time::midnight()) } else { clock };
    let time = steps.iter().try_fold(from, |time, (span, _)| time.checked_add(*span).ok())?;
    let reading = if days { Reading::Day(time.date()) } else { Reading::Moment(Moment::from_civil(time)) };
    (1..9999).contains(&time.year()).then_some(reading)
}

/// A date, or a date with a time.
fn written(text: &str) -> Result<Reading, TimeError> {
    if !text.starts_with(|first: char| first.is_ascii_digit()) {
        return Err(TimeError::Unreadable { text: text.to_owned() });
    }
    if text.len() == "2026-01-31".len()
        && let Ok(date) = text.parse::<Date>()
    {
        return Ok(Reading::Day(date));
    }
    // The order matters: a plain clock time may be followed by an offset, and it would then be ignored. A zone in
    // brackets would be ignored by both.
    let offset = text.parse::<Timestamp>().ok().map(Moment::from);
    let moment = offset.or_else(|| text.parse::<DateTime>().ok().map(Moment::from_civil));
    match moment.filter(|_| !text.contains('[')) {
        Some(moment) => Ok(Reading::Moment(moment)),
        None => Err(TimeError::NoSuchTime { text: text.to_owned() }),
    }
}
