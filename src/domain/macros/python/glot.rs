//! The part of sqlglot's `exp` that macros build SQL with, as the text that sqlglot would write. What it would write in
//! another way than it is given is not known here.

use ruff_python_ast::Operator;

use super::super::super::sql::Token;
use super::super::scan::{nesting, with_lexemes};
use super::super::text;
use super::super::value::literal;
use super::value::{Py, plain_name};

/// Classes of two sides, and what stands between these.
const BINARY: [(&str, &str); 13] = [
    ("EQ", "="),
    ("NEQ", "<>"),
    ("GT", ">"),
    ("GTE", ">="),
    ("LT", "<"),
    ("LTE", "<="),
    ("Add", "+"),
    ("Sub", "-"),
    ("Mul", "*"),
    ("Div", "/"),
    ("And", "AND"),
    ("Or", "OR"),
    ("Is", "IS"),
];

/// Functions that sqlglot writes as they are, by their classes and by their names.
const FUNCTIONS: [(&str, &str); 11] = [
    ("Sum", "SUM"),
    ("Count", "COUNT"),
    ("Max", "MAX"),
    ("Min", "MIN"),
    ("Avg", "AVG"),
    ("Coalesce", "COALESCE"),
    ("Lower", "LOWER"),
    ("Upper", "UPPER"),
    ("Abs", "ABS"),
    ("Nullif", "NULLIF"),
    ("", "ERROR"),
];

/// Types that have one name everywhere.
const TYPES: [&str; 9] = ["INT", "INTEGER", "BIGINT", "TEXT", "VARCHAR", "DOUBLE", "DATE", "TIMESTAMP", "BOOLEAN"];

/// What a call was given.
pub(super) struct Given {
    /// By place.
    pub(super) args: Vec<Py>,
    /// By name.
    pub(super) named: Vec<(String, Py)>,
}

impl Given {
    /// An argument, by its name or else by its place.
    pub(super) fn get(&self, name: &str, at: usize) -> Option<&Py> {
        let named = self.named.iter().find(|(own, _)| own == name).map(|(_, value)| value);
        named.or_else(|| self.args.get(at))
    }

    /// Whether it has at most so many arguments by place, and by name none but these.
    pub(super) fn is_within(&self, most: usize, names: &[&str]) -> bool {
        self.args.len() <= most && self.named.iter().all(|(name, _)| names.contains(&name.as_str()))
    }

    fn sql(&self, name: &str, at: usize) -> Option<String> {
        self.get(name, at)?.sql()
    }
}

/// What a call of `exp.…` gives; none for what is not known here.
pub(super) fn call(name: &str, given: &Given) -> Option<Py> {
    let sql = |text: String| Some(Py::Sql(text));
    let is_within = |most: usize, names: &[&str]| given.is_within(most, names).then_some(());
    if let Some((_, operator)) = BINARY.iter().find(|(class, _)| *class == name) {
        is_within(0, &["this", "expression"])?;
        return sql(format!("{} {operator} {}", given.sql("this", 0)?, given.sql("expression", 1)?));
    }
    if let Some((_, function)) = FUNCTIONS.iter().find(|(class, _)| *class == name) {
        is_within(0, &["this", "expression", "expressions"])?;
        return sql(format!("{function}({})", arguments(given)?.join(", ")));
    }
    match name {
        "Case" => case(given),
        "If" => {
            is_within(0, &["this", "true"])?;
            Some(Py::Branch(given.sql("this", 0)?, given.sql("true", 1)?))
        }
        "Paren" | "paren" => {
            is_within(1, &["this"])?;
            sql(format!("({})", given.sql("this", 0)?))
        }
        "not_" => {
            is_within(1, &[])?;
            sql(format!("NOT {}", text::condition(&given.sql("", 0)?)))
        }
        "null" => is_within(0, &[]).and_then(|()| sql("NULL".to_owned())),
        "true" => is_within(0, &[]).and_then(|()| sql("TRUE".to_owned())),
        "false" => is_within(0, &[]).and_then(|()| sql("FALSE".to_owned())),
        "convert" => is_within(1, &[]).and_then(|()| sql(given.args.first()?.converted()?)),
        "Literal.number" => match given.args.as_slice() {
            [number @ Py::Int(0..)] if given.named.is_empty() => sql(number.text()?.0),
            _ => None,
        },
        "Literal.string" => match given.args.as_slice() {
            [Py::Str(text)] if given.named.is_empty() => sql(literal(text)),
            _ => None,
        },
        "column" => column(given),
        "func" => {
            let Some((Py::Str(name), rest)) = given.args.split_first() else { return None };
            given.named.is_empty().then_some(())?;
            let (_, function) = FUNCTIONS.iter().find(|(_, function)| function.eq_ignore_ascii_case(name))?;
            sql(format!("{function}({})", several(rest)?.join(", ")))
        }
        "and_" => connected(given, " AND "),
        "or_" => connected(given, " OR "),
        "cast" => {
            is_within(2, &["to"])?;
            let Py::Str(to) = given.get("to", 1)? else { return None };
            let to = TYPES.iter().find(|known| known.eq_ignore_ascii_case(to))?;
            sql(format!("CAST({} AS {to})", given.sql("", 0)?))
        }
        _ => None,
    }
}

