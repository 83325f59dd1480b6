//! Keeping the current branch's environment in step with the files as they are saved.

use std::path::Path;

use super::error::Error;
use super::event::Report;
use super::session::Session;
use super::settle::Settled;
use crate::adapter::git::Repository;
use crate::adapter::warehouse::Interrupt;
use crate::adapter::watcher;
use crate::domain::config::HookBuild;

/// Watches the project until interrupted. `told` gets the result of every settling. Nothing is held open in between: the
/// repository, the settings and the warehouse are opened anew each time.
pub fn watch(
    start: &Path,
    report: &dyn Report,
    interrupt: &Interrupt,
    told: &mut dyn FnMut(Result<Settled, Error>),
) -> Result<(), Error> {
    let session = Session::open(start, report, interrupt)?;
    let Some(folder) = session.folder.clone() else {
        let what = "a bare repository has no files to watch".to_owned();
        return Err(Error::Usage { what, help: "vmesh promote".to_owned() });
    };
    let git = [session.repository.git_dir().to_owned(), session.repository.common_dir().join("refs")];
    let prefix = session.prefix.clone();
    drop(session);
    let settle = || {
        let repository = Repository::discover(&folder)?;
        let mut session = Session::of_project(repository, prefix.clone(), report, interrupt)?;
        session.settle(HookBuild::Inline)
    };
    watcher::run(&folder, &git, &|| interrupt.is_requested(), &mut || told(settle()))
        .map_err(|message| Error::Query { message, help: Some("vmesh doctor".to_owned()) })
}
