//! A plan, told.

use super::{BOLD, CYAN, DIM, GREEN, RED, YELLOW, count, padded, paint, some};
use crate::domain::interval::{Interval, Moment};
use crate::domain::plan::{Action, Change, Plan, Reason, Step};

/// The plan for people. With `explain`, every model is listed with its reason.
pub(in crate::cli) fn render(plan: &Plan, explain: bool) -> String {
    let mut out = heading(plan);
    let listed: Vec<&Step> = plan.steps.iter().filter(|step| explain || !step.is_as_before()).collect();
    let width = listed.iter().map(|step| step.model.to_string().len()).max().unwrap_or(0);
    if !listed.is_empty() {
        out.push('\n');
    }
    for step in listed {
        out.push_str(&line(step, width));
    }
    if !plan.behind.is_empty() {
        out.push_str(&format!("\n{}\n", behind(plan)));
    }
    out.push_str(&format!("\n{}\n", summary(plan)));
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
    let told = parts.join(", ");
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
        builds => format!("{} to build ahead; then the merge swaps {swaps}", count(builds, "model")),
    }
}

fn heading(plan: &Plan) -> String {
    let source = &plan.source;
    let commit = source.commit.as_deref().map_or_else(|| "nothing committed".to_owned(), short);
    if source.merged {
        let tip = source.tip.as_deref().map(short).unwrap_or_default();
        let mut what = format!("· merge of {} at {commit} into {} at {tip}", source.branch, source.main);
        if source.uncommitted {
            what.push_str(" · uncommitted changes are not part of it");
        }
        return format!("{} {}\n", paint(BOLD, &plan.environment), paint(DIM, what));
    }
    let dirty = if source.dirty { " with uncommitted changes" } else { "" };
    let mut parts = vec![format!("branch {} at {commit}{dirty}", source.branch)];
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

fn line(step: &Step, width: usize) -> String {
    let (sign, style) = match step.change {
        Change::Direct => ("~", YELLOW),
        Change::Indirect => ("~", CYAN),
        Change::Metadata => ("·", DIM),
        Change::Added => ("+", GREEN),
        Change::Removed => ("-", RED),
        Change::Unchanged => (" ", DIM),
    };
    let name = padded(&step.model.to_string(), width);
    let change = format!("{:9}", step.change.word());
    let action = format!("{:5}", step.action().word());
    let mut notes = vec![reason(&step.reason)];
    notes.extend(step.source().map(|_| "goes on from prod's rows".to_owned()));
    notes.extend(spans(step.loads()));
    notes.extend(step.is_audited().then(|| "to be audited".to_owned()));
    let reason = notes.join(" · ");
    let mut line = format!("  {} {name}  {change}  {action}  {}\n", paint(style, sign), paint(DIM, reason));
    let columns = &step.columns;
    let lists = [("+", &columns.added, GREEN), ("-", &columns.removed, RED), ("~", &columns.changed, YELLOW)];
    let changed: Vec<String> = lists
        .iter()
        .flat_map(|(sign, names, style)| names.iter().map(move |name| paint(*style, format!("{sign}{name}"))))
        .collect();
    if !changed.is_empty() {
        line.push_str(&format!("  {}    columns: {}\n", padded("", width), changed.join(" ")));
    }
    line
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
