//! Calls: who answers to which name, and the macros that steer (`@EACH`, `@IF`, …).

use std::ops::Range;

use super::super::diagnostic::Problem;
use super::super::sql::Span;
use super::super::sql::constant::{self, Constant};
use super::clause::CLAUSES;
use super::expander::{Context, Expander, Frame};
use super::place::Argument;
use super::scan::{RawArgument, Source, problem};
use super::{Body, Local, MARK, Value, text};

/// The names of all built-in macros.
pub(super) const BUILT_IN: &[&str] = &[
    "and",
    "blueprint_var",
    "date_spine",
    "deduplicate",
    "def",
    "each",
    "eval",
    "filter",
    "generate_surrogate_key",
    "group_by",
    "having",
    "haversine_distance",
    "if",
    "insert_seed",
    "join",
    "limit",
    "metric",
    "or",
    "order_by",
    "pivot",
    "reduce",
    "resolve_template",
    "safe_add",
    "safe_div",
    "safe_sub",
    "sql",
    "star",
    "union",
    "var",
    "where",
    "with",
];

/// A lambda and where it was written.
struct Lambda<'t> {
    source: Source<'t>,
    parameters: Vec<String>,
    body: Range<usize>,
}

impl Expander<'_> {
    /// Whether a call of this name would find its macro.
    pub(super) fn is_macro(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        BUILT_IN.contains(&name.as_str())
            || matches!(self.locals.get(&name), Some(Local::Lambda { .. }))
            || self.scope.macros.get(&name).is_some_and(|it| matches!(it.body, Body::Sql { .. }))
            || self.scope.macros.python(&name).is_some()
    }

    /// What a call comes to; `inside` is between its parentheses.
    pub(super) fn call(
        &mut self,
        name: &str,
        source: Source<'_>,
        inside: Range<usize>,
        span: &Span,
        context: Context<'_>,
    ) -> Result<Argument, Problem> {
        let lower = name.to_lowercase();
        let raw = source.arguments(&inside);
        if let Some(Local::Lambda { parameters, body }) = self.locals.get(&lower).cloned() {
            return self.local(&lower, parameters, &body, source, &raw, span, context);
        }
        match lower.as_str() {
            "def" => self.define(source, &raw, inside.end, span, context),
            "each" => {
                let (lambda, items) = self.lambda_call(name, source, &raw, span, context)?;
                let mut given = Vec::new();
                for item in items {
                    match self.apply(&lambda, item, context)? {
                        Argument::One(one) => given.push(one),
                        Argument::Many(several) => given.extend(several),
                    }
                }
                Ok(Argument::Many(given))
            }
            "reduce" => {
                let (lambda, items) = self.lambda_call(name, source, &raw, span, context)?;
                let mut items = items.into_iter();
                let mut folded = items.next().ok_or_else(|| problem("@REDUCE of an empty list", span.clone()))?;
                for item in items {
                    folded = self.apply_to(&lambda, vec![folded, item], context)?.sql();
                }
                Ok(Argument::One(folded))
            }
            "filter" => {
                let (lambda, items) = self.lambda_call(name, source, &raw, span, context)?;
                let mut kept = Vec::new();
                for item in items {
                    let condition = self.apply(&lambda, item.clone(), context)?.sql();
                    if self.constant(&condition, span)?.holds() {
                        kept.push(item);
                    }
                }
                Ok(Argument::Many(kept))
            }
            "if" => self.choose(source, &raw, inside, span, context),
            "eval" => {
                let [argument] = self.exactly(name, source, &raw, span, context)?;
                Ok(match self.constant(&argument.sql(), span)? {
                    Constant::Null => Argument::Many(Vec::new()),
                    value => Argument::One(value.sql()),
                })
            }
            "sql" => self.parsed(source, &raw, span, context),
            "and" | "or" => {
                let mut parts = self.flat(source, &raw, context)?;
                parts.retain(|part| !part.eq_ignore_ascii_case("null"));
                if parts.len() > 1 {
                    parts = parts.iter().map(|part| text::condition(part)).collect();
                }
                let joined = parts.join(if lower == "and" { " AND " } else { " OR " });
                Ok(Argument::One(if joined.is_empty() { "TRUE".to_owned() } else { joined }))
            }
            "var" | "blueprint_var" => self.named_variable(&lower, source, &raw, span, context),
            "insert_seed" | "metric" => Err(problem(format!("`@{name}` is not supported"), span.clone())),
            clause if CLAUSES.iter().any(|(known, _)| *known == clause) => Err(problem(
                format!("`@{name}` stands in place of a keyword of a query, not inside an expression"),
                span.clone(),
            )),
            _ if BUILT_IN.contains(&lower.as_str()) => self.generate(&lower, source, &raw, span, context),
            _ => self.project(name, source, &raw, span, context),
        }
    }

    /// `@IF(condition, then, else)`. What isn't chosen isn't looked at.
    fn choose(
        &mut self,
        source: Source<'_>,
        raw: &[RawArgument],
        inside: Range<usize>,
        span: &Span,
        context: Context<'_>,
    ) -> Result<Argument, Problem> {
        let [condition, rest @ ..] = raw else {
            return Err(problem("expected `@IF(condition, value)`", span.clone()));
        };
        let Some(first) = rest.first() else {
            return Err(problem("`@IF` has a condition and no value", span.clone()));
        };
        let mut branches: Vec<Range<usize>> = rest.iter().map(|it| it.lexemes.clone()).collect();
        // The commas of a statement or a query are its own.
        let end = if source.is(inside.end - 1, ",") { inside.end - 1 } else { inside.end };
        let starts = |at: usize, words: &[&str]| words.iter().any(|word| source.word(at, word));
        let start = first.lexemes.start;
        if starts(start, STATEMENTS) {
            branches.truncate(1);
            branches.fill(start..end);
        } else if starts(start, QUERIES) {
            let other = rest.iter().skip(1).map(|it| it.lexemes.start).find(|at| starts(*at, QUERIES));
            branches.clear();
            branches.push(start..other.map_or(end, |other| other - 1));
            branches.extend(other.map(|other| other..end));
        }
        if branches.len() > 2 {
            return Err(problem("`@IF` takes a condition and at most two values", span.clone()));
        }
        let condition = self.argument(source, &condition.lexemes, context)?;
        let holds = self.constant(&condition.sql(), span)?.holds();
        match branches.get(usize::from(!holds)) {
            Some(branch) => self.argument(source, branch, context),
            None => Ok(Argument::Many(Vec::new())),
        }
    }

    /// `@SQL('…')`: the string as SQL.
    fn parsed(
        &mut self,
        source: Source<'_>,
        raw: &[RawArgument],
        span: &Span,
        context: Context<'_>,
    ) -> Result<Argument, Problem> {
        let Some(first) = raw.first() else { return Err(problem("expected `@SQL('…')`", span.clone())) };
        let given = self.argument(source, &first.lexemes, context)?.sql();
        match text::string(&given) {
            Some(content) => {
                let content = self.interpolate(&content, context, None)?;
                self.other(&content, context, "`@SQL`", span)
            }
            None => Ok(Argument::One(constant::evaluate(&given).map_or(given, |value| value.sql()))),
        }
    }

    /// `@VAR('name', default)`.
    fn named_variable(
        &mut self,
        lower: &str,
        source: Source<'_>,
        raw: &[RawArgument],
        span: &Span,
        context: Context<'_>,
    ) -> Result<Argument, Problem> {
        let Some(first) = raw.first() else { return Err(problem("expected the name of a variable", span.clone())) };
        let name = self.argument(source, &first.lexemes, context)?.sql();
        let Some(name) = text::string(&name) else {
            return Err(problem(
                format!("the name of a variable is a string: `@{}('{name}')`", lower.to_uppercase()),
                span.clone(),
            ));
        };
        self.used(&name);
        let scope = self.scope;
        let value = match lower {
            "var" => scope.config.get(&name).or_else(|| scope.named.get(&name)),
            _ => scope.blueprint.get(&name),
        };
        match (value, raw.get(1)) {
            (Some(value), _) => Ok(Argument::One(value.sql())),
            (None, Some(default)) => self.argument(source, &default.lexemes, context),
            (None, None) => Ok(Argument::One(Value::Null.sql())),
        }
    }

    /// The lambda at the end of a call, and the items that it is for.
    fn lambda_call<'t>(
        &mut self,
        name: &str,
        source: Source<'t>,
        raw: &[RawArgument],
        span: &Span,
        context: Context<'_>,
    ) -> Result<(Lambda<'t>, Vec<String>), Problem> {
        let Some((last, items)) = raw.split_last() else {
            return Err(problem(format!("expected `@{name}(list, x -> …)`"), span.clone()));
        };
        let Some((parameters, body)) = source.lambda(&last.lexemes) else {
            let what = format!("the last argument of `@{name}` is a function: `x -> …`");
            return Err(problem(what, source.span(&last.lexemes)));
        };
        let items = match items {
            [only] => self.argument(source, &only.lexemes, context)?.items(),
            several => self.flat(source, several, context)?,
        };
        Ok((Lambda { source, parameters, body }, items))
    }

    /// The lambda of one item; as in SQLMesh, a tuple is taken apart.
    fn apply(&mut self, lambda: &Lambda<'_>, item: String, context: Context<'_>) -> Result<Argument, Problem> {
        let tuple =
            if item.starts_with('(') { text::elements(&item).filter(|elements| elements.len() > 1) } else { None };
        self.apply_to(lambda, tuple.unwrap_or_else(|| vec![item]), context)
    }

    fn apply_to(
        &mut self,
        lambda: &Lambda<'_>,
        values: Vec<String>,
        context: Context<'_>,
    ) -> Result<Argument, Problem> {
        let values = lambda.parameters.iter().cloned().zip(values.into_iter().map(Argument::One)).collect();
        let frame = Frame { values, parent: context.frame };
        self.argument(lambda.source, &lambda.body, Context::lambda(&frame))
    }

    /// All arguments, lists of macros laid flat.
    pub(super) fn flat(
        &mut self,
        source: Source<'_>,
        raw: &[RawArgument],
        context: Context<'_>,
    ) -> Result<Vec<String>, Problem> {
        let mut all = Vec::new();
        for argument in raw {
            match self.argument(source, &argument.lexemes, context)? {
                Argument::One(one) => all.push(one),
                Argument::Many(several) => all.extend(several),
            }
        }
        Ok(all)
    }

    fn exactly<const N: usize>(
        &mut self,
        name: &str,
        source: Source<'_>,
        raw: &[RawArgument],
        span: &Span,
        context: Context<'_>,
    ) -> Result<[Argument; N], Problem> {
        let read = raw.iter().map(|argument| self.argument(source, &argument.lexemes, context));
        let all = read.collect::<Result<Vec<_>, _>>()?;
        let count = all.len();
        all.try_into().map_err(|_| problem(format!("`@{name}` takes {N} arguments, not {count}"), span.clone()))
    }

    /// The value of a condition or a sum.
    pub(super) fn constant(&mut self, text: &str, span: &Span) -> Result<Constant, Problem> {
        self.spend(text.len(), span)?;
        undecided(text, span)?;
        constant::evaluate(text).map_err(|error| Problem {
            help: Some(
                "it is worked out before the query runs: only constants, variables and a few functions count"
                    .to_owned(),
            ),
            ..problem(error.message, span.clone())
        })
    }
}

/// An error where a decision hangs on a variable that is not known yet.
pub(super) fn undecided(text: &str, span: &Span) -> Result<(), Problem> {
    let is_open = text.contains(MARK);
    if is_open { Err(problem("this is decided when the model is run", span.clone())) } else { Ok(()) }
}

/// Words that a statement other than a query begins with.
const STATEMENTS: &[&str] = &[
    "alter",
    "analyze",
    "attach",
    "call",
    "checkpoint",
    "comment",
    "copy",
    "create",
    "delete",
    "detach",
    "drop",
    "export",
    "grant",
    "import",
    "insert",
    "install",
    "load",
    "merge",
    "pragma",
    "reset",
    "revoke",
    "set",
    "truncate",
    "update",
    "use",
    "vacuum",
];

/// Words that a query begins with.
const QUERIES: &[&str] = &["from", "select", "values", "with"];
