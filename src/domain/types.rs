//! The engine's types: which of them hold every value of which others, and what a cast would lose.
//!
//! A value is *kept* by a cast if none of its digits is lost: cast back, it is what it was. 2.6 is not kept by INTEGER,
//! nor 13:45 by DATE, nor 9007199254740993 by DOUBLE; 0.1 is kept by DOUBLE, whose nearest value is written 0.1.

use super::engine_kind::EngineKind;
use super::sql;

mod number;
mod postgres;
mod spark;

pub use number::Number;

/// A type, as far as it matters for what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    /// The type of NULL alone.
    Null,
    /// TRUE and FALSE.
    Boolean,
    /// Whole numbers of so many bits.
    Integer {
        /// The bits, that of the sign among them.
        bits: u8,
        /// Whether there are negative ones.
        signed: bool,
    },
    /// Numbers with so many digits before and behind the point.
    Decimal {
        /// Before it.
        whole: u8,
        /// Behind it.
        scale: u8,
    },
    /// Numbers in floating point, with so many bits of precision.
    Float(u32),
    /// Any text.
    Text,
    /// Texts of at most so many characters.
    Short(u32),
    /// Days.
    Date,
    /// Times of a day, with so many digits behind the second.
    Time(usize),
    /// Days with times, with so many digits behind the second.
    Timestamp(usize),
    /// Moments.
    Moment,
    /// A list, or an array of so many.
    List(Box<Type>, String),
    /// Fields with names, or without one.
    Struct(Vec<(String, Type)>),
    /// Keys and values.
    Map(Box<Type>, Box<Type>),
    /// Any other, as it is written.
    Other(String),
}

/// The type that comes nearest to one of another engine's; text, where there is none.
pub fn translated(from: EngineKind, to: EngineKind, kind: &str) -> String {
    match from == to {
        true => kind.to_owned(),
        false => Type::of(from, kind).named(to).unwrap_or_else(|| "text".to_owned()),
    }
}

/// Names of types that take no parameters.
const NAMED: &[(&[&str], Type)] = &[
    (&["\"NULL\"", "NULL"], Type::Null),
    (&["BOOLEAN", "BOOL", "LOGICAL"], Type::Boolean),
    (&["TINYINT", "INT1"], Type::Integer { bits: 8, signed: true }),
    (&["SMALLINT", "INT2", "INT16", "SHORT"], Type::Integer { bits: 16, signed: true }),
    (&["INTEGER", "INT", "INT4", "INT32", "SIGNED"], Type::Integer { bits: 32, signed: true }),
    (&["BIGINT", "INT8", "INT64", "LONG"], Type::Integer { bits: 64, signed: true }),
    (&["HUGEINT", "INT128"], Type::Integer { bits: 128, signed: true }),
    (&["UTINYINT", "UINT8"], Type::Integer { bits: 8, signed: false }),
    (&["USMALLINT", "UINT16"], Type::Integer { bits: 16, signed: false }),
    (&["UINTEGER", "UINT32"], Type::Integer { bits: 32, signed: false }),
    (&["UBIGINT", "UINT64"], Type::Integer { bits: 64, signed: false }),
    (&["UHUGEINT", "UINT128"], Type::Integer { bits: 128, signed: false }),
    (&["DECIMAL", "NUMERIC", "DEC"], Type::Decimal { whole: 15, scale: 3 }),
    (&["FLOAT", "FLOAT4", "REAL"], Type::Float(24)),
    (&["DOUBLE", "FLOAT8", "DOUBLE PRECISION"], Type::Float(53)),
    (&["VARCHAR", "TEXT", "STRING", "CHAR", "BPCHAR"], Type::Text),
    (&["DATE"], Type::Date),
    (&["TIME"], Type::Time(6)),
    (&["TIME_NS"], Type::Time(9)),
    (&["TIMESTAMP", "DATETIME", "TIMESTAMP_US"], Type::Timestamp(6)),
    (&["TIMESTAMP_S"], Type::Timestamp(0)),
    (&["TIMESTAMP_MS"], Type::Timestamp(3)),
    (&["TIMESTAMP_NS"], Type::Timestamp(9)),
    (&["TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ"], Type::Moment),
];

impl Type {
    /// Reads a type as an engine or a person writes it.
    pub fn of(engine: EngineKind, text: &str) -> Self {
        match engine {
            EngineKind::DuckDb => Self::parse(text),
            EngineKind::Postgres => postgres::parse(text),
            EngineKind::Spark => spark::parse(text),
        }
    }

