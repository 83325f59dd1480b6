//! The commands that ask Git who changed what something means: blame, log MODEL.

use serde_json::{Value, json};

use super::render::{BOLD, DIM, ago, diff, paint, plan as told, table, wrap};
use super::{DONE, Face, Verdict, args};
use crate::adapter::git::CommitId;
use crate::workflow::blame::{Changed, Edit};
use crate::workflow::error::Error;
use crate::workflow::session::{Session, now};

/// `vmesh blame`
pub(super) fn blame(face: &Face, args: &args::Blame) -> Verdict {
    let changed = changes(face, &args.subject, args.rev.as_deref(), 1)?;
    let text = || {
        let edit = |edit: &Edit| {
            let heading = format!("\n  {} {}\n", paint(BOLD, &edit.model), paint(DIM, &edit.path));
            format!("{heading}{}", diff::text(&edit.before, &edit.after))
        };
        let one = |changed: &Changed| {
            let edits: String = changed.edits.iter().map(edit).collect();
            let why = if changed.edits.is_empty() { "\n  by a macro, a setting or a data file\n" } else { "" };
            format!("{}{edits}{why}", line(changed))
        };
        changed.iter().map(one).collect()
    };
    face.print(text, || changed.first().map_or(Value::Null, data));
    Ok(DONE)
}

/// `vmesh log MODEL`
pub(super) fn log(face: &Face, subject: &str, rev: Option<&str>, limit: usize) -> Verdict {
    let changed = changes(face, subject, rev, limit)?;
    face.print(|| changed.iter().map(line).collect(), || Value::Array(changed.iter().map(data).collect()));
    Ok(DONE)
}

fn changes(face: &Face, subject: &str, rev: Option<&str>, limit: usize) -> Result<Vec<Changed>, Error> {
    let session = face.session()?;
    let from = start(&session, rev.unwrap_or("HEAD"))?;
    let subject = session.subject(subject, &from)?;
    session.changes_of(&subject, &from, limit)
}

fn start(session: &Session<'_>, rev: &str) -> Result<CommitId, Error> {
    session.repository.resolve(rev)?.ok_or_else(|| Error::Query {
        message: format!("`{rev}` is no branch, tag or commit with a history"),
        help: Some("git log --oneline".to_owned()),
    })
}

fn line(changed: &Changed) -> String {
    let commit = &changed.commit;
    let models: Vec<String> = changed.edits.iter().map(|edit| edit.model.to_string()).collect();
    let what = match (changed.is_first, models.is_empty()) {
        (true, _) => "made here".to_owned(),
        (false, true) => "by a macro, a setting or a data file".to_owned(),
        (false, false) => format!("in {}", models.join(", ")),
    };
    let when = format!("· {} · {} · {what}", commit.author, ago(commit.seconds, now()));
    let room = table::width().map_or(usize::MAX, |width| width.saturating_sub(12 + wrap::width_of(&when)));
    let subject = wrap::shortened(&commit.subject, room.max(20));
    format!("{}  {subject}  {}\n", paint(BOLD, told::short(commit.id.as_str())), paint(DIM, when))
}

fn data(changed: &Changed) -> Value {
    let commit = &changed.commit;
    let edit =
        |edit: &Edit| json!({"model": edit.model, "path": edit.path, "before": &*edit.before, "after": &*edit.after});
    json!({
        "commit": commit.id.as_str(),
        "author": commit.author,
        "at": commit.seconds,
        "subject": commit.subject,
        "first": changed.is_first,
        "edits": changed.edits.iter().map(edit).collect::<Vec<_>>(),
    })
}
