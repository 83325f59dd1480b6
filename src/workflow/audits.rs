//! A model's audits, from the calls in its header to queries of wrong rows.

use std::collections::BTreeMap;

use super::error::Error;
use super::planning::Prepared;
use super::session::Session;
use super::tree::{AUDITS, Files, Tree};
use crate::adapter::warehouse::{Audit, AuditFailure, Warehouse};
use crate::domain::audit::{self, CustomAudit, Resolved};
use crate::domain::diagnostic::Diagnostic;
use crate::domain::environment::Snapshot;
use crate::domain::interval::Times;
use crate::domain::macros::{Local, Value, Variables};
use crate::domain::model::Problem;
use crate::domain::name::{ModelName, TableName};
use crate::domain::project::{Model, Project};
use crate::domain::sql;

/// The project's own audits, and a hash over them.
#[derive(Debug, Clone, Default)]
pub(super) struct OwnAudits {
    all: Vec<CustomAudit>,
    key: String,
}

/// An audit of a model in an environment, and what came of it.
#[derive(Debug)]
pub struct Audited {
    /// The model.
    pub model: ModelName,
    /// The audit.
    pub audit: String,
    /// Whether wrong rows are a failure.
    pub blocking: bool,
    /// The wrong rows, if there are any.
    pub failure: Option<AuditFailure>,
}

/// Audits for which the rows of one load are not enough.
const WHOLE: [&str; 3] = ["unique_values", "unique_combination_of_columns", "equal_row_count"];

