//! Standalone audits: those that belong to no model. They stop nothing; what they find is told.

use std::collections::BTreeMap;

use super::audit_sql::{expand, in_query};
use super::audits::{Audited, OwnAudit, in_audit};
use super::error::Error;
use super::event::Event;
use super::loader::Loader;
use super::planning::Prepared;
use super::session::Session;
use super::tree::Tree;
use super::workspace::Workspace;
use crate::adapter::engine::{Audit, BuildError, Warehouse, WarehouseError, Warning, audited};
use crate::domain::diagnostic::{Diagnostic, Problem};
use crate::domain::engine_message;
use crate::domain::interval::{Interval, Moment, Times};
use crate::domain::macros::{Expanded, Variables};
use crate::domain::name::{ModelName, TableName};
use crate::domain::project::Published;

impl OwnAudit {
    /// What is wrong with a standalone audit, seen with the project's models.
    pub(super) fn wrong(&self, tree: &Tree, published: &Published) -> Vec<Diagnostic> {
        let header = &self.audit.header;
        let unknown = header.depends_on.iter().filter(|name| tree.project.find(&name.parts()).is_none());
        let unknown = unknown.map(|name| (format!("depends on `{name}`, which is no model"), None));
        let asked = if published.is_empty() { Vec::new() } else { tree.standalone_names(self) };
        let strangers = asked.iter().filter_map(|parts| tree.project.stranger(parts, published));
        let all = unknown.chain(strangers.map(|(what, help)| (format!("can't be asked: {what}"), Some(help))));
        let problem =
            |(what, help)| Problem { what: format!("audit `{}` {what}", header.name), span: header.span.clone(), help };
        all.map(|wrong| problem(wrong).in_file(&self.path, &self.text)).collect()
    }
}

impl Workspace {
    /// Whether a standalone audit has this name.
    pub fn is_standalone(&self, prepared: &Prepared, name: &str) -> bool {
        let standalone = &prepared.desired.audits.standalone;
        standalone.iter().any(|own| own.audit.header.name.eq_ignore_ascii_case(name))
    }
}

impl Loader {
    /// Runs a standalone audit, unless it is switched off.
    pub(super) fn run_standalone(
        &self,
        prepared: &Prepared,
        own: &OwnAudit,
        warehouse: &dyn Warehouse,
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
        let query = expanded.and_then(|Expanded { text, .. }| {
            self.admit_audit(tree, &text, &table).map_err(|refusal| in_query(&own.audit, &text, refusal))
        });
        let found = match query {
            Err(problem) => Err(problem.in_file(&path, &own.text)),
            Ok(query) => {
                let audit = Audit { name: name.clone(), query, blocking: false, whole: true };
                match audited(warehouse, &audit, "") {
                    Ok(found) => Ok(found),
                    Err(WarehouseError::Build(BuildError::BrokenAudit { query, message, .. })) => {
                        let span = in_audit(&own.audit, &query, &message);
                        let what = format!("audit `{name}` can't be run");
                        let cause = engine_message::cause(&message);
                        Err(Problem { what, span, help: None }.in_file(&path, &own.text).note(cause))
                    }
                    Err(error) => return Err(error.into()),
                }
            }
        };
        Ok(Some(Audited { model: None, audit: name, blocking: false, found }))
    }
}

impl Session<'_> {
    /// Runs the standalone audits that read one of these models, and tells what they find.
    pub(super) fn follow_up(
        &self,
        prepared: &Prepared,
        changed: &[ModelName],
        warehouse: &dyn Warehouse,
        tables: &BTreeMap<ModelName, TableName>,
    ) -> Result<(), Error> {
        if changed.is_empty() {
            return Ok(());
        }
        for own in &prepared.desired.audits.standalone {
            let reads = prepared.desired.standalone_reads(own);
            // an audit whose macros can't be expanded may read anything
            if !reads.is_empty() && !reads.iter().any(|name| changed.contains(name)) {
                continue;
            }
            let Some(audited) = self.run_standalone(prepared, own, warehouse, tables)? else { continue };
            match audited.found {
                Ok(Some(failure)) => {
                    let audit = Warning::Audit(audited.audit);
                    self.report.report(&Event::Warning { model: None, audit, count: failure.count });
                }
                Ok(None) => {}
                Err(problem) => self.report.report(&Event::Problem(problem)),
            }
        }
        Ok(())
    }
}
