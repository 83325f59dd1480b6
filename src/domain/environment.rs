//! What a warehouse holds at one moment: tables, snapshots, environments, and the history of prod.

mod history;
mod inputs;
mod past_build;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use self::history::{Moved, OutOfReach, Promotion, PromotionAction};
pub use self::inputs::{Alike, Contents, Inputs};
pub use self::past_build::{Origin, PastBuild};
use super::calendar::Filled;
use super::fingerprint::Fingerprint;
use super::model::{Around, KindWord};
use super::name::{BranchName, EnvName, ModelName, SchemaPattern, TableName};

/// A column: name and type, as the engine says them.
pub type Column = (String, String);

/// What an environment shows of a model.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pointer {
    /// The version that it was planned for.
    pub fingerprint: Fingerprint,
    /// The table.
    pub table: TableName,
}

/// What is on record of a table of the physical layer; of kind VIEW, that is a view. It keeps its name as long as it
/// lives, whatever versions it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhysicalTable {
    /// The model that it was made for.
    pub model: ModelName,
    /// The version of it.
    pub fingerprint: Fingerprint,
    /// The hash of the model's own part.
    pub own: Fingerprint,
    /// Its name, which is its identity.
    pub table: TableName,
    /// The kind's word.
    pub kind: KindWord,
    /// The tables it was built from, through embedded models, too.
    pub parents: Vec<TableName>,
    /// The query that fills it, with the parents' tables spliced in; none for seeds.
    pub select: Option<String>,
    /// The statements that run around that query.
    pub around: Around,
    /// Columns in order.
    pub columns: Vec<Column>,
    /// When it was last filled: microseconds since 1970, so that what is filled in turn can be told apart.
    pub built_at: i64,
    /// How much of its time it holds; none for kinds that are built whole.
    pub filled: Option<Filled>,
    /// The audits that it has passed, each by a hash over what they say.
    pub audited: BTreeSet<String>,
    /// What it says and what it was built from, whatever the model is called.
    pub content: Option<Fingerprint>,
    /// Counts the times that its rows changed, from when it was made (in microseconds since 1970): a table that is made
    /// where another of its name was dropped is not at the revision of that.
    pub revision: u64,
    /// What its rows were filled from.
    pub inputs: Inputs,
    /// The table whose rows it went on from, as it was then.
    pub continues: Option<Continued>,
    /// How many rows it has; none of a view, or where nobody has counted.
    pub rows: Option<u64>,
}

/// A table at one of its revisions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Continued {
    /// The table's name in the physical layer.
    pub table: String,
    /// Its revision.
    pub revision: u64,
}

/// Who keeps an environment in step, and from where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The name that their commits bear.
    pub who: String,
    /// Their computer.
    pub host: String,
    /// The working tree on it, or the bare repository.
    pub folder: String,
}

impl Owner {
    /// Whether both work in the same place, whatever they are called.
    pub fn is_at(&self, other: &Self) -> bool {
        self.host == other.host && self.folder == other.folder
    }
}

/// A named set of pointers from models to tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// Its name.
    pub name: EnvName,
    /// The branch it belongs to.
    pub branch: BranchName,
    /// The commit it was planned from, if there was one.
    pub commit: Option<String>,
    /// Whether files differed from that commit.
    pub dirty: bool,
    /// The commit of main that the branch's changes are told against.
    pub base: Option<String>,
    /// Prod only: main's tip when prod was last moved. Hooks promote only when main has moved since, so that a rollback
    /// stays until the next merge.
    pub tip: Option<String>,
    /// Counts its publications; a plan is valid for exactly one.
    pub generation: u64,
    /// When it was made, in seconds since 1970.
    pub created_at: i64,
    /// When it was last published.
    pub updated_at: i64,
    /// Who published it last.
    pub owner: Option<Owner>,
    /// What it shows.
    pub pointers: BTreeMap<ModelName, Pointer>,
    /// What its views are commented with, by the comments' hash.
    pub comments: BTreeMap<ModelName, String>,
}

/// What a merge that is still to come will show: kept, so that the merge finds it built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// The branch to be merged.
    pub branch: BranchName,
    /// When it was planned, in seconds since 1970.
    pub at: i64,
    /// The tables that prod would show.
    pub tables: BTreeSet<TableName>,
}

/// The environments whose pointers and views a reader wants; of the others it gets the rows of `environments` alone. What
/// one environment does costs the same however many others there are.
#[derive(Debug, Clone)]
pub enum Scope {
    /// All of them.
    All,
    /// The pointers of all, and no views.
    Pointers,
    /// Prod's, and those of some others.
    Prod {
        /// The others.
        and: Vec<EnvName>,
        /// How their schemas are called.
        pattern: SchemaPattern,
    },
    /// Of prod's and some others, the pointers and tables of some models, and nothing else: for queries.
    Models {
        /// The other environments.
        and: Vec<EnvName>,
        /// The models.
        models: Vec<ModelName>,
    },
}

/// All records in a scope, and what is really there.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// The environments.
    pub environments: BTreeMap<EnvName, Environment>,
    /// What the environments outside of the scope show.
    pub elsewhere: BTreeSet<(ModelName, TableName)>,
    /// The tables on record.
    pub tables: BTreeMap<TableName, PhysicalTable>,
    /// The snapshots: the table that stands for each version now. One that another has replaced stands for none, and one
    /// whose model was renamed stands for two.
    pub snapshots: BTreeMap<Fingerprint, TableName>,
    /// The tables and views that exist in the physical layer, by name.
    pub physical: BTreeSet<String>,
    /// The views of the virtual layer that exist in the scope: view → the physical table that it shows.
    pub views: BTreeMap<TableName, TableName>,
    /// Prod's history, oldest first.
    pub promotions: Vec<Promotion>,
    /// The merges that were planned ahead.
    pub previews: Vec<Preview>,
    /// How long a build of each model takes by experience: the median of its last ones, of incremental models that of a load.
    pub durations: BTreeMap<ModelName, Duration>,
    /// How long one view takes to move, where they move one after the other; none where all move at once.
    pub pace: Option<Duration>,
}

