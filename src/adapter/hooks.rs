//! Our lines in Git's hooks: put in, looked at and taken out, leaving everyone else's as they were.
//!
//! A shell hook that exists gets our lines at its top, before any `exit`. Any other hook (another language, a symbolic
//! link, one that is switched off by not being executable) is moved aside, and ours runs it afterwards.

mod script;

use std::fs::{self, Metadata, Permissions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use self::script::Script;
use super::git::HooksDir;

/// The hooks that vmesh listens to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum HookName {
    /// After a checkout, switch, clone or `worktree add`.
    PostCheckout,
    /// After a merge or pull.
    PostMerge,
    /// After a commit, cherry-pick or revert.
    PostCommit,
    /// After a rebase or `commit --amend`.
    PostRewrite,
}

/// What was done to one hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookChange {
    /// The hook.
    pub hook: HookName,
    /// What was done.
    pub done: Done,
}

/// What can be done to a hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// Our lines were put in.
    Installed,
    /// Our lines were of an older version, or called another vmesh, or were not executable.
    Updated,
    /// Nothing was to do.
    AlreadyThere,
    /// Our lines were taken out.
    Removed,
    /// There were none to take out.
    NotThere,
}

/// How one hook stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HookState {
    /// Ours is in place.
    Installed,
    /// There is no such hook.
    Missing,
    /// There is one, without our lines.
    Foreign,
    /// Our lines are those of another version.
    Outdated,
    /// Our lines are there, but Git won't run the file.
    NotExecutable,
}

/// Why the hooks could not be changed.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    /// A file or folder that could not be read or written.
    #[error("could not {doing} {}", .path.display())]
    Io {
        /// What was being done: `read`, `write`, `move`.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A hook cannot be moved aside or back because a file is already there.
    #[error("{} is in the way", .path.display())]
    InTheWay {
        /// The file.
        path: PathBuf,
    },
    /// The mark at the end of our lines is gone, so that nobody can tell which ones are ours.
    #[error("the lines of vmesh in {} have no end", .path.display())]
    Damaged {
        /// The hook.
        path: PathBuf,
    },
}

impl HookName {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::PostCheckout, Self::PostMerge, Self::PostCommit, Self::PostRewrite];

    /// As Git spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PostCheckout => "post-checkout",
            Self::PostMerge => "post-merge",
            Self::PostCommit => "post-commit",
            Self::PostRewrite => "post-rewrite",
        }
    }
}

/// Puts our lines, calling `binary`, into each hook. Doing it again changes nothing.
pub fn install(dir: &HooksDir, binary: &Path) -> Result<Vec<HookChange>, HookError> {
    fs::create_dir_all(&dir.path).map_err(failed("create", &dir.path))?;
    let change = |hook| install_one(&Slot::of(dir, hook), binary).map(|done| HookChange { hook, done });
    HookName::ALL.into_iter().map(change).collect()
}

/// Takes our lines out of each hook; what is left is, to the byte, what was there before.
pub fn uninstall(dir: &HooksDir) -> Result<Vec<HookChange>, HookError> {
    let change = |hook| uninstall_one(&Slot::of(dir, hook)).map(|done| HookChange { hook, done });
    HookName::ALL.into_iter().map(change).collect()
}

/// How each hook stands.
pub fn status(dir: &HooksDir) -> Result<Vec<(HookName, HookState)>, HookError> {
    HookName::ALL.into_iter().map(|hook| Ok((hook, state(&Slot::of(dir, hook))?))).collect()
}

/// The place of one hook.
struct Slot {
    hook: HookName,
    path: PathBuf,
    /// Where a hook goes that our lines cannot be written into. Our own script looks for it there.
    aside: PathBuf,
}

impl Slot {
    fn of(dir: &HooksDir, hook: HookName) -> Self {
        let name = hook.as_str();
        Self { hook, path: dir.path.join(name), aside: dir.path.join(format!("{name}.vmesh-user")) }
    }

