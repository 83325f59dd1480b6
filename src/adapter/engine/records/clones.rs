//! Shallow clones: a table that turned out to have the very rows of another is a view of it, until one of the two is filled
//! anew or goes. Then it gets rows of its own, in the same transaction, so that no environment ever shows rows of another
//! text.

use super::Ledger;
use crate::adapter::engine::{Build, WarehouseError};
use crate::domain::environment::Contents;
use crate::domain::name::{TableName, literal};

impl Ledger<'_> {
    /// Makes a table a clone of another; `false` where that has other rows by now. To be called within a transaction.
    pub(in super::super) fn make_clone(&self, table: &TableName, of: &Contents) -> Result<bool, WarehouseError> {
        let original = TableName::physical(of.0.clone());
        if self.on_record(&original)?.is_none_or(|original| original.contents() != *of) {
            return Ok(false);
        }
        self.make_room(table)?;
        // whoever fills the original at the same time writes its record as well: one of the two fails
        let touch = format!(
            "UPDATE vmesh_state.tables SET revision = revision WHERE table_name = {};\n",
            literal(&original.name)
        );
        let (table, original) = (table.quoted(), original.quoted());
        let make = format!("DROP TABLE IF EXISTS {table};\nCREATE VIEW {table} AS SELECT * FROM {original};\n");
        self.run("making a clone", &(touch + &make)).map(|()| true)
    }

    /// Beside what the rows of a clone were read that nobody builds for it: what the original was filled beside, for all that
    /// can be told long ago. None: what prod shows has the very rows.
    pub(in super::super) fn beside_of_clone(
        &self,
        build: &Build,
        of: &Contents,
    ) -> Result<Option<Contents>, WarehouseError> {
        let Some(beside) = &build.beside else { return Ok(None) };
        if self.on_record(beside)?.is_some_and(|shown| shown.contents() == *of) {
            return Ok(None);
        }
        let original = self.on_record(&TableName::physical(of.0.clone()))?;
        Ok(original.and_then(|original| original.inputs.beside).or(Some((beside.name.clone(), 0))))
    }

    /// Makes room for other rows in a table's place: its clones get rows of their own, and if it is a clone itself, its
    /// view goes. To be called within a transaction.
    pub(in super::super) fn make_room(&self, table: &TableName) -> Result<(), WarehouseError> {
        let doing = "detaching a clone";
        let clones = format!("position({} IN inputs) > 0", literal(&format!("\"clone_of\":[\"{}\"", table.name)));
        for mut clone in self.tables(&clones)?.into_values() {
            let (name, rows) = (clone.table.quoted(), table.quoted());
            self.run(doing, &format!("DROP VIEW {name};\nCREATE TABLE {name} AS SELECT * FROM {rows};\n"))?;
            clone.inputs.clone_of = None;
            self.record(&clone)?;
        }
        let is_clone = self.on_record(table)?.is_some_and(|known| known.inputs.clone_of.is_some());
        if is_clone { self.run(doing, &format!("DROP VIEW IF EXISTS {}", table.quoted())) } else { Ok(()) }
    }
}
