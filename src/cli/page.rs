//! `vmesh page`: one HTML file with Git's graph and the environments.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::render::page;
use super::{DONE, Face, Verdict, args, error, say, say_json};
use crate::adapter::local_server::{LocalServer, Served};
use crate::workflow::error::{BranchError, Error};
use crate::workflow::page::{Extent, Page};
use crate::workflow::session::{Session, now};

/// `vmesh page`
pub(super) fn page(face: &Face, args: &args::Page) -> Verdict {
    if args.serve {
        return serve(face, args);
    }
    let session = face.reading()?;
    let page = gathered(&session, args)?;
    if face.is_json() {
        say_json(&page::data::json(&page, now()));
        return Ok(DONE);
    }
    let file = args.file.clone().unwrap_or_else(|| session.shared().page());
    write(&page, &file)?;
    face.print(|| format!("wrote {}\n", file.display()), || json!({}));
    Ok(DONE)
}

/// Shows the page until Ctrl-C, each time as it is then.
fn serve(face: &Face, args: &args::Page) -> Verdict {
    let failed = |source| Error::Io { doing: "serve", path: "the page".into(), source };
    // what can't be shown at all is told at once
    gathered(&face.reading()?, args)?;
    let mut server = LocalServer::open(args.port).map_err(failed)?;
    face.teller.clear();
    say(&format!("{}\nshown to this machine alone; Ctrl-C ends it\n", server.url()));
    let session = || face.session_of(&face.teller);
    let mut page = || match session().and_then(|session| gathered(&session, args)) {
        Ok(page) => page::html(&page::data::json(&page, now())),
        Err(problem) => page::sorry(&error::text(&problem)),
    };
    let mut stamp = || session().map_or(0, |session| session.page_stamp());
    let is_over = || face.interrupt.is_requested();
    server.serve(&mut Served { page: &mut page, stamp: &mut stamp, is_over: &is_over }).map_err(failed)?;
    Ok(DONE)
}

/// What the page shows of the current branch; of prod, where no branch is checked out.
fn gathered(session: &Session<'_>, args: &args::Page) -> Result<Page, Error> {
    let target = match session.readable_target() {
        Err(Error::Branch(BranchError::Detached)) => session.target(Some("prod"), None)?,
        target => target?,
    };
    let extent = Extent { commits: args.commits, rows: &args.diff, tests: args.test };
    match session.page(target, extent) {
        // files that make no project are told, beside what is there
        Err(Error::Project(problems)) => {
            let mut page = session.page(session.target(Some("prod"), None)?, extent)?;
            page.problem = problems.first().map(|problem| problem.what.clone());
            Ok(page)
        }
        page => page,
    }
}

/// Writes the page into a file.
fn write(page: &Page, file: &Path) -> Result<(), Error> {
    let html = page::html(&page::data::json(page, now()));
    let failed = |source| Error::Io { doing: "write", path: PathBuf::from(file), source };
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    std::fs::write(file, html).map_err(failed)
}
