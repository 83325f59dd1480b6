//! Whether two tables have the same rows: as a multiset, in the same columns, text by text. Of PostgreSQL's own types that tells
//! values apart that nobody else could: `1.5` and `1.50`, `0` and `-0`, a month and 30 days.

use super::Database;
use crate::adapter::engine::WarehouseError;
use crate::adapter::engine::cutoff::SameRows;
use crate::adapter::engine::records::SqlSession;
use crate::domain::environment::Column;
use crate::domain::name::{TableName, literal, quote};

impl SameRows for Database {
    fn told_apart_by((name, kind): &Column) -> Option<Vec<String>> {
        // what types of others print need not be all of a value; and of `bpchar`, blanks at the end are not
        let is_whole = !kind.contains(['.', '"']) && !kind.starts_with("bpchar");
        is_whole.then(|| vec![format!("CAST({} AS text) COLLATE \"C\"", quote(name))])
    }

    fn hash(values: &str) -> String {
        format!("CAST(hashtextextended(CAST(ROW({values}) AS text) COLLATE \"C\", 0) AS numeric)")
    }

    fn sort_alike(&self, one: &TableName, other: &TableName) -> Result<bool, WarehouseError> {
        let sorts = |table: &TableName| {
            format!(
                "SELECT lower(attname), attcollation FROM pg_attribute WHERE attrelid = to_regclass({}) AND attnum > 0 \
                 AND attcollation <> 0 AND NOT attisdropped",
                literal(&table.quoted())
            )
        };
        let sql = format!(
            "SELECT count(*) = 0 FROM (({0} EXCEPT {1}) UNION ALL ({1} EXCEPT {0})) AS odd",
            sorts(one),
            sorts(other)
        );
        self.all("comparing columns", &sql)?.first().map_or(Ok(false), |row| row.get(0))
    }
}
