//! What a shell completes: names of models, branches and environments.

use std::collections::BTreeSet;

use clap_complete::engine::CompletionCandidate;

use super::here;
use super::render::event::Teller;
use crate::adapter::engine::Interrupt;
use crate::workflow::error::Error;
use crate::workflow::session::Session;
use crate::workflow::tree::SourceTree;

/// The models of the files at hand.
pub(super) fn models() -> Vec<CompletionCandidate> {
    candidates(|session| {
        let tree = session.tree(&SourceTree::Working)?;
        Ok(tree.project.models().map(|model| model.name.to_string()).collect())
    })
}

/// Branches, and the environments that they have.
pub(super) fn environments() -> Vec<CompletionCandidate> {
    candidates(|session| {
        let branches = session.repository.branches()?.into_iter().map(|(branch, _)| branch);
        let names = branches.flat_map(|branch| [branch.to_string(), session.config.environment(&branch).to_string()]);
        Ok(names.collect())
    })
}

/// Names that a session knows; none where there is no project, or its files are in no order.
fn candidates(of: impl Fn(&Session<'_>) -> Result<BTreeSet<String>, Error>) -> Vec<CompletionCandidate> {
    let (teller, interrupt) = (Teller::quiet(), Interrupt::default());
    let session = here().and_then(|here| Session::open(&here, &teller, &interrupt));
    let names = session.and_then(|session| of(&session)).unwrap_or_default();
    names.into_iter().map(CompletionCandidate::new).collect()
}
