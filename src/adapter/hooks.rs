//! Our lines in Git's hooks: put in, looked at and taken out, leaving everyone else's as they were.
//!
//! A shell hook that exists gets our lines at its top, before any `exit`. Any other hook (another language, a symbolic
//! link, one that is switched off by not being executable) is moved aside, and ours runs it afterwards. The lines are
//! the same on every machine, so that they can be committed where hooks are; which vmesh they call is on record in the
//! git directory.
//!
//! | file | holds |
//! |---|---|
//! | `script.rs` | the text of a hook with and without our lines |
//! | `slot.rs` | which file the lines go into, beside husky, pre-commit, lefthook, git-lfs |

mod script;
mod slot;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use self::slot::{Slot, failed, is_executable};
use super::git::HooksDir;
use super::local::Shared;

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
    /// After the index was written: only where it was asked for.
    PostIndexChange,
    /// After a push, in a bare repository.
    PostReceive,
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
    /// Lefthook replaces this hook, and calls us only if its settings say so.
    LeftToLefthook,
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
    /// Our lines are there, but the tool that is to run the file is not set up in this working tree.
    NotRun,
    /// Lefthook replaces this hook, and its settings don't call us.
    LeftToLefthook,
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
    /// `core.hooksPath` names what is no folder, such as `/dev/null`.
    #[error("{} is no folder", .path.display())]
    SwitchedOff {
        /// What it names.
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
    const ALL: [Self; 6] = [
        Self::PostCheckout,
        Self::PostMerge,
        Self::PostCommit,
        Self::PostRewrite,
        Self::PostIndexChange,
        Self::PostReceive,
    ];

    /// As Git spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PostCheckout => "post-checkout",
            Self::PostMerge => "post-merge",
            Self::PostCommit => "post-commit",
            Self::PostRewrite => "post-rewrite",
            Self::PostIndexChange => "post-index-change",
            Self::PostReceive => "post-receive",
        }
    }

    /// Those that belong into a repository.
    fn wanted(dir: &HooksDir, eager: bool) -> impl Iterator<Item = Self> {
        let bare = dir.top.is_none();
        Self::ALL.into_iter().filter(move |hook| match hook {
            Self::PostReceive => bare,
            Self::PostIndexChange => !bare && eager,
            _ => !bare,
        })
    }

    fn is_known_to_husky(self) -> bool {
        !matches!(self, Self::PostIndexChange | Self::PostReceive)
    }
}

/// Puts our lines, calling `binary`, into each hook. Doing it again changes nothing. `eager` adds `post-index-change`,
/// which then stays until everything is taken out.
pub fn install(dir: &HooksDir, binary: &Path, eager: bool) -> Result<Vec<HookChange>, HookError> {
    if dir.path.exists() && !dir.path.is_dir() {
        return Err(HookError::SwitchedOff { path: dir.path.clone() });
    }
    let record = record(dir);
    let before = fs::read(&record).ok();
    let now = [binary.as_os_str().as_encoded_bytes(), b"\n"].concat();
    if before.as_ref() != Some(&now) {
        slot::write(&record, &now, None)?;
    }
    let moved = before.is_some_and(|before| before != now);
    let mut changes = Vec::new();
    for hook in HookName::wanted(dir, eager || is_eager(dir)?) {
        let done = match Slot::home(dir, hook)? {
            None if lefthook_calls(dir, hook) => Done::AlreadyThere,
            None => Done::LeftToLefthook,
            Some(home) => {
                if let Some(runner) = home.runner_slot() {
                    uninstall_one(&runner)?;
                }
                install_one(&home)?
            }
        };
        changes.push(HookChange { hook, done: if moved && done == Done::AlreadyThere { Done::Updated } else { done } });
    }
    Ok(changes)
}

/// Takes our lines out of each hook; what is left is, to the byte, what was there before.
pub fn uninstall(dir: &HooksDir) -> Result<Vec<HookChange>, HookError> {
    let mut changes = Vec::new();
    for hook in HookName::ALL {
        let mut done = Done::NotThere;
        for slot in Slot::all(dir, hook) {
            if uninstall_one(&slot)? {
                done = Done::Removed;
            }
        }
        if done == Done::Removed || HookName::wanted(dir, false).any(|wanted| wanted == hook) {
            changes.push(HookChange { hook, done });
        }
    }
    let record = record(dir);
    match fs::remove_file(&record) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", &record)(error)),
        _ => Ok(changes),
    }
}

/// How each hook stands.
pub fn status(dir: &HooksDir) -> Result<Vec<(HookName, HookState)>, HookError> {
    HookName::wanted(dir, is_eager(dir)?).map(|hook| Ok((hook, state(dir, hook)?))).collect()
}

/// The vmesh that the hooks call; `None` where they were never installed, or only by someone else, who committed them.
pub fn binary(dir: &HooksDir) -> Option<PathBuf> {
    let line = fs::read_to_string(record(dir)).ok()?;
    line.lines().next().map(PathBuf::from)
}

