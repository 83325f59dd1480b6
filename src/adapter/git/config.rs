//! Git's settings, as far as vmesh asks for them.

use super::error::GitError;
use super::open::Repository;

impl Repository {
    /// A setting as text, such as `user.email`.
    pub fn config_string(&self, key: &str) -> Result<Option<String>, GitError> {
        self.backend.setting(key)
    }

    /// Who works here, as their commits say.
    pub fn user_name(&self) -> Result<Option<String>, GitError> {
        self.config_string("user.name")
    }
}
