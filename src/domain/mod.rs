//! THE NOUNS. Pure: no file, clock, environment variable, database, git or terminal.

pub mod audit;
pub mod calendar;
pub mod config;
pub mod csv;
pub mod diagnostic;
pub mod engine_message;
pub mod environment;
pub mod evolution;
pub mod external;
pub mod fingerprint;
pub mod format;
pub mod graph;
pub mod interval;
pub mod json_text;
pub mod limits;
pub mod lint;
pub mod macros;
pub mod model;
pub mod name;
pub mod pattern;
pub mod plan;
pub mod project;
pub mod sql;
pub mod table_diff;
pub mod types;
pub mod unit_test;
mod yaml;
