//! Why a model could not be built, told at the place in its file.

use std::ops::Range;
use std::sync::Arc;

use super::error::Error;
use super::planning::Prepared;
use super::tree::Tree;
use super::workspace::Workspace;
use crate::adapter::engine::{Body, Build, BuildError, WarehouseError};
use crate::domain::csv;
use crate::domain::diagnostic::{Cause, Diagnostic, Excerpt, nearest};
use crate::domain::engine_kind::EngineKind;
use crate::domain::engine_message;
use crate::domain::environment::State;
use crate::domain::model::{Kind, ModelFile};
use crate::domain::project::{Model, cast_head};
use crate::domain::types;

impl Workspace {
    /// A place of a model, in the file that the user wrote.
    pub(super) fn excerpt(&self, tree: &Tree, model: &Model, span: &Range<usize>) -> Result<Excerpt, Error> {
        let (path, text) = (self.in_top(&model.path), self.file_text(tree, model)?);
        Ok(Excerpt { path, text, span: model.file.original(span), label: String::new() })
    }

    /// What the engine says of a statement around a query.
    pub(super) fn statement_failed(
        &self,
        prepared: &Prepared,
        model: &Model,
        number: usize,
        message: &str,
    ) -> Result<Diagnostic, Error> {
        let statement = model.file.statements.get(number);
        let span = statement.map_or(&model.file.place, |statement| &statement.span);
        let excerpt = self.excerpt(&prepared.desired, model, span)?;
        let diagnostic = Diagnostic::new(format!("a statement of `{}` failed", model.name)).at(excerpt);
        Ok(diagnostic.note(engine_message::cause(message)))
    }

    /// Why a model could not be built; errors that are not about the model as they are.
    pub(super) fn build_failed(
        &self,
        prepared: &Prepared,
        model: &Model,
        build: &Build,
        error: WarehouseError,
        state: &State,
    ) -> Result<Diagnostic, Error> {
        match error {
            WarehouseError::Engine { message, .. } => match self.bad_cell(model, build, &message) {
                Some(told) => Ok(told),
                None if let Some(cut) = message.find(types::NOT_KEPT) => self.not_kept(prepared, model, &message, cut),
                None => self.explain(prepared, model, build, &message, state),
            },
            WarehouseError::Build(BuildError::Audit { failure, .. }) => self.audit_failed(prepared, model, &failure),
            WarehouseError::Build(BuildError::Columns { changes, .. }) => {
                self.columns_refused(prepared, model, &changes)
            }
            WarehouseError::Build(BuildError::Load { changes, .. }) => self.load_refused(prepared, model, &changes),
            WarehouseError::Build(BuildError::Cell { column, value, kind, .. }) => {
                let told = self.cell_told(model, build, &column, &value, &kind);
                Ok(told.unwrap_or_else(|| Diagnostic::new(format!("`{value}` in column `{column}` is no {kind}"))))
            }
            WarehouseError::Build(BuildError::Unfit { what, help }) => self.unfit(prepared, model, what, help),
            WarehouseError::Build(BuildError::Statement { number, message }) => {
                self.statement_failed(prepared, model, number, &message)
            }
            error @ (WarehouseError::TooLong { .. } | WarehouseError::TooLarge { .. }) => {
                self.unfit(prepared, model, format!("could not build `{}`: {error}", model.name), WarehouseError::RAISE)
            }
            error => self.audit_told(&prepared.desired, model, error),
        }
    }

    /// A cell of a seed that is not of its column's type, at its place in the CSV file.
    fn bad_cell(&self, model: &Model, build: &Build, message: &str) -> Option<Diagnostic> {
        let (column, value, kind) = engine_message::bad_cell(message)?;
        self.cell_told(model, build, column, value, kind)
    }

    fn cell_told(&self, model: &Model, build: &Build, column: &str, value: &str, kind: &str) -> Option<Diagnostic> {
        let (Body::Seed { content, seed, .. }, Some(file)) = (&build.body, &model.seed) else { return None };
        let (text, span) = csv::find_cell(content, &seed.csv, column, value)?;
        let label = format!("`{column}` is {kind}");
        let excerpt = Excerpt { path: self.in_top(&file.path), text: text.into(), span, label };
        let help =
            format!("mend the row, or give the column another type in `columns` of {}", self.in_top(&model.path));
        Some(Diagnostic::new(format!("could not build `{}`: a cell is no {kind}", model.name)).at(excerpt).help(help))
    }

    /// What a version that goes on from another's rows would do to their columns.
    fn columns_refused(&self, prepared: &Prepared, model: &Model, changes: &[String]) -> Result<Diagnostic, Error> {
        let excerpt = self.excerpt(&prepared.desired, model, &model.file.place)?;
        let what = format!("`{}` goes on from the rows of the version before, whose columns don't fit", model.name);
        let mut diagnostic = Diagnostic::new(what).at(excerpt);
        for change in changes {
            diagnostic = diagnostic.note(change.clone());
        }
        Ok(diagnostic.help(format!(
            "keep the columns, or allow it: kind {} (…, on_destructive_change ALLOW, on_additive_change ALLOW)",
            model.kind.word()
        )))
    }

