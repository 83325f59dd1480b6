//! Work that was begun and failed, problem by problem: builds, runs, unit tests, the linter. The last problem says what
//! is still true.

use super::refused;
use crate::cli::checking;
use crate::cli::render::{count, some};
use crate::domain::diagnostic::{Diagnostic, Note};
use crate::domain::name::{EnvName, ModelName};
use crate::workflow::error::BuildError;
use crate::workflow::lint::Violation;
use crate::workflow::run::{Failed, Ran};
use crate::workflow::unit_tests::{Tested, Tests};

/// So many violated rules are told where they stop a plan.
const MOST_VIOLATIONS: usize = 10;

/// What went wrong, problem by problem.
pub(super) fn describe(error: &BuildError) -> Vec<Diagnostic> {
    match error {
        BuildError::Builds { environment, failures, skipped, built } => builds(environment, failures, skipped, *built),
        BuildError::Run { ran, failed } => run(ran, failed),
        BuildError::Tests(failed) => tests(failed),
        BuildError::Lint(violations) => lint(violations),
        BuildError::BuildsNeeded { environment, models } => vec![refused::builds(environment, models)],
    }
}

/// Models that could not be built.
fn builds(
    environment: &EnvName,
    failures: &[(ModelName, Diagnostic)],
    skipped: &[ModelName],
    built: usize,
) -> Vec<Diagnostic> {
    let built = match built {
        0 => "nothing was built".to_owned(),
        1 => "the table built before is kept and will be reused".to_owned(),
        built => format!("the {built} tables built before are kept and will be reused"),
    };
    let skipped = if skipped.is_empty() { String::new() } else { format!("; not tried: {}", some(skipped, 5)) };
    let problems = failures.iter().map(|(_, problem)| problem.clone()).collect();
    let note = format!("`{environment}` is unchanged; {built}{skipped}");
    ending(problems, [note], "mend the query, then run the same command again")
}

/// Models that could not be run; what was run is kept.
fn run(ran: &Ran, failed: &Failed) -> Vec<Diagnostic> {
    let mut notes = Vec::new();
    for (model, done, loads) in &failed.models {
        notes.push(match done {
            0 => format!("`{model}` shows the rows that it showed before"),
            done => format!("`{model}`: {done} of {loads} loads were done before and are kept; a run goes on there"),
        });
    }
    let models: Vec<&ModelName> = ran.models.iter().map(|(model, _)| model).collect();
    notes.push(match models.as_slice() {
        [] => format!("nothing else was run in `{}`", ran.environment),
        models => format!("run and kept in `{}`: {}", ran.environment, some(models, 5)),
    });
    if !failed.skipped.is_empty() {
        notes.push(format!("not tried: {}", some(&failed.skipped, 5)));
    }
    ending(failed.problems.clone(), notes, "mend the query, then run the same command again")
}

/// Unit tests that failed or can't be read.
fn tests(tests: &Tests) -> Vec<Diagnostic> {
    let mut problems = tests.broken.clone();
    let failed: Vec<&Tested> = tests.tested.iter().filter(|tested| !tested.is_passed()).collect();
    if !failed.is_empty() {
        let problem = Diagnostic::new(format!("{} failed", count(failed.len(), "unit test")));
        let lines = failed.iter().map(|tested| checking::tested(tested)).collect::<String>();
        problems.push(lines.lines().fold(problem, Diagnostic::note));
    }
    ending(problems, ["nothing was built, no pointer was moved"], "mend the model or the test: vmesh test")
}

/// Violated rules of the linter.
fn lint(violations: &[Violation]) -> Vec<Diagnostic> {
    let mut problems: Vec<Diagnostic> =
        violations.iter().take(MOST_VIOLATIONS).map(|violation| violation.problem.clone()).collect();
    let more = violations.len().saturating_sub(MOST_VIOLATIONS);
    if let Some(last) = problems.last_mut() {
        last.notes.extend((more > 0).then(|| format!("{} more: vmesh lint", count(more, "violation")).into()));
        last.notes.push("nothing was built, no pointer was moved; --skip-linter goes on all the same".into());
    }
    problems
}

/// Problems of which the last tells what is still true, and what to do if it doesn't say so itself.
fn ending<N: Into<Note>>(
    mut problems: Vec<Diagnostic>,
    notes: impl IntoIterator<Item = N>,
    help: &str,
) -> Vec<Diagnostic> {
    if let Some(last) = problems.last_mut() {
        last.notes.extend(notes.into_iter().map(Into::into));
        last.help.get_or_insert_with(|| help.to_owned());
    }
    problems
}
