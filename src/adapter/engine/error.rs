//! What can go wrong with a warehouse: data, no advice.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::Doing;
use super::audit::AuditFailure;
use crate::domain::model::Run;
use crate::domain::name::{EnvName, ModelName, TableName};

/// Something that vmesh did not make, where a view should go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occupied {
    /// The model whose view it would be.
    pub model: ModelName,
    /// The place.
    pub place: TableName,
    /// `table` or `view`.
    pub kind: &'static str,
    /// Whether it is a view of a SQLMesh environment.
    pub is_sqlmesh: bool,
}

/// A failed use of the warehouse.
#[derive(Debug, Error)]
pub enum WarehouseError {
    /// It is not to be opened, whoever has it.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A table is not to be built so.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// Another process has the file, or what is to be changed in it.
    #[error("another process holds the warehouse")]
    Locked {
        /// The warehouse.
        path: PathBuf,
        /// Who, as far as the engine says.
        holder: Option<Holder>,
        /// How long vmesh waited, in seconds.
        waited: u64,
        /// Whether it was to be read only.
        reading: bool,
    },
    /// Something of the user's stands where views should go.
    #[error("something that vmesh did not make stands where views should go")]
    Occupied(Vec<Occupied>),
    /// The environment was published by someone else since the plan was made.
    #[error("`{environment}` was changed by someone else")]
    Moved {
        /// The environment.
        environment: EnvName,
        /// The generation the plan was made against.
        expected: Option<u64>,
        /// The generation it is at.
        found: Option<u64>,
    },
    /// A table that should be shown is gone.
    #[error("the table of `{model}` is gone")]
    Lost {
        /// Whose table.
        model: ModelName,
        /// The table.
        table: TableName,
    },
    /// The disk or the file can't be written.
    #[error("the warehouse can't be written")]
    NotWritable {
        /// The warehouse.
        path: PathBuf,
        /// The system's words.
        message: String,
    },
    /// The disk is full.
    #[error("there is no room for the warehouse")]
    Full {
        /// The warehouse.
        path: PathBuf,
        /// The system's words.
        message: String,
    },
    /// The user stopped it.
    #[error("interrupted")]
    Interrupted,
    /// It took longer than the settings allow.
    #[error("it takes more than {seconds} s, the most that `seconds` of [limits] allows")]
    TooLong {
        /// The limit.
        seconds: u64,
    },
    /// It needs more memory, or more disk for what doesn't fit into memory, than it may have.
    #[error("it needs more than `{limit}` of [limits] allows: {message}")]
    TooLarge {
        /// The setting.
        limit: &'static str,
        /// The engine's words.
        message: String,
    },
    /// Anything else the engine says.
    #[error("{doing}: {message}")]
    Engine {
        /// What vmesh was doing.
        doing: String,
        /// The engine's words.
        message: String,
    },
}

/// Why a warehouse is not opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// This very process reads it, and so it can't write it.
    #[error("this process reads {} already and can't write it", .path.display())]
    Reading {
        /// The warehouse.
        path: PathBuf,
    },
    /// The file is there and can't be opened.
    #[error("the warehouse can't be opened")]
    CannotOpen {
        /// The warehouse.
        path: PathBuf,
        /// The engine's words.
        message: String,
    },
    /// There is no way to the server, or none any more.
    #[error("the warehouse can't be reached")]
    Unreachable {
        /// Where it is, in words.
        place: String,
        /// What it or its client says.
        message: String,
    },
    /// The file is no DuckDB database.
    #[error("this is not a DuckDB file")]
    NotADatabase {
        /// The file.
        path: PathBuf,
        /// The engine's words.
        message: String,
    },
    /// A link stands where the engine would read or write.
    #[error("{} is a link", .path.display())]
    Link {
        /// The link.
        path: PathBuf,
    },
    /// A log that does not say whose it is lies where the engine would replay it.
    #[error("{} is not of this warehouse", .path.display())]
    ForeignLog {
        /// The log.
        path: PathBuf,
        /// The warehouse.
        database: PathBuf,
    },
    /// Git has a file where the engine would read or write.
    #[error("Git tracks {tracked}")]
    Tracked {
        /// The warehouse.
        path: PathBuf,
        /// The file, from the top of the working tree.
        tracked: String,
        /// The working tree.
        top: PathBuf,
    },
    /// An extension can't be fetched.
    #[error("the extension `{name}` can't be installed")]
    NotInstalled {
        /// Its name.
        name: String,
        /// The engine's words.
        message: String,
    },
    /// The engine doesn't know the time zone of the settings.
    #[error("the engine knows no time zone `{zone}`")]
    Zone {
        /// The zone.
        zone: String,
        /// The engine's words.
        message: String,
    },
    /// The records are of a newer vmesh.
    #[error("the warehouse was written by a newer vmesh (format {found}; this one knows {known})")]
    Newer {
        /// The warehouse.
        path: PathBuf,
        /// The format found.
        found: u32,
        /// The format this version writes.
        known: u32,
    },
}

