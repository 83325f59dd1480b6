//! What is checked of a text that PostgreSQL is going to get.

use super::super::{Query, lex};
use super::{Refusal, Text, alike, is_type, postgres, shape};
use crate::domain::engine_kind::EngineKind;

/// Checks a query that PostgreSQL is going to run: its shape, and by its words what it is and calls.
pub fn check_for_postgres(kind: Text, text: &str) -> Result<(), Refusal> {
    let lexemes = shape(kind, text)?;
    alike::is_read_alike(EngineKind::Postgres, text, &lexemes)?;
    postgres::only_reads(kind, &lexemes)?;
    postgres::only_plain_types(kind, &lexemes)?;
    postgres::no_system_columns(kind, &lexemes)?;
    postgres::only_calls(kind, &lexemes)
}

/// Words that end an expression.
#[rustfmt::skip]
const CLAUSES: [&str; 14] = [
    "from", "where", "group", "having", "window", "order", "limit", "offset", "fetch", "for", "union", "intersect", "except",
    "values",
];

/// The functions that only compute, on PostgreSQL.
pub fn functions_of_postgres() -> impl Iterator<Item = &'static str> {
    postgres::FUNCTIONS.split_whitespace()
}

/// Checks an expression in a header, as a key is, by the check of a query of it.
pub(super) fn check_expression(text: &str, check: fn(Text, &str) -> Result<(), Refusal>) -> Result<(), Refusal> {
    let (mut depth, mut is_distinct) = (0_i32, false);
    for lexeme in lex(text)? {
        depth += i32::from(lexeme.is_symbol("(")) - i32::from(lexeme.is_symbol(")"));
        let before = std::mem::replace(&mut is_distinct, lexeme.is_keyword("distinct"));
        if depth <= 0 && !before && CLAUSES.iter().any(|word| lexeme.is_keyword(word)) {
            return Err(Refusal::new(
                "this is more than an expression",
                0..text.len(),
                "name a column, or compute a value",
            ));
        }
    }
    check(Text::Header, &format!("SELECT {text}")).map_err(|refusal| Refusal { span: 0..text.len(), ..refusal })
}

/// Checks an expression in a header that PostgreSQL is going to compute.
pub fn check_expression_for_postgres(text: &str) -> Result<(), Refusal> {
    check_expression(text, check_for_postgres)
}

/// Whether a text is a type that PostgreSQL may be told to cast to.
pub fn is_type_for_postgres(text: &str) -> bool {
    lex(text).is_ok_and(|lexemes| is_type(&lexemes) && postgres::is_plain_type(text, &lexemes))
}

/// Checks what a query reads there: no name with a database in front, and in WITH RECURSIVE none that is also defined, since
/// that may mean what is defined after it.
pub fn check_reads_for_postgres(text: &str, query: &Query) -> Result<(), Refusal> {
    let lexemes = lex(text)?;
    let defined = postgres::defined_with_recursive(&lexemes);
    let is_defined = |name: &str| defined.iter().any(|defined| defined.eq_ignore_ascii_case(name));
    for read in query.reads.iter().flatten() {
        if read.parts.len() > 2 {
            let what = "a database's name stands in front of this table";
            return Err(Refusal::new(what, read.span.clone(), "leave it out: there is one database"));
        }
        if matches!(&read.parts[..], [name] if is_defined(name)) {
            let what = "this table is called like one that WITH RECURSIVE defines";
            return Err(Refusal::new(what, read.span.clone(), "give what is defined another name"));
        }
    }
    Ok(())
}
