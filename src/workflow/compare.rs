//! Two environments compared: their models and columns, and the rows of one model.

use std::collections::{BTreeMap, BTreeSet};

use super::background::reconcile::Standing;
use super::background::seal::Known;
use super::error::Error;
use super::loader::Loader;
use super::revision::Revision;
use super::select_models::model_named;
use super::session::Session;
use super::tree::Tree;
use super::workspace::Workspace;
use crate::adapter::engine::{Rows, Warehouse};
use crate::domain::environment::{Column, PhysicalTable, State};
use crate::domain::name::{EnvName, ModelName};
use crate::domain::plan::{Change, ColumnChanges, column_changes};
use crate::domain::project::Model;
use crate::domain::table_diff::{self, Comparison};

/// Two environments, and the models in which they differ.
#[derive(Debug)]
pub struct Diff {
    /// What the first side is called.
    pub a: String,
    /// What the second side is called.
    pub b: String,
    /// The differing models, by name.
    pub models: Vec<ModelDiff>,
    /// How many models show the same snapshot on both sides.
    pub same: usize,
}

/// One model that differs.
#[derive(Debug)]
pub struct ModelDiff {
    /// The model.
    pub model: ModelName,
    /// How, told from A to B.
    pub change: Change,
    /// The columns that differ.
    pub columns: ColumnChanges,
    /// The file's text on both sides, where the model's own text changed.
    pub texts: Option<(String, String)>,
}

/// Two tables of one model, compared.
#[derive(Debug)]
pub struct TableDiff {
    /// The model.
    pub model: ModelName,
    /// What the sides are called.
    pub sides: (String, String),
    /// Both sides show one snapshot: no row was read.
    pub same_snapshot: bool,
    /// The columns that identified rows; empty: rows were compared whole.
    pub key: Vec<String>,
    /// Key values that occur more than once, on each side.
    pub duplicates: (u64, u64),
    /// Columns of A only.
    pub only_a_columns: Vec<Column>,
    /// Columns of B only.
    pub only_b_columns: Vec<Column>,
    /// Columns whose type differs: name, type in A, type in B.
    pub retyped: Vec<(String, String, String)>,
    /// Rows of each side.
    pub rows: (u64, u64),
    /// Rows of A that B has not.
    pub only_a: u64,
    /// Rows of B that A has not.
    pub only_b: u64,
    /// Rows of both, by key, and how many of them differ.
    pub both: (u64, u64),
    /// For each common column: how many rows of both match in it.
    pub matches: Vec<(String, u64)>,
    /// Some rows of A only, of B only, and that differ.
    pub samples: [Rows; 3],
}

impl TableDiff {
    /// Whether anything differs.
    pub fn differs(&self) -> bool {
        let schema = !self.only_a_columns.is_empty() || !self.only_b_columns.is_empty() || !self.retyped.is_empty();
        !self.same_snapshot && (schema || self.only_a + self.only_b + self.both.1 > 0)
    }
}

