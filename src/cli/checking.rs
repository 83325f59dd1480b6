//! The commands that check: audits of data, and unit tests.

use std::cell::RefCell;
use std::collections::BTreeSet;

use serde_json::json;

use super::args;
use super::render::{BOLD, DIM, GREEN, RED, YELLOW, count, diagnostic, paint, rows_diff, some, table};
use super::{DONE, Face, Verdict, error, say_json};
use crate::adapter::engine::WarehouseError;
use crate::domain::diagnostic::{Note, nearest};
use crate::domain::name::ModelName;
use crate::domain::pattern;
use crate::domain::plan::Plan;
use crate::domain::selector::Selector;
use crate::workflow::audits::Audited;
use crate::workflow::background::failure::{self, Stopped};
use crate::workflow::check::Checked;
use crate::workflow::error::Error;
use crate::workflow::new_test::{Wish, Written};
use crate::workflow::session::Session;
use crate::workflow::tree::Tree;
use crate::workflow::unit_tests::{Tested, Tests};

/// What `git bisect run` takes for: this commit can't be tested.
const SKIP: u8 = 125;

/// `vmesh check`
pub(super) fn check(face: &Face, args: &args::Check) -> Verdict {
    let checked =
        face.session().and_then(|mut session| session.check(&args.sql, args.at.as_deref(), args.limit.max(1)));
    face.teller.clear();
    let Checked { at, rows, built } = match checked {
        Ok(checked) => checked,
        Err(Error::Warehouse(WarehouseError::Interrupted)) => return Err(WarehouseError::Interrupted.into()),
        Err(problem) => {
            if face.is_json() {
                say_json(&error::json(&problem));
            }
            error::print(&problem);
            tell!("note: nothing can be said of this commit: git bisect skips it");
            return Ok(SKIP);
        }
    };
    let holds = rows.rows.is_empty();
    let text = || {
        let built =
            if built.is_empty() { String::new() } else { paint(DIM, format!(" · {} built for it", some(&built, 4))) };
        match holds {
            true => format!("{} at {at}: no row{built}\n", paint(GREEN, "holds")),
            false => format!("{}{} at {at}{built}\n", table::rows(&rows), paint(RED, "does not hold")),
        }
    };
    face.print(text, || json!({"at": at, "holds": holds, "rows": rows.rows, "more": rows.more, "built": built}));
    Ok(if holds { DONE } else { error::FAILED })
}

/// `vmesh audit`
pub(super) fn audit(face: &Face, args: &args::Audit) -> Verdict {
    let session = face.session()?;
    let target = match &args.env {
        Some(env) => session.target(Some(env), None)?,
        None => session.readable_target()?,
    };
    let prepared = session.prepare(target)?;
    let only = if let [only] = args.models.as_slice() { Some(only.as_str()) } else { None };
    let standalone = only.filter(|name| session.is_standalone(&prepared, name));
    let wanted = match standalone {
        Some(_) => Vec::new(),
        None => session.models_meant(&prepared, &args.models)?,
    };
    let all = session.audit(&prepared, &|name| wanted.contains(name), standalone)?;
    let is_bad = |audited: &&Audited| match &audited.found {
        Ok(found) => audited.blocking && found.is_some(),
        Err(_) => true,
    };
    let plan = prepared.plan(&session, &session.state_of(&prepared.target.environment)?)?;
    let is_meant = |model: &ModelName| standalone.is_none() && wanted.contains(model);
    let mut stopped = failure::stopped(&session, &prepared.target.branch);
    stopped.retain(|stopped| !plan.is_done() && is_meant(&stopped.model));
    let failed = all.iter().any(|audited| is_bad(&audited)) || !stopped.is_empty();
    let text = || {
        let shown = not_shown(&plan, &stopped);
        if all.is_empty() {
            return format!("no audits\n{shown}");
        }
        let mut out: String = all.iter().map(line).collect();
        let wrong = all.iter().filter(|audited| !matches!(audited.found, Ok(None))).count();
        out.push_str(&format!("{} · {wrong} with wrong rows\n", count(all.len(), "audit")));
        out + &shown
    };
    let data = || {
        let one = |audited: &Audited| {
            json!({
                "model": audited.model, "audit": audited.audit, "blocking": audited.blocking,
                "wrong": audited.found.as_ref().ok().map(|found| found.as_ref().map_or(0, |failure| failure.count)),
                "error": audited.found.as_ref().err().map(|problem| &problem.what),
            })
        };
        let of_build = |stopped: &Stopped| {
            json!({
                "model": stopped.model, "audit": stopped.audit, "blocking": true, "wrong": stopped.count,
                "error": null, "stopped": true, "query": stopped.query,
            })
        };
        json!(all.iter().map(one).chain(stopped.iter().map(of_build)).collect::<Vec<_>>())
    };
    face.print(text, data);
    Ok(if failed { error::FAILED } else { DONE })
}

