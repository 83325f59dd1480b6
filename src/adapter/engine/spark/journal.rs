//! Changes of the catalogue that go with a transaction of the records: put on record in it, and carried out behind it, one by
//! one and in order. Each says what shall be, so that carrying it out again does no harm: a vmesh that was killed between the
//! two is caught up with by the next that opens the warehouse.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::{Database, attempts};
use crate::adapter::engine::WarehouseError;
use crate::adapter::engine::records::{Value, list};
use crate::domain::name::literal;

const DOING: &str = "changing what Spark shows";

/// What Spark needs on record besides what all engines do.
pub(super) const RECORDS: &str = include_str!("records.sql");

/// A change of the catalogue: what shall be, however often it is said.
#[derive(Debug)]
pub(super) struct Statement {
    /// What it is about, quoted: of several in one transaction, the last one counts.
    pub(super) target: String,
    /// What says so.
    pub(super) sql: String,
    /// What says so where nothing is there yet.
    pub(super) otherwise: Option<String>,
}

impl Statement {
    /// One that holds whatever is there.
    pub(super) fn plain(target: String, sql: String) -> Self {
        Self { target, sql, otherwise: None }
    }
}

/// The sessions of this process that are open: what they have put off, they carry out themselves.
static OPEN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// One of them.
#[derive(Debug)]
pub(super) struct Owner(String);

impl Owner {
    pub(super) fn new() -> Self {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_nanos();
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        let name = format!("{} {now} {}", std::process::id(), open.len());
        open.insert(name.clone());
        Self(name)
    }

    /// Its name on record.
    pub(super) fn name(&self) -> &str {
        &self.0
    }

    /// The condition that a row of the records is of nobody any more.
    pub(super) fn is_gone() -> String {
        let open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        match open.is_empty() {
            true => "true".to_owned(),
            false => format!("owner NOT IN ({})", list(open.iter().map(String::as_str))),
        }
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        OPEN.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.0);
    }
}

impl Database {
    /// Puts changes off until the transaction of the records has ended. To be called within one.
    pub(super) fn put_off(&self, changes: Vec<Statement>) -> Result<(), WarehouseError> {
        let last = self.records.all(DOING, "SELECT coalesce(max(number), 0) FROM vmesh_state.spark_journal")?;
        let last: i64 = last.first().map_or(Ok(0), |row| row.get(0))?;
        // nobody shall see what a transaction passes through
        let targets = list(changes.iter().map(|change| change.target.as_str()));
        if !changes.is_empty() {
            let owner = literal(self.owner.name());
            let sql = format!("DELETE FROM vmesh_state.spark_journal WHERE owner = {owner} AND target IN ({targets})");
            self.records.run(DOING, &sql)?;
        }
        let numbered = changes.into_iter().zip(last + 1..);
        let row = |(Statement { target, sql, otherwise }, number): (Statement, i64)| -> Vec<Value> {
            vec![number.into(), self.owner.name().into(), target.into(), sql.into(), otherwise.into()]
        };
        self.records.insert(DOING, "spark_journal", &numbered.map(row).collect::<Vec<_>>())
    }

    /// Carries out what this session has put off.
    pub(super) fn carry_out(&self) -> Result<(), WarehouseError> {
        self.carry_out_of(&format!("owner = {}", literal(self.owner.name())))
    }

    /// Carries out what nobody else will any more: others were stopped before they could.
    pub(super) fn catch_up(&self) -> Result<(), WarehouseError> {
        self.carry_out_of(&Owner::is_gone())?;
        self.stop_orphans()
    }

    /// Whether something waits to be carried out.
    pub(super) fn is_behind(&self) -> Result<bool, WarehouseError> {
        let of_nobody = Owner::is_gone();
        let sql = format!(
            "SELECT (SELECT count(*) FROM vmesh_state.spark_journal WHERE {of_nobody}) + \
             (SELECT count(*) FROM vmesh_state.spark_attempts WHERE {}) > 0",
            attempts::orphaned()
        );
        self.records.all(DOING, &sql)?.first().map_or(Ok(false), |row| row.get(0))
    }

    fn change(&self, Statement { sql, otherwise, .. }: Statement) -> Result<(), WarehouseError> {
        match (self.server()?.run(DOING, &sql), otherwise) {
            (Err(WarehouseError::Engine { message, .. }), Some(otherwise)) if message.contains("NOT_FOUND") => {
                self.server()?.run(DOING, &otherwise)
            }
            (done, _) => done,
        }
    }

    fn carry_out_of(&self, condition: &str) -> Result<(), WarehouseError> {
        let sql = format!(
            "SELECT number, target, statement, otherwise FROM vmesh_state.spark_journal WHERE {condition} ORDER BY number"
        );
        let rows = self.records.all(DOING, &sql)?;
        let start = Instant::now();
        let mut done: Vec<String> = Vec::new();
        let mut carry_out = || -> Result<(), WarehouseError> {
            for row in &rows {
                self.change(Statement { target: row.get(1)?, sql: row.get(2)?, otherwise: row.get(3)? })?;
                done.push(row.get::<i64>(0)?.to_string());
            }
            Ok(())
        };
        let result = carry_out();
        if !done.is_empty() {
            let numbers = done.join(", ");
            let sql = format!("DELETE FROM vmesh_state.spark_journal WHERE {condition} AND number IN ({numbers})");
            self.records.run(DOING, &sql)?;
            let each = start.elapsed().as_millis() / done.len() as u128;
            let pace =
                format!("DELETE FROM vmesh_state.spark_pace; INSERT INTO vmesh_state.spark_pace VALUES ({each})");
            // others who carry something out at the same time say much the same
            let _ = self.aside()?.run(DOING, &pace);
        }
        result
    }
}
