//! Macros and variables: a file that has any is expanded before it is read, as it would be for the first day of 1970; and
//! again for each span of time that it is run for.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::error::Error;
use super::session::Session;
use super::tree::{Files, MACROS, Tree};
use crate::domain::calendar::Timing;
use crate::domain::diagnostic::Diagnostic;
use crate::domain::interval::{Interval, Moment, Times, variable};
use crate::domain::macros::{self, Expanded, Locals, Macros, Map, Scope, Value, Variables};
use crate::domain::model::{self, Kind, ModelFile, Problem};
use crate::domain::name::{ModelName, TableName};
use crate::domain::project::Model;
use crate::domain::sql::{self, Span};

/// What the macros of a source tree can see.
#[derive(Debug, Clone, Default)]
pub(super) struct Sight {
    macros: Macros,
    variables: Variables,
    /// A hash over all of it.
    pub(super) key: String,
    /// Whether files were read with other variables than these.
    overridden: bool,
}

/// A file's text without macros.
pub(super) struct Expansion {
    pub(super) text: String,
    /// Whether it says something else at another time.
    pub(super) timely: bool,
    /// Where the header ends: it stays as it is.
    header: usize,
    map: Map,
}

impl Expansion {
    /// Where a place of the expanded text comes from.
    fn original(&self, span: &Span) -> Span {
        if span.end <= self.header {
            return span.clone();
        }
        let below = |at: usize| at.saturating_sub(self.header);
        let found = self.map.original(&(below(span.start)..below(span.end)));
        self.header + found.start..self.header + found.end
    }
}

impl Sight {
    /// Expands a file; `None` if there is nothing to expand.
    pub(super) fn expand(&self, text: &str, times: &Times) -> Result<Option<Expansion>, Problem> {
        // what can't be lexed is told when it is read
        let Ok(lexemes) = sql::lex(text) else { return Ok(None) };
        let statements = sql::split(&lexemes);
        let begins = |statement: &sql::Statement, word: &str| {
            lexemes.get(statement.lexemes.start).is_some_and(|first| first.is_keyword(word))
        };
        let first = statements.first().filter(|first| begins(first, "model") || begins(first, "audit"));
        let (mut header, mut after) = first.map_or((0, 0), |first| (first.span.end, first.lexemes.end));
        if let Some(end) = lexemes.get(after).filter(|next| after > 0 && next.is_symbol(";")) {
            (header, after) = (end.span.end, after + 1);
        }
        let is_jinja = |statement: &sql::Statement| {
            ["jinja_query_begin", "jinja_statement_begin"].iter().any(|word| begins(statement, word))
        };
        if !macros::is_dynamic(&lexemes[after..]) && !statements.iter().any(is_jinja) {
            return Ok(None);
        }
        let (locals, named) = (Locals::new(), Variables::default());
        let expanded = self
            .expand_text(&text[header..], &locals, &named, times)
            .map_err(|problem| Problem { span: header + problem.span.start..header + problem.span.end, ..problem })?;
        Ok(Some(Expansion {
            text: format!("{}{}", &text[..header], expanded.text),
            timely: expanded.variables_used.iter().any(|name| variable(name, times).is_some()),
            header,
            map: expanded.map,
        }))
    }
}

impl Sight {
    /// Expands a text that has no header.
    pub(super) fn expand_text(
        &self,
        text: &str,
        locals: &Locals,
        named: &Variables,
        times: &Times,
    ) -> Result<Expanded, Problem> {
        let scope = Scope {
            config: &self.variables,
            blueprint: &Variables::default(),
            locals,
            named,
            time: &|name| variable(name, times),
            columns_of: &|_| None,
            macros: &self.macros,
        };
        macros::expand(text, &scope)
    }
}

impl Tree {
    /// The same files, to be expanded with other values of these variables.
    pub(super) fn with_variables<'v>(&self, values: impl Iterator<Item = (&'v str, Value)>) -> Self {
        let mut changed = self.clone();
        changed.sight.overridden = true;
        for (name, value) in values {
            changed.sight.variables.set(name, value);
        }
        changed
    }
}

