//! The SQL that sqlparser is told to expect: its DuckDB dialect plus what DuckDB 2.0 accepts and upstream leaves off.

use std::any::TypeId;

use sqlparser::ast::{BinaryOperator, Expr};
use sqlparser::dialect::{Dialect, DuckDbDialect};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::Token;

use super::lex;

/// How tightly `GLOB` binds: as `LIKE` does.
const GLOB_PRECEDENCE: u8 = 19;
/// How tightly `&&` and `^@` bind: as sqlparser's other unnamed operators.
const OPERATOR_PRECEDENCE: u8 = 21;

/// Whether this is how SQLMesh calls DuckDB's SQL: `duckdb`, or `duckdb, normalization_strategy=case_sensitive`. DuckDB
/// itself compares names without letter case, whatever is said about them.
pub fn is_duckdb(dialect: &str) -> bool {
    let mut parts = dialect.split(',').map(str::trim);
    let name = parts.next().unwrap_or_default();
    let is_strategy = |part: &str| {
        let said = part.split_once('=').map(|(key, value)| (key.trim().to_lowercase(), value.trim().to_lowercase()));
        let known = ["case_sensitive", "case_insensitive", "lowercase", "uppercase"];
        said.is_some_and(|(key, value)| key == "normalization_strategy" && known.contains(&value.as_str()))
    };
    (name.is_empty() || name.eq_ignore_ascii_case("duckdb")) && parts.all(is_strategy)
}

/// DuckDB 2.0.
#[derive(Debug, Clone, Copy)]
pub(super) struct DuckDb;

/// Switches of [`Dialect`] that are on.
macro_rules! on {
    ($($switch:ident),* $(,)?) => { $(fn $switch(&self) -> bool { true })* };
}

impl Dialect for DuckDb {
    /// sqlparser asks for its own dialects by type in a few places; there we are its DuckDB.
    fn dialect(&self) -> TypeId {
        TypeId::of::<DuckDbDialect>()
    }

    fn is_identifier_start(&self, c: char) -> bool {
        lex::starts_word(c)
    }

    fn is_identifier_part(&self, c: char) -> bool {
        lex::continues_word(c)
    }

    fn is_delimited_identifier_start(&self, c: char) -> bool {
        c == '"'
    }

    fn identifier_quote_style(&self, _identifier: &str) -> Option<char> {
        Some('"')
    }

    // Left off, though DuckDB accepts them, because sqlparser loses the difference: `x IN 'a'` is not `x IN ('a')`, and
    // `(t) AS a` is not `t AS a`.
    on! {
        allow_extract_custom,
        allow_extract_single_quotes,
        support_map_literal_syntax,
        supports_array_typedef_with_brackets,
        supports_bitwise_shift_operators,
        supports_comma_separated_trim,
        supports_dictionary_syntax,
        supports_factorial_operator,
        supports_filter_during_aggregation,
        supports_from_first_select,
        supports_group_by_expr,
        supports_in_empty_list,
        supports_lambda_functions,
        supports_left_associative_joins_without_parens,
        supports_named_fn_args_with_assignment_operator,
        supports_named_fn_args_with_eq_operator,
        supports_named_fn_args_with_rarrow_operator,
        supports_nested_comments,
        supports_notnull_operator,
        supports_numeric_literal_underscores,
        supports_order_by_all,
        supports_partition_by_after_order_by,
        supports_select_expr_star,
        supports_select_wildcard_exclude,
        supports_select_wildcard_rename,
        supports_select_wildcard_replace,
        supports_string_escape_constant,
        supports_string_literal_concatenation_with_newline,
        supports_subquery_as_function_arg,
        supports_trailing_commas,
        supports_values_as_table_factor,
        supports_window_clause_named_window_reference,
        supports_window_function_null_treatment_arg,
        supports_within_after_array_aggregation,
    }

    /// `a GLOB b`, `a && b` and `a ^@ b`, which sqlparser doesn't read as operators by itself.
    fn parse_infix(&self, parser: &mut Parser, left: &Expr, _precedence: u8) -> Option<Result<Expr, ParserError>> {
        let (op, precedence) = match &parser.peek_token_ref().token {
            Token::Word(word) if word.keyword == Keyword::GLOB => {
                (BinaryOperator::Custom("GLOB".to_owned()), GLOB_PRECEDENCE)
            }
            Token::Overlap => (BinaryOperator::PGOverlap, OPERATOR_PRECEDENCE),
            Token::CaretAt => (BinaryOperator::PGStartsWith, OPERATOR_PRECEDENCE),
            _ => return None,
        };
        parser.next_token();
        Some(parser.parse_subexpr(precedence).map(|right| Expr::BinaryOp {
            left: Box::new(left.clone()),
            op,
            right: Box::new(right),
        }))
    }

    fn get_next_precedence(&self, parser: &Parser) -> Option<Result<u8, ParserError>> {
        match parser.peek_token_ref().token {
            Token::Overlap | Token::CaretAt => Some(Ok(OPERATOR_PRECEDENCE)),
            _ => None,
        }
    }
}