/// That what was audited is not what the files say, and which builds audits stopped.
fn not_shown(plan: &Plan, stopped: &[Stopped]) -> String {
    if plan.is_done() {
        return String::new();
    }
    let to_build = match plan.builds().count() {
        0 => String::new(),
        builds => format!(": {} to build", count(builds, "model")),
    };
    let mut out = format!("`{}` does not show these files{to_build}\n", plan.environment);
    for Stopped { model, audit, count: wrong, query } in stopped {
        let rows = count(usize::try_from(*wrong).unwrap_or(usize::MAX), "wrong row");
        let told = format!("the build of `{model}` was stopped: audit `{audit}` found {rows}");
        out.push_str(&format!("{}\n", paint(RED, &told)));
        if let Some(query) = query {
            out.push_str(&format!("  vmesh query \"{query}\"\n"));
        }
    }
    out
}

/// `vmesh test`
pub(super) fn test(face: &Face, args: &args::Test) -> Verdict {
    let session = face.session()?;
    let tree = session.tree_here(&session.readable_target()?.tree)?;
    if let Some(model) = &args.create {
        return create(face, &session, &tree, model, args);
    }
    let glob = args.pattern.as_ref().and_then(|pattern| pattern::compile(pattern).ok());
    let names = RefCell::new(BTreeSet::new());
    let is_model = |name: &String| session.models_of(&tree, std::slice::from_ref(name)).is_ok();
    let meant = match args.pattern.as_ref().filter(|pattern| Selector::is_meant(pattern)) {
        Some(selector) => Some(session.models_of(&tree, std::slice::from_ref(selector))?),
        None => None,
    };
    // models without tests are there, all the same
    let is_there = || args.pattern.as_ref().is_some_and(|pattern| meant.is_some() || is_model(pattern));
    let wanted = |name: &str, path: &str, model: &ModelName| match (&glob, &args.pattern) {
        _ if let Some(meant) = &meant => meant.contains(model),
        (Some(glob), Some(pattern)) => {
            let file = path.rsplit('/').next().unwrap_or(path);
            names.borrow_mut().extend([name.to_owned(), model.to_string()]);
            [name, path, file].iter().any(|one| glob.is_match(one))
                || glob.is_match(model.to_string())
                || *pattern == format!("{path}::{name}")
        }
        _ => true,
    };
    let found = session.test(&tree, &wanted)?;
    for problem in &found.broken {
        tell!("{}", diagnostic::render(problem, false));
    }
    for path in &found.unread {
        tell!("warning: {path} is not read: the names of test files begin with `test`");
    }
    let all = &found.tested;
    if let Some(typed) = args.pattern.as_ref().filter(|_| all.is_empty() && found.broken.is_empty() && !is_there()) {
        let near = nearest(typed, names.borrow().iter().map(String::as_str)).map(str::to_owned);
        return Err(Error::Query {
            message: format!("no test is called `{typed}`, nor its file or model"),
            help: Some(
                near.map_or_else(|| "vmesh test runs them all".to_owned(), |near| format!("did you mean `{near}`?")),
            ),
        });
    }
    let none = match &args.pattern {
        Some(_) if is_there() => "no tests of these models".to_owned(),
        Some(pattern) => format!("no test is called `{pattern}`, nor its file or model"),
        None => "no tests".to_owned(),
    };
    face.print(|| tests_told(&found, &none), || json!(all.iter().map(tested_json).collect::<Vec<_>>()));
    let nothing = all.is_empty() && args.pattern.is_some() && !is_there();
    Ok(if found.is_passed() && !nothing { DONE } else { error::FAILED })
}

