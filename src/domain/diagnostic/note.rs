//! What helps to understand a problem: facts of ours, and what the engine or Git said of it.

use std::fmt;

/// What is told below a problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// A fact.
    Fact(String),
    /// What somebody else said.
    Cause(Cause),
}

/// Why it failed, in the words of whom it failed for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// Who said it.
    pub speaker: Speaker,
    /// What was said.
    pub text: String,
}

/// Whose words are passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    /// The engine.
    DuckDb,
    /// The other one.
    Postgres,
    /// The distributed one.
    Spark,
    /// Git.
    Git,
}

impl Cause {
    /// What Spark's words begin with, as its adapter passes them on.
    pub const SPARK: &str = "Spark: ";

    /// The engine's words. PostgreSQL's begin with how grave it is, Spark's with its name, DuckDB's with their sort.
    pub fn engine(text: impl Into<String>) -> Self {
        let text: String = text.into();
        if let Some(rest) = text.strip_prefix(Self::SPARK) {
            return Self { speaker: Speaker::Spark, text: rest.to_owned() };
        }
        match ["ERROR: ", "FATAL: "].iter().find_map(|start| text.strip_prefix(start)) {
            Some(rest) => Self { speaker: Speaker::Postgres, text: rest.to_owned() },
            None => Self { speaker: Speaker::DuckDb, text },
        }
    }

    /// Git's words.
    pub fn git(text: impl Into<String>) -> Self {
        Self { speaker: Speaker::Git, text: text.into() }
    }
}

impl fmt::Display for Speaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DuckDb => "DuckDB",
            Self::Postgres => "PostgreSQL",
            Self::Spark => "Spark",
            Self::Git => "Git",
        })
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.speaker, self.text)
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fact(fact) => f.write_str(fact),
            Self::Cause(cause) => cause.fmt(f),
        }
    }
}

impl From<Cause> for Note {
    fn from(cause: Cause) -> Self {
        Self::Cause(cause)
    }
}

impl From<String> for Note {
    fn from(fact: String) -> Self {
        Self::Fact(fact)
    }
}

impl From<&str> for Note {
    fn from(fact: &str) -> Self {
        Self::Fact(fact.to_owned())
    }
}
