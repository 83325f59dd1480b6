//! Reading `vmesh.toml`: what each table says, and where an error stands.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use serde::Deserialize;
use toml::{Spanned, Value as Toml};

use super::linter::LinterTable;
use super::{
    Config, EnvText, HookBuild, Hooks, Limits, Linter, OnUnsupported, Opening, Outside, Secret, Statement, limits,
    outside, values,
};
use crate::domain::diagnostic::{Diagnostic, Excerpt, nearest};
use crate::domain::engine_kind::EngineKind;
use crate::domain::macros::Variables;
use crate::domain::model::Defaults;
use crate::domain::name::{BranchName, EnvName, SchemaPattern};
use crate::domain::pattern::{self, Patterns};
use crate::domain::yaml::Value;

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct File {
    project: ProjectTable,
    engine: EngineTable,
    state: StateTable,
    environments: EnvironmentsTable,
    hooks: HooksTable,
    plan: PlanTable,
    defaults: BTreeMap<Spanned<String>, Spanned<Toml>>,
    variables: BTreeMap<String, Spanned<Toml>>,
    linter: Option<LinterTable>,
    limits: limits::LimitsTable,
    sources: outside::SourcesTable,
    before_all: Vec<Spanned<String>>,
    after_all: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ProjectTable {
    main: String,
    models: String,
    unsupported: OnUnsupported,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct EngineTable {
    #[serde(rename = "type")]
    engine: Spanned<String>,
    path: Option<Spanned<String>>,
    url: Option<Spanned<String>>,
    token_command: Option<Spanned<String>>,
    extensions: Vec<Spanned<String>>,
    extensions_from: Option<Spanned<String>>,
    timezone: Option<Spanned<String>>,
    secrets: BTreeMap<Spanned<String>, BTreeMap<Spanned<String>, Spanned<Toml>>>,
}

/// Where vmesh's records lie, where the engine can't keep them.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct StateTable {
    path: Option<Spanned<String>>,
    url: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct EnvironmentsTable {
    schema: SchemaPattern,
    ttl: Spanned<String>,
    rollback: Spanned<String>,
    branches: BTreeMap<Spanned<String>, Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct HooksTable {
    build: HookBuild,
    promote: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct PlanTable {
    cutoff: bool,
}

/// How far a rollback reaches back if nothing else is said.
pub(super) const ROLLBACK: &str = "30d";

fn at_start(value: &str) -> Spanned<String> {
    Spanned::new(0..0, value.to_owned())
}

impl Default for ProjectTable {
    fn default() -> Self {
        let unsupported = OnUnsupported::default();
        Self { main: "main".to_owned(), models: "models".to_owned(), unsupported }
    }
}

impl Default for EngineTable {
    fn default() -> Self {
        Self {
            engine: at_start("duckdb"),
            path: None,
            url: None,
            token_command: None,
            extensions: Vec::new(),
            extensions_from: None,
            timezone: None,
            secrets: BTreeMap::new(),
        }
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

impl Default for PlanTable {
    fn default() -> Self {
        Self { cutoff: true }
    }
}

/// Reads the text of a `vmesh.toml`.
pub(super) fn read(path: &str, text: &str) -> Result<Config, Diagnostic> {
    let source = Source { path, text: text.into() };
    let file: File = toml::from_str(text).map_err(|error| source.unreadable(&error))?;
    Ok(Config {
        main: BranchName::from(file.project.main.as_str()),
        models: file.project.models.trim_matches('/').to_owned(),
        gateway: None,
        warehouse: file.engine.path.as_ref().or(file.state.path.as_ref()).map(|path| path.get_ref().clone()),
        pattern: file.environments.schema,
        ttl_seconds: source.seconds(&file.environments.ttl)?,
        rollback_seconds: source.seconds(&file.environments.rollback)?,
        rules: source.rules(&file.environments.branches)?,
        hooks: Hooks { build: file.hooks.build, promote: file.hooks.promote },
        cutoff: file.plan.cutoff,
        variables: source.variables(file.variables)?,
        linter: Linter::read(file.linter, &|span| source.excerpt(span, ""))?,
        limits: Limits::read(file.limits, &|span| source.excerpt(span, ""))?,
        opening: source.opening(&file.engine, &file.state)?,
        outside: Outside::read(file.sources, &|span| source.excerpt(span, ""))?,
        defaults: source.defaults(&file.defaults)?,
        ignored: Patterns::default(),
        pinned: Vec::new(),
        unsupported: file.project.unsupported,
        notes: Vec::new(),
        before_all: file.before_all.into_iter().map(statement).collect(),
        after_all: file.after_all.into_iter().map(statement).collect(),
        main_is_said: true,
    })
}

/// The file, for what is told of it.
struct Source<'s> {
    path: &'s str,
    text: Arc<str>,
}

impl Source<'_> {
    fn excerpt(&self, span: Range<usize>, label: &str) -> Excerpt {
        Excerpt { path: self.path.to_owned(), text: self.text.clone(), span, label: label.to_owned() }
    }

    /// What is wrong, and where.
    fn wrong(&self, what: impl Into<String>, span: Range<usize>) -> Diagnostic {
        Diagnostic::new(what).at(self.excerpt(span, ""))
    }

    fn unreadable(&self, error: &toml::de::Error) -> Diagnostic {
        let what = error.message().lines().next().unwrap_or_default();
        let short = shorten(what);
        let diagnostic = match error.span() {
            Some(span) => self.wrong(short, span),
            None => Diagnostic::new(short),
        };
        match suggestion(what) {
            Some(help) => diagnostic.help(help),
            None => diagnostic,
        }
    }

    /// Which engine it is, and how its server is reached.
    fn engine(&self, table: &EngineTable) -> Result<(EngineKind, Option<EnvText>), Diagnostic> {
        let kind = match table.engine.get_ref().as_str() {
            word if let Some(kind) = EngineKind::ALL.into_iter().find(|kind| kind.word() == word) => kind,
            other => {
                let what = format!("unknown engine `{other}`");
                let help = "type = \"duckdb\", \"postgres\" or \"spark\"";
                return Err(self.wrong(what, table.engine.span()).help(help));
            }
        };
        let example = kind.url().map(|url| format!("url = \"{url}\"")).unwrap_or_default();
        let unfit = match kind {
            EngineKind::DuckDb => {
                table.url.as_ref().map(|it| ("a DuckDB file has no `url`", it.span(), "path = \"…\""))
            }
            EngineKind::Postgres | EngineKind::Spark => {
                let extension = table.extensions.first().map(|it| ("`extensions` are DuckDB's", it.span()));
                let path = table.path.as_ref().map(|it| ("a server has no `path`", it.span()));
                let none = table.url.is_none().then(|| ("where the server is stands nowhere", table.engine.span()));
                path.or(none).or(extension).map(|(what, span)| (what, span, example.as_str()))
            }
        };
        if let Some((what, span, help)) = unfit {
            return Err(self.wrong(what, span).help(help));
        }
        Ok((kind, table.url.as_ref().map(|url| self.address(kind, url)).transpose()?))
    }

    /// The command that tells a server's token: who changes files of a project has nothing run by that.
    fn token_command(&self, kind: EngineKind, command: &Spanned<String>) -> Result<EnvText, Diagnostic> {
        let example = "token_command = \"env:VMESH_TOKEN_COMMAND\"";
        let wrong = |what: &str| self.wrong(what, command.span()).help(example);
        if kind != EngineKind::Spark {
            return Err(wrong("a `token_command` is for Spark"));
        }
        let text = EnvText::read(command.get_ref()).map_err(|what| wrong(&what))?;
        match text.is_said() {
            true => Err(wrong("a command stands in no file that Git has: name a variable that has it")),
            false => Ok(text),
        }
    }

    /// The address of a server, which tells no secret.
    fn address(&self, kind: EngineKind, url: &Spanned<String>) -> Result<EnvText, Diagnostic> {
        let text = url.get_ref();
        let secret = match kind {
            EngineKind::Spark if text.contains("token=") => {
                Some(("a token", "name a variable that has the address: url = \"env:VMESH_SPARK_URL\""))
            }
            EngineKind::Spark => None,
            _ if text.contains("password=") || text.split_once('@').is_some_and(|it| it.0.matches(':').count() > 1) => {
                Some((
                    "a password",
                    "url = \"env:VMESH_POSTGRES_URL\", or leave the password to PGPASSWORD or ~/.pgpass",
                ))
            }
            _ => None,
        };
        match secret {
            Some((secret, help)) => {
                let what = format!("this tells {secret} to everyone who has the repository");
                Err(self.wrong(what, url.span()).help(help))
            }
            None => EnvText::read(text).map_err(|what| self.wrong(what, url.span())),
        }
    }

    /// The database of the records; none where the engine has them itself, or they lie in a file.
    fn state(&self, engine: EngineKind, table: &StateTable) -> Result<Option<EnvText>, Diagnostic> {
        let said = table.path.as_ref().or(table.url.as_ref());
        if let Some(said) = said.filter(|_| engine != EngineKind::Spark) {
            let what = format!("{} keeps vmesh's records itself", engine.name());
            return Err(self.wrong(what, said.span()).help("leave [state] out: it is for Spark"));
        }
        if let (Some(_), Some(url)) = (&table.path, &table.url) {
            return Err(self
                .wrong("records lie in a file or in a database", url.span())
                .help("leave one of the two out"));
        }
        table.url.as_ref().map(|url| self.address(EngineKind::Postgres, url)).transpose()
    }

    fn opening(&self, engine: &EngineTable, state: &StateTable) -> Result<Opening, Diagnostic> {
        let mut opening = Opening::default();
        (opening.engine, opening.server) = self.engine(engine)?;
        opening.state = self.state(opening.engine, state)?;
        opening.token_command =
            engine.token_command.as_ref().map(|command| self.token_command(opening.engine, command)).transpose()?;
        for name in &engine.extensions {
            opening.add_extension(name.get_ref()).map_err(|what| self.wrong(what, name.span()))?;
        }
        opening.extensions_from = engine.extensions_from.as_ref().map(|from| from.get_ref().clone());
        if let Some(zone) = &engine.timezone {
            opening.set_timezone(zone.get_ref()).map_err(|what| self.wrong(what, zone.span()))?;
        }
        for (name, options) in &engine.secrets {
            let options = options.iter().map(|(option, value)| self.option(option, value)).collect::<Result<_, _>>()?;
            let secret = Secret::new(name.get_ref(), options);
            opening.secrets.push(secret.map_err(|(what, help)| self.wrong(what, name.span()).help(help))?);
        }
        Ok(opening)
    }

    /// An option of a secret.
    fn option(&self, name: &Spanned<String>, value: &Spanned<Toml>) -> Result<(String, EnvText), Diagnostic> {
        let text = match value.get_ref() {
            Toml::String(text) => text.clone(),
            Toml::Boolean(_) | Toml::Integer(_) => value.get_ref().to_string(),
            _ => {
                let what = format!("`{}` of a secret is a text, a number or true or false", name.get_ref());
                return Err(self.wrong(what, value.span()));
            }
        };
        let text = EnvText::read(&text).map_err(|what| self.wrong(what, value.span()))?;
        Ok((name.get_ref().clone(), text))
    }

    fn seconds(&self, length: &Spanned<String>) -> Result<i64, Diagnostic> {
        let at = || self.excerpt(length.span(), "expected a time like `14d` or `12h`");
        seconds(length.get_ref()).ok_or_else(|| Diagnostic::new("this is no length of time").at(at()))
    }

    fn rules(
        &self,
        branches: &BTreeMap<Spanned<String>, Spanned<String>>,
    ) -> Result<Vec<(Patterns, EnvName)>, Diagnostic> {
        let rule = |(pattern, name): (&Spanned<String>, &Spanned<String>)| {
            let matching = pattern::compile(pattern.get_ref()).map_err(|error| self.wrong(error, pattern.span()))?;
            let environment = EnvName::named(name.get_ref()).ok_or_else(|| {
                self.wrong(format!("`{}` can't name an environment", name.get_ref()), name.span())
                    .help("lower-case words joined by `_`, not `prod`, `dev` or `main`: \"staging\"")
            })?;
            Ok((matching, environment))
        };
        branches.iter().map(rule).collect()
    }

    fn variables(&self, said: BTreeMap<String, Spanned<Toml>>) -> Result<Variables, Diagnostic> {
        let mut variables = Variables::default();
        for (name, value) in said {
            let known = yaml(value.get_ref()).as_ref().and_then(values::variable);
            let what = || format!("`{name}` can't be a variable: its number is too large");
            let known = known.ok_or_else(|| self.wrong(what(), value.span()))?;
            variables.set(&name, known);
        }
        Ok(variables)
    }

    fn defaults(&self, said: &BTreeMap<Spanned<String>, Spanned<Toml>>) -> Result<Defaults, Diagnostic> {
        let mut defaults = Defaults::default();
        let mut add = |key: &str, property: &str, span: &Range<usize>| {
            defaults.add(key, property, span).map_err(|problem| problem.in_file(self.path, &self.text))
        };
        if !said.keys().any(|key| key.get_ref() == "kind") {
            add("kind", "FULL", &(0..0))?;
        }
        for (key, value) in said {
            let property = yaml(value.get_ref()).and_then(|value| values::property(key.get_ref(), &value));
            property.map_or(Ok(()), |property| add(key.get_ref(), &property, &value.span()))?;
        }
        Ok(defaults)
    }
}

fn statement(text: Spanned<String>) -> Statement {
    Statement { span: text.span(), text: text.into_inner() }
}

/// A value as YAML has it; `None` for what no setting is.
fn yaml(value: &Toml) -> Option<Value> {
    Some(match value {
        Toml::String(text) => Value::Text(text.clone()),
        Toml::Integer(number) => Value::Int(i128::from(*number)),
        Toml::Float(number) => Value::Float(number.to_string()),
        Toml::Boolean(yes) => Value::Bool(*yes),
        Toml::Array(values) => Value::List(values.iter().map(yaml).collect::<Option<_>>()?),
        Toml::Datetime(time) => Value::Time(time.to_string()),
        Toml::Table(entries) => {
            let pair = |(key, value): (&String, &Toml)| Some((Value::Text(key.clone()), yaml(value)?));
            Value::Map(entries.iter().map(pair).collect::<Option<_>>()?)
        }
    })
}

/// `14d`, `12h`, `1 month`, or any sum that jiff reads, in seconds; days have 24 hours, and a month as many days as January.
pub(super) fn seconds(text: &str) -> Option<i64> {
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

/// What helps against what the parser says, where its message has a list or is too short.
fn suggestion(message: &str) -> Option<String> {
    if message == "duplicate key" {
        return Some("it stands further up already: keep one of them".to_owned());
    }
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
    use super::super::{Config, HookBuild, Hooks};

    #[test]
    fn what_is_said_twice_is_pointed_at() {
        let text = "[engine]\ntype = \"duckdb\"\n\n[engine]\ntype = \"postgres\"\n";
        let wrong = Config::parse("vmesh.toml", text, &|_| None).unwrap_err();
        assert_eq!(wrong.help.as_deref(), Some("it stands further up already: keep one of them"));
        assert_eq!(wrong.at.map(|at| at.span.start), text.rfind("engine"));
    }

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
    fn spark_has_an_address_and_its_records_a_place() {
        let read = |text: &str| Config::parse("vmesh.toml", text, &|_| None);
        let spark = "[engine]\ntype = \"spark\"\nurl = \"sc://spark:15002\"\n";
        let config = read(&format!("{spark}\n[state]\nurl = \"env:STATE\"\n")).unwrap();
        assert_eq!(config.opening.on_server().unwrap(), "Spark at sc://spark:15002");
        assert!(config.opening.state.is_some() && !config.opening.has_file());
        let config = read(&format!("{spark}\n[state]\npath = \"state.duckdb\"\n")).unwrap();
        assert_eq!((config.warehouse.as_deref(), config.opening.has_file()), (Some("state.duckdb"), true));
        for (text, what) in [
            ("[engine]\ntype = \"spark\"\n", "where the server is stands nowhere"),
            (
                "[engine]\ntype = \"spark\"\nurl = \"sc://h/;token=x\"\n",
                "this tells a token to everyone who has the repository",
            ),
            (
                "[engine]\ntype = \"spark\"\nurl = \"sc://h\"\ntoken_command = \"gcloud auth print-access-token\"\n",
                "a command stands in no file that Git has: name a variable that has it",
            ),
            ("[engine]\ntoken_command = \"env:TOKEN\"\n", "a `token_command` is for Spark"),
            ("[state]\npath = \"x\"\n", "DuckDB keeps vmesh's records itself"),
            ("[engine]\ntype = \"flink\"\n", "unknown engine `flink`"),
        ] {
            assert_eq!(read(text).unwrap_err().what, what);
        }
    }
}
