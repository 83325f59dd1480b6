//! What a warehouse holds at one moment: snapshots, environments, and the history of prod.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::calendar::Filled;
use super::fingerprint::Fingerprint;
use super::name::{BranchName, EnvName, ModelName, SNAPSHOTS_SCHEMA, TableName};
use super::project::Around;

/// A column: name and type, as the engine says them.
pub type Column = (String, String);

/// A fingerprint, together with the physical table built for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// What it is a version of.
    pub model: ModelName,
    /// Its identity.
    pub fingerprint: Fingerprint,
    /// The hash of the model's own part.
    pub own: Fingerprint,
    /// The table or, for kind VIEW, the view.
    pub table: TableName,
    /// The kind's word.
    pub kind: String,
    /// The snapshots it was built from.
    pub parents: Vec<Fingerprint>,
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
    /// Counts the times that its rows changed.
    pub revision: u64,
    /// When its table was made, before anything was loaded into it: microseconds since 1970.
    pub made_at: i64,
    /// The version that it is of, if another table has taken its place.
    pub archived: Option<Fingerprint>,
    /// The snapshot whose rows it went on from, as it was then.
    pub continues: Option<Continued>,
}

/// A snapshot at one of its revisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Continued {
    /// The snapshot.
    pub fingerprint: Fingerprint,
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

/// A named set of pointers from models to snapshots.
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
    pub pointers: BTreeMap<ModelName, Fingerprint>,
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
    /// What prod would show.
    pub fingerprints: BTreeSet<Fingerprint>,
}

/// One entry of the history of prod's pointers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Promotion {
    /// The generation of prod that it made.
    pub generation: u64,
    /// The commit of main that prod shows since.
    pub commit: String,
    /// `promote`, `rollback` or `restate`.
    pub action: String,
    /// When, in seconds since 1970.
    pub at: i64,
    /// What prod shows since.
    #[serde(skip)]
    pub pointers: BTreeMap<ModelName, Fingerprint>,
    /// What its views are commented with since, by the comments' hash.
    #[serde(skip)]
    pub comments: BTreeMap<ModelName, String>,
}

/// All records, and what is really there.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// The environments.
    pub environments: BTreeMap<EnvName, Environment>,
    /// The snapshots on record.
    pub snapshots: BTreeMap<Fingerprint, Snapshot>,
    /// The tables and views that exist in the physical layer, by name.
    pub physical: BTreeSet<String>,
    /// The views of the virtual layer that exist: view → the physical table that it shows.
    pub views: BTreeMap<TableName, TableName>,
    /// Prod's history, oldest first.
    pub promotions: Vec<Promotion>,
    /// The merges that were planned ahead.
    pub previews: Vec<Preview>,
}

impl Snapshot {
    /// Whether it keeps what was once valid.
    pub fn is_history(&self) -> bool {
        self.kind.starts_with("SCD_TYPE_2")
    }
}

impl State {
    /// The snapshot of a fingerprint, if it is on record and its table exists.
    pub fn built(&self, fingerprint: &Fingerprint) -> Option<&Snapshot> {
        self.snapshots.get(fingerprint).filter(|snapshot| self.physical.contains(&snapshot.table.name))
    }

    /// Whether a snapshot is on record whose table is gone.
    pub fn lost(&self, fingerprint: &Fingerprint) -> bool {
        self.snapshots.contains_key(fingerprint) && self.built(fingerprint).is_none()
    }

    /// The tables that prod shows or has shown, whatever the models were called: a rollback may show them again.
    pub fn promoted_tables(&self) -> BTreeSet<&TableName> {
        let now = self.prod().into_iter().flat_map(|prod| prod.pointers.values());
        let all = now.chain(self.promotions.iter().flat_map(|promotion| promotion.pointers.values()));
        let all: BTreeSet<&Fingerprint> = all.collect();
        all.into_iter().filter_map(|shown| self.snapshots.get(shown)).map(|snapshot| &snapshot.table).collect()
    }

    /// Whether a snapshot's table is that of another one, too: of a model that has another name or had it.
    pub fn is_shared(&self, snapshot: &Snapshot) -> bool {
        let is_other = |other: &&Snapshot| other.fingerprint != snapshot.fingerprint;
        self.snapshots.values().filter(is_other).any(|other| other.table == snapshot.table)
    }

