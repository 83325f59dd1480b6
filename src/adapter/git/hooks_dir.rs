//! Where Git looks for this repository's hooks.

use std::path::PathBuf;

use super::error::GitError;
use super::open::{Repository, canonical};

/// The folder Git runs hooks from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HooksDir {
    /// The folder; it may not exist yet.
    pub path: PathBuf,
    /// `core.hooksPath` as it is written, if it is set.
    pub configured: Option<String>,
    /// Whether it lies among the project's files: it is then likely to be tracked, and gone on branches without it.
    pub inside_worktree: bool,
    /// Whether it lies outside the repository: other repositories are likely to use it too.
    pub global: bool,
    /// The repository's own folder, which Git runs no hook from while `core.hooksPath` names another.
    pub own: PathBuf,
    /// The top of the working tree; none in a bare repository.
    pub top: Option<PathBuf>,
    /// The git directory that all working trees share.
    pub common_dir: PathBuf,
}

impl Repository {
    /// The folder in effect here, whether it is the repository's own or one that `core.hooksPath` names.
    pub fn hooks_dir(&self) -> Result<HooksDir, GitError> {
        let configured = self.config_string("core.hooksPath")?;
        let own = self.common_dir().join("hooks");
        let path = match &configured {
            // Git stands at the top of the working tree (or in a bare repository) when it runs a hook
            Some(_) => {
                let named = self.backend.setting_path("core.hooksPath")?;
                self.top().unwrap_or(self.git_dir()).join(named.unwrap_or_default())
            }
            None => own.clone(),
        };
        let path = canonical(path);
        let inside_git = path.starts_with(self.common_dir()) || path.starts_with(self.git_dir());
        let inside_worktree = !inside_git && self.top().is_some_and(|top| path.starts_with(top));
        Ok(HooksDir {
            configured,
            inside_worktree,
            global: !inside_git && !inside_worktree,
            path,
            own: canonical(own),
            top: self.top().map(Into::into),
            common_dir: self.common_dir().into(),
        })
    }
}
