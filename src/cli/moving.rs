//! The commands that move pointers: plan, promote, rollback.

use serde_json::json;

use super::args;
use super::render::plan as told;
use super::render::wrap::wrap;
use super::render::{BOLD, DIM, count, diagnostic, json, markdown, paint, reconciled, some, table};
use super::{DONE, Face, Format, Verdict, error, lint, merging, say};
use crate::adapter::engine::Occupied;
use crate::domain::environment::State;
use crate::domain::interval::{Interval, Moment, TimeError};
use crate::domain::model::KindWord;
use crate::domain::name::{EnvName, ModelName};
use crate::domain::plan::Plan;
use crate::workflow::apply::Applied;
use crate::workflow::error::{BranchError, Error, ProdError};
use crate::workflow::planning::Prepared;
use crate::workflow::run::Ran;
use crate::workflow::session::Session;

/// `vmesh plan`
pub(super) fn plan(face: &Face, args: &args::Plan) -> Verdict {
    let mut session = face.session()?;
    limit(&mut session, args.execution_time.as_ref(), args.start.as_ref(), args.end.as_ref())?;
    session.skip_linter = args.skip_linter;
    session.skip_tests = args.skip_tests;
    if args.merged {
        return merging::merged(face, &mut session, args);
    }
    if let Some(plan) = sealed(face, &session, args)? {
        print_plan(face, &plan, false, false);
        return Ok(DONE);
    }
    // until there is something to write or to ask
    session.keep_open();
    let mut target = session.target(args.env.as_deref(), args.create_from.as_deref())?;
    session.refuse_conflicts(&target.branch)?;
    target.take_over = args.take_over;
    if !args.restate_model.is_empty() {
        return restate(face, &session, &target.environment, args);
    }
    let is_unborn = session.plans_what_is_not_committed(&mut target);
    let prepared = session.prepare(target)?;
    let state = session.state_of(&prepared.target.environment)?;
    let is_quiet = warn_first(face, &mut session, &prepared, &state)?;
    if args.yes && !args.exit_code {
        if prepared.target.environment.is_prod() {
            return Err(ProdError::ProdIsPromoted.into());
        }
        return apply(face, &session, &prepared, !args.no_build, args.explain);
    }
    let mut plan = prepared.plan(&session, &state)?;
    session.locate_edits(&prepared, &mut plan)?;
    let done = plan.is_done() && records(&plan);
    let is_quiet = warn(face, &prepared) && is_quiet;
    session.check_places(&plan)?;
    if is_plain(args) && !is_unborn {
        session.note_in_step(&prepared, &plan, &state, is_quiet)?;
    }
    let unbound = if face.is_json() { Vec::new() } else { session.unbound(&prepared, &plan, &state)? };
    session.close();
    print_plan(face, &plan, args.explain, false);
    unbound.iter().for_each(|problem| tell!("{}", diagnostic::render(problem, true)));
    if args.exit_code {
        return Ok(u8::from(!done));
    }
    if done || face.format != Format::Text {
        return Ok(DONE);
    }
    if let Some(kept) = session.owned_elsewhere(&prepared.target, &plan, &state)? {
        return Err(BranchError::OwnedElsewhere(Box::new(kept)).into());
    }
    offer(face, &session, &prepared, !args.no_build)
}

/// Applies what was told, once somebody says so.
fn offer(face: &Face, session: &Session<'_>, prepared: &Prepared, build: bool) -> Verdict {
    if prepared.target.environment.is_prod() {
        say(match prepared.target.tip {
            None => "to build it: git add --all && git commit, and vmesh promote\n",
            Some(_) => "prod is moved by: vmesh promote\n",
        });
        return Ok(DONE);
    }
    if !Face::can_ask() {
        tell!("not applied: there is no terminal to ask on; --yes applies");
        return Ok(DONE);
    }
    if !face.confirm("apply?", false, "--yes")? {
        say("nothing was changed\n");
        return Ok(DONE);
    }
    let applied = session.apply(prepared, build, &mut |_| {})?;
    face.print(|| published(&applied), || json::plan(&applied.plan, true));
    Ok(DONE)
}

/// The plan of a branch in step, where its seal holds and tells all that would be said.
fn sealed(face: &Face, session: &Session<'_>, args: &args::Plan) -> Result<Option<Plan>, Error> {
    if !is_plain(args) || args.explain || !args.restate_model.is_empty() || face.format != Format::Text {
        return Ok(None);
    }
    if session.config.outside.has_freshness() {
        return Ok(None);
    }
    let branch = match &args.env {
        Some(env) => session.branch_of(env)?,
        None => session.branch()?,
    };
    session.refuse_conflicts(&branch)?;
    let told = session.sealed(&branch)?.and_then(|known| known.told).filter(|told| told.is_all);
    let plan = told.map(|told| told.plan);
    // prod is moved by `promote` alone, even where nothing moves
    Ok(plan.filter(|plan| !(plan.environment.is_prod() && args.yes)))
}

