//! What an unquoted word of YAML means: YAML 1.2 as SQLMesh reads it, with dates. `yes` is a string here.

use super::Value;

/// The value of an unquoted word.
pub fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        ".nan" | ".NaN" | ".NAN" => return Value::Float("nan".to_owned()),
        _ => {}
    }
    integer(text)
        .map(Value::Int)
        .or_else(|| float(text).map(Value::Float))
        .or_else(|| is_time(text).then(|| Value::Time(text.to_owned())))
        .unwrap_or_else(|| Value::Text(text.to_owned()))
}

/// A whole number: decimal, `0x`, `0o` or `0b`.
pub(in super::super) fn integer(text: &str) -> Option<i128> {
    let (negative, digits) = unsigned(text);
    let (radix, digits) = match digits.get(..2) {
        Some("0x") => (16, &digits[2..]),
        Some("0o") => (8, &digits[2..]),
        Some("0b") => (2, &digits[2..]),
        _ => (10, digits),
    };
    let starts = digits.starts_with(|c: char| c.is_digit(radix));
    let digits: String = digits.chars().filter(|c| *c != '_').collect();
    if !starts || !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    let number = i128::from_str_radix(&digits, radix).ok()?;
    Some(if negative { -number } else { number })
}

/// A number with a point or an exponent, or too large for a whole one, as SQL spells it.
pub(in super::super) fn float(text: &str) -> Option<String> {
    let (negative, rest) = unsigned(text);
    let sign = if negative { "-" } else { "" };
    if matches!(rest, ".inf" | ".Inf" | ".INF") {
        return Some(format!("{sign}inf"));
    }
    let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (rest, None),
    };
    let digits = |part: &str| part.chars().all(|c| c.is_ascii_digit() || c == '_') && !part.starts_with('_');
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let has_digit = mantissa.contains(|c: char| c.is_ascii_digit());
    let exponent_fits = exponent.is_none_or(|exponent| {
        let (_, exponent) = unsigned(exponent);
        !exponent.is_empty() && exponent.chars().all(|c| c.is_ascii_digit())
    });
    if !has_digit || !digits(whole) || !digits(fraction) || !exponent_fits {
        return None;
    }
    let plain = rest.replace('_', "");
    let plain = if plain.starts_with('.') { format!("0{plain}") } else { plain };
    Some(format!("{sign}{plain}"))
}

/// `2024-01-31`, alone or with a time and a zone behind.
pub(in super::super) fn is_time(text: &str) -> bool {
    let shape: String = text.chars().take(40).map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    let Some(rest) = shape.strip_prefix("0000-00-00") else { return false };
    let Some(clock) = rest.strip_prefix(['T', 't', ' ']) else { return rest.is_empty() };
    let Some(rest) = clock.strip_prefix("00:00:00") else { return false };
    let rest = match rest.strip_prefix('.') {
        Some(fraction) => fraction.trim_start_matches('0'),
        None => rest,
    };
    let zone = rest.trim_start_matches(' ').trim_start_matches(['+', '-']);
    text.len() <= 40 && (rest.is_empty() || matches!(zone, "Z" | "z" | "00" | "00:00" | "0000"))
}

fn unsigned(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}
