//! What is opened with a warehouse, and what its queries may read besides: main's settings say so, and the place of the
//! project tells where that is.

use crate::domain::config::{DatabaseKind, Hidden, Opening};
use crate::domain::sql::policy;

/// What is opened with a warehouse.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// Folders, and beginnings of addresses; each ends with a slash.
    pub folders: Vec<String>,
    /// Files.
    pub files: Vec<String>,
    /// Databases, which are only read.
    pub databases: Vec<AttachedDatabase>,
    /// With what other machines are entered.
    pub secrets: Vec<EngineSecret>,
    /// Extensions and the time zone; secrets are told above.
    pub opening: Opening,
}

impl Access {
    /// Whether queries may read from other machines.
    pub fn is_remote(&self) -> bool {
        self.folders.iter().chain(&self.files).any(|path| policy::is_remote(path)) || !self.secrets.is_empty()
    }
}

/// A database that is attached beside the warehouse.
#[derive(Debug, Clone)]
pub struct AttachedDatabase {
    /// Its name in SQL.
    pub name: String,
    /// Whose it is.
    pub kind: DatabaseKind,
    /// Its path or connection string, or why there is none.
    pub target: Result<String, String>,
    /// What the environment said of that.
    pub hidden: Vec<Hidden>,
}

/// With what other machines are entered.
#[derive(Debug, Clone)]
pub struct EngineSecret {
    /// Its name.
    pub name: String,
    /// What `CREATE SECRET` is told, or why there is nothing to tell.
    pub options: Result<Vec<(String, String)>, String>,
    /// What the environment said of that.
    pub hidden: Vec<Hidden>,
}
