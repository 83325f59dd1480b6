//! Names: of branches, environments, models and the tables and schemas that hold them. Parsed once, trusted after.
//!
//! Everything here is a pure function without a look-up, and injective: two branches never share an environment, two
//! (environment, model schema) pairs never share a warehouse schema, two snapshots never share a table. Warehouse
//! names use `[a-z0-9_]` only, because DuckDB compares names without case (even quoted) and other engines allow less.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The longest identifier any supported engine keeps whole (Postgres: 63 bytes).
const IDENTIFIER_BYTES: usize = 63;
/// The longest readable form of a branch; longer ones are shortened and hashed.
const SLUG_BYTES: usize = 40;
/// The schema of the physical layer.
pub const SNAPSHOTS_SCHEMA: &str = "vmesh_snapshots";
/// The schema of vmesh's own records.
pub const STATE_SCHEMA: &str = "vmesh_state";
/// The schema of rows that audits found wrong.
pub const AUDITS_SCHEMA: &str = "vmesh_audits";
/// The environment that main drives.
pub const PROD: &str = "prod";
/// Schema-less models of an environment whose name has several segments live in `<env>__main`; see [`EnvName::schema`].
const DEFAULT_SCHEMA: &str = "main";

/// A branch as Git spells it, without `refs/heads/`.
///
/// Git's names are bytes. Bytes that are no UTF-8 are kept as `\xNN`; Git refuses the backslash in names, so nothing is
/// ambiguous and nothing is lost.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BranchName(String);

impl BranchName {
    /// The branch of the given bytes (no `refs/heads/` in front).
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let mut out = String::new();
        for chunk in bytes.utf8_chunks() {
            out.push_str(chunk.valid());
            for byte in chunk.invalid() {
                out.push_str(&format!("\\x{byte:02x}"));
            }
        }
        Self(out)
    }

    /// The name as text; for odd names, an escaped one.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as Git has it.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.0.len());
        let mut rest = self.0.as_str();
        while let Some(at) = rest.find("\\x") {
            let (before, escape) = rest.split_at(at);
            out.extend_from_slice(before.as_bytes());
            match escape.get(2..4).and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
                Some(byte) => {
                    out.push(byte);
                    rest = &escape[4..];
                }
                None => {
                    out.extend_from_slice(b"\\x");
                    rest = &escape[2..];
                }
            }
        }
        out.extend_from_slice(rest.as_bytes());
        out
    }
}

impl From<&str> for BranchName {
    fn from(name: &str) -> Self {
        Self::from_bytes(name.as_bytes())
    }
}

impl fmt::Display for BranchName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How an environment and a model's schema make the name of a warehouse schema (`[environments] schema`).
///
/// Only these two are offered because for these two the result can be shown to be injective.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum SchemaPattern {
    /// `{env}__{schema}`: `dev__alice__analytics`.
    #[default]
    #[serde(rename = "{env}__{schema}")]
    EnvFirst,
    /// `{schema}__{env}`: `analytics__dev__alice`, as SQLMesh has it.
    #[serde(rename = "{schema}__{env}")]
    SchemaFirst,
}

/// An environment: `prod`, `dev__<branch>`, or a name given by a rule of `vmesh.toml`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EnvName(String);

impl EnvName {
    /// The environment of main.
    pub fn prod() -> Self {
        Self(PROD.to_owned())
    }

    /// The development environment of a branch: total and injective (see the table in the tests).
    ///
    /// *Plain* names keep their words, with `-` → `_`, `/` → `__` and `_` → `___`. Every other name gets what is
    /// readable of it, `_x` and 12 hex digits of its hash; a plain name that looks hashed is itself hashed.
    pub fn for_branch(branch: &BranchName) -> Self {
        let bytes = branch.to_bytes();
        let slug = plain_slug(&bytes).unwrap_or_else(|| hashed(&readable(&bytes), "branch", &bytes, SLUG_BYTES));
        Self(format!("dev__{slug}"))
    }

    /// An environment named by the user (`[environments.branches]`), or `None` if the name is not `[a-z][a-z0-9]*` words
    /// joined by single `_`, or is taken by vmesh.
    pub fn named(name: &str) -> Option<Self> {
        let reserved = ["dev", "main", "information_schema", "pg_catalog", "temp", "system", PROD];
        let taken = reserved.contains(&name) || name.starts_with("vmesh") || looks_hashed(name);
        let starts = name.starts_with(|c: char| c.is_ascii_lowercase());
        (starts && is_words(name) && !taken && name.len() <= SLUG_BYTES).then(|| Self(name.to_owned()))
    }

