//! `config.py` of a SQLMesh project, as far as it only says what a `config.yaml` could say.

use super::Config;
use super::blanks::Blanks;
use super::sqlmesh::{Found, read_tree};
use crate::domain::diagnostic::Problem;
use crate::domain::macros;

/// Reads it.
pub(super) fn read(text: &str, environment: &dyn Fn(&str) -> Option<String>) -> Found<Config> {
    let mut blanks = Blanks::default();
    let root = macros::python_settings(text, &mut |name, or_else| blanks.add(name, or_else))?;
    read_tree(text, (&root, blanks), environment)
}

/// The first thing in it that says more.
pub(super) fn unread(text: &str) -> Option<Problem> {
    macros::python_settings(text, &mut |_, _| String::new()).err()
}