/// Whether a plan is what hooks would make of it: as of now, and told against main.
fn is_plain(args: &args::Plan) -> bool {
    let is_timed = args.execution_time.is_some() || args.start.is_some() || args.end.is_some();
    !is_timed && args.create_from.is_none()
}

/// Tells what a plan's files are to be warned of. Whether there was nothing.
fn warn_first(face: &Face, session: &mut Session<'_>, prepared: &Prepared, state: &State) -> Result<bool, Error> {
    if session.settings_wait && !face.is_json() {
        let file = session.settings_file;
        tell!("warning: {file} differs from main's: its variables and defaults count here, all else when it is merged");
    }
    let is_clean = lint::first(face, session, prepared)?;
    let is_told = !prepared.target.environment.is_prod() && !face.is_json();
    let taken = if is_told { session.taken_in_prod(prepared, state)? } else { Vec::new() };
    for Occupied { model, place, kind, .. } in &taken {
        tell!("warning: prod can't show `{model}`: there is a {kind} {place} that vmesh did not make");
    }
    let is_still = tell_moved(face, session, prepared, state);
    Ok(is_clean && is_still && taken.is_empty() && !session.settings_wait)
}

/// Takes over the times that were given: now, the first and the last.
pub(super) fn limit(
    session: &mut Session<'_>,
    now: Option<&String>,
    start: Option<&String>,
    end: Option<&String>,
) -> Result<(), Error> {
    let timing = &mut session.timing;
    let wrong = |error: TimeError| Error::Usage {
        what: error.to_string(),
        help: "--start 2026-01-01 --end 2026-01-31 --execution-time '2026-02-01 06:00:00'".to_owned(),
    };
    if let Some(now) = now {
        timing.now = Moment::read(now, timing.now).map_err(wrong)?;
    }
    timing.start = start.map(|start| Moment::read(start, timing.now)).transpose().map_err(wrong)?;
    timing.end = end.map(|end| Moment::read_end(end, timing.now)).transpose().map_err(wrong)?;
    if timing.start.zip(timing.end).is_some_and(|(start, end)| start >= end) {
        let what = "the start is not before the end".to_owned();
        return Err(Error::Usage { what, help: "--start 2026-01-01 --end 2026-01-31".to_owned() });
    }
    Ok(())
}

/// `vmesh run`
pub(super) fn run(face: &Face, args: &args::Run) -> Verdict {
    let mut session = face.session()?;
    limit(&mut session, args.execution_time.as_ref(), None, None)?;
    let ran = session.run(args.env.as_deref(), args.ignore_cron)?;
    face.teller.clear();
    let text = || {
        if ran.models.is_empty() {
            let told = format!("nothing is due in {}\n{}{}", ran.environment, idle(&ran), left(&ran, &session));
            return wrap(&told, table::width());
        }
        let mut out = format!("{} · ran {}\n", paint(BOLD, &ran.environment), count(ran.models.len(), "model"));
        for (model, loads) in &ran.models {
            let spans = told::spans(loads).map_or_else(String::new, |spans| format!("  {spans}"));
            let apart = if ran.apart.contains(model) { "  in a table of its own from now on" } else { "" };
            out.push_str(&format!("  {model}{}\n", paint(DIM, format!("{spans}{apart}"))));
        }
        out + &wrap(&left(&ran, &session), table::width())
    };
    let data = || {
        let model = |(model, loads): &(ModelName, Vec<Interval>)| {
            let loads: Vec<_> = loads.iter().map(|span| [span.start().to_string(), span.end().to_string()]).collect();
            json!({"name": model, "loads": loads})
        };
        let models: Vec<_> = ran.models.iter().map(model).collect();
        json!({"environment": ran.environment, "models": models, "apart": ran.apart, "left": ran.left})
    };
    face.print(text, data);
    Ok(DONE)
}

/// What would take in new rows of the sources, though nothing is due.
fn idle(ran: &Ran) -> String {
    let environment = &ran.environment;
    let mut out = String::new();
    if !ran.early.is_empty() {
        out.push_str(&format!("  vmesh run {environment} --ignore-cron fills {}\n", some(&ran.early, 8)));
    }
    if !ran.held.is_empty() {
        let held = some(&ran.held, 8);
        out.push_str(&format!(
            "  vmesh plan {environment} --restate-model NAME fills again what is held already: {held}\n"
        ));
    }
    out
}

/// What nobody fills, and what to do about it.
fn left(ran: &Ran, session: &Session<'_>) -> String {
    if ran.left.is_empty() {
        return String::new();
    }
    let (left, main) = (some(&ran.left, 8), &session.config.main);
    format!(
        "left with the rows of when prod moved on, which a rollback would show: {left} · git merge {main} takes what prod \
         shows now\n"
    )
}

