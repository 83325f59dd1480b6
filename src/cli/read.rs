//! The commands that only read.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::args;
use super::moving::limit;
use super::render::plan as told;
use super::render::{BOLD, DIM, ago, bytes, count, dag, diff, json, markdown, paint, table, trace, wrap};
use super::{DONE, Face, Format, Verdict, page, say};
use crate::adapter::engine::ExportFormat;
use crate::adapter::git::CommitId;
use crate::domain::environment::{Environment, Owner, Scope, State};
use crate::domain::name::{EnvName, TableName};
use crate::domain::plan::Change;
use crate::domain::project::Model;
use crate::workflow::background::seal::Known;
use crate::workflow::error::Error;
use crate::workflow::session::{Session, now};

/// `vmesh envs`
pub(super) fn envs(face: &Face) -> Verdict {
    let (session, _) = face.caught_up()?;
    let Some(warehouse) = session.read_warehouse()? else {
        face.print(|| "no environments yet\n".to_owned(), || json!([]));
        return Ok(DONE);
    };
    let state = warehouse.state(&Scope::Pointers)?;
    let tables: BTreeSet<TableName> =
        state.environments.values().flat_map(|environment| own(environment, &state)).collect();
    let sizes = warehouse.bytes(&tables)?;
    drop(warehouse);
    session.close();
    let (now, here) = (now(), session.owner());
    let line = |environment| {
        let own = own(environment, &state);
        EnvLine { environment, own: own.len(), bytes: own.iter().filter_map(|table| sizes.get(table)).sum() }
    };
    let lines: Vec<EnvLine<'_>> = state.environments.values().map(line).collect();
    let text = || {
        if lines.is_empty() {
            return "no environments yet\n".to_owned();
        }
        let headings = ["environment", "branch", "kept by", "commit", "updated", "models", "not prod's", "own storage"];
        let spare = ["kept by", "models", "own storage", "updated", "branch"];
        table::list(&headings, &spare, lines.iter().map(|line| line.cells(now, &here)).collect())
    };
    face.print(text, || Value::Array(lines.iter().map(EnvLine::json).collect()));
    Ok(DONE)
}

/// An environment, and the tables that only it shows.
struct EnvLine<'e> {
    environment: &'e Environment,
    own: usize,
    bytes: u64,
}

impl EnvLine<'_> {
    fn cells(&self, now: i64, here: &Owner) -> Vec<String> {
        let environment = self.environment;
        let commit = environment.commit.as_deref().map(told::short).unwrap_or_default();
        let dirty = if environment.dirty { "+" } else { "" };
        let unless_prod = |text: String| if environment.name.is_prod() { "–".to_owned() } else { text };
        vec![
            environment.name.to_string(),
            environment.branch.to_string(),
            environment.owner.as_ref().map(|owner| keeper(owner, here)).unwrap_or_default(),
            format!("{commit}{dirty}"),
            ago(environment.updated_at, now),
            environment.pointers.len().to_string(),
            unless_prod(self.own.to_string()),
            unless_prod(bytes(self.bytes)),
        ]
    }

    fn json(&self) -> Value {
        let environment = self.environment;
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
            "differs": self.own,
            "bytes": self.bytes,
        })
    }
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

/// The tables that an environment shows and prod doesn't.
fn own(environment: &Environment, state: &State) -> BTreeSet<TableName> {
    let shown = |environment: &Environment| environment.pointers.values().map(|shown| shown.table.clone()).collect();
    let prod: BTreeSet<TableName> = state.prod().map(shown).unwrap_or_default();
    let own: BTreeSet<TableName> = if environment.name.is_prod() { BTreeSet::new() } else { shown(environment) };
    own.difference(&prod).cloned().collect()
}

