//! Keeping environments in step with Git's branches while nobody types a command: hooks ring, requests wait in a queue,
//! one process at a time works them off.

pub mod catch_up;
pub mod failure;
mod input_stamp;
mod progress;
pub mod push;
pub mod queue;
pub mod reconcile;
pub mod seal;
mod supervised;
pub mod watch;
pub mod worker;
