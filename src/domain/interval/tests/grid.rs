//! Tests of moments and units.

use super::*;

#[test]
fn words_come_back() {
    for unit in Unit::ALL {
        assert_eq!(Unit::from_word(unit.word()), Some(unit));
        assert_eq!(serde_json::to_string(&unit).unwrap(), format!("\"{unit}\""));
    }
    assert_eq!(Unit::from_word("HALF_HOUR"), Some(Unit::HalfHour));
    assert_eq!(Unit::from_word("week"), None);
    assert!(Unit::ALL.is_sorted());
}

#[test]
fn floors_and_steps_follow_the_calendar() {
    let time = at("2024-02-29 23:47:12.5");
    let cases = [
        (Unit::FiveMinute, "2024-02-29 23:45", "2024-02-29 23:50"),
        (Unit::QuarterHour, "2024-02-29 23:45", "2024-03-01"),
        (Unit::HalfHour, "2024-02-29 23:30", "2024-03-01"),
        (Unit::Hour, "2024-02-29 23:00", "2024-03-01"),
        (Unit::Day, "2024-02-29", "2024-03-01"),
        (Unit::Month, "2024-02-01", "2024-03-01"),
        (Unit::Year, "2024-01-01", "2025-01-01"),
    ];
    for (unit, floor, next) in cases {
        assert_eq!(unit.floor(time), at(floor), "{unit}");
        assert_eq!(unit.next(time), at(next), "{unit}");
        assert_eq!(unit.ceil(time), at(next), "{unit}");
        assert_eq!(unit.ceil(at(next)), at(next), "{unit}");
    }
    assert_eq!(Unit::Day.next(at("2023-02-28")), at("2023-03-01"));
    assert_eq!(Unit::Month.step(at("2024-03-01"), -14), at("2023-01-01"));
    assert_eq!(Unit::Year.step(at("2024-01-01"), 3), at("2027-01-01"));
}

#[test]
fn times_before_1970_floor_downwards() {
    let time = Moment::from_micros(-1);
    assert_eq!(time.to_string(), "1969-12-31T23:59:59.999999Z");
    assert_eq!(Unit::Hour.floor(time), at("1969-12-31 23:00"));
    assert_eq!(Unit::Year.floor(time), at("1969-01-01"));
}

#[test]
fn the_range_ends_on_every_grid() {
    assert_eq!(Moment::MIN.to_string(), "0001-01-01T00:00:00Z");
    assert_eq!(Moment::MAX.to_string(), "9999-01-01T00:00:00Z");
    for unit in Unit::ALL {
        for edge in [Moment::MIN, Moment::MAX, Moment::EPOCH] {
            assert_eq!(unit.floor(edge), edge);
        }
        assert_eq!(unit.next(Moment::MAX), Moment::MAX);
        assert_eq!(unit.step(Moment::EPOCH, i64::MAX), Moment::MAX);
        assert_eq!(unit.step(Moment::EPOCH, i64::MIN), Moment::MIN);
    }
    assert_eq!(Moment::from_micros(i64::MAX), Moment::MAX);
    assert_eq!(Moment::from_millis(i64::MIN), Moment::MIN);
}

#[test]
fn a_moment_is_a_number_in_json() {
    let json = serde_json::to_string(&at("1970-01-01 00:00:01")).unwrap();
    assert_eq!(json, "1000000");
    assert_eq!(serde_json::from_str::<Moment>(&json).unwrap(), at("1970-01-01 00:00:01"));
}

proptest! {
    #[test]
    fn a_moment_lies_in_its_unit(unit in any_unit(), moment in any_moment()) {
        let floor = unit.floor(moment);
        prop_assert!(floor <= moment && moment < unit.next(floor));
        prop_assert_eq!(unit.floor(floor), floor);
        prop_assert_eq!(unit.next(moment), unit.next(floor));
        prop_assert_eq!(unit.floor(unit.next(floor)), unit.next(floor));
        prop_assert_eq!(unit.ceil(floor), floor);
    }

    #[test]
    fn steps_add_up(unit in any_unit(), moment in any_moment(), one in -500_i64..500, two in -500_i64..500) {
        let from = unit.floor(moment);
        prop_assert_eq!(unit.step(unit.step(from, one), two), unit.step(from, one + two));
        prop_assert_eq!(unit.floor(unit.step(from, one)), unit.step(from, one));
    }

    #[test]
    fn a_longer_grid_lies_on_a_shorter_one(one in any_unit(), two in any_unit(), moment in any_moment()) {
        let (short, long) = (one.min(two), one.max(two));
        prop_assert_eq!(short.floor(long.floor(moment)), long.floor(moment));
    }

    #[test]
    fn what_is_shown_can_be_read(moment in any_moment()) {
        prop_assert_eq!(Moment::read(&moment.to_string(), Moment::EPOCH), Ok(moment));
    }
}