/// The folder that our lines are in.
pub fn folder(dir: &HooksDir) -> &Path {
    slot::husky(dir).unwrap_or(&dir.path)
}

/// Whether our lines lie in the repository's own folder while `core.hooksPath` names another.
pub fn is_dead(dir: &HooksDir) -> Result<bool, HookError> {
    if dir.own == dir.path {
        return Ok(false);
    }
    let own = HooksDir { path: dir.own.clone(), ..dir.clone() };
    for hook in HookName::wanted(dir, false) {
        if let Some(home) = Slot::home(&own, hook)?
            && home.has_ours()?
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What makes lefthook call us, for its settings that are not committed.
pub fn for_lefthook(hook: HookName, binary: &Path) -> String {
    let binary = binary.to_string_lossy().replace('\'', r"'\''");
    let hook = hook.as_str();
    format!(
        "{hook}:\n  commands:\n    vmesh:\n      run: |\n        \
         [ \"$VMESH_SKIP\" = 1 ] || '{binary}' hook {hook} {{0}} || :\n"
    )
}

/// Where it is on record which vmesh to call: there our lines look it up.
fn record(dir: &HooksDir) -> PathBuf {
    Shared::of(&dir.common_dir).binary()
}

/// Whether `post-index-change` was asked for.
fn is_eager(dir: &HooksDir) -> Result<bool, HookError> {
    match Slot::home(dir, HookName::PostIndexChange)? {
        Some(home) => home.has_ours(),
        None => Ok(lefthook_calls(dir, HookName::PostIndexChange)),
    }
}

/// Whether lefthook's settings call us.
fn lefthook_calls(dir: &HooksDir, hook: HookName) -> bool {
    let folders = dir.top.iter().flat_map(|top| [top.clone(), top.join(".config")]);
    let files = folders.filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten();
    let settings = files.filter(|file| file.file_name().to_string_lossy().contains("lefthook"));
    let call = format!("hook {}", hook.as_str());
    settings
        .filter_map(|file| fs::read_to_string(file.path()).ok())
        .any(|text| text.lines().any(|line| line.contains("vmesh") && line.contains(&call)))
}

fn install_one(slot: &Slot) -> Result<Done, HookError> {
    let own = script::own(slot.hook);
    let Some((script, metadata)) = slot.read()? else {
        slot.write(&own, None)?;
        return Ok(Done::Installed);
    };
    let enabled = slot.sourced || is_executable(&metadata);
    let had_ours = script.has_ours();
    let updated = script.with_ours(slot.hook);
    if enabled && had_ours && updated == script.whole {
        return Ok(Done::AlreadyThere);
    }
    if script.is_own() {
        slot.write(&updated, None)?;
    } else if enabled && !metadata.is_symlink() && (slot.sourced || script.is_shell()) {
        slot.write(&updated, Some(metadata.permissions()))?;
    } else {
        // our lines in a hook that was switched off since would never run: they move to a file of their own
        if had_ours {
            slot.write(&script.rest, Some(metadata.permissions()))?;
        }
        Slot::rename(&slot.path, &slot.aside)?;
        slot.write(&own, None)?;
    }
    Ok(if had_ours { Done::Updated } else { Done::Installed })
}

/// Says whether there was anything to take out.
fn uninstall_one(slot: &Slot) -> Result<bool, HookError> {
    let Some((script, metadata)) = slot.read()?.filter(|(script, _)| script.has_ours()) else {
        return Ok(false);
    };
    let moved = fs::symlink_metadata(&slot.aside).is_ok();
    if !script.is_own() {
        slot.write(&script.rest, Some(metadata.permissions()))?;
    } else if script.rest != script::SHEBANG {
        // someone wrote on in our file: theirs stays, if it needs not give way to what was there before
        if moved {
            return Err(HookError::InTheWay { path: slot.path.clone() });
        }
        slot.write(&script.rest, Some(metadata.permissions()))?;
    } else {
        fs::remove_file(&slot.path).map_err(failed("remove", &slot.path))?;
        if moved {
            Slot::rename(&slot.aside, &slot.path)?;
        }
    }
    Ok(true)
}

fn state(dir: &HooksDir, hook: HookName) -> Result<HookState, HookError> {
    let Some(home) = Slot::home(dir, hook)? else {
        let called = lefthook_calls(dir, hook);
        return Ok(if called { HookState::Installed } else { HookState::LeftToLefthook });
    };
    Ok(match home.read()? {
        None => HookState::Missing,
        Some((script, _)) if !script.has_ours() => HookState::Foreign,
        Some((_, metadata)) if !home.sourced && !is_executable(&metadata) => HookState::NotExecutable,
        Some(_) if !home.is_run() => HookState::NotRun,
        Some((script, _)) if script.with_ours(hook) != script.whole => HookState::Outdated,
        Some(_) => HookState::Installed,
    })
}

#[cfg(all(test, unix))]
mod tests;
