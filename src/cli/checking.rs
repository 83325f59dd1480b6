//! The commands that check: audits of data, and unit tests.

use serde_json::json;

use super::args;
use super::render::{DIM, GREEN, RED, YELLOW, count, paint};
use super::{DONE, Face, Verdict, error};
use crate::adapter::warehouse::Difference;
use crate::domain::name::ModelName;
use crate::workflow::audits::Audited;
use crate::workflow::unit_tests::Tested;

/// `vmesh audit`
pub(super) fn audit(face: &Face, args: &args::Audit) -> Verdict {
    let session = face.session()?;
    let prepared = session.prepare(session.target(args.env.as_deref(), None)?)?;
    let wanted = session.models_meant(&prepared, args.model.as_deref())?;
    let all = session.audit(&prepared, &|name| wanted.contains(name))?;
    let failed = all.iter().any(|audited| audited.blocking && audited.failure.is_some());
    let text = || {
        if all.is_empty() {
            return "no audits\n".to_owned();
        }
        let mut out: String = all.iter().map(line).collect();
        let wrong = all.iter().filter(|audited| audited.failure.is_some()).count();
        out.push_str(&format!("{} · {wrong} found wrong rows\n", count(all.len(), "audit")));
        out
    };
    let data = || {
        let one = |audited: &Audited| {
            json!({
                "model": audited.model, "audit": audited.audit, "blocking": audited.blocking,
                "wrong": audited.failure.as_ref().map_or(0, |failure| failure.count),
            })
        };
        json!(all.iter().map(one).collect::<Vec<_>>())
    };
    face.print(text, data);
    Ok(if failed { error::FAILED } else { DONE })
}

/// `vmesh test`
pub(super) fn test(face: &Face, args: &args::Test) -> Verdict {
    let session = face.session()?;
    let tree = session.tree(&session.target(None, None)?.tree)?;
    let glob = args.pattern.as_ref().and_then(|pattern| globset::Glob::new(pattern).ok());
    let glob = glob.map(|glob| glob.compile_matcher());
    let wanted = |name: &str, path: &str, model: &ModelName| match (&glob, &args.pattern) {
        (Some(glob), Some(pattern)) => {
            let file = path.rsplit('/').next().unwrap_or(path);
            [name, path, file].iter().any(|one| glob.is_match(one))
                || glob.is_match(model.to_string())
                || *pattern == format!("{path}::{name}")
        }
        _ => true,
    };
    let all = session.test(&tree, &wanted)?;
    let failed = all.iter().filter(|tested| !tested.is_passed()).count();
    let text = || {
        if all.is_empty() {
            return "no tests\n".to_owned();
        }
        format!("{}{} · {failed} failed\n", all.iter().map(tested).collect::<String>(), count(all.len(), "test"))
    };
    let data = || {
        let one = |tested: &Tested| {
            let error = tested.outcome.as_ref().err();
            let differences = tested.outcome.as_ref().map(Vec::len).unwrap_or_default();
            json!({
                "name": tested.name, "file": tested.path, "model": tested.model, "passed": tested.is_passed(),
                "differences": differences, "error": error,
            })
        };
        json!(all.iter().map(one).collect::<Vec<_>>())
    };
    face.print(text, data);
    Ok(if failed > 0 || (all.is_empty() && args.pattern.is_some()) { error::FAILED } else { DONE })
}

/// What came of a test: a line, and the rows that differ.
pub(super) fn tested(tested: &Tested) -> String {
    let Tested { name, path, model, outcome } = tested;
    if tested.is_passed() {
        return format!("{} {name} {}\n", paint(GREEN, "✓"), paint(DIM, format!("· {model}")));
    }
    let mut out = format!("{} {name} {}\n", paint(RED, "✗"), paint(DIM, format!("· {model} · {path}")));
    match outcome {
        Err(message) => out.push_str(&format!("    DuckDB: {message}\n")),
        Ok(differences) => differences.iter().for_each(|difference| out.push_str(&rows(difference))),
    }
    out
}

/// The rows that differ: `-` was expected and is missing, `+` is there and was not expected.
fn rows(difference: &Difference) -> String {
    let Difference { what, unknown, missing, unexpected } = difference;
    if !unknown.is_empty() {
        return format!("    {what}: there is no column {}\n", unknown.join(", "));
    }
    let sample = if missing.1.columns.is_empty() { &unexpected.1 } else { &missing.1 };
    let names: Vec<&str> = sample.columns.iter().skip(1).map(|(name, _)| name.as_str()).collect();
    let mut out = format!("    {what}: {} missing, {} unexpected\n", missing.0, unexpected.0);
    out.push_str(&format!("      {}\n", names.join(" | ")));
    for (sign, style, (_, rows)) in [("-", RED, missing), ("+", GREEN, unexpected)] {
        for row in &rows.rows {
            let mut values = row.iter().map(|value| value.as_deref().unwrap_or("NULL"));
            let times = values.next().filter(|times| *times != "1");
            let times = times.map(|times| format!(" ({times} times)")).unwrap_or_default();
            let line = format!("{sign} {}{times}", values.collect::<Vec<_>>().join(" | "));
            out.push_str(&format!("    {}\n", paint(style, line)));
        }
    }
    out
}

fn line(audited: &Audited) -> String {
    let Audited { model, audit, blocking, failure } = audited;
    let Some(failure) = failure else { return format!("{} {model} · {audit}\n", paint(GREEN, "✓")) };
    let sign = if *blocking { paint(RED, "✗") } else { paint(YELLOW, "!") };
    let mut out = format!("{sign} {model} · {audit} · {}\n", count(failure.count as usize, "wrong row"));
    let names: Vec<&str> = failure.sample.columns.iter().map(|(name, _)| name.as_str()).collect();
    out.push_str(&format!("    {}\n", names.join(" | ")));
    for row in &failure.sample.rows {
        let values: Vec<&str> = row.iter().map(|value| value.as_deref().unwrap_or("NULL")).collect();
        out.push_str(&format!("    {}\n", values.join(" | ")));
    }
    out
}