    /// An environment as read back from vmesh's records.
    pub fn from_record(name: String) -> Self {
        Self(name)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the environment of main.
    pub fn is_prod(&self) -> bool {
        self.0 == PROD
    }

    /// The warehouse schema in which the environment shows its models of `model_schema`.
    ///
    /// In prod that is the model's own schema, and `prod` for models without one. Elsewhere the pattern decides. With
    /// `{env}__{schema}` a name of several segments could be read in two ways (`alice` + `analytics`, or the branch
    /// `alice/analytics`), so an environment of several segments shows its schema-less models in `…__main`. What is
    /// not made of plain words, or is too long, is shortened and hashed.
    pub fn schema(&self, model_schema: Option<&str>, pattern: SchemaPattern) -> String {
        if self.is_prod() {
            return model_schema.unwrap_or(PROD).to_owned();
        }
        let several = has_segments(self.0.strip_prefix("dev__").unwrap_or(&self.0));
        let ambiguous = several && pattern == SchemaPattern::EnvFirst;
        let plain = match model_schema {
            None if ambiguous => Some(format!("{}__{DEFAULT_SCHEMA}", self.0)),
            None => Some(self.0.clone()),
            Some(schema) => {
                let usable = is_words(schema) && !looks_hashed(schema) && !(ambiguous && schema == DEFAULT_SCHEMA);
                match pattern {
                    SchemaPattern::EnvFirst => usable.then(|| format!("{}__{schema}", self.0)),
                    SchemaPattern::SchemaFirst => (usable && schema != "dev").then(|| format!("{schema}__{}", self.0)),
                }
            }
        };
        plain.filter(|name| name.len() <= IDENTIFIER_BYTES).unwrap_or_else(|| {
            let schema = model_schema.unwrap_or("");
            let key = format!("{}\0{}\0{schema}", self.0, model_schema.is_some());
            let text = format!("{}_{}", self.0.replace("__", "_"), readable(schema.as_bytes()));
            // `dev__` in front keeps it away from the schemas of models; one segment behind it, away from plain names
            let tail = readable(text.trim_start_matches("dev_").as_bytes());
            format!("dev__{}", hashed(&tail, "schema", key.as_bytes(), IDENTIFIER_BYTES - 5))
        })
    }
}

impl fmt::Display for EnvName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a model may not have the schema it asks for: its prod schema would be one that vmesh keeps for itself or that
/// shows another environment. `None` when it may.
pub fn reserved_schema(schema: &str, named: &[EnvName]) -> Option<&'static str> {
    let environments = |name: &str| named.iter().any(|env| env.as_str() == name);
    let first = schema.split("__").next().unwrap_or(schema);
    let last = schema.rsplit("__").next().unwrap_or(schema);
    if schema == SNAPSHOTS_SCHEMA || schema == STATE_SCHEMA || schema.starts_with("vmesh_") {
        Some("schemas that begin with `vmesh_` belong to vmesh")
    } else if schema == PROD {
        Some("`prod` is the schema of prod's models that have no schema")
    } else if schema.starts_with("dev__") || schema.contains("__dev__") {
        Some("schemas with `dev__` in them belong to the environments of branches")
    } else if environments(first) || environments(last) {
        Some("an environment of that name is configured in vmesh.toml")
    } else if matches!(schema, "information_schema" | "pg_catalog" | "temp" | "system") {
        Some("the engine keeps it for itself")
    } else {
        None
    }
}

/// A model's name: `customers` or `analytics.customers`. Compared, stored and shown in lower case, as DuckDB compares.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModelName {
    schema: Option<String>,
    name: String,
}

impl ModelName {
    /// All its parts quoted, ready for SQL.
    pub fn quoted(&self) -> String {
        self.schema.iter().chain([&self.name]).map(|part| quote(part)).collect::<Vec<_>>().join(".")
    }

    /// The model of one or two name parts; `None` for any other number of parts, an empty part, or one with a dot.
    pub fn from_parts<S: AsRef<str>>(parts: &[S]) -> Option<Self> {
        let lower = |part: &S| part.as_ref().to_ascii_lowercase();
        // a dot inside of a part could not be told from the dot between two parts
        if parts.iter().any(|part| part.as_ref().is_empty() || part.as_ref().contains('.')) {
            return None;
        }
        match parts {
            [name] => Some(Self { schema: None, name: lower(name) }),
            [schema, name] => Some(Self { schema: Some(lower(schema)), name: lower(name) }),
            _ => None,
        }
    }

    /// A name typed by a person or read from a record: split at the first dot.
    pub fn parse(text: &str) -> Option<Self> {
        Self::from_parts(&text.splitn(2, '.').collect::<Vec<_>>())
    }

    /// A name without a schema, as DuckDB completes it: in its default schema, `main`.
    pub fn in_main(&self) -> Option<Self> {
        let name = self.name.clone();
        self.schema.is_none().then(|| Self { schema: Some("main".to_owned()), name })
    }

    /// Its parts, as a text would have them.
    pub fn parts(&self) -> Vec<String> {
        self.schema.iter().chain([&self.name]).cloned().collect()
    }

    /// The schema, if the name has one.
    pub fn schema(&self) -> Option<&str> {
        self.schema.as_deref()
    }

    /// The last part: the name of the views that show the model.
    pub fn last(&self) -> &str {
        &self.name
    }

