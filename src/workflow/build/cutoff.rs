//! Changes that end where rows turn out to be the same: what was built has the very rows of what it replaces, so that
//! nothing below it has to be built on its account.

use std::collections::BTreeSet;

use super::{Job, Work};
use crate::adapter::engine::Warehouse;
use crate::domain::environment::PhysicalTable;
use crate::domain::graph;
use crate::domain::name::ModelName;
use crate::domain::plan::Schedule;
use crate::workflow::event::{Event, Report};

/// Where a change ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cutoff {
    /// The models that were built and have the same rows as before, each with their count; without one, only as far as the
    /// columns tell that are taken below.
    pub same: Vec<(ModelName, Option<u64>)>,
    /// Those below that were to be built.
    pub spared: BTreeSet<ModelName>,
}

impl Work {
    /// Takes down a table that has the same rows as the one that it replaces.
    pub(super) fn found_same(&mut self, table: &PhysicalTable, warehouse: &dyn Warehouse) {
        let sql = format!("SELECT count(*) FROM {}", table.table.quoted());
        let count = || {
            let counted = warehouse.rows("counting rows", &sql, Some(1)).ok()?;
            counted.rows.first()?.first()?.as_ref()?.parse().ok()
        };
        let rows = table.inputs.clone_of.as_ref().and_then(|_| count());
        self.found.same.push((table.model.clone(), rows));
    }

    /// Takes down what is left to be built before the rest is planned again.
    pub(super) fn left_to_build(&mut self, job: Job<'_>, schedule: &Schedule) {
        let waiting = |model: &ModelName| schedule.is_waiting(model);
        self.found.spared = job.plan.builds().map(|step| step.model.clone()).filter(waiting).collect();
    }

    /// Tells what a new plan has less to build, because of what was found to be the same.
    pub(super) fn tell_spared(&mut self, job: Job<'_>, report: &dyn Report) {
        let mut found = std::mem::take(&mut self.found);
        if found.same.is_empty() {
            return;
        }
        job.plan.builds().for_each(|step| _ = found.spared.remove(&step.model));
        // others are not built because a model of the same words has been
        let models = job.prepared.desired.project.models();
        let reads = models.map(|model| (model.name.clone(), model.parents.keys().cloned().collect())).collect();
        let below = graph::below(&reads, found.same.iter().map(|(same, _)| same.clone()));
        found.spared.retain(|model| below.contains(model));
        self.cutoff.same.extend(found.same.iter().cloned());
        self.cutoff.spared.extend(found.spared.iter().cloned());
        report.report(&Event::SameRows(found));
    }
}
