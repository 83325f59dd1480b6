//! What a macro in Python works with: Python's own values, and expressions of sqlglot as the SQL that they say.

use std::cell::RefCell;
use std::rc::Rc;

use super::super::{MARK, text, value::literal};

/// A value.
#[derive(Debug, Clone)]
pub(super) enum Py {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(String),
    /// A list, or a tuple.
    List(Rc<RefCell<Vec<Py>>>),
    Dict(Rc<RefCell<Vec<(Py, Py)>>>),
    /// An expression.
    Sql(String),
    /// `CASE` on its way: conditions with what they lead to, and what else there is.
    Case(Vec<(String, String)>, Option<String>),
    /// A branch of one: `exp.If`.
    Branch(String, String),
    /// What SQLMesh hands to each macro first.
    Evaluator,
    /// A name of a module, dotted: `exp`, `exp.Literal`.
    Module(String),
    /// A function of the file.
    Function(usize),
}

impl Py {
    pub(super) fn list(items: Vec<Self>) -> Self {
        Self::List(Rc::new(RefCell::new(items)))
    }

    /// What Python calls its type.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Bool(_) => "a bool",
            Self::Int(_) => "an int",
            Self::Float(_) => "a float",
            Self::Str(_) => "a string",
            Self::List(_) => "a list",
            Self::Dict(_) => "a dict",
            Self::Sql(_) | Self::Case(..) | Self::Branch(..) => "an expression",
            Self::Evaluator => "the evaluator",
            Self::Module(_) => "a module",
            Self::Function(_) => "a function",
        }
    }

    /// `str(…)`.
    pub(super) fn text(&self) -> String {
        match self {
            Self::None => "None".to_owned(),
            Self::Bool(yes) => if *yes { "True" } else { "False" }.to_owned(),
            Self::Int(number) => number.to_string(),
            Self::Float(number) => format!("{number:?}"),
            Self::Str(text) => text.clone(),
            Self::List(items) => {
                format!("[{}]", items.borrow().iter().map(Self::repr).collect::<Vec<_>>().join(", "))
            }
            Self::Dict(entries) => {
                let entry = |(key, value): &(Self, Self)| format!("{}: {}", key.repr(), value.repr());
                format!("{{{}}}", entries.borrow().iter().map(entry).collect::<Vec<_>>().join(", "))
            }
            other => other.sql().unwrap_or_default(),
        }
    }

    /// `repr(…)`.
    pub(super) fn repr(&self) -> String {
        match self {
            Self::Str(text) => {
                let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
                let escaped = text.replace('\\', "\\\\").replace('\n', "\\n").replace(quote, &format!("\\{quote}"));
                format!("{quote}{escaped}{quote}")
            }
            other => other.text(),
        }
    }

    /// As an expression of SQL, as sqlglot takes it where it wants one: strings are SQL.
    pub(super) fn sql(&self) -> Option<String> {
        Some(match self {
            Self::None => "NULL".to_owned(),
            Self::Bool(yes) => if *yes { "TRUE" } else { "FALSE" }.to_owned(),
            Self::Int(_) | Self::Float(_) | Self::Str(_) => self.text(),
            Self::Sql(sql) => sql.clone(),
            Self::Case(branches, otherwise) => {
                let branches: String =
                    branches.iter().map(|(when, then)| format!(" WHEN {when} THEN {then}")).collect();
                let otherwise = otherwise.as_ref().map(|sql| format!(" ELSE {sql}")).unwrap_or_default();
                format!("CASE{branches}{otherwise} END")
            }
            Self::List(items) => {
                let items: Option<Vec<String>> = items.borrow().iter().map(Self::sql).collect();
                format!("({})", items?.join(", "))
            }
            Self::Branch(..) | Self::Dict(_) | Self::Evaluator | Self::Module(_) | Self::Function(_) => return None,
        })
    }

    /// As `exp.convert` makes an expression of it: strings are literals.
    pub(super) fn converted(&self) -> Option<String> {
        match self {
            Self::Str(text) => Some(literal(text)),
            other => other.sql(),
        }
    }

    /// What sqlglot calls the name of an expression: a column's or table's last one, a literal's text.
    pub(super) fn name(&self) -> String {
        let Self::Sql(sql) = self else { return String::new() };
        if let Some(text) = text::string(sql) {
            return text;
        }
        match text::dotted(sql) {
            Some(parts) => parts.last().cloned().unwrap_or_default(),
            None if sql.parse::<f64>().is_ok() => sql.clone(),
            None => String::new(),
        }
    }

    /// Whether it holds, as `if` asks.
    pub(super) fn holds(&self) -> bool {
        match self {
            Self::None => false,
            Self::Bool(yes) => *yes,
            Self::Int(number) => *number != 0,
            Self::Float(number) => *number != 0.0,
            Self::Str(text) => !text.is_empty(),
            Self::List(items) => !items.borrow().is_empty(),
            Self::Dict(entries) => !entries.borrow().is_empty(),
            _ => true,
        }
    }

    /// Whether two are equal, as `==` asks.
    pub(super) fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::None, Self::None) => true,
            (Self::Str(a), Self::Str(b)) | (Self::Sql(a), Self::Sql(b)) => a == b,
            (Self::List(a), Self::List(b)) => {
                let (a, b) = (a.borrow(), b.borrow());
                a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| a.equals(b))
            }
            (a, b) => matches!((a.number(), b.number()), (Some(a), Some(b)) if a == b),
        }
    }

    /// As a number, if it is one.
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Self::Bool(yes) => Some(f64::from(u8::from(*yes))),
            Self::Int(number) => Some(*number as f64),
            Self::Float(number) => Some(*number),
            _ => None,
        }
    }

    /// Whether it holds what nobody knows before a model is run: nothing may hang on that.
    pub(super) fn is_marked(&self) -> bool {
        match self {
            Self::Str(text) | Self::Sql(text) => text.contains(MARK),
            Self::List(items) => items.borrow().iter().any(Self::is_marked),
            Self::Dict(entries) => entries.borrow().iter().any(|(key, value)| key.is_marked() || value.is_marked()),
            Self::Case(..) | Self::Branch(..) => self.sql().is_some_and(|sql| sql.contains(MARK)),
            _ => false,
        }
    }
}
