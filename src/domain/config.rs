//! What a project sets, checked: `vmesh.toml`, or the `config.yaml` of a SQLMesh project.

mod blanks;
mod connection;
mod limits;
mod linter;
mod rules;
mod sqlmesh;
mod statements;
mod values;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::diagnostic::{Diagnostic, Excerpt, nearest};
use super::macros::Variables;
use super::model::Defaults;
use super::name::{BranchName, EnvName, SchemaPattern};
use super::pattern::{self, Patterns};
use super::yaml::Value;
pub use limits::Limits;
use linter::LinterTable;
pub use linter::{Level, Linter};
pub use statements::{Made, Statement, made_macros, making_macros};
pub use values::variable;

/// The names of settings files; the first that is there counts.
pub const CONFIG_FILES: [&str; 5] = ["vmesh.toml", "sqlmesh.yaml", "sqlmesh.yml", "config.yaml", "config.yml"];

/// Settings in Python, which are not read.
pub const PYTHON_CONFIG: &str = "config.py";

/// Whether a `config.py` has settings of SQLMesh in it: many programs have one.
pub fn is_python_config(text: &str) -> bool {
    text.contains("sqlmesh")
}

/// The `config.yaml` to write in place of settings in Python: the warehouse is the one that they name, if they do.
pub fn in_yaml(python: &str) -> String {
    let named = python.split("database").skip(1).find_map(|rest| {
        let rest = rest.trim_start_matches(['"', '\'', ' ', '=', ':']);
        let end = rest.find(['"', '\''])?;
        Some(&rest[..end]).filter(|path| path.contains('.') && !path.contains(['\n', '{', ' ']))
    });
    format!(
        "gateways:\n  local:\n    connection:\n      type: duckdb\n      database: {}\nmodel_defaults:\n  dialect: duckdb",
        named.unwrap_or(WAREHOUSE)
    )
}

/// The warehouse's file, where the settings name none.
pub const WAREHOUSE: &str = "warehouse.duckdb";

/// Whether a file of one of these names has settings in it: many programs have a `config.yaml`.
pub fn is_config(name: &str, text: &str) -> bool {
    let keys = ["gateways:", "default_gateway:", "default_connection:", "model_defaults:"];
    name == CONFIG_FILES[0]
        || name.starts_with("sqlmesh.")
        || text.lines().any(|line| keys.iter().any(|key| line.starts_with(key)))
}

/// A project's settings.
#[derive(Debug, Clone, Serialize)]
pub struct Config {
    /// The branch that drives prod.
    pub main: BranchName,
    /// The folder of the models, relative to the project, without a slash at its end.
    pub models: String,
    /// What the settings call the warehouse, if they do.
    pub gateway: Option<String>,
    /// Where the warehouse is, relative to the project in the main worktree; left out, it lies below the git directory.
    pub warehouse: Option<String>,
    /// How warehouse schemas are named.
    pub pattern: SchemaPattern,
    /// Seconds after which an unused development environment may be collected.
    pub ttl_seconds: i64,
    /// Seconds that a rollback may reach back; one promotion it always may.
    pub rollback_seconds: i64,
    /// Rules that name the environment of some branches; the first that matches wins.
    rules: Vec<(Patterns, EnvName)>,
    /// What hooks may do.
    pub hooks: Hooks,
    /// What `@name` stands for.
    pub variables: Variables,
    /// The rules of the linter.
    pub linter: Linter,
    /// What counts for models whose headers don't say.
    pub defaults: Defaults,
    /// Files that are no part of the project.
    pub ignored: Patterns,
    /// Environments, or branches of environments, that are never collected for being unused.
    pub pinned: Vec<String>,
    /// SQL that is run before anything of an environment is built.
    pub before_all: Vec<Statement>,
    /// SQL that is run after it.
    pub after_all: Vec<Statement>,
    /// What one use of vmesh may take of the machine.
    pub limits: Limits,
    /// What was set and has no effect.
    pub notes: Vec<String>,
    /// Whether the settings say which branch is main.
    pub main_is_said: bool,
}

/// What hooks may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Hooks {
    /// Who builds.
    pub build: HookBuild,
    /// Whether a moved local main promotes prod.
    pub promote: bool,
}

