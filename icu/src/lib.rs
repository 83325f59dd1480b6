//! DuckDB's ICU extension: time zones, calendars and collations, as part of the program.

// the crate brings the DuckDB that the extension is registered with
use libduckdb_sys as _;

unsafe extern "C" {
    fn vmesh_register_icu() -> i32;
}

/// Makes the extension part of every database that is opened from now on. To do it again does nothing.
///
/// Tells whether DuckDB took it.
pub fn register() -> bool {
    // SAFETY: the function of `describe.cpp` takes nothing and gives a number; DuckDB registers under a lock of its own.
    unsafe { vmesh_register_icu() == 0 }
}
