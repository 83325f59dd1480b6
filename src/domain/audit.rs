//! Audits: queries that give the bad rows of a model. None found, the audit passes.
//!
//! Three things meet here: the calls in a header (`audits (not_null(columns := (id)))`, [`calls`]), the audits that
//! everyone has ([`Builtin`]) and those that a project writes itself ([`CustomAudit`]). [`resolve`] brings them
//! together and says what is wrong with a call; the SQL comes from [`Builtin::bad_rows`], or for a project's own audit
//! from its query, once its macros are expanded.

mod across;
mod arguments;
mod calls;
mod catalog;
mod custom;
mod read;
mod rows;
mod statistics;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;

pub use self::arguments::Builtin;
pub use self::calls::{Argument, Call, calls};
pub use self::catalog::names;
pub use self::custom::{CustomAudit, Header};
use super::diagnostic::{Problem, nearest};
use super::sql::Span;

/// What the name of a call stands for.
#[derive(Debug, Clone, PartialEq)]
pub enum Resolved<'a> {
    /// An audit that everyone has, with its arguments checked.
    Builtin(Builtin),
    /// An audit of the project. Its arguments can't be checked here: the macros of its query are the parameters.
    Custom(&'a CustomAudit),
}

/// Finds what a call means. A project's own audit goes before a built-in one of the same name, as in SQLMesh; of two of
/// its own, the first.
pub fn resolve<'a>(call: &Call, own: &[&'a CustomAudit]) -> Result<Resolved<'a>, Vec<Problem>> {
    if let Some(audit) = own.iter().copied().find(|audit| audit.header.name == call.name) {
        return Ok(Resolved::Custom(audit));
    }
    match catalog::find(&call.name) {
        Some((rule, blocking)) => Builtin::check(rule, blocking, call).map(Resolved::Builtin),
        None => Err(vec![unknown(call, own)]),
    }
}

/// Whether a failure of this call stops what comes after: the call has the last word, then the audit itself.
pub fn is_blocking(call: &Call, resolved: &Resolved<'_>) -> bool {
    match resolved {
        Resolved::Builtin(builtin) => builtin.blocking,
        Resolved::Custom(audit) => call.blocking.unwrap_or_else(|| audit.header.is_blocking()),
    }
}

/// How many bad rows there are. The query may end in a comment, but not in a semicolon.
pub fn count_query(bad_rows: &str) -> String {
    format!("SELECT count(*) FROM (\n{bad_rows}\n) AS audit")
}

/// Some of the bad rows, to show.
pub fn sample_query(bad_rows: &str, limit: usize) -> String {
    format!("SELECT * FROM (\n{bad_rows}\n) AS audit LIMIT {limit}")
}

fn unknown(call: &Call, own: &[&CustomAudit]) -> Problem {
    let names = catalog::names().map(|name| -> &str { name }).chain(own.iter().map(|audit| audit.header.name.as_str()));
    let help = match nearest(&call.name, names) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("write it into audits/: AUDIT (name {}); SELECT * FROM @this_model WHERE …", call.name),
    };
    problem(format!("unknown audit `{}`", call.name), call.span.clone(), Some(help))
}

fn problem(what: impl Into<String>, span: Span, help: Option<String>) -> Problem {
    Problem { what: what.into(), span, help }
}
