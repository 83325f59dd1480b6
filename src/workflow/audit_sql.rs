//! The text of audits: their macros expanded, and the models that they name.

use super::tree::Tree;
use crate::domain::audit::{self, CustomAudit};
use crate::domain::interval::Times;
use crate::domain::macros::{Local, Locals, Variables};
use crate::domain::model::Problem;
use crate::domain::name::{ModelName, TableName};
use crate::domain::project::{Project, guess_reads};
use crate::domain::sql;

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
    let expanded = expanded.map_err(moved(custom.query_span.start))?.text;
    if let Some((name, _)) = sql::lex(&expanded).ok().as_deref().and_then(sql::effect) {
        let what = format!("the audit calls `{name}`, which does more than give a value");
        return Err(Problem { what, span: custom.query_span.clone(), help: None });
    }
    if is_one_query(&expanded) {
        return Ok(expanded);
    }
    let what = "with its macros expanded, the audit is not one query".to_owned();
    Err(Problem { what, span: custom.query_span.clone(), help: None })
}

/// A query with the tables of the models that it names.
pub(super) fn with_tables(tree: &Tree, text: &str, table: &dyn Fn(&ModelName) -> Option<TableName>) -> String {
    let mut query = sql::analyse(text);
    if query.reads.is_none() {
        query.reads = Some(guess_reads(text));
    }
    let replace = |read: &sql::Read| {
        let name = ModelName::from_parts(&read.parts)?;
        tree.project.model(&name).and_then(|model| table(&model.name)).map(|table| table.quoted())
    };
    sql::splice(text, &query, &replace)
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
