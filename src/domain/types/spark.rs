//! Spark's names of types, and what a cast from one to another loses. Sessions of vmesh's are ANSI: a cast that can't be is an
//! error, but digits behind the point are cut off in silence.

use super::super::name::literal;
use super::{NOT_KEPT, Type, split};

/// Reads a type.
pub(super) fn parse(text: &str) -> Type {
    let lower = text.trim().to_ascii_lowercase();
    let inside = |word: &str| lower.strip_prefix(word)?.strip_prefix('<')?.strip_suffix('>');
    if let Some(inner) = inside("array") {
        return Type::List(Box::new(parse(inner)), String::new());
    }
    if let Some(entry) = inside("map")
        && let [key, value] = split(entry, ',')[..]
    {
        return Type::Map(Box::new(parse(key)), Box::new(parse(value)));
    }
    if let Some(fields) = inside("struct") {
        let field = |field: &str| field.split_once(':').map(|(name, kind)| (name.trim().to_owned(), parse(kind)));
        return match split(fields, ',').into_iter().map(field).collect() {
            Some(fields) => Type::Struct(fields),
            None => Type::Other(lower),
        };
    }
    let size = |word: &str| lower.strip_prefix(word)?.strip_prefix('(')?.strip_suffix(')')?.trim().parse().ok();
    if let Some(size) = size("varchar") {
        return Type::Short(size);
    }
    match lower.as_str() {
        "void" => Type::Null,
        "byte" => Type::Integer { bits: 8, signed: true },
        "timestamp" | "timestamp_ltz" => Type::Moment,
        "timestamp_ntz" => Type::Timestamp(6),
        "decimal" | "numeric" | "dec" => Type::Decimal { whole: 10, scale: 0 },
        "boolean" | "tinyint" | "smallint" | "short" | "int" | "integer" | "bigint" | "long" | "float" | "real"
        | "double" | "string" | "date" => Type::parse(&lower),
        _ if ["decimal(", "numeric(", "dec("].iter().any(|word| lower.starts_with(word)) => Type::parse(&lower),
        _ => Type::Other(lower),
    }
}

/// The name of a type, as far as Spark has such a one.
pub(super) fn name(kind: &Type) -> Option<String> {
    let named = match kind {
        Type::Null => "void",
        Type::Boolean => "boolean",
        Type::Integer { bits: 8, signed: true } => "tinyint",
        Type::Integer { bits: 16, signed: true } | Type::Integer { bits: 8, .. } => "smallint",
        Type::Integer { bits: 32, signed: true } | Type::Integer { bits: 16, .. } => "int",
        Type::Integer { bits: 64, signed: true } | Type::Integer { bits: 32, .. } => "bigint",
        Type::Integer { .. } => "decimal(38, 0)",
        Type::Decimal { whole: u8::MAX, .. } => "decimal(38, 9)",
        Type::Decimal { whole, scale } => {
            return Some(format!("decimal({}, {scale})", whole.saturating_add(*scale).min(38)));
        }
        Type::Float(precision) => {
            if *precision <= 24 {
                "float"
            } else {
                "double"
            }
        }
        Type::Text | Type::Time(_) => "string",
        Type::Short(size) => return Some(format!("varchar({size})")),
        Type::Date => "date",
        Type::Timestamp(_) => "timestamp_ntz",
        Type::Moment => "timestamp",
        Type::List(inner, _) => return Some(format!("array<{}>", name(inner)?)),
        Type::Map(key, value) => return Some(format!("map<{}, {}>", name(key)?, name(value)?)),
        Type::Struct(fields) => {
            let field = |(field, kind): &(String, Type)| Some(format!("{field}: {}", name(kind)?));
            return Some(format!("struct<{}>", fields.iter().map(field).collect::<Option<Vec<_>>>()?.join(", ")));
        }
        Type::Other(other) => match other.to_ascii_lowercase().as_str() {
            "json" | "jsonb" | "uuid" => "string",
            "blob" | "bytea" | "binary" => "binary",
            _ => return None,
        },
    };
    Some(named.to_owned())
}

/// The type in which values before and after a cast are compared; none where the cast loses nothing.
fn common(kind: &Type) -> Option<String> {
    Some(match kind {
        Type::Integer { .. } => "decimal(38, 18)".to_owned(),
        Type::Decimal { whole, .. } => format!("decimal(38, {})", 38u8.saturating_sub(*whole)),
        Type::Date => "timestamp_ntz".to_owned(),
        Type::Short(_) => "string".to_owned(),
        _ => return None,
    })
}

/// The SQL that says whether a value, cast to a type, loses nothing. What can't be cast at all is an error.
pub(super) fn keeps(value: &str, from: &str, to: &str) -> String {
    let (kind, cast) = (parse(to), format!("CAST({value} AS {to})"));
    match common(&kind) {
        _ if kind.holds(&parse(from)) => "true".to_owned(),
        Some(common) => format!("CAST({value} AS {common}) <=> CAST({cast} AS {common})"),
        None => format!("CAST({cast} AS {from}) <=> {value}"),
    }
}

/// The SQL of a value of whatever type, cast to one, or an error that begins with `what` where that loses something.
pub(super) fn exactly(value: &str, kind: &str, what: &str) -> String {
    let cast = format!("CAST({value} AS {kind})");
    let Some(common) = common(&parse(kind)) else { return cast };
    let said = literal(&format!("{what} {kind}{NOT_KEPT}"));
    format!(
        "CASE WHEN CAST({value} AS {common}) <=> CAST({cast} AS {common}) THEN {cast} \
         ELSE CAST(raise_error(concat({said}, CAST({value} AS STRING))) AS {kind}) END"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_holds_what_it_can_tell_apart() {
        let holds = |to: &str, from: &str| parse(to).holds(&parse(from));
        for (to, from) in [
            ("bigint", "int"),
            ("decimal(12,4)", "decimal(9,2)"),
            ("string", "varchar(10)"),
            ("array<bigint>", "array<int>"),
            ("map<string,bigint>", "map<string,int>"),
            ("struct<a:bigint,b:array<string>>", "struct<a:int,b:array<string>>"),
        ] {
            assert!(holds(to, from) && !holds(from, to), "{to} {from}");
        }
        for (to, from) in
            [("timestamp_ntz", "timestamp"), ("date", "timestamp"), ("int", "string"), ("binary", "string")]
        {
            assert!(!holds(to, from), "{to} {from}");
        }
    }
}
