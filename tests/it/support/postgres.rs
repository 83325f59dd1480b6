//! The same sandbox over a database of PostgreSQL: `VMESH_TEST_ENGINE=postgres`, with a server that `tests/postgres/run.sh`
//! starts.

use std::sync::atomic::{AtomicU32, Ordering};

use postgres::types::Type;
use postgres::{Client, NoTls, SimpleQueryMessage};

use super::truth::Shown;

/// A database of its own for each sandbox.
pub(crate) struct Server {
    pub(crate) url: String,
}

/// Whether tests run on PostgreSQL.
pub(crate) fn is_tested() -> bool {
    std::env::var_os("VMESH_TEST_ENGINE").is_some_and(|engine| engine == "postgres")
}

/// Where the server is.
pub(crate) fn server() -> String {
    std::env::var("VMESH_TEST_POSTGRES").expect("a server, which `sh tests/postgres/run.sh` starts")
}

pub(crate) fn connect(url: &str) -> Client {
    Client::connect(url, NoTls).unwrap()
}

/// What DuckDB calls otherwise, for the queries of tests alone: vmesh never looks into this schema.
const COMPATIBLE: &str = "
CREATE FUNCTION named(type text) RETURNS text LANGUAGE sql AS $$ SELECT replace(replace(replace(replace(upper(type),
    ' WITHOUT TIME ZONE', ''), 'TEXT', 'VARCHAR'), 'NUMERIC(', 'DECIMAL('), 'DOUBLE PRECISION', 'DOUBLE') $$;
CREATE FUNCTION duckdb_views() RETURNS TABLE (schema_name text, view_name text, sql text, comment text, internal boolean) LANGUAGE sql AS
    $$ SELECT schemaname, viewname, definition, obj_description(format('%I.%I', schemaname, viewname)::regclass, 'pg_class'),
    schemaname IN ('pg_catalog', 'information_schema') FROM pg_views $$;
CREATE FUNCTION duckdb_tables() RETURNS TABLE (schema_name text, table_name text, comment text) LANGUAGE sql AS
    $$ SELECT schemaname, tablename, obj_description(format('%I.%I', schemaname, tablename)::regclass, 'pg_class') FROM pg_tables $$;
CREATE FUNCTION duckdb_columns() RETURNS TABLE (schema_name text, table_name text, column_name text, data_type text, column_index int,
    comment text) LANGUAGE sql AS $$ SELECT n.nspname, c.relname, attname, named(format_type(atttypid, atttypmod)), attnum,
    col_description(c.oid, attnum) FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid JOIN pg_namespace n ON n.oid = relnamespace
    WHERE attnum > 0 AND NOT attisdropped $$;
CREATE FUNCTION duckdb_indexes() RETURNS TABLE (schema_name text, index_name text) LANGUAGE sql AS
    $$ SELECT schemaname, indexname FROM pg_indexes WHERE schemaname = 'vmesh_snapshots' $$;
CREATE FUNCTION duckdb_schemas() RETURNS TABLE (schema_name text) LANGUAGE sql AS $$ SELECT nspname FROM pg_namespace $$;
CREATE FUNCTION typeof(anyelement) RETURNS text LANGUAGE sql AS $$ SELECT named(pg_typeof($1)::text) $$;
CREATE FUNCTION range(bigint) RETURNS SETOF bigint LANGUAGE sql AS $$ SELECT generate_series(0, $1 - 1) $$;
";

impl Server {
    pub(crate) fn new() -> Self {
        let server = Self::of("");
        server.sql(COMPATIBLE);
        server
    }

    /// A database with the same in it.
    pub(crate) fn copy(&self) -> Self {
        let name = self.url.rsplit('=').next().unwrap_or_default();
        Self::of(&format!(" TEMPLATE {name}"))
    }

