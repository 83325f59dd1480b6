//! `config.yaml` of a SQLMesh project: what it says, as vmesh's own settings. What has no meaning here and changes nothing
//! is passed over, what would change something is noted or refused.

use super::super::diagnostic::{Problem, nearest};
use super::super::macros::Variables;
use super::super::model::Defaults;
use super::super::name::{BranchName, SchemaPattern};
use super::super::pattern;
use super::super::sql::Span;
use super::super::yaml::{self, Kind, Node, Value, scalar};
use super::blanks::Blanks;
use super::toml_file::{ROLLBACK, seconds};
use super::{Config, EnvText, Hooks, Limits, Opening, Outside, Statement, values};

/// Keys that are read.
const READ: [&str; 19] = [
    "gateways",
    "default_gateway",
    "default_connection",
    "model_defaults",
    "variables",
    "environment_ttl",
    "environment_suffix_target",
    "pinned_environments",
    "ignore_patterns",
    "time_column_format",
    "virtual_environment_mode",
    "gateway_managed_virtual_layer",
    "plan",
    "loader",
    "cicd_bot",
    "users",
    "linter",
    "before_all",
    "after_all",
];
/// Keys that change nothing here.
const SILENT: [&str; 19] = [
    "project",
    "snapshot_ttl",
    "username",
    "loader_kwargs",
    "infer_python_dependencies",
    "physical_table_naming_convention",
    "log_limit",
    "run",
    "format",
    "ui",
    "model_naming",
    "migration",
    "disable_anonymized_analytics",
    "janitor",
    "cache_dir",
    "default_test_connection",
    "default_scheduler",
    "test_connection",
    "format_options",
];
/// A gateway has it too.
const STATE: (&str, &str) = ("state_connection", "records are in the warehouse, in the schema `vmesh_state`");
/// Keys that are accepted, and what is said about them.
const NOTED: [(&str, &str); 6] = [
    ("default_target_environment", "an environment is named after its branch"),
    STATE,
    ("physical_schema_mapping", "all tables lie in the schema `vmesh_snapshots`"),
    ("notification_targets", "nobody is notified"),
    ("env_vars", "environment variables are those of the shell"),
    ("concurrent_tasks", "the engine decides how much it does at a time"),
];
/// Keys that are refused, and why.
const REFUSED: [(&str, &str); 3] = [
    ("environment_catalog_mapping", "all environments are in one database"),
    ("dbt", "projects of dbt are not read"),
    ("custom_materializations", "materializations in Python are not supported"),
];
/// Keys of a gateway.
const OF_GATEWAY: [&str; 7] =
    ["connection", "state_connection", "test_connection", "scheduler", "state_schema", "variables", "model_defaults"];
/// Keys of a connection that change nothing here.
const SILENT_OF_CONNECTION: [&str; 7] = [
    "concurrent_tasks",
    "register_comments",
    "pre_ping",
    "pretty_sql",
    "schema_differ_overrides",
    "catalog_type_overrides",
    "display_name",
];
/// Environments that nobody used for so long may be collected, if nothing else is said.
const TTL: &str = "in 1 week";

pub(super) type Found<T> = Result<T, Problem>;

/// Reads the text of a `config.yaml`. `environment` gives the value of an environment variable.
pub(super) fn read(text: &str, environment: &dyn Fn(&str) -> Option<String>) -> Found<Config> {
    let (blanked, blanks) = Blanks::of(text)?;
    let Some(root) = yaml::load(&blanked)? else {
        return Err(problem("the file is empty", 0..0).help("give it a connection, or delete it and say: vmesh init"));
    };
    read_tree(text, (&root, blanks), environment)
}

/// Reads what a tree of a text says.
pub(super) fn read_tree(
    text: &str,
    (root, blanks): (&Node, Blanks),
    environment: &dyn Fn(&str) -> Option<String>,
) -> Found<Config> {
    let (opening, outside) = (Opening::default(), Outside::default());
    Reader { text, blanks, environment, notes: Vec::new(), opening, outside }.config(root)
}

pub(super) struct Reader<'a> {
    text: &'a str,
    blanks: Blanks,
    environment: &'a dyn Fn(&str) -> Option<String>,
    notes: Vec<String>,
    pub(super) opening: Opening,
    pub(super) outside: Outside,
}

