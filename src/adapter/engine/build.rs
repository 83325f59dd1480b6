//! What a table is built from.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use super::{Audit, Warned};
use crate::domain::environment::{Column, Contents, Inputs, PhysicalTable};
use crate::domain::fingerprint::Fingerprint;
use crate::domain::interval::{Interval, Moment};
use crate::domain::model::{Around, By, KindWord, OnChange, Seed};
use crate::domain::name::{ModelName, TableName};
use crate::domain::plan::Replaced;
use crate::domain::sql::Print;

/// What to build.
#[derive(Debug, Clone)]
pub struct Build {
    /// The model.
    pub model: ModelName,
    /// The snapshot's identity.
    pub fingerprint: Fingerprint,
    /// The hash of the model's own part.
    pub own: Fingerprint,
    /// The table to make.
    pub table: TableName,
    /// The kind's word.
    pub kind: KindWord,
    /// The fingerprint but for the model's name.
    pub content: Fingerprint,
    /// The tables it is built from.
    pub parents: Vec<TableName>,
    /// The tables that the rows come from, behind views, by model.
    pub sources: BTreeMap<ModelName, TableName>,
    /// What makes its rows of theirs, where that alone decides them.
    pub recipe: Option<Fingerprint>,
    /// What the names of its query mean.
    pub shape: Option<Print>,
    /// The table whose rows it would have, at that revision: it is made as a clone of it.
    pub clone_of: Option<Contents>,
    /// The table of the version before, to be compared with.
    pub replaces: Option<Replaced>,
    /// The table that prod shows of the same model.
    pub beside: Option<TableName>,
    /// Where the rows come from.
    pub body: Body,
    /// The statements that run around the query; those of loads stand with each load.
    pub around: Around,
    /// The project's files that the query reads: path in the project, and content.
    pub files: Vec<(String, Vec<u8>)>,
    /// Whether it reads files that no commit has.
    pub reads_outside: bool,
    /// What these files were just before, where their changes make the model due.
    pub source_stamp: Option<String>,
    /// The columns that the model declares for its query, and the query without them.
    pub declared: Option<(Vec<Column>, String)>,
    /// What must hold of the rows.
    pub audits: Vec<Audit>,
    /// A hash over what they say.
    pub audited: Option<String>,
    /// What it found that stops nothing.
    pub warnings: Arc<Mutex<Vec<Warned>>>,
}

impl Build {
    /// Whether statements run around its query.
    pub fn has_statements(&self) -> bool {
        let loads = match &self.body {
            Body::Loads(fill) => fill.loads.iter().any(|load| !load.around.is_empty()) || !fill.setup.is_empty(),
            _ => false,
        };
        loads || !self.around.is_empty()
    }

    /// How many loads it has; none where a table is filled whole.
    pub fn loads(&self) -> usize {
        match &self.body {
            Body::Loads(fill) => fill.loads.len(),
            _ => 0,
        }
    }

    /// Whether a snapshot has all that this was to load: a build that gave way is yet to be ended.
    pub fn is_whole(&self, built: &PhysicalTable) -> bool {
        let Body::Loads(fill) = &self.body else { return true };
        let held = built.filled.as_ref().map(|filled| &filled.intervals);
        fill.loads.iter().all(|load| held.is_some_and(|held| held.contains(load.interval)))
    }

    /// The snapshot that this makes.
    pub(super) fn snapshot(&self, columns: Vec<Column>, at: i64) -> PhysicalTable {
        PhysicalTable {
            model: self.model.clone(),
            fingerprint: self.fingerprint,
            own: self.own,
            table: self.table.clone(),
            kind: self.kind,
            parents: self.parents.clone(),
            select: None,
            around: self.around.clone(),
            columns,
            built_at: at,
            filled: None,
            audited: self.audited.iter().cloned().collect(),
            content: Some(self.content),
            revision: 0,
            inputs: Inputs::default(),
            continues: None,
            rows: None,
        }
    }
}

/// Where a snapshot's rows come from.
#[derive(Debug, Clone)]
pub enum Body {
    /// A table filled by a query.
    Table(String),
    /// A view over a query.
    View(String),
    /// A CSV file's content.
    Seed {
        /// The file's bytes.
        content: Vec<u8>,
        /// How to read it.
        seed: Seed,
        /// Declared columns.
        columns: Vec<Column>,
    },
    /// A table that is filled by loads.
    Loads(Box<Fill>),
}

/// A table that is to be filled again.
#[derive(Debug, Clone, Copy)]
pub struct Restated<'a> {
    /// The table.
    pub table: &'a PhysicalTable,
    /// Its loads and audits. Without it, it is filled by the query on record.
    pub build: Option<&'a Build>,
    /// The time, in microseconds since 1970.
    pub at: i64,
}

/// How an incremental table is filled.
#[derive(Debug, Clone)]
pub struct Fill {
    /// What a load replaces.
    pub by: By,
    /// The query that an empty table is made from.
    pub first: String,
    /// The statements that it needs.
    pub setup: Around,
    /// The loads, the earliest first.
    pub loads: Vec<Load>,
    /// What the table shall hold after them.
    pub aim: Option<Interval>,
    /// The table as it is, if it is there.
    pub known: Option<PhysicalTable>,
    /// The snapshot whose rows a table that is not there begins with.
    pub before: Option<PhysicalTable>,
    /// What that may do to their columns.
    pub on_change: OnChange,
    /// The time of the loads.
    pub now: Moment,
    /// Whether to stop after a load when somebody waits for the warehouse: nobody sees a table that holds some of them.
    pub gives_way: bool,
}

/// One load.
#[derive(Debug, Clone)]
pub struct Load {
    /// The span that it fills.
    pub interval: Interval,
    /// The query for that span.
    pub select: String,
    /// The statements around it.
    pub around: Around,
}