/// A test's outcome as data.
/// What came of tests; `none` says that there was none.
fn tests_told(found: &Tests, none: &str) -> String {
    let broken = match found.broken.len() {
        0 => String::new(),
        broken => format!(" · {} can't be read", count(broken, "file")),
    };
    if found.tested.is_empty() {
        return format!("{none}{broken}\n");
    }
    let failed = found.tested.iter().filter(|tested| !tested.is_passed()).count();
    let told: String = found.tested.iter().map(tested).collect();
    format!("{told}{} · {failed} failed{broken}\n", count(found.tested.len(), "test"))
}

fn tested_json(tested: &Tested) -> serde_json::Value {
    let error = tested.outcome.as_ref().err().map(|problem| &problem.what);
    let differences = tested.outcome.as_ref().map(Vec::len).unwrap_or_default();
    json!({
        "name": tested.name, "file": tested.path, "model": tested.model, "passed": tested.is_passed(),
        "differences": differences, "error": error,
    })
}

/// `vmesh test --create`
fn create(face: &Face, session: &Session<'_>, tree: &Tree, model: &str, args: &args::Test) -> Verdict {
    let written = session.create_test(
        tree,
        &Wish {
            model,
            queries: pairs(&args.query),
            vars: pairs(&args.var),
            name: args.name.as_deref(),
            path: args.path.as_deref(),
            ctes: args.ctes,
        },
    )?;
    let text = || {
        let Written { name, path, added, inputs, rows } = &written;
        let verb = if *added { "added" } else { "wrote" };
        let given: Vec<String> = inputs.iter().map(|(model, rows)| format!("{model} ({rows})")).collect();
        let given = if given.is_empty() { String::new() } else { format!(" · given rows of {}", given.join(", ")) };
        let mut out = format!("{verb} {} in {path}{given} · {} expected\n", paint(BOLD, name), count(*rows, "row"));
        if *rows == 0 && !inputs.is_empty() {
            out.push_str("the model makes nothing of these rows; others: --query PARENT \"SELECT … WHERE …\"\n");
        }
        out
    };
    face.print(text, || json!({"name": written.name, "file": written.path, "rows": written.rows}));
    Ok(DONE)
}

/// Each two values of an option that takes two.
fn pairs(list: &[String]) -> Vec<(&str, &str)> {
    list.chunks_exact(2).map(|pair| (pair[0].as_str(), pair[1].as_str())).collect()
}

/// What came of a test: a line, and the rows that differ.
pub(super) fn tested(tested: &Tested) -> String {
    let Tested { name, path, model, outcome } = tested;
    match outcome {
        Ok(differences) if differences.is_empty() => {
            format!("{} {name} {}\n", paint(GREEN, "✓"), paint(DIM, format!("· {model}")))
        }
        Ok(differences) => {
            let rows: String = differences.iter().map(rows_diff::difference).collect();
            format!("{} {name} {}\n{rows}", paint(RED, "✗"), paint(DIM, format!("· {model} · {path}")))
        }
        Err(problem) => {
            let place = problem.at.as_ref().map_or_else(
                || path.clone(),
                |at| {
                    let (line, column) = at.line_and_column();
                    format!("{}:{line}:{column}", at.path)
                },
            );
            let mut out = format!("{} {name} {}\n", paint(RED, "✗"), paint(DIM, format!("· {model} · {place}")));
            let help = problem.help.iter().map(|help| format!("help: {help}"));
            for text in
                std::iter::once(problem.what.clone()).chain(problem.notes.iter().map(Note::to_string)).chain(help)
            {
                out.push_str(&text.lines().map(|line| format!("    {line}\n")).collect::<String>());
            }
            out
        }
    }
}

fn line(audited: &Audited) -> String {
    let Audited { model, audit, blocking, found } = audited;
    let name = model.as_ref().map_or_else(|| audit.clone(), |model| format!("{model} · {audit}"));
    let failure = match found {
        Ok(None) => return format!("{} {name}\n", paint(GREEN, "✓")),
        Ok(Some(failure)) => failure,
        Err(problem) => return format!("{} {name}\n{}\n", paint(RED, "✗"), diagnostic::render(problem, false)),
    };
    let sign = if *blocking { paint(RED, "✗") } else { paint(YELLOW, "!") };
    let mut out = format!("{sign} {name} · {}\n", count(failure.count as usize, "wrong row"));
    out.extend(failure.sample().iter().map(|row| format!("    {row}\n")));
    out
}
