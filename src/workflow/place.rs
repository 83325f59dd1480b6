//! Where the warehouse lies, and whether Git could write there.
//!
//! By default it lies below the git directory that all worktrees share: no checkout writes there. For people's clients
//! there is a link to its folder beside the settings, which vmesh itself never follows. A path that the settings name
//! may lie among the files of a working tree, as long as Git has nothing in its place.

use std::path::{Component, Path, PathBuf};

use super::workspace::Workspace;
use serde::{Deserialize, Serialize};

use super::error::{Error, io};
use crate::adapter::cache;
use crate::adapter::engine::{BACKUP, COMPANIONS, OpenError, companion};
use crate::adapter::git::Repository;
use crate::adapter::local::Shared;
use crate::domain::config::{Config, WAREHOUSE};

/// The link beside the settings, to the folder of the warehouse.
pub(super) const LINK: &str = "warehouse";

/// The warehouse's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The DuckDB file, of the warehouse or of the records of one; of a server, where that is, in words.
    pub path: PathBuf,
    /// Who chose it.
    pub chosen: Chosen,
}

/// Who chose a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chosen {
    /// Nobody: below the git directory.
    ByDefault,
    /// The settings.
    BySettings,
    /// An earlier vmesh, whose default was beside the settings.
    ByEarlier,
    /// `vmesh doctor --move-warehouse`.
    ByMove,
}

/// A warehouse that was moved below the git directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Moved {
    /// Where it was.
    pub(super) from: PathBuf,
    /// Where it is.
    pub(super) to: PathBuf,
}

impl Place {
    /// The place of a project's warehouse.
    pub(super) fn of(repository: &Repository, prefix: &str, config: &Config) -> Self {
        let home = repository.main_top().join(prefix);
        let named = lexical(&home.join(config.warehouse.as_deref().unwrap_or(WAREHOUSE)));
        let shared = Shared::of(repository.common_dir());
        if let Some(server) = config.opening.on_server().filter(|_| !config.opening.has_file()) {
            // no path of a file, but what people are told of where it is
            return Self { path: server.into(), chosen: Chosen::ByDefault };
        }
        let moved = cache::load::<Moved>(&shared.moved(prefix)).filter(|moved| is_file(&moved.to));
        if let Some(moved) = moved.filter(|moved| config.warehouse.is_none() || moved.from == named) {
            return Self { path: moved.to, chosen: Chosen::ByMove };
        }
        let own = shared.warehouse(prefix, WAREHOUSE);
        let chosen = match config.warehouse {
            Some(_) => Chosen::BySettings,
            // a file that Git brought is nobody's warehouse
            None if !own.exists() && is_file(&named) && guard(&named).is_ok() => Chosen::ByEarlier,
            None => Chosen::ByDefault,
        };
        Self { path: if chosen == Chosen::ByDefault { own } else { named }, chosen }
    }

    /// Whether no checkout can write there.
    pub(super) fn is_below_git(&self) -> bool {
        matches!(self.chosen, Chosen::ByDefault | Chosen::ByMove)
    }
}

/// Whether this is a file, and no link to one.
fn is_file(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file())
}

/// A path without `.` and `..`, told from its text alone: no link is followed.
pub(super) fn lexical(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            part => out.push(part),
        }
    }
    out
}

/// The working tree that a path lies in, and the path from its top; `None` where no checkout writes.
pub(super) fn in_working_tree(path: &Path) -> Option<(Repository, PathBuf)> {
    let there = path.ancestors().skip(1).find(|folder| folder.exists())?;
    let canonical = there.canonicalize().ok()?;
    let repository = Repository::holding(&canonical).ok()?;
    let top = repository.top()?;
    let is_inside = canonical.starts_with(top)
        && !canonical.starts_with(repository.git_dir())
        && !canonical.starts_with(repository.common_dir());
    let below = canonical.strip_prefix(top).ok()?.join(path.strip_prefix(there).ok()?);
    is_inside.then_some((repository, below))
}

