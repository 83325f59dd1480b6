//! Statements around a model's query: a closed list of them, each of which writes only what the model itself makes.
//!
//! What goes to the engine is not the user's statement but one put together here: its beginning, with the name of what is
//! written, is ours; the user's are the expressions and queries in it. Those are checked as one SELECT, the *probe*, by
//! DuckDB's own parser ([`Probe::text`]): a text that is one SELECT there can be no other statement, nor two, here.

mod cursor;
mod read;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;

pub use read::RULE;
use serde::{Deserialize, Serialize};

pub(super) use self::read::{comment_on_view, read};
use super::super::engine_kind::EngineKind;
use super::super::name::{ModelName, TableName, quote};
use super::super::sql::{self, Query, Read, Span};

/// What `@this_model` is expanded to: no table is called so.
pub const THIS_MODEL: &str = "vmesh_this_model";

/// A statement that runs around a model's query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// Before or after the query.
    pub when: When,
    /// Where it stands in the file.
    pub span: Span,
    /// Its first words, for messages: `UPDATE`, `CREATE INDEX`.
    pub verb: String,
    /// What it writes.
    pub act: Act,
    /// Its text for the engine, in pieces.
    parts: Vec<Part>,
    /// What it reads and computes; none if it does neither.
    pub probe: Option<Probe>,
}

/// When a statement runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum When {
    /// Before each load.
    Before,
    /// After each load, before the audits.
    After,
}

/// What a statement writes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Act {
    /// A variable of the session.
    Set(String),
    /// A temporary thing, which it makes.
    Make(Thing, String),
    /// A temporary thing, which it drops.
    Drop(Thing, String),
    /// The rows, an index or a comment of a table that is there.
    Change(Target),
}

/// What kind of temporary thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Thing {
    /// A table.
    Table,
    /// A view.
    View,
    /// A macro, also called a function.
    Macro,
    /// A macro that gives rows.
    TableMacro,
}

/// A table as a statement names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Its dotted name, without quotes.
    pub parts: Vec<String>,
    /// Where the name stands in the file.
    pub span: Span,
}

/// A piece of the text that goes to the engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Part {
    /// Ours.
    Ours(String),
    /// A temporary thing's name.
    Temporary(String),
    /// The table that is written.
    Target,
    /// The name of an index: names of indexes are shared by all tables of a schema.
    Index(String),
    /// The user's, from the file.
    Source(Span),
}

/// A statement's expressions and queries as one SELECT.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// The SELECT.
    pub text: String,
    /// Which bytes of it come from where in the file.
    pieces: Vec<(Span, usize)>,
    /// What is known of it; spans count in its text.
    pub query: Query,
}

impl Thing {
    /// Its word in SQL.
    pub fn word(self) -> &'static str {
        match self {
            Self::Table => "TABLE",
            Self::View => "VIEW",
            Self::Macro => "MACRO",
            Self::TableMacro => "MACRO TABLE",
        }
    }
}

impl Target {
    /// Whether this is the model's own table.
    pub fn is_own(&self, model: &ModelName) -> bool {
        is_own(&self.parts, model)
    }

    /// The name of the temporary table that it would otherwise be.
    pub fn temporary(&self) -> Option<&str> {
        temporary(&self.parts)
    }
}

/// Whether a dotted name is that of the model's own table.
pub fn is_own(parts: &[String], model: &ModelName) -> bool {
    matches!(parts, [only] if only.eq_ignore_ascii_case(THIS_MODEL))
        || ModelName::from_parts(parts).is_some_and(|name| name == *model || name.in_main().as_ref() == Some(model))
}

/// The last part of a name that can be one of the session's temporary things.
pub fn temporary(parts: &[String]) -> Option<&str> {
    match parts {
        [name] => Some(name),
        [temp, name] if temp.eq_ignore_ascii_case("temp") => Some(name),
        [temp, main, name] if temp.eq_ignore_ascii_case("temp") && main.eq_ignore_ascii_case("main") => Some(name),
        _ => None,
    }
}

/// A temporary thing by its full name: a plain one would mean the warehouse's table of that name, were there no other.
fn in_temp(engine: EngineKind, name: &str) -> String {
    match engine {
        EngineKind::DuckDb => format!("temp.main.{}", quote(name)),
        EngineKind::Postgres => format!("pg_temp.{}", quote(name)),
        EngineKind::Spark => quote(name),
    }
}

/// The words that a statement begins with, as the engine takes them: it is made in a session that has nothing of the name.
fn said(engine: EngineKind, text: &str) -> String {
    let begins = |word: &str| text.starts_with(word) && !text.contains("IF NOT EXISTS");
    match engine {
        EngineKind::DuckDb | EngineKind::Spark => text.to_owned(),
        EngineKind::Postgres if begins("CREATE OR REPLACE TEMP TABLE") => text.replacen("OR REPLACE ", "", 1),
        // a table that is filled again still has it
        EngineKind::Postgres if begins("CREATE INDEX ") || begins("CREATE UNIQUE INDEX ") => {
            text.replacen("INDEX ", "INDEX IF NOT EXISTS ", 1)
        }
        EngineKind::Postgres => text.to_owned(),
    }
}

