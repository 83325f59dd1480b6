//! The same sandbox over Spark: `VMESH_TEST_ENGINE=spark`, with a server that `tests/spark/run.sh` starts. It has one catalogue
//! for all, so that one test runs after the other, and each begins with an empty one.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use super::spark_catalogue::Catalogue;
use super::truth::Shown;

/// Whether tests run on Spark.
pub(crate) fn is_tested() -> bool {
    std::env::var_os("VMESH_TEST_ENGINE").is_some_and(|engine| engine == "spark")
}

/// Where the server is.
fn server() -> String {
    std::env::var("VMESH_TEST_SPARK").expect("a server, which `sh tests/spark/run.sh` starts")
}

/// A text with Spark's name for series of numbers, which leave their end out.
pub(crate) fn in_ranges(text: &str) -> String {
    let mut parts = text.split("generate_series(");
    let first = parts.next().unwrap_or_default().to_owned();
    let range =
        |part: &str| match part.split_once(')').and_then(|(numbers, rest)| Some((numbers.split_once(", ")?, rest))) {
            Some(((from, to), rest)) => format!("range({from}, {to} + 1){rest}"),
            None => format!("generate_series({part}"),
        };
    first + &parts.map(range).collect::<String>()
}

/// Spark's catalogue, by a client that is not vmesh.
pub(crate) struct Server {
    pub(crate) url: String,
    /// What copies of this one begin with, once there is one.
    kept: Arc<OnceLock<Catalogue>>,
}

impl Server {
    /// An empty catalogue.
    pub(crate) fn new() -> Self {
        let server = Self::at(&server());
        for schema in server.rows("SHOW SCHEMAS").concat() {
            if schema != "default" {
                server.sql(&format!("DROP SCHEMA {schema} CASCADE"));
            }
        }
        for table in server.names("TABLES", "default") {
            server.sql(&format!("DROP TABLE default.{table}"));
        }
        server
    }

    /// The catalogue as it is.
    pub(crate) fn at(url: &str) -> Self {
        Self { url: url.to_owned(), kept: Arc::default() }
    }

    /// What the first of all copies was made of is there again.
    pub(crate) fn copy(&self) -> Self {
        let kept = Arc::clone(&self.kept);
        kept.get_or_init(|| Catalogue::of(self)).put(self);
        Self { url: self.url.clone(), kept }
    }

    /// Runs statements.
    #[track_caller]
    pub(crate) fn sql(&self, sql: &str) {
        for statement in sql.split(';').filter(|statement| !statement.trim().is_empty()) {
            let statement = self.in_words_of_spark(&statement.replace("CREATE OR REPLACE TABLE", "CREATE TABLE"));
            if let Some(rest) = statement.trim().strip_prefix("CREATE TABLE ") {
                let name = rest.split([' ', '(', '\n']).next().unwrap_or_default();
                self.run(&format!("DROP TABLE IF EXISTS {name}")).unwrap();
            }
            let run = |statement: &str| {
                self.run(statement).unwrap_or_else(|error| panic!("{statement}: {error}"));
            };
            match self.changed(&statement) {
                Some((table, rows)) => {
                    run("DROP TABLE IF EXISTS default.changed");
                    run(&format!("CREATE TABLE default.changed AS {rows}"));
                    run(&format!("DROP TABLE {table}"));
                    run(&format!("CREATE TABLE {table} AS SELECT * FROM default.changed"));
                }
                None => run(&statement),
            }
        }
    }

    /// The rows of a statement, in a session of its own.
    fn run(&self, sql: &str) -> Result<Vec<Vec<String>>, String> {
        client::Client::connect(&self.url).rows(sql)
    }

