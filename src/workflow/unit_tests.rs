//! Unit tests of models: read from the project's files, run in memory, several at a time.

use std::cell::OnceCell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::error::{BuildError, Error};
use super::explain_failure::in_query;
use super::fixture_types::Built;
use super::session::Session;
use super::tree::{TESTS, Tree};
use super::workspace::Workspace;
use crate::adapter::engine::{Difference, Engine, Location, Trial, WarehouseError};
use crate::adapter::process;
use crate::domain::diagnostic::{Diagnostic, Excerpt, Problem};
use crate::domain::engine_message;
use crate::domain::environment::State;
use crate::domain::fingerprint::Fingerprint;
use crate::domain::model::ModelFile;
use crate::domain::name::ModelName;
use crate::domain::unit_test::{self, Data, UnitTest};

/// Whether a test is wanted, by its name, file and model.
pub type Wanted<'w> = &'w dyn Fn(&str, &str, &ModelName) -> bool;

/// What came of a project's tests.
#[derive(Debug, Default)]
pub struct Tests {
    /// The tests that were wanted.
    pub tested: Vec<Tested>,
    /// What is wrong with files that can't be read.
    pub broken: Vec<Diagnostic>,
    /// YAML files in the tests' folder that are neither tests nor rows of one.
    pub unread: Vec<String>,
}

/// A test, and what came of it.
#[derive(Debug)]
pub struct Tested {
    /// Its name.
    pub name: String,
    /// Its file.
    pub path: String,
    /// The model.
    pub model: ModelName,
    /// What differs, nothing is a pass; or why it could not be run.
    pub outcome: Result<Vec<Difference>, Diagnostic>,
}

impl Tests {
    /// Whether everything could be read and was as expected.
    pub fn is_passed(&self) -> bool {
        self.broken.is_empty() && self.tested.iter().all(Tested::is_passed)
    }
}

impl Tested {
    /// Whether everything was as expected.
    pub fn is_passed(&self) -> bool {
        self.outcome.as_ref().is_ok_and(Vec::is_empty)
    }
}

/// A test that is ready to be run, or why it isn't.
struct Prepared {
    name: String,
    path: String,
    model: ModelName,
    /// What the engine's words are put into.
    place: Diagnostic,
    trial: Result<Trial, Diagnostic>,
    /// The query that is tested, where the engine may find fault with it.
    query: Option<Query>,
}

/// A model's query, and the file that it stands in.
struct Query {
    file: Arc<ModelFile>,
    /// The text that the file's places are of, and the text as it was written.
    texts: (Arc<str>, Arc<str>),
    path: String,
}

impl Query {
    /// Where in it the engine's complaint about `sent` belongs.
    fn place(&self, sent: &str, message: &str) -> Option<Excerpt> {
        let span = self.file.original(&in_query(&self.file, &self.texts.0, sent, message)?);
        Some(Excerpt { path: self.path.clone(), text: self.texts.1.clone(), span, label: String::new() })
    }
}

impl Session<'_> {
    /// Runs the tests of a tree that are `wanted`, by their name, file and model. What is wrong with one of them, or
    /// with a file, keeps no other from being run.
    pub fn test(&self, tree: &Tree, wanted: Wanted<'_>) -> Result<Tests, Error> {
        let state = OnceCell::new();
        let columns = |fingerprint: &Fingerprint| {
            let state = state.get_or_init(|| self.state_at_hand());
            Some(state.built(fingerprint)?.columns.clone())
        };
        self.test_over(tree, wanted, &columns)
    }

    fn test_over(&self, tree: &Tree, wanted: Wanted<'_>, built: Built<'_>) -> Result<Tests, Error> {
        let mut prepared = Vec::new();
        let mut tests = Tests::default();
        let mut rows = Vec::new();
        for (path, text) in self.test_files(tree)? {
            let text: Arc<str> = text.into();
            let found = match unit_test::parse(&path, &text) {
                Ok(found) => found,
                Err(found) => {
                    tests.broken.extend(self.in_repository(found));
                    continue;
                }
            };
            rows.extend(found.iter().flat_map(|test| files_of(test, &path)));
            for test in found.into_iter().filter(|test| wanted(&test.name, &path, &test.model)) {
                let in_file = |problem: Diagnostic| {
                    let placed = Problem { what: problem.what, span: test.span.clone(), help: problem.help };
                    self.in_repository(vec![placed.in_file(&path, &text)]).remove(0)
                };
                let trial = match self.trial(tree, &test, &path, built) {
                    Ok(trial) => Ok(trial),
                    Err(Error::Project(mut found)) if !found.is_empty() => Err(found.remove(0)),
                    Err(error) => return Err(error),
                };
                let trial = trial.map_err(|problem| if problem.at.is_some() { problem } else { in_file(problem) });
                let place = in_file(Diagnostic::new(""));
                let query = match tree.project.model(&test.model) {
                    Some(model) => Some(Query {
                        file: model.file.clone(),
                        texts: (self.model_text(tree, model)?, self.file_text(tree, model)?),
                        path: self.in_top(&model.path),
                    }),
                    None => None,
                };
                prepared.push(Prepared { name: test.name, path: path.clone(), model: test.model, place, trial, query });
            }
        }
        tests.unread = yaml_paths(tree).filter(|path| !is_test(path) && !rows.contains(path)).collect();
        tests.tested = run_all(&prepared, self.engine, &self.location)?;
        Ok(tests)
    }

    /// Runs the tests of some models; an error if one fails, or if a file of tests can't be read.
    pub(super) fn test_first(&self, tree: &Tree, models: &[ModelName], state: &State) -> Result<(), Error> {
        if self.skip_tests || models.is_empty() || !yaml_paths(tree).any(|path| is_test(&path)) {
            return Ok(());
        }
        let built = |fingerprint: &Fingerprint| Some(state.built(fingerprint)?.columns.clone());
        let tests = self.test_over(tree, &|_, _, model| models.contains(model), &built)?;
        if tests.is_passed() { Ok(()) } else { Err(BuildError::Tests(tests).into()) }
    }
}

