//! The calls of audits in a model's header.

use serde::{Deserialize, Serialize};

use super::super::diagnostic::Problem;
use super::super::sql::{Lexeme, Span, Token};
use super::{problem, read};

/// One call: `not_null(columns := (a, b), blocking := false)`, or only a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// The audit's name in lower case.
    pub name: String,
    /// The arguments in the order of the text; `blocking` is none of them.
    pub arguments: Vec<Argument>,
    /// What the call says about stopping, if it says anything.
    pub blocking: Option<bool>,
    /// Where the name stands.
    pub span: Span,
}

/// One argument of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Argument {
    /// Its name in lower case.
    pub name: String,
    /// Its value as it stands in the file.
    pub text: String,
    /// Where the name stands.
    pub span: Span,
    /// Where the value stands.
    pub value_span: Span,
}

impl Call {
    /// Has all that is said about it point at this place: its text is in another file.
    pub fn tell_at(&mut self, place: &Span) {
        self.span = place.clone();
        for argument in &mut self.arguments {
            (argument.span, argument.value_span) = (place.clone(), place.clone());
        }
    }
}

/// Reads the value of `audits`: a list in brackets, or a single call. `text` is the file that the lexemes are of.
pub fn calls(text: &str, value: &[Lexeme]) -> Result<Vec<Call>, Vec<Problem>> {
    let (mut calls, mut problems) = (Vec::new(), Vec::new());
    for element in read::elements(value) {
        match call(text, element, &mut problems) {
            Ok(call) => calls.push(call),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(calls) } else { Err(problems) }
}

fn call(text: &str, lexemes: &[Lexeme], problems: &mut Vec<Problem>) -> Result<Call, Problem> {
    let expected = || {
        let help = "for example: not_null(columns := (id))".to_owned();
        problem("expected the name of an audit", read::place(lexemes).unwrap_or(0..0), Some(help))
    };
    let [name, rest @ ..] = lexemes else { return Err(expected()) };
    let Token::Word { text: spelled, .. } = &name.token else { return Err(expected()) };
    let inner = match rest {
        [] => &[],
        [open, ..] if open.is_symbol("(") => read::bracketed(rest).ok_or_else(|| match read::matching(rest) {
            None => problem("this `(` is never closed", open.span.clone(), None),
            Some(end) => problem("expected `,` between two audits", rest[end + 1].span.clone(), None),
        })?,
        [other, ..] => return Err(problem("expected `(` or `,` after an audit's name", other.span.clone(), None)),
    };
    let mut call =
        Call { name: spelled.to_ascii_lowercase(), arguments: Vec::new(), blocking: None, span: name.span.clone() };
    for item in read::commas(inner) {
        if let Err(problem) = argument(text, item, &mut call) {
            problems.push(problem);
        }
    }
    Ok(call)
}

fn argument(text: &str, item: &[Lexeme], call: &mut Call) -> Result<(), Problem> {
    let place = read::place(item).unwrap_or_else(|| call.span.clone());
    let (name, value) = read::assignment(item).ok_or_else(|| {
        let help = format!("write {}(name := value)", call.name);
        problem("an argument of an audit has a name", place, Some(help))
    })?;
    let key = read::text(std::slice::from_ref(name)).unwrap_or_default().to_ascii_lowercase();
    let Some(value_span) = read::place(value) else {
        return Err(problem(format!("`{key}` has no value"), name.span.clone(), None));
    };
    let twice = call.arguments.iter().any(|other| other.name == key) || (key == "blocking" && call.blocking.is_some());
    if twice {
        return Err(problem(format!("`{key}` is given twice"), name.span.clone(), None));
    }
    if key == "blocking" {
        let is = read::boolean(value).ok_or_else(|| problem("`blocking` is true or false", value_span, None))?;
        call.blocking = Some(is);
    } else {
        let spelled = text.get(value_span.clone()).unwrap_or_default().to_owned();
        call.arguments.push(Argument { name: key, text: spelled, span: name.span.clone(), value_span });
    }
    Ok(())
}
