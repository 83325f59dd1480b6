//! Unit tests of models, in SQLMesh's YAML: given rows of the parents, expected rows of the model.
//!
//! [`parse`] reads a file; [`fixture`] makes the SQL of given rows, [`Comparison`] the SQL that compares, and
//! [`NewTest`] writes a test. Running them is the caller's business.

mod clock;
mod compare;
mod csv;
mod data;
mod outline;
mod rows;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;
mod write;

use std::sync::Arc;

pub use self::clock::{asks_the_time, freeze, names_in};
pub use self::compare::{Actual, Comparison, TIMES};
pub use self::csv::{CsvSettings, csv_rows};
pub use self::data::yaml_rows;
pub use self::rows::{columns_of, cut_short, fixture};
pub use self::write::{NewInput, NewTest, value_of};
use super::diagnostic::{Diagnostic, Problem};
use super::name::ModelName;
use super::sql::Span;
pub use super::yaml::Value;
pub use super::yaml::scalar::plain;

/// One row: columns as spelled, and their values. Columns that are missing are NULL.
pub type Row = Vec<(String, Value)>;

/// One test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitTest {
    /// Its name: the key in the file.
    pub name: String,
    /// Where the name stands.
    pub span: Span,
    /// The model that is tested.
    pub model: ModelName,
    /// Where the model is named.
    pub model_span: Span,
    /// A sentence for people.
    pub description: Option<String>,
    /// The schema that the fixtures are to be in.
    pub schema: Option<String>,
    /// The gateway to run on: kept, and without effect.
    pub gateway: Option<String>,
    /// Values of variables.
    pub vars: Vars,
    /// The rows of the parents.
    pub inputs: Vec<Input>,
    /// What the named CTEs must give.
    pub ctes: Vec<(String, Expected)>,
    /// What the model's query must give.
    pub query: Option<Expected>,
}

/// The variables of a test.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Vars {
    /// The start of the interval.
    pub start: Option<String>,
    /// The end of the interval.
    pub end: Option<String>,
    /// What the clock says: also the value of CURRENT_DATE, CURRENT_TIMESTAMP and their like.
    pub execution_time: Option<String>,
    /// All others, names in lower case.
    pub others: Vec<(String, Value)>,
}

/// The rows of one parent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// The parent.
    pub model: ModelName,
    /// Where it is named.
    pub span: Span,
    /// Types given in the test.
    pub columns: Vec<(String, String)>,
    /// The rows.
    pub data: Data,
}

/// The rows that a query must give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// Where the rows are.
    pub span: Span,
    /// Whether only the columns that are named count.
    pub partial: bool,
    /// The rows.
    pub data: Data,
}

/// Rows, or where they come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// Rows in the test itself.
    Rows(Vec<Row>),
    /// The rows that a query gives.
    Query(String),
    /// The rows of a CSV file: [`csv_rows`] reads its text.
    CsvFile(String, CsvSettings),
    /// The rows of a YAML file: [`yaml_rows`] reads its text.
    YamlFile(String),
}

/// Reads a file of tests. `path` is only for the messages.
pub fn parse(path: &str, text: &str) -> Result<Vec<UnitTest>, Vec<Diagnostic>> {
    outline::tests(text).map_err(|problems| {
        let text: Arc<str> = Arc::from(text);
        problems.into_iter().map(|problem| problem.in_file(path, &text)).collect()
    })
}

fn problem(what: impl Into<String>, span: Span) -> Problem {
    Problem { what: what.into(), span, help: None }
}

fn helped(what: impl Into<String>, span: Span, help: impl Into<String>) -> Problem {
    Problem { what: what.into(), span, help: Some(help.into()) }
}