    /// Its name, as far as an engine has such a type.
    fn named(&self, engine: EngineKind) -> Option<String> {
        if engine == EngineKind::Spark {
            return spark::name(self);
        }
        let is_postgres = engine == EngineKind::Postgres;
        let name = match self {
            Self::Null => "integer",
            Self::Boolean => "boolean",
            Self::Integer { bits: 8, signed: true } if !is_postgres => "tinyint",
            Self::Integer { bits: 8 | 16, signed: true } | Self::Integer { bits: 8, .. } => "smallint",
            Self::Integer { bits: 32, signed: true } | Self::Integer { bits: 16, .. } => "integer",
            Self::Integer { bits: 64, signed: true } | Self::Integer { bits: 32, .. } => "bigint",
            Self::Integer { .. } if is_postgres => "numeric",
            Self::Integer { .. } => "hugeint",
            Self::Decimal { whole: u8::MAX, .. } if is_postgres => "numeric",
            Self::Decimal { whole: u8::MAX, .. } => "decimal(38, 9)",
            Self::Decimal { whole, scale } => {
                return Some(format!("numeric({}, {scale})", whole.saturating_add(*scale)));
            }
            Self::Float(precision) => {
                if *precision <= 24 {
                    "real"
                } else {
                    "double precision"
                }
            }
            Self::Text => "text",
            Self::Short(size) => return Some(format!("varchar({size})")),
            Self::Date => "date",
            Self::Time(_) => "time",
            Self::Timestamp(_) => "timestamp",
            Self::Moment => "timestamptz",
            Self::List(inner, _) => return Some(format!("{}[]", inner.named(engine)?)),
            Self::Struct(_) | Self::Map(..) => "jsonb",
            Self::Other(other) => match other.to_ascii_lowercase().as_str() {
                "json" | "jsonb" => {
                    if is_postgres {
                        "jsonb"
                    } else {
                        "json"
                    }
                }
                "blob" | "bytea" => {
                    if is_postgres {
                        "bytea"
                    } else {
                        "blob"
                    }
                }
                "uuid" => "uuid",
                "interval" => "interval",
                _ => return None,
            },
        };
        Some(name.to_owned())
    }

    /// Reads a type of DuckDB's.
    pub fn parse(text: &str) -> Self {
        let text = text.trim();
        if let Some((inner, size)) = text.strip_suffix(']').and_then(|rest| rest.rsplit_once('[')) {
            return Self::List(Box::new(Self::parse(inner)), size.trim().to_owned());
        }
        let upper = text.to_ascii_uppercase();
        let named = NAMED.iter().find(|(names, _)| names.contains(&upper.as_str()));
        if let Some((_, found)) = named {
            return found.clone();
        }
        Self::with_parameters(text).unwrap_or(Self::Other(upper))
    }

