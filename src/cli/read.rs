//! The commands that only read.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::args;
use super::moving::limit;
use super::render::plan as told;
use super::render::{BOLD, DIM, RED, YELLOW, ago, bytes, count, dag, diff, event, json, paint, settled, some, table};
use super::{DONE, Face, Format, Verdict, say};
use crate::adapter::git::{CommitId, Head, Rest};
use crate::adapter::warehouse::ExportFormat;
use crate::domain::environment::{Environment, Owner, State};
use crate::domain::fingerprint::Fingerprint;
use crate::domain::name::TableName;
use crate::workflow::catch_up::Look;
use crate::workflow::error::Error;
use crate::workflow::failure;
use crate::workflow::session::{Session, now};

/// `vmesh status`
pub(super) fn status(face: &Face) -> Verdict {
    let mut session = face.catch_up(face.revived()?)?;
    let head = session.repository.head()?;
    let Head::Branch { name: branch, commit } = head else {
        let what = "HEAD is detached: no branch, no environment";
        face.print(|| format!("{what}\n"), || json!({"branch": null, "environment": null}));
        return Ok(DONE);
    };
    let environment = session.config.environment(&branch);
    let Look { state, duty, locked } = session.look()?;
    let progress = duty.as_ref().and_then(|duty| duty.progress.as_ref());
    let waiting = session.queue().waiting();
    let failure = failure::of(&session, &branch);
    let mut unseen = failure::unseen(&session)?;
    unseen.retain(|other| other.branch != branch);
    let conflicts = match session.repository.rest()? {
        Rest::Conflicts { files } => files,
        _ => Vec::new(),
    };
    let plan = match (&state, &commit) {
        (Some(state), Some(_)) if conflicts.is_empty() => {
            let prepared = session.prepare(session.target(None, None)?)?;
            Some(prepared.plan(&session, state)?)
        }
        _ => None,
    };
    let in_step = plan.as_ref().map(|plan| plan.is_done());
    let standing = state.as_ref().map(|state| session.standing(state, &environment));
    let is_ahead = plan.as_ref().is_some_and(|plan| environment.is_prod() && !plan.is_done());
    let rewound = is_ahead && matches!(session.promotion(None, false), Err(Error::Rewind { .. }));
    let rolled_back = match &state {
        Some(state) if environment.is_prod() && in_step == Some(false) && !rewound => session.rolled_back(state)?,
        _ => None,
    };
    session.close();
    let failure = failure.filter(|_| in_step != Some(true));
    let text = || {
        let mut out = format!("{} {}\n", paint(BOLD, &environment), paint(DIM, format!("· branch {branch}")));
        if !conflicts.is_empty() {
            out.push_str(&format!("  {}\n", paint(YELLOW, settled::conflicts(&conflicts))));
        }
        match (&commit, &plan, &progress) {
            (None, ..) => out.push_str("  nothing is committed yet\n"),
            (_, _, Some(progress)) => {
                let model = progress.model.as_deref().unwrap_or("its plan");
                let (index, total) = progress.count;
                let of = if total > 0 { format!(" ({index} of {total})") } else { String::new() };
                let since = ago(progress.since, now());
                let who = if duty.as_ref().is_some_and(|duty| duty.watch) { "vmesh watch, " } else { "" };
                out.push_str(&format!(
                    "  building in the background: {model}{of}, for branch {}, since {since} ({who}PID {})\n",
                    progress.branch, progress.pid,
                ));
                out.push_str(&format!("  {}\n", paint(DIM, "to end it: vmesh stop")));
            }
            (_, Some(plan), _) if plan.is_done() => {
                let stands = standing.as_ref().map(settled::stands).unwrap_or_default();
                out.push_str(&format!("  in step · {stands}\n"));
            }
            (_, Some(plan), _) if let Some((back, by)) = &rolled_back => {
                let (to, at) = (told::short(&back.commit), ago(back.at, now()));
                out.push_str(&format!("  {} to {to} by {by}, {at}\n", paint(YELLOW, "rolled back")));
                out.push_str(&format!(
                    "  it stays so until main moves, or: vmesh promote ({})\n  what prod shall not show again has to be \
                     reverted in Git before the next merge\n",
                    told::summary(plan)
                ));
            }
            (_, Some(plan), _) => {
                let next = match environment.is_prod() {
                    true if rewound => "main no longer contains what prod shows: vmesh promote --allow-rewind",
                    true => "vmesh promote",
                    false => "vmesh plan",
                };
                out.push_str(&format!("  {} · {} · {next}\n", paint(YELLOW, "not in step"), told::summary(plan)));
            }
            _ => {}
        }
        out.push_str(&format!("  {}\n", paint(DIM, format!("warehouse {}", session.shown_warehouse()))));
        if let Some(holder) = &locked {
            let has = event::has(holder.as_ref(), "the warehouse");
            out.push_str(&format!("  {}: {has}\n", paint(YELLOW, "what it shows can't be seen now")));
        }
        if let Some(plan) = &plan {
            let schemas: BTreeSet<String> = plan
                .steps
                .iter()
                .filter(|step| step.table.is_some())
                .map(|step| step.model.view(&environment, plan.pattern).schema)
                .collect();
            let schemas: Vec<String> = schemas.into_iter().collect();
            if !schemas.is_empty() {
                out.push_str(&format!("  {}\n", paint(DIM, format!("in schemas {}", some(&schemas, 6)))));
            }
            if plan.source.uncommitted {
                out.push_str("  uncommitted changes: prod shows what is committed\n");
            }
        }
        if let Some(plan) = plan.as_ref().filter(|plan| !plan.environment.is_prod() && !plan.changed().is_empty()) {
            let names = some(&plan.changed(), 5);
            out.push_str(&format!("  changed on {branch}: {names}\n"));
        }
        if let Some(plan) = plan.as_ref().filter(|plan| !plan.behind.is_empty()) {
            out.push_str(&format!("  {}\n", told::behind(plan)));
        }
        if !waiting.is_empty() {
            let branches: Vec<String> = waiting.iter().map(|request| request.label()).collect();
            out.push_str(&format!("  waiting to be planned: {}\n", some(&branches, 5)));
        }
        if progress.is_some() || failure.is_some() || !unseen.is_empty() {
            out.push_str(&format!("  {}\n", paint(DIM, format!("log: {}", session.queue().log().display()))));
        }
        for failure in failure.iter().chain(&unseen) {
            let of = if failure.branch == branch { String::new() } else { format!(" for {}", failure.branch) };
            let title = paint(RED, format!("the last try in the background{of} failed {}", ago(failure.at, now())));
            out.push_str(&format!("  {title}\n\n{}\n", failure.message));
        }
        out
    };
    let data = || {
        json!({
            "branch": branch,
            "environment": environment,
            "commit": commit,
            "in_step": in_step,
            "conflicts": conflicts,
            "rolled_back": rolled_back.as_ref().map(|(back, by)| json!({"to": back.commit, "by": by, "at": back.at})),
            "changed": plan.as_ref().map(|plan| plan.changed()),
            "behind": plan.as_ref().map(|plan| &plan.behind),
            "building": progress,
            "waiting": waiting.iter().map(|request| {
                json!({"branch": request.branch, "prefix": request.prefix, "start": request.start})
            }).collect::<Vec<_>>(),
            "watch": duty.as_ref().filter(|duty| duty.watch).map(|duty| duty.pid),
            "failure": failure.as_ref().map(|failure| &failure.message),
            "failures_elsewhere": unseen.iter().map(|failure| {
                json!({"branch": failure.branch, "at": failure.at, "message": failure.message})
            }).collect::<Vec<_>>(),
            "warehouse_taken_by": locked.as_ref().map(|holder| {
                let told = event::has(holder.as_ref(), "the warehouse");
                json!({"told": told, "pid": holder.as_ref().map(|holder| holder.pid)})
            }),
            "models": standing.as_ref().map(|standing| standing.models),
            "own": standing.as_ref().map(|standing| standing.own),
            "warehouse": session.location.path,
        })
    };
    face.print(text, data);
    if !face.is_json() {
        failure.into_iter().chain(unseen).for_each(|failure| failure::see(&session, failure));
    }
    Ok(DONE)
}

