//! Types and texts, and what is lost between them.

use proptest::prelude::*;

use super::super::engine_kind::EngineKind;
use super::*;

#[test]
fn a_type_holds_what_it_can_tell_apart() {
    let table = [
        ("DECIMAL(12,4)", "DECIMAL(9,2)", true),
        ("DECIMAL(9,3)", "DECIMAL(9,2)", false),
        ("DECIMAL(9,2)", "DECIMAL(9,4)", false),
        ("DECIMAL(12,2)", "INTEGER", true),
        ("DECIMAL(11,2)", "INTEGER", false),
        ("BIGINT", "INTEGER", true),
        ("BIGINT", "UINTEGER", true),
        ("INTEGER", "UINTEGER", false),
        ("UBIGINT", "INTEGER", false),
        ("DOUBLE", "INTEGER", true),
        ("DOUBLE", "BIGINT", false),
        ("DOUBLE", "DECIMAL(9,2)", false),
        ("FLOAT", "INTEGER", false),
        ("FLOAT", "SMALLINT", true),
        ("DOUBLE", "FLOAT", true),
        ("TIMESTAMP", "DATE", true),
        ("DATE", "TIMESTAMP", false),
        ("TIMESTAMP_NS", "TIMESTAMP", true),
        ("TIMESTAMP_S", "TIMESTAMP", false),
        ("TIMESTAMP WITH TIME ZONE", "TIMESTAMP", false),
        ("VARCHAR", "INTEGER", false),
        ("VARCHAR", "ENUM('a', 'b')", true),
        ("INTEGER", "\"NULL\"", true),
        ("\"NULL\"", "INTEGER", false),
        ("BIGINT[]", "INTEGER[]", true),
        ("BIGINT[]", "\"NULL\"[]", true),
        ("BIGINT[3]", "INTEGER[]", false),
        ("STRUCT(a BIGINT, \"b, c\" DECIMAL(9,2)[])", "STRUCT(a INTEGER, \"b, c\" DECIMAL(8,2)[])", true),
        ("STRUCT(a BIGINT)", "STRUCT(a BIGINT, b INTEGER)", false),
        ("STRUCT(a BIGINT, b INTEGER)", "STRUCT(a BIGINT)", false),
        ("MAP(VARCHAR, DOUBLE)", "MAP(VARCHAR, FLOAT)", true),
        ("MAP(VARCHAR, FLOAT)", "MAP(VARCHAR, DOUBLE)", false),
        ("INT", "INTEGER", true),
        ("numeric(9, 2)", "DECIMAL(9,2)", true),
        ("UUID", "VARCHAR", false),
    ];
    for (to, from, expected) in table {
        assert_eq!(holds(EngineKind::DuckDb, to, from), expected, "{to} of {from}");
    }
}

#[test]
fn a_text_is_kept_with_all_its_digits() {
    let table = [
        ("INTEGER", "2.6", false),
        ("INTEGER", "2.0", true),
        ("INTEGER", "1e3", true),
        ("INTEGER", "1.5e1", true),
        ("INTEGER", "15e-1", false),
        ("DECIMAL(9,2)", "3.333", false),
        ("DECIMAL(9,2)", "-3.330", true),
        ("DECIMAL(9,2)", "x", true),
        ("DOUBLE", "0.1", true),
        ("DOUBLE", "9007199254740993", false),
        ("DOUBLE", "9007199254740992", true),
        ("DOUBLE", "1e23", true),
        ("FLOAT", "16777217", false),
        ("BOOLEAN", "2", false),
        ("BOOLEAN", "0.5", false),
        ("BOOLEAN", "1", true),
        ("DATE", "2026-01-01 13:45", false),
        ("DATE", "2026-01-01T00:00:00", true),
        ("DATE", "31/01/2026", true),
        ("TIMESTAMP", "2026-01-01 10:00:00.1234567", false),
        ("TIMESTAMP", "2026-01-01 10:00:00.1234560", true),
        ("TIMESTAMP", "2026-01-01 10:00:00+02:00", false),
        ("TIMESTAMP", "2026-01-01T10:00:00Z", true),
        ("TIMESTAMP", "2026-01-01 10:00:00+00", true),
        ("TIMESTAMP_S", "2026-01-01 10:00:00.6", false),
        ("TIMESTAMPTZ", "2026-01-01 10:00:00.5+02:00", true),
        ("TIME", "10:00:00.1234567", false),
        ("DECIMAL(9,2)[]", "[1.5, 3.333]", false),
        ("DECIMAL(9,2)[]", "[1.5, 3.33]", true),
        ("STRUCT(a INTEGER, d DATE)", "{'a': 2.6, 'd': 2026-01-01}", false),
        ("STRUCT(a INTEGER, d DATE)", "{'a': 2, 'd': '2026-01-01 00:00'}", true),
        ("MAP(VARCHAR, INTEGER)", "{x=2.5}", false),
        ("VARCHAR", "3.333", true),
    ];
    for (kind, text, expected) in table {
        assert_eq!(Type::parse(kind).keeps(text), expected, "{text} as {kind}");
    }
}

#[test]
fn a_float_between_two_numbers_of_as_many_digits_says_the_one_it_prints() {
    for (text, is_float) in [("1664474438206935.3", true), ("1664474438206935.2", true), ("1664474438206935.4", false)]
    {
        assert_eq!(Number::parse(text).unwrap().is_float(53), is_float, "{text}");
    }
}

proptest! {
    /// What a float prints, it holds.
    #[test]
    fn a_float_says_its_own_digits(value in any::<f64>().prop_filter("finite", |value| value.is_finite())) {
        let number = Number::parse(&format!("{value:e}")).unwrap();
        prop_assert!(number.is_float(53), "{value}");
    }

    #[test]
    fn whole_numbers_are_floats_if_they_come_back(value in any::<i64>()) {
        let is_float = Number::parse(&value.to_string()).is_some_and(|number| number.is_float(53));
        prop_assert_eq!(is_float, (value as f64) as i128 == i128::from(value));
    }
}
