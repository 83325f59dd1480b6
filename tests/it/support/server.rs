//! A warehouse that is no file.

use super::truth::Shown;
use super::{postgres, spark};

/// Where it is.
pub(crate) enum Server {
    Postgres(postgres::Server),
    Spark(spark::Server),
}

impl Server {
    /// That of a new sandbox, where tests run on one.
    pub(crate) fn of_tests() -> Option<Self> {
        match () {
            () if postgres::is_tested() => Some(Self::Postgres(postgres::Server::new())),
            () if spark::is_tested() => Some(Self::Spark(spark::Server::new())),
            () => None,
        }
    }

    pub(crate) fn url(&self) -> &str {
        match self {
            Self::Postgres(server) => &server.url,
            Self::Spark(server) => &server.url,
        }
    }

    /// One with the same in it; of Spark's, which has one catalogue, with what the first copy was made of.
    pub(crate) fn copy(&self) -> Self {
        match self {
            Self::Postgres(server) => Self::Postgres(server.copy()),
            Self::Spark(server) => Self::Spark(server.copy()),
        }
    }

    /// Settings that lead here.
    pub(crate) fn settings(&self, text: &str) -> String {
        let kind = match self {
            Self::Postgres(_) => "postgres",
            Self::Spark(_) => "spark",
        };
        let engine = format!("[engine]\ntype = \"{kind}\"\nurl = \"env:VMESH_TEST_URL\"\n");
        if text.contains("type = \"duckdb\"") {
            return text.replace("type = \"duckdb\"", &engine["[engine]\n".len()..]);
        }
        if text.contains("[engine]") {
            return text.replace("[engine]\n", &engine);
        }
        format!("{text}\n{engine}")
    }

    pub(crate) fn sql(&self, sql: &str) {
        match self {
            Self::Postgres(server) => server.sql(sql),
            Self::Spark(server) => server.sql(sql),
        }
    }

    /// All rows of a query, as text.
    #[track_caller]
    pub(crate) fn rows(&self, sql: &str) -> Vec<Vec<String>> {
        match self {
            Self::Postgres(server) => server.rows(sql),
            Self::Spark(server) => server.rows(sql),
        }
    }

    /// A single value, if it can be told.
    pub(crate) fn try_value(&self, sql: &str) -> Option<String> {
        match self {
            Self::Postgres(server) => postgres::connect(&server.url).query_opt(sql, &[]).ok()??.try_get(0).ok(),
            Self::Spark(server) => server.try_rows(sql).ok()?.first()?.first().cloned(),
        }
    }

    /// What a schema shows of every model; of a history, what is valid now.
    pub(crate) fn shown(&self, schema: &str) -> Shown {
        match self {
            Self::Postgres(server) => server.shown(schema),
            Self::Spark(server) => server.shown(schema),
        }
    }
}
