//! Clones: a table that turned out to have the very rows of another is a view of it, until one of the two is filled anew or
//! goes. Then it gets rows of its own, in the same transaction, so that no environment ever shows rows of another text. Where a
//! view that is replaced keeps its readers waiting, a clone has rows of its own from the beginning, and is one on record alone.

use super::{Clones, Ledger};
use crate::adapter::engine::{Build, WarehouseError};
use crate::domain::environment::{Contents, PhysicalTable};
use crate::domain::name::{TableName, literal};

impl Ledger<'_> {
    /// Makes a build's table the clone that it is to be; none where it is to be none, or the other has other rows by now. To be
    /// called within a transaction.
    pub(in super::super) fn cloned<'b>(&self, build: &'b Build) -> Result<Option<&'b Contents>, WarehouseError> {
        match &build.clone_of {
            Some(of) if self.has_still(of)? => {
                self.put_clone(&build.table, of)?;
                Ok(Some(of))
            }
            _ => Ok(None),
        }
    }

    /// Makes a table that has the very rows of another a clone of it; `false` where that has others by now. To be called within
    /// a transaction.
    pub(in super::super) fn make_clone(&self, table: &TableName, of: &Contents) -> Result<bool, WarehouseError> {
        let is_same = self.has_still(of)?;
        if is_same && self.0.caps().clones != Clones::Copies {
            self.put_clone(table, of)?;
        }
        Ok(is_same)
    }

    /// Whether a table has still these rows; if so, nobody fills it until the transaction has ended.
    fn has_still(&self, of: &Contents) -> Result<bool, WarehouseError> {
        let original = TableName::physical(of.0.clone());
        if self.on_record(&original)?.is_none_or(|original| original.contents() != *of) {
            return Ok(false);
        }
        // whoever fills the original at the same time writes its record as well: one of the two fails
        let touch = format!(
            "UPDATE vmesh_state.tables SET revision = revision WHERE table_name = {};\n",
            literal(&original.name)
        );
        self.run("making a clone", &touch).map(|()| true)
    }

    fn put_clone(&self, table: &TableName, of: &Contents) -> Result<(), WarehouseError> {
        self.detach_clones(table)?;
        let kind = if self.0.caps().clones == Clones::Copies { "TABLE" } else { "VIEW" };
        let original = TableName::physical(of.0.clone());
        self.0.put_in_place("making a clone", kind, table, &original)
    }

    /// What is on record of a table that was made a clone. Beside what its rows were read nobody builds for it: what the
    /// original was filled beside, for all that can be told long ago. None: what prod shows has the very rows.
    pub(in super::super) fn record_of_clone(
        &self,
        mut built: PhysicalTable,
        build: &Build,
        of: &Contents,
    ) -> Result<PhysicalTable, WarehouseError> {
        built.inputs.clone_of = Some(of.clone());
        let Some(beside) = &build.beside else { return Ok(built) };
        if self.on_record(beside)?.is_some_and(|shown| shown.contents() == *of) {
            return Ok(built);
        }
        let original = self.on_record(&TableName::physical(of.0.clone()))?;
        built.inputs.beside = original.and_then(|original| original.inputs.beside).or(Some((beside.name.clone(), 0)));
        Ok(built)
    }

    /// Gives the clones of a table rows of their own: it gets others. To be called within a transaction.
    pub(in super::super) fn detach_clones(&self, table: &TableName) -> Result<(), WarehouseError> {
        let clones = format!("position({} IN inputs) > 0", literal(&format!("\"clone_of\":[\"{}\"", table.name)));
        for mut clone in self.tables(&clones)?.into_values() {
            if self.0.caps().clones == Clones::Views {
                self.0.put_in_place("detaching a clone", "TABLE", &clone.table, table)?;
            }
            clone.inputs.clone_of = None;
            self.record(&clone)?;
        }
        Ok(())
    }
}
