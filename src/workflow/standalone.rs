//! Standalone audits: those that belong to no model. They stop nothing; what they find is told.

use std::collections::BTreeMap;

use super::audit_sql::{expand, in_query, models_read};
use super::audits::{Audited, OwnAudit, in_audit};
use super::error::Error;
use super::event::Event;
use super::planning::Prepared;
use super::session::Session;
use super::tree::Tree;
use crate::adapter::warehouse::{Audit, Warehouse, WarehouseError};
use crate::domain::diagnostic::Diagnostic;
use crate::domain::engine_message;
use crate::domain::interval::{Interval, Moment, Times};
use crate::domain::macros::Variables;
use crate::domain::model::Problem;
use crate::domain::name::{ModelName, TableName};
use crate::domain::project::{Project, guess_reads};

impl OwnAudit {
    /// What is wrong with a standalone audit, seen with the project's models.
    pub(super) fn wrong(&self, project: &Project) -> Option<Diagnostic> {
        let header = &self.audit.header;
        let unknown = header.depends_on.iter().find(|name| project.model(name).is_none())?;
        let what = format!("audit `{}` depends on `{unknown}`, which is no model", header.name);
        let problem = Problem { what, span: header.span.clone(), help: None };
        Some(problem.in_file(&self.path, &self.text))
    }
}

impl Session<'_> {
    /// Whether a standalone audit has this name.
    pub fn is_standalone(&self, prepared: &Prepared, name: &str) -> bool {
        let standalone = &prepared.desired.audits.standalone;
        standalone.iter().any(|own| own.audit.header.name.eq_ignore_ascii_case(name))
    }

    /// The models that a standalone audit reads.
    pub(super) fn reads_of_standalone(&self, tree: &Tree, own: &OwnAudit) -> Vec<ModelName> {
        let written = models_read(&tree.project, &own.audit);
        // names that macros make
        let expanded = expand(tree, &own.audit, &own.text, std::iter::empty(), &Variables::default(), &Times::LOADING);
        let made = expanded.map(|text| guess_reads(&text)).unwrap_or_default();
        let made = made.iter().filter_map(|read| ModelName::from_parts(&read.parts));
        made.filter(|name| tree.project.model(name).is_some()).chain(written).collect()
    }

    /// Runs a standalone audit, unless it is switched off.
    pub(super) fn run_standalone(
        &self,
        prepared: &Prepared,
        own: &OwnAudit,
        warehouse: &Warehouse,
        tables: &BTreeMap<ModelName, TableName>,
    ) -> Result<Option<Audited>, Error> {
        let tree = &prepared.desired;
        if own.audit.header.skip {
            return Ok(None);
        }
        let name = own.audit.header.name.clone();
        let now = prepared.target.timing.now;
        let interval = Interval::new(Moment::EPOCH, now).unwrap_or(Times::LOADING.interval);
        let times = Times { interval, execution: now };
        let path = self.in_top(&own.path);
        let expanded = expand(tree, &own.audit, &own.text, std::iter::empty(), &Variables::default(), &times);
        let table = |name: &ModelName| tables.get(name).cloned();
        let query = expanded.and_then(|text| {
            self.admit_audit(tree, &text, &table).map_err(|refusal| in_query(&own.audit, &text, refusal))
        });
        let found = match query {
            Err(problem) => Err(problem.in_file(&path, &own.text)),
            Ok(query) => {
                let audit = Audit { name: name.clone(), query, blocking: false, whole: true };
                match warehouse.audited(&audit, "") {
                    Ok(found) => Ok(found),
                    Err(WarehouseError::BrokenAudit { query, message, .. }) => {
                        let span = in_audit(&own.audit, &query, &message);
                        let what = format!("audit `{name}` can't be run");
                        let cause = format!("DuckDB: {}", engine_message::headline(&message));
                        Err(Problem { what, span, help: None }.in_file(&path, &own.text).note(cause))
                    }
                    Err(error) => return Err(error.into()),
                }
            }
        };
        Ok(Some(Audited { model: None, audit: name, blocking: false, found }))
    }

    /// Runs the standalone audits that read one of these models, and tells what they find.
    pub(super) fn follow_up(
        &self,
        prepared: &Prepared,
        changed: &[ModelName],
        warehouse: &Warehouse,
        tables: &BTreeMap<ModelName, TableName>,
    ) -> Result<(), Error> {
        if changed.is_empty() {
            return Ok(());
        }
        for own in &prepared.desired.audits.standalone {
            let reads = self.reads_of_standalone(&prepared.desired, own);
            // of one whose macros can't be expanded, nobody knows what it reads
            if !reads.is_empty() && !reads.iter().any(|name| changed.contains(name)) {
                continue;
            }
            let Some(audited) = self.run_standalone(prepared, own, warehouse, tables)? else { continue };
            match audited.found {
                Ok(Some(failure)) => {
                    self.report.report(&Event::Warning { model: None, audit: audited.audit, count: failure.count });
                }
                Ok(None) => {}
                Err(problem) => self.report.report(&Event::Problem(problem)),
            }
        }
        Ok(())
    }
}
