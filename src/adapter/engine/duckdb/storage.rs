//! What tables take of the file.

use std::collections::{BTreeMap, BTreeSet};

use super::Database;
use crate::adapter::engine::WarehouseError;
use crate::adapter::engine::records::Ledger;
use crate::domain::name::{TableName, literal};

impl Database {
    /// Bytes of the blocks that tables lie in.
    pub(super) fn storage(&self, tables: &BTreeSet<TableName>) -> Result<BTreeMap<TableName, u64>, WarehouseError> {
        let doing = "measuring tables";
        let block: i64 = self.one(doing, "SELECT block_size FROM pragma_database_size()")?;
        let kinds = Ledger(self).kinds()?;
        let mut bytes = BTreeMap::new();
        for table in tables {
            if kinds.get(&table.name) != Some(&"TABLE") {
                continue;
            }
            let place = literal(&table.quoted());
            let sql = format!(
                "SELECT count(DISTINCT block_id) FROM pragma_storage_info({place}) WHERE persistent AND block_id >= 0"
            );
            let blocks: i64 = self.one(doing, &sql)?;
            bytes.insert(table.clone(), u64::try_from(blocks * block).unwrap_or(0));
        }
        Ok(bytes)
    }
}
