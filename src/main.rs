//! Hands the arguments to the face, and its verdict to the shell.

use std::process::ExitCode;

fn main() -> ExitCode {
    vmesh::cli::main()
}
