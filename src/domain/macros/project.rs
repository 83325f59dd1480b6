//! Macros that users write: the project's, and those of `@DEF`.

use std::collections::BTreeMap;

use super::super::diagnostic::{Problem, nearest};
use super::super::sql::{Span, Token};
use super::call::BUILT_IN;
use super::expander::{Context, Expander, Frame};
use super::place::Argument;
use super::scan::{RawArgument, Source, problem};
use super::{Body, Local, Macro, Parameter, text};

impl Expander<'_> {
    /// A macro of the project.
    pub(super) fn project(
        &mut self,
        name: &str,
        source: Source<'_>,
        raw: &[RawArgument],
        span: &Span,
        context: Context<'_>,
    ) -> Result<Argument, Problem> {
        let scope = self.scope;
        if let (None, Some(python)) = (scope.macros.get(name), scope.macros.python(name)) {
            return self.python(python, source, raw, span, context);
        }
        let Some(known @ Macro { name, body: Body::Sql { parameters, text, .. }, .. }) = scope.macros.get(name) else {
            return Err(self.unknown(name, span));
        };
        let shape = || {
            let names: Vec<_> = parameters.iter().map(|parameter| parameter.name.as_str()).collect();
            format!("it is `{name}({})`", names.join(", "))
        };
        let wrong = |what: String| Problem { what, span: span.clone(), help: Some(shape()) };
        let mut values = BTreeMap::new();
        for (index, argument) in raw.iter().enumerate() {
            let parameter = match &argument.name {
                Some(named) => parameters.iter().find(|parameter| parameter.name == *named),
                None => parameters.get(index),
            };
            let Some(parameter) = parameter else {
                return Err(wrong(match &argument.name {
                    Some(named) => format!("`@{name}` has no parameter `{named}`"),
                    None => format!("`@{name}` takes {} arguments, not {}", parameters.len(), raw.len()),
                }));
            };
            let value = self.argument(source, &argument.lexemes, context)?;
            if values.insert(parameter.name.clone(), value).is_some() {
                return Err(wrong(format!("`{}` is given twice", parameter.name)));
            }
        }
        self.macros_used.insert(name.to_lowercase());
        let what = format!("the macro `{name}`");
        for parameter in parameters.iter().filter(|parameter| !raw_has(raw, parameters, &parameter.name)) {
            let Some(default) = &parameter.default else {
                return Err(wrong(format!("`@{name}` needs a value for `{}`", parameter.name)));
            };
            let value = self.other(default, context.with(None), &what, span)?;
            values.insert(parameter.name.clone(), value);
        }
        let frame = Frame { values, parent: None };
        let named = |at: usize| format!("{what} ({})", known.place(at));
        self.other_named(text, context.with(Some(&frame)), &named, span)
    }

    /// A function by `@DEF`.
    #[allow(clippy::too_many_arguments, reason = "a call has this many parts")]
    pub(super) fn local(
        &mut self,
        name: &str,
        parameters: Vec<String>,
        body: &str,
        source: Source<'_>,
        raw: &[RawArgument],
        span: &Span,
        context: Context<'_>,
    ) -> Result<Argument, Problem> {
        let mut items = self.flat(source, raw, context)?;
        if let [only] = &items[..]
            && parameters.len() > 1
            && let Some(elements) = text::elements(only)
        {
            items = elements;
        }
        if items.len() != parameters.len() {
            let what = format!("`@{name}` takes {} arguments, not {}", parameters.len(), items.len());
            return Err(problem(what, span.clone()));
        }
        let values = parameters.into_iter().zip(items.into_iter().map(Argument::One)).collect();
        let frame = Frame { values, parent: None };
        self.other(body, Context::lambda(&frame), &format!("`@{name}`"), span)
    }

    /// `@DEF(name, value)`.
    pub(super) fn define(
        &mut self,
        source: Source<'_>,
        raw: &[RawArgument],
        end: usize,
        span: &Span,
        context: Context<'_>,
    ) -> Result<Argument, Problem> {
        let name = raw
            .first()
            .filter(|first| first.lexemes.len() == 1)
            .and_then(|first| source.lexemes.get(first.lexemes.start));
        let (Some(Token::Word { text: name, .. } | Token::String(name)), Some(value)) =
            (name.map(|name| &name.token), raw.get(1))
        else {
            return Err(problem("expected `@DEF(name, value)`", span.clone()));
        };
        let value = value.lexemes.start..end;
        let local = match source.lambda(&value) {
            Some((parameters, body)) => Local::Lambda { parameters, body: source.of(&body).to_owned() },
            None => Local::Value(match self.argument(source, &value, context)? {
                Argument::One(one) => one,
                Argument::Many(items) => format!("[{}]", items.join(", ")),
            }),
        };
        self.locals.insert(name.to_lowercase(), local.clone());
        self.defined.insert(name.to_lowercase(), local);
        Ok(Argument::Many(Vec::new()))
    }

    /// The problem of a macro that there isn't.
    fn unknown(&self, name: &str, span: &Span) -> Problem {
        let place = span.start..span.start + 1 + name.len();
        let lambdas =
            self.locals.iter().filter(|local| matches!(local.1, Local::Lambda { .. })).map(|local| local.0.as_str());
        let project =
            self.scope.macros.iter().filter(|it| matches!(it.body, Body::Sql { .. })).map(|it| it.name.as_str());
        let python = self.scope.macros.in_python().map(|python| python.name.as_str());
        let write = format!("write `MACRO {name}(a, b) AS …;` in macros/{name}.sql");
        let help = match nearest(name, BUILT_IN.iter().copied().chain(lambdas).chain(project).chain(python)) {
            Some(near) => format!("did you mean `@{near}`? If not, {write}"),
            None => write,
        };
        Problem { what: format!("unknown macro `@{name}`"), span: place, help: Some(help) }
    }
}

/// Whether an argument was given for a parameter.
fn raw_has(raw: &[RawArgument], parameters: &[Parameter], name: &str) -> bool {
    raw.iter().enumerate().any(|(index, argument)| match &argument.name {
        Some(named) => named == name,
        None => parameters.get(index).is_some_and(|parameter| parameter.name == name),
    })
}
