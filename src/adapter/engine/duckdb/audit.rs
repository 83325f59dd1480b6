//! Running audits.

use super::Database;
use crate::adapter::engine::{Ask, Build, BuildError, WarehouseError, Warned, Warning};

/// How many are kept, where they stop a build.
pub(super) const KEPT: usize = 1000;

impl Database {
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
                    return Err(BuildError::Audit { model: build.model.clone(), failure: Box::new(failure) }.into());
                }
                Some(failure) => {
                    if let Ok(mut warnings) = build.warnings.lock() {
                        warnings.push(Warned { name: Warning::Audit(failure.name), count: failure.count });
                    }
                }
                None => {}
            }
        }
        Ok(())
    }
}
