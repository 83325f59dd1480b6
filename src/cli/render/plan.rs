//! A plan, told.

use super::event::about;
use super::wrap::wrap;
use super::{BOLD, DIM, YELLOW, count, paint, plan_tree, some};
use crate::domain::interval::{Interval, Moment};
use crate::domain::plan::{Action, Edited, Plan, Reason, Step};
use crate::workflow::build::at_a_time;

/// The plan for people, as wide as the terminal, if it is one. With `explain`, every model is listed with its reason.
pub(in crate::cli) fn render(plan: &Plan, explain: bool, width: Option<usize>) -> String {
    let mut out = wrap(&heading(plan), width);
    let listed: Vec<&Step> = plan.steps.iter().filter(|step| explain || !step.is_as_before()).collect();
    if !listed.is_empty() {
        out.push('\n');
    }
    out.push_str(&plan_tree::render(&listed, explain, width));
    if !plan.behind.is_empty() {
        out.push_str(&wrap(&format!("\n{}\n", behind(plan)), width));
    }
    out.push_str(&wrap(&format!("\n{}\n", summary(plan)), width));
    out
}

/// What will be done, in one line.
pub(in crate::cli) fn summary(plan: &Plan) -> String {
    if plan.source.merged {
        return merge_summary(plan);
    }
    if plan.is_done() {
        return format!("{} is in step: nothing to do", plan.environment);
    }
    let drops = plan.steps.iter().filter(|step| step.action() == Action::Drop && step.swap).count();
    let mut parts = vec![
        format!("{} to build", plan.count(Action::Build)),
        format!("{} to reuse", plan.count(Action::Reuse)),
        format!("{} to swap", count(plan.swaps() - drops, "pointer")),
    ];
    if drops > 0 {
        parts.push(format!("{} to drop", count(drops, "view")));
    }
    let audits = plan.steps.iter().filter(|step| step.is_audited()).count();
    if audits > 0 {
        parts.push(format!("{} to audit", count(audits, "table")));
    }
    let expected =
        plan.expected(at_a_time()).and_then(about).map_or_else(String::new, |expected| format!(" · {expected}"));
    let mixed = plan.mixed().map_or_else(String::new, |time| {
        let time = about(time).unwrap_or_else(|| "less than 1 s".to_owned());
        format!("; views move one by one, in {time}: readers may see some of them before the others")
    });
    let told = parts.join(", ") + &expected + &mixed;
    match plan.unaffected() {
        0 => told,
        1 => format!("{told}; 1 below the change takes nothing of it"),
        below => format!("{told}; {below} below the change take nothing of it"),
    }
}

/// What main changed since the branch left it, which the environment does not show.
pub(in crate::cli) fn behind(plan: &Plan) -> String {
    let main = &plan.source.main;
    let names = some(&plan.behind, 5);
    format!("{} {names} {}", paint(YELLOW, format!("behind {main}:")), paint(DIM, format!("· git merge {main}")))
}

/// What a merge will do.
fn merge_summary(plan: &Plan) -> String {
    let swaps = count(plan.swaps(), "pointer");
    match plan.count(Action::Build) {
        0 if plan.swaps() == 0 => "the merge changes nothing that prod shows".to_owned(),
        0 => format!("the merge swaps {swaps}, nothing is to be built"),
        builds => {
            let time = plan
                .expected(at_a_time())
                .and_then(about)
                .map_or_else(String::new, |expected| format!(" ({expected})"));
            format!("{} to build ahead{time}; then the merge swaps {swaps}", count(builds, "model"))
        }
    }
}

