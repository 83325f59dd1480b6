//! When a model is filled, and how far back: `start`, `end`, `cron`, `interval_unit`, `allow_partials`.

use serde::{Deserialize, Serialize};

use super::super::diagnostic::Problem;
use super::super::interval::{Cron, Moment, Unit};
use super::header::Property;

/// When a model is filled. Times are as written: some are told from now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Schedule {
    /// The first moment of its rows.
    pub start: Option<String>,
    /// The start where neither the model nor its parents say one.
    pub default_start: Option<String>,
    /// The last one; a date means all of that day.
    pub end: Option<String>,
    /// When it is due.
    pub cron: Option<String>,
    /// The time zone of that.
    pub cron_tz: Option<String>,
    /// The grid of its intervals.
    pub unit: Option<Unit>,
    /// Whether a unit that is not over may be filled.
    pub allow_partials: bool,
}

impl Schedule {
    /// Takes a property of the header, if it is one of these.
    pub(super) fn read(&mut self, property: &Property<'_>) -> Result<bool, Problem> {
        let value = &property.value;
        let text = || value.text().map_or_else(|| value.canonical().replace(' ', ""), str::to_owned);
        let wrong = |error: &dyn std::fmt::Display| Problem::new(error.to_string(), value.span());
        match property.key.as_str() {
            "start" => {
                Moment::read(&text(), Moment::EPOCH).map_err(|error| wrong(&error))?;
                self.start = Some(text());
            }
            "end" => {
                Moment::read_end(&text(), Moment::EPOCH).map_err(|error| wrong(&error))?;
                self.end = Some(text());
            }
            "cron" => {
                Cron::parse(&text(), None).map_err(|error| wrong(&error))?;
                self.cron = Some(text());
            }
            "cron_tz" => {
                Cron::parse("@daily", Some(&text())).map_err(|error| wrong(&error))?;
                self.cron_tz = Some(text());
            }
            "interval_unit" => {
                let units: Vec<&str> = Unit::ALL.iter().map(|unit| unit.word()).collect();
                let help = format!("units are {}", units.join(", "));
                let unknown = || Problem::new("this is no unit of time", value.span()).help(help);
                self.unit = Some(Unit::from_word(&text()).ok_or_else(unknown)?);
            }
            "allow_partials" => {
                let wrong = || Problem::new("`allow_partials` is true or false", value.span());
                self.allow_partials = value.boolean().ok_or_else(wrong)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}
