//! Tests of times as people write them.

use super::*;

/// Reads a start and an end, on the last of a long month.
fn both(text: &str) -> (Moment, Moment) {
    let now = at("2026-03-31 10:20:30");
    (Moment::read(text, now).unwrap(), Moment::read_end(text, now).unwrap())
}

#[test]
fn a_day_is_its_midnight_and_as_an_end_all_of_it() {
    let cases = [
        ("2026-01-31", "2026-01-31", "2026-02-01"),
        ("20240228", "2024-02-28", "2024-02-29"),
        (" 2024-02-29 ", "2024-02-29", "2024-03-01"),
        ("today", "2026-03-31", "2026-04-01"),
        ("Yesterday", "2026-03-30", "2026-03-31"),
        ("tomorrow", "2026-04-01", "2026-04-02"),
        ("1 day ago", "2026-03-30", "2026-03-31"),
        ("2 weeks ago", "2026-03-17", "2026-03-18"),
        ("1 month ago", "2026-02-28", "2026-03-01"),
        ("a year ago", "2025-03-31", "2025-04-01"),
        ("in 2 days", "2026-04-02", "2026-04-03"),
        ("5 months, 2 days ago", "2025-10-29", "2025-10-30"),
    ];
    for (text, start, end) in cases {
        assert_eq!(both(text), (at(start), at(end)), "{text}");
    }
}

#[test]
fn a_time_is_itself_as_an_end() {
    let cases = [
        ("2026-01-31 10:00:00", "2026-01-31T10:00:00Z"),
        ("2026-01-31T10:00", "2026-01-31T10:00:00Z"),
        ("2026-01-31T10:00:00Z", "2026-01-31T10:00:00Z"),
        ("2026-01-31T10:00:00+02:00", "2026-01-31T08:00:00Z"),
        ("2026-01-31 00:30:00.123456-05:30", "2026-01-31T06:00:00.123456Z"),
        ("1700000000000", "2023-11-14T22:13:20Z"),
        ("0", "1970-01-01T00:00:00Z"),
        ("-86400000000", "1967-04-07T00:00:00Z"),
        ("now", "2026-03-31T10:20:30Z"),
        ("3 hours ago", "2026-03-31T07:20:30Z"),
        ("1 day and 2 hours ago", "2026-03-30T08:20:30Z"),
        ("an hour ago", "2026-03-31T09:20:30Z"),
        ("in 90 seconds", "2026-03-31T10:22:00Z"),
    ];
    for (text, expected) in cases {
        let (start, end) = both(text);
        assert_eq!(start.to_string(), expected, "{text}");
        assert_eq!(start, end, "{text}");
    }
}

#[test]
fn a_year_before_a_leap_day_is_the_day_before() {
    assert_eq!(Moment::read("1 year ago", at("2024-02-29 12:00")), Ok(at("2023-02-28")));
}

#[test]
fn an_end_that_means_never_is_read() {
    assert_eq!(Moment::read_end("9999-12-31", Moment::EPOCH), Ok(Moment::MAX));
    assert_eq!(Moment::read("9999-12-31 23:59:59", Moment::EPOCH), Ok(Moment::MAX));
}

#[test]
fn errors_say_what_was_wrong() {
    let cases = [
        ("", "is not a time"),
        ("soon", "`soon` is not a time"),
        ("last week", "is not a time"),
        ("1 day", "is not a date or time"),
        ("ago", "is not a time"),
        ("1 2 days ago", "is not a time"),
        ("x days ago", "is not a time"),
        ("2 fortnights ago", "`fortnights` in `2 fortnights ago` is not a unit of time"),
        ("2026-02-29", "`2026-02-29` is not a date or time of the calendar"),
        ("2026-01-31 25:00", "is not a date or time of the calendar"),
        ("2026-1-3", "is not a date or time of the calendar"),
        ("2026-01-31T10:00[Europe/Paris]", "is not a date or time of the calendar"),
        ("2026-01-31T10:00+01:00[Europe/Paris]", "is not a date or time of the calendar"),
        ("2026", "only a number"),
        ("202601", "only a number"),
        ("20260231", "only a number"),
        ("99999999999999999999", "outside the years"),
        // Microseconds by mistake.
        ("1700000000000000", "outside the years"),
        ("30000 years ago", "outside the years"),
        ("9000 years ago", "outside the years"),
    ];
    for (text, expected) in cases {
        let start = Moment::read(text, at("2026-03-31")).map_err(|error| error.to_string());
        assert!(start.as_ref().is_err_and(|error| error.contains(expected)), "{text}: {start:?}");
        assert_eq!(Moment::read_end(text, at("2026-03-31")).map_err(|error| error.to_string()), start);
    }
}

proptest! {
    #[test]
    fn nothing_written_is_a_crash(text in "\\PC{0,30}", now in any_moment()) {
        let start = Moment::read(&text, now);
        let end = Moment::read_end(&text, now);
        prop_assert_eq!(start.is_ok(), end.is_ok());
        prop_assert!(start.ok() <= end.ok());
    }

    #[test]
    fn no_age_is_a_crash(count: u32, unit in "(second|minute|hour|day|week|month|year)s?", now in any_moment()) {
        let _ = Moment::read(&format!("{count} {unit} ago"), now);
        let _ = Moment::read_end(&format!("in {count} {unit}"), now);
    }
}
