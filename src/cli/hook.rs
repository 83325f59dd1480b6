//! What the hooks call, the process in the background, and `watch`. A hook never fails: git has done its work already.

use std::collections::BTreeSet;
use std::io::IsTerminal;

use super::args;
use super::render::event::Teller;
use super::render::settled;
use super::{DONE, Face, Verdict, error, here, say};
use crate::adapter::git::Repository;
use crate::workflow::error::Error;
use crate::workflow::session::{Session, registered};
use crate::workflow::{watch as watching, worker};

/// `vmesh hook NAME …`
pub(super) fn hook(face: &Face, args: &args::Hook) -> Verdict {
    if args.name == "worker" {
        return work(face);
    }
    // panics are bugs, but not git's: whoever checks a branch out gets it
    let rung = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| ring(face, &args.name)));
    if let Ok(Err(problem)) = rung {
        anstream::eprintln!("vmesh: the environment was not updated; git's own work is done");
        error::print(&problem);
    }
    Ok(DONE)
}

/// Settles every project of the repository.
fn ring(face: &Face, name: &str) -> Result<(), Error> {
    let start = here()?;
    let repository = Repository::discover(&start)?;
    let projects: BTreeSet<String> = registered(&repository).into_iter().collect();
    let mut found = Some(repository);
    let teller = Teller::quiet();
    for prefix in projects {
        let repository = found.take().map_or_else(|| Repository::discover(&start), Ok)?;
        let config = repository.top().map(|top| top.join(&prefix).join(crate::domain::config::CONFIG_FILE));
        if config.is_some_and(|config| !config.is_file()) {
            // this branch has no such project
            continue;
        }
        let mut session = Session::of_project(repository, prefix, &teller, &face.interrupt)?;
        let build = session.config.hooks.build;
        let settled = session.settle(build)?;
        if let Some(line) = settled::render(&settled, name == "post-checkout") {
            anstream::eprintln!("{line}");
        }
    }
    Ok(())
}

/// The process in the background: its output is the log.
fn work(face: &Face) -> Verdict {
    let repository = Repository::discover(&here()?)?;
    let teller = Teller::new();
    worker::work(&repository, &teller, &face.interrupt, &mut |request, result| match result {
        Ok(settled) => {
            let line = settled::render(settled, true).unwrap_or_default();
            let line = anstream::adapter::strip_str(&line).to_string();
            anstream::eprintln!("{} · {line}", request.branch);
            line
        }
        Err(problem) => {
            let text = error::text(problem);
            anstream::eprintln!("{} ·\n{text}", request.branch);
            text
        }
    })?;
    Ok(DONE)
}

/// `vmesh watch`
pub(super) fn watch(face: &Face) -> Verdict {
    let start = here()?;
    if std::io::stdout().is_terminal() {
        say("watching; Ctrl-C ends it\n");
    }
    let mut last = String::new();
    watching::watch(&start, &face.teller, &face.interrupt, &mut |result| {
        face.teller.clear();
        match result {
            Ok(settled) => {
                if let Some(line) = settled::render(&settled, true).filter(|line| *line != last) {
                    say(&format!("{line}\n"));
                    last = line;
                }
            }
            Err(problem) => {
                last.clear();
                error::print(&problem);
            }
        }
    })?;
    Ok(DONE)
}
