//! Why a model is built, or isn't.

use serde::{Deserialize, Serialize};

use super::super::environment::{PhysicalTable, State};
use super::super::model::{KindWord, Statement};
use super::super::name::{EnvName, ModelName};
use super::super::project::{Model, Project};

/// Why a model is built, or isn't.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    /// No version of it was there before.
    New,
    /// Its query means something else.
    QueryChanged,
    /// It is materialized differently.
    KindChanged {
        /// The kind before.
        from: KindWord,
        /// The kind now.
        to: KindWord,
    },
    /// The statements around its query say something else.
    StatementsChanged,
    /// The rows of its CSV file changed.
    SeedChanged,
    /// Declared columns or physical properties changed.
    PropertiesChanged,
    /// These parents changed.
    UpstreamChanged(Vec<ModelName>),
    /// It is on record, and its table is gone.
    TableLost,
    /// Its file is the same, and macros, variables or what `before_all` makes make something else of it.
    MacrosChanged,
    /// It is as in base, and was never built.
    NeverBuilt,
    /// Spans of time have to be filled.
    Missing,
    /// The rows that it was built from, or went on from, have changed since.
    Outdated,
    /// It is due, and a rollback would show the table that stands for it: the branch gets one of its own.
    Apart,
    /// A snapshot with this fingerprint exists.
    Built,
    /// It takes nothing of what changed in these models above.
    Unaffected(Vec<ModelName>),
    /// What is above it changed, and gives the very rows that an earlier version was built from.
    SameRows,
    /// The table of this model holds just what its own would.
    SameAs(ModelName),
    /// It is inlined into its consumers.
    Inlined,
    /// The source tree has no such model any more.
    Gone,
    /// The model is gone, and no other model goes on from the history that it kept.
    HistoryEnds,
}

/// The version of a model that an environment shows.
pub(super) fn shown<'s>(model: &Model, state: &'s State, env: &EnvName) -> Option<&'s PhysicalTable> {
    state.tables.get(&state.pointer(env, &model.name)?.table)
}

/// Why a model has to be built that never was.
pub(super) fn why(
    model: &Model,
    before: Option<&Model>,
    base: Option<&Project>,
    shown: Option<&PhysicalTable>,
) -> Reason {
    let Some(before) = before else { return Reason::New };
    let canonical = |model: &Model| model.file.query.as_ref().map(|query| query.canonical);
    let statements = |model: &Model| model.file.statements.iter().map(Statement::meaning).collect::<Vec<_>>();
    if before.kind.word() != model.kind.word() {
        Reason::KindChanged { from: before.kind.word(), to: model.kind.word() }
    } else if canonical(before) != canonical(model) {
        let written = |model: &Model| model.file.expanded.as_ref().map(|expanded| expanded.written);
        let is_same_file = written(model).is_some() && written(model) == written(before);
        if is_same_file { Reason::MacrosChanged } else { Reason::QueryChanged }
    } else if statements(before) != statements(model) {
        Reason::StatementsChanged
    } else if before.seed != model.seed {
        Reason::SeedChanged
    } else if before.own != model.own {
        Reason::PropertiesChanged
    } else if before.fingerprint != model.fingerprint {
        let parents = model.parents.iter().filter(|(name, fingerprint)| {
            base.and_then(|base| base.model(name)).map(|parent| &parent.fingerprint) != Some(*fingerprint)
        });
        Reason::UpstreamChanged(parents.map(|(name, _)| name.clone()).collect())
    } else if shown.is_some_and(|shown| shown.own != model.own) {
        // the files are those of base: what the environment shows was made of them with other settings
        Reason::MacrosChanged
    } else {
        Reason::NeverBuilt
    }
}
