//! `vmesh lint`, and what plans say of the linter's rules.

use std::collections::BTreeSet;

use serde_json::json;

use super::args;
use super::render::{RED, YELLOW, count, diagnostic, paint};
use super::{DONE, Face, Verdict, error};
use crate::domain::config::Level;
use crate::domain::name::ModelName;
use crate::workflow::error::Error;
use crate::workflow::lint::Violation;
use crate::workflow::planning::Prepared;
use crate::workflow::session::Session;

/// `vmesh lint`
pub(super) fn lint(face: &Face, args: &args::Lint) -> Verdict {
    let session = face.session()?;
    let tree = session.tree_here(&session.source_here()?)?;
    let wanted = session.models_of(&tree, &args.models)?;
    let violations = session.lint(&tree, &|name| wanted.contains(name))?;
    let errors = of_level(&violations, Level::Error).count();
    let text = || {
        let mut out: String = violations.iter().map(drawn).collect();
        let mut parts = vec![count(wanted.len(), "model")];
        let warnings = violations.len() - errors;
        parts.extend((errors > 0).then(|| paint(RED, count(errors, "error"))));
        parts.extend((warnings > 0).then(|| paint(YELLOW, count(warnings, "warning"))));
        parts.extend(violations.is_empty().then(|| "nothing to complain about".to_owned()));
        out.push_str(&format!("{}\n", parts.join(" · ")));
        out
    };
    face.print(text, || json!(violations.iter().map(as_json).collect::<Vec<_>>()));
    Ok(if errors > 0 { error::FAILED } else { DONE })
}

/// Lints before a plan is told or applied: an error stops it, warnings are printed. Once is enough. Whether there is
/// nothing to complain about.
pub(super) fn first(face: &Face, session: &mut Session<'_>, prepared: &Prepared) -> Result<bool, Error> {
    let is_linted = !session.skip_linter;
    let warnings = session.lint_first(&prepared.desired)?;
    session.skip_linter = true;
    if !warnings.is_empty() && !face.is_json() {
        let models: BTreeSet<&ModelName> = warnings.iter().map(|warning| &warning.model).collect();
        let (rules, models) = (count(warnings.len(), "violated rule"), count(models.len(), "model"));
        tell!("warning: {rules} in {models}: vmesh lint shows them");
    }
    Ok(is_linted && warnings.is_empty())
}

fn of_level(violations: &[Violation], level: Level) -> impl Iterator<Item = &Violation> {
    violations.iter().filter(move |violation| violation.level == level)
}

fn drawn(violation: &Violation) -> String {
    format!("{}\n\n", diagnostic::render(&violation.problem, violation.level == Level::Warning))
}

fn as_json(violation: &Violation) -> serde_json::Value {
    let Violation { rule, level, model, problem } = violation;
    let level = match level {
        Level::Error => "error",
        Level::Warning => "warning",
    };
    let mut told = diagnostic::json(problem);
    told["rule"] = json!(rule.name());
    told["level"] = json!(level);
    told["model"] = json!(model);
    told
}
