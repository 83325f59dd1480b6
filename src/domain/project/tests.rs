//! Tests of a whole project.
