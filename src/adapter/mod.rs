//! THE OUTSIDE. Each room hides one crate and speaks in domain values.

pub mod bell;
pub mod cache;
pub mod engine;
pub mod git;
pub mod hooks;
pub mod local;
pub mod local_server;
pub mod parallel;
pub mod process;
pub mod source_files;
pub mod text_file;
pub mod watcher;
