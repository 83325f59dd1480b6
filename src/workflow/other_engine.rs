//! Whether a project's models would run on another engine: that engine is asked, over tables without rows that are gone
//! again afterwards. Nothing is made there.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use super::error::Error;
use super::explain_failure::in_query;
use super::fixtures::{Given, lacking, place, redirected};
use super::place::Place;
use super::session::Session;
use super::tree::{Files, SourceTree, Tree};
use crate::adapter::engine::{self, Audit, Trial, WarehouseError};
use crate::domain::config::EnvText;
use crate::domain::diagnostic::Diagnostic;
use crate::domain::engine_kind::EngineKind;
use crate::domain::engine_message;
use crate::domain::environment::Column;
use crate::domain::interval::Times;
use crate::domain::model::Around;
use crate::domain::name::{EnvName, ModelName, TableName};
use crate::domain::project::{Model, Published};
use crate::domain::types;
use crate::domain::unit_test;

/// What another engine says of a project.
#[derive(Debug, Default)]
pub struct Fitness {
    /// How many models there are.
    pub models: usize,
    /// Those that would run.
    pub fit: Vec<ModelName>,
    /// What stands against the others, and where.
    pub problems: Vec<Diagnostic>,
    /// Models that were not tried, each with what it reads and nobody knows the columns of.
    pub untried: Vec<(ModelName, String)>,
}

/// The columns of what models read, by its name, in an engine's words.
type Columns = BTreeMap<ModelName, Vec<Column>>;

