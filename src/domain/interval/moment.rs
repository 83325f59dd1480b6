//! A moment: a count of microseconds.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::Offset;
use serde::{Deserialize, Serialize};

/// The microseconds of a day.
const DAY: i64 = 24 * 60 * 60 * 1_000_000;

/// A point in time: microseconds since 1970-01-01 00:00 UTC.
///
/// It lies in the years 1 to 9998 or is the first moment of 9999. What would lie outside becomes the nearest end of
/// that range, so that sums of times cannot fail; an end of `9999-12-31`, which people write for "never", still works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "i64", from = "i64")]
pub struct Moment(i64);

impl Moment {
    /// The start of the year 1.
    pub const MIN: Self = Self(-62_135_596_800_000_000);
    /// The start of 1970.
    pub const EPOCH: Self = Self(0);
    /// The start of the year 9999.
    pub const MAX: Self = Self(253_370_764_800_000_000);

    /// The moment that many microseconds after 1970 began.
    pub const fn from_micros(micros: i64) -> Self {
        // `clamp` cannot be used in a constant.
        if micros < Self::MIN.0 {
            Self::MIN
        } else if micros > Self::MAX.0 {
            Self::MAX
        } else {
            Self(micros)
        }
    }

    /// The moment that many milliseconds after 1970 began.
    pub const fn from_millis(millis: i64) -> Self {
        Self::from_micros(millis.saturating_mul(1000))
    }

    /// Microseconds since 1970 began.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Whether a day begins, in UTC.
    pub const fn is_midnight(self) -> bool {
        self.0 % DAY == 0
    }

    /// The same time of the day before.
    pub const fn day_before(self) -> Self {
        Self::from_micros(self.0.saturating_sub(DAY))
    }

    /// The start of a day.
    pub(super) fn midnight(date: Date) -> Self {
        Self::from_civil(date.at(0, 0, 0, 0))
    }

    /// What a clock in UTC shows.
    pub(super) fn civil(self) -> DateTime {
        Offset::UTC.to_datetime(self.timestamp())
    }

    /// When a clock in UTC shows this.
    pub(super) fn from_civil(time: DateTime) -> Self {
        // The calendar goes on for a year after our range, less the hours that the farthest time zone needs.
        Offset::UTC.to_timestamp(time).map_or(Self::MAX, Self::from)
    }

    /// The same for the calendar. The range of moments is within the calendar's, so the start of 1970 is never used.
    pub(super) fn timestamp(self) -> Timestamp {
        Timestamp::from_microsecond(self.0).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

impl From<Timestamp> for Moment {
    fn from(time: Timestamp) -> Self {
        Self::from_micros(time.as_microsecond())
    }
}

impl From<i64> for Moment {
    fn from(micros: i64) -> Self {
        Self::from_micros(micros)
    }
}

impl From<Moment> for i64 {
    fn from(moment: Moment) -> Self {
        moment.0
    }
}

impl fmt::Display for Moment {
    /// As in ISO 8601: `2026-01-31T10:00:00Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.timestamp().fmt(f)
    }
}