/// Two sides of which one is an expression, with an operator of Python's between them: arithmetic of names, numbers, calls
/// and arithmetic.
pub(super) fn joined(left: &Py, op: Operator, right: &Py) -> Option<Py> {
    let sign = match op {
        Operator::Add => "+",
        Operator::Sub => "-",
        Operator::Mult => "*",
        Operator::Div => "/",
        _ => return None,
    };
    let side = |value: &Py| {
        let sql = value.converted()?;
        is_arithmetic(&sql).then(|| text::operand(&sql))
    };
    Some(Py::Sql(format!("{} {sign} {}", side(left)?, side(right)?)))
}

/// Whether, outside of brackets, there are names, literals and signs of arithmetic alone.
fn is_arithmetic(sql: &str) -> bool {
    let found = with_lexemes(sql, |source| {
        let (mut depth, mut was_thing) = (0_i32, false);
        for lexeme in source.lexemes {
            let outside = depth == 0;
            depth += nesting(lexeme);
            match &lexeme.token {
                _ if !outside || nesting(lexeme) != 0 => {}
                Token::Symbol(sign) if ["+", "-", "*", "/", "."].contains(&sign.as_str()) => was_thing = false,
                Token::Word { .. } | Token::String(_) | Token::Number(_) if !was_thing => was_thing = true,
                _ => return None,
            }
        }
        Some(())
    });
    found.is_some()
}

/// Conditions that are joined; those that are None are left out.
fn connected(given: &Given, word: &str) -> Option<Py> {
    given.named.is_empty().then_some(())?;
    let parts = given.args.iter().filter(|part| !matches!(part, Py::None));
    let parts: Vec<String> = parts.map(Py::sql).collect::<Option<_>>()?;
    match parts.as_slice() {
        [] => None,
        [only] => Some(Py::Sql(only.clone())),
        several => Some(Py::Sql(several.iter().map(|part| text::condition(part)).collect::<Vec<_>>().join(word))),
    }
}

/// `exp.column('a', 't')`, of plain names.
fn column(given: &Given) -> Option<Py> {
    given.is_within(2, &["table"]).then_some(())?;
    let word = |value: &Py| match value {
        Py::Str(name) => plain_name(name).filter(|parts| parts.len() == 1 && parts[0] == *name).map(|_| name.clone()),
        _ => None,
    };
    let name = word(given.args.first()?)?;
    Some(Py::Sql(match given.get("table", 1) {
        Some(table) => format!("{}.{name}", word(table)?),
        None => name,
    }))
}

/// The arguments of a class that is a function.
fn arguments(given: &Given) -> Option<Vec<String>> {
    let mut arguments = vec![given.sql("this", 0)?];
    for more in ["expression", "expressions"].iter().filter_map(|name| given.get(name, usize::MAX)) {
        match more {
            Py::List(items) => arguments.extend(several(&items.borrow())?),
            one => arguments.push(one.sql()?),
        }
    }
    Some(arguments)
}

/// `exp.Case(ifs=[exp.If(…)], default=…)`.
fn case(given: &Given) -> Option<Py> {
    given.is_within(0, &["ifs", "default"]).then_some(())?;
    let mut branches = Vec::new();
    if let Some(Py::List(ifs)) = given.get("ifs", usize::MAX) {
        for branch in ifs.borrow().iter() {
            let Py::Branch(when, then) = branch else { return None };
            branches.push((when.clone(), then.clone()));
        }
    }
    match given.get("default", usize::MAX) {
        Some(default) => Some(Py::Case(branches, Some(default.sql()?))),
        None => Some(Py::Case(branches, None)),
    }
}

fn several(items: &[Py]) -> Option<Vec<String>> {
    items.iter().map(Py::sql).collect()
}
