//! The text of audits: their macros expanded, and the models that they name.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::audits::OwnAudit;
use super::loader::Loader;
use super::tree::Tree;
use crate::adapter::engine::Audit;
use crate::domain::audit::{self, CustomAudit, Resolved};
use crate::domain::config::Made;
use crate::domain::diagnostic::Problem;
use crate::domain::engine_message;
use crate::domain::interval::{Times, variable};
use crate::domain::macros::{Blueprint, Expanded, Local, Locals, Value, Variables};
use crate::domain::name::{ModelName, TableName, quote};
use crate::domain::project::{Model, Published, guess_reads};
use crate::domain::sql;
use crate::domain::sql::policy::{Refusal, Text};

/// An audit's query with its macros expanded. Audits count by this text, not by the calls that made it.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    text: String,
    /// The names that it reads.
    names: Vec<Vec<String>>,
    /// Whether it would ask something else at another time.
    timely: bool,
}

impl Asked {
    fn of(text: String, timely: bool) -> Self {
        Self { names: names_in(&text), text, timely }
    }
}

/// Of each model, what its calls ask; nothing where macros can't be expanded.
pub(super) type AllAsked = BTreeMap<ModelName, Vec<Option<Asked>>>;

/// The names that a query reads.
fn names_in(text: &str) -> Vec<Vec<String>> {
    let reads = sql::analyse(text).reads.unwrap_or_else(|| guess_reads(text));
    reads.into_iter().map(|read| read.parts).collect()
}

/// The words of a text, in lower case. A macro that the text calls is one of them.
fn words_in(text: &str) -> Vec<String> {
    let word = |lexeme: sql::Lexeme| match lexeme.token {
        sql::Token::Word { text, .. } => Some(text.to_lowercase()),
        _ => None,
    };
    sql::lex(text).unwrap_or_default().into_iter().filter_map(word).collect()
}

/// A call with the macros in its arguments expanded: their times are those of the rows. A problem is told with the text
/// of its argument.
pub(super) fn expand_call(
    tree: &Tree,
    call: &audit::Call,
    times: &Times,
) -> Result<(audit::Call, bool), (Problem, String)> {
    let named: Variables = [("this_model".to_owned(), Value::Sql(Audit::ROWS.to_owned()))].into_iter().collect();
    let (mut call, mut timely) = (call.clone(), false);
    for argument in call.arguments.iter_mut().filter(|argument| argument.text.contains(['@', '{'])) {
        let expanded = tree.sight.expand_text(&argument.text, &Locals::new(), &named, times);
        let expanded = expanded.map_err(|problem| (problem, argument.text.clone()))?;
        timely |= is_timely(&expanded);
        argument.text = expanded.text;
    }
    Ok((call, timely))
}

/// What an audit of a model can see besides its arguments.
pub(super) fn named_in(model: &Model) -> Variables {
    let mut named = model.file.blueprint().map(Blueprint::variables).unwrap_or_default();
    named.set("this_model", Value::Sql(Audit::ROWS.to_owned()));
    named
}

impl Tree {
    /// The other models that a model's audits read.
    pub(super) fn audit_reads(&self, model: &Model) -> Vec<ModelName> {
        let known = self.audits.known(model);
        let said = model.file.audits.iter().filter_map(|call| match audit::resolve(call, &known) {
            Ok(Resolved::Custom(custom)) => Some(custom.header.depends_on.iter().map(ModelName::parts)),
            _ => None,
        });
        let asked = self.asked(model).iter().flatten().flat_map(|asked| asked.names.iter().cloned());
        let names = asked.chain(said.flatten());
        names.filter_map(|parts| Some(self.project.find(&parts)?.name.clone())).collect()
    }

    /// Names in a call that mean no model where there has to be one, or what vmesh shows and this tree does not have.
    pub(super) fn misnamed(&self, model: &Model, call: &audit::Call, published: &Published) -> Vec<Problem> {
        let problem = |what: String, help| Problem { what, span: call.span.clone(), help };
        let mut problems = Vec::new();
        if !published.is_empty() {
            let at = model.file.audits.iter().position(|other| other == call);
            let asked = at.and_then(|at| self.asked(model).get(at)?.as_ref());
            for (what, help) in
                asked.iter().flat_map(|asked| &asked.names).filter_map(|parts| self.project.stranger(parts, published))
            {
                problems.push(problem(format!("audit `{}`: {what}", call.name), Some(help)));
            }
        }
        let known = self.audits.known(model);
        if let (true, Ok(Resolved::Builtin(builtin))) = (problems.is_empty(), audit::resolve(call, &known)) {
            let lost = builtin.reads().into_iter().filter(|parts| self.project.find(parts).is_none());
            let what =
                |parts: &[String]| format!("audit `{}` reads `{}`, which is no model", call.name, parts.join("."));
            problems.extend(lost.map(|parts| problem(what(parts), None)));
        }
        problems
    }

    /// The names that a standalone audit reads, or says that it depends on.
    pub(super) fn standalone_names(&self, own: &OwnAudit) -> Vec<Vec<String>> {
        let asked = expand(self, &own.audit, &own.text, std::iter::empty(), &Variables::default(), &Times::LOADING);
        let asked = asked.map(|expanded| names_in(&expanded.text)).unwrap_or_default();
        asked.into_iter().chain(own.audit.header.depends_on.iter().map(ModelName::parts)).collect()
    }

    /// The models among them.
    pub(super) fn standalone_reads(&self, own: &OwnAudit) -> Vec<ModelName> {
        let names = self.standalone_names(own).into_iter();
        names.filter_map(|parts| Some(self.project.find(&parts)?.name.clone())).collect()
    }

