//! The list of built-in audits: their names, their parameters, and where their SQL is made.

use super::arguments::Given;
use super::{across, rows, statistics};

/// One built-in audit.
#[derive(Debug)]
pub(super) struct Rule {
    /// Its name.
    pub(super) name: &'static str,
    /// What it may be given, besides the condition.
    pub(super) parameters: &'static [Parameter],
    /// Makes the query for the bad rows.
    pub(super) sql: fn(&Given<'_>) -> String,
}

impl PartialEq for Rule {
    /// A rule is its name.
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// One parameter of a rule.
#[derive(Debug)]
pub(super) struct Parameter {
    /// Its name.
    pub(super) name: &'static str,
    /// What can be given.
    pub(super) shape: Shape,
    /// Whether it must be given.
    pub(super) required: bool,
}

/// What can be given to a parameter.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
    /// A column, a value, or any expression.
    Expression,
    /// Part of a query, as it is: `PARTITION BY a`.
    Clause,
    /// Expressions in brackets.
    List,
    /// `true` or `false`.
    Boolean,
    /// The name of another model.
    Model,
}

/// Only the rows where this holds are looked at. Every audit takes it.
pub(super) const CONDITION: Parameter = optional("condition", Shape::Expression);

const COLUMN: Parameter = required("column", Shape::Expression);
const COLUMNS: Parameter = required("columns", Shape::List);
const PATTERNS: Parameter = required("patterns", Shape::List);
const IS_IN: Parameter = required("is_in", Shape::List);
const THRESHOLD: Parameter = required("threshold", Shape::Expression);
const RANGE: [Parameter; 4] = [
    COLUMN,
    optional("min_v", Shape::Expression),
    optional("max_v", Shape::Expression),
    optional("inclusive", Shape::Boolean),
];

/// SQLMesh's audits in the order of its documentation, then ours, which read other models.
static RULES: [Rule; 31] = [
    rule("not_null", &[COLUMNS], rows::not_null),
    rule("unique_values", &[COLUMNS], rows::unique_values),
    rule("unique_combination_of_columns", &[COLUMNS], rows::unique_combination_of_columns),
    rule("accepted_values", &[COLUMN, IS_IN], rows::accepted_values),
    rule("not_accepted_values", &[COLUMN, IS_IN], rows::not_accepted_values),
    rule("number_of_rows", &[THRESHOLD], statistics::number_of_rows),
    rule("forall", &[required("criteria", Shape::List)], rows::forall),
    rule("accepted_range", &RANGE, rows::accepted_range),
    rule("at_least_one", &[COLUMN], statistics::at_least_one),
    rule("not_constant", &[COLUMN], statistics::not_constant),
    rule("not_empty_string", &[COLUMN], rows::not_empty_string),
    rule("not_null_proportion", &[COLUMN, THRESHOLD], statistics::not_null_proportion),
    rule("sequential_values", &[COLUMN, optional("interval", Shape::Expression)], rows::sequential_values),
    rule(
        "mutually_exclusive_ranges",
        &[
            required("lower_bound_column", Shape::Expression),
            required("upper_bound_column", Shape::Expression),
            optional("partition_clause", Shape::Clause),
        ],
        rows::mutually_exclusive_ranges,
    ),
    rule("valid_uuid", &[COLUMN], rows::valid_uuid),
    rule("valid_url", &[COLUMN], rows::valid_url),
    rule("valid_http_method", &[COLUMN], rows::valid_http_method),
    rule("valid_email", &[COLUMN], rows::valid_email),
    rule("match_regex_pattern_list", &[COLUMN, PATTERNS], rows::match_regex),
    rule("not_match_regex_pattern_list", &[COLUMN, PATTERNS], rows::not_match_regex),
    rule("match_like_pattern_list", &[COLUMN, PATTERNS], rows::match_like),
    rule("not_match_like_pattern_list", &[COLUMN, PATTERNS], rows::not_match_like),
    rule("z_score", &[COLUMN, THRESHOLD], statistics::z_score),
    rule("string_length_between", &RANGE, rows::string_length_between),
    rule("string_length_equal", &[COLUMN, required("v", Shape::Expression)], rows::string_length_equal),
    rule("stddev_in_range", &RANGE, statistics::stddev_in_range),
    rule("mean_in_range", &RANGE, statistics::mean_in_range),
    rule(
        "kl_divergence",
        &[required("source_column", Shape::Expression), required("target_column", Shape::Expression), THRESHOLD],
        statistics::kl_divergence,
    ),
    rule(
        "chi_square",
        &[
            required("column_a", Shape::Expression),
            required("column_b", Shape::Expression),
            required("critical_value", Shape::Expression),
            optional("dependent", Shape::Boolean),
        ],
        statistics::chi_square,
    ),
    rule(
        "foreign_key",
        &[COLUMNS, required("references", Shape::Model), optional("to", Shape::List)],
        across::foreign_key,
    ),
    rule("equal_row_count", &[required("model", Shape::Model)], across::equal_row_count),
];

/// The rule of this name, and whether it blocks: the `_non_blocking` variant of a rule only warns.
pub(super) fn find(name: &str) -> Option<(&'static Rule, bool)> {
    let (base, blocking) = match name.strip_suffix("_non_blocking") {
        Some(base) => (base, false),
        None => (name, true),
    };
    RULES.iter().find(|rule| rule.name == base).map(|rule| (rule, blocking))
}

/// The names of all built-in audits.
pub fn names() -> impl Iterator<Item = &'static str> {
    RULES.iter().map(|rule| rule.name)
}

const fn rule(name: &'static str, parameters: &'static [Parameter], sql: fn(&Given<'_>) -> String) -> Rule {
    Rule { name, parameters, sql }
}

const fn required(name: &'static str, shape: Shape) -> Parameter {
    Parameter { name, shape, required: true }
}

const fn optional(name: &'static str, shape: Shape) -> Parameter {
    Parameter { name, shape, required: false }
}
