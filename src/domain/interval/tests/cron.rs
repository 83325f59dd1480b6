//! Tests of crons.

use super::*;

/// A cron in UTC.
fn cron(text: &str) -> Cron {
    Cron::parse(text, None).unwrap()
}

/// A cron in a time zone.
fn zoned(text: &str, zone: &str) -> Cron {
    Cron::parse(text, Some(zone)).unwrap()
}

/// The ticks after a moment.
fn ticks(cron: &Cron, after: &str, count: usize) -> Vec<Moment> {
    let next = |moment: &Moment| cron.next_after(*moment);
    std::iter::successors(next(&at(after)), next).take(count).collect()
}

/// Checks the ticks after a moment.
fn check_ticks(cron: &Cron, after: &str, expected: &[&str]) {
    let expected: Vec<Moment> = expected.iter().map(|text| at(text)).collect();
    assert_eq!(ticks(cron, after, expected.len()), expected, "{}", cron.text());
}

#[test]
fn units_are_those_of_sqlmesh() {
    let cases = [
        ("@hourly", Unit::Hour),
        ("@daily", Unit::Day),
        ("@midnight", Unit::Day),
        ("@weekly", Unit::Day),
        ("@monthly", Unit::Month),
        ("@yearly", Unit::Year),
        ("@Annually", Unit::Year),
        ("*/5 * * * *", Unit::FiveMinute),
        ("*/10 * * * *", Unit::FiveMinute),
        ("*/20 * * * *", Unit::QuarterHour),
        ("5/15 * * * *", Unit::QuarterHour),
        ("*/30 * * * *", Unit::HalfHour),
        ("30 6 * * *", Unit::Day),
        ("0 */6 * * *", Unit::Hour),
        ("0 0 15 * *", Unit::Month),
        ("0 0 31 * *", Unit::Month),
        ("0 9-17 * * 1-5", Unit::Hour),
        ("0 0 1 */3 *", Unit::Month),
        ("0 0 29 2 *", Unit::Year),
        ("0 0 1 1,12 *", Unit::Month),
        ("0 0,12 * * *", Unit::Hour),
        ("0 0 * * MON#1", Unit::Month),
        ("0 0 L * *", Unit::Month),
        ("30 23 * JAN-MAR,dec mon,Wed", Unit::Day),
        ("0 0 * * 7", Unit::Day),
        // An hour apart over midnight, but only at the end of a month.
        ("0 0,23 1,31 * *", Unit::Hour),
    ];
    for (text, unit) in cases {
        assert_eq!(cron(text).unit(), unit, "{text}");
    }
}

#[test]
fn a_unit_set_by_hand_may_be_shorter_and_not_longer() {
    let weekly = cron("@weekly");
    assert_eq!(weekly.check_unit(Unit::Day), Ok(()));
    assert_eq!(weekly.check_unit(Unit::FiveMinute), Ok(()));
    assert_eq!(
        weekly.check_unit(Unit::Month).unwrap_err().to_string(),
        "the interval unit `month` is too long for the cron `@weekly`; the longest that fits is `day`"
    );
}

