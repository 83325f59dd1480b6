//! The arguments of a built-in audit: checked once, trusted after.

use super::super::diagnostic::{Problem, nearest};
use super::super::engine_kind::EngineKind;
use super::super::sql::{self, Lexeme, Token};
use super::catalog::{CONDITION, Parameter, Rule, Shape};
use super::{Argument, Call, problem, read};

/// Says of a row whether it is bad; no column of a model is called so.
const JUDGED: &str = "__vmesh_bad";

/// A built-in audit, ready to be rendered.
#[derive(Debug, Clone, PartialEq)]
pub struct Builtin {
    /// Whether a failure stops what comes after.
    pub blocking: bool,
    rule: &'static Rule,
    given: Vec<(&'static str, Checked)>,
}

/// One argument, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Checked {
    /// An expression, ready to stand among operators.
    Expression(String),
    /// Several expressions.
    List(Vec<String>),
    /// A switch.
    Boolean(bool),
    /// Another model.
    Model(Vec<String>),
}

/// What a rule makes its SQL from.
pub(super) struct Given<'a> {
    /// Whose SQL it is.
    pub(super) engine: EngineKind,
    /// The rows to look at: a quoted table, or a query in parentheses.
    pub(super) relation: &'a str,
    /// The SQL of other models.
    pub(super) table: &'a dyn Fn(&[String]) -> String,
    arguments: &'a [(&'static str, Checked)],
}

impl Builtin {
    /// The audit's name, without `_non_blocking`.
    pub fn name(&self) -> &'static str {
        self.rule.name
    }

    /// The other models that are read, by the parts of their names.
    pub fn reads(&self) -> Vec<&[String]> {
        let models = self.given.iter().filter_map(|(_, checked)| match checked {
            Checked::Model(model) => Some(model.as_slice()),
            Checked::Expression(_) | Checked::List(_) | Checked::Boolean(_) => None,
        });
        models.collect()
    }

    /// The query for the bad rows of `relation`: a quoted table, or a query in parentheses. `table` gives the same for
    /// every model of [`Self::reads`].
    pub fn bad_rows(&self, engine: EngineKind, relation: &str, table: &dyn Fn(&[String]) -> String) -> String {
        (self.rule.sql)(&Given { engine, relation, table, arguments: &self.given })
    }

    /// Fits the arguments of a call to the parameters of a rule.
    pub(super) fn check(rule: &'static Rule, blocking: bool, call: &Call) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut given = Vec::new();
        for argument in &call.arguments {
            let known = rule.parameters.iter().chain([&CONDITION]).find(|parameter| parameter.name == argument.name);
            match known.ok_or_else(|| unknown(rule, argument)).and_then(|known| checked(known, argument)) {
                Ok(Some(checked)) => given.push(checked),
                Ok(None) => {}
                Err(problem) => problems.push(problem),
            }
        }
        for parameter in rule.parameters.iter().filter(|parameter| parameter.required) {
            if !call.arguments.iter().any(|argument| argument.name == parameter.name) {
                let what = format!("`{}` needs `{}`", rule.name, parameter.name);
                problems.push(problem(what, call.span.clone(), Some(usage(rule))));
            }
        }
        let builtin = Self { blocking: call.blocking.unwrap_or(blocking), rule, given };
        if problems.is_empty() {
            problems.extend(builtin.together(call));
        }
        if problems.is_empty() { Ok(builtin) } else { Err(problems) }
    }

    /// What no argument can tell alone.
    fn together(&self, call: &Call) -> Option<Problem> {
        let view =
            Given { engine: EngineKind::default(), relation: "", table: &|_| String::new(), arguments: &self.given };
        let has = |name: &str| self.rule.parameters.iter().any(|parameter| parameter.name == name);
        if has("min_v") && view.optional("min_v").is_none() && view.optional("max_v").is_none() {
            let what = format!("`{}` needs `min_v` or `max_v`", self.rule.name);
            return Some(problem(what, call.span.clone(), Some(usage(self.rule))));
        }
        let to = call.arguments.iter().find(|argument| argument.name == "to");
        let (columns, others) = (view.list("columns"), view.list("to"));
        match to {
            Some(to) if columns.len() != others.len() => {
                let what = format!("{} columns refer to {}", columns.len(), others.len());
                Some(problem(what, to.value_span.clone(), Some("give as many in `to` as in `columns`".to_owned())))
            }
            _ => None,
        }
    }
}

