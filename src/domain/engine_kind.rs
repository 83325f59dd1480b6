//! The engines that a warehouse may be of, and what differs between them as far as it can be said in data.

use serde::Serialize;

/// Which engine a project's warehouse is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EngineKind {
    /// A file of DuckDB.
    #[default]
    DuckDb,
    /// A database of PostgreSQL.
    Postgres,
}

impl EngineKind {
    /// Whether unit tests can be run there so far.
    pub fn runs_unit_tests(self) -> bool {
        self == Self::DuckDb
    }
}
