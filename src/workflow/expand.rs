//! Macros and variables: a file that has any is expanded before it is read, as it would be for the first day of 1970; and
//! again for each span of time that it is run for.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::error::Error;
use super::loader::Loader;
use super::tree::{Files, MACROS, Tree};
use super::workspace::Workspace;
use crate::domain::calendar::Timing;
use crate::domain::config::Config;
use crate::domain::diagnostic::{Diagnostic, Problem};
use crate::domain::interval::{Interval, Moment, Times, variable};
use crate::domain::macros::{
    self, Blueprint, Columns, Defaults, Expanded, File, Locals, Macros, Scope, Value, Variables,
};
use crate::domain::model::{self, Around, Kind, ModelFile, Statement, is_own};
use crate::domain::name::{ModelName, TableName};
use crate::domain::project::{self, Model, Project};
use crate::domain::sql::{self, Read, Span};

/// What the macros of a source tree can see.
#[derive(Debug, Clone, Default)]
pub(super) struct Sight {
    pub(super) macros: Macros,
    variables: Variables,
    /// What vmesh itself gives: `gateway`, `default_catalog`, `runtime_stage`.
    named: Variables,
    /// The folder of the models, whose paths name them.
    models: String,
    default_kind: &'static str,
    /// The properties of models that don't name them.
    pub(super) defaults: model::Defaults,
    /// A hash over all of it.
    pub(super) key: String,
    /// Whether files were read with other variables than these.
    overridden: bool,
}

/// One model of a file that is to be expanded.
#[derive(Clone, Copy)]
pub(super) struct Unit<'u> {
    /// The file's path.
    pub(super) path: &'u str,
    /// The file's text.
    pub(super) text: &'u Arc<str>,
    /// Its values, if the file makes several.
    pub(super) blueprint: Option<&'u Blueprint>,
    /// The columns of other relations.
    pub(super) columns: &'u Columns<'u>,
}

/// What a text is expanded for.
#[derive(Debug, Clone, Copy)]
enum Stage<'t> {
    /// To be read.
    Loading,
    /// To tell what it means at any time.
    Meaning,
    /// To be run.
    Running(&'t Times),
}

impl Stage<'_> {
    /// The value of a variable that depends on when a model is run.
    fn variable(self, name: &str) -> Option<String> {
        match self {
            Self::Loading => variable(name, &Times::LOADING),
            Self::Running(times) => variable(name, times),
            Self::Meaning => variable(name, &Times::LOADING).map(|_| macros::marked(name)),
        }
    }
}

/// Whether a variable depends on when a model is run.
fn is_timely(name: &str) -> bool {
    Stage::Meaning.variable(name).is_some()
}

impl Sight {
    /// What the settings' own statements can see.
    pub(super) fn of_settings(config: &Config) -> Self {
        let named = [
            ("gateway", Value::Text(config.gateway.clone().unwrap_or_default())),
            ("default_catalog", Value::Text(config.catalog().to_owned())),
        ];
        Self { variables: config.variables.clone(), named: named.into_iter().collect(), ..Self::default() }
    }

    /// Expands one model of a file, as it is loaded.
    pub(super) fn expand_at_loading(&self, file: &File<'_>, unit: Unit<'_>) -> Result<Expanded, Problem> {
        self.expand(file, unit, Stage::Loading)
    }

    /// Whether what macros made of a model depends on when it is run.
    pub(super) fn is_timely(expanded: &Expanded) -> bool {
        expanded.variables_used.iter().any(|name| is_timely(name))
    }

    /// Expands one model of a file.
    fn expand(&self, file: &File<'_>, unit: Unit<'_>, stage: Stage<'_>) -> Result<Expanded, Problem> {
        let blueprint = unit.blueprint.map(Blueprint::variables).unwrap_or_default();
        let name = project::from_path(unit.path, &self.models).map(|name| name.to_string()).unwrap_or_default();
        let defaults = Defaults { name: &name, kind: self.default_kind };
        self.with_scope(&blueprint, unit.columns, stage, |scope| file.expand(scope, defaults))
    }

    /// What macros make of a file: the text of each of its models. `None` if they can't.
    pub(super) fn texts(&self, path: &str, text: &Arc<str>, columns: &Columns<'_>) -> Option<Vec<String>> {
        let file = File::read(text)?;
        if !file.is_dynamic() {
            return Some(vec![text.to_string()]);
        }
        let several = self.blueprints(&file).ok()?;
        let blueprints = several.map_or_else(|| vec![None], |several| several.into_iter().map(Some).collect());
        let text_of = |blueprint: &Option<Blueprint>| {
            let unit = Unit { path, text, blueprint: blueprint.as_ref(), columns };
            self.expand(&file, unit, Stage::Loading).ok().map(|expanded| expanded.text)
        };
        blueprints.iter().map(text_of).collect()
    }

    /// The blueprints of a file, if it has any.
    pub(super) fn blueprints(&self, file: &File<'_>) -> Result<Option<Vec<Blueprint>>, Problem> {
        self.with_scope(&Variables::default(), &|_| None, Stage::Loading, |scope| file.blueprints(scope))
    }

