//! One binary for all integration tests: real git, real DuckDB, the real vmesh.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "a test fails by panicking")]

mod support;

mod architecture;
mod audits;
mod background;
mod blueprints;
mod builtin_audits;
mod concurrency;
mod crash;
mod errors;
mod events;
mod forward_only;
mod history;
mod hooks;
mod incremental;
mod macros;
mod merged;
mod names;
mod owners;
mod reading;
mod restate;
mod reuse;
mod server;
mod soundness;
mod standalone;
mod story;
mod stress;
mod table_diff;
mod team;
mod unit_tests;
mod watch;