    /// A type that has parentheses.
    fn with_parameters(text: &str) -> Option<Self> {
        let (word, rest) = text.split_once('(')?;
        let parts = split(rest.strip_suffix(')')?, ',');
        let number = |at: usize| parts.get(at).and_then(|part| part.trim().parse::<u8>().ok());
        match word.trim().to_ascii_uppercase().as_str() {
            "DECIMAL" | "NUMERIC" | "DEC" => {
                let (width, scale) = (number(0)?, if parts.len() > 1 { number(1)? } else { 0 });
                Some(Self::Decimal { whole: width.checked_sub(scale)?, scale })
            }
            "VARCHAR" | "CHAR" | "TEXT" | "STRING" | "BPCHAR" => Some(Self::Text),
            "FLOAT" => Some(Self::Float(if number(0)? <= 24 { 24 } else { 53 })),
            "STRUCT" | "ROW" => parts.iter().map(|part| field(part)).collect::<Option<_>>().map(Self::Struct),
            "TUPLE" => Some(Self::Struct(parts.iter().map(|part| (String::new(), Self::parse(part))).collect())),
            "MAP" => match parts.as_slice() {
                [key, value] => Some(Self::Map(Box::new(Self::parse(key)), Box::new(Self::parse(value)))),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether it says the time of a day with each day.
    pub fn has_times(&self) -> bool {
        matches!(self, Self::Timestamp(_) | Self::Moment)
    }

    /// Whether every value of `other` is one of this type, so that a cast loses nothing, or is an error.
    pub fn holds(&self, other: &Self) -> bool {
        match (self, other) {
            (_, Self::Null) => true,
            (Self::Integer { bits, signed: true }, Self::Integer { bits: others, signed: false }) => bits > others,
            (Self::Integer { bits, signed }, Self::Integer { bits: others, signed: other }) => {
                signed == other && bits >= others
            }
            (Self::Decimal { whole, .. }, Self::Integer { bits, signed }) => *whole >= digits(*bits, *signed),
            (Self::Decimal { whole, scale }, Self::Decimal { whole: others, scale: other }) => {
                whole >= others && scale >= other
            }
            (Self::Float(precision), Self::Integer { bits, signed }) => {
                *precision >= u32::from(*bits) - u32::from(*signed)
            }
            (Self::Float(precision), Self::Float(other)) => precision >= other,
            (Self::Timestamp(digits), Self::Timestamp(others)) | (Self::Time(digits), Self::Time(others)) => {
                digits >= others
            }
            (Self::Timestamp(_), Self::Date) => true,
            (Self::Text, Self::Short(_)) => true,
            (Self::Short(most), Self::Short(other)) => most >= other,
            (Self::Text, Self::Other(other)) => other.starts_with("ENUM("),
            (Self::List(of, size), Self::List(other, others)) => size == others && of.holds(other),
            (Self::Map(key, value), Self::Map(keys, values)) => key.holds(keys) && value.holds(values),
            (Self::Struct(fields), Self::Struct(others)) => {
                let hold = |((name, kind), (other, kinds)): (&(String, Self), &(String, Self))| {
                    name.eq_ignore_ascii_case(other) && kind.holds(kinds)
                };
                fields.len() == others.len() && fields.iter().zip(others).all(hold)
            }
            (one, other) => one == other,
        }
    }

    /// Whether a text, cast to this type, loses nothing. What is no value of this type at all is the engine's to refuse.
    ///
    /// Floating point holds the nearest value of a fraction, and of whole numbers only those that are its own.
    pub fn keeps(&self, text: &str) -> bool {
        let text = text.trim();
        let number = || Number::parse(text);
        match self {
            Self::Integer { .. } => number().is_none_or(|number| number.scale() == 0),
            Self::Decimal { scale, .. } => number().is_none_or(|number| number.scale() <= i64::from(*scale)),
            Self::Float(precision) => number().is_none_or(|it| it.scale() > 0 || it.is_float(*precision)),
            Self::Boolean => number().is_none_or(|number| number.is_zero_or_one()),
            Self::Date => time_of(text).is_none_or(|time| !time.contains(|c: char| matches!(c, '1'..='9'))),
            Self::Time(digits) => time_of(text).is_none_or(|time| fraction(time) <= *digits),
            Self::Timestamp(digits) => time_of(text).is_none_or(|time| fraction(time) <= *digits && is_in_utc(time)),
            Self::Moment => time_of(text).is_none_or(|time| fraction(time) <= 6),
            Self::List(of, _) => parts(text, '[', ']').iter().all(|part| of.keeps(unquoted(part))),
            Self::Map(key, value) => {
                let keeps = |(of, part): (&str, &str)| key.keeps(unquoted(of)) && value.keeps(unquoted(part));
                parts(text, '{', '}').iter().filter_map(|entry| pair(entry)).all(keeps)
            }
            Self::Struct(fields) => {
                let keeps = |(name, part): (&str, &str)| {
                    let field = fields.iter().find(|(field, _)| field.eq_ignore_ascii_case(unquoted(name)));
                    field.is_none_or(|(_, kind)| kind.keeps(unquoted(part)))
                };
                parts(text, '{', '}').iter().filter_map(|entry| pair(entry)).all(keeps)
            }
            Self::Short(most) => text.chars().count() <= usize::try_from(*most).unwrap_or(usize::MAX),
            Self::Null | Self::Text | Self::Other(_) => true,
        }
    }

    /// A type that shows what a cast of a text to this one loses.
    fn wide(&self) -> Option<String> {
        Some(match self {
            Self::Integer { .. } => "DECIMAL(38,19)".to_owned(),
            Self::Decimal { whole, .. } => format!("DECIMAL(38,{})", 38u8.saturating_sub(*whole)),
            Self::Date => "TIMESTAMP".to_owned(),
            Self::Timestamp(_) => "TIMESTAMP_NS".to_owned(),
            Self::Time(_) => "TIME_NS".to_owned(),
            Self::List(of, size) => format!("{}[{size}]", of.wide()?),
            _ => return None,
        })
    }
}

/// Whether every value of one type is a value of the other.
pub fn holds(engine: EngineKind, to: &str, from: &str) -> bool {
    to == from || Type::of(engine, to).holds(&Type::of(engine, from))
}

/// The SQL that says whether a value of one type, cast to another, loses nothing.
pub fn keeps(engine: EngineKind, value: &str, from: &str, to: &str) -> String {
    match engine {
        EngineKind::DuckDb => is_kept(value, to),
        EngineKind::Postgres => postgres::keeps(value, from, to),
        EngineKind::Spark => spark::keeps(value, from, to),
    }
}

/// The SQL that says whether a value of whatever type, cast to one of DuckDB's, loses nothing.
fn is_kept(value: &str, kind: &str) -> String {
    let parsed = Type::parse(kind);
    if parsed == Type::Text {
        return "true".to_owned();
    }
    // in lists: the engine casts nothing to the type of NULL itself
    let back = format!("TRY(cast_to_type([CAST({value} AS {kind})], [{value}])) IS NOT DISTINCT FROM [{value}]");
    match parsed.wide() {
        // a text is not what is printed: '1.5' is kept by DECIMAL(9,2), which prints 1.50
        Some(wide) => format!(
            "CASE WHEN typeof({value}) = 'VARCHAR' THEN TRY_CAST({value} AS {wide}) IS NOT DISTINCT FROM \
             TRY_CAST(CAST({value} AS {kind}) AS {wide}) ELSE {back} END"
        ),
        None => format!("(typeof({value}) = 'VARCHAR' OR {back})"),
    }
}

/// The SQL of a value of this type, or an error that begins with `what` where a cast would lose something. Where the
/// value is of the type already, nothing is left of this but the value.
pub fn exactly(engine: EngineKind, value: &str, kind: &str, what: &str) -> String {
    match engine {
        EngineKind::DuckDb => {}
        EngineKind::Postgres => return postgres::exactly(value, kind, what),
        EngineKind::Spark => return spark::exactly(value, kind, what),
    }
    let own = format!("typeof(CAST(NULL AS {kind}))");
    let (what, middle) = (super::name::literal(&format!("{what} ")), super::name::literal(NOT_KEPT));
    format!(
        "CASE WHEN typeof({value}) = {own} OR {} THEN CAST({value} AS {kind}) \
         ELSE error({what} || {own} || {middle} || CAST({value} AS VARCHAR)) END",
        is_kept(value, kind)
    )
}

/// What [`exactly`] says between the type and the value.
pub const NOT_KEPT: &str = ", which does not hold the value ";

/// The decimal digits of the largest number of so many bits.
fn digits(bits: u8, signed: bool) -> u8 {
    match (bits, signed) {
        (8, _) => 3,
        (16, _) => 5,
        (32, _) => 10,
        (64, true) => 19,
        (64, false) => 20,
        _ => 39,
    }
}

/// `name TYPE` of a struct; the name may be quoted.
fn field(text: &str) -> Option<(String, Type)> {
    let lexemes = sql::lex(text.trim()).ok()?;
    let first = lexemes.first()?;
    let sql::Token::Word { text: name, .. } = &first.token else { return None };
    Some((name.clone(), Type::parse(text.trim().get(first.span.end..)?)))
}

/// The parts between separators that stand in no quotes and no brackets.
fn split(text: &str, separator: char) -> Vec<&str> {
    let (mut parts, mut start, mut depth, mut quote) = (Vec::new(), 0, 0usize, None);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), _) => quote = (c != open).then_some(open),
            (None, '\'' | '"') => quote = Some(c),
            (None, '(' | '[' | '{' | '<') => depth += 1,
            (None, ')' | ']' | '}' | '>') => depth = depth.saturating_sub(1),
            (None, _) if c == separator && depth == 0 => {
                parts.push(&text[start..at]);
                start = at + c.len_utf8();
            }
            _ => {}
        }
    }
    if !text[start..].trim().is_empty() {
        parts.push(&text[start..]);
    }
    parts
}

