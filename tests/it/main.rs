//! One binary for all integration tests: real git, real DuckDB, the real vmesh.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "a test fails by panicking")]

mod support;

mod story;
mod reuse;
mod hooks;
mod crash;
mod concurrency;
mod errors;
mod restate;
mod reading;
mod architecture;
