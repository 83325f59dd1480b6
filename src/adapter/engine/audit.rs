//! Audits: queries that give the rows that are wrong, asked before anyone sees the table; and those rows.

use serde::{Deserialize, Serialize};

use super::{Ask, Build, BuildError, Rows, WarehouseError};
use crate::domain::interval::Interval;
use crate::domain::name::{BranchName, EnvName, ModelName, TableName};

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
    /// Some of the wrong rows: as many as are kept.
    pub rows: Rows,
    /// Where they are kept, if they are.
    pub kept: Option<TableName>,
}

/// What a build found that stops nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warned {
    /// What it is.
    pub name: Warning,
    /// How many rows.
    pub count: u64,
}

/// What is warned of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// This audit, which does not block, found wrong rows.
    Audit(String),
    /// Rows lie outside of the spans that they were loaded for, these: they are left out.
    LeftOut(Vec<Interval>),
}

/// How many wrong rows are shown.
const SAMPLE: usize = 5;
/// How many are kept, where they stop a build.
const KEPT: usize = 1000;

/// Runs a build's audits; `within` is the condition that picks the rows just loaded. The first blocking one that fails is an
/// error; those that only warn are handed to the build's listener.
pub(super) fn run(warehouse: &dyn Ask, build: &Build, within: Option<&str>) -> Result<(), WarehouseError> {
    for audit in &build.audits {
        let table = build.table.quoted();
        let found = match within.filter(|_| !audit.whole) {
            Some(within) => audit.over(warehouse, &audit.query_over(&table, within))?,
            None => audited(warehouse, audit, &table)?,
        };
        match found {
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

/// What an audit finds in some rows.
pub fn audited(warehouse: &dyn Ask, audit: &Audit, rows: &str) -> Result<Option<AuditFailure>, WarehouseError> {
    audit.over(warehouse, &audit.query.replace(Audit::ROWS, rows))
}

fn count(warehouse: &dyn Ask, doing: &str, query: &str) -> Result<u64, WarehouseError> {
    let counted = warehouse.rows(doing, &format!("SELECT count(*) FROM (\n{query}\n) AS audited"), None)?;
    Ok(counted.rows.first().and_then(|row| row.first()?.as_ref()?.parse().ok()).unwrap_or_default())
}

impl AuditFailure {
    /// What is shown of it: the names of the columns, and some rows.
    pub fn sample(&self) -> Vec<String> {
        let names = self.rows.columns.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(" | ");
        let values = |row: &Vec<Option<String>>| {
            row.iter().map(|value| value.as_deref().unwrap_or("NULL")).collect::<Vec<_>>().join(" | ")
        };
        std::iter::once(names).chain(self.rows.rows.iter().take(SAMPLE).map(values)).collect()
    }

    /// The query that gives the rows that are kept.
    pub fn query(&self) -> Option<String> {
        self.kept.as_ref().map(|table| format!("SELECT * FROM {table}"))
    }

    /// That rows are kept, and where.
    pub fn told(&self) -> Option<String> {
        let first = if self.rows.more { format!("the first {} are ", self.rows.rows.len()) } else { String::new() };
        Some(format!("{first}kept until the next build: {}", self.query()?))
    }
}

impl Audit {
    /// Stands in the query for the rows to look at.
    pub const ROWS: &'static str = "vmesh_audited_rows";

    /// The query over those of a table's rows that meet a condition.
    fn query_over(&self, table: &str, condition: &str) -> String {
        let rows = Self::ROWS;
        format!("WITH {rows} AS (SELECT * FROM {table} WHERE {condition}) SELECT * FROM (\n{}\n) AS found", self.query)
    }

    /// What a query of the wrong rows gives.
    fn over(&self, warehouse: &dyn Ask, query: &str) -> Result<Option<AuditFailure>, WarehouseError> {
        let doing = format!("auditing with `{}`", self.name);
        let found = || -> Result<_, WarehouseError> {
            warehouse.vet(&doing, query)?;
            let rows = warehouse.rows(&doing, query, Some(self.kept()))?;
            if rows.rows.is_empty() {
                return Ok(None);
            }
            let count = if rows.more { count(warehouse, &doing, query)? } else { rows.rows.len() as u64 };
            Ok(Some(AuditFailure { name: self.name.clone(), count, rows, kept: None }))
        };
        found().map_err(|error| match error {
            WarehouseError::Engine { message, .. } => {
                BuildError::BrokenAudit { name: self.name.clone(), query: format!("\n{query}"), message }.into()
            }
            error => error,
        })
    }

    /// How many of the rows that it finds are of use.
    fn kept(&self) -> usize {
        if self.blocking { KEPT } else { SAMPLE }
    }
}

/// Whose rows a table of wrong rows has: it says so itself, in its comment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wrong {
    /// The environment that was to show them.
    pub environment: EnvName,
    /// Its branch.
    pub branch: BranchName,
    /// The model.
    pub model: ModelName,
    /// The audit.
    pub audit: String,
    /// When, in seconds since 1970.
    pub at: i64,
}
