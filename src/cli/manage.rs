//! The commands that remove: invalidate, gc.

use serde_json::json;

use super::args;
use super::render::{count, some};
use super::{DONE, Face, Verdict, say};
use crate::domain::name::TableName;
use crate::workflow::gc::{Garbage, Gone};

/// `vmesh invalidate`
pub(super) fn invalidate(face: &Face, args: &args::Invalidate) -> Verdict {
    let session = face.session()?;
    if !face.confirm(&format!("remove the environment of `{}`?", args.env), args.yes, "--yes")? {
        say("nothing was changed\n");
        return Ok(DONE);
    }
    let environment = session.invalidate(&args.env)?;
    face.print(
        || format!("{environment} is removed; its tables stay until: vmesh gc\n"),
        || json!({"environment": environment, "removed": true}),
    );
    Ok(DONE)
}

/// `vmesh gc`
pub(super) fn gc(face: &Face, args: &args::Gc) -> Verdict {
    let session = face.session()?;
    if args.yes && !args.dry_run {
        let done = session.collect_all()?;
        face.print(|| told(&done, "removed"), || listed(&done, false));
        return Ok(DONE);
    }
    let garbage = session.garbage()?;
    if args.dry_run || garbage.is_empty() {
        face.print(|| told(&garbage, "would be removed"), || listed(&garbage, args.dry_run));
        return Ok(DONE);
    }
    if !args.yes && !face.is_json() {
        say(&told(&garbage, "to remove"));
    }
    if !face.confirm("remove?", args.yes, "--yes")? {
        say("nothing was changed\n");
        return Ok(DONE);
    }
    let done = session.collect(&garbage)?;
    face.print(|| told(&done, "removed"), || listed(&done, false));
    Ok(DONE)
}

fn told(garbage: &Garbage, verb: &str) -> String {
    if garbage.is_empty() {
        return "nothing to remove\n".to_owned();
    }
    let mut lines = Vec::new();
    for (environment, _, gone) in &garbage.environments {
        let why = match gone {
            Gone::Branch => "its branch is gone",
            Gone::Unused => "unused for long",
        };
        lines.push(format!("  {environment}  {why}"));
    }
    if !garbage.previews.is_empty() {
        lines.push(format!("  what was kept for merging {}", some(&garbage.previews, 5)));
    }
    if let Some(history) = &garbage.history {
        lines.push(format!("  {} that no rollback reaches any more", count(history.count, "promotion")));
    }
    if !garbage.wrong.is_empty() {
        lines.push(format!("  wrong rows of builds that audits stopped: {}", some(&garbage.wrong, 5)));
    }
    if !garbage.tables.is_empty() {
        let names: Vec<&str> = garbage.tables.iter().map(|table| table.name.as_str()).collect();
        lines.push(format!("  {}: {}", count(names.len(), "table"), some(&names, 5)));
    }
    format!("{verb}:\n{}\n", lines.join("\n"))
}

fn listed(garbage: &Garbage, dry_run: bool) -> serde_json::Value {
    let environments: Vec<String> = garbage.environments.iter().map(|(name, ..)| name.to_string()).collect();
    let names = |tables: &[TableName]| tables.iter().map(ToString::to_string).collect::<Vec<_>>();
    let (tables, wrong) = (names(&garbage.tables), names(&garbage.wrong));
    let forgotten = garbage.history.as_ref().map_or(0, |history| history.count);
    json!({"environments": environments, "snapshots": tables, "wrong_rows": wrong, "promotions": forgotten, "dry_run": dry_run})
}
