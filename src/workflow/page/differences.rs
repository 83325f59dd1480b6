//! Rows of the models in which an environment differs from prod, and what is in their columns.

use std::collections::{BTreeMap, BTreeSet};

use super::Mark;
use crate::adapter::engine::Rows;
use crate::domain::environment::State;
use crate::domain::name::{EnvName, ModelName};
use crate::workflow::compare::TableDiff;
use crate::workflow::error::Error;
use crate::workflow::session::Session;

/// Rows of samples.
const SAMPLES: usize = 20;

/// The rows of one model, prod's and an environment's.
#[derive(Debug)]
pub struct Difference {
    /// The environment.
    pub environment: EnvName,
    /// The rows.
    pub rows: TableDiff,
    /// Of each side's columns: name, least and largest value, how many different ones there are about, and what share of
    /// them (in percent) is NULL.
    pub columns: [Rows; 2],
}

impl Session<'_> {
    /// Compares the rows of environments with prod's, each by its name or its branch's; an empty name means `own`.
    pub(super) fn all_differences(
        &self,
        names: &[String],
        own: &EnvName,
        marks: &BTreeMap<EnvName, BTreeMap<ModelName, Mark>>,
        state: &State,
    ) -> Result<Vec<Difference>, Error> {
        let mut compared = BTreeSet::new();
        for name in names {
            let environment = match name.as_str() {
                "" => own.clone(),
                name => match self.environment_meant(Some(name), state)? {
                    Some(environment) => environment,
                    None => return Err(self.unknown_environment(name)?),
                },
            };
            if environment.is_prod() && !name.is_empty() {
                return Err(Error::Usage {
                    what: "prod is what others are compared with".to_owned(),
                    help: "--diff=BRANCH, or --diff on the branch".to_owned(),
                });
            }
            compared.insert(environment);
        }
        let mut differences = Vec::new();
        for environment in compared {
            self.keep_open();
            let found = self.differences(&environment, marks.get(&environment).into_iter().flatten(), state);
            self.close();
            differences.extend(found?);
        }
        Ok(differences)
    }

    /// Compares the rows of all models in which an environment shows another table than prod.
    fn differences<'m>(
        &self,
        environment: &EnvName,
        marks: impl Iterator<Item = (&'m ModelName, &'m Mark)>,
        state: &State,
    ) -> Result<Vec<Difference>, Error> {
        let table = |of: &EnvName, model: &ModelName| {
            let pointer = state.pointer(of, model)?;
            state.existing(&pointer.table).map(|table| table.table.clone())
        };
        let mut found = Vec::new();
        for (model, _) in marks {
            let (Some(before), Some(after)) = (table(&EnvName::prod(), model), table(environment, model)) else {
                continue;
            };
            if before == after {
                continue;
            }
            let name = model.to_string();
            let rows = self.table_diff(&name, Some("prod"), Some(environment.as_str()), &[], SAMPLES)?;
            let Some(warehouse) = self.read_warehouse()? else { continue };
            let summary = |table: &crate::domain::name::TableName| {
                let sql = format!(
                    "SELECT column_name, min, max, approx_unique, null_percentage FROM (SUMMARIZE SELECT * FROM {})",
                    table.quoted()
                );
                warehouse.rows("summing up columns", &sql, None)
            };
            let columns = [summary(&before)?, summary(&after)?];
            found.push(Difference { environment: environment.clone(), rows, columns });
        }
        Ok(found)
    }
}
