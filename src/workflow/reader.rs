//! Reading one model file, without anything of the repository but its text: several threads do so at once.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use super::expand::{Sight, Unit, of_blueprint};
use super::workspace::told_from_top;
use crate::adapter::engine::Referee;
use crate::domain::diagnostic::{Diagnostic, Excerpt, Problem};
use crate::domain::macros::{Blueprint, Expanded, File};
use crate::domain::model::{self, Expansion, ModelFile};
use crate::domain::project::Known;
use crate::domain::sql::Query;
use crate::domain::sql::policy::{Refusal, Text};

/// What reads model files.
#[derive(Clone, Copy)]
pub(super) struct Reader<'r> {
    /// What macros can see.
    pub(super) sight: &'r Sight,
    /// The engine's parser, which has the last word on what a text is.
    pub(super) referee: &'r dyn Referee,
    /// The project's folder, from the top of the repository.
    pub(super) prefix: &'r str,
}

/// What became of an attempt to read a model.
pub(super) enum Attempt {
    Read(Arc<ModelFile>),
    /// Its macros ask for columns that are not known yet; and what is wrong if it waits in vain.
    Waits(BTreeSet<Vec<String>>, Vec<Diagnostic>),
    Wrong(Vec<Diagnostic>),
}

/// What became of a file: of each of its blueprints, or of its one model.
pub(super) struct FileRead {
    /// Whether its models depend on nothing but its text.
    pub(super) is_fixed: bool,
    pub(super) models: Vec<(Option<Blueprint>, Attempt)>,
}

impl FileRead {
    /// Lets go of what only the lineages of its models need.
    pub(super) fn forget_trees(&self) {
        let models = self.models.iter().filter_map(|(_, attempt)| match attempt {
            Attempt::Read(model) => model.query.as_ref(),
            _ => None,
        });
        models.for_each(Query::forget_tree);
    }
}

