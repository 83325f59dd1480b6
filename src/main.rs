//! Hands the arguments to the face, and its verdict to the shell.

use std::process::ExitCode;

/// Our own code asks for memory in many small pieces: planning a thousand models from the cache takes a third less with this.
/// DuckDB keeps the system's, with which it is faster where tables are large.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    vmesh::cli::main()
}
