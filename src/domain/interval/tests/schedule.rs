//! Tests of what is due and what is missing.

use std::num::NonZeroU32;

use super::*;

/// A cron in UTC.
fn cron(text: &str) -> Cron {
    Cron::parse(text, None).unwrap()
}

/// The intervals of a set, as text.
fn shown(set: &Intervals) -> Vec<String> {
    set.iter().map(|interval| format!("{} {}", interval.start(), interval.end())).collect()
}

/// Cuts an interval into its units.
fn units(interval: Interval, unit: Unit) -> Vec<Interval> {
    batches(&[interval].into_iter().collect(), unit, NonZeroU32::new(1))
}

#[test]
fn a_model_is_due_up_to_the_last_whole_unit_before_the_last_tick() {
    let now = at("2026-01-14 10:20:30");
    let cases = [
        ("@daily", Unit::Day, "2026-01-14"),
        ("@daily", Unit::Hour, "2026-01-14"),
        ("@hourly", Unit::Hour, "2026-01-14 10:00"),
        ("30 6 * * *", Unit::Day, "2026-01-14"),
        ("30 6 * * *", Unit::Hour, "2026-01-14 06:00"),
        ("30 11 * * *", Unit::Day, "2026-01-13"),
        // A Wednesday; the week ended on Sunday.
        ("@weekly", Unit::Day, "2026-01-11"),
        ("@monthly", Unit::Month, "2026-01-01"),
        ("0 0 15 * *", Unit::Month, "2025-12-01"),
        ("@yearly", Unit::Year, "2026-01-01"),
    ];
    for (text, unit, expected) in cases {
        assert_eq!(due(Some(&cron(text)), unit, now, false), at(expected), "{text}");
    }
}

#[test]
fn partial_units_wait_for_the_cron_too() {
    let now = at("2026-01-14 10:20:30");
    assert_eq!(due(Some(&cron("@hourly")), Unit::Day, now, true), at("2026-01-14 10:00"));
    assert_eq!(due(Some(&cron("@hourly")), Unit::Day, now, false), at("2026-01-14"));
    assert_eq!(due(None, Unit::Day, now, true), now);
    assert_eq!(due(None, Unit::Day, now, false), at("2026-01-14"));
}

#[test]
fn the_cron_of_a_zone_lets_a_day_of_utc_be_filled_later() {
    let daily = Cron::parse("@daily", Some("America/New_York")).unwrap();
    assert_eq!(due(Some(&daily), Unit::Day, at("2024-03-11 03:59"), false), at("2024-03-10"));
    assert_eq!(due(Some(&daily), Unit::Day, at("2024-03-11 04:00"), false), at("2024-03-11"));
    // East of Greenwich the day begins before that of UTC: its tick is still in the day before.
    let daily = Cron::parse("@daily", Some("Europe/Paris")).unwrap();
    assert_eq!(due(Some(&daily), Unit::Day, at("2024-03-11 05:00"), false), at("2024-03-10"));
}

#[test]
fn a_span_takes_whole_units_in_and_stops_where_it_is_due() {
    let due = at("2026-01-14");
    let day = |start, end: Option<&str>, partials| span(at(start), end.map(at), due, Unit::Day, partials);
    assert_eq!(day("2026-01-10 15:00", None, false), Some(between("2026-01-10", "2026-01-14")));
    assert_eq!(day("2026-01-10", Some("2026-01-12 01:00"), false), Some(between("2026-01-10", "2026-01-13")));
    assert_eq!(day("2026-01-10", Some("2026-01-12 01:00"), true), Some(between("2026-01-10", "2026-01-12 01:00")));
    assert_eq!(day("2026-01-10", Some("2027-01-01"), false), Some(between("2026-01-10", "2026-01-14")));
    assert_eq!(day("2026-01-14", None, false), None);
    assert_eq!(day("2026-02-01", None, false), None);
    // Starts on different days of a month begin the same month.
    for start in ["2026-01-01", "2026-01-31 23:59"] {
        let month = span(at(start), None, at("2026-03-01"), Unit::Month, false);
        assert_eq!(month, Some(between("2026-01-01", "2026-03-01")));
    }
}

