//! SQLMesh's macros in the text of a model: `@variables`, `@EACH(…)` and its like, the project's own, and Jinja.
//!
//! Text outside of macros stays as written, byte for byte; what a macro gives goes into its place, on as many lines as
//! the macro took, so that the engine's line numbers stay those of the file (Jinja loops excepted). As in SQLMesh, what
//! goes in is not put in parentheses: `@DEF(x, a + b)` makes `@x * 2` into `a + b * 2`, and a cast is of all of it:
//! `@x::INT` is `(a + b)::INT`.
//!
//! A stranger's branch is expanded by this code: it reads nothing but its arguments, and steps, depth and sizes are
//! bounded.

mod blueprint;
mod call;
mod clause;
mod definition;
mod expander;
mod expression;
mod file;
mod generate;
mod jinja;
mod jinja_env;
mod jinja_text;
mod jinja_values;
mod map;
mod place;
mod project;
mod python;
mod scan;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;
mod text;
mod value;
mod variable;

use std::collections::BTreeSet;

pub use self::blueprint::Blueprint;
pub use self::definition::{Body, Macro, Macros, Parameter, read_macros};
pub use self::file::{Defaults, File};
pub use self::map::Map;
pub(super) use self::python::{BLANK, settings as python_settings};
pub use self::python::{PythonMacro, python_macros, python_model};
pub use self::value::{Local, Locals, Value, Variables};
use super::diagnostic::Problem;
use super::sql::{self, Lexeme, Token};

/// The most that a text may expand to.
const LARGEST: usize = 10 << 20;

/// Stands around the names of variables whose value nobody knows before a model is run. In a text that is expanded with
/// them, no decision may hang on such a variable.
const MARK: char = '\u{1}';

/// What stands for a variable whose value is only known when a model is run, so that texts which use different ones
/// differ.
pub fn marked(name: &str) -> String {
    format!("'{MARK}{name}{MARK}'")
}

/// What macros can see.
#[derive(Clone, Copy)]
pub struct Scope<'s> {
    /// The project's variables, the gateway's laid over them.
    pub config: &'s Variables,
    /// The blueprint's variables.
    pub blueprint: &'s Variables,
    /// What `@DEF` defined in the file's earlier statements.
    pub locals: &'s Locals,
    /// What the tool itself gives: `this_model`, `gateway`, `model_kind_name`, `runtime_stage`, `default_catalog`, …
    pub named: &'s Variables,
    /// The SQL of a time variable (`start_ds`), named in lower case.
    pub time: &'s dyn Fn(&str) -> Option<String>,
    /// The columns of a relation and their types, as far as they are known.
    pub columns_of: &'s Columns<'s>,
    /// The project's own macros.
    pub macros: &'s Macros,
}

/// The columns of a relation, named by its parts, and their types.
pub type Columns<'s> = dyn Fn(&[String]) -> Option<Vec<(String, Option<String>)>> + 's;

/// A text without macros, and what it took to get it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Expanded {
    /// The text. Blank if nothing is left of it.
    pub text: String,
    /// Where it came from.
    pub map: Map,
    /// The variables that had a say, in lower case, time variables included.
    pub variables_used: BTreeSet<String>,
    /// The project's macros that had a say, in lower case.
    pub macros_used: BTreeSet<String>,
    /// Relations whose columns had a say.
    pub relations_asked: BTreeSet<Vec<String>>,
    /// What `@DEF` defined, for the file's later statements.
    pub defined: Locals,
}

/// Whether a text has a macro, a variable or Jinja in it. DuckDB's absolute value `@ x` and its operators `@>` and `<@`
/// are none.
pub fn is_dynamic(lexemes: &[Lexeme]) -> bool {
    let touches = |at: usize| matches!(lexemes.get(at..at + 2), Some([a, b]) if a.span.end == b.span.start);
    lexemes.iter().enumerate().any(|(at, lexeme)| match &lexeme.token {
        Token::Symbol(symbol) if symbol == "@" => {
            let operator =
                at > 0 && touches(at - 1) && (lexemes[at - 1].is_symbol("<") || lexemes[at - 1].is_symbol("@"));
            let named = match lexemes.get(at + 1).map(|next| &next.token) {
                Some(Token::Word { .. } | Token::String(_)) => true,
                Some(Token::Symbol(next)) => next == "{",
                _ => false,
            };
            !operator && named && touches(at)
        }
        Token::Symbol(symbol) => ["{{", "{%", "{#"].iter().any(|open| symbol.starts_with(open)),
        Token::Word { text, quoted } => *quoted && text.contains('@'),
        _ => false,
    })
}

/// The macros that a text calls, `@name(…)`, but those that are built in or that it defines itself.
pub fn other_calls(text: &str) -> Vec<String> {
    let lexemes = sql::lex(text).unwrap_or_default();
    let word = |at: usize| match lexemes.get(at).map(|lexeme| &lexeme.token) {
        Some(Token::Word { text, .. }) => text.to_lowercase(),
        _ => String::new(),
    };
    let is = |at: usize, symbol: &str| lexemes.get(at).is_some_and(|lexeme| lexeme.is_symbol(symbol));
    let is_call = |at: &usize| is(*at, "@") && is(*at + 2, "(");
    let calls = || (0..lexemes.len()).filter(is_call);
    let defined: Vec<String> = calls().filter(|at| word(at + 1) == "def").map(|at| word(at + 3)).collect();
    let names = calls().map(|at| word(at + 1));
    names
        .filter(|name| !name.is_empty() && !call::BUILT_IN.contains(&name.as_str()) && !defined.contains(name))
        .collect()
}

/// Expands the macros in one or more statements. Jinja is rendered first, as in SQLMesh.
pub fn expand(text: &str, scope: &Scope<'_>) -> Result<Expanded, Problem> {
    let Some(rendered) = jinja::render(text, scope)? else {
        return expander::expand(text, scope);
    };
    let is_marked = |name: &String| (scope.time)(name).is_some_and(|value| value.contains(MARK));
    if rendered.variables_used.iter().any(is_marked) && !jinja_text::has_only_names(text) {
        return Err(scan::problem("what Jinja makes of this depends on when it is run", 0..text.len()));
    }
    let led_back = |problem: Problem| Problem { span: rendered.map.original(&problem.span), ..problem };
    let mut expanded = expander::expand(&rendered.text, scope).map_err(led_back)?;
    expanded.map = expanded.map.after(&rendered.map);
    expanded.variables_used.extend(rendered.variables_used);
    expanded.macros_used.extend(rendered.macros_used);
    Ok(expanded)
}

/// Lexes a text; the error is a problem at its place.
fn lexed(text: &str) -> Result<Vec<Lexeme>, Problem> {
    sql::lex(text).map_err(Problem::from)
}