impl Statement {
    /// The statement for the engine, and the query of what it makes. `file` is the text that it was read from, `own` the
    /// model's table, `replace` what stands in the place of a table that it reads.
    pub fn sql(
        &self,
        file: &str,
        model: &ModelName,
        own: &TableName,
        engine: EngineKind,
        replace: &dyn Fn(&Read) -> Option<String>,
    ) -> (String, Option<String>) {
        let edits = self.probe.as_ref().map_or_else(Vec::new, |probe| {
            let edits = sql::edits(&probe.query, replace).into_iter();
            edits.filter_map(|(span, text)| Some((probe.place(&span)?, text))).collect()
        });
        let target = match &self.act {
            Act::Change(target) if target.is_own(model) => own.quoted(),
            Act::Change(target) => in_temp(engine, target.temporary().unwrap_or_default()),
            Act::Set(name) | Act::Make(_, name) | Act::Drop(_, name) => in_temp(engine, name),
        };
        let part = |part: &Part| match part {
            Part::Ours(text) => said(engine, text),
            Part::Temporary(name) => in_temp(engine, name),
            Part::Target => target.clone(),
            Part::Index(name) => quote(&own.index(name)),
            Part::Source(span) => {
                let inside = edits.iter().filter(|(at, _)| span.start <= at.start && at.end <= span.end);
                let inside = inside.map(|(at, text)| (at.start - span.start..at.end - span.start, text.clone()));
                sql::apply(file.get(span.clone()).unwrap_or_default(), inside.collect())
            }
        };
        let query = matches!(self.act, Act::Make(Thing::Table | Thing::View, _)).then(|| {
            let is_query = |it: &&Part| matches!(it, Part::Source(_));
            self.parts.iter().filter(is_query).map(part).collect()
        });
        (self.parts.iter().map(part).collect(), query)
    }

    /// The statement that takes back what it made in its session; none if that was nothing.
    pub fn undo(&self, engine: EngineKind) -> Option<String> {
        match &self.act {
            Act::Set(name) => Some(format!("RESET VARIABLE {}", quote(name))),
            Act::Make(thing, name) => Some(format!("DROP {} IF EXISTS {}", thing.word(), in_temp(engine, name))),
            Act::Drop(..) | Act::Change(_) => None,
        }
    }

    /// What of it an engine doesn't have, and what to write instead.
    pub fn foreign(&self, engine: EngineKind) -> Option<(&'static str, &'static str)> {
        match (&self.act, engine) {
            (_, EngineKind::Spark) => Some((
                "statements around a query can't be used on Spark yet",
                "write it into the query: WITH in place of a temporary table",
            )),
            (Act::Set(_), EngineKind::Postgres) => Some((
                "PostgreSQL has no variables of a session",
                "say the value in the query, or make a temporary table",
            )),
            (Act::Make(Thing::Macro | Thing::TableMacro, _), EngineKind::Postgres) => {
                Some(("PostgreSQL has no temporary macros", "write it out, or use a macro of vmesh's: macros/*.sql"))
            }
            _ => None,
        }
    }

    /// A hash over what it says: comments and layout don't count.
    pub fn meaning(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        let mut put = |bytes: &[u8]| {
            hasher.update(&(bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        };
        put(format!("{:?}", self.when).as_bytes());
        if let Act::Change(target) = &self.act {
            put(target.parts.join(".").to_lowercase().as_bytes());
        }
        for part in &self.parts {
            match part {
                Part::Ours(text) | Part::Temporary(text) | Part::Index(text) => put(text.as_bytes()),
                Part::Target => put(b"target"),
                Part::Source(_) => put(b"source"),
            }
        }
        if let Some(probe) = &self.probe {
            put(&probe.query.canonical);
        }
        *hasher.finalize().as_bytes()
    }

    /// The tables that it reads, each with its place in the file.
    pub fn reads(&self) -> impl Iterator<Item = (&Read, Option<Span>)> {
        self.probe
            .iter()
            .flat_map(|probe| probe.query.reads.iter().flatten().map(|read| (read, probe.place(&read.span))))
    }
}

impl Probe {
    /// Where some bytes of its text stand in the file; none for those that are ours.
    pub fn place(&self, span: &Span) -> Option<Span> {
        self.pieces.iter().find_map(|(piece, start)| {
            let inside = piece.start <= span.start && span.end <= piece.end;
            inside.then(|| start + span.start - piece.start..start + span.end - piece.start)
        })
    }
}
