//! Keeping the current branch's environment in step with the files as they are saved, for as long as one likes. Nothing
//! is held open in between: the repository, the settings and the warehouse are opened anew each time.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::error::Error;
use super::super::event::Report;
use super::super::session::Session;
use super::super::tree::{SourceTree, is_wanted};
use super::super::workspace::Workspace;
use super::input_stamp::InputStamp;
use super::progress::Announced;
use super::queue::{Queue, Request, Right, moment};
use super::supervised::{Lookout, Outcome, Supervised};
use super::worker::Worker;
use crate::adapter::bell::{Bell, Heard, Ring};
use crate::adapter::engine::{Interrupt, WarehouseError};
use crate::adapter::git::{self, Head, Repository};
use crate::adapter::watcher::{Listener, Places};
use crate::domain::config::{CONFIG_FILES, HookBuild};

/// Events get lost, laptops sleep, the warehouse is taken: once a minute vmesh looks without being told to.
const SLOW: Duration = Duration::from_secs(60);
/// The same, while something waits that can't be done yet.
const SOON: Duration = Duration::from_secs(1);
/// How long a look that nobody asked for waits for a warehouse that another process has.
const BRIEFLY: Duration = Duration::from_millis(300);

/// What `vmesh watch` has to tell.
pub enum News<'a> {
    /// What became of the current branch.
    Own(&'a Outcome),
    /// What became of a request that hooks left.
    Other(&'a Request, &'a Outcome),
    /// Files can't be watched, for this reason; they are looked at every few seconds.
    Looking(&'a str),
}

/// Gets the news, and gives back the text that people got to read.
pub type OnNews<'a> = dyn FnMut(News<'_>) -> String + 'a;

/// One project in one working tree.
struct Watch<'a> {
    folder: PathBuf,
    prefix: String,
    report: &'a dyn Report,
    interrupt: &'a Interrupt,
    queue: &'a Queue,
    bell: Arc<Bell>,
    /// What the last try was made from, if it ended badly: the same is not tried again without a reason.
    failed: Option<InputStamp>,
    /// How often the current branch was planned anew since it was last done.
    turns: usize,
}

/// Watches the project until interrupted. Meanwhile it has the right to work, if no other process has it, and works off
/// what hooks leave.
pub fn watch(start: &Path, report: &dyn Report, interrupt: &Interrupt, on_news: &mut OnNews<'_>) -> Result<(), Error> {
    let session = Session::open(start, report, interrupt)?;
    let Some(folder) = session.folder.clone() else {
        let what = "a bare repository has no files to watch".to_owned();
        return Err(Error::Usage { what, help: "vmesh promote".to_owned() });
    };
    let queue = session.queue();
    let git_dir = session.repository.git_dir().to_owned();
    let prefix = session.prefix.clone();
    let mut known = (folders(&session, &folder)?, Arc::new(places(&session, &folder)));
    drop(session);
    let bell = Arc::new(Bell::default());
    let ends = bell.clone();
    interrupt.on_request(move || ends.end());
    let mut listener = Listener::new(bell.clone());
    let mut worker = Worker::new(&queue, report, interrupt);
    let mut watch = Watch { folder, prefix, report, interrupt, queue: &queue, bell, failed: None, turns: 0 };
    let mut right: Option<Right> = None;
    let mut heard = Heard::Change(Ring::ALL);
    loop {
        let ring = match heard {
            Heard::End => break,
            Heard::Change(ring) => ring,
            Heard::Nothing => Ring::default(),
        };
        let is_there = git_dir.join("HEAD").exists();
        right = right.filter(Right::is_valid);
        if right.is_none() && is_there {
            right = queue.right(true)?;
        }
        if ring.folders || heard == Heard::Nothing {
            // while the project is gone or broken, its folders are those it had
            let now = watch
                .session()
                .and_then(|session| Ok((folders(&session, &watch.folder)?, Arc::new(places(&session, &watch.folder)))));
            known = now.unwrap_or(known);
            // listen first, look then: what changes in between rings the bell
            if let Some(why) = listener.listen(known.0.clone(), ring.folders, &known.1) {
                on_news(News::Looking(&why));
            }
        }
        if let Some(outcome) = watch.reconcile(right.as_ref(), ring) {
            on_news(News::Own(&outcome));
        }
        if let Some(right) = &right
            && let Err(error) = worker.serve(right, &mut |request, outcome| on_news(News::Other(request, outcome)))
        {
            on_news(News::Own(&Outcome::Done(Err(error))));
        }
        let soon = !is_there || !watch.folder.exists() || (right.is_some() && queue.has_work());
        heard = watch.bell.wait(if soon { SOON } else { SLOW }, &|| git::is_checking_out(&git_dir));
    }
    drop(right);
    queue.revive()
}

