//! DuckDB's keywords, from `duckdb_keywords()` of 2.0.0, and its functions that need no parentheses.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::domain::name::quote;

/// What DuckDB's grammar makes of a word without quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// It is never a name.
    Reserved,
    /// It has a meaning in some places and may be a name in others.
    Unreserved,
}

/// The keywords, in lower case. Every word of every query is looked up.
static KEYWORDS: LazyLock<HashMap<&'static str, Meaning>> = LazyLock::new(|| {
    let all = |words: &'static [&'static str], meaning| words.iter().map(move |word| (*word, meaning));
    all(RESERVED, Meaning::Reserved).chain(all(UNRESERVED, Meaning::Unreserved)).collect()
});

/// The letters of the longest keyword.
const LONGEST: usize = 15;

/// What a word means, in any letter case.
fn meaning(word: &str) -> Option<Meaning> {
    let mut lower = [0; LONGEST];
    let lower = lower.get_mut(..word.len())?;
    lower.copy_from_slice(word.as_bytes());
    lower.make_ascii_lowercase();
    KEYWORDS.get(std::str::from_utf8(lower).ok()?).copied()
}

/// Whether DuckDB never reads this word, unquoted, as a name.
pub(super) fn is_reserved(word: &str) -> bool {
    meaning(word) == Some(Meaning::Reserved)
}

/// A name as SQL takes it: quoted where it has to be.
pub fn identifier(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let begins = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
    if begins && name.chars().all(is_plain) && !is_keyword(name) { name.to_owned() } else { quote(name) }
}

/// Whether DuckDB's grammar gives this word, unquoted, a meaning somewhere.
pub(super) fn is_keyword(word: &str) -> bool {
    meaning(word).is_some()
}

/// Whether DuckDB accepts this name, without parentheses, though no table has such a column.
pub(super) fn is_bare_function(name: &str) -> bool {
    BARE_FUNCTIONS.iter().any(|function| function.eq_ignore_ascii_case(name))
}

/// Functions called without parentheses, and pseudo columns that every table has.
const BARE_FUNCTIONS: &[&str] = &[
    "current_catalog",
    "current_database",
    "current_date",
    "current_localtime",
    "current_localtimestamp",
    "current_role",
    "current_schema",
    "current_time",
    "current_timestamp",
    "current_user",
    "localtime",
    "localtimestamp",
    "rowid",
    "session_user",
    "user",
];

#[rustfmt::skip]
const RESERVED: &[&str] = &[
    "all", "analyse", "analyze", "and", "any", "array", "as", "asc", "asymmetric", "both", "case", "cast", "check",
    "collate", "column", "constraint", "create", "default", "deferrable", "desc", "describe", "distinct", "do",
    "else", "end", "except", "false", "fetch", "for", "foreign", "from", "group", "having", "in", "initially",
    "intersect", "into", "lambda", "lateral", "leading", "limit", "not", "null", "offset", "on", "only", "or",
    "order", "pivot", "pivot_longer", "pivot_wider", "placing", "primary", "qualify", "references", "returning",
    "select", "show", "some", "summarize", "symmetric", "table", "then", "to", "trailing", "true", "union", "unique",
    "unpivot", "using", "variadic", "when", "where", "window", "with",
];

