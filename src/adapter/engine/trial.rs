//! Unit tests of models, ready to be run, and what they find.

use super::Rows;
use crate::domain::model::Around;
use crate::domain::name::TableName;
use crate::domain::unit_test::Expected;

/// A model's unit test, ready to be run.
#[derive(Debug, Clone)]
pub struct Trial {
    /// Statements of main's that make macros.
    pub macros: Vec<String>,
    /// The tables that the queries read, and the query that each is made from.
    pub tables: Vec<(TableName, String)>,
    /// The statements that the model's query needs.
    pub setup: Around,
    /// What is compared.
    pub checks: Vec<Check>,
}

/// A query, and the rows that it must give.
#[derive(Debug, Clone)]
pub struct Check {
    /// What it is: `query`, or the name of a CTE.
    pub what: String,
    /// The query.
    pub select: String,
    /// What it must give: rows or a query, files read already.
    pub expected: Expected,
}

/// How a query's rows differ from those that were expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What was compared.
    pub what: String,
    /// The expected columns that it does not have; if there are any, no rows were compared.
    pub unknown: Vec<String>,
    /// How many expected rows are missing, and some of them, each led by how often.
    pub missing: (u64, Rows),
    /// How many rows nobody expected, and some of them.
    pub unexpected: (u64, Rows),
}
