//! The truth that vmesh is held against: plain DuckDB, running the text of a project's files in order. No line of vmesh
//! takes part in it.

use std::collections::BTreeMap;
use std::path::Path;

use duckdb::Connection;

use super::{postgres, renamed, rows, spark};

/// For each model: its columns and their types, and its rows in order.
pub(crate) type Shown = BTreeMap<String, (Vec<Vec<String>>, Vec<Vec<String>>)>;

/// What every model of a folder means that is not embedded.
pub(crate) fn of_files(folder: &Path) -> Shown {
    over_raw(folder, "")
}

/// The same over what some statements make of the tables that no model makes.
pub(crate) fn over_raw(folder: &Path, raw: &str) -> Shown {
    of_texts_over(renamed::models(folder), raw)
}

/// The same of the texts of models, each behind those that it reads.
pub(crate) fn of_texts(models: impl IntoIterator<Item = (String, String)>) -> Shown {
    of_texts_over(models, "")
}

fn of_texts_over(models: impl IntoIterator<Item = (String, String)>, raw: &str) -> Shown {
    if postgres::is_tested() {
        return of_texts_in_postgres(models, raw);
    }
    if spark::is_tested() {
        return of_texts_in_spark(models);
    }
    let duckdb = Connection::open_in_memory().unwrap();
    duckdb.execute_batch(raw).unwrap();
    let mut all = Shown::new();
    for (name, text) in models {
        let (head, query) = text.strip_prefix("MODEL").and_then(|rest| rest.split_once(");\n")).unwrap_or(("", &text));
        let query = without_macros(query);
        duckdb
            .execute_batch(&format!("CREATE TABLE {name} AS {query}"))
            .unwrap_or_else(|error| panic!("{error}\n{query}"));
        if !head.contains("EMBEDDED") {
            let told = described(&duckdb, &name, "*");
            all.insert(name, told);
        }
    }
    all
}

/// The same, run by PostgreSQL.
fn of_texts_in_postgres(models: impl IntoIterator<Item = (String, String)>, raw: &str) -> Shown {
    let server = postgres::Server::new();
    server.sql(raw);
    let mut all = Shown::new();
    for (name, text) in models {
        let (head, query) = text.strip_prefix("MODEL").and_then(|rest| rest.split_once(");\n")).unwrap_or(("", &text));
        server.sql(&format!("CREATE TABLE {name} AS {}", without_macros(query)));
        if !head.contains("EMBEDDED") {
            all.insert(name.clone(), server.described(&format!("SELECT * FROM {name}"), &[]));
        }
    }
    all
}

/// The same, run by Spark in one session, over what its catalogue has.
fn of_texts_in_spark(models: impl IntoIterator<Item = (String, String)>) -> Shown {
    let session = spark::Session::new();
    let mut all = Shown::new();
    for (name, text) in models {
        let (head, query) = text.strip_prefix("MODEL").and_then(|rest| rest.split_once(");\n")).unwrap_or(("", &text));
        let query = without_macros(query).replace('"', "`");
        session.rows(&format!("CREATE TEMPORARY VIEW {name} AS {query}"));
        if !head.contains("EMBEDDED") {
            all.insert(name.clone(), session.described(&format!("SELECT * FROM {name}")));
        }
    }
    all
}

/// The columns of a table or view, and its rows: those columns of it that are asked for.
pub(crate) fn described(duckdb: &Connection, table: &str, star: &str) -> (Vec<Vec<String>>, Vec<Vec<String>>) {
    let columns = format!("SELECT column_name, column_type FROM (DESCRIBE SELECT {star} FROM {table})");
    (rows(duckdb, &columns), rows(duckdb, &format!("SELECT {star} FROM {table} ORDER BY ALL")))
}

/// The query with what its macros stand for, by the letter: these are all that `random::query` writes.
fn without_macros(query: &str) -> String {
    let mut query = query.replace("@start_ds <= @end_ds", "true");
    query = query.replace("@EACH([id, v], c -> max(@c) AS @c)", "max(id) AS id, max(v) AS v");
    query = query.replace("@EVAL(", "(");
    assert!(!query.contains('@'), "{query}");
    query
}
