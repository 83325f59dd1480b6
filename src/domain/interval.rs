//! Spans of time: which ones a model has filled, which ones it lacks, and when it is due.
//!
//! All times are UTC and have microseconds. The clock is never read: who needs "now" gives it.

mod cron;
mod moment;
mod read;
mod schedule;
mod set;
mod unit;
mod variable;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use cron::{Cron, CronError, is_time_zone};
pub use moment::Moment;
pub use read::TimeError;
pub use schedule::{batches, due, missing, span};
pub use set::Intervals;
pub use unit::Unit;
pub use variable::{Times, variable};

/// A span of time that holds its start and not its end. It is never empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "(Moment, Moment)", try_from = "(Moment, Moment)")]
pub struct Interval {
    start: Moment,
    end: Moment,
}

impl Interval {
    /// The span from `start` up to `end`; `None` if that is no time at all.
    pub fn new(start: Moment, end: Moment) -> Option<Self> {
        (start < end).then_some(Self { start, end })
    }

    /// The first moment in it.
    pub fn start(self) -> Moment {
        self.start
    }

    /// The first moment after it.
    pub fn end(self) -> Moment {
        self.end
    }

    /// Whether all of `other` lies in it.
    pub fn covers(self, other: Self) -> bool {
        self.start <= other.start && other.end <= self.end
    }

    /// The time that both hold.
    pub fn common(self, other: Self) -> Option<Self> {
        Self::new(self.start.max(other.start), self.end.min(other.end))
    }
}

impl From<Interval> for (Moment, Moment) {
    fn from(interval: Interval) -> Self {
        (interval.start, interval.end)
    }
}

impl TryFrom<(Moment, Moment)> for Interval {
    type Error = String;

    fn try_from((start, end): (Moment, Moment)) -> Result<Self, String> {
        Self::new(start, end).ok_or_else(|| format!("the interval from {start} to {end} is empty"))
    }
}
