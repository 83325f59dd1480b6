//! What vmesh keeps below the repository's git directory: this file alone knows the names.
//!
//! | in `<common git dir>/vmesh`, which all worktrees share | says |
//! |---|---|
//! | `projects` | the folders of the projects that hooks serve, one a line |
//! | `main*` | which branch was main last; `*` is the project's folder |
//! | `binary` | which vmesh the hooks call |
//! | `models.json` | parsed files, by the ids of their contents |
//! | `history.json` | which commits changed what a model or a column means, as far as anyone asked |
//! | `lineages.json` | what decides the columns of queries, by the queries and what they read |
//! | `beside-*.json` | files beside a project that its files name |
//! | `received.json` | where branches stood after the last push to here |
//! | `queue/*.json`, `queue/*.working` | a request that waits, a request in work |
//! | `queue/stop` | `vmesh stop` was called, and when |
//! | `worker.lock`, `worker.json` | the right to work, and who has it |
//! | `worker.log`, `worker.log.old` | what came of requests |
//! | `failed-*.json` | the last failure of a branch in the background |
//! | `stopped-*.json` | the builds of a branch that audits stopped |
//! | `door-*.lock`, `door-*.json` | who waits for a warehouse, and what the one inside is doing |
//! | `scratch/*` | files of one process at work |
//! | `warehouse/*` | each project's warehouse, in the project's folder |
//! | `warehouse/*/moved.json` | where a warehouse came from that was moved there |
//!
//! | in `<git dir>/vmesh`, each worktree's own | says |
//! |---|---|
//! | `stats.json` | what files looked like when they were read |
//! | `settled-*.json` | the branches that were in step, and with what |
//! | `tried-*.json` | what hooks tried and could not do |
//!
//! All but the warehouses may be lost at any time.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// The folder's own name.
const NAME: &str = "vmesh";
/// The files about branches that failed begin with this.
const FAILED: &str = "failed-";

/// The folder that all worktrees of a repository share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shared(PathBuf);

/// The folder of one worktree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Own(PathBuf);

impl Shared {
    /// That of a repository, by its common git directory.
    pub fn of(common_dir: &Path) -> Self {
        Self(common_dir.join(NAME))
    }

    /// That which a process was told the path of.
    pub fn at(folder: &Path) -> Self {
        Self(folder.to_owned())
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// The common git directory.
    pub fn common_dir(&self) -> &Path {
        self.0.parent().unwrap_or(Path::new(""))
    }

    /// The projects that hooks serve.
    pub fn projects(&self) -> PathBuf {
        self.0.join("projects")
    }

    /// Which branch is main to a project.
    pub fn main(&self, prefix: &str) -> PathBuf {
        // one file each: of `a+b` and `a/b`
        let project = prefix.replace('%', "%25").replace('+', "%2B").replace('/', "+");
        self.0.join(format!("main{project}"))
    }

    /// Which vmesh the hooks call: `hooks/hook.sh` reads it.
    pub fn binary(&self) -> PathBuf {
        self.0.join("binary")
    }

    /// Parsed files.
    pub fn models(&self) -> PathBuf {
        self.0.join("models.json")
    }

    /// Lineages.
    pub fn lineages(&self) -> PathBuf {
        self.0.join("lineages.json")
    }

    /// What was found out of models' histories.
    pub fn history(&self) -> PathBuf {
        self.0.join("history.json")
    }

    /// The page, where no other place is named.
    pub fn page(&self) -> PathBuf {
        self.0.join("page.html")
    }

    /// Files beside a project.
    pub fn beside(&self, prefix: &str) -> PathBuf {
        self.0.join(format!("beside-{}.json", key(prefix, 8)))
    }

    /// What a server's branches were.
    pub fn received(&self) -> PathBuf {
        self.0.join("received.json")
    }

    /// Where requests lie.
    pub fn queue(&self) -> PathBuf {
        self.0.join("queue")
    }

    /// A request that waits, by what it is about.
    pub fn waiting(&self, about: &str) -> PathBuf {
        self.queue().join(format!("{}.json", key(about, 16)))
    }

    /// A request in work.
    pub fn working(&self, about: &str) -> PathBuf {
        self.queue().join(format!("{}.working", key(about, 16)))
    }

    /// All requests that wait.
    pub fn all_waiting(&self) -> impl Iterator<Item = PathBuf> + use<> {
        files(&self.queue()).filter(|file| file.extension() == Some(OsStr::new("json")))
    }

    /// All requests in work.
    pub fn all_working(&self) -> impl Iterator<Item = PathBuf> + use<> {
        files(&self.queue()).filter(|file| file.extension() == Some(OsStr::new("working")))
    }

    /// When `vmesh stop` was called.
    pub fn stop(&self) -> PathBuf {
        self.queue().join("stop")
    }

    /// Locked by whoever has the right to work.
    pub fn worker_lock(&self) -> PathBuf {
        self.0.join("worker.lock")
    }

    /// Who that is.
    pub fn worker(&self) -> PathBuf {
        self.0.join("worker.json")
    }

    /// What the worker did.
    pub fn worker_log(&self) -> PathBuf {
        self.0.join("worker.log")
    }

    /// What it did before that.
    pub fn old_worker_log(&self) -> PathBuf {
        self.0.join("worker.log.old")
    }

    /// The last failure of a branch.
    pub fn failed(&self, prefix: &str, branch: &str) -> PathBuf {
        self.0.join(format!("{FAILED}{}.json", key(format!("{prefix}\0{branch}"), 16)))
    }

    /// The last failures of all branches.
    pub fn all_failed(&self) -> impl Iterator<Item = PathBuf> + use<> {
        let is_one = |file: &PathBuf| file.file_name().is_some_and(|name| name.to_string_lossy().starts_with(FAILED));
        files(&self.0).filter(is_one)
    }

    /// What audits stopped on a branch.
    pub fn stopped(&self, prefix: &str, branch: &str) -> PathBuf {
        self.0.join(format!("stopped-{}.json", key(format!("{prefix}\0{branch}"), 16)))
    }

    /// Locked by the first in line for a warehouse.
    pub fn door_lock(&self, warehouse: &Path) -> PathBuf {
        self.0.join(format!("door-{}.lock", key(warehouse, 8)))
    }

    /// What the one inside is doing.
    pub fn door(&self, warehouse: &Path) -> PathBuf {
        self.0.join(format!("door-{}.json", key(warehouse, 8)))
    }

    /// Where processes put what goes with them.
    pub fn scratch(&self) -> PathBuf {
        self.0.join("scratch")
    }

    /// The folder of a project's warehouse.
    pub fn warehouse_folder(&self, prefix: &str) -> PathBuf {
        self.0.join("warehouse").join(prefix)
    }

    /// A project's warehouse of some name.
    pub fn warehouse(&self, prefix: &str, name: impl AsRef<Path>) -> PathBuf {
        self.warehouse_folder(prefix).join(name)
    }

    /// Where the warehouse came from.
    pub fn moved(&self, prefix: &str) -> PathBuf {
        self.warehouse_folder(prefix).join("moved.json")
    }
}

impl Own {
    /// That of a worktree, by its git directory.
    pub fn of(git_dir: &Path) -> Self {
        Self(git_dir.join(NAME))
    }