    /// The model's place in an environment.
    pub fn view(&self, env: &EnvName, pattern: SchemaPattern) -> TableName {
        TableName { schema: env.schema(self.schema(), pattern), name: self.name.clone() }
    }
}

impl fmt::Display for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.parts().join("."))
    }
}

impl Serialize for ModelName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ModelName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom(format!("`{text}` is no model name")))
    }
}

/// A table or view in the warehouse.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TableName {
    /// The schema, as the engine has it.
    pub schema: String,
    /// The table or view.
    pub name: String,
}

impl TableName {
    /// The table of one snapshot: `vmesh_snapshots.<schema>__<model>__<12 hex>`, shortened where it would be too long
    /// (the fingerprint keeps it unique).
    pub fn snapshot(model: &ModelName, fingerprint_hex: &str) -> Self {
        let words = match model.schema() {
            Some(schema) => format!("{}__{}", word(schema), word(model.last())),
            None => word(model.last()),
        };
        let room = IDENTIFIER_BYTES - 14;
        let words: String = words.chars().take(room).collect();
        let hex = &fingerprint_hex[..12.min(fingerprint_hex.len())];
        Self { schema: SNAPSHOTS_SCHEMA.to_owned(), name: format!("{words}__{hex}") }
    }

    /// What an index of this table is called: indexes of all tables share theirs.
    pub fn index(&self, name: &str) -> String {
        let full = format!("{}__{name}", self.name);
        if full.len() <= IDENTIFIER_BYTES {
            return full;
        }
        let words = readable(full.as_bytes());
        hashed(&words, "index", full.as_bytes(), IDENTIFIER_BYTES)
    }

    /// The table of this name in the physical layer.
    pub fn physical(name: String) -> Self {
        Self { schema: SNAPSHOTS_SCHEMA.to_owned(), name }
    }

    /// Where the rows are kept that an audit found wrong in a model's build for an environment. Its words need no quotes.
    pub fn wrong_rows(environment: &EnvName, model: &ModelName) -> Self {
        let key = format!("{environment}\0{model}");
        let words = readable(format!("{environment}_{model}").as_bytes());
        Self { schema: AUDITS_SCHEMA.to_owned(), name: hashed(&words, "rows", key.as_bytes(), IDENTIFIER_BYTES) }
    }

    /// Both parts quoted, ready for SQL.
    pub fn quoted(&self) -> String {
        format!("{}.{}", quote(&self.schema), quote(&self.name))
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.schema, self.name)
    }
}

/// An identifier, quoted for SQL.
pub fn quote(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

/// A string, quoted for SQL.
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The plain form of a branch name, if it has one.
fn plain_slug(branch: &[u8]) -> Option<String> {
    const RESERVED: [&str; 8] = ["prod", "production", "main", "master", "head", "temp", "system", "vmesh"];
    let mut out = String::new();
    let mut word = false;
    for &byte in branch {
        let separator = match byte {
            b'a'..=b'z' | b'0'..=b'9' => {
                out.push(byte as char);
                word = true;
                continue;
            }
            b'-' => "_",
            b'/' => "__",
            b'_' => "___",
            _ => return None,
        };
        if !std::mem::take(&mut word) {
            return None;
        }
        out.push_str(separator);
    }
    (word && out.len() <= SLUG_BYTES && !looks_hashed(&out) && !RESERVED.contains(&out.as_str())).then_some(out)
}

/// `<what fits of text>_x<12 hex of the hash of key>`, at most `room` bytes.
fn hashed(text: &str, empty: &str, key: &[u8], room: usize) -> String {
    let text: String = text.chars().take(room - 14).collect();
    let text = text.trim_matches('_');
    let hex = blake3::hash(key).to_hex();
    format!("{}_x{}", if text.is_empty() { empty } else { text }, &hex[..12])
}

/// Whether a name has a `__` that stands for a slash: one underscore stands for a hyphen, three for an underscore.
fn has_segments(name: &str) -> bool {
    let runs = name.split(|c: char| c != '_').map(str::len);
    runs.into_iter().any(|run| run == 2)
}

/// Whether a name ends as the hashed forms do.
fn looks_hashed(name: &str) -> bool {
    name.len() >= 14
        && name.as_bytes()[name.len() - 14..].starts_with(b"_x")
        && name.bytes().rev().take(12).all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'))
}

/// Lower-case words joined by single underscores.
fn is_words(name: &str) -> bool {
    name.split('_').all(|word| !word.is_empty() && word.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()))
}

/// What can be read of a name: its letters and digits in lower case, everything else one underscore.
fn readable(bytes: &[u8]) -> String {
    let mut out = String::new();
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() {
            out.push(byte.to_ascii_lowercase() as char);
        } else if !out.is_empty() && !out.ends_with('_') {
            out.push('_');
        }
    }
    out.trim_end_matches('_').to_owned()
}

/// One part of a snapshot's table name.
fn word(part: &str) -> String {
    let word = readable(part.as_bytes());
    if word.is_empty() { "model".to_owned() } else { word }
}

#[cfg(test)]
mod tests;