#[test]
fn what_is_not_filled_is_missing() {
    let span = between("2024-02-27", "2024-03-03");
    let filled = set(&[("2024-02-28", "2024-02-29"), ("2024-03-01", "2024-03-02")]);
    assert_eq!(
        missing(&filled, span, Unit::Day, 0),
        set(&[("2024-02-27", "2024-02-28"), ("2024-02-29", "2024-03-01"), ("2024-03-02", "2024-03-03")])
    );
    assert!(missing(&set(&[("2024-01-01", "2025-01-01")]), span, Unit::Day, 5).is_empty());
}

#[test]
fn a_unit_filled_in_part_is_loaded_as_a_whole() {
    let filled = set(&[("2026-01-01", "2026-01-03 10:00")]);
    let whole = missing(&filled, between("2026-01-01", "2026-01-04"), Unit::Day, 0);
    assert_eq!(whole, set(&[("2026-01-03", "2026-01-04")]));
    // The last one of a model that allows partial units ends where the span does.
    let part = missing(&filled, between("2026-01-01", "2026-01-03 12:00"), Unit::Day, 0);
    assert_eq!(part, set(&[("2026-01-03", "2026-01-03 12:00")]));
    assert!(missing(&filled, between("2026-01-01", "2026-01-03 10:00"), Unit::Day, 0).is_empty());
}

#[test]
fn a_lookback_goes_back_from_each_run() {
    let span = between("2026-01-01", "2026-01-20");
    let filled = set(&[("2026-01-01", "2026-01-10"), ("2026-01-11", "2026-01-19")]);
    let found = missing(&filled, span, Unit::Day, 2);
    assert_eq!(
        shown(&found),
        ["2026-01-08T00:00:00Z 2026-01-11T00:00:00Z", "2026-01-17T00:00:00Z 2026-01-20T00:00:00Z",]
    );
    // Not before the span, and not at all when all is filled.
    assert_eq!(missing(&set(&[("2026-01-01", "2026-01-02")]), span, Unit::Day, 9), [span].into_iter().collect());
    assert!(missing(&set(&[("2026-01-01", "2026-01-20")]), span, Unit::Day, 2).is_empty());
    // Months are as long as they are.
    let months = missing(&set(&[("2024-01-01", "2024-03-01")]), between("2024-01-01", "2024-04-01"), Unit::Month, 1);
    assert_eq!(months, set(&[("2024-02-01", "2024-04-01")]));
}

#[test]
fn batches_do_not_reach_over_a_gap() {
    let missing = set(&[("2026-01-01", "2026-01-06"), ("2026-01-08", "2026-01-09")]);
    assert_eq!(
        batches(&missing, Unit::Day, NonZeroU32::new(2)),
        [
            between("2026-01-01", "2026-01-03"),
            between("2026-01-03", "2026-01-05"),
            between("2026-01-05", "2026-01-06"),
            between("2026-01-08", "2026-01-09"),
        ]
    );
    assert_eq!(batches(&missing, Unit::Day, None), missing.iter().collect::<Vec<_>>());
    let partial = set(&[("2026-01-01", "2026-01-02 10:00")]);
    assert_eq!(
        batches(&partial, Unit::Day, NonZeroU32::new(1)),
        [between("2026-01-01", "2026-01-02"), between("2026-01-02", "2026-01-02 10:00"),]
    );
    assert!(batches(&Intervals::default(), Unit::Day, None).is_empty());
}

/// The rule of SQLMesh, one unit after the other: a unit is missing if it is not wholly filled; if any is, those are
/// added whose `lookback`-th next unit is missing or beyond the span.
fn rule_of_sqlmesh(filled: &Intervals, span: Interval, unit: Unit, lookback: usize) -> Intervals {
    let cells = units(span, unit);
    let lacks: Vec<bool> = cells.iter().map(|cell| !filled.contains(*cell)).collect();
    let again = |index: usize| lacks.get(index + lookback).copied().unwrap_or(true);
    let any = lacks.contains(&true);
    let chosen = cells.iter().enumerate().filter(|(index, _)| lacks[*index] || (any && again(*index)));
    chosen.map(|(_, cell)| *cell).collect()
}