#[rustfmt::skip]
const UNRESERVED: &[&str] = &[
    "abort", "absolute", "access", "action", "add", "admin", "after", "aggregate", "also", "alter", "always", "anti",
    "approx", "asof", "assertion", "assignment", "at", "attach", "attribute", "authorization", "backward", "before",
    "begin", "between", "bigint", "binary", "bit", "boolean", "by", "cache", "call", "called", "cascade", "cascaded",
    "catalog", "centuries", "century", "chain", "char", "character", "characteristics", "checkpoint", "class",
    "close", "cluster", "coalesce", "collation", "columns", "comment", "comments", "commit", "committed",
    "compression", "concurrently", "configuration", "conflict", "connect", "connection", "constraints", "content",
    "continue", "conversion", "copy", "cost", "cross", "csv", "cube", "current", "cursor", "cycle", "data",
    "database", "day", "days", "deallocate", "dec", "decade", "decades", "decimal", "declare", "defaults", "deferred",
    "definer", "delete", "delimiter", "delimiters", "depends", "destroy", "detach", "dictionary", "disable",
    "discard", "disconnect", "distance", "document", "domain", "double", "drop", "each", "enable", "encoding",
    "encrypted", "enum", "error", "escape", "event", "exact", "exclude", "excluding", "exclusive", "execute",
    "exists", "explain", "export", "export_state", "extension", "extensions", "external", "extract", "family",
    "filter", "first", "float", "following", "force", "forward", "freeze", "full", "function", "functions",
    "generated", "glob", "global", "grant", "granted", "grouping", "grouping_id", "groups", "handler", "header",
    "hold", "hour", "hours", "identity", "if", "ignore", "ilike", "immediate", "immutable", "implicit", "import",
    "include", "including", "increment", "index", "indexes", "inherit", "inherits", "inline", "inner", "inout",
    "input", "insensitive", "insert", "install", "instead", "int", "integer", "interval", "invoker", "is", "isnull",
    "isolation", "join", "json", "key", "label", "language", "large", "last", "leakproof", "left", "level", "like",
    "listen", "load", "local", "location", "lock", "locked", "logged", "macro", "map", "mapping", "match", "matched",
    "materialized", "maxvalue", "merge", "method", "microsecond", "microseconds", "millennia", "millennium",
    "millenniums", "millisecond", "milliseconds", "minute", "minutes", "minvalue", "mode", "month", "months", "move",
    "name", "names", "national", "natural", "nchar", "nearest", "new", "next", "no", "none", "nothing", "notify",
    "notnull", "nowait", "nullif", "nulls", "numeric", "object", "of", "off", "oids", "old", "operator", "option",
    "options", "ordinality", "others", "out", "outer", "over", "overlaps", "overlay", "overriding", "owned", "owner",
    "parallel", "parser", "partial", "partition", "partitioned", "passing", "password", "percent", "persistent",
    "plans", "policy", "position", "positional", "pragma", "preceding", "precision", "prepare", "prepared",
    "preserve", "prior", "privileges", "procedural", "procedure", "program", "publication", "quarter", "quarters",
    "quote", "range", "read", "real", "reassign", "recheck", "recursive", "ref", "referencing", "refresh", "register",
    "reindex", "relative", "release", "rename", "repeatable", "replace", "replica", "reset", "resource", "resources",
    "respect", "restart", "restrict", "returns", "revoke", "right", "role", "rollback", "rollup", "row", "rows",
    "rule", "sample", "savepoint", "schema", "schemas", "scope", "scroll", "search", "second", "seconds", "secret",
    "secure", "security", "semi", "sequence", "sequences", "serializable", "server", "session", "set", "setof",
    "sets", "share", "similar", "similarity", "simple", "skip", "smallint", "snapshot", "sorted", "source", "sql",
    "stable", "standalone", "start", "statement", "statistics", "stdin", "stdout", "storage", "stored", "strict",
    "strip", "struct", "subscription", "substring", "sysid", "system", "tables", "tablesample", "tablespace",
    "target", "temp", "template", "temporary", "text", "ties", "time", "timestamp", "transaction", "transform",
    "treat", "trigger", "trim", "truncate", "trusted", "try_cast", "tuple", "type", "types", "unbounded",
    "uncommitted", "unencrypted", "unknown", "unlisten", "unlogged", "unpack", "until", "update", "use", "user",
    "vacuum", "valid", "validate", "validator", "value", "values", "varchar", "variable", "varying", "verbose",
    "version", "view", "views", "virtual", "volatile", "week", "weeks", "whitespace", "within", "without", "work",
    "wrapper", "write", "xml", "xmlattributes", "xmlconcat", "xmlelement", "xmlexists", "xmlforest", "xmlnamespaces",
    "xmlparse", "xmlpi", "xmlroot", "xmlserialize", "xmltable", "year", "years", "yes", "zone",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_is_found() {
        assert!(RESERVED.iter().all(|word| is_reserved(word)));
        assert!(UNRESERVED.iter().all(|word| is_keyword(word) && !is_reserved(word)));
        assert_eq!(KEYWORDS.keys().map(|word| word.len()).max(), Some(LONGEST));
        assert!(is_reserved("SELECT") && is_keyword("Asof") && !is_keyword("customers") && !is_keyword(""));
        assert!(is_bare_function("Current_Date"));
    }
}