impl Given<'_> {
    fn get(&self, name: &str) -> Option<&Checked> {
        self.arguments.iter().find(|(key, _)| *key == name).map(|(_, checked)| checked)
    }

    /// An expression that was required.
    pub(super) fn one(&self, name: &str) -> &str {
        self.optional(name).unwrap_or("NULL")
    }

    /// An expression that may be missing.
    pub(super) fn optional(&self, name: &str) -> Option<&str> {
        match self.get(name) {
            Some(Checked::Expression(text)) => Some(text),
            _ => None,
        }
    }

    /// Several expressions; none when the argument is missing.
    pub(super) fn list(&self, name: &str) -> &[String] {
        match self.get(name) {
            Some(Checked::List(list)) => list,
            _ => &[],
        }
    }

    /// A switch that is on unless it was put off.
    pub(super) fn is_on(&self, name: &str) -> bool {
        !matches!(self.get(name), Some(Checked::Boolean(false)))
    }

    /// The SQL of another model.
    pub(super) fn other(&self, name: &str) -> String {
        match self.get(name) {
            Some(Checked::Model(model)) => (self.table)(model),
            _ => "NULL".to_owned(),
        }
    }

    /// ` WHERE …` of the condition and what else must hold; empty when there is neither.
    pub(super) fn filter(&self, holds: Option<String>) -> String {
        let condition = self.optional(CONDITION.name).map(str::to_owned);
        let parts: Vec<String> = holds.into_iter().chain(condition).map(|part| format!("({part})")).collect();
        if parts.is_empty() { String::new() } else { format!(" WHERE {}", parts.join(" AND ")) }
    }

    /// The rows for which a condition with window functions holds. Without QUALIFY, a column says which these are.
    pub(super) fn qualify(&self, items: &str, bad: &str) -> String {
        let (relation, filter) = (self.relation, self.filter(None));
        match self.engine {
            EngineKind::DuckDb => format!("SELECT {items} FROM {relation}{filter} QUALIFY {bad}"),
            EngineKind::Postgres | EngineKind::Spark => {
                let judged = format!("SELECT {items}, ({bad}) AS {JUDGED} FROM {relation}{filter}");
                format!("SELECT * FROM ({judged}) AS judged WHERE {JUDGED}")
            }
        }
    }

    /// Whether a text matches a regular expression anywhere.
    pub(super) fn matches(&self, text: &str, pattern: &str) -> String {
        match self.engine {
            EngineKind::DuckDb => format!("regexp_matches({text}, {pattern})"),
            EngineKind::Postgres => format!("({text} ~ {pattern})"),
            EngineKind::Spark => format!("({text} RLIKE {pattern})"),
        }
    }
}

/// An argument by the shape that its parameter asks for; `None` for a NULL, which is as good as none.
fn checked(parameter: &'static Parameter, argument: &Argument) -> Result<Option<(&'static str, Checked)>, Problem> {
    let lexemes =
        sql::lex(&argument.text).map_err(|error| problem(error.message, argument.value_span.clone(), None))?;
    let wrong = |what: &str, help: Option<&str>| {
        let what = format!("`{}` is {what}", parameter.name);
        problem(what, argument.value_span.clone(), help.map(str::to_owned))
    };
    let is_null = matches!(lexemes.as_slice(), [only] if only.is_keyword("null"));
    let checked = match parameter.shape {
        Shape::Expression if is_null && parameter.required => return Err(wrong("a value, not NULL", None)),
        Shape::Expression | Shape::Clause if is_null => return Ok(None),
        Shape::Expression => Checked::Expression(operand(&argument.text, &lexemes)),
        Shape::Clause => Checked::Expression(argument.text.clone()),
        Shape::List => {
            let elements = read::elements(&lexemes);
            let text = |element: &&[Lexeme]| Some(operand(argument.text.get(read::place(element)?)?, element));
            let list: Vec<String> = elements.iter().filter_map(text).collect();
            if list.is_empty() {
                return Err(wrong("a list that is not empty", Some("for example: (a, b)")));
            }
            Checked::List(list)
        }
        Shape::Boolean => Checked::Boolean(read::boolean(&lexemes).ok_or_else(|| wrong("true or false", None))?),
        Shape::Model => {
            let model = read::dotted(&lexemes).filter(|parts| parts.len() <= 3);
            let model = model.map(|parts| parts.into_iter().map(str::to_owned).collect());
            Checked::Model(model.ok_or_else(|| wrong("a model's name: `name` or `schema.name`", None))?)
        }
    };
    Ok(Some((parameter.name, checked)))
}

/// An expression that can stand among operators: a column, a literal and a call need no parentheses for that.
fn operand(text: &str, lexemes: &[Lexeme]) -> String {
    let literal = matches!(lexemes, [Lexeme { token: Token::Number(_) | Token::String(_), .. }]);
    if literal || read::dotted(lexemes).is_some() { text.to_owned() } else { format!("({text})") }
}

fn unknown(rule: &Rule, argument: &Argument) -> Problem {
    let names = rule.parameters.iter().map(|parameter| parameter.name).chain([CONDITION.name, "blocking"]);
    let help = match nearest(&argument.name, names) {
        Some(near) => format!("did you mean `{near}`?"),
        None => usage(rule),
    };
    problem(format!("`{}` has no argument `{}`", rule.name, argument.name), argument.span.clone(), Some(help))
}

/// How a rule is called, with what must be given.
fn usage(rule: &Rule) -> String {
    let shown = |parameter: &Parameter| {
        let value = match parameter.shape {
            Shape::List => "(…)",
            Shape::Boolean => "true",
            Shape::Model => "schema.model",
            Shape::Expression | Shape::Clause => "…",
        };
        let text = format!("{} := {value}", parameter.name);
        if parameter.required { text } else { format!("[{text}]") }
    };
    let shown: Vec<String> = rule.parameters.iter().map(shown).collect();
    format!("usage: {}({})", rule.name, shown.join(", "))
}