impl Session<'_> {
    /// Compares two environments; the defaults are prod and the current branch's, of which something may be known.
    pub fn diff(&self, a: Option<&str>, b: Option<&str>, known: Option<&Known>) -> Result<Diff, Error> {
        let is_prods = known.and_then(|known| known.told.as_ref()).is_some_and(|told| told.is_prods);
        if let Some(known) = known.filter(|_| is_prods && a.is_none() && b.is_none()) {
            let Standing { environment, models: same, .. } = &known.standing;
            let (a, b) = (EnvName::prod().to_string(), environment.to_string());
            return Ok(Diff { models: Vec::new(), same: *same, a, b });
        }
        let a = a.unwrap_or("prod");
        let state = self.state_shown(&[Some(a), b])?;
        let a = self.shown(Some(a), &state)?;
        let b = self.shown(b, &state)?;
        let names: BTreeSet<&ModelName> = a.pointers.keys().chain(b.pointers.keys()).collect();
        let (same, differing): (Vec<&ModelName>, Vec<&ModelName>) =
            names.into_iter().partition(|name| a.pointers.get(name) == b.pointers.get(name));
        let trees = if differing.is_empty() { Default::default() } else { (self.trees_of(&a), self.trees_of(&b)) };
        let models = differing.into_iter().map(|model| {
            let text = |shown: &Revision, trees: &[Tree]| match shown.pointers.get(model) {
                Some(shown) => self.text_shown(trees, &shown.fingerprint, model, &state).unwrap_or_default(),
                None => String::new(),
            };
            let change = change(&a, &b, model, &state);
            let own = change != Change::Indirect;
            let texts = own.then(|| (text(&a, &trees.0), text(&b, &trees.1)));
            let columns = match written(&a, &trees.0, model).zip(written(&b, &trees.1, model)) {
                Some((before, after)) => column_changes(after, before, &state),
                None => columns(a.table(&state, model), b.table(&state, model)),
            };
            ModelDiff { model: model.clone(), change, columns, texts }
        });
        Ok(Diff { models: models.collect(), same: same.len(), a: a.label, b: b.label })
    }

    /// Compares the rows of a model in two environments, in the engine. `on` names the key; left out, the model's grain
    /// is; without either, rows are compared whole.
    pub fn table_diff(
        &self,
        typed: &str,
        a: Option<&str>,
        b: Option<&str>,
        on: &[String],
        limit: usize,
    ) -> Result<TableDiff, Error> {
        let a = a.unwrap_or("prod");
        let state = self.state_shown(&[Some(a), b])?;
        let a = self.shown(Some(a), &state)?;
        let b = self.shown(b, &state)?;
        let model = model_named(typed, self.config.catalog(), a.pointers.keys().chain(b.pointers.keys()))?;
        let (left, right) = (self.side(&a, &model, &state)?, self.side(&b, &model, &state)?);
        let mut diff = TableDiff::new(model.clone(), (a.label.clone(), b.label.clone()), left, right);
        if left.fingerprint == right.fingerprint {
            return Ok(diff);
        }
        let (common, only_a, only_b) = table_diff::split(&left.columns, &right.columns);
        let key = self.key(&model, on, &common, &b)?;
        diff.key.clone_from(&key);
        (diff.only_a_columns, diff.only_b_columns) = (only_a, only_b);
        let columns = common.into_iter().map(|(name, _)| name).filter(|name| !is_in(&key, name)).collect();
        let types = table_diff::common(&left.columns, &right.columns);
        let (a, b) = ((left.table.clone(), left.columns.clone()), (right.table.clone(), right.columns.clone()));
        let engine = self.config.opening.engine;
        let comparison = Comparison { engine, a, b, key, columns, types, repeated: false };
        let Some(warehouse) = self.read_warehouse()? else { return Ok(diff) };
        diff.fill(&*warehouse, &comparison, limit)?;
        Ok(diff)
    }
}

impl Workspace {
    fn side<'s>(&self, shown: &Revision, model: &ModelName, state: &'s State) -> Result<&'s PhysicalTable, Error> {
        shown.table(state, model).ok_or_else(|| Error::Query {
            message: format!("`{}` has no table of `{model}`", shown.label),
            help: Some("vmesh diff shows which models each side has".to_owned()),
        })
    }
}

impl Loader {
    /// The key: as typed (each column checked), or the model's grain.
    fn key(
        &self,
        model: &ModelName,
        on: &[String],
        common: &[(String, bool)],
        b: &Revision,
    ) -> Result<Vec<String>, Error> {
        let names: Vec<&str> = common.iter().map(|(name, _)| name.as_str()).collect();
        let known =
            |column: &str| names.iter().find(|name| name.eq_ignore_ascii_case(column)).map(|name| (*name).to_owned());
        if on.is_empty() {
            let trees = self.trees_of(b);
            let grain = trees.iter().find_map(|tree| Some(tree.project.model(model)?.file.about.grain.clone()));
            let grain = grain.unwrap_or_default();
            return Ok(grain.iter().map(|column| known(column)).collect::<Option<_>>().unwrap_or_default());
        }
        let column = |column: &String| {
            known(column).ok_or_else(|| Error::Unknown {
                what: "column",
                typed: column.clone(),
                near: crate::domain::diagnostic::nearest(column, names.iter().copied()).map(str::to_owned),
            })
        };
        on.iter().map(column).collect()
    }
}

impl TableDiff {
    fn new(model: ModelName, sides: (String, String), a: &PhysicalTable, b: &PhysicalTable) -> Self {
        let types: BTreeMap<String, &String> =
            b.columns.iter().map(|(name, kind)| (name.to_lowercase(), kind)).collect();
        let retyped = a.columns.iter().filter_map(|(name, kind)| {
            let other = types.get(&name.to_lowercase())?;
            (*other != kind).then(|| (name.clone(), kind.clone(), (*other).clone()))
        });
        Self {
            model,
            sides,
            same_snapshot: a.fingerprint == b.fingerprint,
            key: Vec::new(),
            duplicates: (0, 0),
            only_a_columns: Vec::new(),
            only_b_columns: Vec::new(),
            retyped: retyped.collect(),
            rows: (0, 0),
            only_a: 0,
            only_b: 0,
            both: (0, 0),
            matches: Vec::new(),
            samples: Default::default(),
        }
    }