impl Session<'_> {
    /// Asks another engine, whose server is reached so. The session is of no use for anything else afterwards.
    pub fn fitness(&mut self, engine: EngineKind, url: Option<&EnvText>) -> Result<Fitness, Error> {
        let files = self.files(&SourceTree::Working)?;
        let from = self.config.opening.engine;
        let mut known = self.known_columns(&files)?;
        for (_, kind) in known.values_mut().flatten() {
            *kind = types::translated(from, engine, kind);
        }
        self.turn_to(engine, url);
        let mut fitness = Fitness::default();
        let Some(tree) = self.what_is_read(files, &mut fitness.problems)? else { return Ok(fitness) };
        let unread: BTreeSet<_> = fitness.problems.iter().filter_map(|it| it.at.as_ref()).map(|at| &at.path).collect();
        fitness.models = tree.project.order().len() + unread.len();
        for model in tree.project.order().iter().filter_map(|name| tree.project.model(name)) {
            match self.try_out(&tree, model, &mut known)? {
                Tried::Fits => fitness.fit.push(model.name.clone()),
                Tried::Lacks(what) => fitness.untried.push((model.name.clone(), what)),
                Tried::Fails(problem) => fitness.problems.push(problem),
            }
        }
        Ok(fitness)
    }

    /// The columns of seeds and of tables that no model makes, as the present warehouse has them.
    fn known_columns(&self, files: &Files) -> Result<Columns, Error> {
        let tree = self.assemble(files.clone(), Published::default())?;
        let state = self.state_of(&EnvName::prod())?;
        let mut known = Columns::new();
        for model in tree.project.models().filter(|model| model.file.query.is_none()) {
            known.extend(state.built(&model.fingerprint).map(|built| (model.name.clone(), built.columns.clone())));
        }
        for external in tree.project.externals().of_warehouse() {
            let table = external.table();
            let name = ModelName::from_parts(&[table.schema, table.name]);
            known.extend(name.map(|name| (name, external.columns.clone())));
        }
        let Some(warehouse) = self.read_warehouse()? else { return Ok(known) };
        for (read, _) in tree.project.models().flat_map(Model::outside) {
            let parts = &read.parts[read.parts.len().saturating_sub(2)..];
            let Some(name) = ModelName::from_parts(parts).filter(|name| !known.contains_key(name)) else { continue };
            let table = match parts {
                [schema, name] => TableName { schema: schema.clone(), name: name.clone() },
                _ => continue,
            };
            // a table that is not there has none
            let columns = warehouse.columns(&table).unwrap_or_default();
            if !columns.is_empty() {
                known.insert(name, columns);
            }
        }
        Ok(known)
    }

    /// From now on, texts mean what they mean to another engine.
    fn turn_to(&mut self, engine: EngineKind, url: Option<&EnvText>) {
        self.close();
        self.engine = engine::of_project(engine);
        self.referee = self.engine.referee();
        self.config.opening.engine = engine;
        self.config.defaults.engine = engine;
        self.config.opening.server = url.cloned();
        self.location.server = self.server();
        self.location.state = None;
        self.location.path = Place::of(&self.repository, &self.prefix, &self.config).path;
    }

    /// The project of those files that can be read in the engine's terms; the problems of the others.
    fn what_is_read(&self, mut files: Files, problems: &mut Vec<Diagnostic>) -> Result<Option<Tree>, Error> {
        loop {
            let found = match self.assemble(files.clone(), Published::default()) {
                Ok(tree) => return Ok(Some(tree)),
                Err(Error::Project(found)) => found,
                Err(error) => return Err(error),
            };
            let refused: BTreeSet<String> = found.iter().filter_map(|it| Some(it.at.as_ref()?.path.clone())).collect();
            problems.extend(found);
            let before = files.paths().count();
            files = files.part(|path| !refused.contains(&self.in_top(path)));
            if files.paths().count() == before {
                return Ok(None);
            }
        }
    }

    /// Tries one model, and what its audits ask.
    fn try_out(&self, tree: &Tree, model: &Model, known: &mut Columns) -> Result<Tried, Error> {
        if model.file.query.is_none() {
            return Ok(match known.contains_key(&model.name) {
                true => Tried::Fits,
                false => Tried::Lacks("its own file, which vmesh promote or plan loads first".to_owned()),
            });
        }
        let (mut given, mut tables) = (Given::new(), Vec::new());
        while let Some(lacks) = lacking(tree, model, &given) {
            let parts: Vec<String> = lacks.split('.').map(str::to_owned).collect();
            let name = ModelName::from_parts(&parts[parts.len().saturating_sub(2)..]);
            let Some((name, columns)) = name.and_then(|name| Some((name.clone(), self.columns_of(&name, known)?)))
            else {
                return Ok(Tried::Lacks(lacks));
            };
            self.give(tree, (&name, &columns), &mut given, &mut tables);
        }
        let times = Times::LOADING;
        let table = |name: &ModelName| given.get(name).cloned();
        let select = self.select_at(tree, model, &times, &table)?.unwrap_or_default();
        let select = redirected(self.referee.engine(), select, &given);
        let setup = self.around_at(tree, model, &times, &model.table(), &table)?.without_table();
        let trial = Trial::of_query(select, tables, setup);
        match self.engine.results(&trial, &self.location) {
            Ok(rows) => {
                let columns = rows.into_iter().next().map(|rows| rows.columns).unwrap_or_default();
                known.insert(model.name.clone(), columns);
                self.try_audits(tree, model, known)
            }
            Err(WarehouseError::Engine { message, .. }) => {
                let sent = trial.checks.first().map(|check| check.select.as_str()).unwrap_or_default();
                Ok(Tried::Fails(self.complaint(tree, model, (sent, &message))?))
            }
            Err(WarehouseError::Build(error)) => {
                let at = self.excerpt(tree, model, &model.file.query_span)?;
                Ok(Tried::Fails(Diagnostic::new(error.to_string()).at(at)))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Tries what a model's audits ask of it.
    fn try_audits(&self, tree: &Tree, model: &Model, known: &Columns) -> Result<Tried, Error> {
        let engine = self.referee.engine();
        let asked = RefCell::new(BTreeSet::from([model.name.clone()]));
        let table = |name: &ModelName| {
            asked.borrow_mut().insert(name.clone());
            known.contains_key(name).then(|| place(engine, tree.project.model(name), name))
        };
        let audits = match self.audits_of(tree, model, &Times::LOADING, &table) {
            Ok(audits) => audits,
            Err(Error::Project(mut problems)) if !problems.is_empty() => {
                return Ok(Tried::Fails(problems.swap_remove(0)));
            }
            Err(error) => return Err(error),
        };
        let (mut given, mut tables) = (Given::new(), Vec::new());
        for name in asked.into_inner() {
            if let Some(columns) = known.get(&name) {
                self.give(tree, (&name, columns), &mut given, &mut tables);
            }
        }
        let Some(own) = given.get(&model.name) else { return Ok(Tried::Fits) };
        for audit in audits {
            let select = audit.query.replace(Audit::ROWS, &own.quoted());
            let trial = Trial::of_query(select, tables.clone(), Around::default());
            match self.engine.results(&trial, &self.location) {
                Ok(_) => {}
                Err(WarehouseError::Engine { message, .. }) => {
                    let what = format!(
                        "audit `{}` of `{}` would not run on {}",
                        audit.name,
                        model.name,
                        self.referee.engine().name()
                    );
                    let told = Diagnostic::new(what).at(self.called_at(tree, model, &audit.name)?);
                    return Ok(Tried::Fails(told.note(engine_message::cause(&message))));
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Tried::Fits)
    }

    /// Puts a table without rows in the place of a model, or of a table from outside.
    fn give(
        &self,
        tree: &Tree,
        (name, columns): (&ModelName, &[Column]),
        given: &mut Given,
        tables: &mut Vec<(TableName, String)>,
    ) {
        let engine = self.referee.engine();
        let Some(select) = unit_test::fixture(engine, &[], columns) else { return };
        let table = place(engine, tree.project.model(name), name);
        given.insert(name.clone(), table.clone());
        tables.push((table, select));
    }

    /// The columns of something, if anyone knows them: what is there already has its own.
    fn columns_of(&self, name: &ModelName, known: &mut Columns) -> Option<Vec<Column>> {
        if let Some(columns) = known.get(name) {
            return Some(columns.clone());
        }
        let table = TableName { schema: name.schema()?.to_owned(), name: name.last().to_owned() };
        let select = format!("SELECT * FROM {} LIMIT 0", table.quoted());
        let trial = Trial::of_query(select, Vec::new(), Around::default());
        let found = self.engine.results(&trial, &self.location).ok()?.into_iter().next()?.columns;
        known.insert(name.clone(), found.clone());
        Some(found)
    }

    /// What the engine says of a model's query, at its place.
    fn complaint(&self, tree: &Tree, model: &Model, (sent, message): (&str, &str)) -> Result<Diagnostic, Error> {
        let text = self.model_text(tree, model)?;
        let span = in_query(&model.file, &text, sent, message).unwrap_or_else(|| model.file.query_span.clone());
        let told = Diagnostic {
            help: engine_message::advice(message),
            ..Diagnostic::new(format!("`{}` would not run on {}", model.name, self.referee.engine().name()))
        };
        Ok(told.at(self.excerpt(tree, model, &span)?).note(engine_message::cause(message)))
    }
}

/// What came of trying a model.
enum Tried {
    Fits,
    /// Nobody knows the columns of what it reads.
    Lacks(String),
    Fails(Diagnostic),
}
