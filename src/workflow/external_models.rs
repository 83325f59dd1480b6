//! Writing `external_models.yaml`: the tables that models read and no model makes, with their columns as the warehouse has
//! them.

use std::collections::BTreeMap;

use super::error::{Error, io};
use super::session::Session;
use super::tree::SourceTree;
use crate::adapter::engine::{Ask, WarehouseError};
use crate::adapter::text_file;
use crate::domain::external;
use crate::domain::name::quote;
use crate::domain::project::Project;

/// What became of the file.
#[derive(Debug)]
pub struct Written {
    /// The tables that it tells of.
    pub tables: Vec<String>,
    /// Tables that models read and that are not there, or can't be read: the file says of them what it said before.
    pub absent: Vec<String>,
    /// Whether it says something else than before.
    pub changed: bool,
}

impl Session<'_> {
    /// Writes the file anew: what it said of tables that nobody reads goes.
    pub fn write_external_models(&self) -> Result<Written, Error> {
        let Some(folder) = &self.folder else {
            let git_dir = self.repository.git_dir().to_owned();
            return Err(crate::adapter::git::GitError::NoWorkingTree { git_dir }.into());
        };
        let tree = self.tree(&SourceTree::Working)?;
        // a warehouse in which nothing of vmesh's is yet has tables, too
        let warehouse = self.read_warehouse()?.map_or_else(|| self.write_warehouse(), Ok)?;
        let (mut told, mut absent) = (BTreeMap::new(), Vec::new());
        for parts in outside(&tree.project).into_values() {
            match columns(&*warehouse, &parts)? {
                Some(columns) => _ = told.insert(parts, columns),
                None => {
                    absent.push(parts.join("."));
                    // what cannot be read now is still what it was
                    let known = tree.project.externals().get(&parts).map(|external| external.columns.clone());
                    told.extend(known.filter(|columns| !columns.is_empty()).map(|columns| (parts, columns)));
                }
            }
        }
        let file = folder.join(external::FILE);
        let write = || text_file::write(&file, &external::written(&told)).map_err(io("write", &file));
        // where nothing is read from elsewhere, nobody needs a file that says so
        let changed = (!told.is_empty() || file.exists()) && write()?;
        Ok(Written { tables: told.into_keys().map(|parts| parts.join(".")).collect(), absent, changed })
    }
}

/// The tables that models read and no model makes, by name in lower case.
fn outside(project: &Project) -> BTreeMap<String, Vec<String>> {
    let reads = project.models().flat_map(|model| model.outside().into_iter().map(|(read, _)| read.parts.clone()));
    reads.map(|parts| (parts.join(".").to_lowercase(), parts)).collect()
}

/// The columns of a table and their types; none if it can't be read.
pub(super) fn columns(
    warehouse: &(impl Ask + ?Sized),
    parts: &[String],
) -> Result<Option<Vec<(String, String)>>, WarehouseError> {
    let table = parts.iter().map(|part| quote(part)).collect::<Vec<_>>().join(".");
    let sql = format!("SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM {table})");
    match warehouse.rows("reading columns", &sql, None) {
        Ok(rows) => Ok(Some(rows.rows.into_iter().filter_map(pair).collect())),
        Err(WarehouseError::Engine { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

fn pair(row: Vec<Option<String>>) -> Option<(String, String)> {
    let [name, kind] = <[Option<String>; 2]>::try_from(row).ok()?;
    name.zip(kind)
}