    /// The table that an UPDATE or a DELETE changes, and its rows afterwards: Spark's plain tables know neither.
    fn changed(&self, statement: &str) -> Option<(String, String)> {
        let (before, condition) = statement.split_once(" WHERE ").unwrap_or((statement, "true"));
        if let Some(table) = before.strip_prefix("DELETE FROM ") {
            return Some((table.to_owned(), format!("SELECT * FROM {table} WHERE ({condition}) IS NOT TRUE")));
        }
        let (table, set) = before.strip_prefix("UPDATE ")?.split_once(" SET ")?;
        let set: Vec<(&str, &str)> = set.split(", ").filter_map(|set| set.split_once(" = ")).collect();
        let columns = self.run(&format!("DESCRIBE QUERY SELECT * FROM {table}")).unwrap();
        let value = |row: &Vec<String>| {
            let (name, kind) = (&row[0], &row[1]);
            match set.iter().find(|(column, _)| column == name) {
                Some((_, value)) => {
                    format!("CASE WHEN {condition} THEN CAST({value} AS {kind}) ELSE {name} END AS {name}")
                }
                None => name.clone(),
            }
        };
        let values: Vec<String> = columns.iter().map(value).collect();
        Some((table.to_owned(), format!("SELECT {} FROM {table}", values.join(", "))))
    }

    /// All rows of a query, as text.
    #[track_caller]
    pub(crate) fn rows(&self, sql: &str) -> Vec<Vec<String>> {
        self.try_rows(sql).unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    pub(crate) fn try_rows(&self, sql: &str) -> Result<Vec<Vec<String>>, String> {
        Session::at(&self.url).texts(&self.in_words_of_spark(sql))
    }

    /// What tests say in DuckDB's words.
    fn in_words_of_spark(&self, sql: &str) -> String {
        let sql = &in_ranges(sql.trim());
        let mut sql = if sql.starts_with("FROM ") { format!("SELECT * {sql}") } else { sql.to_owned() };
        for word in ["(", "AS ", "ALL "] {
            sql = sql.replace(&format!("{word}FROM "), &format!("{word}SELECT * FROM "));
        }
        sql = sql.replace("VARCHAR", "STRING").replace(" TEXT", " STRING");
        while let Some(at) = sql.find("string_agg(").filter(|at| sql[*at..].contains(" ORDER BY ")) {
            let (start, rest) = sql.split_at(at + "string_agg(".len());
            let (values, rest) = rest.split_once(" ORDER BY ").unwrap();
            let (order, rest) = rest.split_once(')').unwrap();
            sql = format!(
                "{}listagg({values}) WITHIN GROUP (ORDER BY {order}){rest}",
                start.trim_end_matches("string_agg(")
            );
        }
        if sql.contains("duckdb_views()") {
            sql = sql.replace("duckdb_views()", &self.listed("VIEWS", "view_name"));
        }
        if sql.contains("duckdb_tables()") {
            sql = sql.replace("duckdb_tables()", &self.listed("TABLES", "table_name"));
        }
        if sql.contains("duckdb_schemas()") {
            let rows = self.run("SHOW SCHEMAS").unwrap();
            let rows: Vec<String> = rows.iter().map(|row| format!("('{}')", row[0])).collect();
            sql = sql
                .replace("duckdb_schemas()", &format!("(SELECT * FROM VALUES {} AS s(schema_name))", rows.join(", ")));
        }
        sql
    }

    /// What the catalogue lists, as a relation.
    fn listed(&self, what: &str, name: &str) -> String {
        let mut rows = vec!["('', '', '', false)".to_owned()];
        for schema in self.run("SHOW SCHEMAS").unwrap().concat() {
            let views = self.names("VIEWS", &schema);
            for found in self.names(what, &schema) {
                let is_view = views.contains(&found);
                if what == "TABLES" && is_view {
                    continue;
                }
                let text = if is_view { self.text_of(&schema, &found).replace('\'', "''") } else { String::new() };
                rows.push(format!("('{schema}', '{found}', '{text}', false)"));
            }
        }
        format!(
            "(SELECT * FROM VALUES {} AS v(schema_name, {name}, sql, internal) WHERE schema_name <> '')",
            rows.join(", ")
        )
    }

    /// The query of a view.
    pub(crate) fn text_of(&self, schema: &str, view: &str) -> String {
        let told = self.run(&format!("DESCRIBE EXTENDED {schema}.{view}")).unwrap_or_default();
        told.iter().find(|row| row[0] == "View Text").map(|row| row[1].clone()).unwrap_or_default()
    }

    /// The names of a schema's tables or views.
    pub(crate) fn names(&self, what: &str, schema: &str) -> Vec<String> {
        let rows = self.run(&format!("SHOW {what} IN {schema}")).unwrap_or_default();
        rows.into_iter().map(|row| row[1].clone()).collect()
    }

    /// The views of a schema, and the physical table that each shows.
    pub(crate) fn views(&self, schema: &str) -> BTreeMap<String, String> {
        let shows =
            |view: &str| self.text_of(schema, view).rsplit('.').next().unwrap_or_default().trim_matches('`').to_owned();
        self.names("VIEWS", schema).into_iter().map(|view| (view.clone(), shows(&view))).collect()
    }

    /// How many tables the physical layer has.
    pub(crate) fn snapshots(&self) -> usize {
        self.names("VIEWS", "vmesh_snapshots").len()
    }

    /// What a schema shows of every model; of a history, what is valid now.
    pub(crate) fn shown(&self, schema: &str) -> Shown {
        let session = Session::at(&self.url);
        let told = |view: String| {
            let columns = session.columns(&format!("SELECT * FROM {schema}.{view}"));
            let described = session.described(&match columns.iter().any(|column| column[0] == "valid_to") {
                false => format!("SELECT * FROM {schema}.{view}"),
                true => {
                    format!("SELECT * EXCEPT (valid_from, valid_to) FROM {schema}.{view} WHERE valid_to IS NULL")
                }
            });
            (view, described)
        };
        self.names("VIEWS", schema).into_iter().map(told).collect()
    }
}

/// One session for several statements.
pub(crate) struct Session(client::Client);

impl Session {
    /// One on the server of the tests.
    pub(crate) fn new() -> Self {
        Self::at(&server())
    }