/// `vmesh envs`
pub(super) fn envs(face: &Face) -> Verdict {
    let session = face.caught_up()?;
    let Some(warehouse) = session.read_warehouse()? else {
        face.print(|| "no environments yet\n".to_owned(), || json!([]));
        return Ok(DONE);
    };
    let state = warehouse.state()?;
    let tables: BTreeMap<Fingerprint, TableName> = state
        .environments
        .values()
        .flat_map(|environment| own(environment, &state))
        .filter_map(|fingerprint| Some((fingerprint, state.built(&fingerprint)?.table.clone())))
        .collect();
    let sizes = warehouse.bytes(&tables)?;
    drop(warehouse);
    session.close();
    let (now, here) = (now(), session.owner());
    let lines: Vec<(&Environment, usize, u64)> = state
        .environments
        .values()
        .map(|environment| {
            let own = own(environment, &state);
            (environment, own.len(), own.iter().filter_map(|fingerprint| sizes.get(fingerprint)).sum())
        })
        .collect();
    let text = || {
        if lines.is_empty() {
            return "no environments yet\n".to_owned();
        }
        let rows = lines.iter().map(|(environment, own, size)| {
            let commit = environment.commit.as_deref().map(told::short).unwrap_or_default();
            let dirty = if environment.dirty { "+" } else { "" };
            let differs = if environment.name.is_prod() { "–".to_owned() } else { own.to_string() };
            vec![
                environment.name.to_string(),
                environment.branch.to_string(),
                environment.owner.as_ref().map(|owner| keeper(owner, &here)).unwrap_or_default(),
                format!("{commit}{dirty}"),
                ago(environment.updated_at, now),
                environment.pointers.len().to_string(),
                differs,
                if environment.name.is_prod() { "–".to_owned() } else { bytes(*size) },
            ]
        });
        let headings = ["environment", "branch", "kept by", "commit", "updated", "models", "not prod's", "own storage"];
        table::list(headings, rows.collect())
    };
    let data = || {
        let environments = lines.iter().map(|(environment, own, size)| {
            json!({
                "environment": environment.name,
                "branch": environment.branch,
                "owner": environment.owner,
                "commit": environment.commit,
                "dirty": environment.dirty,
                "generation": environment.generation,
                "created_at": environment.created_at,
                "updated_at": environment.updated_at,
                "models": environment.pointers.len(),
                "differs": own,
                "bytes": size,
            })
        });
        Value::Array(environments.collect())
    };
    face.print(text, data);
    Ok(DONE)
}

