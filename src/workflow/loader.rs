//! From files to models: what reads, expands and checks a source tree, and remembers what it has parsed.

use std::cell::{OnceCell, RefCell};
use std::ops::{Deref, DerefMut};

use super::workspace::Workspace;
use crate::adapter::cache::{self, ParsedFiles};
use crate::adapter::engine::Referee;
use crate::adapter::git::CommitId;
use crate::domain::project::Lineages;

/// A workspace whose trees can be loaded.
pub struct Loader {
    /// Where the files are.
    pub(super) workspace: Workspace,
    pub(super) parsed: OnceCell<RefCell<ParsedFiles>>,
    lineages: OnceCell<Lineages>,
    /// The engine's parser, which has the last word on what a text is.
    pub(super) referee: Box<dyn Referee>,
    /// The commit whose `before_all` counts, where that is not main's newest.
    pub(super) main_as_of: RefCell<Option<CommitId>>,
}

impl Loader {
    pub(super) fn new(workspace: Workspace, referee: Box<dyn Referee>) -> Self {
        Self { workspace, parsed: OnceCell::new(), lineages: OnceCell::new(), referee, main_as_of: RefCell::default() }
    }
}

impl Deref for Loader {
    type Target = Workspace;

    fn deref(&self) -> &Workspace {
        &self.workspace
    }
}

impl DerefMut for Loader {
    fn deref_mut(&mut self) -> &mut Workspace {
        &mut self.workspace
    }
}

impl Loader {
    /// The cache of parsed files, read when it is first needed: a hook with nothing to do never needs it.
    pub(super) fn parsed(&self) -> &RefCell<ParsedFiles> {
        self.parsed.get_or_init(|| RefCell::new(ParsedFiles::load(&self.shared().models())))
    }

    /// The cache of lineages, read when it is first needed.
    pub(super) fn lineages(&self) -> &Lineages {
        self.lineages.get_or_init(|| cache::load_lineages(&self.shared().lineages()))
    }
}
