//! Tests of the time variables. The values are what SQLMesh renders for DuckDB.

use super::*;

/// The values of a prefix, in the order of [`SUFFIXES`].
fn values(prefix: &str, times: &Times) -> Vec<String> {
    SUFFIXES.iter().map(|suffix| variable(&format!("{prefix}_{suffix}"), times).unwrap()).collect()
}

/// Every suffix.
const SUFFIXES: [&str; 9] = ["dt", "dtntz", "date", "ds", "ts", "tstz", "hour", "epoch", "millis"];

#[test]
fn values_are_those_of_sqlmesh() {
    let times =
        Times { interval: between("2024-02-28 10:00:00", "2024-03-02"), execution: at("2024-03-02 07:05:09.25") };
    let start = [
        "CAST('2024-02-28 10:00:00+00:00' AS TIMESTAMPTZ)",
        "CAST('2024-02-28 10:00:00' AS TIMESTAMP)",
        "CAST('2024-02-28' AS DATE)",
        "'2024-02-28'",
        "'2024-02-28 10:00:00'",
        "'2024-02-28 10:00:00+00:00'",
        "10",
        "1709114400.0",
        "1709114400000",
    ];
    let end = [
        "CAST('2024-03-01 23:59:59.999999+00:00' AS TIMESTAMPTZ)",
        "CAST('2024-03-01 23:59:59.999999' AS TIMESTAMP)",
        "CAST('2024-03-01' AS DATE)",
        "'2024-03-01'",
        "'2024-03-01 23:59:59.999999'",
        "'2024-03-01 23:59:59.999999+00:00'",
        "23",
        "1709337599.999",
        "1709337599999",
    ];
    let execution = [
        "CAST('2024-03-02 07:05:09.250000+00:00' AS TIMESTAMPTZ)",
        "CAST('2024-03-02 07:05:09.250000' AS TIMESTAMP)",
        "CAST('2024-03-02' AS DATE)",
        "'2024-03-02'",
        "'2024-03-02 07:05:09.250000'",
        "'2024-03-02 07:05:09.250000+00:00'",
        "7",
        "1709363109.25",
        "1709363109250",
    ];
    assert_eq!(values("start", &times), start);
    assert_eq!(values("end", &times), end);
    assert_eq!(values("execution", &times), execution);
    assert_eq!(values("latest", &times), execution);
}

#[test]
fn a_query_that_is_only_loaded_sees_the_first_day_of_1970() {
    let value = |name| variable(name, &Times::LOADING).unwrap();
    assert_eq!(value("start_ts"), "'1970-01-01 00:00:00'");
    assert_eq!(value("start_epoch"), "0.0");
    assert_eq!(value("end_ts"), "'1970-01-01 23:59:59.999999'");
    assert_eq!(value("end_epoch"), "86399.999");
    assert_eq!(value("execution_millis"), "0");
}

#[test]
fn numbers_before_1970_cannot_start_a_comment() {
    let times = Times { interval: between("1969-12-31", "1970-01-01"), execution: at("1969-12-31 07:05:09.25") };
    let value = |name| variable(name, &times).unwrap();
    assert_eq!(value("start_epoch"), "(-86400.0)");
    assert_eq!(value("execution_millis"), "(-60890750)");
    assert_eq!(value("end_millis"), "(-1)");
    assert_eq!(value("end_ds"), "'1969-12-31'");
}

#[test]
fn names_are_known_in_any_case_and_others_are_not() {
    assert_eq!(variable("START_DS", &Times::LOADING), variable("start_ds", &Times::LOADING));
    for name in ["start", "start_", "_ds", "start_dsx", "begin_ds", "this_model", "start_ds_", "ends_ds", ""] {
        assert_eq!(variable(name, &Times::LOADING), None, "{name}");
    }
}

proptest! {
    #[test]
    fn the_end_is_the_last_microsecond_inside(unit in any_unit(), moment in any_moment()) {
        let start = unit.floor(moment);
        let interval = Interval::new(start, unit.next(start)).unwrap();
        let end = variable("end_ts", &Times { interval, execution: moment }).unwrap();
        prop_assert!(end.ends_with(":59.999999'"));
        let last = at(end.trim_matches('\''));
        prop_assert_eq!(last.micros() + 1, interval.end().micros());
    }
}
