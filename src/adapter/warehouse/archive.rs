//! Putting versions aside that a new table takes the place of: what a rollback shows stays as it was.

use super::{Warehouse, WarehouseError};
use crate::domain::environment::Snapshot;

impl Warehouse {
    /// Gives versions another fingerprint, with all that points at them, was built on them or goes on from them: their
    /// tables stay, and a table that is made for the old one is another.
    pub fn archive(&self, versions: &[&Snapshot]) -> Result<(), WarehouseError> {
        let doing = "putting versions aside";
        self.transaction(doing, |warehouse| {
            let key = |version: &Snapshot| version.fingerprint.archived(version.made_at);
            for version in versions {
                let old = version.fingerprint.hex();
                warehouse.run(doing, &format!("DELETE FROM vmesh_state.snapshots WHERE fingerprint = '{old}'"))?;
                let archived = Some(version.archived.unwrap_or(version.fingerprint));
                warehouse.record(&Snapshot { fingerprint: key(version), archived, ..(*version).clone() })?;
            }
            for version in versions {
                let (old, new) = (version.fingerprint.hex(), key(version).hex());
                let replaced = |table: &str, column: &str| {
                    format!(
                        "UPDATE vmesh_state.{table} SET {column} = replace({column}, '{old}', '{new}') \
                         WHERE contains({column}, '{old}'); "
                    )
                };
                let all = [
                    ("pointers", "fingerprint"),
                    ("promotions", "pointers"),
                    ("snapshots", "parents"),
                    ("snapshots", "continues"),
                ];
                warehouse.run(doing, &all.map(|(table, column)| replaced(table, column)).concat())?;
            }
            Ok(())
        })
    }
}
