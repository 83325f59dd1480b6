//! Macros in Python: those that only put SQL together are carried out here, by a reader of Python's syntax and a small part of
//! its meaning. Nothing of theirs is run by Python itself: a branch that comes from a stranger may bring macros, too.

mod builtins;
mod coerce;
mod expression;
mod glot;
mod methods;
mod run;
mod settings;
mod value;

use std::sync::Arc;

use ruff_python_ast::visitor::{self, Visitor};
use ruff_python_ast::{Decorator, Expr, Mod, Pattern, Stmt, StmtFunctionDef};
use ruff_python_parser::{Mode, ParseOptions};
use ruff_text_size::Ranged;

use self::coerce::{coerced, of_variable};
use self::run::Run;
pub(super) use self::run::Spent;
pub(in crate::domain) use self::settings::{BLANK, settings};
use self::value::Py;
use super::super::diagnostic::Problem;
use super::super::limits::PYTHON;
use super::super::sql::{Lexeme, Span};
use super::expander::{Context, Expander};
use super::place::Argument;
use super::scan::{RawArgument, Source, problem};
use super::{Value, text};

/// A function in a Python file that SQLMesh would take for a macro.
#[derive(Debug, Clone)]
pub struct PythonMacro {
    /// Its name.
    pub name: String,
    /// Its file.
    pub path: String,
    /// The line of its `def`, from 1.
    pub line: usize,
    file: Arc<File>,
}

/// A file in Python, as far as macros need it.
#[derive(Debug)]
struct File {
    path: String,
    text: String,
    /// Its functions, or why there are none.
    parsed: Result<Parsed, Failed>,
}

#[derive(Debug, Default)]
struct Parsed {
    functions: Vec<StmtFunctionDef>,
    /// Names that the file gives to values.
    constants: Vec<(String, Expr)>,
    /// Whether the file does more when it is read than define functions and constants: then nobody knows these.
    does_more: bool,
}

/// What a variable is asked for by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ask {
    /// `evaluator.var`.
    Variable,
    /// `evaluator.blueprint_var`.
    Blueprint,
    /// `evaluator.locals`.
    Local,
}

/// Why a macro gives nothing, and where in its file.
#[derive(Debug, Clone)]
pub(super) struct Failed {
    what: String,
    at: usize,
    /// Whether the macro itself says so.
    is_raised: bool,
}

impl Failed {
    fn new(what: String, at: &impl Ranged) -> Self {
        Self { what, at: at.range().start().to_usize(), is_raised: false }
    }

    fn raised(what: String, at: &impl Ranged) -> Self {
        Self { is_raised: true, ..Self::new(what, at) }
    }

    /// What no macro may do here.
    fn unknown(what: &str, at: &impl Ranged) -> Self {
        Self::new(format!("vmesh doesn't know {what}"), at)
    }
}

impl PartialEq for PythonMacro {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, &self.path, &self.file.text) == (&other.name, &other.path, &other.file.text)
    }
}

impl Eq for PythonMacro {}

impl File {
    fn read(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned(), parsed: parsed(text) }
    }

    /// The function of a name, if the file defines it once.
    fn function(&self, name: &str) -> Option<usize> {
        let functions = &self.parsed.as_ref().ok()?.functions;
        let mut found = functions.iter().enumerate().filter(|(_, function)| function.name.as_str() == name);
        let first = found.next().map(|(at, _)| at);
        first.filter(|_| found.next().is_none())
    }

    fn at(&self, function: usize) -> Option<&StmtFunctionDef> {
        self.parsed.as_ref().ok()?.functions.get(function)
    }

    fn constant(&self, name: &str) -> Option<&Expr> {
        let parsed = self.parsed.as_ref().ok().filter(|parsed| !parsed.does_more)?;
        let mut found = parsed.constants.iter().filter(|(known, _)| known == name);
        let first = found.next().map(|(_, value)| value);
        first.filter(|_| found.next().is_none() && self.function(name).is_none())
    }

    /// The line and the column of a byte.
    fn place(&self, at: usize) -> String {
        let before = self.text.get(..at).unwrap_or_default();
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        format!("{}:{}:{column}", self.path, before.matches('\n').count() + 1)
    }
}

