//! What a macro in Python works with: Python's own values, and expressions of sqlglot as the SQL that they say.

use std::cell::RefCell;
use std::rc::Rc;

use super::super::super::sql::Token;
use super::super::scan::with_lexemes;
use super::super::value::literal;
use super::super::{MARK, text};

/// How deep lists may hold lists.
const DEEPEST: usize = 40;

/// A value.
#[derive(Debug, Clone)]
pub(super) enum Py {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(String),
    /// A string with an expression in it, which sqlglot may write in another way: nothing may hang on how.
    Rendered(String),
    List(Rc<RefCell<Vec<Py>>>),
    Tuple(Rc<Vec<Py>>),
    Dict(Rc<Vec<(Py, Py)>>),
    /// What can be gone through once.
    Iter(Rc<Vec<Py>>),
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

    pub(super) fn tuple(items: Vec<Self>) -> Self {
        Self::Tuple(Rc::new(items))
    }

    pub(super) fn iter(items: Vec<Self>) -> Self {
        Self::Iter(Rc::new(items))
    }

    /// What Python calls its type.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Bool(_) => "a bool",
            Self::Int(_) => "an int",
            Self::Float(_) => "a float",
            Self::Str(_) => "a string",
            Self::Rendered(_) => "a string that an expression is in",
            Self::List(_) => "a list",
            Self::Tuple(_) => "a tuple",
            Self::Dict(_) => "a dict",
            Self::Iter(_) => "an iterator",
            Self::Sql(_) | Self::Case(..) | Self::Branch(..) => "an expression",
            Self::Evaluator => "the evaluator",
            Self::Module(_) => "a module",
            Self::Function(_) => "a function",
        }
    }

    /// `str(…)`; none for what Python or sqlglot may write in another way than this would. Whether it is known to the
    /// letter.
    pub(super) fn text(&self) -> Option<(String, bool)> {
        Some(match self {
            Self::None => ("None".to_owned(), true),
            Self::Bool(yes) => (if *yes { "True" } else { "False" }.to_owned(), true),
            Self::Int(number) => (number.to_string(), true),
            Self::Float(number) => {
                let text = format!("{number:?}");
                (text.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '-')).then_some(text)?, true)
            }
            Self::Str(text) => (text.clone(), true),
            Self::Rendered(text) => (text.clone(), false),
            Self::Sql(sql) => (together(sql), false),
            Self::Case(..) => (self.sql()?, false),
            _ => return None,
        })
    }

    /// As an expression of SQL, as sqlglot takes it where it wants one: strings are SQL.
    pub(super) fn sql(&self) -> Option<String> {
        Some(match self {
            Self::None => "NULL".to_owned(),
            Self::Bool(yes) => if *yes { "TRUE" } else { "FALSE" }.to_owned(),
            Self::Int(_) | Self::Float(_) | Self::Str(_) | Self::Rendered(_) => self.text()?.0,
            Self::Sql(sql) => sql.clone(),
            Self::Case(branches, otherwise) => {
                let branches: String =
                    branches.iter().map(|(when, then)| format!(" WHEN {when} THEN {then}")).collect();
                let otherwise = otherwise.as_ref().map(|sql| format!(" ELSE {sql}")).unwrap_or_default();
                format!("CASE{branches}{otherwise} END")
            }
            _ => return None,
        })
    }

    /// As `exp.convert` makes an expression of it: strings are literals.
    pub(super) fn converted(&self) -> Option<String> {
        match self {
            Self::Str(text) => Some(literal(text)),
            Self::Rendered(_) => None,
            other => other.sql(),
        }
    }

    /// What sqlglot calls the name of an expression, of those where that is plain: a column's or table's last one, a
    /// literal's text.
    pub(super) fn name(&self) -> Option<String> {
        let Self::Sql(sql) = self else { return None };
        text::string(sql).or_else(|| plain_name(sql)?.pop()).or_else(|| is_number(sql).then(|| sql.clone()))
    }

    /// Whether it holds, as `if` asks; none where that can't be told.
    pub(super) fn holds(&self) -> Option<bool> {
        Some(match self {
            Self::None => false,
            Self::Bool(yes) => *yes,
            Self::Int(number) => *number != 0,
            Self::Float(number) => *number != 0.0,
            Self::Str(text) => !text.is_empty(),
            Self::List(items) => !items.borrow().is_empty(),
            Self::Tuple(items) => !items.is_empty(),
            Self::Dict(entries) => !entries.is_empty(),
            Self::Sql(_) | Self::Case(..) | Self::Evaluator | Self::Function(_) => true,
            Self::Rendered(_) | Self::Iter(_) | Self::Branch(..) | Self::Module(_) => return None,
        })
    }

    /// Whether two are equal, as `==` asks; none where that can't be told.
    pub(super) fn equals(&self, other: &Self) -> Option<bool> {
        Some(match (self, other) {
            (Self::Rendered(_) | Self::Iter(_) | Self::List(_) | Self::Tuple(_) | Self::Dict(_), Self::None) => false,
            (Self::Rendered(_) | Self::Iter(_) | Self::List(_) | Self::Tuple(_) | Self::Dict(_), _) => return None,
            (Self::None, Self::None) => true,
            (Self::Str(a), Self::Str(b)) => a == b,
            (Self::Sql(_) | Self::Case(..), Self::Sql(_) | Self::Case(..)) => return None,
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Int(_) | Self::Float(_) | Self::Bool(_), Self::Int(_) | Self::Float(_) | Self::Bool(_)) => {
                return None;
            }
            (_, Self::Rendered(_) | Self::Iter(_) | Self::List(_) | Self::Tuple(_) | Self::Dict(_)) => {
                return other.equals(self);
            }
            _ => false,
        })
    }

    /// Whether it holds what nobody knows before a model is run.
    pub(super) fn is_marked(&self) -> bool {
        match self {
            Self::Str(text) | Self::Sql(text) | Self::Rendered(text) => text.contains(MARK),
            Self::List(items) => items.borrow().iter().any(Self::is_marked),
            Self::Tuple(items) | Self::Iter(items) => items.iter().any(Self::is_marked),
            Self::Dict(entries) => entries.iter().any(|(key, value)| key.is_marked() || value.is_marked()),
            Self::Case(..) => self.sql().is_some_and(|sql| sql.contains(MARK)),
            _ => false,
        }
    }

    /// How much there is of it: elements and bytes, those of its elements among them. None for more than `most`, and for
    /// what stands too deep in itself.
    pub(super) fn weight(&self, most: usize) -> Option<usize> {
        self.weight_at(most, 0)
    }

    fn weight_at(&self, most: usize, depth: usize) -> Option<usize> {
        let own = match self {
            Self::Str(text) | Self::Sql(text) | Self::Rendered(text) | Self::Module(text) => text.len(),
            Self::Case(branches, _) => branches.iter().map(|(when, then)| when.len() + then.len()).sum(),
            _ => 0,
        };
        let mut sum = 1_usize.saturating_add(own);
        let mut add = |value: &Self| -> Option<()> {
            sum = sum.saturating_add(value.weight_at(most.checked_sub(sum)?, depth + 1)?);
            (sum <= most).then_some(())
        };
        if depth > DEEPEST {
            return None;
        }
        match self {
            Self::List(items) => items.borrow().iter().try_for_each(&mut add)?,
            Self::Tuple(items) | Self::Iter(items) => items.iter().try_for_each(&mut add)?,
            Self::Dict(entries) => entries.iter().try_for_each(|(key, value)| add(key).and_then(|()| add(value)))?,
            _ => {}
        }
        (sum <= most).then_some(sum)
    }

    /// A value that nobody may change: what the file or a parameter's default holds, Python would keep changed.
    pub(super) fn frozen(self) -> Self {
        match self {
            Self::List(items) => Self::tuple(items.borrow().iter().cloned().map(Self::frozen).collect()),
            Self::Tuple(items) => Self::tuple(items.iter().cloned().map(Self::frozen).collect()),
            Self::Dict(entries) => {
                let entries = entries.iter().cloned().map(|(key, value)| (key, value.frozen()));
                Self::Dict(Rc::new(entries.collect()))
            }
            other => other,
        }
    }
}

