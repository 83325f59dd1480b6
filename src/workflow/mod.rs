//! THE VERBS. What happens, in which order; speaks in events, knows no terminal.

pub mod apply;
mod catch_up;
pub mod compare;
mod crew;
pub mod doctor;
pub mod error;
pub mod event;
mod expand;
pub mod gc;
pub mod lineage;
pub mod merged;
pub mod ownership;
pub mod planning;
pub mod promote;
pub mod query;
pub mod queue;
pub mod received;
pub mod restate;
pub mod run;
pub mod scaffold;
pub mod session;
pub mod settle;
pub mod shown;
pub mod tree;
pub mod watch;
pub mod worker;
