//! What the hooks call, the process in the background, `watch` and `stop`. A hook never fails: git has done its work
//! already.

use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::path::Path;

use serde_json::json;

use super::args;
use super::render::event::{Teller, built, same_rows, waiting, warning};
use super::render::progress::Progress;
use super::render::{reconciled, some, table, wrap};
use super::{DONE, Face, Verdict, ending, error, here, say};
use crate::adapter::git::{CommitId, Repository};
use crate::adapter::local::Shared;
use crate::workflow::background::failure;
use crate::workflow::background::push::{self, Received};
use crate::workflow::background::queue::{Duty, Queue, Request, Stopped};
use crate::workflow::background::reconcile::Reconciled;
use crate::workflow::background::watch::{self as watching, News};
use crate::workflow::background::worker::{self, Outcome};
use crate::workflow::error::Error;
use crate::workflow::event::{Begun, Event, Report};
use crate::workflow::session::Session;
use crate::workflow::settings::settings_file;
use crate::workflow::workspace::registered;

/// `vmesh hook NAME …`
pub(super) fn hook(face: &Face, args: &args::Hook) -> Verdict {
    if args.name == "worker" {
        return work(face, args);
    }
    ending::with_git(&face.interrupt);
    // panics are bugs, but not git's: whoever checks a branch out gets it
    let rung = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| ring(face, args)));
    if let Ok(Err(problem)) = rung {
        tell!("vmesh: the environment was not updated; git's own work is done");
        error::print(&problem);
    }
    Ok(DONE)
}

/// Reconciles every project of the repository, or leaves it for later where git is not done yet.
fn ring(face: &Face, args: &args::Hook) -> Result<(), Error> {
    let start = here()?;
    let repository = Repository::discover(&start)?;
    let is_index = args.name == "post-index-change";
    if is_index && !(args.args.first().is_some_and(|files| files == "1") && is_own_index(&repository, &start)) {
        return Ok(());
    }
    let later = is_index || more_follows(&args.name, &repository);
    let projects: BTreeSet<String> = registered(&repository).into_iter().collect();
    let mut found = Some(repository);
    let teller = Teller::quiet();
    for prefix in projects {
        let repository = found.take().map_or_else(|| Repository::discover(&start), Ok)?;
        if repository.top().is_some_and(|top| settings_file(&top.join(&prefix)).is_none()) {
            // this branch has no such project
            continue;
        }
        if later {
            Queue::of(&repository).ask_later(&repository, &prefix)?;
            continue;
        }
        if args.name == "post-receive" {
            told_of_push(&push::receive(repository, prefix, &teller, &face.interrupt)?);
            continue;
        }
        let mut session = Session::of_project(repository, prefix, &teller, &face.interrupt)?;
        session.hurried = true;
        let build = session.config.hooks.build;
        let reconciled = session.reconcile(build)?;
        // whoever only checks out a file knows where they are
        let is_switch = args.name == "post-checkout" && args.args.last().is_some_and(|flag| flag == "1");
        let line = match &reconciled {
            Reconciled::InStep(standing) if is_switch => {
                let is_tip =
                    || Ok::<_, Error>(session.main_tip()?.as_ref().map(CommitId::as_str) == standing.commit.as_deref());
                Some(reconciled::in_step(standing, !standing.environment.is_prod() || is_tip()?))
            }
            _ => reconciled::render(&reconciled, is_switch),
        };
        if let Some(line) = line {
            tell!("{line}");
        }
        for failure in failure::unseen(&session)? {
            tell!("vmesh: {}", reconciled::failed(&failure));
        }
    }
    Ok(())
}

/// Tells whoever pushed what came of it.
fn told_of_push(received: &Received) {
    let mut queued = Vec::new();
    for (branch, came) in &received.moved {
        match came {
            Some(Ok(reconciled)) => {
                if let Some(line) = reconciled::render(reconciled, false) {
                    tell!("{line}");
                }
            }
            Some(Err(problem)) => tell!("vmesh: {branch} could not be planned\n{}", error::text(problem)),
            None => queued.push(branch),
        }
    }
    if !queued.is_empty() {
        tell!("vmesh: planning {} in the background", some(&queued, 5));
    }
    if received.main_deleted {
        tell!("vmesh: main was deleted; prod stays as it is");
    }
}

/// Whether git has changed the working tree's own index: `stash` and `commit <path>` work with passing ones.
fn is_own_index(repository: &Repository, here: &Path) -> bool {
    let own = repository.git_dir().join("index").canonicalize().ok();
    std::env::var_os("GIT_INDEX_FILE").is_none_or(|used| here.join(used).canonicalize().ok() == own)
}

/// Whether git goes on after this hook: it puts back the uncommitted changes that it has put aside, and `git rebase
/// --apply` has yet to move the branch.
fn more_follows(hook: &str, repository: &Repository) -> bool {
    let is_there = |name: &str| repository.git_dir().join(name).exists();
    match hook {
        // no file where references are kept in tables
        "post-merge" => repository.resolve("MERGE_AUTOSTASH").is_ok_and(|stash| stash.is_some()),
        "post-rewrite" => is_there("rebase-merge/autostash") || is_there("rebase-apply"),
        _ => false,
    }
}

