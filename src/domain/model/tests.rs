//! Tests of one model file.
