//! The second implementation of the engine's traits: DuckDB, with a fault at one of its calls.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::adapter::engine::{
    Ask, AuditFailure, Build, Collect, Difference, Engine, ExportFormat, Location, Publication, Publish, Records,
    Referee, Restated, Roles, Rows, Statements, Tables, Trial, Waiting, Warehouse, WarehouseError, Wrong, WrongRows,
};
use crate::domain::environment::{Column, OutOfReach, PastBuild, PhysicalTable, Preview, Scope, State};
use crate::domain::fingerprint::Fingerprint;
use crate::domain::model::{Comments, Run};
use crate::domain::name::{BranchName, EnvName, ModelName, SchemaPattern, TableName};

type Answer<T> = Result<T, WarehouseError>;

/// What goes wrong with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// It fails, and nothing was done.
    FailsBefore,
    /// It fails, though all was done.
    FailsAfter,
    /// The process ends, and nothing was done.
    EndsBefore,
    /// The process ends when all was done.
    EndsAfter,
}

impl Fault {
    pub(super) const ALL: [Self; 4] = [Self::FailsBefore, Self::EndsAfter, Self::FailsAfter, Self::EndsBefore];

    /// Whether it ends the process.
    pub(super) fn ends(self) -> bool {
        matches!(self, Self::EndsBefore | Self::EndsAfter)
    }
}

/// Counts calls, and lets one go wrong.
#[derive(Clone)]
pub(super) struct Faults {
    /// How many calls there were.
    calls: Arc<AtomicUsize>,
    /// The call that goes wrong, from 0, and how.
    at: Option<(usize, Fault)>,
}

impl Faults {
    pub(super) fn new(at: Option<(usize, Fault)>) -> Self {
        Self { calls: Arc::default(), at }
    }

    /// How many calls there were.
    pub(super) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    fn call<T>(&self, call: impl FnOnce() -> Answer<T>) -> Answer<T> {
        let number = self.calls.fetch_add(1, Ordering::SeqCst);
        let fault = self.at.filter(|(at, _)| *at == number).map(|(_, fault)| fault);
        let broken = || WarehouseError::Engine { doing: format!("call {number}"), message: "a fault".to_owned() };
        match fault {
            None => call(),
            Some(Fault::FailsBefore) => Err(broken()),
            Some(Fault::FailsAfter) => call().and_then(|_| Err(broken())),
            Some(Fault::EndsBefore) => std::process::abort(),
            Some(Fault::EndsAfter) => {
                let _done = call();
                std::process::abort()
            }
        }
    }
}

/// An engine with a fault.
pub(super) struct FaultyEngine {
    pub(super) engine: &'static dyn Engine,
    pub(super) faults: Faults,
}

/// What it opens.
struct FaultyWarehouse {
    warehouse: Box<dyn Warehouse>,
    faults: Faults,
}

impl FaultyEngine {
    fn opened(&self, warehouse: Box<dyn Warehouse>) -> Box<dyn Warehouse> {
        Box::new(FaultyWarehouse { warehouse, faults: self.faults.clone() })
    }
}

impl Engine for FaultyEngine {
    fn exists(&self, location: &Location) -> bool {
        self.engine.exists(location)
    }

    fn read(&self, location: &Location, waiting: Waiting<'_>) -> Answer<Option<Box<dyn Warehouse>>> {
        Ok(self.faults.call(|| self.engine.read(location, waiting))?.map(|warehouse| self.opened(warehouse)))
    }

    fn write(&self, location: &Location, waiting: Waiting<'_>) -> Answer<Box<dyn Warehouse>> {
        Ok(self.opened(self.faults.call(|| self.engine.write(location, waiting))?))
    }

    fn stamp(&self, location: &Location) -> Vec<(u64, u128)> {
        self.engine.stamp(location)
    }

    fn test(&self, trial: &Trial, location: &Location) -> Answer<Vec<Difference>> {
        self.faults.call(|| self.engine.test(trial, location))
    }

    fn results(&self, trial: &Trial, location: &Location) -> Answer<Vec<Rows>> {
        self.faults.call(|| self.engine.results(trial, location))
    }

    fn referee(&self) -> Box<dyn Referee> {
        self.engine.referee()
    }
}

/// A trait of the warehouse, each of whose calls may go wrong.
macro_rules! faulty {
    ($trait:ident { $($name:ident($($given:ident: $type:ty),*) -> $answer:ty;)* }) => {
        impl $trait for FaultyWarehouse {
            $(fn $name(&self, $($given: $type),*) -> Answer<$answer> {
                self.faults.call(|| self.warehouse.$name($($given),*))
            })*
        }
    };
}

faulty!(Records {
    state(scope: &Scope) -> State;
    comments(hashes: &BTreeMap<ModelName, String>) -> BTreeMap<ModelName, Comments>;
    put_on_record(table: &PhysicalTable) -> ();
    remember(builds: &[PastBuild]) -> ();
    past_builds() -> Vec<PastBuild>;
    stand_for(version: &Fingerprint, table: &TableName) -> ();
});

faulty!(Publish {
    publish(publication: &Publication<'_>, mark: &dyn Fn(&str)) -> u64;
    check_free(places: &BTreeMap<ModelName, TableName>) -> ();
});

faulty!(Collect {
    remove_environments(environments: &[(EnvName, u64)], pattern: SchemaPattern) -> Vec<EnvName>;
    drop_snapshots(tables: &[TableName]) -> Vec<TableName>;
    keep_preview(preview: &Preview) -> ();
    forget_previews(branches: &[BranchName]) -> ();
    forget_history(history: &OutOfReach) -> ();
});

faulty!(WrongRows {
    keep_wrong(wrong: &Wrong, failure: &AuditFailure) -> TableName;
    wrong() -> Vec<(TableName, Option<Wrong>)>;
    forget_wrong(tables: &[TableName]) -> ();
});

faulty!(Ask {
    describe(doing: &str, query: &str) -> Vec<Column>;
    rows(doing: &str, query: &str, limit: Option<usize>) -> Rows;
    export(query: &str, format: ExportFormat) -> Vec<u8>;
});

faulty!(Statements {
    together(statements: &[Run]) -> ();
    hidden(macros: &[String]) -> Option<String>;
});

faulty!(Roles {
    could_write(role: &str, views: &[TableName]) -> Vec<String>;
});

impl Tables for FaultyWarehouse {
    fn build(&self, build: &Build, at: i64) -> Answer<PhysicalTable> {
        self.faults.call(|| self.warehouse.build(build, at))
    }

    fn refill(&self, build: &Build, table: &PhysicalTable, at: i64) -> Answer<PhysicalTable> {
        self.faults.call(|| self.warehouse.refill(build, table, at))
    }

    fn restate(
        &self,
        tables: &[Restated<'_>],
        dropped: &[TableName],
        told: &mut dyn FnMut(usize, Option<Duration>),
    ) -> Answer<()> {
        self.faults.call(|| self.warehouse.restate(tables, dropped, told))
    }

    fn columns(&self, table: &TableName) -> Answer<Vec<Column>> {
        self.faults.call(|| self.warehouse.columns(table))
    }

    fn bytes(&self, tables: &BTreeSet<TableName>) -> Answer<BTreeMap<TableName, u64>> {
        self.faults.call(|| self.warehouse.bytes(tables))
    }

    fn another_session(&self) -> Answer<Box<dyn Warehouse>> {
        let warehouse = self.faults.call(|| self.warehouse.another_session())?;
        Ok(Box::new(Self { warehouse, faults: self.faults.clone() }))
    }
}

impl Warehouse for FaultyWarehouse {}
