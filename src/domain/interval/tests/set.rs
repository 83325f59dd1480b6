//! Tests of sets of intervals, against a set that holds every cell.

use std::collections::BTreeSet;

use super::*;

/// An interval from two small numbers.
fn span((start, length): (i64, i64)) -> Interval {
    Interval::new(Moment::from_micros(start), Moment::from_micros(start + length)).unwrap()
}

/// The microseconds in an interval, one by one.
fn cells(interval: Interval) -> impl Iterator<Item = i64> {
    interval.start().micros()..interval.end().micros()
}

/// The microseconds in a set, one by one. Also checks that it is kept as few intervals.
fn all(set: &Intervals) -> BTreeSet<i64> {
    let intervals: Vec<Interval> = set.iter().collect();
    assert!(intervals.windows(2).all(|pair| pair[0].end() < pair[1].start()), "{intervals:?}");
    intervals.into_iter().flat_map(cells).collect()
}

/// Some intervals, which may overlap.
fn some() -> impl Strategy<Value = Vec<Interval>> {
    proptest::collection::vec((0_i64..40, 1_i64..12).prop_map(span), 0..12)
}

/// Some intervals in two orders.
fn shuffled() -> impl Strategy<Value = (Vec<Interval>, Vec<Interval>)> {
    some().prop_flat_map(|intervals| (Just(intervals.clone()), Just(intervals).prop_shuffle()))
}

#[test]
fn an_interval_is_never_empty() {
    assert_eq!(Interval::new(at("2026-01-02"), at("2026-01-02")), None);
    assert_eq!(Interval::new(at("2026-01-02"), at("2026-01-01")), None);
    assert!(serde_json::from_str::<Interval>("[5,5]").is_err());
}

#[test]
fn neighbours_become_one() {
    let mut filled = set(&[("2026-01-01", "2026-01-02"), ("2026-01-03", "2026-01-04")]);
    assert_eq!(filled.iter().len(), 2);
    filled.insert(between("2026-01-02", "2026-01-03"));
    assert_eq!(filled, set(&[("2026-01-01", "2026-01-04")]));
    filled.remove(between("2026-01-02", "2026-01-03"));
    assert_eq!(filled, set(&[("2026-01-01", "2026-01-02"), ("2026-01-03", "2026-01-04")]));
    assert!(filled.contains(between("2026-01-03", "2026-01-04")));
    assert!(!filled.contains(between("2026-01-01", "2026-01-04")));
}

#[test]
fn json_is_a_list_of_pairs() {
    let filled: Intervals = [span((5, 2)), span((0, 1))].into_iter().collect();
    assert_eq!(serde_json::to_string(&filled).unwrap(), "[[0,1],[5,7]]");
    assert_eq!(serde_json::from_str::<Intervals>("[[6,7],[0,1],[5,6]]").unwrap(), filled);
    assert!(serde_json::from_str::<Intervals>("[[1,0]]").is_err());
}

proptest! {
    #[test]
    fn inserting_and_removing_is_that_of_the_cells(
        steps in proptest::collection::vec((any::<bool>(), 0_i64..40, 1_i64..12), 0..20),
    ) {
        let (mut set, mut naive) = (Intervals::default(), BTreeSet::new());
        for (insert, start, length) in steps {
            let interval = span((start, length));
            if insert {
                set.insert(interval);
                naive.extend(cells(interval));
            } else {
                set.remove(interval);
                naive.retain(|cell| !cells(interval).any(|other| other == *cell));
            }
            prop_assert_eq!(all(&set), naive.clone());
            prop_assert_eq!(set.is_empty(), naive.is_empty());
        }
    }

    #[test]
    fn the_order_of_insertion_does_not_matter((one, two) in shuffled()) {
        let insert = |intervals: &[Interval]| {
            let mut set = Intervals::default();
            intervals.iter().for_each(|interval| set.insert(*interval));
            set
        };
        prop_assert_eq!(insert(&one), insert(&two));
        prop_assert_eq!(insert(&one), Intervals::from(two));
    }

    #[test]
    fn union_contains_and_missing_are_those_of_the_cells(
        one in some(),
        two in some(),
        within in (0_i64..40, 1_i64..40),
    ) {
        let within = span(within);
        let (one, two): (Intervals, Intervals) = (one.into_iter().collect(), two.into_iter().collect());
        prop_assert_eq!(all(&one.union(&two)), &all(&one) | &all(&two));
        prop_assert_eq!(one.union(&two), two.union(&one));
        let wanted: BTreeSet<i64> = cells(within).collect();
        prop_assert_eq!(one.contains(within), wanted.is_subset(&all(&one)));
        prop_assert_eq!(all(&one.missing(within)), &wanted - &all(&one));
    }

    #[test]
    fn json_comes_back(intervals in some()) {
        let set: Intervals = intervals.into_iter().collect();
        let json = serde_json::to_string(&set).unwrap();
        prop_assert_eq!(serde_json::from_str::<Intervals>(&json).unwrap(), set);
    }

    #[test]
    fn what_two_intervals_have_in_common_lies_in_both(one in (0_i64..40, 1_i64..12), two in (0_i64..40, 1_i64..12)) {
        let (one, two) = (span(one), span(two));
        let cells_of = |interval| cells(interval).collect::<BTreeSet<i64>>();
        let common = one.common(two).map(cells_of).unwrap_or_default();
        prop_assert_eq!(common, &cells_of(one) & &cells_of(two));
        prop_assert_eq!(one.covers(two), cells_of(two).is_subset(&cells_of(one)));
    }
}
