//! The text of audits: their macros expanded, and the models that they name.

use super::session::Session;
use super::tree::Tree;
use crate::domain::audit::{self, CustomAudit};
use crate::domain::engine_message;
use crate::domain::interval::Times;
use crate::domain::macros::{Local, Locals, Variables};
use crate::domain::model::Problem;
use crate::domain::name::{ModelName, TableName};
use crate::domain::project::{Project, guess_reads};
use crate::domain::sql;
use crate::domain::sql::policy::{Refusal, Text};

/// The models that an audit names, or says that it depends on.
pub(super) fn models_read(project: &Project, custom: &CustomAudit) -> Vec<ModelName> {
    let said = custom.header.depends_on.iter().filter(|name| project.model(name).is_some()).cloned();
    models_in(project, &custom.query).into_iter().chain(said).collect()
}

/// The models that a call's arguments name.
pub(super) fn models_in_arguments(project: &Project, call: &audit::Call) -> Vec<ModelName> {
    call.arguments.iter().flat_map(|argument| models_in(project, &argument.text)).collect()
}

/// The models that a text names.
fn models_in(project: &Project, text: &str) -> Vec<ModelName> {
    let named = guess_reads(text);
    let named = named.iter().filter_map(|read| ModelName::from_parts(&read.parts));
    named.filter(|name| project.model(name).is_some()).collect()
}

/// An audit's query without macros. A problem is told at its place in `text`, the file that the audit stands in.
pub(super) fn expand<'g>(
    tree: &Tree,
    custom: &'g CustomAudit,
    text: &str,
    given: impl Iterator<Item = (&'g str, &'g str)>,
    named: &Variables,
    times: &Times,
) -> Result<String, Problem> {
    let mut locals = Locals::new();
    let defaults = custom.header.defaults.iter().map(|(name, text)| (name.as_str(), text.as_str()));
    for (name, text) in defaults.chain(given) {
        locals.insert(name.to_lowercase(), Local::Value(text.to_owned()));
    }
    let moved = |start: usize| {
        move |problem: Problem| Problem { span: start + problem.span.start..start + problem.span.end, ..problem }
    };
    for span in &custom.definitions {
        let definition = text.get(span.clone()).unwrap_or_default();
        let defined = tree.sight.expand_text(definition, &locals, named, times).map_err(moved(span.start))?.defined;
        locals.extend(defined);
    }
    let expanded = tree.sight.expand_text(&custom.query, &locals, named, times);
    Ok(expanded.map_err(moved(custom.query_span.start))?.text)
}

impl Session<'_> {
    /// An audit's query with the tables of the models that it names, if it may be asked at all.
    pub(super) fn admit_audit(
        &self,
        tree: &Tree,
        text: &str,
        table: &dyn Fn(&ModelName) -> Option<TableName>,
    ) -> Result<String, Refusal> {
        let query = self.admit_over(Text::Audit, text, tree)?;
        let replace = |read: &sql::Read| {
            let model = tree.project.find(&read.parts)?;
            table(&model.name).map(|table| table.quoted())
        };
        Ok(sql::splice(text, &query, &replace))
    }
}

/// What is wrong with an audit's query, at its place in the audit's file: macros made the text that was refused.
pub(super) fn in_query(custom: &CustomAudit, expanded: &str, refusal: Refusal) -> Problem {
    let start = custom.query_span.start;
    let written = engine_message::in_written(refusal.span.start, expanded, &custom.query);
    let span = match expanded == custom.query {
        true => start + refusal.span.start..start + refusal.span.end,
        false => start + written.start..start + written.end,
    };
    Problem { what: refusal.what, span, help: refusal.help }
}
