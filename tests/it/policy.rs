//! The gate's table, tried against DuckDB's own parser and catalogue: what is refused, what passes, what is decided.

use duckdb::Connection;
use vmesh::adapter::engine::{self, Referee};
use vmesh::domain::engine_kind::EngineKind;
use vmesh::domain::model::files_read;
use vmesh::domain::sql::policy::{self, Refusal, Text};
use vmesh::domain::sql::{self, Query};

pub(crate) const HOSTILE: &str = include_str!("attacks/hostile.txt");
const INNOCENT: &str = include_str!("attacks/innocent.txt");

/// The texts of a list, each with its kind.
pub(crate) fn texts(list: &str) -> Vec<(&str, &str)> {
    let lines = list.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.split_once(": ").unwrap()).collect()
}

/// A condition of an audit, as the built-in one puts it into a query.
fn forall(condition: &str) -> String {
    format!("SELECT * FROM vmesh_audited_rows WHERE NOT ({condition})")
}

/// What the gate says of a text.
fn gate(referee: &dyn Referee, kind: &str, text: &str) -> Result<(), Refusal> {
    let refusal = |what: &str| Refusal { what: what.to_owned(), span: 0..0, note: None, help: Some(String::new()) };
    let admit = |kind: Text, text: &str| referee.admit(kind, text, sql::analyse(text));
    let files =
        |text: &str, query: Query| match files_read(&query, text).iter().find_map(|file| policy::leads_out(&file.path))
        {
            Some((what, help)) => Err(Refusal { what, span: 0..0, note: None, help: Some(help.to_owned()) }),
            None => Ok(query),
        };
    let tables = |query: Query| match query.reads.iter().flatten().find_map(|read| policy::barred_table(&read.parts)) {
        Some((what, help)) => Err(Refusal { what, span: 0..0, note: None, help: Some(help.to_owned()) }),
        None => Ok(()),
    };
    match kind {
        "model" => admit(Text::Model, text).and_then(|query| files(text, query)).and_then(tables),
        "statement" => admit(Text::Statement, text).and_then(tables),
        "test" => admit(Text::Test, text).and_then(tables),
        "audit" => admit(Text::Audit, text).and_then(tables),
        "condition" => admit(Text::Audit, &forall(text)).and_then(tables),
        "person" => admit(Text::Person, text).map(|_| ()),
        "type" => match policy::is_type(&sql::lex(text)?) {
            true => Ok(()),
            false => Err(refusal("this is no type")),
        },
        "header" => {
            let lexemes = sql::lex(text)?;
            policy::check_header(&lexemes)?;
            policy::query_in(&lexemes).map_or(Ok(()), |_| Err(refusal("it can't hold a query")))
        }
        other => panic!("no kind of text: {other}"),
    }
}

#[test]
fn hostile_texts_are_refused_in_a_sentence() {
    let referee = engine::of_project(EngineKind::DuckDb).referee();
    let mut told = String::new();
    // whether the project has a file, the gate can't know
    for (kind, text) in texts(HOSTILE).into_iter().filter(|(kind, _)| *kind != "file") {
        match gate(&*referee, kind, text) {
            Ok(()) => told.push_str(&format!("{kind}: {text}\n    PASSED\n")),
            Err(Refusal { what, note, help, .. }) => {
                let rest: Vec<String> =
                    note.map(|note| note.to_string()).into_iter().chain(help).filter(|text| !text.is_empty()).collect();
                told.push_str(&format!("{kind}: {text}\n    {what}\n"));
                rest.iter().for_each(|rest| told.push_str(&format!("      {rest}\n")));
            }
        }
    }
    insta::assert_snapshot!(told);
    assert!(!told.contains("PASSED"));
}

#[test]
fn everyday_texts_pass() {
    let referee = engine::of_project(EngineKind::DuckDb).referee();
    let refused: Vec<String> = texts(INNOCENT)
        .into_iter()
        .filter_map(|(kind, text)| Some(format!("{kind}: {text}\n  {:?}", gate(&*referee, kind, text).err()?)))
        .collect();
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}

/// A new DuckDB's functions are decided before they can be called: they stand in the table, or here, as ones that compute.
#[test]
fn every_function_of_the_engine_is_decided() {
    // what is compiled in is a part of what is opened afterwards
    let built_in = engine::built_in().unwrap();
    let connection = Connection::open_in_memory().unwrap();
    let sql = "SELECT DISTINCT function_name, function_type IN ('table', 'table_macro') FROM duckdb_functions()
               WHERE function_type <> 'pragma' ORDER BY ALL";
    let mut statement = connection.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, bool>(1)?))).unwrap();
    let all: Vec<(String, bool)> = rows.map(Result::unwrap).collect();
    let computing = |in_from: bool| {
        let names = all.iter().filter(move |(name, from)| *from == in_from && policy::only_computes(name, in_from));
        names.map(|(name, _)| name.as_str()).filter(|name| name.starts_with(|c: char| c.is_alphabetic() || c == '_'))
    };
    assert!(all.len() > 500);
    // of collations, there are two functions for each language
    let named =
        |names: Vec<&str>| names.into_iter().filter(|name| !name.contains("collate_")).collect::<Vec<_>>().join("\n");
    let with = |name: &str| format!("{name}{}", if built_in.has_icu { "_with_icu" } else { "" });
    insta::assert_snapshot!(with("tables_that_are_computed"), named(computing(true).collect()));
    insta::assert_snapshot!(with("functions_that_only_compute"), named(computing(false).collect()));
}

#[test]
fn every_view_of_the_engine_s_catalogue_is_barred() {
    let connection = Connection::open_in_memory().unwrap();
    let mut statement = connection.prepare("SELECT schema_name, view_name FROM duckdb_views() WHERE internal").unwrap();
    let rows = statement.query_map([], |row| Ok([row.get::<_, String>(0)?, row.get::<_, String>(1)?])).unwrap();
    for [schema, view] in rows.map(Result::unwrap) {
        assert!(policy::barred_table(&[schema.clone(), view.clone()]).is_some(), "{schema}.{view}");
        let plain = format!("SELECT * FROM \"{view}\" LIMIT 0");
        let is_found = connection.prepare(&plain).is_ok();
        assert!(!is_found || policy::barred_table(std::slice::from_ref(&view)).is_some(), "{view}");
    }
}
