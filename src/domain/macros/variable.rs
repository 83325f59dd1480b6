//! Variables: what they are worth, and what is said where there is none.

use super::super::diagnostic::{Problem, nearest};
use super::super::sql::Span;
use super::expander::{Context, Expander};
use super::place::Argument;
use super::scan::{Part, template};
use super::{Local, Value, text};

impl Expander<'_> {
    /// Text with its variables put in. Unknown ones stay as they are; with a place to point at, those in braces may not.
    pub(super) fn interpolate(
        &mut self,
        text: &str,
        context: Context<'_>,
        strict: Option<&Span>,
    ) -> Result<String, Problem> {
        let mut out = String::new();
        for part in template(text) {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Variable(name, braced) => match (self.variable(name, context), strict) {
                    (Some(value), _) => out.push_str(&text::raw(&value.sql())),
                    (None, Some(span)) if braced => return Err(self.undefined(name, span)),
                    (None, _) if braced => out.push_str(&format!("@{{{name}}}")),
                    (None, _) => out.push_str(&format!("@{name}")),
                },
            }
        }
        Ok(out)
    }

    /// The value of a variable, noted as used.
    pub(super) fn variable(&mut self, name: &str, context: Context<'_>) -> Option<Argument> {
        let name = name.to_lowercase();
        if let Some(value) = context.parameter(&name) {
            return Some(value.clone());
        }
        if let Some(Local::Value(value)) = self.locals.get(&name) {
            return Some(Argument::One(value.clone()));
        }
        let scope = self.scope;
        let named = scope.named.get(&name).map(Value::sql).or_else(|| (scope.time)(&name));
        let value = named.or_else(|| scope.blueprint.get(&name).or_else(|| scope.config.get(&name)).map(Value::sql))?;
        self.variables_used.insert(name);
        Some(Argument::One(value))
    }

    /// Notes a variable as used that was looked up elsewhere.
    pub(super) fn used(&mut self, name: &str) {
        self.variables_used.insert(name.to_lowercase());
    }

    /// The problem of a variable that there isn't.
    pub(super) fn undefined(&self, name: &str, span: &Span) -> Problem {
        let scope = self.scope;
        let known = self.locals.keys().map(String::as_str);
        let known = known
            .chain(scope.named.iter().chain(scope.blueprint.iter()).chain(scope.config.iter()).map(|(name, _)| name));
        let help = if self.is_macro(name) {
            Some(format!("`@{name}` is a macro: call it with parentheses"))
        } else {
            nearest(
                name,
                known.chain([
                    "start_ds",
                    "end_ds",
                    "start_dt",
                    "end_dt",
                    "start_date",
                    "end_date",
                    "start_ts",
                    "end_ts",
                ]),
            )
            .map(|near| format!("did you mean `@{near}`?"))
        };
        let help = help.or_else(|| Some(format!("define it in the project's variables, or by `@DEF({name}, …);`")));
        Problem { what: format!("undefined variable `@{name}`"), span: span.clone(), help }
    }
}