    /// Whether a table that is built whole was filled before one that it was built from.
    pub fn is_outdated(&self, version: &Fingerprint) -> bool {
        let Some(snapshot) = self.snapshots.get(version).filter(|snapshot| snapshot.kind == "FULL") else {
            return false;
        };
        let above = snapshot.parents.iter().filter_map(|parent| self.snapshots.get(parent));
        above.map(|parent| parent.built_at).max().is_some_and(|at| at > snapshot.built_at)
    }

    /// A table for a version that is on no record, where its own name is not taken by one that was archived.
    pub fn free_table(&self, model: &ModelName, version: &Fingerprint) -> TableName {
        let mut table = TableName::snapshot(model, &version.hex());
        let is_archived = |table: &TableName| {
            self.physical.contains(&table.name) && self.snapshots.values().any(|known| known.table == *table)
        };
        for number in 0.. {
            if !is_archived(&table) {
                break;
            }
            table = TableName::snapshot(model, &version.archived(number).hex());
        }
        table
    }

    /// A table that holds just what a model of this content would, under whatever name.
    pub fn same_content(&self, content: &Fingerprint, kind: &str) -> Option<&Snapshot> {
        let is_alike = |snapshot: &&Snapshot| snapshot.content.as_ref() == Some(content) && snapshot.archived.is_none();
        let mut alike = self.snapshots.values().filter(is_alike);
        alike.find(|snapshot| snapshot.kind == kind && self.built(&snapshot.fingerprint).is_some())
    }

    /// Prod, if anything was ever promoted.
    pub fn prod(&self) -> Option<&Environment> {
        self.environments.get(&EnvName::prod())
    }

    /// The fingerprints that prod or its history within `keep_after` (seconds since 1970) points at, the promotion before
    /// the current one always included: what a rollback needs.
    pub fn kept_for_rollback(&self, keep_after: i64) -> BTreeSet<Fingerprint> {
        let recent = self.promotions.iter().rev().enumerate();
        let recent = recent.filter(|(index, promotion)| *index < 2 || promotion.at >= keep_after);
        recent.flat_map(|(_, promotion)| promotion.pointers.values().copied()).collect()
    }

    /// The promotion before the one that made what prod shows: with what rollbacks did left out, so that two rollbacks in
    /// a row go two promotions back.
    pub fn promotion_before(&self) -> Option<&Promotion> {
        let shown = &self.prod()?.pointers;
        let promoted: Vec<&Promotion> =
            self.promotions.iter().filter(|promotion| promotion.action == "promote").collect();
        let current = promoted.iter().rposition(|promotion| promotion.pointers == *shown)?;
        promoted[..current].iter().rev().find(|promotion| promotion.pointers != *shown).copied()
    }

    /// The tables that no environment shows, none of these was built from, and no rollback or coming merge needs; and
    /// tables that are on no record.
    pub fn unused(&self, keep_after: i64) -> Vec<TableName> {
        let shown = self.environments.values();
        let mut used: BTreeSet<Fingerprint> = shown.flat_map(|shown| shown.pointers.values().copied()).collect();
        used.extend(self.previews.iter().flat_map(|preview| preview.fingerprints.iter().copied()));
        used.extend(self.kept_for_rollback(keep_after));
        // a physical view reads its parents' tables whenever it is read
        let mut todo: Vec<Fingerprint> = used.iter().copied().collect();
        while let Some(fingerprint) = todo.pop() {
            let snapshot = self.snapshots.get(&fingerprint).filter(|snapshot| snapshot.kind == "VIEW");
            for parent in snapshot.into_iter().flat_map(|snapshot| &snapshot.parents) {
                if used.insert(*parent) {
                    todo.push(*parent);
                }
            }
        }
        let keep: BTreeSet<&str> = used
            .iter()
            .filter_map(|used| self.snapshots.get(used))
            .map(|snapshot| snapshot.table.name.as_str())
            .collect();
        let recorded = self.snapshots.values().map(|snapshot| snapshot.table.name.as_str());
        let names: BTreeSet<&str> = self.physical.iter().map(String::as_str).chain(recorded).collect();
        let table = |name: &str| TableName { schema: SNAPSHOTS_SCHEMA.to_owned(), name: name.to_owned() };
        names.into_iter().filter(|name| !keep.contains(name)).map(table).collect()
    }
}