impl Reader<'_> {
    fn config(mut self, root: &Node) -> Found<Config> {
        self.known(root)?;
        let gateway = self.gateway(root)?;
        let mut variables = Variables::default();
        let mut defaults = Vec::new();
        for level in [Some(root), gateway.node].into_iter().flatten() {
            if let Some(node) = get(level, "variables") {
                self.variables(node, &mut variables)?;
            }
            if let Some(node) = get(level, "model_defaults") {
                for (key, value) in map(node, "model_defaults")? {
                    let key = self.string(key)?.to_lowercase();
                    defaults.retain(|(other, _)| *other != key);
                    defaults.push((key, value));
                }
            }
        }
        let (main, main_is_said) = self.main(root)?;
        let ttl = match get(root, "environment_ttl") {
            Some(node) => (self.string(node)?, node.span.clone()),
            None => (TTL.to_owned(), 0..0),
        };
        Ok(Config {
            main,
            main_is_said,
            models: "models".to_owned(),
            gateway: Some(gateway.name).filter(|name| !name.is_empty()),
            warehouse: Some(gateway.database),
            pattern: self.pattern(root)?,
            ttl_seconds: seconds(ttl.0.trim().trim_start_matches("in "))
                .ok_or_else(|| problem("this is no length of time", ttl.1).help("for example: in 1 week"))?,
            rollback_seconds: seconds(ROLLBACK).unwrap_or_default(),
            rules: Vec::new(),
            hooks: Hooks::default(),
            cutoff: true,
            variables,
            linter: self.linter(root)?,
            limits: Limits::default(),
            outside: self.outside(root)?,
            opening: std::mem::take(&mut self.opening),
            unsupported: self.on_unsupported(root)?,
            defaults: self.defaults(&defaults)?,
            ignored: self.ignored(root)?,
            pinned: self.strings(root, "pinned_environments")?,
            before_all: self.statements(root, "before_all")?,
            after_all: self.statements(root, "after_all")?,
            notes: self.checked(root)?,
        })
    }

    /// Every key is known.
    fn known(&mut self, root: &Node) -> Found<()> {
        for (key, value) in map(root, "the file")? {
            let name = self.string(key)?;
            if let Some((_, why)) = REFUSED.iter().find(|(refused, _)| *refused == name) {
                if !is_nothing(value) {
                    return Err(problem(format!("`{name}` can't be honoured: {why}"), key.span.clone()));
                }
            } else if let Some((_, why)) = NOTED.iter().find(|(noted, _)| *noted == name) {
                if !is_nothing(value) {
                    self.notes.push(format!("`{name}` has no effect: {why}"));
                }
            } else if !READ.contains(&name.as_str()) && !SILENT.contains(&name.as_str()) {
                let all =
                    READ.into_iter().chain(SILENT).chain(NOTED.map(|(key, _)| key)).chain(REFUSED.map(|(key, _)| key));
                return Err(unknown(&name, key, all));
            }
        }
        Ok(())
    }

    /// The gateway that counts: the default one, or the first.
    fn gateway<'n>(&mut self, root: &'n Node) -> Found<Gateway<'n>> {
        let wanted = match get(root, "default_gateway") {
            Some(node) => Some((self.string(node)?, node)),
            None => None,
        };
        let gateways = get(root, "gateways").map(|node| map(node, "gateways")).transpose()?.unwrap_or_default();
        let mut named = Vec::new();
        for (key, node) in gateways {
            for (key, _) in map(node, "a gateway")? {
                let name = self.string(key)?;
                if !OF_GATEWAY.contains(&name.as_str()) {
                    return Err(unknown(&name, key, OF_GATEWAY.into_iter()));
                }
                if name == STATE.0 {
                    self.notes.push(format!("`{}` has no effect: {}", STATE.0, STATE.1));
                }
            }
            named.push((self.string(key)?, node));
        }
        let found = match &wanted {
            None => named.first(),
            Some((wanted, at)) => {
                let found = named.iter().find(|(name, _)| name == wanted);
                if found.is_none() && !named.is_empty() {
                    let names: Vec<&str> = named.iter().map(|(name, _)| name.as_str()).collect();
                    let what = format!("there is no gateway `{wanted}`");
                    return Err(problem(what, at.span.clone()).help(format!("gateways are: {}", names.join(", "))));
                }
                found
            }
        };
        let node = found.map(|(_, node)| *node);
        let connection = node.and_then(|node| get(node, "connection")).or_else(|| get(root, "default_connection"));
        let Some(connection) = connection else {
            let at = node.map_or(0..0, |node| node.span.start..node.span.start);
            let help = "connection:\n  type: duckdb\n  database: warehouse.duckdb";
            return Err(problem("no connection says which warehouse is meant", at).help(help));
        };
        Ok(Gateway {
            name: found.map(|(name, _)| name.clone()).unwrap_or_default(),
            node,
            database: self.database(connection)?,
        })
    }

    /// The file of a connection.
    fn database(&mut self, connection: &Node) -> Found<String> {
        let entries = map(connection, "a connection")?;
        let start = connection.span.start..connection.span.start;
        let Some(engine) = get(connection, "type") else {
            return Err(problem("the connection has no `type`", start).help("type: duckdb"));
        };
        if self.string(engine)? != "duckdb" {
            let what = "only connections of type `duckdb` are supported yet";
            return Err(problem(what, engine.span.clone()).help("type: duckdb"));
        }
        let mut database = None;
        for (key, value) in entries {
            let name = self.string(key)?;
            match name.as_str() {
                "type" => {}
                "database" => database = Some((self.string(value)?, value.span.clone())),
                "catalogs" => database = Some((self.catalogs(value)?, value.span.clone())),
                "extensions" => self.extensions(key, value)?,
                "connector_config" => self.connector_config(value)?,
                "secrets" => self.secrets(value)?,
                "filesystems" | "token" => {
                    if !is_nothing(value) {
                        let what = format!("`{name}` of a connection can't be honoured");
                        return Err(
                            problem(what, key.span.clone()).help("secrets: [{type: s3, provider: credential_chain}]")
                        );
                    }
                }
                known if SILENT_OF_CONNECTION.contains(&known) => {}
                _ => {
                    let known = ["type", "database", "catalogs", "extensions", "connector_config", "secrets"];
                    return Err(unknown(&name, key, known.into_iter().chain(SILENT_OF_CONNECTION)));
                }
            }
        }
        match database {
            Some((path, _)) if !path.is_empty() && !path.starts_with(":memory:") => Ok(path),
            other => {
                let at = other.map_or(start, |(_, span)| span);
                let problem = problem("a database in memory is gone when the command ends", at);
                Err(problem.help("database: warehouse.duckdb"))
            }
        }
    }

    fn variables(&self, node: &Node, variables: &mut Variables) -> Found<()> {
        for (key, value) in map(node, "variables")? {
            let name = self.string(key)?;
            let known = values::variable(&self.value(value)?).ok_or_else(|| {
                problem(format!("`{name}` can't be a variable: its number is too large"), value.span.clone())
            })?;
            variables.set(&name, known);
        }
        Ok(())
    }

    fn defaults(&self, given: &[(String, &Node)]) -> Found<Defaults> {
        let mut defaults = Defaults::default();
        if !given.iter().any(|(key, _)| key == "kind") {
            defaults.add("kind", "VIEW", &(0..0))?;
        }
        for (key, node) in given {
            match key.as_str() {
                // batches run one after the other
                "batch_concurrency" => continue,
                "on_destructive_change" if self.string(node)?.eq_ignore_ascii_case("error") => continue,
                "on_additive_change" if self.string(node)?.eq_ignore_ascii_case("allow") => continue,
                "on_destructive_change" | "on_additive_change" => {
                    let problem = problem(format!("`{key}` can't be a default"), node.span.clone());
                    return Err(problem.help("say it in the models' kinds"));
                }
                _ => {}
            }
            if let Some(value) = values::property(key, &self.value(node)?) {
                defaults.add(key, &value, &node.span)?;
            }
        }
        Ok(defaults)
    }

    fn pattern(&self, root: &Node) -> Found<SchemaPattern> {
        let Some(node) = get(root, "environment_suffix_target") else { return Ok(SchemaPattern::SchemaFirst) };
        match self.string(node)?.to_ascii_lowercase().as_str() {
            "schema" => Ok(SchemaPattern::SchemaFirst),
            "table" | "catalog" => {
                let what = "environments are told apart by their schemas";
                Err(problem(what, node.span.clone()).help("environment_suffix_target: schema"))
            }
            _ => Err(problem("expected `schema`", node.span.clone())),
        }
    }

    fn ignored(&self, root: &Node) -> Found<pattern::Patterns> {
        let mut ignored = Vec::new();
        for (pattern, span) in self.list(root, "ignore_patterns")? {
            pattern::paths([pattern.as_str()]).map_err(|error| problem(error, span))?;
            // as in SQLMesh, a pattern may begin at any folder
            ignored.extend([format!("**/{pattern}"), pattern]);
        }
        pattern::paths(ignored.iter().map(String::as_str)).map_err(|error| problem(error, 0..0))
    }

    /// The branch that drives prod, as far as the file says.
    fn main(&self, root: &Node) -> Found<(BranchName, bool)> {
        let said = get(root, "cicd_bot").and_then(|bot| get(bot, "main_branch_name"));
        Ok(match said {
            Some(node) => (BranchName::from(self.string(node)?.as_str()), true),
            None => (BranchName::from("main"), false),
        })
    }

    /// What is only accepted with one value, and the notes.
    fn checked(self, root: &Node) -> Found<Vec<String>> {
        let only = [
            ("time_column_format", "%Y-%m-%d", "say it in the models: time_column (ds, '%Y%m%d')"),
            ("virtual_environment_mode", "full", "every environment is virtual"),
            ("gateway_managed_virtual_layer", "false", "there is one engine"),
            ("loader", "sqlmesh.core.loader.SqlMeshLoader", "only projects in SQL are read"),
        ];
        for (key, value, help) in only {
            if let Some(node) = get(root, key)
                && !is_nothing(node)
                && !self.string(node)?.eq_ignore_ascii_case(value)
            {
                return Err(problem(format!("`{key}` can't be honoured"), node.span.clone()).help(help));
            }
        }
        if let Some(node) = get(root, "plan").and_then(|plan| get(plan, "forward_only"))
            && !matches!(self.value(node)?, Value::Bool(false) | Value::Null)
        {
            let help = "say it in the models: kind INCREMENTAL_BY_TIME_RANGE (time_column ds, forward_only true)";
            return Err(problem("plans that are forward-only are not supported", node.span.clone()).help(help));
        }
        Ok(self.notes)
    }

    fn strings(&self, root: &Node, key: &str) -> Found<Vec<String>> {
        Ok(self.list(root, key)?.into_iter().map(|(text, _)| text).collect())
    }

    fn statements(&self, root: &Node, key: &str) -> Found<Vec<Statement>> {
        Ok(self.list(root, key)?.into_iter().map(|(text, span)| Statement { text, span }).collect())
    }

    pub(super) fn list(&self, root: &Node, key: &str) -> Found<Vec<(String, Span)>> {
        let Some(node) = get(root, key).filter(|node| !is_nothing(node)) else { return Ok(Vec::new()) };
        let Kind::List(items) = &node.kind else {
            return Err(problem(format!("`{key}` is a list"), node.span.clone()));
        };
        items.iter().map(|item| Ok((self.string(item)?, item.span.clone()))).collect()
    }

    /// A leaf's text, with what it takes from the environment.
    pub(super) fn string(&self, node: &Node) -> Found<String> {
        let text = node.text().ok_or_else(|| problem("expected a string", node.span.clone()))?;
        self.blanks.fill(text, self.environment, &node.span)
    }

    /// A leaf's text, which takes what it does from the environment only when it is used.
    pub(super) fn env_text(&self, node: &Node) -> Found<EnvText> {
        let text = node.text().ok_or_else(|| problem("expected a string", node.span.clone()))?;
        self.blanks.parts(text, &node.span).map(EnvText::of_parts)
    }

    /// A value, with what it takes from the environment.
    fn value(&self, node: &Node) -> Found<Value> {
        Ok(match &node.kind {
            Kind::List(items) => Value::List(items.iter().map(|item| self.value(item)).collect::<Found<_>>()?),
            Kind::Map(entries) => {
                let pair = |(key, value): &(Node, Node)| Ok((self.value(key)?, self.value(value)?));
                Value::Map(entries.iter().map(pair).collect::<Found<_>>()?)
            }
            Kind::Leaf(value, text) if self.blanks.is_plain(text) => value.clone(),
            Kind::Leaf(_, text) => {
                let filled = self.blanks.fill(text, self.environment, &node.span)?;
                let is_quoted = self.text[node.span.start..].starts_with(['"', '\'', '|', '>']);
                if is_quoted { Value::Text(filled) } else { scalar::plain(&filled) }
            }
        })
    }
}