impl Watch<'_> {
    fn session(&self) -> Result<Session<'_>, Error> {
        Session::of_project(Repository::discover(&self.folder)?, self.prefix.clone(), self.report, self.interrupt)
    }

    /// Brings the current branch in step: here, if this process has the right to work, or else by asking the one that
    /// has it. `None` if there is nothing to tell.
    fn reconcile(&mut self, right: Option<&Right>, ring: Ring) -> Option<Outcome> {
        let before = InputStamp::of_checked_out(&self.folder, &self.prefix);
        if !ring.files && before.is_some() && self.failed == before {
            return None;
        }
        let (folder, prefix, report) = (self.folder.clone(), self.prefix.clone(), self.report);
        let mut saved = Saved { folder: &folder, prefix: &prefix, bell: &self.bell, seen: None };
        let supervised = Supervised {
            interrupt: self.interrupt,
            stop: right.map(|_| self.queue),
            asked: moment(),
            before: before.clone(),
            turns: &mut self.turns,
        };
        let outcome = supervised.run(&mut saved, |own| {
            let repository = Repository::discover(&folder)?;
            let announced = match (right, repository.head()?) {
                (Some(right), Head::Branch { name, .. }) => Some(Announced::new(right, &name, report)),
                _ => None,
            };
            let report = announced.as_ref().map_or(report, |announced| announced as &dyn Report);
            let mut session = Session::of_project(repository, prefix.clone(), report, own)?;
            session.in_background = right.is_some();
            if ring == Ring::default() {
                session.location.patience = BRIEFLY;
            }
            session.reconcile(if right.is_some() { HookBuild::Inline } else { HookBuild::Background })
        })?;
        // a warehouse that another process has is free again some time
        let is_final = match &outcome {
            Outcome::Done(Ok(_)) | Outcome::Superseded => false,
            Outcome::Done(Err(error)) => !matches!(error, Error::Warehouse(WarehouseError::Locked { .. })),
            Outcome::Stopped => true,
        };
        self.failed = before.filter(|_| is_final);
        Some(outcome)
    }
}

/// Files and branches that change while the branch is worked on.
struct Saved<'a> {
    folder: &'a Path,
    prefix: &'a str,
    bell: &'a Bell,
    /// The last time that the bell was rung, of those that were looked after.
    seen: Option<Instant>,
}

impl Lookout for Saved<'_> {
    fn hears_other(&mut self, than: &InputStamp) -> bool {
        let Some(rung) = self.bell.unheard().filter(|rung| self.seen != Some(*rung)) else { return false };
        self.seen = Some(rung);
        self.look().is_some_and(|now| now != *than)
    }

    fn look(&self) -> Option<InputStamp> {
        InputStamp::of_checked_out(self.folder, self.prefix)
    }
}

/// The folders that have to be watched: the project's own, those of its models, those that hold data, and Git's. A new
/// file in a folder of another sort is seen when a model that reads it is saved, or a minute later.
fn folders(workspace: &Workspace, project: &Path) -> Result<BTreeSet<PathBuf>, Error> {
    let mut folders = BTreeSet::from([project.to_owned()]);
    let files = workspace.files(&SourceTree::Working)?;
    folders.extend(files.linked(project).filter_map(|file| file.parent().map(Into::into)));
    for path in files.paths() {
        let above = Path::new(path).ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty());
        folders.extend(above.map(|folder| project.join(folder)));
    }
    with_all_below(project.join(&workspace.config.models), &mut folders);
    let (own, shared) = (workspace.repository.git_dir(), workspace.repository.common_dir());
    for git in [own, shared] {
        folders.extend([git.to_owned(), git.join("logs"), git.join("reftable")]);
        with_all_below(git.join("refs"), &mut folders);
    }
    folders.insert(workspace.shared().queue());
    Ok(folders)
}

fn with_all_below(folder: PathBuf, folders: &mut BTreeSet<PathBuf>) {
    for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            with_all_below(entry.path(), folders);
        }
    }
    folders.insert(folder);
}

fn places(workspace: &Workspace, project: &Path) -> Places {
    let (folder, models) = (project.to_owned(), workspace.config.models.clone());
    let files = workspace.files(&SourceTree::Working);
    let linked: BTreeSet<PathBuf> = files.iter().flat_map(|files| files.linked(project)).map(Into::into).collect();
    let wanted = move |path: &Path| {
        if linked.contains(path) {
            return true;
        }
        let Some(path) = path.strip_prefix(&folder).ok().and_then(Path::to_str) else { return false };
        let name = path.rsplit('/').next().unwrap_or_default();
        // Emacs marks a file that is being edited by a link beside it
        is_wanted(&models, path) && !name.starts_with(".#") || CONFIG_FILES.contains(&name) || name == ".gitignore"
    };
    let (folder, prefix, queue) = (project.to_owned(), workspace.prefix.clone(), workspace.queue());
    let stamp = move || {
        let stamps = (InputStamp::of_checked_out(&folder, &prefix), queue.waiting());
        serde_json::to_string(&stamps).unwrap_or_default()
    };
    Places {
        git: [workspace.repository.git_dir().to_owned(), workspace.repository.common_dir().to_owned()],
        queue: workspace.shared().queue(),
        wanted: Box::new(wanted),
        stamp: Box::new(stamp),
    }
}