impl Reader<'_> {
    /// Reads a file for the first time.
    pub(super) fn read(self, path: &str, text: &Arc<str>) -> FileRead {
        let fixed = |attempt| FileRead { is_fixed: true, models: vec![(None, attempt)] };
        let wrong = |problem: Problem| Attempt::Wrong(told_from_top(self.prefix, vec![problem.in_file(path, text)]));
        if let Some(problem) = conflict(text) {
            return fixed(wrong(problem));
        }
        let Some(apart) = File::read(text).filter(File::is_dynamic) else {
            return fixed(match self.read_fixed(path, text) {
                Ok(model) => Attempt::Read(Arc::new(model)),
                Err(found) => Attempt::Wrong(told_from_top(self.prefix, found)),
            });
        };
        let blueprints = match self.sight.blueprints(&apart) {
            Ok(None) => vec![None],
            Ok(Some(several)) => several.into_iter().map(Some).collect(),
            Err(problem) => return fixed(wrong(problem)),
        };
        let attempts = blueprints.into_iter().map(|blueprint| {
            let attempt = self.attempt(path, text, &apart, blueprint.as_ref(), None);
            (blueprint, attempt)
        });
        FileRead { is_fixed: false, models: attempts.collect() }
    }

    /// The model of a file without macros.
    fn read_fixed(self, path: &str, text: &Arc<str>) -> Result<ModelFile, Vec<Diagnostic>> {
        let in_file = |problem: Problem| problem.in_file(path, text);
        let mut model = model::parse_with(text, &self.sight.defaults)
            .map_err(|problems| problems.into_iter().map(in_file).collect::<Vec<_>>())?;
        self.complete(&mut model, path, text)?;
        Ok(model)
    }

    /// An attempt to read a model whose macros may ask for columns.
    pub(super) fn attempt(
        self,
        path: &str,
        text: &Arc<str>,
        apart: &File<'_>,
        blueprint: Option<&Blueprint>,
        known: Option<&Known<'_>>,
    ) -> Attempt {
        let asked = RefCell::new(BTreeSet::new());
        let lacking = RefCell::new(false);
        let columns = |parts: &[String]| {
            asked.borrow_mut().insert(parts.to_vec());
            let columns = known.and_then(|known| known.columns_of(parts));
            *lacking.borrow_mut() |= columns.is_none();
            columns
        };
        let unit = Unit { path, text, blueprint, columns: &columns };
        let read = self.read_unit(apart, unit);
        match read {
            Ok(model) => Attempt::Read(Arc::new(model)),
            Err(problems) if lacking.take() => Attempt::Waits(asked.take(), problems),
            Err(problems) => Attempt::Wrong(problems),
        }
    }

    /// Expands and reads one model of a file; the problems are told at their places in the file as it was written. Also
    /// gives the relations whose columns had a say.
    fn read_unit(self, file: &File<'_>, unit: Unit<'_>) -> Result<ModelFile, Vec<Diagnostic>> {
        let expanded = self.sight.expand_at_loading(file, unit).map_err(|problem| {
            let told = problem.in_file(unit.path, unit.text);
            told_from_top(self.prefix, vec![of_blueprint(told, unit.blueprint)])
        })?;
        let mut read = self.read_expanded(unit, expanded)?;
        if let Some(query) = read.query.as_mut().filter(|_| read.timely) {
            (query.canonical, read.time_is_text) = self.sight.meaning(file, unit);
        }
        Ok(read)
    }

    /// Reads what macros have made of a model.
    pub(super) fn read_expanded(self, unit: Unit<'_>, expanded: Expanded) -> Result<ModelFile, Vec<Diagnostic>> {
        let text: Arc<str> = expanded.text.as_str().into();
        let read = model::parse_with(&text, &self.sight.defaults)
            .map_err(|problems| problems.into_iter().map(|problem| problem.in_file(unit.path, &text)).collect())
            .and_then(|mut read| self.complete(&mut read, unit.path, &text).map(|()| read));
        match read {
            Ok(mut read) => {
                read.timely = Sight::is_timely(&expanded);
                read.expanded = Some(Expansion {
                    text: expanded.text,
                    map: expanded.map,
                    written: *blake3::hash(unit.text.as_bytes()).as_bytes(),
                    blueprint: unit.blueprint.cloned(),
                    asked: expanded.relations_asked.into_iter().collect(),
                });
                Ok(read)
            }
            Err(problems) => {
                let problems: Vec<Diagnostic> = problems;
                let led_back = problems.into_iter().map(|mut problem| {
                    if let Some(at) = &mut problem.at {
                        at.span = expanded.map.original(&at.span);
                        at.text = unit.text.clone();
                    }
                    of_blueprint(problem, unit.blueprint)
                });
                Err(told_from_top(self.prefix, led_back.collect()))
            }
        }
    }

    /// Passes a file's texts through the gate, and adds what only the engine's parser knows of them.
    fn complete(self, model: &mut ModelFile, path: &str, text: &Arc<str>) -> Result<(), Vec<Diagnostic>> {
        let refused = |Refusal { what, span, note, help }: Refusal| {
            let excerpt = Excerpt { path: path.to_owned(), text: text.clone(), span, label: String::new() };
            vec![Diagnostic { what, at: Some(excerpt), notes: note.into_iter().collect(), help }]
        };
        let engine = self.referee.engine();
        for statement in &mut model.statements {
            if let Some((what, help)) = statement.foreign(engine) {
                return Err(refused(Refusal::new(what, statement.span.clone(), help)));
            }
            let Some(probe) = &mut statement.probe else { continue };
            probe.query = self.referee.admit(Text::Statement, &probe.text, probe.query.clone()).map_err(|refusal| {
                let place = probe.place(&refusal.span).unwrap_or_else(|| statement.span.clone());
                let what = refusal.what.replace("the query does not", &format!("this {} does not", statement.verb));
                refused(Refusal { what, span: place, ..refusal })
            })?;
        }
        let start = model.query_span.start;
        let written = text.get(model.query_span.clone()).unwrap_or_default().to_owned();
        let Some(query) = model.query.take() else { return Ok(()) };
        let query = self.referee.admit(Text::Model, &written, query).map_err(|refusal| {
            refused(Refusal { span: start + refusal.span.start..start + refusal.span.end, ..refusal })
        })?;
        model.files = model::files_read(&query, &written);
        model.query = Some(query);
        Ok(())
    }
}

/// The mark that Git leaves where both sides of a merge changed the same lines.
fn conflict(text: &str) -> Option<Problem> {
    let at = text.match_indices("<<<<<<< ").map(|(at, _)| at).find(|at| *at == 0 || text[..*at].ends_with('\n'))?;
    let line = text[at..].lines().next().unwrap_or_default().len();
    let what = "the file has conflicts of a merge in it that nobody has resolved".to_owned();
    Some(Problem { what, span: at..at + line, help: Some("choose between the sides, then: git add".to_owned()) })
}