/// Refuses a place in a working tree that Git writes, or that a link leads away from.
pub(super) fn guard(path: &Path) -> Result<(), Error> {
    let beside = COMPANIONS.iter().map(|ending| companion(path, ending));
    let mut links = path.ancestors().map(Path::to_owned).chain(beside).filter(|path| is_link(path));
    // a link that no checkout can make is its owner's business
    if let Some(path) = links.find(|link| in_working_tree(link).is_some()) {
        return Err(Error::Warehouse(OpenError::Link { path }.into()));
    }
    let Some((repository, below)) = in_working_tree(path) else { return Ok(()) };
    match repository.tracked_among(&family(&below))? {
        Some(tracked) => {
            let top = repository.top().unwrap_or(repository.git_dir()).to_owned();
            Err(Error::Warehouse(OpenError::Tracked { path: path.to_owned(), tracked, top }.into()))
        }
        None => Ok(()),
    }
}

fn is_link(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink())
}

impl Workspace {
    /// Refuses a warehouse that Git could write, or that it wrote.
    pub(super) fn check_place(&self) -> Result<(), Error> {
        if self.place.is_below_git() { Ok(()) } else { guard(&self.place.path) }
    }

    /// The warehouse's path as people can use it where they stand: by the link, if it leads there.
    pub fn shown_warehouse(&self) -> String {
        if let Some(server) = self.config.opening.on_server() {
            return server;
        }
        let name = self.place.path.file_name().unwrap_or_default();
        let by_link = self.folder.as_ref().map(|folder| folder.join(LINK).join(name));
        let leads_there = |path: &Path| path.canonicalize().is_ok_and(|there| there == self.place.path);
        match by_link.filter(|path| self.place.is_below_git() && leads_there(path)) {
            Some(path) => path.display().to_string(),
            None => self.place.path.display().to_string(),
        }
    }

    /// Makes the place ready for those who open the warehouse: Git leaves it alone, people find it.
    pub(super) fn prepare_place(&self) -> Result<(), Error> {
        if !self.config.opening.has_file() {
            return Ok(());
        }
        if self.place.is_below_git() {
            return self.link();
        }
        match in_working_tree(&self.place.path) {
            Some((there, below)) if there.common_dir() == self.repository.common_dir() => {
                Ok(there.exclude(&family(&below))?)
            }
            _ => Ok(()),
        }
    }

    /// Makes the link to the warehouse's folder, which Git ignores.
    pub(super) fn link(&self) -> Result<(), Error> {
        let folder = self.shared().warehouse_folder(&self.prefix);
        std::fs::create_dir_all(&folder).map_err(io("create", &folder))?;
        let Some(project) = &self.folder else { return Ok(()) };
        let link = project.join(LINK);
        if std::fs::symlink_metadata(&link).is_err() && project.is_dir() {
            self.repository.exclude(&[self.in_top(LINK)])?;
            // only a convenience: where there can be none, `vmesh status` tells the path
            let _ = std::os::unix::fs::symlink(self.link_target(&folder), &link);
        }
        Ok(())
    }

    /// What the link says: from where it stands, if the git directory lies in this working tree, so that both can be
    /// moved together.
    fn link_target(&self, folder: &Path) -> PathBuf {
        match self.repository.top().and_then(|top| folder.strip_prefix(top).ok()) {
            Some(below) => {
                let up = self.prefix.split('/').filter(|part| !part.is_empty()).map(|_| "..");
                up.collect::<PathBuf>().join(below)
            }
            None => folder.to_owned(),
        }
    }
}

/// A warehouse and all that its engine puts beside it.
fn family(path: &Path) -> Vec<String> {
    let all = COMPANIONS.iter().chain([&BACKUP]).map(|ending| companion(path, ending));
    [path.to_owned()].into_iter().chain(all).map(|path| path.to_string_lossy().into_owned()).collect()
}
