//! A question asked of a commit: does a query give no row there? What it reads is built where it is missing, and shown nowhere;
//! the next gc removes it.

use std::collections::BTreeSet;

use super::build::Unshown;
use super::error::Error;
use super::planning::{Prepared, Target};
use super::session::Session;
use super::tree::SourceTree;
use crate::adapter::engine::{Rows, Warehouse, WarehouseError};
use crate::adapter::git::Head;
use crate::domain::engine_message;
use crate::domain::name::{BranchName, EnvName, ModelName};
use crate::domain::plan::Plan;
use crate::domain::sql::policy::Text;
use crate::domain::sql::{self, Query, Read};

/// The environment of checks: no branch has one of this name.
const NOWHERE: &str = "a check";

/// What a check found.
#[derive(Debug)]
pub struct Checked {
    /// What was asked: a commit, or the files as they are.
    pub at: String,
    /// The rows that the query gives.
    pub rows: Rows,
    /// The models that were built for it.
    pub built: Vec<ModelName>,
}

impl Session<'_> {
    /// Asks a query of the files as they are, or of an environment's or another commit; gives at most `limit` of its rows.
    pub fn check(&mut self, text: &str, at: Option<&str>, limit: usize) -> Result<Checked, Error> {
        self.skip_tests = true;
        // until there is something to build
        self.keep_open();
        let query = self
            .referee
            .admit(Text::Person, text, sql::analyse(text))
            .map_err(|refusal| Error::Query { message: refusal.what, help: refusal.help })?;
        let prepared = self.prepare(self.target_of_check(at)?)?;
        let label = match (&prepared.target.tree, &prepared.target.commit) {
            (SourceTree::Commit(commit), _) => commit.short().to_owned(),
            (_, Some(commit)) if !prepared.is_dirty() => commit.short().to_owned(),
            _ => "the working tree".to_owned(),
        };
        let needed = needed(&prepared, &query);
        let part = |plan: Plan| plan.of_models(&needed);
        let state = self.state_of(&prepared.target.environment)?;
        let plan = part(prepared.plan(self, &state)?);
        let is_there = plan.makes().next().is_none();
        let unshown = match self.read_warehouse()?.filter(|_| is_there) {
            Some(warehouse) => Unshown { warehouse, plan, built: Vec::new() },
            None => {
                self.close();
                let warehouse = self.write_warehouse()?;
                self.before_all(&prepared, &*warehouse)?;
                self.build_unshown(&prepared, warehouse, &part)?
            }
        };
        let Unshown { warehouse, plan, built } = unshown;
        let rows = rows(&*warehouse, &resolved(&prepared, &query, text, &plan)?, limit)?;
        Ok(Checked { at: label, rows, built })
    }

    fn target_of_check(&self, at: Option<&str>) -> Result<Target, Error> {
        let tip = self.main_tip()?;
        let (tree, commit) = match at {
            Some(at) => {
                let commit = self.commit_of(at)?;
                (commit.clone().map_or(SourceTree::Empty, SourceTree::Commit), commit)
            }
            None => match self.repository.head()? {
                Head::Branch { commit, .. } => (SourceTree::Working, commit),
                Head::Detached { commit } => (SourceTree::Working, Some(commit)),
            },
        };
        let base = match (&commit, &tip) {
            (Some(commit), Some(tip)) => self.repository.merge_base(commit, tip)?,
            _ => None,
        };
        let (environment, branch) = (EnvName::from_record(NOWHERE.to_owned()), BranchName::from(NOWHERE));
        Ok(Target { environment, branch, tree, commit, base, tip, take_over: false, timing: self.timing })
    }
}

/// The models that a query reads, with all that is above them and what their audits read.
fn needed(prepared: &Prepared, query: &Query) -> BTreeSet<ModelName> {
    let (tree, project) = (&prepared.desired, &prepared.desired.project);
    let read = query.reads.iter().flatten().filter_map(|read| project.find(&read.parts));
    let (mut needed, mut todo) = (BTreeSet::new(), read.map(|model| model.name.clone()).collect::<Vec<_>>());
    while let Some(name) = todo.pop() {
        for name in project.above(&name) {
            let Some(model) = project.model(&name).filter(|_| needed.insert(name.clone())) else { continue };
            todo.extend(tree.audit_reads(model).into_iter().filter(|read| project.model(read).is_some()));
        }
    }
    needed
}

/// The query with models replaced by their tables.
fn resolved(prepared: &Prepared, query: &Query, text: &str, plan: &Plan) -> Result<String, Error> {
    let tables = plan.tables();
    let model = |read: &Read| prepared.desired.project.find(&read.parts).map(|model| &model.name);
    for name in query.reads.iter().flatten().filter_map(model) {
        if !tables.contains_key(name) {
            let message = format!("`{name}` is EMBEDDED, so that there is no table of it");
            return Err(Error::Query { message, help: Some("ask a model that reads it".to_owned()) });
        }
    }
    Ok(sql::splice(text, query, &|read: &Read| Some(tables.get(model(read)?)?.quoted())))
}

fn rows(warehouse: &dyn Warehouse, sql: &str, limit: usize) -> Result<Rows, Error> {
    warehouse.rows("running the check", sql, Some(limit)).map_err(|error| match error {
        WarehouseError::Engine { message, .. } => {
            Error::Query { help: engine_message::advice(&message), message: engine_message::renumber(&message, 1) }
        }
        other => other.into(),
    })
}
