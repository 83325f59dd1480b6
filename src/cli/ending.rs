//! Ending before the time: Ctrl-C, and hooks whose git is gone. What runs is asked to stop; what doesn't hear it in time,
//! such as a parser or one long call within the engine, ends with the process. That harms nothing: what is written is
//! written in transactions and in one step, as if the process had been killed.

use std::time::Duration;

use super::error;
use crate::adapter::engine::{Interrupt, WarehouseError};
use crate::adapter::process;

/// How long what runs may take to come to its end: rolling back, telling.
const GRACE: Duration = Duration::from_millis(700);
/// How often a hook looks for its git.
const LOOK: Duration = Duration::from_millis(200);

/// Ends at Ctrl-C and at a termination signal. `quietly` is for what ends in no other way: it has nothing to tell.
pub(super) fn at_ctrl_c(interrupt: &Interrupt, quietly: bool) {
    let interrupt = interrupt.clone();
    // without the handler Ctrl-C ends the process at once, which the warehouse survives, too
    let _ = ctrlc::set_handler(move || {
        if interrupt.is_requested() {
            leave(&interrupt, quietly);
        }
        interrupt.request();
        let asked = interrupt.clone();
        std::thread::spawn(move || end(&asked, quietly));
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
        end(&interrupt, false);
    });
}

fn end(interrupt: &Interrupt, quietly: bool) {
    interrupt.request();
    std::thread::sleep(GRACE);
    leave(interrupt, quietly);
}

fn leave(interrupt: &Interrupt, quietly: bool) -> ! {
    if !quietly {
        error::print(&WarehouseError::Interrupted.into());
    }
    interrupt.clear_up();
    std::process::exit(i32::from(error::INTERRUPTED));
}
