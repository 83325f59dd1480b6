//! `vmesh fmt`

use serde_json::json;

use super::args;
use super::render::{DIM, YELLOW, count, paint};
use super::{DONE, Face, Verdict, error};
use crate::workflow::format::{Laid, Outcome};

/// `vmesh fmt`
pub(super) fn fmt(face: &Face, args: &args::Fmt) -> Verdict {
    let session = face.session()?;
    let laid = session.format(&args.paths, args.check)?;
    let changed = laid.iter().filter(|laid| laid.outcome == Outcome::Changed).count();
    let text = || {
        let mut out: String = laid.iter().filter_map(|laid| line(laid, args.check)).collect();
        let done = if args.check { "would change" } else { "laid out" };
        let as_they_were = laid.len() - changed;
        out.push_str(&match changed {
            0 => format!("{} · nothing to lay out\n", count(laid.len(), "file")),
            _ => format!("{} {done} · {as_they_were} as they were\n", count(changed, "file")),
        });
        out
    };
    let data = || {
        let one = |laid: &Laid| {
            let (outcome, why) = match laid.outcome {
                Outcome::Same => ("same", None),
                Outcome::Changed => ("changed", None),
                Outcome::Kept(why) => ("kept", Some(why)),
                Outcome::Unformatted => ("kept", Some("its header says `formatting false`")),
            };
            json!({"file": laid.path, "outcome": outcome, "why": why})
        };
        json!(laid.iter().map(one).collect::<Vec<_>>())
    };
    face.print(text, data);
    Ok(if args.check && changed > 0 { error::FAILED } else { DONE })
}

fn line(laid: &Laid, check: bool) -> Option<String> {
    let path = &laid.path;
    match laid.outcome {
        Outcome::Changed => Some(format!("{} {path}\n", if check { "would change" } else { "laid out" })),
        Outcome::Kept(why) => Some(format!("{} {path} {}\n", paint(YELLOW, "kept"), paint(DIM, format!("· {why}")))),
        Outcome::Same | Outcome::Unformatted => None,
    }
}