    fn of(template: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("shop_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::SeqCst));
        let make = format!("CREATE DATABASE {name}{template}");
        connect(&format!("{} dbname=postgres", server())).batch_execute(&make).unwrap();
        Self { url: format!("{} dbname={name}", server()) }
    }

    pub(crate) fn sql(&self, sql: &str) {
        let sql = in_words_of_postgres(sql);
        let done = connect(&self.url).batch_execute(&sql);
        done.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    }

    /// What a schema shows of every model; of a history, what is valid now.
    pub(crate) fn shown(&self, schema: &str) -> Shown {
        let views = self.rows(&format!("SELECT viewname FROM pg_views WHERE schemaname = '{schema}'")).concat();
        let shown = |model: String| {
            let history = format!(
                "SELECT count(*) > 0 FROM information_schema.columns \
                 WHERE table_schema = '{schema}' AND table_name = '{model}' AND column_name = 'valid_to'"
            );
            let valid = if self.rows(&history)[0][0] == "true" { "WHERE valid_to IS NULL" } else { "" };
            let told = self.described(&format!("SELECT * FROM {schema}.{model} {valid}"), &["valid_from", "valid_to"]);
            (model, told)
        };
        views.into_iter().map(shown).collect()
    }

    /// The columns of a query, but for some, with their types; and its rows in order.
    pub(crate) fn described(&self, query: &str, except: &[&str]) -> (Vec<Vec<String>>, Vec<Vec<String>>) {
        let mut client = connect(&self.url);
        let statement = client.prepare(query).unwrap_or_else(|error| panic!("{query}: {error:?}"));
        let columns = statement.columns().iter().filter(|column| !except.contains(&column.name()));
        let columns: Vec<Vec<String>> =
            columns.map(|column| vec![column.name().to_owned(), column.type_().name().to_owned()]).collect();
        let listed: Vec<&str> = columns.iter().map(|column| column[0].as_str()).collect();
        let rows = self.rows(&format!("SELECT {} FROM ({query}) AS q ORDER BY ALL", listed.join(", ")));
        (columns, rows)
    }

    /// All rows of a query, as text.
    #[track_caller]
    pub(crate) fn rows(&self, sql: &str) -> Vec<Vec<String>> {
        let sorted = sql.contains("ORDER BY ALL");
        let sql = in_words_of_postgres(&sql.replace("ORDER BY ALL", ""));
        let mut client = connect(&self.url);
        let failed = |error: postgres::Error| -> ! { panic!("{sql}: {error:?}") };
        let flags: Vec<bool> = client
            .prepare(&sql)
            .unwrap_or_else(|error| failed(error))
            .columns()
            .iter()
            .map(|it| *it.type_() == Type::BOOL)
            .collect();
        let text = |value: Option<&str>, is_flag: bool| match (value, is_flag) {
            (None, _) => "NULL".to_owned(),
            (Some("t"), true) => "true".to_owned(),
            (Some("f"), true) => "false".to_owned(),
            (Some(value), _) => value.to_owned(),
        };
        let row = |message| match message {
            SimpleQueryMessage::Row(row) => {
                Some((0..row.len()).map(|at| text(row.get(at), flags[at])).collect::<Vec<_>>())
            }
            _ => None,
        };
        let mut rows: Vec<Vec<String>> =
            client.simple_query(&sql).unwrap_or_else(|error| failed(error)).into_iter().filter_map(row).collect();
        if sorted {
            rows.sort();
        }
        rows
    }
}

/// What tests say in DuckDB's shorter words.
fn in_words_of_postgres(sql: &str) -> String {
    let mut parts = sql.split("CREATE OR REPLACE TABLE ");
    let first = parts.next().unwrap_or_default().to_owned();
    let again = |part: &str| {
        let name = part.split_whitespace().next().unwrap_or_default();
        format!("DROP TABLE IF EXISTS {name}; CREATE TABLE {part}")
    };
    let sql = first + &parts.map(again).collect::<String>();
    let sql = if sql.starts_with("FROM ") { format!("SELECT * {sql}") } else { sql };
    let before = |sql: String, word: &str| sql.replace(&format!("{word}FROM "), &format!("{word}SELECT * FROM "));
    ["(", "AS ", "ALL "].into_iter().fold(sql, before)
}

impl Drop for Server {
    fn drop(&mut self) {
        let name = self.url.rsplit('=').next().unwrap_or_default();
        if let Ok(mut client) = Client::connect(&format!("{} dbname=postgres", server()), NoTls) {
            // what goes with the server is no fault of the test's
            let _ = client.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        }
    }
}