impl Default for Hooks {
    fn default() -> Self {
        Self { build: HookBuild::default(), promote: true }
    }
}

/// Who builds what a hook finds missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HookBuild {
    /// The hook itself, before git returns.
    Inline,
    /// A process of its own, after git has returned.
    #[default]
    Background,
    /// Nobody: hooks do nothing.
    Off,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct File {
    project: ProjectTable,
    engine: EngineTable,
    environments: EnvironmentsTable,
    hooks: HooksTable,
    defaults: BTreeMap<toml::Spanned<String>, toml::Spanned<toml::Value>>,
    variables: BTreeMap<String, toml::Spanned<toml::Value>>,
    linter: Option<LinterTable>,
    limits: limits::LimitsTable,
    before_all: Vec<toml::Spanned<String>>,
    after_all: Vec<toml::Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ProjectTable {
    main: String,
    models: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct EngineTable {
    #[serde(rename = "type")]
    engine: toml::Spanned<String>,
    path: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct EnvironmentsTable {
    schema: SchemaPattern,
    ttl: toml::Spanned<String>,
    rollback: toml::Spanned<String>,
    branches: BTreeMap<toml::Spanned<String>, toml::Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct HooksTable {
    build: HookBuild,
    promote: bool,
}

/// How far a rollback reaches back if nothing else is said.
const ROLLBACK: &str = "30d";

fn at_start(value: &str) -> toml::Spanned<String> {
    toml::Spanned::new(0..0, value.to_owned())
}

impl Default for ProjectTable {
    fn default() -> Self {
        Self { main: "main".to_owned(), models: "models".to_owned() }
    }
}

impl Default for EngineTable {
    fn default() -> Self {
        Self { engine: at_start("duckdb"), path: None }
    }
}

impl Default for EnvironmentsTable {
    fn default() -> Self {
        Self {
            schema: SchemaPattern::default(),
            ttl: at_start("14d"),
            rollback: at_start(ROLLBACK),
            branches: BTreeMap::new(),
        }
    }
}

impl Default for HooksTable {
    fn default() -> Self {
        Self { build: HookBuild::default(), promote: true }
    }
}

impl Config {
    /// Reads the text of a settings file, of which `path` tells the format. `environment` gives the value of an
    /// environment variable.
    pub fn parse(path: &str, text: &str, environment: &dyn Fn(&str) -> Option<String>) -> Result<Self, Diagnostic> {
        if path.ends_with(".toml") {
            return Self::parse_toml(path, text);
        }
        sqlmesh::read(text, environment).map_err(|problem| problem.in_file(path, &text.into()))
    }

    fn parse_toml(path: &str, text: &str) -> Result<Self, Diagnostic> {
        let source: Arc<str> = text.into();
        let excerpt = |span: std::ops::Range<usize>, label: &str| Excerpt {
            path: path.to_owned(),
            text: source.clone(),
            span,
            label: label.to_owned(),
        };
        let file: File = toml::from_str(text).map_err(|error| {
            let what = error.message().lines().next().unwrap_or_default().to_owned();
            let mut diagnostic = Diagnostic::new(shorten(&what));
            if let Some(span) = error.span() {
                diagnostic = diagnostic.at(excerpt(span, ""));
            }
            match suggestion(&what) {
                Some(help) => diagnostic.help(help),
                None => diagnostic,
            }
        })?;
        let engine = file.engine.engine;
        if engine.get_ref() != "duckdb" {
            let what = match engine.get_ref().as_str() {
                known @ ("postgres" | "spark") => format!("engine `{known}` is not supported yet"),
                other => format!("unknown engine `{other}`"),
            };
            return Err(Diagnostic::new(what).at(excerpt(engine.span(), "")).help("type = \"duckdb\""));
        }
        let mut defaults = Defaults::default();
        if !file.defaults.keys().any(|key| key.get_ref() == "kind") {
            defaults.add("kind", "FULL", &(0..0)).map_err(|problem| problem.in_file(path, &source))?;
        }
        for (key, value) in &file.defaults {
            if let Some(property) = yaml(value.get_ref()).and_then(|value| values::property(key.get_ref(), &value)) {
                let added = defaults.add(key.get_ref(), &property, &value.span());
                added.map_err(|problem| problem.in_file(path, &source))?;
            }
        }
        let no_length = |span| {
            Diagnostic::new("this is no length of time").at(excerpt(span, "expected a time like `14d` or `12h`"))
        };
        let length = |text: &toml::Spanned<String>| seconds(text.get_ref()).ok_or_else(|| no_length(text.span()));
        let mut variables = Variables::default();
        for (name, value) in file.variables {
            let Some(known) = yaml(value.get_ref()).as_ref().and_then(values::variable) else {
                let what = format!("`{name}` can't be a variable: its number is too large");
                return Err(Diagnostic::new(what).at(excerpt(value.span(), "")));
            };
            variables.set(&name, known);
        }
        let mut rules = Vec::new();
        for (pattern, name) in file.environments.branches {
            let matching = pattern::compile(pattern.get_ref())
                .map_err(|error| Diagnostic::new(error).at(excerpt(pattern.span(), "")))?;
            let env = EnvName::named(name.get_ref()).ok_or_else(|| {
                Diagnostic::new(format!("`{}` can't name an environment", name.get_ref()))
                    .at(excerpt(name.span(), ""))
                    .help("lower-case words joined by `_`, not `prod`, `dev` or `main`: \"staging\"")
            })?;
            rules.push((matching, env));
        }
        Ok(Self {
            main: BranchName::from(file.project.main.as_str()),
            models: file.project.models.trim_matches('/').to_owned(),
            gateway: None,
            warehouse: file.engine.path,
            pattern: file.environments.schema,
            ttl_seconds: length(&file.environments.ttl)?,
            rollback_seconds: length(&file.environments.rollback)?,
            rules,
            hooks: Hooks { build: file.hooks.build, promote: file.hooks.promote },
            variables,
            linter: Linter::read(file.linter, &|span| excerpt(span, ""))?,
            limits: Limits::read(file.limits, &|span| excerpt(span, ""))?,
            defaults,
            ignored: Patterns::default(),
            pinned: Vec::new(),
            notes: Vec::new(),
            before_all: file.before_all.into_iter().map(statement).collect(),
            after_all: file.after_all.into_iter().map(statement).collect(),
            main_is_said: true,
        })
    }

    /// A hash over all that they say: equal for equal settings.
    pub fn stamp(&self) -> String {
        blake3::hash(&serde_json::to_vec(self).unwrap_or_default()).to_hex().to_string()
    }

    /// The environment of a branch: main's is prod; then the rules; then the branch's own.
    pub fn environment(&self, branch: &BranchName) -> EnvName {
        if *branch == self.main {
            return EnvName::prod();
        }
        let rule = self.rules.iter().find(|(glob, _)| glob.is_match(branch.as_str()));
        rule.map_or_else(|| EnvName::for_branch(branch), |(_, env)| env.clone())
    }

    /// The warehouse's name in SQL: DuckDB takes it from the file, up to the first dot.
    pub fn catalog(&self) -> &str {
        let path = self.warehouse.as_deref().unwrap_or(WAREHOUSE);
        let file = path.rsplit(['/', '\\']).next().unwrap_or_default();
        file.split('.').next().unwrap_or_default()
    }

    /// Whether this is the name of the warehouse.
    pub fn is_catalog(&self, name: &str) -> bool {
        self.catalog().eq_ignore_ascii_case(name)
    }

    /// Whether an environment is never collected for being unused.
    pub fn is_pinned(&self, environment: &EnvName, branch: &BranchName) -> bool {
        let names = [environment.as_str(), branch.as_str()];
        self.pinned.iter().any(|pinned| names.contains(&pinned.as_str()))
    }

    /// The environments that rules name.
    pub fn named_environments(&self) -> Vec<EnvName> {
        self.rules.iter().map(|(_, env)| env.clone()).collect()
    }
}

fn statement(text: toml::Spanned<String>) -> Statement {
    Statement { span: text.span(), text: text.into_inner() }
}

/// A value as YAML has it; `None` for what no setting is.
fn yaml(value: &toml::Value) -> Option<Value> {
    Some(match value {
        toml::Value::String(text) => Value::Text(text.clone()),
        toml::Value::Integer(number) => Value::Int(i128::from(*number)),
        toml::Value::Float(number) => Value::Float(number.to_string()),
        toml::Value::Boolean(yes) => Value::Bool(*yes),
        toml::Value::Array(values) => Value::List(values.iter().map(yaml).collect::<Option<_>>()?),
        toml::Value::Datetime(time) => Value::Time(time.to_string()),
        toml::Value::Table(entries) => {
            let pair = |(key, value): (&String, &toml::Value)| Some((Value::Text(key.clone()), yaml(value)?));
            Value::Map(entries.iter().map(pair).collect::<Option<_>>()?)
        }
    })
}

/// `14d`, `12h`, `1 month`, or any sum that jiff reads, in seconds; days have 24 hours, and a month as many days as January.
fn seconds(text: &str) -> Option<i64> {
    let span: jiff::Span = text.parse().ok()?;
    let relative = jiff::civil::date(2026, 1, 1);
    let total = span.total((jiff::Unit::Second, relative)).ok()?;
    // `total` is whole for the units a person writes here
    (total >= 0.0).then_some(total as i64)
}

/// `unknown field `pth`, expected one of …` without the list.
fn shorten(message: &str) -> String {
    let short = message.split(", expected").next().unwrap_or(message);
    short.replace("unknown field", "unknown key").replace("unknown variant", "unknown value")
}

/// What the list of a serde message makes likely.
fn suggestion(message: &str) -> Option<String> {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let typed = quoted.next()?;
    let known: Vec<&str> = quoted.collect();
    match nearest(typed, known.iter().copied()) {
        Some(near) => Some(format!("did you mean `{near}`?")),
        None if known.is_empty() => None,
        None => Some(format!("known here: {}", known.join(", "))),
    }
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod toml_tests {
    use super::*;

    #[test]
    fn an_empty_file_has_the_defaults() {
        let config = Config::parse("vmesh.toml", "", &|_| None).unwrap();
        assert_eq!((config.warehouse.as_deref(), config.ttl_seconds), (None, 14 * 86_400));
        assert_eq!(config.rollback_seconds, 30 * 86_400);
        let stamp = |x: &str| Config::parse("vmesh.toml", &format!("[variables]\nx = {x}"), &|_| None).unwrap().stamp();
        let all = ["inf", "-inf", "nan", "1", "1.0", "\"1\"", "true", "[1]"].map(stamp);
        assert_eq!(std::collections::BTreeSet::from(all).len(), 8, "each value counts");
        assert_eq!(config.catalog(), "warehouse");
        assert_eq!(config.environment(&"main".into()).as_str(), "prod");
        assert_eq!(config.environment(&"alice".into()).as_str(), "dev__alice");
        assert_eq!(config.hooks, Hooks { build: HookBuild::Background, promote: true });
    }

    #[test]
    fn rules_come_before_the_branch_name() {
        let text = "[environments.branches]\n\"release/*\" = \"staging\"\n";
        let config = Config::parse("vmesh.toml", text, &|_| None).unwrap();
        assert_eq!(config.environment(&"release/1.2".into()).as_str(), "staging");
        assert_eq!(config.environment(&"releases".into()).as_str(), "dev__releases");
    }

    #[test]
    fn an_unknown_key_names_the_nearest() {
        let error = Config::parse("vmesh.toml", "[engine]\npth = \"x\"\n", &|_| None).unwrap_err();
        assert_eq!(error.what, "unknown key `pth`");
        assert_eq!(error.help.as_deref(), Some("did you mean `path`?"));
        assert_eq!(error.at.map(|at| at.line_and_column()), Some((2, 1)));
    }

    #[test]
    fn statements_for_all_models_have_a_place() {
        let text = "after_all = [\n  \"SELECT 1\",\n]\n";
        let config = Config::parse("vmesh.toml", text, &|_| None).unwrap();
        let [only] = &config.after_all[..] else { panic!("{:?}", config.after_all) };
        assert_eq!((only.text.as_str(), &text[only.span.clone()]), ("SELECT 1", "\"SELECT 1\""));
        assert!(config.before_all.is_empty());
    }

    #[test]
    fn engines_to_come_are_named_as_such() {
        let error = Config::parse("vmesh.toml", "[engine]\ntype = \"postgres\"\n", &|_| None).unwrap_err();
        assert_eq!(error.what, "engine `postgres` is not supported yet");
    }
}