/// Prints a plan in the format asked for.
pub(super) fn print_plan(face: &Face, plan: &Plan, explain: bool, applied: bool) {
    match face.format {
        Format::Markdown => say(&markdown::plan(plan)),
        _ => face.print(|| told::render(plan, explain, table::width()), || json::plan(plan, applied)),
    }
}

/// Whether nothing has to be written once all pointers are right: prod's record names the commit, too.
fn records(plan: &Plan) -> bool {
    !plan.environment.is_prod() || plan.source.base == plan.source.commit
}

/// Applies at once: the plan is told before anything is done.
fn apply(face: &Face, session: &Session<'_>, prepared: &Prepared, build: bool, explain: bool) -> Verdict {
    let applied = session.apply(prepared, build, &mut |plan| {
        warn(face, prepared);
        if !face.is_json() {
            let mut plan = plan.clone();
            // where it was edited is worth no error
            let _ = session.locate_edits(prepared, &mut plan);
            say(&told::render(&plan, explain, table::width()));
        }
    })?;
    let text = || if applied.published { published(&applied) } else { String::new() };
    face.print(text, || json::plan(&applied.plan, true));
    Ok(DONE)
}

/// `vmesh promote`
pub(super) fn promote(face: &Face, args: &args::Promote) -> Verdict {
    let mut session = face.session()?;
    limit(&mut session, args.execution_time.as_ref(), None, None)?;
    session.skip_linter = args.skip_linter;
    session.skip_tests = args.skip_tests;
    let is_plain = args.rev.is_none() && args.execution_time.is_none();
    if is_plain && face.format == Format::Text {
        let known = session.sealed(&session.config.main)?.and_then(|known| known.told);
        if let Some(told) = known.filter(|told| told.is_all) {
            print_plan(face, &told.plan, false, false);
            return Ok(DONE);
        }
    }
    session.keep_open();
    let prepared = session.prepare(session.promotion(args.rev.as_deref(), args.allow_rewind)?)?;
    let is_quiet = lint::first(face, &mut session, &prepared)?;
    if args.yes {
        return apply(face, &session, &prepared, !args.no_build, false);
    }
    let state = session.state_of(&prepared.target.environment)?;
    let mut plan = prepared.plan(&session, &state)?;
    session.locate_edits(&prepared, &mut plan)?;
    let is_quiet = warn(face, &prepared) && is_quiet;
    session.check_places(&plan)?;
    if is_plain {
        session.note_in_step(&prepared, &plan, &state, is_quiet)?;
    }
    session.close();
    if !face.is_json() {
        say(&told::render(&plan, false, table::width()));
    }
    let nothing = plan.is_done() && records(&plan);
    if !nothing && !face.confirm("promote?", false, "--yes")? {
        say("nothing was changed\n");
        return Ok(DONE);
    }
    let applied = session.apply(&prepared, !args.no_build, &mut |_| {})?;
    // another process may have done it meanwhile
    let text = || if applied.published || !nothing { published(&applied) } else { String::new() };
    face.print(text, || json::plan(&applied.plan, true));
    Ok(DONE)
}

/// `vmesh rollback`
pub(super) fn rollback(face: &Face, args: &args::Rollback) -> Verdict {
    let session = face.session()?;
    let rollback = session.plan_rollback(args.rev.as_deref())?;
    let to = told::short(&rollback.to.commit);
    if rollback.is_done {
        face.print(
            || format!("prod shows {to} already\n"),
            || json!({"environment": "prod", "from": rollback.to.commit, "commit": rollback.to.commit, "applied": false, "moved": []}),
        );
        return Ok(DONE);
    }
    let question = format!("{} back to {to}: {}", count(rollback.moved.len(), "pointer"), some(&rollback.moved, 8));
    if !args.yes && !face.is_json() {
        say(&wrap(&format!("{question}\n"), table::width()));
    }
    if !face.confirm("roll back?", args.yes, "--yes")? {
        say("nothing was changed\n");
        return Ok(DONE);
    }
    let done = session.rollback(&rollback)?;
    if let Some(problem) = &done.unmade {
        error::print(problem);
        tell!("note: prod is rolled back, and views use what `before_all` makes now, not what it made then");
    }
    if !rollback.outdated.is_empty() {
        let names = some(&rollback.outdated, 8);
        tell!("note: filled before what they are built from: {names} · vmesh run prod --ignore-cron");
    }
    face.print(
        || {
            let moved = count(done.moved, "pointer");
            let back = paint(DIM, "· forward again: vmesh promote, or the next merge");
            let prod = paint(BOLD, "prod");
            let told =
                format!("{prod} shows {} again (was {}) · {moved} swapped, nothing built {back}\n", done.to, done.from);
            wrap(&told, table::width())
        },
        || {
            json!({
                "environment": "prod",
                "from": done.from,
                "commit": rollback.to.commit,
                "applied": true,
                "moved": rollback.moved,
            })
        },
    );
    Ok(DONE)
}

