//! Audits that read a second model. The condition is about the model that is audited.

use super::super::engine_kind::EngineKind;
use super::arguments::Given;

/// What the columns of a key are called while they are compared; no column of a model is called so.
const KEY: &str = "__vmesh_key";

/// Rows whose key no row of the other model has. A key with a NULL in it refers to nothing, as in SQL's foreign keys.
pub(super) fn foreign_key(given: &Given<'_>) -> String {
    let columns = given.list("columns");
    let to = if given.list("to").is_empty() { columns } else { given.list("to") };
    let named = |columns: &[String]| {
        let named = columns.iter().enumerate().map(|(index, column)| format!("{column} AS {KEY}_{index}"));
        named.collect::<Vec<_>>().join(", ")
    };
    let each = |joint: &str, part: &dyn Fn(String) -> String| {
        (0..columns.len()).map(|index| part(format!("{KEY}_{index}"))).collect::<Vec<_>>().join(joint)
    };
    if given.engine != EngineKind::DuckDb {
        return format!(
            "SELECT child.* FROM (SELECT *, {} FROM {}{}) AS child WHERE {} AND NOT EXISTS \
             (SELECT 1 FROM (SELECT {} FROM {}) AS parent WHERE {})",
            named(columns),
            given.relation,
            given.filter(None),
            each(" AND ", &|key| format!("child.{key} IS NOT NULL")),
            named(to),
            given.other("references"),
            each(" AND ", &|key| format!("child.{key} = parent.{key}"))
        );
    }
    format!(
        "SELECT child.* EXCLUDE ({}) FROM (SELECT *, {} FROM {}{}) AS child \
         ANTI JOIN (SELECT {} FROM {}) AS parent ON {} WHERE {}",
        each(", ", &|key| key),
        named(columns),
        given.relation,
        given.filter(None),
        named(to),
        given.other("references"),
        each(" AND ", &|key| format!("child.{key} = parent.{key}")),
        each(" AND ", &|key| format!("child.{key} IS NOT NULL"))
    )
}

/// Both numbers of rows, if they differ.
pub(super) fn equal_row_count(given: &Given<'_>) -> String {
    format!(
        "SELECT this.n AS row_count, other.n AS other_row_count FROM (SELECT count(*) AS n FROM {}{}) AS this, \
         (SELECT count(*) AS n FROM {}) AS other WHERE this.n <> other.n",
        given.relation,
        given.filter(None),
        given.other("model")
    )
}