/// Words that are no names, though they look so.
const NO_NAMES: [&str; 12] = [
    "null",
    "true",
    "false",
    "current_date",
    "current_time",
    "current_timestamp",
    "current_user",
    "current_role",
    "current_schema",
    "current_catalog",
    "localtime",
    "localtimestamp",
];

/// The parts of a dotted name, if a text is nothing else.
pub(super) fn plain_name(sql: &str) -> Option<Vec<String>> {
    with_lexemes(sql, |source| {
        let mut parts = Vec::new();
        for (index, lexeme) in source.lexemes.iter().enumerate() {
            match (&lexeme.token, index % 2) {
                (Token::Word { text, quoted }, 0) => {
                    let is_name = *quoted || !NO_NAMES.iter().any(|word| text.eq_ignore_ascii_case(word));
                    parts.push(is_name.then(|| text.clone())?);
                }
                (Token::Symbol(dot), 1) if dot == "." => {}
                _ => return None,
            }
        }
        (source.lexemes.len() % 2 == 1).then_some(parts)
    })
}

/// Whether a text is a number without a sign.
pub(super) fn is_number(sql: &str) -> bool {
    sql.starts_with(|c: char| c.is_ascii_digit()) && sql.parse::<f64>().is_ok()
}

/// An expression as it goes into a text: sqlglot writes casts, powers and whole divisions as calls, which bind stronger.
fn together(sql: &str) -> String {
    let is_call = with_lexemes(sql, |source| {
        let calls = ["::", "**", "^", "//"];
        source.lexemes.iter().any(|lexeme| calls.iter().any(|sign| lexeme.is_symbol(sign))).then_some(())
    });
    if is_call.is_some() { text::operand(sql) } else { sql.to_owned() }
}
