//! One binary for all integration tests: real git, real DuckDB, the real vmesh.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "a test fails by panicking")]
#![allow(clippy::print_stderr, reason = "a long run says how far it is")]

mod support;

mod architecture;
mod around_all;
mod attacks;
mod audits;
mod background;
mod blueprints;
mod bounds;
mod builtin_audits;
mod columns;
mod comments;
mod concurrency;
mod crash;
mod digits;
mod errors;
mod events;
mod filters;
mod fmt;
mod forward_only;
mod history;
mod hooks;
mod incremental;
mod links;
mod lint;
mod macros;
mod meanings;
mod merged;
mod names;
mod owners;
mod place;
mod policy;
mod projects;
mod reading;
mod restate;
mod reuse;
mod seal;
mod seeds;
mod server;
mod settings;
mod soundness;
mod splits;
mod standalone;
mod statements;
mod story;
mod stress;
mod table_diff;
mod team;
mod times;
mod unit_tests;
mod waiting;
mod watch;
mod whereabouts;
mod wrong_rows;
