//! What happens while vmesh works, as values: the face tells it, tests collect it.

use std::time::Duration;

use super::build::Cutoff;
use crate::adapter::engine::{Holder, Warning};
use crate::domain::diagnostic::Diagnostic;
use crate::domain::name::ModelName;

/// One thing that happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// Another process has the warehouse; vmesh waits.
    Waiting {
        /// Who, if the engine says.
        holder: Option<Holder>,
    },
    /// A build begins.
    Building(Begun),
    /// A build is over, whatever came of it.
    Ended(ModelName),
    /// A build is done and on record.
    Built {
        /// The model.
        model: ModelName,
        /// How long it took.
        took: Duration,
        /// How many rows it has now; none of a view.
        rows: Option<u64>,
    },
    /// What was built has the same rows as before, and what is below need not be built.
    SameRows(Cutoff),
    /// Rows are not as they should be, and nothing is stopped by it.
    Warning {
        /// The model; none of a standalone audit.
        model: Option<ModelName>,
        /// What it is.
        audit: Warning,
        /// How many rows.
        count: u64,
    },
    /// Something is wrong that stops nothing.
    Problem(Diagnostic),
    /// The environment moved while vmesh was building; it plans again.
    PlanningAgain,
    /// A named moment, for tests that stop the process there.
    Moment(String),
}

/// A build that begins.
#[derive(Debug, Clone)]
pub struct Begun {
    /// The model.
    pub model: ModelName,
    /// Which build of the plan this is, from 1.
    pub index: usize,
    /// How many there are.
    pub total: usize,
    /// How long it will take, if earlier builds tell.
    pub expected: Option<Duration>,
    /// How long this and those that have not begun will take together, if earlier builds of each of them tell.
    pub left: Option<Duration>,
}

/// Who listens.
pub trait Report {
    /// Takes one event.
    fn report(&self, event: &Event);
}
