//! A model's audits, from the calls in its header to queries of wrong rows.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::audit_sql::{expand, expand_call, in_query, named_in, quoted};
use super::background::failure::Stopped;
use super::build::Work;
use super::error::{BranchError, Error};
use super::loader::Loader;
use super::planning::Prepared;
use super::run::shown_tables;
use super::session::Session;
use super::tree::{AUDITS, Files, Tree};
use super::workspace::Workspace;
use crate::adapter::engine::{Audit, AuditFailure, BuildError, Warehouse, WarehouseError, audited};
use crate::domain::audit::{self, CustomAudit, Resolved};
use crate::domain::diagnostic::{Diagnostic, Excerpt, Problem};
use crate::domain::engine_message;
use crate::domain::environment::PhysicalTable;
use crate::domain::interval::Times;
use crate::domain::macros::Expanded;
use crate::domain::name::{ModelName, TableName};
use crate::domain::plan::{Action, Plan, Step};
use crate::domain::project::{Model, Published};
use crate::domain::sql::Span;
use crate::domain::sql::policy::Refusal;

/// The project's own audits.
#[derive(Debug, Clone, Default)]
pub(super) struct OwnAudits {
    /// Those that models call.
    called: Vec<OwnAudit>,
    /// Those that run by themselves.
    pub(super) standalone: Vec<OwnAudit>,
}

/// An audit of the project, and the file that it stands in.
#[derive(Debug, Clone)]
pub(super) struct OwnAudit {
    pub(super) audit: CustomAudit,
    pub(super) path: String,
    pub(super) text: Arc<str>,
}

/// An audit in an environment, and what came of it.
#[derive(Debug)]
pub struct Audited {
    /// The model; none of a standalone audit.
    pub model: Option<ModelName>,
    /// The audit.
    pub audit: String,
    /// Whether wrong rows are a failure.
    pub blocking: bool,
    /// The wrong rows, if there are any; or why it can't be run.
    pub found: Result<Option<AuditFailure>, Diagnostic>,
}

/// Audits for which the rows of one load are not enough.
const WHOLE: [&str; 3] = ["unique_values", "unique_combination_of_columns", "equal_row_count"];

impl Workspace {
    /// The project's own audits.
    pub(super) fn own_audits(&self, files: &Files) -> Result<OwnAudits, Error> {
        let mut own = OwnAudits::default();
        let mut problems = Vec::new();
        for file in files.below(AUDITS) {
            let text = self.text(file)?;
            let found = match CustomAudit::file(&text) {
                Ok(found) => found,
                Err(found) => {
                    problems.extend(found.into_iter().map(|problem| problem.in_file(&file.path, &text)));
                    continue;
                }
            };
            for audit in found {
                let name = &audit.header.name;
                let other = own.called.iter().chain(&own.standalone).find(|other| other.audit.header.name == *name);
                if let Some(other) = other {
                    let what = format!("two audits are called `{name}`");
                    let problem = Problem { what, span: audit.header.span.clone(), help: None };
                    let note = format!("the other one is in {}", other.path);
                    problems.push(problem.in_file(&file.path, &text).note(note));
                    continue;
                }
                let list = if audit.header.standalone { &mut own.standalone } else { &mut own.called };
                list.push(OwnAudit { audit, path: file.path.clone(), text: text.clone() });
            }
        }
        if problems.is_empty() { Ok(own) } else { Err(Error::Project(self.in_repository(problems))) }
    }

    /// What is wrong with the calls of a project.
    pub(super) fn wrong_calls(&self, tree: &Tree, published: &Published) -> Vec<Diagnostic> {
        let mut problems = Vec::new();
        for model in tree.project.models().filter(|model| !model.file.audits.is_empty()) {
            let found: Vec<Problem> = model
                .file
                .audits
                .iter()
                .flat_map(|call| {
                    audit::resolve(call, &tree.audits.known(model))
                        .err()
                        .unwrap_or_else(|| tree.misnamed(model, call, published))
                })
                .collect();
            let text = tree.files.get(&model.path).and_then(|file| self.text(file).ok()).unwrap_or_else(|| "".into());
            let led_back = |problem: Problem| Problem { span: model.file.original(&problem.span), ..problem };
            problems.extend(found.into_iter().map(|problem| led_back(problem).in_file(&model.path, &text)));
        }
        problems.extend(tree.audits.standalone.iter().flat_map(|own| own.wrong(tree, published)));
        self.in_repository(problems)
    }