/// Why a table is not built, as far as its model, its rows or main's statements are to blame.
#[derive(Debug, Error)]
pub enum BuildError {
    /// Rows that an audit says are wrong.
    #[error("audit `{}` found wrong rows in `{model}`", .failure.name)]
    Audit {
        /// The model.
        model: ModelName,
        /// What was found.
        failure: Box<AuditFailure>,
    },
    /// A version that goes on from another's rows would change their columns.
    #[error("the columns of `{model}` would change")]
    Columns {
        /// The model.
        model: ModelName,
        /// What would change, each in words.
        changes: Vec<String>,
    },
    /// A load whose columns the table can't take without losing something.
    #[error("the query of `{model}` gives other columns than its table has")]
    Load {
        /// The model.
        model: ModelName,
        /// What would change, each in words.
        changes: Vec<String>,
    },
    /// A cell of a seed that its column's type would cut short.
    #[error("a cell of `{model}` is no {kind}: `{value}` in column `{column}`")]
    Cell {
        /// The model.
        model: ModelName,
        /// The column.
        column: String,
        /// The cell.
        value: String,
        /// The column's type.
        kind: String,
    },
    /// A query or a file that is not what its model says.
    #[error("{what}")]
    Unfit {
        /// What is wrong.
        what: String,
        /// What to do.
        help: &'static str,
    },
    /// An audit that the engine can't run.
    #[error("audit `{name}` can't be run: {message}")]
    BrokenAudit {
        /// The audit.
        name: String,
        /// What was sent, in the lines that the engine counts.
        query: String,
        /// The engine's words.
        message: String,
    },
    /// A statement around a model's query failed.
    #[error("a statement failed: {message}")]
    Statement {
        /// Which of the model's.
        number: usize,
        /// The engine's words.
        message: String,
    },
}

/// The process that has the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The program's path.
    pub program: String,
    /// Its process id.
    pub pid: u32,
    /// What it does, if it is a vmesh that builds.
    pub doing: Option<Doing>,
}

impl Holder {
    /// Whether it is a vmesh, which gives way sooner or later.
    pub fn is_vmesh(&self) -> bool {
        // Linux says so where the program was replaced while it runs
        let program = self.program.trim_end_matches(" (deleted)");
        let name = program.rsplit(['/', '\\']).next().unwrap_or(program);
        self.doing.is_some() || name == "vmesh" || name == "vmesh.exe"
    }
}

impl WarehouseError {
    /// What helps where a limit was hit.
    pub const RAISE: &str = "let the query take less, or raise the limit: [limits] in main's vmesh.toml";

    /// The same where the engine's words are of one of a model's statements.
    pub(super) fn of_statement(self, statement: &Run) -> Self {
        match self {
            Self::Engine { message, .. } => BuildError::Statement { number: statement.number, message }.into(),
            other => other,
        }
    }
}
