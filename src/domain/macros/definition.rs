//! The project's own macros: `MACRO name(a, b := 1) AS …;`, and Jinja's `{% macro %}`.

use std::collections::BTreeMap;

use super::super::diagnostic::Problem;
use super::super::sql::{self, Lexeme, Span, Token};
use super::call::BUILT_IN;
use super::python::PythonMacro;
use super::scan::{Source, problem};
use super::{jinja_text, lexed};

/// One macro of the project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Macro {
    /// Its name as written.
    pub name: String,
    /// The file that defines it.
    pub path: String,
    /// Where its name stands in that file.
    pub span: Span,
    /// What it gives.
    pub body: Body,
}

/// What a [`Macro`] gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// SQL in which the parameters are written `@a` and `@{a}`.
    Sql {
        /// The parameters.
        parameters: Vec<Parameter>,
        /// The text.
        text: String,
        /// The line and the column at which it begins in its file.
        place: (usize, usize),
    },
    /// The whole `{% macro … %}…{% endmacro %}`.
    Jinja(String),
}

/// A parameter of a [`Macro`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Its name in lower case.
    pub name: String,
    /// The SQL that stands for it where a call leaves it out.
    pub default: Option<String>,
}

/// The project's macros by name, without letter case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Macros {
    all: BTreeMap<String, Macro>,
    /// Those in Python.
    python: Vec<PythonMacro>,
}

impl Macros {
    /// Adds one; gives back the one that had this name before.
    pub fn add(&mut self, item: Macro) -> Option<Macro> {
        self.all.insert(item.name.to_lowercase(), item)
    }

    /// The macro of this name.
    pub fn get(&self, name: &str) -> Option<&Macro> {
        self.all.get(&name.to_lowercase())
    }

    /// Adds those of a Python file.
    pub fn add_python(&mut self, macros: Vec<PythonMacro>) {
        self.python.extend(macros);
    }

    /// The macro in Python of this name.
    pub fn python(&self, name: &str) -> Option<&PythonMacro> {
        self.python.iter().find(|one| one.name.eq_ignore_ascii_case(name))
    }

    /// Those in Python.
    pub fn in_python(&self) -> impl Iterator<Item = &PythonMacro> {
        self.python.iter()
    }

    /// Those in SQL and in Jinja.
    pub fn iter(&self) -> impl Iterator<Item = &Macro> {
        self.all.values()
    }
}

/// Reads one file of the macros folder.
pub fn read_macros(path: &str, text: &str) -> Result<Vec<Macro>, Problem> {
    let mut macros = Vec::new();
    let mut add = |name: &str, span: Span, body: Body| {
        let same = |other: &Macro| other.name.eq_ignore_ascii_case(name);
        if macros.iter().any(same) {
            return Err(problem(format!("the macro `{name}` is defined twice"), span));
        }
        if matches!(body, Body::Sql { .. }) && BUILT_IN.contains(&name.to_lowercase().as_str()) {
            return Err(problem(format!("`@{name}` is built in: a macro of the project can't have its name"), span));
        }
        macros.push(Macro { name: name.to_owned(), path: path.to_owned(), span, body });
        Ok(())
    };
    if text.contains("{%") {
        for (name, span, source) in jinja_text::macros(text)? {
            add(&name, span, Body::Jinja(source))?;
        }
        return Ok(macros);
    }
    let lexemes = lexed(text)?;
    for statement in sql::split(&lexemes) {
        let (name, span, body) = read(Source { text, lexemes: &lexemes[statement.lexemes] })?;
        add(&name, span, body)?;
    }
    Ok(macros)
}

/// Reads `MACRO name(a, b := 1) AS …`.
fn read(source: Source<'_>) -> Result<(String, Span, Body), Problem> {
    let all = 0..source.lexemes.len();
    let place = |at: usize| source.lexemes.get(at).map_or(source.span(&(all.end - 1..all.end)), |it| it.span.clone());
    let syntax = |what: &str, at: usize| Problem {
        what: what.to_owned(),
        span: place(at),
        help: Some("a macro is written `MACRO name(a, b := 1) AS @a + @b;`".to_owned()),
    };
    if !source.word(0, "macro") {
        return Err(syntax("expected `MACRO`", 0));
    }
    let Some(Lexeme { token: Token::Word { text: name, .. }, span }) = source.lexemes.get(1) else {
        return Err(syntax("expected the macro's name", 1));
    };
    if !source.is(2, "(") {
        return Err(syntax("expected `(` after the macro's name", 2));
    }
    let close = source.closing(2, all.end).ok_or_else(|| syntax("this `(` is never closed", 2))?;
    if !source.word(close + 1, "as") {
        return Err(syntax("expected `AS` after the parameters", close + 1));
    }
    if close + 2 >= all.end {
        return Err(syntax("the macro has no text", close + 1));
    }
    let mut parameters: Vec<Parameter> = Vec::new();
    for part in source.commas(&(3..close)) {
        let Some(Token::Word { text, .. }) = source.lexemes.get(part.start).map(|it| &it.token) else {
            return Err(syntax("expected a parameter's name", part.start));
        };
        let default = match part.len() {
            1 => None,
            2 => return Err(syntax("expected `:=` and a default after the parameter's name", part.start + 1)),
            _ if source.is(part.start + 1, ":=") => Some(source.of(&(part.start + 2..part.end)).to_owned()),
            _ => return Err(syntax("expected `:=` and a default after the parameter's name", part.start + 1)),
        };
        let name = text.to_lowercase();
        if parameters.iter().any(|other| other.name == name) {
            return Err(syntax(&format!("the parameter `{text}` is there twice"), part.start));
        }
        if default.is_none() && parameters.iter().any(|other| other.default.is_some()) {
            return Err(syntax(&format!("`{text}` needs a default, as the parameter before it has one"), part.start));
        }
        parameters.push(Parameter { name, default });
    }
    let body = close + 2..all.end;
    let (text, start) = (source.of(&body).to_owned(), source.span(&body).start);
    let place = place_of(source.text.get(..start).unwrap_or_default(), (1, 1));
    Ok((name.clone(), span.clone(), Body::Sql { parameters, text, place }))
}

/// The line and the column behind a text that begins at a place.
fn place_of(before: &str, (line, column): (usize, usize)) -> (usize, usize) {
    match before.rsplit_once('\n') {
        Some((above, last)) => (line + above.matches('\n').count() + 1, last.chars().count() + 1),
        None => (line, column + before.chars().count()),
    }
}

impl Macro {
    /// Where a byte of a SQL macro's text stands: `macros/money.sql:3:12`.
    pub(super) fn place(&self, at: usize) -> String {
        let (line, column) = match &self.body {
            Body::Sql { text, place, .. } => place_of(text.get(..at).unwrap_or_default(), *place),
            Body::Jinja(_) => (1, 1),
        };
        format!("{}:{line}:{column}", self.path)
    }
}