    /// A call with the macros in its arguments expanded.
    fn call_at(&self, tree: &Tree, model: &Model, call: &audit::Call, times: &Times) -> Result<audit::Call, Error> {
        expand_call(tree, call, times).map(|(call, _)| call).map_err(|(problem, text)| {
            let path = format!("{}, audit {}", self.in_top(&model.path), call.name);
            Error::Project(vec![problem.in_file(&path, &text.into())])
        })
    }

    /// A place in the file in which an audit of a model is written: one of its own, or the model's.
    fn in_file_of(&self, tree: &Tree, model: &Model, custom: &CustomAudit, span: Span) -> Result<Excerpt, Error> {
        let (path, text, span) = match tree.audits.written(custom) {
            Some(own) => (&own.path, own.text.clone(), span),
            None => (&model.path, self.file_text(tree, model)?, model.file.original(&span)),
        };
        Ok(Excerpt { path: self.in_top(path), text, span, label: String::new() })
    }
}

impl Loader {
    /// A model's audits as queries. `table` gives the table of a model in the environment.
    pub(super) fn audits_of(
        &self,
        tree: &Tree,
        model: &Model,
        times: &Times,
        table: &dyn Fn(&ModelName) -> Option<TableName>,
    ) -> Result<Vec<Audit>, Error> {
        let mut audits = Vec::new();
        for call in &model.file.audits {
            let call = &self.call_at(tree, model, call, times)?;
            let Ok(resolved) = audit::resolve(call, &tree.audits.known(model)) else { continue };
            let blocking = audit::is_blocking(call, &resolved);
            let query = match &resolved {
                Resolved::Builtin(builtin) => {
                    // conditions may have queries in them
                    let query = builtin.bad_rows(self.config.opening.engine, Audit::ROWS, &quoted);
                    self.admit_audit(tree, &query, table).map_err(|Refusal { what, note, help, .. }| {
                        match self.called_at(tree, model, &call.name) {
                            Ok(at) => {
                                let what = format!("audit `{}` of `{}`: {what}", call.name, model.name);
                                let notes = note.into_iter().collect();
                                Error::Project(vec![Diagnostic { what, at: Some(at), notes, help }])
                            }
                            Err(error) => error,
                        }
                    })?
                }
                Resolved::Custom(custom) if custom.header.skip => continue,
                Resolved::Custom(custom) => self.custom_query(tree, model, (custom, call), times, table)?,
            };
            let whole = WHOLE.contains(&call.name.trim_end_matches("_non_blocking"));
            audits.push(Audit { name: call.name.clone(), query, blocking, whole });
        }
        Ok(audits)
    }

    fn custom_query(
        &self,
        tree: &Tree,
        model: &Model,
        (custom, call): (&CustomAudit, &audit::Call),
        times: &Times,
        table: &dyn Fn(&ModelName) -> Option<TableName>,
    ) -> Result<String, Error> {
        let written = tree.audits.written(custom);
        let text = match written {
            Some(own) => own.text.clone(),
            None => self.model_text(tree, model)?,
        };
        let given = call.arguments.iter().map(|argument| (argument.name.as_str(), argument.text.as_str()));
        let expanded = expand(tree, custom, &text, given, &named_in(model), times).and_then(
            |Expanded { text: expanded, .. }| {
                self.admit_audit(tree, &expanded, table).map_err(|refusal| in_query(custom, &expanded, refusal))
            },
        );
        expanded.or_else(|Problem { what, span, help }| {
            let at = self.in_file_of(tree, model, custom, span)?;
            let told = Diagnostic { what, at: Some(at), notes: Vec::new(), help };
            Err(Error::Project(vec![told.note(format!("called by `{}`", model.name))]))
        })
    }

