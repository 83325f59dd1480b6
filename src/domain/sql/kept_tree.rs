//! A query's tree, kept from its analysis until its lineage is asked for, so that no text is parsed twice.

use std::collections::HashSet;
use std::fmt;
use std::sync::Mutex;

use sqlparser::ast;

use super::lineage::Formulas;
use super::reads::Sources;

/// A normalized tree, and what is known of the names in it.
pub(super) struct Tree {
    /// Without the expressions of columns that have names of their own.
    pub(super) query: Box<ast::Query>,
    pub(super) formulas: Formulas,
    pub(super) sources: Sources,
    /// Names that casts get, in lower case.
    pub(super) labels: HashSet<String>,
}

impl Tree {
    pub(super) fn new(mut query: Box<ast::Query>, sources: Sources, labels: HashSet<String>) -> Self {
        let formulas = Formulas::take_out(&mut query);
        Self { query, formulas, sources, labels }
    }
}

/// A tree that is taken once, if it is there: trees are large. It says nothing that the text doesn't, so that it is neither
/// compared nor copied nor stored.
#[derive(Default)]
pub(super) struct KeptTree(Mutex<Option<Tree>>);

impl KeptTree {
    pub(super) fn new(tree: Tree) -> Self {
        Self(Mutex::new(Some(tree)))
    }

    pub(super) fn take(&self) -> Option<Tree> {
        self.0.lock().ok()?.take()
    }
}

impl Clone for KeptTree {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for KeptTree {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for KeptTree {}

impl fmt::Debug for KeptTree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeptTree")
    }
}