/// Who keeps an environment, and where, as far as it is not here.
fn keeper(owner: &Owner, here: &Owner) -> String {
    let Owner { who, host, folder } = owner;
    let folder = folder.rsplit(['/', '\\']).next().unwrap_or(folder);
    match owner.is_at(here) {
        true => who.clone(),
        false if *host == here.host => format!("{who} in {folder}"),
        false => format!("{who} in {folder} on {host}"),
    }
}

/// The snapshots that an environment shows and prod doesn't.
fn own(environment: &Environment, state: &State) -> BTreeSet<Fingerprint> {
    let prod: BTreeSet<Fingerprint> =
        state.prod().into_iter().flat_map(|prod| prod.pointers.values().copied()).collect();
    let own = environment.pointers.values().filter(|fingerprint| !prod.contains(fingerprint));
    own.copied().filter(|_| !environment.name.is_prod()).collect()
}

/// `vmesh log`
pub(super) fn log(face: &Face, args: &args::Log) -> Verdict {
    let session = face.session()?;
    let state = session.state()?;
    let mut entries: Vec<(u64, String, String, i64, usize, String)> = Vec::new();
    let mut before = BTreeMap::new();
    for promotion in &state.promotions {
        let names: BTreeSet<_> = promotion.pointers.keys().chain(before.keys()).collect();
        let moved = names.into_iter().filter(|name| promotion.pointers.get(*name) != before.get(*name)).count();
        before = promotion.pointers.clone();
        let commit = CommitId::from_record(promotion.commit.clone());
        let subject = session.repository.describe(&commit).map(|info| info.subject).unwrap_or_default();
        let commit = promotion.commit.clone();
        entries.push((promotion.generation, commit, promotion.action.clone(), promotion.at, moved, subject));
    }
    entries.reverse();
    entries.truncate(args.limit);
    let text = || {
        if entries.is_empty() {
            return "nothing was promoted yet\n".to_owned();
        }
        let mut out = String::new();
        for (generation, commit, action, at, moved, subject) in &entries {
            let mark = if state.prod().is_some_and(|prod| prod.generation == *generation) { "●" } else { "○" };
            let when = paint(DIM, format!("{} · {}", ago(*at, now()), count(*moved, "pointer")));
            out.push_str(&format!("{mark} {}  {action:8}  {subject}  {when}\n", paint(BOLD, told::short(commit))));
        }
        out
    };
    let data = || {
        let entries = entries.iter().map(|(generation, commit, action, at, moved, subject)| {
            json!({"generation": generation, "commit": commit, "action": action, "at": at, "moved": moved, "subject": subject})
        });
        Value::Array(entries.collect())
    };
    face.print(text, data);
    Ok(DONE)
}

/// `vmesh diff`
pub(super) fn diff(face: &Face, args: &args::Diff) -> Verdict {
    let session = face.caught_up()?;
    tell_lacking(&session, args.b.as_deref());
    let found = session.diff(args.a.as_deref(), args.b.as_deref())?;
    session.close();
    face.print(|| diff::models(&found), || json::diff(&found));
    Ok(u8::from(args.exit_code && !found.models.is_empty()))
}

