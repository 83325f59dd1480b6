//! Dropping snapshots that nothing points at, and measuring what is kept.

use std::collections::{BTreeMap, BTreeSet};

use super::Database;
use crate::adapter::engine::{Collect, WarehouseError};
use crate::domain::environment::{OutOfReach, Preview};
use crate::domain::name::{BranchName, EnvName, SNAPSHOTS_SCHEMA, SchemaPattern, TableName, literal};

impl Collect for Database {
    fn remove_environments(
        &self,
        environments: &[(EnvName, u64)],
        pattern: SchemaPattern,
    ) -> Result<Vec<EnvName>, WarehouseError> {
        self.transaction("removing environments", |warehouse| warehouse.remove(environments, pattern))
    }

    fn drop_snapshots(&self, tables: &[TableName]) -> Result<Vec<TableName>, WarehouseError> {
        let doing = "dropping snapshots";
        self.transaction(doing, |warehouse| {
            let pointed: BTreeSet<String> = warehouse
                .all(
                    doing,
                    "SELECT table_name FROM vmesh_state.pointers UNION SELECT table_name FROM vmesh_state.previews",
                    |row| row.get(0),
                )?
                .into_iter()
                .collect();
            let free: Vec<TableName> = tables.iter().filter(|table| !pointed.contains(&table.name)).cloned().collect();
            warehouse.forget(&free)?;
            warehouse.run(
                doing,
                "DELETE FROM vmesh_state.comments WHERE hash NOT IN \
                 (SELECT comments FROM vmesh_state.pointers WHERE comments IS NOT NULL) \
                 AND hash NOT IN (SELECT comments FROM vmesh_state.moved WHERE comments IS NOT NULL);\n\
                 DELETE FROM vmesh_state.builds WHERE model NOT IN (SELECT model FROM vmesh_state.tables);\n",
            )?;
            Ok(free)
        })
    }

    fn keep_preview(&self, preview: &Preview) -> Result<(), WarehouseError> {
        let branch = literal(preview.branch.as_str());
        let row = |table: &TableName| format!("({branch}, {}, {})", literal(&table.name), preview.at);
        let rows: Vec<String> = preview.tables.iter().map(row).collect();
        let mut statements = format!("DELETE FROM vmesh_state.previews WHERE branch = {branch};\n");
        if !rows.is_empty() {
            statements.push_str(&format!("INSERT INTO vmesh_state.previews VALUES {};\n", rows.join(", ")));
        }
        let doing = "remembering a merge";
        self.transaction(doing, |warehouse| warehouse.run(doing, &statements))
    }

    fn forget_previews(&self, branches: &[BranchName]) -> Result<(), WarehouseError> {
        let forget = |branch: &BranchName| {
            format!("DELETE FROM vmesh_state.previews WHERE branch = {};\n", literal(branch.as_str()))
        };
        self.run("forgetting merges", &branches.iter().map(forget).collect::<String>())
    }

    fn forget_history(&self, history: &OutOfReach) -> Result<(), WarehouseError> {
        let (doing, before) = ("forgetting prod's history", history.before);
        self.transaction(doing, |warehouse| {
            let promotions = format!("DELETE FROM vmesh_state.promotions WHERE generation < {before};\n");
            let moved = format!("DELETE FROM vmesh_state.moved WHERE generation <= {before};\n");
            warehouse.run(doing, &(promotions + &moved))?;
            warehouse.write_moved(before, &history.moved)
        })
    }

    fn bytes(&self, tables: &BTreeSet<TableName>) -> Result<BTreeMap<TableName, u64>, WarehouseError> {
        let doing = "measuring tables";
        let block: i64 = self.one(doing, "SELECT block_size FROM pragma_database_size()")?;
        let kinds = self.kinds()?;
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

impl Database {
    /// Drops tables of the physical layer with their records, whoever points at them. To be called within a transaction.
    pub(super) fn forget(&self, tables: &[TableName]) -> Result<(), WarehouseError> {
        let doing = "dropping snapshots";
        let kinds = self.kinds()?;
        let drop = |table: &TableName| match kinds.get(&table.name) {
            Some(kind) => format!("DROP {kind} IF EXISTS {};\n{}", table.quoted(), forget(table)),
            None => forget(table),
        };
        // clones go first: they would get rows of their own from what goes
        let (views, tables): (Vec<&TableName>, Vec<_>) =
            tables.iter().partition(|table| kinds.get(&table.name) == Some(&"VIEW"));
        self.run(doing, &views.into_iter().map(drop).collect::<String>())?;
        tables.iter().try_for_each(|table| self.make_room(table))?;
        self.run(doing, &tables.into_iter().map(drop).collect::<String>())
    }

    /// What each object of the physical layer is: `TABLE` or `VIEW`.
    fn kinds(&self) -> Result<BTreeMap<String, &'static str>, WarehouseError> {
        let doing = "reading the physical layer";
        let list = |function: &str, column: &str| {
            let sql = format!(
                "SELECT {column} FROM {function}() \
                 WHERE database_name = current_database() AND schema_name = '{SNAPSHOTS_SCHEMA}'"
            );
            self.all(doing, &sql, |row| row.get::<_, String>(0))
        };
        let tables = list("duckdb_tables", "table_name")?.into_iter().map(|name| (name, "TABLE"));
        let views = list("duckdb_views", "view_name")?.into_iter().map(|name| (name, "VIEW"));
        Ok(tables.chain(views).collect())
    }
}

/// The statements that take a table off the record.
fn forget(table: &TableName) -> String {
    let name = literal(&table.name);
    format!(
        "DELETE FROM vmesh_state.snapshots WHERE table_name = {name}; \
         DELETE FROM vmesh_state.tables WHERE table_name = {name};\n"
    )
}
