//! What a project sets, checked: `vmesh.toml`, or the `config.yaml` of a SQLMesh project.

mod blanks;
mod connection;
mod env_text;
mod limits;
mod linter;
mod opening;
mod outside;
mod python_file;
mod rules;
mod secrets;
mod sqlmesh;
mod statements;
mod toml_file;
mod values;

use serde::{Deserialize, Serialize};

use super::diagnostic::Diagnostic;
use super::macros::Variables;
use super::model::Defaults;
use super::name::{BranchName, EnvName, SchemaPattern};
use super::pattern::Patterns;
pub use env_text::{EnvText, Hidden};
pub use limits::Limits;
pub use linter::{Level, Linter};
pub use opening::Opening;
pub use outside::{Attached, Files, Freshness, Kind as DatabaseKind, Outside};
pub use secrets::Secret;
pub use statements::{Made, Statement, made_macros, making_macros};
pub use values::variable;

/// The names of settings files; the first that is there counts.
pub const CONFIG_FILES: [&str; 6] =
    ["vmesh.toml", "sqlmesh.yaml", "sqlmesh.yml", "config.yaml", "config.yml", PYTHON_CONFIG];

/// Settings in Python, which are read where they say no more than YAML could.
pub const PYTHON_CONFIG: &str = "config.py";

/// Whether a `config.py` has settings of SQLMesh in it: many programs have one.
pub fn is_python_config(text: &str) -> bool {
    text.contains("sqlmesh")
}

/// Why settings in Python are not read: the first thing in them that says more than YAML could.
pub fn unread_python(path: &str, text: &str) -> Option<Diagnostic> {
    let problem = python_file::unread(text)?;
    Some(problem.in_file(path, &text.into()))
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
    if name == PYTHON_CONFIG {
        return is_python_config(text) && python_file::unread(text).is_none();
    }
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
    /// Whether a change ends where rows turn out to be the same.
    pub cutoff: bool,
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
    /// How the engine is opened.
    pub opening: Opening,
    /// What models may read besides the warehouse and what is committed.
    pub outside: Outside,
    /// What becomes of models that vmesh can't run.
    pub unsupported: OnUnsupported,
    /// What was set and has no effect.
    pub notes: Vec<String>,
    /// Whether the settings say which branch is main.
    pub main_is_said: bool,
}

/// What becomes of models that vmesh can't run: those in Python, of another dialect, of kinds that programs fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnUnsupported {
    /// They are problems of the project.
    #[default]
    Error,
    /// They are tables that vmesh doesn't make: who reads them needs them to be there.
    External,
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

impl Config {
    /// Reads the text of a settings file, of which `path` tells the format. `environment` gives the value of an
    /// environment variable.
    pub fn parse(path: &str, text: &str, environment: &dyn Fn(&str) -> Option<String>) -> Result<Self, Diagnostic> {
        let mut config = match path.ends_with(".toml") {
            true => toml_file::read(path, text)?,
            false => {
                let read = if path.ends_with(".py") { python_file::read } else { sqlmesh::read };
                read(text, environment).map_err(|problem| problem.in_file(path, &text.into()))?
            }
        };
        config.defaults.engine = config.opening.engine;
        match config.outside.attached.iter().find(|attached| config.is_catalog(&attached.name)) {
            Some(attached) => {
                let what = format!("{path}: `{}` is the name of the warehouse itself", attached.name);
                Err(Diagnostic::new(what).help("give the database that is attached another name"))
            }
            None => Ok(config),
        }
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

#[cfg(test)]
mod tests;