/// A unit and a span of some of it, with the points of its grid.
fn grid() -> impl Strategy<Value = (Unit, Vec<Moment>)> {
    (any_unit(), any_moment(), 1_i64..40).prop_map(|(unit, moment, count)| {
        let start = unit.floor(moment);
        (unit, (0..=count).map(|index| unit.step(start, index)).collect())
    })
}

/// A grid, and some filled time around its span that may start and end anywhere.
fn filled_grid() -> impl Strategy<Value = (Unit, Interval, Intervals)> {
    (grid(), proptest::collection::vec((0_usize..40, 1_usize..6, 0_i64..2, 0_i64..2), 0..6)).prop_map(
        |((unit, points), some)| {
            let span = Interval::new(points[0], points[points.len() - 1]).unwrap();
            let point = |index: usize, shift: i64| {
                Moment::from_micros(unit.step(points[0], index as i64 - 2).micros() + shift * 60_000_000)
            };
            let filled = some.into_iter().filter_map(|(start, length, late, long)| {
                Interval::new(point(start, late), point(start + length, long))
            });
            (unit, span, filled.collect())
        },
    )
}

proptest! {
    #[test]
    fn without_a_hole_the_lookback_is_that_of_sqlmesh(
        (unit, points) in grid(),
        filled in 0_usize..42,
        lookback in 0_u32..10,
    ) {
        let span = Interval::new(points[0], points[points.len() - 1]).unwrap();
        let filled: Intervals = Interval::new(span.start(), points[filled.min(points.len() - 1)]).into_iter().collect();
        let expected = rule_of_sqlmesh(&filled, span, unit, lookback as usize);
        prop_assert_eq!(missing(&filled, span, unit, lookback), expected);
    }

    #[test]
    fn missing_units_are_those_that_are_not_wholly_filled((unit, span, filled) in filled_grid()) {
        prop_assert_eq!(missing(&filled, span, unit, 0), rule_of_sqlmesh(&filled, span, unit, 0));
    }

    #[test]
    fn a_lookback_adds_the_units_before_a_missing_one((unit, span, filled) in filled_grid(), lookback in 0_u32..6) {
        let found = missing(&filled, span, unit, lookback);
        let lacks = missing(&filled, span, unit, 0);
        for cell in units(span, unit) {
            let near = (0..=i64::from(lookback)).any(|steps| {
                let (start, end) = (unit.step(cell.start(), steps), unit.step(cell.start(), steps + 1));
                lacks.contains(Interval::new(start, end).unwrap())
            });
            prop_assert_eq!(found.contains(cell), near);
        }
        prop_assert!(found.iter().all(|run| span.covers(run)));
    }

    #[test]
    fn batches_are_the_missing_units_each_once(
        (unit, span, filled) in filled_grid(),
        size in 1_u32..8,
        lookback in 0_u32..3,
    ) {
        let missing = missing(&filled, span, unit, lookback);
        let batches = batches(&missing, unit, NonZeroU32::new(size));
        prop_assert!(batches.windows(2).all(|pair| pair[0].end() <= pair[1].start()));
        prop_assert_eq!(batches.iter().copied().collect::<Intervals>(), missing.clone());
        for batch in batches {
            prop_assert!(missing.contains(batch));
            prop_assert_eq!(unit.floor(batch.start()), batch.start());
            prop_assert!(batch.end() <= unit.step(batch.start(), size.into()));
        }
    }

    #[test]
    fn after_loading_nothing_is_missing((unit, span, filled) in filled_grid(), size in 1_u32..8, lookback in 0_u32..3) {
        let lacks = missing(&filled, span, unit, lookback);
        let loaded = batches(&lacks, unit, NonZeroU32::new(size)).into_iter().collect();
        prop_assert!(missing(&filled.union(&loaded), span, unit, lookback).is_empty());
    }

    #[test]
    fn what_is_due_is_on_the_grid_and_never_later_than_now(unit in any_unit(), now in any_moment(), partials: bool) {
        let cron = cron("30 6 * * 1,4");
        let due_now = due(Some(&cron), unit, now, partials);
        prop_assert!(due_now <= now);
        prop_assert!(due_now <= due(None, unit, now, partials));
        prop_assert!(partials || unit.floor(due_now) == due_now);
    }
}