impl Workspace {
    /// The files of tests: path and text.
    pub(super) fn test_files(&self, tree: &Tree) -> Result<Vec<(String, String)>, Error> {
        let text = |path: String| {
            let text = tree.files.get(&path).map(|file| self.text(file)).transpose()?;
            Ok((path, text.map(|text| text.to_string()).unwrap_or_default()))
        };
        yaml_paths(tree).filter(|path| is_test(path)).map(text).collect()
    }
}

/// The YAML files in the tests' folder.
fn yaml_paths(tree: &Tree) -> impl Iterator<Item = String> {
    let is_below = |path: &&str| path.strip_prefix(TESTS).is_some_and(|rest| rest.starts_with('/'));
    let is_yaml = |path: &&str| path.ends_with(".yaml") || path.ends_with(".yml");
    tree.files.paths().filter(is_below).filter(is_yaml).map(str::to_owned)
}

/// Whether a file has a name that says so, as in SQLMesh: the others are rows for tests to read.
pub(super) fn is_test(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|name| name.starts_with("test"))
}

/// The files that a test takes rows from, told from the project and from the test.
fn files_of(test: &UnitTest, path: &str) -> Vec<String> {
    let inputs = test.inputs.iter().map(|input| &input.data);
    let expected = test.ctes.iter().map(|(_, expected)| expected).chain(&test.query).map(|expected| &expected.data);
    let named = inputs.chain(expected).filter_map(|data| match data {
        Data::CsvFile(file, _) | Data::YamlFile(file) => Some(file),
        Data::Rows(_) | Data::Query(_) => None,
    });
    named.flat_map(|file| [file.clone(), beside(path, file)]).collect()
}

/// A path that is told from a file's folder.
pub(super) fn beside(path: &str, file: &str) -> String {
    format!("{}/{file}", path.rsplit_once('/').map_or("", |(folder, _)| folder))
}

/// Runs tests on all processors.
fn run_all(prepared: &[Prepared], engine: &dyn Engine, location: &Location) -> Result<Vec<Tested>, Error> {
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, Tested)>> = Mutex::new(Vec::new());
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..processors.min(prepared.len()) {
            // a thread that can't be had is one less
            let _ = std::thread::Builder::new().stack_size(process::STACK).spawn_scoped(scope, || {
                while let Some((at, one)) =
                    Some(next.fetch_add(1, Ordering::SeqCst)).and_then(|at| Some((at, prepared.get(at)?)))
                {
                    let tested = run(one, engine, location);
                    if let Ok(mut done) = done.lock() {
                        done.push((at, tested));
                    }
                }
            });
        }
    });
    if location.interrupt.is_requested() {
        return Err(WarehouseError::Interrupted.into());
    }
    let mut done = done.into_inner().unwrap_or_default();
    if done.len() < prepared.len() {
        let message = "not all tests could be run".to_owned();
        return Err(WarehouseError::Engine { doing: "starting a thread".to_owned(), message }.into());
    }
    done.sort_by_key(|(at, _)| *at);
    Ok(done.into_iter().map(|(_, tested)| tested).collect())
}

fn run(
    Prepared { name, path, model, place, trial, query }: &Prepared,
    engine: &dyn Engine,
    location: &Location,
) -> Tested {
    let outcome = trial.clone().and_then(|trial| {
        engine.test(&trial, location).map_err(|error| match error {
            WarehouseError::Engine { message, .. } => {
                let what = engine_message::cause(&message).to_string();
                let told = Diagnostic { what, help: engine_message::advice(&message), ..place.clone() };
                let sent = trial.checks.last().map(|check| check.select.as_str()).unwrap_or_default();
                match query.as_ref().and_then(|query| query.place(sent, &message)) {
                    Some(at) => told.at(at).note(format!("found by test `{name}` in {path}")),
                    None => told,
                }
            }
            other => Diagnostic { what: other.to_string(), ..place.clone() },
        })
    });
    Tested { name: name.clone(), path: path.clone(), model: model.clone(), outcome }
}
