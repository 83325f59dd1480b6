//! Tables that nobody's text names: those of vmesh, of other environments and of the engine's catalogue.

/// Views of the engine that need no schema in front; and those that tell of it in PostgreSQL's words.
#[rustfmt::skip]
const CATALOGUE: &[&str] = &[
    "duckdb_columns", "duckdb_constraints", "duckdb_databases", "duckdb_indexes", "duckdb_logs", "duckdb_schemas",
    "duckdb_tables", "duckdb_types", "duckdb_views", "pg_am", "pg_attrdef", "pg_attribute", "pg_class", "pg_collation",
    "pg_constraint", "pg_database", "pg_depend", "pg_description", "pg_enum", "pg_index", "pg_indexes", "pg_namespace",
    "pg_prepared_statements", "pg_proc", "pg_sequence", "pg_sequences", "pg_settings", "pg_tables", "pg_tablespace",
    "pg_type", "pg_views", "pragma_database_list", "sqlite_master", "sqlite_schema", "sqlite_temp_master",
    "sqlite_temp_schema",
];

/// Schemas and catalogs that are the engine's.
const ENGINES: &[&str] = &["information_schema", "pg_catalog", "system"];

/// Endings by which DuckDB takes a name for the path of a database.
const DATABASES: [&str; 3] = [".db", ".ddb", ".duckdb"];

/// Why a text of a branch may not read the table of this dotted name, which no model has; and what to do.
pub fn barred_table(parts: &[String]) -> Option<(String, &'static str)> {
    let written = parts.join(".");
    let (last, qualifiers) = parts.split_last()?;
    let qualifiers: Vec<String> = qualifiers.iter().map(|part| part.to_lowercase()).collect();
    let is_own = |part: &String| part.starts_with("vmesh_") || part.starts_with("dev__") || part.contains("__dev__");
    if qualifiers.iter().any(is_own) {
        let help = "name the model itself: which table that is depends on the environment";
        return Some((format!("`{written}` reads one of vmesh's own schemas"), help));
    }
    let is_engines = |part: &String| ENGINES.contains(&part.as_str());
    let is_plain = qualifiers.iter().all(|part| matches!(part.as_str(), "main" | "temp"));
    if qualifiers.iter().any(is_engines) || (is_plain && CATALOGUE.contains(&last.to_lowercase().as_str())) {
        let what = format!("`{written}` tells what the warehouse holds, records and other environments among it");
        return Some((what, "`vmesh query` may ask it"));
    }
    let help = "put a file's path in single quotes, and a table's name into quotes part by part: \"raw\".\"orders\"";
    is_path(&written).then(|| (format!("`{written}` would be taken for a file"), help))
}

/// Whether DuckDB may take this name for a path.
pub(super) fn is_path(name: &str) -> bool {
    name.contains(['/', '\\', '*']) || is_database(name)
}

/// Whether DuckDB would take this name for a database's file.
pub(super) fn is_database(name: &str) -> bool {
    let lower = name.to_lowercase();
    DATABASES.iter().any(|ending| lower.ends_with(ending) || lower.contains(&format!("{ending}?")))
}