/// `vmesh log`
pub(super) fn log(face: &Face, args: &args::Log) -> Verdict {
    let session = face.session()?;
    let state = session.state_of(&EnvName::prod())?;
    let mut entries: Vec<(u64, String, &str, i64, usize, String)> = Vec::new();
    for (promotion, moved) in state.promotions.iter().zip(state.pointers_moved()) {
        let commit = CommitId::from_record(promotion.commit.clone());
        let subject = session.repository.describe(&commit).map(|info| info.subject).unwrap_or_default();
        let (commit, action) = (promotion.commit.clone(), promotion.action.word());
        entries.push((promotion.generation, commit, action, promotion.at, moved, subject));
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
            let when = format!("{} · {}", ago(*at, now()), count(*moved, "pointer"));
            let room = table::width().map_or(usize::MAX, |width| width.saturating_sub(24 + when.chars().count()));
            let subject = wrap::shortened(subject, room.max(20));
            let when = paint(DIM, when);
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

/// `vmesh ls`
pub(super) fn ls(face: &Face, args: &args::Ls) -> Verdict {
    let session = face.reading()?;
    let prepared = session.prepare(session.readable_target()?)?;
    let state = session.state_of(&prepared.target.environment)?;
    session.close();
    let meant = session.models_meant(&prepared, &args.models)?;
    let plan = prepared.plan(&session, &state)?;
    let models: Vec<&Model> = meant.iter().filter_map(|name| prepared.desired.project.model(name)).collect();
    let step = |model: &Model| plan.steps.iter().find(|step| step.model == model.name);
    let text = || {
        if models.is_empty() {
            return "no such models\n".to_owned();
        }
        let line = |model: &&Model| {
            let change = step(model).map(|step| step.change).filter(|change| *change != Change::Unchanged);
            let about = &model.file.about;
            vec![
                model.name.to_string(),
                model.kind.word().to_string(),
                change.map(Change::word).unwrap_or_default().to_owned(),
                about.owner.clone().unwrap_or_default(),
                about.tags.join(", "),
            ]
        };
        table::list(
            &["model", "kind", "change", "owner", "tags"],
            &["owner", "tags", "kind"],
            models.iter().map(line).collect(),
        )
    };
    let data = || {
        let line = |model: &&Model| {
            let (step, about) = (step(model), &model.file.about);
            json!({
                "name": model.name,
                "kind": model.kind.word().as_str(),
                "path": model.path,
                "owner": about.owner,
                "tags": about.tags,
                "description": about.description,
                "change": step.map(|step| step.change.word()),
                "action": step.map(|step| step.action().word()),
            })
        };
        Value::Array(models.iter().map(line).collect())
    };
    face.print(text, data);
    Ok(DONE)
}

/// `vmesh diff`
pub(super) fn diff(face: &Face, args: &args::Diff) -> Verdict {
    let (session, known) = face.caught_up()?;
    tell_lacking(&session, known.as_ref(), args.b.as_deref());
    let found = session.diff(args.a.as_deref(), args.b.as_deref(), known.as_ref())?;
    session.close();
    let text = || match face.format {
        Format::Markdown => markdown::diff(&found),
        _ => diff::models(&found, args.stat),
    };
    face.print(text, || json::diff(&found));
    Ok(u8::from(args.exit_code && !found.models.is_empty()))
}

/// Says where what is looked at is not yet what the branch's files say. Whatever keeps that from being known is told by
/// commands that need to know it.
fn tell_lacking(session: &Session<'_>, known: Option<&Known>, environment: Option<&str>) {
    if known.is_some() {
        return;
    }
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
    let (session, known) = face.caught_up()?;
    tell_lacking(&session, known.as_ref(), args.b.as_deref());
    let found = session.table_diff(&args.model, args.a.as_deref(), args.b.as_deref(), &args.on, args.limit)?;
    session.close();
    let text = || match face.format {
        Format::Markdown => markdown::tables(&found),
        _ => diff::tables(&found),
    };
    face.print(text, || json::table_diff(&found));
    Ok(u8::from(args.exit_code && found.differs()))
}

/// `vmesh query`
pub(super) fn query(face: &Face, args: &args::Query) -> Verdict {
    let (session, known) = face.caught_up()?;
    let environment = args.env.as_deref();
    let sql = match args.sql.as_str() {
        "-" => {
            let failed = |source| Error::Io { doing: "read", path: "standard input".into(), source };
            std::io::read_to_string(std::io::stdin()).map_err(failed)?
        }
        sql => sql.to_owned(),
    };
    tell_lacking(&session, known.as_ref(), environment);
    let format = match face.format {
        Format::Text | Format::Markdown => {
            let limit = (args.limit > 0).then_some(args.limit);
            let rows = session.query(&sql, environment, limit)?;
            session.close();
            say(&table::rows(&rows));
            return Ok(DONE);
        }
        Format::Json => ExportFormat::Json,
        Format::Csv => ExportFormat::Csv,
        Format::JsonLines => ExportFormat::JsonLines,
        Format::Parquet => ExportFormat::Parquet,
    };
    let bytes = session.export(&sql, environment, format)?;
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
    if let Some(lineage) = session.column_lineage(project, &args.model)? {
        face.print(|| trace::text(&lineage), || trace::json(&lineage));
        return Ok(DONE);
    }
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
    if let Some(file) = &args.html {
        return page::page(
            face,
            &args::Page {
                file: Some(file.clone()),
                commits: args::COMMITS,
                diff: Vec::new(),
                test: false,
                serve: false,
                port: 0,
            },
        );
    }
    let session = face.reading()?;
    let prepared = session.prepare(session.readable_target()?)?;
    let plan = prepared.plan(&session, &session.state_of(&prepared.target.environment)?)?;
    session.close();
    let project = &prepared.desired.project;
    face.print(|| wrap::wrap(&dag::text(project, &plan), table::width()), || dag::json(project, &plan));
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
