//! Every built-in audit, over rows in a real DuckDB: what it finds, what it lets pass, and what NULL is to it.

use duckdb::Connection;
use vmesh::domain::audit::{self, Resolved};
use vmesh::domain::engine_kind::EngineKind;
use vmesh::domain::sql;

/// The rows that are audited; `t` is the table, `other` another model's.
const ROWS: &str = "
CREATE TABLE t AS SELECT * FROM (VALUES
    (1, 'a@b.org', 'https://x.org/a', 'GET', 10.0, 'x', 'p', 1, 2, 1, 'ab', '00000000-0000-4000-8000-000000000000'),
    (2, 'no mail', 'x.org', 'get', 20.0, 'x', 'q', 2, 4, 1, '', 'zzzz'),
    (2, NULL, NULL, NULL, NULL, NULL, NULL, 3, 3, 1, NULL, NULL),
    (NULL, 'c@d.com', 'ftp://yz', 'POST', 1000.0, 'y', 'p', 8, 9, 1, 'abcd', '00000000-0000-1000-9000-000000000000')
) AS v(id, mail, url, method, amount, a, b, lo, hi, same, name, uuid);
CREATE TABLE none AS FROM t WHERE false;
CREATE TABLE other AS SELECT * FROM (VALUES (1), (3)) AS v(key);
CREATE TABLE seq AS SELECT * FROM (VALUES (2), (4), (6), (9)) AS v(n);
CREATE TABLE pairs AS SELECT i % 2 AS p, i % 2 AS q, i % 3 AS r FROM range(60) AS s(i);
";

