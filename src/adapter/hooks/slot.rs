//! One file that may hold our lines, and which one should: other tools write hooks, too, each by rules of its own.

use std::fs::{self, Metadata, Permissions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::script::Script;
use super::{HookError, HookName};
use crate::adapter::git::HooksDir;

/// A file that is, or is run by, one of Git's hooks.
pub(super) struct Slot {
    pub(super) hook: HookName,
    pub(super) path: PathBuf,
    /// Where a hook goes that our lines cannot be written into. Our own script looks for it there.
    pub(super) aside: PathBuf,
    /// The file Git itself runs, where that is another tool's, which runs this one.
    pub(super) runner: Option<PathBuf>,
    /// Whether it is given to `sh` whatever it says and whether or not it is executable.
    pub(super) sourced: bool,
}

/// husky's own folder, with the hooks that Git runs; it is made anew at each `npm install`. Those hooks run the ones
/// beside it, which are the user's, and committed.
pub(super) fn husky(dir: &HooksDir) -> Option<&Path> {
    let beside = dir.path.parent().filter(|_| dir.path.ends_with("_"))?;
    (beside.ends_with(".husky") || dir.path.join("h").is_file()).then_some(beside)
}

impl Slot {
    fn new(folder: &Path, hook: HookName, ending: &str) -> Self {
        let name = hook.as_str();
        Self {
            hook,
            path: folder.join(format!("{name}{ending}")),
            aside: folder.join(format!("{name}.vmesh-user")),
            runner: None,
            sourced: false,
        }
    }

    /// Where our lines belong; `None` where only lefthook can call us: it replaces the file whenever its settings
    /// change, and never runs what it found there.
    pub(super) fn home(dir: &HooksDir, hook: HookName) -> Result<Option<Self>, HookError> {
        let slot = Self::new(&dir.path, hook, "");
        if let Some(beside) = husky(dir).filter(|_| hook.is_known_to_husky()) {
            return Ok(Some(Self { runner: Some(slot.path), sourced: true, ..Self::new(beside, hook, "") }));
        }
        Ok(match slot.read()? {
            Some((script, _)) if script.is_of_lefthook() => None,
            // replaced whenever pre-commit is installed anew; what it found when it came first, it keeps and runs
            Some((script, _)) if script.is_of_pre_commit() => {
                Some(Self { runner: Some(slot.path), ..Self::new(&dir.path, hook, ".legacy") })
            }
            _ => Some(slot),
        })
    }

    /// Everywhere that our lines may have come to: hook managers rename what they find.
    pub(super) fn all(dir: &HooksDir, hook: HookName) -> Vec<Self> {
        let mut folders = vec![(&*dir.path, false)];
        folders.extend(husky(dir).map(|beside| (beside, true)));
        if dir.own != dir.path {
            folders.push((&dir.own, false));
        }
        let endings = ["", ".legacy", ".old"];
        let slots = folders
            .into_iter()
            .flat_map(|(folder, sourced)| endings.map(|ending| Self { sourced, ..Self::new(folder, hook, ending) }));
        slots.collect()
    }

    /// The other tool's file, as a place where our lines may have been put when it was not theirs yet.
    pub(super) fn runner_slot(&self) -> Option<Self> {
        let path = self.runner.clone()?;
        Some(Self { hook: self.hook, path, aside: self.aside.clone(), runner: None, sourced: false })
    }

    /// Whether Git runs the tool that runs this file.
    pub(super) fn is_run(&self) -> bool {
        self.runner.as_ref().is_none_or(|runner| fs::metadata(runner).is_ok_and(|metadata| is_executable(&metadata)))
    }

    /// What is there now; `None` for nothing.
    pub(super) fn read(&self) -> Result<Option<(Script, Metadata)>, HookError> {
        let metadata = match fs::symlink_metadata(&self.path) {
            Ok(metadata) => metadata,
            // no folder at all where `core.hooksPath` is /dev/null
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            Err(error) => return Err(failed("read", &self.path)(error)),
        };
        if metadata.is_symlink() {
            return Ok(Some((Script::without_ours(Vec::new()), metadata)));
        }
        let bytes = fs::read(&self.path).map_err(failed("read", &self.path))?;
        let script = Script::parse(bytes).ok_or_else(|| HookError::Damaged { path: self.path.clone() })?;
        Ok(Some((script, metadata)))
    }

    /// Whether our lines are in it.
    pub(super) fn has_ours(&self) -> Result<bool, HookError> {
        Ok(self.read()?.is_some_and(|(script, _)| script.has_ours()))
    }

    pub(super) fn write(&self, bytes: &[u8], permissions: Option<Permissions>) -> Result<(), HookError> {
        write(&self.path, bytes, permissions.or_else(executable))
    }

    pub(super) fn rename(from: &Path, to: &Path) -> Result<(), HookError> {
        if fs::symlink_metadata(to).is_ok() {
            return Err(HookError::InTheWay { path: to.to_owned() });
        }
        fs::rename(from, to).map_err(failed("move", from))
    }
}

/// Replaces a file at once: a shell that is just running the old one reads on in the old one.
pub(super) fn write(path: &Path, bytes: &[u8], permissions: Option<Permissions>) -> Result<(), HookError> {
    let failed = |error| failed("write", path)(error);
    let dir = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(dir).map_err(failed)?;
    let mut file = tempfile::NamedTempFile::new_in(dir).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    if let Some(permissions) = permissions {
        fs::set_permissions(file.path(), permissions).map_err(failed)?;
    }
    file.persist(path).map(drop).map_err(|error| failed(error.error))
}

pub(super) fn failed<'a>(doing: &'static str, path: &'a Path) -> impl Fn(io::Error) -> HookError + 'a {
    move |source| HookError::Io { doing, path: path.to_owned(), source }
}

#[cfg(unix)]
pub(super) fn is_executable(metadata: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o111 != 0
}

#[cfg(not(unix))]
pub(super) fn is_executable(_: &Metadata) -> bool {
    true
}

/// The permissions of a file that we make.
#[cfg(unix)]
fn executable() -> Option<Permissions> {
    use std::os::unix::fs::PermissionsExt;
    Some(Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn executable() -> Option<Permissions> {
    None
}