impl Session<'_> {
    /// The project's own audits.
    pub(super) fn own_audits(&self, files: &Files) -> Result<OwnAudits, Error> {
        let mut own = OwnAudits::default();
        let mut hasher = blake3::Hasher::new();
        let mut problems = Vec::new();
        for file in files.below(AUDITS) {
            hasher.update(file.id.as_str().as_bytes());
            let text = self.text(file)?;
            match CustomAudit::file(&text) {
                Ok(mut found) => {
                    // none may look as if it were run
                    let standalone = found.iter().filter(|audit| audit.header.standalone);
                    problems.extend(standalone.map(|audit| {
                        let what = "standalone audits are not supported yet".to_owned();
                        let help = Some("call it in the header of one of the models: audits (…)".to_owned());
                        Problem { what, span: audit.header.span.clone(), help }.in_file(&file.path, &text)
                    }));
                    own.all.append(&mut found);
                }
                Err(found) => problems.extend(found.into_iter().map(|problem| problem.in_file(&file.path, &text))),
            }
        }
        own.key = hasher.finalize().to_hex()[..16].to_owned();
        if problems.is_empty() { Ok(own) } else { Err(Error::Project(self.in_repository(problems))) }
    }

    /// What is wrong with the calls of a project.
    pub(super) fn wrong_calls(&self, project: &Project, own: &OwnAudits, files: &Files) -> Vec<Diagnostic> {
        let mut problems = Vec::new();
        for model in project.models().filter(|model| !model.file.audits.is_empty()) {
            let found: Vec<Problem> = model
                .file
                .audits
                .iter()
                .flat_map(|call| match audit::resolve(call, &own.all) {
                    Ok(Resolved::Builtin(builtin)) => unknown_models(&builtin.reads(), call, project),
                    Ok(Resolved::Custom(_)) => Vec::new(),
                    Err(problems) => problems,
                })
                .collect();
            let text = files.get(&model.path).and_then(|file| self.text(file).ok()).unwrap_or_else(|| "".into());
            let led_back = |problem: Problem| Problem { span: model.file.original(&problem.span), ..problem };
            problems.extend(found.into_iter().map(|problem| led_back(problem).in_file(&model.path, &text)));
        }
        self.in_repository(problems)
    }

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
            let Ok(resolved) = audit::resolve(call, &tree.audits.all) else { continue };
            let blocking = audit::is_blocking(call, &resolved);
            let query = match &resolved {
                Resolved::Builtin(builtin) => builtin.bad_rows(Audit::ROWS, &|name| {
                    table(name).map_or_else(|| name.to_string(), |table| table.quoted())
                }),
                Resolved::Custom(custom) if custom.header.skip => continue,
                Resolved::Custom(custom) => self.custom_query(tree, model, (custom, call), times, table)?,
            };
            let whole = WHOLE.contains(&call.name.trim_end_matches("_non_blocking"));
            audits.push(Audit { name: call.name.clone(), query, blocking, whole });
        }
        Ok(audits)
    }

    /// A call with the macros in its arguments expanded: their times are those of the rows.
    fn call_at(&self, tree: &Tree, model: &Model, call: &audit::Call, times: &Times) -> Result<audit::Call, Error> {
        let named: Variables = [("this_model".to_owned(), Value::Sql(Audit::ROWS.to_owned()))].into_iter().collect();
        let mut call = call.clone();
        for argument in call.arguments.iter_mut().filter(|argument| argument.text.contains('@')) {
            let expanded = tree.sight.expand_text(&argument.text, &BTreeMap::new(), &named, times);
            argument.text = expanded.map(|expanded| expanded.text).map_err(|problem| {
                let path = format!("{}, audit {}", self.in_top(&model.path), call.name);
                Error::Project(vec![problem.in_file(&path, &argument.text.as_str().into())])
            })?;
        }
        Ok(call)
    }

    fn custom_query(
        &self,
        tree: &Tree,
        model: &Model,
        (custom, call): (&CustomAudit, &audit::Call),
        times: &Times,
        table: &dyn Fn(&ModelName) -> Option<TableName>,
    ) -> Result<String, Error> {
        let mut locals = BTreeMap::new();
        let given = call.arguments.iter().map(|argument| (&argument.name, &argument.text));
        for (name, text) in custom.header.defaults.iter().map(|(name, text)| (name, text)).chain(given) {
            locals.insert(name.to_lowercase(), Local::Value(text.clone()));
        }
        let named: Variables = [("this_model".to_owned(), Value::Sql(Audit::ROWS.to_owned()))].into_iter().collect();
        let wrong = |problem: Problem| {
            let text: std::sync::Arc<str> = custom.query.as_str().into();
            let path = format!("audit {}", custom.header.name);
            Error::Project(vec![problem.in_file(&path, &text).note(format!("called by `{}`", model.name))])
        };
        let expanded = tree.sight.expand_text(&custom.query, &locals, &named, times).map_err(wrong)?.text;
        if let Some((name, _)) = sql::lex(&expanded).ok().as_deref().and_then(sql::effect) {
            let what = format!("the audit calls `{name}`, which does more than give a value");
            return Err(wrong(Problem { what, span: 0..custom.query.len(), help: None }));
        }
        if !is_one_query(&expanded) {
            let what = "with its macros expanded, the audit is not one query".to_owned();
            return Err(wrong(Problem { what, span: 0..custom.query.len(), help: None }));
        }
        let query = sql::analyse(&expanded);
        let replace = |read: &sql::Read| {
            let name = ModelName::from_parts(&read.parts)?;
            tree.project.model(&name).and_then(|model| table(&model.name)).map(|table| table.quoted())
        };
        Ok(sql::splice(&expanded, &query, &replace))
    }

    /// Runs the audits of an environment's models, or of those that a name or pattern means.
    pub fn audit(&self, prepared: &Prepared, wanted: &dyn Fn(&ModelName) -> bool) -> Result<Vec<Audited>, Error> {
        let environment = &prepared.target.environment;
        let not_planned = || Error::NotPlanned { environment: environment.clone() };
        let warehouse = self.read_warehouse()?.ok_or_else(not_planned)?;
        let state = warehouse.state()?;
        let shown = state.environments.get(environment).ok_or_else(not_planned)?;
        let table = |name: &ModelName| state.built(shown.pointers.get(name)?).map(|snapshot| snapshot.table.clone());
        let mut all = Vec::new();
        for name in prepared.desired.project.order().iter().filter(|name| wanted(name)) {
            let (Some(model), Some(rows)) = (prepared.desired.project.model(name), table(name)) else { continue };
            for audit in
                self.audits_of(&prepared.desired, model, &self.times(model, None, &prepared.target.timing), &table)?
            {
                let failure = warehouse.audited(&audit, &rows.quoted())?;
                let Audit { name, blocking, .. } = audit;
                all.push(Audited { model: model.name.clone(), audit: name, blocking, failure });
            }
        }
        Ok(all)
    }

    /// Audits a table that was built before anyone asked for these audits, and puts on record that it passed; gives what
    /// is wrong otherwise.
    pub(super) fn audit_later(
        &self,
        prepared: &Prepared,
        model: &Model,
        snapshot: &Snapshot,
        warehouse: &Warehouse,
        table: &dyn Fn(&ModelName) -> Option<TableName>,
    ) -> Result<Option<Diagnostic>, Error> {
        for audit in
            self.audits_of(&prepared.desired, model, &self.times(model, None, &prepared.target.timing), table)?
        {
            let found = warehouse.audited(&audit, &snapshot.table.quoted())?;
            if let Some(failure) = found.filter(|_| audit.blocking) {
                return self.audit_failed(prepared, model, &failure).map(Some);
            }
        }
        let mut passed = snapshot.clone();
        passed.audited.extend(prepared.desired.audit_key(model));
        warehouse.put_on_record(&passed)?;
        Ok(None)
    }
}

