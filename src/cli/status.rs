//! `vmesh status`.

use serde_json::json;

use super::render::plan as told;
use super::render::{BOLD, DIM, RED, YELLOW, ago, event, paint, reconciled, some, table, wrap};
use super::{DONE, Face, Verdict};
use crate::adapter::engine::Doing;
use crate::domain::plan::Plan;
use crate::workflow::background::failure;
use crate::workflow::session::{Session, now};
use crate::workflow::status::Status;

/// `vmesh status`
pub(super) fn status(face: &Face) -> Verdict {
    let (mut session, known) = face.catch_up(face.revived()?)?;
    let Some(status) = session.status(known)? else {
        let what = "HEAD is detached: no branch, no environment";
        face.print(|| format!("{what}\n"), || json!({"branch": null, "environment": null}));
        return Ok(DONE);
    };
    session.close();
    face.print(|| wrap::wrap(&text(&session, &status), table::width()), || as_json(&session, &status));
    if !face.is_json() {
        status.failure.into_iter().chain(status.unseen).for_each(|failure| failure::see(&session, failure));
    }
    Ok(DONE)
}

fn text(session: &Session<'_>, status: &Status) -> String {
    let Status { branch, environment, plan, .. } = status;
    let mut out = format!("{} {}\n", paint(BOLD, environment), paint(DIM, format!("· branch {branch}")));
    if !status.conflicts.is_empty() {
        out.push_str(&format!("  {}\n", paint(YELLOW, reconciled::conflicts(&status.conflicts))));
    }
    out.push_str(&stands(status));
    out.push_str(&format!("  {}\n", paint(DIM, format!("warehouse {}", session.shown_warehouse()))));
    if let Some(holder) = &status.locked {
        let has = event::has(holder.as_ref(), "the warehouse");
        out.push_str(&format!("  {}: {has}\n", paint(YELLOW, "what it shows can't be seen now")));
    }
    if let Some(doing) = status.building.as_ref().filter(|_| status.locked.is_none()) {
        let Doing { pid, branch, model, count: (index, total), .. } = doing;
        let told = format!("vmesh (process {pid}) is building {model}, {index} of {total}, for {branch}");
        out.push_str(&format!("  {}\n", paint(YELLOW, told)));
    }
    if !status.schemas.is_empty() {
        let schemas: Vec<&String> = status.schemas.iter().collect();
        out.push_str(&format!("  {}\n", paint(DIM, format!("in schemas {}", some(&schemas, 6)))));
    }
    out.push_str(&plan.as_ref().map(differs).unwrap_or_default());
    if !status.waiting.is_empty() {
        let branches: Vec<String> = status.waiting.iter().map(|request| request.label()).collect();
        out.push_str(&format!("  waiting to be planned: {}\n", some(&branches, 5)));
    }
    let is_building = status.duty.as_ref().is_some_and(|duty| duty.progress.is_some());
    if is_building || status.failure.is_some() || !status.unseen.is_empty() {
        out.push_str(&format!("  {}\n", paint(DIM, format!("log: {}", session.shared().worker_log().display()))));
    }
    for failure in status.failure.iter().chain(&status.unseen) {
        let of = if failure.branch == *branch { String::new() } else { format!(" for {}", failure.branch) };
        let title = paint(RED, format!("the last try in the background{of} failed {}", ago(failure.at, now())));
        out.push_str(&format!("  {title}\n\n{}\n", failure.message));
    }
    out
}

