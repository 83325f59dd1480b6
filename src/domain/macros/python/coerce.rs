//! What arguments and variables are to a macro: values of Python, as its annotations ask for them.

use ruff_python_ast::Expr;

use super::super::Value;
use super::super::text;
use super::value::Py;

/// What an annotation makes of an argument, as SQLMesh does: strings and numbers of literals, names of columns.
pub(super) fn coerced(value: Py, annotation: Option<&Expr>) -> Py {
    let Some(annotation) = annotation else { return value };
    let word = |expr: &Expr| match expr {
        Expr::Name(it) => it.id.to_string(),
        Expr::Attribute(it) => it.attr.to_string(),
        // annotations may be strings
        Expr::StringLiteral(it) => it.value.to_str().to_owned(),
        _ => String::new(),
    };
    match annotation {
        // `str | None`, `Optional[str]`, `Union[…]`
        Expr::BinOp(it) => coerced(coerced(value, Some(&it.left)), Some(&it.right)),
        Expr::Subscript(it) => match (word(&it.value).as_str(), &value) {
            ("Optional", _) => coerced(value, Some(&it.slice)),
            ("List" | "list" | "Sequence" | "Iterable" | "Tuple" | "tuple", _) => {
                let inner = match it.slice.as_ref() {
                    Expr::Tuple(several) => several.elts.first(),
                    one => Some(one),
                };
                match listed(&value) {
                    Some(items) => Py::list(items.into_iter().map(|item| coerced(item, inner)).collect()),
                    None => value,
                }
            }
            _ => value,
        },
        other => simple(value, &word(other)),
    }
}

fn listed(value: &Py) -> Option<Vec<Py>> {
    match value {
        Py::List(items) => Some(items.borrow().clone()),
        Py::Sql(sql) => Some(text::elements(sql)?.into_iter().map(Py::Sql).collect()),
        _ => None,
    }
}

fn simple(value: Py, word: &str) -> Py {
    let Py::Sql(sql) = &value else { return value };
    let is_number = sql.parse::<f64>().is_ok();
    let of_string = text::string(sql);
    match word {
        "str" => match (of_string, text::dotted(sql)) {
            (Some(text), _) => Py::Str(text),
            (None, Some(parts)) if parts.len() == 1 && !is_number => {
                Py::Str(parts.into_iter().next().unwrap_or_default())
            }
            _ if is_number => Py::Str(sql.clone()),
            _ => value,
        },
        "int" => sql.parse().map_or(value, Py::Int),
        "float" => sql.parse().map_or(value, Py::Float),
        "bool" if sql.eq_ignore_ascii_case("true") => Py::Bool(true),
        "bool" if sql.eq_ignore_ascii_case("false") => Py::Bool(false),
        "list" | "List" | "tuple" | "Tuple" => listed(&value).map_or(value, Py::list),
        "SQL" => Py::Str(sql.clone()),
        _ => value,
    }
}

/// A variable's value as Python has it.
pub(super) fn of_variable(value: &super::super::Value) -> Py {
    match value {
        Value::Null => Py::None,
        Value::Bool(yes) => Py::Bool(*yes),
        Value::Int(number) => Py::Int(*number),
        Value::Float(number) => Py::Float(*number),
        Value::Text(text) => Py::Str(text.clone()),
        Value::Sql(sql) => Py::Sql(sql.clone()),
        Value::List(items) => Py::list(items.iter().map(of_variable).collect()),
        Value::Map(entries) => {
            let entries: Vec<(Py, Py)> =
                entries.iter().map(|(key, value)| (Py::Str(key.clone()), of_variable(value))).collect();
            Py::Dict(std::rc::Rc::new(entries.into()))
        }
    }
}