    /// Runs the audits of tables that were there before anyone asked for these, and of those that were built before what
    /// their audits read.
    pub(super) fn audit_rest(
        &self,
        prepared: &Prepared,
        plan: &Plan,
        warehouse: &dyn Warehouse,
        late: &BTreeSet<ModelName>,
        work: &mut Work,
    ) -> Result<(), Error> {
        let is_meant = |step: &&Step| match step.action() {
            Action::Reuse => step.is_audited(),
            _ => late.contains(&step.model),
        };
        let to_audit: Vec<&Step> = plan.steps.iter().filter(is_meant).collect();
        if to_audit.is_empty() {
            return Ok(());
        }
        let project = &prepared.desired.project;
        let state = warehouse.state(&self.scope_of(&plan.environment))?;
        let tables = plan.tables();
        let table = |name: &ModelName| tables.get(name).cloned();
        for step in to_audit {
            let known = step.table.as_ref().and_then(|table| state.existing(table));
            let Some((model, known)) = project.model(&step.model).zip(known) else { continue };
            if let Some((failure, stopped)) = self.audit_later(prepared, model, known, warehouse, &table)? {
                work.failures.push((step.model.clone(), failure));
                work.stopped.extend(stopped);
            }
        }
        Ok(())
    }

    /// Audits a table that was built before anyone asked for these audits, and puts on record that it passed; gives what
    /// is wrong otherwise.
    pub(super) fn audit_later(
        &self,
        prepared: &Prepared,
        model: &Model,
        snapshot: &PhysicalTable,
        warehouse: &dyn Warehouse,
        table: &dyn Fn(&ModelName) -> Option<TableName>,
    ) -> Result<Option<(Diagnostic, Option<Stopped>)>, Error> {
        for audit in
            self.audits_of(&prepared.desired, model, &self.times(model, None, &prepared.target.timing), table)?
        {
            match audited(warehouse, &audit, &snapshot.table.quoted()) {
                Ok(Some(mut failure)) if audit.blocking => {
                    let target = (&prepared.target.environment, &prepared.target.branch);
                    self.keep_wrong(target, warehouse, &model.name, &mut failure);
                    let stopped = Stopped::of(&model.name, &failure);
                    return Ok(Some((self.audit_failed(prepared, model, &failure)?, Some(stopped))));
                }
                Ok(_) => {}
                Err(error) => return Ok(Some((self.audit_told(&prepared.desired, model, error)?, None))),
            }
        }
        let mut passed = snapshot.clone();
        passed.audited.extend(prepared.desired.audit_key(model));
        warehouse.put_on_record(&passed)?;
        Ok(None)
    }
}

impl Session<'_> {
    /// Runs the audits of an environment's models, or of those that are `wanted`; standalone ones if they read one of
    /// these, or are wanted by name.
    pub fn audit(
        &self,
        prepared: &Prepared,
        wanted: &dyn Fn(&ModelName) -> bool,
        by_name: Option<&str>,
    ) -> Result<Vec<Audited>, Error> {
        let environment = &prepared.target.environment;
        let not_planned = || Error::Branch(BranchError::NotPlanned { environment: environment.clone() });
        let warehouse = self.read_warehouse()?.ok_or_else(not_planned)?;
        let state = warehouse.state(&self.scope_of(environment))?;
        let tree = &prepared.desired;
        let tables = shown_tables(environment, &state);
        state.environments.get(environment).ok_or_else(not_planned)?;
        let mut all = Vec::new();
        for name in tree.project.order().iter().filter(|name| wanted(name)) {
            let (Some(model), Some(rows)) = (tree.project.model(name), tables.get(name)) else { continue };
            let times = self.times(model, None, &prepared.target.timing);
            for audit in self.audits_of(tree, model, &times, &|name| tables.get(name).cloned())? {
                let found = match audited(&*warehouse, &audit, &rows.quoted()) {
                    Ok(found) => Ok(found),
                    Err(error) => Err(self.audit_told(tree, model, error)?),
                };
                let Audit { name, blocking, .. } = audit;
                all.push(Audited { model: Some(model.name.clone()), audit: name, blocking, found });
            }
        }
        for own in &tree.audits.standalone {
            let is_meant = by_name.is_some_and(|name| own.audit.header.name.eq_ignore_ascii_case(name));
            if is_meant || tree.standalone_reads(own).iter().any(wanted) {
                all.extend(self.run_standalone(prepared, own, &*warehouse, &tables)?);
            }
        }
        Ok(all)
    }
}

