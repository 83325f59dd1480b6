//! Macros that write an expression out of their arguments alone.

use super::super::diagnostic::Problem;
use super::generate::Arguments;
use super::place::Argument;
use super::scan::problem;
use super::text::{name, operand, quoted, raw, string};

/// All arguments of a call, lists laid flat; at least one.
fn fields(given: Arguments) -> Result<Vec<String>, Problem> {
    let span = given.span.clone();
    let mut all = Vec::new();
    for argument in given.positional {
        match argument {
            Argument::One(one) => all.push(one),
            Argument::Many(several) => all.extend(several),
        }
    }
    if all.is_empty() { Err(problem("this macro needs at least one argument", span)) } else { Ok(all) }
}

/// `@GENERATE_SURROGATE_KEY(a, b, hash_function := 'MD5')`.
pub(super) fn surrogate_key(given: Arguments) -> Result<Argument, Problem> {
    let function = given.word(usize::MAX, "hash_function", "MD5");
    if name(&function) != function {
        return Err(given.wrong(format!("`{function}` is no function's name")));
    }
    let part = |field: &String| format!("COALESCE(CAST({field} AS TEXT), '_sqlmesh_surrogate_key_null_')");
    let parts: Vec<String> = fields(given)?.iter().map(part).collect();
    Ok(Argument::One(format!("{}(CONCAT({}))", function.to_uppercase(), parts.join(", '|', "))))
}

/// `@SAFE_ADD` and `@SAFE_SUB`.
pub(super) fn safe(given: Arguments, operator: &str) -> Result<Argument, Problem> {
    let fields = fields(given)?;
    let nulls: Vec<String> = fields.iter().map(|field| format!("{} IS NULL", operand(field))).collect();
    let sums: Vec<String> = fields.iter().map(|field| format!("COALESCE({field}, 0)")).collect();
    Ok(Argument::One(format!("CASE WHEN {} THEN NULL ELSE {} END", nulls.join(" AND "), sums.join(operator))))
}

/// `@HAVERSINE_DISTANCE(lat1, lon1, lat2, lon2, 'km')`.
pub(super) fn haversine(given: &Arguments) -> Result<Argument, Problem> {
    let [lat1, lon1, lat2, lon2] = ["lat1", "lon1", "lat2", "lon2"];
    let place = |place: usize, name: &str| given.needed(place, name).map(|it| it.sql());
    let (lat1, lon1, lat2, lon2) = (place(0, lat1)?, place(1, lon1)?, place(2, lat2)?, place(3, lon2)?);
    let rate = match given.word(4, "unit", "mi").as_str() {
        "mi" => "1.0",
        "km" => "1.60934",
        other => return Err(given.wrong(format!("the unit is 'mi' or 'km', not '{other}'"))),
    };
    let half = |from: &str, to: &str| format!("POWER(SIN(RADIANS(({} - {}) / 2)), 2)", operand(to), operand(from));
    Ok(Argument::One(format!(
        "7922 * ASIN(SQRT(({}) + (COS(RADIANS({lat1})) * COS(RADIANS({lat2})) * {}))) * {rate}",
        half(&lat1, &lat2),
        half(&lon1, &lon2),
    )))
}

/// `@PIVOT(column, values, …)`: an aggregate for each value.
pub(super) fn pivot(given: &Arguments) -> Result<Argument, Problem> {
    let column = given.needed(0, "column")?.sql();
    let values = given.needed(1, "values")?.clone().items();
    let with_alias = given.flag(2, "alias", true)?;
    let (aggregate, comparison) = (given.word(3, "agg", "SUM"), given.word(4, "cmp", "="));
    let (prefix, suffix) = (given.word(5, "prefix", ""), given.word(6, "suffix", ""));
    let part =
        |place: usize, name: &str, default: &str| given.get(place, &[name]).map_or(default.to_owned(), Argument::sql);
    let (then, otherwise) = (part(7, "then_value", "1"), part(8, "else_value", "0"));
    let quote = if given.flag(9, "quote", true)? { quoted } else { name };
    let distinct = if given.flag(10, "distinct", false)? { "DISTINCT " } else { "" };
    let projection = |value: &String| {
        let case = format!("CASE WHEN {column} {comparison} {value} THEN {then} ELSE {otherwise} END");
        let alias = if with_alias {
            format!(" AS {}", quote(&format!("{prefix}{}{suffix}", raw(value))))
        } else {
            String::new()
        };
        format!("{aggregate}({distinct}{case}){alias}")
    };
    Ok(Argument::Many(values.iter().map(projection).collect()))
}

/// `@DATE_SPINE('day', start, end)`.
pub(super) fn date_spine(given: &Arguments) -> Result<Argument, Problem> {
    let part = given.word(0, "datepart", "").to_lowercase();
    if !["day", "week", "month", "quarter", "year"].contains(&part.as_str()) {
        return Err(given.wrong(format!("the date part is 'day', 'week', 'month', 'quarter' or 'year', not '{part}'")));
    }
    let date = |place: usize, name: &str| -> Result<(String, Option<String>), Problem> {
        let sql = given.needed(place, name)?.sql();
        let Some(date) = string(&sql) else { return Ok((sql, None)) };
        if !is_date(&date) {
            return Err(given.wrong(format!("`{name}` is a date as YYYY-MM-DD, not '{date}'")));
        }
        Ok((format!("CAST({sql} AS DATE)"), Some(date)))
    };
    let (start, end) = (date(1, "start_date")?, date(2, "end_date")?);
    if let (Some(first), Some(last)) = (&start.1, &end.1)
        && first > last
    {
        return Err(given.wrong(format!("'{first}' is after '{last}'")));
    }
    Ok(Argument::One(format!(
        "SELECT date_{part} FROM UNNEST(CAST(GENERATE_SERIES({}, {}, INTERVAL '1' {}) AS DATE[])) AS _exploded(date_{part})",
        start.0,
        end.0,
        part.to_uppercase(),
    )))
}

/// Whether a text looks like `2024-01-31`.
fn is_date(text: &str) -> bool {
    text.len() == 10
        && text
            .bytes()
            .enumerate()
            .all(|(at, byte)| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() })
}