    /// A hash over the meaning of a model's query, whenever it is run; and whether the time stands in it as a text alone.
    /// Where the time decides what macros make of it, all that may have a say counts.
    pub(super) fn meaning(&self, file: &File<'_>, unit: Unit<'_>) -> ([u8; 32], bool) {
        let marked = self.expand(file, unit, Stage::Meaning).ok();
        let read = marked.and_then(|marked| model::parse(&marked.text).ok());
        let canonical = read.and_then(|read| {
            let query = read.query?.canonical;
            let statements = read.statements.iter().map(Statement::meaning);
            let all = statements.fold(blake3::Hasher::new_keyed(&query), |mut all, statement| {
                all.update(&statement);
                all
            });
            Some(if read.statements.is_empty() { query } else { *all.finalize().as_bytes() })
        });
        let is_text = canonical.is_some();
        let everything = || {
            let blueprint = unit.blueprint.map(Blueprint::variables).unwrap_or_default();
            self.with_scope(&blueprint, unit.columns, Stage::Meaning, |scope| file.everything(scope))
        };
        (canonical.unwrap_or_else(everything), is_text)
    }

    fn with_scope<T>(
        &self,
        blueprint: &Variables,
        columns_of: &Columns<'_>,
        stage: Stage<'_>,
        run: impl FnOnce(&Scope<'_>) -> T,
    ) -> T {
        run(&Scope {
            config: &self.variables,
            blueprint,
            locals: &Locals::new(),
            named: &self.named,
            time: &|name| stage.variable(name),
            columns_of,
            macros: &self.macros,
        })
    }

    /// Expands a text that is no model's file.
    pub(super) fn expand_text(
        &self,
        text: &str,
        locals: &Locals,
        named: &Variables,
        times: &Times,
    ) -> Result<Expanded, Problem> {
        let mut all = self.named.clone();
        named.iter().for_each(|(name, value)| all.set(name, value.clone()));
        let scope = Scope {
            config: &self.variables,
            blueprint: &Variables::default(),
            locals,
            named: &all,
            time: &|name| variable(name, times),
            columns_of: &|_| None,
            macros: &self.macros,
        };
        macros::expand(text, &scope)
    }
}

impl Tree {
    /// The same files, to be expanded with other values of these variables.
    pub(super) fn with_variables<'v>(&self, values: impl IntoIterator<Item = (&'v str, Value)>) -> Self {
        let mut changed = self.clone();
        changed.sight.overridden = true;
        changed.asked.take();
        for (name, value) in values {
            changed.sight.variables.set(name, value);
        }
        changed
    }
}

impl Workspace {
    /// What the macros of these files can see.
    pub(super) fn sight(&self, files: &Files) -> Result<Sight, Error> {
        let settings = self.settings_of(files)?;
        let mut sight = Sight {
            variables: settings.variables.clone(),
            models: self.config.models.clone(),
            default_kind: settings.defaults.kind().word().as_str(),
            defaults: settings.defaults.clone(),
            ..Sight::of_settings(&self.config)
        };
        // what is read is what will be run
        sight.named.set("runtime_stage", Value::Text("evaluating".to_owned()));
        sight.named.set("this_model", Value::Sql(model::THIS_MODEL.to_owned()));
        let mut hasher = blake3::Hasher::new();
        hasher.update(sight.defaults.key().as_bytes());
        let named = (&sight.variables, &sight.named, &sight.models, sight.default_kind);
        hasher.update(&serde_json::to_vec(&named).unwrap_or_default());
        let mut problems = Vec::new();
        for file in files.python(MACROS) {
            hasher.update(file.id.as_str().as_bytes());
            sight.macros.add_python(macros::python_macros(&self.in_top(&file.path), &self.text(file)?));
        }
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
        problems.extend(self.unseen_calls(&settings, &sight, files)?);
        sight.key = hasher.finalize().to_hex()[..16].to_owned();
        if problems.is_empty() { Ok(sight) } else { Err(Error::Project(self.in_repository(problems))) }
    }

    /// Which models a query and the statements around it read when they are run; all of them must be known before.
    fn reads_at(&self, tree: &Tree, model: &Model, file: &ModelFile, text: &Arc<str>) -> Result<Reads, Error> {
        let key = |parts: &[String]| parts.join(".").to_lowercase();
        let before = model.file.query.iter().flat_map(|query| query.reads.iter().flatten()).zip(&model.reads);
        let around = model.file.statements.iter().zip(&model.statement_reads);
        let around = around.flat_map(|(statement, models)| statement.reads().map(|(read, _)| read).zip(models));
        let known: BTreeMap<String, _> =
            before.chain(around).map(|(read, parent)| (key(&read.parts), parent.clone())).collect();
        let start = file.query_span.start;
        let wrong = |span: &Span, what: String, help: &str| {
            let span = file.original(&(start + span.start..start + span.end));
            let problem = Problem { what, span, help: Some(help.to_owned()) }.in_file(&model.path, text);
            Error::Project(self.in_repository(vec![problem]))
        };
        let query = file.query.iter();
        let parent = |read: &Read| {
            if let Some(parent) = known.get(&key(&read.parts)) {
                return Ok(parent.clone());
            }
            if is_own(&read.parts, &model.name) {
                return Ok(None);
            }
            let Some(found) = tree.project.find(&read.parts) else { return Ok(None) };
            if model.parents.contains_key(&found.name) {
                return Ok(Some(found.name.clone()));
            }
            let what = format!("`{}` reads `{}` at some times only", model.name, found.name);
            Err(wrong(
                &read.span,
                what,
                &format!("say in the header that it depends on it: depends_on ({})", found.name),
            ))
        };
        let reads = query.flat_map(|query| query.reads.iter().flatten()).map(parent).collect::<Result<_, Error>>()?;
        let of = |statement: &Statement| statement.reads().map(|(read, _)| parent(read)).collect::<Result<_, Error>>();
        Ok((reads, file.statements.iter().map(of).collect::<Result<_, Error>>()?))
    }