struct Gateway<'n> {
    /// Empty where there is none.
    name: String,
    node: Option<&'n Node>,
    database: String,
}

pub(super) fn get<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    let entries = node.map()?;
    entries.iter().find(|(name, _)| name.text() == Some(key)).map(|(_, value)| value)
}

pub(super) fn map<'n>(node: &'n Node, what: &str) -> Found<&'n [(Node, Node)]> {
    if node.is_null() {
        return Ok(&[]);
    }
    node.map().ok_or_else(|| problem(format!("expected keys and values: {what}"), node.span.clone()))
}

pub(super) fn is_nothing(node: &Node) -> bool {
    match &node.kind {
        Kind::Leaf(value, _) => *value == Value::Null,
        Kind::List(items) => items.is_empty(),
        Kind::Map(entries) => entries.is_empty(),
    }
}

pub(super) fn unknown<'a>(name: &str, key: &Node, known: impl Iterator<Item = &'a str>) -> Problem {
    let problem = problem(format!("unknown key `{name}`"), key.span.clone());
    match nearest(name, known) {
        Some(near) => problem.help(format!("did you mean `{near}`?")),
        None => problem.help("keys are those of SQLMesh's configuration"),
    }
}

pub(super) fn problem(what: impl Into<String>, span: Span) -> Problem {
    Problem { what: what.into(), span, help: None }
}