    /// What files looked like.
    pub fn stat(&self) -> PathBuf {
        self.0.join("stats.json")
    }

    /// The branches of a project that were in step.
    pub fn settled(&self, prefix: &str) -> PathBuf {
        self.0.join(format!("settled-{}.json", key(prefix, 8)))
    }

    /// What hooks tried for a project.
    pub fn tried(&self, prefix: &str) -> PathBuf {
        self.0.join(format!("tried-{}.json", key(prefix, 8)))
    }
}

/// A name for what has any name: the first digits of its hash.
fn key(of: impl AsRef<OsStr>, digits: usize) -> String {
    blake3::hash(of.as_ref().as_encoded_bytes()).to_hex()[..digits].to_owned()
}

/// The files of a folder; none, if it isn't there.
fn files(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_earlier_versions() {
        let (shared, own) = (Shared::of(Path::new("/r/.git")), Own::of(Path::new("/r/.git/worktrees/a")));
        assert_eq!(shared, Shared::at(Path::new("/r/.git/vmesh")));
        assert_eq!(shared.common_dir(), Path::new("/r/.git"));
        let names = [
            (shared.main("a+b/c%"), "/r/.git/vmesh/maina%2Bb+c%25"),
            (shared.beside(""), "/r/.git/vmesh/beside-af1349b9.json"),
            (shared.waiting(""), "/r/.git/vmesh/queue/af1349b9f5f9a1a6.json"),
            (shared.door_lock(Path::new("")), "/r/.git/vmesh/door-af1349b9.lock"),
            (shared.warehouse("", "warehouse.duckdb"), "/r/.git/vmesh/warehouse/warehouse.duckdb"),
            (shared.moved("shop"), "/r/.git/vmesh/warehouse/shop/moved.json"),
            (own.settled(""), "/r/.git/worktrees/a/vmesh/settled-af1349b9.json"),
        ];
        for (path, name) in names {
            assert_eq!(path, Path::new(name));
        }
    }

    #[test]
    fn files_of_a_kind_are_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let shared = Shared::of(folder.path());
        assert_eq!(shared.all_waiting().count() + shared.all_failed().count(), 0);
        std::fs::create_dir_all(shared.queue()).unwrap();
        let all =
            [shared.waiting("a"), shared.working("a"), shared.stop(), shared.failed("", "a"), shared.stopped("", "a")];
        all.iter().for_each(|file| std::fs::write(file, "").unwrap());
        assert_eq!(shared.all_waiting().collect::<Vec<_>>(), all[..1]);
        assert_eq!(shared.all_working().collect::<Vec<_>>(), all[1..2]);
        assert_eq!(shared.all_failed().collect::<Vec<_>>(), all[3..4]);
    }
}
