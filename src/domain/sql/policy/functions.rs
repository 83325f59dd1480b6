//! DuckDB's functions that do more than compute a value of their arguments: what each does, and what to write instead.
//!
//! A function that is not here computes, or is a macro of the user's: a test holds DuckDB's whole catalogue against this
//! table, so that a function which a new DuckDB brings is decided before it can be called.

use super::Does;

/// What some functions do.
pub(super) struct Rule {
    /// Their names; one that ends with `*` is the beginning of names.
    names: &'static [&'static str],
    /// What it is about them.
    pub(super) does: Does,
    /// What they do, in words that follow the function's name.
    pub(super) would: &'static str,
    /// What to write instead.
    pub(super) instead: &'static str,
}

const fn rule(names: &'static [&'static str], does: Does, would: &'static str, instead: &'static str) -> Rule {
    Rule { names, does, would, instead }
}

const NAME_TABLES: &str = "name the tables in FROM: vmesh must see what a text reads";
const LEAVE_OUT: &str = "leave it out";

#[rustfmt::skip]
const RULES: &[Rule] = &[
    rule(&["nextval", "setval"], Does::Acts, "moves a sequence of the warehouse",
        "number rows by row_number() OVER (ORDER BY …)"),
    rule(&["currval"], Does::Acts, "reads a sequence of the warehouse, which each run would find elsewhere",
        "number rows by row_number() OVER (ORDER BY …)"),
    rule(&["setseed"], Does::Acts, "sets the seed of the whole session, other models' too",
        "pick rows by a hash of their key: WHERE hash(id) % 10 = 0"),
    rule(&["sleep_ms", "pg_sleep"], Does::Acts, "waits", LEAVE_OUT),
    rule(&["checkpoint", "force_checkpoint"], Does::Acts, "writes the warehouse's file anew", "vmesh does that itself"),
    rule(&["write_log", "enable_logging", "disable_logging", "truncate_duckdb_logs"], Does::Acts,
        "writes the engine's log", LEAVE_OUT),
    rule(&["enable_profiling", "disable_profiling"], Does::Acts, "changes how the engine runs", LEAVE_OUT),
    rule(&["create_external_resource", "destroy_external_resource", "register_external_resource",
        "deregister_external_resource", "register_external_resource_type", "add_grammar_extension",
        "remove_grammar_extension"], Does::Acts, "changes the engine", LEAVE_OUT),
    rule(&["dbgen", "dsdgen"], Does::Acts, "makes tables", "have `before_all` make them, in the settings"),
    rule(&["postgres_execute", "mysql_execute", "postgres_attach", "sqlite_attach", "load_aws_credentials"], Does::Acts,
        "acts on other databases", LEAVE_OUT),
    rule(&["arrow_scan", "arrow_scan_dumb", "pandas_scan", "python_map_function", "python_scan_all_frames"], Does::Acts,
        "reads the memory of the program", LEAVE_OUT),
    rule(&["__internal_*", "index_key", "seq_scan", "read_single_*"], Does::Acts,
        "is the engine's own: its plans call it", LEAVE_OUT),

    rule(&["query", "json_execute_serialized_sql", "json_serialize_plan", "postgres_query", "mysql_query",
        "sqlite_query"], Does::Hides, "takes a query as a value, which hides the tables that it reads",
        "write the query in parentheses: FROM (SELECT …)"),
    rule(&["query_table"], Does::Hides, "takes tables as values, which hides their names", NAME_TABLES),
    rule(&["histogram_values"], Does::Hides, "takes a table as a value, which hides its name",
        "write: SELECT unnest(map_entries(histogram(column))) FROM table"),
    rule(&["postgres_scan", "postgres_scan_pushdown", "mysql_scan", "sqlite_scan"], Does::Hides,
        "takes a table of another database as a value", NAME_TABLES),

    rule(&["read_csv", "read_csv_auto", "read_parquet", "parquet_scan", "read_json", "read_json_auto", "read_ndjson",
        "read_ndjson_auto", "read_json_objects", "read_json_objects_auto", "read_ndjson_objects", "read_text",
        "read_blob", "glob", "sniff_csv", "parquet_metadata", "parquet_schema", "parquet_file_metadata",
        "parquet_kv_metadata", "parquet_full_metadata", "parquet_bloom_probe", "read_xlsx", "iceberg_scan",
        "delta_scan"], Does::Files, "reads files", "read files in a model, and name that model here"),
    rule(&["read_duckdb"], Does::Hides, "reads another database", NAME_TABLES),

    rule(&["duckdb_*", "pragma_*", "which_secret", "pg_get_viewdef", "pg_get_constraintdef", "pg_get_expr",
        "sql_auto_complete"], Does::Tells,
        "tells what the warehouse holds, records and other environments among it", "`vmesh query` may ask it"),
    rule(&["getenv", "current_setting"], Does::Tells, "tells how this machine is set up",
        "give the value by a variable of the settings: @VAR(name)"),
];

/// The table macro that shares its name with an aggregate, which only computes.
const HISTOGRAM: Rule = rule(
    &["histogram"],
    Does::Hides,
    "takes, in FROM, a table as a value, which hides its name",
    "write: SELECT unnest(map_entries(histogram(column))) FROM table",
);

/// What a function does besides computing; `in_from` says that rows are taken from it.
pub(super) fn rule_of(name: &str, in_from: bool) -> Option<&'static Rule> {
    let name = name.to_ascii_lowercase();
    let is = |known: &&str| known.strip_suffix('*').map_or(*known == name, |start| name.starts_with(start));
    let histogram = (in_from && name == "histogram").then_some(&HISTOGRAM);
    histogram.or_else(|| RULES.iter().find(|rule| rule.names.iter().any(&is)))
}
