//! Tests of times and intervals.

mod cron;
mod grid;
mod read;
mod schedule;
mod set;
mod variable;

use proptest::prelude::*;

use super::*;

/// A moment, as ISO 8601 without its `Z`.
fn at(text: &str) -> Moment {
    Moment::read(text, Moment::EPOCH).unwrap()
}

/// The interval between two moments.
fn between(start: &str, end: &str) -> Interval {
    Interval::new(at(start), at(end)).unwrap()
}

/// The set of some intervals.
fn set(intervals: &[(&str, &str)]) -> Intervals {
    intervals.iter().map(|(start, end)| between(start, end)).collect()
}

/// Any unit.
fn any_unit() -> impl Strategy<Value = Unit> {
    proptest::sample::select(&Unit::ALL[..])
}

/// A moment in the years that people have data for.
fn any_moment() -> impl Strategy<Value = Moment> {
    (at("1900-01-01").micros()..at("2200-01-01").micros()).prop_map(Moment::from_micros)
}