    fn at(url: &str) -> Self {
        Self(client::Client::connect(url))
    }

    /// The rows of a statement whose columns are texts or truth values.
    #[track_caller]
    pub(crate) fn rows(&self, sql: &str) -> Vec<Vec<String>> {
        self.0.rows(sql).unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// All rows of a query, as text.
    fn texts(&self, sql: &str) -> Result<Vec<Vec<String>>, String> {
        if sql.starts_with("SHOW ") || sql.starts_with("DESCRIBE ") {
            return self.0.rows(sql);
        }
        let columns = self.0.rows(&format!("DESCRIBE QUERY {sql}"))?.len();
        let named: Vec<String> = (0..columns).map(|at| format!("c{at}")).collect();
        let texts: Vec<String> = named.iter().map(|name| format!("CAST({name} AS STRING)")).collect();
        self.0.rows(&format!("SELECT {} FROM ({sql}) AS q({})", texts.join(", "), named.join(", ")))
    }

    /// The columns of a query, and their types.
    #[track_caller]
    fn columns(&self, query: &str) -> Vec<Vec<String>> {
        self.rows(&format!("DESCRIBE QUERY {query}")).into_iter().map(|row| row[..2].to_vec()).collect()
    }

    /// The columns of a query with their types, and its rows in order.
    #[track_caller]
    pub(crate) fn described(&self, query: &str) -> (Vec<Vec<String>>, Vec<Vec<String>>) {
        let mut rows = self.texts(query).unwrap_or_else(|error| panic!("{query}: {error}"));
        rows.sort();
        (self.columns(query), rows)
    }
}

#[cfg(feature = "spark")]
mod client {
    pub(super) use super::super::spark_client::Client;
}

#[cfg(not(feature = "spark"))]
mod client {
    pub(super) struct Client;

    impl Client {
        pub(super) fn connect(_url: &str) -> Self {
            panic!("these tests are built with --features spark")
        }

        pub(super) fn rows(&self, _sql: &str) -> Result<Vec<Vec<String>>, String> {
            Ok(Vec::new())
        }
    }
}
