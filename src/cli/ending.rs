//! Ending before the time: Ctrl-C, and hooks whose git is gone. What runs is asked to stop; what doesn't hear it in time,
//! such as a parser or one long call within the engine, ends with the process. That harms nothing: what is written is
//! written in transactions and in one step, as if the process had been killed.

use std::time::Duration;

use super::error;
use super::render::progress::Progress;
use crate::adapter::engine::{Interrupt, WarehouseError};
use crate::adapter::process;

/// How long what runs may take to come to its end: rolling back, telling.
const GRACE: Duration = Duration::from_millis(700);
/// How often a hook looks for its git.
const LOOK: Duration = Duration::from_millis(200);

/// What is told at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LastWords {
    /// Nothing, of what ends in no other way.
    None,
    /// That it was ended, of what only reads.
    Interrupted,
    /// And what became of what was built.
    Kept,
}

impl LastWords {
    /// Tells them.
    pub(super) fn tell(self) {
        match self {
            Self::None => {}
            Self::Interrupted => tell!("interrupted"),
            Self::Kept => _ = error::print(&WarehouseError::Interrupted.into()),
        }
    }
}

/// Ends at Ctrl-C and at a termination signal. The line of progress goes before anything is told.
pub(super) fn at_ctrl_c(interrupt: &Interrupt, words: LastWords, progress: Progress) {
    let interrupt = interrupt.clone();
    // without the handler Ctrl-C ends the process at once, which the warehouse survives, too
    let _ = ctrlc::set_handler(move || {
        if interrupt.is_requested() {
            progress.clear();
            leave(&interrupt, words);
        }
        interrupt.request();
        let (asked, progress) = (interrupt.clone(), progress.clone());
        std::thread::spawn(move || end(&asked, words, &progress));
    });
}

/// Ends a hook soon after the git command that called it: nobody waits for it any more.
pub(super) fn with_git(interrupt: &Interrupt) {
    let git = std::env::var("VMESH_GIT_PID").ok().and_then(|pid| pid.parse().ok());
    let Some(git) = git.filter(|git| process::is_running(*git)) else { return };
    let interrupt = interrupt.clone();
    std::thread::spawn(move || {
        while process::is_running(git) {
            std::thread::sleep(LOOK);
        }
        end(&interrupt, LastWords::Kept, &Progress::default());
    });
}

fn end(interrupt: &Interrupt, words: LastWords, progress: &Progress) {
    interrupt.request();
    std::thread::sleep(GRACE);
    progress.clear();
    leave(interrupt, words);
}

fn leave(interrupt: &Interrupt, words: LastWords) -> ! {
    words.tell();
    interrupt.clear_up();
    std::process::exit(i32::from(error::INTERRUPTED));
}
