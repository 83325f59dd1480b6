//! What a query could do besides reading: DuckDB has functions that do things, and lets a WITH clause write.

use super::{Lexeme, Span, Token};

/// Functions that change something, or run or read what only they know.
const EFFECTS: [&str; 24] = [
    "add_grammar_extension",
    "arrow_scan",
    "arrow_scan_dumb",
    "checkpoint",
    "create_external_resource",
    "dbgen",
    "deregister_external_resource",
    "destroy_external_resource",
    "disable_logging",
    "disable_profiling",
    "dsdgen",
    "enable_logging",
    "enable_profiling",
    "force_checkpoint",
    "getenv",
    "json_execute_serialized_sql",
    "nextval",
    "pandas_scan",
    "python_map_function",
    "register_external_resource",
    "register_external_resource_type",
    "remove_grammar_extension",
    "truncate_duckdb_logs",
    "write_log",
];

/// Words that begin what a WITH clause can do besides reading.
const WRITES: [&str; 6] = ["copy", "delete", "insert", "merge", "truncate", "update"];

/// The first call of a function that does more than give a value.
pub fn effect(lexemes: &[Lexeme]) -> Option<(&str, Span)> {
    lexemes.windows(2).find_map(|pair| match pair {
        [Lexeme { token: Token::Word { text, .. }, span }, open] if open.is_symbol("(") => {
            let is_one = EFFECTS.iter().any(|effect| text.eq_ignore_ascii_case(effect));
            is_one.then(|| (text.as_str(), span.clone()))
        }
        _ => None,
    })
}

/// Whether a query may do more than read: `WITH d AS (DELETE FROM t RETURNING *) SELECT * FROM d`. DuckDB's parser knows
/// ([`super::reads_from_duckdb_json`] fails then): the word may be a column's name.
pub fn may_write(lexemes: &[Lexeme]) -> bool {
    lexemes.iter().any(|lexeme| WRITES.iter().any(|word| lexeme.is_keyword(word)))
}
