//! Where unit tests run: a session of the server's, over views that it alone has.

use super::connection::Connection;
use super::error;
use crate::adapter::engine::trial::TestBed;
use crate::adapter::engine::{Ask, ExportFormat, Location, Rows, WarehouseError};
use crate::domain::engine_kind::EngineKind;
use crate::domain::environment::Column;
use crate::domain::model::Run;
use crate::domain::name::{TableName, quote};

const DOING: &str = "running a unit test";

/// The session.
pub(super) struct Scratch(Connection);

impl Scratch {
    pub(super) fn open(location: &Location) -> Result<Self, WarehouseError> {
        let connection = Connection::open(location)?;
        connection.limit(location.limits.seconds);
        Ok(Self(connection))
    }
}

/// The same text with the names that views of a session have: no schema stands in front of them.
fn own(text: &str) -> String {
    text.replace(&format!("{}.", quote(EngineKind::Spark.temporary())), "")
}

impl Ask for Scratch {
    fn describe(&self, doing: &str, query: &str) -> Result<Vec<Column>, WarehouseError> {
        self.0.describe(doing, &own(query))
    }

    fn rows(&self, doing: &str, query: &str, limit: Option<usize>) -> Result<Rows, WarehouseError> {
        self.0.ask(doing, &own(query), limit)
    }

    fn vet(&self, _doing: &str, query: &str) -> Result<(), WarehouseError> {
        super::query::vet(query)
    }

    fn export(&self, _query: &str, _format: ExportFormat) -> Result<Vec<u8>, WarehouseError> {
        Err(error::not_yet("exports of unit tests"))
    }
}

impl TestBed for Scratch {
    fn engine(&self) -> EngineKind {
        EngineKind::Spark
    }

    fn make(&self, table: &TableName, select: &str) -> Result<(), WarehouseError> {
        self.0.run(DOING, &own(&format!("CREATE OR REPLACE TEMP VIEW {} AS\n{select}", table.quoted())))
    }

    fn set_up(&self, _statement: &Run) -> Result<(), WarehouseError> {
        Err(error::not_yet("statements around a query"))
    }
}