/// `vmesh plan --restate-model`
fn restate(face: &Face, session: &Session<'_>, environment: &EnvName, args: &args::Plan) -> Verdict {
    let restatement = session.restatement(&args.restate_model, environment);
    let restatement = restatement.map_err(|error| session.meant_embedded(args.env.as_deref(), error))?;
    let models: Vec<String> = restatement.tables.iter().map(|snapshot| snapshot.model.to_string()).collect();
    let environments: Vec<String> = restatement.environments.iter().map(ToString::to_string).collect();
    let kept: Vec<&ModelName> = restatement.kept.iter().collect();
    for model in &kept {
        tell!("`{model}` stays as it is: its header says `disable_restatement`, or its kind does");
    }
    if args.start.is_some() || args.end.is_some() {
        let is_whole = |kind| matches!(kind, KindWord::UniqueKey | KindWord::Partition | KindWord::Unmanaged);
        for snapshot in restatement.tables.iter().filter(|snapshot| is_whole(snapshot.kind)) {
            tell!("`{}` is filled again whole: no spans of its kind can be told apart", snapshot.model);
        }
    }
    if models.is_empty() {
        face.print(
            || "nothing can be built again\n".to_owned(),
            || json!({"restate": models, "kept": kept, "environments": environments, "applied": false, "built": []}),
        );
        return Ok(DONE);
    }
    if !face.is_json() {
        let told = format!("to build again: {}\nshown by: {}\n", some(&versions(&models), 20), some(&environments, 10));
        say(&wrap(&told, table::width()));
    }
    if args.exit_code || args.explain {
        face.print(
            String::new,
            || json!({"restate": models, "kept": kept, "environments": environments, "applied": false}),
        );
        return Ok(u8::from(args.exit_code && !models.is_empty()));
    }
    if !face.confirm("build again?", args.yes, "--yes")? {
        say("nothing was changed\n");
        return Ok(DONE);
    }
    let built = session.restate(&args.restate_model, environment)?;
    face.print(
        || format!("{} built again; no pointer moved\n", count(built.len(), "table")),
        || json!({"restate": models, "kept": kept, "environments": environments, "applied": true, "built": built}),
    );
    Ok(DONE)
}

/// Names, each once: with how many versions of it there are.
fn versions(models: &[String]) -> Vec<String> {
    let mut told: Vec<(&String, usize)> = Vec::new();
    for model in models {
        match told.iter_mut().find(|(name, _)| *name == model) {
            Some((_, count)) => *count += 1,
            None => told.push((model, 1)),
        }
    }
    let one =
        |(name, count): (&String, usize)| if count > 1 { format!("{name} ({count} versions)") } else { name.clone() };
    told.into_iter().map(one).collect()
}

/// What an apply did, in a line.
fn published(applied: &Applied) -> String {
    let standing = &applied.standing;
    let environment = &standing.environment;
    let built = match applied.built.len() {
        0 => "nothing to build".to_owned(),
        built => format!("{built} built{}", reconciled::spared(&applied.cutoff)),
    };
    let back = if environment.is_prod() { paint(DIM, " · back: vmesh rollback") } else { String::new() };
    let commit = match (&standing.commit, environment.is_prod()) {
        (Some(commit), true) => format!(" shows {}", told::short(commit)),
        _ => String::new(),
    };
    let stands = reconciled::stands(standing);
    wrap(&format!("{}{commit} · {stands} · {built}{back}\n", paint(BOLD, environment)), table::width())
}

/// The models whose sources have changed since they were filled. Whether there are none.
fn tell_moved(face: &Face, session: &Session<'_>, prepared: &Prepared, state: &State) -> bool {
    let environment = &prepared.target.environment;
    let moved = session.moved(&prepared.desired.project, environment, state);
    if !face.is_json() && !moved.is_empty() {
        let names: Vec<String> = moved.iter().map(|name| format!("`{name}`")).collect();
        let are = if moved.len() == 1 { "it was" } else { "they were" };
        tell!("note: the sources of {} have changed since {are} filled: vmesh run {environment}", some(&names, 5));
    }
    moved.is_empty()
}

/// What is accepted, and is hardly what was meant. Whether there is nothing.
pub(super) fn warn(face: &Face, prepared: &Prepared) -> bool {
    let notes = prepared.desired.notes();
    let warnings = prepared.desired.warnings();
    if face.is_json() {
        return false;
    }
    for note in &notes {
        tell!("note: {note}");
    }
    for (model, warning) in &warnings {
        tell!("warning: `{model}`: {warning}");
    }
    notes.is_empty() && warnings.is_empty()
}