    /// A hash over what a model's audits ask, the versions of the other models that they read, and what `before_all` makes
    /// for them; none without audits.
    pub(super) fn audit_key(&self, model: &Model) -> Option<String> {
        if model.file.audits.is_empty() {
            return None;
        }
        let known = self.audits.known(model);
        let mut hasher = blake3::Hasher::new();
        for (call, asked) in model.file.audits.iter().zip(self.asked(model)) {
            hasher.update(&serde_json::to_vec(&(&call.name, call.blocking)).unwrap_or_default());
            if let Some(asked) = asked {
                hasher.update(asked.text.as_bytes());
            }
            // the text may differ at another time: count what makes it, the arguments and the macros
            if asked.as_ref().is_none_or(|asked| asked.timely) {
                let arguments: Vec<_> = call.arguments.iter().map(|given| (&given.name, &given.text)).collect();
                hasher.update(&serde_json::to_vec(&(arguments, &self.sight.key)).unwrap_or_default());
            }
            if let Some(custom) = known.iter().find(|custom| custom.header.name == call.name) {
                hasher.update(custom.meaning(&self.text_of(model, custom)).as_bytes());
            }
        }
        let read: BTreeSet<ModelName> =
            self.audit_reads(model).into_iter().filter(|name| *name != model.name).collect();
        for other in read.iter().filter_map(|name| self.project.model(name)) {
            hasher.update(other.fingerprint.hex().as_bytes());
        }
        let texts = self.asked(model).iter().flatten().map(|asked| asked.text.as_str());
        // an audit whose macros can't be expanded counts as it is written
        let called = |custom: &&&CustomAudit| model.file.audits.iter().any(|call| call.name == custom.header.name);
        let written = known.iter().filter(called).map(|custom| custom.query.as_str());
        let used = texts.chain(written).flat_map(words_in).collect();
        Made::counting(&self.made, &used).iter().for_each(|made| _ = hasher.update(made));
        Some(hasher.finalize().to_hex()[..16].to_owned())
    }

    /// The key of each model that has audits.
    pub(super) fn audit_keys(&self) -> BTreeMap<ModelName, String> {
        self.project.models().filter_map(|model| Some((model.name.clone(), self.audit_key(model)?))).collect()
    }

    /// What a model's audits ask, in the order of its calls.
    fn asked(&self, model: &Model) -> &[Option<Asked>] {
        let all = |model: &Model| model.file.audits.iter().map(|call| self.asks(model, call)).collect();
        let of_all = || self.project.models().map(|model| (model.name.clone(), all(model))).collect();
        self.asked.get_or_init(of_all).get(&model.name).map_or(&[], Vec::as_slice)
    }

    /// What a call asks, as for the first day of 1970; nothing where its macros can't be expanded.
    fn asks(&self, model: &Model, call: &audit::Call) -> Option<Asked> {
        let (call, timely) = expand_call(self, call, &Times::LOADING).ok()?;
        match audit::resolve(&call, &self.audits.known(model)).ok()? {
            Resolved::Builtin(builtin) => {
                Some(Asked::of(builtin.bad_rows(self.sight.defaults.engine, Audit::ROWS, &quoted), timely))
            }
            Resolved::Custom(custom) => {
                let given = call.arguments.iter().map(|argument| (argument.name.as_str(), argument.text.as_str()));
                let text = self.text_of(model, custom);
                let expanded = expand(self, custom, &text, given, &named_in(model), &Times::LOADING).ok()?;
                let timely = timely || is_timely(&expanded);
                Some(Asked::of(expanded.text, timely))
            }
        }
    }

    /// The text that an audit of a model stands in, as far as it was expanded.
    fn text_of(&self, model: &Model, custom: &CustomAudit) -> Arc<str> {
        match self.audits.written(custom) {
            Some(own) => own.text.clone(),
            None => model.file.expanded.as_ref().map_or_else(|| "".into(), |expanded| expanded.text.as_str().into()),
        }
    }
}

/// A dotted name, quoted part by part.
pub(super) fn quoted(parts: &[String]) -> String {
    parts.iter().map(|part| quote(part)).collect::<Vec<_>>().join(".")
}

fn is_timely(expanded: &Expanded) -> bool {
    expanded.variables_used.iter().any(|name| variable(name, &Times::LOADING).is_some())
}

/// An audit's query without macros. A problem is told at its place in `text`, the file that the audit stands in.
pub(super) fn expand<'g>(
    tree: &Tree,
    custom: &'g CustomAudit,
    text: &str,
    given: impl Iterator<Item = (&'g str, &'g str)>,
    named: &Variables,
    times: &Times,
) -> Result<Expanded, Problem> {
    let mut locals = Locals::new();
    let defaults = custom.header.defaults.iter().map(|(name, text)| (name.as_str(), text.as_str()));
    for (name, text) in defaults.chain(given) {
        locals.insert(name.to_lowercase(), Local::Value(text.to_owned()));
    }
    let moved = |start: usize| {
        move |problem: Problem| Problem { span: start + problem.span.start..start + problem.span.end, ..problem }
    };
    let mut used = BTreeSet::new();
    for span in &custom.definitions {
        let definition = text.get(span.clone()).unwrap_or_default();
        let expanded = tree.sight.expand_text(definition, &locals, named, times).map_err(moved(span.start))?;
        locals.extend(expanded.defined);
        used.extend(expanded.variables_used);
    }
    let expanded = tree.sight.expand_text(&custom.query, &locals, named, times);
    let mut expanded = expanded.map_err(moved(custom.query_span.start))?;
    expanded.variables_used.extend(used);
    Ok(expanded)
}

impl Loader {
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