/// How deep a file's expressions and statements may stand in each other.
const DEEPEST: usize = 400;

/// Measures that.
#[derive(Default)]
struct Depth {
    now: usize,
    is_too_deep: bool,
}

impl Depth {
    fn deeper(&mut self, walk: impl FnOnce(&mut Self)) {
        self.now += 1;
        match self.now > DEEPEST {
            true => self.is_too_deep = true,
            false => walk(self),
        }
        self.now -= 1;
    }
}

impl<'a> Visitor<'a> for Depth {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        self.deeper(|depth| visitor::walk_stmt(depth, statement));
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        self.deeper(|depth| visitor::walk_expr(depth, expr));
    }

    fn visit_pattern(&mut self, pattern: &'a Pattern) {
        self.deeper(|depth| visitor::walk_pattern(depth, pattern));
    }
}

/// The statements of a file.
fn module(text: &str) -> Result<Vec<Stmt>, Failed> {
    if text.len() > PYTHON {
        let what = format!("the file is larger than {} kB", PYTHON >> 10);
        return Err(Failed { what, at: 0, is_raised: false });
    }
    // read to its end whatever is wrong with it, so that it need not be dropped where that would go too deep
    let read = ruff_python_parser::parse_unchecked(text, ParseOptions::from(Mode::Module));
    let mut depth = Depth::default();
    if let Mod::Module(module) = read.syntax() {
        depth.visit_body(&module.body);
    }
    if depth.is_too_deep {
        // it is no larger than its file
        std::mem::forget(read);
        let what = format!("expressions stand in expressions more than {DEEPEST} deep");
        return Err(Failed { what, at: 0, is_raised: false });
    }
    if let Some(error) = read.errors().first() {
        return Err(Failed::new(error.error.to_string(), &error.location));
    }
    match read.into_syntax() {
        Mod::Module(module) => Ok(module.body.into_iter().collect()),
        Mod::Expression(_) => Ok(Vec::new()),
    }
}

fn parsed(text: &str) -> Result<Parsed, Failed> {
    let mut parsed = Parsed::default();
    for statement in module(text)? {
        match statement {
            Stmt::FunctionDef(function) => parsed.functions.push(function),
            Stmt::Assign(it) => match it.targets.as_slice() {
                [Expr::Name(name)] => parsed.constants.push((name.id.to_string(), *it.value)),
                _ => parsed.does_more = true,
            },
            Stmt::AnnAssign(it) => match (*it.target, it.value) {
                (Expr::Name(name), Some(value)) => parsed.constants.push((name.id.to_string(), *value)),
                (Expr::Name(_), None) => {}
                _ => parsed.does_more = true,
            },
            Stmt::Import(_) | Stmt::ImportFrom(_) | Stmt::Pass(_) | Stmt::ClassDef(_) => {}
            // what describes the file
            Stmt::Expr(it) if matches!(*it.value, Expr::StringLiteral(_)) => {}
            _ => parsed.does_more = true,
        }
    }
    Ok(parsed)
}

/// The macros that a Python file defines: functions below `@macro()`, under the name given there or their own.
pub fn python_macros(path: &str, text: &str) -> Vec<PythonMacro> {
    let file = Arc::new(File::read(path, text));
    let of = |name: String, line: usize| PythonMacro { name, path: path.to_owned(), line, file: file.clone() };
    match &file.parsed {
        Ok(parsed) => {
            let named = parsed.functions.iter().filter_map(|function| Some((function, decorated(function)?)));
            let line = |function: &StmtFunctionDef| text[..function.name.start().to_usize()].matches('\n').count() + 1;
            named.map(|(function, name)| of(name, line(function))).collect()
        }
        Err(_) => unread_macros(text).into_iter().map(|(name, line)| of(name, line)).collect(),
    }
}