/// The elements of a list or the entries of a struct or a map, as text.
fn parts(text: &str, open: char, close: char) -> Vec<&str> {
    let inside = text.strip_prefix(open).and_then(|rest| rest.strip_suffix(close));
    inside.map(|inside| split(inside, ',')).unwrap_or_default()
}

/// `key: value` or `key=value`.
fn pair(entry: &str) -> Option<(&str, &str)> {
    [':', '='].into_iter().find_map(|sign| match split(entry, sign).as_slice() {
        [key, ..] => Some((*key, entry.get(key.len() + 1..)?)),
        [] => None,
    })
}

fn unquoted(text: &str) -> &str {
    let text = text.trim();
    let inside = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    inside('\'').or_else(|| inside('"')).unwrap_or(text)
}

/// The part of a text from its hour on.
fn time_of(text: &str) -> Option<&str> {
    let colon = text.find(':')?;
    let hour = text[..colon].rfind(|c: char| !c.is_ascii_digit()).map_or(0, |at| at + 1);
    text.get(hour..)
}

/// How many digits behind the second matter.
fn fraction(time: &str) -> usize {
    let digits = time.split_once('.').map_or("", |(_, rest)| rest);
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].trim_end_matches('0').len()
}

/// Whether a time has no offset, or none to UTC: another would be dropped.
fn is_in_utc(time: &str) -> bool {
    let offset = time.find(['+', '-']).map_or("", |at| &time[at..]);
    !offset.contains(|c: char| matches!(c, '1'..='9'))
}

#[cfg(test)]
mod tests;