fn heading(plan: &Plan) -> String {
    let source = &plan.source;
    let commit = source.commit.as_deref().map(short);
    if source.merged {
        let tip = source.tip.as_deref().map(short).unwrap_or_default();
        let commit = commit.unwrap_or_default();
        let mut what = format!("· merge of {} at {commit} into {} at {tip}", source.branch, source.main);
        if source.uncommitted {
            what.push_str(" · uncommitted changes are not part of it");
        }
        return format!("{} {}\n", paint(BOLD, &plan.environment), paint(DIM, what));
    }
    let dirty = if source.dirty { " with uncommitted changes" } else { "" };
    let stands = commit.map_or_else(|| ", nothing committed yet".to_owned(), |commit| format!(" at {commit}{dirty}"));
    let mut parts = vec![format!("branch {}{stands}", source.branch)];
    if source.uncommitted {
        parts.push("uncommitted changes are not part of it".to_owned());
    }
    match (&source.base, plan.environment.is_prod()) {
        (Some(base), true) => parts.push(format!("now shows {}", short(base))),
        (Some(base), false) => parts.push(format!("base {} {}", source.main, short(base))),
        (None, true) => parts.push("first promotion".to_owned()),
        (None, false) => parts.push(format!("no common commit with {}", source.main)),
    }
    format!("{} {}\n", paint(BOLD, &plan.environment), paint(DIM, format!("· {}", parts.join(" · "))))
}

/// What is said of a model: why, and what is done about it.
pub(super) fn notes(step: &Step) -> String {
    let why = reason(&step.reason);
    let says_what = matches!(
        step.reason,
        Reason::QueryChanged | Reason::StatementsChanged | Reason::PropertiesChanged | Reason::KindChanged { .. }
    );
    let mut notes = vec![match &step.edited {
        Some(Edited { path, line }) if says_what => format!("{why} at {path}:{line}"),
        Some(Edited { path, line }) => format!("{why} · edited at {path}:{line}"),
        None => why,
    }];
    notes.extend(step.source().map(|_| "goes on from prod's rows".to_owned()));
    notes.extend(spans(step.loads()));
    notes.extend(step.expected.and_then(about));
    notes.extend(step.is_audited().then(|| "to be audited".to_owned()));
    notes.join(" · ")
}

/// The spans that are loaded: whole days by the first and the last of them, all else up to the moment where it ends.
pub(in crate::cli) fn spans(loads: &[Interval]) -> Option<String> {
    let (start, end) = (loads.first()?.start(), loads.last()?.end());
    let count = if loads.len() > 1 { format!(" in {} loads", loads.len()) } else { String::new() };
    let told = match (start.is_midnight() && end.is_midnight(), end.day_before()) {
        (true, last) if last == start => brief(start),
        (true, last) => format!("{} – {}", brief(start), brief(last)),
        (false, _) => format!("{} – {}", brief(start), brief(end)),
    };
    Some(format!("{told}{count}"))
}

/// A moment without what is zero.
fn brief(moment: Moment) -> String {
    let text = moment.to_string();
    text.strip_suffix("T00:00:00Z").map_or_else(|| text.replace('T', " ").replace(":00Z", ""), str::to_owned)
}

/// Why a model is built, or isn't, in words.
pub(in crate::cli) fn reason(reason: &Reason) -> String {
    match reason {
        Reason::New => "new".to_owned(),
        Reason::QueryChanged => "its query changed".to_owned(),
        Reason::KindChanged { from, to } => format!("its kind changed from {from} to {to}"),
        Reason::StatementsChanged => "its statements changed".to_owned(),
        Reason::SeedChanged => "the rows of its CSV file changed".to_owned(),
        Reason::PropertiesChanged => "its properties changed".to_owned(),
        Reason::UpstreamChanged(parents) => format!("{} changed", some(parents, 3)),
        Reason::TableLost => "its table is gone".to_owned(),
        Reason::MacrosChanged => "a macro or variable that it uses changed".to_owned(),
        Reason::NeverBuilt => "it was never built".to_owned(),
        Reason::Missing => "time to be filled".to_owned(),
        Reason::Outdated => "what it was built from has changed since".to_owned(),
        Reason::Apart => "it is due, and a rollback of prod would show the table it has".to_owned(),
        Reason::Built => "already built".to_owned(),
        Reason::Unaffected(changed) => format!("takes nothing of what changed in {}", some(changed, 3)),
        Reason::SameAs(model) => format!("says the same as {model}, whose table it shares"),
        Reason::SameRows => "what is above it gives the same rows as before".to_owned(),
        Reason::Inlined => "inlined into its consumers".to_owned(),
        Reason::Gone => "no such model any more".to_owned(),
        Reason::HistoryEnds => "no such model any more: its history ends, and is kept for rollback only".to_owned(),
    }
}

/// The first digits of a commit.
pub(in crate::cli) fn short(commit: &str) -> String {
    commit.chars().take(8).collect()
}
