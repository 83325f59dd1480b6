//! What a table's rows were filled from: a table is fresh as long as these are the tables that stand above it, at these
//! revisions. Clocks are for people.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::super::fingerprint::Fingerprint;
use super::super::name::ModelName;
use super::super::sql::Print;

/// What a table's rows were filled from, by the names of tables of the physical layer.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Inputs {
    /// The tables that its query read, through views and embedded models, each at the revision that it had.
    pub read: BTreeMap<String, u64>,
    /// The nearest tables above that are filled by loads, seen through those that are filled whole.
    pub roots: BTreeSet<String>,
    /// The table that prod showed of the same model, and its revision: what is filled since has read tables that no model
    /// makes, which have no revision, later.
    pub beside: Option<(String, u64)>,
    /// What the files from outside were that its query read, where their changes make it due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sources: Option<String>,
    /// Of a table that is built whole: what the texts say that made its rows of those of other tables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipe: Option<Fingerprint>,
    /// And what the names of its query meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<Print>,
    /// The tables of `read`, each by the model that it was read as.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub read_as: BTreeMap<ModelName, String>,
    /// The table whose rows it has: it is a shallow clone, a view of that, until one of the two is filled anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clone_of: Option<Contents>,
    /// Earlier versions that have the same rows as far as some columns tell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alike: Vec<Alike>,
}

/// What was found to be the same in two tables: their rows, as far as some columns tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alike {
    /// The other table.
    pub of: Contents,
    /// The columns, in lower case.
    pub columns: BTreeSet<String>,
}

/// The rows of a table at one of its revisions: that table, and the revision.
pub type Contents = (String, u64);

impl Inputs {
    /// Adds a table that is read, with its own inputs.
    pub fn add(&mut self, table: &str, revision: u64, is_by_loads: bool, inputs: &Self) {
        self.read.insert(table.to_owned(), revision);
        match is_by_loads {
            true => _ = self.roots.insert(table.to_owned()),
            false => self.roots.extend(inputs.roots.iter().cloned()),
        }
    }
}