    /// What a load would do to the columns of its table.
    fn load_refused(&self, prepared: &Prepared, model: &Model, changes: &[String]) -> Result<Diagnostic, Error> {
        let excerpt = self.excerpt(&prepared.desired, model, &model.file.place)?;
        let what = format!("the query of `{}` gives other columns than its table has", model.name);
        let mut diagnostic = Diagnostic::new(what).at(excerpt);
        for change in changes {
            diagnostic = diagnostic.note(change.clone());
        }
        let goes_on = matches!(&model.kind, Kind::Incremental(incremental) if incremental.goes_on());
        let word = model.kind.word();
        let otherwise = match (goes_on, prepared.target.environment.is_prod()) {
            (true, _) => format!("allow it: kind {word} (…, on_destructive_change ALLOW, on_additive_change ALLOW)"),
            (false, true) => format!("load all of it again: vmesh plan prod --yes --restate-model {}", model.name),
            (false, false) => format!("load all of it again: vmesh plan --yes --restate-model {}", model.name),
        };
        let diagnostic = diagnostic.note("this load wrote nothing: its rows would lose something, or the others would");
        Ok(diagnostic.help(format!("give the columns that the table has, with a cast in the query; or {otherwise}")))
    }

    /// A value that the type which a header declares would cut short.
    fn not_kept(&self, prepared: &Prepared, model: &Model, message: &str, cut: usize) -> Result<Diagnostic, Error> {
        let start = message.find('`').filter(|start| *start < cut).unwrap_or(0);
        let told = message.get(start..).and_then(|told| told.lines().next()).unwrap_or_default().trim_end_matches('"');
        let excerpt = self.excerpt(&prepared.desired, model, &model.file.place)?;
        let diagnostic = Diagnostic::new(format!("could not build `{}`", model.name)).at(excerpt).note(told);
        Ok(diagnostic.help("declare a type that holds it, or write the cast that rounds it in the query"))
    }

    /// What is not as a model says, at its header.
    fn unfit(&self, prepared: &Prepared, model: &Model, what: String, help: &'static str) -> Result<Diagnostic, Error> {
        let excerpt = self.excerpt(&prepared.desired, model, &model.file.place)?;
        Ok(Diagnostic::new(what).at(excerpt).help(help))
    }

    /// The engine's complaint about a model, at the line that the user wrote.
    fn explain(
        &self,
        prepared: &Prepared,
        model: &Model,
        build: &Build,
        message: &str,
        state: &State,
    ) -> Result<Diagnostic, Error> {
        let headline = engine_message::headline(message);
        let mut diagnostic = Diagnostic::new(format!("could not build `{}`", model.name));
        let text: Arc<str> = self.model_text(&prepared.desired, model)?;
        let start = model.file.query_span.start;
        let sent = match &build.body {
            Body::Table(select) | Body::View(select) => select.as_str(),
            Body::Loads(fill) => fill.loads.first().map_or(fill.first.as_str(), |load| &load.select),
            Body::Seed { .. } => "",
        };
        let missing = self.missing_table(model, &headline);
        let span = match &missing {
            Some((_, span)) => start + span.start..start + span.end,
            None => in_query(&model.file, &text, sent, message).unwrap_or_else(|| model.file.place.clone()),
        };
        let made = text.get(span.clone()).unwrap_or_default();
        let excerpt = self.excerpt(&prepared.desired, model, &span)?;
        let as_written = excerpt.text.get(excerpt.span.clone()) == Some(made);
        diagnostic = diagnostic.at(excerpt);
        if !as_written {
            diagnostic = diagnostic.note(format!("its macros expanded, this is `{made}`"));
        }
        if let Some(blueprint) = model.file.blueprint() {
            diagnostic = diagnostic.note(format!("with the blueprint {blueprint}"));
        }
        diagnostic = diagnostic.note(Cause::engine(headline.split(" Did you mean").next().unwrap_or(&headline)));
        if let Some((name, _)) = missing {
            if let Some(model) = prepared.desired.set_aside.iter().find(|model| model.is_named(&name)) {
                return Ok(diagnostic.note(model.to_string()).help(format!("have a table `{name}` in the warehouse")));
            }
            let models = prepared.desired.project.models().map(|model| model.name.to_string());
            let known: Vec<String> = models.chain(state.tables.values().map(|table| table.model.to_string())).collect();
            if let Some(near) = nearest(&name, known.iter().map(String::as_str)) {
                return Ok(diagnostic.help(format!(
                    "`{name}` is neither a model nor a table of the warehouse; did you mean `{near}`?"
                )));
            }
            return Ok(diagnostic.help(format!("`{name}` is neither a model nor a table of the warehouse")));
        }
        Ok(match engine_message::advice(message) {
            Some(advice) => diagnostic.help(advice),
            None => diagnostic,
        })
    }

    /// The table that the engine can't find, if the model reads one of that name, and where.
    fn missing_table(&self, model: &Model, headline: &str) -> Option<(String, Range<usize>)> {
        let (_, rest) = headline.split_once("Table with name ")?;
        let name = rest.split(" does not exist").next()?.trim().trim_matches('"');
        let reads = model.file.query.as_ref()?.reads.as_ref()?;
        let is_it = |read: &&crate::domain::sql::Read| {
            let last = read.parts.last().is_some_and(|last| last.eq_ignore_ascii_case(name));
            last || read.parts.join(".").eq_ignore_ascii_case(name)
        };
        let read = reads.iter().find(is_it)?;
        Some((read.parts.join("."), read.span.clone()))
    }
}

/// The place in a model's text that the engine complains about, of a statement whose second line is where `sent` begins.
pub(super) fn in_query(file: &ModelFile, text: &str, sent: &str, message: &str) -> Option<Range<usize>> {
    let at = engine_message::place(message, &format!("\n{sent}"))?.saturating_sub(1);
    let heads = EngineKind::ALL.map(|engine| cast_head(engine, &file.columns));
    let (sent, at) = match heads.iter().find(|head| !head.is_empty() && sent.starts_with(head.as_str())) {
        Some(head) => (&sent[head.len()..], at.checked_sub(head.len())?),
        None => (sent, at),
    };
    let span = engine_message::in_written(at, sent, text.get(file.query_span.clone())?);
    Some(file.query_span.start + span.start..file.query_span.start + span.end)
}
