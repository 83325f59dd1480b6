//! What runs around one load of a model's table: its statements, ready for the engine.

use serde::{Deserialize, Serialize};

/// A model's statements for one load of its table.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Around {
    /// Before it.
    pub before: Vec<Run>,
    /// After it.
    pub after: Vec<Run>,
    /// What takes back what they made in their session.
    pub undo: Vec<String>,
    /// The names of macros that they make.
    pub macros: Vec<String>,
}

/// A statement as it is run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Which of the file's it is.
    pub number: usize,
    /// Its text.
    pub sql: String,
    /// Whether it needs the model's table.
    pub on_table: bool,
    /// The query of the temporary table or view that it makes.
    #[serde(default)]
    pub query: Option<String>,
}

impl Around {
    /// Whether there is no statement.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What the query needs to be run at all, where there is no table of the model.
    pub fn without_table(&self) -> Self {
        let before = self.before.iter().filter(|run| !run.on_table).cloned().collect();
        Self { before, after: Vec::new(), ..self.clone() }
    }
}
