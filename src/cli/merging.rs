//! `vmesh plan --merged`: a merge told, and built ahead.

use super::moving::{print_plan, warn};
use super::render::{count, markdown};
use super::{DONE, Face, Format, Verdict, args, error, lint, say};
use crate::workflow::error::{BranchError, BuildError, Error};
use crate::workflow::merged::BEFORE_ALL;
use crate::workflow::session::Session;

/// `vmesh plan --merged`
pub(super) fn merged(face: &Face, session: &mut Session<'_>, args: &args::Plan) -> Verdict {
    session.keep_open();
    let target = match session.merge_target(args.env.as_deref()) {
        Err(Error::Branch(BranchError::Conflicts { branch, main, models, others }))
            if face.format == Format::Markdown =>
        {
            say(&markdown::conflicts(&branch, &main, &models, &others));
            return Ok(error::FAILED);
        }
        target => target?,
    };
    let prepared = session.prepare(target)?;
    lint::first(face, session, &prepared)?;
    let mut plan = prepared.plan(session, &session.state_of(&prepared.target.environment)?)?;
    session.locate_edits(&prepared, &mut plan)?;
    let builds = plan.builds().count();
    let changed = session.settings_changed(&prepared)?;
    if !changed.is_empty() && !face.is_json() {
        let (file, what) = (session.settings_file, changed.join(", "));
        tell!(
            "warning: the merge changes {file} ({what}): it counts from then on, and the next promotion runs with it"
        );
    }
    warn(face, &prepared);
    session.check_places(&plan)?;
    session.close();
    print_plan(face, &plan, args.explain, false);
    if args.exit_code {
        return Ok(u8::from(builds > 0 || !changed.is_empty()));
    }
    if args.no_build && builds > 0 {
        return Err(BuildError::BuildsNeeded {
            environment: plan.environment.clone(),
            models: plan.builds().map(|step| step.model.clone()).collect(),
        }
        .into());
    }
    let ask = builds > 0 && !args.yes && !changed.contains(&BEFORE_ALL);
    if args.no_build || (ask && face.format != Format::Text) {
        return Ok(DONE);
    }
    if ask && !Face::can_ask() {
        tell!("not built: there is no terminal to ask on; --yes builds");
        return Ok(DONE);
    }
    if ask && !face.confirm("build it ahead?", false, "--yes")? {
        say("nothing was changed\n");
        return Ok(DONE);
    }
    if !ask && !args.yes {
        return Ok(DONE);
    }
    let built = session.build_ahead(&prepared, true)?;
    face.teller.clear();
    if face.format == Format::Text {
        let branch = &plan.source.branch;
        say(&format!("{} built · merging {branch} swaps pointers only\n", count(built.len(), "model")));
    }
    Ok(DONE)
}
