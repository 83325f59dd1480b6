//! Functions of constants, and LIKE.

use std::cmp::Ordering;

use super::constant::{Constant, LONGEST, bounded, cut, order, same, too_large};

/// `LIKE`, in time proportional to both lengths multiplied.
pub(super) fn like(text: &Constant, pattern: &Constant, fold: bool) -> Result<Constant, String> {
    let (Constant::Text(text), Constant::Text(pattern)) = (text, pattern) else {
        return match (text, pattern) {
            (Constant::Null, _) | (_, Constant::Null) => Ok(Constant::Null),
            _ => Err("LIKE takes strings".to_owned()),
        };
    };
    let fold = |text: &str| if fold { text.to_lowercase() } else { text.to_owned() };
    let (text, pattern) = (fold(text), fold(pattern));
    if text.len().saturating_mul(pattern.len()) > LONGEST {
        return Err("these strings are too long for LIKE".to_owned());
    }
    // `reached[i]`: the pattern so far matches the first i characters.
    let text: Vec<char> = text.chars().collect();
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    for wanted in pattern.chars() {
        let mut next = vec![false; text.len() + 1];
        if wanted == '%' {
            let mut any = false;
            for (now, before) in next.iter_mut().zip(&reached) {
                any |= before;
                *now = any;
            }
        } else {
            for (index, c) in text.iter().enumerate() {
                next[index + 1] = reached[index] && (wanted == '_' || wanted == *c);
            }
        }
        reached = next;
    }
    Ok(Constant::Bool(reached.last().copied().unwrap_or(false)))
}

/// Functions of which no argument is worth more than its text or number.
pub(super) fn call(name: &str, arguments: &[Constant]) -> Result<Constant, String> {
    use Constant::{Bool, Float, Int, Null, Text};
    match name {
        "coalesce" | "ifnull" => return Ok(arguments.iter().find(|item| **item != Null).cloned().unwrap_or(Null)),
        "concat" => {
            let parts = arguments.iter().filter(|item| **item != Null).map(Constant::text);
            return bounded(parts.collect());
        }
        _ if arguments.contains(&Null) => return Ok(Null),
        _ => {}
    }
    match (name, arguments) {
        ("upper" | "ucase", [Text(text)]) => Ok(Text(text.to_uppercase())),
        ("lower" | "lcase", [Text(text)]) => Ok(Text(text.to_lowercase())),
        ("trim", [Text(text)]) => Ok(Text(text.trim_matches(' ').to_owned())),
        ("ltrim", [Text(text)]) => Ok(Text(text.trim_start_matches(' ').to_owned())),
        ("rtrim", [Text(text)]) => Ok(Text(text.trim_end_matches(' ').to_owned())),
        ("length" | "len", [Text(text)]) => Ok(Int(text.chars().count() as i128)),
        ("contains", [Text(text), Text(part)]) => Ok(Bool(text.contains(part.as_str()))),
        ("starts_with" | "startswith" | "prefix", [Text(text), Text(part)]) => {
            Ok(Bool(text.starts_with(part.as_str())))
        }
        ("ends_with" | "endswith" | "suffix", [Text(text), Text(part)]) => Ok(Bool(text.ends_with(part.as_str()))),
        ("replace", [Text(text), Text(from), Text(to)]) => {
            let found = if from.is_empty() { 0 } else { text.matches(from.as_str()).count() };
            if found.saturating_mul(to.len()) > LONGEST {
                return Err("this string gets too long".to_owned());
            }
            Ok(Text(if found == 0 { text.clone() } else { text.replace(from.as_str(), to) }))
        }
        ("substring" | "substr", [Text(text), Int(from)]) if *from > 0 => {
            Ok(Text(text.chars().skip(usize::try_from(from - 1).unwrap_or(usize::MAX)).collect()))
        }
        ("substring" | "substr", [Text(text), Int(from), Int(count)]) if *from > 0 && *count >= 0 => {
            let from = usize::try_from(from - 1).unwrap_or(usize::MAX);
            Ok(Text(text.chars().skip(from).take(usize::try_from(*count).unwrap_or(usize::MAX)).collect()))
        }
        ("abs", [Int(value)]) => value.checked_abs().map(Int).ok_or_else(too_large),
        ("abs", [Float(value)]) => Ok(Float(value.abs())),
        ("round", [value @ Int(_)]) => Ok(value.clone()),
        ("round", [Float(value)]) => Ok(Float(value.round())),
        ("round", [value, Int(digits)]) if (0..=15).contains(digits) => {
            let factor = 10f64.powi(i32::try_from(*digits).unwrap_or(0));
            let value = value.number().ok_or("round takes a number")?;
            Ok(Float((value * factor).round() / factor))
        }
        ("nullif", [a, b]) => Ok(if same(a, b) { Null } else { a.clone() }),
        ("greatest", [first, rest @ ..]) => rest.iter().try_fold(first.clone(), |best, item| {
            Ok(if order(item, &best)? == Some(Ordering::Greater) { item.clone() } else { best })
        }),
        ("least", [first, rest @ ..]) => rest.iter().try_fold(first.clone(), |best, item| {
            Ok(if order(item, &best)? == Some(Ordering::Less) { item.clone() } else { best })
        }),
        _ => Err(format!("`{}` can't be worked out here with these arguments", cut(name))),
    }
}
