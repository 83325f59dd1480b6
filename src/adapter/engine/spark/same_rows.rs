//! Whether two tables have the same rows: as a multiset, in the same columns, text by text.

use super::Database;
use crate::adapter::engine::cutoff::SameRows;
use crate::domain::environment::Column;
use crate::domain::name::quote;

impl SameRows for Database {
    fn told_apart_by((name, kind): &Column) -> Option<Vec<String>> {
        let name = quote(name);
        // what is printed of a list or a text in another order of letters need not be all of it
        let is_whole = !kind.contains(['<', ' ']) && kind != "variant";
        let text = if kind == "binary" { format!("hex({name})") } else { format!("CAST({name} AS STRING)") };
        is_whole.then(|| vec![text])
    }

    fn hash(values: &str) -> String {
        format!("CAST(xxhash64({values}) AS DECIMAL(38, 0))")
    }
}
