//! From files to models: what reads, expands and checks a source tree, and remembers what it has parsed.

use std::cell::{Cell, OnceCell, RefCell};
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
    /// Whether what is found out of files is left for later, or to nobody.
    is_passing: Cell<bool>,
    /// The engine's parser, which has the last word on what a text is.
    pub(super) referee: Box<dyn Referee>,
    /// The commit whose `before_all` counts, where that is not main's newest.
    pub(super) main_as_of: RefCell<Option<CommitId>>,
}

impl Loader {
    pub(super) fn new(workspace: Workspace, referee: Box<dyn Referee>) -> Self {
        Self {
            workspace,
            parsed: OnceCell::new(),
            lineages: OnceCell::new(),
            is_passing: Cell::new(false),
            referee,
            main_as_of: RefCell::default(),
        }
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

    /// Keeps what was found out of files for the next time.
    pub(super) fn keep_caches(&self) {
        if !self.is_passing.get() {
            self.parsed().borrow().store(&self.shared().models());
            cache::store_lineages(&self.shared().lineages(), self.lineages());
        }
    }

    /// Loads trees of the past: thousands of them, of which only the parsed files are kept, once.
    pub(super) fn without_caching<T>(&self, work: impl FnOnce() -> T) -> T {
        let before = self.is_passing.replace(true);
        let done = work();
        self.is_passing.set(before);
        self.parsed().borrow().store(&self.shared().models());
        done
    }

    /// The cache of lineages, read when it is first needed.
    pub(super) fn lineages(&self) -> &Lineages {
        self.lineages.get_or_init(|| cache::load_versioned(&self.shared().lineages()).unwrap_or_default())
    }
}