    /// The times that a model is run for: a load's span, or for one that is built whole, all up to now.
    pub(super) fn times(&self, model: &Model, load: Option<Interval>, timing: &Timing) -> Times {
        let now = timing.now;
        let schedule = &model.file.schedule;
        let start = schedule.start.as_ref().or(schedule.default_start.as_ref());
        let start = start.and_then(|start| Moment::read(start, now).ok()).unwrap_or(Moment::EPOCH);
        let interval = load.or_else(|| Interval::new(start, now)).unwrap_or(Times::LOADING.interval);
        Times { interval, execution: now }
    }
}

impl Loader {
    /// A model as it is for a span of time: its query says something else at another one.
    pub(super) fn model_at(&self, tree: &Tree, model: &Model, times: &Times) -> Result<Model, Error> {
        let Some(expansion) = model.file.expanded.as_ref().filter(|_| model.file.timely || tree.sight.overridden)
        else {
            return Ok(model.clone());
        };
        let text = self.file_text(tree, model)?;
        let Some(file) = File::read(&text) else { return Ok(model.clone()) };
        let unit = Unit {
            path: &model.path,
            text: &text,
            blueprint: expansion.blueprint.as_ref(),
            columns: &|parts| tree.project.columns_of(parts),
        };
        let expanded = tree.sight.expand(&file, unit, Stage::Running(times)).map_err(|problem| {
            let told = of_blueprint(problem.in_file(&model.path, &text), unit.blueprint);
            Error::Project(self.in_repository(vec![told]))
        })?;
        let file = self.reader(&tree.sight).read_expanded(unit, expanded).map_err(Error::Project)?;
        let (reads, statement_reads) = self.reads_at(tree, model, &file, &text)?;
        Ok(Model { file: Arc::new(file), reads, statement_reads, ..model.clone() })
    }

    /// A model's statements around a load of `own`, its table, for a span of time.
    pub(super) fn around_at(
        &self,
        tree: &Tree,
        model: &Model,
        times: &Times,
        own: &TableName,
        table: &dyn Fn(&ModelName) -> Option<TableName>,
    ) -> Result<Around, Error> {
        // at another time there may be other statements, but only where there is more than a header and a query
        let is_alone = |text: &str| sql::lex(text).is_ok_and(|lexemes| sql::split(&lexemes).len() <= 2);
        let dynamic = model.file.timely || tree.sight.overridden;
        if model.file.statements.is_empty() && (!dynamic || is_alone(&self.file_text(tree, model)?)) {
            return Ok(Around::default());
        }
        let text = |model: &Model| self.model_text(tree, model);
        let (project, model) = self.at_time(tree, model, times)?;
        project.around(&model, own, &text, table)
    }

    /// A model, and the embedded ones that it may read, as they are for a span of time.
    fn at_time<'t>(
        &self,
        tree: &'t Tree,
        model: &'t Model,
        times: &Times,
    ) -> Result<(Cow<'t, Project>, Cow<'t, Model>), Error> {
        let inlined = |model: &&Model| model.kind == Kind::Embedded && (model.file.timely || tree.sight.overridden);
        let timely: Vec<&Model> = tree.project.models().filter(inlined).collect();
        if !model.file.timely && timely.is_empty() && !tree.sight.overridden {
            return Ok((Cow::Borrowed(&tree.project), Cow::Borrowed(model)));
        }
        let mut project = tree.project.clone();
        for embedded in timely {
            project.replace(self.model_at(tree, embedded, times)?);
        }
        Ok((Cow::Owned(project), Cow::Owned(self.model_at(tree, model, times)?)))
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
        let (project, model) = self.at_time(tree, model, times)?;
        project.select(&model, &text, table)
    }
}

/// The models that a query reads, and those that each statement reads.
type Reads = (Vec<Option<ModelName>>, Vec<Vec<Option<ModelName>>>);

/// Says which of a file's models a problem is of.
pub(super) fn of_blueprint(problem: Diagnostic, blueprint: Option<&Blueprint>) -> Diagnostic {
    match blueprint {
        Some(blueprint) => problem.note(format!("with the blueprint {blueprint}")),
        None => problem,
    }
}