impl PhysicalTable {
    /// Whether it keeps what was once valid.
    pub fn is_history(&self) -> bool {
        self.kind.is_history()
    }

    /// Adds tables that it was filled from: one above it may have been replaced since it was made.
    pub fn add_parents(&mut self, parents: &[TableName]) {
        for parent in parents {
            if !self.parents.contains(parent) {
                self.parents.push(parent.clone());
            }
        }
    }

    /// The rows that it holds: a clone's are those of another table.
    pub fn contents(&self) -> Contents {
        self.inputs.clone_of.clone().unwrap_or_else(|| (self.table.name.clone(), self.revision))
    }

    /// This table as it is now, for one that begins as a copy of it.
    pub fn as_source(&self) -> Continued {
        Continued { table: self.table.name.clone(), revision: self.revision }
    }
}

impl State {
    /// The table that stands for a version, if that is on record.
    pub fn on_record(&self, version: &Fingerprint) -> Option<&PhysicalTable> {
        self.tables.get(self.snapshots.get(version)?)
    }

    /// The table that stands for a version, if it exists.
    pub fn built(&self, version: &Fingerprint) -> Option<&PhysicalTable> {
        self.existing(self.snapshots.get(version)?)
    }

    /// A table, if it is on record and exists.
    pub fn existing(&self, table: &TableName) -> Option<&PhysicalTable> {
        self.tables.get(table).filter(|known| self.physical.contains(&known.table.name))
    }

    /// What an environment shows of a model.
    pub fn pointer(&self, environment: &EnvName, model: &ModelName) -> Option<&Pointer> {
        self.environments.get(environment)?.pointers.get(model)
    }

    /// Whether any environment shows a table.
    pub fn is_shown(&self, table: &TableName) -> bool {
        let mut shown = self.environments.values().flat_map(|environment| environment.pointers.values());
        shown.any(|pointer| pointer.table == *table) || self.elsewhere.iter().any(|(_, shown)| shown == table)
    }

    /// Whether a snapshot is on record whose table is gone.
    pub fn lost(&self, version: &Fingerprint) -> bool {
        self.snapshots.contains_key(version) && self.built(version).is_none()
    }

    /// Whether a table stands for more than one version: of a model that has another name or had it.
    pub fn is_shared(&self, table: &PhysicalTable) -> bool {
        self.snapshots.values().filter(|other| **other == table.table).count() > 1
    }

    /// Whether rows were filled above a table that is built whole, since it was.
    pub fn is_outdated(&self, table: &TableName) -> bool {
        let Some(table) = self.tables.get(table).filter(|table| table.kind == KindWord::Full) else { return false };
        let revision = |name: &String| self.tables.get(&TableName::physical(name.clone())).map(|above| above.revision);
        table.inputs.read.iter().any(|(name, read)| revision(name).is_some_and(|revision| revision != *read))
    }

    /// A name for a table of a version that no other has.
    pub fn free_table(&self, model: &ModelName, version: &Fingerprint) -> TableName {
        let mut table = TableName::snapshot(model, &version.hex());
        for number in 0.. {
            if !self.tables.contains_key(&table) || !self.physical.contains(&table.name) {
                break;
            }
            table = TableName::snapshot(model, &version.again(number).hex());
        }
        table
    }

    /// The tables that stand for a version and were made for what a model of this content says, under whatever name.
    pub fn of_content(&self, content: &Fingerprint, kind: KindWord) -> impl Iterator<Item = &PhysicalTable> {
        let alike = self.tables.values().filter(move |it| it.content.as_ref() == Some(content) && it.kind == kind);
        let stands = |table: &TableName| self.snapshots.values().any(|known| known == table);
        alike.filter(move |it| stands(&it.table) && self.existing(&it.table).is_some())
    }

    /// Prod, if anything was ever promoted.
    pub fn prod(&self) -> Option<&Environment> {
        self.environments.get(&EnvName::prod())
    }

    /// The tables that no environment shows, none of these was built from, and no rollback or coming merge needs; and
    /// tables that are on no record.
    pub fn unused(&self, keep_after: i64) -> Vec<TableName> {
        let shown = self.environments.values();
        let mut used: BTreeSet<&TableName> =
            shown.flat_map(|shown| shown.pointers.values().map(|pointer| &pointer.table)).collect();
        used.extend(self.previews.iter().flat_map(|preview| &preview.tables));
        used.extend(self.kept_for_rollback(keep_after));
        // a physical view reads its parents' tables whenever it is read, and a clone the table that it was made of
        let mut keep: BTreeSet<&str> = used.into_iter().map(|table| table.name.as_str()).collect();
        let mut todo: Vec<&str> = keep.iter().copied().collect();
        while let Some(name) = todo.pop() {
            let Some(known) = self.tables.get(&TableName::physical(name.to_owned())) else { continue };
            let parents = known.parents.iter().filter(|_| known.kind == KindWord::View);
            let cloned = known.inputs.clone_of.iter().map(|(table, _)| table.as_str());
            todo.extend(parents.map(|parent| parent.name.as_str()).chain(cloned).filter(|name| keep.insert(name)));
        }
        let recorded = self.tables.keys().map(|table| table.name.as_str());
        let names: BTreeSet<&str> = self.physical.iter().map(String::as_str).chain(recorded).collect();
        names.into_iter().filter(|name| !keep.contains(name)).map(|name| TableName::physical(name.to_owned())).collect()
    }
}
