//! `[linter]` in the settings: which rules count, and how much.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use toml::{Spanned, Value};

use super::super::diagnostic::{Diagnostic, Excerpt};
use super::super::model::Rule;
use super::super::sql::Span;

/// What a violated rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Level {
    /// It stops plans.
    Error,
    /// It is told.
    Warning,
}

/// The rules of a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Linter {
    levels: BTreeMap<Rule, Level>,
    /// Whether a violated rule stops plans: only where the project has chosen its rules.
    pub stops_plans: bool,
}

/// The table, as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinterTable {
    rules: Option<Spanned<Value>>,
    warn_rules: Option<Spanned<Value>>,
    ignored_rules: Option<Spanned<Value>>,
}

impl Default for Linter {
    /// Without settings.
    fn default() -> Self {
        Self { levels: Rule::DEFAULT.map(|rule| (rule, Level::Error)).into(), stops_plans: false }
    }
}

impl Linter {
    /// The rules of a project that has chosen them. What only warns doesn't stop, and what is ignored does neither.
    pub fn chosen(errors: &[Rule], warnings: &[Rule], ignored: &[Rule]) -> Self {
        let mut levels: BTreeMap<Rule, Level> = errors.iter().map(|rule| (*rule, Level::Error)).collect();
        levels.extend(warnings.iter().map(|rule| (*rule, Level::Warning)));
        levels.retain(|rule, _| !ignored.contains(rule));
        Self { levels, stops_plans: true }
    }

    /// The rules that count, with their level.
    pub fn rules(&self) -> impl Iterator<Item = (Rule, Level)> {
        self.levels.iter().map(|(rule, level)| (*rule, *level))
    }

    /// Reads the table; `excerpt` makes a place in the settings file from a span.
    pub fn read(table: Option<LinterTable>, excerpt: &dyn Fn(Span) -> Excerpt) -> Result<Self, Diagnostic> {
        let Some(LinterTable { rules, warn_rules, ignored_rules }) = table else { return Ok(Self::default()) };
        let names_none = rules.is_none() && warn_rules.is_none();
        let read = |setting: Option<Spanned<Value>>| setting.map_or(Ok(Vec::new()), |setting| read(&setting, excerpt));
        let errors = if names_none { Rule::DEFAULT.to_vec() } else { read(rules)? };
        Ok(Self::chosen(&errors, &read(warn_rules)?, &read(ignored_rules)?))
    }
}

/// `"ALL"`, or a list of names.
fn read(setting: &Spanned<Value>, excerpt: &dyn Fn(Span) -> Excerpt) -> Result<Vec<Rule>, Diagnostic> {
    let wrong = || {
        Diagnostic::new("expected \"ALL\" or a list of rules")
            .at(excerpt(setting.span()))
            .help(format!("[\"{}\"]", Rule::DEFAULT.map(Rule::name).join("\", \"")))
    };
    match setting.get_ref() {
        Value::String(all) if all.eq_ignore_ascii_case("all") => Ok(Rule::ALL.to_vec()),
        Value::Array(names) => {
            let rule = |name: &Value| {
                let name = name.as_str().ok_or_else(wrong)?;
                Rule::named(name).ok_or_else(|| {
                    let place = of_name(&excerpt(setting.span()), name);
                    Diagnostic::new(format!("no rule is called `{name}`")).at(place).help(Rule::suggestion(name))
                })
            };
            names.iter().map(rule).collect()
        }
        _ => Err(wrong()),
    }
}

/// The place of one name in a list.
fn of_name(list: &Excerpt, name: &str) -> Excerpt {
    let within = list.text.get(list.span.clone()).unwrap_or_default();
    let quoted = [format!("\"{name}\""), format!("'{name}'")];
    let found = quoted.iter().find_map(|quoted| Some((within.find(quoted.as_str())?, quoted.len())));
    match found {
        Some((at, length)) => Excerpt { span: list.span.start + at..list.span.start + at + length, ..list.clone() },
        None => list.clone(),
    }
}