impl Session<'_> {
    /// What the macros of these files can see.
    pub(super) fn sight(&self, files: &Files) -> Result<Sight, Error> {
        let mut sight = Sight { variables: self.config.variables.clone(), ..Sight::default() };
        let mut hasher = blake3::Hasher::new();
        hasher.update(format!("{:?}", self.config.variables).as_bytes());
        let mut problems = Vec::new();
        for file in files.below(MACROS) {
            hasher.update(file.id.as_str().as_bytes());
            let text = self.text(file)?;
            let read = match macros::read_macros(&file.path, &text) {
                Ok(read) => read,
                Err(problem) => {
                    problems.push(problem.in_file(&file.path, &text));
                    continue;
                }
            };
            for one in read {
                let (name, span) = (one.name.clone(), one.span.clone());
                if let Some(other) = sight.macros.add(one) {
                    let problem = Problem { what: format!("two macros are called `{name}`"), span, help: None };
                    problems
                        .push(problem.in_file(&file.path, &text).note(format!("the other one is in {}", other.path)));
                }
            }
        }
        sight.key = hasher.finalize().to_hex()[..16].to_owned();
        if problems.is_empty() { Ok(sight) } else { Err(Error::Project(self.in_repository(problems))) }
    }

    /// A model as it is for a span of time: its query says something else at another one.
    pub(super) fn model_at(&self, tree: &Tree, model: &Model, times: &Times) -> Result<Model, Error> {
        let text = self.file_text(tree, model)?;
        let expansion = match tree.sight.expand(&text, times) {
            Ok(Some(expansion)) if expansion.timely || tree.sight.overridden => expansion,
            Ok(_) => return Ok(model.clone()),
            Err(problem) => return Err(Error::Project(self.in_repository(vec![problem.in_file(&model.path, &text)]))),
        };
        let file = self.read_expanded(&model.path, &text, expansion).map_err(Error::Project)?;
        let key = |parts: &[String]| parts.join(".").to_lowercase();
        let before = model.file.query.iter().flat_map(|query| query.reads.iter().flatten()).zip(&model.reads);
        let known: BTreeMap<String, _> = before.map(|(read, parent)| (key(&read.parts), parent.clone())).collect();
        let reads = file.query.iter().flat_map(|query| query.reads.iter().flatten());
        let reads = reads.map(|read| known.get(&key(&read.parts)).cloned().flatten()).collect();
        Ok(Model { file: Arc::new(file), reads, ..model.clone() })
    }

    /// A model's query for a span of time, with the tables of its parents in it; `None` for seeds.
    pub(super) fn select_at(
        &self,
        tree: &Tree,
        model: &Model,
        times: &Times,
        table: &dyn Fn(&ModelName) -> Option<TableName>,
    ) -> Result<Option<String>, Error> {
        let text = |model: &Model| self.model_text(tree, model);
        let inlined = |model: &&Model| model.kind == Kind::Embedded && (model.file.timely || tree.sight.overridden);
        let timely: Vec<&Model> = tree.project.models().filter(inlined).collect();
        if !model.file.timely && timely.is_empty() && !tree.sight.overridden {
            return tree.project.select(model, &text, table);
        }
        let mut project = tree.project.clone();
        for embedded in timely {
            project.replace(self.model_at(tree, embedded, times)?);
        }
        project.select(&self.model_at(tree, model, times)?, &text, table)
    }

    /// The times that a model is run for: a load's span, or for one that is built whole, all up to now.
    pub(super) fn times(&self, model: &Model, load: Option<Interval>, timing: &Timing) -> Times {
        let now = timing.now;
        let start = model.file.schedule.start.as_ref().or(self.config.default_start.as_ref());
        let start = start.and_then(|start| Moment::read(start, now).ok()).unwrap_or(Moment::EPOCH);
        let interval = load.or_else(|| Interval::new(start, now)).unwrap_or(Times::LOADING.interval);
        Times { interval, execution: now }
    }

    /// Reads an expanded file; the problems are told at their places in the file as it was written.
    pub(super) fn read_expanded(
        &self,
        path: &str,
        written: &Arc<str>,
        expansion: Expansion,
    ) -> Result<ModelFile, Vec<Diagnostic>> {
        let text: Arc<str> = expansion.text.as_str().into();
        let read = model::parse(&text)
            .map_err(|problems| problems.into_iter().map(|problem| problem.in_file(path, &text)).collect())
            .and_then(|mut file| {
                self.complete(&mut file, path, &text)?;
                Ok(ModelFile { expanded: Some(expansion.text.clone()), timely: expansion.timely, ..file })
            });
        read.map_err(|mut problems: Vec<Diagnostic>| {
            for problem in &mut problems {
                lead_back(problem, written, &expansion);
            }
            self.in_repository(problems)
        })
    }

    /// Leads problems in expanded texts back to the files as they were written.
    pub(super) fn led_back(&self, files: &Files, sight: &Sight, mut problems: Vec<Diagnostic>) -> Vec<Diagnostic> {
        for problem in &mut problems {
            let Some(at) = &problem.at else { continue };
            let Some(text) = files.get(&at.path).and_then(|file| self.text(file).ok()) else { continue };
            if at.text != text
                && let Ok(Some(expansion)) = sight.expand(&text, &Times::LOADING)
            {
                lead_back(problem, &text, &expansion);
            }
        }
        problems
    }
}

fn lead_back(problem: &mut Diagnostic, written: &Arc<str>, expansion: &Expansion) {
    if let Some(at) = &mut problem.at {
        at.span = expansion.original(&at.span);
        at.text = written.clone();
    }
}