    /// What is there now; `None` for nothing.
    fn read(&self) -> Result<Option<(Script, Metadata)>, HookError> {
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

    /// Replaces the file at once: a shell that is just running the old one reads on in the old one.
    fn write(&self, bytes: &[u8], permissions: Option<Permissions>) -> Result<(), HookError> {
        let failed = |error| failed("write", &self.path)(error);
        let dir = self.path.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(dir).map_err(failed)?;
        file.write_all(bytes).map_err(failed)?;
        if let Some(permissions) = permissions.or_else(executable) {
            fs::set_permissions(file.path(), permissions).map_err(failed)?;
        }
        file.persist(&self.path).map(drop).map_err(|error| failed(error.error))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), HookError> {
        if fs::symlink_metadata(to).is_ok() {
            return Err(HookError::InTheWay { path: to.to_owned() });
        }
        fs::rename(from, to).map_err(failed("move", from))
    }
}

fn install_one(slot: &Slot, binary: &Path) -> Result<Done, HookError> {
    let own = script::own(slot.hook, binary);
    let Some((script, metadata)) = slot.read()? else {
        slot.write(&own, None)?;
        return Ok(Done::Installed);
    };
    let enabled = is_executable(&metadata);
    if script.is_own() {
        let updated = script.with(&script::own_block(slot.hook, binary));
        if enabled && updated == script.whole() {
            return Ok(Done::AlreadyThere);
        }
        slot.write(&updated, None)?;
        return Ok(Done::Updated);
    }
    let had_ours = script.has_ours();
    if metadata.is_symlink() || !enabled || !script.is_shell() {
        // our lines in a hook that was switched off since would never run: they move to a file of their own
        if had_ours {
            slot.write(&script.rest(), Some(metadata.permissions()))?;
        }
        slot.rename(&slot.path, &slot.aside)?;
        slot.write(&own, None)?;
    } else {
        let updated = script.with(&script::shared_block(slot.hook, binary));
        if updated == script.whole() {
            return Ok(Done::AlreadyThere);
        }
        slot.write(&updated, Some(metadata.permissions()))?;
    }
    Ok(if had_ours { Done::Updated } else { Done::Installed })
}

fn uninstall_one(slot: &Slot) -> Result<Done, HookError> {
    let Some((script, metadata)) = slot.read()?.filter(|(script, _)| script.has_ours()) else {
        return Ok(Done::NotThere);
    };
    let moved = fs::symlink_metadata(&slot.aside).is_ok();
    let rest = script.rest();
    if !script.is_own() {
        slot.write(&rest, Some(metadata.permissions()))?;
    } else if rest != script::SHEBANG {
        // someone wrote on in our file: theirs stays, if it needs not give way to what was there before
        if moved {
            return Err(HookError::InTheWay { path: slot.path.clone() });
        }
        slot.write(&rest, Some(metadata.permissions()))?;
    } else {
        fs::remove_file(&slot.path).map_err(failed("remove", &slot.path))?;
        if moved {
            slot.rename(&slot.aside, &slot.path)?;
        }
    }
    Ok(Done::Removed)
}

fn state(slot: &Slot) -> Result<HookState, HookError> {
    Ok(match slot.read()? {
        None => HookState::Missing,
        Some((script, _)) if !script.has_ours() => HookState::Foreign,
        Some((_, metadata)) if !is_executable(&metadata) => HookState::NotExecutable,
        Some((script, _)) if !script.is_current(slot.hook) => HookState::Outdated,
        Some(_) => HookState::Installed,
    })
}

fn failed<'a>(doing: &'static str, path: &'a Path) -> impl Fn(io::Error) -> HookError + 'a {
    move |source| HookError::Io { doing, path: path.to_owned(), source }
}

#[cfg(unix)]
fn is_executable(metadata: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o111 != 0
}

#[cfg(not(unix))]
fn is_executable(_: &Metadata) -> bool {
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

#[cfg(all(test, unix))]
mod tests;