#[test]
fn errors_say_what_was_wrong() {
    let cases = [
        ("", "has 0 fields, it needs 5"),
        ("daily", "the cron `daily` has 1 field, it needs 5"),
        ("* * * *", "has 4 fields"),
        ("0 0 0 * * *", "has 6 fields"),
        ("@dayly", "there is no cron `@dayly`; there are @hourly"),
        ("60 * * * *", "the minute cannot be `60`: use 0-59"),
        ("0 24 * * *", "the hour cannot be `24`"),
        ("0 0 0 * *", "the day of the month cannot be `0`"),
        ("0 0 32 * *", "the day of the month cannot be `32`"),
        ("0 0 1 13 *", "the month cannot be `13`: use 1-12, JAN-DEC"),
        ("0 0 * * 8", "the day of the week cannot be `8`"),
        ("0 0 * * MONDAY", "the day of the week cannot be `MONDAY`"),
        ("MON 0 * * *", "the minute cannot be `MON`"),
        ("0 0 * MON *", "the month cannot be `MON`"),
        ("0 JAN * * *", "the hour cannot be `JAN`"),
        ("*/0 * * * *", "the minute cannot be `*/0`"),
        ("5-1 * * * *", "the minute cannot be `5-1`"),
        ("1,,2 * * * *", "the minute cannot be `1,,2`"),
        ("1, * * * *", "the minute cannot be `1,`"),
        ("/5 * * * *", "the minute cannot be `/5`"),
        ("-5 * * * *", "the minute cannot be `-5`"),
        ("a b c d e", "the minute cannot be `a`"),
        ("* * * * *", "less than 5 minutes apart"),
        ("*/4 * * * *", "less than 5 minutes apart"),
        // Every seven minutes, but from 56 to 0 are four.
        ("*/7 * * * *", "less than 5 minutes apart"),
        ("0,59 0,23 * * *", "less than 5 minutes apart"),
        ("0 0 30 2 *", "never runs"),
    ];
    for (text, expected) in cases {
        let error = Cron::parse(text, None).map(drop).map_err(|error| error.to_string());
        assert!(error.as_ref().is_err_and(|error| error.contains(expected)), "{text}: {error:?}");
    }
    for zone in ["Mars/Olympus", "", "+02:00"] {
        let error = Cron::parse("@daily", Some(zone)).unwrap_err().to_string();
        assert_eq!(error, format!("there is no time zone `{zone}`; write its IANA name, such as `Europe/Paris`"));
    }
}

#[test]
fn a_tick_is_its_own_floor() {
    let daily = cron("@daily");
    let (before, tick) = (at("2024-02-29"), at("2024-03-01"));
    assert_eq!(daily.last_at_or_before(tick), Some(tick));
    assert_eq!(daily.last_at_or_before(Moment::from_micros(tick.micros() - 1)), Some(before));
    assert_eq!(daily.last_at_or_before(Moment::from_micros(tick.micros() + 1)), Some(tick));
    assert_eq!(daily.next_after(Moment::from_micros(tick.micros() - 1)), Some(tick));
    assert_eq!(daily.next_after(tick), Some(at("2024-03-02")));
}

#[test]
fn the_calendar_is_followed() {
    check_ticks(&cron("@weekly"), "2026-01-01", &["2026-01-04", "2026-01-11"]);
    check_ticks(&cron("0 6 * * MON"), "2026-01-05 06:00", &["2026-01-12 06:00"]);
    check_ticks(&cron("0 0 29 2 *"), "2096-02-29", &["2104-02-29"]);
    check_ticks(&cron("0 0 31 * *"), "2026-01-31", &["2026-03-31", "2026-05-31"]);
    check_ticks(&cron("0 0 L * *"), "2024-02-01", &["2024-02-29", "2024-03-31"]);
    // The day of the month or the day of the week: one is enough.
    check_ticks(&cron("0 0 13 * FRI"), "2026-02-10", &["2026-02-13", "2026-02-20", "2026-02-27", "2026-03-06"]);
}

#[test]
fn a_zone_moves_the_ticks_with_its_clock() {
    let daily = zoned("@daily", "America/New_York");
    assert_eq!((daily.text(), daily.zone(), daily.unit()), ("@daily", "America/New_York", Unit::Day));
    check_ticks(&daily, "2024-03-09 12:00", &["2024-03-10 05:00", "2024-03-11 04:00", "2024-03-12 04:00"]);
    check_ticks(&daily, "2024-11-02 12:00", &["2024-11-03 04:00", "2024-11-04 05:00"]);
    assert_eq!(daily.last_at_or_before(at("2024-03-11 03:59:59")), Some(at("2024-03-10 05:00")));
    assert_eq!(zoned("@daily", "europe/paris").zone(), "Europe/Paris");
    assert_eq!(cron("@daily").zone(), "UTC");
}

