//! Sets of moments that are made of whole intervals.

use serde::{Deserialize, Serialize};

use super::Interval;
use super::moment::Moment;

/// A set of moments, kept as few intervals: sorted, and with a gap between any two.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "Vec<Interval>")]
pub struct Intervals(Vec<Interval>);

impl Intervals {
    /// Whether it holds no time at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Its intervals, the earliest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Interval> + ExactSizeIterator + '_ {
        self.0.iter().copied()
    }

    /// Whether it holds all of an interval.
    pub fn contains(&self, interval: Interval) -> bool {
        let next = self.0.partition_point(|mine| mine.end < interval.end);
        self.0.get(next).is_some_and(|mine| mine.covers(interval))
    }

    /// Adds an interval.
    pub fn insert(&mut self, interval: Interval) {
        // Those that only touch the new one are merged with it too.
        let from = self.0.partition_point(|mine| mine.end < interval.start);
        let to = self.0.partition_point(|mine| mine.start <= interval.end);
        let merged = self.0[from..to].iter().fold(interval, |merged, mine| Interval {
            start: merged.start.min(mine.start),
            end: merged.end.max(mine.end),
        });
        self.0.splice(from..to, [merged]);
    }

    /// Takes an interval out.
    pub fn remove(&mut self, interval: Interval) {
        let from = self.0.partition_point(|mine| mine.end <= interval.start);
        let to = self.0.partition_point(|mine| mine.start < interval.end);
        let before = self.0[from..to].first().and_then(|first| Interval::new(first.start, interval.start));
        let after = self.0[from..to].last().and_then(|last| Interval::new(interval.end, last.end));
        self.0.splice(from..to, before.into_iter().chain(after));
    }

    /// What at least one of the two holds.
    pub fn union(&self, other: &Self) -> Self {
        self.iter().chain(other.iter()).collect()
    }

    /// What of an interval it does not hold.
    pub fn missing(&self, within: Interval) -> Self {
        let from = self.0.partition_point(|mine| mine.end <= within.start);
        let to = self.0.partition_point(|mine| mine.start < within.end);
        let held = &self.0[from..to];
        let starts = std::iter::once(within.start).chain(held.iter().map(|mine| mine.end));
        let ends = held.iter().map(|mine| mine.start).chain([within.end]);
        Self(starts.zip(ends).filter_map(|(start, end): (Moment, Moment)| Interval::new(start, end)).collect())
    }
}

impl From<Vec<Interval>> for Intervals {
    fn from(mut intervals: Vec<Interval>) -> Self {
        // In order, each insertion is at the end.
        intervals.sort_unstable();
        let mut set = Self::default();
        for interval in intervals {
            set.insert(interval);
        }
        set
    }
}

impl FromIterator<Interval> for Intervals {
    fn from_iter<T: IntoIterator<Item = Interval>>(intervals: T) -> Self {
        intervals.into_iter().collect::<Vec<_>>().into()
    }
}