/// Whether the environment shows the branch's files, and what makes it do so.
fn stands(status: &Status) -> String {
    let progress = status.duty.as_ref().and_then(|duty| duty.progress.as_ref());
    match (&status.commit, &status.plan, progress) {
        (None, ..) => "  nothing is committed yet\n".to_owned(),
        (_, _, Some(progress)) => {
            let what = match &progress.model {
                Some(model) => format!("building in the background: {model}"),
                None => "planning in the background".to_owned(),
            };
            let (index, total) = progress.count;
            let of = if total > 0 { format!(" ({index} of {total})") } else { String::new() };
            let begun = ago(progress.since, now());
            let who = if status.duty.as_ref().is_some_and(|duty| duty.watch) { "vmesh watch, " } else { "" };
            let (branch, pid) = (&progress.branch, progress.pid);
            format!(
                "  {what}{of}, for branch {branch}, begun {begun} ({who}PID {pid})\n  {}\n",
                paint(DIM, "to end it: vmesh stop")
            )
        }
        (_, Some(plan), _) if plan.is_done() => {
            let stands = status.standing.as_ref().map(reconciled::stands).unwrap_or_default();
            format!("  in step · {stands}\n")
        }
        (_, Some(plan), _) if let Some((back, by)) = &status.rolled_back => {
            let (to, at) = (told::short(&back.commit), ago(back.at, now()));
            format!(
                "  {} to {to} by {by}, {at}\n  it stays so until main moves, or: vmesh promote ({})\n  what prod shall \
                 not show again has to be reverted in Git before the next merge\n",
                paint(YELLOW, "rolled back"),
                told::summary(plan)
            )
        }
        (_, Some(plan), _) => {
            let next = match status.environment.is_prod() {
                true if status.is_rewound => "main no longer contains what prod shows: vmesh promote --allow-rewind",
                true => "vmesh promote",
                false => "vmesh plan",
            };
            format!("  {} · {} · {next}\n", paint(YELLOW, "not in step"), told::summary(plan))
        }
        _ => String::new(),
    }
}

/// What the files have that the commit or main hasn't.
fn differs(plan: &Plan) -> String {
    let mut out = String::new();
    if plan.source.uncommitted {
        out.push_str("  uncommitted changes: prod shows what is committed\n");
    }
    if !plan.environment.is_prod() && !plan.changed().is_empty() {
        let names = some(&plan.changed(), 5);
        out.push_str(&format!("  changed on {}: {names}\n", plan.source.branch));
    }
    if !plan.behind.is_empty() {
        out.push_str(&format!("  {}\n", told::behind(plan)));
    }
    out
}

fn as_json(session: &Session<'_>, status: &Status) -> serde_json::Value {
    let Status { branch, environment, plan, duty, .. } = status;
    let rolled_back = status.rolled_back.as_ref();
    let waiting: Vec<_> = status
        .waiting
        .iter()
        .map(|request| json!({"branch": request.branch, "prefix": request.prefix, "start": request.start}))
        .collect();
    let unseen: Vec<_> = status
        .unseen
        .iter()
        .map(|failure| json!({"branch": failure.branch, "at": failure.at, "message": failure.message}))
        .collect();
    let locked = status.locked.as_ref().map(|holder| {
        let told = event::has(holder.as_ref(), "the warehouse");
        json!({"told": told, "pid": holder.as_ref().map(|holder| holder.pid)})
    });
    json!({
        "branch": branch,
        "environment": environment,
        "commit": status.commit,
        "in_step": status.in_step(),
        "conflicts": status.conflicts,
        "rolled_back": rolled_back.map(|(back, by)| json!({"to": back.commit, "by": by, "at": back.at})),
        "changed": plan.as_ref().map(|plan| plan.changed()),
        "behind": plan.as_ref().map(|plan| &plan.behind),
        "building": duty.as_ref().and_then(|duty| duty.progress.as_ref()),
        "building_in_front": status.building.as_ref().map(|doing| json!({"pid": doing.pid, "branch": doing.branch, "model": doing.model})),
        "waiting": waiting,
        "watch": duty.as_ref().filter(|duty| duty.watch).map(|duty| duty.pid),
        "failure": status.failure.as_ref().map(|failure| &failure.message),
        "failures_elsewhere": unseen,
        "warehouse_taken_by": locked,
        "models": status.standing.as_ref().map(|standing| standing.models),
        "own": status.standing.as_ref().map(|standing| standing.own),
        "warehouse": session.location.path,
    })
}