#[test]
fn clocks_that_go_forward_delay_a_tick() {
    // 02:00 became 03:00, which is 01:00 in UTC.
    let daily = zoned("30 2 * * *", "Europe/Paris");
    check_ticks(&daily, "2024-03-30 12:00", &["2024-03-31 01:00", "2024-04-01 00:30"]);
    assert_eq!(daily.last_at_or_before(at("2024-03-31 00:59")), Some(at("2024-03-30 01:30")));
    assert_eq!(daily.last_at_or_before(at("2024-03-31 01:00")), Some(at("2024-03-31 01:00")));
    let hourly = zoned("@hourly", "Europe/Paris");
    check_ticks(&hourly, "2024-03-30 23:30", &["2024-03-31 00:00", "2024-03-31 01:00", "2024-03-31 02:00"]);
}

#[test]
fn clocks_that_go_back_tick_once_for_a_time_and_each_hour_for_hours() {
    // 03:00 became 02:00: half past two is at 00:30 and at 01:30 in UTC.
    let daily = zoned("30 2 * * *", "Europe/Paris");
    check_ticks(&daily, "2024-10-26 12:00", &["2024-10-27 00:30", "2024-10-28 01:30"]);
    assert_eq!(daily.last_at_or_before(at("2024-10-27 23:00")), Some(at("2024-10-27 00:30")));
    let hourly = zoned("@hourly", "Europe/Paris");
    check_ticks(&hourly, "2024-10-26 23:30", &["2024-10-27 00:00", "2024-10-27 01:00", "2024-10-27 02:00"]);
}

/// Crons of all kinds.
const CRONS: [&str; 12] = [
    "@hourly",
    "@daily",
    "@weekly",
    "@monthly",
    "@yearly",
    "*/5 * * * *",
    "30 2 * * *",
    "15,45 1-3 * * *",
    "0 0 29 2 *",
    "0 9-17 * * 1-5",
    "0 12 L * *",
    "0 6 13 * FRI",
];

/// Zones with and without changes of the clock, and one that changes by half an hour.
const ZONES: [&str; 5] = ["UTC", "Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"];

proptest! {
    #[test]
    fn every_moment_is_between_two_ticks(
        text in proptest::sample::select(&CRONS[..]),
        zone in proptest::sample::select(&ZONES[..]),
        moment in any_moment(),
    ) {
        let cron = zoned(text, zone);
        let (last, next) = (cron.last_at_or_before(moment).unwrap(), cron.next_after(moment).unwrap());
        prop_assert!(last <= moment && moment < next);
        prop_assert_eq!(cron.last_at_or_before(last), Some(last));
        prop_assert_eq!(cron.last_at_or_before(next), Some(next));
        prop_assert_eq!(cron.next_after(last), Some(next));
    }

    #[test]
    fn around_a_change_of_the_clock_too(
        text in proptest::sample::select(&CRONS[..]),
        spring: bool,
        seconds in -18_000_i64..18_000,
    ) {
        let change = at(if spring { "2024-03-31 01:00" } else { "2024-10-27 01:00" });
        let moment = Moment::from_micros(change.micros() + seconds * 1_000_000);
        let cron = zoned(text, "Europe/Paris");
        let (last, next) = (cron.last_at_or_before(moment).unwrap(), cron.next_after(moment).unwrap());
        prop_assert!(last <= moment && moment < next);
        prop_assert_eq!(cron.last_at_or_before(next), Some(next));
        prop_assert_eq!(cron.next_after(last), Some(next));
    }

    #[test]
    fn ticks_in_utc_are_never_closer_than_the_unit(
        text in proptest::sample::select(&CRONS[..]),
        moment in any_moment(),
    ) {
        let cron = cron(text);
        let tick = cron.next_after(moment).unwrap();
        let next = cron.next_after(tick).unwrap();
        let days = (next.micros() - tick.micros()) / 86_400_000_000;
        let apart = match cron.unit() {
            Unit::Year => days >= 365,
            Unit::Month => days >= 28,
            unit => unit.step(tick, 1) <= next,
        };
        prop_assert!(apart);
    }

    #[test]
    fn nothing_written_is_a_crash(text in "[-*/,0-9a-zA-Z@#?+ ]{0,20}") {
        let _ = Cron::parse(&text, None);
    }

    #[test]
    fn no_five_fields_are_a_crash(fields in proptest::collection::vec("[*]|[-*/,0-9L#?+W]{1,5}", 5)) {
        let _ = Cron::parse(&fields.join(" "), Some("Europe/Paris"));
    }
}
