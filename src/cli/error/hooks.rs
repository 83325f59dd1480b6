//! What keeps hooks from being installed, in words.

use crate::adapter::hooks::HookError;
use crate::domain::diagnostic::Diagnostic;

/// An error of the hooks' files.
pub(super) fn describe(error: &HookError) -> Diagnostic {
    match error {
        HookError::Io { doing, path, source } => super::io(doing, path, source),
        HookError::InTheWay { path } => Diagnostic::new(format!("{} is in the way", path.display()))
            .note("no hook was changed")
            .help("move it away"),
        HookError::SwitchedOff { path } => {
            Diagnostic::new(format!("hooks are switched off: core.hooksPath is {}", path.display()))
                .note("no hook was changed")
                .help("git config --show-origin core.hooksPath tells who set it; without hooks: vmesh watch")
        }
        HookError::Damaged { path } => {
            Diagnostic::new(format!("vmesh's lines in {} were changed by hand", path.display()))
                .note("the file was not touched")
                .help("take the lines between `>>> vmesh` and `<<< vmesh` out by hand, then: vmesh hooks install")
        }
    }
}