impl Tree {
    /// The other models that a model's audits read, as far as they name them in their arguments.
    pub(super) fn audit_reads(&self, model: &Model) -> Vec<ModelName> {
        let read = |call| match audit::resolve(call, &self.audits.all) {
            Ok(Resolved::Builtin(builtin)) => builtin.reads().into_iter().cloned().collect(),
            _ => Vec::new(),
        };
        model.file.audits.iter().flat_map(read).collect()
    }

    /// A hash over what a model's audits say; none without audits.
    pub(super) fn audit_key(&self, model: &Model) -> Option<String> {
        audit_key(model, &self.audits)
    }
}

fn audit_key(model: &Model, own: &OwnAudits) -> Option<String> {
    if model.file.audits.is_empty() {
        return None;
    }
    let mut hasher = blake3::Hasher::new();
    hasher.update(own.key.as_bytes());
    for call in &model.file.audits {
        hasher.update(format!("{} {:?}", call.name, call.blocking).as_bytes());
        for argument in &call.arguments {
            hasher.update(format!("{:?} {:?}", argument.name, argument.text).as_bytes());
        }
    }
    Some(hasher.finalize().to_hex()[..16].to_owned())
}

impl OwnAudits {
    /// The key of each model that has audits.
    pub(super) fn keys(&self, project: &Project) -> BTreeMap<ModelName, String> {
        project.models().filter_map(|model| Some((model.name.clone(), audit_key(model, self)?))).collect()
    }
}

/// Whether a text is one query: what macros make of an audit could be more than that.
fn is_one_query(text: &str) -> bool {
    let Ok(lexemes) = sql::lex(text) else { return false };
    let statements = sql::split(&lexemes);
    let begins = |word: &str| {
        let first = statements.first().and_then(|statement| lexemes.get(statement.lexemes.start));
        first.is_some_and(|first| first.is_keyword(word) || first.is_symbol("("))
    };
    statements.len() == 1 && ["select", "with", "from", "values"].iter().any(|word| begins(word))
}

fn unknown_models(reads: &[&ModelName], call: &audit::Call, project: &Project) -> Vec<Problem> {
    let unknown = reads.iter().filter(|name| project.model(name).is_none());
    unknown
        .map(|name| Problem {
            what: format!("audit `{}` reads `{name}`, which is no model", call.name),
            span: call.span.clone(),
            help: None,
        })
        .collect()
}