/// The name under which SQLMesh would know a function, if it is a macro.
fn decorated(function: &StmtFunctionDef) -> Option<String> {
    let of = |decorator: &Decorator| {
        let (function, first) = match &decorator.expression {
            Expr::Call(call) => (call.func.as_ref(), call.arguments.args.first()),
            other => (other, None),
        };
        let is_macro = match function {
            Expr::Name(name) => name.id.as_str() == "macro",
            Expr::Attribute(it) => it.attr.as_str() == "macro",
            _ => false,
        };
        is_macro.then(|| match first {
            Some(Expr::StringLiteral(name)) => Some(name.value.to_str().to_owned()),
            _ => None,
        })
    };
    let given = function.decorator_list.iter().find_map(of)?;
    Some(given.unwrap_or_else(|| function.name.to_string()))
}

/// The macros of a file that is no Python to the parser, with their lines: a model that calls one is told why.
fn unread_macros(text: &str) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    let mut is_decorated = false;
    for (index, line) in text.lines().enumerate() {
        is_decorated |= line.starts_with("@macro") || line.starts_with("@sqlmesh.macro");
        if let Some(rest) = line.strip_prefix("def ").filter(|_| is_decorated) {
            found.push((rest.split(['(', ' ']).next().unwrap_or_default().to_owned(), index + 1));
            is_decorated = false;
        }
    }
    found
}

/// Where a Python file defines a model, if it does.
pub fn python_model(text: &str) -> Option<Span> {
    let starts = ["@model(", "@model\n", "@sqlmesh.model(", "def model("];
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if starts.iter().any(|start| line.starts_with(start)) {
            return Some(at..at + line.trim_end().len());
        }
        at += line.len();
    }
    None
}

impl PythonMacro {
    /// What a call of it gives. Arguments come as SQL, as they are by name or by place; the variable of a name may be asked for.
    fn call(
        &self,
        args: Vec<Argument>,
        named: Vec<(String, Argument)>,
        variable: &mut dyn FnMut(Ask, &str) -> Option<Py>,
        spent: &mut Spent,
    ) -> Result<Argument, Failed> {
        let parsed = self.file.parsed.as_ref().map_err(Clone::clone)?;
        let is_it = |function: &&StmtFunctionDef| decorated(function).is_some_and(|name| name == self.name);
        let mut found = parsed.functions.iter().filter(is_it);
        let (Some(function), None) = (found.next(), found.next()) else {
            return Err(Failed { what: "the file defines it more than once".to_owned(), at: 0, is_raised: false });
        };
        if function.decorator_list.len() > 1 {
            return Err(Failed::unknown("what other decorators make of it", &function.name));
        }
        // several from one macro are several arguments, as in SQLMesh
        let several = |argument: Argument| match argument {
            Argument::One(sql) => vec![sql],
            Argument::Many(items) => items,
        };
        let args = args.into_iter().flat_map(several).map(Py::Sql);
        let args = std::iter::once(Py::Evaluator).chain(args).collect();
        let named = named.into_iter().map(|(name, argument)| match argument {
            Argument::One(sql) => Ok((name, Py::Sql(sql))),
            Argument::Many(_) => Err(Failed::unknown("several values for one parameter", &function.name)),
        });
        let named = named.collect::<Result<_, _>>()?;
        let mut run = Run::new(&self.file, variable, spent);
        let values = run.bind(function, args, named, &coerced, &|own, name| own.eq_ignore_ascii_case(name))?;
        let given = run.call(function, values)?;
        let sql = |value: &Py| {
            value.sql().ok_or_else(|| Failed::unknown(&format!("{} as SQL", value.kind()), &function.name))
        };
        Ok(match &given {
            Py::None => Argument::Many(Vec::new()),
            Py::List(_) | Py::Tuple(_) => {
                let items = run.items(&given, &function.name)?;
                let items = items.iter().filter(|item| !matches!(item, Py::None));
                Argument::Many(items.map(sql).collect::<Result<_, _>>()?)
            }
            one => Argument::One(sql(one)?),
        })
    }
}

