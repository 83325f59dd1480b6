//! DuckDB's functions, by what they do to rows. One that is not here may do anything: macros of a project, functions of
//! extensions.

use sqlparser::ast::{Function, FunctionArgumentClause, FunctionArguments, WindowType};

use super::relation;

/// What a function does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// The same value for the same arguments.
    Scalar,
    /// One value of many rows, in whatever order they come.
    Aggregate,
    /// One value of many rows, by the order in which they come.
    Ordered,
    /// A value by the place of a row among others.
    Window,
    /// Another value each time: of the clock, of chance, of the session.
    Volatile,
    /// Several rows for one.
    Rows,
}

/// What a function of this name (in lower case) does, if it is known.
pub(super) fn class(name: &str) -> Option<Class> {
    let is_in = |list: &[&str]| list.binary_search(&name).is_ok();
    if is_in(SCALAR) {
        Some(Class::Scalar)
    } else if is_in(AGGREGATE) {
        Some(Class::Aggregate)
    } else if is_in(ORDERED) {
        Some(Class::Ordered)
    } else if is_in(WINDOW) {
        Some(Class::Window)
    } else if is_in(VOLATILE) {
        Some(Class::Volatile)
    } else if is_in(ROWS) {
        Some(Class::Rows)
    } else {
        None
    }
}

/// Whether a call gives the same each time, of the same arguments and rows, in whatever order these come; none of a function
/// that nobody knows.
pub(super) fn is_repeatable(function: &Function) -> Option<bool> {
    Some(match class(&name_of(function))? {
        Class::Volatile => false,
        Class::Ordered | Class::Window => is_ordered(function),
        Class::Scalar | Class::Aggregate | Class::Rows => true,
    })
}

/// The name of a function of the engine's own, in lower case; empty for one in a schema.
pub(super) fn name_of(function: &Function) -> String {
    match relation::parts(&function.name).as_slice() {
        [name] => name.to_ascii_lowercase(),
        _ => String::new(),
    }
}

/// Whether a function says in what order it takes its rows.
fn is_ordered(function: &Function) -> bool {
    let within = !function.within_group.is_empty();
    let clauses = match &function.args {
        FunctionArguments::List(list) => list.clauses.as_slice(),
        _ => &[],
    };
    let by_clause = clauses.iter().any(|clause| matches!(clause, FunctionArgumentClause::OrderBy(_)));
    let by_window = matches!(&function.over, Some(WindowType::WindowSpec(window)) if !window.order_by.is_empty());
    within || by_clause || by_window
}

#[rustfmt::skip]
const AGGREGATE: &[&str] = &[
    "arg_max", "arg_max_null", "arg_min", "arg_min_null", "argmax", "argmin", "avg", "bit_and", "bit_or", "bit_xor",
    "bitstring_agg", "bool_and", "bool_or", "corr", "count", "count_if", "count_star", "countif", "covar_pop",
    "covar_samp", "entropy", "favg", "fsum", "geomean", "geometric_mean", "histogram", "histogram_exact", "kahan_sum",
    "kurtosis", "kurtosis_pop", "mad", "max", "max_by", "mean", "median", "min", "min_by", "percentile_cont",
    "percentile_disc", "product", "quantile", "quantile_cont", "quantile_disc", "regr_avgx", "regr_avgy",
    "regr_count", "regr_intercept", "regr_r2", "regr_slope", "regr_sxx", "regr_sxy", "regr_syy", "sem", "skewness",
    "stddev", "stddev_pop", "stddev_samp", "sum", "sum_no_overflow", "sumkahan", "var_pop", "var_samp", "variance",
];

#[rustfmt::skip]
const ORDERED: &[&str] = &[
    "any_value", "approx_count_distinct", "approx_quantile", "approx_top_k", "arbitrary", "arg_max_nulls_last",
    "arg_min_nulls_last", "array_agg", "first", "group_concat", "json_group_array", "json_group_object",
    "json_group_structure", "last", "list", "listagg", "lttb", "mode", "reservoir_quantile", "string_agg", "wavg",
    "weighted_avg",
];

#[rustfmt::skip]
const WINDOW: &[&str] = &[
    "cume_dist", "dense_rank", "fill", "first_value", "lag", "last_value", "lead", "nth_value", "ntile",
    "percent_rank", "rank", "rank_dense", "row_number",
];