/// Says where what is looked at is not yet what the branch's files say. Whatever keeps that from being known is told by
/// commands that need to know it.
fn tell_lacking(session: &Session<'_>, environment: Option<&str>) {
    let Ok(branch) = session.branch() else { return };
    let own = session.config.environment(&branch);
    if environment.is_some_and(|asked| asked != own.as_str() && asked != branch.as_str()) {
        return;
    }
    match session.lacking() {
        Ok(Some(plan)) => {
            let lacks = told::summary(&plan);
            tell!("note: {own} does not show the files of {branch} yet ({lacks} · vmesh status)");
        }
        Err(Error::Project(_)) => {
            tell!("note: {own} does not show the files of {branch}, which have a problem: vmesh plan");
        }
        Ok(None) | Err(_) => {}
    }
}

/// `vmesh table-diff`
pub(super) fn table_diff(face: &Face, args: &args::TableDiff) -> Verdict {
    let session = face.caught_up()?;
    tell_lacking(&session, args.b.as_deref());
    let found = session.table_diff(&args.model, args.a.as_deref(), args.b.as_deref(), &args.on, args.limit)?;
    session.close();
    face.print(|| diff::tables(&found), || json::table_diff(&found));
    Ok(u8::from(args.exit_code && found.differs()))
}

/// `vmesh query`
pub(super) fn query(face: &Face, args: &args::Query) -> Verdict {
    let session = face.caught_up()?;
    let environment = args.env.as_deref();
    tell_lacking(&session, environment);
    let format = match face.format {
        Format::Text | Format::Markdown => {
            let limit = (args.limit > 0).then_some(args.limit);
            let rows = session.query(&args.sql, environment, limit)?;
            session.close();
            say(&table::rows(&rows));
            return Ok(DONE);
        }
        Format::Json => ExportFormat::Json,
        Format::Csv => ExportFormat::Csv,
        Format::JsonLines => ExportFormat::JsonLines,
        Format::Parquet => ExportFormat::Parquet,
    };
    let bytes = session.export(&args.sql, environment, format)?;
    session.close();
    // parquet is no text: past every layer that looks at what it prints
    let _ = std::io::Write::write_all(&mut std::io::stdout(), &bytes);
    Ok(DONE)
}

/// `vmesh render`
pub(super) fn render(face: &Face, args: &args::Render) -> Verdict {
    let mut session = face.reading()?;
    limit(&mut session, args.execution_time.as_ref(), args.start.as_ref(), args.end.as_ref())?;
    let target = match &args.env {
        Some(env) => session.target(Some(env), None)?,
        None => session.readable_target()?,
    };
    let prepared = session.prepare(target)?;
    let sql = session.render(&prepared, &args.model)?;
    session.close();
    face.print(|| format!("{}\n", sql.trim_end()), || json!({"model": args.model, "sql": sql}));
    Ok(DONE)
}

/// `vmesh lineage`
pub(super) fn lineage(face: &Face, args: &args::Lineage) -> Verdict {
    let session = face.session()?;
    let prepared = session.prepare(session.readable_target()?)?;
    let project = &prepared.desired.project;
    let lineage = session.lineage(project, &args.model)?;
    face.print(
        || dag::lineage(project, &lineage),
        || {
            json!({
                "model": lineage.model,
                "upstream": lineage.upstream,
                "downstream": lineage.downstream,
                "sources": lineage.sources,
            })
        },
    );
    Ok(DONE)
}

/// `vmesh dag`
pub(super) fn dag(face: &Face, args: &args::Dag) -> Verdict {
    let session = face.reading()?;
    let prepared = session.prepare(session.readable_target()?)?;
    let plan = prepared.plan(&session, &session.state()?)?;
    session.close();
    let project = &prepared.desired.project;
    if let Some(file) = &args.html {
        let page = dag::html(project, &plan);
        std::fs::write(file, page).map_err(|source| Error::Io { doing: "write", path: file.clone(), source })?;
    }
    face.print(
        || match &args.html {
            Some(file) => format!("wrote {}\n", file.display()),
            None => dag::text(project, &plan),
        },
        || dag::json(project, &plan),
    );
    Ok(DONE)
}

impl Session<'_> {
    /// The current branch's target; main's working tree is never planned, but it can be read.
    pub(super) fn readable_target(&self) -> Result<crate::workflow::planning::Target, Error> {
        let mut target = self.target(None, None)?;
        let is_main = target.environment.is_prod() && self.folder.is_some();
        if is_main && target.branch == self.branch()? {
            target.tree = crate::workflow::tree::SourceTree::Working;
        }
        Ok(target)
    }
}