/// The process in the background.
fn work(face: &Face, args: &args::Hook) -> Verdict {
    let queue = match args.args.first() {
        Some(folder) => Queue::new(Shared::at(Path::new(folder))),
        None => Queue::of(&Repository::discover(&here()?)?),
    };
    let log = Log(Teller::new(Progress::default()));
    worker::work(&queue, &log, &face.interrupt, &mut |request, outcome| {
        let text = came_to(outcome);
        log_lines(&format!("{} · {text}", request.label()));
        text
    })?;
    Ok(DONE)
}

/// What a request came to, without colours.
fn came_to(outcome: &Outcome) -> String {
    let text = match outcome {
        Outcome::Done(Ok(reconciled)) => {
            reconciled::render(reconciled, true).unwrap_or_else(|| "there is nothing to do".to_owned())
        }
        Outcome::Done(Err(problem)) => error::text(problem),
        Outcome::Superseded => "it has changed in the meantime: planning again".to_owned(),
        Outcome::Stopped => "taken back by `vmesh stop`".to_owned(),
    };
    anstream::adapter::strip_str(text.trim_start_matches("vmesh: ")).to_string()
}

/// Tells events to the log, which is the output of the process in the background.
struct Log(Teller);

impl Report for Log {
    fn report(&self, event: &Event) {
        match event {
            Event::Building(Begun { model, index, total, .. }) => {
                log_lines(&format!("building {model} ({index} of {total})"));
            }
            Event::Built { model, took, rows } => log_lines(&built(model, *took, *rows)),
            Event::SameRows(cutoff) => log_lines(&same_rows(cutoff)),
            Event::Waiting { holder } => log_lines(&waiting(holder.as_ref())),
            Event::PlanningAgain => log_lines("the environment moved in the meantime: planning again"),
            Event::Warning { model, audit, count } => log_lines(&warning(model.as_ref(), audit, *count)),
            Event::Problem(problem) => log_lines(&super::render::diagnostic::render(problem, true)),
            Event::Moment(_) => self.0.report(event),
            Event::Ended(_) => {}
        }
    }
}

fn log_lines(text: &str) {
    let now = jiff::Zoned::now().strftime("%Y-%m-%d %H:%M:%S").to_string();
    for line in text.lines() {
        tell!("{now} {line}");
    }
}

/// `vmesh watch`
pub(super) fn watch(face: &Face) -> Verdict {
    let start = here()?;
    if std::io::stdout().is_terminal() {
        say("watching; Ctrl-C ends it\n");
    }
    // the folder that it was started in may be removed and made again
    if let (Some(root), None) = (start.ancestors().last(), std::env::var_os("GIT_DIR")) {
        std::env::set_current_dir(root).map_err(|source| Error::Io { doing: "enter", path: root.into(), source })?;
    }
    let mut last = String::new();
    let watched = watching::watch(&start, &face.teller, &face.interrupt, &mut |news| {
        face.teller.clear();
        // Ctrl-C is how it ends: no error of anything
        if face.interrupt.is_requested() {
            return String::new();
        }
        match news {
            News::Own(Outcome::Done(Ok(done))) => {
                let is_news = !matches!(done, Reconciled::InStep(_));
                if let Some(line) = reconciled::render(done, true).filter(|line| is_news || *line != last) {
                    say(&wrap::wrap(&format!("{line}\n"), table::width()));
                    last = line;
                }
            }
            News::Own(Outcome::Done(Err(problem))) => {
                let text = error::text(problem);
                if text != last {
                    error::print(problem);
                    last = text;
                }
            }
            News::Own(outcome) => {
                last = format!("vmesh: {}", came_to(outcome));
                say(&wrap::wrap(&format!("{last}\n"), table::width()));
            }
            News::Other(request, outcome) => {
                let text = came_to(outcome);
                say(&wrap::wrap(&format!("{} · {text}\n", request.label()), table::width()));
                return text;
            }
            News::Looking(why) => {
                tell!("files can't be watched here ({why}): looking every few seconds instead");
            }
        }
        String::new()
    });
    match watched {
        Err(_) if face.interrupt.is_requested() => Ok(DONE),
        watched => watched.map(|()| DONE),
    }
}

/// `vmesh stop`
pub(super) fn stop(face: &Face) -> Verdict {
    let queue = Queue::of(&Repository::discover(&here()?)?);
    let mut is_slow = |duty: Option<Duty>| {
        let who = duty.map(|duty| format!(" (process {})", duty.pid)).unwrap_or_default();
        tell!("waiting for the process that builds{who} to end");
    };
    let Some(Stopped { building, waiting }) = queue.stop(&mut is_slow)? else {
        let who = queue.duty().map(|duty| format!(" (PID {})", duty.pid)).unwrap_or_default();
        return Err(Error::Query {
            message: format!("the process that builds{who} has not answered for 10 s"),
            help: Some("it ends as soon as it can; vmesh status tells".to_owned()),
        });
    };
    let waiting: Vec<String> = waiting.iter().map(Request::label).collect();
    let text = || {
        let mut text = String::new();
        if let Some(building) = &building {
            let model = building.model.as_ref().map(|model| format!(" at {model}")).unwrap_or_default();
            text.push_str(&format!("stopped the build for branch {}{model}\n", building.branch));
        }
        if !waiting.is_empty() {
            text.push_str(&format!("taken back, not begun yet: {}\n", some(&waiting, 8)));
        }
        if text.is_empty() {
            return "nothing is being built in the background\n".to_owned();
        }
        text + "environments are as they were, and tables that were built are kept · vmesh plan goes on\n"
    };
    face.print(text, || json!({"stopped": building, "taken_back": waiting}));
    Ok(DONE)
}
