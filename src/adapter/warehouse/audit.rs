//! Audits: queries that give the rows that are wrong, asked before anyone sees the table.

use super::build::Build;
use super::{Rows, Warehouse, WarehouseError};

/// What must hold of a table's rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audit {
    /// Its name.
    pub name: String,
    /// The query of the wrong rows, with [`Self::ROWS`] where the audited rows are read.
    pub query: String,
    /// Whether wrong rows are a failure, and not only a warning.
    pub blocking: bool,
    /// Whether it looks at all rows, even where only some were loaded.
    pub whole: bool,
}

/// An audit that found wrong rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditFailure {
    /// Its name.
    pub name: String,
    /// How many rows are wrong.
    pub count: u64,
    /// Some of the wrong rows.
    pub sample: Rows,
}

/// How many wrong rows are shown.
const SAMPLE: usize = 5;

impl Audit {
    /// Stands in the query for the rows to look at.
    pub const ROWS: &'static str = "vmesh_audited_rows";
}

impl Warehouse {
    /// Runs a build's audits; `within` is the condition that picks the rows just loaded. The first blocking one that
    /// fails is an error; those that only warn are handed to the build's listener.
    pub(super) fn audit(&self, build: &Build, within: Option<&str>) -> Result<(), WarehouseError> {
        for audit in &build.audits {
            let table = build.table.quoted();
            let rows = match within.filter(|_| !audit.whole) {
                Some(within) => format!("(SELECT * FROM {table} WHERE {within})"),
                None => table,
            };
            match self.audited(audit, &rows)? {
                Some(failure) if audit.blocking => {
                    return Err(WarehouseError::Audit { model: build.model.clone(), failure: Box::new(failure) });
                }
                Some(failure) => {
                    if let Ok(mut warnings) = build.warnings.lock() {
                        warnings.push(failure);
                    }
                }
                None => {}
            }
        }
        Ok(())
    }

    /// What an audit finds in some rows.
    pub fn audited(&self, audit: &Audit, rows: &str) -> Result<Option<AuditFailure>, WarehouseError> {
        let doing = format!("auditing with `{}`", audit.name);
        let query = audit.query.replace(Audit::ROWS, rows);
        let found = || -> Result<_, WarehouseError> {
            let counted =
                self.all(&doing, &format!("SELECT count(*) FROM (\n{query}\n) AS audited"), |row| row.get(0))?;
            let count: u64 = counted.first().copied().unwrap_or_default();
            if count == 0 {
                return Ok(None);
            }
            let sample = self.rows(&doing, &query, Some(SAMPLE))?;
            Ok(Some(AuditFailure { name: audit.name.clone(), count, sample }))
        };
        found().map_err(|error| match error {
            WarehouseError::Engine { message, .. } => {
                WarehouseError::BrokenAudit { name: audit.name.clone(), query: format!("\n{query}"), message }
            }
            error => error,
        })
    }
}
