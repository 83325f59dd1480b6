//! Putting versions aside that a new table takes the place of: what a rollback shows stays as it was.

use super::{Warehouse, WarehouseError};
use crate::domain::environment::Snapshot;

impl Warehouse {
    /// Gives versions another fingerprint, with all that points at them: their tables stay, and a table that is made for
    /// the old one is another.
    pub fn archive(&self, versions: &[&Snapshot]) -> Result<(), WarehouseError> {
        let doing = "putting versions aside";
        self.transaction(doing, |warehouse| {
            for version in versions {
                let key = version.fingerprint.archived(version.made_at);
                let (old, new) = (version.fingerprint.hex(), key.hex());
                warehouse.run(
                    doing,
                    &format!(
                        "DELETE FROM vmesh_state.snapshots WHERE fingerprint = '{old}'; \
                         UPDATE vmesh_state.pointers SET fingerprint = '{new}' WHERE fingerprint = '{old}'; \
                         UPDATE vmesh_state.promotions SET pointers = replace(pointers, '{old}', '{new}') \
                         WHERE contains(pointers, '{old}');"
                    ),
                )?;
                let archived = Some(version.archived.unwrap_or(version.fingerprint));
                warehouse.record(&Snapshot { fingerprint: key, archived, ..(*version).clone() })?;
            }
            Ok(())
        })
    }
}