/// A call, the relation that it audits, and how many bad rows there are.
const CASES: &[(&str, &str, usize)] = &[
    ("not_null(columns := (id))", "t", 1),
    ("not_null(columns := (id, mail))", "t", 2),
    ("not_null(columns := (id), condition := lo < 5)", "t", 0),
    ("unique_values(columns := (id))", "t", 1),
    ("unique_values(columns := (id, a))", "t", 2),
    ("unique_values(columns := (a), condition := id = 1)", "t", 0),
    ("unique_combination_of_columns(columns := (a, b))", "t", 0),
    ("unique_combination_of_columns(columns := (same))", "t", 1),
    ("unique_combination_of_columns(columns := (id), condition := lo <> 3)", "t", 0),
    ("accepted_values(column := a, is_in := ('x'))", "t", 1),
    ("accepted_values(column := a, is_in := ('x', NULL))", "t", 1),
    ("accepted_values(column := a, is_in := ('x', 'y'))", "t", 0),
    ("not_accepted_values(column := a, is_in := ('x'))", "t", 2),
    ("not_accepted_values(column := a, is_in := ('z', NULL))", "t", 0),
    ("number_of_rows(threshold := 3)", "t", 0),
    ("number_of_rows(threshold := 4)", "t", 1),
    ("number_of_rows(threshold := 3, condition := id = 1)", "t", 1),
    ("forall(criteria := (lo < hi, id > 0))", "t", 1),
    ("forall(criteria := (id > 1))", "t", 1),
    ("accepted_range(column := amount, min_v := 10, max_v := 20)", "t", 1),
    ("accepted_range(column := amount, min_v := 10, max_v := 20, inclusive := false)", "t", 3),
    ("accepted_range(column := amount, max_v := 1000)", "t", 0),
    ("at_least_one(column := id)", "t", 0),
    ("at_least_one(column := id, condition := lo = 8)", "t", 1),
    ("at_least_one(column := id)", "none", 0),
    ("not_constant(column := same)", "t", 1),
    ("not_constant(column := id)", "t", 0),
    ("not_empty_string(column := name)", "t", 1),
    ("not_null_proportion(column := id, threshold := 0.7)", "t", 0),
    ("not_null_proportion(column := id, threshold := 0.8)", "t", 1),
    ("not_null_proportion(column := id, threshold := 0.8, condition := lo < 5)", "t", 0),
    ("sequential_values(column := n, interval := 2)", "seq", 1),
    ("sequential_values(column := n, interval := 2, condition := n < 9)", "seq", 0),
    ("sequential_values(column := lo)", "t", 1),
    ("mutually_exclusive_ranges(lower_bound_column := lo, upper_bound_column := hi)", "t", 1),
    ("mutually_exclusive_ranges(lower_bound_column := lo, upper_bound_column := hi, partition_clause := a)", "t", 0),
    (
        "mutually_exclusive_ranges(lower_bound_column := lo, upper_bound_column := hi, partition_clause := PARTITION BY same)",
        "t",
        1,
    ),
    ("mutually_exclusive_ranges(lower_bound_column := hi, upper_bound_column := lo, condition := lo <> hi)", "t", 3),
    ("valid_uuid(column := uuid)", "t", 1),
    ("valid_url(column := url)", "t", 1),
    ("valid_http_method(column := method)", "t", 1),
    ("valid_email(column := mail)", "t", 1),
    ("match_regex_pattern_list(column := name, patterns := ('^a', '^$'))", "t", 0),
    ("match_regex_pattern_list(column := name, patterns := ('^ab$'))", "t", 2),
    ("not_match_regex_pattern_list(column := name, patterns := ('^$', 'd$'))", "t", 2),
    ("match_like_pattern_list(column := name, patterns := ('a%', 'z%'))", "t", 1),
    ("not_match_like_pattern_list(column := name, patterns := ('ab%'))", "t", 2),
    ("z_score(column := amount, threshold := 1)", "t", 1),
    ("z_score(column := amount, threshold := 2)", "t", 0),
    ("z_score(column := same, threshold := 0)", "t", 0),
    ("string_length_between(column := name, min_v := 1, max_v := 3)", "t", 2),
    ("string_length_between(column := name, min_v := 0, max_v := 4, inclusive := false)", "t", 2),
    ("string_length_equal(column := name, v := 2)", "t", 2),
    ("stddev_in_range(column := amount, min_v := 500, max_v := 600)", "t", 0),
    ("stddev_in_range(column := amount, max_v := 100)", "t", 1),
    ("stddev_in_range(column := amount, max_v := 10, condition := amount < 100)", "t", 0),
    ("mean_in_range(column := amount, min_v := 300, max_v := 400)", "t", 0),
    ("mean_in_range(column := amount, min_v := 10, max_v := 15, inclusive := false, condition := id < 3)", "t", 1),
    ("kl_divergence(source_column := p, target_column := q, threshold := 0.01)", "pairs", 0),
    ("kl_divergence(source_column := r, target_column := q, threshold := 0.01)", "pairs", 1),
    ("chi_square(column_a := p, column_b := q, critical_value := 3.84)", "pairs", 0),
    ("chi_square(column_a := p, column_b := r, critical_value := 5.99)", "pairs", 1),
    ("chi_square(column_a := p, column_b := r, critical_value := 5.99, dependent := false)", "pairs", 0),
    ("foreign_key(columns := (id), references := other, to := (key))", "t", 2),
    ("foreign_key(columns := (id), references := other, to := (key), condition := id = 1)", "t", 0),
    ("equal_row_count(model := other)", "t", 1),
    ("equal_row_count(model := other, condition := id = 2)", "t", 0),
];

#[test]
fn every_built_in_audit_finds_the_rows_that_are_wrong() {
    let connection = Connection::open_in_memory().unwrap();
    connection.execute_batch(ROWS).unwrap();
    let mut wrong = Vec::new();
    for (text, relation, expected) in CASES {
        let calls = audit::calls(text, &sql::lex(text).unwrap()).unwrap();
        let Ok(Resolved::Builtin(builtin)) = audit::resolve(&calls[0], &[]) else { panic!("{text}") };
        let query = builtin.bad_rows(EngineKind::DuckDb, relation, &|model| model.join("."));
        let count: usize = connection
            .query_row(&audit::count_query(&query), [], |row| row.get(0))
            .unwrap_or_else(|error| panic!("{text}\n{query}\n{error}"));
        if count != *expected {
            wrong.push(format!("{text} over {relation}: {count}, not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn none_is_left_out() {
    let called = |name: &str| CASES.iter().any(|(text, ..)| text.split('(').next() == Some(name));
    let missing: Vec<&str> = audit::names().filter(|name| !called(name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
