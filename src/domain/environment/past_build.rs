//! Builds of the past: who filled which table when, from what, and how long that took.

use std::time::Duration;

use super::PhysicalTable;
use crate::domain::name::{BranchName, ModelName, TableName};

/// One time that a table was made or filled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastBuild {
    /// The model.
    pub model: ModelName,
    /// The table.
    pub table: TableName,
    /// When it ended, in microseconds since 1970.
    pub at: i64,
    /// How long it took.
    pub took: Duration,
    /// How many loads it had; 1 where a table is filled whole.
    pub loads: usize,
    /// The rows of the table then; none of a view.
    pub rows: Option<u64>,
    /// What it was built from, and by whom.
    pub origin: Origin,
}

/// What tables are built from, and by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The name that their commits bear.
    pub who: String,
    /// The branch.
    pub branch: BranchName,
    /// Its commit, if there was one.
    pub commit: Option<String>,
    /// Whether files differed from that.
    pub dirty: bool,
}

impl PastBuild {
    /// How many are kept of each model: the newest ones.
    pub const KEPT: usize = 20;

    /// How many of these tell how long the next build will take.
    pub const MEASURED: usize = 5;

    /// The build that ended in this table, which began as its record says.
    pub fn of(table: &PhysicalTable, loads: usize, took: Duration, origin: &Origin) -> Self {
        let micros = i64::try_from(took.as_micros()).unwrap_or_default();
        Self {
            model: table.model.clone(),
            table: table.table.clone(),
            at: table.built_at.saturating_add(micros),
            took,
            loads: loads.max(1),
            rows: table.rows,
            origin: origin.clone(),
        }
    }
}
