//! The time variables of a query: `@start_ds`, `@end_ts`, `@execution_date` and their like, as SQL.

use super::Interval;
use super::moment::Moment;

/// The times that a query is run for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// What is loaded.
    pub interval: Interval,
    /// When the run began.
    pub execution: Moment,
}

impl Times {
    /// The times of a query that is only looked at and not run: the first day of 1970.
    pub const LOADING: Self = Self {
        interval: Interval { start: Moment::EPOCH, end: Moment::from_micros(86_400_000_000) },
        execution: Moment::EPOCH,
    };
}

/// The SQL text of a time variable, without its `@` and in any case; `None` if there is no such variable.
///
/// The end is given as the last microsecond in the interval, so that `BETWEEN` is right. `latest_` is an old word for
/// `execution_`.
pub fn variable(name: &str, times: &Times) -> Option<String> {
    let name = name.to_ascii_lowercase();
    let (prefix, suffix) = name.split_once('_')?;
    let moment = match prefix {
        "start" => times.interval.start,
        "end" => Moment::from_micros(times.interval.end.micros() - 1),
        "execution" | "latest" => times.execution,
        _ => return None,
    };
    let clock = moment.civil();
    let date = clock.date();
    // Half seconds before 1970 belong to the millisecond that began before them, as those after 1970 do.
    let millis = moment.micros().div_euclid(1000);
    Some(match suffix {
        "dt" => format!("CAST('{}+00:00' AS TIMESTAMPTZ)", naive(moment)),
        "dtntz" => format!("CAST('{}' AS TIMESTAMP)", naive(moment)),
        "date" => format!("CAST('{date}' AS DATE)"),
        "ds" => format!("'{date}'"),
        "ts" => format!("'{}'", naive(moment)),
        "tstz" => format!("'{}+00:00'", naive(moment)),
        "hour" => clock.hour().to_string(),
        "epoch" => number(format!("{:?}", millis as f64 / 1000.0)),
        "millis" => number(millis.to_string()),
        _ => return None,
    })
}

/// `YYYY-MM-DD HH:MM:SS`, and microseconds if there are any.
fn naive(moment: Moment) -> String {
    let time = moment.civil();
    let micros = moment.micros().rem_euclid(1_000_000);
    let fraction = if micros == 0 { String::new() } else { format!(".{micros:06}") };
    format!("{} {:02}:{:02}:{:02}{fraction}", time.date(), time.hour(), time.minute(), time.second())
}

/// A negative number goes in brackets: `x -@start_epoch` must not become `x --1.0`, a comment.
fn number(digits: String) -> String {
    if digits.starts_with('-') { format!("({digits})") } else { digits }
}