    fn fill(&mut self, warehouse: &dyn Warehouse, comparison: &Comparison, limit: usize) -> Result<(), Error> {
        let doing = "comparing tables";
        let numbers = |sql: &str| -> Result<Vec<u64>, Error> {
            let rows = warehouse.rows(doing, sql, None)?;
            let first = rows.rows.into_iter().next().unwrap_or_default();
            Ok(first.into_iter().map(|value| value.and_then(|value| value.parse().ok()).unwrap_or(0)).collect())
        };
        let count = |sql: String| -> Result<u64, Error> { Ok(numbers(&sql)?.first().copied().unwrap_or(0)) };
        let rows = |table: &crate::domain::name::TableName| count(format!("SELECT count(*) FROM {}", table.quoted()));
        self.rows = (rows(&comparison.a.0)?, rows(&comparison.b.0)?);
        let sample = |sql: String| warehouse.rows(doing, &sql, Some(limit));
        if comparison.key.is_empty() {
            let surplus = |first| comparison.surplus(first);
            self.only_a = count(format!("SELECT count(*) FROM ({}) AS surplus", surplus(true)))?;
            self.only_b = count(format!("SELECT count(*) FROM ({}) AS surplus", surplus(false)))?;
            self.both = (self.rows.0.saturating_sub(self.only_a), 0);
            self.samples = [sample(surplus(true))?, sample(surplus(false))?, Rows::default()];
            return Ok(());
        }
        self.duplicates = (count(comparison.duplicates(true))?, count(comparison.duplicates(false))?);
        let comparison = &Comparison { repeated: self.duplicates != (0, 0), ..comparison.clone() };
        let counts = numbers(&comparison.counts())?;
        if let [only_a, only_b, both, changed, matches @ ..] = counts.as_slice() {
            (self.only_a, self.only_b, self.both) = (*only_a, *only_b, (*both, *changed));
            let names = comparison.columns.iter().cloned();
            self.matches = names.zip(matches.iter().copied()).collect();
        }
        let both = self.both.0;
        let differing = self.matches.iter().filter(|(_, matches)| *matches < both);
        let differing: Vec<String> = differing.map(|(name, _)| name.clone()).collect();
        if self.only_a > 0 {
            self.samples[0] = sample(comparison.only(true, limit))?;
        }
        if self.only_b > 0 {
            self.samples[1] = sample(comparison.only(false, limit))?;
        }
        if self.both.1 > 0 {
            self.samples[2] = sample(comparison.changed(&differing, limit))?;
        }
        Ok(())
    }
}

fn is_in(names: &[String], name: &str) -> bool {
    names.iter().any(|other| other.eq_ignore_ascii_case(name))
}

/// A model as a revision shows it, where one of its trees has it.
fn written<'t>(shown: &Revision, trees: &'t [Tree], model: &ModelName) -> Option<&'t Model> {
    let version = shown.pointers.get(model)?.fingerprint;
    trees.iter().find_map(|tree| tree.project.model(model).filter(|found| found.fingerprint == version))
}

/// How a model differs, from A to B.
fn change(a: &Revision, b: &Revision, model: &ModelName, state: &State) -> Change {
    let own = |shown: &Revision| Some(state.tables.get(&shown.pointers.get(model)?.table)?.own);
    match (a.pointers.get(model), b.pointers.get(model)) {
        (None, _) => Change::Added,
        (_, None) => Change::Removed,
        _ if own(a).is_some() && own(a) == own(b) => Change::Indirect,
        _ => Change::Direct,
    }
}

fn columns(a: Option<&PhysicalTable>, b: Option<&PhysicalTable>) -> ColumnChanges {
    let (Some(a), Some(b)) = (a, b) else { return ColumnChanges::default() };
    let (common, only_a, only_b) = table_diff::split(&a.columns, &b.columns);
    let names = |columns: Vec<Column>| columns.into_iter().map(|(name, _)| name).collect();
    ColumnChanges {
        added: names(only_b),
        removed: names(only_a),
        changed: common.into_iter().filter(|(_, same)| !same).map(|(name, _)| name).collect(),
    }
}