impl Workspace {
    /// What an audit found.
    pub(super) fn audit_failed(
        &self,
        prepared: &Prepared,
        model: &Model,
        failure: &AuditFailure,
    ) -> Result<Diagnostic, Error> {
        let excerpt = self.called_at(&prepared.desired, model, &failure.name)?;
        let rows = if failure.count == 1 { "row is" } else { "rows are" };
        let what = format!("audit `{}` of `{}`: {} {rows} wrong", failure.name, model.name, failure.count);
        let mut diagnostic = Diagnostic::new(what).at(excerpt);
        for row in failure.sample().into_iter().chain(failure.told()) {
            diagnostic = diagnostic.note(row);
        }
        Ok(diagnostic.help("mend the model or its sources; or let it only warn: (…, blocking := false)"))
    }

    /// An audit that the engine can't run, at the place in its own file; other errors as they are.
    pub(super) fn audit_told(&self, tree: &Tree, model: &Model, error: WarehouseError) -> Result<Diagnostic, Error> {
        let WarehouseError::Build(BuildError::BrokenAudit { name, query, message }) = error else {
            return Err(error.into());
        };
        let known = tree.audits.known(model);
        let call = model.file.audits.iter().find(|call| call.name == name);
        let excerpt = match call.map(|call| audit::resolve(call, &known)) {
            Some(Ok(Resolved::Custom(custom))) => {
                self.in_file_of(tree, model, custom, in_audit(custom, &query, &message))?
            }
            _ => self.called_at(tree, model, &name)?,
        };
        let diagnostic = Diagnostic::new(format!("audit `{name}` of `{}` can't be run", model.name)).at(excerpt);
        Ok(diagnostic.note(engine_message::cause(&message)).help(
            engine_message::advice(&message).unwrap_or_else(|| "mend the audit: vmesh audit tries it".to_owned()),
        ))
    }

    /// The place where a model calls an audit.
    pub(super) fn called_at(&self, tree: &Tree, model: &Model, name: &str) -> Result<Excerpt, Error> {
        let call = model.file.audits.iter().find(|call| call.name == name);
        self.excerpt(tree, model, call.map_or(&model.file.place, |call| &call.span))
    }
}

/// The place in an audit's file that the engine's message is about.
pub(super) fn in_audit(custom: &CustomAudit, sent: &str, message: &str) -> Span {
    let start = custom.query_span.start;
    // the statement's first line is ours
    let at = engine_message::place(message, sent).and_then(|at| at.checked_sub(1));
    let span = match at {
        Some(at) => engine_message::in_written(at, sent.get(1..).unwrap_or_default(), &custom.query),
        None => 0..custom.query.len(),
    };
    start + span.start..start + span.end
}

impl Tree {
    /// The audit of this name that a model calls, if it is no built-in one.
    pub(super) fn custom_audit<'a>(&'a self, model: &'a Model, name: &str) -> Option<&'a CustomAudit> {
        self.audits.known(model).into_iter().find(|custom| custom.header.name == name)
    }
}

impl OwnAudits {
    /// An audit of the project's, with its file; none that stands behind a model.
    pub(super) fn written(&self, custom: &CustomAudit) -> Option<&OwnAudit> {
        self.called.iter().find(|own| std::ptr::eq(&own.audit, custom))
    }

    /// The audits that a model may call besides the built-in ones: those in its own file go before the project's.
    pub(super) fn known<'a>(&'a self, model: &'a Model) -> Vec<&'a CustomAudit> {
        model.file.own_audits.iter().chain(self.called.iter().map(|own| &own.audit)).collect()
    }
}
