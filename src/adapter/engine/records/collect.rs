//! Dropping snapshots that nothing points at, and measuring what is kept.

use std::collections::{BTreeMap, BTreeSet};

use super::{Ledger, SqlSession};
use crate::adapter::engine::{Collect, WarehouseError, WrongRows};
use crate::domain::environment::{OutOfReach, Preview};
use crate::domain::name::{BranchName, EnvName, SNAPSHOTS_SCHEMA, SchemaPattern, TableName, literal};

impl<S: SqlSession + WrongRows> Collect for S {
    fn remove_environments(
        &self,
        environments: &[(EnvName, u64)],
        pattern: SchemaPattern,
    ) -> Result<Vec<EnvName>, WarehouseError> {
        Ledger(self).transaction("removing environments", |ledger| ledger.remove(self, environments, pattern))
    }

    fn drop_snapshots(&self, tables: &[TableName]) -> Result<Vec<TableName>, WarehouseError> {
        // views that only wait to be dropped keep no table
        let _ = Ledger(self).clear_away();
        let doing = "dropping snapshots";
        Ledger(self).transaction(doing, |ledger| {
            let pointed: BTreeSet<String> = ledger
                .all(
                    doing,
                    "SELECT table_name FROM vmesh_state.pointers UNION SELECT table_name FROM vmesh_state.previews",
                    |row| row.get(0),
                )?
                .into_iter()
                .collect();
            let free: Vec<TableName> = tables.iter().filter(|table| !pointed.contains(&table.name)).cloned().collect();
            ledger.forget(&free)?;
            ledger.run(
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
        Ledger(self).transaction(doing, |ledger| ledger.run(doing, &statements))
    }

    fn forget_previews(&self, branches: &[BranchName]) -> Result<(), WarehouseError> {
        let forget = |branch: &BranchName| {
            format!("DELETE FROM vmesh_state.previews WHERE branch = {};\n", literal(branch.as_str()))
        };
        Ledger(self).run("forgetting merges", &branches.iter().map(forget).collect::<String>())
    }

    fn forget_history(&self, history: &OutOfReach) -> Result<(), WarehouseError> {
        let (doing, before) = ("forgetting prod's history", history.before);
        Ledger(self).transaction(doing, |ledger| {
            let promotions = format!("DELETE FROM vmesh_state.promotions WHERE generation < {before};\n");
            let moved = format!("DELETE FROM vmesh_state.moved WHERE generation <= {before};\n");
            ledger.run(doing, &(promotions + &moved))?;
            ledger.write_moved(before, &history.moved)
        })
    }
}

impl Ledger<'_> {
    /// Drops tables of the physical layer with their records, whoever points at them. To be called within a transaction.
    pub(in super::super) fn forget(&self, tables: &[TableName]) -> Result<(), WarehouseError> {
        let doing = "dropping snapshots";
        let kinds = self.kinds()?;
        let of = |kind: &str| tables.iter().filter(|it| kinds.get(&it.name) == Some(&kind)).collect::<Vec<_>>();
        // clones that go as well shall get no rows of their own from what goes
        self.run(doing, &tables.iter().map(forget).collect::<String>())?;
        self.0.drop_physical(doing, "VIEW", &of("VIEW"))?;
        tables.iter().try_for_each(|table| self.detach_clones(table))?;
        self.0.drop_physical(doing, "TABLE", &of("TABLE"))
    }

    /// What each object of the physical layer is: `TABLE` or `VIEW`.
    pub(in super::super) fn kinds(&self) -> Result<BTreeMap<String, &'static str>, WarehouseError> {
        let schema = BTreeSet::from([SNAPSHOTS_SCHEMA.to_owned()]);
        let kind = |is_view| if is_view { "VIEW" } else { "TABLE" };
        let relations = self.0.relations(Some(&schema), None)?.into_iter();
        Ok(relations.map(|it| (it.place.name, kind(it.is_view))).collect())
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