impl Expander<'_> {
    /// A macro in Python.
    pub(super) fn python(
        &mut self,
        python: &PythonMacro,
        source: Source<'_>,
        raw: &[RawArgument],
        span: &Span,
        context: Context<'_>,
    ) -> Result<Argument, Problem> {
        let (mut args, mut named) = (Vec::new(), Vec::new());
        for argument in raw {
            let value = self.argument(source, &argument.lexemes, context)?;
            match &argument.name {
                Some(name) => named.push((name.clone(), value)),
                None => args.push(value),
            }
        }
        self.macros_used.insert(python.name.to_lowercase());
        let (scope, mut spent) = (self.scope, self.python);
        let mut variable = |ask: Ask, name: &str| {
            self.used(name);
            let found: Option<&Value> = match ask {
                Ask::Variable => scope.config.get(name),
                Ask::Blueprint => scope.blueprint.get(name),
                Ask::Local => scope.named.get(name).filter(|_| name == "runtime_stage"),
            };
            found.map(of_variable)
        };
        let failed = |failed: Failed| {
            let place = python.file.place(failed.at);
            let what = format!("in the macro `@{}` ({place}): {}", python.name, failed.what);
            let help =
                "of Python, macros here have what puts SQL together: write the others in SQL, `MACRO name(a) AS …;`";
            Problem { help: (!failed.is_raised).then(|| help.to_owned()), ..problem(what, span.clone()) }
        };
        let given = python.call(args, named, &mut variable, &mut spent);
        self.python = spent;
        let given = given.map_err(failed)?;
        placed(given, source, span).ok_or_else(|| {
            let what = format!("the macro `@{}` gives several values where one is wanted", python.name);
            problem(what, span.clone())
        })
    }
}

/// Words that a list may stand behind, and those that may stand behind it.
const BEFORE_LISTS: [&str; 4] = ["select", "distinct", "by", "all"];
const BEHIND_LISTS: [&str; 11] =
    ["from", "where", "group", "having", "order", "limit", "qualify", "window", "union", "except", "intersect"];

/// What a macro gave, as it may stand between its neighbours: several values between commas, and one as a whole beside what
/// binds stronger in text than in a tree, as SQLMesh has it. None where several would be torn apart.
fn placed(given: Argument, source: Source<'_>, span: &Span) -> Option<Argument> {
    let first = source.lexemes.partition_point(|lexeme| lexeme.span.end <= span.start);
    let before = first.checked_sub(1).and_then(|at| source.lexemes.get(at));
    let behind = source.lexemes.get(source.lexemes.partition_point(|lexeme| lexeme.span.start < span.end));
    let is = |lexeme: Option<&Lexeme>, signs: &[&str]| {
        lexeme.is_some_and(|lexeme| signs.iter().any(|sign| lexeme.is_symbol(sign)))
    };
    let is_word = |lexeme: Option<&Lexeme>, words: &[&str]| {
        lexeme.is_some_and(|lexeme| words.iter().any(|word| lexeme.is_keyword(word)))
    };
    match given {
        Argument::Many(items) if items.len() > 1 => {
            let opens = before.is_none() || is(before, &[",", "(", ";", "["]) || is_word(before, &BEFORE_LISTS);
            let closes = behind.is_none() || is(behind, &[",", ")", ";", "]"]) || is_word(behind, &BEHIND_LISTS);
            (opens && closes).then_some(Argument::Many(items))
        }
        Argument::One(sql) if is(before, &["**", "^"]) || is(behind, &["**", "^", "["]) => {
            Some(Argument::One(text::operand(&sql)))
        }
        given => Some(given),
    }
}

#[cfg(test)]
mod tests;
