//! `vmesh.toml`: what a project sets, checked.

use std::collections::BTreeMap;
use std::sync::Arc;

use globset::{Glob, GlobMatcher};
use serde::Deserialize;

use super::diagnostic::{Diagnostic, Excerpt, nearest};
use super::interval::{Cron, Moment};
use super::lint::{Linter, LinterTable};
use super::macros::{Value, Variables};
use super::model::Kind;
use super::name::{BranchName, EnvName, SchemaPattern};

/// The settings file's name.
pub const CONFIG_FILE: &str = "vmesh.toml";

/// A project's settings.
#[derive(Debug, Clone)]
pub struct Config {
    /// The branch that drives prod.
    pub main: BranchName,
    /// The folder of the models, relative to the project, without a slash at its end.
    pub models: String,
    /// Where the warehouse is, relative to the project in the main worktree.
    pub warehouse: String,
    /// How warehouse schemas are named.
    pub pattern: SchemaPattern,
    /// Seconds after which an unused development environment may be collected.
    pub ttl_seconds: i64,
    /// Rules that name the environment of some branches; the first that matches wins.
    rules: Vec<(GlobMatcher, EnvName)>,
    /// What hooks may do.
    pub hooks: Hooks,
    /// What `@name` stands for.
    pub variables: Variables,
    /// The kind of a model that names none.
    pub default_kind: Kind,
    /// When a model is due that doesn't say.
    pub default_cron: String,
    /// The start of models that name none and have no parent that does.
    pub default_start: Option<String>,
    /// The rules of the linter.
    pub linter: Linter,
}

/// What hooks may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hooks {
    /// Who builds.
    pub build: HookBuild,
    /// Whether a moved local main promotes prod.
    pub promote: bool,
}

/// Who builds what a hook finds missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
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
    defaults: DefaultsTable,
    variables: BTreeMap<String, toml::Spanned<toml::Value>>,
    linter: Option<LinterTable>,
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
    path: toml::Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct EnvironmentsTable {
    schema: SchemaPattern,
    ttl: toml::Spanned<String>,
    branches: BTreeMap<toml::Spanned<String>, toml::Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct HooksTable {
    build: HookBuild,
    promote: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct DefaultsTable {
    kind: toml::Spanned<String>,
    cron: toml::Spanned<String>,
    start: Option<toml::Spanned<String>>,
}

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
        Self { engine: at_start("duckdb"), path: at_start("warehouse.duckdb") }
    }
}

impl Default for EnvironmentsTable {
    fn default() -> Self {
        Self { schema: SchemaPattern::default(), ttl: at_start("14d"), branches: BTreeMap::new() }
    }
}

impl Default for HooksTable {
    fn default() -> Self {
        Self { build: HookBuild::default(), promote: true }
    }
}

impl Default for DefaultsTable {
    fn default() -> Self {
        Self { kind: at_start("FULL"), cron: at_start("@daily"), start: None }
    }
}

impl Config {
    /// Reads the text of `vmesh.toml`; `path` is for messages.
    pub fn parse(path: &str, text: &str) -> Result<Self, Diagnostic> {
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
        let kind = Kind::from_word(file.defaults.kind.get_ref()).ok_or_else(|| {
            let at = excerpt(file.defaults.kind.span(), "");
            Diagnostic::new("the default kind is FULL, VIEW or EMBEDDED").at(at)
        })?;
        let cron = file.defaults.cron;
        if let Err(error) = Cron::parse(cron.get_ref(), None) {
            return Err(Diagnostic::new(error.to_string()).at(excerpt(cron.span(), "")));
        }
        let start = file.defaults.start;
        if let Some(Err((error, span))) = start
            .as_ref()
            .map(|start| Moment::read(start.get_ref(), Moment::EPOCH).map_err(|error| (error, start.span())))
        {
            return Err(Diagnostic::new(error.to_string()).at(excerpt(span, "")));
        }
        let ttl = seconds(file.environments.ttl.get_ref()).ok_or_else(|| {
            let at = excerpt(file.environments.ttl.span(), "expected a time like `14d` or `12h`");
            Diagnostic::new("this is no length of time").at(at)
        })?;
        let mut variables = Variables::default();
        for (name, value) in file.variables {
            let Some(known) = variable(value.get_ref()) else {
                let what = format!("variable `{name}` is a string, a number, true or false, or a list of them");
                return Err(Diagnostic::new(what).at(excerpt(value.span(), "")));
            };
            variables.set(&name, known);
        }
        let mut rules = Vec::new();
        for (pattern, name) in file.environments.branches {
            let glob = Glob::new(pattern.get_ref())
                .map_err(|error| Diagnostic::new(error.kind().to_string()).at(excerpt(pattern.span(), "")))?;
            let env = EnvName::named(name.get_ref()).ok_or_else(|| {
                Diagnostic::new(format!("`{}` can't name an environment", name.get_ref()))
                    .at(excerpt(name.span(), ""))
                    .help("lower-case words joined by `_`, not `prod`, `dev` or `main`: \"staging\"")
            })?;
            rules.push((glob.compile_matcher(), env));
        }
        Ok(Self {
            main: BranchName::from(file.project.main.as_str()),
            models: file.project.models.trim_matches('/').to_owned(),
            warehouse: file.engine.path.into_inner(),
            pattern: file.environments.schema,
            ttl_seconds: ttl,
            rules,
            hooks: Hooks { build: file.hooks.build, promote: file.hooks.promote },
            variables,
            default_kind: kind,
            default_cron: cron.into_inner(),
            default_start: start.map(toml::Spanned::into_inner),
            linter: Linter::read(file.linter, &|span| excerpt(span, ""))?,
        })
    }