#[rustfmt::skip]
const VOLATILE: &[&str] = &[
    "age", "current_catalog", "current_database", "current_date", "current_localtime", "current_localtimestamp",
    "current_query", "current_role", "current_schema", "current_schemas", "current_setting", "current_time",
    "current_timestamp", "current_user", "currval", "gen_random_uuid", "get_current_time", "get_current_timestamp",
    "getenv", "getvariable", "localtime", "localtimestamp", "nextval", "now", "pg_backend_pid", "random",
    "session_user", "setseed", "today", "transaction_timestamp", "txid_current", "user", "uuid", "uuidv4", "uuidv7",
    "version",
];

#[rustfmt::skip]
const ROWS: &[&str] = &[
    "generate_subscripts", "json_each", "json_tree", "regexp_split_to_table", "unlist", "unnest",
];

/// From the engine's own list, `duckdb_functions()` of 2.0.0: a test compares them.
#[rustfmt::skip]
const SCALAR: &[&str] = &[
    "abs", "acos", "acosh", "add", "aggregate", "apply", "array_aggr", "array_aggregate", "array_append",
    "array_apply", "array_cat", "array_concat", "array_contains", "array_cosine_distance", "array_cosine_similarity",
    "array_cross_product", "array_distance", "array_distinct", "array_dot_product", "array_extract", "array_filter",
    "array_grade_up", "array_has", "array_has_all", "array_has_any", "array_indexof", "array_inner_product",
    "array_intersect", "array_length", "array_negative_dot_product", "array_negative_inner_product", "array_pop_back",
    "array_pop_front", "array_position", "array_prepend", "array_push_back", "array_push_front", "array_reduce",
    "array_resize", "array_reverse", "array_reverse_sort", "array_select", "array_slice", "array_sort",
    "array_to_json", "array_to_string", "array_to_string_comma_default", "array_transform", "array_unique",
    "array_value", "array_where", "array_zip", "ascii", "asin", "asinh", "assert_true", "atan", "atan2", "atanh",
    "bar", "base64", "bin", "binom", "bit_count", "bit_length", "bit_position", "bitstring", "can_cast_implicitly",
    "cardinality", "cbrt", "ceil", "ceiling", "century", "char_length", "character_length", "chr", "coalesce",
    "concat", "concat_ws", "contains", "cos", "cosh", "cot", "damerau_levenshtein", "date_add", "date_diff",
    "date_part", "date_sub", "date_trunc", "datediff", "datepart", "datesub", "datetrunc", "day", "dayname",
    "dayofmonth", "dayofweek", "dayofyear", "days_in_month", "decade", "decimal_division", "decode", "degrees",
    "divide", "editdist3", "element_at", "encode", "ends_with", "enum_code", "enum_first", "enum_last", "enum_range",
    "enum_range_boundary", "epoch", "epoch_ms", "epoch_ns", "epoch_us", "equi_width_bins", "era", "even", "exp",
    "factorial", "fdiv", "filter", "flatten", "floor", "fmod", "format", "format_bytes", "from_base64", "from_binary",
    "from_hex", "from_json", "from_json_strict", "gamma", "gcd", "generate_series", "get_bit", "get_type", "grade_up",
    "greatest", "greatest_common_divisor", "hamming", "hash", "hex", "hour", "if", "ifnull", "ilike_escape", "instr",
    "isfinite", "isinf", "isnan", "isodow", "isoyear", "jaccard", "jaro_similarity", "jaro_winkler_similarity",
    "json", "json_array", "json_array_length", "json_contains", "json_deep_merge", "json_exists", "json_extract",
    "json_extract_path", "json_extract_path_text", "json_extract_string", "json_insert", "json_keys",
    "json_merge_patch", "json_merge_patch_diff", "json_object", "json_pretty", "json_quote", "json_remove",
    "json_replace", "json_set", "json_strip_nulls", "json_structure", "json_transform", "json_transform_strict",
    "json_type", "json_valid", "json_value", "julian", "last_day", "lcase", "lcm", "least", "least_common_multiple",
    "left", "left_grapheme", "len", "length", "length_grapheme", "levenshtein", "lgamma", "like_escape", "list_aggr",
    "list_aggregate", "list_any_value", "list_append", "list_apply", "list_approx_count_distinct", "list_avg",
    "list_bit_and", "list_bit_or", "list_bit_xor", "list_bool_and", "list_bool_or", "list_cat", "list_concat",
    "list_contains", "list_cosine_distance", "list_cosine_similarity", "list_count", "list_distance", "list_distinct",
    "list_dot_product", "list_element", "list_entropy", "list_extract", "list_filter", "list_first", "list_grade_up",
    "list_has", "list_has_all", "list_has_any", "list_histogram", "list_indexof", "list_inner_product",
    "list_intersect", "list_kurtosis", "list_kurtosis_pop", "list_last", "list_mad", "list_max", "list_median",
    "list_min", "list_mode", "list_negative_dot_product", "list_negative_inner_product", "list_pack", "list_position",
    "list_prepend", "list_product", "list_reduce", "list_resize", "list_reverse", "list_reverse_sort", "list_select",
    "list_sem", "list_skewness", "list_slice", "list_sort", "list_stddev_pop", "list_stddev_samp", "list_string_agg",
    "list_sum", "list_transform", "list_unique", "list_value", "list_var_pop", "list_var_samp", "list_where",
    "list_zip", "ln", "log", "log10", "log2", "lower", "lpad", "ltrim", "make_date", "make_time", "make_timestamp",
    "make_timestamp_ms", "make_timestamp_ns", "make_type", "map", "map_concat", "map_contains", "map_contains_entry",
    "map_contains_value", "map_entries", "map_extract", "map_extract_value", "map_from_entries", "map_keys",
    "map_values", "md5", "md5_number", "md5_number_lower", "md5_number_upper", "microsecond", "millennium",
    "millisecond", "minute", "mismatches", "mod", "month", "monthname", "multiply", "nanosecond", "nextafter",
    "nfc_normalize", "normalized_interval", "not_ilike_escape", "not_like_escape", "nullif", "octet_length",
    "ord", "overlay", "parse_dirname", "parse_dirpath", "parse_filename", "parse_formatted_bytes", "parse_path",
    "path_join", "pi", "position", "pow", "power", "prefix", "printf", "quarter", "radians", "range", "reduce",
    "regexp_escape", "regexp_extract", "regexp_extract_all", "regexp_full_match", "regexp_matches", "regexp_replace",
    "regexp_split_to_array", "repeat", "replace", "replace_type", "reverse", "right", "right_grapheme", "round",
    "round_even", "roundbankers", "row", "row_to_json", "rpad", "rtrim", "second", "set_bit", "sha1", "sha256",
    "sign", "signbit", "sin", "sinh", "split", "split_part", "sqrt", "st_asbinary", "st_astext", "st_aswkb",
    "st_aswkt", "st_crs", "st_geomfromwkb", "st_intersects_extent", "st_setcrs", "starts_with", "str_split",
    "str_split_regex", "strftime", "string_split", "string_split_regex", "string_to_array", "strip_accents", "strlen",
    "strpos", "strptime", "struct_concat", "struct_contains", "struct_extract", "struct_extract_at", "struct_has",
    "struct_indexof", "struct_insert", "struct_keys", "struct_pack", "struct_position", "struct_update",
    "struct_values", "substr", "substring", "substring_grapheme", "subtract", "suffix", "switch", "tan", "tanh",
    "time_bucket", "timezone", "timezone_hour", "timezone_minute", "to_base", "to_base64", "to_binary",
    "to_centuries", "to_days", "to_decades", "to_hex", "to_hours", "to_json", "to_microseconds", "to_millennia",
    "to_milliseconds", "to_minutes", "to_months", "to_quarters", "to_seconds", "to_timestamp", "to_weeks", "to_years",
    "translate", "trim", "trunc", "try", "try_strptime", "typeof", "ucase", "unbin", "unhex", "unicode",
    "union_extract", "union_tag", "union_value", "upper", "url_decode", "url_encode", "variant_array_length",
    "variant_contains", "variant_exists", "variant_extract", "variant_extract_string", "variant_keys", "variant_type",
    "variant_typeof", "week", "weekday", "weekofyear", "xor", "year", "yearweek",
];

/// All names that are known, each with what it does, in a word.
#[cfg(test)]
pub(crate) fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    let of = |list: &'static [&'static str], word: &'static str| list.iter().map(move |name| (*name, word));
    let aggregates = of(AGGREGATE, "aggregate").chain(of(ORDERED, "aggregate"));
    let others = of(WINDOW, "window").chain(of(VOLATILE, "volatile")).chain(of(ROWS, "rows"));
    of(SCALAR, "scalar").chain(aggregates).chain(others)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_list_is_in_order_and_no_name_is_in_two() {
        for list in [SCALAR, AGGREGATE, ORDERED, WINDOW, VOLATILE, ROWS] {
            assert!(list.is_sorted(), "{list:?}");
        }
        let mut names: Vec<&str> = all().map(|(name, _)| name).collect();
        names.sort_unstable();
        let repeated: Vec<_> = names.windows(2).filter(|pair| pair[0] == pair[1]).collect();
        assert!(repeated.is_empty(), "{repeated:?}");
        assert_eq!(class("sum"), Some(Class::Aggregate));
        assert_eq!(class("my_macro"), None);
    }
}
