//! Git's settings, as far as vmesh asks for them.

use git2::ErrorCode;

use super::error::{Doing, GitError};
use super::open::Repository;

const DOING: &str = "read Git's settings";

impl Repository {
    /// A setting as text, such as `user.email`.
    pub fn config_string(&self, key: &str) -> Result<Option<String>, GitError> {
        let config = self.raw.config().and_then(|mut config| config.snapshot()).doing(DOING)?;
        unless_unset(config.get_entry(key).map(|entry| String::from_utf8_lossy(entry.value_bytes()).into_owned()))
    }

    /// A setting as yes or no, such as `core.autocrlf`; an error when it is neither.
    pub fn config_bool(&self, key: &str) -> Result<Option<bool>, GitError> {
        unless_unset(self.raw.config().and_then(|config| config.get_bool(key)))
    }

    /// Who works here, as their commits say.
    pub fn user_name(&self) -> Result<Option<String>, GitError> {
        self.config_string("user.name")
    }
}

/// `None` for what nobody set.
pub(super) fn unless_unset<T>(value: Result<T, git2::Error>) -> Result<Option<T>, GitError> {
    match value {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
        Err(error) => Err(error).doing(DOING),
    }
}
