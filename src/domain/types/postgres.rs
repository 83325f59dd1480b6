//! PostgreSQL's names of types, as `format_type` writes them, and what a cast from one to another loses.

use super::super::name::literal;
use super::{NOT_KEPT, Type};

/// Reads a type.
pub(super) fn parse(text: &str) -> Type {
    let text = text.trim();
    if let Some(inner) = text.strip_suffix("[]") {
        return Type::List(Box::new(parse(inner)), String::new());
    }
    let lower = text.to_ascii_lowercase();
    let words: Vec<&str> = lower.split(['(', ')']).map(str::trim).collect();
    let size = words.get(1).and_then(|size| size.parse::<u32>().ok());
    let (word, behind) = (words.first().copied().unwrap_or_default(), words.get(2).copied().unwrap_or_default());
    let digits = || size.and_then(|size| usize::try_from(size).ok()).unwrap_or(6);
    match (word, size, behind) {
        ("text" | "character varying" | "varchar", None, _) => Type::Text,
        ("character varying" | "varchar", Some(size), _) => Type::Short(size),
        // as many digits as anyone needs
        ("numeric" | "decimal", None, _) if words.len() == 1 => Type::Decimal { whole: u8::MAX, scale: u8::MAX },
        ("timestamp" | "timestamp without time zone", ..) if behind != "with time zone" => Type::Timestamp(digits()),
        ("timestamp with time zone" | "timestamptz", None, _) => Type::Moment,
        ("time" | "time without time zone", ..) if behind != "with time zone" => Type::Time(digits()),
        ("character" | "char" | "bpchar", ..) => Type::Other(lower),
        ("smallint" | "int2" | "integer" | "int" | "int4" | "bigint" | "int8" | "boolean" | "bool" | "date", ..)
        | ("real" | "float4" | "double precision" | "float8" | "numeric" | "decimal", ..) => Type::parse(text),
        _ => Type::Other(lower),
    }
}

/// The SQL that says whether a value of one type, cast to another, loses nothing. What can't be cast at all is an error.
pub(super) fn keeps(value: &str, from: &str, to: &str) -> String {
    let cast = format!("CAST({value} AS {to})");
    match (parse(from), parse(to)) {
        (from, to) if to.holds(&from) => "true".to_owned(),
        // '1.5' is kept by numeric(9,2), which prints 1.50
        (Type::Text | Type::Short(_), Type::Decimal { .. }) => {
            format!("CAST({value} AS numeric) IS NOT DISTINCT FROM {cast}")
        }
        (Type::Text | Type::Short(_), Type::Date) => {
            format!("CAST({value} AS timestamp) IS NOT DISTINCT FROM CAST({cast} AS timestamp)")
        }
        (Type::Text | Type::Short(_), to) if !matches!(to, Type::Text | Type::Short(_)) => "true".to_owned(),
        (Type::Other(_) | Type::List(..), _) => {
            format!("CAST(CAST({cast} AS {from}) AS text) IS NOT DISTINCT FROM CAST({value} AS text)")
        }
        _ => format!("CAST({cast} AS {from}) IS NOT DISTINCT FROM {value}"),
    }
}

/// The SQL of a value of whatever type, cast to one, or an error that begins with `what` where that loses something. Floating
/// point gets the nearest value.
pub(super) fn exactly(value: &str, kind: &str, what: &str) -> String {
    let cast = format!("CAST({value} AS {kind})");
    let common = match parse(kind) {
        Type::Decimal { whole: u8::MAX, .. } => return cast,
        Type::Integer { .. } | Type::Decimal { .. } => "numeric",
        Type::Date => "timestamp",
        Type::Short(_) => "text",
        _ => return cast,
    };
    let said = literal(&format!("{what} {kind}{NOT_KEPT}"));
    format!(
        "CASE WHEN CAST({value} AS {common}) IS NOT DISTINCT FROM CAST({cast} AS {common}) THEN {cast} \
         ELSE CAST(CAST(CAST({said} || CAST({value} AS text) AS numeric) AS text) AS {kind}) END"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_holds_what_it_can_tell_apart() {
        let holds = |to: &str, from: &str| parse(to).holds(&parse(from));
        for (to, from) in [
            ("bigint", "integer"),
            ("numeric", "numeric(12,4)"),
            ("numeric", "bigint"),
            ("numeric(12,4)", "numeric(9,2)"),
            ("text", "character varying(10)"),
            ("character varying", "text"),
            ("character varying(10)", "character varying(3)"),
            ("timestamp without time zone", "date"),
            ("timestamp without time zone", "timestamp(3) without time zone"),
            ("double precision", "real"),
            ("integer[]", "smallint[]"),
            ("jsonb", "jsonb"),
        ] {
            assert!(holds(to, from) && !holds(from, to) || to == from || from == "text", "{to} {from}");
        }
        for (to, from) in [
            ("numeric(12,4)", "numeric"),
            ("date", "timestamp without time zone"),
            ("timestamp without time zone", "timestamp with time zone"),
            ("character(3)", "text"),
            ("json", "jsonb"),
            ("double precision", "bigint"),
            ("time(3) without time zone", "time without time zone"),
        ] {
            assert!(!holds(to, from), "{to} {from}");
        }
    }
}