    /// The environment of a branch: main's is prod; then the rules; then the branch's own.
    pub fn environment(&self, branch: &BranchName) -> EnvName {
        if *branch == self.main {
            return EnvName::prod();
        }
        let rule = self.rules.iter().find(|(glob, _)| glob.is_match(branch.as_str()));
        rule.map_or_else(|| EnvName::for_branch(branch), |(_, env)| env.clone())
    }

    /// The environments that rules name.
    pub fn named_environments(&self) -> Vec<EnvName> {
        self.rules.iter().map(|(_, env)| env.clone()).collect()
    }
}

fn variable(value: &toml::Value) -> Option<Value> {
    Some(match value {
        toml::Value::String(text) => Value::Text(text.clone()),
        toml::Value::Integer(number) => Value::Int(*number),
        toml::Value::Float(number) => Value::Float(*number),
        toml::Value::Boolean(yes) => Value::Bool(*yes),
        toml::Value::Array(values) => Value::List(values.iter().map(variable).collect::<Option<_>>()?),
        toml::Value::Datetime(_) | toml::Value::Table(_) => return None,
    })
}

/// `14d`, `12h`, `2w`, or any sum that jiff reads, in seconds; days have 24 hours.
fn seconds(text: &str) -> Option<i64> {
    let span: jiff::Span = text.parse().ok()?;
    let relative = jiff::SpanRelativeTo::days_are_24_hours();
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
mod tests {
    use super::*;

    #[test]
    fn an_empty_file_has_the_defaults() {
        let config = Config::parse("vmesh.toml", "").unwrap();
        assert_eq!((config.warehouse.as_str(), config.ttl_seconds), ("warehouse.duckdb", 14 * 86_400));
        assert_eq!(config.environment(&"main".into()).as_str(), "prod");
        assert_eq!(config.environment(&"alice".into()).as_str(), "dev__alice");
        assert_eq!(config.hooks, Hooks { build: HookBuild::Background, promote: true });
    }

    #[test]
    fn rules_come_before_the_branch_name() {
        let text = "[environments.branches]\n\"release/*\" = \"staging\"\n";
        let config = Config::parse("vmesh.toml", text).unwrap();
        assert_eq!(config.environment(&"release/1.2".into()).as_str(), "staging");
        assert_eq!(config.environment(&"releases".into()).as_str(), "dev__releases");
    }

    #[test]
    fn an_unknown_key_names_the_nearest() {
        let error = Config::parse("vmesh.toml", "[engine]\npth = \"x\"\n").unwrap_err();
        assert_eq!(error.what, "unknown key `pth`");
        assert_eq!(error.help.as_deref(), Some("did you mean `path`?"));
        assert_eq!(error.at.map(|at| at.line_and_column()), Some((2, 1)));
    }

    #[test]
    fn engines_to_come_are_named_as_such() {
        let error = Config::parse("vmesh.toml", "[engine]\ntype = \"postgres\"\n").unwrap_err();
        assert_eq!(error.what, "engine `postgres` is not supported yet");
    }
}
