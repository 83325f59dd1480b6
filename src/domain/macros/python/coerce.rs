//! What arguments and variables are to a macro: values of Python, as its annotations ask for them. As in SQLMesh, strings and
//! numbers are made of literals, and strings of columns' names.

use ruff_python_ast::Expr;

use super::super::{Value, text};
use super::Failed;
use super::value::{Py, is_number, plain_name};

/// An argument as its annotation asks for it.
pub(super) fn coerced(value: Py, annotation: Option<&Expr>) -> Result<Py, Failed> {
    let Some(annotation) = annotation else { return Ok(value) };
    let unknown = || Failed::unknown("this annotation, for such an argument", annotation);
    match annotation {
        Expr::NoneLiteral(_) => Ok(value),
        // `str | None`
        Expr::BinOp(it) if matches!(*it.right, Expr::NoneLiteral(_)) => coerced(value, Some(&it.left)),
        Expr::Subscript(it) => match (word(&it.value).as_str(), &value) {
            ("Optional", _) => coerced(value, Some(&it.slice)),
            (_, Py::None) => Ok(value),
            ("List" | "list", _) if !matches!(*it.slice, Expr::Tuple(_)) => match listed(&value) {
                Some(items) => {
                    let items = items.into_iter().map(|item| coerced(item, Some(&it.slice)));
                    items.collect::<Result<_, _>>().map(Py::list)
                }
                None => Err(unknown()),
            },
            _ => Err(unknown()),
        },
        Expr::Name(_) | Expr::Attribute(_) => simple(value, &word(annotation)).ok_or_else(unknown),
        _ => Err(unknown()),
    }
}

fn word(expr: &Expr) -> String {
    match expr {
        Expr::Name(it) => it.id.to_string(),
        Expr::Attribute(it) => it.attr.to_string(),
        _ => String::new(),
    }
}

/// The elements of `[a, b]` and `(a, b)`; one thing in parentheses is no list.
fn listed(value: &Py) -> Option<Vec<Py>> {
    match value {
        Py::List(items) => Some(items.borrow().clone()),
        Py::Tuple(items) => Some(items.to_vec()),
        Py::Sql(sql) => {
            let items = text::elements(sql).filter(|items| sql.trim_end().ends_with(']') || items.len() > 1)?;
            Some(items.into_iter().map(Py::Sql).collect())
        }
        _ => None,
    }
}

/// A value as one word asks for it; none where it is not known what SQLMesh makes of it.
fn simple(value: Py, word: &str) -> Option<Py> {
    let Py::Sql(sql) = &value else {
        return Some(value);
    };
    let of_string = text::string(sql);
    let literal = of_string.clone().or_else(|| is_number(sql).then(|| sql.clone()));
    Some(match word {
        "Any" | "Expression" | "Expr" | "MacroEvaluator" => value,
        // what is no such literal stays an expression
        "str" => match (literal, plain_name(sql)) {
            (Some(text), _) => Py::Str(text),
            (None, Some(mut parts)) if parts.len() == 1 => Py::Str(parts.pop()?),
            _ => value,
        },
        "int" => match literal {
            Some(text) => text.trim().parse().map_or(value, Py::Int),
            None => value,
        },
        "float" => match literal {
            Some(text) => text.trim().parse().map_or(value, Py::Float),
            None => value,
        },
        "bool" if sql.eq_ignore_ascii_case("true") => Py::Bool(true),
        "bool" if sql.eq_ignore_ascii_case("false") => Py::Bool(false),
        "bool" => value,
        "list" | "List" => Py::list(listed(&value)?),
        "tuple" | "Tuple" => Py::tuple(listed(&value)?),
        "SQL" => Py::Rendered(sql.clone()),
        "Column" | "Table" if of_string.is_none() && plain_name(sql).is_some() => value,
        "Literal" if literal.is_some() => value,
        _ => return None,
    })
}

/// A variable's value as Python has it.
pub(super) fn of_variable(value: &Value) -> Py {
    match value {
        Value::Null => Py::None,
        Value::Bool(yes) => Py::Bool(*yes),
        Value::Int(number) => Py::Int(*number),
        Value::Float(number) => Py::Float(*number),
        Value::Text(text) => Py::Str(text.clone()),
        Value::Sql(sql) => Py::Sql(sql.clone()),
        Value::List(items) => Py::tuple(items.iter().map(of_variable).collect()),
        Value::Map(entries) => {
            let entries = entries.iter().map(|(key, value)| (Py::Str(key.clone()), of_variable(value)));
            Py::Dict(std::rc::Rc::new(entries.collect()))
        }
    }
}
